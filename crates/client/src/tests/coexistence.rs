//! The client beside other programs of its page and origin: their parameters, their keys, and other
//! clients.

use std::rc::Rc;

use serde_json::json;

use super::world::{REDIRECT_URI, World};
use crate::{
    CallbackKind, Error, Settings, SigninRequestArgs, SignoutRequestArgs, in_page::MemoryStorage,
    ports::Storage, settings::StoreKind,
};

#[test]
fn parameters_of_the_page_itself_are_left_alone() {
    let world = World::new();
    let tab = world.tab();
    let shaped = "A".repeat(43);
    for url in [
        "https://app.example/?code=PROMO10&state=CA&tab=2".to_owned(),
        "https://app.example/?error=404&state=CA".to_owned(),
        format!("{REDIRECT_URI}?code=WELCOME5"),
        format!("{REDIRECT_URI}?code=PROMO10&state=CA"),
        format!("{REDIRECT_URI}?error=oops"),
        format!("{REDIRECT_URI}?state={shaped}"),
        format!("https://app.example/other?code=a&state={shaped}"),
    ] {
        url.clone_into(&mut tab.navigator.url.borrow_mut());
        assert_eq!(tab.manager.callback_kind(&url), CallbackKind::None, "{url}");
        assert_eq!(tab.manager.take_response(), url);
        assert_eq!(*tab.navigator.url.borrow(), url, "the address is not touched");
    }
    let errors = ["access_denied", "invalid_request"].map(|code| format!("error={code}"));
    for own in &errors {
        let url = format!("{REDIRECT_URI}?{own}");
        assert_eq!(tab.manager.callback_kind(&url), CallbackKind::None, "{own}");
    }
    let lost = format!("{REDIRECT_URI}?code=a&state={shaped}");
    assert_eq!(tab.manager.callback_kind(&lost), CallbackKind::Signin, "its request is lost");
}

#[test]
fn two_clients_of_one_origin_do_not_take_each_others_responses() {
    let world = World::new();
    let own = Settings::new("https://op.example", "app", REDIRECT_URI)
        .post_logout_redirect_uri("https://app.example/");
    let tab = world.tab_with(own.clone(), MemoryStorage::default());
    let signin = world.callback_url(&tab, SigninRequestArgs::default());
    world.run(tab.manager.signout_redirect(SignoutRequestArgs::default())).unwrap();
    let address = tab.navigator.gone_to.borrow_mut().pop().unwrap();
    let state = address.split("state=").nth(1).unwrap();
    let signout = format!("https://app.example/?state={state}");
    for other in [
        Settings { authority: "https://other.example".to_owned(), ..own.clone() },
        Settings { client_id: "other".to_owned(), ..own.clone() },
    ] {
        let other = world.tab_with(other, MemoryStorage::default());
        for url in [&signin, &signout] {
            url.clone_into(&mut other.navigator.url.borrow_mut());
            assert_eq!(other.manager.callback_kind(url), CallbackKind::None);
            other.manager.take_response();
            assert_eq!(*other.navigator.url.borrow(), *url);
        }
    }
    assert_eq!(tab.manager.callback_kind(&signin), CallbackKind::Signin);
    assert_eq!(tab.manager.callback_kind(&signout), CallbackKind::Signout);
    assert!(world.callback(&tab, &signin).is_ok());
}

#[test]
fn a_client_does_not_sweep_the_requests_of_another() {
    let world = World::new();
    let patient = Settings { client_id: "other".to_owned(), ..World::settings() };
    let other = world.tab_with(patient, MemoryStorage::default());
    world.run(other.manager.signin_redirect(SigninRequestArgs::default())).unwrap();
    world.pass_seconds(10_000);
    let tab = world.tab();
    world.callback_url(&tab, SigninRequestArgs::default());
    assert_eq!(world.state_keys().len(), 2);
}

#[test]
fn keys_of_other_programs_stay() {
    let world = World::new();
    let store = &world.local_storage;
    let keys = ["oidc.default", "oidc.lastProvider", "oidc.other-app:session", "oidc."];
    for key in keys {
        store.set(key, "junk").unwrap();
    }
    let tab = world.tab();
    world.sign_in(&tab);
    world.run(tab.manager.clear_stale_state()).unwrap();
    for key in keys {
        assert!(store.get(key).unwrap().is_some(), "{key}");
    }
}

