//! Audit events: who did what by which client from where, and how it ended. None holds a secret: an
//! event has the fields of its variant only.
//!
//! Each is one log line of a target of its own, and one [`Record`] in the trail of the task
//! ([`scope`]), which the store keeps. The records are sealed by a chain ([`ChainKey`]).

mod chain;
mod context;
mod record;

use std::error::Error;

use doorward_protocol::ids::{ClientId, SessionId, Sub};
use serde_json::Map;
use tracing::field::display;

pub(crate) use self::context::with_request;
pub use self::{
    chain::{Anchor, Break, Chain, ChainKey, SealedPlace, Verification},
    context::{Request, Trail, inherit, scope},
    record::{
        Actor, ActorKind, Cursor, Data, Filter, FoundRecords, KeptRecord, Object, Outcome, Record,
        Seal, StampedRecord,
    },
};

/// The target of the log lines.
pub const TARGET: &str = "doorward::audit";

/// The grant type of a renewal (RFC 6749 section 6).
const RENEWAL: &str = "refresh_token";

/// Why something ended as it did.
type Cause = dyn Error + Send + Sync;

/// Defines the events: the variant, the name and the outcome in the log line, who does it, and the
/// fields. A field has the name that it has in the line. `at will` marks what a stranger can do as
/// often as they like, and says as what it is counted.
macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $variant:ident = $name:literal, $outcome:ident by $actor:ident $(at will as $will:ident)? {
            $($field:ident: $type:ty),+ $(,)?
        }
    )+) => {
        /// Something that an auditor wants to know of.
        ///
        /// The fields: `sub` is the user, `client_id` the client, `peer` the address of who asked,
        /// `sid` the session, `grant_type` that of a token request, `kid` the signing key,
        /// `directory` and `entry` a user of a directory, `count` how many times or of how many,
        /// and `cause` why it ended so.
        #[derive(Debug, Clone, Copy)]
        #[allow(missing_docs)]
        pub enum Event<'a> {
            $($(#[$doc])* $variant { $($field: $type),+ },)+
        }

        impl Event<'_> {
            /// The name of every event. `docs/guides/monitoring.md` explains each.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The names of what a stranger can do as often as they like and is counted by itself,
            /// beside what else is refused or done by nobody in particular.
            const AT_WILL: &'static [(&'static str, AtWill)] =
                &[$($(($name, AtWill::$will),)?)+];

            fn line(&self) -> Line<'_> {
                match *self {
                    $(Self::$variant { $($field),+ } => Line {
                        $($field: Logged::logged($field),)+
                        ..Line::new($name, Outcome::$outcome, ActorKind::$actor)
                    },)+
                }
            }
        }
    };
}

