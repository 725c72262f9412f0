//! Who is asked to sign in, and how.

use axum::http::{Request, StatusCode};

use crate::support::{ORIGIN, World};

#[tokio::test]
async fn a_script_gets_a_status_and_no_redirect() {
    let world = World::new().await;
    let browser = world.browser();
    for (name, value) in [
        ("accept", "application/json"),
        ("sec-fetch-mode", "cors"),
        ("x-requested-with", "XMLHttpRequest"),
    ] {
        let answer = browser.send(Request::get("/me?x=1").header(name, value), "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(answer.json()["error"], "unauthorized");
        assert_eq!(answer.json()["sign_in"], "/signin?return_to=%2Fme%3Fx%3D1");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(browser.cookie_header(), "", "no sign-in has begun");
}

/// The address leads back to the page that has the script, and not to what it fetched.
#[tokio::test]
async fn a_script_learns_where_its_page_can_sign_in() {
    let world = World::new().await;
    let (page, fetched) = ("%2Forder%3Fx%3D1", "%2Fme");
    for (referer, return_to) in [
        (format!("{ORIGIN}/order?x=1"), page),
        (format!("{ORIGIN}/"), "%2F"),
        // A browser that tells nothing of the page, and another origin.
        (ORIGIN.to_owned(), fetched),
        (format!("{ORIGIN}@evil.example/"), fetched),
        (format!("{ORIGIN}//evil.example/"), fetched),
        ("https://evil.example/order".to_owned(), fetched),
    ] {
        let request = Request::get("/me")
            .header("accept", "application/json")
            .header("sec-fetch-mode", "cors")
            .header("referer", &referer);
        let answer = world.browser().send(request, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let sign_in = format!("/signin?return_to={return_to}");
        assert_eq!(answer.json()["sign_in"], sign_in, "{referer}");
    }
}

#[tokio::test]
async fn htmx_leaves_the_page_for_the_sign_in() {
    let world = World::new().await;
    let request = Request::get("/me")
        .header("accept", "text/html")
        .header("hx-request", "true")
        .header("hx-current-url", "http://localhost:5001/cart?x=1");
    let answer = world.browser().send(request, "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("hx-redirect"), "/signin?return_to=%2Fcart%3Fx%3D1");
}

#[tokio::test]
async fn a_form_of_nobody_is_not_sent_to_the_provider() {
    let world = World::new().await;
    assert_eq!(world.browser().post("/me", "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_of_nobody_is_answered_by_a_page_that_leads_to_the_sign_in() {
    let world = World::new().await;
    let form = |referer: &str| {
        Request::post("/me")
            .header("accept", "text/html")
            .header("origin", ORIGIN)
            .header("sec-fetch-mode", "navigate")
            .header("referer", referer)
    };
    for (referer, page) in [
        (format!("{ORIGIN}/order?x=1"), "%2Forder%3Fx%3D1"),
        (ORIGIN.to_owned(), "%2F"),
        (format!("{ORIGIN}@evil.example/"), "%2F"),
        ("https://evil.example/order".to_owned(), "%2F"),
    ] {
        let answer = world.browser().send(form(&referer), "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.header("content-type").starts_with("text/html"), "{}", answer.body);
        assert!(answer.headers.contains_key("www-authenticate"));
        let link = format!("href=\"/signin?return_to={page}\"");
        assert!(answer.body.contains(&link), "{referer}: {}", answer.body);
    }
    let strong = world.signed_in().await.post("/strong", "").await;
    let link = "href=\"/signin?return_to=%2F&amp;acr_values=2\"";
    assert!(strong.body.contains(link), "{}", strong.body);
}
