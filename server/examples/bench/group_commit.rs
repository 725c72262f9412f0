//! Refresh-token grants, each of which waits for the disk: commits shared, and one for each grant.

use std::path::Path;

use crate::{
    CONNECTIONS, Failure, LASTING,
    load::{self, Connection, Rate, Refresh, post},
    member,
    server::{Folder, Server},
};

/// How often group commit and commit per request take turns.
const ROUNDS: usize = 3;

/// Path of the token endpoint.
pub const TOKEN: &str = "/connect/token";

pub async fn run(binary: &Path) -> Result<(), Failure> {
    println!("\nRefresh-token grants a second, durable (ES256 access tokens)");
    let mut modes = [Mode::prepare(binary, true).await?, Mode::prepare(binary, false).await?];
    for round in 1..=ROUNDS {
        for mode in &mut modes {
            let (rate, commits) = mode.run().await?;
            let name = if mode.group_commit { "group commit" } else { "commit per grant" };
            println!(
                "  {name:<18} round {round}       {rate}   {:.3} commits per grant",
                commits_per_grant(commits, &rate)
            );
        }
    }
    let [group, single] = modes.map(|mode| mode.best);
    println!("  group commit / commit per grant  {:>9.2} (best rounds)", group / single);
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn commits_per_grant(commits: u64, rate: &Rate) -> f64 {
    commits as f64 / rate.count.max(1) as f64
}

/// A database whose users are signed in, for one way to commit.
struct Mode {
    group_commit: bool,
    folder: Folder,
    refresh_tokens: Vec<String>,
    best: f64,
}

impl Mode {
    fn settings(group_commit: bool) -> [(&'static str, &'static str); 2] {
        let group_commit = if group_commit { "true" } else { "false" };
        [
            ("DOORWARD_STORE__GROUP_COMMIT", group_commit),
            ("DOORWARD_PROVIDER__ACCESS_TOKEN_SIGNING_ALG", "ES256"),
        ]
    }

    async fn prepare(binary: &Path, group_commit: bool) -> Result<Self, Failure> {
        let folder = Folder::new(binary)?;
        let server = folder.start(&Self::settings(group_commit)).await?;
        let refresh_tokens =
            refresh_tokens(&server, "MyBackend", "MyBackendApi1 offline_access").await?;
        server.stop()?;
        Ok(Self { group_commit, folder, refresh_tokens, best: 0.0 })
    }

    /// One round in a fresh process, which counts its own commits.
    async fn run(&mut self) -> Result<(Rate, u64), Failure> {
        let server = self.folder.start(&Self::settings(self.group_commit)).await?;
        let tokens = std::mem::take(&mut self.refresh_tokens);
        let refresh = Refresh { path: TOKEN, client_id: "MyBackend" };
        let (rate, tokens) = load::rotate(&server.provider, refresh, tokens, LASTING).await?;
        self.refresh_tokens = tokens;
        self.best = self.best.max(rate.a_second());
        let commits = server.stop()?;
        Ok((rate, commits))
    }
}

/// A refresh token for each connection, by Alice's password.
pub async fn refresh_tokens(
    server: &Server,
    client_id: &str,
    scope: &str,
) -> Result<Vec<String>, Failure> {
    let mut connection = Connection::open(&server.provider).await?;
    let mut tokens = Vec::new();
    while tokens.len() < CONNECTIONS {
        let answer = connection.ask_json(&post(TOKEN, &password_grant(client_id, scope))).await?;
        tokens.push(member(&answer, "refresh_token")?);
    }
    Ok(tokens)
}

/// The token request by Alice's password.
pub fn password_grant(client_id: &str, scope: &str) -> String {
    let scope = scope.replace(' ', "+");
    format!(
        "grant_type=password&client_id={client_id}&client_secret=secret\
         &username=alice&password=alice&scope={scope}"
    )
}