events! {
    /// A user signed in at the login page.
    SignedIn = "signed_in", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// A sign-in failed or was throttled. What was typed as a name is not logged.
    SignInRefused = "sign_in_refused", Refused by Anonymous at will as Guess {
        peer: &'a str, cause: &'a Cause,
    }
    /// The user cancelled the sign-in that a client asked for.
    SignInCancelled = "sign_in_cancelled", Denied by Anonymous {
        client_id: &'a ClientId, peer: &'a str,
    }
    /// A user signed out.
    SignedOut = "signed_out", Succeeded by User {
        sub: &'a Sub, sid: &'a SessionId, peer: &'a str,
    }
    /// A user ended another session of theirs: `count` is 0 if there was none.
    SessionEnded = "session_ended", Succeeded by User {
        sub: &'a Sub, sid: &'a SessionId, peer: &'a str, count: usize,
    }
    /// Somebody asked for a link to set another password. `sub` is there if it was sent.
    PasswordResetAskedFor = "password_reset_asked_for", Succeeded by Anonymous {
        sub: Option<&'a Sub>, peer: &'a str,
    }
    /// A user set another password by a link.
    PasswordReset = "password_reset", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// Somebody asked for a link to register.
    RegistrationAskedFor = "registration_asked_for", Succeeded by Anonymous {
        peer: &'a str,
    }
    /// A user registered.
    Registered = "registered", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// A user registered by an invitation.
    InvitationAccepted = "invitation_accepted", Succeeded by User {
        sub: &'a Sub, peer: &'a str,
    }
    /// A user confirmed an e-mail address.
    EmailConfirmed = "email_confirmed", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// The password was right, and the second factor was not, or came too often.
    SecondStepRefused = "second_step_refused", Refused by Anonymous at will as Guess {
        sub: &'a Sub, peer: &'a str, cause: &'a Cause,
    }
    /// A user signed in with a recovery code. `count` is how many are left.
    RecoveryCodeUsed = "recovery_code_used", Succeeded by User {
        sub: &'a Sub, peer: &'a str, count: u32,
    }
    /// So many passwords of a user were wrong in a row that no more are taken from there. `count`
    /// is how many.
    PasswordGuessed = "password_guessed", Refused by Anonymous at will as Guess {
        sub: &'a Sub, peer: &'a str, count: u32,
    }
    /// A user linked an identity at another provider.
    IdentityLinked = "identity_linked", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// A user unlinked an identity at another provider.
    IdentityUnlinked = "identity_unlinked", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// A user set an authenticator app up.
    TotpAdded = "totp_added", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// A user removed the authenticator app.
    TotpRemoved = "totp_removed", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// A user made new recovery codes.
    RecoveryCodesMade = "recovery_codes_made", Succeeded by User {
        sub: &'a Sub, peer: &'a str,
    }
    /// A user added a passkey.
    PasskeyAdded = "passkey_added", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// A user removed a passkey.
    PasskeyRemoved = "passkey_removed", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// The counter of a passkey went back: there may be a copy of it. The sign-in was refused.
    PasskeyCounterWentBack = "passkey_counter_went_back", Replayed by Anonymous {
        sub: &'a Sub, peer: &'a str,
    }
    /// A user consented.
    ConsentGiven = "consent_given", Succeeded by User {
        sub: &'a Sub, client_id: &'a ClientId, peer: &'a str,
    }
    /// A user did not consent.
    ConsentDenied = "consent_denied", Denied by User {
        sub: &'a Sub, client_id: &'a ClientId, peer: &'a str,
    }
    /// A user allowed a device.
    DeviceAllowed = "device_allowed", Succeeded by User {
        sub: &'a Sub, client_id: &'a ClientId, peer: &'a str,
    }
    /// A user did not allow a device.
    DeviceDenied = "device_denied", Denied by User {
        sub: &'a Sub, client_id: &'a ClientId, peer: &'a str,
    }
    /// A user withdrew the access of a client.
    AccessRevoked = "access_revoked", Succeeded by User {
        sub: &'a Sub, client_id: &'a ClientId, peer: &'a str,
    }
    /// A client got tokens; without `sub` they are about the client itself.
    TokensIssued = "tokens_issued", Succeeded by Client {
        sub: Option<&'a Sub>, client_id: &'a ClientId, peer: &'a str, grant_type: &'static str,
    }
    /// A token request was refused. `client_id` is what the request names, proven or not.
    TokenRefused = "token_refused", Refused by Client {
        client_id: Option<&'a str>, peer: &'a str, grant_type: Option<&'a str>, cause: &'a Cause,
    }
    /// A client registered itself.
    ClientRegistered = "client_registered", Succeeded by Client at will as Act {
        client_id: &'a ClientId, peer: &'a str,
    }
    /// A client was not registered.
    ClientRegistrationRefused = "client_registration_refused", Refused by Anonymous {
        peer: &'a str, cause: &'a Cause,
    }
    /// A registered client changed what is registered.
    RegisteredClientChanged = "registered_client_changed", Succeeded by Client at will as Act {
        client_id: &'a ClientId, peer: &'a str,
    }
    /// A registered client removed itself, with everything that it was granted.
    RegisteredClientRemoved = "registered_client_removed", Succeeded by Client at will as Act {
        client_id: &'a ClientId, peer: &'a str,
    }
    /// A client revoked a token. `sub` is the user as the token names them.
    TokenRevoked = "token_revoked", Succeeded by Client {
        sub: &'a str, client_id: &'a ClientId, peer: &'a str,
    }
    /// A revocation was refused. `client_id` is what the request names, proven or not.
    RevocationRefused = "revocation_refused", Refused by Client {
        client_id: Option<&'a str>, peer: &'a str, cause: &'a Cause,
    }
    /// A code was redeemed a second time.
    CodeReplayed = "code_replayed", Replayed by Client {
        sub: &'a Sub, client_id: &'a ClientId, peer: &'a str,
    }
    /// A refresh token was used again within the grace time, and got the same successor.
    RefreshTokenRepeated = "refresh_token_repeated", Succeeded by Client at will as Token {
        sub: &'a Sub, client_id: &'a ClientId, peer: &'a str,
    }
    /// A refresh token was used after its successor, or after the grace time.
    RefreshTokenReplayed = "refresh_token_replayed", Replayed by Client {
        sub: &'a Sub, client_id: &'a ClientId, peer: &'a str,
    }
    /// A client took a logout token. `count` is the number of attempts.
    LogoutTokenDelivered = "logout_token_delivered", Succeeded by System {
        sub: &'a Sub, client_id: &'a ClientId, sid: &'a SessionId, count: u32,
    }
    /// A client did not take a logout token, and it is not tried again.
    LogoutTokenDropped = "logout_token_dropped", Failed by System {
        sub: &'a Sub, client_id: &'a ClientId, sid: &'a SessionId, count: u32, cause: &'a Cause,
    }
    /// A user changed claims of their own.
    ProfileChanged = "profile_changed", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// A user set another password.
    PasswordChanged = "password_changed", Succeeded by User {
        sub: &'a Sub, peer: &'a str,
    }
    /// Somebody who has no account here yet set another password in a directory, before a sign-in.
    DirectoryPasswordChanged = "directory_password_changed", Succeeded by Anonymous {
        directory: &'a str, entry: &'a str, peer: &'a str,
    }
    /// The user took their password away.
    PasswordRemoved = "password_removed", Succeeded by User {
        sub: &'a Sub, peer: &'a str,
    }
    /// A user downloaded what is stored about them.
    DataDownloaded = "data_downloaded", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// A user deleted their account.
    AccountDeleted = "account_deleted", Succeeded by User { sub: &'a Sub, peer: &'a str }
    /// A mail was given up: its address, or the mail itself, is refused for good.
    MailRefused = "mail_refused", Failed by System {
        sub: Option<&'a Sub>, cause: &'a Cause,
    }
    /// Of what anybody can cause, such as refusals, this many records were not kept in the store:
    /// too many of one kind came within a minute.
    RefusalsLeftOut = "refusals_left_out", Failed by System { count: u32 }
    /// A new signing key was published. It signs later.
    SigningKeyAnnounced = "signing_key_announced", Succeeded by System { kid: &'a str }
    /// A signing key was removed.
    SigningKeyRetired = "signing_key_retired", Succeeded by System { kid: &'a str }
}

impl Event<'_> {
    /// Writes the line, and records the event in the trail of this task.
    pub fn log(self) {
        let line = self.line();
        line.log();
        if line.is_recorded() {
            context::record(|| line.to_record());
        }
    }
}

/// What strangers can cause as often as they like. Each kind is counted by itself, so that none
/// keeps another out of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtWill {
    /// Somebody did not sign in, and may be guessing.
    Guess,
    /// Something else was refused, or cancelled. Nothing has come of it.
    Refusal,
    /// Tokens were issued, and nothing else has changed.
    Token,
    /// Something else was done, as a registration of a client.
    Act,
}

