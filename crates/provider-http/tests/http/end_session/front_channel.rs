//! Front-channel logout (OIDC Front-Channel Logout 1.0): the frames of the page after signing out.

use axum::http::StatusCode;
use serde_json::json;

use super::{id_token, is_signed_in, question, url};
use crate::support::{
    Answer, Browser, ISSUER, REDIRECT, World, authorize_url, claims, client_settings,
};

const OUT: &str = "https://one.example/out?x=1";

/// `One` wants `iss` and `sid`, `Two` neither.
async fn world() -> World {
    World::with_clients(vec![
        client_settings("One", json!({"front_channel_logout_uri": OUT})),
        client_settings(
            "Two",
            json!({
                "front_channel_logout_uri": "http://localhost:7001/out",
                "front_channel_logout_session_required": false,
            }),
        ),
        client_settings("Never", json!({"front_channel_logout_uri": "https://never.example/out"})),
    ])
    .await
}

/// A browser in which all but `Never` took part.
async fn signed_in(world: &World) -> Browser<'_> {
    let mut browser = Browser::signed_in(world, "alice").await;
    for client in ["One", "Two", "One"] {
        browser.get(&authorize_url(&[("client_id", client)])).await.expect_code(REDIRECT);
    }
    browser
}

#[track_caller]
fn frames(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let page = answer.page();
    assert!(page.text.contains("You are signed out"), "{answer:?}");
    page.all("iframe").map(|frame| frame.attribute("src").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_client_of_the_session_gets_its_frame_and_the_browser_then_returns() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let hint = id_token(&mut browser).await;
    let sid = claims(&json!(hint))["sid"].as_str().unwrap().to_owned();
    let pairs = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", REDIRECT),
        ("state", "s 1"),
    ];
    let answer = browser.get(&url(&pairs)).await;
    let iss = "http%3A%2F%2Flocalhost%3A6001";
    assert_eq!(
        frames(&answer),
        [format!("{OUT}&iss={iss}&sid={sid}"), "http://localhost:7001/out".to_owned()]
    );

    let policy = answer.header("content-security-policy");
    assert!(policy.contains(" frame-src http://localhost:7001 https://one.example;"), "{policy}");
    assert!(
        policy.contains("frame-ancestors 'none'") && !policy.contains("script-src"),
        "{policy}"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let back = format!("{REDIRECT}?state=s+1");
    assert_eq!(answer.header("refresh"), format!("1; url={back}"));
    let page = answer.page();
    assert!(page.all("a").any(|link| link.attribute("href") == Some(&back)), "{answer:?}");
    assert!(page.text.contains("Back to JavaScript Client"));
    assert!(!is_signed_in(&mut browser).await);
    assert_eq!(iss, url::form_urlencoded::byte_serialize(ISSUER.as_bytes()).collect::<String>());
}

#[tokio::test]
async fn without_a_place_to_return_to_the_page_stays() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let answer = browser.get("/account/logout").await;
    let page = question(&mut browser, &answer).await;
    let answer = browser.submit(&page, &[("action", "logout")]).await;
    assert_eq!(frames(&answer).len(), 2);
    assert!(!answer.headers.contains_key("refresh"));
}

#[tokio::test]
async fn where_nobody_wants_a_frame_the_browser_returns_at_once() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let hint = id_token(&mut browser).await;
    let answer = browser
        .get(&url(&[("id_token_hint", &hint), ("post_logout_redirect_uri", REDIRECT)]))
        .await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, REDIRECT));
}

#[tokio::test]
async fn signed_out_once_there_is_nobody_left_to_tell() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let session = browser.session().unwrap();
    let page = browser.get("/account/logout").await.page();
    browser.submit(&page, &[("action", "logout")]).await;
    browser.set_cookie("doorward.session", &session);
    let answer = browser.get("/account/logout").await;
    assert_eq!(frames(&answer), Vec::<String>::new());
    assert!(!answer.header("content-security-policy").contains("frame-src"));
}
