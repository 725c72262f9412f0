//! Sessions of users at the provider.

use doorward_protocol::ids::{ClientId, SessionId, Sub};
use serde::{Deserialize, Serialize};

use crate::model::{
    external_identity::{ExternalId, ExternalSubject, Issuer},
    password::PasswordHash,
    time::{Seconds, Timestamp},
    token_handle::TokenHash,
};

/// `amr` of a sign-in by password (RFC 8176).
pub const PASSWORD_METHOD: &str = "pwd";

/// Authentication methods, by their names in RFC 8176 section 2.
pub mod method {
    /// A password.
    pub const PASSWORD: &str = super::PASSWORD_METHOD;
    /// A code that counts once: of an authenticator app, or a recovery code.
    pub const ONE_TIME: &str = "otp";
    /// A key that can't leave its device.
    pub const HARDWARE_KEY: &str = "hwk";
    /// A key that is copied between devices.
    pub const SOFTWARE_KEY: &str = "swk";
    /// The user was present and was verified, by fingerprint, face or PIN.
    pub const USER: &str = "user";
    /// Another provider vouches for the user. RFC 8176 does not have it, and it says nothing of how
    /// the user signed in there.
    pub const EXTERNAL: &str = "external";
    /// More than one factor.
    pub const MULTI_FACTOR: &str = "mfa";

    /// The methods as the `amr` claim lists them.
    pub fn names(methods: &[&str]) -> Vec<String> {
        methods.iter().map(|method| (*method).to_owned()).collect()
    }
}

/// How and when a user proved who they are. It goes from the session into every grant made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// Subject identifier of the user.
    pub sub: Sub,
    /// When the user signed in, to the `auth_time` claim.
    pub auth_time: Timestamp,
    /// Authentication methods (RFC 8176), to the `amr` claim. The `acr` claim follows from them
    /// ([`AcrLevel::of`](crate::model::acr::AcrLevel::of)).
    pub amr: Vec<String>,
    /// Public identifier of the session, to the `sid` claim as the client knows it
    /// ([`Client::session_id`](crate::model::client::Client::session_id)). It is not the cookie.
    pub sid: SessionId,
}

impl Authentication {
    /// Whether the user signed in at most `longest` ago. After the clock was set back nobody knows
    /// when that was, and a sign-in that is as far ahead is too old.
    pub fn is_within(&self, longest: Seconds, now: Timestamp) -> bool {
        now.since(self.auth_time).abs() <= i64::from(longest)
    }
}

/// What a user has shown to sign in. A session begins only if it still is the user's then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInProof {
    /// The password with this hash.
    Password(PasswordHash),
    /// The passkey with this identifier.
    Passkey(Vec<u8>),
    /// A recovery code, in place of the password that the user does not have.
    RecoveryCode,
    /// The word of another provider.
    External(UpstreamSession),
}

/// The session at another provider by which a session here began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamSession {
    /// Who signed in there.
    pub id: ExternalId,
    /// What the provider calls the session (OIDC Back-Channel Logout section 2.1).
    pub sid: Option<String>,
}

/// Which sessions to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionSelector {
    /// The one with this cookie, expired or not.
    Cookie(TokenHash),
    /// The one with this `sid`, if it is this user's.
    OfUser {
        /// Subject identifier.
        sub: Sub,
        /// Public identifier of the session.
        sid: SessionId,
    },
    /// Those that began by a session at another provider (OIDC Back-Channel Logout section 2.5).
    Upstream {
        /// The other provider.
        issuer: Issuer,
        /// Which of its sessions.
        which: UpstreamSelector,
    },
}

/// Which sessions at another provider are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamSelector {
    /// All of this user.
    Subject(ExternalSubject),
    /// The one with this `sid`.
    Session(String),
    /// The one with this `sid`, if it is this user's.
    SubjectAndSession(ExternalSubject, String),
}

/// A session that has just ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    /// Whose it was.
    pub sub: Sub,
    /// Public identifier of the session.
    pub sid: SessionId,
    /// The clients that took part in it: each to which a code was sent.
    pub clients: Vec<ClientId>,
}

/// Where a list of sessions goes on: after the session with these values. The latest sign-in comes
/// first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCursor {
    /// When its user signed in.
    pub auth_time: Timestamp,
    /// Its public identifier.
    pub sid: SessionId,
}

impl UpstreamSelector {
    /// The user there, if one is named.
    pub fn subject(&self) -> Option<&ExternalSubject> {
        match self {
            Self::Subject(subject) | Self::SubjectAndSession(subject, _) => Some(subject),
            Self::Session(_) => None,
        }
    }

    /// The session there, if one is named.
    pub fn sid(&self) -> Option<&str> {
        match self {
            Self::Session(sid) | Self::SubjectAndSession(_, sid) => Some(sid),
            Self::Subject(_) => None,
        }
    }
}

impl Session {
    /// Where the list goes on after this session.
    pub fn cursor(&self) -> SessionCursor {
        let Authentication { auth_time, sid, .. } = &self.authentication;
        SessionCursor { auth_time: *auth_time, sid: sid.clone() }
    }
}

/// A session as the store keeps it, found by the hash of its cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Hash of the cookie's value.
    pub cookie_hash: TokenHash,
    /// Who signed in, how and when.
    pub authentication: Authentication,
    /// From where the user signed in.
    pub device: Device,
    /// The session at another provider by which it began.
    pub upstream: Option<UpstreamSession>,
    /// The session has expired from this timestamp on.
    pub expires_at: Timestamp,
}

/// From where a user signed in, as far as it is known: for the user to recognise the session by,
/// nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// The network address.
    pub address: Option<String>,
    /// The browser and what it runs on, as `Firefox, Linux`.
    pub browser: Option<String>,
}
