//! Whose a password is: that of a user of our own, or of somebody in a directory.

use doorward_protocol::secret::Secret;

use super::{
    SignInError, SignInOrigin,
    counters::Counters,
    directory_entry::{OfEntry, Tried},
};
use crate::{
    model::{
        account_settings::SignInWith,
        device_cookie::DeviceCookies,
        throttle::{Admission, ThrottleKey},
        time::Clock,
        token_handle::draw_id,
        user::{User, normalized_username},
    },
    store::{ExternalIdentities, FailedSignIns, Outbox, StoreError, Users},
    use_case::{
        accounts::Accounts,
        directory::{BeforeBind as _, Directories, DirectoryError, DirectorySignIn},
        password_verifier::PasswordVerifier,
    },
};

/// Whose password was right.
#[derive(Debug)]
pub enum VerifiedPassword {
    /// A user's of our own.
    Local(User),
    /// Somebody's in a directory, who may be new here.
    Directory(Box<DirectorySignIn>),
}

impl VerifiedPassword {
    /// The user of our own.
    pub fn local(self) -> Option<User> {
        if let Self::Local(user) = self { Some(user) } else { None }
    }
}

/// What was typed, and the user of our own who has the name.
struct Attempt {
    /// The name in the form in which names are compared.
    typed: String,
    user: Option<User>,
    password: Secret,
}

impl Attempt {
    /// Failures count for the account, whichever of its names was typed.
    fn counted_name(&self) -> String {
        let name = self.user.as_ref().map(|user| normalized_username(&user.username));
        name.unwrap_or_else(|| self.typed.clone())
    }
}

/// Checks passwords behind the throttle.
#[derive(Clone, Copy)]
pub struct PasswordCheck<'a> {
    pub(crate) users: &'a dyn Users,
    pub(crate) identities: &'a dyn ExternalIdentities,
    pub(crate) directories: Directories<'a>,
    /// Whether passwords of directories are taken, too.
    pub(crate) asks_directories: bool,
    pub(crate) failures: &'a dyn FailedSignIns,
    pub(crate) passwords: &'a PasswordVerifier,
    pub(crate) devices: &'a DeviceCookies,
    pub(crate) sign_in_with: SignInWith,
    /// How many wrong passwords in a row are checked from one place; 0: any number.
    pub(crate) most_wrong: u32,
    /// Tells the owner of an account.
    pub(crate) accounts: Accounts<'a>,
    pub(crate) outbox: &'a dyn Outbox,
    pub(crate) clock: &'a dyn Clock,
}

