//! Signing in without a browser of one's own (RFC 8628), renewing and revoking.

use std::time::Duration;

use doorward_admin::AdminScope;
use doorward_protocol::secret::Secret;
use reqwest::{Client, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};

use super::{ServerUrl, api, signed_in::SignedIn};
use crate::command::CommandError;

/// The client that the commands are, which `[admin]` brings along.
pub use doorward_admin::api::COMMAND_CLIENT;

/// How long to wait between two questions unless the server says otherwise (RFC 8628 section 3.2).
const USUAL_INTERVAL: u64 = 5;
/// What is added when the server wants to be asked less often (section 3.5).
const SLOWER: u64 = 5;

/// Where a server answers.
#[derive(Debug, Deserialize)]
pub struct Endpoints {
    issuer: String,
    device_authorization_endpoint: Option<String>,
    /// Where tokens are issued.
    pub token_endpoint: String,
    /// Where tokens are revoked.
    pub revocation_endpoint: Option<String>,
}

/// Tokens as they were issued.
#[derive(Deserialize)]
pub struct Tokens {
    /// For the API.
    pub access_token: Secret,
    /// For more of them.
    pub refresh_token: Option<Secret>,
    /// In seconds.
    #[serde(default)]
    pub expires_in: u32,
}

/// The answer to the first request (RFC 8628 section 3.2).
#[derive(Deserialize)]
struct Started {
    device_code: Secret,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

#[derive(Deserialize)]
struct OAuthError {
    error: String,
    error_description: Option<String>,
}

impl Endpoints {
    /// Asks a server (OIDC Discovery section 4).
    pub async fn of(http: &Client, server: &ServerUrl) -> Result<Self, CommandError> {
        let url = format!("{server}/.well-known/openid-configuration");
        let answer =
            http.get(&url).send().await.map_err(|error| api::unreachable(server, &error))?;
        let found: Option<Self> = match answer.status() {
            StatusCode::OK => answer.json().await.ok(),
            _ => None,
        };
        let Some(found) = found else {
            return Err(CommandError::refused(format!("there is no OpenID provider at {server}")));
        };
        if found.issuer.trim_end_matches('/') != server.as_str() {
            let issuer = &found.issuer;
            let problem = format!("the provider at {server} calls itself {issuer}: give that URL");
            return Err(CommandError::refused(problem));
        }
        Ok(found)
    }
}

/// Signs in: tells the user where to go, and waits until they have allowed it there.
pub async fn sign_in(
    http: &Client,
    server: &ServerUrl,
    endpoints: &Endpoints,
) -> Result<Tokens, CommandError> {
    let Some(url) = &endpoints.device_authorization_endpoint else {
        return Err(off(server));
    };
    let scopes: Vec<&str> = AdminScope::ALL.iter().map(|scope| scope.name()).collect();
    let scope = format!("openid offline_access {}", scopes.join(" "));
    let form = [("client_id", COMMAND_CLIENT), ("scope", scope.as_str())];
    let started: Started = match post(http, url, &form).await? {
        Ok(started) => started,
        Err(_) => return Err(off(server)),
    };
    let address = started.verification_uri_complete.as_ref().unwrap_or(&started.verification_uri);
    eprintln!("Open this address in a browser and sign in:\n\n  {address}\n");
    eprintln!("Allow it only if the page shows the code {}.", started.user_code);
    wait(http, &endpoints.token_endpoint, &started).await
}

/// Asks for the tokens until the user has decided.
async fn wait(http: &Client, url: &str, started: &Started) -> Result<Tokens, CommandError> {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", started.device_code.expose()),
        ("client_id", COMMAND_CLIENT),
    ];
    let mut interval = started.interval.unwrap_or(USUAL_INTERVAL);
    let mut left = started.expires_in;
    loop {
        if left < interval {
            return Err(CommandError::Missing("nobody signed in in time: try again".to_owned()));
        }
        tokio::time::sleep(Duration::from_secs(interval)).await;
        left -= interval;
        let refused = match post::<Tokens>(http, url, &form).await? {
            Ok(tokens) => return Ok(tokens),
            Err(refused) => refused,
        };
        match refused.error.as_str() {
            "authorization_pending" => {}
            "slow_down" => interval += SLOWER,
            "access_denied" => {
                return Err(CommandError::Missing("it was not allowed in the browser".to_owned()));
            }
            "expired_token" => {
                return Err(CommandError::Missing(
                    "nobody signed in in time: try again".to_owned(),
                ));
            }
            _ => return Err(told(refused)),
        }
    }
}

/// Renews the tokens; `None` if the sign-in has ended.
pub async fn renew(http: &Client, from: &SignedIn) -> Result<Option<SignedIn>, CommandError> {
    let Some(refresh_token) = from.refresh_token() else { return Ok(None) };
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose()),
        ("client_id", COMMAND_CLIENT),
    ];
    match post::<Tokens>(http, &from.token_endpoint, &form).await? {
        Ok(tokens) => Ok(Some(from.renewed(tokens))),
        Err(refused) if refused.error == "invalid_grant" => Ok(None),
        Err(refused) => Err(told(refused)),
    }
}

/// Revokes the refresh token, and with it what came from the sign-in (RFC 7009 section 2.1).
pub async fn revoke(http: &Client, from: &SignedIn) -> Result<(), String> {
    let (Some(url), Some(token)) = (&from.revocation_endpoint, from.refresh_token()) else {
        return Ok(());
    };
    let form = [("token", token.expose()), ("client_id", COMMAND_CLIENT)];
    let answer = http.post(url).form(&form).send().await.map_err(|error| api::reason(&error))?;
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(format!("it answered {}", answer.status()))
    }
}

async fn post<T: DeserializeOwned>(
    http: &Client,
    url: &str,
    form: &[(&str, &str)],
) -> Result<Result<T, OAuthError>, CommandError> {
    let unusable = |problem: String| CommandError::refused(format!("{url}: {problem}"));
    let sent = http.post(url).form(form).send().await;
    let answer = sent.map_err(|error| unusable(api::reason(&error)))?;
    let status = answer.status();
    let text = answer.bytes().await.map_err(|error| unusable(api::reason(&error)))?;
    let unreadable = || unusable(format!("it answered {status} with what can't be read"));
    if status.is_success() {
        serde_json::from_slice(&text).map(Ok).map_err(|_| unreadable())
    } else {
        serde_json::from_slice(&text).map(Err).map_err(|_| unreadable())
    }
}

fn told(refused: OAuthError) -> CommandError {
    let OAuthError { error, error_description } = refused;
    CommandError::refused(match error_description {
        Some(description) => format!("{error}: {description}"),
        None => error,
    })
}

fn off(server: &ServerUrl) -> CommandError {
    CommandError::refused(format!(
        "{server} does not let this command sign in: is [admin] turned on there?"
    ))
}
