//! The OpenID provider's HTTP endpoints and its server-rendered pages.
//!
//! Each URL has a file named after it: programs call those in `endpoint`, people see those in
//! `page`. A handler reads the request, calls a use case of `doorward_provider` and writes the
//! response. The rules are in that crate, not here. [`router`] makes the router, which can be
//! served by itself or mounted into another one.

mod branding;
mod endpoint;
mod http;
mod page;
mod texts;

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    middleware,
    routing::{MethodRouter, get, post},
};
use doorward_mail::DemoMailbox;
use doorward_protocol::metadata::OPENID_CONFIGURATION_PATH;
use doorward_provider::{
    Provider,
    model::{client::Client, paths},
};
use tower::ServiceBuilder;

use crate::{
    endpoint::{
        assets::{self, Assets},
        authorize,
        check_session::{self, CheckSessionPage},
        device_authorization,
        discovery::{self, DiscoveryDocument},
        end_session, introspection,
        jwks::{self, JwksDocument},
        par, related_origins, revocation, token, upstream_logout, userinfo,
    },
    http::{
        audit,
        cookies::Cookies,
        cors, dpop, refusal,
        return_url::{AccountPage, BasePath},
    },
    page::{
        account, authenticator, consent, demo_mail, device, external, forgot_password, grants,
        home, invitation, login, logout, passkey_options, passkeys, recovery_codes, register,
        reset_password, second_step, upstream, verify_email,
    },
    texts::{ENGLISH, Texts},
};

pub use crate::{
    branding::{Branding, ChosenLook, LONGEST_LOGO, Logo, NoLogo, SharedBranding, USUAL_NAME},
    http::{
        audit::{RequestId, recorded},
        peer::{Network, ParseNetworkError},
    },
    page::preview::{PREVIEWED_PAGES, PreviewFile, PreviewedClient, preview},
    texts::{GivenTexts, PageTexts, TextProblem},
};

/// The settings of the HTTP side.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Addresses of the reverse proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<Network>,
    /// Where messages are kept and shown instead of being sent, in demo mode.
    pub demo_mailbox: Option<Arc<DemoMailbox>>,
    /// How the pages look.
    pub branding: SharedBranding,
    /// Whoever asks for a link by mail is answered a multiple of this time later. It is far more
    /// than the store takes, so that the time does not tell whether there is such a user.
    pub answer_step: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            demo_mailbox: None,
            branding: SharedBranding::default(),
            answer_step: Duration::from_millis(200),
        }
    }
}

/// The state of every handler. The router clones it many times for each request, so all that
/// requests share is behind one pointer.
#[derive(Debug, Clone)]
struct AppState {
    shared: Arc<Shared>,
    /// The texts in the language of this request.
    texts: &'static Texts,
    /// The client that waits for the sign-in, if its pages have a look of their own.
    client: Option<Arc<Client>>,
}

