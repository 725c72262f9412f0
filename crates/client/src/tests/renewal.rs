//! Automatic renewal, and renewal on demand.

use doorward_protocol::error::ErrorCode;
use serde_json::json;

use super::{
    provider::{Fault, key},
    world::{Tab, World},
};
use crate::{
    ApiRequest, Error, ErrorKind, Settings, SigninRequestArgs,
    in_page::MemoryStorage,
    ports::{Clock as _, NetworkFailure},
};

fn offline() -> Fault {
    Fault::NotSent(NetworkFailure::Offline)
}

/// A tab that renews only when asked.
fn lazy_tab(world: &World) -> Tab {
    let settings = Settings { automatic_silent_renew: false, ..World::settings() };
    world.tab_with(settings, MemoryStorage::default())
}

#[test]
fn many_callers_make_one_request() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    world.pass_seconds(3601);
    world.renew_once_for([&tab; 5]);
}

#[test]
fn a_caller_who_goes_away_does_not_stop_the_renewal() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    let manager = tab.manager.clone();
    let mut call = Box::pin(async move { manager.signin_silent().await });
    assert!(futures::FutureExt::now_or_never(&mut call).is_none());
    drop(call);
    world.pass_seconds(1);
    assert_eq!(world.user(&tab).unwrap().refresh_token.as_deref(), Some("refresh-2"));
}

#[test]
fn the_apis_that_a_sign_in_named_are_named_again() {
    for (of_sign_in, expected) in [(Some("urn:api:orders"), "urn:api:orders"), (None, "urn:api:x")]
    {
        let world = World::new();
        let settings = Settings { resource: vec!["urn:api:x".to_owned()], ..World::settings() };
        let store = MemoryStorage::default();
        let tab = world.tab_with(settings.clone(), store.clone());
        let resource = of_sign_in.map(str::to_owned).into_iter().collect();
        let url = world.callback_url(&tab, SigninRequestArgs::default().resource(resource));
        world.callback(&tab, &url).unwrap();
        // The page is loaded anew.
        let tab = world.tab_with(settings, store);
        world.run(tab.manager.signin_silent()).unwrap();
        let forms = world.provider.requests("token");
        assert_eq!(forms.last().unwrap().get("grant_type"), Some("refresh_token"));
        assert_eq!(forms.last().unwrap().get("resource"), Some(expected));
    }
}

#[test]
fn it_renews_by_itself_before_the_end() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    world.pass_seconds(3539);
    assert_eq!(tab.events(), Vec::<String>::new());
    world.pass_seconds(2);
    assert_eq!(tab.events(), ["expiring", "loaded"]);
    world.pass_seconds(10_000);
    assert_eq!(tab.events(), ["expiring", "loaded", "expiring", "loaded"]);
    assert_eq!(world.provider.count("token"), 4);
    let form = &world.provider.requests("token")[1];
    assert_eq!(form.get("grant_type"), Some("refresh_token"));
    assert_eq!(form.get("refresh_token"), Some("refresh-1"));
    assert_eq!(form.get("client_id"), Some("app"));
}

#[test]
fn short_lives_are_renewed_at_half_time_and_never_without_pause() {
    for (lifetime, most) in [(10, 21), (4, 51), (1, 51), (0, 51)] {
        let world = World::new();
        *world.provider.lifetime.borrow_mut() = lifetime;
        let tab = world.tab();
        world.sign_in(&tab);
        world.pass_seconds(100);
        let renewals = world.provider.count("token") - 1;
        assert!(
            (most - 5..=most).contains(&renewals),
            "{lifetime} s: {renewals} renewals in 100 s"
        );
    }
}

#[test]
fn without_a_refresh_token_the_end_is_told() {
    let world = World::new();
    world.provider.alter_answer(|answer| {
        answer.remove("refresh_token");
    });
    let tab = world.tab();
    world.sign_in(&tab);
    world.pass_seconds(3541);
    assert_eq!(tab.events(), ["expiring"]);
    assert_eq!(world.access_token(&tab).as_deref(), Ok("access-1"), "it still lives");
    world.pass_seconds(58);
    assert_eq!(tab.events(), Vec::<String>::new());
    world.pass_seconds(3);
    assert_eq!(tab.events(), ["expired"]);
    let error = world.access_token(&tab).unwrap_err();
    assert_eq!((error.clone(), error.kind()), (Error::NoRefreshToken, ErrorKind::SignIn));
    world.pass_seconds(3600);
    assert_eq!(tab.events(), Vec::<String>::new(), "told once");
}

