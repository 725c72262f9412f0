//! What a command has changed holds at once at every endpoint, though it leaves rows to the server:
//! sessions of a user who is disabled, and what a removed client was granted.

use axum::http::StatusCode;
use doorward_provider::model::{grant::Grant, time::Timestamp, token_handle::TokenHandle};
use serde_json::{Value, json};

use crate::{
    device,
    support::{
        Browser, REDIRECT, World, alice, authorize_url, basic, changed, client_settings,
        code_request, form_request, refresh_request, with_header,
    },
};

/// As many sessions as one transaction ends. The next one is left.
const PAGE_OF_SESSIONS: i64 = 200;

/// Sessions that are rows, whether or not they live.
async fn rows(world: &World) -> u64 {
    let now = Timestamp::from_seconds(world.clock.seconds());
    world.store().count_sessions(1_000, now).await.unwrap()
}

async fn remove_left_behind(world: &World) -> u64 {
    world.provider.upkeep().remove_left_behind().await.unwrap()
}

/// What an API is told of a token.
async fn is_active(world: &World, token: &Value) -> bool {
    let request = form_request("/connect/introspect", &[("token", token.as_str().unwrap())]);
    let request = with_header(request, "authorization", &basic("MyBackendApi2", "api-secret"));
    world.send(request).await.json()["active"] == true
}

/// Nobody takes a token.
async fn assert_dead(world: &World, access_token: &Value) {
    let answer = world.userinfo(access_token).await;
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    assert!(!is_active(world, access_token).await);
}

/// The tokens of this client in the browser's session.
async fn tokens(browser: &mut Browser<'_>, world: &World, client_id: &str, scope: &str) -> Value {
    let url = authorize_url(&[("client_id", client_id), ("scope", scope)]);
    let code = browser.get(&url).await.expect_code(REDIRECT);
    let answer = world.token(&changed(code_request(&code), &[("client_id", client_id)])).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

/// Adds the client `Little-Shop`.
async fn put_shop(world: &World) {
    let shop = client_settings("Little-Shop", json!({"access_token_type": "reference"}));
    world.put_client(shop).await;
    world.provider.clients().refresh().await.unwrap();
}

async fn expect_signed_out(browser: &mut Browser<'_>) {
    for page in ["/account", "/account/sessions", "/grants", "/device"] {
        let answer = browser.get(page).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page}: {answer:?}");
        assert!(answer.location().contains("/account/login"), "{page}: {answer:?}");
    }
    browser.get(&authorize_url(&[])).await.expect_login();
    let silent = browser.get(&authorize_url(&[("prompt", "none")])).await;
    silent.expect_redirect_error(REDIRECT, "login_required");
}

#[tokio::test]
async fn a_disabled_user_is_signed_out_everywhere_at_once() {
    let opaque = client_settings("Opaque", json!({"access_token_type": "reference"}));
    let world = World::with_clients(vec![opaque]).await;
    world.signed_in_before("alice", PAGE_OF_SESSIONS).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let jwt = tokens(&mut browser, &world, "PkceJS", "openid MyBackendApi2").await;
    let reference = tokens(&mut browser, &world, "Opaque", "openid MyBackendApi2").await;
    let lasting = tokens(&mut browser, &world, "PkceJS", "openid offline_access").await;
    let (unused, later) = (browser.code(&[]).await, browser.code(&[]).await);
    let begun = device::begin(&world, "openid").await;
    let question = device::question(&mut browser, device::user_code(&begun)).await;
    assert!(is_active(&world, &jwt["access_token"]).await);
    assert!(is_active(&world, &reference["access_token"]).await);

    world.disable("alice").await;
    assert_eq!(rows(&world).await, 1, "the session of the browser is still there");
    for (code, left) in [(unused, 1), (later, 0)] {
        expect_signed_out(&mut browser).await;
        for tokens in [&jwt, &reference, &lasting] {
            assert_dead(&world, &tokens["access_token"]).await;
        }
        let refreshed = world.refresh(&lasting["refresh_token"]).await;
        refreshed.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
        let redeemed = world.token(&code_request(&code)).await;
        redeemed.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
        assert_eq!(rows(&world).await, left);
        remove_left_behind(&world).await;
    }
    let allowed = browser.submit(&question, &[("action", "allow")]).await;
    assert_ne!(allowed.status, StatusCode::OK, "{allowed:?}");
    device::expect_poll(&world, &begun, "authorization_pending").await;

    world.import(alice()).await;
    expect_signed_out(&mut browser).await;
    for tokens in [&jwt, &reference] {
        assert_dead(&world, &tokens["access_token"]).await;
    }
    let answer = world.refresh(&lasting["refresh_token"]).await;
    assert_eq!(answer.status, StatusCode::OK, "offline access has waited: {answer:?}");
}

