//! Signing in at the provider: the password check with its throttle, and the sessions that come of
//! it.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use doorward_protocol::{ids::ClientId, secret::Secret};
use tokio::sync::Notify;

use crate::{
    audit,
    model::{
        account_event::AccountEventKind,
        account_notice::AccountNotices,
        account_settings::SignInWith,
        device_cookie::DeviceCookies,
        directory::{self, AccountProblem},
        external_identity::{ExternalId, ExternalSubject},
        identity_provider::IdentityProviderName,
        password::PasswordHash,
        session::{
            Authentication, Device, EndedSession, Session, SessionSelector, SignInProof, method,
        },
        throttle::{self, Admission, ThrottleKey, ThrottlePolicy},
        time::{Clock, Entropy, Seconds, Timestamp},
        token_handle::{TokenHandle, draw_id},
        user::{User, normalized_username},
    },
    store::{self, ExternalIdentities, FailedSignIns, Outbox, StoreError, Users},
    use_case::{
        accounts::{Accounts, Asker},
        client_registry::ClientRegistry,
        directory::{
            BeforeBind, Directories, DirectoryError, DirectorySignIn, DirectoryStates, FirstChange,
            PasswordChange, PasswordChangeError, Standing,
        },
        logout::{SignedOut, front_channel},
        password_verifier::{Busy, PasswordVerifier},
    },
};

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown user, wrong password or disabled user. The answer does not say which.
    #[error("the user name or the password is wrong")]
    WrongPassword,
    /// Too many failures. The next attempt is checked after this many seconds.
    #[error("too many failed sign-ins: try again in {0} seconds")]
    Throttled(u32),
    /// More sign-ins wait than the machine can check.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The password is right, and the directory's account can't be used.
    #[error(transparent)]
    Account(AccountProblem),
    /// The directory that has to know the password does not answer.
    #[error("the directory that has the password does not answer")]
    DirectoryUnavailable,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignInError {
    /// The outcome as a label of a metric.
    fn label(&self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong_password",
            Self::Throttled(_) => "throttled",
            Self::Busy(_) => "busy",
            Self::Account(_) => "account",
            Self::DirectoryUnavailable => "directory_unavailable",
            Self::Store(_) => "unavailable",
        }
    }
}

/// How a user has signed in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// What must still be the user's when the session begins.
    pub proof: SignInProof,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// When the user did it, if that was before the session begins.
    pub auth_time: Option<Timestamp>,
}

impl SignIn {
    /// By a password alone; `None` if the user has none.
    pub fn by_password(user: &User) -> Option<Self> {
        Self::by_password_and(user, method::names(&[method::PASSWORD]))
    }

    /// By a recovery code in place of the password that the user does not have.
    pub(crate) fn by_recovery_code() -> Self {
        let amr = method::names(&[method::ONE_TIME]);
        Self { proof: SignInProof::RecoveryCode, amr, auth_time: None }
    }

    /// By a password, and by what else `amr` says; `None` if the user has no password.
    pub fn by_password_and(user: &User, amr: Vec<String>) -> Option<Self> {
        let hash = user.password_hash.clone()?;
        Some(Self { proof: SignInProof::Password(hash), amr, auth_time: None })
    }
}

