//! `kill -9` in the middle of work: whatever was answered is still true afterwards.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use crate::support::{Doorward, Sandbox, browser, refresh, sign_in_by_password, text, until};

const CLIENTS: usize = 16;
const ROTATIONS_BEFORE_THE_CRASH: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_refresh_token_is_lost() {
    let place = Arc::new(Sandbox::new());
    let start = || {
        let mut command = place.command(&["serve"]);
        // A rotation that was committed but not answered is repeated after the restart.
        command.env("DOORWARD_PROVIDER__REFRESH_TOKEN_GRACE", "600");
        Doorward::start(command)
    };
    let server = start();
    let http = browser();
    let first = sign_in_by_password(&http, &place, "alice").await;
    let mut held = vec![text(&first, "refresh_token").to_owned()];
    while held.len() < CLIENTS {
        let tokens = sign_in_by_password(&http, &place, "alice").await;
        held.push(text(&tokens, "refresh_token").to_owned());
    }
    let rotations = Arc::new(AtomicUsize::new(0));
    let latest: Vec<_> = held.into_iter().map(|token| Arc::new(Mutex::new(token))).collect();
    let clients: Vec<_> = latest
        .iter()
        .map(|latest| {
            let (latest, rotations, place, http) =
                (Arc::clone(latest), Arc::clone(&rotations), Arc::clone(&place), http.clone());
            tokio::spawn(async move { rotate_for_ever(&http, &place, &latest, &rotations).await })
        })
        .collect();
    let enough = async || rotations.load(SeqCst) >= ROTATIONS_BEFORE_THE_CRASH;
    until("so many rotations", enough).await;
    server.kill();
    for client in clients {
        client.await.unwrap();
    }

    let server = start();
    for (index, latest) in latest.iter().enumerate() {
        let token = latest.lock().unwrap().clone();
        let response = refresh(&http, &place, &token).await;
        assert_eq!(response.status(), 200, "client {index} was given this token and can't use it");
    }
    server.stop();
}

/// Uses each refresh token for the next one until the server is gone.
async fn rotate_for_ever(
    http: &reqwest::Client,
    place: &Sandbox,
    latest: &Mutex<String>,
    rotations: &AtomicUsize,
) {
    loop {
        let token = latest.lock().unwrap().clone();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let request = http
            .post(format!("{}/connect/token", place.provider))
            .basic_auth("PolicyBasedBackend", Some("secret"))
            .form(&form);
        let Ok(response) = request.send().await else { return };
        assert_eq!(response.status(), 200);
        let Ok(tokens) = response.json::<serde_json::Value>().await else { return };
        text(&tokens, "refresh_token").clone_into(&mut latest.lock().unwrap());
        rotations.fetch_add(1, SeqCst);
    }
}
