//! The file with the tokens of a server: in the user's folder of settings, for this user only.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use doorward_protocol::{base64url, ids::Sub, secret::Secret};
use doorward_provider::model::time::{Clock as _, Entropy as _, SystemClock, SystemEntropy};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    ServerUrl,
    device::{Endpoints, Tokens},
};
use crate::{command::CommandError, private_file};

/// A token that expires sooner is not used any more. Seconds.
const LEAST_LEFT: i64 = 20;

/// Who is signed in at a server.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct SignedIn {
    /// The server.
    pub server: String,
    /// Who it is.
    pub sub: Sub,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    access_token: Kept,
    refresh_token: Option<Kept>,
    /// Seconds since 1970.
    expires_at: i64,
}

/// A secret, which `Debug` does not show.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
struct Kept(Secret);

impl From<String> for Kept {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

impl From<Kept> for String {
    fn from(kept: Kept) -> Self {
        kept.0.expose().to_owned()
    }
}

impl SignedIn {
    /// After a sign-in or a renewal.
    pub fn of(
        server: &ServerUrl,
        endpoints: &Endpoints,
        tokens: Tokens,
    ) -> Result<Self, CommandError> {
        let sub = tokens.id_token.as_ref().and_then(|token| subject(token.expose()));
        let sub = sub.ok_or_else(|| {
            CommandError::refused("the server did not say who signed in: there is no ID token")
        })?;
        Ok(Self {
            sub,
            server: server.to_string(),
            token_endpoint: endpoints.token_endpoint.clone(),
            revocation_endpoint: endpoints.revocation_endpoint.clone(),
            access_token: Kept(tokens.access_token),
            refresh_token: tokens.refresh_token.map(Kept),
            expires_at: now().saturating_add(tokens.expires_in.into()),
        })
    }

    /// Where tokens are renewed.
    pub fn token_endpoint(&self) -> &str {
        &self.token_endpoint
    }

    /// Where they are revoked.
    pub fn revocation_endpoint(&self) -> Option<&str> {
        self.revocation_endpoint.as_deref()
    }

    /// Whether this is what another command of the same person has renewed meanwhile.
    pub fn is_renewal_of(&self, other: &Self) -> bool {
        let token = |of: &Self| of.access_token.0.expose().to_owned();
        self.sub == other.sub && token(self) != token(other)
    }

    /// The same person with renewed tokens.
    #[must_use]
    pub fn renewed(&self, tokens: Tokens) -> Self {
        Self {
            access_token: Kept(tokens.access_token),
            refresh_token: tokens.refresh_token.map(Kept).or_else(|| self.refresh_token.clone()),
            expires_at: now().saturating_add(tokens.expires_in.into()),
            ..self.clone()
        }
    }

    /// The access token, if it lasts for a request.
    pub fn access_token(&self) -> Option<&Secret> {
        let is_fresh = self.expires_at > now().saturating_add(LEAST_LEFT);
        is_fresh.then_some(&self.access_token.0)
    }

    /// What renews it.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref().map(|kept| &kept.0)
    }

    /// Reads the file of this server; `None` if there is none.
    pub fn find(server: &ServerUrl) -> Result<Option<Self>, CommandError> {
        let path = file(server)?;
        match private_file::is_private(&path) {
            Ok(true) => {}
            Ok(false) => {
                let problem = "others may read it, or it is a link: remove it and sign in again";
                return Err(unusable(&path, &problem));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(&path, &error)),
        }
        if private_file::owner_of_another(&path).is_some() {
            return Err(unusable(
                &path,
                &"it belongs to another user: remove it and sign in again",
            ));
        }
        let text = fs::read_to_string(&path).map_err(|error| unusable(&path, &error))?;
        let found: Self = serde_json::from_str(&text)
            .map_err(|_| unusable(&path, &"it is damaged: remove it and sign in again"))?;
        // The name is a hash, so this fails only for a file that was put in another's place.
        let revocation = found.revocation_endpoint.as_ref();
        for told in revocation.into_iter().chain([&found.token_endpoint]) {
            server.own(told).map_err(|error| unusable(&path, &error))?;
        }
        if found.server == server.as_str() {
            Ok(Some(found))
        } else {
            Err(unusable(&path, &"it is of another server: remove it and sign in again"))
        }
    }

    /// Writes the file.
    pub fn keep(&self) -> Result<(), CommandError> {
        let server = self.server.parse().map_err(CommandError::refused)?;
        let path = file(&server)?;
        let text = serde_json::to_string_pretty(self).map_err(CommandError::refused)?;
        let unique = base64url::encode(&SystemEntropy.bytes()[..8]);
        let written = private_file::create_folder(private_file::folder_of(&path))
            .and_then(|()| private_file::replace(&path, &text, &unique));
        written.map_err(|error| unusable(&path, &error))
    }
}

/// Whom an ID token is about. It came from the token endpoint itself, so its signature need not be
/// checked (OIDC Core section 3.1.3.7, step 6).
fn subject(id_token: &str) -> Option<Sub> {
    #[derive(Deserialize)]
    struct Claims {
        sub: Sub,
    }
    let payload = base64url::decode(id_token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claims>(&payload).ok().map(|claims| claims.sub)
}

/// Removes the file of this server.
pub fn forget(server: &ServerUrl) -> Result<(), CommandError> {
    let path = file(server)?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(&path, &error)),
        _ => Ok(()),
    }
}

fn unusable(path: &Path, problem: &dyn std::fmt::Display) -> CommandError {
    CommandError::refused(format!("{}: {problem}", path.display()))
}

/// The file of a server. Its name is a hash: a URL has characters that names of files may not have.
fn file(server: &ServerUrl) -> Result<PathBuf, CommandError> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(|| set("APPDATA"))
        .or_else(|| set("HOME").map(|home| home.join(".config")));
    let folder = folder.ok_or_else(|| {
        CommandError::refused("there is no folder for the tokens: set HOME or XDG_CONFIG_HOME")
    })?;
    let name = base64url::encode(&Sha256::digest(server.as_str())[..12]);
    Ok(folder.join("doorward/servers").join(format!("{name}.json")))
}

fn now() -> i64 {
    SystemClock.now().seconds()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn signed_in(sub: &str, token: &str) -> SignedIn {
        SignedIn {
            server: "https://id.example.com".to_owned(),
            sub: Sub::parse(sub).unwrap(),
            token_endpoint: "https://id.example.com/connect/token".to_owned(),
            revocation_endpoint: None,
            access_token: Kept(Secret::new(token.to_owned())),
            refresh_token: None,
            expires_at: 0,
        }
    }

    #[test]
    fn an_id_token_says_who_signed_in() {
        let token = |payload: &str| format!("e30.{}.sig", base64url::encode(payload));
        assert_eq!(subject(&token(r#"{"sub":"alice"}"#)).unwrap(), *"alice");
        for bad in [token("{}"), token("x"), "e30".to_owned(), String::new(), "a.%.b".to_owned()] {
            assert_eq!(subject(&bad), None, "{bad}");
        }
    }

    #[test]
    fn another_token_of_the_same_person_is_a_renewal() {
        let own = signed_in("alice", "a");
        assert!(signed_in("alice", "b").is_renewal_of(&own));
        assert!(!signed_in("alice", "a").is_renewal_of(&own));
        assert!(!signed_in("bob", "b").is_renewal_of(&own));
    }
}
