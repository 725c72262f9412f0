//! Server functions know their user by the access token of the call.
#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use doorward_leptos::{NotAuthorized, Policy, RequiredPolicy, ServerUser, authorized};
use doorward_resource_server::{
    ResourceServer,
    axum::{body::Body, response::IntoResponse as _},
    test_util::TestIssuer,
};
use http::{
    StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use leptos::prelude::*;
use leptos_axum::{ResponseOptions, handle_server_fns_with_context};

struct Sales;

impl RequiredPolicy for Sales {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> =
            LazyLock::new(|| [Policy::require_claim("department", "Sales")]);
        &*POLICIES
    }
}

struct Recent;

impl RequiredPolicy for Recent {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> =
            LazyLock::new(|| [Policy::require_recent_sign_in(60)]);
        &*POLICIES
    }
}

/// Runs a future as a server does.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

/// Ends with the refusal.
#[server(endpoint = "close")]
async fn close() -> Result<String, NotAuthorized> {
    authorized::<Sales>().await.map(|_| "closed".to_owned())
}

/// Goes on after a refusal.
#[server(endpoint = "list")]
async fn list() -> Result<String, NotAuthorized> {
    let shown = if authorized::<Sales>().await.is_ok() { "all" } else { "a part" };
    Ok(shown.to_owned())
}

/// Goes on after a refusal, and fails at something else.
#[server(endpoint = "count")]
async fn count() -> Result<String, NotAuthorized> {
    drop(authorized::<Sales>().await);
    Err(NotAuthorized::Failed("the database is away".to_owned()))
}

/// Sets a status of its own for its own failure.
#[server(endpoint = "find")]
async fn find() -> Result<String, NotAuthorized> {
    drop(authorized::<Sales>().await);
    expect_context::<ResponseOptions>().set_status(StatusCode::NOT_FOUND);
    Err(NotAuthorized::Failed("there is no such order".to_owned()))
}

/// Has an error of another type.
#[server(endpoint = "other")]
async fn other() -> Result<String, ServerFnError> {
    authorized::<Sales>().await.map_err(NotAuthorized::answered)?;
    Ok("done".to_owned())
}

#[test]
fn the_refusal_is_the_answer_of_a_function_that_ends_with_it_alone() {
    let issuer = TestIssuer::new("orders");
    let good = issuer.token("alice").claim("department", "Sales").sign();
    let it = issuer.token("alice").claim("department", "IT").sign();
    for (path, token, status, error) in [
        ("close", &*good, 200, None),
        ("close", "made-up", 401, Some("invalid_token")),
        ("close", &*it, 403, None),
        ("list", "made-up", 200, None),
        ("list", &*it, 200, None),
        ("count", "made-up", 500, None),
        ("find", &*good, 404, None),
        ("find", "made-up", 404, None),
        ("other", &*good, 200, None),
        ("other", "made-up", 401, Some("invalid_token")),
    ] {
        let request = http::Request::post(format!("/api/{path}"))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::empty())
            .unwrap();
        let server = issuer.resource_server();
        let context = move || provide_context(server.clone());
        let answer =
            run(async { handle_server_fns_with_context(context, request).await.into_response() });
        let challenges: Vec<_> = answer.headers().get_all(WWW_AUTHENTICATE).iter().collect();
        let has_error =
            |text: &str| challenges.iter().any(|one| one.to_str().unwrap().contains(text));
        assert_eq!(answer.status(), status, "{path} {token}");
        match error {
            Some(error) => assert!(has_error(error), "{path}: {challenges:?}"),
            None => assert!(challenges.is_empty(), "{path}: {challenges:?}"),
        }
        let is_error = answer.headers().contains_key("serverfnerror");
        assert_eq!(is_error, status != 200, "{path}");
    }
}

/// What a server function that asks for `P` gives, and the status and challenge of its answer.
fn called<P: RequiredPolicy>(
    server: ResourceServer,
    authorization: Option<&str>,
) -> (Result<ServerUser, NotAuthorized>, Option<StatusCode>, Option<String>) {
    Owner::new().with(|| {
        let mut request = http::Request::post("/api/close");
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        provide_context(request.body(()).unwrap().into_parts().0);
        provide_context(server);
        let response = ResponseOptions::default();
        provide_context(response.clone());
        let outcome = run(authorized::<P>());
        if let Err(refused) = &outcome {
            // So does the function that ends with it.
            drop(refused.ser());
        }
        let parts = response.0.read().unwrap();
        let challenge = parts.headers.get(WWW_AUTHENTICATE);
        let challenge = challenge.map(|text| text.to_str().unwrap().to_owned());
        (outcome, parts.status, challenge)
    })
}

