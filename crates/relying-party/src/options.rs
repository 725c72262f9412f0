//! What a client on a server can have.

use std::{fmt, sync::Arc};

use crate::{Admits, ClientKey, Now, ProofKey, SignedSecret};

/// What a client on a server can have beside its [`Settings`](crate::Settings).
///
/// ```
/// use doorward_relying_party::{
///     ProofKey, RelyingParty, Secret, ServerOptions, Settings,
///     client::settings::ClientAuthentication,
/// };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = Settings::new("https://id.example.com", "shop", "https://shop.example.com/cb")
///     .client_secret(Secret::new("a long random text"))
///     .client_authentication(ClientAuthentication::ClientSecretBasic)
///     .dpop(true);
/// assert!(RelyingParty::start(settings.clone(), None).is_err(), "there is no key for proofs");
/// let options = ServerOptions::default().proof_key(ProofKey::generate()?);
/// RelyingParty::start(settings, options)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ServerOptions {
    pub(crate) key: Option<ClientKey>,
    pub(crate) proof_key: Option<ProofKey>,
    pub(crate) signed_secret: Option<Arc<SignedSecret>>,
    pub(crate) trusted: Vec<Vec<u8>>,
    pub(crate) requests: Option<(reqwest::Client, Arc<Admits>)>,
    pub(crate) now: Option<Arc<Now>>,
}

impl ServerOptions {
    /// The client authenticates by assertions that this key signs (`private_key_jwt`). The settings
    /// must say so, too.
    #[must_use]
    pub fn client_key(self, key: ClientKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Tokens are bound to this key (RFC 9449). The settings must say so, too (`dpop`).
    #[must_use]
    pub fn proof_key(self, key: ProofKey) -> Self {
        Self { proof_key: Some(key), ..self }
    }

    /// The client signs its own secret, in place of that of the settings.
    #[must_use]
    pub fn signed_secret(self, secret: SignedSecret) -> Self {
        Self { signed_secret: Some(Arc::new(secret)), ..self }
    }

    /// Certification authorities (DER) that are trusted beside the machine's.
    #[must_use]
    pub fn trusted_authorities(self, trusted: Vec<Vec<u8>>) -> Self {
        Self { trusted, ..self }
    }

    /// Requests go out by this client, in place of one that is made here, and only to URLs that
    /// `admits` lets pass: for settings that come from somebody who may not reach every address
    /// that this server can. The client must follow no redirects, and decide by itself to which
    /// addresses a name may lead.
    #[must_use]
    pub fn requests(self, client: reqwest::Client, admits: Arc<Admits>) -> Self {
        Self { requests: Some((client, admits)), ..self }
    }

    /// Another clock than the system's, for tests: seconds since 1970 (UTC).
    #[must_use]
    pub fn clock(self, now: Arc<Now>) -> Self {
        Self { now: Some(now), ..self }
    }
}

/// Leaves out keys.
impl fmt::Debug for ServerOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ServerOptions").field("key", &self.key).finish_non_exhaustive()
    }
}
