//! Tabs that share a store, whatever order messages and writes arrive in, and whether or not a tab
//! is suspended meanwhile.

use std::rc::Rc;

use serde_json::json;

use super::{
    provider::Fault,
    world::{LateStorage, Tab, World},
};
use crate::{Error, Settings, SignoutRequestArgs, ports::Storage as _, settings::StoreKind};

const KEY: &str = "oidc.user:https://op.example:app";
const LOCK: &str = "oidc.renew:https://op.example:app";

fn settings() -> Settings {
    World::settings().user_store(StoreKind::Local).automatic_silent_renew(false)
}

/// Two tabs with views of one store, and a user who is signed in in both.
fn two_tabs(world: &World) -> (Tab, Rc<LateStorage>, Tab, Rc<LateStorage>) {
    let [of_first, of_second] = [(); 2].map(|()| LateStorage::of(&world.local_storage));
    let first = world.tab_on(settings(), of_first.clone());
    let second = world.tab_on(settings(), of_second.clone());
    world.sign_in(&first);
    of_second.arrive(true);
    assert_eq!(world.user(&second), world.user(&first));
    (first, of_first, second, of_second)
}

fn sign_out(world: &World, tab: &Tab) {
    world.run(tab.manager.signout_redirect(SignoutRequestArgs::default())).unwrap();
}

/// The ways in which a change reaches another tab.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    MessageThenWrite,
    WriteThenMessage,
    WriteAlone,
    /// The browser does not send a `storage` event.
    MessageThenSilentWrite,
}

const ARRIVALS: [Arrival; 4] = [
    Arrival::MessageThenWrite,
    Arrival::WriteThenMessage,
    Arrival::WriteAlone,
    Arrival::MessageThenSilentWrite,
];

/// Changes something in the first tab, and lets it arrive in the second one within a second.
fn change(world: &World, arrival: Arrival, tab: &Tab, view: &LateStorage, act: impl Fn()) {
    world.suspend(tab, !matches!(arrival, Arrival::WriteAlone));
    act();
    match arrival {
        Arrival::MessageThenWrite => {
            world.resume();
            view.arrive(true);
        }
        Arrival::WriteThenMessage | Arrival::WriteAlone => {
            view.arrive(true);
            world.resume();
        }
        Arrival::MessageThenSilentWrite => {
            world.resume();
            view.arrive(false);
        }
    }
    world.pass_seconds(1);
}

#[test]
fn sign_ins_renewals_and_sign_outs_arrive_in_any_order() {
    for arrival in ARRIVALS {
        let world = World::new();
        let (first, _, second, view) = two_tabs(&world);
        second.events();
        change(&world, arrival, &second, &view, || {
            world.run(first.manager.signin_silent()).unwrap();
        });
        assert_eq!(second.events(), ["loaded"], "renewal, {arrival:?}");
        assert_eq!(world.user(&second), world.user(&first), "{arrival:?}");

        change(&world, arrival, &second, &view, || sign_out(&world, &first));
        assert_eq!(second.events()[0], "unloaded", "sign-out, {arrival:?}");
        assert_eq!(world.user(&second), None, "{arrival:?}");

        change(&world, arrival, &second, &view, || drop(world.sign_in(&first)));
        assert_eq!(second.events(), ["loaded", "signed_in"], "sign-in, {arrival:?}");
        assert_eq!(world.user(&second), world.user(&first), "{arrival:?}");

        world.provider.revoke_all();
        change(&world, arrival, &second, &view, || {
            world.run(first.manager.signin_silent()).unwrap_err();
        });
        assert_eq!(second.events(), ["unloaded"], "end of the grant, {arrival:?}");
        assert_eq!(world.user(&second), None, "{arrival:?}");
    }
}

#[test]
fn a_suspended_tab_does_not_remove_the_session_that_began_meanwhile() {
    for arrival in ARRIVALS {
        let world = World::new();
        let (first, _, second, view) = two_tabs(&world);
        change(&world, arrival, &second, &view, || {
            sign_out(&world, &first);
            world.pass_seconds(2);
            world.sign_in(&first);
        });
        world.pass_seconds(10);
        assert!(world.local_storage.get(KEY).unwrap().is_some(), "{arrival:?}");
        assert!(world.user(&first).is_some(), "{arrival:?}");
        assert_eq!(world.user(&second), world.user(&first), "{arrival:?}");
    }
}

