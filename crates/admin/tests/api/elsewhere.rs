//! Other providers whose settings are few: the API is tested with them, and not the rules of the
//! configuration.

use std::sync::Arc;

use async_trait::async_trait;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{
        identity_provider::{IdentityProvider, IdentityProviderName},
        stored_identity_provider::{Credential, CredentialKind},
    },
    use_case::{
        upstream::{
            BegunRequest, Examined, UpstreamAnswer, UpstreamClient, UpstreamError, UpstreamLogout,
            UpstreamRequest,
        },
        upstream_factory::{CheckedUpstream, UpstreamFactory, UpstreamRefusal},
    },
};
use serde_json::{Map, Value};

/// Takes `issuer`, `title`, `enabled` and `trusted_email_domains`.
#[derive(Debug)]
pub struct Elsewhere;

/// The client of a provider that tells what its secret is.
#[derive(Debug)]
struct Client(Credential);

/// What the program says of a setting that there is not.
const UNKNOWN: &str = "this is not one of the settings here: a secret or a key is given beside \
                       them, is never read from a file, and the name never changes";

impl UpstreamFactory for Elsewhere {
    fn check(
        &self,
        name: &IdentityProviderName,
        settings: &Map<String, Value>,
        _: CredentialKind,
    ) -> Result<CheckedUpstream, UpstreamRefusal> {
        let mut provider = IdentityProvider::new(name.clone(), "");
        for (key, value) in settings {
            let text = || value.as_str().map(str::to_owned);
            let wrong = || UpstreamRefusal::new(key, "this is of another type");
            match key.as_str() {
                "issuer" => provider.issuer = text().ok_or_else(wrong)?,
                "title" => provider.title = text().ok_or_else(wrong)?,
                "preset" => drop(text().ok_or_else(wrong)?),
                "enabled" => provider.enabled = value.as_bool().ok_or_else(wrong)?,
                "trusted_email_domains" => {
                    let domains = serde_json::from_value(value.clone());
                    provider.trusted_email_domains = domains.map_err(|_| wrong())?;
                }
                _ => return Err(UpstreamRefusal::new(key, UNKNOWN)),
            }
        }
        let asked_at = vec![provider.issuer.clone()];
        Ok(CheckedUpstream { provider, asked_at })
    }

    fn client(
        &self,
        name: &IdentityProviderName,
        settings: &Map<String, Value>,
        credential: &Credential,
    ) -> Result<Arc<dyn UpstreamClient>, UpstreamRefusal> {
        self.check(name, settings, credential.kind)?;
        if credential.kind == CredentialKind::Key && !credential.value.expose().contains("BEGIN") {
            return Err(UpstreamRefusal::new(
                "client_key",
                "no key; give a private key in PEM (PKCS 8) for ES256",
            ));
        }
        Ok(Arc::new(Client(credential.clone())))
    }
}

#[async_trait]
impl UpstreamClient for Client {
    async fn begin(&self, _: UpstreamRequest) -> Result<BegunRequest, UpstreamError> {
        Err(UpstreamError::Unavailable("nobody signs in here".to_owned()))
    }

    async fn finish(
        &self,
        _: String,
        _: Secret,
        _: String,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        Err(UpstreamError::NotAwaited)
    }

    async fn end_session_url(
        &self,
        _: Secret,
        _: Option<Secret>,
    ) -> Result<Option<String>, UpstreamError> {
        Ok(None)
    }

    async fn verify_logout_token(&self, _: String) -> Result<UpstreamLogout, UpstreamError> {
        Err(UpstreamError::NotAwaited)
    }

    async fn examine(&self) -> Vec<Examined> {
        let length = self.0.value.expose().len();
        vec![
            ("discovery", Ok(format!("the credential has {length} bytes"))),
            ("keys", Err("there are none: make one".to_owned())),
        ]
    }
}
