//! `grant_type=refresh_token` (RFC 6749 section 6, RFC 9700 section 4.14).

use axum::http::StatusCode;
use doorward_provider::model::grant::LONGEST_GRACE;
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, ISSUER, REDIRECT, START, World, alice, authorize_url, basic, changed, claims,
    client_settings, code_request, refresh_request,
};

#[track_caller]
fn assert_invalid_grant(answer: &Answer) {
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
}

async fn tokens(world: &World) -> Value {
    Browser::signed_in(world, "alice").await.tokens(&[]).await
}

/// Tokens of a client with settings of its own.
async fn tokens_of(world: &World, client_id: &str) -> Value {
    let mut browser = Browser::signed_in(world, "alice").await;
    let url = authorize_url(&[
        ("client_id", client_id),
        ("scope", "openid offline_access MyBackendApi2"),
    ]);
    let code = browser.get(&url).await.expect_code(REDIRECT);
    world.token(&changed(code_request(&code), &[("client_id", client_id)])).await.json()
}

async fn refresh_of(world: &World, client_id: &str, refresh_token: &Value) -> Answer {
    world
        .token(&changed(
            refresh_request(refresh_token.as_str().unwrap()),
            &[("client_id", client_id)],
        ))
        .await
}

#[track_caller]
fn renewed(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    answer.json()
}

#[tokio::test]
async fn each_use_replaces_the_token_and_renews_the_others() {
    let world = World::new().await;
    let first = tokens(&world).await;
    world.clock.advance(1000);
    let second = renewed(&world.refresh(&first["refresh_token"]).await);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!((&second["scope"], &second["expires_in"]), (&first["scope"], &json!(3600)));

    let (old, new) = (claims(&first["access_token"]), claims(&second["access_token"]));
    assert_ne!(new["jti"], old["jti"]);
    assert_eq!((&new["iat"], &new["exp"]), (&json!(START + 1000), &json!(START + 4600)));
    for same in ["iss", "aud", "sub", "client_id", "scope", "sid", "auth_time", "role"] {
        assert_eq!(new[same], old[same], "{same}");
    }
    // OIDC Core section 12.2.
    let (old, new) = (claims(&first["id_token"]), claims(&second["id_token"]));
    for same in ["iss", "sub", "aud", "auth_time", "sid", "amr", "acr"] {
        assert_eq!(new[same], old[same], "{same}");
    }
    assert_eq!(new["iat"], START + 1000);
    assert!(new.get("nonce").is_none());
}

#[tokio::test]
async fn a_repetition_within_the_grace_time_gets_the_same_successor() {
    let world = World::new().await;
    let first = tokens(&world).await;
    let second = renewed(&world.refresh(&first["refresh_token"]).await);
    for _ in 0..2 {
        world.clock.advance(5);
        let again = renewed(&world.refresh(&first["refresh_token"]).await);
        assert_eq!(again["refresh_token"], second["refresh_token"]);
        assert_ne!(again["access_token"], second["access_token"]);
    }
    renewed(&world.refresh(&second["refresh_token"]).await);
}

#[tokio::test]
async fn a_replay_after_the_grace_time_revokes_the_family() {
    let world = World::new().await;
    let first = tokens(&world).await;
    let second = renewed(&world.refresh(&first["refresh_token"]).await);
    world.clock.advance(11);
    assert_invalid_grant(&world.refresh(&first["refresh_token"]).await);
    assert_invalid_grant(&world.refresh(&second["refresh_token"]).await);
    for dead in [&first, &second] {
        world
            .userinfo(&dead["access_token"])
            .await
            .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    }
}

#[tokio::test]
async fn a_replay_after_the_successor_was_used_revokes_the_family_at_once() {
    let world = World::new().await;
    let first = tokens(&world).await;
    let second = renewed(&world.refresh(&first["refresh_token"]).await);
    let third = renewed(&world.refresh(&second["refresh_token"]).await);
    assert_invalid_grant(&world.refresh(&first["refresh_token"]).await);
    assert_invalid_grant(&world.refresh(&third["refresh_token"]).await);
}

