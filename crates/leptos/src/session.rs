//! Sign-in by the server's session: the tokens stay on the server, and the browser has a cookie.

use std::num::NonZeroU64;

use doorward_client::{
    ApiRequest, ApiResponse, Error, SigninRequestArgs, SignoutRequestArgs, StepUp,
    ports::{CacheMode, HttpClient, HttpRequest},
};
use doorward_protocol::{challenge::Challenge, form};
use leptos::{prelude::*, web_sys};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Auth, AuthStatus, ServerUser,
    browser_fetch::{self, BrowserFetch},
    engine::{Reply, Task, Work},
    live::{Live, Plan},
    page,
    start::set_status,
};

/// Where the server's session begins and ends. The defaults are the routes of `doorward-axum`. See
/// [`provide_session_auth`] for an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionRoutes {
    /// Sends the browser to the provider, and afterwards to the path in `return_to`, which may have
    /// a fragment. It may take `scope`, `prompt`, `login_hint`, `acr_values`, `max_age`, `display`,
    /// `ui_locales` and parameters of the provider.
    pub sign_in: &'static str,
    /// Ends the session here and at the provider, by POST from a page of the same origin. With
    /// `here=true` in the query, it ends the session here alone.
    pub sign_out: &'static str,
}

impl Default for SessionRoutes {
    fn default() -> Self {
        Self { sign_in: "/signin", sign_out: "/signout" }
    }
}

/// Provides sign-in by the server's session to all components below. The user is the [`ServerUser`]
/// that the server has as a context; the browser gets it with the page, so the first HTML is right,
/// and hydration finds the same.
///
/// On both sides, [`use_auth`](crate::use_auth) and all components of this crate work as with a
/// client in the browser. What differs, because the server has the settings and the tokens:
///
/// - [`Auth::sign_in_with`] goes to the server's route, by a link as anybody can write it. It
///   brings `return_to`, `scope` and `added_scope`, `prompt`, `login_hint`, `acr_values`,
///   `max_age`, `display`, `ui_locales` and `extra_query_params`. The route decides what of them
///   counts: `doorward-axum` takes the scope that its setting `further_scope` lists, beside its
///   own, and the parameters that `link_parameters` lists. All other arguments are left out. For
///   those, begin the sign-in in a server function, by `doorward_axum::SignIn`;
/// - `state`, and so what [`Auth::step_up`] is to repeat, stays in the tab's session storage. It is
///   there for the page that the sign-in leads to, and for no other;
/// - [`Auth::sign_out_with`] brings `extra_query_params`. All other arguments are left out: the
///   server's settings say where the browser goes, and the server has the ID token;
/// - [`Auth::sign_out_here`] ends the server's session, and with it that of all tabs of the
///   browser; another tab learns it from the next answer of the server;
/// - [`Auth::call`] and [`Auth::fetch`] send no token: the cookie goes to this origin by itself,
///   and the server calls other APIs. If the session has ended, they fail with
///   [`Error::NotSignedIn`], and with [`Error::StepUp`] if the server asks for another sign-in;
/// - roles are in `role`: the server has put them there
///   ([`ServerUser`], `roles_at` of `doorward-axum`);
/// - there is no [`Auth::manager`], and no [`Auth::access_token`].
///
/// ```
/// use doorward_leptos::{RequireAuth, ServerUser, SessionRoutes, provide_session_auth};
/// use leptos::prelude::*;
///
/// #[component]
/// fn App() -> impl IntoView {
///     let auth = provide_session_auth(SessionRoutes::default());
///     view! {
///         <RequireAuth fallback=|| "Please sign in.">
///             "Welcome, " {move || auth.user_name()}
///         </RequireAuth>
///     }
/// }
///
/// # #[cfg(not(target_arch = "wasm32"))]
/// Owner::new().with(|| {
///     let profile = [("sub".into(), "1".into()), ("name".into(), "Alice".into())];
///     provide_context(ServerUser::new(profile.into_iter().collect()));
///     assert!(view! { <App/> }.to_html().contains("Alice"));
/// });
/// ```
pub fn provide_session_auth(routes: SessionRoutes) -> Auth {
    let rendered = || (use_context::<ServerUser>(), page::now());
    let (user, rendered_at) = SharedValue::new(rendered).into_inner();
    let nothing = Plan {
        load: std::rc::Rc::new(|| Box::pin(async { None })),
        skip_callback: None,
        make: None,
        initiate_login_path: None,
        #[cfg(feature = "policy")]
        roles_at: &[],
    };
    let rendered_at = NonZeroU64::new(rendered_at);
    let auth = Auth { routes, rendered_at, ..Auth::new(Live::new(nothing), by_session) };
    set_status(auth, AuthStatus::from(user.map(ServerUser::into_user)));
    take_brought(auth);
    provide_context(auth);
    crate::options::stay_when_shown(auth);
    auth
}

