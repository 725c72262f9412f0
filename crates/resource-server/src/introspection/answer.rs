//! The issuer's answers about tokens, read.

use doorward_protocol::{claims::Audience, json, jws::UnverifiedJws};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::{Inner, IssuerKeys};
use crate::{
    AccessToken, IssuerUnavailable, TokenError, VerificationError, access_token::TokenRules,
    generations::TokenDigest, issuer::IssuerError,
};

/// How far the time of a signed answer may be from now, in seconds. It was asked for just now, so
/// the rest is the difference of the clocks.
const OLDEST_ANSWER: u64 = 300;

/// The claims of a signed answer (RFC 9701 section 5).
#[derive(Deserialize)]
struct SignedAnswer {
    iss: String,
    aud: Audience,
    iat: i64,
    token_introspection: Map<String, Value>,
}

impl Inner {
    /// The answer in a token that the issuer signed for this API (RFC 9701 section 5).
    pub(super) async fn opened(
        &self,
        body: &[u8],
        digest: TokenDigest,
        endpoint: &Url,
    ) -> Result<Map<String, Value>, IssuerUnavailable> {
        let refuse = |problem| {
            self.failed(digest, &IssuerError::Unsigned { url: endpoint.to_string(), problem })
        };
        let token = std::str::from_utf8(body).unwrap_or_default();
        let jws = UnverifiedJws::parse(token).map_err(|_| refuse("it is not a JSON Web Token"))?;
        // So that no other token of the issuer is taken for an answer (section 8.1).
        if !jws.header().is_type("token-introspection+jwt") {
            return Err(refuse("its typ is not token-introspection+jwt"));
        }
        let IssuerKeys { keys, algorithms } = &self.keys;
        let algorithm = jws.header().algorithm().filter(|own| algorithms.contains(own));
        let algorithm = algorithm.ok_or_else(|| refuse("its algorithm is not accepted"))?;
        match keys.verify(token, jws.header(), algorithm).await {
            Ok(_) => {}
            Err(VerificationError::Issuer(unavailable)) => return Err(unavailable),
            Err(VerificationError::Token(_)) => return Err(refuse("its signature is wrong")),
        }
        let claims = json::unambiguous_object(jws.unverified_payload());
        let claims = claims.and_then(|members| serde_json::from_value(members.into()).ok());
        let SignedAnswer { iss, aud, iat, token_introspection } =
            claims.ok_or_else(|| refuse("its claims are not those of RFC 9701"))?;
        if iss != self.rules.issuer {
            return Err(refuse("it comes from another issuer"));
        }
        if !aud.contains(&self.settings.client_id) {
            return Err(refuse("it is meant for another API"));
        }
        if self.clock.now().abs_diff(iat) > OLDEST_ANSWER {
            return Err(refuse("it is an answer of another time"));
        }
        Ok(token_introspection)
    }
}

/// Reads an answer (RFC 7662 section 2.2) by the rules for every access token. `iss` and `iat` may
/// be left out: they are then the issuer that was asked, and now. Where several issuers are asked,
/// `iss` may not: another one's endpoint, named by mistake, would speak for this one. A missing
/// `sub` is not replaced by the client: the token may be that of a user, of whom the answer gives
/// only the name.
///
/// A token of the type `DPoP` must say which key it is bound to (RFC 9449 section 6.2). Otherwise
/// it would be accepted as a bearer token, without proof.
pub(super) fn read(
    mut answer: Map<String, Value>,
    rules: &TokenRules,
    needs_issuer: bool,
    now: i64,
) -> Result<AccessToken, TokenError> {
    if answer.remove("active") != Some(Value::Bool(true)) {
        return Err(TokenError::Inactive);
    }
    let token_type = answer.remove("token_type");
    let needs_key = token_type
        .as_ref()
        .and_then(Value::as_str)
        .is_some_and(|it| it.eq_ignore_ascii_case("DPoP"));
    for (claim, value) in [("iss", rules.issuer.as_str().into()), ("iat", Value::from(now))] {
        if answer.get(claim).is_none_or(Value::is_null) {
            if claim == "iss" && needs_issuer {
                return Err(TokenError::InvalidClaim("iss"));
            }
            answer.insert(claim.to_owned(), value);
        }
    }
    let token = AccessToken::accept(answer, rules)?;
    let names_key = token.claims().cnf.as_ref().is_some_and(|cnf| cnf.jkt.is_some());
    if needs_key && !names_key { Err(TokenError::InvalidClaim("cnf")) } else { Ok(token) }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::{ClaimPath, TokenProfile};

    pub(in crate::introspection) fn read_with(changes: &Value) -> Result<AccessToken, TokenError> {
        read_beside_others(changes, false)
    }

    fn read_beside_others(changes: &Value, needs_issuer: bool) -> Result<AccessToken, TokenError> {
        let mut answer =
            json!({"active": true, "aud": "api", "client_id": "page", "exp": 100, "sub": "alice"});
        for (name, value) in changes.as_object().unwrap() {
            answer[name] = value.clone();
        }
        answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let rules = TokenRules {
            issuer: "https://op".to_owned(),
            audiences: vec!["api".to_owned()],
            profile: TokenProfile::jwt(),
            default_roles: vec![ClaimPath::name("role")],
            default_acr: true,
        };
        read(answer.as_object().unwrap().clone(), &rules, needs_issuer, 7)
    }

    #[test]
    fn among_several_issuers_an_answer_says_whose_the_token_is() {
        for (iss, outcome) in [
            (json!("https://op"), Ok(())),
            (json!(null), Err(TokenError::InvalidClaim("iss"))),
            (json!("https://other"), Err(TokenError::WrongIssuer)),
        ] {
            let read = read_beside_others(&json!({ "iss": iss }), true);
            assert_eq!(read.map(drop), outcome, "{iss}");
        }
    }

    #[test]
    fn what_an_answer_may_leave_out_is_filled_in() {
        let token = read_with(&json!({"role": "admin", "token_type": "Bearer"})).unwrap();
        assert_eq!((token.claims().iss.as_str(), token.claims().iat), ("https://op", 7));
        assert_eq!(token.claims().client_id.as_deref(), Some("page"));
        assert!(token.principal().has_role("admin"));
        assert!(!token.principal().claims().contains_key("active"));
        assert!(!token.principal().claims().contains_key("token_type"));
    }

    #[test]
    fn an_answer_for_somebody_else_is_refused() {
        for (changes, cause) in [
            (json!({"active": false}), TokenError::Inactive),
            (json!({"iss": "https://other"}), TokenError::WrongIssuer),
            (json!({"aud": "other"}), TokenError::WrongAudience),
            (json!({"aud": null}), TokenError::InvalidClaim("aud")),
            (json!({"exp": null}), TokenError::InvalidClaim("exp")),
            (json!({"client_id": null, "sub": null}), TokenError::InvalidClaim("sub")),
            (json!({"sub": null, "username": "alice"}), TokenError::InvalidClaim("sub")),
            (json!({"token_type": "DPoP"}), TokenError::InvalidClaim("cnf")),
            (
                json!({"token_type": "dpop", "cnf": {"x5t#S256": "x"}}),
                TokenError::InvalidClaim("cnf"),
            ),
        ] {
            assert_eq!(read_with(&changes).unwrap_err(), cause, "{changes}");
        }
    }
}
