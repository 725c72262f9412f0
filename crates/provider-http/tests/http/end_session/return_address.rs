//! Where a browser goes after signing out (section 3).

use serde_json::json;

use super::{assert_problem, assert_signed_out_page, id_token, is_signed_in, question, url};
use crate::support::{Browser, REDIRECT, World, client_settings};

#[tokio::test]
async fn only_an_exactly_registered_address_is_returned_to() {
    let elsewhere = "http://localhost:5001/elsewhere";
    let world = World::with_clients(vec![client_settings(
        "Other",
        json!({"post_logout_redirect_uris": [elsewhere]}),
    )])
    .await;
    for uri in [
        "http://localhost:5001/OpenId/Login/JS/",
        "http://localhost:5001/OpenId/Login/JS?x=1",
        "http://localhost:5001/OpenId/Login/JS#x",
        "http://LOCALHOST:5001/OpenId/Login/JS",
        "http://localhost:5001@evil.example/OpenId/Login/JS",
        "//localhost:5001/OpenId/Login/JS",
        "javascript:alert(1)",
        "https://evil.example/",
        // Registered for redirection and not for this; registered by another client.
        "http://127.0.0.1:5001/callback",
        elsewhere,
    ] {
        let mut browser = Browser::signed_in(&world, "alice").await;
        let hint = id_token(&mut browser).await;
        let answer = browser
            .get(&url(&[
                ("id_token_hint", &hint),
                ("post_logout_redirect_uri", uri),
                ("state", "1"),
            ]))
            .await;
        // Asked even with a good hint: who sent that address is doubtful.
        let page = question(&mut browser, &answer).await;
        assert!(page.text.contains("not registered"));
        let signed_out = browser.submit(&page, &[("action", "logout")]).await;
        assert_signed_out_page(&signed_out);
        assert_problem(&signed_out, "post_logout_redirect_uri");
        assert!(!is_signed_in(&mut browser).await);
    }
}

#[tokio::test]
async fn an_address_without_anything_that_names_the_client_is_not_returned_to() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let answer = browser.get(&url(&[("post_logout_redirect_uri", REDIRECT)])).await;
    let page = question(&mut browser, &answer).await;
    let signed_out = browser.submit(&page, &[("action", "logout")]).await;
    assert_signed_out_page(&signed_out);
    assert_problem(&signed_out, "client_id");
    assert!(signed_out.page().text.contains("did not say who it is"), "{signed_out:?}");
}

#[tokio::test]
async fn an_unknown_client_is_named_as_what_is_wrong() {
    let world = World::new().await;
    for pairs in [
        &[("client_id", "Nobody")][..],
        &[("client_id", "Nobody"), ("post_logout_redirect_uri", REDIRECT)],
        &[("post_logout_redirect_uri", REDIRECT)],
    ] {
        let answer = world.get(&url(pairs)).await;
        assert_signed_out_page(&answer);
        assert_problem(&answer, "client_id");
    }
    for pairs in [&[][..], &[("client_id", "PkceJS")], &[("post_logout_redirect_uri", "")]] {
        let answer = world.get(&url(pairs)).await;
        assert_signed_out_page(&answer);
        assert!(answer.page().all("code").next().is_none(), "{answer:?}");
    }
}

#[tokio::test]
async fn the_addresss_own_query_is_kept() {
    let uri = "https://app.example/out?x=1";
    let world = World::with_clients(vec![client_settings(
        "Query",
        json!({"post_logout_redirect_uris": [uri]}),
    )])
    .await;
    let pairs = [("client_id", "Query"), ("post_logout_redirect_uri", uri), ("state", "2")];
    assert_eq!(world.get(&url(&pairs)).await.location(), format!("{uri}&state=2"));
}
