//! The sign-in of one application.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use axum::{
    Router, middleware,
    response::{IntoResponse as _, Response},
};
use doorward_client::SigninRequestArgs;
use doorward_relying_party::{RelyingParty, ServerOptions};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, LOCATION, SET_COOKIE},
};

use crate::{
    Problem, ReturnTo, SessionsIn, SettingsError, SignInSettings,
    cookies::Cookies,
    layer::{self, RequestSession},
    renewal::RunningRenewals,
    routes,
    session::{RequestedSignIn, Sessions},
    settings::Checked,
};

/// How often expired sessions are removed, in seconds.
const SWEEP_INTERVAL: u64 = 60;
/// After this many sign-ins that began, they are removed in any case.
const SWEEP_AFTER: u64 = 1000;

/// Signs users in and out at one provider, and knows who they are. Clones are cheap and share
/// everything.
///
/// ```
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use doorward_axum::{Auth, MemorySessions, Secret, SignInSettings, SignedIn};
/// use tower::ServiceExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let settings =
///     SignInSettings::new("https://id.example", "shop", "https://shop.example/signin-oidc")
///         .client_secret(Secret::new("a long random text"));
/// let auth = Auth::new(settings, MemorySessions::default())?;
/// let greet = |user: Option<SignedIn>| async move {
///     user.map_or("Hello".to_owned(), |user| format!("Hello {}", user.sub()))
/// };
/// let app: Router = auth.attach(Router::new().route("/", get(greet)));
///
/// let response = app.oneshot(Request::get("/").body(Body::empty())?).await?;
/// assert_eq!(response.status(), 200, "nobody is signed in, and need not be");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Auth {
    pub(crate) settings: Arc<SignInSettings>,
    pub(crate) checked: Arc<Checked>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) protocol: RelyingParty,
    pub(crate) flights: Arc<RunningRenewals>,
    swept_at: Arc<AtomicU64>,
    /// How many sign-ins began.
    begun: Arc<AtomicU64>,
}

impl Auth {
    /// A sign-in with these settings, whose sessions are kept there. Nothing is asked of the
    /// provider yet, so it need not run.
    ///
    /// # Errors
    /// A setting can't be used.
    pub fn new(
        settings: SignInSettings,
        sessions: impl Into<SessionsIn>,
    ) -> Result<Self, SettingsError> {
        let checked = settings.checked()?;
        let options = ServerOptions::default().clock(Arc::clone(&settings.now));
        let options = match &settings.client_key {
            Some(key) => options.client_key(key.clone()),
            None => options,
        };
        let options = match &settings.proof_key {
            Some(key) => options.proof_key(key.clone()),
            None => options,
        };
        let protocol = RelyingParty::start(settings.protocol.clone(), options)
            .map_err(|error| SettingsError(error.to_string()))?;
        let sessions = Sessions::new(
            sessions.into(),
            Cookies::new(&settings.cookie_name, checked.secure),
            &settings.protocol.authority,
            &settings.protocol.client_id,
        );
        Ok(Self {
            settings: Arc::new(settings),
            checked: Arc::new(checked),
            sessions: Arc::new(sessions),
            protocol,
            flights: Arc::default(),
            swept_at: Arc::default(),
            begun: Arc::default(),
        })
    }

