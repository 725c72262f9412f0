//! DPoP proofs: their shape and the rules that need no signature (RFC 9449 section 4).
//!
//! The client writes [`ProofClaims`] under a header of `typ` [`PROOF_TYPE`] with its public key as
//! `jwk`. A server reads them with [`UnverifiedProof::parse`], and has a [`Proof`] once
//! [`UnverifiedProof::verify`] found them valid for its request. The remaining rules need a memory:
//! that the proof is used for the first time, and that its nonce is the server's.

#[cfg(feature = "verify")]
mod nonce;
mod target_uri;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

#[cfg(feature = "verify")]
pub use self::nonce::Nonces;
pub use self::target_uri::{NotATargetUri, TargetUri};
use crate::{
    base64url,
    claims::numeric_date,
    jose::{ED25519, SigningAlgorithm},
    json,
    jwk::{self, Jwk},
    jws::{JwsError, UnverifiedJws},
    thumbprint::Thumbprint,
};

/// Name of the header that carries a proof (section 4.1). In lower case, as HTTP libraries want it.
pub const HEADER: &str = "dpop";
/// Name of the header that carries a server's nonce (section 8.1), in lower case.
pub const NONCE_HEADER: &str = "dpop-nonce";
/// `typ` of proofs (section 4.2).
pub const PROOF_TYPE: &str = "dpop+jwt";

/// The algorithms that proofs may be signed by, under each of their names: what servers check and
/// say they do.
pub const ALGORITHMS: [&str; 6] = ["ES256", "EdDSA", ED25519, "PS256", "RS256", "ES384"];

/// How old a proof may be, in seconds. With [`MAX_AHEAD`] it bounds how long a server must remember
/// a proof.
pub const MAX_AGE: i64 = 120;
/// How far in the future a proof may have been made by the client's clock, in seconds.
pub const MAX_AHEAD: i64 = 60;
/// The longest proof that is read, in bytes: enough for an RSA key of 8192 bits.
pub const MAX_PROOF_LENGTH: usize = 8 * 1024;

/// The claims of a proof (section 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a signer decides about each claim")]
pub struct ProofClaims {
    /// Unique to the proof.
    pub jti: String,
    /// The request's method.
    pub htm: String,
    /// The request's URI without query and fragment.
    pub htu: String,
    /// When the proof was made: seconds since 1970 (UTC).
    pub iat: i64,
    /// [`access_token_hash`] of the access token that goes with the proof.
    pub ath: Option<String>,
    /// The nonce that the server asked for.
    pub nonce: Option<String>,
}

/// The hash of an access token as a proof names it, `ath` (section 4.2).
pub fn access_token_hash(access_token: &str) -> String {
    base64url::encode(Sha256::digest(access_token))
}

/// The header of every proof by a key that signs by ES256, base64url-encoded (section 4.2).
pub fn es256_header(public: &Jwk) -> String {
    let public = json!({ "kty": public.kty, "crv": public.crv, "x": public.x, "y": public.y });
    let algorithm = SigningAlgorithm::Es256.as_str();
    let header = json!({ "typ": PROOF_TYPE, "alg": algorithm, "jwk": public });
    base64url::encode(json::text(&header))
}

/// Why a proof does not hold (section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// More than one `DPoP` header, or one that is not text.
    #[error("send one DPoP header with one proof")]
    NotOneHeader,
    /// Over [`MAX_PROOF_LENGTH`], or no compact JWS with a JSON header.
    #[error("the proof is not a signed JSON Web Token")]
    Malformed,
    /// `typ` is not `dpop+jwt`.
    #[error("the proof's typ is not dpop+jwt")]
    WrongType,
    /// `alg` is `none`, symmetric, or not in [`ALGORITHMS`].
    #[error("the proof's alg is not among dpop_signing_alg_values_supported")]
    UnsupportedAlgorithm,
    /// `jwk` is missing, malformed, or not for `alg`.
    #[error("the proof's jwk is missing, malformed, or not for its alg")]
    InvalidKey,
    /// `jwk` has private or symmetric members, so the key is compromised.
    #[error("the proof's jwk holds a private key; make a new key, for this one is known now")]
    PrivateKey,
    /// A claim is missing or of the wrong type.
    #[error("the proof lacks jti, htm, htu or iat, or one of its claims has the wrong type")]
    InvalidClaims,
    /// The signature does not fit `jwk`.
    #[error("the proof's signature was not made by the key in its jwk")]
    BadSignature,
    /// `htm` is another method.
    #[error("the proof's htm is not the method of the request")]
    WrongMethod,
    /// `htu` is another address.
    #[error("the proof's htu is not the address of the request")]
    WrongUri,
    /// `iat` is too long ago.
    #[error("the proof's iat is too long ago")]
    TooOld,
    /// `iat` lies in the future.
    #[error("the proof's iat lies in the future")]
    FromTheFuture,
    /// `ath` is missing or that of another token.
    #[error("the proof's ath is not the hash of the access token")]
    WrongAccessToken,
    /// It was presented before.
    #[error("the proof was used before; make one for each request")]
    Replayed,
}