/// A session that has just begun.
#[derive(Debug)]
pub struct StartedSession {
    /// The cookie's value, to be sent to the browser only.
    pub cookie: TokenHandle,
    /// How long the browser keeps the cookie; `None`: until it is closed.
    pub max_age: Option<Seconds>,
    /// The device cookie's value, kept by the browser for
    /// [`LIFETIME`](crate::model::device_cookie::LIFETIME).
    pub device_cookie: TokenHandle,
}

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
pub(crate) struct PasswordCheck<'a> {
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
    /// same answer after the same work; failures are counted for where the attempt came from.
    pub(crate) async fn verify(
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

    /// Changes the password of a user who is in a directory, and ends all sessions and access of
    /// the user. A wrong present one counts as at the login page. `None` if the user is in none.
    pub(crate) async fn change_in_directory(
        &self,
        user: &User,
        present: &Secret,
        new: &Secret,
        origin: SignInOrigin<'_>,
        states: DirectoryStates<'_>,
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
        let changed = states.change_password(change, Some(&user.sub)).await?;
        // Who got no answer may have had the password tried.
        let is_right = matches!(changed, Ok(()) | Err(PasswordChangeError::Refused(_)));
        if is_right {
            self.failures.withdraw_attempt(&counters.keys()).await?;
        }
        Ok(Some(changed))
    }

    /// Whether somebody whom a directory does not let in for this reason may change the password
    /// there first.
    pub(crate) fn may_change_first(&self, username: &str, problem: AccountProblem) -> bool {
        let asked = self.directories.taking(&normalized_username(username));
        asked.iter().any(|own| own.directory.lets_change_at_sign_in(problem))
    }

    /// Changes the password of somebody whom a directory lets in only then. The present one is
    /// tried first as at a sign-in, behind the same throttle: nobody learns more by this way.
    pub(crate) async fn change_first(
        &self,
        username: &str,
        present: &Secret,
        new: &Secret,
        origin: SignInOrigin<'_>,
        states: DirectoryStates<'_>,
    ) -> Result<FirstChange, SignInError> {
        // By the form of the name alone, which tells nothing of who there is.
        let asked = self.directories.taking(&normalized_username(username));
        if !asked.iter().any(|own| own.directory.changes_passwords) {
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
        let mut asked = asked.into_iter();
        let candidate = asked.find(|own| refused_by.as_ref() == Some(&own.directory.provider.name));
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
        Ok(match states.change_password(change, sub.as_ref()).await? {
            Ok(()) => FirstChange::Changed { directory, entry, sub },
            Err(error) => FirstChange::Refused(error),
        })
    }

    /// Takes no passwords but our own.
    pub(crate) fn without_directories(&self) -> Self {
        Self { asks_directories: false, ..*self }
    }

    /// Counts the outcome for the metrics.
    async fn counted(
        &self,
        check: impl Future<Output = Result<VerifiedPassword, SignInError>>,
    ) -> Result<VerifiedPassword, SignInError> {
        let outcome = check.await;
        let label = outcome.as_ref().map_or_else(SignInError::label, |_| "succeeded");
        metrics::counter!("doorward_sign_ins_total", "outcome" => label).increment(1);
        outcome
    }

    async fn find_and_check(
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
        let now = self.clock.now();
        let in_a_row = match self.failures.count_attempt(&counters.limits(), now).await? {
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

    /// Checks the password of our own, unless too many in a row were wrong. The answer is then that
    /// to a wrong one, after the same work: so a guesser learns neither that the limit is reached
    /// nor, by that, that there is such a user. For passwords of directories, [`OfEntry`] holds the
    /// same limit before the bind. `in_a_row` is how many the place of this attempt has, this one
    /// included, as the attempt itself was counted: so of attempts at the same time exactly one
    /// reaches the limit.
    async fn check_within_limit(
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
    async fn limit_reached(&self, owner: &User, origin: SignInOrigin<'_>) {
        let address = origin.address().unwrap_or_default();
        let count = self.most_wrong;
        audit::Event::PasswordGuessed { sub: &owner.sub, peer: address, count }.log();
        let language = owner.claims.0.get("locale").and_then(|locale| locale.as_str());
        let language = language.and_then(|locale| locale.get(..2)).unwrap_or("en");
        let asker = Asker { address, browser: None, language, mark: None };
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
        // Who is in a directory has the directory's password, and no other.
        let is_in_directory = match &user {
            Some(user) => self.directories.of_user(self.identities, &user.sub).await?.is_some(),
            None => false,
        };
        let has_own = |user: &User| user.password_hash.is_some() && !is_in_directory;
        let mut own = user.filter(has_own);
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
                Err(DirectoryError::WrongPassword) => decided = Some(SignInError::WrongPassword),
                Err(DirectoryError::Throttled(seconds)) => {
                    return Err(SignInError::Throttled(seconds));
                }
                Err(DirectoryError::Account(problem)) => {
                    tried.lock().refused_by = Some(directory.directory.provider.name.clone());
                    decided = Some(SignInError::Account(problem));
                }
                Err(DirectoryError::Unavailable(_) | DirectoryError::NotAccepted(_)) => {
                    is_unavailable = true;
                }
            }
        }
        let undecided = || {
            if is_unavailable {
                SignInError::DirectoryUnavailable
            } else {
                SignInError::WrongPassword
            }
        };
        Err(decided.unwrap_or_else(undecided))
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

    /// What this attempt is counted for. The owner of an account is known by a browser or an
    /// address that has signed it in before: only failures there hold them up.
    async fn counters(
        &self,
        username: &str,
        user: Option<&User>,
        origin: SignInOrigin<'_>,
    ) -> Result<Counters, StoreError> {
        let (address, device) = match origin {
            SignInOrigin::Browser { address, device } => (address, device),
            SignInOrigin::Client { client_id } => {
                let own = ThrottleKey::account_at_client(username, client_id);
                return Ok(Counters::alone(own, throttle::PER_ACCOUNT_AND_CLIENT));
            }
        };
        // What failures in this browser are counted for, if it has signed the account in before.
        let known_device =
            user.zip(device).and_then(|(user, cookie)| self.devices.recognise(cookie, user));
        if let Some((user, browser)) = user.zip(known_device) {
            let in_a_row = InARow::at(user, &browser.key);
            let counters = Counters::alone(browser.key, throttle::PER_DEVICE);
            return Ok(Counters { in_a_row: Some(in_a_row), ..counters });
        }
        let here = ThrottleKey::account_at(username, address);
        // A name of nobody is looked for like that of a user, and is never known.
        let known = user.map_or(here.clone(), |user| ThrottleKey::known_at(user, address));
        let is_known = self.failures.has_signed_in(&[known], self.clock.now()).await?;
        let (wide, in_a_row) = match user {
            Some(user) if !is_known.is_empty() => (Vec::new(), InARow::at(user, &here)),
            user => {
                let mut wide = vec![(ThrottleKey::account(username), throttle::PER_ACCOUNT)];
                wide.extend(throttle::of_address(address));
                (wide, InARow::elsewhere(username, user))
            }
        };
        let own = (here, throttle::PER_ACCOUNT_AND_ADDRESS);
        Ok(Counters { own, wide, in_a_row: Some(in_a_row) })
    }
}

/// What an attempt has tried in directories.
#[derive(Default)]
struct Tried(Mutex<InDirectories>);

#[derive(Default)]
struct InDirectories {
    /// What it is counted for, by the entries that were found.
    counters: Vec<Counters>,
    /// Whether a directory has got the password.
    is_any_sent: bool,
    /// The directory that has taken the password, and yet lets nobody in.
    refused_by: Option<IdentityProviderName>,
}

impl Tried {
    fn lock(&self) -> MutexGuard<'_, InDirectories> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_counters(&self) -> Vec<Counters> {
        mem::take(&mut self.lock().counters)
    }

    fn is_any_sent(&self) -> bool {
        self.lock().is_any_sent
    }

    fn refused_by(&self) -> Option<IdentityProviderName> {
        self.lock().refused_by.clone()
    }
}

/// Counts an attempt for the entry that a directory has found. A directory knows one entry by many
/// names (aliases, other letters that it takes for the same), and so failures under each of them
/// add up.
struct OfEntry<'a> {
    check: &'a PasswordCheck<'a>,
    issuer: &'a str,
    /// The name that was typed, or that of our own user who has it.
    name: &'a str,
    /// What it is counted for by the name.
    counters: &'a Counters,
    tried: &'a Tried,
    origin: SignInOrigin<'a>,
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
        self.tried.lock().counters.push(counters);
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

/// Where an attempt to sign in comes from.
#[derive(Debug, Clone, Copy)]
pub enum SignInOrigin<'a> {
    /// A browser of the user.
    Browser {
        /// The network address.
        address: &'a str,
        /// The device cookie.
        device: Option<&'a TokenHandle>,
    },
    /// A client that asks its users for their passwords itself (RFC 6749 section 4.3).
    Client {
        /// The client.
        client_id: &'a ClientId,
    },
}

impl SignInOrigin<'_> {
    /// The address that a success makes known; that of a client says nothing about its users.
    fn address(&self) -> Option<&str> {
        match self {
            Self::Browser { address, .. } => Some(address),
            Self::Client { .. } => None,
        }
    }
}

