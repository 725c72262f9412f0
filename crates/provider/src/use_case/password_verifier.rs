//! A bounded pool that verifies passwords.

use std::sync::Arc;

use doorward_protocol::secret::Secret;
use tokio::sync::Semaphore;

use crate::model::password::{PasswordError, PasswordHash};

/// More passwords wait to be verified than there are places: try again soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many sign-ins at the moment; try again in a few seconds")]
pub struct Busy;

/// So many sign-ins may be under way for each that is being computed: about a second's worth.
const WAITING_FOR_EACH: usize = 48;

/// Verifies passwords on blocking threads, a few at a time, so that a rush of sign-ins neither
/// takes all memory nor starves the token endpoint.
#[derive(Debug, Clone)]
pub struct PasswordVerifier {
    permits: Arc<Semaphore>,
    /// Places to wait in; without a bound, a flood of guesses would hold up every real sign-in.
    places: Arc<Semaphore>,
    /// Verified in place of the hash of a user that does not exist, so that both cases take the
    /// same time.
    decoy: PasswordHash,
}

impl PasswordVerifier {
    /// A pool that computes so many hashes at a time.
    pub fn new(parallel: usize) -> Result<Self, PasswordError> {
        let decoy = PasswordHash::compute(&Secret::new("no user has this password"))?;
        let parallel = parallel.max(1);
        Ok(Self {
            permits: Arc::new(Semaphore::new(parallel)),
            places: Arc::new(Semaphore::new(parallel * WAITING_FOR_EACH)),
            decoy,
        })
    }

    /// Whether the password belongs to the hash. Without a hash the answer is `false` after the
    /// same work.
    pub async fn verify(
        &self,
        hash: Option<&PasswordHash>,
        password: Secret,
    ) -> Result<bool, Busy> {
        let (hash, exists) = match hash {
            Some(hash) => (hash.clone(), true),
            None => (self.decoy.clone(), false),
        };
        let _place = self.places.try_acquire().map_err(|_| Busy)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Busy)?;
        let verified = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            hash.verify(&password)
        });
        Ok(verified.await.unwrap_or(false) && exists)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn an_unknown_user_is_refused_even_with_the_decoys_password() {
        let verifier = PasswordVerifier::new(1).unwrap();
        assert!(!verifier.verify(None, Secret::new("no user has this password")).await.unwrap());
        let hash = PasswordHash::compute(&Secret::new("a")).unwrap();
        assert!(verifier.verify(Some(&hash), Secret::new("a")).await.unwrap());
    }

    #[test]
    fn an_unknown_user_costs_the_work_of_a_known_one() {
        let cost = |hash: &PasswordHash| {
            let (salt_and_hash, _) = hash.as_str().rsplit_once('$').unwrap();
            salt_and_hash.rsplit_once('$').unwrap().0.to_owned()
        };
        let known = PasswordHash::compute(&Secret::new("a")).unwrap();
        assert_eq!(cost(&PasswordVerifier::new(1).unwrap().decoy), cost(&known));
        assert_eq!(cost(&known), "$argon2id$v=19$m=19456,t=2,p=1");
    }

    #[tokio::test]
    async fn more_sign_ins_than_places_are_told_to_come_back() {
        let verifier = PasswordVerifier::new(1).unwrap();
        let attempts = (0..=WAITING_FOR_EACH).map(|_| verifier.verify(None, Secret::new("guess")));
        let answers = futures::future::join_all(attempts).await;
        assert_eq!(answers.iter().filter(|answer| **answer == Err(Busy)).count(), 1);
        assert_eq!(verifier.verify(None, Secret::new("later")).await, Ok(false));
    }
}