#[test]
fn renewal_can_be_stopped_and_started() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    tab.manager.stop_silent_renew();
    world.pass_seconds(3650);
    assert_eq!(tab.events(), ["expiring", "expired"]);
    assert_eq!(world.provider.count("token"), 1);
    tab.manager.start_silent_renew();
    world.pass_seconds(1);
    assert_eq!(tab.events(), ["loaded"]);
}

#[test]
fn an_expired_token_is_renewed_at_load() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    world.pass_seconds(7200);
    let reloaded = world.tab_with(World::settings(), tab.session_storage.clone());
    world.pass_seconds(1);
    assert_eq!(reloaded.events(), ["expiring", "loaded"]);
    assert_eq!(world.access_token(&reloaded).as_deref(), Ok("access-2"));
}

#[test]
fn after_sleep_it_renews_when_the_page_wakes() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    world.device_sleeps(7200);
    tab.navigator.wake();
    world.pass_seconds(1);
    assert_eq!(tab.events(), ["expiring", "loaded"]);
    assert_eq!(world.access_token(&tab).as_deref(), Ok("access-2"));
}

#[test]
fn a_clock_set_wrong_neither_expires_nor_extends_a_token() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.provider.alter_answer(|answer| {
        answer.remove("refresh_token");
    });
    world.sign_in(&tab);
    let user = world.user(&tab).unwrap();
    world.clock.wall_ahead.set(36_000);
    assert_eq!(
        world.access_token(&tab).as_deref(),
        Ok("access-1"),
        "not expired by a clock set ahead"
    );
    assert_eq!(tab.manager.expires_in(&user), Some(3600));
    world.clock.wall_ahead.set(-36_000);
    world.pass_seconds(3600);
    assert_eq!(tab.manager.expires_in(&user), Some(0));
    assert!(world.access_token(&tab).is_err(), "not extended by a clock set back");
    let reloaded = world.tab_with(World::settings(), tab.session_storage.clone());
    assert_eq!(
        reloaded.manager.expires_in(&user),
        Some(3600),
        "after a reload, never longer than the provider gave"
    );
}

#[test]
fn what_may_pass_is_tried_again_with_growing_pauses() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    for _ in 0..4 {
        world.provider.fault("token", Fault::Answer(503, json!({})));
    }
    world.pass_seconds(3541);
    assert_eq!(world.provider.count("token"), 2);
    assert_eq!(
        world.access_token(&tab).as_deref(),
        Ok("access-1"),
        "a token that lives is good enough"
    );
    assert_eq!(world.provider.count("token"), 3);
    world.pass_seconds(58);
    assert_eq!(tab.events(), ["expiring", "loaded"]);
    assert_eq!(world.provider.count("token"), 6);
}

#[test]
fn coming_back_online_does_not_wait_for_the_pause() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    for _ in 0..12 {
        world.provider.fault("token", offline());
    }
    world.pass_seconds(3541);
    world.pass_seconds(600);
    let tried = world.provider.count("token") - 2;
    assert_eq!(tried, 5, "every two minutes, should the browser not say when the network is back");
    assert_eq!(tab.events(), ["expiring", "expired"]);
    assert!(world.access_token(&tab).unwrap_err().is_transient());
    while world.provider.count("token") < 13 {
        tab.navigator.wake();
        world.pass_seconds(1);
    }
    tab.navigator.wake();
    world.pass_seconds(1);
    assert_eq!(tab.events(), ["loaded"]);
}

#[test]
fn when_the_grant_is_gone_nobody_is_signed_in_and_it_is_told_once() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    world.provider.revoke_all();
    world.pass_seconds(3700);
    assert_eq!(tab.events(), ["expiring", "renew_error", "unloaded"]);
    assert_eq!(world.user(&tab), None);
    assert_eq!(world.provider.count("token"), 2);
    assert_eq!(world.access_token(&tab), Err(Error::NotSignedIn));
}

#[test]
fn a_refusal_that_is_not_about_the_grant_keeps_the_user() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    world.provider.fault("token", Fault::Answer(400, json!({"error": "invalid_client"})));
    world.pass_seconds(3590);
    assert_eq!(tab.events(), ["expiring", "renew_error"]);
    assert!(world.user(&tab).is_some());
    assert_eq!(world.provider.count("token"), 2, "not tried again");
}

