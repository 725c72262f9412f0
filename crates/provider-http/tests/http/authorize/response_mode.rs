//! How an authorization response travels (OAuth 2.0 Multiple Response Types section 2.1, Form Post
//! Response Mode).

use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::support::{Answer, Browser, ISSUER, REDIRECT, World, authorize_url, code_request};

#[tokio::test]
async fn fragment_answers_stand_behind_the_hash_and_query_answers_behind_the_question_mark() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for (mode, start) in [("", "?code="), ("query", "?code="), ("fragment", "#code=")] {
        let answer = browser.get(&authorize_url(&[("response_mode", mode)])).await;
        answer.expect_code(&format!("{REDIRECT}{start}"));
        assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    }
    let refused =
        browser.get(&authorize_url(&[("response_mode", "fragment"), ("scope", "unknown")])).await;
    refused.expect_redirect_error(&format!("{REDIRECT}#error="), "invalid_scope");
}

/// Multiple Response Types section 5.
#[tokio::test]
async fn errors_of_requests_for_tokens_stand_in_the_fragment_unless_a_mode_is_asked_for() {
    let world = World::new().await;
    for response_type in ["id_token", "code token", "id_token token"] {
        for (mode, start) in [("", '#'), ("fragment", '#'), ("query", '?')] {
            let url = authorize_url(&[("response_type", response_type), ("response_mode", mode)]);
            let refused = world.get(&url).await;
            refused.expect_redirect_error(
                &format!("{REDIRECT}{start}error="),
                "unsupported_response_type",
            );
        }
    }
}

/// The form's fields, after everything about the page was checked.
fn form_post(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let page = answer.page();
    assert_eq!(page.form_action(), REDIRECT);
    assert_eq!(page.all("button").count(), 1, "without script the user presses a button");

    let (_, rest) = answer.body.split_once("<script>").expect("one script");
    let (script, rest) = rest.split_once("</script>").unwrap();
    assert!(!rest.contains("<script"));
    let hash = STANDARD.encode(Sha256::digest(script));
    let policy = answer.header("content-security-policy");
    assert!(policy.contains(&format!("script-src 'sha256-{hash}';")), "{policy} for {script}");
    // The client may redirect on, to where nobody here knows.
    assert!(!policy.contains("form-action"), "{policy}");
    // With another policy the client would see `Origin: null`.
    assert_eq!(answer.header("referrer-policy"), "strict-origin");
    assert!(!policy.contains("unsafe"), "{policy}");
    page.fields()
}

#[tokio::test]
async fn form_post_is_a_page_whose_one_script_the_policy_allows_by_its_hash() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let state = "a b&\"><script>alert(1)</script>'\u{e4}";
    let answer =
        browser.get(&authorize_url(&[("response_mode", "form_post"), ("state", state)])).await;
    let fields = form_post(&answer);
    let [(code_name, code), rest @ ..] = fields.as_slice() else { panic!("{fields:?}") };
    assert_eq!(code_name, "code");
    let expected = [("state".to_owned(), state.to_owned()), ("iss".to_owned(), ISSUER.to_owned())];
    assert_eq!(rest[..2], expected);
    assert!(matches!(&rest[2..], [(name, _)] if name == "session_state"), "{rest:?}");
    assert_eq!(world.token(&code_request(code)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn errors_are_posted_too() {
    let world = World::new().await;
    let answer =
        world.get(&authorize_url(&[("response_mode", "form_post"), ("prompt", "none")])).await;
    let names: Vec<String> = form_post(&answer).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["error", "error_description", "state", "iss", "session_state"]);
    assert_eq!(answer.page().value("error"), Some("login_required"));
}
