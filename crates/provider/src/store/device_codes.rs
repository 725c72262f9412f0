//! Device authorization requests (RFC 8628).

use async_trait::async_trait;

use crate::{
    model::{
        device_code::{DeviceAnswer, DeviceCode, DevicePoll, DeviceRequest},
        grant::{Grant, RefreshToken},
        time::Timestamp,
        token_handle::TokenHash,
        user_code::UserCodeHash,
    },
    store::StoreError,
};

/// The device codes table.
#[async_trait]
pub trait DeviceCodes: Send + Sync + 'static {
    /// Adds a device's request; `false`, and nothing is added, if its user code is taken.
    async fn add_device_code(&self, code: DeviceCode) -> Result<bool, StoreError>;
    /// Makes the request with this user code this user's to answer, in place of whoever called it
    /// up before; `None` if there is no such request, it has expired or was answered.
    async fn claim_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError>;
    /// The request with this user code, if it is this user's to answer and still waits for it.
    async fn claimed_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError>;
    /// Answers the request with this user code: `true` once, if it is this user's to answer and has
    /// not expired, and the session that the user answers in has not ended.
    async fn answer_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        sid: &str,
        answer: DeviceAnswer,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Tells the device where its request stands, and while it waits counts the poll: one that
    /// comes more than a second before the interval is over makes the interval five seconds longer.
    /// A code expired less than an hour ago is told from an unknown one.
    async fn poll_device_code(
        &self,
        hash: TokenHash,
        client_id: &str,
        now: Timestamp,
    ) -> Result<DevicePoll, StoreError>;
    /// Redeems the code of an allowed request: `true` once. Then it is gone, and the grant and its
    /// refresh token are stored.
    async fn redeem_device_code(
        &self,
        hash: TokenHash,
        grant: Grant,
        grant_expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}
