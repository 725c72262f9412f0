//! Failed sign-ins, which slow down password guessing.

use async_trait::async_trait;

use crate::{
    model::{
        throttle::{Admission, ThrottleKey, ThrottlePolicy},
        time::Timestamp,
    },
    store::StoreError,
};

/// The counts of failed sign-ins.
#[async_trait]
pub trait FailedSignIns: Send + Sync + 'static {
    /// Admits one attempt to sign in, in one transaction: if a key's policy asks for a wait (see
    /// [`ThrottlePolicy::wait`](crate::model::throttle::ThrottlePolicy::wait)), nothing changes and
    /// the longest wait is returned; otherwise the attempt is counted as a failure for every key
    /// beforehand (so that parallel guesses can't slip through together), and the new counts are
    /// returned. No two attempts see the same count. Failures count no more when the last is older
    /// than the memory of the policy with which the key was counted first.
    async fn count_attempt(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<Admission, StoreError>;
    /// The same where the counts do not matter: returns the seconds to wait, or 0 if the attempt
    /// was counted.
    async fn admit_sign_in(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        Ok(match self.count_attempt(keys, now).await? {
            Admission::Wait(seconds) => seconds,
            Admission::Counted(_) => 0,
        })
    }
    /// How many failures of this key count by now.
    async fn failures(&self, key: &ThrottleKey, now: Timestamp) -> Result<u32, StoreError>;
    /// Takes back one attempt that [`count_attempt`](Self::count_attempt) counted for each of these
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
