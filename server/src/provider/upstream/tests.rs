#![allow(clippy::unwrap_used)]
use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{Html, IntoResponse as _},
    routing::{get, post},
};
use doorward_provider::use_case::upstream::{BegunRequest, UpstreamRequest};
use serde_json::json;
use test_ports::ReservedPort;
use tokio::net::TcpListener;

use super::*;
use crate::config::load_for_tests;

const CALLBACK: &str = "http://localhost:6001/account/external/other/callback";

/// Serves another provider; gives its issuer.
async fn serve(made: impl FnOnce(&str) -> Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let router = made(&issuer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    issuer
}

fn client_of(issuer: &str, preset: &str) -> Arc<dyn UpstreamClient> {
    client_named("doorward", issuer, preset)
}

/// The same with this identifier there.
fn client_named(client_id: &str, issuer: &str, preset: &str) -> Arc<dyn UpstreamClient> {
    let text = format!(
        "[[identity_providers]]\nname = \"other\"\npreset = \"{preset}\"\nissuer = \"{issuer}\"\n\
         client_id = \"{client_id}\"\nclient_secret = \"secret\"\n"
    );
    let mut config = load_for_tests(&text);
    client(config.provider.upstream.remove(0), &Requests::of_operator(&[])).unwrap()
}

async fn finish(client: &dyn UpstreamClient) -> Result<UpstreamUser, UpstreamError> {
    finish_with(client, "").await
}

/// The same with these parameters behind the response.
async fn finish_with(
    client: &dyn UpstreamClient,
    further: &str,
) -> Result<UpstreamUser, UpstreamError> {
    let begun = client.begin(UpstreamRequest::default()).await?;
    let BegunRequest { state, pending, .. } = begun;
    let url = format!("{CALLBACK}?code=c&state={state}{further}");
    Ok(client.finish(state, pending, url).await?.user)
}

/// Discovery, and this token endpoint.
fn with_token_endpoint(issuer: &str, named: &str, token: axum::routing::MethodRouter) -> Router {
    let metadata = json!({
        "issuer": named,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
    });
    Router::new()
        .route("/.well-known/openid-configuration", get(|| async { Json(metadata) }))
        .route("/jwks", get(|| async { Json(json!({"keys": []})) }))
        .route("/token", token)
}

#[tokio::test]
async fn who_signs_in_again_must_be_said_to_have() {
    let token = || post(|| async { StatusCode::NOT_FOUND });
    let issuer = serve(|issuer| with_token_endpoint(issuer, issuer, token())).await;
    let again = UpstreamRequest { again: true, ..UpstreamRequest::default() };
    for (max_age, sent) in [(None, "max_age=300"), (Some(60), "max_age=60"), (Some(9000), "300")] {
        let request = UpstreamRequest { max_age, ..again.clone() };
        let url = client_of(&issuer, "generic").begin(request).await.unwrap().url;
        assert!(url.contains("prompt=login") && url.contains(sent), "{url}");
    }
    let plain = client_of(&issuer, "generic").begin(UpstreamRequest::default()).await.unwrap().url;
    assert!(!plain.contains("prompt=") && !plain.contains("max_age="), "{plain}");
    let refused = client_of(&issuer, "github").begin(again).await.err();
    assert!(matches!(refused, Some(UpstreamError::TooOld(_))), "{refused:?}");
}

/// Discovery alone, with these values of `prompt`.
fn with_prompts(issuer: &str, prompts: &[&str]) -> Router {
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "prompt_values_supported": prompts,
    });
    Router::new().route("/.well-known/openid-configuration", get(|| async { Json(metadata) }))
}

#[tokio::test]
async fn an_account_is_chosen_where_the_provider_knows_that() {
    let all: &[&str] = &["none", "login", "consent", "select_account"];
    let (some, none): (&[&str], &[&str]) = (&["none", "login", "consent"], &[]);
    for (preset, prompts, expected) in [
        ("generic", all, "select_account consent"),
        ("generic", some, "consent login"),
        ("generic", none, "login"),
        ("google", none, "select_account consent"),
        ("google", some, "consent login"),
        ("github", none, "select_account"),
    ] {
        let issuer = serve(|issuer| with_prompts(issuer, prompts)).await;
        let request =
            UpstreamRequest { select_account: true, consent: true, ..UpstreamRequest::default() };
        let begun = client_of(&issuer, preset).begin(request).await.unwrap();
        let url = url::Url::parse(&begun.url).unwrap();
        let sent = |name: &str| url.query_pairs().find(|(own, _)| own == name);
        let prompt = sent("prompt").map(|(_, value)| value.into_owned());
        assert_eq!(prompt.as_deref(), Some(expected), "{preset} {prompts:?}");
        assert!(sent("max_age").is_none(), "nothing fresh was asked for: {url}");
    }
}

