//! Signed authorization responses (JARM).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, ISSUER, REDIRECT, START, World, authorize_url, changed, claims,
    client_settings, code_request, jose_header,
};

/// The claims of the response in this redirect, which has no other parameter.
fn response(answer: &Answer, start: &str) -> (Value, Value) {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let token = answer.location().strip_prefix(&format!("{REDIRECT}{start}response="));
    let token = token.unwrap_or_else(|| panic!("a response alone: {answer:?}"));
    assert!(!token.contains('&'), "{answer:?}");
    (jose_header(&json!(token)), claims(&json!(token)))
}

#[tokio::test]
async fn the_parameters_are_claims_of_a_token_for_the_client() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for (mode, start) in [("jwt", '?'), ("query.jwt", '?'), ("fragment.jwt", '#')] {
        let answer = browser.get(&authorize_url(&[("response_mode", mode)])).await;
        let (header, claims) = response(&answer, &start.to_string());
        assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!("PkceJS")));
        assert_eq!((&claims["exp"], &claims["state"]), (&json!(START + 300), &json!("state-1")));
        assert!(claims["session_state"].is_string() && claims.get("sub").is_none(), "{claims}");
        let code = claims["code"].as_str().unwrap();
        assert_eq!(world.token(&code_request(code)).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn errors_are_signed_too() {
    let world = World::new().await;
    for (changes, code, start) in [
        (&[("response_mode", "jwt"), ("prompt", "none")][..], "login_required", "?"),
        (&[("response_mode", "jwt"), ("scope", "unknown")], "invalid_scope", "?"),
        (&[("response_mode", "fragment.jwt"), ("max_age", "x")], "invalid_request", "#"),
        // Where tokens are asked for, `jwt` means the fragment (JARM section 2.3.4).
        (&[("response_mode", "jwt"), ("response_type", "token")], "unsupported_response_type", "#"),
    ] {
        let (_, claims) = response(&world.get(&authorize_url(changes)).await, start);
        assert_eq!((&claims["error"], &claims["state"]), (&json!(code), &json!("state-1")));
        assert!(claims["error_description"].is_string() && claims["aud"] == "PkceJS", "{claims}");
    }
    let unknown = world.get(&authorize_url(&[("response_mode", "web_message.jwt")])).await;
    unknown.expect_redirect_error(REDIRECT, "invalid_request");
}

#[tokio::test]
async fn a_form_has_the_token_alone() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for more in [&[][..], &[("scope", "unknown")]] {
        let changes = [&[("response_mode", "form_post.jwt")], more].concat();
        let page = browser.get(&authorize_url(&changes)).await.page();
        let fields = page.fields();
        let [(name, token)] = fields.as_slice() else { panic!("{fields:?}") };
        assert_eq!((name.as_str(), &claims(&json!(token))["iss"]), ("response", &json!(ISSUER)));
    }
}

#[tokio::test]
async fn a_client_chooses_the_algorithm() {
    let own = json!({"authorization_signed_response_alg": "ES256"});
    let follows = json!({"id_token_signing_alg": "ES256"});
    let world =
        World::with_clients(vec![client_settings("Own", own), client_settings("Follows", follows)])
            .await;
    for client_id in ["Own", "Follows"] {
        let url = authorize_url(&[("client_id", client_id), ("response_mode", "jwt")]);
        let (header, claims) = response(&world.get(&format!("{url}&prompt=none")).await, "?");
        assert_eq!((&header["alg"], &claims["aud"]), (&json!("ES256"), &json!(client_id)));
    }
}

#[tokio::test]
async fn a_client_may_take_no_other_response() {
    let own = json!({"require_signed_response": true});
    let world = World::with_clients(vec![client_settings("Strict", own)]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for (mode, start) in [
        ("", "?"),
        ("query", "?"),
        ("fragment", "#"),
        ("pigeon", "?"),
        ("form_post.JWT", "?"),
        ("jwt&response_mode=query", "?"),
    ] {
        let url = authorize_url(&[("client_id", "Strict")]);
        let url = format!("{url}&response_mode={mode}");
        let (_, claims) = response(&browser.get(&url).await, start);
        assert_eq!(claims["error"], "invalid_request", "{mode}");
        assert_eq!(claims["state"], "state-1", "{mode}");
    }
    let tokens = [("response_type", "token"), ("response_mode", "pigeon")];
    let url = authorize_url(&[&tokens[..], &[("client_id", "Strict")]].concat());
    let (_, claims) = response(&browser.get(&url).await, "#");
    assert_eq!(claims["error"], "invalid_request");
    // A refused request object says the mode as well.
    let url = authorize_url(&[("client_id", "Strict"), ("request", "x")]);
    let (_, claims) = response(&browser.get(&format!("{url}&response_mode=pigeon")).await, "?");
    assert_eq!(claims["error"], "request_not_supported");
    let url = authorize_url(&[("client_id", "Strict"), ("response_mode", "jwt")]);
    let (_, claims) = response(&browser.get(&url).await, "?");
    let code = claims["code"].as_str().unwrap();
    let request = changed(code_request(code), &[("client_id", "Strict")]);
    assert_eq!(world.token(&request).await.status, StatusCode::OK);
}

/// It is for the client, and neither of the tokens that it could be taken for here.
#[tokio::test]
async fn a_response_is_no_token_of_another_kind() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let answer = browser.get(&authorize_url(&[("response_mode", "jwt")])).await;
    let token = answer.redirect_param("response").unwrap();
    world
        .userinfo(&json!(token))
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    let hinted = browser.get(&authorize_url(&[("id_token_hint", &token)])).await;
    hinted.expect_redirect_error(REDIRECT, "invalid_request");
}
