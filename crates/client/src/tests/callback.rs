//! From the response to the user.

use std::{cell::Cell, rc::Rc, time::Duration};

use doorward_protocol::error::ErrorCode;
use serde_json::json;

use super::{
    provider::{Fault, ISSUER, key},
    world::{REDIRECT_URI, World, copy},
};
use crate::{
    AuthEvent, CallbackKind, Error, ErrorKind, Events, IdTokenError, Settings, SigninRequestArgs,
    UserManager,
    in_page::MemoryStorage,
    ports::{NetworkFailure, Ports},
};

fn lost() -> Fault {
    Fault::NotSent(NetworkFailure::Failed("reset".to_owned()))
}

#[test]
fn the_user_is_signed_in_and_the_response_leaves_the_address() {
    let world = World::new();
    let tab = world.tab();
    let args = SigninRequestArgs {
        state: Some(json!({"page": 7})),
        url_state: Some("a;b".to_owned()),
        ..SigninRequestArgs::default()
    };
    let url = world.callback_url(&tab, args);
    assert_eq!(tab.manager.callback_kind(&url), CallbackKind::Signin);
    let outcome = world.callback(&tab, &url).unwrap();
    assert_eq!(outcome.user.sub(), "alice");
    assert_eq!(outcome.user.claim("name"), Some("Alice"));
    assert_eq!(outcome.state, Some(json!({"page": 7})));
    assert_eq!(outcome.url_state.as_deref(), Some("a;b"));
    assert_eq!(world.user(&tab), Some(outcome.user));
    assert_eq!(tab.events(), ["loaded", "signed_in"]);
    assert_eq!(*tab.navigator.url.borrow(), REDIRECT_URI);
    let form = &world.provider.requests("token")[0];
    assert_eq!(form.get("grant_type"), Some("authorization_code"));
    assert_eq!(form.get("client_id"), Some("app"));
    assert_eq!(form.get("redirect_uri"), Some(REDIRECT_URI));
}

#[test]
fn the_response_is_taken_out_of_the_address_and_nothing_else_is() {
    let world = World::new();
    let tab = world.tab();
    world.take_callback(&tab);
    assert_eq!(tab.manager.take_response(), REDIRECT_URI);
    "https://app.example/?code=of+the+page".clone_into(&mut tab.navigator.url.borrow_mut());
    assert_eq!(tab.manager.take_response(), *tab.navigator.url.borrow());
}

#[test]
fn called_twice_at_once_it_asks_once() {
    let world = World::new();
    let tab = world.tab();
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    let manager = tab.manager.clone();
    let (first, second) = world.run(async move {
        futures::join!(
            manager.signin_redirect_callback(&url),
            manager.signin_redirect_callback(&url)
        )
    });
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(world.provider.count("token"), 1);
}

#[test]
fn called_again_later_and_after_a_reload_it_gives_the_same() {
    let world = World::new();
    let tab = world.tab();
    let url =
        world.callback_url(&tab, SigninRequestArgs { state: Some(json!(1)), ..Default::default() });
    let first = world.callback(&tab, &url).unwrap();
    assert_eq!(world.callback(&tab, &url).unwrap(), first);
    let reloaded = world.tab_with(World::settings(), tab.session_storage.clone());
    assert_eq!(reloaded.manager.callback_kind(&url), CallbackKind::Signin);
    assert_eq!(world.callback(&reloaded, &url).unwrap(), first);
    assert_eq!(*reloaded.navigator.url.borrow(), REDIRECT_URI);
    assert_eq!(world.provider.count("token"), 1);
}

#[test]
fn once_the_user_is_gone_the_address_signs_nobody_in() {
    let world = World::new();
    let tab = world.tab();
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    world.callback(&tab, &url).unwrap();
    let manager = tab.manager.clone();
    world.run(async move { manager.remove_user().await }).unwrap();
    for tab in [&tab, &world.tab()] {
        let error = world.callback(tab, &url).unwrap_err();
        assert_eq!(error, Error::NoMatchingState { signed_in: false });
        assert_eq!(error.kind(), ErrorKind::Restart);
    }
    assert_eq!(world.provider.count("token"), 1);
}