#[tokio::test]
async fn who_is_enabled_at_once_has_no_session_of_before() {
    let world = World::new().await;
    world.signed_in_before("alice", PAGE_OF_SESSIONS).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let bound = tokens(&mut browser, &world, "PkceJS", "openid MyBackendApi2").await;
    let unused = browser.code(&[]).await;
    world.disable("alice").await;
    assert_eq!(rows(&world).await, 1);
    world.import(alice()).await;
    assert_eq!(rows(&world).await, 0);
    expect_signed_out(&mut browser).await;
    assert_dead(&world, &bound["access_token"]).await;
    let redeemed = world.token(&code_request(&unused)).await;
    redeemed.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    assert_eq!(remove_left_behind(&world).await, 0, "nothing is left");
}

/// Gives the client of this refresh token as many further grants of the same user.
async fn add_grants(world: &World, refresh_token: &Value, count: u32) {
    let hash = TokenHandle::parse(refresh_token.as_str().unwrap()).hash();
    let record = world.store().refresh_token(hash).await.unwrap().unwrap();
    let (grant, user) = (record.grant.unwrap(), record.user.unwrap());
    let (now, password) = (record.token.first_issued_at, user.password_hash.unwrap());
    for number in 0..count {
        let grant = Grant { id: format!("further-{number}").parse().unwrap(), ..(*grant).clone() };
        let added = world.store().add_grant(grant, &password, now.plus(3600), None, now).await;
        assert!(added.unwrap());
    }
}

#[tokio::test]
async fn a_removed_client_is_unknown_everywhere_at_once() {
    let world = World::new().await;
    put_shop(&world).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let scope = "openid MyBackendApi2 offline_access";
    let tokens = tokens(&mut browser, &world, "Little-Shop", scope).await;
    let url = authorize_url(&[("client_id", "Little-Shop")]);
    let unused = browser.get(&url).await.expect_code(REDIRECT);
    let pushed = crate::par::request(&[("client_id", "Little-Shop")]);
    let pairs: Vec<_> = pushed.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let opened = crate::par::opened_by("Little-Shop", &world.post("/connect/par", &pairs).await);
    add_grants(&world, &tokens["refresh_token"], 600).await;
    assert!(is_active(&world, &tokens["access_token"]).await);
    assert!(browser.get("/grants").await.body.contains("Little-Shop"));

    world.remove_client("Little-Shop").await;
    world.provider.clients().refresh().await.unwrap();
    let own = |pairs| changed(pairs, &[("client_id", "Little-Shop")]);
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let device = [("client_id", "Little-Shop")];
    let revocation = [("client_id", "Little-Shop"), ("token", refresh_token)];
    for is_left in [true, false] {
        assert_dead(&world, &tokens["access_token"]).await;
        for answer in [
            world.token(&own(refresh_request(refresh_token))).await,
            world.token(&own(code_request(&unused))).await,
            world.post("/connect/par", &pairs).await,
            world.post("/connect/deviceauthorization", &device).await,
            world.post("/connect/revocation", &revocation).await,
        ] {
            answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        for url in [&url, &opened] {
            browser.get(url).await.expect_error_page(StatusCode::BAD_REQUEST);
        }
        assert!(!browser.get("/grants").await.body.contains("Little-Shop"));
        assert_eq!(remove_left_behind(&world).await > 0, is_left);
    }

    put_shop(&world).await;
    assert_dead(&world, &tokens["access_token"]).await;
    for request in [refresh_request(refresh_token), code_request(&unused)] {
        let answer = world.token(&own(request)).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    browser.get(&opened).await.expect_error_page(StatusCode::BAD_REQUEST);
    assert!(!browser.get("/grants").await.body.contains("Little-Shop"));
}

#[tokio::test]
async fn a_new_client_of_the_same_name_has_nothing_of_the_removed_one() {
    let world = World::new().await;
    put_shop(&world).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let scope = "openid MyBackendApi2 offline_access";
    let tokens = tokens(&mut browser, &world, "Little-Shop", scope).await;
    add_grants(&world, &tokens["refresh_token"], 600).await;
    world.remove_client("Little-Shop").await;
    put_shop(&world).await;
    assert_dead(&world, &tokens["access_token"]).await;
    let refresh = refresh_request(tokens["refresh_token"].as_str().unwrap());
    let answer = world.token(&changed(refresh, &[("client_id", "Little-Shop")])).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    assert!(!browser.get("/grants").await.body.contains("Little-Shop"));
}
