//! The application, put together: sign-in, sessions, pages, and the way to the API.

use std::error::Error;

use axum::{
    Router,
    routing::{get, post},
};
use deadpool_postgres::{Manager, Pool};
use doorward_axum::{
    ApiProxy, Auth, ClientKey, CookieKeys, MemorySessions, PostgresSessions, ProofKey, Secret,
    SessionsIn, SignInSettings, SigningAlgorithm, SqliteSessions, http::Method,
};

use crate::{
    pages::{self, Site},
    settings::Settings,
};

/// The application, and its sign-in.
pub(crate) async fn app(settings: &Settings) -> Result<(Router, Auth), Box<dyn Error>> {
    let origin = &settings.origin;
    let sign_in = SignInSettings::new(
        &*settings.issuer,
        &*settings.client_id,
        format!("{origin}/signin-oidc"),
    )
    .scope(&*settings.scope)
    .post_logout_redirect_uri(format!("{origin}/signout-callback-oidc"))
    .push_authorization_requests(settings.pushes)
    .form_post(settings.posts)
    .load_user_info(settings.loads_user_info)
    // The demo's roles are in access tokens.
    .reads_access_token(true);
    let sign_in = match &settings.client_key {
        Some(file) => {
            let pem = std::fs::read(file)?;
            let kid = settings.client_key_id.as_deref();
            sign_in.client_key(ClientKey::from_pem(&pem, SigningAlgorithm::Es256, kid)?)
        }
        None => sign_in.client_secret(Secret::new(&*settings.client_secret)),
    };
    let sign_in = match &settings.id_token_alg {
        Some(name) => {
            let registered: SigningAlgorithm = name.parse()?;
            sign_in.protocol(|protocol| protocol.id_token_signed_response_alg(registered))
        }
        None => sign_in,
    };
    let sign_in = if settings.signed { sign_in.signed_responses(true) } else { sign_in };
    let sign_in = if settings.one_audience {
        sign_in.protocol(|protocol| protocol.trusted_audiences(Vec::new()))
    } else {
        sign_in
    };
    let sign_in =
        if settings.binds_tokens { sign_in.proof_key(ProofKey::generate()?) } else { sign_in };
    let auth = Auth::new(sign_in, sessions(&settings.sessions).await?)?;
    let proxy = ApiProxy::new().allow("/api", &format!("{}/api", settings.api), [Method::GET])?;
    let routes = Router::new()
        .route("/", get(pages::home))
        .route("/me", get(pages::me))
        .route("/admin", get(pages::admin))
        .route("/recent", get(pages::recent))
        .route("/call", get(pages::call))
        .route("/greeting", post(pages::greeting))
        .merge(proxy.router())
        .with_state(Site::new(settings)?);
    Ok((auth.attach(routes), auth))
}

/// Where sessions are kept. An application has one of these.
async fn sessions(kept: &str) -> Result<SessionsIn, Box<dyn Error>> {
    Ok(match kept.split_once(':') {
        Some(("sqlite", file)) => SqliteSessions::open(file)?.into(),
        Some(("postgres" | "postgresql", _)) => {
            let manager = Manager::new(kept.parse()?, tokio_postgres::NoTls);
            let pool = Pool::builder(manager).max_size(4).build()?;
            PostgresSessions::new(pool).await?.into()
        }
        Some(("cookie", keys)) => CookieKeys::parse(keys.split(','))?.into(),
        _ => MemorySessions::default().into(),
    })
}
