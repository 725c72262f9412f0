//! In place of the client, for `script/size` alone: a client that does nothing. It has the items
//! that the page and `doorward-leptos` use, and returns the values of its fields. Nobody fills
//! these, but the compiler cannot know that. So the page's program has everything except what the
//! client does.

use std::{
    cell::RefCell,
    future::{Ready, ready},
    rc::Rc,
};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use settings::StoreKind;

type Pending<T> = Ready<Result<T, Error>>;

#[derive(Clone)]
pub struct UserManager(Rc<Fields>);

struct Fields {
    settings: Settings,
    events: Events,
    user: RefCell<Option<User>>,
    event: RefCell<Option<AuthEvent>>,
    answer: RefCell<Option<ApiResponse>>,
    kind: RefCell<Option<CallbackKind>>,
    error: RefCell<Option<Error>>,
}

impl UserManager {
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn events(&self) -> &Events {
        &self.0.events
    }

    fn done<T>(&self, value: T) -> Pending<T> {
        ready(self.0.error.borrow().clone().map_or(Ok(value), Err))
    }

    fn of<T: Clone>(&self, field: &RefCell<Option<T>>) -> Pending<T> {
        ready(field.borrow().clone().ok_or(Error::NotSignedIn))
    }

    pub fn get_user(&self) -> Pending<Option<User>> {
        self.done(self.0.user.borrow().clone())
    }

    pub fn signin_redirect(&self, _: SigninRequestArgs) -> Pending<()> {
        self.done(())
    }

    pub fn signin_redirect_callback(&self, _: &str) -> Pending<SigninOutcome> {
        let user = self.0.user.borrow().clone();
        let outcome = user.map(|user| SigninOutcome { return_to: user.id_token.clone(), user });
        ready(outcome.ok_or(Error::NotSignedIn))
    }

    pub fn get_access_token(&self) -> Pending<String> {
        let user = self.0.user.borrow().clone();
        ready(user.map(|user| user.access_token).ok_or(Error::NotSignedIn))
    }

    pub fn remove_user(&self) -> Pending<()> {
        self.done(())
    }

    pub fn signin_silent(&self) -> Pending<User> {
        self.of(&self.0.user)
    }

    pub fn signout_redirect(&self, _: SignoutRequestArgs) -> Pending<SignoutScope> {
        if let Some(event) = self.0.event.borrow_mut().take() {
            self.0.events.emit(&event);
        }
        self.done(SignoutScope::Provider)
    }

    pub fn signout_redirect_callback(&self, _: &str) -> Pending<()> {
        self.done(())
    }

    pub fn take_response(&self) -> String {
        self.0.settings.redirect_uri.clone()
    }

    pub fn callback_kind(&self, _: &str) -> CallbackKind {
        self.0.kind.borrow_mut().take().unwrap_or(CallbackKind::None)
    }

    pub fn expires_in(&self, user: &User) -> Option<i64> {
        i64::try_from(user.expires_at?).ok()
    }

    pub fn fetch(&self, request: ApiRequest) -> Pending<ApiResponse> {
        self.0
            .answer
            .borrow_mut()
            .iter_mut()
            .for_each(|answer| answer.body.clone_from(&request.url));
        self.of(&self.0.answer)
    }
}

pub mod browser {
    pub fn current_url() -> String {
        String::new()
    }

    use crate::{Error, Fields, Settings, UserManager};

    pub fn user_manager(settings: Settings) -> Result<UserManager, Error> {
        if settings.authority.is_empty() {
            return Err(Error::Settings(settings.authority));
        }
        Ok(UserManager(std::rc::Rc::new(Fields {
            settings,
            events: Default::default(),
            user: Default::default(),
            event: Default::default(),
            answer: Default::default(),
            kind: Default::default(),
            error: Default::default(),
        })))
    }
}

pub struct SigninOutcome {
    pub user: User,
    pub return_to: Option<String>,
}

pub enum SignoutScope {
    Provider,
    Local,
}

#[derive(Default)]
pub struct SigninRequestArgs(String);

impl SigninRequestArgs {
    #[must_use]
    pub fn return_to(mut self, path: impl Into<String>) -> Self {
        self.0 = path.into();
        self
    }
}

#[derive(Default)]
pub struct SignoutRequestArgs;

pub enum CallbackKind {
    Signin,
    Signout,
    ChildWindow,
    None,
}

