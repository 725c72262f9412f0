//! The client with everything it can do, each on a button: to try a provider by hand, and for the
//! tests in `end2end`.
//!
//! No framework: what happens is written into the elements of `index.html`. The settings come from
//! `/settings.json`, whose members are those of [`Settings`] and of [`Workbench`].
#![cfg(target_arch = "wasm32")]

use std::{fmt::Debug, rc::Rc, time::Duration};

use doorward_client::{
    ApiRequest, AuthEvent, CallbackKind, Error, PopupArgs, Settings, SigninOutcome,
    SigninRequestArgs, SignoutRequestArgs, User, UserManager,
    browser::{self, Fetch},
    ports::{CacheMode, HttpClient as _, HttpRequest, Redirect},
};
use serde_json::Value;
use wasm_bindgen::{JsCast as _, prelude::*};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Document, HtmlInputElement};

/// What the buttons work on.
struct Workbench {
    manager: UserManager,
    document: Document,
    /// Finishes a sign-in twice at once, as pages do whose parts are mounted twice. Member
    /// `mount_twice`.
    mounts_twice: bool,
    /// How the page is left. Member `redirect`, with `replace` and `top`.
    redirect: Redirect,
}

/// What to say of something that went well, or went wrong.
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

    /// Deals with the response in the page's address, if there is one.
    async fn arrive(&self) -> Outcome {
        let url = self.manager.take_response();
        let outcome = match self.manager.callback_kind(&url) {
            CallbackKind::None => return Ok("ready".to_owned()),
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
        };
        outcome.map_err(|error| told(&error))
    }

    /// Lets the button of this id do what it is named after. Popups must open while the click is
    /// handled.
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
        // It throws for no target and no name.
        let _ = button.add_event_listener_with_callback("click", click.as_ref().unchecked_ref());
        click.forget();
    }

    fn operation(&self, name: &str) -> Work {
        let manager = &self.manager;
        let signin = SigninRequestArgs {
            state: Some("a sign-in".into()),
            url_state: Some("in the URL".to_owned()),
            prompt: Some(self.input("prompt")).filter(|prompt| !prompt.is_empty()),
            redirect: self.redirect,
            ..SigninRequestArgs::default()
        };
        let signout = SignoutRequestArgs {
            state: Some("a sign-out".into()),
            ..SignoutRequestArgs::default()
        };
        let popup = PopupArgs::default();
        match name {
            "signin_redirect" => then(manager.signin_redirect(signin), |()| "leaving".to_owned()),
            "signin_popup" => {
                then(manager.signin_popup(signin, popup), |outcome| arrived(Some(outcome)))
            }
            "signin_silent" => {
                then(manager.signin_silent(), |user| format!("silently {}", user.sub()))
            }
            "signout_redirect" => {
                then(manager.signout_redirect(signout), |()| "leaving".to_owned())
            }
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

    /// Shows what came of something, and who is signed in now.
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

    /// Lists an event. It may have come of another tab, so that who is signed in is shown anew.
    fn follow(self: &Rc<Self>, event: &AuthEvent) {
        let text = match event {
            AuthEvent::SilentRenewError(error) => format!("SilentRenewError {}", told(error)),
            event => variant(event),
        };
        let item = self.document.create_element("li");
        if let (Ok(item), Some(list)) = (item, self.document.get_element_by_id("events")) {
            item.set_text_content(Some(&text));
            // It throws for what can't stand there.
            let _ = list.append_child(&item);
        }
        let own = Rc::clone(self);
        spawn_local(async move { own.show_user().await });
    }
}

/// The buttons; the last one is what every other name stands for.
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

/// An operation under way, and what to say of its result.
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
        Some(SigninOutcome { user, state, url_state }) => {
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

/// The kind of an error by its name in the crate, and what it says.
fn told(error: &Error) -> String {
    format!("{}: {error}", variant(error))
}

/// The name of an enumeration's variant.
fn variant(value: &impl Debug) -> String {
    format!("{value:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn text_of(state: Option<&Value>) -> String {
    state.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The user with their tokens: this page hides nothing.
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
