//! Secrets that a client or an API shares with the provider (RFC 6749 section 2.3.1): configured as
//! hashes, compared in constant time.

use doorward_protocol::{base64url, secret::Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::model::{settings_error::SettingsError, time::Timestamp};

/// A secret as the configuration has it: its hash, or in demo mode its plain text. `Debug`
/// shows neither.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSettings {
    /// base64url of the SHA-256 of the secret.
    #[serde(default)]
    pub sha256: Option<String>,
    /// The secret itself.
    #[serde(default)]
    pub plain: Option<Secret>,
    /// It has expired from this timestamp on: seconds since 1970 (UTC).
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// What it is for, in the operator's words.
    #[serde(default)]
    pub description: Option<String>,
}

impl std::fmt::Debug for SecretSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("SecretSettings");
        shown
            .field("expires_at", &self.expires_at)
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

impl SecretSettings {
    /// The settings of this secret: its hash.
    pub fn of(secret: &Secret, expires_at: Option<i64>, description: Option<String>) -> Self {
        let sha256 = Some(base64url::encode(Sha256::digest(secret.expose())));
        Self { sha256, plain: None, expires_at, description }
    }

    /// The settings of the secret with this SHA-256.
    pub(crate) fn of_hash(sha256: &[u8; 32]) -> Self {
        let sha256 = Some(base64url::encode(sha256));
        Self { sha256, plain: None, expires_at: None, description: None }
    }

    /// The same with the hash in place of a plain text, as stores keep it.
    pub(crate) fn hashed(self) -> Self {
        match &self.plain {
            Some(plain) => Self::of(plain, self.expires_at, self.description),
            None => self,
        }
    }
}

/// The secrets of one party, any of which it may present.
#[derive(Debug, Clone, Default)]
pub struct SharedSecrets(Vec<SharedSecret>);

#[derive(Clone)]
struct SharedSecret {
    sha256: [u8; 32],
    expires_at: Option<Timestamp>,
}

impl SharedSecrets {
    /// Checks the settings under this key. `plain_secrets` says whether secrets may be plain
    /// text (demo mode).
    pub fn from_settings(
        key: &'static str,
        settings: Vec<SecretSettings>,
        plain_secrets: bool,
    ) -> Result<Self, SettingsError> {
        let check = |secret| SharedSecret::from_settings(key, secret, plain_secrets);
        settings.into_iter().map(check).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the secret is one of these and has not expired; constant time for each.
    pub fn verify(&self, secret: &Secret, now: Timestamp) -> bool {
        let hash: [u8; 32] = Sha256::digest(secret.expose()).into();
        self.0.iter().fold(false, |verified, own| {
            let equal: bool = own.sha256.ct_eq(&hash).into();
            verified | (equal && own.expires_at.is_none_or(|end| now < end))
        })
    }
}

impl SharedSecret {
    fn from_settings(
        key: &'static str,
        settings: SecretSettings,
        plain_secrets: bool,
    ) -> Result<Self, SettingsError> {
        let expires_at = settings.expires_at.map(Timestamp::from_seconds);
        let refuse = |problem| SettingsError::new(key, "(not shown)", problem);
        match (settings.sha256, settings.plain) {
            (Some(hash), None) => {
                let bytes = base64url::decode(hash).ok().and_then(|bytes| bytes.try_into().ok());
                let sha256 = bytes.ok_or_else(|| refuse("sha256 is the base64url of 32 bytes"))?;
                Ok(Self { sha256, expires_at })
            }
            (None, Some(_)) if !plain_secrets => Err(refuse(
                "a plain secret is for demo mode only; write sha256, the base64url of its SHA-256",
            )),
            (None, Some(plain)) => {
                Ok(Self { sha256: Sha256::digest(plain.expose()).into(), expires_at })
            }
            _ => Err(refuse("give each secret as either sha256 or plain")),
        }
    }
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SharedSecret")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_count_until_they_expire() {
        let hash = base64url::encode(Sha256::digest("s3cret"));
        let settings =
            serde_json::from_value(json!([{"sha256": hash, "expires_at": 100}])).unwrap();
        let secrets = SharedSecrets::from_settings("client_secrets", settings, false).unwrap();
        assert!(secrets.verify(&Secret::new("s3cret"), Timestamp::from_seconds(99)));
        assert!(!secrets.verify(&Secret::new("s3cret"), Timestamp::from_seconds(100)));
        assert!(!secrets.verify(&Secret::new("other"), Timestamp::from_seconds(99)));
    }

    #[test]
    fn plain_and_malformed_ones_are_refused_by_key_and_not_shown() {
        for settings in [json!({"plain": "hunter2"}), json!({"sha256": "hunter2"}), json!({})] {
            let settings = serde_json::from_value(json!([settings])).unwrap();
            let error = SharedSecrets::from_settings("secrets", settings, false).unwrap_err();
            assert_eq!((error.key, error.value.as_str()), ("secrets", "(not shown)"));
        }
    }
}
