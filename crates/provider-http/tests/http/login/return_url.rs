//! After a sign-in the browser goes back to an authorization request of this provider and nowhere
//! else (CWE-601).

use axum::http::StatusCode;
use doorward_protocol::params;

use crate::support::{Browser, World, authorize_url};

const FOREIGN: [&str; 20] = [
    "/",
    "//evil.example",
    "//evil.example/connect/authorize?client_id=PkceJS",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "https://evil.example/connect/authorize?client_id=PkceJS",
    "http://localhost:6001/connect/authorize?client_id=PkceJS",
    "http:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/%2F/evil.example",
    "%2F%2Fevil.example",
    "/connect/authorize",
    "/connect/authorize/../../evil?x=1",
    "/connect/authorize@evil.example?x=1",
    "/connect/authorize?a=1#@evil.example",
    "/connect/authorize?a=%00",
    "/connect/authorize%3Fa=1",
    " /connect/authorize?a=1",
];

#[tokio::test]
async fn the_login_page_refuses_foreign_return_addresses() {
    let world = World::new().await;
    for foreign in FOREIGN {
        let answer = world
            .get(&format!("/account/login?{}", params::encode([("return_url", foreign)])))
            .await;
        answer.expect_error_page(StatusCode::BAD_REQUEST);
    }
    world
        .get("/account/login?return_url=/connect/authorize?a&return_url=//evil.example")
        .await
        .expect_error_page(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_login_form_refuses_them_even_with_the_right_password() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    for foreign in FOREIGN {
        for action in ["login", "cancel"] {
            let fields = [
                ("username", "alice"),
                ("password", "alice"),
                ("return_url", foreign),
                ("action", action),
            ];
            browser.submit(&page, &fields).await.expect_error_page(StatusCode::BAD_REQUEST);
            assert_eq!(browser.session(), None);
        }
    }
}

#[tokio::test]
async fn control_characters_do_not_reach_the_location_header() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let sly = "/connect/authorize?client_id=PkceJS&state=a\r\nSet-Cookie:x=y";
    let answer = browser.sign_in("alice", "alice", Some(sly)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        answer.location(),
        "/connect/authorize?client_id=PkceJS&state=a%0D%0ASet-Cookie%3Ax%3Dy"
    );
}

#[tokio::test]
async fn the_page_says_which_application_the_user_signs_in_to() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(Some(&authorize_url(&[]))).await;
    assert!(page.text.contains("to continue to JavaScript Client"));
    let page = browser.login_page(Some(&authorize_url(&[("client_id", "Nobody")]))).await;
    assert!(page.text.contains("to this provider"));
}
