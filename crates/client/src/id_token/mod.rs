//! Validation of ID tokens (OIDC Core section 3.1.3.7, and section 12.2 on renewal). The comments
//! quote the steps of section 3.1.3.7.

pub(crate) mod logout_token;

use std::fmt::{self, Display};

use doorward_protocol::{
    jose::SigningAlgorithm,
    json,
    jwk::KeySelectionError,
    jws::{JwsError, UnverifiedJws},
};
use serde_json::{Map, Value};

use crate::{
    Error, ErrorKind, Fault,
    metadata::{Endpoint, Metadata, MetadataService},
    ports::{SignatureError, SignatureVerifier},
    trace::Tracer,
};

/// What an ID token is checked against.
#[derive(Debug, Clone)]
pub(crate) struct Expected<'a> {
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
    pub asked: Asked<'a>,
    /// The access token that came with the ID token, for `at_hash`.
    pub access_token: &'a str,
    /// The current time: the provider's, if its response contains it, otherwise this device's.
    pub now: u64,
    /// The tolerance for each time, in seconds.
    pub clock_skew: u64,
}

/// What was asked for of the sign-in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
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

/// Why an ID token was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenError {
    /// The response has no ID token, although the scope has `openid`, or a level or an age of the
    /// sign-in was asked for, which only an ID token proves.
    #[error("the token endpoint sent none")]
    Missing,
    /// The token is not a JWS.
    #[error(transparent)]
    Malformed(#[from] JwsError),
    /// `alg` is `none`, symmetric, unknown, not among those that the provider announces, or another
    /// than the client registered.
    #[error("it is signed with the algorithm {0:?}, which is not accepted")]
    Algorithm(String),
    /// The provider's keys do not contain the key that signed the token.
    #[error(transparent)]
    Key(#[from] KeySelectionError),
    /// The signature is wrong or cannot be checked.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A claim is missing or of the wrong type.
    #[error("the claim {0} is missing or malformed")]
    Claim(&'static str),
    /// `iss` is another issuer.
    #[error("it comes from the issuer {0:?}")]
    Issuer(String),
    /// `aud` does not contain this client.
    #[error("it is meant for another client")]
    Audience,
    /// `aud` also has this audience, which is none of those that the client trusts.
    #[error("it is meant for {0:?}, too, which is not trusted")]
    UntrustedAudience(String),
    /// `azp` is another client.
    #[error("it was issued to another client")]
    AuthorizedParty,
    /// `exp` has passed.
    #[error("it expired {0} seconds ago")]
    Expired(u64),
    /// `iat` or `nbf` is in the future.
    #[error("it is valid only in {0} seconds")]
    NotYetValid(u64),
    /// `nonce` is not that of the request.
    #[error("it answers another request (nonce)")]
    Nonce,
    /// `at_hash` is not that of the access token.
    #[error("it belongs to another access token (at_hash)")]
    AccessTokenHash,
    /// `acr` is none of those that are needed.
    #[error("the user did not sign in as strongly as was asked for (acr)")]
    Acr,
    /// The user authenticated longer ago than `max_age` allows.
    #[error("the user signed in to the provider {0} seconds ago, which is too long")]
    TooOld(u64),
    /// It was to be a logout token, and is none.
    #[error("it is not a logout token: {0}")]
    NoLogoutToken(&'static str),
}

impl IdTokenError {
    pub(crate) fn kind(&self) -> ErrorKind {
        use SignatureError::{Unavailable, UnsupportedAlgorithm};
        match self {
            Self::Expired(_)
            | Self::NotYetValid(_)
            | Self::Signature(Unavailable | UnsupportedAlgorithm) => ErrorKind::Device,
            Self::Nonce | Self::AccessTokenHash | Self::TooOld(_) | Self::Acr => ErrorKind::Restart,
            _ => ErrorKind::Configuration,
        }
    }

    pub(crate) fn user_message(&self) -> String {
        match self {
            Self::Expired(seconds) | Self::NotYetValid(seconds) => format!(
                "This device's clock differs from the sign-in service's by {} minutes or more. Set \
                    the clock, then sign in again.",
                (seconds / 60).max(1)
            ),
            Self::Signature(SignatureError::Unavailable) => {
                "This page is not served by https, so the browser cannot check who signed you in. \
                    Open the page by https."
                    .to_owned()
            }
            Self::Signature(SignatureError::UnsupportedAlgorithm) => {
                "This browser cannot check the sign-in service's signature. Update it, or try \
                    another browser."
                    .to_owned()
            }
            Self::Nonce | Self::AccessTokenHash | Self::TooOld(_) => {
                "The sign-in cannot be used. Please sign in again.".to_owned()
            }
            _ => format!(
                "The sign-in service sent proof that was not accepted: {self}. Please tell whoever \
                    runs this application."
            ),
        }
    }
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
    expected: &Expected<'_>,
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

/// What stands for the tenant in the issuer of Entra ID's metadata for all tenants
/// (`https://login.microsoftonline.com/{tenantid}/v2.0`).
pub(crate) const TENANT: &str = "{tenantid}";

/// Whether a token or a response comes from the issuer of the metadata. If that has [`TENANT`], the
/// tenant must be `tenant`, the claim `tid`. A response has no such claim (`None`), and its code is
/// redeemed at the same provider anyway.
pub(crate) fn is_issuer(of_metadata: &str, issuer: &str, tenant: Option<&str>) -> bool {
    let Some((before, after)) = of_metadata.split_once(TENANT) else {
        return of_metadata == issuer;
    };
    let found = issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let is_tenant = |found: &str| {
        found.len() == 36 && found.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    found.is_some_and(|found| is_tenant(found) && tenant.is_none_or(|tenant| tenant == found))
}

/// A value as JSON.
struct Json<'a>(&'a Value);

impl Display for Json<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&json::text(self.0))
    }
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

fn check_claims(
    claims: &Map<String, Value>,
    algorithm: SigningAlgorithm,
    expected: &Expected<'_>,
    trace: &Tracer,
) -> Result<(), IdTokenError> {
    let text = |name: &'static str| optional_text(claims, name);
    check_issuer(claims, expected.issuer, trace)?;
    check_audience(claims, expected.client_id, trace)?;
    check_other_audiences(claims, expected)?;
    // Section 2: `sub` has at most 255 characters.
    let sub = text("sub")?.ok_or(IdTokenError::Claim("sub"))?;
    if sub.is_empty() || sub.len() > 255 {
        return Err(IdTokenError::Claim("sub"));
    }
    check_times(claims, expected.now, expected.clock_skew, trace)?;
    if let Some(wanted) = expected.asked.acr {
        check_level(claims, wanted, trace)?;
    }
    if let Some(max_age) = expected.asked.max_age {
        check_age(claims, max_age, expected, trace)?;
    }
    // Step 11: the `nonce` claim must be the value that was sent in the request.
    let nonce = text("nonce")?;
    let (nonce_fits, wanted) = match expected.nonce {
        Nonce::Exactly(sent) => (nonce == Some(sent), sent),
        Nonce::AbsentOr(original) => {
            let is_absent = nonce.is_none_or(str::is_empty);
            (is_absent || nonce == original, original.unwrap_or_default())
        }
    };
    if !trace.check("nonce", &wanted, &nonce.unwrap_or_default(), nonce_fits) {
        return Err(IdTokenError::Nonce);
    }
    // Section 3.1.3.8: `at_hash` is the hash of the access token.
    let Some(hash) = text("at_hash")? else {
        return Ok(());
    };
    let wanted = algorithm.left_half_hash(expected.access_token);
    if trace.check("at_hash", &wanted, &hash, hash == wanted) {
        Ok(())
    } else {
        Err(IdTokenError::AccessTokenHash)
    }
}

/// Step 2: the Issuer Identifier must exactly match the value of the `iss` claim.
fn check_issuer(
    claims: &Map<String, Value>,
    expected: &str,
    trace: &Tracer,
) -> Result<(), IdTokenError> {
    let issuer = optional_text(claims, "iss")?.ok_or(IdTokenError::Claim("iss"))?;
    let tenant = optional_text(claims, "tid")?.unwrap_or_default();
    if trace.check("iss", &expected, &issuer, is_issuer(expected, issuer, Some(tenant))) {
        Ok(())
    } else {
        Err(IdTokenError::Issuer(issuer.chars().take(200).collect()))
    }
}

/// Refuses "additional audiences not trusted by the Client" (step 3), if the client says which ones
/// it trusts.
fn check_other_audiences(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<(), IdTokenError> {
    let (Some(trusted), Some(Value::Array(audiences))) =
        (expected.trusted_audiences, claims.get("aud"))
    else {
        return Ok(());
    };
    for audience in audiences {
        let is_fine = audience.as_str().is_some_and(|audience| {
            audience == expected.client_id || trusted.iter().any(|trusted| trusted == audience)
        });
        if !is_fine {
            let shown = json::text(audience).chars().take(100).collect();
            return Err(IdTokenError::UntrustedAudience(shown));
        }
    }
    Ok(())
}

fn check_audience(
    claims: &Map<String, Value>,
    client_id: &str,
    trace: &Tracer,
) -> Result<(), IdTokenError> {
    let is_client = |value: &Value| value.as_str() == Some(client_id);
    let audience = claims.get("aud").ok_or(IdTokenError::Claim("aud"))?;
    let is_named = match audience {
        Value::Array(many) => many.iter().any(is_client),
        Value::String(_) => is_client(audience),
        _ => return Err(IdTokenError::Claim("aud")),
    };
    if !trace.check("aud", &client_id, &Json(audience), is_named) {
        return Err(IdTokenError::Audience);
    }
    match optional_text(claims, "azp")? {
        // Several audiences without `azp` are valid since errata set 2 of the specification.
        None => Ok(()),
        party
            if trace.check(
                "azp",
                &client_id,
                &party.unwrap_or_default(),
                party == Some(client_id),
            ) =>
        {
            Ok(())
        }
        _ => Err(IdTokenError::AuthorizedParty),
    }
}

/// Step 12: `acr` is one of the wanted values, which have spaces between them.
fn check_level(
    claims: &Map<String, Value>,
    wanted: &str,
    trace: &Tracer,
) -> Result<(), IdTokenError> {
    let acr = optional_text(claims, "acr")?.unwrap_or_default();
    let is_one = wanted.split(' ').any(|value| value == acr);
    if trace.check("acr", &wanted, &acr, is_one) { Ok(()) } else { Err(IdTokenError::Acr) }
}

/// Numbers 9 and 10, and RFC 7519 section 4.1.5.
fn check_times(
    claims: &Map<String, Value>,
    now: u64,
    skew: u64,
    trace: &Tracer,
) -> Result<(), IdTokenError> {
    let expires = required_time(claims, "exp")?;
    let lives = now < expires.saturating_add(skew);
    if !trace.check("exp", &now.saturating_sub(skew), &expires, lives) {
        return Err(IdTokenError::Expired(now - expires));
    }
    let issued = required_time(claims, "iat")?;
    let valid_from = optional_time(claims, "nbf")?.unwrap_or(issued).max(issued);
    let latest = now.saturating_add(skew);
    if !trace.check("iat", &latest, &valid_from, valid_from <= latest) {
        return Err(IdTokenError::NotYetValid(valid_from - now));
    }
    Ok(())
}

/// Step 13: `auth_time` is not too long ago.
fn check_age(
    claims: &Map<String, Value>,
    max_age: u64,
    expected: &Expected<'_>,
    trace: &Tracer,
) -> Result<(), IdTokenError> {
    let authenticated = required_time(claims, "auth_time")?;
    let age = expected.now.saturating_sub(authenticated);
    let oldest = max_age.saturating_add(expected.clock_skew);
    let earliest = expected.now.saturating_sub(oldest);
    if trace.check("auth_time", &earliest, &authenticated, age <= oldest) {
        Ok(())
    } else {
        Err(IdTokenError::TooOld(age))
    }
}

fn optional_text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, IdTokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(IdTokenError::Claim(name)),
    }
}

fn required_time(claims: &Map<String, Value>, name: &'static str) -> Result<u64, IdTokenError> {
    optional_time(claims, name)?.ok_or(IdTokenError::Claim(name))
}

/// A `NumericDate` (RFC 7519 section 2), which may have a fraction.
fn optional_time(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<u64>, IdTokenError> {
    let Some(value) = claims.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = |seconds: f64| (0.0..1e15).contains(&seconds).then_some(seconds as u64);
    value
        .as_u64()
        .filter(|seconds| *seconds < 1_000_000_000_000_000)
        .or_else(|| value.as_f64().and_then(whole))
        .map(Some)
        .ok_or(IdTokenError::Claim(name))
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