    /// Adds the routes of sign-in and sign-out to an application, and lets its handlers know their
    /// user. Routes that are added afterwards don't.
    ///
    /// # Panics
    /// The application itself has a route at one of the paths. The settings can move them.
    pub fn attach<S: Clone + Send + Sync + 'static>(&self, app: Router<S>) -> Router<S> {
        app.merge(routes::router(self))
            .layer(middleware::from_fn_with_state(self.clone(), layer::around))
    }

    /// Waits for the renewals that are under way. Call it when the server has stopped to take
    /// requests: a renewal goes on when its page was answered, and the provider takes each refresh
    /// token once. It takes as long as the provider, and so has the time limits of its requests.
    ///
    /// ```no_run
    /// # use doorward_axum::Auth;
    /// # async fn serve(auth: Auth, app: axum::Router) -> std::io::Result<()> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    /// // Containers are stopped by SIGTERM: the template `axum-server-side` waits for that, too.
    /// let stopped = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    /// axum::serve(listener, auth.attach(app)).with_graceful_shutdown(stopped).await?;
    /// auth.finish().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn finish(&self) {
        self.flights.finish().await;
    }

    /// Seconds since 1970 (UTC).
    pub(crate) fn now(&self) -> u64 {
        (self.settings.now)()
    }

    /// Sends the browser to the provider.
    pub(crate) async fn send_to_provider(
        &self,
        slot: &RequestSession,
        args: SigninRequestArgs,
        return_to: &ReturnTo,
    ) -> Result<Response, Problem> {
        let url = self.begin_sign_in(slot, args, return_to).await?;
        Ok(redirect(&url, Vec::new()))
    }

    /// Begins a sign-in, whose cookies go out with the answer to this request. Returns the address
    /// at the provider.
    pub(crate) async fn begin_sign_in(
        &self,
        slot: &RequestSession,
        args: SigninRequestArgs,
        return_to: &ReturnTo,
    ) -> Result<String, Problem> {
        // The session remembers what was asked for.
        let mut args = args.return_to(return_to.as_str());
        if args.acr_values.is_some() || args.max_age.is_some() {
            self.add_present(slot, &mut args).await?;
        }
        let scopes = [args.scope.as_deref(), args.added_scope.as_deref()];
        let scope = scopes.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let asked = RequestedSignIn {
            acr_values: args.acr_values.clone(),
            max_age: args.max_age,
            scope: Some(scope).filter(|scope| !scope.is_empty()),
            resource: args.resource.clone(),
        };
        args.state = serde_json::to_value(asked).ok();
        let request = self.protocol.begin(args).await?;
        // Before the request is kept: what strangers began must not keep this user out.
        if self.begun.fetch_add(1, Relaxed) % SWEEP_AFTER == SWEEP_AFTER - 1 {
            self.sweep();
        }
        let set = self
            .sessions
            .put_request(&slot.cookies, &request.state, &request.pending, self.now())
            .await?;
        slot.begin_sign_in(set);
        Ok(request.url)
    }

    /// Adds the scope of the present session, and its APIs unless others are named: who signs in
    /// once more, because that needs to be stronger or more recent, must not have less afterwards.
    async fn add_present(
        &self,
        slot: &RequestSession,
        args: &mut SigninRequestArgs,
    ) -> Result<(), Problem> {
        let Some(present) = self.sessions.load(&slot.cookies, self.now()).await? else {
            return Ok(());
        };
        let (granted, asked) = (&present.record.user.scope, &present.record.asked);
        let mut tokens = Vec::new();
        for scope in [granted, &asked.scope, &args.added_scope].into_iter().flatten() {
            for token in scope.split_ascii_whitespace() {
                if !tokens.contains(&token) {
                    tokens.push(token);
                }
            }
        }
        args.added_scope = Some(tokens.join(" "));
        if args.resource.is_empty() {
            args.resource.clone_from(&asked.resource);
        }
        Ok(())
    }

    /// Removes expired sessions from time to time. Any request may be the one that does it.
    pub(crate) fn sweep_sometimes(&self) {
        let now = self.now();
        let swept_at = self.swept_at.load(Relaxed);
        if now.saturating_sub(swept_at) >= SWEEP_INTERVAL
            && self.swept_at.compare_exchange(swept_at, now, Relaxed, Relaxed).is_ok()
        {
            self.sweep();
        }
    }

    /// Removes expired sessions in the background.
    fn sweep(&self) {
        let (auth, now) = (self.clone(), self.now());
        self.flights.sweep(now);
        tokio::spawn(async move {
            if let Err(error) = auth.sessions.sweep(now).await {
                tracing::warn!(%error, "expired sessions are not removed");
            }
        });
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Auth").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A redirect that asks by GET, with cookies. No cache keeps it.
pub(crate) fn redirect(url: &str, set_cookies: Vec<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    match HeaderValue::from_str(url) {
        Ok(url) => headers.insert(LOCATION, url),
        Err(_) => headers.insert(LOCATION, HeaderValue::from_static("/")),
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in set_cookies {
        headers.append(SET_COOKIE, cookie);
    }
    response
}
