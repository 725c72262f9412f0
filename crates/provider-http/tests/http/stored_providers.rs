//! Sign-in by providers that are defined, changed and removed while the provider runs.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use async_trait::async_trait;
use axum::http::StatusCode;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    keys::{MasterKey, provider_credential},
    model::{
        external_identity::UpstreamUser,
        identity_provider::IdentityProviderName,
        stored_identity_provider::{
            Credential, CredentialKind, SealedCredential, StoredIdentityProvider,
            StoredIdentityProviders,
        },
        time::Timestamp,
        user::User,
    },
    store::{IdentityProviders, Store, StoreError},
    use_case::{
        administration::{
            identity_providers::{ProviderChangeError, StoredProviders},
            keys::reseal_identity_providers,
        },
        upstream::UpstreamLogout,
    },
};
use serde_json::{Map, Value, json};

use crate::support::{
    Answer, Browser, REDIRECT, START, World, authorize_url, claims, code_request, elsewhere,
    signed_in_at, state_of, user_of,
};

/// Somebody whom the provider calls so, with these groups there.
fn says(name: &str, sub: &str, groups: &Value) -> UpstreamUser {
    let mut user = user_of(name, sub);
    user.claims.insert("groups".to_owned(), groups.clone());
    user
}

/// Presses the provider's button, for an authorization request; returns the state.
async fn go(browser: &mut Browser<'_>, name: &str) -> String {
    let to_login = browser.get(&authorize_url(&[])).await;
    to_login.expect_login();
    let login = browser.get(to_login.location()).await;
    state_of(&browser.press(&login.page(), name, &[]).await)
}

/// Signs in by a provider, from an authorization request to the claims of the ID token.
async fn sign_in(world: &World, browser: &mut Browser<'_>, name: &str) -> Value {
    let state = go(browser, name).await;
    let back = browser.come_back(name, &state).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{back:?}");
    let code = browser.get(back.location()).await.expect_code(REDIRECT);
    let tokens = world.token(&code_request(&code)).await.json();
    claims(&tokens["id_token"])
}

async fn has_button(browser: &mut Browser<'_>, name: &str) -> bool {
    let page = browser.login_page(None).await;
    let action = format!("/account/external/{name}");
    page.all("button").any(|button| button.attribute("formaction") == Some(&action))
}

/// The page that says that this way is not offered, and leads to the others.
#[track_caller]
fn expect_not_offered(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
    let page = answer.page();
    assert!(page.text.contains("not offered any more"), "{}", page.text);
    let link = page.all("a").find_map(|link| link.attribute("href")).expect("a way back");
    assert!(link.starts_with("/account/login?") && link.contains("choose=true"), "{link}");
    link.to_owned()
}

fn mapping(groups: &[&str]) -> Value {
    json!({"claims": [{"claim": "role", "from": "/groups", "only": groups}]})
}

#[tokio::test]
async fn somebody_signs_in_by_a_provider_that_was_added_and_gets_what_its_mapping_gives() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    assert!(!has_button(&mut browser, "added").await);
    world.put_identity_provider("added", mapping(&["sales"])).await;
    assert!(has_button(&mut browser, "added").await);
    let added = world.elsewhere("added");
    let groups = json!(["sales", "it"]);
    added.answers(Ok(says("added", "ada", &groups)));
    let first = sign_in(&world, &mut browser, "added").await;
    assert!(browser.session().is_some(), "a session began");
    let sub = first["sub"].as_str().unwrap();
    let user = || async { world.store().user(&sub.parse().unwrap()).await.unwrap().unwrap() };
    let roles = |user: &User| user.all_claims(|_| true).0["role"].clone();
    assert_eq!(roles(&user().await), json!(["sales"]));

    // Another mapping counts from the next sign-in on, and so does what it takes away.
    world.put_identity_provider("added", mapping(&["it"])).await;
    added.answers(Ok(says("added", "ada", &groups)));
    let second = sign_in(&world, &mut Browser::new(&world), "added").await;
    assert_eq!(second["sub"], first["sub"], "the account is the same");
    assert_eq!(roles(&user().await), json!(["it"]));
}