#[test]
fn the_address_of_a_former_user_does_not_give_the_present_one() {
    let world = World::new();
    let tab = world.tab();
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    world.callback(&tab, &url).unwrap();
    world.provider.alter_claims(|claims| {
        claims.insert("sub".to_owned(), json!("bob"));
    });
    world.sign_in(&tab);
    let reloaded = world.tab_with(World::settings(), tab.session_storage.clone());
    let error = world.callback(&reloaded, &url).unwrap_err();
    assert_eq!(error, Error::NoMatchingState { signed_in: true });
    assert_eq!(world.user(&reloaded).unwrap().sub(), "bob");
}

#[test]
fn two_tabs_with_one_address_ask_once() {
    let world = World::new();
    let settings = Settings { user_store: crate::settings::StoreKind::Local, ..World::settings() };
    let store = world.local_storage.clone();
    let first = world.tab_with(settings.clone(), store.clone());
    let second = world.tab_with(settings, store);
    let url = world.callback_url(&first, SigninRequestArgs::default());
    let (one, two) = (first.manager.clone(), second.manager.clone());
    let (one, two) = world.run(async move {
        futures::join!(one.signin_redirect_callback(&url), two.signin_redirect_callback(&url))
    });
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(world.provider.count("token"), 1);
}

/// In Chromium and Firefox, one tab's write is sometimes not visible yet when another tab gets the
/// lock.
#[test]
fn a_tab_that_does_not_see_yet_that_the_response_was_used_does_not_use_it_again() {
    let world = World::new();
    let first = world.tab();
    let url = world.callback_url(&first, SigninRequestArgs::default());
    let late_store = MemoryStorage::default();
    copy(&world.local_storage, &late_store);
    let outcome = world.callback(&first, &url).unwrap();
    let ports = world.ports(&Rc::default(), &first.session_storage);
    let ports = Ports { state_store: Rc::new(late_store.clone()), ..ports };
    let second = UserManager::new(World::settings(), ports).unwrap();
    let (clock, newer) = (Rc::clone(&world.clock), world.local_storage.clone());
    let again = world.run(async move {
        let arrives = async move {
            clock.sleep_for(Duration::from_secs(1)).await;
            copy(&newer, &late_store);
        };
        futures::join!(second.signin_redirect_callback(&url), arrives).0
    });
    assert_eq!(again, Ok(outcome));
    assert_eq!(world.provider.count("token"), 1);
}

/// The browser copied the tab during the sign-in. The copy's own store will never show the result.
#[test]
fn a_tab_that_never_sees_that_the_response_was_used_does_not_use_it_either() {
    let world = World::new();
    let settings = Settings { automatic_silent_renew: false, ..World::settings() };
    let first = world.tab_with(settings.clone(), MemoryStorage::default());
    let url = world.callback_url(&first, SigninRequestArgs::default());
    let copied = MemoryStorage::default();
    copy(&world.local_storage, &copied);
    world.callback(&first, &url).unwrap();
    let ports = Ports {
        state_store: Rc::new(copied),
        ..world.ports(&Rc::default(), &MemoryStorage::default())
    };
    let second = UserManager::new(settings, ports).unwrap();
    let again = world.run(async move { second.signin_redirect_callback(&url).await });
    assert_eq!(again, Err(Error::NoMatchingState { signed_in: false }));
    assert_eq!(world.provider.count("token"), 1);
}

#[test]
fn a_response_to_no_request_is_refused() {
    let world = World::new();
    let tab = world.tab();
    for query in [
        "code=a&state=unknown",
        "code=a&state=../../x",
        "error=access_denied&state=unknown",
        "code=a&state=%3B",
    ] {
        let url = format!("{REDIRECT_URI}?{query}&iss={ISSUER}");
        assert_eq!(tab.manager.callback_kind(&url), CallbackKind::None, "{query}");
        let error = world.callback(&tab, &url).unwrap_err();
        assert_eq!(error, Error::NoMatchingState { signed_in: false }, "{query}");
        assert_eq!(*tab.navigator.url.borrow(), REDIRECT_URI);
    }
    assert_eq!(world.provider.count("token"), 0);
    world.sign_in(&tab);
    let error = world.callback(&tab, &format!("{REDIRECT_URI}?code=a&state=unknown")).unwrap_err();
    assert_eq!(error, Error::NoMatchingState { signed_in: true });
}

