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
        directory::{AccountProblem, AccountState, Asked, Directory, LoginName},
        email::EmailAddress,
        external_identity::{ExternalSubject, IdentityUse, StoredIdentity, UpstreamUser},
        identity_provider::{IdentityProvider, IdentityProviderName},
        session::method,
        time::{Clock, Seconds, Timestamp},
    },
    store::{ExternalIdentities, Store, StoreError},
};

/// The client of one directory. LDAP is behind it.
#[async_trait]
pub trait DirectoryClient: Send + Sync + fmt::Debug {
    /// Finds the entry of a name, and tries the password. An empty password is wrong, and is sent
    /// nowhere: a directory may take it for a sign-in by nobody (RFC 4513 section 5.1.2).
    async fn verify(
        &self,
        name: &LoginName,
        password: &Secret,
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

    /// Changes the password of the entry with this identifier.
    async fn change_password(
        &self,
        subject: &ExternalSubject,
        present: &Secret,
        new: &Secret,
    ) -> Result<(), PasswordChangeError>;

    /// Whether the last question was answered.
    fn is_up(&self) -> bool;
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
        if self.settings.is_empty() {
            return Ok(None);
        }
        let identities = identities.external_identities(sub).await?;
        Ok(identities
            .into_iter()
            .find_map(|own| self.of_issuer(&own.id.issuer).map(|directory| (directory, own))))
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
        now: Timestamp,
    ) -> Result<DirectorySignIn, DirectoryError> {
        let verified = if password.expose().is_empty() {
            Err(DirectoryError::WrongPassword)
        } else {
            self.client.verify(&self.name, password, now).await
        };
        let directory = self.directory.provider.name.clone();
        let outcome = match &verified {
            Ok(_) => "succeeded",
            Err(DirectoryError::NoEntry) => "no_entry",
            Err(DirectoryError::WrongPassword) => "wrong_password",
            Err(DirectoryError::Account(_)) => "account",
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
}

/// Asks a directory again whether its user may still sign in, and what it says of them by now.
#[derive(Clone, Copy)]
pub(crate) struct DirectoryStates<'a> {
    pub(crate) directories: Directories<'a>,
    pub(crate) store: &'a dyn Store,
    pub(crate) logout_queued: &'a Notify,
    pub(crate) clock: &'a dyn Clock,
}

/// What a directory says of a user who was signed in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody was asked: the user is in no directory, or the last answer is young.
    AsBefore,
    /// The user may go on, and what the mapping gives is as the directory says by now.
    Confirmed,
    /// The directory does not answer, or its answer can't be used.
    Unknown,
    /// The account can't be used any more. The user's sessions have ended.
    Ended(AccountProblem),
}

impl DirectoryStates<'_> {
    /// For somebody who is signed in: asks if the last answer is older than the setting wants.
    pub(crate) async fn confirm(&self, sub: &Sub) -> Result<Standing, StoreError> {
        let Some((directory, identity)) = self.of_user(sub).await? else {
            return Ok(Standing::AsBefore);
        };
        match directory.refresh_interval {
            Some(interval) if self.is_older(&identity, interval) => {
                self.ask(directory, identity).await
            }
            _ => Ok(Standing::AsBefore),
        }
    }

    /// For somebody who signs in without the directory's password: the directory must say yes, or
    /// must have said it lately.
    pub(crate) async fn admit(&self, sub: &Sub) -> Result<Standing, StoreError> {
        let Some((directory, identity)) = self.of_user(sub).await? else {
            return Ok(Standing::AsBefore);
        };
        match directory.refresh_interval {
            Some(interval) if !self.is_older(&identity, interval) => Ok(Standing::AsBefore),
            _ => self.ask(directory, identity).await,
        }
    }

    /// Whether a directory has the user's password.
    pub(crate) async fn has(&self, sub: &Sub) -> Result<bool, StoreError> {
        Ok(self.of_user(sub).await?.is_some())
    }

    async fn of_user(&self, sub: &Sub) -> Result<Option<(&Directory, StoredIdentity)>, StoreError> {
        let identities: &dyn ExternalIdentities = self.store;
        self.directories.of_user(identities, sub).await
    }

    fn is_older(&self, identity: &StoredIdentity, interval: Seconds) -> bool {
        let last = identity.used_at.unwrap_or(identity.created_at);
        last.plus(interval) <= self.clock.now()
    }

    async fn ask(
        &self,
        directory: &Directory,
        identity: StoredIdentity,
    ) -> Result<Standing, StoreError> {
        let (name, now) = (&directory.provider.name, self.clock.now());
        let Some(client) = self.directories.client(name) else { return Ok(Standing::Unknown) };
        let StoredIdentity { id, sub, .. } = identity;
        let problem = match client.entry(&id.subject, now).await {
            Ok(Some(user)) if !user.state.ends_access() => {
                let user = vouched(&directory.provider, user, None);
                let noted = IdentityUse {
                    provider: name.clone(),
                    shown: user.shown(),
                    mapped: directory.provider.claims.apply(&user.claims).claims,
                    at: now,
                };
                self.store.external_identity_used(&id, &sub, noted).await?;
                return Ok(Standing::Confirmed);
            }
            Ok(user) => {
                let problem = user.and_then(|user| user.state.problem);
                problem.unwrap_or(AccountProblem::Disabled)
            }
            Err(error) => {
                tracing::warn!(directory = %name, cause = %error,
                    "a directory was not asked again about its user, who goes on");
                return Ok(Standing::Unknown);
            }
        };
        let count = self.store.end_sessions_of(&sub, now).await?;
        tracing::info!(directory = %name, sub = %sub, sessions = count, cause = %problem,
            "the sessions of a user have ended");
        self.logout_queued.notify_waiters();
        Ok(Standing::Ended(problem))
    }
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
    }
}
