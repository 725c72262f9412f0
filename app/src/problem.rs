//! Failures in words for the user, each with the next step.

use doorward_client::{Error, ErrorKind, StepUp};
use doorward_leptos::AuthStep;

use crate::{config::ConfigError, outcome::ApiAnswer};

/// A task that failed and can be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryableTask {
    /// A step of sign-in or sign-out.
    Auth(AuthStep),
    /// A call of the API at this path.
    Call(String),
}

/// What the user may do next, apart from dismissing the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Repeat the task.
    TryAgain(RetryableTask),
    /// Sign in from the beginning.
    SignIn {
        /// Whether the user was signed in before.
        again: bool,
    },
    /// Sign in again as the API asks, and then repeat the call of this path.
    StepUp(StepUp, String),
    /// Continue at this URL.
    GoTo(String),
    /// Nothing that a button could do.
    Nothing,
}

impl NextStep {
    /// The label of the button, if there is one.
    pub fn label(&self) -> Option<&'static str> {
        match self {
            Self::TryAgain(_) => Some("Try again"),
            Self::SignIn { again: true } => Some("Sign in again"),
            Self::SignIn { again: false } => Some("Sign in"),
            Self::StepUp(..) => Some("Sign in again to continue"),
            Self::GoTo(_) => Some("Open the page there"),
            Self::Nothing => None,
        }
    }
}

/// A failure as it is shown to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What happened, in a few words.
    pub title: &'static str,
    /// The reason and the remedy, in one or two sentences.
    pub message: String,
    /// The next step.
    pub next: NextStep,
    /// The task that failed.
    pub task: RetryableTask,
}

impl Problem {
    /// A failure of the client during a task.
    pub fn of_client(error: &Error, task: RetryableTask) -> Self {
        let next = match error.kind() {
            ErrorKind::StepUp => match (error.step_up(), &task) {
                (Some(step_up), RetryableTask::Call(path)) => {
                    NextStep::StepUp(step_up.clone(), path.clone())
                }
                _ => NextStep::Nothing,
            },
            _ if matches!(error, Error::NoMatchingState { signed_in: true }) => NextStep::Nothing,
            ErrorKind::Retry | ErrorKind::Device => NextStep::TryAgain(task.clone()),
            ErrorKind::Restart | ErrorKind::SignIn => NextStep::SignIn { again: true },
            ErrorKind::Refused => NextStep::SignIn { again: false },
            _ => NextStep::Nothing,
        };
        let title = match (&task, error) {
            (_, Error::NoMatchingState { signed_in: true }) => "You are already signed in",
            (RetryableTask::Auth(AuthStep::Start), _) => "Your session could not be restored",
            (RetryableTask::Auth(AuthStep::SignIn | AuthStep::FinishSignIn), _) => {
                "You were not signed in"
            }
            (RetryableTask::Auth(AuthStep::SignOut | AuthStep::FinishSignOut), _) => {
                "Sign-out did not finish"
            }
            (RetryableTask::Auth(AuthStep::Renew), _) => "Your session was not renewed",
            (RetryableTask::Auth(_), _) => "Sign-in failed",
            (RetryableTask::Call(_), Error::StepUp { .. }) => "The API asks you to sign in again",
            (RetryableTask::Call(_), Error::Network { .. }) => "The API could not be reached",
            (RetryableTask::Call(_), _) => "The API was not called",
        };
        Self { title, message: error.user_message(), next, task }
    }

    /// The same problem of a call for which the user has just signed in again. If the API still
    /// asks for more, another sign-in would not help either.
    #[must_use]
    pub fn after_step_up(self) -> Self {
        if !matches!(self.next, NextStep::StepUp(..)) {
            return self;
        }
        let message = "You signed in again, and the API still asks for more. Please tell whoever \
                       runs this application."
            .to_owned();
        Self { message, next: NextStep::Nothing, ..self }
    }