#[test]
fn a_malformed_response_is_refused_and_does_not_end_the_request() {
    let world = World::new();
    let tab = world.tab();
    let good = world.callback_url(&tab, SigninRequestArgs::default());
    let state = good.split("state=").nth(1).unwrap().split('&').next().unwrap();
    for query in
        [format!("state={state}"), "code=a".to_owned(), format!("code=a&code=b&state={state}")]
    {
        let error = world.callback(&tab, &format!("{REDIRECT_URI}?{query}")).unwrap_err();
        assert!(matches!(error, Error::InvalidResponse(_)), "{query}: {error}");
    }
    assert!(world.callback(&tab, &good).is_ok());
}

#[test]
fn the_issuer_is_checked() {
    let world = World::new();
    let tab = world.tab();
    let good = world.callback_url(&tab, SigninRequestArgs::default());
    let iss = "iss=https%3A%2F%2Fop.example";
    assert!(good.contains(iss));
    let foreign = world.callback(&tab, &good.replace(iss, "iss=https%3A%2F%2Fevil.example"));
    assert!(matches!(foreign.unwrap_err(), Error::IssuerMismatch { .. }));
    let absent = world.callback(&tab, &good.replace(iss, "x=1"));
    assert!(matches!(absent.unwrap_err(), Error::InvalidResponse(_)), "the metadata promise it");
    assert_eq!(world.provider.count("token"), 0);
    assert!(world.callback(&tab, &good).is_ok(), "a forged response does not end the request");
}

#[test]
fn a_provider_that_promises_no_issuer_may_leave_it_out() {
    let world = World::new();
    world.provider.metadata.borrow_mut()["authorization_response_iss_parameter_supported"] =
        json!(false);
    let tab = world.tab();
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    assert!(world.callback(&tab, &url.replace("iss=", "x=")).is_ok());
}

#[test]
fn the_request_of_another_client_or_provider_is_refused() {
    for (settings, name) in [
        (Settings { client_id: "other".to_owned(), ..World::settings() }, "client_id"),
        (
            Settings { authority: "https://op.example/".to_owned(), ..World::settings() },
            "authority",
        ),
    ] {
        let world = World::new();
        let url = world.callback_url(&world.tab(), SigninRequestArgs::default());
        let other = world.tab_with(settings, MemoryStorage::default());
        assert_eq!(world.callback(&other, &url).unwrap_err(), Error::StateMismatch(name));
        assert_eq!(world.provider.count("token"), 0);
    }
}

#[test]
fn an_error_response_carries_what_the_caller_gave() {
    let world = World::new();
    let tab = world.tab();
    let args = SigninRequestArgs {
        state: Some(json!("back")),
        url_state: Some("u".to_owned()),
        ..SigninRequestArgs::default()
    };
    let good = world.callback_url(&tab, args);
    let url = good
        .replace("code=code-0", "error=access_denied&error_description=No%20thanks&error_uri=x");
    let first = world.callback(&tab, &url).unwrap_err();
    let Error::Authorization(error) = &first else { panic!("{first}") };
    assert_eq!(error.code, ErrorCode::AccessDenied);
    assert_eq!(error.description.as_deref(), Some("No thanks"));
    assert_eq!(error.uri.as_deref(), Some("x"));
    assert_eq!(error.session_state.as_deref(), Some("ss"));
    assert_eq!((error.state.clone(), error.url_state.as_deref()), (Some(json!("back")), Some("u")));
    assert_eq!(first.kind(), ErrorKind::Refused);
    assert_eq!(*tab.navigator.url.borrow(), REDIRECT_URI);
    assert_eq!(world.callback(&tab, &url).unwrap_err(), first, "asked again, the same");
    assert!(world.state_keys().is_empty());
}

