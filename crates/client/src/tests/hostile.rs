//! Malicious and meaningless input: whatever arrives, there is a typed error or a result and no
//! panic, which would end the page. Each property covers the whole client.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

use super::{
    popups::{Sender, tab_with_windows},
    provider::{Fault, ISSUER},
    world::{Tab, World},
};
use crate::{
    Error, ErrorKind, PopupArgs, Settings, SigninRequestArgs, SignoutRequestArgs,
    in_page::MemoryStorage, ports::Storage as _,
};

/// Numbers at the limits.
fn edge() -> impl Strategy<Value = Value> {
    let edges = [
        json!(0),
        json!(-1),
        json!(1),
        json!(u64::MAX),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(0.5),
        json!("18446744073709551615"),
        json!("9223372036854775807"),
    ];
    prop::sample::select(edges.to_vec())
}

/// Those, strings with a meaning for some part of the client, and nested values of all kinds.
fn any_json() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        " ",
        "0",
        "-1",
        "18446744073709551615",
        "1e999",
        "app",
        "alice",
        ISSUER,
        "https://op.example/token",
        "http://op.example/x",
        "javascript:alert(1)",
        "//",
        "https://",
        "none",
        "RS256",
        "Bearer",
        "openid",
        "a.b.c",
        "..",
        "\u{0}",
        "\u{1F511}",
        "\u{202E}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        edge(),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
        "\\PC{0,30}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z_]{1,8}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A document with some of these members, each with any value.
fn members_of(names: &'static [&'static str]) -> impl Strategy<Value = Map<String, Value>> {
    vec((prop::sample::select(names.to_vec()), prop_oneof![any_json(), edge()]), 0..6).prop_map(
        |members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    )
}

