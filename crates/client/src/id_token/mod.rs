//! Validation of ID tokens (OIDC Core section 3.1.3.7, and section 12.2 on renewal). The comments
//! quote the steps of section 3.1.3.7.

mod claims;
mod error;
pub(crate) mod logout_token;

use std::fmt::{self, Display};

use doorward_protocol::{
    jose::SigningAlgorithm,
    json,
    jws::{JwsError, UnverifiedJws},
};
use serde_json::{Map, Value};

pub(crate) use self::claims::{TENANT, is_issuer};
use self::claims::{
    check_audience, check_claims, check_issuer, check_times, optional_text, required_time,
};
pub use self::error::IdTokenError;
use crate::{
    Error, Fault,
    metadata::{Endpoint, Metadata, MetadataService},
    ports::{SignatureError, SignatureVerifier},
};

/// What an ID token is checked against.
#[derive(Debug, Clone)]
pub(crate) struct ExpectedIdToken<'a> {
    /// The issuer in the metadata.
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// The algorithm that the client registered; `None`: any that the provider offers.
    pub algorithm: Option<SigningAlgorithm>,
    /// The audiences beside the client that it may have; `None`: any.
    pub trusted_audiences: Option<&'a [String]>,
    /// The nonce of the request.
    pub nonce: Nonce<'a>,
    /// What was asked for of the sign-in.
    pub asked: RequiredSignIn<'a>,
    /// The access token that came with the ID token, for `at_hash`.
    pub access_token: &'a str,
    /// The current time: the provider's, if its response contains it, otherwise this device's.
    pub now: u64,
    /// The tolerance for each time, in seconds.
    pub clock_skew: u64,
}

/// What was asked for of the sign-in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RequiredSignIn<'a> {
    /// The requested `max_age`, in seconds.
    pub max_age: Option<u64>,
    /// The values of `acr`, space-separated, one of which is needed.
    pub acr: Option<&'a str>,
}

/// The required `nonce`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Nonce<'a> {
    /// This value, because the request had it (step 11).
    Exactly(&'a str),
    /// Absent, empty, or that of the sign-in (section 12.2).
    AbsentOr(Option<&'a str>),
}

/// The claims of a valid ID token. Only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VerifiedIdToken {
    pub claims: Map<String, Value>,
}

