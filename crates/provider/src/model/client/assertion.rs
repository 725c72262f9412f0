//! Client authentication by an assertion that the client signed, `private_key_jwt` (OIDC Core
//! section 9, RFC 7523 section 3).

use doorward_protocol::{claims::Audience, ids::ClientId, json, jws::UnverifiedJws};
use serde_json::{Map, Value};

use super::keys::{MessageClaims, SignatureError};
use crate::model::{message_identity::MessageIdentity, time::Timestamp};

/// `client_assertion_type` of a JWT (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What `typ` an assertion may have, if it has one. A token that the client signed for something
/// else, a DPoP proof for example, is not an assertion (RFC 8725 section 3.11).
pub(crate) const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

/// How far away the end of an assertion may be, in seconds: as long its `jti` must be remembered.
/// Some libraries, such as Authlib, make assertions for an hour. That is for clients that an
/// operator has registered.
pub(crate) const LONGEST_LIFE: i64 = 3600;
/// The same for a client that nobody here has registered by hand: whoever makes up clients must not
/// make the store remember much for long.
pub(crate) const LONGEST_LIFE_OF_STRANGER: i64 = 600;
/// How far the client's clock may be off, in seconds.
const CLOCK_TOLERANCE: i64 = 60;

/// Why an assertion does not authenticate its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// One parameter without the other, or another kind of assertion.
    #[error("send client_assertion with client_assertion_type {ASSERTION_TYPE}")]
    WrongKind,
    /// Not a compact JWS with claims.
    #[error(
        "client_assertion is not a signed JSON Web Token with the claims of RFC 7523 section 3"
    )]
    Malformed,
    /// Another kind of token, that the client signed for something else.
    #[error("client_assertion is a token of another type")]
    WrongType,
    /// `iss`, `sub` and `client_id` are not one.
    #[error("iss and sub of client_assertion must both be the client_id")]
    WrongClient,
    /// `alg` is `none`, symmetric, or not in [`super::keys::ALGORITHMS`].
    #[error(
        "client_assertion is not signed by one of token_endpoint_auth_signing_alg_values_supported"
    )]
    UnsupportedAlgorithm,
    /// No key of the client made the signature.
    #[error("the signature of client_assertion was made by no key of the client")]
    BadSignature,
    /// `aud` names another server, alone or beside this one.
    #[error(
        "aud of client_assertion must be this provider's issuer identifier, its token endpoint, \
         that for pushed requests or the endpoint that is asked, and nothing else"
    )]
    WrongAudience,
    /// `exp` has come.
    #[error("client_assertion has expired")]
    Expired,
    /// `exp` is far away.
    #[error("exp of client_assertion must be at most {0} seconds away")]
    TooLong(i64),
    /// `nbf` or `iat` lies in the future.
    #[error("client_assertion is not valid yet")]
    NotYetValid,
    /// The client publishes its keys, and they can't be fetched.
    #[error("the keys of the client can't be fetched from its jwks_uri")]
    KeysUnavailable,
    /// It was presented before.
    #[error("client_assertion was used before; make one for each request")]
    Replayed,
}

impl From<SignatureError> for AssertionError {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Malformed => Self::Malformed,
            SignatureError::WrongType => Self::WrongType,
            SignatureError::UnsupportedAlgorithm => Self::UnsupportedAlgorithm,
            SignatureError::BadSignature => Self::BadSignature,
            SignatureError::KeysUnavailable => Self::KeysUnavailable,
        }
    }
}

/// An assertion that one of the client's keys signed for this provider. It counts once.
#[derive(Debug)]
pub(crate) struct VerifiedAssertion {
    pub(crate) identity: MessageIdentity,
    /// When it has expired for good: seconds since 1970 (UTC).
    pub(crate) too_old_at: i64,
}

/// What an assertion must say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// Who made it.
    pub(crate) client_id: &'a ClientId,
    /// Whom it may be for.
    pub(crate) audiences: &'a [&'a str],
    /// Whether FAPI 2.0 holds: it names one audience as a string (section 5.3.2.1), and is signed
    /// as the profile wants it.
    pub(crate) fapi2: bool,
    /// How far away its end may be, in seconds.
    pub(crate) longest_life: i64,
}

/// The client that an assertion says it comes from. Nothing is verified.
pub(crate) fn unverified_issuer(assertion: &str) -> Result<String, AssertionError> {
    let jws = UnverifiedJws::parse(assertion).map_err(|_| AssertionError::Malformed)?;
    let claims =
        json::unambiguous_object(jws.unverified_payload()).ok_or(AssertionError::Malformed)?;
    claims.get("iss").and_then(Value::as_str).map(str::to_owned).ok_or(AssertionError::Malformed)
}

