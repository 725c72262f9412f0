//! Sign-in for server-rendered applications on axum, with any OpenID provider.
//!
//! Tokens stay on the server. The browser has a cookie, and pages know their user by an extractor:
//!
//! ```no_run
//! use axum::{Router, response::Html, routing::get};
//! use doorward_axum::{Auth, MemorySessions, Secret, SignInSettings, SignedIn};
//!
//! async fn home(user: Option<SignedIn>) -> Html<&'static str> {
//!     Html(match user {
//!         Some(_) => r#"<form method="post" action="/signout"><button>Sign out</button></form>"#,
//!         None => r#"<a href="/signin">Sign in</a>"#,
//!     })
//! }
//!
//! // Whoever is not signed in is sent to the provider, and comes back here.
//! async fn orders(user: SignedIn) -> String {
//!     format!("The orders of {}", user.sub())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = SignInSettings::new(
//!     "http://localhost:6001",
//!     "PkceCodeBackend",
//!     "http://localhost:5001/signin-oidc",
//! )
//! .client_secret(Secret::new("secret"))
//! .scope("openid profile offline_access");
//! let auth = Auth::new(settings, MemorySessions::default())?;
//! let app = Router::new().route("/", get(home)).route("/orders", get(orders));
//! let app: Router = auth.attach(app);
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:5001").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | to | use |
//! |---|---|
//! | know the user, if there is one | the extractor `Option<SignedIn>` |
//! | ask for a sign-in | [`SignedIn`] |
//! | apply a policy, step-up included | [`Authorized`] |
//! | keep something in the session | [`Session`] |
//! | call an API from scripts of the page | [`ApiProxy`] |
//! | bind tokens to a key (DPoP) | [`SignInSettings::proof_key`] |
//! | keep sessions on the server | [`MemorySessions`], `SqliteSessions`, `PostgresSessions` |
//! | keep sessions in another database | [`SessionStore`] |
//! | keep sessions in encrypted cookies | [`CookieKeys`] |
//! | answer a failed sign-in in your own way | [`SignInSettings::problem_page`] |
//!
//! [`Auth::attach`] adds these routes: `/signin` (with `return_to`), the path of the redirect URI,
//! that of the post-logout redirect URI, `/signout` (POST), `/backchannel-logout` and
//! `/frontchannel-logout`.
//!
//! # Forged requests
//!
//! A request that can change something (POST, PUT, PATCH, DELETE, and the begin of a WebSocket) and
//! has a session cookie must come from a page of the application: its `Origin` or `Sec-Fetch-Site`
//! says so, as every browser of today sends. A request with neither, or with `Origin: null` alone,
//! needs the session's [`SignedIn::form_token`], in the form field `csrf_token` or the header
//! `x-csrf-token`.
//!
//! # Cargo features
//!
//! - `sqlite`: sessions in SQLite;
//! - `postgres`: sessions in PostgreSQL;
//! - `jarm`: authorization responses that the provider signed.
//!
//! # Minimum supported Rust version
//!
//! 1.88. A raise is a minor release.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]
#![deny(missing_docs)]

mod auth;
mod authorized;
mod cookies;
mod csrf;
mod layer;
mod problem;
mod proxy;
mod refusal;
mod renewal;
mod return_to;
mod routes;
mod session;
mod session_values;
mod settings;
mod sign_in;
mod signed_in;

pub use auth::Auth;
pub use authorized::Authorized;
pub use problem::Problem;
pub use proxy::ApiProxy;
pub use refusal::Refusal;
pub use return_to::ReturnTo;
#[cfg(feature = "postgres")]
pub use session::PostgresSessions;
#[cfg(feature = "sqlite")]
pub use session::SqliteSessions;
pub use session::{
    CookieKeys, CookieKeysError, FoundSession, Key, MemorySessions, SessionRow, SessionStore,
    SessionsIn, StoreError, Whose,
};
pub use session_values::{Session, SessionError};
pub use settings::{SettingsError, SignInSettings};
pub use sign_in::SignIn;
pub use signed_in::{AccessTokenError, SignedIn};

// What appears in signatures of this crate.
pub use async_trait::async_trait;
pub use axum;
pub use doorward_client::{self as client, ErrorKind, Secret, SigninRequestArgs, User};
pub use doorward_policy::{
    self as policy, Decision, Denial, Need, Policy, Principal, RequiredPolicy, StepUp,
};
pub use doorward_protocol::jose::SigningAlgorithm;
pub use doorward_relying_party::{ClientKey, ClientKeyError, ProofKey, ProofKeyError};
pub use http;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
