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
    /// [`ThrottlePolicy::wait`](crate::model::throttle::ThrottlePolicy::wait)), nothing changes and
    /// the longest wait is returned in seconds; otherwise the attempt is counted as a failure for
    /// every key beforehand (so that parallel guesses can't slip through together) and 0 is
    /// returned. Failures count no more when the last is older than the memory of the policy with
    /// which the key was counted first.
    async fn admit_sign_in(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<u32, StoreError>;
    /// How many failures of this key count by now.
    async fn failures(&self, key: &ThrottleKey, now: Timestamp) -> Result<u32, StoreError>;
    /// Takes back one attempt that [`admit_sign_in`](Self::admit_sign_in) counted for each of these
    /// keys, because nothing was found out by it.
    async fn withdraw_attempt(&self, keys: &[ThrottleKey]) -> Result<(), StoreError>;
    /// Records a successful sign-in, in one transaction. The failures of each of `own` are
    /// forgotten, and each of `wide` has as many less as the first of `own` had: a success takes
    /// back its own failures and nobody else's.
    /// `known` are remembered for [`has_signed_in`](Self::has_signed_in).
    async fn sign_in_succeeded(
        &self,
        own: &[ThrottleKey],
        wide: &[ThrottleKey],
        known: &[ThrottleKey],
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Which of these keys have had a successful sign-in within
    /// [`KNOWN_FOR`](crate::model::throttle::KNOWN_FOR).
    async fn has_signed_in(
        &self,
        keys: &[ThrottleKey],
        now: Timestamp,
    ) -> Result<Vec<ThrottleKey>, StoreError>;
}
