//! Several tabs of one origin.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::Rc,
    time::Duration,
};

use doorward_protocol::dpop::access_token_hash;
use futures::future::select;
use serde_json::json;

use super::{
    provider::Fault,
    world::{Tab, World, copy},
};
use crate::{
    AuthEvent, Error, Settings, SigninRequestArgs, SignoutRequestArgs, Subscription, User,
    in_page::MemoryStorage,
    ports::{Clock as _, Storage as _},
    settings::StoreKind,
};

/// Tabs that keep the user in local storage.
fn sharing_tab(world: &World, automatic_silent_renew: bool) -> Tab {
    let settings =
        Settings { user_store: StoreKind::Local, automatic_silent_renew, ..World::settings() };
    world.tab_with(settings, world.local_storage.clone())
}

#[test]
fn callers_in_many_tabs_make_one_request() {
    let world = World::new();
    let tabs = [(); 3].map(|()| sharing_tab(&world, false));
    world.sign_in(&tabs[0]);
    world.pass_seconds(4000);
    world.renew_once_for((0..15).map(|call| &tabs[call % 3]));
}

#[test]
fn tabs_that_renew_by_themselves_share_renewals() {
    let world = World::new();
    let tabs = [(); 3].map(|()| sharing_tab(&world, true));
    world.sign_in(&tabs[0]);
    world.pass_seconds(20_000);
    assert_eq!(world.provider.count("token"), 1 + 5);
    for tab in &tabs {
        assert!(
            tab.events()
                .iter()
                .all(|event| ["loaded", "signed_in", "expiring"].contains(&event.as_str()))
        );
    }
}

/// A tab renews. Another tab, whose store still shows the old tokens, renews too; its store shows
/// the new tokens after `until` token requests, or a second later. Returns the other tab's result
/// and the number of token requests.
fn renewals_with_a_late_store(world: &World, until: usize) -> (Result<String, Error>, usize) {
    let settings = || Settings {
        user_store: StoreKind::Local,
        automatic_silent_renew: false,
        ..World::settings()
    };
    let first = world.tab_with(settings(), MemoryStorage::default());
    world.sign_in(&first);
    let late_store = MemoryStorage::default();
    copy(&first.session_storage, &late_store);
    let second = world.tab_with(settings(), late_store.clone());
    world.run(first.manager.signin_silent()).unwrap();
    let (asked, clock) = (world.asked("token", until), Rc::clone(&world.clock));
    let (renewal, newer) = (second.manager.signin_silent(), first.session_storage.clone());
    let renewed = world.run(async move {
        let arrives = async move {
            select(pin!(asked), pin!(clock.sleep_for(Duration::from_secs(1)))).await;
            copy(&newer, &late_store);
        };
        futures::join!(renewal, arrives).0
    });
    assert_eq!(second.events(), ["loaded"]);
    assert_eq!(world.access_token(&second).as_deref(), Ok("access-2"));
    (renewed.map(|user| user.access_token), world.provider.count("token"))
}

#[test]
fn tokens_that_another_tab_replaced_are_not_used_although_the_store_still_has_them() {
    assert_eq!(renewals_with_a_late_store(&World::new(), 3), (Ok("access-2".to_owned()), 2));
}

fn when_asked() -> Settings {
    Settings { automatic_silent_renew: false, ..World::settings() }
}

/// A tab that renews only when asked, and a tab with a copy of its store, as a browser duplicates
/// it.
fn tab_and_copy(world: &World) -> (Tab, Tab) {
    let first = world.tab_with(when_asked(), MemoryStorage::default());
    world.sign_in(&first);
    let store = MemoryStorage::default();
    copy(&first.session_storage, &store);
    (first, world.tab_with(when_asked(), store))
}

#[test]
fn a_copied_tab_leaves_the_refresh_token_to_the_other() {
    let world = World::new();
    let (first, second) = tab_and_copy(&world);
    assert_eq!(world.access_token(&second).as_deref(), Ok("access-1"), "good until it ends");
    world.pass_seconds(4000);
    assert_eq!(world.access_token(&second), Err(Error::NoRefreshToken));
    assert_eq!(world.access_token(&first).as_deref(), Ok("access-2"));
    assert_eq!(world.user(&second).unwrap().refresh_token, None, "it is spent");
    assert_eq!(world.provider.count("token"), 2);
}

#[test]
fn a_copied_tab_renews_once_the_other_is_closed() {
    let world = World::new();
    let (first, second) = tab_and_copy(&world);
    drop(first);
    world.pass_seconds(4000);
    assert_eq!(world.access_token(&second).as_deref(), Ok("access-2"));
    assert_eq!(world.access_token(&second).as_deref(), Ok("access-2"));
    assert_eq!(world.provider.count("token"), 2);
}