impl VerifiedIdToken {
    pub(crate) fn sub(&self) -> &str {
        self.claims.get("sub").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Checks the signature and claims of an ID token that the token endpoint sent.
///
/// Without Web Cryptography (the page is not a secure context) the signature is not checked if the
/// token came over TLS or from this device: step 6 allows "the TLS server validation […] in place
/// of checking the token signature" for tokens from the token endpoint. Otherwise the token is
/// refused.
pub(crate) async fn verify(
    id_token: &str,
    expected: &ExpectedIdToken<'_>,
    metadata: &Metadata,
    keys: &MetadataService,
    verifier: &dyn SignatureVerifier,
) -> Result<VerifiedIdToken, Fault> {
    let jws = UnverifiedJws::parse(id_token).map_err(IdTokenError::from)?;
    let registered = expected.algorithm;
    let (claims, algorithm) =
        signed_claims(&jws, true, registered, metadata, keys, verifier).await?;
    check_claims(&claims, algorithm, expected, keys.trace())?;
    Ok(VerifiedIdToken { claims })
}

/// Checks algorithm and signature, and returns the claims. `came_from_endpoint`: the token endpoint
/// sent the token itself. `registered`: the one algorithm that the client registered.
async fn signed_claims(
    jws: &UnverifiedJws<'_>,
    came_from_endpoint: bool,
    registered: Option<SigningAlgorithm>,
    metadata: &Metadata,
    keys: &MetadataService,
    verifier: &dyn SignatureVerifier,
) -> Result<(Map<String, Value>, SigningAlgorithm), Fault> {
    let trace = keys.trace();
    let offered = &metadata.id_token_signing_alg_values_supported;
    let alg = &jws.header().alg;
    // Step 7: the alg value should be the default of RS256 or the algorithm sent by the Client in
    // `id_token_signed_response_alg`.
    let algorithm = jws.header().algorithm().filter(|algorithm| match registered {
        Some(registered) => *algorithm == registered,
        None => offered.is_empty() || offered.contains(alg),
    });
    let (offered, registered) = (List(offered), registered.map(SigningAlgorithm::as_str));
    let wanted: &dyn Display = match &registered {
        Some(registered) => registered,
        None => &offered,
    };
    trace.check("alg", wanted, alg, algorithm.is_some());
    let algorithm =
        algorithm.ok_or_else(|| IdTokenError::Algorithm(alg.chars().take(20).collect()))?;
    let token_endpoint_is_protected = came_from_endpoint
        && metadata.address(Endpoint::Token).is_some_and(crate::lean::url::is_protected);
    // Step 6: the Client must validate the signature according to JWS, with the algorithm in the
    // header and the keys provided by the Issuer.
    let signed = check_signature(jws, algorithm, keys, verifier).await;
    let tls_vouches = token_endpoint_is_protected
        && matches!(
            signed.as_ref().map_err(|error| &**error),
            Err(Error::IdToken(IdTokenError::Signature(SignatureError::Unavailable)))
        );
    let found: &dyn Display = signed.as_ref().err().map_or(alg, |error| error);
    let kid = jws.header().kid.as_deref().unwrap_or_default();
    if !trace.check("signature", &kid, found, signed.is_ok() || tls_vouches) {
        signed?;
    }
    let claims = json::object(jws.unverified_payload())
        .ok_or(IdTokenError::Malformed(JwsError::InvalidPayload))?;
    Ok((claims, algorithm))
}

/// What another answer of the provider, in a token, is checked against.
#[cfg(any(feature = "jarm", feature = "signed-userinfo"))]
pub(crate) struct ExpectedAnswer<'a> {
    pub client_id: &'a str,
    /// The one algorithm that the client registered for such answers, if it did.
    pub algorithm: Option<SigningAlgorithm>,
    /// The current time, for an answer that must end; `None` for one that need not.
    pub lives_at: Option<u64>,
    /// The tolerance for each time, in seconds.
    pub clock_skew: u64,
}

/// Checks the signature of another answer of the provider, in a token, and then whom it comes from,
/// whom it is for, and its end. Nothing stands in for the signature.
#[cfg(any(feature = "jarm", feature = "signed-userinfo"))]
pub(crate) async fn verify_answer(
    token: &str,
    expected: &ExpectedAnswer<'_>,
    metadata: &Metadata,
    keys: &MetadataService,
    verifier: &dyn SignatureVerifier,
) -> Result<Map<String, Value>, Fault> {
    let jws = UnverifiedJws::parse(token).map_err(IdTokenError::from)?;
    let (claims, _) =
        signed_claims(&jws, false, expected.algorithm, metadata, keys, verifier).await?;
    check_issuer(&claims, &metadata.issuer, keys.trace())?;
    check_audience(&claims, expected.client_id, keys.trace())?;
    if let Some(now) = expected.lives_at {
        let expires = required_time(&claims, "exp")?;
        if now >= expires.saturating_add(expected.clock_skew) {
            return Err(IdTokenError::Expired(now - expires).into());
        }
    }
    Ok(claims)
}

/// Strings, separated by spaces.
struct List<'a>(&'a [String]);

impl Display for List<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, text)| {
            formatter.write_str(if index == 0 { "" } else { " " })?;
            formatter.write_str(text)
        })
    }
}

async fn check_signature(
    jws: &UnverifiedJws<'_>,
    algorithm: SigningAlgorithm,
    keys: &MetadataService,
    verifier: &dyn SignatureVerifier,
) -> Result<(), Fault> {
    let kid = jws.header().kid.as_deref();
    let mut known = keys.keys().await?;
    // The missing key may have been published since the keys were fetched.
    if known.select(kid, algorithm).is_err()
        && let Some(anew) = keys.keys_anew().await?
    {
        known = anew;
    }
    loop {
        let key = known.select(kid, algorithm).map_err(IdTokenError::from)?;
        let outcome = verifier.verify(key, algorithm, jws.signing_input(), jws.signature()).await;
        // The keys of an earlier page may have been replaced since.
        if matches!(outcome, Err(SignatureError::Mismatch | SignatureError::InvalidKey))
            && keys.keys_are_kept()
            && let Some(anew) = keys.keys_anew().await?
        {
            known = anew;
            continue;
        }
        return outcome.map_err(|error| IdTokenError::Signature(error).into());
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
