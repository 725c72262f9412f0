//! What every page needs: who is signed in, what they may do, the calls, and where to go.

use doorward_admin::{
    AdminRole, Operation, ROLE_CLAIM,
    types::{pages::PagesConfig, system::MeView},
};
use doorward_leptos::{ApiRequest, Auth, Settings, StepUp, boxed_effect, provide_auth_with};
use doorward_policy::{Decision, Principal};
use doorward_protocol::base64url;
use leptos::{prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    api::{Answer, Call, Failure},
    browser::{self, FetchError},
    route::Route,
    texts::{self, Texts},
    ui::fill,
};

/// The path of the document that says where to sign in.
const CONFIG_PATH: &str = "/admin/config.json";

/// What the caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// It can be done now.
    Now,
    /// It can be done after another sign-in.
    AfterSignIn,
    /// It can't be done.
    Not,
}

/// The present rights of whoever is signed in.
#[derive(Debug, Clone, PartialEq)]
pub enum Rights {
    /// They are being asked for.
    Unknown,
    /// There are none.
    None,
    /// The role.
    Role(AdminRole),
    /// The API did not say.
    Failed(Failure),
}

/// A message above the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Something was done.
    Done(String),
    /// Something was not done.
    Failed(String),
}

/// What was meant to be done on a page before a sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Intent {
    /// The path of the page. On another one, such as that of another group, nothing goes on.
    path: String,
    what: String,
}

impl Intent {
    /// What was meant to be done on this page.
    fn on(&self, route: &Route) -> Option<&str> {
        (self.path == route.path()).then_some(self.what.as_str())
    }
}

/// Another sign-in that is needed, and what is meant to be done after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    step_up: StepUp,
    intent: String,
    /// Whether the API has refused for it.
    pub was_refused: bool,
}

/// The state that the pages share. It is `Copy`, so closures can capture it.
#[derive(Clone, Copy)]
pub struct Session {
    /// The sign-in.
    pub auth: Auth,
    /// The words.
    pub texts: &'static Texts,
    /// The page that is shown.
    pub route: RwSignal<Route>,
    /// What is said above it.
    pub notice: RwSignal<Option<Notice>>,
    /// The sign-in that somebody has to confirm.
    pub wanted: RwSignal<Option<Wanted>>,
    /// What was meant to be done before the sign-in that is just over.
    intent: RwSignal<Option<Intent>>,
    /// Where to sign in, or why that is not known.
    pub config: RwSignal<Option<Result<PagesConfig, String>>>,
    rights: RwSignal<Rights>,
    principal: Memo<Option<Principal>>,
}

impl Session {
    /// Starts the sign-in.
    pub fn start() -> Self {
        let config = RwSignal::new(None);
        let texts = texts::of(&browser::language());
        let auth = provide_auth_with(move || load(config, texts));
        let principal =
            Memo::new(move |_| auth.with_user(|user| principal(&user.access_token)).flatten());
        let session = Self {
            auth,
            texts,
            route: RwSignal::new(Route::parse(&browser::path())),
            notice: RwSignal::new(None),
            wanted: RwSignal::new(None),
            intent: RwSignal::new(None),
            config,
            rights: RwSignal::new(Rights::Unknown),
            principal,
        };
        session.follow();
        session
    }

    /// Follows the browser's address, and the sign-in.
    fn follow(self) {
        let moved = window_event_listener_untyped("popstate", move |_| {
            self.route.set(Route::parse(&browser::path()));
        });
        on_cleanup(move || moved.remove());
        // A renewed token is no other user: what is on the page must stay.
        let auth = self.auth;
        let who = Memo::new(move |_| {
            let sub = auth.with_user(|user| user.sub().to_owned());
            sub.filter(|_| auth.is_signed_in())
        });
        boxed_effect(move || {
            self.rights.set(Rights::Unknown);
            if who.get().is_some() {
                self.ask_rights();
            }
        });
        boxed_effect(move || {
            if let Some(intent) = self.auth.take_repeat() {
                self.intent.set(serde_json::from_value(intent).ok());
            }
        });
    }

    /// The present rights. Tracked.
    pub fn rights(self) -> Rights {
        self.rights.get()
    }

    /// The request of a call. What is wrong is said in the language of the page.
    fn request(self, call: Call) -> ApiRequest {
        let request = call.request(&browser::origin());
        request.header("accept-language", self.texts.language)
    }

