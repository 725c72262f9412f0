//! A server-rendered axum application with sign-in. Tokens stay on the server, and the browser has
//! a cookie. Environment variables change what it is for: see `app`.

mod pages;

use std::error::Error;

use axum::{Router, http::Uri, routing::get};
use doorward_axum::{Auth, MemorySessions, Secret, SignInSettings};

use crate::pages::Site;

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// The application, at this origin, and its sign-in.
fn app(origin: &str) -> Result<(Router, Auth), Box<dyn Error>> {
    let sign_in = SignInSettings::new(
        setting("ISSUER", "http://localhost:6001"),
        setting("CLIENT_ID", "axum-server-side"),
        format!("{origin}/signin-oidc"),
    )
    .client_secret(Secret::new(setting("CLIENT_SECRET", "secret")))
    .scope(setting("SCOPE", "openid profile offline_access"))
    .post_logout_redirect_uri(format!("{origin}/signout-callback-oidc"))
    // Whether names are in userinfo only, as with Doorward.
    .load_user_info(setting("USER_INFO", "1") == "1");
    // On several machines, and to go on after a restart: `PostgresSessions`, or one of the others.
    let auth = Auth::new(sign_in, MemorySessions::default())?;
    let routes = Router::new()
        .route("/", get(pages::home))
        .route("/me", get(pages::me))
        .route("/greeting", get(pages::greeting))
        .with_state(Site::new(setting("API", "http://localhost:7001"))?);
    // Last: routes that are added afterwards do not know the user.
    Ok((auth.attach(routes), auth))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let origin = setting("ORIGIN", "http://localhost:3000");
    // A proxy that speaks TLS may be before it, or a container around it.
    let port = origin.parse::<Uri>()?.port_u16().unwrap_or(80);
    let listen = setting("LISTEN", &format!("localhost:{port}"));
    let (app, auth) = app(&origin)?;
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("open {origin}");
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    // A renewal that is cut off loses the session: the provider takes each refresh token once.
    auth.finish().await;
    Ok(())
}

/// Waits for Ctrl+C, or for SIGTERM, by which containers and services are stopped.
async fn stopped() {
    let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