/// A proof whose shape is right: type, algorithm, a public key for it, and claims. Nothing in it is
/// verified.
///
/// ```
/// use doorward_protocol::dpop::{ProofError, ProvenRequest, TargetUri, UnverifiedProof};
///
/// // RFC 9449 section 4.1, the example.
/// let proof = concat!(
///     "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0",
///     "VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10",
///     "NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjo",
///     "iUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.",
///     "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
/// );
/// let uri = TargetUri::parse("https://server.example.com/token").unwrap();
/// let request = ProvenRequest { method: "POST", uri: &uri, access_token: None, now: 1562262620 };
/// // With the feature `verify`, the function `verify` checks the signature as well.
/// let verified = UnverifiedProof::parse(proof)?.verify(&request, |_key, _algorithm, _jws| true)?;
/// assert_eq!(
///     verified.thumbprint().as_str(),
///     "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
/// );
///
/// let late = ProvenRequest { now: 1562263000, ..request };
/// let refused = UnverifiedProof::parse(proof)?.verify(&late, |_, _, _| true);
/// assert_eq!(refused.unwrap_err(), ProofError::TooOld);
/// # Ok::<(), ProofError>(())
/// ```
#[derive(Debug)]
pub struct UnverifiedProof<'a> {
    compact: &'a str,
    algorithm: SigningAlgorithm,
    jwk: Jwk,
    thumbprint: Thumbprint,
    claims: ProofClaims,
}

/// The request that a proof came with.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a server must compare all of it")]
pub struct ProvenRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The address as clients know it, which behind a proxy is not the one that arrives.
    pub uri: &'a TargetUri,
    /// The access token, where one was presented with the proof (section 7.1).
    pub access_token: Option<&'a str>,
    /// The current time: seconds since 1970 (UTC).
    pub now: i64,
}

/// A proof that is signed by its key and valid for a request. The caller must check that it is
/// used for the first time.
#[derive(Debug)]
pub struct Proof {
    thumbprint: Thumbprint,
    algorithm: SigningAlgorithm,
    jti: String,
    nonce: Option<String>,
    iat: i64,
}

impl<'a> UnverifiedProof<'a> {
    /// Reads a proof (section 4.3, steps 2 to 6 and 8).
    ///
    /// # Errors
    /// [`ProofError`] says which of these steps failed.
    pub fn parse(compact: &'a str) -> Result<Self, ProofError> {
        if compact.len() > MAX_PROOF_LENGTH {
            return Err(ProofError::Malformed);
        }
        let jws = UnverifiedJws::parse(compact).map_err(from_jws_error)?;
        if jws.header().typ.as_deref() != Some(PROOF_TYPE) {
            return Err(ProofError::WrongType);
        }
        let listed = ALGORITHMS.contains(&jws.header().alg.as_str());
        let algorithm =
            jws.header().algorithm().filter(|_| listed).ok_or(ProofError::UnsupportedAlgorithm)?;
        let jwk = embedded_key(&jws)?;
        let thumbprint =
            jwk.thumbprint().filter(|_| jwk.can_verify(algorithm)).ok_or(ProofError::InvalidKey)?;
        let claims = jws.unverified_claims().map_err(from_jws_error)?;
        let claims = ProofClaims::from_members(claims).ok_or(ProofError::InvalidClaims)?;
        Ok(Self { compact, algorithm, jwk, thumbprint, claims })
    }

    /// Checks the claims against the request, and with `verifies` the signature (section 4.3, steps
    /// 7 to 9, 11 and 12a). `verifies` says whether the key, by that algorithm, made the signature
    /// of the compact JWS.
    ///
    /// # Errors
    /// [`ProofError`] says which of these steps failed.
    pub fn verify(
        self,
        request: &ProvenRequest<'_>,
        verifies: impl FnOnce(&Jwk, SigningAlgorithm, &str) -> bool,
    ) -> Result<Proof, ProofError> {
        self.claims.hold_for(request)?;
        if !verifies(&self.jwk, self.algorithm, self.compact) {
            return Err(ProofError::BadSignature);
        }
        let ProofClaims { jti, nonce, iat, .. } = self.claims;
        Ok(Proof { thumbprint: self.thumbprint, algorithm: self.algorithm, jti, nonce, iat })
    }
}

