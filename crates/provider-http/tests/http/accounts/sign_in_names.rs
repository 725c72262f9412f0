//! Users sign in by user name, by address, or by either.

use axum::http::StatusCode;
use doorward_provider::model::account_settings::{AccountSettings, SignInWith};

use super::{open, world};
use crate::support::{Browser, World};

async fn sign_in(world: &World, name: &str) -> StatusCode {
    Browser::new(world).sign_in(name, "alice", None).await.status
}

#[tokio::test]
async fn by_user_name_or_by_address_as_it_is_set() {
    for (username, email) in [(true, false), (false, true), (true, true)] {
        let sign_in_with = SignInWith { username, email };
        let world = world(AccountSettings { sign_in_with, ..open() }).await;
        let expected =
            |is_set| if is_set { StatusCode::SEE_OTHER } else { StatusCode::BAD_REQUEST };
        assert_eq!(sign_in(&world, "Alice").await, expected(username), "{sign_in_with:?}");
        assert_eq!(
            sign_in(&world, " ALICE@example.com").await,
            expected(email),
            "{sign_in_with:?}"
        );
    }
}

#[tokio::test]
async fn failures_count_for_the_account_whichever_name_is_typed() {
    let sign_in_with = SignInWith { username: true, email: true };
    let world = world(AccountSettings { sign_in_with, ..open() }).await;
    for attempt in 0..5 {
        let name = if attempt % 2 == 0 { "alice" } else { "alice@example.com" };
        let answer = Browser::new(&world).sign_in(name, "wrong", None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    for name in ["alice", "alice@example.com"] {
        assert_eq!(sign_in(&world, name).await, StatusCode::TOO_MANY_REQUESTS, "{name}");
    }
}
