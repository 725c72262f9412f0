//! Doorward beside npm `oidc-provider`, in turns within one run: the same requests, the same tokens
//! in the answers. Doorward has each refresh on disk before it answers; the other one keeps
//! everything in memory.

use std::path::Path;

use crate::{
    CONNECTIONS, Failure, LASTING,
    foreign::{self, Foreign},
    group_commit::{TOKEN, password_grant, refresh_tokens},
    load::{self, Connection, Refresh, Request, get, post},
    member,
    server::{Folder, Server},
};

/// How often both take turns.
const ROUNDS: usize = 2;
/// The client at both.
pub const CLIENT: &str = "Bench";
/// What its refresh tokens are good for.
pub const SCOPE: &str = "openid profile email MyBackendApi1 offline_access";

pub async fn run(binary: &Path) -> Result<(), Failure> {
    println!("\nDoorward and npm oidc-provider, answers a second (best of {ROUNDS} rounds)");
    match foreign::version() {
        Err(skipped) => println!("  {skipped}"),
        Ok(version) => {
            println!("  {version}, everything in memory, without bounds");
            println!("  {:<32}{:>11} {:>11} {:>7}", "", "Doorward", "other", "ratio");
            side_by_side(binary, "ES256", false).await?;
            side_by_side(binary, "RS256", true).await?;
        }
    }
    Ok(())
}

/// Both with one signing algorithm: refresh grants, and if `whole` everything else.
async fn side_by_side(binary: &Path, algorithm: &str, whole: bool) -> Result<(), Failure> {
    let folder = Folder::with_config(binary, &config(algorithm))?;
    let settings = [("DOORWARD_PROVIDER__ACCESS_TOKEN_SIGNING_ALG", algorithm)];
    let server = folder.start(&settings).await?;
    let foreign = Foreign::start(algorithm)?;
    refreshes(&server, &foreign, algorithm).await?;
    if whole {
        let ours = userinfo_token(&server).await?;
        let userinfo = |path, token: &str| get(path, Some(&format!("Bearer {token}")));
        let both = [userinfo("/connect/userinfo", &ours), userinfo("/me", &foreign.access_token)];
        reads(&server, &foreign, "userinfo", &both).await?;
        let both = ["/.well-known/openid-configuration"; 2].map(|path| get(path, None));
        reads(&server, &foreign, "discovery", &both).await?;
        let both = ["/.well-known/openid-configuration/jwks", "/jwks"].map(|path| get(path, None));
        reads(&server, &foreign, "JWKS", &both).await?;
        let [ours, other] =
            [server.process().resident_megabytes()?, foreign.process().resident_megabytes()?];
        println!(
            "  {:<32}{ours:>11.1} {other:>11.1} {:>7.2}",
            "memory after that (MB)",
            ours / other
        );
    }
    server.stop()?;
    Ok(())
}

/// Refresh grants: one access token and one ID token signed for each.
async fn refreshes(server: &Server, foreign: &Foreign, algorithm: &str) -> Result<(), Failure> {
    let mut tokens = [refresh_tokens(server, CLIENT, SCOPE).await?, foreign.refresh_tokens.clone()];
    let sides = [(&server.provider, TOKEN), (&foreign.address, "/token")];
    let mut best = [0.0_f64; 2];
    for _ in 0..ROUNDS {
        for (side, (address, path)) in sides.iter().enumerate() {
            let refresh = Refresh { path, client_id: CLIENT };
            let (rate, last) =
                load::rotate(address, refresh, std::mem::take(&mut tokens[side]), LASTING).await?;
            tokens[side] = last;
            best[side] = best[side].max(rate.a_second());
        }
    }
    print(&format!("refresh grant, {algorithm}"), best);
    Ok(())
}

async fn reads(
    server: &Server,
    foreign: &Foreign,
    what: &str,
    requests: &[Request; 2],
) -> Result<(), Failure> {
    let mut best = [0.0_f64; 2];
    for _ in 0..ROUNDS {
        for (side, address) in [&server.provider, &foreign.address].into_iter().enumerate() {
            let rate = load::repeat(address, CONNECTIONS, LASTING, &requests[side]).await?;
            best[side] = best[side].max(rate.a_second());
        }
    }
    print(what, best);
    Ok(())
}

fn print(what: &str, [ours, other]: [f64; 2]) {
    println!("  {what:<32}{ours:>11.0} {other:>11.0} {:>7.2}", ours / other);
}

/// An access token of Alice's for the userinfo endpoint.
pub async fn userinfo_token(server: &Server) -> Result<String, Failure> {
    let mut connection = Connection::open(&server.provider).await?;
    let form = password_grant(CLIENT, "openid profile email");
    member(&connection.ask_json(&post(TOKEN, &form)).await?, "access_token")
}

/// Demo mode, and a client whose tokens are signed by this algorithm.
pub fn config(algorithm: &str) -> String {
    format!(
        r#"
        demo = true
        [[clients]]
        client_id = "{CLIENT}"
        client_secrets = [{{ plain = "secret" }}]
        allowed_grant_types = ["password"]
        allowed_scopes = ["openid", "profile", "email", "MyBackendApi1"]
        allow_offline_access = true
        always_include_user_claims_in_id_token = true
        id_token_signing_alg = "{algorithm}"
        refresh_token_expiration = "sliding"
        absolute_refresh_token_lifetime = 360000
        sliding_refresh_token_lifetime = 36000
        "#
    )
}