#[test]
fn an_error_response_is_used_up_also_if_the_provider_had_trouble() {
    let world = World::new();
    let tab = world.tab();
    let good = world.callback_url(&tab, SigninRequestArgs::default());
    let url = good.replace("code=code-0", "error=temporarily_unavailable");
    let error = world.callback(&tab, &url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Restart, "the same address would never do");
    assert!(error.is_transient() && error.user_message().contains("Try again"), "{error}");
    assert_eq!(*tab.navigator.url.borrow(), REDIRECT_URI);
}

#[test]
fn a_network_failure_in_the_exchange_does_not_lose_the_sign_in() {
    let world = World::new();
    let tab = world.tab();
    world.provider.fault("token", lost());
    world.provider.fault("token", Fault::Answer(503, json!({})));
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    assert!(world.callback(&tab, &url).is_ok());
    assert_eq!(world.provider.count("token"), 3);
}

#[test]
fn a_provider_that_was_asked_too_often_is_asked_again_whatever_its_answer_says() {
    for status in [408, 429, 503] {
        let world = World::new();
        let tab = world.tab();
        let refusal = json!({ "error": "invalid_grant", "error_description": "slow down" });
        world.provider.fault("token", Fault::Answer(status, refusal));
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        assert!(world.callback(&tab, &url).is_ok(), "{status}");
        assert_eq!(world.provider.count("token"), 2, "{status}");
    }
}

#[test]
fn after_some_attempts_the_user_is_told_and_can_try_again() {
    let world = World::new();
    let tab = world.tab();
    for _ in 0..4 {
        world.provider.fault("token", lost());
    }
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    let error = world.callback(&tab, &url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Retry);
    assert_eq!(world.provider.count("token"), 4);
    assert_eq!(*tab.navigator.url.borrow(), url, "a reload may try again too");
    let reloaded = world.tab();
    assert!(world.callback(&reloaded, &url).is_ok());
}

#[test]
fn a_code_that_was_redeemed_though_the_answer_was_lost_means_a_new_start() {
    let world = World::new();
    let tab = world.tab();
    world.provider.fault("token", Fault::AnswerLost);
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    let error = world.callback(&tab, &url).unwrap_err();
    assert!(matches!(&error, Error::Refused { code: ErrorCode::InvalidGrant, .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Restart);
    assert!(world.state_keys().is_empty());
}

#[test]
fn tokens_that_cannot_be_verified_yet_are_not_lost() {
    let world = World::new();
    let tab = world.tab();
    for _ in 0..5 {
        world.provider.fault("jwks", lost());
    }
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    assert_eq!(world.callback(&tab, &url).unwrap_err().kind(), ErrorKind::Retry);
    assert_eq!(world.user(&tab), None);
    assert!(world.callback(&tab, &url).is_ok());
    assert_eq!(world.provider.count("token"), 1, "the code was good once");
}

#[test]
fn a_bad_id_token_signs_nobody_in() {
    let world = World::new();
    let tab = world.tab();
    world.provider.alter_claims(|claims| {
        claims.insert("nonce".to_owned(), json!("another"));
    });
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    assert_eq!(world.callback(&tab, &url).unwrap_err(), Error::IdToken(IdTokenError::Nonce));
    assert_eq!(world.user(&tab), None);
    assert_eq!(tab.events(), Vec::<String>::new());
    assert!(world.state_keys().is_empty());
}

#[test]
fn an_id_token_is_required_with_openid_and_only_then() {
    let world = World::new();
    world.provider.alter_answer(|answer| {
        answer.remove("id_token");
    });
    let tab = world.tab();
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    assert_eq!(world.callback(&tab, &url).unwrap_err(), Error::IdToken(IdTokenError::Missing));
    let args = SigninRequestArgs { scope: Some("api".to_owned()), ..SigninRequestArgs::default() };
    let url = world.callback_url(&tab, args);
    let outcome = world.callback(&tab, &url).unwrap();
    assert!(outcome.user.profile.is_empty());
    assert_eq!(
        world
            .callback(&world.tab_with(World::settings(), tab.session_storage.clone()), &url)
            .unwrap(),
        outcome
    );
}

#[test]
fn a_rotated_key_is_fetched_once_and_made_up_ones_make_no_load() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    *world.provider.keys.borrow_mut() = json!({ "keys": [key("k1"), key("k2")] });
    *world.provider.signing_kid.borrow_mut() = "k2".to_owned();
    world.sign_in(&tab);
    assert_eq!(world.provider.count("jwks"), 2);
    *world.provider.signing_kid.borrow_mut() = "made-up".to_owned();
    for _ in 0..3 {
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        assert!(matches!(world.callback(&tab, &url), Err(Error::IdToken(IdTokenError::Key(_)))));
    }
    assert_eq!(world.provider.count("jwks"), 2, "too soon to ask again");
    world.pass_seconds(61);
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    assert!(world.callback(&tab, &url).is_err());
    assert_eq!(world.provider.count("jwks"), 3);
}

#[test]
fn a_rotated_key_serves_all_who_wait_for_it() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    *world.provider.keys.borrow_mut() = json!({ "keys": [key("k2")] });
    *world.provider.signing_kid.borrow_mut() = "k2".to_owned();
    let urls = [(); 2].map(|()| world.callback_url(&tab, SigninRequestArgs::default()));
    let callbacks = urls.map(|url| tab.manager.signin_redirect_callback(&url));
    let outcomes = world.run(futures::future::join_all(callbacks));
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(world.provider.count("jwks"), 2);
}