/// Checks the claims of a message that one of the client's keys signed (RFC 7523 section 3).
pub(crate) fn check(
    members: &Map<String, Value>,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<VerifiedAssertion, AssertionError> {
    let Expected { client_id, audiences, fapi2, longest_life } = *expected;
    let claims = MessageClaims::read(members).ok_or(AssertionError::Malformed)?;
    let (Some(iss), Some(sub), Some(jti), Some(aud), Some(exp)) =
        (&claims.iss, &claims.sub, &claims.jti, &claims.aud, claims.exp)
    else {
        return Err(AssertionError::Malformed);
    };
    if iss != client_id.as_str() || sub != client_id.as_str() {
        return Err(AssertionError::WrongClient);
    }
    if fapi2 && !matches!(aud, Audience::One(_)) {
        return Err(AssertionError::WrongAudience);
    }
    // One that is for other servers, too, could have been passed on by one of them.
    if aud.iter().next().is_none() || !aud.iter().all(|own| audiences.contains(&own)) {
        return Err(AssertionError::WrongAudience);
    }
    let now = now.seconds();
    if now >= exp.saturating_add(CLOCK_TOLERANCE) {
        return Err(AssertionError::Expired);
    }
    if exp > now.saturating_add(longest_life.saturating_add(CLOCK_TOLERANCE)) {
        return Err(AssertionError::TooLong(longest_life));
    }
    if !claims.has_begun(now, CLOCK_TOLERANCE) {
        return Err(AssertionError::NotYetValid);
    }
    Ok(VerifiedAssertion {
        identity: MessageIdentity::of("assertion ", client_id, jti),
        too_old_at: exp.saturating_add(CLOCK_TOLERANCE),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn claims(changes: Value) -> Map<String, Value> {
        let own = json!({
            "iss": "app", "sub": "app", "aud": "https://op.example", "exp": 1060, "jti": "1",
            "iat": 1000,
        });
        let Value::Object(mut members) = own else { unreachable!() };
        let Value::Object(changes) = changes else { unreachable!() };
        members.extend(changes);
        members.retain(|_, value| !value.is_null());
        members
    }

    fn check(changes: Value) -> Result<(), AssertionError> {
        check_for(LONGEST_LIFE, changes)
    }

    fn check_for(longest_life: i64, changes: Value) -> Result<(), AssertionError> {
        let audiences = ["https://op.example", "https://op.example/connect/token"];
        let client_id = &ClientId::parse("app").unwrap();
        let expected = Expected { client_id, audiences: &audiences, fapi2: false, longest_life };
        super::check(&claims(changes), &expected, Timestamp::from_seconds(1000)).map(|_| ())
    }

    #[test]
    fn what_is_required_must_be_there() {
        for name in ["iss", "sub", "aud", "exp", "jti"] {
            for value in [json!(null), json!({}), json!("")] {
                let refused = check(json!({name: value})).unwrap_err();
                let expected = if name == "aud" && value == "" {
                    AssertionError::WrongAudience
                } else {
                    AssertionError::Malformed
                };
                assert_eq!(refused, expected, "{name}");
            }
        }
        assert_eq!(check(json!({"nbf": "soon"})), Err(AssertionError::Malformed));
        assert!(check(json!({"iat": null})).is_ok());
    }

    #[test]
    fn the_audience_is_this_provider_and_nobody_else() {
        for aud in [
            json!("https://op.example/connect/token"),
            json!(["https://op.example"]),
            json!(["https://op.example", "https://op.example/connect/token"]),
        ] {
            assert_eq!(check(json!({"aud": aud})), Ok(()));
        }
        for aud in [
            json!("https://other.example"),
            json!("https://op.example/"),
            json!([]),
            json!(["https://op.example", "https://other.example"]),
        ] {
            assert_eq!(check(json!({"aud": aud})), Err(AssertionError::WrongAudience));
        }
    }

    #[test]
    fn times_hold_up_to_a_minute_of_difference() {
        for (changes, expected) in [
            (json!({"exp": 941}), Ok(())),
            (json!({"exp": 940}), Err(AssertionError::Expired)),
            (json!({"exp": 4660}), Ok(())),
            (json!({"exp": 4661}), Err(AssertionError::TooLong(3600))),
            (json!({"exp": i64::MAX}), Err(AssertionError::TooLong(3600))),
            (json!({"nbf": 1060}), Ok(())),
            (json!({"nbf": 1061}), Err(AssertionError::NotYetValid)),
            (json!({"iat": 1061}), Err(AssertionError::NotYetValid)),
            (json!({"iss": "other"}), Err(AssertionError::WrongClient)),
            (json!({"sub": "other"}), Err(AssertionError::WrongClient)),
        ] {
            assert_eq!(check(changes.clone()), expected, "{changes}");
        }
    }
    #[test]
    fn that_of_a_stranger_lives_ten_minutes() {
        let check = |exp: i64| check_for(LONGEST_LIFE_OF_STRANGER, json!({"exp": exp}));
        assert_eq!(check(1660), Ok(()));
        assert_eq!(check(1661), Err(AssertionError::TooLong(600)));
    }
}
