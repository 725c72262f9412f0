//! Failed sign-ins, which slow down password guessing.

use async_trait::async_trait;

use crate::{
    model::{
        throttle::{ThrottleKey, ThrottlePolicy},
        time::Timestamp,
    },
    store::StoreError,
};

/// The counts of failed sign-ins.
#[async_trait]
pub trait FailedSignIns: Send + Sync + 'static {
    /// Admits one attempt to sign in, in one transaction: if a key's policy asks for a wait (see
    /// [`ThrottlePolicy::wait`](crate::model::throttle::ThrottlePolicy::wait)), nothing changes and the
    /// longest wait is returned in seconds; otherwise the attempt is counted as a failure for every
    /// key beforehand (so that parallel guesses can't slip through together) and 0 is returned.
    /// Failures whose last is older than [`MEMORY`](crate::model::throttle::MEMORY) count no more.
    async fn admit_sign_in(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<u32, StoreError>;
    /// Takes back what [`admit_sign_in`](Self::admit_sign_in) counted for a sign-in that succeeded: the account's
    /// failures are forgotten, the address has
    /// [`TAKEN_BACK_BY_SUCCESS`](crate::model::throttle::TAKEN_BACK_BY_SUCCESS) less.
    async fn sign_in_succeeded(
        &self,
        account: &[ThrottleKey],
        address: &ThrottleKey,
    ) -> Result<(), StoreError>;
}
