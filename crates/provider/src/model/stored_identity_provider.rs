//! Other providers as the store keeps them: settings as the configuration names them, and what
//! their client authenticates by, encrypted.

use std::fmt;

use doorward_protocol::secret::Secret;
use serde_json::{Map, Value};

use crate::model::{identity_provider::IdentityProviderName, signing_key::SealedKey};

/// How many the store has at most. Each that is in use has a thread of its own.
pub const MOST_STORED: usize = 100;
/// The longest secret or key, in bytes.
pub const LONGEST_CREDENTIAL: usize = 16 * 1024;
/// The longest settings as JSON, in bytes.
pub const LONGEST_SETTINGS: usize = 64 * 1024;

/// Another provider as the store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredIdentityProvider {
    /// Its name.
    pub name: IdentityProviderName,
    /// Its settings under their names in the configuration, without secrets.
    pub settings: Map<String, Value>,
    /// What its client authenticates by.
    pub credential: SealedCredential,
}

/// All other providers of a store as they are at one version.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoredIdentityProviders {
    /// Another one after each change.
    pub version: i64,
    /// The providers, by their names.
    pub providers: Vec<StoredIdentityProvider>,
}

/// What a client authenticates by at another provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A secret that is sent there.
    Secret,
    /// A private key, which stays here.
    Key,
}

impl CredentialKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Secret, Self::Key];

    /// What requests call it, and the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "client_secret",
            Self::Key => "client_key",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A secret or a private key.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Which of the two.
    pub kind: CredentialKind,
    /// The secret itself, or the key in PEM.
    pub value: Secret,
}

/// The same, encrypted by the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCredential {
    /// Which of the two.
    pub kind: CredentialKind,
    /// What is encrypted.
    pub sealed: SealedKey,
}

/// Shows the kind alone.
impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credential").field("kind", &self.kind).finish_non_exhaustive()
    }
}