#[test]
fn a_renewed_token_about_somebody_else_is_refused_and_the_user_kept() {
    for (name, value) in [
        ("sub", json!("mallory")),
        ("azp", json!("app")),
        ("auth_time", json!(1)),
        ("nonce", json!("other")),
        ("iss", json!("https://evil.example")),
        ("aud", json!("other")),
    ] {
        let world = World::new();
        let tab = lazy_tab(&world);
        world.sign_in(&tab);
        world.provider.alter_claims(move |claims| {
            claims.insert(name.to_owned(), value.clone());
        });
        let manager = tab.manager.clone();
        let error = world.run(async move { manager.signin_silent().await }).unwrap_err();
        assert!(
            matches!(error, Error::RenewedTokenDiffers(_) | Error::IdToken(_)),
            "{name}: {error}"
        );
        assert_eq!(world.user(&tab).unwrap().access_token, "access-1", "{name}");
        assert_eq!(tab.events(), ["renew_error"], "{name}");
    }
}

#[test]
fn the_refresh_token_is_not_spent_before_the_answer_can_be_verified() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    // The keys of the first page are too old.
    world.pass_seconds(300);
    let reloaded = world.tab_with(tab.manager.settings().clone(), tab.session_storage.clone());
    world.provider.fault("jwks", offline());
    let renew = || {
        let manager = reloaded.manager.clone();
        world.run(async move { manager.signin_silent().await })
    };
    assert!(renew().unwrap_err().is_transient());
    assert_eq!(world.provider.count("token"), 1);
    assert!(renew().is_ok());
}

#[test]
fn tokens_signed_by_a_new_key_are_not_lost_because_the_key_does_not_come_at_once() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    *world.provider.keys.borrow_mut() = json!({ "keys": [key("k2")] });
    *world.provider.signing_kid.borrow_mut() = "k2".to_owned();
    world.provider.fault("jwks", offline());
    world.provider.fault("jwks", Fault::Answer(503, json!({})));
    assert_eq!(
        world.run(tab.manager.signin_silent()).unwrap().refresh_token.as_deref(),
        Some("refresh-2")
    );
    assert_eq!((world.provider.count("token"), world.provider.count("jwks")), (2, 4));
}

#[test]
fn an_access_token_that_is_given_again_is_not_taken_for_replaced() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    world.provider.alter_answer(|answer| {
        answer.remove("id_token");
        answer.insert("access_token".to_owned(), json!("access-1"));
    });
    let began = world.clock.now();
    for refresh_token in ["refresh-2", "refresh-3"] {
        let user = world.run(tab.manager.signin_silent()).unwrap();
        assert_eq!(user.refresh_token.as_deref(), Some(refresh_token));
    }
    assert_eq!(world.clock.now(), began, "nobody waits");
}

#[test]
fn what_the_answer_lacks_is_kept() {
    let world = World::new();
    let tab = lazy_tab(&world);
    let args = SigninRequestArgs {
        state: Some(json!({"page": 7})),
        url_state: Some("tab".to_owned()),
        ..SigninRequestArgs::default()
    };
    let url = world.callback_url(&tab, args);
    let before = world.callback(&tab, &url).unwrap().user;
    world.provider.alter_answer(|answer| {
        for name in ["id_token", "refresh_token", "scope"] {
            answer.remove(name);
        }
    });
    let manager = tab.manager.clone();
    let after = world.run(async move { manager.signin_silent().await }).unwrap();
    assert_eq!(after.access_token, "access-2");
    assert_eq!(after.id_token, before.id_token);
    assert_eq!(after.refresh_token, before.refresh_token);
    assert_eq!(
        (&after.state, &after.url_state),
        (&Some(json!({"page": 7})), &Some("tab".to_owned()))
    );
    assert_eq!(
        (after.scope, after.profile, after.session_state),
        (before.scope, before.profile, before.session_state)
    );
}

#[test]
fn who_signs_out_while_the_answer_is_on_its_way_stays_signed_out() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    let manager = tab.manager.clone();
    let result = world.run(async move {
        let (renewal, removal) = futures::join!(manager.signin_silent(), manager.remove_user());
        removal.unwrap();
        renewal
    });
    assert_eq!(result.unwrap_err(), Error::NotSignedIn);
    assert_eq!(world.user(&tab), None);
    assert_eq!(tab.events(), ["unloaded"]);
}

#[test]
fn who_signs_in_anew_while_the_answer_is_on_its_way_keeps_the_new_session() {
    let world = World::new();
    let tab = lazy_tab(&world);
    let mut anew = world.sign_in(&tab).user;
    anew.access_token = "anew".to_owned();
    let (manager, asked, stored) = (tab.manager.clone(), world.asked("token", 2), anew.clone());
    let renewed = world.run(async move {
        let signs_in = async {
            asked.await;
            manager.store_user(Some(stored)).await
        };
        futures::join!(manager.signin_silent(), signs_in).0
    });
    assert_eq!(renewed, Ok(anew.clone()));
    assert_eq!(world.user(&tab), Some(anew));
    assert_eq!(tab.events(), ["loaded"]);
}

