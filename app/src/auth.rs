//! Sign-in as this page has it: the layer of `doorward-leptos`, set up from `/config.json`, with
//! everything that went wrong in words for the user.

use doorward_client::Settings;
use doorward_leptos::{Auth, Step, provide_auth_with};
use leptos::prelude::*;

use crate::{
    browser,
    config::{AppConfig, ConfigError},
    inspector::{self, Record},
    problem::{NextStep, Problem, Task},
};

/// What the page knows besides who is signed in. Copy it into closures freely.
#[derive(Clone, Copy)]
pub struct PageAuth {
    /// Who is signed in.
    pub auth: Auth,
    /// What happened since the sign-in began.
    pub record: Record,
    config: RwSignal<Option<AppConfig>>,
    /// What went wrong outside sign-in; that has its own, which stands before this one.
    problem: RwSignal<Option<Problem>>,
}

/// Provides sign-in to everything below, set up from the JSON document at `config_path`
/// ([`AppConfig`]).
pub fn provide_page_auth(config_path: &'static str) -> PageAuth {
    let config = RwSignal::new(None);
    let problem = RwSignal::new(None);
    let auth = provide_auth_with(move || load(config_path, config, problem));
    let page = PageAuth { auth, record: Record::of(auth, config), config, problem };
    provide_context(page);
    page
}

/// As a component further up provided it with [`provide_page_auth`].
pub fn use_page_auth() -> PageAuth {
    expect_context()
}

async fn load(
    path: &'static str,
    config: RwSignal<Option<AppConfig>>,
    problem: RwSignal<Option<Problem>>,
) -> Option<Settings> {
    let text = browser::fetch_text(path).await.map_err(ConfigError::Unreachable);
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
    /// The configuration, once it arrived. Tracked.
    pub fn config(self) -> Option<AppConfig> {
        self.config.get()
    }

    /// What went wrong last and was not dismissed. Tracked.
    pub fn problem(self) -> Option<Problem> {
        let failure = self.auth.failure();
        failure
            .map(|failure| Problem::of_client(&failure.error, Task::Auth(failure.step)))
            .or_else(|| self.problem.get())
    }

    /// Tells the user of a problem; it takes the place of the one before.
    pub fn report(self, problem: Problem) {
        self.auth.dismiss();
        self.problem.set(Some(problem));
    }

    /// Takes the message away.
    pub fn dismiss(self) {
        self.auth.dismiss();
        self.problem.set(None);
    }

    /// Leaves for the provider's sign-in page, if that comes back to where the page is now.
    pub fn sign_in(self) {
        if let Some(config) = self.config.get_untracked()
            && !config.returns_to(&browser::origin())
        {
            return self.report(Problem::of_other_origin(&config.redirect_uri));
        }
        self.dismiss();
        self.record.clear();
        self.auth.sign_in();
    }

    /// Signs out here and leaves for the provider's sign-out page.
    pub fn sign_out(self) {
        self.dismiss();
        self.auth.sign_out();
    }

    /// Takes the step that a problem offers. A call of the API is the page's to repeat: its path
    /// comes back.
    pub fn take(self, step: NextStep) -> Option<String> {
        self.dismiss();
        match step {
            NextStep::SignIn { .. } | NextStep::TryAgain(Task::Auth(Step::SignIn)) => {
                self.sign_in()
            }
            NextStep::TryAgain(Task::Auth(step)) => self.auth.try_again(step),
            NextStep::TryAgain(Task::Call(path)) => return Some(path),
            NextStep::GoTo(url) => browser::go(&url),
            NextStep::Nothing => {}
        }
        None
    }
}
