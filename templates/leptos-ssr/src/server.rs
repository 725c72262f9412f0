//! The server: it renders the pages, answers the server functions, and has the session.

use std::error::Error;

use axum::{
    Router,
    extract::Request,
    http::request::Parts,
    middleware::{Next, from_fn},
    response::Response,
};
use doorward_axum::{Auth, MemorySessions, Secret, SignInSettings, SignedIn};
use doorward_leptos::ServerUser;
use leptos::prelude::*;
use leptos_axum::{
    LeptosRoutes as _, file_and_error_handler_with_context, generate_route_list,
    site_pkg_dir_service, site_pkg_dir_service_route_path,
};

use crate::App;

/// What differs from one place to another.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where browsers find the application.
    pub origin: String,
    /// The provider.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// Whether names are in userinfo only, as with Doorward.
    pub loads_user_info: bool,
    /// The folder with the program for the browser, in its folder `pkg`.
    pub site: String,
}

impl Settings {
    /// Reads the environment.
    pub fn from_environment() -> Self {
        let text =
            |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        Self {
            origin: text("ORIGIN", "http://localhost:3000"),
            issuer: text("ISSUER", "http://localhost:6001"),
            client_id: text("CLIENT_ID", "leptos-ssr"),
            client_secret: text("CLIENT_SECRET", "secret"),
            loads_user_info: text("USER_INFO", "1") == "1",
            site: text("LEPTOS_SITE_ROOT", "target/site"),
        }
    }
}

/// The application, and its sign-in.
///
/// # Errors
/// The settings are not valid.
pub fn app(settings: &Settings) -> Result<(Router, Auth), Box<dyn Error>> {
    let origin = &settings.origin;
    let sign_in = SignInSettings::new(
        &*settings.issuer,
        &*settings.client_id,
        format!("{origin}/signin-oidc"),
    )
    .client_secret(Secret::new(&*settings.client_secret))
    .scope("openid profile offline_access")
    .post_logout_redirect_uri(format!("{origin}/signout-callback-oidc"))
    .load_user_info(settings.loads_user_info);
    // On several machines, and to go on after a restart: `PostgresSessions`, or one of the others.
    let auth = Auth::new(sign_in, MemorySessions::default())?;

    let options = LeptosOptions::builder().output_name("pages").site_root(&*settings.site).build();
    let shell = {
        let options = options.clone();
        move || document(&options)
    };
    let not_found = file_and_error_handler_with_context(provide_user, |options| document(&options));
    let pages = Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), provide_user, shell)
        .fallback(not_found)
        .layer(from_fn(with_user))
        // The program is the same for all users, and may be kept by the browser.
        .route_service(&site_pkg_dir_service_route_path(&options), site_pkg_dir_service(&options))
        .with_state(options);
    Ok((auth.attach(pages), auth))
}

/// Hands the session's user on to the pages and the server functions, as policies see them.
async fn with_user(user: Option<SignedIn>, mut request: Request, next: Next) -> Response {
    if let Some(user) = user {
        request.extensions_mut().insert(ServerUser::from(user.principal()));
    }
    next.run(request).await
}

/// Gives them to `use_auth` and `authorized`.
fn provide_user() {
    let parts = use_context::<Parts>();
    if let Some(user) = parts.and_then(|parts| parts.extensions.get::<ServerUser>().cloned()) {
        provide_context(user);
    }
}

/// The document around the page.
fn document(options: &LeptosOptions) -> impl IntoView + use<> {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <link rel="icon" href="data:,"/>
                <title>"Orders"</title>
                <AutoReload options=options.clone()/>
                <HydrationScripts options=options.clone()/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}
