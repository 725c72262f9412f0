//! Documents, the page and the protected route; then the memory that it took.

use std::path::Path;

use crate::{
    CONNECTIONS, Failure, LASTING,
    load::{self, Connection, get, post},
    member,
    server::{Folder, Server},
};

/// A service that calls the API for itself.
const SERVICE: &str = "grant_type=client_credentials&client_id=Resources&client_secret=secret";

pub async fn run(binary: &Path) -> Result<(), Failure> {
    let folder = Folder::new(binary)?;
    let server = folder.start(&[]).await?;
    let bearer = format!("Bearer {}", client_credentials_token(&server).await?);
    println!("\nAnswers a second, and the server's processor time for each");
    for (what, address, request) in [
        ("JWKS", &server.provider, get("/.well-known/openid-configuration/jwks", None)),
        ("discovery", &server.provider, get("/.well-known/openid-configuration", None)),
        ("protected route", &server.app, get("/api/DemoPolicyBased/Everyone/Get", Some(&bearer))),
        ("the page, rendered", &server.app, get("/OpenId/Login/JS", None)),
        ("client_credentials, RS256", &server.provider, post("/connect/token", SERVICE)),
    ] {
        let before = server.process().processor_microseconds()?;
        let rate = load::repeat(address, CONNECTIONS, LASTING, &request).await?;
        let each = (server.process().processor_microseconds()? - before) / rate.count.max(1);
        println!("  {what:<32}{rate} {each:>8} µs");
    }
    println!(
        "Memory after that (resident)      {:>9.1} MB",
        server.process().resident_megabytes()?
    );
    server.stop()?;
    Ok(())
}

async fn client_credentials_token(server: &Server) -> Result<String, Failure> {
    let mut connection = Connection::open(&server.provider).await?;
    let answer = connection.ask_json(&post("/connect/token", SERVICE)).await?;
    member(&answer, "access_token")
}