/// The line of an event. What an event does not have is left out.
struct Line<'a> {
    event: &'static str,
    outcome: Outcome,
    actor: ActorKind,
    sub: Option<&'a str>,
    client_id: Option<&'a str>,
    peer: Option<&'a str>,
    grant_type: Option<&'a str>,
    sid: Option<&'a str>,
    kid: Option<&'a str>,
    directory: Option<&'a str>,
    entry: Option<&'a str>,
    count: Option<u64>,
    cause: Option<&'a Cause>,
}

impl Line<'_> {
    fn new(event: &'static str, outcome: Outcome, actor: ActorKind) -> Self {
        Self {
            event,
            outcome,
            actor,
            sub: None,
            client_id: None,
            peer: None,
            grant_type: None,
            sid: None,
            kid: None,
            directory: None,
            entry: None,
            count: None,
            cause: None,
        }
    }

    /// Writes the line to the log.
    fn log(&self) {
        let Self { event, outcome, sub, client_id, peer, grant_type, sid, kid, count, .. } = *self;
        let Self { directory, entry, .. } = *self;
        let cause = self.cause.map(display);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: TARGET, event, outcome = outcome.as_str(), sub, client_id, peer,
                    grant_type, sid, kid, directory, entry, count, cause
                )
            };
        }
        match outcome {
            Outcome::Replayed | Outcome::Failed => line!(warn),
            Outcome::Succeeded | Outcome::Denied | Outcome::Refused => line!(info),
        }
    }

    /// Whether the store keeps the event. A renewal changes nothing that its first tokens did not
    /// say, and there are more renewals than all other events together.
    fn is_recorded(&self) -> bool {
        self.grant_type != Some(RENEWAL) || self.outcome != Outcome::Succeeded
    }

    /// The event for the store.
    fn to_record(&self) -> Record {
        let actor = match self.actor {
            ActorKind::User => self.sub,
            ActorKind::Client => self.client_id,
            ActorKind::Operator | ActorKind::System | ActorKind::Anonymous => None,
        };
        let texts = [
            ("grant_type", self.grant_type.map(str::to_owned)),
            ("sid", self.sid.map(str::to_owned)),
            ("directory", self.directory.map(str::to_owned)),
            ("cause", self.cause.map(ToString::to_string)),
        ];
        let mut details: Map<_, _> = texts
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), text?.into())))
            .collect();
        details.extend(self.count.map(|count| ("count".to_owned(), count.into())));
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Record {
            sub: owned(self.sub),
            object: [("kid", self.kid), ("entry", self.entry)].into_iter().find_map(
                |(kind, name)| Some(Object { kind: kind.to_owned(), name: name?.to_owned() }),
            ),
            client_id: owned(self.client_id),
            address: owned(self.peer),
            data: Data::new(details, None, None),
            ..Record::new(self.event, self.outcome, Actor::new(self.actor, actor))
        }
    }
}

