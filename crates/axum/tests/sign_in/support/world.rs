//! An application that is signed in to by a provider.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use axum::{Router, extract::Query, response::Response, routing::get};
use doorward_axum::{
    Auth, Authorized, CookieKeys, MemorySessions, Policy, RequiredPolicy, Secret, Session,
    SessionError, SessionsIn, SignIn, SignInSettings, SignedIn, SigninRequestArgs,
};

use super::{Browser, Provider, provider::now};

pub const ORIGIN: &str = "http://localhost:5001";
pub const CLIENT: &str = "shop";
/// The API that the sign-in of a handler names.
pub const ORDERS_API: &str = "https://orders.example";

/// Where sessions are kept in a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    InMemory,
    InCookies,
}

impl Kept {
    pub const ALL: [Self; 2] = [Self::InMemory, Self::InCookies];

    pub fn sessions(self) -> SessionsIn {
        match self {
            Self::InMemory => MemorySessions::default().into(),
            Self::InCookies => CookieKeys::parse(["A".repeat(43)]).unwrap().into(),
        }
    }
}

pub struct World {
    pub provider: Arc<Provider>,
    pub app: Router,
    pub auth: Auth,
    /// How far the application's clock is ahead, in seconds.
    ahead: Arc<AtomicU64>,
}

impl World {
    pub async fn new() -> Self {
        Self::kept(Kept::InMemory).await
    }

    pub async fn kept(kept: Kept) -> Self {
        Self::with(kept.sessions(), |settings| settings).await
    }

    pub async fn with(
        sessions: impl Into<SessionsIn>,
        change: impl FnOnce(SignInSettings) -> SignInSettings,
    ) -> Self {
        Self::at(Provider::start().await, sessions, change)
    }

    /// An application at this provider.
    pub fn at(
        provider: Arc<Provider>,
        sessions: impl Into<SessionsIn>,
        change: impl FnOnce(SignInSettings) -> SignInSettings,
    ) -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&ahead);
        let settings =
            SignInSettings::new(&*provider.issuer, CLIENT, format!("{ORIGIN}/signin-oidc"))
                .client_secret(Secret::new("s&cret"))
                .scope("openid profile offline_access")
                .load_user_info(true)
                .post_logout_redirect_uri(format!("{ORIGIN}/signout-callback-oidc"))
                .clock(move || now() + clock.load(SeqCst));
        let auth = Auth::new(change(settings), sessions).unwrap();
        Self { provider, app: auth.attach(pages()), auth, ahead }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.app)
    }

    /// Time passes for the application.
    pub fn advance(&self, seconds: u64) {
        self.ahead.fetch_add(seconds, SeqCst);
    }

    /// A browser whose user has signed in.
    pub async fn signed_in(&self) -> Browser {
        let browser = self.browser();
        self.sign_in(&browser, "/me").await;
        browser
    }

    /// Opens a page that needs a sign-in, and signs in. Returns where the browser ends up.
    pub async fn sign_in(&self, browser: &Browser, page: &str) -> String {
        let to_provider = browser.open(page).await.location().to_owned();
        let callback = self.provider.authorize(&to_provider);
        browser.open(&callback).await.location().to_owned()
    }
}

struct Admin;

impl RequiredPolicy for Admin {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> =
            LazyLock::new(|| [Policy::require_role("admin").named("AdminPolicy")]);
        &*POLICIES
    }
}

struct Recent;

impl RequiredPolicy for Recent {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> =
            LazyLock::new(|| [Policy::require_recent_sign_in(60)]);
        &*POLICIES
    }
}

struct Strong;

impl RequiredPolicy for Strong {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> = LazyLock::new(|| [Policy::require_acr(["2"])]);
        &*POLICIES
    }
}

struct Orders;

impl RequiredPolicy for Orders {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> =
            LazyLock::new(|| [Policy::require_scope("orders")]);
        &*POLICIES
    }
}

/// Names of the values that the tests keep.
const NAMES: [&str; 5] = ["here", "long", "one", "there", "two"];

async fn values(session: Session) -> Result<String, SessionError> {
    let mut lines = Vec::new();
    for name in NAMES {
        if let Some(value) = session.get::<String>(name)? {
            lines.push(format!("{name}: {value}"));
        }
    }
    Ok(lines.join(", "))
}

#[derive(serde::Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: String,
}

/// Keeps a value, twice: the second time counts.
async fn keep_value(
    session: Session,
    Query(pair): Query<Pair>,
    body: String,
) -> Result<String, SessionError> {
    let value = if body.is_empty() { pair.value } else { body };
    session.insert(&pair.name, "").await?;
    session.insert(&pair.name, &value).await?;
    values(session).await
}

async fn drop_value(session: Session, Query(pair): Query<Pair>) -> Result<String, SessionError> {
    session.remove(&pair.name).await?;
    values(session).await
}

/// The sign-in that a handler begins.
fn more() -> SigninRequestArgs {
    let mut args = SigninRequestArgs::default()
        .scope("openid orders")
        .resource(vec![ORDERS_API.to_owned()])
        .ui_locales("de")
        .return_to("/orders")
        .redirect_uri("https://evil.example/cb")
        .state(serde_json::json!("mine"));
    args.extra_query_params.push(("audience".to_owned(), "orders".to_owned()));
    args
}

async fn connect(sign_in: SignIn) -> Response {
    sign_in.redirect(more()).await
}

/// As a server function does.
async fn connect_later(sign_in: SignIn, session: Session) -> String {
    session.insert("one", "1").await.unwrap();
    let url = sign_in.begin(more()).await.unwrap();
    session.insert("two", "2").await.unwrap();
    url
}

fn pages() -> Router {
    let me = async |user: SignedIn| format!("{} {}", user.sub(), user.claim("name").unwrap_or("-"));
    let strong = async |user: Authorized<Strong>| user.sub().to_owned();
    Router::new()
        .route(
            "/",
            get(async |user: Option<SignedIn>| {
                user.map_or("nobody".to_owned(), |user| user.sub().to_owned())
            })
            .post(async |user: Option<SignedIn>| {
                user.map_or("nobody".to_owned(), |user| format!("changed by {}", user.sub()))
            }),
        )
        .route("/me", get(me).post(me))
        .route(
            "/token",
            get(async |user: SignedIn| match user.access_token() {
                Ok(token) => token.expose().to_owned(),
                Err(error) => error.to_string(),
            }),
        )
        .route(
            "/public",
            get(async |user: Option<SignedIn>| {
                let about = user.map_or_else(String::new, |user| user.sub().to_owned());
                ([("cache-control", "public, max-age=60")], about)
            }),
        )
        .route("/values", get(values).post(keep_value).delete(drop_value))
        .route(
            "/leave",
            axum::routing::post(async |session: Session| {
                let to = session.sign_out().await.unwrap();
                assert_eq!(session.get::<u64>("x"), Err(SessionError::Ended));
                to
            }),
        )
        .route(
            "/leave-here",
            axum::routing::post(async |session: Session| {
                session.sign_out_here().await.unwrap();
                assert_eq!(session.get::<u64>("x"), Err(SessionError::Ended));
            }),
        )
        .route("/orders", get(async |user: Authorized<Orders>| user.sub().to_owned()))
        .route("/connect", get(connect).post(connect_later))
        .route("/form", get(async |user: SignedIn| user.form_token().expose().to_owned()))
        .route("/admin", get(async |user: Authorized<Admin>| user.sub().to_owned()))
        .route("/recent", get(async |user: Authorized<Recent>| user.sub().to_owned()))
        .route("/strong", get(strong).post(strong))
}