pub enum AuthEvent {
    UserLoaded(User),
    UserUnloaded,
    UserSignedOut,
    AccessTokenExpired,
    SilentRenewError(Error),
    Trace(Trace),
}

#[derive(Default)]
pub struct Events(RefCell<Vec<Box<dyn FnMut(&AuthEvent)>>>);

pub struct Subscription;

impl Subscription {
    pub fn forever(self) {}
}

impl Events {
    pub fn subscribe(&self, handler: impl FnMut(&AuthEvent) + 'static) -> Subscription {
        self.0.borrow_mut().push(Box::new(handler));
        Subscription
    }

    fn emit(&self, event: &AuthEvent) {
        self.0.borrow_mut().iter_mut().for_each(|handler| handler(event));
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    Settings(String),
    Network { url: String },
    NoMatchingState { signed_in: bool },
    NotSignedIn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    Retry,
    Restart,
    Refused,
    SignIn,
    Configuration,
    Device,
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Network { .. } => ErrorKind::Retry,
            Self::NoMatchingState { .. } => ErrorKind::Restart,
            Self::NotSignedIn => ErrorKind::SignIn,
            Self::Settings(_) => ErrorKind::Configuration,
        }
    }

    pub fn user_message(&self) -> String {
        match self {
            Self::Settings(text) | Self::Network { url: text } => text.clone(),
            Self::NoMatchingState { .. } | Self::NotSignedIn => String::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub id_token: Option<String>,
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub profile: Map<String, Value>,
    pub expires_at: Option<u64>,
}

impl User {
    pub fn sub(&self) -> &str {
        self.claim("sub").unwrap_or_default()
    }

    pub fn claim(&self, name: &str) -> Option<&str> {
        self.profile.get(name).and_then(Value::as_str)
    }
}

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.profile.serialize(serializer)
    }
}

#[derive(Clone)]
pub struct Settings {
    pub authority: String,
    pub client_id: String,
    pub redirect_uri: String,
    pub post_logout_redirect_uri: Option<String>,
    pub scope: String,
    pub user_store: StoreKind,
    pub load_user_info: bool,
    pub access_token_expiring_notification_time: u64,
}

impl Settings {
    pub fn new(
        authority: impl Into<String>,
        client_id: impl Into<String>,
        redirect_uri: impl Into<String>,
    ) -> Self {
        Self {
            authority: authority.into(),
            client_id: client_id.into(),
            redirect_uri: redirect_uri.into(),
            post_logout_redirect_uri: None,
            scope: String::new(),
            user_store: StoreKind::Session,
            load_user_info: false,
            access_token_expiring_notification_time: 60,
        }
    }
}

pub mod settings {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
    pub enum StoreKind {
        Session,
        Local,
        Memory,
    }
}

pub struct ApiRequest {
    url: String,
}

impl ApiRequest {
    pub fn get(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }

    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.url.extend([name.into(), value.into()]);
        self
    }
}

pub type ApiResponse = ports::HttpResponse;

pub mod ports {
    use std::time::Duration;

    #[derive(Clone)]
    pub struct HttpRequest {
        pub method: String,
        pub url: String,
        pub headers: Vec<(String, String)>,
        pub body: Option<String>,
        pub timeout: Duration,
    }

    #[derive(Clone)]
    pub struct HttpResponse {
        pub status: u16,
        pub headers: Vec<(String, String)>,
        pub body: String,
        pub date: Option<u64>,
    }

    impl HttpResponse {
        pub fn is_success(&self) -> bool {
            (200..300).contains(&self.status)
        }

        pub fn header(&self, name: &str) -> Option<&str> {
            self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
        }
    }
}

/// The panel that shows these is no part of the first load.
#[derive(Clone)]
pub struct Trace {
    pub at: u64,
    pub step: TraceStep,
}

impl Trace {
    pub fn to_line(&self) -> String {
        String::new()
    }

    pub fn from_line(_: &str) -> Option<Self> {
        None
    }
}

#[derive(Clone)]
#[non_exhaustive]
pub enum TraceStep {
    AuthorizationRequest(String),
    AuthorizationResponse(String),
    LogoutRequest(String),
    LogoutResponse(String),
    Exchange(Box<HttpExchange>),
    Check(Check),
}

#[derive(Clone)]
pub struct HttpExchange {
    pub request: ports::HttpRequest,
    pub answer: Result<ports::HttpResponse, String>,
    pub took: std::time::Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: String,
    pub expected: String,
    pub found: String,
    pub passed: bool,
}
