//! Sign-in with a password.

use serde_json::json;

use super::world::World;
use crate::{Error, ErrorKind, IdTokenError, Settings, in_page::MemoryStorage};

#[test]
fn a_password_signs_in_like_any_other_way() {
    let world = World::new();
    let settings = Settings {
        load_user_info: true,
        extra_token_params: vec![("audience".to_owned(), "api".to_owned())],
        ..World::settings()
    };
    let tab = world.tab_with(settings, MemoryStorage::default());
    let user = world
        .run(tab.manager.signin_resource_owner_credentials("alice", "secret".to_owned().into()))
        .unwrap();
    assert_eq!((user.sub(), user.claim("email")), ("alice", Some("alice@example.com")));
    assert_eq!(tab.events(), ["loaded", "signed_in"]);
    let form = &world.provider.requests("token")[0];
    for (name, value) in [
        ("username", "alice"),
        ("scope", "openid profile"),
        ("client_id", "app"),
        ("audience", "api"),
    ] {
        assert_eq!(form.get(name), Some(value));
    }
    world.pass_seconds(3541);
    assert_eq!(tab.events(), ["expiring", "loaded"], "renewed like any other");
}

#[test]
fn a_wrong_password_or_a_bad_id_token_signs_nobody_in() {
    let world = World::new();
    let tab = world.tab();
    let sign_in = |password: &str| {
        let password = password.to_owned().into();
        world.run(tab.manager.signin_resource_owner_credentials("alice", password)).unwrap_err()
    };
    let error = sign_in("wrong");
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Restart);
    assert!(!format!("{error:?} {error}").contains("wrong"));
    world.provider.alter_claims(|claims| {
        claims.insert("aud".to_owned(), json!("other"));
    });
    assert_eq!(sign_in("secret"), Error::IdToken(IdTokenError::Audience));
    world.provider.alter_answer(|answer| {
        answer.remove("id_token");
    });
    assert_eq!(sign_in("secret"), Error::IdToken(IdTokenError::Missing));
    assert_eq!(world.user(&tab), None);
    assert_eq!(tab.events(), Vec::<String>::new());
}