#[test]
fn a_wrong_device_clock_is_no_obstacle_where_the_provider_tells_the_time() {
    for ahead in [-3600, 3600] {
        let world = World::new();
        world.clock.wall_ahead.set(ahead);
        let tab = world.tab();
        let user = world.sign_in(&tab).user;
        assert_eq!(tab.manager.expires_in(&user), Some(3600));
        *world.provider.tells_time.borrow_mut() = false;
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        let error = world.callback(&tab, &url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Device);
        assert!(error.user_message().contains("clock"), "{}", error.user_message());
    }
}

#[test]
fn a_request_for_no_scope_is_answered_like_any() {
    let world = World::new();
    let tab = world.tab();
    let args = SigninRequestArgs { scope: Some(String::new()), ..SigninRequestArgs::default() };
    let url = world.callback_url(&tab, args);
    assert_eq!(world.callback(&tab, &url).unwrap().user.scope.as_deref(), Some("openid profile"));
}

#[test]
fn scope_defaults_to_what_was_asked_for() {
    let world = World::new();
    world.provider.alter_answer(|answer| {
        answer.remove("scope");
        answer.insert("expires_in".to_owned(), json!("60"));
    });
    let user = world.sign_in(&world.tab()).user;
    assert_eq!(user.scope.as_deref(), Some("openid profile"));
    assert_eq!(user.expires_at, Some(world.clock.true_time() + 60));
}

#[test]
fn userinfo_joins_the_profile_if_it_is_about_the_same_user() {
    let world = World::new();
    let settings = Settings { load_user_info: true, ..World::settings() };
    let tab = world.tab_with(settings, MemoryStorage::default());
    world.provider.fault("userinfo", lost());
    let user = world.sign_in(&tab).user;
    assert_eq!(
        (user.claim("email"), user.claim("name")),
        (Some("alice@example.com"), Some("Alice"))
    );
    for body in [json!({"sub": "bob"}), json!({"email": "x"})] {
        world.provider.fault("userinfo", Fault::Answer(200, body));
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        assert_eq!(world.callback(&tab, &url).unwrap_err(), Error::UserInfoSubject);
    }
}

#[test]
fn no_response_is_no_callback() {
    let world = World::new();
    let tab = world.tab();
    for (url, kind) in [
        (REDIRECT_URI.to_owned(), CallbackKind::None),
        (format!("{REDIRECT_URI}?tab=1"), CallbackKind::None),
        (format!("{REDIRECT_URI}?state=unknown"), CallbackKind::None),
        (format!("{REDIRECT_URI}?code=a"), CallbackKind::None),
        ("https://app.example/coupon?code=SUMMER".to_owned(), CallbackKind::None),
        ("not a url".to_owned(), CallbackKind::None),
    ] {
        assert_eq!(tab.manager.callback_kind(&url), kind, "{url}");
    }
}