/// Does a task with the server's session.
fn by_session(auth: Auth, task: Task) -> Work {
    Box::pin(async move {
        match task {
            Task::SignIn(mut args) => {
                if let Some(state) = args.state.take() {
                    let path = args.return_to.take().unwrap_or_else(page::path);
                    args.return_to = Some(keep_state(&path, state));
                }
                page::go(&sign_in_url(auth.routes.sign_in, &args));
                auth.leave();
            }
            Task::SignOut(args) => {
                page::post(&sign_out_url(auth.routes.sign_out, &args));
                auth.leave();
            }
            Task::SignOutHere => {
                sign_out_here(with_query(auth.routes.sign_out, "here=true")).await?;
                set_status(auth, AuthStatus::SignedOut);
            }
            Task::Call(http, request) => {
                let answer = call(http, request).await;
                if matches!(answer, Err(Error::NotSignedIn)) {
                    set_status(auth, AuthStatus::SignedOut);
                }
                return answer.map(Reply::Response);
            }
            Task::Token(_) => return Err(Error::NotSignedIn),
            Task::SetUp | Task::Start | Task::Prepare | Task::Renew => {}
        }
        Ok(Reply::Done)
    })
}

/// The URL of the sign-in route for these arguments.
pub(crate) fn sign_in_url(route: &str, args: &SigninRequestArgs) -> String {
    let return_to = args.return_to.clone().unwrap_or_else(page::path);
    let max_age = args.max_age.map(|seconds| seconds.to_string());
    let scopes = [args.scope.as_deref(), args.added_scope.as_deref()];
    let scope: Vec<_> = scopes.into_iter().flatten().filter(|scope| !scope.is_empty()).collect();
    let scope = Some(scope.join(" ")).filter(|scope| !scope.is_empty());
    let own = [
        ("return_to", Some(&return_to)),
        ("scope", scope.as_ref()),
        ("prompt", args.prompt.as_ref()),
        ("login_hint", args.login_hint.as_ref()),
        ("acr_values", args.acr_values.as_ref()),
        ("max_age", max_age.as_ref()),
        ("display", args.display.as_ref()),
        ("ui_locales", args.ui_locales.as_ref()),
    ];
    let mut query = String::new();
    for (name, value) in own {
        if let Some(value) = value {
            form::append(&mut query, name, value);
        }
    }
    for (name, value) in &args.extra_query_params {
        // A route need not take what comes twice.
        if !own.iter().any(|(known, _)| known == name) {
            form::append(&mut query, name, value);
        }
    }
    with_query(route, &query)
}

/// The URL of the sign-out route for these arguments.
pub(crate) fn sign_out_url(route: &str, args: &SignoutRequestArgs) -> String {
    let mut query = String::new();
    for (name, value) in &args.extra_query_params {
        form::append(&mut query, name, value);
    }
    with_query(route, &query)
}

/// A route with parameters. It may have some of its own.
fn with_query(route: &str, query: &str) -> String {
    match query {
        "" => route.to_owned(),
        query => [route, if route.contains('?') { "&" } else { "?" }, query].concat(),
    }
}