/// Of a family only the last token and the one before are kept; whose replay an older one is, it
/// tells itself.
#[tokio::test]
async fn a_replay_after_many_refreshes_revokes_the_family() {
    for replayed in [0, 1, 17] {
        let world = World::new().await;
        let mut family = vec![tokens(&world).await];
        for _ in 0..20 {
            world.clock.advance(60);
            family.push(renewed(&world.refresh(&family[family.len() - 1]["refresh_token"]).await));
        }
        let last = &family[20];
        assert_invalid_grant(&world.refresh(&family[replayed]["refresh_token"]).await);
        assert_invalid_grant(&world.refresh(&last["refresh_token"]).await);
        world
            .userinfo(&last["access_token"])
            .await
            .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    }
}

#[tokio::test]
async fn an_old_token_in_foreign_hands_revokes_nothing() {
    let world = World::with_clients(vec![client_settings("Other", json!({}))]).await;
    let first = tokens(&world).await;
    let mut last = first.clone();
    for _ in 0..3 {
        last = renewed(&world.refresh(&last["refresh_token"]).await);
    }
    assert_invalid_grant(&refresh_of(&world, "Other", &first["refresh_token"]).await);
    // What names no family of a grant, or none at all, is nobody's.
    let own = first["refresh_token"].as_str().unwrap();
    let (secret, family) = own.split_at(own.len() - 22);
    for guess in [
        secret,
        &own[22..],
        &format!("{secret}{}", "x".repeat(22)),
        &format!("{family}{secret}"),
        &own[1..],
    ] {
        assert_invalid_grant(&world.refresh(&json!(guess)).await);
    }
    renewed(&world.refresh(&last["refresh_token"]).await);
}

