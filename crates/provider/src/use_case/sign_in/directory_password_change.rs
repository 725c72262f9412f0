//! Changes of passwords in directories, behind the same throttle as the sign-in.

use std::sync::Arc;

use doorward_protocol::{ids::Sub, secret::Secret};

use super::{PasswordCheck, SignInError, SignInOrigin, directory_entry::Tried};
use crate::{
    audit,
    model::{
        account_event::{AccountEvent, AccountEventKind},
        directory::AccountProblem,
        external_identity::ExternalId,
        token_handle::TokenHandle,
        user::{User, normalized_username},
    },
    use_case::{
        accounts::Asker,
        directory::{FirstChange, PasswordChange, PasswordChangeError, forget_wrong_passwords},
    },
};

impl PasswordCheck<'_> {
    /// Changes the user's password in the directory that has it, and ends all sessions and grants
    /// of the user. A wrong present one counts as at the login page. `None` if no directory has it,
    /// or the directory's setting does not allow it.
    pub async fn change_directory_password(
        &self,
        user: &User,
        present: &Secret,
        new: &Secret,
        device: Option<&TokenHandle>,
        asker: Asker<'_>,
    ) -> Result<Option<Result<(), PasswordChangeError>>, SignInError> {
        let origin = SignInOrigin::Browser { address: asker.address, device };
        let event = self.changed_by(&user.sub, asker);
        let changed = self.change_in_directory(user, present, new, origin, event).await?;
        if changed == Some(Ok(())) {
            audit::Event::PasswordChanged { sub: &user.sub, peer: asker.address }.log();
        }
        Ok(changed)
    }

    /// What the user sees of it.
    fn changed_by(&self, sub: &Sub, asker: Asker<'_>) -> AccountEvent {
        self.accounts.event(sub, AccountEventKind::PasswordChanged, asker, None)
    }

    async fn change_in_directory(
        &self,
        user: &User,
        present: &Secret,
        new: &Secret,
        origin: SignInOrigin<'_>,
        event: AccountEvent,
    ) -> Result<Option<Result<(), PasswordChangeError>>, SignInError> {
        let found = self.directories.of_user(self.identities, &user.sub).await?;
        let Some((directory, identity)) = found else { return Ok(None) };
        let client = self.directories.clients.get(&directory.provider.name);
        let Some(client) = client.filter(|_| directory.changes_passwords) else { return Ok(None) };
        let username = normalized_username(&user.username);
        let counters = self.counters(&username, Some(user), origin).await?;
        let wait = self.failures.admit_sign_in(&counters.limits(), self.clock.now()).await?;
        if wait > 0 {
            return Err(SignInError::Throttled(wait));
        }
        let change = PasswordChange {
            client: Arc::clone(client),
            subject: identity.id.subject,
            present: present.clone(),
            new: new.clone(),
        };
        let states = self.accounts.directories;
        let changed = states.change_password(change, Some(event)).await?;
        // Who got no answer may have had the password tried.
        let is_right = matches!(changed, Ok(()) | Err(PasswordChangeError::Refused(_)));
        if is_right {
            self.failures.withdraw_attempt(&counters.keys()).await?;
        }
        if changed.is_ok() {
            forget_wrong_passwords(self.failures, user, self.clock.now()).await?;
        }
        Ok(Some(changed))
    }

    /// Whether somebody whom a directory does not let in for this reason may change the password
    /// there first.
    pub fn may_change_password_first(&self, username: &str, problem: AccountProblem) -> bool {
        let asked = self.directories.taking(&normalized_username(username));
        asked.iter().any(|own| own.directory.lets_change_at_sign_in(problem))
    }

    /// Changes the password of somebody whom a directory lets in only then, and ends all sessions
    /// and grants of the user. The present one is tried first as at a sign-in, behind the same
    /// throttle: nobody learns more by this way.
    pub async fn change_password_first(
        &self,
        username: &str,
        present: &Secret,
        new: &Secret,
        device: Option<&TokenHandle>,
        asker: Asker<'_>,
    ) -> Result<FirstChange, SignInError> {
        let origin = SignInOrigin::Browser { address: asker.address, device };
        let changed = self.change_first(username, present, new, origin, asker).await?;
        let peer = asker.address;
        match &changed {
            FirstChange::Changed { sub: Some(sub), .. } => {
                audit::Event::PasswordChanged { sub, peer }.log();
            }
            FirstChange::Changed { sub: None, directory, entry } => {
                audit::Event::DirectoryPasswordChanged { directory, entry, peer }.log();
            }
            FirstChange::NotNeeded | FirstChange::Refused(_) => {}
        }
        Ok(changed)
    }

    async fn change_first(
        &self,
        username: &str,
        present: &Secret,
        new: &Secret,
        origin: SignInOrigin<'_>,
        asker: Asker<'_>,
    ) -> Result<FirstChange, SignInError> {
        // By the form of the name alone, which tells nothing of who there is.
        let candidates = self.directories.taking(&normalized_username(username));
        if !candidates.iter().any(|own| own.directory.changes_passwords) {
            return Err(SignInError::WrongPassword);
        }
        let tried = Tried::default();
        let checked = self.find_and_check(username, present.clone(), &tried, origin);
        let problem = match self.counted(checked).await {
            Ok(_) => return Ok(FirstChange::NotNeeded),
            Err(SignInError::Account(problem)) => problem,
            Err(error) => return Err(error),
        };
        // The directory that has just taken the password, and no other one, though another may by
        // now have an entry of the name.
        let refused_by = tried.refused_by();
        let mut candidates = candidates.into_iter();
        let candidate =
            candidates.find(|own| refused_by.as_ref() == Some(&own.directory.provider.name));
        let candidate = candidate.filter(|own| own.directory.lets_change_at_sign_in(problem));
        let Some(candidate) = candidate else { return Err(SignInError::Account(problem)) };
        let provider = &candidate.directory.provider;
        let subject = match candidate.subject().await {
            Ok(Some(subject)) => subject,
            Ok(None) => return Err(SignInError::Account(problem)),
            Err(_) => return Err(SignInError::DirectoryUnavailable),
        };
        let Some(client) = self.directories.clients.get(&provider.name) else {
            return Err(SignInError::Account(problem));
        };
        let linked = match ExternalId::parse(&provider.issuer, subject.as_str()) {
            Ok(id) => self.identities.external_identity(&id).await?,
            Err(_) => None,
        };
        let sub = linked.map(|identity| identity.sub);
        let (client, present, new) = (Arc::clone(client), present.clone(), new.clone());
        let (directory, entry) = (provider.name.clone(), subject.clone());
        let change = PasswordChange { client, subject, present, new };
        let event = sub.as_ref().map(|sub| self.changed_by(sub, asker));
        let changed = self.accounts.directories.change_password(change, event).await?;
        if let Err(error) = changed {
            return Ok(FirstChange::Refused(error));
        }
        if let Some(sub) = &sub
            && let Some(user) = self.users.user(sub).await?
        {
            forget_wrong_passwords(self.failures, &user, self.clock.now()).await?;
        }
        Ok(FirstChange::Changed { directory, entry, sub })
    }
}
