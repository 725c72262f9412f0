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

/// The client registered `userinfo_signed_response_alg`, so it knows what to expect.
#[test]
fn what_must_be_signed_is_refused_in_any_other_form() {
    use doorward_protocol::jose::SigningAlgorithm::{Es256, Rs256};

    for (registered, body, problem) in [
        (Rs256, json!({"sub": "alice", "email": "plain@example.com"}).to_string(), "not signed"),
        (Rs256, " {}".to_owned(), "not signed"),
        (Rs256, sign_as(&json!({"alg": "none"}), "k1", &claims(&json!({}))), "none"),
        (Rs256, "no token".to_owned(), "token"),
        (Es256, sign("k1", &claims(&json!({}))), "RS256"),
    ] {
        let world = World::new();
        *world.provider.userinfo_body.borrow_mut() = Some(body.clone());
        let settings = World::settings().load_user_info(true);
        let settings = settings.userinfo_signed_response_alg(registered);
        let tab = world.tab_with(settings, MemoryStorage::default());
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        let error = world.callback(&tab, &url).unwrap_err().to_string();
        assert!(error.contains(problem), "{body}: {error}");
    }
    let world = World::new();
    *world.provider.userinfo_body.borrow_mut() = Some(sign("k1", &claims(&json!({}))));
    let settings = World::settings().load_user_info(true).userinfo_signed_response_alg(Rs256);
    let tab = world.tab_with(settings, MemoryStorage::default());
    assert_eq!(world.sign_in(&tab).user.profile["email"], "signed@example.com");
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
