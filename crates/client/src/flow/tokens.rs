//! Requests to the token endpoint (RFC 6749 section 4.1.3, 6) and revocation (RFC 7009).

use doorward_protocol::{error::ErrorCode, form, token::BEARER};
use serde_json::{Map, Value};

use crate::{
    Error, Fault,
    lean::{
        json::{LONGEST, Members},
        url,
    },
    metadata::{Endpoint, MetadataService},
    ports::HttpResponse,
    settings::TokenType,
    transport::{ProofOf, Transport, json, refusal, unexpected},
};

/// Members of the user object that do not come from the token response.
const USER_MEMBERS: [&str; 10] = [
    "profile",
    "expires_at",
    "expires_in",
    "state",
    "url_state",
    "requested_scope",
    "requested_resource",
    "lifetime",
    "session_id",
    "session_began",
];

/// A successful token response. Its ID token is not verified yet.
#[derive(Clone)]
pub(crate) struct ReceivedTokens {
    pub access_token: String,
    pub token_type: String,
    /// The access token's lifetime in seconds.
    pub expires_in: Option<u64>,
    /// The expiry by this device's clock, counted from receipt.
    pub expires_at: Option<u64>,
    pub refresh_token: Option<String>,
    pub unverified_id_token: Option<String>,
    pub scope: Option<String>,
    /// The session state at the provider. Some providers send it here.
    pub session_state: Option<String>,
    /// Other members, except those that would replace a member of the user object.
    pub extra: Map<String, Value>,
    /// The provider's time in its response, if that is readable.
    pub provider_time: Option<u64>,
}

/// Appends resource indicators (RFC 8707) and extra parameters to a request.
pub(crate) fn add_params(form: &mut String, resource: &[String], extra: &[(String, String)]) {
    for resource in resource {
        form::append(form, "resource", resource);
    }
    for (name, value) in extra {
        form::append(form, name, value);
    }
}

/// Sends requests to the token endpoint.
#[derive(Clone)]
pub(crate) struct TokenClient {
    pub http: Transport,
    pub metadata: MetadataService,
}

impl TokenClient {
    /// Posts a form to an endpoint, with the client's authentication. Returns the answer with the
    /// endpoint's URL.
    pub(crate) async fn post(
        &self,
        endpoint: Endpoint,
        form: String,
        proven: ProofOf<'_>,
    ) -> Result<(String, HttpResponse), Fault> {
        let url = self.metadata.endpoint(endpoint).await?;
        let metadata = self.metadata.metadata().await?;
        let response = self.http.post_authenticated(&url, form, proven, &metadata.issuer).await?;
        Ok((url, response))
    }

    /// Requests tokens. `form` contains the grant. The client's authentication is added.
    pub(crate) async fn grant(&self, form: &str) -> Result<Box<ReceivedTokens>, Fault> {
        let (url, response) = self.post(Endpoint::Token, form.to_owned(), ProofOf::Key).await?;
        if !response.is_success() {
            return Err(refusal(Endpoint::Token.name(), &url, &response));
        }
        let mut answer = read_answer(&url, json(&url, &response.body)?, self.http.token_type())?;
        answer.provider_time = response.date;
        let now = self.http.ports.clock.now();
        answer.expires_at = answer.expires_in.map(|seconds| now.saturating_add(seconds));
        Ok(answer)
    }

    /// Revokes a token. A token type that the provider cannot revoke is not an error: the token
    /// expires anyway.
    pub(crate) async fn revoke(&self, token: &str, token_type: TokenType) -> Result<(), Fault> {
        let form = url::encoded(&[("token", token), ("token_type_hint", token_type.as_str())]);
        let (url, response) = self.post(Endpoint::Revocation, form, ProofOf::Nothing).await?;
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

/// Parses a token response, and tolerates known deviations: the lifetime as a string, nulls, no
/// token type.
fn read_answer(
    url: &str,
    mut members: Members,
    expected_type: &str,
) -> Result<Box<ReceivedTokens>, Fault> {
    let refuse = |problem: &str| Err(unexpected(url, problem));
    let Some(access_token) = members.text("access_token") else {
        return refuse("the answer has no access token");
    };
    let token_type = members.text("token_type").unwrap_or_else(|| BEARER.to_owned());
    // RFC 9449 section 5: a client that asked for a bound token must not continue with an unbound
    // one.
    if !token_type.eq_ignore_ascii_case(expected_type) {
        return refuse("the access token is of another type than this client asked for");
    }
    let refresh_token = members.text("refresh_token");
    let unverified_id_token = members.text("id_token");
    let scope = members.text("scope");
    let session_state = members.text("session_state");
    let expires_in = members.value("expires_in").as_ref().and_then(lifetime);
    Ok(Box::new(ReceivedTokens {
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

/// `expires_in` as a number or a string. Negative, huge and invalid values count as absent.
fn lifetime(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::String(text) => text.trim().parse().ok(),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // The cast saturates, and negative values are filtered out.
        value => value.as_f64().filter(|seconds| *seconds >= 0.0).map(|seconds| seconds as u64),
    };
    seconds.filter(|seconds| *seconds < LONGEST)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Box<ReceivedTokens>, Fault> {
        read_answer("https://op/token", Members(serde_json::from_value(value).unwrap()), BEARER)
    }

    /// The example body of OIDC Core section 3.1.3.3.
    #[test]
    fn reads_the_openid_example() {
        let answer = read(json!({
            "access_token": "SlAV32hkKG", "token_type": "Bearer", "refresh_token": "8xLOxBtZp8",
            "expires_in": 3600, "id_token": "eyJ", "tenant": "x"
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
