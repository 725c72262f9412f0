//! The OpenID provider's HTTP endpoints and its server-rendered pages.
//!
//! One file for each URL, named after it. Handlers read the request, call one use case of
//! `doorward_provider` and write the answer; rules live there, not here. [`router`] puts it all
//! together, to be served alone or mounted into another router.

mod account;
mod assets;
mod authorize;
mod check_session;
mod consent;
mod cookies;
mod cors;
mod csrf;
mod device;
mod device_authorization;
mod discovery;
mod documents;
mod dpop;
mod end_session;
mod form;
mod front_channel;
mod grants;
mod introspection;
mod jwks;
mod oauth_error;
mod page;
mod pages;
mod par;
mod peer;
mod return_url;
mod revocation;
mod texts;
mod token;
mod user_agent;
mod userinfo;

use std::{ops::Deref, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    middleware,
    routing::{get, post},
};
use doorward_protocol::metadata::OPENID_CONFIGURATION_PATH;
use doorward_provider::{Provider, model::paths};
use tower::ServiceBuilder;

use crate::{
    assets::Assets,
    check_session::CheckSessionPage,
    cookies::Cookies,
    discovery::DiscoveryDocument,
    jwks::JwksDocument,
    return_url::BasePath,
    texts::{ENGLISH, Texts},
};

pub use crate::peer::{Network, NoNetwork};

/// What the HTTP side needs to know beside the provider.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// Addresses of reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

/// What every handler has. It is copied for each request many times on its way through the router,
/// so it is one pointer.
#[derive(Debug, Clone)]
struct AppState {
    shared: Arc<Shared>,
    /// What this request's pages are written in.
    texts: &'static Texts,
}

/// What all requests have in common.
#[derive(Debug)]
struct Shared {
    provider: Arc<Provider>,
    settings: Arc<HttpSettings>,
    cookies: Cookies,
    base: BasePath,
    assets: Arc<Assets>,
    check_session: Arc<CheckSessionPage>,
    discovery: Arc<DiscoveryDocument>,
    jwks: Arc<JwksDocument>,
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// Lets handlers take one part of what is shared as their state.
macro_rules! part {
    ($($name:ident: $part:ty),*) => { $(
        impl FromRef<AppState> for Arc<$part> {
            fn from_ref(state: &AppState) -> Self {
                Self::clone(&state.$name)
            }
        }
    )* };
}
part!(provider: Provider, settings: HttpSettings, assets: Assets, check_session: CheckSessionPage, discovery: DiscoveryDocument, jwks: JwksDocument);

/// The largest request body: more than any request of the protocol needs.
const MAX_BODY: usize = 64 * 1024;

/// The provider's routes, under the path of its issuer.
pub fn router(provider: Arc<Provider>, settings: HttpSettings) -> Router {
    let base = BasePath::of_issuer(provider.issuer());
    let cookies = Cookies::for_issuer(provider.issuer());
    let shared = Shared {
        check_session: Arc::new(CheckSessionPage::new(&cookies)),
        cookies,
        assets: Arc::new(Assets::new()),
        discovery: Arc::default(),
        jwks: Arc::default(),
        settings: Arc::new(settings),
        base: base.clone(),
        provider: Arc::clone(&provider),
    };
    let state = AppState { shared: Arc::new(shared), texts: &ENGLISH };
    // A layer around another is one more copy of all below it for each request, so each group has
    // one.
    let limit = || DefaultBodyLimit::max(MAX_BODY);
    let protocol = Router::new()
        .route(OPENID_CONFIGURATION_PATH, get(discovery::get))
        .route(discovery::OAUTH_METADATA_PATH, get(discovery::get))
        .route(paths::JWKS, get(jwks::get))
        .route(paths::PUSHED_AUTHORIZATION, post(par::post))
        .route(paths::TOKEN, post(token::post))
        .route(paths::USERINFO, get(userinfo::get).post(userinfo::post))
        .route(paths::REVOCATION, post(revocation::post))
        .layer(ServiceBuilder::new().layer(cors::layer(Arc::clone(&provider))).layer(limit()));
    // Called by servers and devices: no CORS.
    let others = Router::new()
        .route(paths::INTROSPECTION, post(introspection::post))
        .route(paths::DEVICE_AUTHORIZATION, post(device_authorization::post))
        .layer(limit());
    let pages = Router::new()
        .route(
            paths::AUTHORIZE,
            get(authorize::get_or_post).post(authorize::get_or_post).head(page::no_head),
        )
        .route(
            paths::END_SESSION,
            get(end_session::get_or_post).post(end_session::get_or_post).head(page::no_head),
        )
        .route("/account/login", get(account::login::get).post(account::login::post))
        .route("/account/logout", get(account::logout::get).post(account::logout::post))
        .route("/grants", get(grants::get).post(grants::post))
        .route("/consent", get(consent::get).post(consent::post))
        .route(paths::DEVICE, get(device::get).post(device::post))
        .route("/", get(account::home))
        .route_layer(
            ServiceBuilder::new().layer(middleware::from_fn(page::headers)).layer(limit()),
        );
    let routes = protocol
        .merge(others)
        .merge(pages)
        .route(paths::CHECK_SESSION, get(check_session::get))
        .route("/assets/{name}", get(assets::get))
        .route("/favicon.ico", get(assets::favicon))
        .fallback(page::not_found)
        .with_state(state.clone());
    let nested =
        if base.as_str().is_empty() { routes } else { Router::new().nest(base.as_str(), routes) };
    // RFC 8414 section 3.1: for an issuer with a path the well-known part stands before it.
    if base.as_str().is_empty() {
        nested
    } else {
        let path = format!("{}{}", discovery::OAUTH_METADATA_PATH, base.as_str());
        nested.merge(
            Router::new()
                .route(&path, get(discovery::get))
                .layer(cors::layer(provider))
                .with_state(state),
        )
    }
}
