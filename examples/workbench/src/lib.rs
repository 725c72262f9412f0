//! All operations of the client, each on a button: for trying a provider by hand, and for the tests
//! in `end2end`.
//!
//! There is no framework: results are written into the elements of `index.html`. The settings come
//! from `/settings.json`, with the members of [`Settings`] and [`Workbench`].
#![cfg(target_arch = "wasm32")]

use std::{fmt::Debug, rc::Rc, time::Duration};

use doorward_client::{
    ApiRequest, AuthEvent, CallbackKind, Error, PopupArgs, Settings, SigninOutcome,
    SigninRequestArgs, SignoutRequestArgs, SignoutScope, User, UserManager,
    browser::{self, Fetch},
    ports::{CacheMode, HttpClient as _, HttpRequest, Redirect},
};
use serde_json::Value;
use wasm_bindgen::{JsCast as _, prelude::*};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Document, HtmlInputElement};

/// The state of the page.
struct Workbench {
    manager: UserManager,
    document: Document,
    /// Finishes each sign-in twice at once, like pages whose components are mounted twice. The
    /// member `mount_twice`.
    mounts_twice: bool,
    /// How the page is left. The member `redirect`, with `replace` and `top`.
    redirect: Redirect,
}

/// The text to show after a success or a failure.
type Outcome = Result<String, String>;

/// Runs when the module is loaded.
#[wasm_bindgen(start)]
pub fn start() {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return;
    };
    spawn_local(async move {
        match Workbench::set_up(document.clone()).await {
            Ok(workbench) => Rc::new(workbench).run().await,
            Err(problem) => write(&document, "status", &problem),
        }
    });
}

impl Workbench {
    async fn set_up(document: Document) -> Result<Self, String> {
        let origin =
            document.location().and_then(|location| location.origin().ok()).unwrap_or_default();
        let request = HttpRequest {
            method: "GET".to_owned(),
            url: [&origin, "/settings.json"].concat(),
            headers: Vec::new(),
            body: None,
            timeout: Duration::from_secs(10),
            follow_redirects: false,
            cache: CacheMode::Never,
        };
        let text = Fetch.send(request).await.map_err(|error| error.to_string())?.body;
        let unreadable = |error: serde_json::Error| format!("/settings.json: {error}");
        let members: Value = serde_json::from_str(&text).map_err(unreadable)?;
        let settings: Settings = serde_json::from_str(&text).map_err(unreadable)?;
        if let Some(api) = members["api"].as_str() {
            input(&document, "api").inspect(|input| input.set_value(api));
        }
        let manager = browser::user_manager(settings).map_err(|error| told(&error))?;
        let redirect = &members["redirect"];
        let redirect =
            Redirect { replace: redirect["replace"] == true, top: redirect["top"] == true };
        Ok(Self { manager, document, mounts_twice: members["mount_twice"] == true, redirect })
    }

    async fn run(self: Rc<Self>) {
        let own = Rc::clone(&self);
        self.manager.events().subscribe(move |event| own.follow(event)).forever();
        for name in OPERATIONS {
            self.listen(name);
        }
        let outcome = self.arrive().await;
        self.show(outcome).await;
    }

    /// Processes the response in the page's URL, if there is one.
    async fn arrive(&self) -> Outcome {
        let url = self.manager.take_response();
        let outcome = match self.manager.callback_kind(&url) {
            CallbackKind::Signout => self.manager.signout_callback(&url).await.map(|outcome| {
                format!(
                    "signed out, state {}",
                    text_of(outcome.and_then(|outcome| outcome.state).as_ref())
                )
            }),
            CallbackKind::Signin | CallbackKind::ChildWindow if self.mounts_twice => {
                let (first, second) = futures::join!(
                    self.manager.signin_callback(&url),
                    self.manager.signin_callback(&url)
                );
                return Ok(format!(
                    "{}, and again: {}",
                    worded(first.map(arrived)),
                    worded(second.map(arrived))
                ));
            }
            CallbackKind::Signin | CallbackKind::ChildWindow => {
                self.manager.signin_callback(&url).await.map(arrived)
            }
            _ => return Ok("ready".to_owned()),
        };
        outcome.map_err(|error| told(&error))
    }

    /// Makes the button with this id run the operation of that name. Popups must open while the
    /// click is handled.
    fn listen(self: &Rc<Self>, name: &'static str) {
        let Some(button) = self.document.get_element_by_id(name) else {
            return write(&self.document, "status", &["there is no button ", name].concat());
        };
        let own = Rc::clone(self);
        let click = Closure::<dyn FnMut()>::new(move || {
            write(&own.document, "status", &[name, " …"].concat());
            let (work, own) = (own.operation(name), Rc::clone(&own));
            spawn_local(async move { own.show(work.await.map_err(|error| told(&error))).await });
        });
        // It throws only without a target or a name.
        let _ = button.add_event_listener_with_callback("click", click.as_ref().unchecked_ref());
        click.forget();
    }

