//! Protects axum endpoints with access tokens (RFC 6750, RFC 9068), which may be bound to a key
//! (RFC 9449), and policies.
//!
//! A handler names its policy in its signature and gets the caller only through it:
//!
//! ```no_run
//! use std::sync::LazyLock;
//!
//! use axum::{Router, routing::get};
//! use doorward_policy::{Policy, RequiredPolicy};
//! use doorward_resource_server::{Authorized, ResourceServer, ResourceServerSettings};
//!
//! struct AdminPolicy;
//!
//! impl RequiredPolicy for AdminPolicy {
//!     fn policies() -> &'static [Policy] {
//!         static POLICIES: LazyLock<[Policy; 1]> =
//!             LazyLock::new(|| [Policy::require_role("admin").named("AdminPolicy")]);
//!         &*POLICIES
//!     }
//! }
//!
//! async fn admin(auth: Authorized<AdminPolicy>) -> String {
//!     format!("Hello {}", auth.principal().sub())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = ResourceServerSettings::new("http://localhost:6001", "MyBackendApi2");
//! let app: Router = Router::new()
//!     .route("/admin", get(admin))
//!     .with_state(ResourceServer::new(settings)?);
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! For routers as a whole there are the layer [`require`] and [`ProtectedRouter`], on which no
//! route can be without a policy.
//!
//! The way of a request: [`ResourceServer::authorize`] reads the `Authorization` header
//! (`credentials`), verifies the token ([`TokenValidator`]) with keys that [`KeyStore`] fetched
//! from the issuer, or by asking the issuer about an opaque one (`introspection`), the proof of a
//! token that is bound to a key (`proofs`), and asks the policies. Whatever fails becomes a
//! [`Refusal`], which is the one place that knows statuses, challenges and bodies.

mod access_token;
mod authorized;
mod clock;
mod cors;
mod credentials;
mod generations;
mod introspection;
mod issuer;
mod key_set;
mod key_store;
mod meter;
mod proofs;
mod protected_router;
mod refusal;
mod require;
mod resource_server;
mod settings;
mod token_cache;
mod token_error;
mod unavailable;
mod validator;

pub use access_token::AccessToken;
pub use authorized::{Anyone, Authenticated, Authorized};
pub use clock::{Clock, SystemClock};
pub use cors::cors;
pub use issuer::{AddressError, FetchError, IssuerClient, Published};
pub use key_set::KeySet;
pub use key_store::{Freshness, KeyStore};
pub use protected_router::{ProtectedRoute, ProtectedRouter};
pub use refusal::{Refusal, RefusalBody, RefusalCause};
pub use require::{Require, RequireLayer, require, require_all};
pub use resource_server::ResourceServer;
pub use settings::{
    ExpiredStatus, IntrospectionSettings, ResourceServerSettings, SettingsError, TrustedIssuer,
};
pub use token_error::TokenError;
pub use unavailable::IssuerUnavailable;
pub use validator::{MAX_TOKEN_LENGTH, TokenValidator, VerificationError};
