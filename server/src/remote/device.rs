//! Signing in without a browser of one's own (RFC 8628), renewing and revoking.

use std::time::{Duration, Instant};

use doorward_admin::AdminScope;
use doorward_protocol::secret::Secret;
use reqwest::{Client, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};

use super::{ServerUrl, api, signed_in::SignedIn};
use crate::{command::CommandError, provider::body};

/// The client that the commands are, which `[admin]` brings along.
pub use doorward_admin::api::COMMAND_CLIENT;

/// How long to wait between two questions unless the server says otherwise (RFC 8628 section 3.2).
const USUAL_INTERVAL: u64 = 5;
/// What is added when the server wants to be asked less often (section 3.5).
const SLOWER: u64 = 5;
/// The longest wait between two questions, in seconds.
const LONGEST_INTERVAL: u64 = 60;
/// The longest time that a user has for the sign-in, in seconds.
const LONGEST_WAIT: u64 = 3600;

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
    /// Who signed in.
    pub id_token: Option<Secret>,
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
            StatusCode::OK => {
                let text = api::body_of(server, answer).await?;
                serde_json::from_slice(&text).ok()
            }
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
        let optional = [&found.device_authorization_endpoint, &found.revocation_endpoint];
        for told in optional.into_iter().flatten().chain([&found.token_endpoint]) {
            server.own(told)?;
        }
        Ok(found)
    }
}

/// The code for the user, if it looks like one.
fn shown(user_code: &str) -> Result<&str, CommandError> {
    let is_of_one = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=20).contains(&user_code.len()) && user_code.bytes().all(is_of_one) {
        Ok(user_code)
    } else {
        Err(CommandError::refused(format!("the server gave a code that is none: {user_code:?}")))
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
    // Not the address with the code in it: whoever types the code has this command before them.
    let address = server.own(&started.verification_uri)?;
    let code = shown(&started.user_code)?;
    eprintln!("Open this address in a browser and sign in:\n\n  {address}\n");
    eprintln!("Then enter this code there:\n\n  {code}\n");
    wait(http, &endpoints.token_endpoint, &started).await
}

/// Asks for the tokens until the user has decided.
async fn wait(http: &Client, url: &str, started: &Started) -> Result<Tokens, CommandError> {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", started.device_code.expose()),
        ("client_id", COMMAND_CLIENT),
    ];
    let begun = Instant::now();
    let lifetime = Duration::from_secs(started.expires_in.min(LONGEST_WAIT));
    let mut interval = started.interval.unwrap_or(USUAL_INTERVAL);
    loop {
        let Some(pause) = pause(interval, lifetime.saturating_sub(begun.elapsed())) else {
            return Err(CommandError::Missing("nobody signed in in time: try again".to_owned()));
        };
        tokio::time::sleep(pause).await;
        let refused = match post::<Tokens>(http, url, &form).await? {
            Ok(tokens) => return Ok(tokens),
            Err(refused) => refused,
        };
        match refused.error.as_str() {
            "authorization_pending" => {}
            "slow_down" => interval = interval.saturating_add(SLOWER),
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

/// How long to wait before the next question: at least a second, whatever the server says. `None`
/// if the code expires before.
fn pause(interval: u64, left: Duration) -> Option<Duration> {
    let pause = Duration::from_secs(interval.clamp(1, LONGEST_INTERVAL));
    (pause <= left).then_some(pause)
}

/// Renews the tokens; `None` if the sign-in has ended.
pub async fn renew(http: &Client, from: &SignedIn) -> Result<Option<SignedIn>, CommandError> {
    let Some(refresh_token) = from.refresh_token() else { return Ok(None) };
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose()),
        ("client_id", COMMAND_CLIENT),
    ];
    match post::<Tokens>(http, from.token_endpoint(), &form).await? {
        Ok(tokens) => Ok(Some(from.renewed(tokens))),
        Err(refused) if refused.error == "invalid_grant" => Ok(None),
        Err(refused) => Err(told(refused)),
    }
}

/// Revokes the refresh token, and with it what came from the sign-in (RFC 7009 section 2.1).
pub async fn revoke(http: &Client, from: &SignedIn) -> Result<(), String> {
    let (Some(url), Some(token)) = (from.revocation_endpoint(), from.refresh_token()) else {
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
    let text = body(answer, api::MOST).await.map_err(|error| unusable(error.to_string()))?;
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
        "{server} does not let this command sign in: is admin.command_line turned on there?"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_capital_letters_digits_and_dashes_alone() {
        for good in ["BCDF-GHJK", "1", "ABCDEFGHIJ0123456789"] {
            assert!(shown(good).is_ok(), "{good}");
        }
        for bad in ["", "abcd", "A B", "\u{1b}[2J", "A\nB", "ABCDEFGHIJ0123456789A", "\u{202e}A"] {
            assert!(shown(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_server_can_make_nobody_ask_without_a_pause_or_for_ever() {
        let minute = Duration::from_mins(1);
        assert_eq!(pause(0, minute), Some(Duration::from_secs(1)));
        assert_eq!(pause(5, minute), Some(Duration::from_secs(5)));
        assert_eq!(pause(u64::MAX, minute), Some(minute));
        assert_eq!(pause(5, Duration::from_secs(4)), None);
        assert_eq!(pause(0, Duration::ZERO), None);
    }
}
