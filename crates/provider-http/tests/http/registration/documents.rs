//! Clients that are documents (draft-ietf-oauth-client-id-metadata-document).

use axum::http::StatusCode;
use doorward_provider::model::registration::RegistrationSettings;
use serde_json::{Value, json};

use super::{asking, open, redeeming, world_with};
use crate::support::{Browser, World, changed, refresh_request};

const CLIENT: &str = "https://tool.example/oauth/client.json";
const LOCAL: &str = "http://localhost:49152/callback";

fn document(changes: &Value) -> Value {
    let mut document = json!({
        "client_id": CLIENT, "client_name": "Tool", "client_uri": "https://tool.example/",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    });
    document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    document
}

async fn world() -> World {
    let settings = RegistrationSettings { metadata_documents: true, ..open() };
    let world = world_with(settings).await;
    world.published.publish(Some(document(&json!({}))));
    world
}

fn asking_as(changes: &[(&str, &str)]) -> String {
    let mut all = vec![("redirect_uri", LOCAL)];
    all.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    all.extend(changes);
    asking(CLIENT, &all)
}

#[tokio::test]
async fn a_document_is_a_client_whose_users_are_always_asked() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for _ in 0..2 {
        let page = browser.get(&asking_as(&[])).await.page();
        for text in ["Allow Tool?", "tool.example", "a program on this computer"] {
            assert!(page.text.contains(text), "{text} in {}", page.text);
        }
        assert!(!page.text.contains("Remember my decision"), "{}", page.text);
        let answer = browser.submit(&page, &[("action", "allow")]).await;
        let tokens = world.token(&redeeming(CLIENT, &answer, LOCAL)).await;
        assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
        assert!(tokens.json()["refresh_token"].is_string());
    }
    assert_eq!(world.published.asked(), [CLIENT], "it is kept");
    assert_eq!(
        world.provider.discovery().metadata().client_id_metadata_document_supported,
        Some(true)
    );
    let grants = browser.get("/grants").await;
    assert!(grants.body.contains("Tool"), "{grants:?}");
}

#[tokio::test]
async fn nothing_is_fetched_where_documents_are_not_taken() {
    let world = world_with(open()).await;
    world.published.publish(Some(document(&json!({}))));
    let answer = Browser::new(&world).get(&asking_as(&[])).await;
    answer.expect_error_page(StatusCode::BAD_REQUEST);
    assert!(world.published.asked().is_empty());
    assert_eq!(world.provider.discovery().metadata().client_id_metadata_document_supported, None);
}

#[tokio::test]
async fn a_document_that_does_not_hold_is_no_client() {
    for published in [
        None,
        Some(json!("text")),
        Some(document(&json!({"client_id": "https://other.example/client.json"}))),
        Some(document(&json!({"client_id": "https://tool.example/oauth/client.json/"}))),
        Some(document(&json!({"client_secret": "everybody reads it"}))),
        Some(document(&json!({"token_endpoint_auth_method": "client_secret_basic"}))),
        Some(document(&json!({"redirect_uris": []}))),
        Some(document(&json!({
            "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AQAB", "d": "AQAB"}]},
        }))),
        // Its users would be known by the subjects made for another host.
        Some(document(&json!({
            "subject_type": "pairwise", "sector_identifier_uri": "https://app.example/uris.json",
        }))),
        Some(document(&json!({"redirect_uris": ["javascript:alert(1)"]}))),
    ] {
        let world = world().await;
        world.published.publish(published.clone());
        let answer = Browser::new(&world).get(&asking_as(&[])).await;
        answer.expect_error_page(StatusCode::BAD_REQUEST);
        assert!(answer.body.contains("tool.example"), "{published:?}: {answer:?}");
    }
}

