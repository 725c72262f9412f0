//! Sign-in by the password of a directory (LDAP): who is asked for a typed name, and what comes of
//! the answer. Whose account it is then is decided in
//! [`external_sign_in`](super::external_sign_in).

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use doorward_protocol::{ids::Sub, secret::Secret};
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::{
    model::{
        account_event::{AccountEvent, AccountEventKind},
        directory::{AccountProblem, AccountState, Asked, Directory, LoginName},
        email::EmailAddress,
        external_identity::{ExternalSubject, IdentityUse, StoredIdentity, UpstreamUser},
        identity_provider::{IdentityProvider, IdentityProviderName},
        session::{Device, method},
        throttle::ThrottleKey,
        time::{Clock, Seconds, Timestamp},
        user::User,
    },
    store::{Access, AccountEvents, ExternalIdentities, FailedSignIns, Sessions, StoreError},
    use_case::directory_management::DirectoryManager,
};

/// The client of one directory. LDAP is behind it.
#[async_trait]
pub trait DirectoryClient: Send + Sync + fmt::Debug {
    /// Finds the entry of a name, and tries the password, if `before` lets it. An empty password is
    /// wrong, and is sent nowhere: a directory may take it for a sign-in by nobody (RFC 4513
    /// section 5.1.2).
    async fn verify(
        &self,
        name: &LoginName,
        password: &Secret,
        before: &dyn BeforeBind,
        now: Timestamp,
    ) -> Result<DirectoryUser, DirectoryError>;

    /// Does the work of [`verify`](Self::verify) with a password that is wrong.
    async fn decoy(&self, name: &LoginName);

    /// The entry with this identifier; `None` if there is none any more.
    async fn entry(
        &self,
        subject: &ExternalSubject,
        now: Timestamp,
    ) -> Result<Option<DirectoryUser>, DirectoryError>;

    /// The identifier of the entry of a name; `None` if there is none.
    async fn subject(&self, name: &LoginName) -> Result<Option<ExternalSubject>, DirectoryError>;

    /// Changes the password of the entry with this identifier, also if the directory lets its user
    /// in only then.
    async fn change_password(
        &self,
        subject: &ExternalSubject,
        present: &Secret,
        new: &Secret,
    ) -> Result<(), PasswordChangeError>;

    /// Whether the last question was answered.
    fn is_up(&self) -> bool;

    /// What manages its users; `None` where nobody may.
    fn manager(&self) -> Option<&dyn DirectoryManager> {
        None
    }
}

/// What is asked before a password goes to a directory.
#[async_trait]
pub trait BeforeBind: Send + Sync {
    /// Whether the password may be tried on this entry; `None`: the entry is not known before. An
    /// error is the answer to the sign-in.
    async fn admit(&self, subject: Option<&ExternalSubject>) -> Result<(), DirectoryError>;

    /// Does the work of [`admit`](Self::admit) for a name that has no entry.
    async fn decoy(&self) {}
}

/// Lets every password be tried.
#[derive(Debug, Clone, Copy)]
pub struct Always;

#[async_trait]
impl BeforeBind for Always {
    async fn admit(&self, _: Option<&ExternalSubject>) -> Result<(), DirectoryError> {
        Ok(())
    }
}

/// The clients by the names of their directories.
pub type DirectoryClients = BTreeMap<IdentityProviderName, Arc<dyn DirectoryClient>>;

/// Somebody's entry.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectoryUser {
    /// What names the entry for ever: `objectGUID`, `entryUUID` or the like.
    pub subject: ExternalSubject,
    /// The attributes under their names, and under the names of OpenID Connect Core section 5.1
    /// those that have one. Groups are under `groups`.
    pub claims: Map<String, Value>,
    /// Whether the account can be used.
    pub state: AccountState,
    /// Whether the user has more groups than are read.
    pub groups_are_cut: bool,
}

