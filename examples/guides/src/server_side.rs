//! `docs/guides/server-side.md`.

use std::{error::Error, sync::LazyLock};

use axum::{Router, response::Response, routing::get};
use doorward_axum::{
    ApiProxy, Auth, Authorized, Policy, ProofKey, RequiredPolicy, Secret, Session, SessionError,
    SignIn, SignInSettings, SignedIn, SigninRequestArgs, SqliteSessions, http::Method,
};

pub fn attached() -> Result<(Auth, Router), Box<dyn Error>> {
    let settings = SignInSettings::new(
        "https://id.example.com",               // the issuer
        "shop",                                 // the client at the provider
        "https://shop.example.com/signin-oidc", // the redirect URI
    )
    .client_secret(Secret::new(std::env::var("CLIENT_SECRET")?))
    .scope("openid profile offline_access")
    .post_logout_redirect_uri("https://shop.example.com/signout-callback-oidc");
    let auth = Auth::new(settings, SqliteSessions::open("sessions.sqlite3")?)?;
    let app = auth.attach(Router::new().route("/", get(home)).route("/orders", get(orders)));
    Ok((auth, app))
}

async fn home(user: Option<SignedIn>) -> String {
    user.map_or("Hello".to_owned(), |user| format!("Hello {}", user.sub()))
}

async fn orders(user: SignedIn) -> String {
    format!("The orders of {}", user.sub())
}

pub async fn payments(user: Authorized<Payments>) -> String {
    format!("The payments of {}", user.sub())
}

pub struct Payments;

impl RequiredPolicy for Payments {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 2]> =
            LazyLock::new(|| [Policy::require_role("admin"), Policy::require_recent_sign_in(300)]);
        &*POLICIES
    }
}

/// Where Keycloak has its roles.
pub fn keycloak(settings: SignInSettings) -> SignInSettings {
    // For Entra ID it is `roles`, and for Okta `groups`.
    settings.roles_at(["/realm_access/roles"]).reads_access_token(true)
}

pub async fn connect_calendar(sign_in: SignIn) -> Response {
    let args = SigninRequestArgs::default()
        .scope("openid profile offline_access calendar")
        .return_to("/calendar");
    sign_in.redirect(args).await
}

pub fn links(settings: SignInSettings) -> SignInSettings {
    settings.further_scope("calendar").link_parameters(["kc_idp_hint"])
}

pub async fn add(session: Session) -> Result<String, SessionError> {
    let mut cart: Vec<u64> = session.get("cart")?.unwrap_or_default();
    cart.push(7);
    session.insert("cart", &cart).await?;
    Ok(format!("{} articles", cart.len()))
}

pub fn with_proxy(auth: &Auth, app: Router) -> Result<Router, Box<dyn Error>> {
    let proxy = ApiProxy::new().allow(
        "/api/orders",
        "https://orders.example.com/v1",
        [Method::GET, Method::POST],
    )?;
    let app = auth.attach(app.merge(proxy.router()));
    Ok(app)
}

pub fn bound(settings: SignInSettings) -> Result<SignInSettings, Box<dyn Error>> {
    let settings = settings.proof_key(ProofKey::from_pem(&std::fs::read("proof.pem")?)?);
    Ok(settings)
}
