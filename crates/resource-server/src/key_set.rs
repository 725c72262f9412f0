//! The issuer's keys, made ready once for checking many signatures.

use doorward_protocol::{jose::SigningAlgorithm, jwk::JwkSet, verification::VerificationKey};

use crate::TokenError;

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
    /// [`TokenError::UnknownKey`], which fetching the keys anew may help, or one that nothing
    /// helps.
    pub fn select(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> Result<&VerificationKey, TokenError> {
        let Some(kid) = kid else {
            return match self.keys.as_slice() {
                [only] if only.algorithm() == algorithm => Ok(only),
                [_] => Err(TokenError::WrongAlgorithm),
                _ => Err(TokenError::NoKeyId),
            };
        };
        let mut named = self.keys.iter().filter(|key| key.kid() == Some(kid)).peekable();
        if named.peek().is_none() {
            return Err(TokenError::UnknownKey);
        }
        named.find(|key| key.algorithm() == algorithm).ok_or(TokenError::WrongAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::jwk::Jwk;

    use super::*;

    fn set(keys: impl IntoIterator<Item = Jwk>) -> KeySet {
        KeySet::new(JwkSet { keys: keys.into_iter().collect() })
    }

    fn named(mut jwk: Jwk, kid: &str) -> Jwk {
        jwk.kid = Some(kid.to_owned());
        jwk
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
        let two =
            set([named(Jwk::rsa("AQAB", "AQAB"), "a"), named(Jwk::ec("P-256", "AA", "AA"), "b")]);
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
