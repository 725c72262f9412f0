//! Sign-out and revocation.

use doorward_protocol::params::Params;
use serde_json::json;

use super::{
    provider::{Fault, ISSUER},
    world::{Tab, World},
};
use crate::{
    CallbackKind, Error, Settings, SignoutRequestArgs, SignoutScope, User, in_page::MemoryStorage,
    ports::NetworkFailure,
};

const HOME: &str = "https://app.example/";

fn settings() -> Settings {
    Settings { post_logout_redirect_uri: Some(HOME.to_owned()), ..World::settings() }
}

fn sign_out(world: &World, tab: &Tab, args: SignoutRequestArgs) -> Result<Params, Error> {
    let manager = tab.manager.clone();
    world.run(async move { manager.signout_redirect(args).await })?;
    let url = tab.navigator.gone_to.borrow_mut().pop().unwrap();
    let (endpoint, query) = url.split_once('?').unwrap();
    assert_eq!(endpoint, format!("{ISSUER}/endsession"));
    Ok(Params::parse(query).unwrap())
}

#[test]
fn the_user_is_forgotten_and_the_provider_asked() {
    let world = World::new();
    let tab = world.tab_with(settings(), MemoryStorage::default());
    let user = world.sign_in(&tab).user;
    let args = SignoutRequestArgs {
        state: Some(json!("bye")),
        url_state: Some("u".to_owned()),
        ..SignoutRequestArgs::default()
    };
    let params = sign_out(&world, &tab, args).unwrap();
    assert_eq!(params.get("id_token_hint"), user.id_token.as_deref());
    assert_eq!(params.get("post_logout_redirect_uri"), Some(HOME));
    assert!(!params.is_sent("client_id"), "the hint names the client");
    assert_eq!(world.user(&tab), None);
    assert_eq!(tab.events(), ["unloaded", "signed_out"]);
    assert_eq!(world.provider.count("revoke"), 0);

    let back = format!("{HOME}?state={}", params.get("state").unwrap().replace(';', "%3B"));
    assert_eq!(tab.manager.callback_kind(&back), CallbackKind::Signout);
    back.clone_into(&mut tab.navigator.url.borrow_mut());
    for _ in 0..2 {
        let (manager, back) = (tab.manager.clone(), back.clone());
        let outcome =
            world.run(async move { manager.signout_redirect_callback(&back).await }).unwrap();
        assert_eq!((outcome.state, outcome.url_state.as_deref()), (Some(json!("bye")), Some("u")));
    }
    assert_eq!(*tab.navigator.url.borrow(), HOME);
}

#[test]
fn without_a_user_the_client_is_named() {
    let world = World::new();
    let tab = world.tab_with(settings(), MemoryStorage::default());
    let params = sign_out(&world, &tab, SignoutRequestArgs::default()).unwrap();
    assert_eq!(params.get("client_id"), Some("app"));
    assert!(!params.is_sent("id_token_hint"));
    assert_eq!(tab.events(), Vec::<String>::new());
}

#[test]
fn without_an_endpoint_or_a_network_the_user_is_forgotten_all_the_same() {
    let world = World::new();
    world.provider.metadata.borrow_mut().as_object_mut().unwrap().remove("end_session_endpoint");
    let tab = world.tab_with(settings(), MemoryStorage::default());
    world.sign_in(&tab);
    let scope = world.run(tab.manager.signout_redirect(SignoutRequestArgs::default()));
    assert_eq!(scope, Ok(SignoutScope::Local), "sign-out is complete without it");
    assert_eq!(world.user(&tab), None);
    assert_eq!(tab.events(), ["unloaded", "signed_out"]);

    let tab = world.tab_with(settings(), MemoryStorage::default());
    world.sign_in(&tab);
    // The metadata of the first page are too old.
    world.pass_seconds(300);
    let reloaded = world.tab_with(settings(), tab.session_storage.clone());
    let document = ".well-known/openid-configuration";
    world.provider.fault(document, Fault::NotSent(NetworkFailure::Offline));
    assert!(sign_out(&world, &reloaded, SignoutRequestArgs::default()).unwrap_err().is_transient());
    assert_eq!(world.user(&reloaded), None);
}

