//! The session at the provider: queries and the monitor.

use std::rc::Rc;

use serde_json::json;

use super::{
    popups::{FakePopups, FakeWindow, answer_in_frames, tab_with_windows},
    provider::{Fault, ISSUER},
    world::{Tab, World},
};
use crate::{Error, SessionStatus, Settings, ports::NetworkFailure};

/// A signed-in tab that watches the session, and the provider's frame.
struct Watched {
    world: World,
    tab: Tab,
    popups: Rc<FakePopups>,
}

impl Watched {
    fn new() -> Self {
        let world = World::new();
        world.provider.metadata.borrow_mut()["check_session_iframe"] =
            json!(format!("{ISSUER}/check"));
        let settings =
            Settings { monitor_session: true, automatic_silent_renew: false, ..World::settings() };
        let (tab, popups) = tab_with_windows(&world, settings);
        answer_in_frames(&world, &popups, "alice", "ss-2");
        world.sign_in(&tab);
        world.pass_seconds(1);
        Self { world, tab, popups }
    }

    fn frames(&self) -> Vec<Rc<FakeWindow>> {
        let all = self.popups.children.borrow();
        all.iter()
            .filter(|window| window.loaded.borrow()[0] == format!("{ISSUER}/check"))
            .cloned()
            .collect()
    }

    fn frame(&self) -> Rc<FakeWindow> {
        self.frames().last().unwrap().clone()
    }

    fn says(&self, answer: &str) {
        self.frame().send(ISSUER, answer);
        self.world.pass_seconds(1);
    }

    fn status_queries(&self) -> usize {
        self.popups.children.borrow().len() - self.frames().len()
    }
}

#[test]
fn the_frame_is_asked_every_two_seconds() {
    let watched = Watched::new();
    watched.world.pass_seconds(10);
    let posted = watched.frame().posted.borrow().clone();
    assert!((5..=6).contains(&posted.len()), "{posted:?}");
    assert!(posted.iter().all(|message| *message == ("app ss".to_owned(), ISSUER.to_owned())));
    assert_eq!(watched.frames().len(), 1);
    assert_eq!(watched.tab.events(), Vec::<String>::new());
}

#[test]
fn the_same_user_with_a_new_session_is_told_and_watched_on() {
    let watched = Watched::new();
    watched.says("unchanged");
    watched.says("changed");
    assert_eq!(watched.tab.events(), ["loaded", "session_changed"]);
    assert_eq!(watched.status_queries(), 1);
    let frames = watched.frames();
    assert!(frames[0].is_gone.get());
    assert_eq!(frames[1].posted.borrow()[0].0, "app ss-2");
    let user = watched.world.user(&watched.tab).unwrap();
    assert_eq!(
        (user.access_token.as_str(), user.session_state.as_deref()),
        ("access-1", Some("ss-2"))
    );
}

#[test]
fn nobody_or_somebody_else_at_the_provider_means_signed_out() {
    for sub in [None, Some("bob")] {
        let watched = Watched::new();
        watched.says("unchanged");
        match sub {
            Some(sub) => answer_in_frames(&watched.world, &watched.popups, sub, "ss-2"),
            None => answer_in_frames(&watched.world, &watched.popups, "", ""),
        }
        watched.says("changed");
        assert_eq!(watched.tab.events(), ["unloaded", "signed_out"], "{sub:?}");
        assert_eq!(watched.world.user(&watched.tab), None);
        watched.world.pass_seconds(60);
        assert!(watched.frames().iter().all(|frame| frame.is_gone.get()));
    }
}

#[test]
fn a_frame_that_is_kept_from_its_cookie_signs_nobody_out() {
    for answer in ["changed", "error"] {
        let watched = Watched::new();
        watched.says(answer);
        watched.world.pass_seconds(60);
        assert_eq!(watched.tab.events(), Vec::<String>::new());
        assert_eq!(watched.status_queries(), 0);
        assert!(watched.frame().is_gone.get(), "it is not asked again");
        assert!(watched.world.user(&watched.tab).is_some());
        watched.world.sign_in(&watched.tab);
        watched.world.pass_seconds(1);
        assert_eq!(watched.frames().len(), 1, "the same session is not watched again");
    }
}

#[test]
fn error_ends_the_watch() {
    let watched = Watched::new();
    watched.says("unchanged");
    watched.says("error");
    watched.world.pass_seconds(60);
    assert!(watched.frame().is_gone.get());
    assert_eq!(watched.tab.events(), Vec::<String>::new());
}

#[test]
fn messages_from_elsewhere_and_junk_are_ignored() {
    let watched = Watched::new();
    watched.says("unchanged");
    for origin in [
        "https://evil.example",
        "https://op.example.evil.example",
        "null",
        "",
        "https://app.example",
    ] {
        watched.frame().send(origin, "changed");
    }
    for junk in ["", "Changed", "changed ", "{}"] {
        watched.frame().send(ISSUER, junk);
    }
    watched.world.pass_seconds(10);
    assert_eq!(watched.status_queries(), 0);
    assert!(!watched.frame().is_gone.get());
}

#[test]
fn a_provider_that_cannot_be_reached_is_asked_again() {
    let watched = Watched::new();
    watched.says("unchanged");
    for _ in 0..4 {
        watched.world.provider.fault("token", Fault::NotSent(NetworkFailure::Timeout));
    }
    watched.says("changed");
    watched.world.pass_seconds(20);
    assert_eq!(watched.tab.events(), Vec::<String>::new());
    watched.world.pass_seconds(31);
    watched.says("changed");
    assert_eq!(watched.tab.events(), ["loaded", "session_changed"]);
}

#[test]
fn signing_out_here_ends_the_watch_and_signing_in_begins_one() {
    let watched = Watched::new();
    watched.world.run(watched.tab.manager.remove_user()).unwrap();
    watched.world.pass_seconds(1);
    assert!(watched.frame().is_gone.get());
    watched.tab.events();
    watched.world.sign_in(&watched.tab);
    watched.world.pass_seconds(1);
    assert_eq!(watched.frames().len(), 2);
}

#[test]
fn without_the_setting_or_the_providers_frame_nothing_is_watched() {
    let world = World::new();
    let (tab, popups) =
        tab_with_windows(&world, Settings { monitor_session: true, ..World::settings() });
    world.sign_in(&tab);
    world.pass_seconds(10);
    world.provider.metadata.borrow_mut()["check_session_iframe"] = json!(format!("{ISSUER}/check"));
    let (tab, more) = tab_with_windows(&world, World::settings());
    world.sign_in(&tab);
    world.pass_seconds(10);
    assert!(popups.children.borrow().is_empty() && more.children.borrow().is_empty());
}

#[test]
fn the_session_status_tells_who_is_there_and_changes_nothing() {
    let world = World::new();
    let (tab, popups) = tab_with_windows(&world, World::settings());
    answer_in_frames(&world, &popups, "bob", "ss-9");
    let expected = SessionStatus { sub: "bob".to_owned(), session_state: Some("ss-9".to_owned()) };
    assert_eq!(world.run(tab.manager.query_session_status()), Ok(Some(expected)));
    assert_eq!(world.user(&tab), None);
    assert_eq!(tab.events(), Vec::<String>::new());
    answer_in_frames(&world, &popups, "", "");
    assert_eq!(world.run(tab.manager.query_session_status()), Ok(None));
    *world.popups.borrow_mut() = None;
    assert_eq!(world.run(world.tab().manager.query_session_status()), Err(Error::NoWindow));
    assert_eq!(world.state_keys(), Vec::<String>::new());
}