#[test]
fn the_token_decides_by_the_policy_that_the_function_names() {
    let issuer = TestIssuer::new("orders");
    let server = issuer.resource_server();
    let of = |department: &str| {
        let token = issuer.token("alice").claim("department", department).sign();
        format!("Bearer {token}")
    };
    let (user, status, _) = called::<Sales>(server.clone(), Some(&of("Sales")));
    assert_eq!((user.unwrap().profile["sub"].as_str(), status), (Some("alice"), None));
    let (refused, status, challenge) = called::<Sales>(server.clone(), Some(&of("IT")));
    let reasons = vec!["needs department Sales".to_owned()];
    assert_eq!(refused, Err(NotAuthorized::Denied(reasons)));
    assert_eq!((status, challenge), (Some(StatusCode::FORBIDDEN), None));
    let (refused, status, challenge) = called::<Recent>(server, Some(&of("Sales")));
    assert!(matches!(refused, Err(NotAuthorized::StepUp(_))), "{refused:?}");
    assert_eq!(status, Some(StatusCode::UNAUTHORIZED));
    assert!(challenge.unwrap().contains("error=\"insufficient_user_authentication\""));
}

#[test]
fn without_a_good_token_nobody_is_signed_in() {
    let issuer = TestIssuer::new("orders");
    let foreign = TestIssuer::new("orders").token("alice").sign();
    for (authorization, error) in [
        (None, false),
        (Some("Basic YWxpY2U6YQ==".to_owned()), false),
        (Some("Bearer made-up".to_owned()), true),
        (Some(format!("Bearer {foreign}")), true),
    ] {
        let called = called::<Sales>(issuer.resource_server(), authorization.as_deref());
        let (refused, status, challenge) = called;
        assert_eq!(refused, Err(NotAuthorized::SignedOut), "{authorization:?}");
        assert_eq!(status, Some(StatusCode::UNAUTHORIZED));
        let challenge = challenge.unwrap();
        assert!(challenge.starts_with("Bearer realm=\"orders\""), "{challenge}");
        assert_eq!(challenge.contains("error=\"invalid_token\""), error, "{challenge}");
    }
}

#[test]
fn one_call_may_ask_for_several_policies() {
    let issuer = TestIssuer::new("orders");
    let token = issuer.token("alice").claim("department", "Sales").sign();
    Owner::new().with(|| {
        let request = http::Request::post("/api/close")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .body(());
        provide_context(request.unwrap().into_parts().0);
        provide_context(issuer.resource_server());
        run(async {
            assert!(authorized::<Sales>().await.is_ok());
            assert!(authorized::<Recent>().await.is_err());
            assert!(authorized::<Sales>().await.is_ok());
        });
    });
}

#[test]
fn a_session_counts_where_the_call_carries_no_token() {
    let issuer = TestIssuer::new("orders");
    let token = issuer.token("alice").claim("department", "Sales").sign();
    for (authorization, expected) in [
        (String::new(), Ok("bob")),
        ("Basic YWxpY2U6YQ==".to_owned(), Ok("bob")),
        (format!("Bearer {token}"), Ok("alice")),
        ("bearer made-up".to_owned(), Err(NotAuthorized::SignedOut)),
    ] {
        Owner::new().with(|| {
            let request = http::Request::post("/api/close")
                .header(AUTHORIZATION, &authorization)
                .body(())
                .unwrap();
            provide_context(issuer.resource_server());
            provide_context(request.into_parts().0);
            let claims = [("sub", "bob"), ("department", "Sales")];
            let profile = claims.map(|(name, value)| (name.to_owned(), value.into()));
            provide_context(ServerUser::new(profile.into_iter().collect()));
            let user = run(authorized::<Sales>());
            let sub = user.map(|user| user.profile["sub"].as_str().unwrap_or_default().to_owned());
            assert_eq!(sub, expected.map(str::to_owned), "{authorization:?}");
        });
    }
}
