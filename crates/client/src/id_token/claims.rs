//! The rules for the claims of ID tokens (OIDC Core section 3.1.3.7), each with its step.

use std::fmt::{self, Display};

use doorward_protocol::{jose::SigningAlgorithm, json};
use serde_json::{Map, Value};

use super::{ExpectedIdToken, IdTokenError, Nonce};
use crate::trace::Tracer;

pub(super) fn check_claims(
    claims: &Map<String, Value>,
    algorithm: SigningAlgorithm,
    expected: &ExpectedIdToken<'_>,
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
pub(super) fn check_issuer(
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
    expected: &ExpectedIdToken<'_>,
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

pub(super) fn check_audience(
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
pub(super) fn check_times(
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
    expected: &ExpectedIdToken<'_>,
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

pub(super) fn optional_text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, IdTokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(IdTokenError::Claim(name)),
    }
}

pub(super) fn required_time(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<u64, IdTokenError> {
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
