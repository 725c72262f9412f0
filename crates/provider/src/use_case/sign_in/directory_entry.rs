//! Attempts counted for the entry that a directory has found.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{PasswordCheck, SignInError, SignInOrigin, counters::Counters};
use crate::{
    model::{
        external_identity::{ExternalId, ExternalSubject},
        identity_provider::IdentityProviderName,
        throttle::{self, ThrottleKey, ThrottlePolicy},
        user::{User, normalized_username},
    },
    store::StoreError,
    use_case::directory::{BeforeBind, DirectoryError},
};

/// What an attempt has tried in directories.
#[derive(Default)]
pub(super) struct Tried(Mutex<InDirectories>);

#[derive(Default)]
struct InDirectories {
    /// What it is counted for, by the entries that were found.
    counters: Vec<Counters>,
    /// Whether a directory has got the password.
    is_any_sent: bool,
    /// The directory that has taken the password, and yet lets nobody in.
    refused_by: Option<IdentityProviderName>,
    /// The user of the entry, if this is the last password that is tried on it.
    last_for: Option<User>,
}

impl Tried {
    fn lock(&self) -> MutexGuard<'_, InDirectories> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_counters(&self) -> Vec<Counters> {
        mem::take(&mut self.lock().counters)
    }

    pub(super) fn is_any_sent(&self) -> bool {
        self.lock().is_any_sent
    }

    pub(super) fn note_refused_by(&self, directory: &IdentityProviderName) {
        self.lock().refused_by = Some(directory.clone());
    }

    pub(super) fn take_owner_at_limit(&self) -> Option<User> {
        self.lock().last_for.take()
    }

    pub(super) fn refused_by(&self) -> Option<IdentityProviderName> {
        self.lock().refused_by.clone()
    }
}

/// Counts an attempt for the entry that a directory has found. A directory knows one entry by many
/// names (aliases, other letters that it takes for the same), and so failures under each of them
/// add up.
pub(super) struct OfEntry<'a> {
    pub(super) check: &'a PasswordCheck<'a>,
    pub(super) issuer: &'a str,
    /// The name that was typed, or that of our own user who has it.
    pub(super) name: &'a str,
    /// What it is counted for by the name.
    pub(super) counters: &'a Counters,
    pub(super) tried: &'a Tried,
    pub(super) origin: SignInOrigin<'a>,
}

impl OfEntry<'_> {
    /// `false`: too many in a row were wrong.
    async fn may_try(&self, subject: &ExternalSubject) -> Result<bool, SignInError> {
        let check = self.check;
        let id = ExternalId::parse(self.issuer, subject.as_str()).ok();
        let linked = match &id {
            Some(id) => check.identities.external_identity(id).await?,
            None => None,
        };
        let user = match linked {
            Some(linked) => check.users.user(&linked.sub).await?,
            None => None,
        };
        let (counters, wait) = self.count(subject.as_str(), user.as_ref()).await?;
        if wait > 0 {
            return Err(SignInError::Throttled(wait));
        }
        // All entries without a user share a few of these counters: they decide nothing.
        let in_a_row = match counters.in_a_row.as_ref().filter(|_| user.is_some()) {
            Some(own) => check.failures.failures(&own.key, check.clock.now()).await?,
            None => 0,
        };
        let mut tried = self.tried.lock();
        tried.counters.push(counters);
        tried.last_for = user.filter(|_| check.most_wrong > 0 && in_a_row == check.most_wrong);
        Ok(check.most_wrong == 0 || in_a_row <= check.most_wrong)
    }

    /// Counts the attempt for an entry, or its user: what it is counted for, and how many seconds
    /// it has to wait.
    async fn count(
        &self,
        subject: &str,
        user: Option<&User>,
    ) -> Result<(Counters, u32), StoreError> {
        // No name has a line break.
        let nobody = || format!("{}\n{subject}", self.issuer);
        let name = user.map_or_else(nobody, |user| normalized_username(&user.username));
        let counters = self.check.counters(&name, user, self.origin).await?;
        let limits = self.not_counted(&counters);
        if limits.is_empty() {
            self.count_nobody().await?;
            return Ok((counters, 0));
        }
        let wait = self.check.failures.admit_sign_in(&limits, self.check.clock.now()).await?;
        Ok((counters, wait))
    }

    /// What is not counted by the name.
    fn not_counted(&self, counters: &Counters) -> Vec<(ThrottleKey, ThrottlePolicy)> {
        let counted = self.counters.keys();
        counters.limits().into_iter().filter(|(key, _)| !counted.contains(key)).collect()
    }

    /// Counts an attempt for what nobody is, as counting takes its time. No identifier has a line
    /// break.
    async fn count_nobody(&self) -> Result<(), StoreError> {
        let nobody = format!("{}\n\n{}", self.issuer, self.name);
        let counters = self.check.counters(&nobody, None, self.origin).await?;
        let mut limits = self.not_counted(&counters);
        // What the address shares with others is not counted for nobody: no success takes it back.
        if let Some(address) = self.origin.address() {
            let shared = throttle::keys(&throttle::of_address(address));
            limits.retain(|(key, _)| !shared.contains(key));
        }
        self.check.failures.admit_sign_in(&limits, self.check.clock.now()).await?;
        Ok(())
    }
}

#[async_trait]
impl BeforeBind for OfEntry<'_> {
    async fn admit(&self, subject: Option<&ExternalSubject>) -> Result<(), DirectoryError> {
        if let Some(subject) = subject {
            match self.may_try(subject).await {
                Ok(true) => {}
                Ok(false) => return Err(DirectoryError::WrongPassword),
                Err(SignInError::Throttled(wait)) => return Err(DirectoryError::Throttled(wait)),
                Err(error) => return Err(DirectoryError::NotAccepted(error.to_string())),
            }
        }
        self.tried.lock().is_any_sent = true;
        Ok(())
    }

    /// What is asked and written about the entry of a name is asked and written about one that
    /// nobody has, too.
    async fn decoy(&self) {
        if let Ok(id) = ExternalId::parse(self.issuer, "-") {
            let _ = self.check.identities.external_identity(&id).await;
        }
        let _ = self.count_nobody().await;
    }
}
