//! Passwords that users choose: checked by the rules and against published ones, then hashed.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest;
use doorward_protocol::secret::Secret;

use crate::{
    model::{
        password::{PasswordHash, prepared},
        password_rules::{AboutUser, PasswordProblem, PasswordRules},
    },
    use_case::password_verifier::{Busy, PasswordVerifier},
};

/// SHA-1 of a password in UTF-8, as lists of published passwords have it. It protects nothing: it
/// is the name of an entry.
pub type Sha1 = [u8; 20];

/// A list of passwords that were published in data breaches.
#[async_trait]
pub trait BreachedPasswords: Send + Sync + 'static {
    /// Whether the password with this hash is in the list. An implementation that can't tell logs
    /// why and answers `false`: nobody should be kept from setting a password by it.
    async fn contains(&self, sha1: &Sha1) -> bool;
}

/// No list.
#[derive(Debug, Clone, Copy)]
pub struct NoBreachedPasswords;

#[async_trait]
impl BreachedPasswords for NoBreachedPasswords {
    async fn contains(&self, _: &Sha1) -> bool {
        false
    }
}

/// Why a new password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NewPasswordError {
    /// It does not comply with the rules.
    #[error(transparent)]
    Problem(#[from] PasswordProblem),
    /// More passwords wait to be hashed than the machine can.
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// Checks and hashes new passwords.
#[derive(Clone)]
pub struct NewPasswords {
    /// The rules.
    pub rules: PasswordRules,
    /// The list of published passwords.
    pub breached: Arc<dyn BreachedPasswords>,
}

impl NewPasswords {
    /// Whether a password complies. For commands; requests use [`NewPasswords::hash`].
    pub async fn check(&self, password: &Secret, about: &AboutUser) -> Result<(), PasswordProblem> {
        self.rules.check(password, about)?;
        self.check_breached(password).await
    }

    async fn check_breached(&self, password: &Secret) -> Result<(), PasswordProblem> {
        let is_breached = self.breached.contains(&sha1(password)).await;
        if is_breached { Err(PasswordProblem::Breached) } else { Ok(()) }
    }

    /// Checks a password and hashes it. Both are work for the pool.
    pub(crate) async fn hash(
        &self,
        password: Secret,
        about: AboutUser,
        pool: &PasswordVerifier,
    ) -> Result<PasswordHash, NewPasswordError> {
        let (rules, checked) = (self.rules, password.clone());
        // A check that died is no check.
        pool.run_for_new(move || rules.check(&checked, &about)).await?.ok_or(Busy)??;
        self.check_breached(&password).await?;
        let hashed = pool.run_for_new(move || PasswordHash::compute(&password).ok()).await?;
        hashed.flatten().ok_or(NewPasswordError::Busy(Busy))
    }
}

impl std::fmt::Debug for NewPasswords {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NewPasswords").field("rules", &self.rules).finish_non_exhaustive()
    }
}

fn sha1(password: &Secret) -> Sha1 {
    let digest =
        digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, prepared(password).expose().as_bytes());
    let mut hash = Sha1::default();
    hash.copy_from_slice(digest.as_ref());
    hash
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct One(Sha1);

    #[async_trait]
    impl BreachedPasswords for One {
        async fn contains(&self, sha1: &Sha1) -> bool {
            *sha1 == self.0
        }
    }

    #[tokio::test]
    async fn a_published_password_is_refused() {
        // The example of RFC 3174.
        assert_eq!(sha1(&Secret::new("abc"))[..4], [0xa9, 0x99, 0x3e, 0x36]);
        let known = Secret::new("correct horse battery staple");
        let passwords = NewPasswords {
            rules: PasswordRules { min_length: 12 },
            breached: Arc::new(One(sha1(&known))),
        };
        let pool = PasswordVerifier::new(1);
        let hash =
            async |text: &str| passwords.hash(Secret::new(text), AboutUser::default(), &pool).await;
        assert_eq!(
            hash("correct horse battery staple").await.unwrap_err(),
            PasswordProblem::Breached.into()
        );
        assert_eq!(hash("short").await.unwrap_err(), PasswordProblem::TooShort(12).into());
        let other = Secret::new("another horse battery staple");
        assert!(hash(other.expose()).await.unwrap().verify(&other));
        assert_eq!(
            passwords.check(&known, &AboutUser::default()).await,
            Err(PasswordProblem::Breached)
        );
    }
}