/// What a tab keeps while its user is at the provider.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredState {
    /// The fragment with which the browser comes back from the sign-in, and in no other way.
    mark: String,
    /// Where it is then, without the mark.
    path: String,
    state: Value,
}

impl StoredState {
    pub(crate) fn new(path: &str, mark: String, state: Value) -> Self {
        Self { mark, path: path.to_owned(), state }
    }

    /// The path to which the sign-in leads.
    pub(crate) fn return_to(&self) -> String {
        let path = self.path.split('#').next().unwrap_or_default();
        [path, "#", &self.mark].concat()
    }

    /// What the sign-in has brought to the page at this URL, and the path to be shown in place of
    /// it. `None` if the browser came here in another way: the user gave up, and must not see
    /// anything repeated.
    pub(crate) fn brought_to(self, url: &str) -> Option<(Value, String)> {
        let (_, fragment) = url.split_once('#')?;
        (fragment == self.mark).then_some((self.state, self.path))
    }
}

/// Keeps a state until the browser comes back from the sign-in. Returns the path to come back to.
fn keep_state(path: &str, state: Value) -> String {
    let kept = StoredState::new(path, page::new_mark(), state);
    match serde_json::to_string(&kept) {
        Ok(text) if page::keep_brought(&text) => kept.return_to(),
        // The tab can keep nothing, so nothing is repeated.
        _ => path.to_owned(),
    }
}

/// Takes what a sign-in has brought to this page. It counts once.
fn take_brought(auth: Auth) {
    let kept: Option<StoredState> =
        page::take_brought().and_then(|text| serde_json::from_str(&text).ok());
    if let Some((state, path)) = kept.and_then(|kept| kept.brought_to(&page::url())) {
        page::show(&path);
        auth.brought.set(Some(state));
    }
}

/// Ends the session here, while the page stays.
async fn sign_out_here(url: String) -> Result<(), Error> {
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    // Where the route leads is not for this page.
    init.set_redirect(web_sys::RequestRedirect::Manual);
    let sent = BrowserFetch::new(init).send(sent(ApiRequest::post(&*url))).await;
    match sent {
        // A redirect that is not followed has no status.
        Ok(answer) if answer.status < 400 => Ok(()),
        Ok(answer) => Err(Error::Http { url, status: answer.status }),
        Err(failure) => Err(Error::Network { url, failure }),
    }
}

/// Calls an API of this origin. The browser adds the cookie.
async fn call(
    http: Option<std::rc::Rc<dyn HttpClient>>,
    request: ApiRequest,
) -> Result<ApiResponse, Error> {
    let own = BrowserFetch::of(&request);
    let url = request.url.clone();
    let sent = sent(request);
    let answer = match http {
        Some(http) => http.send(sent).await,
        None => match own.send(sent).await {
            Ok(answer) => browser_fetch::with_body(own.take_answer(), answer).await,
            Err(failure) => Err(failure),
        },
    };
    accepted(answer.map_err(|failure| Error::Network { url, failure })?)
}

fn sent(request: ApiRequest) -> HttpRequest {
    HttpRequest {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: request.body,
        timeout: std::time::Duration::ZERO,
        follow_redirects: true,
        cache: CacheMode::Never,
    }
}

/// The answer to a call, unless the server refused it because of the session.
pub(crate) fn accepted(answer: ApiResponse) -> Result<ApiResponse, Error> {
    if let Some(step_up) = StepUp::asked_by(&answer) {
        return Err(Error::StepUp { step_up, response: Box::new(answer) });
    }
    let challenges =
        answer.header("www-authenticate").and_then(|text| Challenge::parse_all(text).ok());
    let asks_for_session = challenges
        .is_some_and(|all| all.iter().any(|own| own.scheme() == Challenge::session().scheme()));
    if answer.status == 401 && asks_for_session { Err(Error::NotSignedIn) } else { Ok(answer) }
}