/// The keys that one attempt is counted for.
struct Counters {
    /// The narrowest one, which a success clears.
    own: (ThrottleKey, ThrottlePolicy),
    wide: Vec<(ThrottleKey, ThrottlePolicy)>,
    /// Wrong passwords in a row; `None` for a client, which can't say where its users are.
    in_a_row: Option<InARow>,
}

/// Where wrong passwords in a row are counted: a place that is known for the account, or all others
/// together.
struct InARow {
    key: ThrottleKey,
    policy: ThrottlePolicy,
    /// Whether a success begins the count anew. Elsewhere a success takes back its own failures
    /// only: otherwise each sign-in of the owner would give a guesser as many guesses again.
    is_of_a_place: bool,
}

impl InARow {
    fn at(user: &User, place: &ThrottleKey) -> Self {
        let key = ThrottleKey::wrong_passwords(user, Some(place));
        Self { key, policy: throttle::WRONG_PASSWORDS, is_of_a_place: true }
    }

    fn elsewhere(username: &str, user: Option<&User>) -> Self {
        let (key, policy) = if let Some(user) = user {
            (ThrottleKey::wrong_passwords(user, None), throttle::WRONG_PASSWORDS)
        } else {
            let key = ThrottleKey::wrong_passwords_of_nobody(username);
            (key, throttle::WRONG_PASSWORDS_OF_NOBODY)
        };
        Self { key, policy, is_of_a_place: false }
    }
}

