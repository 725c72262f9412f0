//! Back-channel logout (OIDC Back-Channel Logout 1.0): who gets a logout token, what stands in it,
//! and what happens when it is not taken.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::StatusCode;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::user::User,
    use_case::logout::back_channel::{BackChannel, DeliveryError, MAX_ATTEMPTS},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    subjects,
    support::{
        Browser, ISSUER, REDIRECT, World, alice, authorize_url, claims, client_settings,
        jose_header,
    },
};

const RECEIVER: &str = "https://receiver.example/logout";
const HANGING: &str = "https://hanging.example/logout";

/// The clients' side: remembers what came, refuses while told to; one of the addresses never
/// answers.
#[derive(Default)]
struct Receivers {
    came: Mutex<Vec<(String, Value)>>,
    refusing: Mutex<bool>,
    awake: Mutex<bool>,
    arrived: Notify,
}

#[async_trait]
impl BackChannel for Receivers {
    async fn post(&self, uri: &str, logout_token: Secret) -> Result<(), DeliveryError> {
        self.came.lock().unwrap().push((uri.to_owned(), json!(logout_token.expose())));
        self.arrived.notify_one();
        if uri == HANGING && !*self.awake.lock().unwrap() {
            std::future::pending::<()>().await;
        }
        if *self.refusing.lock().unwrap() { Err(DeliveryError::Refused(500)) } else { Ok(()) }
    }
}

impl Receivers {
    fn take(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.came.lock().unwrap())
    }
}

fn client(id: &str, uri: &str) -> Value {
    client_settings(id, json!({"back_channel_logout_uri": uri}))
}

async fn world() -> World {
    World::with_clients(vec![client("Receiver", RECEIVER), client("Hanging", HANGING)]).await
}

async fn signed_in_at<'w>(world: &'w World, client_id: &str) -> Browser<'w> {
    let mut browser = Browser::signed_in(world, "alice").await;
    browser.get(&authorize_url(&[("client_id", client_id)])).await.expect_code(REDIRECT);
    browser
}

async fn sign_out(browser: &mut Browser<'_>) {
    let page = browser.get("/account/logout").await.page();
    assert_eq!(browser.submit(&page, &[("action", "logout")]).await.status, StatusCode::OK);
}

/// One round of deliveries to `Receiver`.
async fn round(world: &World, receivers: &Receivers) -> usize {
    round_to(world, "Receiver", receivers).await
}

