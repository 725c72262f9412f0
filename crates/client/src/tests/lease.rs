//! Tabs without Web Locks.

use std::{cell::RefCell, rc::Rc, time::Duration};

use super::world::World;
use crate::{
    Settings, StorageLease,
    ports::{Guard, Locks as _, Storage as _},
    settings::StoreKind,
};

const KEY: &str = "oidc-lock:a";

type Slot = Rc<RefCell<Option<Guard>>>;

/// Requests the lock. The guard is put into the slot.
fn ask(world: &World, lease: &StorageLease) -> Slot {
    let slot = Slot::default();
    let (lease, place) = (lease.clone(), Rc::clone(&slot));
    world.spawn(async move {
        let guard = lease.acquire("a").await;
        *place.borrow_mut() = Some(guard);
    });
    slot
}

#[test]
fn callers_in_many_tabs_make_one_request() {
    let world = World::new();
    world.without_web_locks.set(true);
    let settings = Settings {
        user_store: StoreKind::Local,
        automatic_silent_renew: false,
        ..World::settings()
    };
    let tabs = [(); 3].map(|()| world.tab_with(settings.clone(), world.local_storage.clone()));
    world.sign_in(&tabs[0]);
    world.pass_seconds(4000);
    let calls = (0..15).map(|call| tabs[call % 3].manager.get_access_token());
    let tokens = world.run(futures::future::join_all(calls.collect::<Vec<_>>()));
    assert!(tokens.iter().all(|token| token.as_deref() == Ok("access-2")));
    assert_eq!(world.provider.count("token"), 2, "sign-in and one renewal");
    assert!(world.state_keys().iter().all(|key| !key.starts_with("oidc-lock:")));
}

#[test]
fn who_asks_at_one_moment_gets_the_lock_one_after_the_other() {
    let world = World::new();
    let slots: Vec<Slot> = (0..3).map(|_| ask(&world, &world.lease())).collect();
    for held in 1..=3 {
        world.pass_seconds(1);
        let holders: Vec<_> = slots.iter().filter(|slot| slot.borrow().is_some()).collect();
        assert_eq!(holders.len(), 1, "round {held}");
        drop(holders[0].take());
    }
    world.pass_seconds(11);
    assert_eq!(world.local_storage.get(KEY).unwrap(), None);
}

#[test]
fn a_holder_keeps_the_lock_and_a_closed_tab_loses_it() {
    let world = World::new();
    let first = ask(&world, &world.lease());
    world.pass_seconds(1);
    let second = ask(&world, &world.lease());
    world.pass_seconds(120);
    assert!(first.borrow().is_some() && second.borrow().is_none(), "the holder puts the end off");
    drop(first.take());
    // A tab was closed: its entry stays, and nobody extends it.
    drop(second.take());
    world.pass_seconds(1);
    let third = ask(&world, &world.lease());
    world.local_storage.set(KEY, &format!("closed {}", world.clock.true_time() + 8)).unwrap();
    world.pass_seconds(7);
    assert!(third.borrow().is_none());
    world.pass_seconds(2);
    assert!(third.borrow().is_some());
}

#[test]
fn junk_and_the_leases_of_a_wrong_clock_hold_nobody_up() {
    for entry in
        ["", "junk", "x y", "closed -1", "closed 99999999999999", "closed 0", "\u{1F511} 5 6"]
    {
        let world = World::new();
        world.local_storage.set(KEY, entry).unwrap();
        let slot = ask(&world, &world.lease());
        world.pass(Duration::from_millis(200));
        assert!(slot.borrow().is_some(), "{entry:?}");
    }
}
