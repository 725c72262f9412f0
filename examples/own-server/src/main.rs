//! The code of `docs/guides/own-server.md`.

use std::{error::Error, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use doorward_provider::{
    Provider, ProviderParts, ProviderSettings,
    keys::{
        KeyRing, MasterKey, RotationPolicy,
        remote::{FetchError, JwksSource},
    },
    model::{
        client::ClientSettings,
        password::PasswordHash,
        provider_settings::{AccessTokenTyp, LongestParameters, MOST_WAITING_PER_ADDRESS},
        resource::{IdentityResource, Resources},
        time::{Clock as _, SystemClock, SystemEntropy},
        user::User,
    },
    store::Store,
    use_case::password_verifier::PasswordVerifier,
};
use doorward_provider_http::HttpSettings;
use doorward_provider_store::{SqliteOptions, SqliteStore};
use serde_json::{Map, Value, from_value, json};

/// Where browsers find the provider: under a path of this server.
const ISSUER: &str = "http://localhost:8000/id";

/// No client here publishes its keys, so none is fetched.
#[derive(Debug)]
struct NoPublishedKeys;

#[async_trait::async_trait]
impl JwksSource for NoPublishedKeys {
    async fn fetch(&self, uri: &str) -> Result<Map<String, Value>, FetchError> {
        Err(FetchError(format!("{uri} is not fetched")))
    }
}

async fn provider(
    database: &Path,
    master_key: &[u8; 32],
    password: &str,
) -> Result<Arc<Provider>, Box<dyn Error>> {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(database, &SqliteOptions::default())?);
    let user = User {
        sub: "ada".to_owned(),
        username: "ada".to_owned(),
        password_hash: PasswordHash::compute(&Secret::from(password.to_owned()))?,
        enabled: true,
        claims: Arc::default(),
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
            session_lifetime: 36_000,
            remember_me_lifetime: 2_592_000,
            refresh_token_grace: 10,
            pushed_authorization_request_lifetime: 60,
            require_pushed_authorization_requests: false,
            access_token_signing_alg: SigningAlgorithm::Es256,
            access_token_typ: AccessTokenTyp::default(),
            most_waiting_per_address: MOST_WAITING_PER_ADDRESS,
            longest_parameters: LongestParameters::default(),
        },
        clients: vec![client],
        plain_secrets: false,
        resources: Resources::new(IdentityResource::standard(), vec![], vec![], false)?,
        keys,
        passwords: PasswordVerifier::new(1)?,
        jwks_source: Arc::new(NoPublishedKeys),
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
            if let Err(error) = maintained.maintain().await {
                eprintln!("maintenance failed: {error}");
            }
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
    });
    tokio::spawn(Arc::clone(&provider).watch_clients());
    let listener = tokio::net::TcpListener::bind("localhost:8000").await?;
    // The provider throttles sign-ins by the caller's address.
    let app = app(provider).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
