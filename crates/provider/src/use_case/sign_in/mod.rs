//! Signing in at the provider: the password check with its throttle, and the sessions that come of
//! it.

mod counters;
mod directory_entry;
mod directory_password_change;
mod own_password;
mod password_check;
mod sessions;
mod sign_ins;

use doorward_protocol::ids::ClientId;

pub(crate) use self::sessions::SessionLifetimes;
pub use self::{
    password_check::{PasswordCheck, VerifiedPassword},
    sessions::{Sessions, SignInBrowser, StartedSession},
    sign_ins::SignIns,
};
use crate::{
    model::{
        directory::AccountProblem,
        session::{SignInProof, method},
        time::Timestamp,
        token_handle::TokenHandle,
        user::User,
    },
    store::StoreError,
    use_case::password_verifier::Busy,
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