#[tokio::test]
async fn nobody_signs_in_by_a_provider_that_was_disabled() {
    let world = World::new().await;
    world.put_identity_provider("added", json!({"title": "Company"})).await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let state = go(&mut browser, "added").await;
    world.put_identity_provider("added", json!({"title": "Company", "enabled": false})).await;
    assert!(!has_button(&mut browser, "added").await);
    // A page that was open meanwhile, and a request that was under way.
    let token = page.value("form_token").unwrap().to_owned();
    let pressed = browser.post("/account/external/added", &[("form_token", &*token)]).await;
    expect_not_offered(&pressed);
    expect_not_offered(&browser.come_back("added", &state).await);
    assert!(world.elsewhere("added").finished().is_empty());
    // Enabled again, the same request may still be answered.
    world.put_identity_provider("added", json!({"title": "Company"})).await;
    world.elsewhere("added").answers(Ok(user_of("added", "ada")));
    let back = browser.come_back("added", &state).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{back:?}");
}

/// Comes back from the provider, whose settings become these while it is waited for.
async fn come_back_while_settings_become(world: &World, settings: Value) -> (Answer, bool) {
    world.put_identity_provider("added", json!({"issuer": "https://added.example"})).await;
    let added = world.elsewhere("added");
    added.answers(Ok(user_of("added", "ada")));
    let mut browser = Browser::new(world);
    let state = go(&mut browser, "added").await;
    let held = added.hold().await;
    let change = async {
        added.reached().await;
        world.put_identity_provider("added", settings).await;
        drop(held);
    };
    let (back, ()) = tokio::join!(browser.come_back("added", &state), change);
    (back, browser.session().is_some())
}

#[tokio::test]
async fn a_sign_in_does_not_finish_under_settings_for_another_issuer() {
    let world = World::new().await;
    for settings in [
        json!({"issuer": "https://other.example"}),
        json!({"issuer": "https://added.example", "enabled": false}),
    ] {
        let (back, is_signed_in) = come_back_while_settings_become(&world, settings).await;
        let link = expect_not_offered(&back);
        assert!(link.contains("return_url=") && link.contains("connect"), "{link}");
        assert!(!is_signed_in);
    }
    assert!(world.store().user_by_username("ada").await.unwrap().is_none());
    // Another title leaves it the same provider.
    let settings = json!({"issuer": "https://added.example", "title": "Company"});
    let (back, is_signed_in) = come_back_while_settings_become(&world, settings).await;
    assert!(back.location().starts_with("/connect/authorize") && is_signed_in, "{back:?}");
}

#[tokio::test]
async fn one_that_is_removed_while_somebody_is_there_leads_back_to_the_request() {
    let world = World::new().await;
    world.put_identity_provider("added", json!({})).await;
    let mut browser = Browser::new(&world);
    let state = go(&mut browser, "added").await;
    world.remove_identity_provider("added").await;
    let link = expect_not_offered(&browser.come_back("added", &state).await);
    assert!(link.contains("return_url=") && link.contains("connect"), "{link}");
    // Somebody else's browser learns nothing of the request.
    let mut other = Browser::new(&world);
    let link = expect_not_offered(&other.come_back("added", &state).await);
    assert!(!link.contains("connect"), "{link}");
    let posted = other.post("/account/external/added/callback", &[("state", &*state)]).await;
    expect_not_offered(&posted);
}

#[tokio::test]
async fn a_link_with_a_provider_that_was_removed_stays_and_says_so() {
    let world = World::new().await;
    world.put_identity_provider("added", json!({"title": "Company"})).await;
    world.elsewhere("added").answers(Ok(signed_in_at(user_of("added", "ada"), START)));
    let mut browser = Browser::new(&world);
    sign_in(&world, &mut browser, "added").await;
    let page = browser.get("/account/identities").await.page();
    assert!(page.text.contains("Company") && !page.text.contains("not offered"), "{}", page.text);
    world.remove_identity_provider("added").await;
    let account = browser.get("/account").await.page();
    assert!(account.text.contains("Linked accounts"), "{}", account.text);
    let page = browser.get("/account/identities").await.page();
    assert!(page.text.contains("not offered here any more"), "{}", page.text);
    // Added again, it is the same identity.
    world.put_identity_provider("added", json!({"title": "Company"})).await;
    world.elsewhere("added").answers(Ok(signed_in_at(user_of("added", "ada"), START)));
    sign_in(&world, &mut Browser::new(&world), "added").await;
    let page = browser.get("/account/identities").await.page();
    assert!(!page.text.contains("not offered"), "{}", page.text);
}

