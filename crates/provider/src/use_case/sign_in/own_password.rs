//! The check of a password of our own.

use doorward_protocol::secret::Secret;

use super::{PasswordCheck, SignInError, SignInOrigin};
use crate::{
    audit,
    model::{
        account_event::AccountEventKind, password::PasswordHash, token_handle::TokenHandle,
        user::User,
    },
    use_case::accounts::Asker,
};

impl PasswordCheck<'_> {
    /// Checks the present password of a user who wants another one. A user without a password needs
    /// none. Failures are counted as those at the login page. The user is the one of the session,
    /// whether or not the user name is what people sign in with.
    pub async fn verify_own_password(
        &self,
        user: &User,
        password: Option<Secret>,
        address: &str,
        device: Option<&TokenHandle>,
    ) -> Result<(), SignInError> {
        if user.password_hash.is_none() {
            return Ok(());
        }
        let password = password.ok_or(SignInError::WrongPassword)?;
        let origin = SignInOrigin::Browser { address, device };
        self.verify_of(user.clone(), password, origin).await.map(|_| ())
    }

    /// Checks the password of our own, unless too many in a row were wrong. The answer is then that
    /// to a wrong one, after the same work: so a guesser learns neither that the limit is reached
    /// nor, by that, that there is such a user. For passwords of directories, [`OfEntry`] holds the
    /// same limit before the bind. `in_a_row` is how many the place of this attempt has, this one
    /// included, as the attempt itself was counted: so of attempts at the same time exactly one
    /// reaches the limit.
    ///
    /// [`OfEntry`]: super::directory_entry::OfEntry
    pub(super) async fn check_within_limit(
        &self,
        username: &str,
        user: Option<User>,
        password: Secret,
        in_a_row: u32,
        origin: SignInOrigin<'_>,
    ) -> Result<User, SignInError> {
        let limit = self.most_wrong;
        let may_pass = limit == 0 || in_a_row <= limit;
        let is_last = limit > 0 && in_a_row == limit;
        let owner = user.clone().filter(|user| user.enabled && user.password_hash.is_some());
        let checked = self.check_own(username, user, password, may_pass).await;
        if let (Err(SignInError::WrongPassword), true, Some(owner)) = (&checked, is_last, owner) {
            self.limit_reached(&owner, origin).await;
        }
        checked
    }

    /// Tells the owner that no password is taken from there any more. The sign-in is refused
    /// whether or not that succeeds.
    pub(super) async fn limit_reached(&self, owner: &User, origin: SignInOrigin<'_>) {
        let address = origin.address().unwrap_or_default();
        let count = self.most_wrong;
        audit::Event::PasswordGuessed { sub: &owner.sub, peer: address, count }.log();
        let asker = Asker { address, browser: None, language: "en", mark: None, client_id: None };
        let kind = AccountEventKind::PasswordGuessed;
        self.accounts.note(&owner.sub, kind, asker, None).await;
        let mail = self.accounts.too_many_wrong_passwords(owner, asker);
        let queued = match mail {
            Ok(Some(mail)) => self.outbox.put_mails(vec![mail]).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        match queued {
            Ok(()) => self.accounts.mail_queued.notify_waiters(),
            Err(error) => tracing::error!(%error, "the owner was not told of wrong passwords"),
        }
    }

    /// Checks the password of our own of a user.
    async fn check_own(
        &self,
        username: &str,
        user: Option<User>,
        password: Secret,
        may_pass: bool,
    ) -> Result<User, SignInError> {
        // A user without a password costs the same work as one who does not exist.
        let hash = user.as_ref().and_then(|user| user.password_hash.as_ref());
        if let Some(hash) = hash {
            self.passwords.learn(hash);
        }
        let verified = self.passwords.verify(username, hash, password.clone()).await?;
        let user = user.filter(|user| verified && may_pass && user.enabled);
        let user = user.ok_or(SignInError::WrongPassword)?;
        match &user.password_hash {
            Some(hash) if hash.is_outdated() => {
                let hash = hash.clone();
                self.rehash(user, &hash, password).await
            }
            _ => Ok(user),
        }
    }

    /// Replaces a hash with other parameters than today's, while the password is known.
    async fn rehash(
        &self,
        user: User,
        outdated: &PasswordHash,
        password: Secret,
    ) -> Result<User, SignInError> {
        let Some(hash) = self.passwords.rehash(password.clone()).await? else { return Ok(user) };
        if self.users.rehash_password(&user.sub, outdated, &hash).await? {
            return Ok(User { password_hash: Some(hash), ..user });
        }
        // Another sign-in was faster, or the password was changed meanwhile.
        let by_now = self.users.user(&user.sub).await?.filter(|user| user.enabled);
        let by_now = by_now.ok_or(SignInError::WrongPassword)?;
        let hash = by_now.password_hash.as_ref();
        let is_right = self.passwords.verify(&by_now.username, hash, password).await?;
        if is_right { Ok(by_now) } else { Err(SignInError::WrongPassword) }
    }
}
