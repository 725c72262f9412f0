//! The code of `docs/guides/protect-an-axum-api.md`.

use std::sync::LazyLock;

use axum::routing::get;
use doorward_policy::{Policy, RequiredPolicy};
use doorward_resource_server::{
    Anyone, Authorized, ProtectedRouter, ResourceServer, ResourceServerSettings,
};

struct SalesAdmin;

impl RequiredPolicy for SalesAdmin {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
            [Policy::require_role("admin"), Policy::require_claim("department", "Sales")]
        });
        &*POLICIES
    }
}

async fn hello(caller: Authorized<Anyone>) -> String {
    format!("Hello {}\n", caller.principal().sub())
}

async fn figures(_: Authorized<SalesAdmin>) -> &'static str {
    "42\n"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let issuer = setting("ISSUER", "http://localhost:6001");
    let settings = ResourceServerSettings::new(issuer, setting("AUDIENCE", "MyBackendApi2"));
    let app = ProtectedRouter::new(ResourceServer::new(settings)?)
        .route::<Anyone>("/hello", get(hello))
        .route::<SalesAdmin>("/figures", get(figures))
        .into_router();
    let listener = tokio::net::TcpListener::bind(setting("LISTEN", "127.0.0.1:7001")).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
