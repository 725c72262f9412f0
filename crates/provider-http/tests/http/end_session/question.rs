//! The question whether to sign out, and who is not asked.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};

use super::{assert_signed_out_page, is_signed_in, question, url};
use crate::support::{Browser, REDIRECT, World, form_request, with_header};

#[tokio::test]
async fn a_form_posted_from_another_site_becomes_the_same_request_by_get() {
    let world = World::new().await;
    let pairs = [("id_token_hint", "x"), ("state", "a b")];
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "http://localhost:5001")] {
        let answer =
            world.send(with_header(form_request("/connect/endsession", &pairs), name, value)).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, url(&pairs).as_str())
        );
    }
}

#[tokio::test]
async fn without_a_hint_the_user_is_asked_first() {
    let world = World::new().await;
    for pairs in [
        &[][..],
        &[("state", "only")],
        &[("client_id", "PkceJS")],
        &[("client_id", "PkceJS"), ("post_logout_redirect_uri", REDIRECT)],
    ] {
        let mut browser = Browser::signed_in(&world, "alice").await;
        let answer = browser.get(&url(pairs)).await;
        question(&mut browser, &answer).await;
    }
}

#[tokio::test]
async fn after_the_question_the_user_is_signed_out_and_returns() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let pairs =
        [("client_id", "PkceJS"), ("post_logout_redirect_uri", REDIRECT), ("state", "s\"<1>")];
    let answer = browser.get(&url(&pairs)).await;
    let page = question(&mut browser, &answer).await;
    assert!(page.text.contains("JavaScript Client asks to sign you out."));
    let answer = browser.submit(&page, &[("action", "logout")]).await;
    assert_eq!(answer.location(), format!("{REDIRECT}?state=s%22%3C1%3E"));
    assert!(!is_signed_in(&mut browser).await);

    let mut browser = Browser::signed_in(&world, "alice").await;
    let answer = browser.get(&url(&[("state", "only")])).await;
    let page = question(&mut browser, &answer).await;
    assert_signed_out_page(&browser.submit(&page, &[("action", "logout")]).await);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_forged_answer_to_the_question_is_asked_again() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let answer = browser.get("/account/logout").await;
    let page = question(&mut browser, &answer).await;
    let token = page.value("form_token").unwrap();
    let forged = [
        form_request("/account/logout", &[("state", "1"), ("action", "logout")]),
        form_request("/account/logout", &[("state", "1"), ("form_token", "x")]),
        with_header(
            form_request("/account/logout", &[("state", "1"), ("form_token", token)]),
            "origin",
            "http://localhost:5001",
        ),
        with_header(
            form_request("/account/logout", &[("state", "1"), ("form_token", token)]),
            "origin",
            "null",
        ),
    ];
    for request in forged {
        let answer = browser.send(request).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/connect/endsession?state=1")
        );
        let answer = browser.get(answer.location()).await;
        question(&mut browser, &answer).await;
    }
}

/// Posted from another site the cookie is not sent: the session that it names still lives, and so
/// must the cookie.
#[tokio::test]
async fn a_cookie_that_was_not_sent_is_not_removed() {
    let world = World::new().await;
    for path in ["/connect/endsession", "/account/logout"] {
        let answer = world
            .send(with_header(
                form_request(path, &[("state", "1")]),
                "origin",
                "https://evil.example",
            ))
            .await;
        assert!(!answer.headers.contains_key("set-cookie"), "{answer:?}");
    }
    assert!(!world.get("/connect/endsession").await.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn nobody_signed_in_is_signed_out_without_a_question() {
    let world = World::new().await;
    assert_signed_out_page(&world.get("/connect/endsession").await);
    assert_signed_out_page(&world.get("/account/logout").await);
    let answer =
        world.get(&url(&[("client_id", "PkceJS"), ("post_logout_redirect_uri", REDIRECT)])).await;
    assert_eq!(answer.location(), REDIRECT);
}

#[tokio::test]
async fn malformed_requests_get_the_error_page() {
    let world = World::new().await;
    for query in ["state=1&state=2", "id_token_hint=%FF", "state=%00"] {
        world
            .get(&format!("/connect/endsession?{query}"))
            .await
            .expect_error_page(StatusCode::BAD_REQUEST);
    }
    let json = || Request::post("/connect/endsession").header("content-type", "application/json");
    world
        .send(json().body(Body::from("{}")).unwrap())
        .await
        .expect_error_page(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