#[test]
fn api_calls_carry_a_token_that_lives() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    world.pass_seconds(4000);
    let manager = tab.manager.clone();
    let request = ApiRequest::get("https://api.example/x").header("Authorization", "Basic no");
    let response = world.run(async move { manager.fetch(request).await }).unwrap();
    assert_eq!(response.status, 404, "every status is an answer");
    assert_eq!(world.provider.count("token"), 2);
    assert_eq!(world.provider.authorizations(), ["Bearer access-2"]);
    let nobody = world.tab().manager;
    let error =
        world.run(async move { nobody.fetch(ApiRequest::get("https://api.example/x")).await });
    assert!(matches!(error, Err(Error::NotSignedIn)));
}

/// Calls the API. Returns the status and the number of renewals.
fn call_api(world: &World, tab: &Tab) -> (u16, usize) {
    let before = world.provider.count("token");
    let manager = tab.manager.clone();
    let request = ApiRequest::get("https://api.example/x");
    let status = world.run(async move { manager.fetch(request).await }).unwrap().status;
    (status, world.provider.count("token") - before)
}

#[test]
fn a_token_that_the_api_calls_invalid_is_renewed_once() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    let invalid =
        Fault::Challenge(r#"DPoP algs="ES256", Bearer realm="api", error="invalid_token""#);
    world.provider.fault("x", invalid.clone());
    assert_eq!(call_api(&world, &tab), (404, 1));
    assert_eq!(world.provider.authorizations(), ["Bearer access-1", "Bearer access-2"]);
    world.provider.fault("x", invalid.clone());
    world.provider.fault("x", invalid.clone());
    assert_eq!(call_api(&world, &tab), (401, 1), "not again and again");
    for other in
        [r#"Bearer error="insufficient_scope""#, "Bearer", "Basic realm=\"x\"", "junk,,=\""]
    {
        world.provider.fault("x", Fault::Challenge(other));
        assert_eq!(call_api(&world, &tab), (401, 0), "{other}");
    }
    world.provider.fault("x", invalid);
    world.provider.fault("token", offline());
    assert_eq!(call_api(&world, &tab), (401, 1), "the API's answer, if there is no other token");
}

#[test]
fn callers_whose_token_was_refused_share_one_renewal() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    for _ in 0..5 {
        world.provider.fault("x", Fault::Challenge(r#"Bearer error="invalid_token""#));
    }
    let calls = (0..5).map(|_| {
        let manager = tab.manager.clone();
        async move {
            manager
                .fetch(ApiRequest::get("https://api.example/x"))
                .await
                .map(|answer| answer.status)
        }
    });
    let statuses = world.run(futures::future::join_all(calls.collect::<Vec<_>>()));
    assert!(statuses.iter().all(|status| *status == Ok(404)), "{statuses:?}");
    assert_eq!(world.provider.count("token"), 2, "sign-in and one renewal");
}

#[test]
fn oauth_errors_are_told_apart() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    world.provider.fault(
        "token",
        Fault::Answer(400, json!({"error": "teapot", "error_description": "short"})),
    );
    let manager = tab.manager.clone();
    let error = world.run(async move { manager.signin_silent().await }).unwrap_err();
    assert_eq!(
        error,
        Error::Refused {
            endpoint: "token_endpoint",
            code: ErrorCode::Other("teapot".to_owned()),
            description: Some("short".to_owned())
        }
    );
    assert!(error.user_message().contains("teapot"));
}

#[test]
fn an_access_token_that_is_given_again_is_renewed_with_growing_pauses() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    world.provider.alter_answer(|answer| {
        answer.remove("id_token");
        answer.insert("access_token".to_owned(), json!("access-1"));
        answer.insert("expires_in".to_owned(), json!(0));
    });
    world.pass_seconds(3539);
    assert_eq!(world.provider.count("token"), 1);
    world.pass_seconds(120);
    let renewals = world.provider.count("token") - 1;
    assert!((2..=9).contains(&renewals), "{renewals} renewals in two minutes");
    world.pass_seconds(3600);
    let renewals = world.provider.count("token") - 1;
    assert!(renewals < 80, "{renewals} renewals in an hour");
}

#[test]
fn an_access_token_whose_life_is_extended_is_watched_on() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    world.provider.alter_answer(|answer| {
        answer.remove("id_token");
        answer.insert("access_token".to_owned(), json!("access-1"));
    });
    world.pass_seconds(3541);
    assert_eq!(tab.events(), ["expiring", "loaded"]);
    world.pass_seconds(3541);
    assert_eq!(tab.events(), ["expiring", "loaded"], "once more");
}

