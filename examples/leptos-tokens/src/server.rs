//! The server: it renders the page, and answers the server functions. It has no session.

use std::error::Error;

use axum::Router;
use doorward_resource_server::{ResourceServer, ResourceServerSettings};
use leptos::prelude::*;
use leptos_axum::{
    LeptosRoutes as _, generate_route_list, site_pkg_dir_service, site_pkg_dir_service_route_path,
};

use crate::App;

/// What differs from one place to another.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where browsers find the application. It is the audience of its tokens, too.
    pub origin: String,
    /// The provider.
    pub issuer: String,
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
            site: text("LEPTOS_SITE_ROOT", "target/site"),
        }
    }
}

/// The application.
///
/// # Errors
/// The settings are not valid.
pub fn app(settings: &Settings) -> Result<Router, Box<dyn Error>> {
    let api = ResourceServerSettings::new(&*settings.issuer, &*settings.origin);
    let api = ResourceServer::new(api)?;
    // `authorized` verifies the tokens of calls by it.
    let verify_tokens = move || provide_context(api.clone());

    let options = LeptosOptions::builder().output_name("orders").site_root(&*settings.site).build();
    let shell = {
        let (options, issuer) = (options.clone(), settings.issuer.clone());
        move || document(&options, issuer.clone())
    };
    Ok(Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), verify_tokens, shell)
        .route_service(&site_pkg_dir_service_route_path(&options), site_pkg_dir_service(&options))
        .with_state(options))
}

/// The document around the page.
fn document(options: &LeptosOptions, issuer: String) -> impl IntoView + use<> {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="issuer" content=issuer/>
                <meta name="client-id" content="leptos-tokens"/>
                <link rel="icon" href="data:,"/>
                <title>"Orders"</title>
                <HydrationScripts options=options.clone()/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}
