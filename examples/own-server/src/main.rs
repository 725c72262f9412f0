//! The code of `docs/guides/own-server.md`.

use std::{error::Error, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use doorward_provider::{
    Provider, ProviderParts, ProviderSettings,
    keys::{
        KeyRing, MasterKey, RotationPolicy,
        document_source::{Document, DocumentSource},
        remote::{FetchError, JwksSource},
    },
    model::{
        account_settings::AccountSettings,
        acr::AcrLevels,
        client::ClientSettings,
        password::PasswordHash,
        provider_settings::{
            AccessTokenTyp, LongestParameters, MOST_WAITING_PER_ADDRESS, MOST_WAITING_PER_CLIENT,
        },
        registration::RegistrationSettings,
        resource::{IdentityResource, Resources},
        second_factor::SecondFactorSettings,
        time::{Clock as _, Seconds, SystemClock, SystemEntropy},
        user::User,
    },
    store::Store,
    use_case::{
        audit_trail::AuditSettings, new_password::NoBreachedPasswords,
        password_verifier::PasswordVerifier, upstream_factory::NoStoredUpstreams,
    },
};
use doorward_provider_http::HttpSettings;
use doorward_provider_store::{SqliteOptions, SqliteStore};
use serde_json::{Map, Value, from_value, json};

/// Where browsers find the provider: under a path of this server.
const ISSUER: &str = "http://localhost:8000/id";

/// No client here publishes anything, so nothing is fetched.
#[derive(Debug)]
struct NothingPublished;

#[async_trait::async_trait]
impl JwksSource for NothingPublished {
    async fn fetch(&self, uri: &str) -> Result<Map<String, Value>, FetchError> {
        Err(FetchError::Away(format!("{uri} is not fetched")))
    }
}

#[async_trait::async_trait]
impl DocumentSource for NothingPublished {
    async fn fetch(&self, uri: &str) -> Result<Document, FetchError> {
        Err(FetchError::Away(format!("{uri} is not fetched")))
    }
}

async fn provider(
    database: &Path,
    master_key: &[u8; 32],
    password: &str,
) -> Result<Arc<Provider>, Box<dyn Error>> {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(database, &SqliteOptions::default())?);
    let user = User {
        sub: "ada".parse()?,
        username: "ada".to_owned(),
        password_hash: Some(PasswordHash::compute(&Secret::from(password.to_owned()))?),
        enabled: true,
        claims: Arc::default(),
        groups: Arc::default(),
        mapped: Arc::default(),
    };
    store.import_users(vec![user], SystemClock.now()).await?;
    let client: ClientSettings = from_value(json!({
        "client_id": "page",
        "require_client_secret": false,
        "allowed_grant_types": ["authorization_code"],
        "redirect_uris": ["http://localhost:8000/callback"],
        "allowed_scopes": ["openid", "profile"],
    }))?;
    let keys = KeyRing::open(
        &*store,
        MasterKey::from_bytes(master_key)?,
        RotationPolicy::default(),
        vec![SigningAlgorithm::Es256, SigningAlgorithm::Rs256],
        &SystemClock,
        &SystemEntropy,
    )
    .await?;
    let parts = ProviderParts {
        settings: ProviderSettings {
            issuer: ISSUER.to_owned(),
            session_lifetime: Seconds::new(36_000),
            remember_me_lifetime: Seconds::new(2_592_000),
            refresh_token_grace: Seconds::new(10),
            pushed_authorization_request_lifetime: Seconds::new(60),
            require_pushed_authorization_requests: false,
            require_signed_request_object: false,
            fetch_request_uris: false,
            access_token_signing_alg: SigningAlgorithm::Es256,
            access_token_typ: AccessTokenTyp::default(),
            acr: AcrLevels::default(),
            most_waiting_per_address: MOST_WAITING_PER_ADDRESS,
            most_waiting_per_client: MOST_WAITING_PER_CLIENT,
            second_factor: SecondFactorSettings::default(),
            longest_parameters: LongestParameters::default(),
            accounts: AccountSettings::default(),
            registration: RegistrationSettings::default(),
            identity_providers: Vec::new(),
            directories: Vec::new(),
        },
        clients: vec![client],
        plain_secrets: false,
        resources: Resources::new(IdentityResource::standard(), vec![], vec![], false)?,
        keys,
        passwords: PasswordVerifier::new(1),
        breached_passwords: Arc::new(NoBreachedPasswords),
        jwks_source: Arc::new(NothingPublished),
        upstream_clients: std::collections::BTreeMap::new(),
        upstream_factory: Arc::new(NoStoredUpstreams),
        directory_clients: std::collections::BTreeMap::new(),
        documents: Arc::new(NothingPublished),
        audit: AuditSettings::default(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    Ok(Arc::new(Provider::assemble(parts, store).await?))
}

fn app(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/", get(|| async { "This server is its own OpenID provider.\n" }))
        .merge(doorward_provider_http::router(provider, HttpSettings::default()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let password = std::env::var("ADA_PASSWORD")?;
    // In production, keep the key elsewhere: with it and the database, anyone can sign tokens.
    let master_key = std::fs::read("own-server.key")?;
    let master_key = master_key.as_slice().try_into()?;
    let provider = provider(Path::new("own-server.sqlite3"), master_key, &password).await?;
    // New keys, expired rows, and what commands or other processes change at the clients.
    let maintained = Arc::clone(&provider);
    tokio::spawn(async move {
        loop {
            if let Err(error) = maintained.upkeep().maintain().await {
                eprintln!("maintenance failed: {error}");
            }
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
    });
    tokio::spawn(Arc::clone(provider.clients()).watch());
    tokio::spawn(Arc::clone(&provider).watch_left_behind());
    // Who did what, until `true` is sent.
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    tokio::spawn(provider.deliveries().keep_audit_records(stopped));
    let listener = tokio::net::TcpListener::bind("localhost:8000").await?;
    // The provider throttles sign-ins by the caller's address.
    let app = app(provider).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