#[test]
fn a_full_storage_does_not_lose_the_tokens() {
    let world = World::new();
    let store = super::world::LateStorage::of(&MemoryStorage::default());
    let tab = world.tab_on(World::settings(), store.clone());
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    store.is_full.set(true);
    for _ in 0..2 {
        assert_eq!(world.callback(&tab, &url).unwrap_err().kind(), ErrorKind::Device);
    }
    store.is_full.set(false);
    assert!(world.callback(&tab, &url).is_ok());
    assert_eq!(world.provider.count("token"), 1);
}

#[test]
fn a_wrong_clock_does_not_lose_the_tokens() {
    let world = World::new();
    *world.provider.tells_time.borrow_mut() = false;
    let tab = world.tab();
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    world.clock.wall_ahead.set(36_000);
    assert_eq!(world.callback(&tab, &url).unwrap_err().kind(), ErrorKind::Device);
    world.clock.wall_ahead.set(0);
    assert!(world.callback(&tab, &url).is_ok());
    assert_eq!(world.provider.count("token"), 1);
}

#[test]
fn entra_id_for_all_tenants() {
    const TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let sign_in_at = |document: String, issuer: String, tid: &str, authority: &str| {
        let world = World::new();
        world.provider.metadata.borrow_mut()["issuer"] = json!(document);
        world.provider.metadata.borrow_mut()["authorization_response_iss_parameter_supported"] =
            json!(false);
        let tid = tid.to_owned();
        world.provider.alter_claims(move |claims| {
            claims.insert("iss".to_owned(), json!(issuer));
            claims.insert("tid".to_owned(), json!(tid));
        });
        let metadata_url = "https://op.example/.well-known/openid-configuration";
        let settings = Settings::new(authority, "app", REDIRECT_URI).metadata_url(metadata_url);
        let tab = world.tab_with(settings, MemoryStorage::default());
        let manager = tab.manager.clone();
        world.run(async move { manager.signin_redirect(SigninRequestArgs::default()).await })?;
        let address = tab.navigator.gone_to.borrow_mut().pop().unwrap();
        let query =
            world.provider.sign_in(&address, "alice").replace("&iss=https%3A%2F%2Fop.example", "");
        world.callback(&tab, &format!("{REDIRECT_URI}?{query}"))
    };
    let of = |tenant: &str| format!("https://op.example/{tenant}/v2.0");
    let sign_in = |issuer: String, tid: &str, authority: &str| {
        sign_in_at(of("{tenantid}"), issuer, tid, authority)
    };
    for group in ["common", "organizations"] {
        let outcome = sign_in(of(TENANT), TENANT, &of(group));
        assert!(outcome.is_ok(), "{group}: {outcome:?}");
    }
    let other = "00000000-0000-0000-0000-000000000000";
    for (issuer, tid) in [
        (of(TENANT), other),
        (of(TENANT), ""),
        (of("{tenantid}"), "{tenantid}"),
        (of("evil/x"), "evil/x"),
        (ISSUER.to_owned(), TENANT),
    ] {
        let error = sign_in(issuer.clone(), tid, &of("common")).unwrap_err();
        assert!(matches!(error, Error::IdToken(_)), "{issuer} {tid}: {error}");
    }
    assert!(sign_in(of(TENANT), TENANT, &of("elsewhere")).is_err(), "another authority");
    // The document of personal accounts names their tenant.
    let outcome = sign_in_at(of(TENANT), of(TENANT), TENANT, &of("consumers"));
    assert!(outcome.is_ok(), "{outcome:?}");
    let error = sign_in_at(of(TENANT), of(other), other, &of("consumers")).unwrap_err();
    assert!(matches!(error, Error::IdToken(_)), "{error}");
    for (document, group) in [(TENANT, "common"), ("{tenantid}", "consumers"), (other, "consumers")]
    {
        let error = sign_in_at(of(document), of(TENANT), TENANT, &of(group)).unwrap_err();
        assert!(matches!(error, Error::IssuerMismatch { .. }), "{document} {group}: {error}");
    }
}