/// Checks a proof as a whole, signature included.
///
/// # Errors
/// [`ProofError`] says why it does not hold.
#[cfg(feature = "verify")]
pub fn verify(compact: &str, request: &ProvenRequest<'_>) -> Result<Proof, ProofError> {
    use crate::verification::VerificationKey;
    UnverifiedProof::parse(compact)?.verify(request, |jwk, algorithm, compact| {
        VerificationKey::for_algorithm(jwk, algorithm).is_some_and(|key| key.verifies(compact))
    })
}

/// `jwk` of the header, which must be a public key.
fn embedded_key(jws: &UnverifiedJws<'_>) -> Result<Jwk, ProofError> {
    let mut header = jws.unverified_header_members().map_err(from_jws_error)?;
    match header.remove("jwk") {
        Some(Value::Object(members)) if jwk::has_private_members(&members) => {
            Err(ProofError::PrivateKey)
        }
        Some(Value::Object(members)) => Jwk::from_members(members).ok_or(ProofError::InvalidKey),
        _ => Err(ProofError::InvalidKey),
    }
}

impl ProofClaims {
    /// Reads the claims; `None` if one is missing, empty or of another type.
    fn from_members(mut members: Map<String, Value>) -> Option<Self> {
        let mut text = |name: &str| match members.remove(name) {
            None => Some(None),
            Some(Value::String(text)) if !text.is_empty() => Some(Some(text)),
            Some(_) => None,
        };
        let (jti, htm, htu) = (text("jti")??, text("htm")??, text("htu")??);
        let (ath, nonce) = (text("ath")?, text("nonce")?);
        let iat = numeric_date(members.get("iat")?)?;
        Some(Self { jti, htm, htu, iat, ath, nonce })
    }

    /// The claims as they are written.
    pub fn into_members(self) -> Map<String, Value> {
        let mut members = Map::new();
        for (name, value) in [("jti", self.jti), ("htm", self.htm), ("htu", self.htu)] {
            members.insert(name.to_owned(), value.into());
        }
        members.insert("iat".to_owned(), self.iat.into());
        for (name, value) in [("ath", self.ath), ("nonce", self.nonce)] {
            if let Some(value) = value {
                members.insert(name.to_owned(), value.into());
            }
        }
        members
    }

    fn hold_for(&self, request: &ProvenRequest<'_>) -> Result<(), ProofError> {
        if self.htm != request.method {
            return Err(ProofError::WrongMethod);
        }
        if !TargetUri::parse(&self.htu).is_ok_and(|uri| uri == *request.uri) {
            return Err(ProofError::WrongUri);
        }
        let age = request.now.saturating_sub(self.iat);
        if age > MAX_AGE {
            return Err(ProofError::TooOld);
        }
        if age < -MAX_AHEAD {
            return Err(ProofError::FromTheFuture);
        }
        match request.access_token {
            Some(token) if self.ath.as_deref() != Some(&*access_token_hash(token)) => {
                Err(ProofError::WrongAccessToken)
            }
            _ => Ok(()),
        }
    }
}

impl Proof {
    /// The key that the proof shows possession of.
    pub fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// What it is signed by.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The server's nonce, if the proof has one.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// Identifies the proof: SHA-256 over its key and its `jti`.
    pub fn identity(&self) -> [u8; 32] {
        // All thumbprints have the same length, so two different pairs can't give the same bytes.
        Sha256::new()
            .chain_update("dpop ")
            .chain_update(self.thumbprint.as_str())
            .chain_update(&self.jti)
            .finalize()
            .into()
    }

    /// When the proof becomes too old: seconds since 1970 (UTC).
    pub fn too_old_at(&self) -> i64 {
        self.iat.saturating_add(MAX_AGE + 1)
    }
}

fn from_jws_error(error: JwsError) -> ProofError {
    match error {
        JwsError::InvalidPayload => ProofError::InvalidClaims,
        JwsError::TooLong
        | JwsError::NotCompact
        | JwsError::InvalidHeader
        | JwsError::CriticalExtension => ProofError::Malformed,
    }
}