/// What all requests share.
#[derive(Debug)]
struct Shared {
    provider: Arc<Provider>,
    settings: Arc<HttpSettings>,
    cookies: Cookies,
    base: BasePath,
    assets: Assets,
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

/// Lets a handler take one part of [`Shared`] as its state.
macro_rules! shared_parts {
    ($($name:ident: $part:ty),*) => { $(
        impl FromRef<AppState> for Arc<$part> {
            fn from_ref(state: &AppState) -> Self {
                Self::clone(&state.$name)
            }
        }
    )* };
}
shared_parts!(
    provider: Provider,
    settings: HttpSettings,
    check_session: CheckSessionPage,
    discovery: DiscoveryDocument,
    jwks: JwksDocument
);

/// The largest request body in bytes. No request of the protocol needs more.
const MAX_BODY: usize = 64 * 1024;

/// The same for an authorization request, pushed or posted: one whose request object is too long is
/// told so, by the code for it, and not only that the body is.
const MAX_WITH_OBJECT: usize = 256 * 1024;

/// The provider's routes, under the path of its issuer.
pub fn router(provider: Arc<Provider>, settings: HttpSettings) -> Router {
    let state = state(Arc::clone(&provider), settings);
    let routes = protocol(&provider)
        .merge(registration(&provider))
        .merge(without_cors(&provider))
        .merge(pages(&provider))
        .route(paths::CHECK_SESSION, get(check_session::get))
        .route("/assets/{name}", get(assets::get))
        .route("/favicon.ico", get(assets::favicon))
        .route(related_origins::PATH, get(related_origins::get))
        .fallback(page::response::not_found)
        .with_state(state.clone());
    let path = state.base.as_str();
    if path.is_empty() {
        return routes;
    }
    // RFC 8414 section 3.1: the well-known part comes before the path of the issuer. Agents look
    // for the OpenID document there, too (MCP authorization).
    let metadata = Router::new()
        .route(&format!("{}{path}", discovery::OAUTH_METADATA_PATH), get(discovery::get))
        .route(&format!("{OPENID_CONFIGURATION_PATH}{path}"), get(discovery::get))
        .layer(cors::layer(provider))
        .route(related_origins::PATH, get(related_origins::get))
        .with_state(state.clone());
    Router::new().nest(path, routes).merge(metadata)
}

fn state(provider: Arc<Provider>, settings: HttpSettings) -> AppState {
    let cookies = Cookies::for_issuer(provider.issuer());
    let shared = Shared {
        check_session: Arc::new(CheckSessionPage::new(&cookies)),
        cookies,
        assets: Assets::new(),
        discovery: Arc::default(),
        jwks: Arc::default(),
        settings: Arc::new(settings),
        base: BasePath::of_issuer(provider.issuer()),
        provider,
    };
    AppState { shared: Arc::new(shared), texts: &ENGLISH, client: None }
}

// Each `layer` clones all that is below it once more for each request, so each group of routes has
// one stack of layers.

/// The endpoints that scripts of other origins may call, if a client lists their origin.
fn protocol(provider: &Arc<Provider>) -> Router<AppState> {
    let layers = ServiceBuilder::new()
        .layer(cors::layer(Arc::clone(provider)))
        .layer(middleware::map_response_with_state(Arc::clone(provider), dpop::provide_nonce))
        .layer(middleware::map_response(refusal::count))
        .layer(middleware::from_fn_with_state(Arc::clone(provider), audit::record))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    Router::new()
        .route(OPENID_CONFIGURATION_PATH, get(discovery::get))
        .route(discovery::OAUTH_METADATA_PATH, get(discovery::get))
        .route(paths::JWKS, get(jwks::get))
        .route(
            paths::PUSHED_AUTHORIZATION,
            post(par::post).layer(DefaultBodyLimit::max(MAX_WITH_OBJECT)),
        )
        .route(paths::TOKEN, post(token::post))
        .route(paths::USERINFO, get(userinfo::get).post(userinfo::post))
        .route(paths::REVOCATION, post(revocation::post))
        .route(paths::DEVICE_AUTHORIZATION, post(device_authorization::post))
        .layer(layers)
}

/// The endpoint at which clients register themselves.
fn registration(provider: &Arc<Provider>) -> Router<AppState> {
    let layers = ServiceBuilder::new()
        .layer(cors::layer(Arc::clone(provider)))
        .layer(middleware::map_response(refusal::count))
        .layer(middleware::from_fn_with_state(Arc::clone(provider), audit::record))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    Router::new()
        .route(paths::REGISTRATION, post(endpoint::register::post))
        .route(
            &format!("{}/{{client_id}}", paths::REGISTRATION),
            get(endpoint::register::get)
                .put(endpoint::register::put)
                .delete(endpoint::register::delete),
        )
        .layer(layers)
}

/// The endpoints that only servers call.
fn without_cors(provider: &Arc<Provider>) -> Router<AppState> {
    let layers = ServiceBuilder::new()
        .layer(middleware::map_response(refusal::count))
        .layer(middleware::from_fn_with_state(Arc::clone(provider), audit::record))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    Router::new()
        .route(paths::INTROSPECTION, post(introspection::post))
        .route(&paths::external_back_channel_logout("{name}"), post(upstream_logout::post))
        .layer(layers)
}

/// What a user's browser opens.
fn pages(provider: &Arc<Provider>) -> Router<AppState> {
    let layers = ServiceBuilder::new()
        .layer(middleware::map_response(page::policy::protect))
        .layer(middleware::map_response(refusal::count))
        .layer(middleware::from_fn_with_state(Arc::clone(provider), audit::record))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    let get_or_post = |handler: MethodRouter<AppState>| handler.head(page::response::no_head);
    Router::new()
        .route(
            paths::AUTHORIZE,
            get_or_post(get(authorize::get_or_post).post(authorize::get_or_post))
                .layer(DefaultBodyLimit::max(MAX_WITH_OBJECT)),
        )
        .route(
            paths::END_SESSION,
            get_or_post(get(end_session::get_or_post).post(end_session::get_or_post)),
        )
        .route(paths::LOGIN, get(login::get).post(login::post))
        .route(paths::EXTERNAL, get(external::get).post(external::post))
        .route(&paths::external("{name}"), post(upstream::post))
        .route(
            &paths::external_callback("{name}"),
            get_or_post(get(upstream::callback).post(upstream::posted_callback)),
        )
        .route(&paths::external_signed_out("{name}"), get(logout::after_elsewhere))
        .route(logout::PATH, get(logout::get).post(logout::post))
        .route(paths::FORGOT_PASSWORD, get(forgot_password::get).post(forgot_password::post))
        .route(paths::RESET_PASSWORD, get(reset_password::get).post(reset_password::post))
        .route(paths::REGISTER, get(register::get).post(register::post))
        .route(paths::VERIFY_EMAIL, get(verify_email::get).post(verify_email::post))
        .route(paths::INVITATION, get(invitation::get).post(invitation::post))
        .route(second_step::PATH, get(second_step::get).post(second_step::post))
        .route(AccountPage::Authenticator.path(), get(authenticator::get).post(authenticator::post))
        .route(AccountPage::Passkeys.path(), get(passkeys::get).post(passkeys::post))
        .route("/account/passkey-options", post(passkey_options::post))
        .route(
            AccountPage::RecoveryCodes.path(),
            get(recovery_codes::get).post(recovery_codes::post),
        )
        .route(AccountPage::Index.path(), get(account::get))
        .route(AccountPage::Profile.path(), get(account::profile::get).post(account::profile::post))
        .route(AccountPage::Email.path(), get(account::email::get).post(account::email::post))
        .route(
            AccountPage::ConfirmEmail.path(),
            get(account::confirm_email::get).post(account::confirm_email::post),
        )
        .route(
            AccountPage::Password.path(),
            get(account::password::get).post(account::password::post),
        )
        .route(
            AccountPage::Identities.path(),
            get(account::identities::get).post(account::identities::post),
        )
        .route(
            AccountPage::Sessions.path(),
            get(account::sessions::get).post(account::sessions::post),
        )
        .route(AccountPage::Activity.path(), get(account::activity::get))
        .route(AccountPage::Data.path(), get(account::data::get).post(account::data::post))
        .route(
            AccountPage::Delete.path(),
            get(account::deletion::get).post(account::deletion::post),
        )
        .route(grants::PATH, get(grants::get).post(grants::post))
        .route(consent::PATH, get(consent::get).post(consent::post))
        .route(paths::DEVICE, get(device::get).post(device::post))
        .route("/demo/mail", get(demo_mail::list))
        .route("/demo/mail/{number}", get(demo_mail::text))
        .route("/demo/mail/{number}/html", get(demo_mail::html))
        .route("/", get(home::get))
        .route_layer(layers)
}