    fn operation(&self, name: &str) -> Work {
        let manager = &self.manager;
        let mut signin = SigninRequestArgs::default()
            .state("a sign-in".into())
            .url_state("in the URL")
            .redirect(self.redirect);
        signin.prompt = Some(self.input("prompt")).filter(|prompt| !prompt.is_empty());
        let signout = SignoutRequestArgs::default().state("a sign-out".into());
        let popup = PopupArgs::default();
        match name {
            "signin_redirect" => then(manager.signin_redirect(signin), |()| "leaving".to_owned()),
            "signin_popup" => {
                then(manager.signin_popup(signin, popup), |outcome| arrived(Some(outcome)))
            }
            "signin_silent" => {
                then(manager.signin_silent(), |user| format!("silently {}", user.sub()))
            }
            "signout_redirect" => then(manager.signout_redirect(signout), |scope| match scope {
                SignoutScope::Local => "signed out here".to_owned(),
                _ => "leaving".to_owned(),
            }),
            "signout_popup" => then(manager.signout_popup(signout, popup), |outcome| {
                format!("signed out, state {}", text_of(outcome.state.as_ref()))
            }),
            "signout_silent" => then(manager.signout_silent(signout), |outcome| {
                format!("signed out, state {}", text_of(outcome.state.as_ref()))
            }),
            "query_session_status" => then(manager.query_session_status(), |status| {
                status.map_or_else(
                    || "nobody there".to_owned(),
                    |status| format!("{} is there", status.sub),
                )
            }),
            "get_access_token" => then(manager.get_access_token(), |token| token),
            "revoke_tokens" => then(manager.revoke_tokens(), |()| "revoked".to_owned()),
            "remove_user" => then(manager.remove_user(), |()| "removed".to_owned()),
            "clear_stale_state" => then(manager.clear_stale_state(), |()| "cleared".to_owned()),
            _ => then(manager.fetch(ApiRequest::get(self.input("api"))), |answer| {
                format!("{} {}", answer.status, answer.body)
            }),
        }
    }

    fn input(&self, id: &str) -> String {
        input(&self.document, id).map(|input| input.value()).unwrap_or_default()
    }

    /// Shows a result, and who is signed in now.
    async fn show(&self, outcome: Outcome) {
        self.show_user().await;
        write(&self.document, "status", &outcome.unwrap_or_else(|problem| problem));
    }

    async fn show_user(&self) {
        let user = match self.manager.get_user().await {
            Ok(user) => json_of(user.as_ref()),
            Err(error) => told(&error),
        };
        write(&self.document, "user", &user);
    }

    /// Lists an event. It may come from another tab, so the user is shown again.
    fn follow(self: &Rc<Self>, event: &AuthEvent) {
        let text = match event {
            AuthEvent::SilentRenewError(error) => format!("SilentRenewError {}", told(error)),
            event => variant(event),
        };
        let item = self.document.create_element("li");
        if let (Ok(item), Some(list)) = (item, self.document.get_element_by_id("events")) {
            item.set_text_content(Some(&text));
            // It throws only for a node that cannot be a child.
            let _ = list.append_child(&item);
        }
        let own = Rc::clone(self);
        spawn_local(async move { own.show_user().await });
    }
}

/// The buttons. The last one is the operation for every other name.
const OPERATIONS: [&str; 12] = [
    "signin_redirect",
    "signin_popup",
    "signin_silent",
    "signout_redirect",
    "signout_popup",
    "signout_silent",
    "query_session_status",
    "get_access_token",
    "revoke_tokens",
    "remove_user",
    "clear_stale_state",
    "call_api",
];

/// A running operation, and the text for its result.
type Work = futures::future::LocalBoxFuture<'static, Result<String, Error>>;

fn then<T: 'static>(
    work: impl Future<Output = Result<T, Error>> + 'static,
    say: impl FnOnce(T) -> String + 'static,
) -> Work {
    Box::pin(async move { work.await.map(say) })
}

fn arrived(outcome: Option<SigninOutcome>) -> String {
    match outcome {
        None => "handed back".to_owned(),
        Some(SigninOutcome { user, state, url_state, .. }) => {
            format!(
                "signed in {}, state {}, url_state {}",
                user.sub(),
                text_of(state.as_ref()),
                url_state.unwrap_or_default()
            )
        }
    }
}

fn worded(result: Result<String, Error>) -> String {
    result.unwrap_or_else(|error| told(&error))
}

/// The name of the error's variant, and its message.
fn told(error: &Error) -> String {
    format!("{}: {error}", variant(error))
}

/// The name of an enum's variant.
fn variant(value: &impl Debug) -> String {
    format!("{value:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn text_of(state: Option<&Value>) -> String {
    state.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The user with all tokens: this page hides nothing.
fn json_of(user: Option<&User>) -> String {
    serde_json::to_string_pretty(&user).unwrap_or_default()
}

fn write(document: &Document, id: &str, text: &str) {
    if let Some(element) = document.get_element_by_id(id) {
        element.set_text_content(Some(text));
    }
}

fn input(document: &Document, id: &str) -> Option<HtmlInputElement> {
    document.get_element_by_id(id)?.dyn_into().ok()
}
