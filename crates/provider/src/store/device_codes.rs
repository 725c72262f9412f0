//! Device authorization requests (RFC 8628).

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, SessionId, Sub};

use crate::{
    model::{
        device_code::{DeviceAnswer, DeviceCode, DevicePoll, DeviceRequest},
        grant::{Grant, RefreshToken},
        throttle::WaitingBound,
        time::Timestamp,
        token_handle::TokenHash,
        user_code::UserCodeHash,
    },
    store::StoreError,
};

/// The outcome of [`DeviceCodes::add_device_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedDeviceCode {
    /// It is added.
    Added,
    /// The user code is taken: draw another one.
    UserCodeTaken,
    /// Too many requests of this client wait.
    TooMany,
}

/// The device codes table.
#[async_trait]
pub trait DeviceCodes: Send + Sync + 'static {
    /// Adds a device's request, unless its user code is taken or it has no place: as many as
    /// `bound` allows wait already. See [`WaitingBound`] for which one makes room.
    async fn add_device_code(
        &self,
        code: DeviceCode,
        bound: &WaitingBound,
        now: Timestamp,
    ) -> Result<AddedDeviceCode, StoreError>;
    /// Lets only this user answer the request with this user code, in place of an earlier user.
    /// Returns `None` if there is no such request, or it has expired or was answered.
    async fn claim_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &Sub,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError>;
    /// The request with this user code, if this user may answer it and it still waits.
    async fn claimed_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &Sub,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError>;
    /// Answers the request with this user code. Returns `true` once, if this user may answer it, it
    /// has not expired, and the user's session has not ended.
    async fn answer_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &Sub,
        sid: &SessionId,
        answer: DeviceAnswer,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The state of a device's request. A poll of a waiting request is counted: one that comes more
    /// than a second before the interval is over makes the interval five seconds longer. A code
    /// that expired less than an hour ago is known as expired.
    async fn poll_device_code(
        &self,
        hash: TokenHash,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<DevicePoll, StoreError>;
    /// Redeems the code of an allowed request: it is removed, and the grant and its refresh token
    /// are stored. Returns `true` once.
    async fn redeem_device_code(
        &self,
        hash: TokenHash,
        grant: Grant,
        grant_expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}