#[test]
fn a_tab_that_was_copied_and_loaded_again_does_not_send_the_token_twice() {
    let world = World::new();
    let (first, second) = tab_and_copy(&world);
    let reloaded = world.tab_with(when_asked(), first.session_storage.clone());
    drop(first);
    world.pass_seconds(4000);
    let renewed = [&second, &reloaded].map(|tab| world.access_token(tab).is_ok());
    assert_eq!(renewed, [true, false], "whichever renews first");
    assert_eq!(world.provider.count("token"), 2);
}

#[test]
fn without_marks_a_copied_tab_forgets_the_refresh_token_at_once() {
    let world = World::new();
    world.without_web_locks.set(true);
    let (_first, second) = tab_and_copy(&world);
    assert_eq!(world.user(&second).unwrap().refresh_token, None);
}

/// A page with copied tokens learns during its renewal that another tab has them too. Returns the
/// page and its result.
fn copy_that_renews_already(world: &World, fault: Option<Fault>) -> (Tab, Result<User, Error>) {
    let first = world.tab_with(when_asked(), MemoryStorage::default());
    world.sign_in(&first);
    if let Some(fault) = fault {
        world.provider.fault("token", fault);
    }
    let store = first.session_storage.clone();
    drop(first);
    let copied = world.tab_with(when_asked(), store);
    let sign =
        copied.session_storage.get("oidc-sign:oidc.user:https://op.example:app").unwrap().unwrap();
    let held = json!({"type": "tokens_held", "of": access_token_hash("refresh-1"), "sign": sign})
        .to_string();
    let renewed = Rc::new(RefCell::new(None));
    let (renewal, result) = (copied.manager.signin_silent(), Rc::clone(&renewed));
    world.spawn(async move { *result.borrow_mut() = Some(renewal.await) });
    world.run(world.asked("token", 2));
    world.post(&held);
    world.pass_seconds(1);
    (copied, renewed.take().unwrap())
}

#[test]
fn what_a_copy_is_renewing_already_it_keeps() {
    let world = World::new();
    let (copied, renewed) = copy_that_renews_already(&world, None);
    let user = renewed.unwrap();
    assert_eq!(user.refresh_token.as_deref(), Some("refresh-2"));
    assert_eq!(world.user(&copied), Some(user));
}

#[test]
fn what_a_copy_failed_to_renew_it_leaves_to_the_other() {
    let world = World::new();
    world.without_web_locks.set(true);
    let (copied, renewed) = copy_that_renews_already(&world, Some(Fault::Answer(503, json!({}))));
    assert!(renewed.is_err_and(|error| error.is_transient()));
    assert_eq!(world.user(&copied).unwrap().refresh_token, None);
}

#[test]
fn a_frame_and_a_page_that_is_loaded_again_share_the_tabs_tokens() {
    let world = World::new();
    let (first, second) = tab_and_copy(&world);
    let frame = world.tab_with(first.manager.settings().clone(), first.session_storage.clone());
    let store = MemoryStorage::default();
    copy(&first.session_storage, &store);
    let third = world.tab_with(first.manager.settings().clone(), store);
    world.pass_seconds(4000);
    let renewed = [&second, &third, &first, &frame].map(|page| world.access_token(page).is_ok());
    assert_eq!(renewed, [false, false, true, true]);
    assert_eq!(world.provider.count("token"), 2);
}

#[test]
fn a_tab_that_was_copied_during_a_renewal_sends_no_token_twice_and_keeps_nobody_waiting() {
    let world = World::new();
    let first = world.tab_with(when_asked(), MemoryStorage::default());
    world.sign_in(&first);
    let store = MemoryStorage::default();
    copy(&first.session_storage, &store);
    world.run(first.manager.signin_silent()).unwrap();
    world.shortest_timer.set(Duration::from_secs(30));
    let hidden = world.tab_with(when_asked(), store);
    let renewal = hidden.manager.signin_silent();
    world.spawn(async move { assert_eq!(renewal.await, Err(Error::NoRefreshToken)) });
    world.settle();
    let before = world.clock.now();
    world.run(first.manager.signin_silent()).unwrap();
    assert!(world.clock.now() - before <= 60, "the lock was given back");
    world.pass_seconds(100);
    assert_eq!(world.user(&hidden).unwrap().refresh_token, None);
    assert_eq!(world.run(hidden.manager.signin_silent()), Err(Error::NoRefreshToken));
    assert_eq!(world.provider.count("token"), 3);
}

#[test]
fn a_refresh_token_that_another_tab_used_is_no_failure_where_there_are_no_marks() {
    let world = World::new();
    world.without_web_locks.set(true);
    assert_eq!(renewals_with_a_late_store(&world, 3), (Ok("access-2".to_owned()), 3));
}