    /// Asks the API for the present rights.
    pub fn ask_rights(self) {
        spawn_local(async move {
            let call = Call::new(Operation::Me, &[]);
            let answer = Answer::of(self.auth.call(self.request(call)).await, self.texts);
            let rights = match answer.and_then(|answer| answer.read::<MeView>()) {
                Ok(me) => me.role.map_or(Rights::None, Rights::Role),
                Err(failure) if matches!(failure.status(), Some(401 | 403)) => Rights::None,
                Err(failure) => Rights::Failed(failure),
            };
            if self.rights.get_untracked() != rights {
                self.rights.set(rights);
            }
        });
    }

    /// Whether the user may do something: by the policy that the API enforces, for the rights of
    /// now. Tracked.
    pub fn may(self, operation: Operation) -> May {
        let Rights::Role(role) = self.rights.get() else { return May::Not };
        let config = self.config.get();
        let (Some(Ok(config)), Some(principal)) = (config, self.principal.get()) else {
            return May::Not;
        };
        decide(operation, &config, principal, role, browser::now())
    }

    /// Whether to offer something. Tracked.
    pub fn offers(self, operation: Operation) -> bool {
        self.may(operation) != May::Not
    }

    /// Whether the user's role covers that of another user. Tracked.
    pub fn covers(self, other: Option<&str>) -> bool {
        let Some(other) = other else { return true };
        let Rights::Role(own) = self.rights.get() else { return false };
        AdminRole::parse(other).is_some_and(|other| own.covers(other))
    }

    /// The user's role. Tracked.
    pub fn role(self) -> Option<AdminRole> {
        match self.rights.get() {
            Rights::Role(role) => Some(role),
            _ => None,
        }
    }

    /// Begins something that the operation is for, at once or after another sign-in. `intent` names
    /// it for the page, which is loaded anew then.
    pub fn begin(self, operation: Operation, intent: &str, act: impl FnOnce()) {
        match untrack(|| self.may(operation)) {
            May::Now => act(),
            May::AfterSignIn => {
                let step_up = self.config.with_untracked(|config| {
                    let mut step_up = StepUp::default();
                    if let Some(Ok(config)) = config {
                        step_up.acr_values = Some(config.fresh_sign_in.acr.clone());
                        step_up.max_age = Some(config.fresh_sign_in.max_age.into());
                    }
                    step_up
                });
                let intent = intent.to_owned();
                self.wanted.set(Some(Wanted { step_up, intent, was_refused: false }));
            }
            May::Not => self.ask_rights(),
        }
    }

    /// Leaves for the sign-in that is wanted.
    pub fn sign_in_as_wanted(self) {
        if let Some(wanted) = self.wanted.get_untracked() {
            let path = self.route.with_untracked(Route::path);
            let intent = Intent { path, what: wanted.intent };
            self.auth.step_up(&wanted.step_up, serde_json::to_value(intent).unwrap_or_default());
        }
    }

    /// What was meant to be done on the page that is shown. Tracked.
    fn meant(self) -> Option<String> {
        let route = self.route.get_untracked();
        self.intent.with(|own| own.as_ref()?.on(&route).map(str::to_owned))
    }

    /// Whether this was to be done before the sign-in that is just over. It is so once. Tracked.
    pub fn resumes(self, intent: &str) -> bool {
        let is_it = self.meant().as_deref() == Some(intent);
        if is_it {
            self.intent.update_untracked(|own| *own = None);
        }
        is_it
    }

    /// The same for what is done to one of many, such as a key of the list: `kind` is what is
    /// before the first colon of the intent, and its name comes after that. Tracked.
    pub fn resumes_on(self, kind: &str) -> Option<String> {
        let meant = self.meant();
        let name = meant.as_deref().and_then(|own| own.split_once(':'));
        let name = name.filter(|(own, _)| *own == kind).map(|(_, name)| name.to_owned());
        if name.is_some() {
            self.intent.update_untracked(|own| *own = None);
        }
        name
    }

    /// Calls the API. A refusal for lack of rights lets the page ask for them again, since they may
    /// have gone while it was open; one for lack of a sign-in asks for that.
    pub async fn call(self, call: Call) -> Result<Answer, Failure> {
        let answer = Answer::of(self.auth.call(self.request(call)).await, self.texts);
        if let Err(failure) = &answer {
            match failure {
                Failure::StepUp(step_up) => {
                    let (step_up, intent) = (step_up.clone(), String::new());
                    self.wanted.set(Some(Wanted { step_up, intent, was_refused: true }));
                }
                failure if matches!(failure.status(), Some(401 | 403)) => self.ask_rights(),
                _ => {}
            }
        }
        answer
    }

    /// Goes to a page.
    pub fn go(self, route: Route) {
        browser::show_path(&route.path(), false);
        self.notice.set(None);
        self.route.set(route);
    }

    /// Says that something was done.
    pub fn done(self, message: impl Into<String>) {
        self.notice.set(Some(Notice::Done(message.into())));
    }

