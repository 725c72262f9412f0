//! The client's key for proofs of possession (RFC 9449).

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use aws_lc_rs::{
    rand::{self, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use doorward_client::ports::{ProofKeyError as PortError, ProofSigner};
use doorward_protocol::{
    base64url,
    dpop::{self, ProofClaims, access_token_hash},
    json,
    jwk::Jwk,
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::Value;

/// The key that the client's tokens are bound to: whoever steals a token can't use it without the
/// key (RFC 9449). It signs by ES256.
///
/// Tokens live longer than a process, and several processes may share them. So keep the key, and
/// give the same one to all.
///
/// ```no_run
/// use doorward_relying_party::ProofKey;
///
/// # fn key() -> Result<ProofKey, Box<dyn std::error::Error>> {
/// // openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out proof.pem
/// let key = ProofKey::from_pem(&std::fs::read("proof.pem")?)?;
/// # Ok(key)
/// # }
/// ```
#[derive(Clone)]
pub struct ProofKey {
    key: Arc<EncodingKey>,
    public: Jwk,
    /// The header of every proof.
    header: Arc<str>,
}

/// The key can't be made, or the text is not a private key for ES256.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key for proofs can't be used: {0}")]
pub struct ProofKeyError(String);

impl From<jsonwebtoken::errors::Error> for ProofKeyError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        Self(error.to_string())
    }
}

/// The call that a proof is for.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a signer decides about each claim")]
pub struct ProvenCall<'a> {
    /// The method.
    pub method: &'a str,
    /// The address. Query and fragment are no part of the proof.
    pub url: &'a str,
    /// The access token that goes with the proof.
    pub access_token: &'a str,
    /// The nonce that the server asked for (section 9).
    pub nonce: Option<&'a str>,
    /// The current time: seconds since 1970 (UTC).
    pub now: u64,
}

impl ProofKey {
    /// Reads a private key in PEM (PKCS 8) on the curve P-256.
    ///
    /// # Errors
    /// The text is no such key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, ProofKeyError> {
        Self::of(EncodingKey::from_ec_pem(pem)?)
    }

    /// A new key, which is lost with the process: for sessions that are, too, and for tests.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn generate() -> Result<Self, ProofKeyError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let pair = pair.map_err(|_| ProofKeyError("there is no randomness".to_owned()))?;
        Self::of(EncodingKey::from_ec_der(pair.as_ref()))
    }

    fn of(key: EncodingKey) -> Result<Self, ProofKeyError> {
        let public = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::ES256)?;
        let public = serde_json::to_value(public).ok().and_then(|members| match members {
            Value::Object(members) => Jwk::from_members(members),
            _ => None,
        });
        let wrong = || ProofKeyError("it is not a key on the curve P-256".to_owned());
        let public = public.filter(|key| key.crv.as_deref() == Some("P-256")).ok_or_else(wrong)?;
        // Signs once, so that a key that does not fit is not found out at the first sign-in.
        crypto::sign(b"", &key, Algorithm::ES256)?;
        let header = dpop::es256_header(&public).into();
        Ok(Self { key: Arc::new(key), public, header })
    }

    /// The public key, as it is in proofs.
    pub fn public(&self) -> &Jwk {
        &self.public
    }

    /// Makes the proof for one call, for the header `DPoP` (section 4.2).
    ///
    /// # Errors
    /// There is no randomness.
    pub fn proof(&self, call: ProvenCall<'_>) -> Result<String, ProofKeyError> {
        let mut jti = [0; 32];
        rand::fill(&mut jti).map_err(|_| ProofKeyError("there is no randomness".to_owned()))?;
        let claims = ProofClaims {
            jti: base64url::encode(jti),
            htm: call.method.to_owned(),
            htu: call.url.split(['?', '#']).next().unwrap_or_default().to_owned(),
            iat: i64::try_from(call.now).unwrap_or(i64::MAX),
            ath: Some(access_token_hash(call.access_token)),
            nonce: call.nonce.map(str::to_owned),
        };
        let claims = json::text(&Value::Object(claims.into_members()));
        let input = [&*self.header, ".", &base64url::encode(claims)].concat();
        let signature = crypto::sign(input.as_bytes(), &self.key, Algorithm::ES256)?;
        Ok([&input, ".", &signature].concat())
    }
}

/// Does not show the key.
impl fmt::Debug for ProofKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ProofKey").finish_non_exhaustive()
    }
}

#[async_trait(?Send)]
impl ProofSigner for ProofKey {
    async fn public_key(&self) -> Result<Jwk, PortError> {
        Ok(self.public.clone())
    }

    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, PortError> {
        let failed = |error: &dyn fmt::Display| PortError::Failed(error.to_string());
        let signature = crypto::sign(input, &self.key, Algorithm::ES256);
        let signature = signature.map_err(|error| failed(&error))?;
        base64url::decode(signature).map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::dpop::{ProvenRequest, TargetUri};

    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn a_proof_is_for_one_call_and_token() {
        let key = ProofKey::generate().unwrap();
        let call = ProvenCall {
            method: "GET",
            url: "https://api.example/orders?page=2",
            access_token: "token",
            nonce: Some("once"),
            now: NOW,
        };
        let proof = key.proof(call).unwrap();
        let verify = |url: &str, token: &str| {
            let uri = TargetUri::parse(url).unwrap();
            let now = i64::try_from(NOW).unwrap();
            let access_token = Some(token);
            dpop::verify(&proof, &ProvenRequest { method: "GET", uri: &uri, access_token, now })
        };
        let verified = verify("https://api.example/orders", "token").unwrap();
        assert_eq!(Some(verified.thumbprint()), key.public().thumbprint().as_ref());
        assert_eq!(verified.nonce(), Some("once"));
        assert!(verify("https://api.example/orders", "other").is_err());
        assert!(verify("https://api.example/other", "token").is_err());
        assert_ne!(key.proof(call).unwrap(), proof, "each proof is new");
    }

    #[test]
    fn a_key_of_another_kind_is_refused_and_none_is_shown() {
        assert!(ProofKey::from_pem(b"no key").is_err());
        let key = ProofKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), "ProofKey { .. }");
    }
}
