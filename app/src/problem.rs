//! What went wrong, in words for the user, and the step that leads on from there.

use doorward_client::{Error, ErrorKind};
use doorward_leptos::Step;

use crate::{config::ConfigError, outcome::Answer};

/// Something that failed, so that it can be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// A step of sign-in or sign-out.
    Auth(Step),
    /// Calling the API at this path.
    Call(String),
}

/// What the user may do next, besides dismissing the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// The same again.
    TryAgain(Task),
    /// Sign in, from the beginning.
    SignIn {
        /// Whether somebody was signed in before.
        again: bool,
    },
    /// Go on at this address.
    GoTo(String),
    /// Nothing that a button could do.
    Nothing,
}

impl NextStep {
    /// What the button says, if there is one.
    pub fn label(&self) -> Option<&'static str> {
        match self {
            Self::TryAgain(_) => Some("Try again"),
            Self::SignIn { again: true } => Some("Sign in again"),
            Self::SignIn { again: false } => Some("Sign in"),
            Self::GoTo(_) => Some("Open the page there"),
            Self::Nothing => None,
        }
    }
}

/// A failure as the user is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What happened, in a few words.
    pub title: &'static str,
    /// Why, and what helps: one or two sentences.
    pub message: String,
    /// The way on.
    pub next: NextStep,
    /// What failed.
    pub task: Task,
}

impl Problem {
    /// A failure of the client library while it did the task.
    pub fn of_client(error: &Error, task: Task) -> Self {
        let next = match error.kind() {
            _ if matches!(error, Error::NoMatchingState { signed_in: true }) => NextStep::Nothing,
            ErrorKind::Retry | ErrorKind::Device => NextStep::TryAgain(task.clone()),
            ErrorKind::Restart | ErrorKind::SignIn => NextStep::SignIn { again: true },
            ErrorKind::Refused => NextStep::SignIn { again: false },
            ErrorKind::Configuration => NextStep::Nothing,
        };
        let title = match (&task, error) {
            (_, Error::NoMatchingState { signed_in: true }) => "You are already signed in",
            (Task::Auth(Step::Start), _) => "Your session could not be restored",
            (Task::Auth(Step::SignIn | Step::FinishSignIn), _) => "You were not signed in",
            (Task::Auth(Step::SignOut | Step::FinishSignOut), _) => "Sign-out did not finish",
            (Task::Auth(Step::Renew), _) => "Your session was not renewed",
            (Task::Call(_), Error::Network { .. }) => "The API could not be reached",
            (Task::Call(_), _) => "The API was not called",
        };
        Self { title, message: error.user_message(), next, task }
    }

    /// The application's configuration can't be used.
    pub fn of_config(error: &ConfigError) -> Self {
        let message = match error {
            ConfigError::Unreachable(_) => format!(
                "{error}. The server that serves this page does not answer. Check your connection, then try again."
            ),
            ConfigError::Malformed(_) => {
                format!("{error}. Please tell whoever runs this application, then try again.")
            }
        };
        Self {
            title: "This page could not be set up",
            message,
            next: NextStep::TryAgain(Task::Auth(Step::Start)),
            task: Task::Auth(Step::Start),
        }
    }

    /// The page was opened at another origin than the one to which sign-in comes back.
    pub fn of_other_origin(redirect_uri: &str) -> Self {
        Self {
            title: "Sign-in works at another address",
            message: format!(
                "It comes back to {redirect_uri}, where nothing is known of a sign-in that began here. Open the page there, then sign in."
            ),
            next: NextStep::GoTo(redirect_uri.to_owned()),
            task: Task::Auth(Step::SignIn),
        }
    }

    /// An answer of the API that is no success; `reasons` says why the page expected a denial, if
    /// it did.
    pub fn of_answer(answer: &Answer, reasons: &str) -> Option<Self> {
        let task = Task::Call(answer.path.clone());
        let (title, message, next) = match answer.status {
            200..300 => return None,
            401 | 498 => (
                "The API did not accept your access token",
                "It has expired or was issued for something else. Sign in again for a fresh one."
                    .to_owned(),
                NextStep::SignIn { again: true },
            ),
            403 if reasons.is_empty() => (
                "The API denied this call",
                "You are signed in, but you may not call this route. Choose another one."
                    .to_owned(),
                NextStep::Nothing,
            ),
            403 => (
                "The API denied this call",
                format!("You are signed in, but this route {reasons}. Choose another one."),
                NextStep::Nothing,
            ),
            404 | 405 => (
                "The API has no such route",
                "The address of the API may be wrong. Please tell whoever runs this application."
                    .to_owned(),
                NextStep::Nothing,
            ),
            _ => (
                "The API could not answer",
                format!("It answered {}. Try again in a moment.", answer.status_line()),
                NextStep::TryAgain(task.clone()),
            ),
        };
        Some(Self { title, message, next, task })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_client::ports::NetworkFailure;

    use super::*;

    fn answer(status: u16) -> Answer {
        Answer { path: "/api/x".into(), status, headers: vec![], body: String::new() }
    }

    #[test]
    fn a_provider_that_is_down_can_be_tried_again() {
        let error = Error::Network {
            url: "http://localhost:6001/x".into(),
            failure: NetworkFailure::Timeout,
        };
        let problem = Problem::of_client(&error, Task::Auth(Step::SignIn));
        assert_eq!(problem.next, NextStep::TryAgain(Task::Auth(Step::SignIn)));
        assert!(problem.message.contains("http://localhost:6001"), "{}", problem.message);
    }

    #[test]
    fn a_lost_state_leads_back_to_sign_in_unless_somebody_is_signed_in() {
        let lost = Problem::of_client(
            &Error::NoMatchingState { signed_in: false },
            Task::Auth(Step::FinishSignIn),
        );
        assert_eq!(lost.next.label(), Some("Sign in again"));
        let used = Problem::of_client(
            &Error::NoMatchingState { signed_in: true },
            Task::Auth(Step::FinishSignIn),
        );
        assert_eq!((used.title, used.next.label()), ("You are already signed in", None));
    }

    #[test]
    fn every_failed_answer_says_what_helps() {
        assert_eq!(Problem::of_answer(&answer(200), ""), None);
        let denied = Problem::of_answer(&answer(403), "needs department Sales").unwrap();
        assert!(denied.message.contains("this route needs department Sales"));
        let expired = Problem::of_answer(&answer(401), "").unwrap();
        assert_eq!(expired.next, NextStep::SignIn { again: true });
        let down = Problem::of_answer(&answer(503), "").unwrap();
        assert_eq!(down.next, NextStep::TryAgain(Task::Call("/api/x".into())));
        assert!(down.message.contains("503 Service Unavailable"));
    }

    #[test]
    fn a_missing_configuration_names_the_document() {
        let problem = Problem::of_config(&ConfigError::Unreachable("status 502".into()));
        assert!(problem.message.starts_with("/config.json did not arrive: status 502."));
        assert_eq!(problem.next.label(), Some("Try again"));
    }
}