/// Why a directory signs nobody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// It has no entry of this name.
    #[error("the directory has no entry of this name")]
    NoEntry,
    /// The password is wrong.
    #[error("the directory refuses the password")]
    WrongPassword,
    /// The password is right, and the account can't be used.
    #[error(transparent)]
    Account(AccountProblem),
    /// Too many wrong passwords were tried on this entry. The next one may be, after this many
    /// seconds.
    #[error("too many failed sign-ins: try again in {0} seconds")]
    Throttled(u32),
    /// None of its servers answers in time.
    #[error("the directory does not answer: {0}")]
    Unavailable(String),
    /// It answers what can't be used: the operator has to look.
    #[error("the directory's answer can't be used: {0}")]
    NotAccepted(String),
}

/// Why a directory has not taken a new password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordChangeError {
    /// The present password is wrong.
    #[error("the directory refuses the present password")]
    WrongPassword,
    /// The new password is against the directory's rules, or the user may not change it.
    #[error("the directory refuses the new password: {0}")]
    Refused(String),
    /// None of its servers answers in time.
    #[error("the directory does not answer: {0}")]
    Unavailable(String),
}

/// Somebody for whom a directory vouches.
#[derive(Debug, Clone)]
pub struct DirectorySignIn {
    /// The directory.
    pub directory: IdentityProviderName,
    /// Who it is, as of any other provider.
    pub user: UpstreamUser,
}

/// The directories, and how they are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Directories<'a> {
    pub(crate) settings: &'a [Directory],
    pub(crate) clients: &'a DirectoryClients,
}

/// A directory that is asked for a name.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) directory: &'a Directory,
    client: &'a dyn DirectoryClient,
    name: LoginName,
}

impl<'a> Directories<'a> {
    /// The client of a directory.
    pub(crate) fn client(&self, name: &IdentityProviderName) -> Option<&'a dyn DirectoryClient> {
        self.clients.get(name).map(|client| &**client)
    }

    /// The directories in which a name is looked up, in the order in which they are asked.
    pub(crate) fn taking(&self, typed: &str) -> Vec<Candidate<'a>> {
        let candidate = |directory: &'a Directory| {
            let name = directory.names.take(typed)?;
            let client = self.client(&directory.provider.name)?;
            Some(Candidate { directory, client, name })
        };
        self.settings.iter().filter_map(candidate).collect()
    }

    /// The directory whose users have this issuer.
    pub(crate) fn of_issuer(&self, issuer: &str) -> Option<&'a Directory> {
        self.settings.iter().find(|own| own.provider.issuer == issuer)
    }

    /// The directory of which the user has an identity, and the identity.
    pub(crate) async fn of_user(
        &self,
        identities: &dyn ExternalIdentities,
        sub: &Sub,
    ) -> Result<Option<(&'a Directory, StoredIdentity)>, StoreError> {
        Ok(self.all_of_user(identities, sub).await?.into_iter().next())
    }

    /// All identities that the user has in directories.
    async fn all_of_user(
        &self,
        identities: &dyn ExternalIdentities,
        sub: &Sub,
    ) -> Result<Vec<(&'a Directory, StoredIdentity)>, StoreError> {
        if self.settings.is_empty() {
            return Ok(Vec::new());
        }
        let identities = identities.external_identities(sub).await?.into_iter();
        let of_a_directory = |own: StoredIdentity| Some((self.of_issuer(&own.id.issuer)?, own));
        Ok(identities.filter_map(of_a_directory).collect())
    }
}

