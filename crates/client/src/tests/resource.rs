//! Tokens for several APIs.

use serde_json::json;

use super::{
    provider::Fault,
    world::{Tab, World},
};
use crate::{ApiRequest, Error, Settings, in_page::MemoryStorage};

const ORDERS: &str = "urn:api:orders";
const STOCK: &str = "urn:api:stock";

fn token_for(world: &World, tab: &Tab, resource: &str) -> Result<String, Error> {
    let (manager, resource) = (tab.manager.clone(), resource.to_owned());
    world.run(async move { manager.get_access_token_for(&resource).await })
}

#[test]
fn each_api_has_a_token_of_its_own_that_is_asked_for_once() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    assert_eq!(token_for(&world, &tab, ORDERS).as_deref(), Ok("access-2"));
    assert_eq!(token_for(&world, &tab, STOCK).as_deref(), Ok("access-3"));
    assert_eq!(token_for(&world, &tab, ORDERS).as_deref(), Ok("access-2"));
    let forms = world.provider.requests("token");
    assert_eq!(forms.len(), 3);
    assert_eq!(forms[1].get("resource"), Some(ORDERS));
    assert_eq!(forms[2].get("resource"), Some(STOCK));
    assert_eq!(forms[2].get("refresh_token"), Some("refresh-2"), "the rotated one was kept");
    let user = world.user(&tab).unwrap();
    assert_eq!(user.access_token, "access-1", "the user's own token stays");
    assert_eq!(user.refresh_token.as_deref(), Some("refresh-3"));
    // The user's own token is renewed with the same refresh token.
    world.pass_seconds(3600);
    assert_eq!(world.access_token(&tab).as_deref(), Ok("access-4"));
    assert_eq!(token_for(&world, &tab, ORDERS).as_deref(), Ok("access-5"), "the first has expired");
}

#[test]
fn calls_at_the_same_time_make_one_request() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    let calls: Vec<_> = (0..5).map(|_| tab.manager.get_access_token_for(ORDERS)).collect();
    let tokens = world.run(futures::future::join_all(calls));
    assert!(tokens.iter().all(|token| token.as_deref() == Ok("access-2")));
    assert_eq!(world.provider.count("token"), 2);
}

#[test]
fn a_renewal_at_the_same_time_does_not_send_the_same_refresh_token() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    let both = (tab.manager.clone(), tab.manager.clone());
    let (own, other) = world.run(async move {
        futures::join!(both.0.signin_silent(), both.1.get_access_token_for(ORDERS))
    });
    assert!(own.is_ok() && other.is_ok(), "{own:?} {other:?}");
    let mut sent: Vec<_> = world.provider.requests("token");
    let mut sent: Vec<_> =
        sent.drain(1..).map(|form| form.get("refresh_token").unwrap().to_owned()).collect();
    sent.dedup();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(world.user(&tab).is_some());
}

#[test]
fn a_refused_api_does_not_end_the_session() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    world.provider.fault("token", Fault::Answer(400, json!({ "error": "invalid_target" })));
    let refused = token_for(&world, &tab, ORDERS).unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused:?}");
    assert_eq!(tab.events(), Vec::<String>::new());
    assert!(world.user(&tab).is_some());
}

/// Providers that do not know `resource` ignore it.
#[test]
fn a_token_for_another_api_is_not_shown_to_this_one() {
    let stock = "https://stock.example/";
    for (token, is_given) in [("access-1", false), ("another", true)] {
        let world = World::new();
        let tab = world.tab();
        world.sign_in(&tab);
        world.provider.alter_answer(move |answer| {
            answer.insert("access_token".to_owned(), json!(token));
        });
        let given = token_for(&world, &tab, stock);
        if is_given {
            assert_eq!(given, Ok(token.to_owned()));
            continue;
        }
        let error = given.unwrap_err();
        assert!(matches!(error, Error::UnexpectedAnswer { .. }), "{token}: {error}");
        assert!(error.to_string().contains("not for the API that was asked for"), "{error}");
        assert_eq!(tab.events(), Vec::<String>::new(), "the session goes on");
        let user = world.user(&tab).unwrap();
        assert_eq!(user.refresh_token.as_deref(), Some("refresh-2"), "the rotated one is kept");
    }
}

#[test]
fn without_a_refresh_token_there_is_none_and_without_a_user_neither() {
    let world = World::new();
    world.provider.alter_answer(|answer| {
        answer.remove("refresh_token");
    });
    let tab = world.tab();
    assert_eq!(token_for(&world, &tab, ORDERS), Err(Error::NotSignedIn));
    world.sign_in(&tab);
    assert_eq!(token_for(&world, &tab, ORDERS), Err(Error::NoRefreshToken));
}

#[test]
fn tokens_of_a_session_are_not_used_in_the_next() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    assert_eq!(token_for(&world, &tab, ORDERS).as_deref(), Ok("access-2"));
    let manager = tab.manager.clone();
    world.run(async move { manager.remove_user().await }).unwrap();
    assert_eq!(token_for(&world, &tab, ORDERS), Err(Error::NotSignedIn));
    world.sign_in(&tab);
    assert_eq!(token_for(&world, &tab, ORDERS).as_deref(), Ok("access-4"));
}

#[test]
fn a_call_is_repeated_with_another_token_of_the_same_api() {
    let world = World::new();
    let settings = Settings { automatic_silent_renew: false, ..World::settings() };
    let tab = world.tab_with(settings, MemoryStorage::default());
    world.sign_in(&tab);
    world.provider.fault("orders", Fault::Challenge("Bearer error=\"invalid_token\""));
    let manager = tab.manager.clone();
    let request = ApiRequest::get("https://op.example/orders").resource(ORDERS);
    let _ = world.run(async move { manager.fetch(request).await }).unwrap();
    let sent = world.provider.headers("authorization");
    let sent: Vec<_> = sent.iter().filter(|(to, _)| to == "orders").map(|(_, own)| own).collect();
    assert_eq!(sent, ["Bearer access-2", "Bearer access-3"]);
}