#[test]
fn a_renewal_that_failed_leaves_no_mark() {
    let world = World::new();
    let tab = sharing_tab(&world, false);
    world.sign_in(&tab);
    world.provider.fault("token", Fault::Answer(503, json!({})));
    assert!(world.run(tab.manager.signin_silent()).unwrap_err().is_transient());
    let before = world.clock.now();
    assert!(world.run(sharing_tab(&world, false).manager.signin_silent()).is_ok());
    assert_eq!(world.clock.now(), before, "at once");
}

#[test]
fn sign_in_and_sign_out_reach_tabs_that_share_the_store() {
    let world = World::new();
    let (first, second) = (sharing_tab(&world, true), sharing_tab(&world, true));
    world.sign_in(&first);
    assert_eq!(second.events(), ["loaded", "signed_in"]);
    assert_eq!(world.user(&second), world.user(&first));
    let manager = second.manager.clone();
    world
        .run(async move { manager.signout_redirect(SignoutRequestArgs::default()).await })
        .unwrap();
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
    world
        .run(async move { manager.signout_redirect(SignoutRequestArgs::default()).await })
        .unwrap();
    assert_eq!(tabs[1].events(), ["unloaded", "signed_out"]);
    assert_eq!(world.user(&tabs[1]), None);
    assert_eq!(tabs[2].events(), Vec::<String>::new());
    assert_eq!(world.user(&tabs[2]).unwrap().sub(), "bob");
}

#[test]
fn sign_out_reaches_tabs_also_where_nobody_knows_who_it_is() {
    for shared in [true, false] {
        let world = World::new();
        world.provider.alter_answer(|answer| {
            answer.remove("id_token");
        });
        let tabs = [(); 2].map(|()| if shared { sharing_tab(&world, true) } else { world.tab() });
        for tab in &tabs {
            let args =
                SigninRequestArgs { scope: Some("api".to_owned()), ..SigninRequestArgs::default() };
            let url = world.callback_url(tab, args);
            world.callback(tab, &url).unwrap();
        }
        tabs[1].events();
        world.run(tabs[0].manager.signout_redirect(SignoutRequestArgs::default())).unwrap();
        assert_eq!(tabs[1].events(), ["unloaded", "signed_out"]);
        assert_eq!(world.user(&tabs[1]), None);
    }
}

#[test]
fn a_page_that_was_frozen_notices_when_it_wakes() {
    let world = World::new();
    let store = MemoryStorage::default();
    let frozen = world.tab_with(World::settings(), store.clone());
    world.sign_in(&frozen);
    // Another page of the same tab signs out. A frozen page does not receive the message.
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
    let unsigned =
        format!(r#"{{"type":"tokens_held","of":"{}","sign":"x"}}"#, access_token_hash("refresh-1"));
    for message in [
        &*unsigned,
        r#"{"type":"tokens_found"}"#,
        "",
        "junk",
        "{}",
        r#"{"type":"signed_out"}"#,
        r#"{"type":"signed_out","sub":""}"#,
        "[1]",
    ] {
        world.post(message);
    }
    assert_eq!(tab.events(), Vec::<String>::new());
    assert!(world.user(&tab).unwrap().refresh_token.is_some());
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
        let counts = matches!(event, AuthEvent::UserLoaded(_) | AuthEvent::UserSignedIn);
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

/// One handler may remove the part of the page that another belongs to.
#[test]
fn a_subscription_that_ended_during_an_event_does_not_hear_it_any_more() {
    let world = World::new();
    let tab = world.tab();
    let events = tab.manager.events();
    let second: Rc<RefCell<Option<Subscription>>> = Rc::default();
    let ended = Rc::clone(&second);
    let first = events.subscribe(move |_| drop(ended.borrow_mut().take()));
    let is_heard = Rc::new(Cell::new(false));
    let hearing = Rc::clone(&is_heard);
    *second.borrow_mut() = Some(events.subscribe(move |_| hearing.set(true)));
    world.sign_in(&tab);
    assert!(!is_heard.get());
    drop(first);
}

#[test]
fn with_a_handler_go_the_subscriptions_that_it_holds() {
    let world = World::new();
    let tab = world.tab();
    let inner = tab.manager.events().subscribe(|_| ());
    let outer = tab.manager.events().subscribe(move |_| {
        let _holds = &inner;
    });
    drop(outer);
    world.sign_in(&tab);
}

#[test]
fn tabs_that_got_the_same_access_token_keep_their_refresh_tokens() {
    let world = World::new();
    world.provider.alter_answer(|answer| {
        answer.remove("id_token");
        answer.insert("access_token".to_owned(), json!("the same"));
    });
    let tabs = [(); 2].map(|()| world.tab_with(when_asked(), MemoryStorage::default()));
    for tab in &tabs {
        let args = SigninRequestArgs::default().scope("api");
        let url = world.callback_url(tab, args);
        world.callback(tab, &url).unwrap();
    }
    let reloaded = world.tab_with(when_asked(), tabs[1].session_storage.clone());
    assert!(world.user(&reloaded).unwrap().refresh_token.is_some());
}