impl Record {
    /// As what this record is counted, if strangers can cause as many as they like of its kind.
    pub(crate) fn at_will(&self) -> Option<AtWill> {
        let is_anonymous = self.actor.kind == ActorKind::Anonymous;
        let named = Event::AT_WILL.iter().find(|(event, _)| *event == self.event);
        let named = named.map(|(_, will)| *will);
        match self.outcome {
            Outcome::Refused if named == Some(AtWill::Guess) => named,
            Outcome::Refused => Some(AtWill::Refusal),
            Outcome::Replayed | Outcome::Failed => None,
            Outcome::Denied => is_anonymous.then_some(AtWill::Refusal),
            Outcome::Succeeded => named.or_else(|| is_anonymous.then_some(AtWill::Act)),
        }
    }

    /// Writes the log line of a change that was asked for by command or by the API. What it was
    /// before and after is in the store only.
    pub fn log(&self) {
        let Self { event, outcome, actor, sub, object, client_id, address, .. } = self;
        let (kind, name) = match (object, sub) {
            (Some(object), _) => (Some(object.kind.as_str()), Some(object.name.as_str())),
            (None, Some(sub)) => (Some("sub"), Some(sub.as_str())),
            (None, None) => (None, None),
        };
        let (by, by_kind) = (actor.name.as_deref(), actor.kind.as_str());
        let (client_id, peer) = (client_id.as_deref(), address.as_deref());
        let said = if *outcome == Outcome::Succeeded { "changed" } else { "not changed" };
        let outcome = outcome.as_str();
        tracing::info!(
            target: TARGET, event, outcome, kind, name, by, by_kind, client_id, peer, "{said}"
        );
    }
}

/// A field of an event as a field of its line.
trait Logged<T> {
    fn logged(self) -> T;
}

impl<'a, I: AsRef<str> + ?Sized> Logged<Option<&'a str>> for &'a I {
    fn logged(self) -> Option<&'a str> {
        Some(self.as_ref())
    }
}

impl<'a, I: AsRef<str> + ?Sized> Logged<Option<&'a str>> for Option<&'a I> {
    fn logged(self) -> Option<&'a str> {
        self.map(AsRef::as_ref)
    }
}

impl Logged<Option<u64>> for u32 {
    fn logged(self) -> Option<u64> {
        Some(self.into())
    }
}

impl Logged<Option<u64>> for usize {
    fn logged(self) -> Option<u64> {
        u64::try_from(self).ok()
    }
}

impl<'a> Logged<Option<&'a Cause>> for &'a Cause {
    fn logged(self) -> Option<&'a Cause> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at_will(event: Event<'_>) -> Option<AtWill> {
        event.line().to_record().at_will()
    }

    #[test]
    fn what_a_client_does_of_itself_is_at_will_and_what_users_do_is_not() {
        let (sub, peer): (Sub, _) = ("alice".parse().unwrap(), "192.0.2.1");
        let client_id = &"registered-a".parse::<ClientId>().unwrap();
        for event in [
            Event::ClientRegistered { client_id, peer },
            Event::RegisteredClientChanged { client_id, peer },
            Event::RegisteredClientRemoved { client_id, peer },
            Event::RegistrationAskedFor { peer },
        ] {
            assert_eq!(at_will(event), Some(AtWill::Act), "{event:?}");
        }
        let repeated = Event::RefreshTokenRepeated { sub: &sub, client_id, peer };
        assert_eq!(at_will(repeated), Some(AtWill::Token));
        let cause = &std::fmt::Error as &Cause;
        for event in [
            Event::SignInRefused { peer, cause },
            Event::SecondStepRefused { sub: &sub, peer, cause },
            Event::PasswordGuessed { sub: &sub, peer, count: 10 },
        ] {
            assert_eq!(at_will(event), Some(AtWill::Guess), "{event:?}");
        }
        let cancelled = Event::SignInCancelled { client_id, peer };
        assert_eq!(at_will(cancelled), Some(AtWill::Refusal));
        for event in [
            Event::SignedIn { sub: &sub, peer },
            Event::TokenRevoked { sub: "alice", client_id, peer },
            Event::CodeReplayed { sub: &sub, client_id, peer },
        ] {
            assert_eq!(at_will(event), None, "{event:?}");
        }
    }
}
