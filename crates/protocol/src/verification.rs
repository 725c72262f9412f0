//! Checks signatures with public keys (RFC 7515 section 5.2), on servers. It needs the feature
//! `verify`.

use jsonwebtoken::{Algorithm, DecodingKey};

use crate::{base64url, jose::SigningAlgorithm, jwk::Jwk};

/// The smallest modulus of an RSA key, in bytes (RFC 7518 section 3.3: 2048 bits).
const MIN_RSA_BYTES: usize = 256;

/// A public key with the one algorithm that it checks.
///
/// ```
/// use doorward_protocol::{jwk::Jwk, verification::VerificationKey};
///
/// // The key and the token of RFC 8037 appendix A.
/// let key = Jwk::ed25519("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
/// let key = VerificationKey::from_jwk(&key).ok_or("not a key for signatures")?;
/// assert!(key.verifies(concat!(
///     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.",
///     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
/// )));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug)]
pub struct VerificationKey {
    kid: Option<String>,
    algorithm: SigningAlgorithm,
    backend_algorithm: Algorithm,
    key: DecodingKey,
}

impl VerificationKey {
    /// Every algorithm that can be checked. ES512 is not among them.
    pub const ALGORITHMS: [SigningAlgorithm; 9] = [
        SigningAlgorithm::Rs256,
        SigningAlgorithm::Rs384,
        SigningAlgorithm::Rs512,
        SigningAlgorithm::Ps256,
        SigningAlgorithm::Ps384,
        SigningAlgorithm::Ps512,
        SigningAlgorithm::Es256,
        SigningAlgorithm::Es384,
        SigningAlgorithm::EdDsa,
    ];

    /// Prepares a published key. `None`: it is not for checking signatures, or of a kind that is
    /// not supported.
    ///
    /// The algorithm is the key's own. A key that names none is pinned by its family and curve, and
    /// an RSA key to RS256, the default of OIDC. The token's header never chooses (RFC 8725 section
    /// 3.1).
    pub fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let algorithm =
            SigningAlgorithm::ALL.into_iter().find(|algorithm| jwk.can_verify(*algorithm))?;
        Self::for_algorithm(jwk, algorithm)
    }

    /// Prepares a key for this algorithm, which must be one of a list that the caller keeps.
    /// `None`: the key is not for it, or an RSA key is shorter than 2048 bits.
    pub fn for_algorithm(jwk: &Jwk, algorithm: SigningAlgorithm) -> Option<Self> {
        let backend_algorithm =
            algorithm.as_str().parse().ok().filter(|_| jwk.can_verify(algorithm))?;
        let key = match (&*jwk.kty, &jwk.n, &jwk.e, &jwk.x, &jwk.y) {
            ("RSA", Some(n), ..) if rsa_bytes(n) < MIN_RSA_BYTES => return None,
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

/// The length of an RSA modulus without leading zeros.
fn rsa_bytes(modulus: &str) -> usize {
    base64url::decode(modulus)
        .map_or(0, |bytes| bytes.iter().skip_while(|byte| **byte == 0).count())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rsa(bytes: usize) -> Jwk {
        Jwk::rsa(base64url::encode(vec![255; bytes]), "AQAB")
    }

    /// RFC 8037 appendix A.4: the example JWS and the public key of appendix A.2.
    const EXAMPLE: &str = concat!(
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
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
        assert_eq!(algorithm(rsa(256)), Some(SigningAlgorithm::Rs256));
        assert_eq!(algorithm(Jwk::ec("P-384", "AA", "AA")), Some(SigningAlgorithm::Es384));
        assert_eq!(algorithm(Jwk::ed25519("AA")), Some(SigningAlgorithm::EdDsa));
        let ps512 = rsa(256).for_signing(SigningAlgorithm::Ps512, "1");
        assert_eq!(algorithm(ps512), Some(SigningAlgorithm::Ps512));
    }

    #[test]
    fn a_short_rsa_key_and_the_curve_p521_are_not_supported() {
        assert!(VerificationKey::from_jwk(&rsa(255)).is_none());
        assert!(VerificationKey::from_jwk(&Jwk::ec("P-521", "AA", "AA")).is_none());
        for algorithm in VerificationKey::ALGORITHMS {
            let key = match algorithm.key_type() {
                "RSA" => rsa(256),
                "EC" => Jwk::ec(algorithm.curve().unwrap(), "AA", "AA"),
                _ => Jwk::ed25519(KEY),
            };
            assert!(VerificationKey::for_algorithm(&key, algorithm).is_some(), "{algorithm}");
        }
    }

    #[test]
    fn an_algorithm_that_is_asked_for_must_fit() {
        let rsa = rsa(256);
        assert!(VerificationKey::for_algorithm(&rsa, SigningAlgorithm::Ps256).is_some());
        assert!(VerificationKey::for_algorithm(&rsa, SigningAlgorithm::Es256).is_none());
        let pinned = rsa.for_signing(SigningAlgorithm::Rs256, "1");
        assert!(VerificationKey::for_algorithm(&pinned, SigningAlgorithm::Ps256).is_none());
    }
}
