//! Several tabs of one origin.

use super::world::{Tab, World};
use crate::{Event, Settings, SignoutRequestArgs, in_page::MemoryStorage, settings::StoreKind};

/// Tabs that keep the user in local storage.
fn sharing_tab(world: &World, automatic_silent_renew: bool) -> Tab {
    let settings = Settings { user_store: StoreKind::Local, automatic_silent_renew, ..World::settings() };
    world.tab_with(settings, world.local_storage.clone())
}

#[test]
fn callers_in_many_tabs_make_one_request() {
    let world = World::new();
    let tabs = [(); 3].map(|()| sharing_tab(&world, false));
    world.sign_in(&tabs[0]);
    world.pass_seconds(4000);
    let calls: Vec<_> = (0..15)
        .map(|call| {
            let manager = tabs[call % 3].manager.clone();
            async move { manager.get_access_token().await }
        })
        .collect();
    let tokens = world.run(futures::future::join_all(calls));
    assert!(tokens.iter().all(|token| token.as_deref() == Ok("access-2")));
    assert_eq!(world.provider.count("token"), 2, "sign-in and one renewal");
}

#[test]
fn tabs_that_renew_by_themselves_share_renewals() {
    let world = World::new();
    let tabs = [(); 3].map(|()| sharing_tab(&world, true));
    world.sign_in(&tabs[0]);
    world.pass_seconds(20_000);
    assert_eq!(world.provider.count("token"), 1 + 5);
    for tab in &tabs {
        assert!(tab.events().iter().all(|event| ["loaded", "signed_in", "expiring"].contains(&event.as_str())));
    }
}

#[test]
fn sign_in_and_sign_out_reach_tabs_that_share_the_store() {
    let world = World::new();
    let (first, second) = (sharing_tab(&world, true), sharing_tab(&world, true));
    world.sign_in(&first);
    assert_eq!(second.events(), ["loaded", "signed_in"]);
    assert_eq!(world.user(&second), world.user(&first));
    let manager = second.manager.clone();
    world.run(async move { manager.signout_redirect(SignoutRequestArgs::default()).await }).unwrap();
    assert_eq!(first.events(), ["unloaded", "signed_out"]);
    assert_eq!(world.user(&first), None);
}

#[test]
fn sign_out_reaches_tabs_with_their_own_store_if_it_is_the_same_user() {
    let world = World::new();
    let tabs = [(); 3].map(|()| world.tab());
    world.sign_in(&tabs[0]);
    world.sign_in(&tabs[1]);
    let url = world.callback_url(&tabs[2], crate::SigninRequestArgs::default());
    world.provider.alter_claims(|claims| {
        claims.insert("sub".to_owned(), "bob".into());
    });
    world.callback(&tabs[2], &url).unwrap();
    for tab in &tabs {
        tab.events();
    }
    let manager = tabs[0].manager.clone();
    world.run(async move { manager.signout_redirect(SignoutRequestArgs::default()).await }).unwrap();
    assert_eq!(tabs[1].events(), ["unloaded", "signed_out"]);
    assert_eq!(world.user(&tabs[1]), None);
    assert_eq!(tabs[2].events(), Vec::<String>::new());
    assert_eq!(world.user(&tabs[2]).unwrap().sub(), "bob");
}

#[test]
fn a_page_that_was_frozen_notices_when_it_wakes() {
    let world = World::new();
    let store = MemoryStorage::default();
    let frozen = world.tab_with(World::settings(), store.clone());
    world.sign_in(&frozen);
    // Another page of the same tab signs out, whose messages a frozen page does not hear.
    crate::ports::Storage::remove(&store, "oidc.user:https://op.example:app").unwrap();
    frozen.navigator.wake();
    world.settle();
    assert_eq!(frozen.events(), ["unloaded"]);
}

#[test]
fn junk_on_the_channel_is_ignored() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    for message in ["", "junk", "{}", r#"{"type":"signed_out"}"#, r#"{"type":"signed_out","sub":""}"#, "[1]"] {
        world.post(message);
    }
    assert_eq!(tab.events(), Vec::<String>::new());
    assert!(world.user(&tab).is_some());
}

#[test]
fn a_handler_that_fails_does_not_keep_the_event_from_others() {
    let world = World::new();
    let tab = world.tab();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let failing = tab.manager.events().subscribe(|_| panic!("a handler's own mistake"));
    let count = std::rc::Rc::new(std::cell::Cell::new(0));
    let counter = std::rc::Rc::clone(&count);
    let counting = tab.manager.events().subscribe(move |event| {
        let counts = matches!(event, Event::UserLoaded(_) | Event::UserSignedIn);
        counter.set(counter.get() + usize::from(counts));
    });
    world.sign_in(&tab);
    std::panic::set_hook(hook);
    assert_eq!(count.get(), 2);
    drop((failing, counting));
    let manager = tab.manager.clone();
    world.run(async move { manager.remove_user().await }).unwrap();
    assert_eq!(count.get(), 2, "dropped subscriptions hear nothing");
}
