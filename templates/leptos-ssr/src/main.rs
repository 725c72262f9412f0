//! Starts the server. Environment variables change what it is for: `ORIGIN`, `LISTEN`, `ISSUER`,
//! `CLIENT_ID`, `CLIENT_SECRET`, `USER_INFO` and `LEPTOS_SITE_ROOT`.

#[cfg(feature = "ssr")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use axum::http::Uri;
    use pages::server::{Settings, app};

    let settings = Settings::from_environment();
    let origin: Uri = settings.origin.parse()?;
    // A proxy that speaks TLS may be before it, or a container around it.
    let own = format!("localhost:{}", origin.port_u16().unwrap_or(80));
    let listen = std::env::var("LISTEN").unwrap_or(own);
    let (app, auth) = app(&settings)?;
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("open {}", settings.origin);
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    // A renewal that is cut off loses the session: the provider takes each refresh token once.
    auth.finish().await;
    Ok(())
}

/// Waits for Ctrl+C, or for SIGTERM, by which containers and services are stopped.
#[cfg(feature = "ssr")]
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

/// The browser starts in `hydrate`.
#[cfg(not(feature = "ssr"))]
fn main() {}