impl Counters {
    fn alone(own: ThrottleKey, policy: ThrottlePolicy) -> Self {
        Self { own: (own, policy), wide: Vec::new(), in_a_row: None }
    }

    /// All of them, that of wrong passwords in a row last.
    fn limits(&self) -> Vec<(ThrottleKey, ThrottlePolicy)> {
        let in_a_row = self.in_a_row.iter().map(|own| (own.key.clone(), own.policy));
        [self.own.clone()].into_iter().chain(self.wide.iter().cloned()).chain(in_a_row).collect()
    }

    /// The number of wrong passwords in a row among the counts of [`limits`](Self::limits).
    fn in_a_row(&self, counts: &[u32]) -> u32 {
        self.in_a_row.as_ref().and(counts.last()).copied().unwrap_or_default()
    }

    /// What a success makes forgotten, the narrowest first.
    fn cleared(&self) -> Vec<ThrottleKey> {
        let of_place = self.in_a_row.iter().filter(|own| own.is_of_a_place);
        [self.own.0.clone()].into_iter().chain(of_place.map(|own| own.key.clone())).collect()
    }

    /// From what a success takes its own failures back.
    fn taken_back(&self) -> Vec<ThrottleKey> {
        let elsewhere = self.in_a_row.iter().filter(|own| !own.is_of_a_place);
        let wide = self.wide.iter().map(|(key, _)| key.clone());
        wide.chain(elsewhere.map(|own| own.key.clone())).collect()
    }

    fn keys(&self) -> Vec<ThrottleKey> {
        self.limits().into_iter().map(|(key, _)| key).collect()
    }
}

/// Starts, finds and ends sessions.
#[derive(Clone, Copy)]
pub(crate) struct Sessions<'a> {
    pub(crate) table: &'a dyn store::Sessions,
    pub(crate) users: &'a dyn Users,
    pub(crate) clients: &'a ClientRegistry,
    pub(crate) lifetimes: SessionLifetimes,
    pub(crate) devices: &'a DeviceCookies,
    pub(crate) directories: DirectoryStates<'a>,
    pub(crate) issuer: &'a str,
    pub(crate) logout_queued: &'a Notify,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLifetimes {
    /// Until the browser is closed, and no longer than this.
    pub(crate) plain: Seconds,
    /// Where the user asked to be remembered.
    pub(crate) remembered: Seconds,
}

/// How a session begins.
pub(crate) struct Beginning<'a> {
    pub(crate) sign_in: SignIn,
    pub(crate) remember: bool,
    pub(crate) device: Device,
    /// The cookie of the browser's earlier session.
    pub(crate) replaces: Option<&'a TokenHandle>,
    /// What tells the user of the sign-in.
    pub(crate) notices: AccountNotices,
}

