//! The store port: what the provider asks of a database, one trait for each table.
//!
//! Every command is atomic, and durable when it returns. Commands are semantic (`redeem_code`,
//! `rotate_refresh_token`): the store decides in one transaction what must not happen twice. No
//! caller reads first and writes later. Secrets arrive hashed or encrypted.

use doorward_protocol::error::ErrorCode;

mod access;
mod account_events;
mod audit_records;
mod clients;
mod codes;
mod consents;
mod device_codes;
mod external_identities;
mod external_ids;
mod factors;
mod failed_sign_ins;
mod grants;
mod groups;
mod idempotency;
mod identity_providers;
mod logout_notices;
mod maintenance;
mod outbox;
mod passkeys;
mod pushed_requests;
mod reference_tokens;
mod refresh_tokens;
mod registered_clients;
mod sessions;
mod signing_keys;
mod single_uses;
mod tickets;
mod users;

pub use self::{
    access::Access,
    account_events::AccountEvents,
    audit_records::{AuditDelivery, AuditRecords},
    clients::Clients,
    codes::{Codes, Redemption},
    consents::Consents,
    device_codes::{AddedDeviceCode, DeviceCodes},
    external_identities::{
        AddedIdentity, AddedIdentityUser, ExternalIdentities, IdentityLink, IdentityRemoval,
        LinkedBy, RemovedIdentity,
    },
    external_ids::ExternalIds,
    factors::Factors,
    failed_sign_ins::FailedSignIns,
    grants::Grants,
    groups::{AddedGroupMember, ChangedGroup, FoundMember, GroupChange, Groups},
    idempotency::{Begun, IdempotencyKeys},
    identity_providers::IdentityProviders,
    logout_notices::LogoutNotices,
    maintenance::Maintenance,
    outbox::Outbox,
    passkeys::{AddedPasskey, PasskeyUse, Passkeys, RemovedPasskey},
    pushed_requests::PushedRequests,
    reference_tokens::ReferenceTokens,
    refresh_tokens::{RefreshTokenRecord, RefreshTokens, RotateRefreshToken, Rotation},
    registered_clients::RegisteredClients,
    sessions::Sessions,
    signing_keys::SigningKeys,
    single_uses::{LONGEST_CLOCK_SKEW, SingleUses},
    tickets::{TicketRedemption, Tickets, UserChange},
    users::{RemovedPassword, SkippedUser, Users},
};

/// The store did not do what was asked; nothing was changed. The message is for the log and names
/// no secret.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Full disk, lost connection, time-out: may work later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// This process's timestamps can't be trusted: the database's clock says something else.
    #[error("{0}")]
    WrongClock(String),
    /// A row that can't be read: damaged, or written by a newer version.
    #[error("the store holds data that this version can't read: {0}")]
    Corrupt(String),
    /// What was to be added contradicts what is there, as a username that belongs to another `sub`.
    #[error("the store refuses a contradiction: {0}")]
    Conflict(String),
}

impl StoreError {
    /// The error code on the wire (RFC 6749 section 4.1.2.1).
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) | Self::WrongClock(_) => ErrorCode::TemporarilyUnavailable,
            Self::Corrupt(_) | Self::Conflict(_) => ErrorCode::ServerError,
        }
    }
}

/// The provider's database: every table. Implementations share one conformance suite.
pub trait Store:
    Users
    + Clients
    + RegisteredClients
    + Sessions
    + Access
    + AccountEvents
    + AuditRecords
    + LogoutNotices
    + PushedRequests
    + Codes
    + Grants
    + Groups
    + RefreshTokens
    + DeviceCodes
    + ReferenceTokens
    + Consents
    + SigningKeys
    + FailedSignIns
    + ExternalIdentities
    + ExternalIds
    + IdentityProviders
    + Factors
    + Passkeys
    + SingleUses
    + Tickets
    + Outbox
    + IdempotencyKeys
    + Maintenance
{
}

impl<
    T: Users
        + Clients
        + RegisteredClients
        + Sessions
        + Access
        + AccountEvents
        + AuditRecords
        + LogoutNotices
        + PushedRequests
        + Codes
        + Grants
        + Groups
        + RefreshTokens
        + DeviceCodes
        + ReferenceTokens
        + Consents
        + SigningKeys
        + FailedSignIns
        + ExternalIdentities
        + ExternalIds
        + IdentityProviders
        + Factors
        + Passkeys
        + SingleUses
        + Tickets
        + Outbox
        + IdempotencyKeys
        + Maintenance,
> Store for T
{
}