async fn round_to(world: &World, client_id: &str, receivers: &Receivers) -> usize {
    world
        .provider
        .deliveries()
        .deliver_due(&world.provider.clients().get(client_id).unwrap(), receivers)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_token_is_a_logout_token_and_nothing_else() {
    let world = world().await;
    let receivers = Receivers::default();
    let mut browser = signed_in_at(&world, "Receiver").await;
    let sid = claims(&browser.tokens(&[]).await["id_token"])["sid"].clone();
    sign_out(&mut browser).await;
    assert_eq!(round(&world, &receivers).await, 1);
    let [(uri, token)] = receivers.take().try_into().unwrap();
    assert_eq!(uri, RECEIVER);
    let header = jose_header(&token);
    assert_eq!(
        (header["typ"].as_str(), header["alg"].as_str()),
        (Some("logout+jwt"), Some("RS256"))
    );
    let mut claims = claims(&token);
    assert!(claims["jti"].as_str().unwrap().len() >= 16);
    claims.as_object_mut().unwrap().remove("jti");
    let now = world.clock.seconds();
    let expected = json!({
        "iss": ISSUER, "sub": "alice", "aud": "Receiver", "iat": now, "exp": now + 120, "sid": sid,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    assert_eq!(claims, expected);
    assert_eq!(round(&world, &receivers).await, 0, "delivered once");
}

#[tokio::test]
async fn a_client_that_wants_no_sid_gets_none() {
    let without =
        json!({"back_channel_logout_uri": RECEIVER, "back_channel_logout_session_required": false});
    let world = World::with_clients(vec![client_settings("Receiver", without)]).await;
    let receivers = Receivers::default();
    sign_out(&mut signed_in_at(&world, "Receiver").await).await;
    round(&world, &receivers).await;
    let token = claims(&receivers.take()[0].1);
    assert_eq!((&token["sub"], &token["sid"]), (&json!("alice"), &json!(null)));
}

#[tokio::test]
async fn a_client_with_pairwise_subjects_hears_of_the_user_and_session_that_it_knows() {
    let pairwise = json!({
        "back_channel_logout_uri": RECEIVER,
        "front_channel_logout_uri": "https://receiver.example/out",
        "pair_wise_subject_salt": "a salt of sixteen",
    });
    let world = World::with_clients(vec![client_settings("Receiver", pairwise)]).await;
    let receivers = Receivers::default();
    let mut browser = Browser::signed_in(&world, "alice").await;
    let known =
        claims(&subjects::tokens(&world, &mut browser, "Receiver", REDIRECT).await["id_token"]);
    assert_ne!(known["sub"], "alice");
    let page = browser.get("/account/logout").await.page();
    let done = browser.submit(&page, &[("action", "logout")]).await.page();
    let frame = done.all("iframe").next().unwrap().attribute("src").unwrap().to_owned();
    assert!(frame.ends_with(&format!("&sid={}", known["sid"].as_str().unwrap())), "{frame}");
    round(&world, &receivers).await;
    let token = claims(&receivers.take()[0].1);
    assert_eq!((&token["sub"], &token["sid"]), (&known["sub"], &known["sid"]));
}

#[tokio::test]
async fn a_client_that_took_no_part_is_not_told() {
    let world = world().await;
    let receivers = Receivers::default();
    sign_out(&mut signed_in_at(&world, "PkceJS").await).await;
    assert_eq!(round(&world, &receivers).await, 0);
}

#[tokio::test]
async fn a_new_password_a_disabled_user_and_another_user_end_the_session_too() {
    let new_password = || User {
        password_hash: crate::support::user("alice", "new", &[]).password_hash,
        ..alice()
    };
    let disabled = || User { enabled: false, ..alice() };
    for changed in [new_password(), disabled()] {
        let world = world().await;
        let receivers = Receivers::default();
        signed_in_at(&world, "Receiver").await;
        world.import(changed).await;
        assert_eq!(round(&world, &receivers).await, 1);
    }
    let world = world().await;
    let receivers = Receivers::default();
    let mut browser = signed_in_at(&world, "Receiver").await;
    browser.sign_in("alice", "alice", None).await;
    assert_eq!(round(&world, &receivers).await, 0, "the same user goes on in the same session");
    browser.sign_in("carol", "carol", None).await;
    assert_eq!(round(&world, &receivers).await, 1);
    assert_eq!(claims(&receivers.take()[0].1)["sub"], "alice");
}

/// A user may have more sessions than the command ends by which somebody disables them.
#[tokio::test]
async fn the_sessions_that_a_command_leaves_are_told_of_when_they_end() {
    let world = world().await;
    let receivers = Receivers::default();
    world.signed_in_before("alice", 200).await;
    let mut browser = signed_in_at(&world, "Receiver").await;
    let sid = claims(&browser.tokens(&[]).await["id_token"])["sid"].clone();
    world.import(User { enabled: false, ..alice() }).await;
    assert_eq!(round(&world, &receivers).await, 0, "it is left to the server");
    assert_eq!(world.provider.upkeep().remove_left_behind().await.unwrap(), 2);
    assert_eq!(round(&world, &receivers).await, 1);
    let token = claims(&receivers.take()[0].1);
    assert_eq!((&token["sub"], &token["sid"]), (&json!("alice"), &sid));
    assert_eq!(round(&world, &receivers).await, 0);
}

#[tokio::test]
async fn an_expired_session_is_no_logout() {
    let world = world().await;
    let receivers = Receivers::default();
    signed_in_at(&world, "Receiver").await;
    world.clock.advance(3600);
    world.provider.upkeep().maintain().await.unwrap();
    assert_eq!(round(&world, &receivers).await, 0);
}

#[tokio::test]
async fn what_is_refused_is_sent_again_later_even_after_a_restart() {
    let world = world().await;
    let receivers = Receivers::default();
    *receivers.refusing.lock().unwrap() = true;
    sign_out(&mut signed_in_at(&world, "Receiver").await).await;
    assert_eq!(round(&world, &receivers).await, 1);
    assert_eq!(round(&world, &receivers).await, 0, "not at once");
    let restarted = world.restarted("Receiver", json!({})).await;
    *receivers.refusing.lock().unwrap() = false;
    world.clock.advance(10);
    assert_eq!(round(&restarted, &receivers).await, 1);
    let came = receivers.take();
    assert_ne!(
        claims(&came[0].1)["jti"],
        claims(&came[1].1)["jti"],
        "each attempt has a token of its own"
    );
    world.clock.advance(3600);
    assert_eq!(round(&restarted, &receivers).await, 0);
}

#[tokio::test]
async fn what_is_refused_too_often_is_dropped() {
    let world = world().await;
    let receivers = Receivers::default();
    *receivers.refusing.lock().unwrap() = true;
    sign_out(&mut signed_in_at(&world, "Receiver").await).await;
    for _ in 0..MAX_ATTEMPTS {
        assert_eq!(round(&world, &receivers).await, 1);
        world.clock.advance(3600);
    }
    assert_eq!(round(&world, &receivers).await, 0);
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_neither_the_page_nor_others() {
    let world = world().await;
    let receivers = Arc::new(Receivers::default());
    let channel: Arc<dyn BackChannel> = receivers.clone();
    let delivery = tokio::spawn(world.provider.deliveries().deliver_logout_tokens(channel));
    let mut browser = signed_in_at(&world, "Hanging").await;
    browser.get(&authorize_url(&[("client_id", "Receiver")])).await.expect_code(REDIRECT);
    sign_out(&mut browser).await;
    let arrived = |uri: &str| receivers.came.lock().unwrap().iter().any(|(came, _)| came == uri);
    while !arrived(HANGING) || !arrived(RECEIVER) {
        receivers.arrived.notified().await;
    }
    delivery.abort();
}

#[tokio::test]
async fn a_receiver_that_hung_is_told_again_later() {
    let world = world().await;
    let receivers = Receivers::default();
    sign_out(&mut signed_in_at(&world, "Hanging").await).await;
    assert_eq!(round_to(&world, "Hanging", &receivers).await, 1, "given up after five seconds");
    assert_eq!(round_to(&world, "Hanging", &receivers).await, 0, "not at once");
    *receivers.awake.lock().unwrap() = true;
    world.clock.advance(10);
    assert_eq!(round_to(&world, "Hanging", &receivers).await, 1);
    assert_eq!(receivers.take().len(), 2);
    world.clock.advance(3600);
    assert_eq!(round_to(&world, "Hanging", &receivers).await, 0, "delivered once");
}