    /// Says why something was not done. A wanted sign-in is asked for elsewhere.
    pub fn failed(self, failure: &Failure) {
        if !matches!(failure, Failure::StepUp(_)) {
            self.notice.set(Some(Notice::Failed(failure.message())));
        }
    }

    /// A moment in words.
    pub fn moment(self, seconds: i64) -> String {
        browser::moment(seconds, self.texts.language)
    }
}

fn decide(
    operation: Operation,
    config: &PagesConfig,
    principal: Principal,
    role: AdminRole,
    now: i64,
) -> May {
    let principal = principal.with_claim(ROLE_CLAIM, role.name());
    match operation.policy(&config.fresh_sign_in).decide_at(&principal, now) {
        Decision::Allowed => May::Now,
        Decision::Denied(denial)
            if denial.step_up().is_some() && denial.missing_scope().is_empty() =>
        {
            May::AfterSignIn
        }
        Decision::Denied(_) => May::Not,
    }
}

/// Whom an access token is about.
fn principal(access_token: &str) -> Option<Principal> {
    let payload = access_token.split('.').nth(1)?;
    let claims: Map<String, Value> =
        serde_json::from_slice(&base64url::decode(payload).ok()?).ok()?;
    Principal::from_map(claims).ok()
}

async fn load(
    config: RwSignal<Option<Result<PagesConfig, String>>>,
    texts: &Texts,
) -> Option<Settings> {
    let read = read_config(texts).await;
    let settings = read.as_ref().ok().map(|config| {
        let origin = browser::origin();
        let redirect_uri = format!("{origin}{}", doorward_admin::SIGNED_IN_PATH);
        Settings::new(&config.issuer, &config.client_id, redirect_uri)
            .scope(&config.scope)
            .post_logout_redirect_uri(format!("{origin}{}", doorward_admin::PAGES_PATH))
    });
    config.set(Some(read));
    settings
}

async fn read_config(t: &Texts) -> Result<PagesConfig, String> {
    let unusable = |cause: String| fill(t.unusable_answer, &[&cause]);
    let text = browser::fetch_text(CONFIG_PATH).await.map_err(|error| match error {
        FetchError::NoAnswer => fill(t.not_reached, &[&browser::origin()]),
        FetchError::Status(status) => unusable(format!("HTTP {status}")),
    })?;
    serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use doorward_admin::FreshSignIn;
    use serde_json::json;

    use super::*;

    fn may(operation: Operation, role: AdminRole, claims: &Value) -> May {
        let config = PagesConfig {
            issuer: String::new(),
            client_id: String::new(),
            scope: String::new(),
            origins: Vec::new(),
            fresh_sign_in: FreshSignIn::default(),
            registration: BTreeMap::new(),
        };
        let principal = Principal::from_claims(claims).unwrap();
        decide(operation, &config, principal, role, 1_000_000)
    }

    #[test]
    fn what_was_meant_on_one_page_does_not_go_on_at_another() {
        let sales = Route::Group("sales/north".to_owned());
        let intent = Intent { path: sales.path(), what: "add-member:ada".to_owned() };
        assert_eq!(intent.on(&sales), Some("add-member:ada"));
        assert_eq!(intent.on(&Route::parse(&sales.path())), Some("add-member:ada"));
        assert_eq!(intent.on(&Route::Group("sales".to_owned())), None);
        assert_eq!(intent.on(&Route::Users), None);
    }

    #[test]
    fn what_may_not_be_done_is_not_offered() {
        let scope = "admin:users.read admin:users.write admin:keys.write";
        let old = json!({"sub": "ada", "scope": scope, "auth_time": 1, "acr": "1"});
        let fresh = json!({
            "sub": "ada", "scope": scope, "auth_time": 999_990, "acr": "urn:doorward:acr:2",
            "admin_role": "owner",
        });
        assert_eq!(may(Operation::ListUsers, AdminRole::Auditor, &old), May::Now);
        assert_eq!(may(Operation::RemoveUser, AdminRole::Owner, &old), May::AfterSignIn);
        assert_eq!(may(Operation::RemoveUser, AdminRole::Owner, &fresh), May::Now);
        // The present role counts, not that of the token.
        assert_eq!(may(Operation::RemoveUser, AdminRole::Helpdesk, &fresh), May::Not);
        assert_eq!(may(Operation::RotateKeys, AdminRole::Admin, &fresh), May::Not);
        // The token lacks the scope.
        assert_eq!(may(Operation::ListClients, AdminRole::Owner, &fresh), May::Not);
        assert_eq!(may(Operation::CreateClient, AdminRole::Owner, &old), May::Not);
    }
}
