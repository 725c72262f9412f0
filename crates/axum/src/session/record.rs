//! What a session contains.

use doorward_client::User;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::seal;

/// How long before its expiry an access token is renewed, in seconds. At most half of its lifetime.
const RENEWAL_LEAD: u64 = 60;

/// What a sign-in was asked for (RFC 9470 section 4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestedSignIn {
    pub(crate) acr_values: Option<String>,
    pub(crate) max_age: Option<u64>,
    /// The scope, if it was not that of the settings alone. What was granted is often said without
    /// `offline_access`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    /// The APIs that it named (RFC 8707). Empty: those of the settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) resource: Vec<String>,
}

/// A signed-in user, as it is kept. Times are seconds since 1970 (UTC).
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    /// The same over all renewals. Form tokens are derived from it.
    pub(crate) id: String,
    /// When the session began.
    pub(crate) began: u64,
    /// When it ends.
    pub(crate) expires_at: u64,
    /// When its access token is to be renewed.
    pub(crate) renew_at: Option<u64>,
    /// What the sign-in was asked for. If that is not met, another sign-in does not help.
    pub(crate) asked: RequestedSignIn,
    pub(crate) user: User,
    /// What the application keeps in the session.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) values: Map<String, Value>,
    /// How often it was changed. It tells the cookies of one session apart.
    #[serde(default)]
    pub(crate) changes: u64,
}

impl SessionRecord {
    /// A session that begins now.
    pub(crate) fn new(id: String, user: User, now: u64, lifetime: u64) -> Self {
        let expires_at = now.saturating_add(lifetime);
        Self {
            id,
            began: now,
            expires_at,
            renew_at: renew_at(&user, now),
            asked: RequestedSignIn::default(),
            user,
            values: Map::new(),
            changes: 0,
        }
    }

    /// The same session with renewed tokens.
    pub(crate) fn renewed(&self, user: User, now: u64) -> Self {
        Self { renew_at: renew_at(&user, now), user, ..self.clone() }
    }

    /// Whether the access token is to be renewed, and can be.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        self.user.refresh_token.is_some() && self.renew_at.is_some_and(|at| at <= now)
    }

    /// The session at the provider, if the provider named it (OIDC Front-Channel Logout section 3).
    pub(crate) fn sid(&self) -> Option<&str> {
        self.user.claim("sid")
    }
}

fn renew_at(user: &User, now: u64) -> Option<u64> {
    let expires_at = user.expires_at?;
    let lead = RENEWAL_LEAD.min(expires_at.saturating_sub(now) / 2);
    Some(expires_at - lead.min(expires_at))
}

/// What the form tokens of a session are made of.
pub(crate) fn form_token_mac(session: &SessionRecord) -> impl AsRef<[u8]> {
    seal::mac(&session.id, "form token")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sessions_of_before_can_be_read() {
        let stored = r#"{"acr_values":"2","max_age":null}"#;
        let asked: RequestedSignIn = serde_json::from_str(stored).unwrap();
        assert_eq!((asked.acr_values.as_deref(), asked.resource.len()), (Some("2"), 0));
        assert_eq!(serde_json::to_string(&asked).unwrap(), stored);
    }
}
