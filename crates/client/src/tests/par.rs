//! Pushed authorization requests (RFC 9126).

use doorward_protocol::{params::Params, secret::Secret};
use serde_json::json;

use super::{
    provider::{Fault, ISSUER},
    world::{REDIRECT_URI, Tab, World},
};
use crate::{
    Error, Settings, SigninRequestArgs, in_page::MemoryStorage, settings::ClientAuthentication,
};

/// A provider with the endpoint.
fn world() -> World {
    let world = World::new();
    world.provider.metadata.borrow_mut()["pushed_authorization_request_endpoint"] =
        json!(format!("{ISSUER}/par"));
    world
}

fn pushing_tab(world: &World) -> Tab {
    world.tab_with(
        Settings { push_authorization_requests: true, ..World::settings() },
        MemoryStorage::default(),
    )
}

/// The URL that the page navigated to.
fn signin(world: &World, tab: &Tab) -> Result<String, Error> {
    world.run(tab.manager.signin_redirect(SigninRequestArgs::default()))?;
    Ok(tab.navigator.gone_to.borrow_mut().pop().unwrap())
}

#[test]
fn the_browser_carries_a_reference_alone() {
    for required in [false, true] {
        let world = world();
        let tab = if required { world.tab() } else { pushing_tab(&world) };
        world.provider.metadata.borrow_mut()["require_pushed_authorization_requests"] =
            json!(required);
        let address = signin(&world, &tab).unwrap();
        let pushed = &world.provider.requests("par")[0];
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", "app"),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "openid profile"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(pushed.get(name), Some(value));
        }
        let carried = Params::parse(address.split_once('?').unwrap().1).unwrap();
        let names: Vec<_> = carried.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["client_id", "request_uri"]);
        let answer = world.provider.sign_in(&address, "alice");
        assert_eq!(
            world.callback(&tab, &format!("{REDIRECT_URI}?{answer}")).unwrap().user.sub(),
            "alice"
        );
    }
}

#[test]
fn nothing_is_pushed_unasked() {
    let world = world();
    let tab = world.tab();
    world.sign_in(&tab);
    assert_eq!(world.provider.count("par"), 0);
}

#[test]
fn the_endpoints_own_query_stays_where_it_is() {
    let world = world();
    let endpoint = format!("{ISSUER}/authorize?tenant=a%20b");
    world.provider.metadata.borrow_mut()["authorization_endpoint"] = json!(endpoint);
    let address = signin(&world, &pushing_tab(&world)).unwrap();
    assert!(address.starts_with(&format!("{endpoint}&client_id=app&request_uri=")), "{address}");
    assert_eq!(world.provider.requests("par")[0].get("tenant"), None);
}

#[test]
fn the_client_is_named_once_however_it_authenticates() {
    for client_authentication in
        [ClientAuthentication::ClientSecretBasic, ClientAuthentication::ClientSecretPost]
    {
        let world = world();
        let settings = Settings {
            push_authorization_requests: true,
            client_authentication,
            client_secret: Some(Secret::new("secret")),
            ..World::settings()
        };
        signin(&world, &world.tab_with(settings, MemoryStorage::default())).unwrap();
        // The fake provider does not accept repeated parameters.
        assert_eq!(world.provider.requests("par")[0].get("client_id"), Some("app"));
        let by_header = client_authentication == ClientAuthentication::ClientSecretBasic;
        assert_eq!(world.provider.authorizations().len(), usize::from(by_header));
    }
}

#[test]
fn what_goes_wrong_is_told_and_nothing_is_kept() {
    let refused = json!({ "error": "invalid_request", "error_description": "no" });
    for (fault, expected) in [
        (
            Fault::Answer(400, refused),
            "pushed_authorization_request_endpoint refused: invalid_request (no)",
        ),
        (Fault::Answer(201, json!({})), "https://op.example/par: the answer has no request_uri"),
        (Fault::Answer(404, json!({})), "https://op.example/par answered with status 404"),
    ] {
        let world = world();
        let tab = pushing_tab(&world);
        world.provider.fault("par", fault);
        assert_eq!(signin(&world, &tab).unwrap_err().to_string(), expected);
        assert_eq!(world.state_keys(), Vec::<String>::new());
        assert!(tab.navigator.gone_to.borrow().is_empty());
    }
    let without = World::new();
    let tab = pushing_tab(&without);
    assert_eq!(
        signin(&without, &tab),
        Err(Error::NoEndpoint("pushed_authorization_request_endpoint"))
    );
}