/// The browser in which somebody signs in.
#[derive(Debug)]
pub struct SignInBrowser<'a> {
    /// From where, for the list of sessions.
    pub device: Device,
    /// The cookie of its session so far, which ends.
    pub session: Option<&'a TokenHandle>,
    /// Its device cookie.
    pub known_by: Option<&'a TokenHandle>,
    /// The language of the page.
    pub language: &'a str,
}

impl Sessions<'_> {
    /// Starts a session under a new identifier; the browser's earlier one ends (no session
    /// fixation). `user` is as they were verified: if by now the proof is not theirs any more, the
    /// sign-in fails after all.
    pub(crate) async fn start(
        &self,
        user: &User,
        beginning: Beginning<'_>,
    ) -> Result<StartedSession, SignInError> {
        let Beginning { sign_in, remember, device, replaces, notices } = beginning;
        let now = self.clock.now();
        self.admit(user, &sign_in.proof).await?;
        // Signed in again, the user goes on in the same session as far as clients know it by its
        // `sid`.
        let before = self.find(replaces).await?.map(|session| session.authentication);
        let sid = before.filter(|before| before.sub == user.sub).map(|before| before.sid);
        let cookie = TokenHandle::generate(self.entropy);
        let lifetime = if remember { self.lifetimes.remembered } else { self.lifetimes.plain };
        let upstream = match &sign_in.proof {
            SignInProof::External(upstream) => Some(upstream.clone()),
            _ => None,
        };
        let session = Session {
            cookie_hash: cookie.hash(),
            upstream,
            authentication: Authentication {
                sub: user.sub.clone(),
                // Nobody has signed in later than now.
                auth_time: sign_in.auth_time.map_or(now, |before| before.min(now)),
                amr: sign_in.amr,
                sid: sid.unwrap_or_else(|| draw_id(self.entropy)),
            },
            device,
            expires_at: now.plus(lifetime),
        };
        let earlier = replaces.map(TokenHandle::hash);
        if !self.table.start_session(session, &sign_in.proof, earlier, notices, now).await? {
            return Err(SignInError::WrongPassword);
        }
        self.logout_queued.notify_waiters();
        let device_cookie = self.devices.issue(user, self.entropy);
        Ok(StartedSession { cookie, max_age: remember.then_some(lifetime), device_cookie })
    }

    /// Whether a directory that has the user lets them in. It has just done so if the proof is its
    /// own word.
    async fn admit(&self, user: &User, proof: &SignInProof) -> Result<(), SignInError> {
        if let SignInProof::External(session) = proof
            && directory::is_directory(&session.id.issuer)
        {
            return Ok(());
        }
        match self.directories.admit(&user.sub).await? {
            Standing::AsBefore | Standing::Confirmed => Ok(()),
            Standing::Unknown | Standing::Untrusted => Err(SignInError::DirectoryUnavailable),
            Standing::Ended(problem) => Err(SignInError::Account(problem)),
        }
    }

    /// The session that a browser's cookie names, if it lives and its user may still sign in.
    pub(crate) async fn find(
        &self,
        cookie: Option<&TokenHandle>,
    ) -> Result<Option<Session>, StoreError> {
        let Some(cookie) = cookie else { return Ok(None) };
        let Some(session) = self.table.session(cookie.hash(), self.clock.now()).await? else {
            return Ok(None);
        };
        let sub = &session.authentication.sub;
        if self.users.user(sub).await?.is_none_or(|user| !user.enabled) {
            return Ok(None);
        }
        let standing = self.directories.confirm(sub).await?;
        let is_over = matches!(standing, Standing::Ended(_) | Standing::Untrusted);
        Ok((!is_over).then_some(session))
    }

    /// Ends a browser's session, and notifies its clients.
    pub(crate) async fn end(
        &self,
        cookie: &TokenHandle,
        address: &str,
    ) -> Result<SignedOut, StoreError> {
        let ended = self
            .table
            .end_sessions(SessionSelector::Cookie(cookie.hash()), self.clock.now())
            .await?;
        self.logout_queued.notify_waiters();
        for session in &ended {
            let EndedSession { sub, sid, .. } = session;
            audit::Event::SignedOut { sub, sid, peer: address }.log();
        }
        Ok(front_channel::frames(&ended, self.clients, self.issuer))
    }
}
