//! Tokens that are bound to a key (RFC 9449): proofs, nonces and requests.

use std::{cell::Cell, rc::Rc};

use async_trait::async_trait;
use doorward_protocol::{
    base64url,
    dpop::{ProvenRequest, TargetUri, UnverifiedProof, access_token_hash},
    jwk::Jwk,
    params::Params,
};
use serde_json::{Value, json};

use super::{
    provider::{Fault, ISSUER},
    world::{Tab, World},
};
use crate::{
    ApiRequest, ApiResponse, Error, Settings, SigninRequestArgs,
    in_page::MemoryStorage,
    ports::{ProofKeyError, ProofSigner},
};

/// The key of RFC 9449 section 4.1. Its signatures are fake.
#[derive(Default)]
pub struct FakeSigner {
    pub fails: Cell<bool>,
}

#[async_trait(?Send)]
impl ProofSigner for FakeSigner {
    async fn public_key(&self) -> Result<Jwk, ProofKeyError> {
        if self.fails.get() {
            return Err(ProofKeyError::Unavailable);
        }
        let (x, y) = (
            "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        );
        Ok(Jwk::ec("P-256", x, y))
    }

    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, ProofKeyError> {
        Ok(vec![1; 64])
    }
}

const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
const API: &str = "https://api.example/things?page=2#top";

fn world() -> World {
    let world = World::new();
    *world.signer.borrow_mut() = Some(Rc::default());
    world.provider.alter_answer(|answer| {
        answer.insert("token_type".to_owned(), json!("DPoP"));
    });
    world
}

fn tab(world: &World) -> Tab {
    world.tab_with(Settings { dpop: true, ..World::settings() }, MemoryStorage::default())
}

fn call(world: &World, tab: &Tab) -> Result<ApiResponse, Error> {
    let manager = tab.manager.clone();
    world.run(async move { manager.fetch(ApiRequest::get(API)).await })
}

/// The claims of a proof that a server would accept for this request, apart from the signature.
#[track_caller]
fn proven(
    world: &World,
    proof: &str,
    method: &str,
    uri: &str,
    access_token: Option<&str>,
) -> Value {
    let now = i64::try_from(world.clock.true_time()).unwrap();
    let uri = TargetUri::parse(uri).unwrap();
    let request = ProvenRequest { method, uri: &uri, access_token, now };
    let verified = UnverifiedProof::parse(proof).unwrap().verify(&request, |_, _, _| true).unwrap();
    assert_eq!(verified.thumbprint().as_str(), JKT);
    let claims = base64url::decode(proof.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&claims).unwrap()
}

fn token_endpoint() -> String {
    format!("{ISSUER}/token")
}

#[test]
fn the_authorization_request_names_the_key() {
    let (world, args) = (world(), SigninRequestArgs::default());
    let (bound, unbound) = (tab(&world), world.tab());
    for (tab, expected) in [(bound, Some(JKT)), (unbound, None)] {
        let (manager, args) = (tab.manager.clone(), args.clone());
        world.run(async move { manager.signin_redirect(args).await }).unwrap();
        let address = tab.navigator.gone_to.borrow_mut().pop().unwrap();
        let request = Params::parse(address.split_once('?').unwrap().1).unwrap();
        assert_eq!(request.get("dpop_jkt"), expected);
    }
}

#[test]
fn each_token_request_has_a_proof_of_its_own() {
    let world = world();
    let tab = tab(&world);
    world.sign_in(&tab);
    world.run(tab.manager.signin_silent()).unwrap();
    let proofs = world.provider.proofs("token");
    assert_eq!((proofs.len(), world.provider.count("token")), (2, 2));
    let jti = |proof: &str| proven(&world, proof, "POST", &token_endpoint(), None)["jti"].clone();
    assert_ne!(jti(&proofs[0]), jti(&proofs[1]));
    assert_eq!(world.user(&tab).unwrap().token_type, "DPoP");
}

#[test]
fn userinfo_and_apis_get_the_dpop_scheme_and_the_tokens_hash() {
    let world = world();
    let settings = Settings { dpop: true, load_user_info: true, ..World::settings() };
    let tab = world.tab_with(settings, MemoryStorage::default());
    world.sign_in(&tab);
    let token = world.access_token(&tab).unwrap();
    call(&world, &tab).unwrap();
    assert_eq!(world.provider.authorizations(), [format!("DPoP {token}"), format!("DPoP {token}")]);
    let userinfo = &world.provider.proofs("userinfo")[0];
    assert_eq!(
        proven(&world, userinfo, "GET", &format!("{ISSUER}/userinfo"), Some(&token))["nonce"],
        Value::Null
    );
    let api = &world.provider.proofs("things?page=2#top")[0];
    let claims = proven(&world, api, "GET", "https://api.example/things", Some(&token));
    assert_eq!(
        (&claims["htu"], &claims["ath"]),
        (&json!("https://api.example/things"), &json!(access_token_hash(&token)))
    );
}

#[test]
fn a_nonce_that_is_asked_for_is_sent_once_more_and_kept() {
    let world = world();
    let tab = tab(&world);
    let asks = || Fault::Nonce(400, json!({"error": "use_dpop_nonce"}), "nonce-1");
    world.provider.fault("token", asks());
    world.sign_in(&tab);
    let proofs = world.provider.proofs("token");
    let nonces: Vec<Value> = proofs
        .iter()
        .map(|proof| proven(&world, proof, "POST", &token_endpoint(), None)["nonce"].clone())
        .collect();
    assert_eq!(nonces, [Value::Null, json!("nonce-1")]);
    world.run(tab.manager.signin_silent()).unwrap();
    let last = world.provider.proofs("token").pop().unwrap();
    assert_eq!(proven(&world, &last, "POST", &token_endpoint(), None)["nonce"], "nonce-1");
    // The nonce belongs to the provider: another origin does not get it.
    call(&world, &tab).unwrap();
    let token = world.access_token(&tab).unwrap();
    let api = world.provider.proofs("things?page=2#top").pop().unwrap();
    assert_eq!(
        proven(&world, &api, "GET", "https://api.example/things", Some(&token))["nonce"],
        Value::Null
    );
}

#[test]
fn it_is_tried_exactly_once_more() {
    let world = world();
    let tab = tab(&world);
    for nonce in ["nonce-1", "nonce-2", "nonce-3"] {
        world.provider.fault("token", Fault::Nonce(400, json!({"error": "use_dpop_nonce"}), nonce));
    }
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    let error = world.callback(&tab, &url).unwrap_err();
    assert!(matches!(error, Error::Refused { code, .. } if code.as_str() == "use_dpop_nonce"));
    assert_eq!(world.provider.count("token"), 2);
}

#[test]
fn a_new_nonce_in_another_refusal_repeats_nothing() {
    let world = world();
    let tab = tab(&world);
    world.sign_in(&tab);
    world.provider.fault("token", Fault::Nonce(400, json!({"error": "invalid_grant"}), "nonce-9"));
    assert!(world.run(tab.manager.signin_silent()).is_err());
    assert_eq!(world.provider.count("token"), 2);
}

#[test]
fn an_api_that_asks_for_a_nonce_gets_it() {
    let world = world();
    let tab = tab(&world);
    world.sign_in(&tab);
    world
        .provider
        .fault("things?page=2#top", Fault::Nonce(401, json!({"error": "use_dpop_nonce"}), "api-1"));
    call(&world, &tab).unwrap();
    assert_eq!(world.provider.count("things?page=2#top"), 2);
    assert_eq!(world.provider.count("token"), 1, "the token is not renewed for it");
}

/// The device's clock is an hour off. The provider refuses the first proof and shows its time.
#[test]
fn a_wrong_device_clock_is_made_up_for() {
    for ahead in [3600, -3600] {
        let world = world();
        let tab = tab(&world);
        world.clock.wall_ahead.set(ahead);
        world.provider.fault("token", Fault::Answer(400, json!({"error": "invalid_dpop_proof"})));
        world.sign_in(&tab);
        let proofs = world.provider.proofs("token");
        assert_eq!(proofs.len(), 2);
        proven(&world, &proofs[1], "POST", &token_endpoint(), None);
    }
}

/// A server that looks at the time first learns only from the second proof that it has no nonce.
#[test]
fn a_wrong_clock_and_a_nonce_together_take_three_tries_and_no_more() {
    let asks = |nonce| Fault::Nonce(400, json!({"error": "use_dpop_nonce"}), nonce);
    let refuses = || Fault::Answer(400, json!({"error": "invalid_dpop_proof"}));
    let begun = |faults: Vec<Fault>| {
        let world = world();
        let tab = tab(&world);
        world.clock.wall_ahead.set(3600);
        for fault in faults {
            world.provider.fault("token", fault);
        }
        (world, tab)
    };
    let (world, tab) = begun(vec![refuses(), asks("nonce-1")]);
    world.sign_in(&tab);
    let proofs = world.provider.proofs("token");
    assert_eq!(proofs.len(), 3);
    assert_eq!(proven(&world, &proofs[2], "POST", &token_endpoint(), None)["nonce"], "nonce-1");
    for faults in [
        vec![refuses(), asks("nonce-1"), asks("nonce-2"), asks("nonce-3")],
        vec![refuses(), asks("nonce-1"), refuses(), refuses()],
    ] {
        let (world, tab) = begun(faults);
        let url = world.callback_url(&tab, SigninRequestArgs::default());
        assert!(matches!(world.callback(&tab, &url), Err(Error::Refused { .. })));
        assert_eq!(world.provider.count("token"), 3);
    }
}

#[test]
fn a_nonce_belongs_to_the_server_that_sent_it() {
    let world = world();
    let tab = tab(&world);
    world.sign_in(&tab);
    let other = "https://other.example/things?page=2#top";
    let refused = json!({"error": "use_dpop_nonce"});
    let fault = Fault::Elsewhere("https://other.example/moved", 401, refused, "of-other");
    world.provider.fault("things?page=2#top", fault);
    assert_eq!(call(&world, &tab).unwrap().status, 401);
    assert_eq!(world.provider.count("things?page=2#top"), 1, "it would be refused again");
    call(&world, &tab).unwrap();
    let manager = tab.manager.clone();
    world.run(async move { manager.fetch(ApiRequest::get(other)).await }).unwrap();
    let token = world.access_token(&tab).unwrap();
    let proofs = world.provider.proofs("things?page=2#top");
    let nonce = |proof: &str, url| proven(&world, proof, "GET", url, Some(&token))["nonce"].clone();
    assert_eq!(nonce(&proofs[1], "https://api.example/things"), Value::Null);
    assert_eq!(nonce(&proofs[2], "https://other.example/things"), "of-other");
}

#[test]
fn servers_without_a_readable_origin_share_no_nonce() {
    let world = world();
    let tab = tab(&world);
    world.sign_in(&tab);
    world.provider.fault("a", Fault::Nonce(200, json!({}), "of-one"));
    let urls = ["HTTPS://one.example/a", "HTTPS://two.example/a", "HTTPS://one.example/a"];
    for url in urls {
        let manager = tab.manager.clone();
        world.run(async move { manager.fetch(ApiRequest::get(url)).await }).unwrap();
    }
    let nonces = world.provider.proofs("a").into_iter().map(|proof| {
        let claims = base64url::decode(proof.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&claims).unwrap()["nonce"].clone()
    });
    assert_eq!(nonces.collect::<Vec<_>>(), [Value::Null, Value::Null, json!("of-one")]);
}

#[test]
fn an_answer_without_a_nonce_does_not_undo_what_another_request_learnt() {
    let world = world();
    let tab = tab(&world);
    world.sign_in(&tab);
    world.provider.fault("things?page=2#top", Fault::Nonce(200, json!({}), "api-1"));
    let (one, two) = (tab.manager.clone(), tab.manager.clone());
    let get = || ApiRequest::get(API);
    let answers = world.run(async move { futures::join!(one.fetch(get()), two.fetch(get())) });
    assert!(answers.0.is_ok() && answers.1.is_ok());
    call(&world, &tab).unwrap();
    let token = world.access_token(&tab).unwrap();
    let last = world.provider.proofs("things?page=2#top").pop().unwrap();
    let claims = proven(&world, &last, "GET", "https://api.example/things", Some(&token));
    assert_eq!(claims["nonce"], "api-1");
}

#[test]
fn a_proof_that_is_refused_for_another_reason_is_not_repeated() {
    let world = world();
    let tab = tab(&world);
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    world.provider.fault("token", Fault::Answer(400, json!({"error": "invalid_dpop_proof"})));
    assert!(matches!(world.callback(&tab, &url), Err(Error::Refused { .. })));
    assert_eq!(world.provider.count("token"), 1);
}

#[test]
fn a_bearer_token_in_place_of_a_bound_one_is_refused() {
    let world = world();
    world.provider.alter_answer(|_| ());
    let tab = tab(&world);
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    assert!(matches!(world.callback(&tab, &url), Err(Error::UnexpectedAnswer { .. })));
    assert!(world.user(&tab).is_none());
}

#[test]
fn without_a_key_nothing_begins() {
    let world = world();
    world.signer.borrow().as_ref().unwrap().fails.set(true);
    let tab = tab(&world);
    let manager = tab.manager.clone();
    let begun =
        world.run(async move { manager.signin_redirect(SigninRequestArgs::default()).await });
    assert_eq!(begun, Err(Error::ProofKey(ProofKeyError::Unavailable)));
    assert!(tab.navigator.gone_to.borrow().is_empty() && world.state_keys().is_empty());
}

#[test]
fn where_no_key_can_be_kept_the_setting_is_refused() {
    let settings = Settings { dpop: true, ..World::settings() };
    let refused = World::new().try_tab_with(settings, MemoryStorage::default());
    assert!(matches!(refused.map(|_| ()), Err(Error::Settings(_))));
}

#[test]
fn without_the_setting_there_are_no_proofs() {
    let world = World::new();
    *world.signer.borrow_mut() = Some(Rc::default());
    let tab = world.tab();
    world.sign_in(&tab);
    call(&world, &tab).unwrap();
    assert!(world.provider.proofs("token").is_empty());
    assert!(world.provider.authorizations().iter().all(|header| header.starts_with("Bearer ")));
}

#[test]
fn a_pushed_request_has_a_proof_with_the_nonce_that_the_provider_asks_for() {
    let world = world();
    world.provider.metadata.borrow_mut()["pushed_authorization_request_endpoint"] =
        json!(format!("{ISSUER}/par"));
    let settings = Settings { dpop: true, push_authorization_requests: true, ..World::settings() };
    let tab = world.tab_with(settings, MemoryStorage::default());
    world.provider.fault("par", Fault::Nonce(400, json!({ "error": "use_dpop_nonce" }), "n1"));
    world.sign_in(&tab);
    let proofs = world.provider.proofs("par");
    let nonces = proofs.iter().map(|proof| {
        proven(&world, proof, "POST", &format!("{ISSUER}/par"), None)["nonce"].clone()
    });
    assert_eq!(nonces.collect::<Vec<_>>(), [Value::Null, json!("n1")]);
    assert_eq!(world.provider.requests("par")[1].get("dpop_jkt"), Some(JKT));
}
