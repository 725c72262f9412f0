//! Signed authorization responses (JARM).

use doorward_protocol::params::Params;
use serde_json::{Value, json};

use super::{
    provider::{sign, sign_as},
    world::{REDIRECT_URI, Tab, World},
};
use crate::{
    CallbackKind, Error, Settings, SigninRequestArgs, in_page::MemoryStorage,
    settings::ResponseMode,
};

fn settings(response_mode: ResponseMode) -> Settings {
    Settings { response_mode, ..World::settings() }
}

fn tab(world: &World, mode: ResponseMode) -> Tab {
    world.tab_with(settings(mode), MemoryStorage::default())
}

/// Sends a request, and returns the claims of its response.
fn answered(world: &World, tab: &Tab) -> Value {
    world.run(tab.manager.signin_redirect(SigninRequestArgs::default())).unwrap();
    let address = tab.navigator.gone_to.borrow_mut().pop().unwrap();
    let answer = world.provider.sign_in(&address, "alice");
    let mut claims = json!({"aud": "app", "exp": world.clock.true_time() + 300});
    for (name, value) in Params::parse(answer).unwrap().iter() {
        claims[name] = json!(value);
    }
    claims
}

fn with(mut claims: Value, changes: &Value) -> Value {
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

#[test]
fn a_signed_response_signs_the_user_in() {
    for (mode, value, mark) in [
        (ResponseMode::QueryJwt, "query.jwt", '?'),
        (ResponseMode::FragmentJwt, "fragment.jwt", '#'),
    ] {
        let world = World::new();
        let tab = tab(&world, mode);
        world.run(tab.manager.signin_redirect(SigninRequestArgs::default())).unwrap();
        let address = tab.navigator.gone_to.borrow().last().unwrap().clone();
        let sent = Params::parse(address.split_once('?').unwrap().1).unwrap();
        assert_eq!(sent.get("response_mode"), Some(value));
        let token = sign("k1", &answered(&world, &tab));
        let url = format!("{REDIRECT_URI}{mark}response={token}");
        assert_eq!(tab.manager.callback_kind(&url), CallbackKind::Signin);
        assert_eq!(world.callback(&tab, &url).unwrap().user.sub(), "alice");
        assert_eq!(world.callback(&tab, &url).unwrap().user.sub(), "alice", "the same again");
    }
}

#[test]
fn errors_are_signed_too() {
    let world = World::new();
    let tab = tab(&world, ResponseMode::QueryJwt);
    let changes = json!({"code": null, "error": "access_denied", "error_description": "no"});
    let token = sign("k1", &with(answered(&world, &tab), &changes));
    let error = world.callback(&tab, &format!("{REDIRECT_URI}?response={token}")).unwrap_err();
    assert!(matches!(error, Error::Authorization(error) if error.code.as_str() == "access_denied"));
}

/// The code is not redeemed, and the request still waits for its true response.
#[test]
fn what_is_not_signed_for_this_client_is_refused() {
    let world = World::new();
    let tab = tab(&world, ResponseMode::QueryJwt);
    let claims = answered(&world, &tab);
    let past = json!({"exp": world.clock.true_time() - 3600});
    for (changes, cause) in [
        (json!({"iss": "https://other.example"}), "issuer"),
        (json!({"iss": null}), "iss"),
        (json!({"aud": "other"}), "another client"),
        (json!({"aud": null}), "aud"),
        (past, "expired"),
        (json!({"exp": null}), "exp"),
    ] {
        let token = sign("k1", &with(claims.clone(), &changes));
        let refused = world.callback(&tab, &format!("{REDIRECT_URI}?response={token}"));
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(cause), "{cause}: {error}");
    }
    let forged = sign("other", &claims);
    let none = sign_as(&json!({"alg": "none"}), "k1", &claims);
    let hmac = sign_as(&json!({"alg": "HS256"}), "k1", &claims);
    let crit = sign_as(&json!({"alg": "RS256", "kid": "k1", "crit": ["x"]}), "k1", &claims);
    let (message, _) = forged.rsplit_once('.').unwrap();
    for token in [&forged, &none, &hmac, &crit, &format!("{message}."), "x", "a.b.c"] {
        let refused = world.callback(&tab, &format!("{REDIRECT_URI}?response={token}"));
        assert!(refused.is_err(), "{token}");
    }
    assert_eq!(world.provider.count("token"), 0);
    let good = sign("k1", &claims);
    let beside = format!("{REDIRECT_URI}?response={good}&code=other&state=other");
    assert_eq!(world.callback(&tab, &beside).unwrap().user.sub(), "alice");
}

#[test]
fn a_response_has_the_form_that_was_asked_for() {
    let world = World::new();
    let signed_tab = tab(&world, ResponseMode::QueryJwt);
    let claims = answered(&world, &signed_tab);
    let plain = doorward_protocol::params::encode(
        ["code", "state", "iss"].map(|name| (name, claims[name].as_str().unwrap())),
    );
    let refused = world.callback(&signed_tab, &format!("{REDIRECT_URI}?{plain}")).unwrap_err();
    assert!(refused.to_string().contains("not signed"), "{refused}");
    let plain_tab = tab(&world, ResponseMode::Query);
    let token = sign("k1", &answered(&world, &plain_tab));
    let url = format!("{REDIRECT_URI}?response={token}");
    let refused = world.callback(&plain_tab, &url).unwrap_err();
    assert!(refused.to_string().contains("nobody asked"), "{refused}");
    assert_eq!(world.provider.count("token"), 0);
}

#[test]
fn the_mode_is_kept_and_read_by_its_name() {
    for (mode, name) in
        [(ResponseMode::QueryJwt, "query.jwt"), (ResponseMode::FragmentJwt, "fragment.jwt")]
    {
        assert_eq!(serde_json::from_value::<ResponseMode>(json!(name)).unwrap(), mode);
        assert_eq!(ResponseMode::of(Some(mode.as_str())), mode);
    }
}