impl Candidate<'_> {
    /// Whether it is asked before our own users.
    pub(crate) fn is_first(&self) -> bool {
        self.directory.asked == Asked::BeforeLocalUsers
    }

    /// Tries the password.
    pub(crate) async fn verify(
        &self,
        password: &Secret,
        before: &dyn BeforeBind,
        now: Timestamp,
    ) -> Result<DirectorySignIn, DirectoryError> {
        let verified = if password.expose().is_empty() {
            Err(DirectoryError::WrongPassword)
        } else {
            self.client.verify(&self.name, password, before, now).await
        };
        let directory = self.directory.provider.name.clone();
        let outcome = match &verified {
            Ok(_) => "succeeded",
            Err(DirectoryError::NoEntry) => "no_entry",
            Err(DirectoryError::WrongPassword) => "wrong_password",
            Err(DirectoryError::Account(_)) => "account",
            Err(DirectoryError::Throttled(_)) => "throttled",
            Err(DirectoryError::Unavailable(_)) => "unavailable",
            Err(DirectoryError::NotAccepted(_)) => "not_accepted",
        };
        metrics::counter!(
            "doorward_directory_sign_ins_total",
            "directory" => directory.to_string(), "outcome" => outcome
        )
        .increment(1);
        if let Err(DirectoryError::Unavailable(_) | DirectoryError::NotAccepted(_)) = &verified {
            let cause = verified.as_ref().err().map(ToString::to_string);
            tracing::warn!(%directory, cause, "a directory could not sign a user in");
        }
        let user = verified?;
        if let Some(problem) = user.state.problem {
            return Err(DirectoryError::Account(problem));
        }
        let user = vouched(&self.directory.provider, user, Some(now));
        Ok(DirectorySignIn { directory, user })
    }

    /// Does the work of a wrong password.
    pub(crate) async fn decoy(&self) {
        self.client.decoy(&self.name).await;
    }

    /// The identifier of the entry of the name.
    pub(crate) async fn subject(&self) -> Result<Option<ExternalSubject>, DirectoryError> {
        self.client.subject(&self.name).await
    }
}

/// What became of a password that had to be changed before a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstChange {
    /// It is changed.
    Changed {
        /// The directory.
        directory: IdentityProviderName,
        /// The entry in it.
        entry: ExternalSubject,
        /// The account here, if there is one.
        sub: Option<Sub>,
    },
    /// The present password can be used: nothing was changed.
    NotNeeded,
    /// The directory has not taken the new one.
    Refused(PasswordChangeError),
}

/// A change of a user's password.
pub(crate) struct PasswordChange {
    pub(crate) client: Arc<dyn DirectoryClient>,
    pub(crate) subject: ExternalSubject,
    pub(crate) present: Secret,
    pub(crate) new: Secret,
}

/// Asks a directory again whether its user may still sign in, and what it says of them by now.
#[derive(Clone, Copy)]
pub struct DirectoryStates<'a> {
    pub(crate) directories: Directories<'a>,
    pub(crate) identities: &'a dyn ExternalIdentities,
    pub(crate) access: &'a AccessOfUsers,
    pub(crate) clock: &'a dyn Clock,
}

/// What a directory says of a user who was signed in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody was asked: the user is in no directory, or the last answer is young.
    AsBefore,
    /// The user may go on, and what the mapping gives is as the directory says by now.
    Confirmed,
    /// The directory does not answer, or its answer can't be used, and it has said yes lately.
    Unknown,
    /// The same, and its last yes is too old.
    Untrusted,
    /// The account can't be used any more. The user's sessions and all access have ended.
    Ended(AccountProblem),
}

impl<'a> DirectoryStates<'a> {
    /// The directory that has the user's password, if one has.
    pub async fn directory_of(&self, sub: &Sub) -> Result<Option<&'a Directory>, StoreError> {
        let found = self.directories.of_user(self.identities, sub).await?;
        Ok(found.map(|(directory, _)| directory))
    }

    /// The directory of this name, if its users may be managed.
    pub fn managed_directory(&self, name: &str) -> Option<&'a dyn DirectoryManager> {
        self.managed_directories().find(|own| own.abilities().name.as_str() == name)
    }

    /// Every directory of which the users may be managed.
    pub fn managed_directories(&self) -> impl Iterator<Item = &'a dyn DirectoryManager> + use<'a> {
        let clients = self.directories.clients.values();
        clients.filter_map(|client| client.manager())
    }

    /// Whether a directory did not answer when it was asked last.
    pub fn is_a_directory_down(&self) -> bool {
        self.directories.clients.values().any(|client| !client.is_up())
    }

    /// Ends all sessions of a user and revokes all that clients have of them. Returns how many
    /// sessions there were. `event`: the new password that is the reason.
    pub async fn end_access(
        &self,
        sub: &Sub,
        event: Option<AccountEvent>,
    ) -> Result<u64, StoreError> {
        self.access.clone().end(sub.clone(), event, self.clock.now()).await
    }
}

