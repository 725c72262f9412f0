//! Whatever is sent, the provider answers with a refusal: never a 5xx, never a panic, never a
//! redirect to elsewhere.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, Request, StatusCode},
};
use doorward_protocol::params;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::support::{
    Answer, Browser, ISSUER, REDIRECT, World, authorize_url, code_request, refresh_request,
};

const PATHS: [&str; 13] = [
    "/connect/authorize",
    "/connect/token",
    "/connect/userinfo",
    "/connect/revocation",
    "/connect/endsession",
    "/account/login",
    "/account/logout",
    "/consent",
    "/",
    "/.well-known/openid-configuration",
    "/.well-known/openid-configuration/jwks",
    "/assets/x",
    "/nowhere",
];

/// The endpoints that always want something: what is no good request gets a 4xx.
const DEMANDING: [&str; 4] =
    ["/connect/authorize", "/connect/token", "/connect/userinfo", "/connect/revocation"];

/// Runs a property on a runtime of its own. The cases are the same each time.
fn check<S: Strategy>(strategy: &S, mut holds: impl AsyncFnMut(&mut Browser<'_>, S::Value)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let browser = runtime.block_on(Browser::signed_in(&world, "alice"));
    let session = browser.session().unwrap();
    let holds = std::cell::RefCell::new(&mut holds);
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 200, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let outcome = runner.run(strategy, |value| {
        // A refused case must not sign the next one out.
        let mut browser = Browser::new(&world);
        browser.set_cookie("doorward.session", &session);
        runtime.block_on((holds.borrow_mut())(&mut browser, value));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// No server error, and a redirect only to this provider or to the registered address.
#[track_caller]
fn assert_sound(answer: &Answer) {
    assert!(!answer.status.is_server_error(), "{answer:?}");
    if answer.status.is_redirection() && answer.status != StatusCode::NOT_MODIFIED {
        let target = url::Url::parse(ISSUER).unwrap().join(answer.location()).unwrap();
        let is_here =
            target.origin().ascii_serialization() == ISSUER && answer.location().starts_with('/');
        let is_registered = answer.location().split(['?', '#']).next() == Some(REDIRECT);
        assert!(is_here || is_registered, "{answer:?}");
    }
}

/// A refusal: a 4xx, or an error sent to the client.
#[track_caller]
fn assert_refused(answer: &Answer) {
    assert_sound(answer);
    let is_error_redirect =
        answer.status == StatusCode::SEE_OTHER && answer.redirect_param("error").is_some();
    assert!(answer.status.is_client_error() || is_error_redirect, "{answer:?}");
}

#[test]
fn random_bytes_in_a_body_are_refused() {
    let strategy = (proptest::sample::select(&PATHS[..]), vec(any::<u8>(), 0..400), any::<bool>());
    check(&strategy, async |browser, (path, body, as_form)| {
        let content_type =
            if as_form { "application/x-www-form-urlencoded" } else { "application/octet-stream" };
        let request =
            Request::post(path).header("content-type", content_type).header("origin", ISSUER);
        let answer = browser.send(request.body(Body::from(body)).unwrap()).await;
        assert_sound(&answer);
        if DEMANDING.contains(&path) {
            assert_refused(&answer);
        }
    });
}

#[test]
fn random_queries_and_methods_are_refused() {
    let methods = [
        Method::GET,
        Method::POST,
        Method::HEAD,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
    ];
    let query = "([a-z_]{1,12}=)?([!-~&&[^#<>\"\\\\^`{|}]]|%[0-9a-f]{2}|&){0,200}";
    let strategy =
        (proptest::sample::select(&PATHS[..]), query, proptest::sample::select(methods.to_vec()));
    check(&strategy, async |browser, (path, query, method)| {
        let is_get = method == Method::GET;
        let request = Request::builder()
            .method(method)
            .uri(format!("{path}?{query}"))
            .body(Body::empty())
            .unwrap();
        let answer = browser.send(request).await;
        assert_sound(&answer);
        if DEMANDING.contains(&path) && is_get {
            assert_refused(&answer);
        }
    });
}

#[test]
fn random_headers_are_survived() {
    let names = [
        "authorization",
        "cookie",
        "origin",
        "content-type",
        "if-none-match",
        "sec-fetch-site",
        "x-forwarded-for",
        "access-control-request-method",
        "accept",
        "host",
        "content-length",
    ];
    let value = vec(prop_oneof![Just(b'\t'), 0x20..=0x7E_u8, 0x80..=0xFF_u8], 0..200);
    let header = (proptest::sample::select(names.to_vec()), value);
    let strategy = (proptest::sample::select(&PATHS[..]), vec(header, 0..6), any::<bool>());
    check(&strategy, async |browser, (path, headers, by_post)| {
        let mut request = if by_post { Request::post(path) } else { Request::get(path) }
            .body(Body::from("a=b"))
            .unwrap();
        for (name, value) in headers {
            request
                .headers_mut()
                .append(HeaderName::from_static(name), HeaderValue::from_bytes(&value).unwrap());
        }
        assert_sound(&browser.send(request).await);
    });
}

#[test]
fn authorization_requests_with_one_odd_parameter_lead_nowhere_else() {
    let names = [
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "id_token_hint",
        "login_hint",
        "claims",
        "ui_locales",
        "acr_values",
        "display",
        "resource",
    ];
    let value = prop_oneof![
        ".{1,60}",
        "[\\[\\]{}\":,a-z0-9]{1,40}",
        "(none|login|consent|openid|code| ){1,4}",
        "\\PC{300,400}"
    ];
    check(
        &(proptest::sample::select(names.to_vec()), value, any::<bool>()),
        async |browser, (name, value, by_post)| {
            let url = authorize_url(&[(name, &value)]);
            let answer = if by_post {
                let (path, query) = url.split_once('?').unwrap();
                let request =
                    Request::post(path).header("content-type", "application/x-www-form-urlencoded");
                browser.send(request.body(Body::from(query.to_owned())).unwrap()).await
            } else {
                browser.get(&url).await
            };
            assert_sound(&answer);
        },
    );
}

#[test]
fn token_requests_with_one_odd_parameter_are_refused() {
    let names = [
        "grant_type",
        "client_id",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "scope",
        "client_secret",
        "client_assertion",
    ];
    let strategy = (proptest::sample::select(names.to_vec()), ".{1,80}", any::<bool>());
    check(&strategy, async |browser, (name, value, refresh)| {
        let request = if refresh { refresh_request("unknown") } else { code_request("unknown") };
        let changed = crate::support::changed(request, &[(name, &value)]);
        let pairs: Vec<(&str, &str)> =
            changed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_refused(&browser.post("/connect/token", &pairs).await);
    });
}

#[test]
fn forms_of_the_pages_with_odd_fields_are_refused() {
    let names = [
        "username",
        "password",
        "return_url",
        "form_token",
        "action",
        "scope",
        "remember_consent",
        "id_token_hint",
        "client_id",
        "post_logout_redirect_uri",
        "state",
    ];
    let field = (
        proptest::sample::select(names.to_vec()),
        prop_oneof![".{0,60}", "/connect/authorize\\?.{0,60}"],
    );
    let path = proptest::sample::select(&["/account/login", "/account/logout", "/consent"][..]);
    check(&(path, vec(field, 0..8), any::<bool>()), async |browser, (path, fields, genuine)| {
        let token = browser.login_page(None).await.value("form_token").unwrap().to_owned();
        let mut pairs: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if genuine {
            pairs.retain(|(name, _)| *name != "form_token");
            pairs.push(("form_token", &token));
        }
        assert_sound(&browser.post(path, &pairs).await);
    });
}

#[tokio::test]
async fn huge_values_are_refused() {
    let world = World::new().await;
    let huge = "x".repeat(60_000);
    for path in PATHS {
        let url = format!("{path}?state={huge}&redirect_uri={huge}")
            .chars()
            .take(65_000)
            .collect::<String>();
        assert_sound(&world.get(&url).await);
        assert_sound(
            &world
                .post(
                    path,
                    &[("code", &huge), ("token", &huge), ("username", &huge), ("password", &huge)],
                )
                .await,
        );
        let nested = "[".repeat(20_000);
        assert_sound(
            &world.get(&format!("{path}?{}", params::encode([("claims", nested.as_str())]))).await,
        );
    }
    let deep = format!("{}{}", "{\"a\":".repeat(600), "1");
    let answer = world.get(&authorize_url(&[("claims", &deep)])).await;
    answer.expect_redirect_error(REDIRECT, "invalid_request");
}
