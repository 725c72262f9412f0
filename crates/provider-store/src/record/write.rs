//! Entities as the columns of their tables.

use doorward_protocol::scope::OFFLINE_ACCESS;
use doorward_provider::model::{
    device_code::DeviceAnswer,
    grant::{Grant, ReferenceToken},
    stored_client::StoredClient,
    time::Timestamp,
    user::{User, normalized_username},
};

use crate::row::{ColumnError, to_json};

/// The columns of `clients`.
pub(crate) struct ClientRow {
    pub(crate) client_id: String,
    pub(crate) settings: String,
    pub(crate) configured: bool,
}

impl ClientRow {
    pub(crate) fn encode(client: StoredClient) -> Result<Self, ColumnError> {
        let settings = to_json(&client.settings, "clients.settings")?;
        Ok(Self { client_id: client.client_id, settings, configured: client.configured })
    }
}

/// The columns of `users`.
pub(crate) struct UserRow {
    pub(crate) user: User,
    pub(crate) normalized_username: String,
    pub(crate) claims: String,
}

impl UserRow {
    pub(crate) fn encode(user: User) -> Result<Self, ColumnError> {
        let claims = to_json(&*user.claims, "users.claims")?;
        Ok(Self { normalized_username: normalized_username(&user.username), user, claims })
    }

    /// The message for a username that belongs to another user.
    pub(crate) fn name_is_taken(&self) -> String {
        format!(
            "the username {:?} of the user {:?} belongs to another user",
            self.user.username, self.user.sub
        )
    }
}

/// The columns of `grants`.
pub(crate) struct GrantRow {
    pub(crate) id: String,
    pub(crate) sid: String,
    pub(crate) sub: String,
    pub(crate) client_id: String,
    pub(crate) offline: bool,
    pub(crate) content: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl GrantRow {
    pub(crate) fn encode(
        grant: Grant,
        expires_at: Timestamp,
        created_at: Timestamp,
    ) -> Result<Self, ColumnError> {
        Ok(Self {
            content: to_json(&grant, "grants.content")?,
            offline: grant.scope.contains(OFFLINE_ACCESS),
            id: grant.id,
            sid: grant.authentication.sid,
            sub: grant.authentication.sub,
            client_id: grant.client_id,
            created_at,
            expires_at,
        })
    }
}

/// Writes the answer to a device's request: the grant as JSON, or an empty text for a denial.
pub(crate) fn encode_answer(answer: &DeviceAnswer) -> Result<String, ColumnError> {
    match answer {
        DeviceAnswer::Allowed(grant) => to_json(grant, "device_codes.answer"),
        DeviceAnswer::Denied => Ok(String::new()),
    }
}

/// Whose reference token it is: the grant's, or else the client's.
pub(crate) fn owner_of(token: &ReferenceToken) -> &str {
    token.claims.grant_id.as_deref().unwrap_or(&token.claims.client_id)
}
