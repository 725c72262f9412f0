//! What is stored, and what is removed.

use serde_json::json;

use super::world::World;
use crate::{SigninRequestArgs, User, in_page::MemoryStorage, ports::Storage as _};

#[test]
fn stale_and_unreadable_requests_are_swept_and_nothing_else() {
    let world = World::new();
    let now = world.clock.true_time();
    let store = &world.local_storage;
    let entry = |created: u64| {
        json!({"request_type": "si:done", "code_hash": "x", "created": created}).to_string()
    };
    let id = |letter: &str| ["oidc.", &letter.repeat(43)].concat();
    let [stale, fresh, future, junk] = ["a", "b", "c", "d"].map(id);
    let entries = [
        (&*stale, entry(now - 900), false),
        (&*fresh, entry(now - 899), true),
        (&*future, entry(now + 901), false),
        (&*junk, "junk".to_owned(), false),
        ("oidc.user:https://other:app", "{}".to_owned(), true),
        ("theme", "dark".to_owned(), true),
    ];
    for (key, value, _) in &entries {
        store.set(key, value).unwrap();
    }
    let tab = world.tab();
    world.callback_url(&tab, SigninRequestArgs::default());
    for (key, _, kept) in &entries {
        assert_eq!(store.get(key).unwrap().is_some(), *kept, "{key}");
    }
}

#[test]
fn the_user_is_stored_as_oidc_client_stores_it() {
    let world = World::new();
    world.provider.alter_answer(|answer| {
        answer.insert("tenant".to_owned(), json!("x"));
        answer.insert("profile".to_owned(), json!("must not replace the profile"));
    });
    let tab = world.tab();
    let args = SigninRequestArgs {
        state: Some(json!([1])),
        url_state: Some("u".to_owned()),
        ..SigninRequestArgs::default()
    };
    let url = world.callback_url(&tab, args);
    let user = world.callback(&tab, &url).unwrap().user;
    let text = tab.session_storage.get("oidc.user:https://op.example:app").unwrap().unwrap();
    let stored: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(stored["access_token"], "access-1");
    assert_eq!(stored["refresh_token"], "refresh-1");
    assert_eq!(stored["token_type"], "Bearer");
    assert_eq!(stored["scope"], "openid profile");
    assert_eq!(stored["session_state"], "ss");
    assert_eq!(stored["profile"]["sub"], "alice");
    assert_eq!(stored["profile"]["nonce"], json!(null), "protocol claims are filtered");
    assert_eq!(stored["state"], json!([1]));
    assert_eq!(stored["url_state"], "u");
    assert_eq!(stored["tenant"], "x");
    assert!(stored["expires_at"].as_u64().unwrap() >= world.clock.true_time() + 3599);

    let reloaded = world.tab_with(World::settings(), tab.session_storage.clone());
    assert_eq!(world.user(&reloaded), Some(user));
    assert_eq!(reloaded.events(), Vec::<String>::new());
}

#[test]
fn junk_under_the_users_key_is_nobody() {
    for text in ["", "junk", "{}", "[]", "null", r#"{"access_token":5}"#] {
        let store = MemoryStorage::default();
        store.set("oidc.user:https://op.example:app", text).unwrap();
        let world = World::new();
        let tab = world.tab_with(World::settings(), store);
        assert_eq!(world.user(&tab), None, "{text}");
        assert!(world.access_token(&tab).is_err());
    }
}

#[test]
fn debug_shows_no_token() {
    let world = World::new();
    let user = world.sign_in(&world.tab()).user;
    let shown = format!("{user:?}");
    for secret in ["access-1", "refresh-1", user.id_token.as_deref().unwrap()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_user_tells_its_remaining_life() {
    let user: User = serde_json::from_value(json!({
        "access_token": "a", "token_type": "Bearer", "expires_at": 100, "scope": "openid  api",
        "profile": {"sub": "s"}
    }))
    .unwrap();
    assert_eq!((user.expires_in(90), user.expires_in(110)), (Some(10), Some(-10)));
    assert_eq!((user.expired(99), user.expired(100)), (false, true));
    assert_eq!(user.scopes().collect::<Vec<_>>(), ["openid", "api"]);
    assert_eq!(user.sub(), "s");
}

#[test]
fn stale_requests_are_swept_on_demand() {
    let world = World::new();
    let tab = world.tab();
    world.callback_url(&tab, crate::SigninRequestArgs::default());
    world.run(tab.manager.clear_stale_state()).unwrap();
    assert_eq!(world.state_keys().len(), 1);
    world.pass_seconds(900);
    world.run(tab.manager.clear_stale_state()).unwrap();
    assert_eq!(world.state_keys(), Vec::<String>::new());
}

#[test]
fn a_user_can_be_stored_and_forgotten_by_the_caller() {
    let world = World::new();
    let tab = world.tab();
    let user = world.sign_in(&world.tab()).user;
    world.run(tab.manager.store_user(Some(user.clone()))).unwrap();
    assert_eq!(world.user(&tab), Some(user));
    assert_eq!(tab.events(), ["loaded"]);
    world.pass_seconds(3541);
    assert_eq!(tab.events(), ["expiring", "loaded"], "watched and renewed like any other");
    world.run(tab.manager.store_user(None)).unwrap();
    assert_eq!(world.user(&tab), None);
    assert_eq!(tab.events(), ["unloaded"]);
}
