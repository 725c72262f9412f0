//! Grants at the token endpoint (RFC 6749 section 4.1.3, 6) and revocation (RFC 7009).

use doorward_protocol::{error::ErrorCode, form, token::BEARER};
use serde_json::{Map, Value};

use crate::{
    Error, Fault,
    json::{LONGEST, Members},
    metadata::{Endpoint, MetadataService},
    provider_http::{Proven, ProviderHttp, json, refusal, unexpected},
    settings::TokenType,
    url,
};

/// Members that the user has of its own.
const USER_MEMBERS: [&str; 7] =
    ["profile", "expires_at", "expires_in", "state", "url_state", "requested_scope", "lifetime"];

/// What the token endpoint granted. The ID token in it is not verified yet.
pub(crate) struct TokenAnswer {
    pub access_token: String,
    pub token_type: String,
    /// The access token's life in seconds.
    pub expires_in: Option<u64>,
    /// The end of its life by this device's clock, counted from receipt.
    pub expires_at: Option<u64>,
    pub refresh_token: Option<String>,
    pub unverified_id_token: Option<String>,
    pub scope: Option<String>,
    /// The session at the provider; some say it here.
    pub session_state: Option<String>,
    /// Members that no specification names, but those that would stand in the place of a member of
    /// the user.
    pub extra: Map<String, Value>,
    /// The provider's clock when it answered, where that is readable.
    pub provider_time: Option<u64>,
}

/// Adds resource indicators (RFC 8707) and further parameters to a request.
pub(crate) fn add_params(form: &mut String, resource: &[String], extra: &[(String, String)]) {
    for resource in resource {
        form::append(form, "resource", resource);
    }
    for (name, value) in extra {
        form::append(form, name, value);
    }
}

/// Sends grants to the token endpoint.
#[derive(Clone)]
pub(crate) struct TokenClient {
    pub http: ProviderHttp,
    pub metadata: MetadataService,
}

impl TokenClient {
    /// Asks for tokens. `form` has the grant; who the client is, is added.
    pub(crate) async fn grant(&self, form: &str) -> Result<Box<TokenAnswer>, Fault> {
        let url = self.metadata.endpoint(Endpoint::Token).await?;
        let response = self.http.post_authenticated(&url, form.to_owned(), Proven::Key).await?;
        if !response.is_success() {
            return Err(refusal(Endpoint::Token.name(), &url, &response));
        }
        let mut answer = read_answer(&url, json(&url, &response.body)?, self.http.token_type())?;
        answer.provider_time = response.date;
        let now = self.http.ports.clock.now();
        answer.expires_at = answer.expires_in.map(|seconds| now.saturating_add(seconds));
        Ok(answer)
    }

    /// Revokes a token. One that the provider can't revoke by its kind is no error: it ends by
    /// itself.
    pub(crate) async fn revoke(&self, token: &str, token_type: TokenType) -> Result<(), Fault> {
        let url = self.metadata.endpoint(Endpoint::Revocation).await?;
        let form = url::encoded(&[("token", token), ("token_type_hint", token_type.as_str())]);
        let response = self.http.post_authenticated(&url, form, Proven::Not).await?;
        if response.is_success() {
            return Ok(());
        }
        let error = refusal(Endpoint::Revocation.name(), &url, &response);
        if matches!(*error, Error::Refused { code: ErrorCode::UnsupportedTokenType, .. }) {
            Ok(())
        } else {
            Err(error)
        }
    }
}

/// Reads the answer with what providers are known to write: a lifetime as text, nulls, no token
/// type.
fn read_answer(
    url: &str,
    mut members: Members,
    expected_type: &str,
) -> Result<Box<TokenAnswer>, Fault> {
    let refuse = |problem: &str| Err(unexpected(url, problem));
    let Some(access_token) = members.text("access_token") else {
        return refuse("the answer has no access token");
    };
    let token_type = members.text("token_type").unwrap_or_else(|| BEARER.to_owned());
    // RFC 9449 section 5: who asked for a token that is bound to its key must not go on with one
    // that is not.
    if !token_type.eq_ignore_ascii_case(expected_type) {
        return refuse("the access token is of another type than this client asked for");
    }
    let refresh_token = members.text("refresh_token");
    let unverified_id_token = members.text("id_token");
    let scope = members.text("scope");
    let session_state = members.text("session_state");
    let expires_in = members.value("expires_in").as_ref().and_then(lifetime);
    Ok(Box::new(TokenAnswer {
        access_token,
        token_type,
        expires_in,
        expires_at: None,
        refresh_token,
        unverified_id_token,
        scope,
        session_state,
        extra: members.rest(&USER_MEMBERS),
        provider_time: None,
    }))
}

/// `expires_in` as number or text; negative, absurd and junk values say nothing.
fn lifetime(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::String(text) => text.trim().parse().ok(),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // Saturates, and negative ones are filtered.
        value => value.as_f64().filter(|seconds| *seconds >= 0.0).map(|seconds| seconds as u64),
    };
    seconds.filter(|seconds| *seconds < LONGEST)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Box<TokenAnswer>, Fault> {
        read_answer("https://op/token", Members(serde_json::from_value(value).unwrap()), BEARER)
    }

    /// OIDC Core section 3.1.3.3, the example body.
    #[test]
    fn reads_the_openid_example() {
        let answer = read(json!({
            "access_token": "SlAV32hkKG", "token_type": "Bearer", "refresh_token": "8xLOxBtZp8", "expires_in": 3600,
            "id_token": "eyJ", "tenant": "x"
        }))
        .unwrap();
        assert_eq!(answer.access_token, "SlAV32hkKG");
        assert_eq!(answer.refresh_token.as_deref(), Some("8xLOxBtZp8"));
        assert_eq!(answer.expires_in, Some(3600));
        assert_eq!(answer.scope, None);
        assert_eq!(Value::Object(answer.extra), json!({"tenant": "x"}));
    }

    #[test]
    fn lifetimes_are_numbers_or_texts_and_never_negative() {
        for (value, seconds) in [
            (json!(60), Some(60)),
            (json!("60"), Some(60)),
            (json!(" 60 "), Some(60)),
            (json!(0), Some(0)),
            (json!(59.9), Some(59)),
            (json!(-1), None),
            (json!("-1"), None),
            (json!("soon"), None),
            (json!("NaN"), None),
            (json!("inf"), None),
            (json!(1e300), None),
            (json!("18446744073709551615"), None),
            (json!(u64::MAX), None),
            (json!(null), None),
            (json!([60]), None),
        ] {
            assert_eq!(lifetime(&value), seconds, "{value}");
        }
    }

    #[test]
    fn refuses_answers_without_a_token_that_can_be_used() {
        for value in [
            json!({}),
            json!({"access_token": ""}),
            json!({"access_token": 5}),
            json!({"access_token": "a", "token_type": "DPoP"}),
            json!({"access_token": "a", "token_type": "mac"}),
        ] {
            let refused = read(value).err().unwrap();
            assert!(matches!(*refused, Error::UnexpectedAnswer { .. }));
        }
        assert!(read(json!({"access_token": "a", "token_type": "bearer"})).is_ok());
    }
}
