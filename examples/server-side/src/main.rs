//! A server-rendered application with sign-in: templates, forms, policies, calls to an API.
//!
//! It is the client `PkceCodeBackend` of the demo. Environment variables change that: `ORIGIN`,
//! `LISTEN`, `ISSUER`, `CLIENT_ID`, `CLIENT_SECRET`, `CLIENT_KEY`, `CLIENT_KEY_ID`, `SCOPE`, `API`,
//! `CALL`, `SESSIONS`, `PUSH`, `FORM_POST`, `JARM`, `DPOP`, `USER_INFO`, `ID_TOKEN_ALG` and
//! `ONE_AUDIENCE`.

mod app;
mod pages;
mod policies;
mod settings;
#[cfg(test)]
mod tests;

use std::error::Error;

use crate::settings::Settings;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_env_filter("info").init();
    let settings = Settings::from_environment();
    let (app, auth) = app::app(&settings).await?;
    let listener = tokio::net::TcpListener::bind(&settings.listen).await?;
    println!("open {}", settings.origin);
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
