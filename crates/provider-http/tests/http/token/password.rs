//! `grant_type=password` (RFC 6749 section 4.3), for clients that are allowed it.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{Answer, START, World, basic, claims};

async fn grant(world: &World, username: &str, password: &str, scope: Option<&str>) -> Answer {
    let mut pairs =
        vec![("grant_type", "password"), ("username", username), ("password", password)];
    pairs.extend(scope.map(|scope| ("scope", scope)));
    world.token_as(&basic("MyBackend", "secret"), &pairs).await
}

#[tokio::test]
async fn the_right_password_gives_tokens_for_all_the_client_may_have() {
    let world = World::new().await;
    let answer = grant(&world, "alice", "alice", None).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let tokens = answer.json();
    assert_eq!(tokens["scope"], "openid email profile MyBackendApi1 offline_access");
    let id = claims(&tokens["id_token"]);
    assert_eq!(
        (&id["sub"], &id["auth_time"], &id["amr"]),
        (&json!("alice"), &json!(START), &json!(["pwd"]))
    );
    // This client has the user's claims in its ID tokens.
    assert_eq!((&id["email"], &id["name"]), (&json!("alice@example.com"), &json!("ALICE")));
    assert_eq!(world.userinfo(&tokens["access_token"]).await.json()["email"], "alice@example.com");

    let renew = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    let renewed = world.token_as(&basic("MyBackend", "secret"), &renew).await;
    assert_eq!(renewed.status, StatusCode::OK, "{renewed:?}");
    assert_eq!(claims(&renewed.json()["id_token"])["auth_time"], START);
}

#[tokio::test]
async fn a_replay_of_an_old_refresh_token_ends_the_grant() {
    let world = World::new().await;
    let refresh = async |token: &serde_json::Value| {
        let renew = [("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())];
        world.token_as(&basic("MyBackend", "secret"), &renew).await
    };
    let first = grant(&world, "alice", "alice", None).await.json();
    let mut last = first.clone();
    for _ in 0..3 {
        last = refresh(&last["refresh_token"]).await.json();
    }
    for ended in [&first, &last] {
        refresh(&ended["refresh_token"])
            .await
            .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    }
}

#[tokio::test]
async fn a_wrong_password_an_unknown_and_a_disabled_user_are_refused_alike() {
    let world = World::new().await;
    world.disable("carol").await;
    let mut bodies = Vec::new();
    for (username, password) in
        [("alice", "wrong"), ("nobody", "x"), ("carol", "carol"), ("alice", " alice")]
    {
        let answer = grant(&world, username, password, None).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
        bodies.push(answer.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
}

#[tokio::test]
async fn guesses_are_throttled_by_account_and_client_and_say_so() {
    let world = World::new().await;
    for _ in 0..10 {
        grant(&world, "alice", "wrong", None)
            .await
            .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    // The client must not take it for a wrong password.
    let throttled = grant(&world, "alice", "alice", None).await;
    throttled.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    assert_eq!(throttled.header("retry-after"), "1");
    assert!(throttled.body.contains("Too many"), "{throttled:?}");
    world.clock.advance(1);
    assert_eq!(grant(&world, "alice", "alice", None).await.status, StatusCode::OK);
}

/// Anybody can name a public client, so it does not stand between a guesser and the limits.
#[tokio::test]
async fn guesses_by_a_public_client_are_throttled_by_address() {
    let world = World::with_clients(vec![json!({
        "client_id": "public",
        "require_client_secret": false,
        "allowed_grant_types": ["password"],
        "allowed_scopes": ["openid"],
    })])
    .await;
    let guess = async |name: &str| {
        let form = [
            ("grant_type", "password"),
            ("client_id", "public"),
            ("username", name),
            ("password", "wrong"),
        ];
        world.token(&form).await
    };
    for index in 0..50 {
        let answer = guess(&format!("user-{index}")).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    let throttled = guess("another").await;
    throttled.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
}

/// All users of a client come from its address.
#[tokio::test]
async fn guesses_at_one_account_hold_up_neither_other_users_of_the_client_nor_the_login_page() {
    let world = World::new().await;
    for index in 0..60 {
        grant(&world, &format!("user-{index}"), "wrong", None).await;
    }
    for _ in 0..20 {
        grant(&world, "alice", "wrong", None).await;
    }
    assert_eq!(grant(&world, "carol", "carol", None).await.status, StatusCode::OK);
    let mut browser = crate::support::Browser::new(&world);
    assert_eq!(browser.sign_in("alice", "alice", None).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_scope_beyond_the_clients_is_invalid_and_costs_no_attempt() {
    let world = World::new().await;
    for scope in ["MyBackendApi2", "unknown", "\"", " "] {
        for _ in 0..3 {
            let answer = grant(&world, "alice", "wrong", Some(scope)).await;
            answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_scope");
        }
    }
    let answer = grant(&world, "alice", "alice", Some("MyBackendApi1")).await;
    assert_eq!(answer.json()["scope"], "MyBackendApi1");
    let answer = grant(&world, "alice", "alice", Some("unknown openid")).await;
    assert_eq!(answer.json()["scope"], "openid");
}

/// OIDC Core section 11. MSAL always asks for it.
#[tokio::test]
async fn offline_access_that_a_client_may_not_have_is_left_out() {
    let settings = json!({
        "client_id": "public", "require_client_secret": false,
        "allowed_grant_types": ["password"], "allowed_scopes": ["openid"],
    });
    let world = World::with_clients(vec![settings]).await;
    let ask = async |scope: &str| {
        let form = [
            ("grant_type", "password"),
            ("client_id", "public"),
            ("username", "alice"),
            ("password", "alice"),
            ("scope", scope),
        ];
        world.token(&form).await
    };
    let tokens = ask("openid offline_access").await.json();
    assert_eq!((&tokens["scope"], tokens.get("refresh_token")), (&json!("openid"), None));
    let alone = ask("offline_access").await;
    alone.expect_json_error(StatusCode::BAD_REQUEST, "invalid_scope");
}

#[tokio::test]
async fn user_name_and_password_are_needed() {
    let world = World::new().await;
    for (username, password) in [("", "alice"), ("alice", "")] {
        grant(&world, username, password, None)
            .await
            .expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    }
}
