//! The provider's documents, which the next page of the tab finds.

use serde_json::json;

use super::{
    provider::Fault,
    world::{Tab, World},
};
use crate::{
    Settings, SigninRequestArgs, in_page::MemoryStorage, ports::Storage as _, settings::StoreKind,
};

/// Begins a sign-in on one page, and finishes it on the next page of the tab. `between` happens
/// while the browser is at the provider.
fn sign_in_over_two_pages(world: &World, settings: &Settings, between: impl FnOnce()) -> Tab {
    let storage = MemoryStorage::default();
    let before = world.tab_with(settings.clone(), storage.clone());
    let url = world.callback_url(&before, SigninRequestArgs::default());
    drop(before);
    between();
    let after = world.tab_with(settings.clone(), storage);
    world.callback(&after, &url).unwrap();
    after
}

fn asked(world: &World) -> (usize, usize) {
    (world.provider.count(".well-known/openid-configuration"), world.provider.count("jwks"))
}

#[test]
fn the_callback_does_not_ask_again() {
    let world = World::new();
    let tab = sign_in_over_two_pages(&world, &World::settings(), || ());
    assert_eq!(asked(&world), (1, 1));
    // So the keys are known when the user signs in again, too.
    let again = world.tab_with(World::settings(), tab.session_storage.clone());
    world.sign_in(&again);
    assert_eq!(asked(&world), (1, 1));
}

#[test]
fn what_is_old_or_of_a_clock_that_was_set_back_is_asked_for() {
    let world = World::new();
    sign_in_over_two_pages(&world, &World::settings(), || world.pass_seconds(300));
    assert_eq!(asked(&world), (2, 1));
    let world = World::new();
    sign_in_over_two_pages(&world, &World::settings(), || world.clock.wall_ahead.set(-10));
    assert_eq!(asked(&world), (2, 1));
}

#[test]
fn keys_that_do_not_fit_are_fetched() {
    let world = World::new();
    let tab = sign_in_over_two_pages(&world, &World::settings(), || ());
    let storage = tab.session_storage.clone();
    let name = storage.keys().unwrap().into_iter().find(|key| key.starts_with("oidc-keys:"));
    let name = name.unwrap();
    // Another key under the same identifier.
    let text = storage.get(&name).unwrap().unwrap();
    let other = text.replace("\"n\":\"AQAB\"", "\"n\":\"AQAC\"");
    assert_ne!(text, other);
    storage.set(&name, &other).unwrap();
    let again = world.tab_with(World::settings(), storage);
    world.sign_in(&again);
    assert_eq!(asked(&world).1, 2);
}

#[test]
fn after_a_failure_everything_is_asked_for_again() {
    let world = World::new();
    let storage = MemoryStorage::default();
    let tab = world.tab_with(World::settings(), storage.clone());
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    world.provider.fault("token", Fault::Answer(404, json!({})));
    let after = world.tab_with(World::settings(), storage.clone());
    url.clone_into(&mut after.navigator.url.borrow_mut());
    assert!(world.callback(&after, &url).is_err());
    let kept = storage.keys().unwrap();
    assert!(!kept.iter().any(|key| key.starts_with("oidc-metadata:")), "{kept:?}");
}

#[test]
fn nothing_is_kept_that_can_t_be_used_or_where_nothing_shall_be() {
    for (store, body) in [
        (StoreKind::Session, json!({ "issuer": "https://evil.example" })),
        (StoreKind::Memory, serde_json::Value::Null),
    ] {
        let world = World::new();
        if !body.is_null() {
            *world.provider.metadata.borrow_mut() = body;
        }
        let storage = MemoryStorage::default();
        let settings = Settings { user_store: store, ..World::settings() };
        let tab = world.tab_with(settings, storage.clone());
        let manager = tab.manager.clone();
        let _ =
            world.run(async move { manager.signin_redirect(SigninRequestArgs::default()).await });
        assert_eq!(storage.keys().unwrap(), Vec::<String>::new(), "{store:?}");
    }
}

#[test]
fn a_forged_or_broken_entry_is_as_none() {
    for text in ["", "x", "0 {}", "99999999999999 {}", "1 [1]", "{}", "-1 {}"] {
        let world = World::new();
        let storage = MemoryStorage::default();
        let tab = world.tab_with(World::settings(), storage.clone());
        world.callback_url(&tab, SigninRequestArgs::default());
        for key in storage.keys().unwrap() {
            storage.set(&key, text).unwrap();
        }
        let next = world.tab_with(World::settings(), storage);
        world.sign_in(&next);
        assert_eq!(asked(&world), (2, 1), "{text:?}");
    }
}