    /// The configuration of the application is invalid.
    pub fn of_config(error: &ConfigError) -> Self {
        let message = match error {
            ConfigError::Unreachable(_) => format!(
                "{error}. The server that serves this page does not answer. Check your connection, \
                    then try again."
            ),
            ConfigError::Malformed(_) => {
                format!("{error}. Please tell whoever runs this application, then try again.")
            }
        };
        Self {
            title: "This page could not be set up",
            message,
            next: NextStep::TryAgain(RetryableTask::Auth(AuthStep::Start)),
            task: RetryableTask::Auth(AuthStep::Start),
        }
    }

    /// The page was opened at another origin than the one to which sign-in returns.
    pub fn of_other_origin(redirect_uri: &str) -> Self {
        Self {
            title: "Sign-in works at another address",
            message: format!(
                "It comes back to {redirect_uri}, where nothing is known of a sign-in that began \
                    here. Open the page there, then sign in."
            ),
            next: NextStep::GoTo(redirect_uri.to_owned()),
            task: RetryableTask::Auth(AuthStep::SignIn),
        }
    }

    /// An unsuccessful response of the API. `reasons` says why the page expected a denial, if it
    /// did.
    pub fn of_answer(answer: &ApiAnswer, reasons: &str) -> Option<Self> {
        let task = RetryableTask::Call(answer.path.clone());
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
    use doorward_client::{ApiResponse, ports::NetworkFailure};

    use super::*;

    fn answer(status: u16) -> ApiAnswer {
        ApiAnswer { path: "/api/x".into(), status, headers: vec![], body: String::new() }
    }

    #[test]
    fn a_provider_that_is_down_can_be_tried_again() {
        let error = Error::Network {
            url: "http://localhost:6001/x".into(),
            failure: NetworkFailure::Timeout,
        };
        let problem = Problem::of_client(&error, RetryableTask::Auth(AuthStep::SignIn));
        assert_eq!(problem.next, NextStep::TryAgain(RetryableTask::Auth(AuthStep::SignIn)));
        assert!(problem.message.contains("http://localhost:6001"), "{}", problem.message);
    }

    #[test]
    fn a_lost_state_leads_back_to_sign_in_unless_somebody_is_signed_in() {
        let lost = Problem::of_client(
            &Error::NoMatchingState { signed_in: false },
            RetryableTask::Auth(AuthStep::FinishSignIn),
        );
        assert_eq!(lost.next.label(), Some("Sign in again"));
        let used = Problem::of_client(
            &Error::NoMatchingState { signed_in: true },
            RetryableTask::Auth(AuthStep::FinishSignIn),
        );
        assert_eq!((used.title, used.next.label()), ("You are already signed in", None));
    }

    #[test]
    fn another_sign_in_continues_the_call() {
        let mut step_up = StepUp::default();
        step_up.max_age = Some(60);
        let response = Box::new(ApiResponse {
            status: 401,
            headers: vec![],
            body: String::new(),
            date: None,
            url: None,
        });
        let error = Error::StepUp { step_up: step_up.clone(), response };
        let problem = Problem::of_client(&error, RetryableTask::Call("/api/x".into()));
        assert_eq!(problem.next.label(), Some("Sign in again to continue"));
        assert_eq!(problem.next, NextStep::StepUp(step_up, "/api/x".into()));
        assert_eq!(problem.title, "The API asks you to sign in again");
        assert_eq!(problem.after_step_up().next, NextStep::Nothing);
    }

    #[test]
    fn every_failed_answer_says_what_helps() {
        assert_eq!(Problem::of_answer(&answer(200), ""), None);
        let denied = Problem::of_answer(&answer(403), "needs department Sales").unwrap();
        assert!(denied.message.contains("this route needs department Sales"));
        let expired = Problem::of_answer(&answer(401), "").unwrap();
        assert_eq!(expired.next, NextStep::SignIn { again: true });
        let down = Problem::of_answer(&answer(503), "").unwrap();
        assert_eq!(down.next, NextStep::TryAgain(RetryableTask::Call("/api/x".into())));
        assert!(down.message.contains("503 Service Unavailable"));
    }

    #[test]
    fn a_missing_configuration_names_the_document() {
        let problem = Problem::of_config(&ConfigError::Unreachable("status 502".into()));
        assert!(problem.message.starts_with("/config.json did not arrive: status 502."));
        assert_eq!(problem.next.label(), Some("Try again"));
    }
}
