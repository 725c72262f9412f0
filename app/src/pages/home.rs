//! The page at `/` and `/OpenId/Login/JS`: greeting, tokens, API, result, inspector.

use doorward_client::{ApiRequest, Error};
use doorward_demo as demo;
use doorward_leptos::AuthStatus;
use leptos::{prelude::*, task::spawn_local};

use crate::{
    auth::{PageAuth, use_page_auth},
    browser,
    components::{ApiChooser, ErrorAlert, Greeting, ResultBlock, TokenTable},
    derived::{boxed_effect, derived},
    inspector::Inspector,
    outcome::{ApiAnswer, ResultContent},
    problem::{Problem, RetryableTask},
    routes::{self, DEFAULT_ROUTE},
};

/// The last call of the API, and the user for whom it was made.
#[derive(Clone, PartialEq)]
struct Call {
    sub: String,
    progress: Progress,
}

#[derive(Clone, PartialEq)]
enum Progress {
    Waiting { url: String },
    Answered(ApiAnswer),
}

/// The selected route and the last call, which the parts of the page share.
#[derive(Clone, Copy)]
pub struct ApiCalls {
    page: PageAuth,
    route: RwSignal<String>,
    last: RwSignal<Option<Call>>,
}

impl ApiCalls {
    fn new(page: PageAuth) -> Self {
        Self { page, route: RwSignal::new(DEFAULT_ROUTE.to_owned()), last: RwSignal::new(None) }
    }

    /// The path of the selected route. Tracked.
    pub fn route(self) -> String {
        self.route.get()
    }

    /// Selects a route by its path.
    pub fn choose(self, path: String) {
        browser::remember_route(&path);
        self.route.set(path);
    }

    /// Selects the route in the URL, or the last one, if it exists.
    fn choose_wanted(self) {
        if let Some(route) = browser::wanted_route().and_then(|path| demo::route(&path)) {
            self.choose(route.path.clone());
        }
    }

    /// Repeats the call for which the user just signed in again, if there is one. Tracked.
    fn repeat(self) {
        if self.page.config().is_none() {
            return;
        }
        let again = self.page.auth.take_repeat();
        let path = again.as_ref().and_then(|again| again.as_str());
        if let Some(route) = path.and_then(demo::route) {
            self.choose(route.path.clone());
            self.make(route.path.clone(), true);
        }
    }

    /// Whether a response is pending. Tracked.
    pub fn is_waiting(self) -> bool {
        self.last.with(|call| matches!(call, Some(Call { progress: Progress::Waiting { .. }, .. })))
    }

    /// Calls the selected route.
    pub fn call_chosen(self) {
        self.call(self.route.get_untracked());
    }

    /// Calls the route with this path.
    pub fn call(self, path: String) {
        self.make(path, false);
    }

    /// Calls the route with this path. After a sign-in that did not help, there is no other.
    fn make(self, path: String, repeated: bool) {
        let page = self.page;
        let known =
            untrack(|| Some((page.config()?, page.auth.with_user(|user| user.sub().to_owned())?)));
        let Some((config, sub)) = known else {
            return;
        };
        if untrack(|| self.is_waiting()) {
            return;
        }
        let url = config.api(&path);
        let request =
            ApiRequest::get(&url).header("accept", "application/json, text/plain;q=0.9, */*;q=0.1");
        self.page.dismiss();
        let progress = Progress::Waiting { url };
        self.last.set(Some(Call { sub: sub.clone(), progress }));
        spawn_local(async move {
            match self.page.auth.call(request).await {
                Ok(response) => self.answered(sub, ApiAnswer::new(path, &response)),
                Err(error) => {
                    let answer = match &error {
                        Error::StepUp { response, .. } => Some(ApiAnswer::new(&path, response)),
                        _ => None,
                    };
                    let progress = answer.map(Progress::Answered);
                    self.last.set(progress.map(|progress| Call { sub, progress }));
                    let problem = Problem::of_client(&error, RetryableTask::Call(path));
                    self.page.report(if repeated { problem.after_step_up() } else { problem });
                }
            }
        });
    }

    fn answered(self, sub: String, answer: ApiAnswer) {
        let reasons = demo::route(&answer.path).map(|route| {
            let principal = untrack(|| self.page.auth.with_user(routes::principal).flatten());
            routes::verdict(route, principal.as_ref(), browser::now()).reasons()
        });
        if let Some(problem) = Problem::of_answer(&answer, &reasons.unwrap_or_default()) {
            self.page.report(problem);
        }
        let progress = Progress::Answered(answer);
        self.last.set(Some(Call { sub, progress }));
    }

    /// The content of the result block: the last call of the current user, or else the last
    /// failure, or else who is signed in.
    fn outcome(self) -> ResultContent {
        let status = self.page.auth.status();
        let last = self.last.get();
        if let (AuthStatus::SignedIn(user), Some(call)) = (&status, last)
            && call.sub == user.sub()
        {
            return match call.progress {
                Progress::Waiting { url } => ResultContent::Calling { url },
                Progress::Answered(answer) => ResultContent::Answered(answer),
            };
        }
        match (self.page.problem(), status) {
            (Some(problem), _) => ResultContent::Failed(problem.message),
            (None, AuthStatus::SignedIn(user)) => ResultContent::SignedIn(user),
            (None, AuthStatus::SignedOut | AuthStatus::Expired(_)) => ResultContent::SignedOut,
            (None, _) => ResultContent::Unknown,
        }
    }
}

/// The one page of the application.
#[component]
pub fn Home() -> impl IntoView {
    let calls = ApiCalls::new(use_page_auth());
    // After hydration, which must find the page as the server rendered it.
    Effect::new(move |_| calls.choose_wanted());
    boxed_effect(move || calls.repeat());
    let outcome = derived(move || calls.outcome());
    view! {
        <Greeting calls/>
        <ErrorAlert on_call=move |path: String| calls.call(path)/>
        <TokenTable/>
        <div class="columns">
            <ApiChooser calls/>
            <ResultBlock outcome/>
        </div>
        <Inspector/>
    }
}
