//! The issuer's keys, made ready once for checking many signatures.

use doorward_protocol::{
    jose::SigningAlgorithm,
    jwk::{Jwk, JwkSet},
};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::TokenError;

/// A public key with the one algorithm that it checks.
#[derive(Debug)]
pub struct VerificationKey {
    kid: Option<String>,
    algorithm: SigningAlgorithm,
    backend_algorithm: Algorithm,
    key: DecodingKey,
}

impl VerificationKey {
    /// Makes a published key ready; `None` if it is not for checking signatures, or of a kind that is not supported.
    ///
    /// The algorithm is the key's own. A key that names none is pinned by its family and curve; an RSA key then to
    /// RS256, the default of OIDC. The token's header never chooses (RFC 8725 section 3.1).
    pub fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let algorithm = SigningAlgorithm::ALL.into_iter().find(|algorithm| jwk.can_verify(*algorithm))?;
        let backend_algorithm = algorithm.as_str().parse().ok()?;
        let key = match (&*jwk.kty, &jwk.n, &jwk.e, &jwk.x, &jwk.y) {
            ("RSA", Some(n), Some(e), ..) => DecodingKey::from_rsa_components(n, e),
            ("EC", .., Some(x), Some(y)) => DecodingKey::from_ec_components(x, y),
            ("OKP", _, _, Some(x), _) => DecodingKey::from_ed_components(x),
            _ => return None,
        };
        Some(Self { kid: jwk.kid.clone(), algorithm, backend_algorithm, key: key.ok()? })
    }

    /// The one algorithm that the key checks.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Checks the signature of a compact JWS, both parts as they stand in it (RFC 7515 section 5.2).
    pub fn verify(&self, signing_input: &str, signature: &str) -> Result<(), TokenError> {
        let message = signing_input.as_bytes();
        match jsonwebtoken::crypto::verify(signature, message, &self.key, self.backend_algorithm) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(TokenError::BadSignature),
        }
    }
}

/// The keys of one issuer as they were fetched together.
#[derive(Debug)]
pub struct KeySet {
    published: JwkSet,
    keys: Vec<VerificationKey>,
}

impl KeySet {
    /// Makes the published keys ready. Keys that can't check signatures are left out.
    pub fn new(published: JwkSet) -> Self {
        let keys = published.keys.iter().filter_map(VerificationKey::from_jwk).collect();
        Self { published, keys }
    }

    /// Whether no key of the set can check a signature.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether both were published alike.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.published == other.published
    }

    /// The key that a token names. Without a name it must be the only one.
    ///
    /// # Errors
    /// [`TokenError::UnknownKey`], which fetching the keys anew may help, or one that nothing helps.
    pub fn select(&self, kid: Option<&str>, algorithm: SigningAlgorithm) -> Result<&VerificationKey, TokenError> {
        let Some(kid) = kid else {
            return match self.keys.as_slice() {
                [only] if only.algorithm == algorithm => Ok(only),
                [_] => Err(TokenError::WrongAlgorithm),
                _ => Err(TokenError::NoKeyId),
            };
        };
        let mut named = self.keys.iter().filter(|key| key.kid.as_deref() == Some(kid)).peekable();
        if named.peek().is_none() {
            return Err(TokenError::UnknownKey);
        }
        named.find(|key| key.algorithm == algorithm).ok_or(TokenError::WrongAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn set(keys: impl IntoIterator<Item = Jwk>) -> KeySet {
        KeySet::new(JwkSet { keys: keys.into_iter().collect() })
    }

    fn named(mut jwk: Jwk, kid: &str) -> Jwk {
        jwk.kid = Some(kid.to_owned());
        jwk
    }

    #[test]
    fn a_key_without_algorithm_is_pinned_by_its_kind() {
        let algorithm = |jwk: Jwk| VerificationKey::from_jwk(&jwk).map(|key| key.algorithm());
        assert_eq!(algorithm(Jwk::rsa("AQAB", "AQAB")), Some(SigningAlgorithm::Rs256));
        assert_eq!(algorithm(Jwk::ec("P-384", "AA", "AA")), Some(SigningAlgorithm::Es384));
        assert_eq!(algorithm(Jwk::ed25519("AA")), Some(SigningAlgorithm::EdDsa));
        let ps512 = Jwk::rsa("AQAB", "AQAB").for_signing(SigningAlgorithm::Ps512, "1");
        assert_eq!(algorithm(ps512), Some(SigningAlgorithm::Ps512));
    }

    #[test]
    fn what_cannot_check_signatures_is_left_out() {
        let encryption = Jwk { key_use: Some("enc".to_owned()), ..Jwk::rsa("AQAB", "AQAB") };
        let hmac = Jwk { alg: Some("HS256".to_owned()), ..Jwk::rsa("AQAB", "AQAB") };
        let broken = Jwk::rsa("not base64url!", "AQAB");
        assert!(set([encryption, hmac, broken, Jwk::ec("secp256k1", "AA", "AA")]).is_empty());
    }

    #[test]
    fn the_name_and_the_algorithm_must_both_fit() {
        let rs256 = SigningAlgorithm::Rs256;
        let two = set([named(Jwk::rsa("AQAB", "AQAB"), "a"), named(Jwk::ec("P-256", "AA", "AA"), "b")]);
        assert_eq!(two.select(Some("a"), rs256).unwrap().algorithm(), rs256);
        assert_eq!(two.select(Some("b"), rs256).unwrap_err(), TokenError::WrongAlgorithm);
        assert_eq!(two.select(Some("c"), rs256).unwrap_err(), TokenError::UnknownKey);
        assert_eq!(two.select(None, rs256).unwrap_err(), TokenError::NoKeyId);
        let one = set([named(Jwk::rsa("AQAB", "AQAB"), "a")]);
        assert!(one.select(None, rs256).is_ok());
        let ps256 = SigningAlgorithm::Ps256;
        assert_eq!(one.select(None, ps256).unwrap_err(), TokenError::WrongAlgorithm);
    }
}
