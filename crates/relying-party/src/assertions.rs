//! Client authentication by a key (`private_key_jwt`, OIDC Core section 9, RFC 7523 section 3).

use std::{fmt, sync::Arc};

use doorward_client::ports::AssertionSource;
use doorward_protocol::{base64url, jose::SigningAlgorithm};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::Now;

/// How long an assertion can be used, in seconds.
const LIFETIME: u64 = 60;

/// The client's private key, by which it authenticates in place of a secret. The provider knows the
/// public half.
///
/// ```no_run
/// use doorward_relying_party::{ClientKey, SigningAlgorithm};
///
/// # fn key() -> Result<ClientKey, Box<dyn std::error::Error>> {
/// let pem = std::fs::read("client.pem")?; // openssl genpkey -algorithm EC -pkeyopt …P-256
/// let key = ClientKey::from_pem(&pem, SigningAlgorithm::Es256, Some("2026"))?;
/// # Ok(key)
/// # }
/// ```
#[derive(Clone)]
pub struct ClientKey {
    key: Arc<EncodingKey>,
    header: Header,
}

/// The text is not a private key for the algorithm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the client's key can't be used: {0}")]
pub struct ClientKeyError(String);

impl ClientKey {
    /// Reads a private key in PEM (PKCS 8), for one algorithm. `kid` is its name in the key set
    /// that the provider knows.
    ///
    /// # Errors
    /// The text is no such key.
    pub fn from_pem(
        pem: &[u8],
        algorithm: SigningAlgorithm,
        kid: Option<&str>,
    ) -> Result<Self, ClientKeyError> {
        let failed = |error: jsonwebtoken::errors::Error| ClientKeyError(error.to_string());
        let key = match algorithm.key_type() {
            "RSA" => EncodingKey::from_rsa_pem(pem),
            "EC" => EncodingKey::from_ec_pem(pem),
            _ => EncodingKey::from_ed_pem(pem),
        };
        let key = Arc::new(key.map_err(failed)?);
        let mut header = Header::new(algorithm.as_str().parse::<Algorithm>().map_err(failed)?);
        header.kid = kid.map(str::to_owned);
        // Signs once, so that a key that does not fit is not found out at the first sign-in.
        jsonwebtoken::encode(&header, &json!({}), &key).map_err(failed)?;
        Ok(Self { key, header })
    }

    /// Signs claims.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&self.header, claims, &self.key)
    }
}

/// Does not show the key.
impl fmt::Debug for ClientKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClientKey").field("kid", &self.header.kid).finish_non_exhaustive()
    }
}

/// Makes the assertions of one client.
pub(super) struct Assertions {
    pub(super) key: ClientKey,
    pub(super) client_id: String,
    pub(super) now: Arc<Now>,
}

impl AssertionSource for Assertions {
    fn assertion(&self, audience: &str) -> Result<String, String> {
        let now = (self.now)();
        let mut jti = [0; 32];
        aws_lc_rs::rand::fill(&mut jti).map_err(|_| "there is no randomness".to_owned())?;
        let jti = base64url::encode(jti);
        // The provider as the only audience, so that no other provider can use the assertion.
        let claims = json!({
            "iss": self.client_id, "sub": self.client_id, "aud": audience, "jti": jti,
            "iat": now, "exp": now.saturating_add(LIFETIME),
        });
        self.key.sign(&claims).map_err(|error| error.to_string())
    }
}
