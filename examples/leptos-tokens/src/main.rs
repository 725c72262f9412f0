//! Starts the server. Environment variables change what it is for: `ORIGIN`, `ISSUER` and
//! `LEPTOS_SITE_ROOT`.

#[cfg(feature = "ssr")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use axum::http::Uri;
    use orders::server::{Settings, app};

    let settings = Settings::from_environment();
    let origin: Uri = settings.origin.parse()?;
    let address = format!("localhost:{}", origin.port_u16().unwrap_or(80));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("open {}", settings.origin);
    axum::serve(listener, app(&settings)?).await?;
    Ok(())
}

/// The browser starts in `hydrate`.
#[cfg(not(feature = "ssr"))]
fn main() {}
