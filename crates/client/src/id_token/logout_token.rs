//! Validation of logout tokens (OIDC Back-Channel Logout section 2.6), by the checks of ID tokens.

use doorward_protocol::{jose::SigningAlgorithm, jws::UnverifiedJws};
use serde_json::{Map, Value};

use super::{
    IdTokenError, check_audience, check_issuer, check_times, optional_text, required_time,
    signed_claims,
};
use crate::{
    Fault,
    metadata::{Metadata, MetadataService},
    ports::SignatureVerifier,
};

/// The member of `events` that makes a token a logout token (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a verified logout token says: whose session at the provider ended.
///
/// ```no_run
/// use doorward_client::{Error, OidcClient};
///
/// async fn back_channel(client: &OidcClient, posted: &str) -> Result<(), Error> {
///     let token = client.verify_logout_token(posted).await?;
///     match (&token.sid, &token.sub) {
///         (Some(sid), _) => println!("The session {sid} ends."),
///         (None, sub) => println!("Every session of {sub:?} ends."),
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogoutToken {
    /// The issuer. Entra ID has one for each tenant.
    pub issuer: String,
    /// The user. `None` only if there is a session.
    pub sub: Option<String>,
    /// The session at the provider. `None`: all sessions of the user.
    pub sid: Option<String>,
    /// The token's identifier, by which it is recognized when it is sent again.
    pub jti: String,
    /// When the token expires: seconds since 1970 (UTC).
    pub expires_at: u64,
}

/// What a logout token is checked against.
pub(crate) struct ExpectedLogoutToken<'a> {
    /// The issuer in the metadata.
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// The algorithm that the client registered for ID tokens; `None`: any that the provider
    /// offers.
    pub algorithm: Option<SigningAlgorithm>,
    /// The current time by this device's clock.
    pub now: u64,
    /// The tolerance for each time, in seconds.
    pub clock_skew: u64,
}

/// Checks the signature and claims of a logout token. Anyone may have sent it, so nothing stands in
/// for the signature.
pub(crate) async fn verify(
    token: &str,
    expected: &ExpectedLogoutToken<'_>,
    metadata: &Metadata,
    keys: &MetadataService,
    verifier: &dyn SignatureVerifier,
) -> Result<LogoutToken, Fault> {
    let jws = UnverifiedJws::parse(token).map_err(IdTokenError::from)?;
    // Section 2.4: `logout+jwt` is recommended. Older providers write `JWT`, or nothing.
    let header = jws.header();
    if header.typ.is_some() && !header.is_type("logout+jwt") && !header.is_type("JWT") {
        return Err(IdTokenError::NoLogoutToken("its type is another").into());
    }
    let registered = expected.algorithm;
    let (claims, _) = signed_claims(&jws, false, registered, metadata, keys, verifier).await?;
    check_issuer(&claims, expected.issuer, keys.trace())?;
    check_audience(&claims, expected.client_id, keys.trace())?;
    check_times(&claims, expected.now, expected.clock_skew, keys.trace())?;
    Ok(read(&claims)?)
}

/// Numbers 5 to 7: what makes it a logout token.
fn read(claims: &Map<String, Value>) -> Result<LogoutToken, IdTokenError> {
    let is_event = claims.get("events").and_then(|events| events.get(EVENT));
    if !is_event.is_some_and(Value::is_object) {
        return Err(IdTokenError::NoLogoutToken("it announces no logout"));
    }
    if claims.contains_key("nonce") {
        return Err(IdTokenError::NoLogoutToken("it has a nonce"));
    }
    let text = |name| optional_text(claims, name).map(|text| text.map(str::to_owned));
    let (sub, sid) = (text("sub")?, text("sid")?);
    if sub.is_none() && sid.is_none() {
        return Err(IdTokenError::NoLogoutToken("it names neither a user nor a session"));
    }
    let required = |name| text(name)?.ok_or(IdTokenError::Claim(name));
    let (issuer, jti) = (required("iss")?, required("jti")?);
    Ok(LogoutToken { issuer, sub, sid, jti, expires_at: required_time(claims, "exp")? })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn read(claims: &Value) -> Result<LogoutToken, IdTokenError> {
        super::read(claims.as_object().unwrap())
    }

    /// The example of section 2.4, with the `exp` that errata set 1 asks for.
    fn example() -> Value {
        json!({
            "iss": "https://server.example.com", "sub": "248289761001", "aud": "s6BhdRkqt3",
            "iat": 1_471_566_154, "exp": 1_471_569_754, "jti": "bWJq",
            "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}
        })
    }

    #[test]
    fn reads_the_example() {
        let token = read(&example()).unwrap();
        assert_eq!(token.issuer, "https://server.example.com");
        assert_eq!(token.sub.as_deref(), Some("248289761001"));
        assert_eq!(token.sid.as_deref(), Some("08a5019c-17e1-4977-8f42-65a12843ea02"));
        assert_eq!((&*token.jti, token.expires_at), ("bWJq", 1_471_569_754));
    }

    #[test]
    fn an_id_token_is_no_logout_token() {
        for (name, value) in [
            ("events", json!(null)),
            ("events", json!({})),
            ("events", json!({"http://schemas.openid.net/event/backchannel-logout": true})),
            ("nonce", json!("n")),
            ("jti", json!(null)),
        ] {
            let mut claims = example();
            claims[name] = value.clone();
            assert!(read(&claims).is_err(), "{name} {value}");
        }
        let mut nobody = example();
        let members = nobody.as_object_mut().unwrap();
        members.remove("sub");
        assert!(read(&Value::Object(members.clone())).is_ok(), "a session is enough");
        members.remove("sid");
        assert!(read(&nobody).is_err());
    }
}