#[test]
fn it_may_begin_before_anybody_waits_for_its_end() {
    let world = World::new();
    let tab = world.tab();
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    tab.events();
    tab.manager.events().hold();
    let (manager, own) = (tab.manager.clone(), url.clone());
    world.run(async move { manager.begin_signin_redirect_callback(&own).await });
    assert_eq!(world.user(&tab), None, "the code is on its way, and no more");
    let outcome = world.callback(&tab, &url).unwrap();
    assert_eq!(world.user(&tab), Some(outcome.user));
    assert_eq!(world.provider.count("token"), 1);
    assert!(tab.events().is_empty(), "they are held back for those who subscribe later");
    tab.manager.events().release();
    assert_eq!(tab.events(), ["loaded", "signed_in"]);
}

/// The page that takes over has other settings than the client that began.
#[test]
fn what_one_client_made_of_a_response_is_found_by_another_with_other_settings() {
    let world = World::new();
    let early = world.tab();
    let url = world.callback_url(&early, SigninRequestArgs::default());
    let (manager, own) = (early.manager.clone(), url.clone());
    world.run(async move { manager.begin_signin_redirect_callback(&own).await });
    let settings = World::settings().scope("openid profile email");
    let page = world.tab_with(settings, early.session_storage.clone());
    assert_eq!(page.manager.callback_kind(&url), CallbackKind::Signin);
    let first = world.callback(&early, &url).unwrap();
    drop(early);
    assert_eq!(world.callback(&page, &url).unwrap(), first);
    assert_eq!(world.provider.count("token"), 1);
}

#[test]
fn a_client_that_has_the_tokens_finishes_and_the_other_one_finds_the_result() {
    let world = World::new();
    let early = world.tab();
    let url = world.callback_url(&early, SigninRequestArgs::default());
    (0..5).for_each(|_| world.provider.fault("jwks", lost()));
    let error = world.callback(&early, &url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Retry);
    let settings = World::settings().scope("openid profile email");
    let page = world.tab_with(settings, early.session_storage.clone());
    let outcome = world.callback(&early, &url).unwrap();
    assert_eq!(world.callback(&page, &url).unwrap(), outcome);
    assert_eq!(world.provider.count("token"), 1);
}

#[test]
fn a_client_with_another_store_finds_no_result_and_the_user_can_be_removed() {
    let world = World::new();
    let early = world.tab();
    let url = world.callback_url(&early, SigninRequestArgs::default());
    let page = world.tab_with(World::settings(), MemoryStorage::default());
    let outcome = world.callback(&early, &url).unwrap();
    let error = world.callback(&page, &url).unwrap_err();
    assert_eq!(error, Error::NoMatchingState { signed_in: false });
    assert_eq!(world.user(&early), Some(outcome.user));
    let manager = early.manager.clone();
    world.run(async move { manager.remove_user().await }).unwrap();
    assert_eq!((world.user(&early), world.user(&page)), (None, None));
}

#[test]
fn of_many_events_that_are_held_back_the_last_are_kept() {
    let (events, count) = (Events::default(), Rc::new(Cell::new(0)));
    events.hold();
    (0..300).for_each(|_| events.emit(&AuthEvent::AccessTokenExpiring));
    let counter = Rc::clone(&count);
    let _subscription = events.subscribe(move |_| counter.set(counter.get() + 1));
    events.release();
    assert_eq!(count.get(), 256);
}

#[test]
fn a_beginning_ends_with_a_response_that_has_no_code() {
    let world = World::new();
    let tab = world.tab();
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    let url = url.replace("code=", "error=access_denied&was=");
    let (manager, own) = (tab.manager.clone(), url.clone());
    world.run(async move { manager.begin_signin_redirect_callback(&own).await });
    let error = world.callback(&tab, &url).unwrap_err();
    assert!(matches!(error, Error::Authorization(_)), "{error}");
    assert_eq!(world.provider.count("token"), 0);
}