/// It may have been the last one, which is not a replay: an access token that outlives it stays
/// good.
#[tokio::test]
async fn an_expired_token_that_was_swept_away_revokes_nothing() {
    let brief =
        json!({"refresh_token_expiration": "sliding", "sliding_refresh_token_lifetime": 100});
    let world = World::with_clients(vec![client_settings("Brief", brief)]).await;
    let first = tokens_of(&world, "Brief").await;
    let second = renewed(&refresh_of(&world, "Brief", &first["refresh_token"]).await);
    world.clock.advance(100 + i64::from(LONGEST_GRACE));
    world.provider.upkeep().maintain().await.unwrap();
    for ended in [&first, &second] {
        assert_invalid_grant(&refresh_of(&world, "Brief", &ended["refresh_token"]).await);
    }
    assert_eq!(world.userinfo(&second["access_token"]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_was_used_just_before_its_end_may_be_used_again_after_it() {
    let brief =
        json!({"refresh_token_expiration": "sliding", "sliding_refresh_token_lifetime": 100});
    let world = World::with_clients(vec![client_settings("Brief", brief)]).await;
    let first = tokens_of(&world, "Brief").await;
    world.clock.advance(95);
    let second = renewed(&refresh_of(&world, "Brief", &first["refresh_token"]).await);
    world.clock.advance(6);
    world.provider.upkeep().maintain().await.unwrap();
    let again = renewed(&refresh_of(&world, "Brief", &first["refresh_token"]).await);
    assert_eq!(again["refresh_token"], second["refresh_token"]);
}

#[tokio::test]
async fn a_reusable_token_stays_the_same() {
    let world = World::with_clients(vec![client_settings(
        "Reuse",
        json!({"refresh_token_usage": "reuse"}),
    )])
    .await;
    let first = tokens_of(&world, "Reuse").await;
    for _ in 0..3 {
        world.clock.advance(60);
        let again = renewed(&refresh_of(&world, "Reuse", &first["refresh_token"]).await);
        assert_eq!(again["refresh_token"], first["refresh_token"]);
    }
}

/// Tokens of a client that has them replaced no more; the one that was used before stays used.
#[tokio::test]
async fn a_token_used_before_tokens_were_reusable_is_repeated_or_a_replay() {
    let rotating = World::new().await;
    let first = tokens(&rotating).await;
    let second = renewed(&rotating.refresh(&first["refresh_token"]).await);
    let world = rotating.restarted("PkceJS", json!({"refresh_token_usage": "reuse"})).await;
    for good in [&first, &second] {
        let again = renewed(&world.refresh(&good["refresh_token"]).await);
        assert_eq!(again["refresh_token"], second["refresh_token"]);
    }
    world.clock.advance(11);
    assert_invalid_grant(&world.refresh(&first["refresh_token"]).await);
    assert_invalid_grant(&world.refresh(&second["refresh_token"]).await);
}

#[tokio::test]
async fn an_absolute_lifetime_counts_from_the_first_issue() {
    for usage in ["one_time_only", "reuse"] {
        let settings = json!({
            "refresh_token_usage": usage, "refresh_token_expiration": "absolute",
            "absolute_refresh_token_lifetime": 1000,
        });
        let world = World::with_clients(vec![client_settings("Absolute", settings)]).await;
        let first = tokens_of(&world, "Absolute").await;
        world.clock.advance(500);
        let second = renewed(&refresh_of(&world, "Absolute", &first["refresh_token"]).await);
        world.clock.advance(499);
        let third = renewed(&refresh_of(&world, "Absolute", &second["refresh_token"]).await);
        world.clock.advance(1);
        assert_invalid_grant(&refresh_of(&world, "Absolute", &third["refresh_token"]).await);
    }
}

#[tokio::test]
async fn a_sliding_lifetime_counts_from_the_last_use_up_to_the_absolute_one() {
    for (usage, absolute) in
        [("one_time_only", 250), ("reuse", 250), ("one_time_only", 0), ("reuse", 0)]
    {
        let settings = json!({
            "refresh_token_usage": usage, "refresh_token_expiration": "sliding",
            "absolute_refresh_token_lifetime": absolute, "sliding_refresh_token_lifetime": 100,
        });
        let world = World::with_clients(vec![client_settings("Sliding", settings)]).await;
        let mut last = tokens_of(&world, "Sliding").await;
        for _ in 0..2 {
            world.clock.advance(99);
            last = renewed(&refresh_of(&world, "Sliding", &last["refresh_token"]).await);
        }
        // At 198 seconds; the token ends 100 seconds later, or with the family at 250.
        world.clock.advance(if absolute == 0 { 99 } else { 51 });
        let still = renewed(&refresh_of(&world, "Sliding", &last["refresh_token"]).await);
        world.clock.advance(if absolute == 0 { 100 } else { 1 });
        assert_invalid_grant(&refresh_of(&world, "Sliding", &still["refresh_token"]).await);
    }
}

#[tokio::test]
async fn the_scope_only_narrows_and_only_for_one_answer() {
    let world = World::new().await;
    let first = tokens(&world).await;
    let request = |token: &Value, scope: &str| {
        changed(refresh_request(token.as_str().unwrap()), &[("scope", scope)])
    };
    for more in ["openid email", "MyBackendApi1", "unknown", "\"", " "] {
        let answer = world.token(&request(&first["refresh_token"], more)).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_scope");
    }
    let narrow = renewed(&world.token(&request(&first["refresh_token"], "MyBackendApi2")).await);
    assert_eq!(narrow["scope"], "MyBackendApi2");
    assert_eq!(claims(&narrow["access_token"])["scope"], "MyBackendApi2");
    assert!(narrow.get("id_token").is_none());
    // RFC 6749 section 6: the new token has the scope of the one it replaces.
    let whole = renewed(&world.refresh(&narrow["refresh_token"]).await);
    assert_eq!(whole["scope"], first["scope"]);
}

#[tokio::test]
async fn another_clients_token_is_refused_and_stays_good_for_its_owner() {
    let world = World::with_clients(vec![client_settings("Other", json!({}))]).await;
    let first = tokens(&world).await;
    assert_invalid_grant(&refresh_of(&world, "Other", &first["refresh_token"]).await);
    let by_header =
        changed(refresh_request(first["refresh_token"].as_str().unwrap()), &[("client_id", "")]);
    assert_invalid_grant(&world.token_as(&basic("PkceCodeBackend", "secret"), &by_header).await);
    renewed(&world.refresh(&first["refresh_token"]).await);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = browser.tokens(&[]).await;
    let (code, session) = (browser.code(&[]).await, browser.session().unwrap());
    let (unknown, long) = ("x".repeat(43), "x".repeat(73));
    let (access, id) =
        (tokens["access_token"].as_str().unwrap(), tokens["id_token"].as_str().unwrap());
    for other in [access, id, &code, &session, &unknown, &long, &"ä".repeat(43)] {
        assert_invalid_grant(&world.refresh(&json!(other)).await);
    }
}

#[tokio::test]
async fn a_disabled_user_and_a_client_without_offline_access_are_refused() {
    let world = World::new().await;
    let first = tokens(&world).await;
    world.disable("alice").await;
    assert_invalid_grant(&world.refresh(&first["refresh_token"]).await);
    world.import(alice()).await;
    let withdrawn = world.restarted("PkceJS", json!({"allow_offline_access": false})).await;
    assert_invalid_grant(&withdrawn.refresh(&first["refresh_token"]).await);
    // Neither refusal used the token up.
    renewed(&world.refresh(&first["refresh_token"]).await);
}

#[tokio::test]
async fn what_was_taken_from_the_client_since_is_granted_no_more() {
    let world = World::new().await;
    let first = tokens(&world).await;
    let restarted =
        world.restarted("PkceJS", json!({"allowed_scopes": ["openid", "profile"]})).await;
    let second = renewed(&restarted.refresh(&first["refresh_token"]).await);
    assert_eq!(second["scope"], "openid profile offline_access");
    assert_eq!(claims(&second["access_token"])["aud"], ISSUER);
    let request = changed(
        refresh_request(second["refresh_token"].as_str().unwrap()),
        &[("scope", "MyBackendApi2")],
    );
    restarted.token(&request).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_scope");
}

/// The client may have a claim in this way, too, by its scopes only.
#[tokio::test]
async fn claims_asked_for_one_by_one_go_with_the_scope_that_gives_them() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let wanted = json!({"userinfo": {"name": null}, "id_token": {"name": null}}).to_string();
    let asking = [("scope", "openid offline_access"), ("claims", wanted.as_str())];
    let first = browser.tokens(&asking).await;
    let code = browser.code(&asking).await;
    let by_scope = browser.tokens(&[]).await;
    assert_eq!(claims(&first["id_token"])["name"], "ALICE");
    for tokens in [&first, &by_scope] {
        assert_eq!(world.userinfo(&tokens["access_token"]).await.json()["name"], "ALICE");
    }

    let restarted = world.restarted("PkceJS", json!({"allowed_scopes": ["openid"]})).await;
    let second = renewed(&restarted.refresh(&first["refresh_token"]).await);
    let redeemed = restarted.token(&code_request(&code)).await.json();
    for tokens in [&second, &redeemed] {
        let id_token = claims(&tokens["id_token"]);
        assert_eq!((&id_token["sub"], id_token.get("name")), (&json!("alice"), None));
    }
    for tokens in [&first, &second, &redeemed, &by_scope] {
        let userinfo = restarted.userinfo(&tokens["access_token"]).await.json();
        assert_eq!(userinfo, json!({"sub": "alice"}));
    }
}

#[tokio::test]
async fn an_access_token_lives_on_when_the_refresh_token_has_ended() {
    for usage in ["one_time_only", "reuse"] {
        let settings =
            json!({"refresh_token_usage": usage, "absolute_refresh_token_lifetime": 1000});
        let world = World::with_clients(vec![client_settings("Brief", settings)]).await;
        let first = tokens_of(&world, "Brief").await;
        world.clock.advance(900);
        let second = renewed(&refresh_of(&world, "Brief", &first["refresh_token"]).await);
        world.clock.advance(3599);
        world.provider.upkeep().maintain().await.unwrap();
        assert_eq!(world.userinfo(&second["access_token"]).await.status, StatusCode::OK, "{usage}");
    }
}

#[tokio::test]
async fn claims_are_read_again_unless_the_client_keeps_them() {
    let keeping =
        client_settings("Keeping", json!({"update_access_token_claims_on_refresh": false}));
    let world = World::with_clients(vec![keeping, client_settings("Updating", json!({}))]).await;
    let (updating, keeping) =
        (tokens_of(&world, "Updating").await, tokens_of(&world, "Keeping").await);
    let role = |answer: &Value| claims(&answer["access_token"])["role"].clone();
    let mut updated = updating;
    for roles in [json!(["admin", "owner"]), json!([])] {
        let mut changed = alice();
        changed.claims_mut().insert("role".to_owned(), roles.clone());
        world.import(changed).await;
        updated = renewed(&refresh_of(&world, "Updating", &updated["refresh_token"]).await);
        assert_eq!(role(&updated), roles);
    }
    let kept = renewed(&refresh_of(&world, "Keeping", &keeping["refresh_token"]).await);
    assert_eq!(role(&kept), json!("admin"));
}
