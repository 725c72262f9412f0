//! Audit events: who did what by which client from where, and how it ended. Each is one log line of
//! a target of its own, and none holds a secret: only the fields named here are logged.

use std::error::Error;

use tracing::field::display;

/// The target of the log lines.
pub const TARGET: &str = "doorward::audit";

/// How an event ended. Those that somebody should look into are logged as warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// As it was asked for.
    #[default]
    Succeeded,
    /// The user said no.
    Denied,
    /// The provider said no.
    Refused,
    /// Something was used a second time, as a thief would: what was issued from it is revoked.
    Replayed,
    /// It was given up.
    Failed,
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Replayed => "replayed",
            Self::Failed => "failed",
        }
    }
}

/// Something that an auditor wants to know of. What is not known is left out of the line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Event<'a> {
    /// What happened.
    pub event: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// The user.
    pub sub: Option<&'a str>,
    /// The client.
    pub client_id: Option<&'a str>,
    /// The address of who asked.
    pub peer: Option<&'a str>,
    /// The grant type of a token request.
    pub grant_type: Option<&'a str>,
    /// Public identifier of the session.
    pub sid: Option<&'a str>,
    /// Identifier of the signing key.
    pub kid: Option<&'a str>,
    /// How many times, or of how many.
    pub count: Option<usize>,
    /// Why it ended so.
    pub cause: Option<&'a (dyn Error + Send + Sync)>,
}

impl Event<'_> {
    /// Writes the line.
    pub fn log(self) {
        let Self { event, outcome, sub, client_id, peer, grant_type, sid, kid, count, cause } =
            self;
        let cause = cause.map(display);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: TARGET, event, outcome = outcome.label(), sub, client_id, peer,
                    grant_type, sid, kid, count, cause
                )
            };
        }
        match outcome {
            Outcome::Replayed | Outcome::Failed => line!(warn),
            Outcome::Succeeded | Outcome::Denied | Outcome::Refused => line!(info),
        }
    }
}
