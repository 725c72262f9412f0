//! What both stores do alike: entities as columns, columns with JSON, and the numbers and rules
//! that SQL does not tell.

use std::sync::{Arc, LazyLock};

use doorward_protocol::scope::OFFLINE_ACCESS;
use doorward_provider::{
    model::{
        device_code::DeviceAnswer,
        grant::Grant,
        password::PasswordHash,
        stored_client::StoredClient,
        time::Timestamp,
        token_handle::SuccessorSeed,
        user::{User, UserClaims, normalized_username},
    },
    store::{Rotation, StoreError},
};
use quick_cache::sync::Cache;
use serde::{Serialize, de::DeserializeOwned};

/// A redeemed code is kept so many seconds beyond its expiry, so that a replay is noticed.
pub(crate) const REPLAY_MEMORY: i64 = 3600;
/// A use of a grant is noted if the last one that was noted is so many seconds old.
pub(crate) const USE_IS_NOTED_EVERY: i64 = 3600;
/// An expired device code is kept so many seconds, so that the device is told that it has expired.
pub(crate) const EXPIRED_DEVICE_CODE_IS_KEPT: u32 = 3600;

/// A column does not hold what it should. Names the column, never its content.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum ColumnError {
    /// Its content can't be read.
    #[error("{0} can't be read")]
    Unreadable(&'static str),
    /// A value could not be written as JSON.
    #[error("{0} can't be written as JSON")]
    Unwritable(&'static str),
}

impl From<ColumnError> for StoreError {
    fn from(error: ColumnError) -> Self {
        match error {
            ColumnError::Unreadable(_) => Self::Corrupt(error.to_string()),
            ColumnError::Unwritable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

/// Writes a JSON column. `what` names it in the error.
pub(crate) fn to_json(value: &impl Serialize, what: &'static str) -> Result<String, ColumnError> {
    serde_json::to_string(value).map_err(|_| ColumnError::Unwritable(what))
}

/// Reads a JSON column. The error names the column only: serde's own would quote the content.
pub(crate) fn from_json<T: DeserializeOwned>(
    text: &str,
    what: &'static str,
) -> Result<T, ColumnError> {
    serde_json::from_str(text).map_err(|_| ColumnError::Unreadable(what))
}

/// What JSON columns were read to say lately. A text says the same whenever it is read, so nothing
/// here can be out of date.
struct Remembered<T>(Cache<Box<str>, Arc<T>>);

/// So many texts are remembered.
const REMEMBERED: usize = 1024;
/// A longer one is not, so that the memory stays bounded by their count.
const LONGEST_REMEMBERED: usize = 4096;

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl<T: DeserializeOwned> Remembered<T> {
    fn parse(&self, text: &str, what: &'static str) -> Result<Arc<T>, ColumnError> {
        if let Some(known) = self.0.get(text) {
            return Ok(known);
        }
        let value = Arc::new(from_json::<T>(text, what)?);
        if text.len() <= LONGEST_REMEMBERED {
            self.0.insert(text.into(), Arc::clone(&value));
        }
        Ok(value)
    }
}

/// A client as the table's columns.
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

/// A user as the table's columns.
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

    /// Why the user can't be added beside those who are there.
    pub(crate) fn name_is_taken(&self) -> String {
        format!(
            "the username {:?} of the user {:?} belongs to another user",
            self.user.username, self.user.sub
        )
    }
}

/// A user from the table's columns.
pub(crate) fn user(
    sub: String,
    username: String,
    password_hash: String,
    enabled: bool,
    claims: &str,
) -> Result<User, ColumnError> {
    static CLAIMS: LazyLock<Remembered<UserClaims>> = LazyLock::new(Remembered::default);
    let password_hash = PasswordHash::stored(password_hash)
        .map_err(|_| ColumnError::Unreadable("users.password_hash"))?;
    Ok(User {
        sub,
        username,
        password_hash,
        enabled,
        claims: CLAIMS.parse(claims, "users.claims")?,
    })
}

/// A grant from its column.
pub(crate) fn grant(content: &str) -> Result<Arc<Grant>, ColumnError> {
    static GRANTS: LazyLock<Remembered<Grant>> = LazyLock::new(Remembered::default);
    GRANTS.parse(content, "grants.content")
}

/// A grant as the table's columns.
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

/// A refresh token that was consumed.
pub(crate) struct Consumed {
    pub(crate) at: Timestamp,
    pub(crate) seed: SuccessorSeed,
    /// When the successor ends, if it is still unused.
    pub(crate) unused_successor: Option<Timestamp>,
}

impl Consumed {
    /// What its presentation means: a repetition within grace, or a replay, for which the caller
    /// revokes the grant. Consumption is judged before expiry: a client that lost the answer just
    /// before the end may still repeat.
    pub(crate) fn presented_again(self, grace: u32, now: Timestamp) -> Rotation {
        match self.unused_successor {
            Some(expires_at) if within(grace, self.at, now) && now < expires_at => {
                Rotation::Repeated { seed: self.seed, expires_at }
            }
            Some(_) if within(grace, self.at, now) => Rotation::Unknown,
            _ => Rotation::Replayed,
        }
    }
}

/// Whether a repetition is still answered. Moments are whole seconds, so that no grace at all needs
/// its own rule.
fn within(grace: u32, consumed_at: Timestamp, now: Timestamp) -> bool {
    grace > 0 && now.since(consumed_at).abs() <= i64::from(grace)
}

/// The answer to a device's request as its column keeps it: the grant as JSON, or nothing for a
/// denial.
pub(crate) fn encode_answer(answer: &DeviceAnswer) -> Result<String, ColumnError> {
    match answer {
        DeviceAnswer::Allowed(grant) => to_json(grant, "device_codes.answer"),
        DeviceAnswer::Denied => Ok(String::new()),
    }
}

/// The answer from its column.
pub(crate) fn decode_answer(text: &str) -> Result<DeviceAnswer, ColumnError> {
    Ok(if text.is_empty() {
        DeviceAnswer::Denied
    } else {
        DeviceAnswer::Allowed(Box::new(from_json(text, "device_codes.answer")?))
    })
}

/// The interval of a device's polls from now on, if this one came before the last one's interval
/// was over (RFC 8628 section 3.5).
pub(crate) fn slowed_down(
    interval: u32,
    polled_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<u32> {
    const SLOWER_BY: u32 = 5;
    // Moments are whole seconds, so that a device which waits to the instant may seem a second
    // early.
    const TOLERANCE: i64 = 1;
    let early = polled_at
        .is_some_and(|before| (0..i64::from(interval) - TOLERANCE).contains(&now.since(before)));
    early.then(|| interval.saturating_add(SLOWER_BY))
}
