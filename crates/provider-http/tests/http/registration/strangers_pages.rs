//! Nobody vouches for the page of a client that registered itself, so that this provider is no way
//! there for whoever makes up links (RFC 9700 section 4.11.2).

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use doorward_protocol::params;
use doorward_provider::model::registration::RegistrationSettings;
use serde_json::json;

use super::{PAGE, asking, expect_link_to_error, open, registered, tokens, world_with};
use crate::support::{Answer, Browser, World, with_header};

async fn in_frame(browser: &mut Browser<'_>, url: &str) -> Answer {
    let request = Request::get(url).body(Body::empty()).unwrap();
    browser.send(with_header(request, "sec-fetch-dest", "iframe")).await
}

#[tokio::test]
async fn an_error_goes_there_by_a_link() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({})).await;
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::new(&world);
    for (changes, code) in [
        (("scope", "unknown"), "invalid_scope"),
        (("prompt", "none"), "login_required"),
        (("response_type", "token"), "unsupported_response_type"),
    ] {
        expect_link_to_error(&browser.get(&asking(id, &[changes])).await, code);
    }
    let posted = [("response_mode", "form_post"), ("scope", "unknown")];
    let answer = browser.get(&asking(id, &posted)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(!answer.body.contains("<script"), "{}", answer.body);
    let page = answer.page();
    assert_eq!(page.form_action(), PAGE);
    assert!(page.fields().contains(&("error".to_owned(), "invalid_scope".to_owned())));
    // A silent renewal shows nothing to anybody.
    let silent = in_frame(&mut browser, &asking(id, &[("prompt", "none")])).await;
    silent.expect_redirect_error(PAGE, "login_required");
    // Whoever decides on our pages is told there where it goes.
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&asking(id, &[])).await.page();
    let answer = browser.submit(&page, &[("action", "deny")]).await;
    answer.expect_redirect_error(PAGE, "access_denied");
}

#[tokio::test]
async fn programs_and_hosts_that_the_operator_lists_get_errors_at_once() {
    let world = world_with(open()).await;
    let local = "http://127.0.0.1:7/cb";
    let client = registered(&world, json!({"redirect_uris": [local]})).await;
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::new(&world);
    let url = asking(id, &[("redirect_uri", local), ("scope", "unknown")]);
    browser.get(&url).await.expect_redirect_error(local, "invalid_scope");
    let hosts = vec!["app.example".to_owned()];
    let world = world_with(RegistrationSettings { redirect_hosts: hosts, ..open() }).await;
    let client = registered(&world, json!({})).await;
    let url = asking(client["client_id"].as_str().unwrap(), &[("scope", "unknown")]);
    Browser::new(&world).get(&url).await.expect_redirect_error(PAGE, "invalid_scope");
}

#[tokio::test]
async fn after_the_sign_out_it_is_returned_to_by_a_link() {
    let world = world_with(open()).await;
    let bye = "https://app.example/bye";
    let client = registered(&world, json!({"post_logout_redirect_uris": [bye]})).await;
    let id = client["client_id"].as_str().unwrap();
    let url = |more: (&str, &str)| {
        let query = params::encode([more, ("post_logout_redirect_uri", bye)]);
        format!("/connect/endsession?{query}")
    };
    let token = tokens(&world, id, PAGE).await.json()["id_token"].as_str().unwrap().to_owned();
    for more in [("client_id", id), ("id_token_hint", &token)] {
        let answer = World::get(&world, &url(more)).await;
        assert_eq!((answer.status, answer.header("refresh")), (StatusCode::OK, ""), "{answer:?}");
        let page = answer.page();
        assert!(page.all("a").any(|link| link.attribute("href") == Some(bye)), "{}", page.text);
        assert!(page.text.contains("Go on to app.example"), "{}", page.text);
    }
    // The session that the user has there is proof enough.
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&asking(id, &[])).await.page();
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let tokens = world.token(&super::redeeming(id, &answer, PAGE)).await.json();
    let hint = tokens["id_token"].as_str().unwrap();
    let answer = browser.get(&url(("id_token_hint", hint))).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, bye));
}

/// An operator who lists hosts later, or closes loopback addresses, means the clients that are
/// there, too.
#[tokio::test]
async fn a_narrower_policy_counts_for_addresses_that_are_registered() {
    let world = world_with(open()).await;
    let local = "http://127.0.0.1/cb";
    let both = registered(&world, json!({"redirect_uris": [PAGE, local]})).await;
    let page = registered(&world, json!({})).await;
    let id = |client: &serde_json::Value| client["client_id"].as_str().unwrap().to_owned();
    let listed = RegistrationSettings { redirect_hosts: vec!["other.example".into()], ..open() };
    let narrower = world.with_registration(listed).await;
    let mut browser = Browser::new(&narrower);
    let local_url = asking(&id(&both), &[("redirect_uri", local)]);
    browser.get(&local_url).await.expect_login();
    for client in [&both, &page] {
        let answer = browser.get(&asking(&id(client), &[])).await;
        answer.expect_error_page(StatusCode::BAD_REQUEST);
    }
    let closed = RegistrationSettings { allow_loopback_redirect_uris: false, ..open() };
    let closed = world.with_registration(closed).await;
    let mut browser = Browser::new(&closed);
    browser.get(&asking(&id(&both), &[])).await.expect_login();
    browser.get(&local_url).await.expect_error_page(StatusCode::BAD_REQUEST);
}