#[tokio::test]
async fn a_provider_that_was_disabled_still_ends_the_sessions_that_began_by_it() {
    const PATH: &str = "/account/external/added/backchannel-logout";
    let world = World::new().await;
    world.put_identity_provider("added", json!({})).await;
    let added = world.elsewhere("added");
    added.answers(Ok(user_of("added", "ada")));
    let mut browser = Browser::new(&world);
    sign_in(&world, &mut browser, "added").await;
    world.put_identity_provider("added", json!({"enabled": false})).await;
    assert_eq!(browser.get("/").await.status, StatusCode::OK, "the session goes on");
    let logout = |issuer: &str| UpstreamLogout {
        issuer: issuer.to_owned(),
        sub: Some("ada".to_owned()),
        sid: None,
        jti: "1".to_owned(),
        expires_at: Timestamp::from_seconds(START + 120),
    };
    added.signs("of another", logout("https://other.example"));
    let refused = world.post(PATH, &[("logout_token", "of another")]).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    added.signs("of ada", logout("https://added.example"));
    assert_eq!(world.post(PATH, &[("logout_token", "of ada")]).await.status, StatusCode::OK);
    assert_ne!(browser.get("/").await.status, StatusCode::OK);
    world.remove_identity_provider("added").await;
    let removed = world.post(PATH, &[("logout_token", "of ada")]).await;
    removed.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn every_process_of_a_store_takes_over_a_change() {
    let world = World::new().await;
    let other = world.restarted("PkceJS", json!({})).await;
    assert!(!other.provider.refresh_identity_providers().await.unwrap(), "nothing has changed");
    world.put_identity_provider("added", json!({})).await;
    assert!(other.provider.vouching().provider("added").is_none());
    assert!(other.provider.refresh_identity_providers().await.unwrap());
    assert!(has_button(&mut Browser::new(&other), "added").await);
    // What has not changed goes on with the client that it has.
    world.put_identity_provider("more", json!({})).await;
    world.remove_identity_provider("added").await;
    assert!(other.provider.refresh_identity_providers().await.unwrap());
    let mut browser = Browser::new(&other);
    assert!(has_button(&mut browser, "more").await && !has_button(&mut browser, "added").await);
}

#[tokio::test]
async fn what_the_configuration_defines_by_now_wins_and_no_start_fails() {
    let world = World::new().await;
    for (name, issuer) in [("one", "https://other.example"), ("same", "https://one.example")] {
        world.put_identity_provider(name, json!({"issuer": issuer})).await;
    }
    world.put_identity_provider("added", json!({})).await;
    world.put_identity_provider("broken", json!({"claims": [{"claim": "sub"}]})).await;
    let (configured, _) = elsewhere("one");
    let world = world.with_identity_providers(vec![configured]).await;
    let vouching = world.provider.vouching();
    let names: Vec<&str> = vouching.providers().iter().map(|own| own.name.as_str()).collect();
    assert_eq!(names, ["one", "added"]);
    assert_eq!(vouching.provider("one").unwrap().issuer, "https://one.example");
    let stored = world.store().identity_providers().await.unwrap().providers;
    let unused: Vec<String> = stored
        .iter()
        .filter_map(|own| world.provider.identity_providers().problem(own))
        .map(|problem| problem.field)
        .collect();
    assert_eq!(unused, ["claims", "name", "issuer"], "of broken, one and same");
}

/// The table of providers. Somebody changes the master key just before it is read for the first
/// time.
struct Rekeyed {
    table: Arc<dyn Store>,
    is_rekeyed: AtomicBool,
}

impl Rekeyed {
    async fn rekey(&self) {
        let [old, new] = [7, 8].map(|byte| MasterKey::from_bytes(&[byte; 32]).unwrap());
        let keys = self.table.signing_keys().await.unwrap();
        let keys = keys.iter().map(|key| key.resealed(&old, &new).unwrap()).collect();
        assert!(self.table.reseal_signing_keys(keys).await.unwrap());
        reseal_identity_providers(&*self.table, &old, &new).await.unwrap();
    }
}

#[async_trait]
impl IdentityProviders for Rekeyed {
    async fn identity_providers(&self) -> Result<StoredIdentityProviders, StoreError> {
        if !self.is_rekeyed.swap(true, Relaxed) {
            self.rekey().await;
        }
        self.table.identity_providers().await
    }

    async fn identity_providers_version(&self) -> Result<i64, StoreError> {
        self.table.identity_providers_version().await
    }

    async fn add_identity_provider(
        &self,
        provider: StoredIdentityProvider,
        version: i64,
    ) -> Result<bool, StoreError> {
        self.table.add_identity_provider(provider, version).await
    }

    async fn replace_identity_provider(
        &self,
        provider: StoredIdentityProvider,
        version: i64,
    ) -> Result<bool, StoreError> {
        self.table.replace_identity_provider(provider, version).await
    }

    async fn remove_identity_provider(
        &self,
        name: &IdentityProviderName,
        version: i64,
    ) -> Result<bool, StoreError> {
        self.table.remove_identity_provider(name, version).await
    }

    async fn reseal_identity_providers(
        &self,
        credentials: Vec<(IdentityProviderName, SealedCredential)>,
        version: i64,
    ) -> Result<bool, StoreError> {
        self.table.reseal_identity_providers(credentials, version).await
    }
}

#[tokio::test]
async fn nothing_is_encrypted_by_a_master_key_that_is_changed_at_the_same_time() {
    let world = World::new().await;
    let table = Rekeyed { table: Arc::clone(world.store()), is_rekeyed: AtomicBool::new(false) };
    let registry = world.provider.identity_providers();
    let stored = StoredProviders {
        table: &table,
        signing_keys: &**world.store(),
        configured: registry.configured(),
        factory: registry.factory(),
        master: world.provider.keys().master(),
    };
    let credential = Credential { kind: CredentialKind::Secret, value: Secret::new("secret") };
    let added = stored.add(&"added".parse().unwrap(), Map::new(), &credential).await;
    assert!(matches!(added, Err(ProviderChangeError::OtherMasterKey)), "{added:?}");
    assert!(world.store().identity_providers().await.unwrap().providers.is_empty());
}

#[tokio::test]
async fn a_provider_whose_client_could_not_be_made_is_tried_again() {
    let world = World::new().await;
    world.elsewhere("added").break_down(true);
    world.put_identity_provider("added", json!({})).await;
    let is_there = || world.provider.vouching().provider("added").is_some();
    assert!(!is_there());
    assert!(!world.provider.refresh_identity_providers().await.unwrap(), "it still can't be made");
    world.elsewhere("added").break_down(false);
    assert!(world.provider.refresh_identity_providers().await.unwrap());
    assert!(is_there());
    assert!(!world.provider.refresh_identity_providers().await.unwrap(), "nothing has changed");
}

#[tokio::test]
async fn another_master_key_opens_every_secret_and_the_old_one_none() {
    let world = World::new().await;
    world.put_identity_provider("one", json!({})).await;
    world.put_identity_provider("two", json!({})).await;
    let old = MasterKey::from_bytes(&[7; 32]).unwrap();
    let new = MasterKey::from_bytes(&[8; 32]).unwrap();
    // It can be repeated, as after an interruption.
    for _ in 0..2 {
        reseal_identity_providers(&**world.store(), &old, &new).await.unwrap();
    }
    for own in world.store().identity_providers().await.unwrap().providers {
        let opened = provider_credential::open(&new, &own.name, &own.credential).unwrap();
        assert_eq!(opened.value.expose(), "the secret of our client");
        assert!(provider_credential::open(&old, &own.name, &own.credential).is_err());
    }
    // A process that has not started again goes on with the clients that it has.
    world.put_identity_provider("three", json!({})).await;
    let vouching = world.provider.vouching();
    assert!(["one", "two", "three"].iter().all(|name| vouching.provider(name).is_some()));
}
