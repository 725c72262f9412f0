//! Protects axum endpoints with OAuth 2.0 access tokens and policies.
//!
//! Tokens may come from any provider: as RFC 9068 defines them, or in the forms of Keycloak, Entra
//! ID, Auth0, Okta, Cognito and others ([`TokenProfile`]). They may be opaque (RFC 7662) or bound
//! to a key (DPoP, RFC 9449).
//!
//! A handler names its policy in its signature, and has no other way to its caller:
//!
//! ```no_run
//! use std::sync::LazyLock;
//!
//! use axum::{Router, routing::get};
//! use doorward_resource_server::{
//!     Authorized, Policy, RequiredPolicy, ResourceServer, ResourceServerSettings,
//! };
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
//! | to | use |
//! |---|---|
//! | protect one handler | the extractor [`Authorized`], or `Option<Authorized<_>>` |
//! | protect routes whose handlers don't need the caller | the layer [`require()`] |
//! | be sure that no route is without a policy | [`ProtectedRouter`] |
//! | decide by the request or a database | [`RequestPolicy`], [`Authorized::require`] |
//! | answer refusals in your own way | [`ResourceServer::with_refusal_response`] |
//! | test handlers without a network | the module `test_util` (feature `test-util`) |
//! | tell clients where to sign in (RFC 9728), as agents need it | [`ResourceMetadata`] |
//! | verify tokens without axum | [`TokenValidator`] |
//!
//! # How a request is authorized
//!
//! [`ResourceServer::authorize`] reads the `Authorization` header, verifies the token with the
//! issuer's keys, or asks the issuer about an opaque one, checks the proof of a token that is bound
//! to a key, and applies the policies. A failure becomes a [`Refusal`], the one place that knows
//! statuses, challenges and bodies.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

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
mod profile;
mod proof_memory;
mod proofs;
mod protected_router;
mod refusal;
mod request_policy;
pub mod require;
mod resource_metadata;
mod resource_server;
mod settings;
#[cfg(feature = "test-util")]
pub mod test_util;
mod token_cache;
mod token_error;
mod unavailable;
mod validator;

pub use access_token::{AccessToken, TokenClaims};
pub use authorized::{Anyone, Authenticated, Authorized};
pub use clock::{Clock, SystemClock};
pub use cors::cors;
pub use introspection::{TokenAnswer, TokenSource};
pub use profile::{ClaimPath, InvalidClaimPath, TokenProfile};
pub use proofs::{ProofStore, ProofStoreError, UsedProof};
pub use protected_router::{ProtectedRoute, ProtectedRouter};
pub use refusal::{Refusal, RefusalBody, RefusalCause};
pub use request_policy::RequestPolicy;
pub use require::{Require, RequireLayer, require, require_all};
pub use resource_metadata::ResourceMetadata;
pub use resource_server::ResourceServer;
pub use settings::{
    ExpiredStatus, IntrospectionSettings, KeySource, ResourceServerSettings, SettingsError,
    TrustedIssuer,
};
pub use token_error::TokenError;
pub use unavailable::IssuerUnavailable;
pub use validator::{MAX_TOKEN_LENGTH, TokenValidator, VerificationError};

// What appears in signatures of this crate.
pub use axum;
pub use doorward_policy::{
    self as policy, Decision, Denial, Need, Policy, PolicyDescription, Principal, RequiredPolicy,
    ResourcePolicy, StepUp,
};
pub use doorward_protocol::{
    self as protocol,
    challenge::Challenge,
    claims::Confirmation,
    dpop::ProofError,
    error::ErrorCode,
    jose::SigningAlgorithm,
    jwk::{Jwk, JwkSet},
    secret::Secret,
    verification::VerificationKey,
};
pub use http;
pub use tower_http::cors::CorsLayer;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