#[tokio::test]
async fn what_is_no_answer_of_a_provider_is_told_by_its_kind() {
    // Nobody is there.
    let nobody = ReservedPort::new();
    let gone = finish(&*client_of(&format!("http://{}", nobody.address()), "generic")).await;
    assert!(matches!(gone, Err(UpstreamError::Unavailable(_))), "{gone:?}");

    let html = || post(|| async { Html("<h1>It works</h1>") });
    let issuer = serve(|issuer| with_token_endpoint(issuer, issuer, html())).await;
    let odd = finish(&*client_of(&issuer, "generic")).await;
    assert!(matches!(odd, Err(UpstreamError::NotAccepted(_))), "{odd:?}");

    let another = serve(|issuer| with_token_endpoint(issuer, "https://evil.example", html())).await;
    let another = finish(&*client_of(&another, "generic")).await;
    let cause = another.unwrap_err().to_string();
    assert!(cause.contains("calls itself https://evil.example"), "{cause}");

    let unauthorized = || {
        post(|| async {
            (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response()
        })
    };
    let issuer = serve(|issuer| with_token_endpoint(issuer, issuer, unauthorized())).await;
    let cause = finish(&*client_of(&issuer, "generic")).await.unwrap_err().to_string();
    assert!(cause.contains("invalid_client"), "{cause}");

    // No ID token, and one that nobody's key has signed.
    for id_token in [json!(null), json!("eyJhbGciOiJSUzI1NiJ9.e30.AAAA"), json!("x".repeat(10_000))]
    {
        let tokens = json!({"access_token": "a", "token_type": "Bearer", "id_token": id_token});
        let endpoint = post(|| async { Json(tokens) });
        let issuer = serve(|issuer| with_token_endpoint(issuer, issuer, endpoint)).await;
        let refused = finish(&*client_of(&issuer, "generic")).await;
        assert!(matches!(refused, Err(UpstreamError::NotAccepted(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn an_error_of_the_provider_is_told_from_a_user_who_cancelled() {
    let endpoint = post(|| async { Html("") });
    let issuer = serve(|issuer| with_token_endpoint(issuer, issuer, endpoint)).await;
    let client = client_of(&issuer, "generic");
    let answer = async |error: &str| {
        let BegunRequest { state, pending, .. } =
            client.begin(UpstreamRequest::default()).await.unwrap();
        let description = "x".repeat(5_000);
        let query = format!("error={error}&error_description={description}&state={state}");
        client.finish(state, pending, format!("{CALLBACK}?{query}")).await.unwrap_err()
    };
    let cancelled = answer("access_denied").await;
    assert!(matches!(cancelled, UpstreamError::Denied(_)), "{cancelled:?}");
    assert!(cancelled.to_string().len() < 600, "the log has a part of it");
    let down = answer("temporarily_unavailable").await;
    assert!(matches!(down, UpstreamError::Unavailable(_)), "{down:?}");
    let wrong = answer("invalid_scope").await;
    assert!(matches!(wrong, UpstreamError::NotAccepted(_)), "{wrong:?}");
}

#[test]
fn who_is_not_said_to_have_signed_in_lately_has_not() {
    let failure =
        |error: IdTokenError| super::failure(RelyingPartyError::Protocol(Box::new(error.into())));
    for error in [IdTokenError::TooOld(400), IdTokenError::Claim("auth_time")] {
        let told = failure(error);
        assert!(matches!(told, UpstreamError::TooOld(_)), "{told:?}");
    }
    let told = failure(IdTokenError::Claim("sub"));
    assert!(matches!(told, UpstreamError::NotAccepted(_)), "{told:?}");
}

fn github(emails: serde_json::Value) -> Router {
    let tokens = json!({"access_token": "t", "token_type": "bearer", "scope": "user:email"});
    let user = json!({"id": 583_231, "login": "octocat", "name": "The Octocat", "extra": 1});
    let is_asked_rightly = |headers: &HeaderMap| {
        headers[AUTHORIZATION] == "Bearer t" && headers.contains_key("user-agent")
    };
    Router::new()
        .route("/login/oauth/access_token", post(|| async { Json(tokens) }))
        .route(
            "/api/v3/user",
            get(move |headers: HeaderMap| async move {
                assert!(is_asked_rightly(&headers));
                Json(user)
            }),
        )
        .route("/api/v3/user/emails", get(|| async { Json(emails) }))
}

fn address(email: &str, primary: bool, verified: bool) -> serde_json::Value {
    json!({"email": email, "primary": primary, "verified": verified})
}

#[tokio::test]
async fn a_user_of_github_is_a_number_and_has_a_verified_address_or_none() {
    let other = address("other@example.com", false, true);
    for (emails, expected) in [
        (json!([other, address("cat@example.com", true, true)]), Some("cat@example.com")),
        (json!([other, address("cat@example.com", true, false)]), None),
        (json!([]), None),
    ] {
        let issuer = serve(|_| github(emails)).await;
        let client = client_of(&issuer, "github");
        let begun = client.begin(UpstreamRequest::default()).await.unwrap();
        assert!(begun.url.starts_with(&format!("{issuer}/login/oauth/authorize?")));
        let user = finish(&*client).await.unwrap();
        assert_eq!((&*user.issuer, &*user.sub), (&*issuer, "583231"));
        assert_eq!(user.claims["preferred_username"], "octocat");
        assert_eq!(user.claims.get("email").and_then(|email| email.as_str()), expected);
        assert_eq!(user.says_verified(), expected.is_some());
    }
    let issuer = serve(|_| github(json!({"message": "Requires authentication"}))).await;
    let refused = finish(&*client_of(&issuer, "github")).await;
    assert!(matches!(refused, Err(UpstreamError::NotAccepted(_))), "{refused:?}");
}

/// The settings may change while the user is there.
#[tokio::test]
async fn a_sign_in_finishes_with_the_client_and_at_the_provider_of_its_beginning() {
    let issuer = serve(|_| github(json!([]))).await;
    let another = serve(|_| github(json!([]))).await;
    for (client_id, at, finishes) in
        [("doorward", &issuer, true), ("other", &issuer, false), ("doorward", &another, false)]
    {
        let first = client_of(&issuer, "github");
        let begun = first.begin(UpstreamRequest::default()).await.unwrap();
        let BegunRequest { state, pending, .. } = begun;
        let url = format!("{CALLBACK}?code=c&state={state}");
        let finished = client_named(client_id, at, "github").finish(state, pending, url).await;
        assert_eq!(finished.is_ok(), finishes, "{finished:?}");
        if let Err(error) = finished {
            let cause = error.to_string();
            assert!(cause.contains("was made with another"), "{cause}");
        }
    }
}

/// RFC 9207. GitHub writes `iss` so, and its users stay those of the server's address.
#[tokio::test]
async fn a_response_of_github_may_say_that_it_is_githubs() {
    let server = serve(|_| github(json!([]))).await;
    let client = client_of(&server, "github");
    let user = finish_with(&*client, &format!("&iss={server}/login/oauth")).await.unwrap();
    assert_eq!((&*user.issuer, &*user.sub), (&*server, "583231"));
    for other in [&*server, "https://github.com/login/oauth", "https://evil.example/login/oauth"] {
        let refused = finish_with(&*client, &format!("&iss={other}")).await;
        assert!(matches!(refused, Err(UpstreamError::NotAccepted(_))), "{other}: {refused:?}");
    }
}

#[test]
fn github_calls_itself_otherwise_than_its_users_are_kept() {
    let config = load_for_tests(
        "[[identity_providers]]\nname = \"github\"\npreset = \"github\"\n\
         client_id = \"doorward\"\nclient_secret = \"secret\"\n",
    );
    let metadata = config.provider.upstream[0].settings.metadata.as_ref().unwrap();
    assert_eq!(metadata.issuer, "https://github.com/login/oauth");
    let endpoint = metadata.authorization_endpoint.as_deref();
    assert_eq!(endpoint, Some("https://github.com/login/oauth/authorize"));
    assert_eq!(config.provider.settings.identity_providers[0].issuer, "https://github.com");
}

#[test]
fn an_address_and_its_verification_come_from_one_source() {
    let map = |value: serde_json::Value| value.as_object().cloned().unwrap();
    let address = || json!({"email": "victim@example.com"});
    let verified = || json!({"email_verified": true});
    let both = || json!({"email": "own@example.com", "email_verified": true});
    // What the client has merged, and what is in the ID token.
    for (merged, signed, expected) in [
        (both(), both(), both()),
        (both(), json!({}), both()),
        (json!({"email": "victim@example.com", "email_verified": true}), address(), address()),
        (both(), verified(), json!({"email": "own@example.com"})),
        (both(), address(), address()),
    ] {
        assert_eq!(claims(map(merged), &map(signed.clone())), map(expected), "{signed}");
    }
}

fn reading(subject_claim: &str) -> Reading {
    Reading {
        tenants: Vec::new(),
        verified_as_text: false,
        subject_claim: subject_claim.to_owned(),
        scim_claim: None,
    }
}

#[test]
fn who_it_is_comes_from_the_id_token_alone() {
    let map = |value: serde_json::Value| value.as_object().cloned().unwrap();
    let signed = map(json!({"iss": "https://a.example", "sub": "pairwise", "tid": "t-1"}));
    let with_oid = |signed: &Map<String, serde_json::Value>| {
        let mut signed = signed.clone();
        signed.insert("oid".to_owned(), "object-1".into());
        signed
    };
    let by_object = Reading { tenants: vec!["t-1".to_owned()], ..reading("oid") };
    assert_eq!(by_object.user(Map::new(), &with_oid(&signed)).unwrap().sub, "object-1");
    assert_eq!(reading("sub").user(Map::new(), &with_oid(&signed)).unwrap().sub, "pairwise");
    // Userinfo is signed by nobody.
    let userinfo = map(json!({"oid": "of-somebody-else"}));
    let refused = by_object.user(userinfo.clone(), &signed).unwrap_err().to_string();
    assert!(refused.contains("it has no oid"), "{refused}");
    let scim_claim = Some("oid".to_owned());
    let for_scim = Reading { scim_claim, ..reading("sub") };
    assert_eq!(for_scim.user(userinfo, &signed).unwrap().provisioned_as, None);
    let named = for_scim.user(Map::new(), &with_oid(&signed)).unwrap();
    assert_eq!(named.provisioned_as.as_deref(), Some("object-1"));
    let other = Reading { tenants: vec!["t-2".to_owned()], ..reading("oid") };
    assert!(other.user(Map::new(), &with_oid(&signed)).is_err(), "another tenant");
}

#[test]
fn a_logout_token_names_users_as_they_are_known() {
    let (sub, sid) = (|| Some("1".to_owned()), Some("s".to_owned()));
    assert_eq!(reading("sub").subject_of_logout(sub(), None).unwrap(), sub());
    assert_eq!(reading("oid").subject_of_logout(sub(), sid.as_ref()).unwrap(), None);
    assert!(reading("oid").subject_of_logout(sub(), None).is_err());
}

#[test]
fn apple_alone_writes_that_an_address_is_verified_as_a_text() {
    let map = |value: serde_json::Value| value.as_object().cloned().unwrap();
    let apple = Reading { verified_as_text: true, ..reading("sub") };
    for (verified, by_apple, by_others) in [
        (json!("true"), true, false),
        (json!(true), true, true),
        (json!("false"), false, false),
        (json!("yes"), false, false),
    ] {
        let signed = map(json!({"iss": "https://a.example", "sub": "1", "email": "a@example.com",
            "email_verified": verified}));
        let says = |reading: &Reading| reading.user(Map::new(), &signed).unwrap().says_verified();
        assert_eq!(says(&apple), by_apple, "{verified}");
        assert_eq!(says(&reading("sub")), by_others, "{verified}");
    }
}

#[tokio::test]
async fn an_endless_answer_of_github_is_not_read_to_its_end() {
    let endless = json!([{"email": "x".repeat(2 << 20), "primary": true, "verified": true}]);
    let issuer = serve(|_| github(endless)).await;
    let refused = finish(&*client_of(&issuer, "github")).await;
    assert!(refused.unwrap_err().to_string().contains("too long"));
}