#[test]
fn tokens_are_revoked_in_order() {
    let world = World::new();
    let tab = world.tab_with(
        Settings { revoke_tokens_on_signout: true, ..settings() },
        MemoryStorage::default(),
    );
    world.sign_in(&tab);
    let manager = tab.manager.clone();
    world.run(async move { manager.revoke_tokens().await }).unwrap();
    let forms = world.provider.requests("revoke");
    let sent: Vec<_> = forms
        .iter()
        .map(|form| (form.get("token").unwrap(), form.get("token_type_hint").unwrap()))
        .collect();
    assert_eq!(sent, [("access-1", "access_token"), ("refresh-1", "refresh_token")]);
    assert!(forms.iter().all(|form| form.get("client_id") == Some("app")));
    assert_eq!(world.user(&tab).unwrap().refresh_token, None);

    world.provider.fault("revoke", Fault::Answer(500, json!({})));
    sign_out(&world, &tab, SignoutRequestArgs::default()).unwrap();
    assert_eq!(world.provider.count("revoke"), 3, "a failure does not keep the user from leaving");
    assert_eq!(world.user(&tab), None);
}

#[test]
fn who_signs_out_or_anew_while_tokens_are_revoked_stays_so() {
    for anew in [false, true] {
        let world = World::new();
        let tab = world.tab();
        let user = world.sign_in(&tab).user;
        let stored = anew.then(|| User { access_token: "anew".to_owned(), ..user });
        let (manager, asked, wanted) =
            (tab.manager.clone(), world.asked("revoke", 2), stored.clone());
        let revoked = world.run(async move {
            let changes = async {
                asked.await;
                manager.store_user(wanted).await
            };
            futures::join!(manager.revoke_tokens(), changes)
        });
        assert_eq!(revoked, (Ok(()), Ok(())));
        assert_eq!(world.user(&tab), stored);
    }
}

#[test]
fn the_user_is_forgotten_before_the_provider_answers() {
    let world = World::new();
    let tab = world.tab_with(
        Settings { revoke_tokens_on_signout: true, ..settings() },
        MemoryStorage::default(),
    );
    world.sign_in(&tab);
    let (manager, asked) = (tab.manager.clone(), world.asked("revoke", 1));
    let meanwhile = world.run(async move {
        let looks = async {
            asked.await;
            manager.get_user().await
        };
        futures::join!(manager.signout_redirect(SignoutRequestArgs::default()), looks).1
    });
    assert_eq!(meanwhile, Ok(None));
    assert_eq!(world.provider.count("revoke"), 2, "the tokens are revoked all the same");
    assert_eq!(tab.navigator.gone_to.borrow().len(), 1);
}

#[test]
fn a_token_that_cannot_be_revoked_by_its_kind_is_no_error() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    world.provider.fault("revoke", Fault::Answer(400, json!({"error": "unsupported_token_type"})));
    let manager = tab.manager.clone();
    world.run(async move { manager.revoke_tokens().await }).unwrap();
    assert_eq!(world.provider.count("revoke"), 2);
}

#[test]
fn a_sign_out_response_to_no_request_is_refused() {
    let world = World::new();
    let tab = world.tab_with(settings(), MemoryStorage::default());
    let call = |url: &str| {
        let (manager, url) = (tab.manager.clone(), url.to_owned());
        world.run(async move { manager.signout_redirect_callback(&url).await })
    };
    assert_eq!(
        call("https://app.example/?state=unknown"),
        Err(Error::NoMatchingState { signed_in: false })
    );
    let forged = call(&format!("{HOME}?error=x&error_description=Call+this+number"));
    assert_eq!(forged, Err(Error::NoMatchingState { signed_in: false }));
    assert!(call(HOME).is_ok(), "a request without state is answered without");
    let params = sign_out(&world, &tab, SignoutRequestArgs::default()).unwrap();
    let refused = format!("{HOME}?error=invalid_request&state={}", params.get("state").unwrap());
    assert!(matches!(call(&refused), Err(Error::Authorization(_))));
}

#[test]
fn a_long_id_token_is_not_sent_in_a_url() {
    let world = World::new();
    world.provider.alter_claims(|claims| {
        claims.insert("groups".to_owned(), json!("x".repeat(20_000)));
    });
    let tab = world.tab_with(settings(), MemoryStorage::default());
    let user = world.sign_in(&tab).user;
    let params = sign_out(&world, &tab, SignoutRequestArgs::default()).unwrap();
    assert_eq!((params.get("id_token_hint"), params.get("client_id")), (None, Some("app")));
    let args = SignoutRequestArgs::default().id_token_hint(user.id_token.unwrap());
    let params = sign_out(&world, &tab, args).unwrap();
    assert!(params.is_sent("id_token_hint"), "the caller insists");
}

#[test]
fn the_id_token_can_be_left_out_by_setting() {
    let world = World::new();
    let settings = World::settings().include_id_token_in_signout(false);
    let tab = world.tab_with(settings, MemoryStorage::default());
    world.sign_in(&tab);
    let params = sign_out(&world, &tab, SignoutRequestArgs::default()).unwrap();
    assert_eq!((params.get("id_token_hint"), params.get("client_id")), (None, Some("app")));
}
