//! Passwords: Argon2id hashes (RFC 9106), and a bounded pool that computes them.

use std::{fmt, sync::Arc};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use doorward_protocol::secret::Secret;
use tokio::sync::Semaphore;

/// An Argon2id hash in PHC string form, with its salt and parameters. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a password could not be hashed or a hash not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The text is no Argon2 hash in PHC form.
    #[error("not an Argon2id hash in PHC form ($argon2id$…)")]
    NotAHash,
    /// More than 1,024 bytes.
    #[error("a password must have 1 to 1024 bytes")]
    Length,
    /// The hash could not be computed.
    #[error("the password could not be hashed")]
    Hashing,
}

/// Longer passwords are refused before they are hashed.
const MAX_LENGTH: usize = 1024;

impl PasswordHash {
    /// Hashes a password with a fresh salt: Argon2id, 19 MiB, 2 passes, 1 lane (the OWASP
    /// baseline). Takes about 20 ms.
    pub fn compute(password: &Secret) -> Result<Self, PasswordError> {
        let bytes = password.expose().as_bytes();
        if bytes.is_empty() || bytes.len() > MAX_LENGTH {
            return Err(PasswordError::Length);
        }
        let hash: phc::PasswordHash =
            Argon2::default().hash_password(bytes).map_err(|_| PasswordError::Hashing)?;
        Ok(Self(hash.to_string()))
    }

    /// Reads a hash in PHC form; only Argon2id is accepted.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let hash = phc::PasswordHash::new(text).map_err(|_| PasswordError::NotAHash)?;
        if hash.algorithm.as_str() == "argon2id" {
            Ok(Self(text.to_owned()))
        } else {
            Err(PasswordError::NotAHash)
        }
    }

    /// A hash that the store kept and that was read with care before it went there; it is looked at
    /// here by its beginning only.
    pub fn stored(text: String) -> Result<Self, PasswordError> {
        if text.starts_with("$argon2id$") { Ok(Self(text)) } else { Err(PasswordError::NotAHash) }
    }

    /// The PHC string, for the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the password is the one that was hashed.
    pub fn verify(&self, password: &Secret) -> bool {
        let bytes = password.expose().as_bytes();
        bytes.len() <= MAX_LENGTH
            && phc::PasswordHash::new(&self.0)
                .is_ok_and(|hash| Argon2::default().verify_password(bytes, &hash).is_ok())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(redacted)")
    }
}

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

    #[test]
    fn hashes_verify_and_differ_by_salt() {
        let password = Secret::new("correct horse");
        let (one, two) =
            (PasswordHash::compute(&password).unwrap(), PasswordHash::compute(&password).unwrap());
        assert_ne!(one, two);
        assert!(one.verify(&password) && two.verify(&password));
        assert!(!one.verify(&Secret::new("wrong horse")));
        assert_eq!(PasswordHash::parse(one.as_str()).unwrap(), one);
        assert!(!format!("{one:?}").contains("argon2"));
    }

    #[test]
    fn refuses_other_hashes_and_lengths() {
        assert_eq!(PasswordHash::parse("plain"), Err(PasswordError::NotAHash));
        assert_eq!(PasswordHash::compute(&Secret::new("")), Err(PasswordError::Length));
        assert_eq!(
            PasswordHash::compute(&Secret::new("x".repeat(1025))),
            Err(PasswordError::Length)
        );
    }

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
