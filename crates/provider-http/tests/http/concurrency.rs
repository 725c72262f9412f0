//! Requests at the same moment: what may happen once happens once, and nobody is signed out by a
//! second tab.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::Value;
use tokio::sync::Barrier;

use crate::support::{Answer, Browser, World, code_request, refresh_request};

/// Sends the same token request this many times at once.
async fn all_at_once(
    world: &Arc<World>,
    request: Vec<(&'static str, String)>,
    times: usize,
) -> Vec<Answer> {
    let (request, barrier) = (Arc::new(request), Arc::new(Barrier::new(times)));
    let tasks: Vec<_> = (0..times)
        .map(|_| {
            let (world, request, barrier) =
                (Arc::clone(world), Arc::clone(&request), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                world.token(&request).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

fn succeeded(answers: &[Answer]) -> Vec<Value> {
    answers.iter().filter(|answer| answer.status == StatusCode::OK).map(Answer::json).collect()
}

/// RFC 6749 section 4.1.2: the code is used once; the 63 replays revoke what the one redemption
/// gave.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_redemptions_of_one_code_exactly_one_succeeds_and_the_replays_revoke_it() {
    let world = Arc::new(World::new().await);
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let answers = all_at_once(&world, code_request(&code), 64).await;
    let [tokens] = succeeded(&answers).try_into().expect("exactly one success");
    for refused in answers.iter().filter(|answer| answer.status != StatusCode::OK) {
        refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    world
        .refresh(&tokens["refresh_token"])
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    world
        .userinfo(&tokens["access_token"])
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_refreshes_with_one_token_all_get_the_same_successor_and_the_session_survives() {
    let world = Arc::new(World::new().await);
    let first = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    let request = refresh_request(first["refresh_token"].as_str().unwrap());
    let answers = succeeded(&all_at_once(&world, request, 32).await);
    assert_eq!(answers.len(), 32);
    let successor = &answers[0]["refresh_token"];
    assert!(answers.iter().all(|answer| answer["refresh_token"] == *successor));
    for answer in &answers {
        assert_eq!(world.userinfo(&answer["access_token"]).await.status, StatusCode::OK);
    }
    assert_eq!(world.refresh(successor).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_users_at_once_get_their_own_tokens() {
    let world = Arc::new(World::new().await);
    let tasks: Vec<_> = (0..8)
        .map(|index| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let name = if index % 2 == 0 { "alice" } else { "carol" };
                let tokens = Browser::signed_in(&world, name).await.tokens(&[]).await;
                let renewed = world.refresh(&tokens["refresh_token"]).await.json();
                assert_eq!(world.userinfo(&renewed["access_token"]).await.json()["sub"], name);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}
