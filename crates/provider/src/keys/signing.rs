//! One signing key, ready for use: signs JWTs (RFC 7515, compact form) and shows its public part
//! (RFC 7517).

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    },
};
use doorward_protocol::{base64url, jose::SigningAlgorithm, secret::Secret};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Serialize;
use serde_json::{Value, json};

/// A key of which the private part is decrypted and parsed.
pub struct SigningKey {
    kid: String,
    algorithm: SigningAlgorithm,
    pair: Pair,
    public_jwk: Value,
    decoding: DecodingKey,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// A key could not be made, read or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// Key generation failed.
    #[error("a signing key could not be generated")]
    Generate,
    /// The private key is not a PKCS#8 key for its algorithm.
    #[error("a stored signing key is not a valid private key for its algorithm")]
    InvalidKey,
    /// The provider makes keys for RS256, PS256, ES256 and EdDSA only.
    #[error("signing keys can be RS256, PS256, ES256 or EdDSA")]
    UnsupportedAlgorithm,
    /// Signing failed.
    #[error("signing failed")]
    Sign,
}

impl SigningKey {
    /// Generates a private key in PKCS#8 form: RSA-2048, P-256 or Ed25519.
    pub fn generate_pkcs8(algorithm: SigningAlgorithm) -> Result<Vec<u8>, SigningError> {
        let failed = |_| SigningError::Generate;
        match algorithm {
            SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                Ok(der.as_ref().to_vec())
            }
            SigningAlgorithm::Es256 => {
                let pair =
                    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                Ok(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec())
            }
            SigningAlgorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                Ok(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec())
            }
            _ => Err(SigningError::UnsupportedAlgorithm),
        }
    }

    /// Reads a private key in PKCS#8 form.
    pub fn from_pkcs8(
        kid: &str,
        algorithm: SigningAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Self, SigningError> {
        let invalid = |_| SigningError::InvalidKey;
        let (pair, mut public_jwk, decoding) = match algorithm {
            SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(invalid)?;
                let public = pair.public_key();
                let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
                let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
                let jwk = json!({
                    "kty": "RSA", "n": base64url::encode(&modulus),
                    "e": base64url::encode(&exponent),
                });
                (
                    Pair::Rsa(Box::new(pair)),
                    jwk,
                    DecodingKey::from_rsa_raw_components(&modulus, &exponent),
                )
            }
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                    .map_err(invalid)?;
                // SEC 1 section 2.3.3: 0x04, then x and y of 32 bytes each.
                let point = pair.public_key().as_ref().to_vec();
                let (x, y) = point
                    .get(1..)
                    .ok_or(SigningError::InvalidKey)?
                    .split_at_checked(32)
                    .ok_or(SigningError::InvalidKey)?;
                let jwk = json!({
                    "kty": "EC", "crv": "P-256", "x": base64url::encode(x),
                    "y": base64url::encode(y),
                });
                (Pair::Ecdsa(Box::new(pair)), jwk, DecodingKey::from_ec_der(&point))
            }
            SigningAlgorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(invalid)?;
                let public = pair.public_key().as_ref().to_vec();
                let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url::encode(&public)});
                (Pair::Ed25519(Box::new(pair)), jwk, DecodingKey::from_ed_der(&public))
            }
            _ => return Err(SigningError::UnsupportedAlgorithm),
        };
        public_jwk["kid"] = json!(kid);
        public_jwk["alg"] = json!(algorithm);
        public_jwk["use"] = json!("sig");
        Ok(Self { kid: kid.to_owned(), algorithm, pair, public_jwk, decoding })
    }

    /// The key identifier.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm that this key signs by.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The public part as a JWK.
    pub fn public_jwk(&self) -> &Value {
        &self.public_jwk
    }

    /// The public part for verification, and the only algorithm to verify with.
    pub fn decoding(&self) -> (&DecodingKey, Algorithm) {
        let algorithm = match self.algorithm {
            SigningAlgorithm::Ps256 => Algorithm::PS256,
            SigningAlgorithm::Es256 => Algorithm::ES256,
            SigningAlgorithm::EdDsa => Algorithm::EdDSA,
            _ => Algorithm::RS256,
        };
        (&self.decoding, algorithm)
    }

    /// Signs claims as a JWT of this `typ`.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<Secret, SigningError> {
        let header = json!({"typ": typ, "alg": self.algorithm, "kid": self.kid}).to_string();
        let claims = serde_json::to_vec(claims).map_err(|_| SigningError::Sign)?;
        let mut token = format!("{}.{}", base64url::encode(header), base64url::encode(claims));
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        token.push_str(&base64url::encode(signature));
        Ok(Secret::new(token))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let failed = |_| SigningError::Sign;
        match &self.pair {
            Pair::Rsa(pair) => {
                let scheme: &'static dyn aws_lc_rs::signature::RsaEncoding =
                    if self.algorithm == SigningAlgorithm::Ps256 {
                        &RSA_PSS_SHA256
                    } else {
                        &RSA_PKCS1_SHA256
                    };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(scheme, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Pair::Ecdsa(pair) => {
                Ok(pair.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jsonwebtoken::{Validation, decode, decode_header, jwk::Jwk};

    use super::*;

    /// Each algorithm signs what a foreign library verifies with nothing but the published JWK.
    #[test]
    fn signatures_verify_with_the_published_key() {
        for algorithm in [
            SigningAlgorithm::Rs256,
            SigningAlgorithm::Ps256,
            SigningAlgorithm::Es256,
            SigningAlgorithm::EdDsa,
        ] {
            let pkcs8 = SigningKey::generate_pkcs8(algorithm).unwrap();
            let key = SigningKey::from_pkcs8("k1", algorithm, &pkcs8).unwrap();
            let token = key.sign("at+jwt", &json!({"sub": "alice"})).unwrap();
            let header = decode_header(token.expose()).unwrap();
            assert_eq!(
                (header.typ.as_deref(), header.kid.as_deref()),
                (Some("at+jwt"), Some("k1"))
            );

            let jwk: Jwk = serde_json::from_value(key.public_jwk().clone()).unwrap();
            let mut validation = Validation::new(key.decoding().1);
            validation.required_spec_claims.clear();
            validation.validate_exp = false;
            for decoding in [&DecodingKey::from_jwk(&jwk).unwrap(), key.decoding().0] {
                let decoded = decode::<Value>(token.expose(), decoding, &validation).unwrap();
                assert_eq!(decoded.claims["sub"], "alice", "{algorithm}");
            }
        }
    }

    #[test]
    fn the_public_part_holds_no_private_member() {
        for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Es256, SigningAlgorithm::EdDsa]
        {
            let pkcs8 = SigningKey::generate_pkcs8(algorithm).unwrap();
            let key = SigningKey::from_pkcs8("k1", algorithm, &pkcs8).unwrap();
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(key.public_jwk().get(private).is_none());
            }
        }
    }

    #[test]
    fn refuses_keys_of_another_kind() {
        let pkcs8 = SigningKey::generate_pkcs8(SigningAlgorithm::Es256).unwrap();
        assert_eq!(
            SigningKey::from_pkcs8("k", SigningAlgorithm::Rs256, &pkcs8).err(),
            Some(SigningError::InvalidKey)
        );
        assert_eq!(
            SigningKey::generate_pkcs8(SigningAlgorithm::Es512),
            Err(SigningError::UnsupportedAlgorithm)
        );
    }
}
