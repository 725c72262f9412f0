//! Requests of devices that wait for a user (RFC 8628).

use doorward_protocol::{ids::ClientId, scope::Scope, time::Seconds};
use serde::{Deserialize, Serialize};

use crate::model::{
    grant::Grant, target::Targets, time::Timestamp, token_handle::TokenHash,
    user_code::UserCodeHash,
};

/// `grant_type` of the device authorization grant (RFC 8628 section 3.4).
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A device's request as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// Hash of the device code.
    pub hash: TokenHash,
    /// Hash of the user code.
    pub user_code: UserCodeHash,
    /// What the device asks for.
    pub request: DeviceRequest,
    /// Neither code can be used from this timestamp on.
    pub expires_at: Timestamp,
    /// The time between two polls.
    pub interval: Seconds,
}

/// What a device asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// The client that runs on it.
    pub client_id: ClientId,
    /// The requested scope, all of it allowed.
    pub scope: Scope,
    /// The APIs that it wants to call (RFC 8707).
    #[serde(default)]
    pub targets: Targets,
}

/// What the user answered.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceAnswer {
    /// The grant that the device gets.
    Allowed(Box<Grant>),
    /// The user did not allow it.
    Denied,
}

/// What a poll finds (section 3.5).
#[derive(Debug, Clone, PartialEq)]
pub enum DevicePoll {
    /// No such code of this client, or its tokens were fetched.
    Unknown,
    /// Too late.
    Expired,
    /// The user has not answered yet.
    Pending,
    /// As before, and the device asked too early: from now on it must wait five seconds longer.
    SlowDown,
    /// The user denied.
    Denied,
    /// The user allowed.
    Allowed(Box<Grant>),
}