#[test]
fn nothing_about_the_user_stays_after_sign_out() {
    let world = World::new();
    let tab = world.tab();
    let args = SigninRequestArgs::default().state(json!("private"));
    let url = world.callback_url(&tab, args);
    world.callback(&tab, &url).unwrap();
    assert_eq!(world.state_keys().len(), 1);
    world.run(tab.manager.signout_redirect(SignoutRequestArgs::default())).unwrap();
    assert_eq!(world.state_keys(), Vec::<String>::new());
    let left = tab.session_storage.keys().unwrap();
    assert!(left.iter().all(|key| !key.starts_with("oidc.user:")), "{left:?}");
}

#[test]
fn a_reload_while_the_code_is_redeemed_does_not_lose_the_sign_in() {
    let world = World::new();
    let tab = world.tab();
    let url = world.take_callback(&tab);

    let reloaded = world.tab_with(World::settings(), tab.session_storage.clone());
    REDIRECT_URI.clone_into(&mut reloaded.navigator.url.borrow_mut());
    assert_eq!(reloaded.manager.take_response(), url);
    assert!(world.callback(&reloaded, &url).is_ok());

    let again = world.tab_with(World::settings(), tab.session_storage.clone());
    REDIRECT_URI.clone_into(&mut again.navigator.url.borrow_mut());
    assert_eq!(again.manager.take_response(), REDIRECT_URI, "it is finished");
    drop(tab);
}

/// Wherever the user is kept: the response is the tab's own.
#[test]
fn a_reload_while_the_code_is_redeemed_loses_nothing_in_the_other_stores_either() {
    for kind in [StoreKind::Local, StoreKind::Memory] {
        let world = World::new();
        let settings = Settings { user_store: kind, ..World::settings() };
        let local = MemoryStorage::default();
        // A page's memory is gone after a reload.
        let store = || -> Rc<dyn Storage> {
            let is_kept = kind == StoreKind::Local;
            Rc::new(if is_kept { local.clone() } else { MemoryStorage::default() })
        };
        let tab = world.tab_on(settings.clone(), store());
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        url.clone_into(&mut tab.navigator.url.borrow_mut());
        assert_eq!(tab.manager.take_response(), url);

        let reloaded = world.reloaded_on(settings.clone(), store(), tab.session_storage.clone());
        REDIRECT_URI.clone_into(&mut reloaded.navigator.url.borrow_mut());
        assert_eq!(reloaded.manager.take_response(), url, "{kind:?}");
        assert!(world.callback(&reloaded, &url).is_ok(), "{kind:?}");

        let again = world.reloaded_on(settings, store(), tab.session_storage.clone());
        REDIRECT_URI.clone_into(&mut again.navigator.url.borrow_mut());
        assert_eq!(again.manager.take_response(), REDIRECT_URI, "{kind:?}: it is finished");
        drop(tab);
    }
}

#[test]
fn a_popup_knows_that_it_is_one_without_the_store_of_its_opener() {
    let world = World::new();
    let (tab, popups) = super::popups::tab_with_windows(&world, World::settings());
    let waiting =
        tab.manager.signin_popup(SigninRequestArgs::default(), crate::PopupArgs::default());
    world.spawn(async move { drop(waiting.await) });
    world.settle();
    world.pass_seconds(1);
    let address = popups.last().loaded.borrow()[0].clone();
    let url = format!("{REDIRECT_URI}?{}", world.provider.sign_in(&address, "alice"));
    let child = World::new().tab();
    assert_eq!(child.manager.callback_kind(&url), CallbackKind::ChildWindow);
    let elsewhere = url.replace(REDIRECT_URI, "https://app.example/elsewhere");
    assert_eq!(child.manager.callback_kind(&elsewhere), CallbackKind::None);
}

#[test]
fn a_redirect_with_a_state_store_in_memory_is_refused() {
    let world = World::new();
    let settings = World::settings().state_store(StoreKind::Memory);
    let tab = world.tab_with(settings, MemoryStorage::default());
    let error = world.run(tab.manager.signin_redirect(SigninRequestArgs::default())).unwrap_err();
    assert!(matches!(&error, Error::Settings(text) if text.starts_with("state_store")), "{error}");
}

#[test]
fn the_way_back_is_kept_through_sign_in() {
    let world = World::new();
    let tab = world.tab();
    let url = world.callback_url(&tab, SigninRequestArgs::default().return_to("/orders?page=2"));
    assert!(!url.contains("orders"), "it is not sent");
    for _ in 0..2 {
        let outcome = world.callback(&tab, &url).unwrap();
        assert_eq!(outcome.return_to.as_deref(), Some("/orders?page=2"));
    }
}
