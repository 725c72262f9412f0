//! Entities as the columns of their tables.

use std::collections::BTreeSet;

use doorward_protocol::{
    ids::{ClientId, GrantId, SessionId, Sub},
    scope::OFFLINE_ACCESS,
};
use doorward_provider::model::{
    account_event::AccountEvent,
    account_notice::AccountNotices,
    device_code::DeviceAnswer,
    email::normalized_email,
    grant::{Grant, ReferenceToken},
    outbox::OutboxMail,
    stored_client::StoredClient,
    time::Timestamp,
    user::{User, normalized_username},
    user_query::{email_key, further_email_keys, name_key},
};

use sha2::{Digest as _, Sha256};

use crate::row::{ColumnError, to_json};

/// The columns of `clients`.
pub(crate) struct ClientRow {
    pub(crate) client_id: ClientId,
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
    /// In the form in which addresses are compared.
    pub(crate) verified_email: Option<String>,
    /// Verified or not, in the same form.
    pub(crate) email: Option<String>,
    /// Further ones.
    pub(crate) further_emails: BTreeSet<String>,
    /// In the form in which names are compared.
    pub(crate) full_name: Option<String>,
    pub(crate) admin_role: Option<String>,
    pub(crate) claims: String,
}

impl UserRow {
    pub(crate) fn encode(user: User) -> Result<Self, ColumnError> {
        let claims = to_json(&*user.claims, "users.claims")?;
        Ok(Self {
            normalized_username: normalized_username(&user.username),
            verified_email: user.verified_email(),
            email: email_key(&user),
            further_emails: further_email_keys(&user),
            full_name: name_key(&user),
            admin_role: user.admin_role().map(str::to_owned),
            user,
            claims,
        })
    }

    /// The message for a username or an e-mail address that belongs to another user. `refusal` is
    /// what the database says, which names the index or the column.
    pub(crate) fn is_taken(&self, refusal: &str) -> String {
        if refusal.contains("verified_email") {
            return format!(
                "the verified e-mail address of the user {:?} belongs to another user: give one of \
                 them another address, or take email_verified away",
                self.user.username
            );
        }
        format!(
            "the username {:?} of the user {:?} belongs to another user",
            self.user.username, self.user.sub
        )
    }
}

/// The columns of `outbox` that are not the mail's own.
pub(crate) struct MailRow {
    pub(crate) mail: OutboxMail,
    /// The recipient, in the form in which addresses are compared.
    pub(crate) address: String,
    pub(crate) data: String,
}

impl MailRow {
    pub(crate) fn encode(mail: OutboxMail) -> Result<Self, ColumnError> {
        let data = to_json(&mail.data, "outbox.data")?;
        Ok(Self { address: normalized_email(&mail.to), data, mail })
    }

    pub(crate) fn encode_all(mails: Vec<OutboxMail>) -> Result<Vec<Self>, ColumnError> {
        mails.into_iter().map(Self::encode).collect()
    }
}

/// What tells of a change, as rows of `outbox` and `account_events`.
pub(crate) struct NoticesRow {
    pub(crate) mails: Vec<MailRow>,
    pub(crate) events: Vec<AccountEvent>,
}

impl NoticesRow {
    pub(crate) fn encode(notices: AccountNotices) -> Result<Self, ColumnError> {
        Ok(Self { mails: MailRow::encode_all(notices.mails)?, events: notices.events })
    }
}

/// The key of `used_subs`. The identifier of a removed user is not kept itself.
pub(crate) fn used_sub(sub: &Sub) -> [u8; 32] {
    Sha256::digest(sub.as_bytes()).into()
}

/// The columns of `grants`.
pub(crate) struct GrantRow {
    pub(crate) id: GrantId,
    pub(crate) sid: SessionId,
    pub(crate) sub: Sub,
    pub(crate) client_id: ClientId,
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