/// Everything that an application does with a client, whatever the previous step returned.
fn use_in_every_way(world: &World, tab: &Tab) -> Result<(), TestCaseError> {
    let manager = &tab.manager;
    let mut errors: Vec<Error> = Vec::new();
    errors.extend(world.run(manager.get_user()).err());
    errors.extend(world.run(manager.get_access_token()).err());
    errors.extend(world.run(manager.signin_silent()).err());
    world.pass(Duration::from_secs(7200));
    tab.navigator.wake();
    world.pass_seconds(60);
    errors.extend(world.run(manager.clear_stale_state()).err());
    errors.extend(world.run(manager.signout_redirect(SignoutRequestArgs::default())).err());
    for error in errors {
        let message = error.user_message();
        prop_assert!(message.ends_with('.') && message.len() < 1000, "{error:?}: {message}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn addresses(
        before in "(https://[a-z.]{1,9}/[a-z/]{0,9}|\\PC{0,20})",
        pairs in vec(
            (
                "(code|state|iss|error|error_description|session_state|[a-z%]{0,6})",
                "[%a-zA-Z0-9;:/.?#&=\\-]{0,24}",
            ),
            0..8,
        ),
        marks in vec("[?#&;]", 8),
    ) {
        let world = World::new();
        let tab = world.tab();
        let good = world.callback_url(&tab, SigninRequestArgs::default());
        let state = good.split("state=").nth(1).unwrap().split('&').next().unwrap();
        let mut url = before;
        for ((name, value), mark) in pairs.iter().zip(&marks) {
            let value = if name == "state" && value.len() % 2 == 0 { state } else { value };
            url.extend([mark.as_str(), name, "=", value]);
        }
        tab.manager.callback_kind(&url);
        let _ = world.run(tab.manager.signout_redirect_callback(&url));
        let result = world.callback(&tab, &url);
        prop_assert!(result.is_err(), "no code of the provider is in {}", url);
        prop_assert_eq!(world.user(&tab), None);
    }

    #[test]
    fn discovery_documents(
        changes in members_of(&[
            "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri",
            "end_session_endpoint", "id_token_signing_alg_values_supported",
            "authorization_response_iss_parameter_supported",
            "pushed_authorization_request_endpoint", "require_pushed_authorization_requests",
        ]),
        keys in any_json(),
    ) {
        let world = World::new();
        world.provider.metadata.borrow_mut().as_object_mut().unwrap().extend(changes);
        *world.provider.keys.borrow_mut() = json!({ "keys": [keys] });
        let tab = world.tab();
        match world.run(tab.manager.signin_redirect(SigninRequestArgs::default())) {
            Ok(()) => {
                let address = tab.navigator.gone_to.borrow().last().unwrap().clone();
                let is_web =
                    address.starts_with("https://") || address.starts_with("http://localhost");
                prop_assert!(is_web, "{}", address);
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Configuration),
        }
        use_in_every_way(&world, &tab)?;
    }

    #[test]
    fn token_answers(
        changes in members_of(&[
            "access_token", "token_type", "expires_in", "refresh_token", "id_token", "scope",
            "session_state", "profile", "expires_at", "lifetime", "state",
        ]),
        at_once in any::<bool>(),
    ) {
        let world = World::new();
        let tab = world.tab();
        if !at_once {
            world.sign_in(&tab);
        }
        world.provider.alter_answer(move |answer| answer.extend(changes.clone()));
        if at_once {
            let url = world.callback_url(&tab, SigninRequestArgs::default());
            if let Err(error) = world.callback(&tab, &url) {
                prop_assert!(error.kind() != ErrorKind::Retry, "{}", error);
                prop_assert_eq!(world.user(&tab), None);
            }
        }
        use_in_every_way(&world, &tab)?;
    }

    #[test]
    fn claims_of_id_tokens_and_userinfo(
        changes in members_of(&[
            "iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "auth_time", "amr",
            "role", "address",
        ]),
        user_info in members_of(&["sub", "role", "address", "exp"]),
        max_age in prop::option::of(0_u64..100),
    ) {
        let world = World::new();
        let tab = world.tab_with(
            Settings { load_user_info: true, max_age, ..World::settings() },
            MemoryStorage::default(),
        );
        world.provider.alter_claims(move |claims| claims.extend(changes.clone()));
        world.provider.fault("userinfo", Fault::Answer(200, Value::Object(user_info)));
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        if let Ok(outcome) = world.callback(&tab, &url) {
            prop_assert_eq!(outcome.user.profile["iss"].as_str(), Some(ISSUER));
            prop_assert!(!outcome.user.sub().is_empty());
        }
        use_in_every_way(&world, &tab)?;
    }

    #[test]
    fn id_tokens(
        token in "(\\PC{0,60}|[A-Za-z0-9_.\\-]{0,90}|\
                  e30\\.[A-Za-z0-9_\\-]{0,40}\\.|(eyJ[A-Za-z0-9]{0,30}\\.){2,3})",
    ) {
        let world = World::new();
        let tab = world.tab();
        world.provider.alter_answer(move |answer| {
            answer.insert("id_token".to_owned(), json!(token));
        });
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        prop_assert!(matches!(world.callback(&tab, &url), Err(Error::IdToken(_))));
        prop_assert_eq!(world.user(&tab), None);
    }

    #[test]
    fn answers_that_are_no_tokens(status in 100_u16..600, body in any_json()) {
        let world = World::new();
        let tab = world.tab();
        world.sign_in(&tab);
        for endpoint in ["token", "revoke", "jwks", ".well-known/openid-configuration"] {
            world.provider.fault(endpoint, Fault::Answer(status, body.clone()));
        }
        let _ = world.run(tab.manager.revoke_tokens());
        use_in_every_way(&world, &tab)?;
    }

    #[test]
    fn answers_to_pushed_requests(status in 100_u16..600, body in any_json()) {
        let world = World::new();
        world.provider.metadata.borrow_mut()["pushed_authorization_request_endpoint"] =
            json!(format!("{ISSUER}/par"));
        world.provider.fault("par", Fault::Answer(status, body));
        let settings = Settings { push_authorization_requests: true, ..World::settings() };
        let tab = world.tab_with(settings, MemoryStorage::default());
        if world.run(tab.manager.signin_redirect(SigninRequestArgs::default())).is_ok() {
            let address = tab.navigator.gone_to.borrow().last().unwrap().clone();
            let start = format!("{ISSUER}/authorize?client_id=app&request_uri=");
            prop_assert!(address.starts_with(&start), "{}", address);
        } else {
            prop_assert_eq!(world.state_keys(), Vec::<String>::new());
        }
    }

    #[test]
    fn stored_entries(
        user in members_of(&[
            "access_token", "id_token", "refresh_token", "expires_at", "lifetime", "profile",
            "state", "url_state", "requested_scope", "requested_resource", "session_state", "scope",
        ]),
        request in members_of(&[
            "id", "created", "request_type", "code_verifier", "nonce", "authority", "client_id",
            "redirect_uri", "scope", "response_mode", "max_age", "resource", "extra_token_params",
            "data", "code_hash", "sub",
        ]),
        junk in "\\PC{0,40}",
        whole in any::<bool>(),
    ) {
        let world = World::new();
        let store = MemoryStorage::default();
        let mut entry = json!({
            "access_token": "a", "token_type": "Bearer", "profile": { "sub": "alice" },
        });
        entry.as_object_mut().unwrap().extend(user);
        let text = if whole { entry.to_string() } else { junk.clone() };
        store.set("oidc.user:https://op.example:app", &text).unwrap();
        let tab = world.tab_with(World::settings(), store);
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        let key = world.state_keys().remove(0);
        let kept = world.local_storage.get(&key).unwrap().unwrap();
        let mut pending: Value = serde_json::from_str(&kept).unwrap();
        pending.as_object_mut().unwrap().extend(request);
        let pending = if whole { pending.to_string() } else { junk };
        world.local_storage.set(&key, &pending).unwrap();
        tab.manager.callback_kind(&url);
        let _ = world.callback(&tab, &url);
        let _ = world.run(tab.manager.signout_redirect_callback(&url));
        use_in_every_way(&world, &tab)?;
    }

    #[test]
    fn messages_of_windows_and_tabs(
        origin in "(https://app\\.example[a-z.]{0,5}|null|\\PC{0,20})",
        texts in vec(
            "(oidc\\.url:)?(https://app\\.example/cb)?[?#]?(state=|code=|[%a-z&;=]){0,6}\\PC{0,10}",
            1..6,
        ),
    ) {
        let world = World::new();
        let (tab, popups) = tab_with_windows(&world, World::settings());
        let sent = texts.clone();
        popups.answers(move |_| {
            let senders =
                sent.iter().map(|text| (Sender::Child("https://app.example"), text.clone()));
            senders.chain([(Sender::Channel("oidc.".to_owned()), sent[0].clone())]).collect()
        });
        let call = tab.manager.signin_popup(SigninRequestArgs::default(), PopupArgs::default());
        popups.last().looks_closed.set(true);
        prop_assert_eq!(world.run(call).unwrap_err(), Error::PopupClosed);
        popups.last().send(&origin, &texts[0]);
        for text in &texts {
            world.post(text);
            let _ = tab.manager.signin_popup_callback(text);
        }
        world.post(&json!({ "type": "signed_out", "sub": texts[0] }).to_string());
        prop_assert_eq!(tab.events(), Vec::<String>::new());
        prop_assert_eq!(world.provider.count("token"), 0);
    }
}
