//! Checking signatures with public keys (RFC 7515 section 5.2), on servers. Needs the feature
//! `verify`.

use jsonwebtoken::{Algorithm, DecodingKey};

use crate::{jose::SigningAlgorithm, jwk::Jwk};

/// A public key with the one algorithm that it checks.
#[derive(Debug)]
pub struct VerificationKey {
    kid: Option<String>,
    algorithm: SigningAlgorithm,
    backend_algorithm: Algorithm,
    key: DecodingKey,
}

impl VerificationKey {
    /// Makes a published key ready; `None` if it is not for checking signatures, or of a kind that
    /// is not supported.
    ///
    /// The algorithm is the key's own. A key that names none is pinned by its family and curve; an
    /// RSA key then to RS256, the default of OIDC. The token's header never chooses (RFC 8725
    /// section 3.1).
    pub fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let algorithm =
            SigningAlgorithm::ALL.into_iter().find(|algorithm| jwk.can_verify(*algorithm))?;
        Self::for_algorithm(jwk, algorithm)
    }

    /// Makes a key ready for this algorithm; `None` if the key is not for it. The algorithm must be
    /// one of a list that the caller keeps.
    pub fn for_algorithm(jwk: &Jwk, algorithm: SigningAlgorithm) -> Option<Self> {
        let backend_algorithm =
            algorithm.as_str().parse().ok().filter(|_| jwk.can_verify(algorithm))?;
        let key = match (&*jwk.kty, &jwk.n, &jwk.e, &jwk.x, &jwk.y) {
            ("RSA", Some(n), Some(e), ..) => DecodingKey::from_rsa_components(n, e),
            ("EC", .., Some(x), Some(y)) => DecodingKey::from_ec_components(x, y),
            ("OKP", _, _, Some(x), _) => DecodingKey::from_ed_components(x),
            _ => return None,
        };
        Some(Self { kid: jwk.kid.clone(), algorithm, backend_algorithm, key: key.ok()? })
    }

    /// The key's name within its set.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm that the key checks.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Whether this key made the signature of a compact JWS over its header and payload.
    pub fn verifies(&self, compact: &str) -> bool {
        compact.rsplit_once('.').is_some_and(|(signing_input, signature)| {
            let message = signing_input.as_bytes();
            matches!(
                jsonwebtoken::crypto::verify(signature, message, &self.key, self.backend_algorithm),
                Ok(true)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 8037 appendix A.4: the example JWS and the public key of appendix A.2.
    const EXAMPLE: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    const KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn the_example_of_rfc_8037_verifies() {
        let key = VerificationKey::from_jwk(&Jwk::ed25519(KEY)).unwrap();
        assert!(key.verifies(EXAMPLE));
        for changed in [
            EXAMPLE.replacen("RXhh", "RXhi", 1),
            EXAMPLE.replacen(".hgyY", ".hgyZ", 1),
            format!("{EXAMPLE}A"),
        ] {
            assert!(!key.verifies(&changed), "{changed}");
        }
        assert!(!key.verifies("") && !key.verifies("a.b."));
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
    fn an_algorithm_that_is_asked_for_must_fit() {
        let rsa = Jwk::rsa("AQAB", "AQAB");
        assert!(VerificationKey::for_algorithm(&rsa, SigningAlgorithm::Ps256).is_some());
        assert!(VerificationKey::for_algorithm(&rsa, SigningAlgorithm::Es256).is_none());
        let pinned = rsa.for_signing(SigningAlgorithm::Rs256, "1");
        assert!(VerificationKey::for_algorithm(&pinned, SigningAlgorithm::Ps256).is_none());
    }
}