#[test]
fn the_end_of_an_old_grant_does_not_remove_the_session_that_began_meanwhile() {
    let world = World::new();
    let (first, _, second, view) = two_tabs(&world);
    world.suspend(&second, false);
    sign_out(&world, &first);
    world.provider.revoke_all();
    world.sign_in(&first);
    world.resume();
    // The second tab still sees the old session, and renews it.
    let (renewal, clock) = (second.manager.signin_silent(), Rc::clone(&world.clock));
    let arrives = async move {
        clock.sleep_for(std::time::Duration::from_millis(500)).await;
        view.arrive(true);
    };
    let renewed = world.run(async move { futures::join!(renewal, arrives).0 });
    assert!(renewed.is_ok(), "{renewed:?}");
    assert!(world.local_storage.get(KEY).unwrap().is_some());
    assert_eq!(world.user(&second), world.user(&first));
}

#[test]
fn a_session_that_was_written_again_after_its_end_does_not_stay() {
    let world = World::new();
    let (first, of_first, second, view) = two_tabs(&world);
    // The second tab renews while the first one signs out: its write is the last one.
    world.suspend(&second, true);
    sign_out(&world, &first);
    world.run(second.manager.signin_silent()).unwrap();
    world.resume();
    of_first.arrive(true);
    world.pass_seconds(2);
    view.arrive(true);
    of_first.arrive(true);
    assert_eq!(world.local_storage.get(KEY).unwrap(), None);
    assert_eq!((world.user(&first), world.user(&second)), (None, None));
}

#[test]
fn storage_that_another_program_cleared_is_noticed() {
    let world = World::new();
    let (first, _, second, view) = two_tabs(&world);
    second.events();
    world.local_storage.remove(KEY).unwrap();
    view.arrive(false);
    assert_eq!(world.access_token(&second), Err(Error::NotSignedIn));
    assert_eq!(second.events(), ["unloaded"]);
    drop(first);
}

#[test]
fn a_lock_that_is_never_released_does_not_block_a_renewal() {
    let world = World::new();
    let (first, _, second, _) = two_tabs(&world);
    let _lock = world.hold(LOCK);
    world.pass_seconds(4000);
    let before = world.clock.true_time();
    assert_eq!(world.access_token(&first).as_deref(), Ok("access-2"));
    assert!(world.clock.true_time() - before <= 16);
    drop(second);
}

#[test]
fn a_tab_that_is_suspended_in_a_renewal_does_not_block_the_others_for_ever() {
    let world = World::new();
    let (first, _, second, _) = two_tabs(&world);
    drop(second);
    let lock = world.hold(LOCK);
    let stored: serde_json::Value =
        serde_json::from_str(&world.local_storage.get(KEY).unwrap().unwrap()).unwrap();
    let tokens = format!("{} {}", stored["access_token"], stored["refresh_token"]).replace('"', "");
    let hash = doorward_protocol::dpop::access_token_hash(&tokens);
    let mark = world.hold_mark(&format!("oidc.replaced:{hash}"));
    world.pass_seconds(4000);
    let before = world.clock.true_time();
    assert_eq!(world.access_token(&first), Err(Error::OtherTab));
    assert!(world.clock.true_time() - before <= 22);
    assert_eq!(world.provider.count("token"), 1, "the refresh token may be on its way");
    drop((lock, mark));
    assert_eq!(world.access_token(&first).as_deref(), Ok("access-2"));
}

#[test]
fn a_callback_does_not_wait_for_ever_either() {
    let world = World::new();
    let tab = world.tab();
    let url = world.callback_url(&tab, crate::SigninRequestArgs::default());
    let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let _lock = world.hold(&format!("oidc.callback.{state}"));
    assert!(world.callback(&tab, &url).is_ok());
}

#[test]
fn the_end_is_announced_although_a_lock_is_never_released() {
    let world = World::new();
    let settings = World::settings().user_store(StoreKind::Local);
    let tab = world.tab_on(settings, LateStorage::of(&world.local_storage));
    world.sign_in(&tab);
    let _lock = world.hold(LOCK);
    world.provider.fault("token", Fault::Answer(503, json!({})));
    world.pass_seconds(3700);
    let events = tab.events();
    assert!(events.contains(&"expiring".to_owned()), "{events:?}");
    assert!(events.contains(&"loaded".to_owned()), "{events:?}");
}
