//! Userinfo that the provider signed (OIDC Core section 5.3.2).

use serde_json::{Value, json};

use super::{
    provider::{ISSUER, sign, sign_as},
    world::{Tab, World},
};
use crate::{Settings, SigninRequestArgs, in_page::MemoryStorage};

fn tab(world: &World) -> Tab {
    let settings = Settings { load_user_info: true, ..World::settings() };
    world.tab_with(settings, MemoryStorage::default())
}

fn claims(changes: &Value) -> Value {
    let mut claims =
        json!({"iss": ISSUER, "aud": "app", "sub": "alice", "email": "signed@example.com"});
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

#[test]
fn the_claims_of_a_signed_answer_are_taken() {
    let world = World::new();
    *world.provider.userinfo_body.borrow_mut() = Some(sign("k1", &claims(&json!({}))));
    let user = world.sign_in(&tab(&world)).user;
    assert_eq!(user.profile["email"], "signed@example.com");
}

#[test]
fn what_is_not_signed_for_this_client_is_refused() {
    for body in [
        sign("other", &claims(&json!({}))),
        sign("k1", &claims(&json!({"iss": "https://other.example"}))),
        sign("k1", &claims(&json!({"iss": null}))),
        sign("k1", &claims(&json!({"aud": "other"}))),
        sign("k1", &claims(&json!({"aud": null}))),
        sign("k1", &claims(&json!({"sub": "mallory"}))),
        sign_as(&json!({"alg": "none"}), "k1", &claims(&json!({}))),
        "no token".to_owned(),
    ] {
        let world = World::new();
        *world.provider.userinfo_body.borrow_mut() = Some(body.clone());
        let tab = tab(&world);
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        assert!(world.callback(&tab, &url).is_err(), "{body}");
    }
}