#[test]
fn renewed_tokens_are_not_lost_while_the_keys_do_not_come() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    *world.provider.keys.borrow_mut() = json!({ "keys": [key("k2")] });
    *world.provider.signing_kid.borrow_mut() = "k2".to_owned();
    for _ in 0..8 {
        world.provider.fault("jwks", Fault::Answer(503, json!({})));
    }
    for _ in 0..2 {
        assert!(world.run(tab.manager.signin_silent()).unwrap_err().is_transient());
    }
    assert_eq!(world.provider.count("token"), 2, "the refresh token is sent once");
    assert_eq!(world.user(&tab).unwrap().refresh_token.as_deref(), Some("refresh-2"));
    let user = world.run(tab.manager.signin_silent()).unwrap();
    assert_eq!((&*user.access_token, world.provider.count("token")), ("access-2", 2));
}

#[test]
fn a_reload_before_renewed_tokens_are_verified_does_not_lose_the_refresh_token() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    *world.provider.keys.borrow_mut() = json!({ "keys": [key("k2")] });
    *world.provider.signing_kid.borrow_mut() = "k2".to_owned();
    for _ in 0..4 {
        world.provider.fault("jwks", offline());
    }
    assert!(world.run(tab.manager.signin_silent()).unwrap_err().is_transient());
    let reloaded = world.tab_with(tab.manager.settings().clone(), tab.session_storage.clone());
    assert_eq!(world.run(reloaded.manager.signin_silent()).unwrap().access_token, "access-3");
}

#[test]
fn renewed_tokens_that_are_refused_do_not_spend_the_refresh_token_twice() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    world.provider.alter_claims(|claims| {
        claims.insert("auth_time".to_owned(), json!(1));
    });
    for _ in 0..2 {
        let error = world.run(tab.manager.signin_silent()).unwrap_err();
        assert_eq!(error, Error::RenewedTokenDiffers("auth_time"));
        assert!(!error.user_message().contains("somebody else"), "{error}");
    }
    let sent: Vec<_> = world.provider.requests("token")[1..]
        .iter()
        .map(|form| form.get("refresh_token").unwrap().to_owned())
        .collect();
    assert_eq!(sent, ["refresh-1", "refresh-2"]);

    let settings = tab.manager.settings().clone().validate_auth_time_on_silent_renew(false);
    let lenient = world.tab_with(settings, tab.session_storage.clone());
    assert!(world.run(lenient.manager.signin_silent()).is_ok());
}

#[test]
fn an_empty_nonce_in_a_renewed_id_token_counts_as_none() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.sign_in(&tab);
    world.provider.alter_claims(|claims| {
        claims.insert("nonce".to_owned(), json!(""));
    });
    assert!(world.run(tab.manager.signin_silent()).is_ok());
}

#[test]
fn the_profile_follows_the_renewed_id_token() {
    let world = World::new();
    let tab = lazy_tab(&world);
    world.provider.alter_claims(|claims| {
        claims.insert("role".to_owned(), json!(["admin", "user"]));
    });
    world.sign_in(&tab);
    world.provider.alter_claims(|claims| {
        claims.insert("email".to_owned(), json!("alice@example.com"));
    });
    let user = world.run(tab.manager.signin_silent()).unwrap();
    assert_eq!(user.profile.get("role"), None, "what the provider took away is gone");
    assert_eq!(user.claim("email"), Some("alice@example.com"));
    assert_eq!(user.profile.get("at_hash"), None, "protocol claims stay filtered");
}

#[test]
fn userinfo_is_read_again_with_each_renewal() {
    let world = World::new();
    let settings = Settings { automatic_silent_renew: false, ..World::settings() };
    let tab = world.tab_with(settings.load_user_info(true), MemoryStorage::default());
    world.sign_in(&tab);
    let answer = json!({ "sub": "alice", "email": "new@example.com" });
    world.provider.fault("userinfo", Fault::Answer(200, answer));
    let user = world.run(tab.manager.signin_silent()).unwrap();
    assert_eq!(user.claim("email"), Some("new@example.com"));
    for answer in [json!({ "sub": "mallory", "email": "m@example.com" }), json!("junk")] {
        world.provider.fault("userinfo", Fault::Answer(200, answer));
        let user = world.run(tab.manager.signin_silent()).unwrap();
        assert_eq!(user.claim("email"), Some("new@example.com"), "kept, and the tokens too");
    }
}
