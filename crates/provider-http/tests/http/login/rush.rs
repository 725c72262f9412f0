//! More sign-ins at once than the machine can check: they are told to come back, and nobody else
//! notices.

use std::{future::Future as _, task::Context, task::Poll, task::Waker};

use axum::http::StatusCode;
use doorward_protocol::secret::Secret;
use doorward_provider::use_case::password_verifier::{Busy, PasswordVerifier};

use crate::support::{Browser, Setup, World};

const MACHINE: [(&str, &str); 3] =
    [("grant_type", "client_credentials"), ("client_id", "Resources"), ("client_secret", "secret")];
const BY_PASSWORD: [(&str, &str); 5] = [
    ("grant_type", "password"),
    ("client_id", "MyBackend"),
    ("client_secret", "secret"),
    ("username", "alice"),
    ("password", "alice"),
];

#[test]
fn sign_ins_cannot_starve_the_token_endpoint() {
    // The one thread that hashes passwords is held until the test lets it go.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let passwords = PasswordVerifier::new(1);
        let world =
            World::with(Setup { passwords: Some(passwords.clone()), ..Setup::default() }).await;
        let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;

        let (let_go, held) = std::sync::mpsc::channel::<()>();
        let holder = tokio::task::spawn_blocking(move || held.recv());
        let mut waiting = Vec::new();
        loop {
            let mut guess = Box::pin(passwords.verify("nobody", None, Secret::new("guess")));
            match guess.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => waiting.push(guess),
                Poll::Ready(outcome) => break assert_eq!(outcome, Err(Busy)),
            }
        }
        assert!(waiting.len() > 1, "one is checked, others wait for it");

        let refused = Browser::new(&world).sign_in("alice", "alice", None).await;
        assert_eq!(
            (refused.status, refused.header("retry-after")),
            (StatusCode::SERVICE_UNAVAILABLE, "5")
        );
        assert!(
            refused.page().text.contains("Too many people are signing in at the moment."),
            "{refused:?}"
        );
        let refused = world.token(&BY_PASSWORD).await;
        refused.expect_json_error(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
        assert_eq!(refused.header("retry-after"), "5");

        assert_eq!(world.refresh(&tokens["refresh_token"]).await.status, StatusCode::OK);
        assert_eq!(world.token(&MACHINE).await.status, StatusCode::OK);
        assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::OK);

        let_go.send(()).unwrap();
        holder.await.unwrap().unwrap();
        drop(waiting);
        assert_eq!(
            world.token(&BY_PASSWORD).await.status,
            StatusCode::OK,
            "afterwards all is as before"
        );
    });
}
