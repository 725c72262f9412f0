//! The keys of an issuer, prepared once for checking many signatures.

use doorward_protocol::{jose::SigningAlgorithm, jwk::JwkSet, verification::VerificationKey};

use crate::TokenError;

/// How many keys are tried for a token that names none, or whose name several keys have. Each try
/// costs a signature check.
const MAX_TRIED: usize = 8;

/// The keys of one issuer that were published together.
#[derive(Debug)]
pub(crate) struct KeySet {
    published: JwkSet,
    keys: Vec<VerificationKey>,
}

impl KeySet {
    /// Prepares published keys for these algorithms. Keys for other purposes are left out. A key
    /// that does not say its algorithm is prepared for each that fits its kind.
    pub(crate) fn new(published: JwkSet, algorithms: &[SigningAlgorithm]) -> Self {
        let keys = published.keys.iter().flat_map(|jwk| {
            algorithms
                .iter()
                .filter_map(|algorithm| VerificationKey::for_algorithm(jwk, *algorithm))
        });
        let keys = keys.collect();
        Self { published, keys }
    }

    /// Whether no key of the set can check a signature.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether both were published alike.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.published == other.published
    }

    /// The names of keys that the other set does not have.
    pub(crate) fn names_missing_in(&self, other: &Self) -> Vec<String> {
        let names = self.published.keys.iter().filter_map(|jwk| jwk.kid.clone());
        let is_missing =
            |kid: &String| !other.published.keys.iter().any(|jwk| jwk.kid.as_deref() == Some(kid));
        names.filter(is_missing).collect()
    }

    /// Checks a token's signature with the keys that it may have been made by: those of its `kid`,
    /// or else those without one, or all where the token names none. The algorithm must fit in any
    /// case (RFC 8725 section 3.1).
    ///
    /// # Errors
    /// Of [`TokenError::UnknownKey`], [`TokenError::WrongAlgorithm`] and
    /// [`TokenError::BadSignature`], which newer keys may help; or [`TokenError::UnusableKey`].
    pub(crate) fn verify(
        &self,
        token: &str,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> Result<(), TokenError> {
        let is_named = |own: Option<&str>| kid.is_none() || own == kid;
        let mut candidates: Vec<_> = self.keys.iter().filter(|key| is_named(key.kid())).collect();
        if candidates.is_empty() {
            if self.published.keys.iter().any(|jwk| is_named(jwk.kid.as_deref())) {
                return Err(TokenError::UnusableKey);
            }
            candidates = self.keys.iter().filter(|key| key.kid().is_none()).collect();
        }
        if candidates.is_empty() {
            return Err(TokenError::UnknownKey);
        }
        candidates.retain(|key| key.algorithm() == algorithm);
        if candidates.is_empty() {
            return Err(TokenError::WrongAlgorithm);
        }
        if candidates.iter().take(MAX_TRIED).any(|key| key.verifies(token)) {
            Ok(())
        } else {
            Err(TokenError::BadSignature)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::jwk::Jwk;

    use super::*;

    const RS256: SigningAlgorithm = SigningAlgorithm::Rs256;

    fn set(keys: impl IntoIterator<Item = Jwk>) -> KeySet {
        let keys = keys.into_iter().collect();
        KeySet::new(JwkSet::new(keys), &VerificationKey::ALGORITHMS)
    }

    fn rsa() -> Jwk {
        Jwk::rsa(doorward_protocol::base64url::encode([255; 256]), "AQAB")
    }

    fn named(mut jwk: Jwk, kid: &str) -> Jwk {
        jwk.kid = Some(kid.to_owned());
        jwk
    }

    fn ec(curve: &str) -> Jwk {
        Jwk::ec(curve, "AA", "AA")
    }

    #[test]
    fn what_cannot_check_signatures_is_left_out() {
        let (mut encryption, mut hmac, mut broken) = (rsa(), rsa(), rsa());
        encryption.key_use = Some("enc".to_owned());
        hmac.alg = Some("HS256".to_owned());
        broken.n = Some("!".to_owned());
        let short = Jwk::rsa(doorward_protocol::base64url::encode([255; 128]), "AQAB");
        assert!(set([encryption, hmac, broken, short, ec("secp256k1"), ec("P-521")]).is_empty());
    }

    #[test]
    fn the_name_and_the_algorithm_must_both_fit() {
        let two = set([named(rsa(), "a"), named(ec("P-256"), "b"), named(ec("P-521"), "e")]);
        let refused = |kid, algorithm| two.verify("a.b.c", kid, algorithm).unwrap_err();
        assert_eq!(refused(Some("a"), RS256), TokenError::BadSignature);
        assert_eq!(refused(Some("b"), RS256), TokenError::WrongAlgorithm);
        assert_eq!(refused(Some("c"), RS256), TokenError::UnknownKey);
        assert_eq!(refused(Some("e"), RS256), TokenError::UnusableKey);
        assert_eq!(refused(None, RS256), TokenError::BadSignature, "the algorithm says which");
        assert_eq!(refused(None, SigningAlgorithm::Es384), TokenError::WrongAlgorithm);
    }

    #[test]
    fn an_rsa_key_without_algorithm_serves_each_that_is_allowed() {
        let all = set([named(rsa(), "a")]);
        for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
            let algorithm = algorithm.parse().unwrap();
            assert_eq!(all.verify("a.b.c", Some("a"), algorithm), Err(TokenError::BadSignature));
        }
        let one = KeySet::new(JwkSet::new(vec![named(rsa(), "a")]), &[RS256]);
        let ps256 = one.verify("a.b.c", Some("a"), SigningAlgorithm::Ps256);
        assert_eq!(ps256, Err(TokenError::WrongAlgorithm));
    }

    #[test]
    fn a_key_without_a_name_may_be_meant_by_any() {
        let one = set([rsa()]);
        assert_eq!(one.verify("a.b.c", Some("x"), RS256), Err(TokenError::BadSignature));
    }
}