#[tokio::test]
async fn only_addresses_of_the_document_are_returned_to() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    browser
        .get(&asking_as(&[("redirect_uri", "http://127.0.0.1:1/callback")]))
        .await
        .expect_login();
    for uri in ["http://localhost:1/other", "https://tool.example/callback"] {
        let answer = browser.get(&asking_as(&[("redirect_uri", uri)])).await;
        answer.expect_error_page(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn what_is_not_taken_of_a_document_is_left_out() {
    let world = world().await;
    world.published.publish(Some(document(&json!({
        "client_uri": "http://localhost:3001", "logo_uri": "data:image/png,x", "policy_uri": "",
        "redirect_uris": ["tool://callback", "http://tool.example/", "http://localhost/callback"],
        "post_logout_redirect_uris": ["tool://out"],
    }))));
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&asking_as(&[])).await.page();
    assert!(page.text.contains("Allow Tool?"), "{}", page.text);
    for uri in ["tool://callback", "http://tool.example/"] {
        let answer = browser.get(&asking_as(&[("redirect_uri", uri)])).await;
        answer.expect_error_page(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn the_url_of_a_document_has_255_characters_at_most() {
    let world = world().await;
    for (length, is_client) in [(101, true), (255, true), (256, false)] {
        let url = format!("https://tool.example/{}", "x".repeat(length - 21));
        world.published.publish(Some(document(&json!({"client_id": url}))));
        let mut browser = Browser::signed_in(&world, "alice").await;
        let answer = browser.get(&asking(&url, &[("redirect_uri", LOCAL)])).await;
        if is_client {
            let page = answer.page();
            let answer = browser.submit(&page, &[("action", "allow")]).await;
            let tokens = world.token(&redeeming(&url, &answer, LOCAL)).await;
            assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
        } else {
            answer.expect_error_page(StatusCode::BAD_REQUEST);
            assert!(answer.body.contains("255 characters"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_changed_document_counts_when_the_last_is_no_longer_fresh() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    browser.get(&asking_as(&[])).await.expect_login();
    let moved = document(&json!({"redirect_uris": ["https://tool.example/callback"]}));
    world.published.publish(Some(moved));
    world.clock.advance(299);
    browser.get(&asking_as(&[])).await.expect_login();
    world.clock.advance(1);
    let answer = browser.get(&asking_as(&[])).await;
    answer.expect_error_page(StatusCode::BAD_REQUEST);
    let moved = asking_as(&[("redirect_uri", "https://tool.example/callback")]);
    browser.get(&moved).await.expect_login();
    assert_eq!(world.published.asked().len(), 2);
}

#[tokio::test]
async fn a_document_that_moves_to_another_sector_learns_no_subject_of_it() {
    const OWN: &str = "https://tool.example/callback";
    let at =
        |uri: &str| Some(document(&json!({"subject_type": "pairwise", "redirect_uris": [uri]})));
    let world = world().await;
    world.published.publish(at(OWN));
    let mut browser = Browser::signed_in(&world, "alice").await;
    let mut allowed = async || {
        let page = browser.get(&asking_as(&[("redirect_uri", OWN)])).await.page();
        let answer = browser.submit(&page, &[("action", "allow")]).await;
        redeeming(CLIENT, &answer, OWN)
    };
    let tokens = world.token(&allowed().await).await.json();
    world.clock.advance(290);
    let code = allowed().await;
    world.published.publish(at("https://bank.example/cb"));
    world.clock.advance(10);
    world.token(&code).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    let refresh = changed(
        refresh_request(tokens["refresh_token"].as_str().unwrap()),
        &[("client_id", CLIENT)],
    );
    world.token(&refresh).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    let userinfo = world.userinfo(&tokens["access_token"]).await;
    assert_eq!(userinfo.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_last_document_serves_for_an_hour_while_its_host_is_away() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    browser.get(&asking_as(&[])).await.expect_login();
    world.published.publish(None);
    world.clock.advance(300 + 3599);
    browser.get(&asking_as(&[])).await.expect_login();
    world.clock.advance(1);
    let answer = browser.get(&asking_as(&[])).await;
    answer.expect_error_page(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn made_up_urls_make_few_requests() {
    let world = world().await;
    world.published.publish(None);
    let mut browser = Browser::new(&world);
    for _ in 0..3 {
        browser.get(&asking_as(&[])).await.expect_error_page(StatusCode::BAD_REQUEST);
    }
    assert_eq!(world.published.asked().len(), 1, "not again at once");
    for number in 0..50 {
        let client = format!("https://tool.example/{number}");
        let answer = browser.get(&asking(&client, &[("redirect_uri", LOCAL)])).await;
        answer.expect_error_page(StatusCode::BAD_REQUEST);
    }
    assert_eq!(world.published.asked().len(), 30, "one host is asked 30 times a minute");
}