impl PasswordCheck<'_> {
    /// Checks a user name and password. Unknown users, wrong passwords and disabled users give the
    /// same answer after the same work. Failures are counted for the account and for the address,
    /// or for the browser alone if its device cookie shows that the user has signed in there
    /// before.
    pub async fn verify(
        &self,
        username: &str,
        password: Secret,
        origin: SignInOrigin<'_>,
    ) -> Result<VerifiedPassword, SignInError> {
        self.counted(self.find_and_check(username, password, &Tried::default(), origin)).await
    }

    /// Checks the password of our own of a user who is known already, whatever others sign in with.
    pub(crate) async fn verify_of(
        &self,
        user: User,
        password: Secret,
        origin: SignInOrigin<'_>,
    ) -> Result<User, SignInError> {
        let typed = normalized_username(&user.username);
        let attempt = Attempt { typed, user: Some(user), password };
        let own = self.without_directories();
        let tried = Tried::default();
        let verified = self.counted(own.admit_and_check(attempt, &tried, origin)).await?;
        verified.local().ok_or(SignInError::WrongPassword)
    }

    /// Takes no passwords but our own.
    pub(crate) fn without_directories(&self) -> Self {
        Self { asks_directories: false, ..*self }
    }

    /// Counts the outcome for the metrics.
    pub(super) async fn counted(
        &self,
        check: impl Future<Output = Result<VerifiedPassword, SignInError>>,
    ) -> Result<VerifiedPassword, SignInError> {
        let outcome = check.await;
        let label = outcome.as_ref().map_or_else(SignInError::label, |_| "succeeded");
        metrics::counter!("doorward_sign_ins_total", "outcome" => label).increment(1);
        outcome
    }

    pub(super) async fn find_and_check(
        &self,
        username: &str,
        password: Secret,
        tried: &Tried,
        origin: SignInOrigin<'_>,
    ) -> Result<VerifiedPassword, SignInError> {
        let typed = normalized_username(username);
        let user = self.user_named(&typed).await?;
        self.admit_and_check(Attempt { typed, user, password }, tried, origin).await
    }

    async fn admit_and_check(
        &self,
        attempt: Attempt,
        tried: &Tried,
        origin: SignInOrigin<'_>,
    ) -> Result<VerifiedPassword, SignInError> {
        let username = attempt.counted_name();
        let counters = self.counters(&username, attempt.user.as_ref(), origin).await?;
        let named = attempt.user.clone();
        // It ends when this function does: then its count is given back or kept.
        let mut turn = self.passwords.turns().join(counters.own());
        let limits = counters.limits();
        let count = || self.failures.count_attempt(&limits, self.clock.now());
        let in_a_row = match turn.admit(count).await? {
            Admission::Wait(seconds) => return Err(SignInError::Throttled(seconds)),
            Admission::Counted(counts) => counters.in_a_row(&counts),
        };
        match self.check(attempt, (&counters, in_a_row), tried, origin).await {
            Ok(verified) => {
                let user = match &verified {
                    VerifiedPassword::Local(user) => Some(user),
                    VerifiedPassword::Directory(_) => named.as_ref(),
                };
                let entry = tried.take_counters();
                let known = user.zip(origin.address());
                let known = known.map(|(user, address)| ThrottleKey::known_at(user, address));
                let of_entry = |keys: fn(&Counters) -> Vec<ThrottleKey>| {
                    let keys = entry.iter().flat_map(keys);
                    keys.filter(|key| !counters.keys().contains(key)).collect::<Vec<_>>()
                };
                let own = [counters.cleared(), of_entry(Counters::cleared)].concat();
                let wide = [counters.taken_back(), of_entry(Counters::taken_back)].concat();
                let now = self.clock.now();
                self.failures.sign_in_succeeded(&own, &wide, known.as_slice(), now).await?;
                Ok(verified)
            }
            Err(error @ (SignInError::WrongPassword | SignInError::Account(_))) => Err(error),
            // A password that was sent counts, whatever became of it.
            Err(error) if tried.is_any_sent() => Err(error),
            Err(error @ SignInError::Throttled(_)) => Err(error),
            // Nobody found out anything, so nobody has failed.
            Err(error) => {
                let _ = self.failures.withdraw_attempt(&counters.keys()).await;
                Err(error)
            }
        }
    }

    /// The user with this name to sign in with. As many names are looked up whether or not one is
    /// found.
    pub(crate) async fn user_named(&self, normalized: &str) -> Result<Option<User>, StoreError> {
        let SignInWith { username, email } = self.sign_in_with;
        let by_name = if username { self.users.user_by_username(normalized).await? } else { None };
        let by_email = if email { self.users.user_by_email(normalized).await? } else { None };
        // An address is its owner's, even if somebody has it as a user name.
        Ok(if normalized.contains('@') { by_email.or(by_name) } else { by_name.or(by_email) })
    }

    /// Asks the directories that take the name, and looks at our own user, in the order of the
    /// settings: whoever has the name decides. What is left then is done with a wrong password, so
    /// that every failure costs the same work.
    async fn check(
        &self,
        attempt: Attempt,
        (counters, in_a_row): (&Counters, u32),
        tried: &Tried,
        origin: SignInOrigin<'_>,
    ) -> Result<VerifiedPassword, SignInError> {
        let Attempt { typed, user, password } = attempt;
        let asked =
            if self.asks_directories { self.directories.taking(&typed) } else { Vec::new() };
        let username = user.as_ref().map_or(typed, |user| normalized_username(&user.username));
        let mut own = self.with_own_password(user).await?;
        if asked.is_empty() {
            let checked = self.check_within_limit(&username, own, password, in_a_row, origin);
            return checked.await.map(VerifiedPassword::Local);
        }
        let (before, after): (Vec<_>, Vec<_>) = asked.iter().partition(|own| own.is_first());
        let steps = before.into_iter().map(Some).chain([None]).chain(after.into_iter().map(Some));
        let (mut decided, mut is_unavailable) = (None, false);
        for step in steps {
            let Some(directory) = step else {
                let own = own.take().filter(|_| decided.is_none());
                let has_name = own.is_some();
                let password = password.clone();
                match self.check_within_limit(&username, own, password, in_a_row, origin).await {
                    Ok(user) => return Ok(VerifiedPassword::Local(user)),
                    Err(error) if has_name => decided = Some(error),
                    Err(SignInError::WrongPassword) => {}
                    Err(error) => return Err(error),
                }
                continue;
            };
            let (issuer, name) = (&directory.directory.provider.issuer, &username);
            let before = OfEntry { check: self, issuer, name, counters, tried, origin };
            if decided.is_some() {
                before.decoy().await;
                directory.decoy().await;
                continue;
            }
            match directory.verify(&password, &before, self.clock.now()).await {
                Ok(signed_in) => return Ok(VerifiedPassword::Directory(Box::new(signed_in))),
                Err(DirectoryError::NoEntry) => {}
                Err(DirectoryError::WrongPassword) => {
                    if let Some(owner) = tried.take_owner_at_limit().filter(|own| own.enabled) {
                        self.limit_reached(&owner, origin).await;
                    }
                    decided = Some(SignInError::WrongPassword);
                }
                Err(DirectoryError::Throttled(seconds)) => {
                    return Err(SignInError::Throttled(seconds));
                }
                Err(DirectoryError::Account(problem)) => {
                    tried.note_refused_by(&directory.directory.provider.name);
                    decided = Some(SignInError::Account(problem));
                }
                Err(DirectoryError::Unavailable(_) | DirectoryError::NotAccepted(_)) => {
                    is_unavailable = true;
                }
            }
        }
        Err(match decided {
            Some(error) => error,
            None if is_unavailable => SignInError::DirectoryUnavailable,
            None => SignInError::WrongPassword,
        })
    }

    /// The user, if there is one with a password of our own. Who is in a directory has the
    /// directory's password, and no other. For a name of nobody there is a look at somebody who is
    /// not there, so that both take as long.
    async fn with_own_password(&self, user: Option<User>) -> Result<Option<User>, StoreError> {
        let looked_at = user.as_ref().map(|user| user.sub.clone());
        let looked_at = looked_at.unwrap_or_else(|| draw_id(self.accounts.entropy));
        let is_in_directory =
            self.directories.of_user(self.identities, &looked_at).await?.is_some();
        Ok(user.filter(|user| user.password_hash.is_some() && !is_in_directory))
    }
}
