//! Sign-in of this page: `doorward-leptos`, configured by `/config.json`, with all failures in
//! words for the user.

use std::cell::RefCell;

use doorward_client::{Settings, StepUp};
use doorward_leptos::{Auth, AuthOptions, AuthStep};
use leptos::prelude::*;

use crate::{
    INITIATE_LOGIN_PATH, browser,
    config::{AppConfig, ConfigError},
    inspector::{self, Record},
    problem::{NextStep, Problem, RetryableTask},
};

/// The state of the page beside the signed-in user. It is `Copy`, so closures can capture it.
#[derive(Clone, Copy)]
pub struct PageAuth {
    /// Who is signed in.
    pub auth: Auth,
    /// The steps of the sign-in, for the inspector.
    pub record: Record,
    config: RwSignal<Option<AppConfig>>,
    /// The last failure outside sign-in. A failure of sign-in has precedence.
    problem: RwSignal<Option<Problem>>,
}

/// Provides sign-in to all components below, configured by the JSON document at `config_path`
/// ([`AppConfig`]).
pub fn provide_page_auth(config_path: &'static str) -> PageAuth {
    let config = RwSignal::new(None);
    let problem = RwSignal::new(None);
    let auth = AuthOptions::load(move || load(config_path, config, problem))
        .initiate_login_path(INITIATE_LOGIN_PATH)
        .provide();
    let page = PageAuth { auth, record: Record::of(auth, config), config, problem };
    provide_context(page);
    page
}

/// Returns what a component further up provided with [`provide_page_auth`].
pub fn use_page_auth() -> PageAuth {
    expect_context()
}

thread_local! {
    /// The configuration, if it was fetched before there was a page.
    static EARLY: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The settings, before there is a page. The page finds the configuration that they are from.
pub async fn early_settings(path: &'static str) -> Option<Settings> {
    let text = browser::fetch_text(path).await.ok()?;
    let settings = AppConfig::parse(&text, &browser::origin()).ok()?.settings();
    EARLY.set(Some(text));
    Some(settings)
}

async fn load(
    path: &'static str,
    config: RwSignal<Option<AppConfig>>,
    problem: RwSignal<Option<Problem>>,
) -> Option<Settings> {
    let text = match EARLY.take() {
        Some(text) => Ok(text),
        None => browser::fetch_text(path).await.map_err(ConfigError::Unreachable),
    };
    match text.and_then(|text| AppConfig::parse(&text, &browser::origin())) {
        Ok(read) => {
            let settings = read.settings();
            inspector::follow_store(&read);
            config.set(Some(read));
            Some(settings)
        }
        Err(error) => {
            problem.set(Some(Problem::of_config(&error)));
            None
        }
    }
}

impl PageAuth {
    /// The configuration, once it has been loaded. Tracked.
    pub fn config(self) -> Option<AppConfig> {
        self.config.get()
    }

    /// The last failure that was not dismissed. Tracked.
    pub fn problem(self) -> Option<Problem> {
        let failure = self.auth.failure();
        failure
            .map(|failure| Problem::of_client(&failure.error, RetryableTask::Auth(failure.step)))
            .or_else(|| self.problem.get())
    }

    /// Shows a problem in place of the previous one.
    pub fn report(self, problem: Problem) {
        self.auth.dismiss();
        self.problem.set(Some(problem));
    }

    /// Removes the message.
    pub fn dismiss(self) {
        self.auth.dismiss();
        self.problem.set(None);
    }

    /// Leaves for the provider's sign-in page, if it returns to the origin of this page.
    pub fn sign_in(self) {
        if let Some(config) = self.config.get_untracked()
            && !config.returns_to(&browser::origin())
        {
            return self.report(Problem::of_other_origin(&config.redirect_uri));
        }
        self.dismiss();
        self.record.begin();
        self.auth.sign_in();
    }

    /// Fetches what a sign-in needs, because it is likely to follow.
    pub fn prepare(self) {
        self.record.prepare();
        self.auth.prepare();
    }

    /// Leaves for the provider's sign-in page because the API asks for another sign-in, and calls
    /// this path after it. The steps so far are kept: they say why.
    fn step_up(self, step_up: &StepUp, path: &str) {
        self.dismiss();
        self.auth.step_up(step_up, path);
    }

    /// Signs out here, and leaves for the provider's sign-out page.
    pub fn sign_out(self) {
        self.dismiss();
        self.auth.sign_out();
    }

    /// Takes the step that a problem offers. To repeat a call of the API, it returns the path, and
    /// the page makes the call.
    pub fn take(self, step: NextStep) -> Option<String> {
        self.dismiss();
        match step {
            NextStep::SignIn { .. } | NextStep::TryAgain(RetryableTask::Auth(AuthStep::SignIn)) => {
                self.sign_in();
            }
            NextStep::TryAgain(RetryableTask::Auth(step)) => self.auth.try_again(step),
            NextStep::TryAgain(RetryableTask::Call(path)) => return Some(path),
            NextStep::StepUp(step_up, path) => self.step_up(&step_up, &path),
            NextStep::GoTo(url) => browser::go(&url),
            NextStep::Nothing => {}
        }
        None
    }
}
