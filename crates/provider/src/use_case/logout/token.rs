//! The logout token (OIDC Back-Channel Logout 1.0 section 2.4).

use std::collections::BTreeMap;

use doorward_protocol::{secret::Secret, time::Seconds};
use serde::Serialize;
use serde_json::{Map, Value};

use super::back_channel::LogoutDelivery;
use crate::{
    model::{
        client::{Client, logout_uri::LogoutUri},
        logout_notice::LogoutNotice,
        token_handle::random_id,
        token_type::LOGOUT_TOKEN_TYPE,
    },
    use_case::error::TokenError,
};

/// The one member of `events`.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Its life: section 2.4 recommends at most two minutes. Each attempt to deliver has a token
/// of its own.
const LIFETIME: Seconds = Seconds::new(120);

/// The claims. There is no `nonce`: with one it could be taken for an ID token.
#[derive(Debug, Serialize)]
struct LogoutTokenClaims<'a> {
    iss: &'a str,
    sub: String,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    events: BTreeMap<&'static str, Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

impl LogoutDelivery {
    /// Signs a logout token for this client, by the algorithm of its ID tokens (section 2.4).
    pub(super) fn logout_token(
        &self,
        client: &Client,
        address: &LogoutUri,
        notice: &LogoutNotice,
    ) -> Result<Secret, TokenError> {
        let now = self.clock.now();
        let claims = LogoutTokenClaims {
            iss: &self.issuer,
            sub: client.subject(&notice.sub),
            aud: &client.client_id,
            iat: now.seconds(),
            exp: now.plus(LIFETIME).seconds(),
            jti: random_id(&*self.entropy),
            events: BTreeMap::from([(EVENT, Map::new())]),
            sid: address.session_required.then(|| client.session_id(&notice.sid)),
        };
        Ok(self.keys.active(client.id_token_signing_alg, now)?.sign(LOGOUT_TOKEN_TYPE, &claims)?)
    }
}
