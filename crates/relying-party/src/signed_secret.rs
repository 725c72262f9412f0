//! A client secret that is a JWT of the client's own, as Apple wants it.

use std::sync::Arc;

use doorward_client::Secret;
use jsonwebtoken::errors::Error;
use serde_json::json;

use crate::ClientKey;

/// How long a secret can be used, in seconds. Apple allows six months.
const LIFETIME: u64 = 3600;

/// A client secret that the client signs itself, in place of a fixed one: Apple's
/// (developer.apple.com, "Creating a client secret"). A new one is made with each refresh of the
/// provider's metadata.
///
/// ```no_run
/// use doorward_relying_party::{ClientKey, ServerOptions, SignedSecret, SigningAlgorithm};
///
/// # fn options() -> Result<ServerOptions, Box<dyn std::error::Error>> {
/// let key = std::fs::read("AuthKey_ABC123DEFG.p8")?;
/// let key = ClientKey::from_pem(&key, SigningAlgorithm::Es256, Some("ABC123DEFG"))?;
/// let secret = SignedSecret::new(key, "DEF123GHIJ", "https://appleid.apple.com");
/// # Ok(
/// ServerOptions::default().signed_secret(secret)
/// # )
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignedSecret {
    /// The key, whose `kid` is its name at Apple.
    pub key: ClientKey,
    /// Who signs: the identifier of the team.
    pub issuer: String,
    /// Whom the secret is for: `https://appleid.apple.com`.
    pub audience: String,
}

impl SignedSecret {
    /// A secret that this issuer signs with the key for this audience.
    pub fn new(key: ClientKey, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { key, issuer: issuer.into(), audience: audience.into() }
    }

    /// The secret of a client for the next hour.
    pub(crate) fn of(self: &Arc<Self>, client_id: &str, now: u64) -> Result<Secret, Error> {
        let claims = json!({
            "iss": self.issuer, "sub": client_id, "aud": self.audience,
            "iat": now, "exp": now.saturating_add(LIFETIME),
        });
        self.key.sign(&claims).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    use serde_json::Value;

    use super::*;
    use crate::SigningAlgorithm;

    /// The claims that Apple asks for.
    #[test]
    fn the_secret_names_team_client_and_apple_for_an_hour() {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
        let text = BASE64_STANDARD.encode(pkcs8.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        let key = ClientKey::from_pem(pem.as_bytes(), SigningAlgorithm::Es256, Some("K1")).unwrap();
        let secret = Arc::new(SignedSecret::new(key, "TEAM", "https://appleid.apple.com"));
        let secret = secret.of("com.example.web", 1_000).unwrap();
        let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.set_audience(&["https://appleid.apple.com"]);
        validation.set_issuer(&["TEAM"]);
        let token = jsonwebtoken::decode::<Value>(secret.expose(), &public, &validation).unwrap();
        assert_eq!(token.header.kid.as_deref(), Some("K1"));
        assert_eq!(token.claims["sub"], "com.example.web");
        assert_eq!((&token.claims["iat"], &token.claims["exp"]), (&1_000.into(), &4_600.into()));
    }
}