impl DirectoryStates<'_> {
    /// For somebody who is signed in: asks each directory of the user whose last answer is older
    /// than the setting wants.
    pub(crate) async fn confirm(&self, sub: &Sub) -> Result<Standing, StoreError> {
        let is_due = |directory: &Directory, identity: &StoredIdentity| {
            directory.refresh_interval.is_some_and(|interval| self.is_older(identity, interval))
        };
        self.ask_all(sub, is_due).await
    }

    /// For somebody who signs in without the directory's password: each directory of the user must
    /// say yes, or must have said it lately.
    pub(crate) async fn admit(&self, sub: &Sub) -> Result<Standing, StoreError> {
        let is_due = |directory: &Directory, identity: &StoredIdentity| {
            directory.refresh_interval.is_none_or(|interval| self.is_older(identity, interval))
        };
        self.ask_all(sub, is_due).await
    }

    /// Changes a password, and ends all sessions and access of the user, if there is one here and
    /// the directory takes it. `event` is what that user sees of it. It goes on to its end even if
    /// nobody waits for it any more.
    pub(crate) async fn change_password(
        &self,
        change: PasswordChange,
        event: Option<AccountEvent>,
    ) -> Result<Result<(), PasswordChangeError>, StoreError> {
        let (access, now) = (self.access.clone(), self.clock.now());
        to_the_end(async move {
            let PasswordChange { client, subject, present, new } = change;
            let changed = client.change_password(&subject, &present, &new).await;
            if let (Ok(()), Some(event)) = (&changed, event) {
                access.end(event.sub.clone(), Some(event), now).await?;
            }
            Ok(changed)
        })
        .await
    }

    /// Whether a directory has the user's password.
    pub(crate) async fn has(&self, sub: &Sub) -> Result<bool, StoreError> {
        Ok(self.directories.of_user(self.identities, sub).await?.is_some())
    }

    /// Asks the directories of the user that are due. What is worst for the user counts.
    async fn ask_all(
        &self,
        sub: &Sub,
        is_due: impl Fn(&Directory, &StoredIdentity) -> bool,
    ) -> Result<Standing, StoreError> {
        let mut standing = Standing::AsBefore;
        for (directory, identity) in self.directories.all_of_user(self.identities, sub).await? {
            if !is_due(directory, &identity) {
                continue;
            }
            standing = match (self.ask(directory, identity).await?, standing) {
                (ended @ Standing::Ended(_), _) => return Ok(ended),
                (_, Standing::Untrusted) | (Standing::Untrusted, _) => Standing::Untrusted,
                (_, Standing::Unknown) => Standing::Unknown,
                (one, _) => one,
            };
        }
        Ok(standing)
    }

    /// Whether the last answer is that old; or as far ahead, after the clock was set back.
    fn is_older(&self, identity: &StoredIdentity, interval: Seconds) -> bool {
        let last = identity.used_at.unwrap_or(identity.created_at);
        self.clock.now().since(last).abs() >= i64::from(interval)
    }

    async fn ask(
        &self,
        directory: &Directory,
        identity: StoredIdentity,
    ) -> Result<Standing, StoreError> {
        let (name, now) = (&directory.provider.name, self.clock.now());
        let is_trusted = !self.is_older(&identity, directory.trust_without_answer);
        let unknown = if is_trusted { Standing::Unknown } else { Standing::Untrusted };
        let Some(client) = self.directories.client(name) else { return Ok(unknown) };
        let StoredIdentity { id, sub, .. } = identity;
        let problem = match client.entry(&id.subject, now).await {
            Ok(Some(user)) if !user.state.ends_access() => {
                let user = vouched(&directory.provider, user, None);
                let noted = IdentityUse {
                    provider: name.clone(),
                    shown: user.shown(),
                    mapped: directory.provider.mapped(&user.claims),
                    at: now,
                };
                self.identities.external_identity_used(&id, &sub, noted).await?;
                return Ok(Standing::Confirmed);
            }
            Ok(user) => {
                let problem = user.and_then(|user| user.state.problem);
                problem.unwrap_or(AccountProblem::Disabled)
            }
            Err(error) => {
                tracing::warn!(directory = %name, cause = %error, goes_on = is_trusted,
                    "a directory does not say whether its user may still sign in");
                return Ok(unknown);
            }
        };
        let count = self.access.clone().end(sub.clone(), None, now).await?;
        tracing::info!(directory = %name, sub = %sub, sessions = count, cause = %problem,
            "the sessions and all access of a user have ended");
        Ok(Standing::Ended(problem))
    }
}

