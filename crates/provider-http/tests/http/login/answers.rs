//! What the login page says when a sign-in fails: the same whatever the reason, so that nobody
//! learns who has an account.

use axum::http::StatusCode;

use crate::support::{Answer, Browser, World};

/// Everything of the answer but the user name that was typed.
fn without_name(answer: &Answer, username: &str) -> (StatusCode, Vec<(String, String)>, String) {
    let headers = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status, headers.collect(), answer.body.replace(&format!("\"{username}\""), "NAME"))
}

#[tokio::test]
async fn wrong_passwords_unknown_users_and_disabled_users_get_the_same_answer() {
    let world = World::new().await;
    world.disable("carol").await;
    let mut browser = Browser::new(&world);
    browser.login_page(None).await;
    let mut answers = Vec::new();
    for (username, password) in
        [("alice", "wrong"), ("noone", "wrong"), ("carol", "carol"), ("carol", "wrong")]
    {
        let answer = browser.sign_in(username, password, None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.page().value("username"), Some(username));
        assert!(!answer.body.contains("wrong\""), "the password is not shown again");
        answers.push(without_name(&answer, username));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn a_problem_is_announced_and_tied_to_the_fields() {
    let world = World::new().await;
    let page = Browser::new(&world).sign_in("alice", "wrong", None).await.page();
    assert!(page.elements.iter().any(|element| element.attribute("role") == Some("alert")));
    for name in ["username", "password"] {
        let input = page.input(name).unwrap();
        assert_eq!(
            (input.attribute("aria-invalid"), input.attribute("aria-describedby")),
            (Some("true"), Some("problem"))
        );
    }
    assert_eq!(page.value("password"), None);
}

#[tokio::test]
async fn passwords_count_by_the_letter_and_user_names_do_not() {
    let world = World::new().await;
    for username in ["alice", "Alice", " ALICE "] {
        assert_eq!(
            Browser::new(&world).sign_in(username, "alice", None).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let long = "alice".repeat(300);
    for password in ["Alice", " alice", "alice ", "alic", &long] {
        assert_eq!(
            Browser::new(&world).sign_in("alice", password, None).await.status,
            StatusCode::BAD_REQUEST
        );
        world.clock.advance(300);
    }
}

#[tokio::test]
async fn an_empty_form_asks_for_what_is_missing() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    for (username, password) in [("", ""), ("alice", ""), ("", "alice")] {
        let answer = browser.sign_in(username, password, None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.page().text.contains("Enter your user name and your password."));
    }
}

#[tokio::test]
async fn a_body_that_is_no_good_form_gets_the_error_page() {
    let world = World::new().await;
    for (content_type, body, status) in [
        ("application/json", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/x-www-form-urlencoded", "username=a&username=b", StatusCode::BAD_REQUEST),
        ("application/x-www-form-urlencoded", "username=%FF", StatusCode::BAD_REQUEST),
    ] {
        let request =
            axum::http::Request::post("/account/login").header("content-type", content_type);
        let answer = world.send(request.body(axum::body::Body::from(body)).unwrap()).await;
        answer.expect_error_page(status);
    }
}
