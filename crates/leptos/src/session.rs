//! Sign-in by the server's session: the tokens stay on the server, and the browser has a cookie.

use doorward_client::{
    ApiRequest, ApiResponse, Error, SigninRequestArgs,
    ports::{HttpClient as _, HttpRequest},
};
use doorward_protocol::form;
use leptos::prelude::*;

use crate::{
    Auth, AuthStatus, ServerUser,
    browser_fetch::{self, BrowserFetch},
    engine::{Reply, Task, Work},
    live::{Live, Plan},
    page,
    start::set_status,
};

/// Where the server's session begins and ends. The defaults are the routes of `doorward-axum`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionRoutes {
    /// Sends the browser to the provider, and afterwards to the path in `return_to`. It may take
    /// `prompt`, `login_hint`, `acr_values` and `max_age`.
    pub sign_in: &'static str,
    /// Ends the session, by POST from a page of the same origin.
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
/// client in the browser. What differs:
///
/// - [`Auth::sign_in`] and [`Auth::sign_out`] go to the server's routes;
/// - [`Auth::call`] and [`Auth::fetch`] send no token: the cookie goes to this origin by itself,
///   and the server calls other APIs;
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
    let user = SharedValue::new(use_context::<ServerUser>).into_inner();
    let nothing = Plan {
        load: std::rc::Rc::new(|| Box::pin(async { None })),
        skip_callback: None,
        make: None,
        initiate_login_path: None,
        #[cfg(feature = "policy")]
        roles_at: &[],
    };
    let auth = Auth { routes, ..Auth::new(Live::new(nothing), by_session) };
    set_status(auth, AuthStatus::from(user.map(ServerUser::into_user)));
    provide_context(auth);
    crate::options::stay_when_shown(auth);
    auth
}

/// Does a task with the server's session.
fn by_session(auth: Auth, task: Task) -> Work {
    Box::pin(async move {
        match task {
            Task::SignIn(args) => {
                page::go(&sign_in_url(auth.routes.sign_in, &args));
                auth.leave();
            }
            Task::SignOut(_) | Task::SignOutHere => {
                page::post(auth.routes.sign_out);
                auth.leave();
            }
            Task::Call(http, request) => return call(http, request).await.map(Reply::Response),
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
    let mut query = String::new();
    for (name, value) in [
        ("return_to", Some(&return_to)),
        ("prompt", args.prompt.as_ref()),
        ("login_hint", args.login_hint.as_ref()),
        ("acr_values", args.acr_values.as_ref()),
        ("max_age", max_age.as_ref()),
    ] {
        if let Some(value) = value {
            form::append(&mut query, name, value);
        }
    }
    [route, "?", &query].concat()
}

/// Calls an API of this origin. The browser adds the cookie.
async fn call(
    http: Option<std::rc::Rc<dyn doorward_client::ports::HttpClient>>,
    request: ApiRequest,
) -> Result<ApiResponse, Error> {
    let own = BrowserFetch::of(&request);
    let url = request.url.clone();
    let sent = HttpRequest {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: request.body,
        timeout: std::time::Duration::ZERO,
        follow_redirects: true,
        cache: doorward_client::ports::CacheMode::Never,
    };
    let answer = match http {
        Some(http) => http.send(sent).await,
        None => match own.send(sent).await {
            Ok(answer) => browser_fetch::with_body(own.take_answer(), answer).await,
            Err(failure) => Err(failure),
        },
    };
    answer.map_err(|failure| Error::Network { url, failure })
}
