//! How stored providers become clients: the port behind which the rules of the configuration are.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    model::{
        identity_provider::{IdentityProvider, IdentityProviderName},
        stored_identity_provider::{Credential, CredentialKind},
    },
    use_case::upstream::UpstreamClient,
};

/// Makes sense of the settings of stored providers: the rules are those of the configuration, and
/// beside them none may read a file, or lead into the network of the provider.
pub trait UpstreamFactory: Send + Sync + fmt::Debug {
    /// Checks settings by which a client authenticates so, as far as that is possible without the
    /// secret or the key.
    fn check(
        &self,
        name: &IdentityProviderName,
        settings: &Map<String, Value>,
        kind: CredentialKind,
    ) -> Result<CheckedUpstream, UpstreamRefusal>;

    /// Checks all of them, and makes the client. Nothing is asked of the provider yet.
    fn client(
        &self,
        name: &IdentityProviderName,
        settings: &Map<String, Value>,
        credential: &Credential,
    ) -> Result<Arc<dyn UpstreamClient>, UpstreamRefusal>;
}

/// Settings that hold.
#[derive(Debug, Clone)]
pub struct CheckedUpstream {
    /// What matters for accounts.
    pub provider: IdentityProvider,
    /// The addresses that say where a secret of the client is sent.
    pub asked_at: Vec<String>,
}

/// A setting of a stored provider that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct UpstreamRefusal {
    /// Its name in the configuration, with the place in it, as `claims[0]`.
    pub field: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl UpstreamRefusal {
    /// A setting does not hold.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

/// For a provider that takes no providers from its store.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStoredUpstreams;

impl NoStoredUpstreams {
    fn refused() -> UpstreamRefusal {
        UpstreamRefusal::new("name", "this server takes no identity providers from its database")
    }
}

impl UpstreamFactory for NoStoredUpstreams {
    fn check(
        &self,
        _: &IdentityProviderName,
        _: &Map<String, Value>,
        _: CredentialKind,
    ) -> Result<CheckedUpstream, UpstreamRefusal> {
        Err(Self::refused())
    }

    fn client(
        &self,
        _: &IdentityProviderName,
        _: &Map<String, Value>,
        _: &Credential,
    ) -> Result<Arc<dyn UpstreamClient>, UpstreamRefusal> {
        Err(Self::refused())
    }
}