/// How many clients lose their access at a time.
const CLIENTS_AT_A_TIME: u32 = 50;

/// The sessions of users and what clients have of them: what ends when a directory says no. It is
/// owned, since the end goes on in a task of its own.
#[derive(Clone)]
pub struct AccessOfUsers {
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) events: Arc<dyn AccountEvents>,
    /// Notified when sessions ended.
    pub(crate) logout_queued: Arc<Notify>,
}

impl AccessOfUsers {
    /// Where no task of this process waits for logout tokens to deliver: nobody is told.
    pub fn telling_nobody(
        sessions: Arc<dyn Sessions>,
        access: Arc<dyn Access>,
        events: Arc<dyn AccountEvents>,
    ) -> Self {
        Self { sessions, access, events, logout_queued: Arc::default() }
    }

    /// Ends all sessions of a user and revokes all that clients have of them; returns how many
    /// sessions there were. It goes on to its end even if nobody waits for it any more. `event` is
    /// the new password that is the reason: sign-ins that wait for a second step end by it.
    pub async fn end(
        self,
        sub: Sub,
        event: Option<AccountEvent>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let ending = async move {
            if let Some(event) = event
                && let Err(error) = self.events.add_account_event(event).await
            {
                tracing::error!(%error, "an event was not kept for its user to see");
            }
            let count = self.sessions.end_sessions_of(&sub, now).await?;
            self.logout_queued.notify_waiters();
            // Each page is gone when the next one is read.
            loop {
                let clients = self.access.access_of(&sub, None, CLIENTS_AT_A_TIME, now).await?;
                if clients.is_empty() {
                    return Ok(count);
                }
                for client in clients {
                    self.access.revoke_access(&sub, &client.client_id, now).await?;
                }
            }
        };
        to_the_end(ending).await
    }
}

/// What the owner of an account sees of a password that an operator or administrator has set in the
/// directory.
pub fn password_set_in_directory(sub: &Sub, at: Timestamp) -> AccountEvent {
    let kind = AccountEventKind::PasswordSetByAdministrator;
    AccountEvent { sub: sub.clone(), at, kind, device: Device::default(), detail: None }
}

/// Makes wrong passwords forgotten after a directory has taken another one of this user. A password
/// of our own has counts of its own, but that of a directory is not known here.
pub async fn forget_wrong_passwords(
    failures: &dyn FailedSignIns,
    user: &User,
    now: Timestamp,
) -> Result<(), StoreError> {
    let counted = ThrottleKey::wrong_passwords(user, None);
    failures.sign_in_succeeded(&[counted], &[], &[], now).await
}

/// Works in a task of its own, which goes on if the request ends before.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let stopped = |_| Err(StoreError::Unavailable("a task has stopped".to_owned()));
    tokio::spawn(work).await.unwrap_or_else(stopped)
}

/// An entry as the answer of any other provider. An address counts as verified where the operator
/// believes the directory for its domain.
pub(crate) fn vouched(
    provider: &IdentityProvider,
    user: DirectoryUser,
    auth_time: Option<Timestamp>,
) -> UpstreamUser {
    let mut claims = user.claims;
    let email = claims.get("email").and_then(Value::as_str);
    let email = email.and_then(|email| EmailAddress::parse(email).ok());
    let is_trusted = email.is_some_and(|email| provider.is_trusted_for(&email));
    claims.insert("email_verified".to_owned(), is_trusted.into());
    UpstreamUser {
        issuer: provider.issuer.clone(),
        sub: user.subject.as_str().to_owned(),
        claims,
        auth_time,
        amr: method::names(&[method::PASSWORD]),
        acr: None,
        sid: None,
        provisioned_as: None,
    }
}
