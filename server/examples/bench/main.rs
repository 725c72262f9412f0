//! Figures of the `doorward` binary on this machine, and the ratios between them: `script/bench` runs it.
//!
//! The server runs in a process of its own, the load generator here, both on this machine; so compare figures of one run.
//! Nothing is asserted. It takes about a minute and writes to a temporary folder only.

mod load;
mod protected;
mod server;
mod sizes;

use std::{error::Error, path::PathBuf, time::Duration};

use load::{Connection, Rate, get, post};
use server::{Folder, Server};

/// What may go wrong here.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Connections that ask at the same time.
const CONNECTIONS: usize = 64;
/// How long each load lasts.
const LASTING: Duration = Duration::from_secs(3);
/// How often group commit and commit per request take turns.
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let binary: PathBuf = std::env::args_os().nth(1).unwrap_or_else(|| "target/server-release/doorward".into()).into();
    println!("{} with {CONNECTIONS} connections, {} s each", binary.display(), LASTING.as_secs());
    starts(&binary).await?;
    reads(&binary).await?;
    protected::compare(CONNECTIONS, LASTING).await?;
    refresh_grants(&binary).await?;
    sizes::print();
    Ok(())
}

/// Start to first answer: with everything to be made, and as usual.
async fn starts(binary: &std::path::Path) -> Result<(), Failure> {
    let folder = Folder::new(binary)?;
    let (server, first) = folder.start_timed(&[]).await?;
    server.stop()?;
    let mut times = Vec::new();
    for _ in 0..5 {
        let (server, time) = folder.start_timed(&[]).await?;
        server.stop()?;
        times.push(time);
    }
    times.sort();
    println!("\nStart to first answer");
    println!("  first start, keys made          {:>9} ms", first.as_millis());
    println!("  every other (median of 5)       {:>9} ms", times[2].as_millis());
    Ok(())
}

/// Documents and the protected route; then the memory that it took.
async fn reads(binary: &std::path::Path) -> Result<(), Failure> {
    let folder = Folder::new(binary)?;
    let server = folder.start(&[]).await?;
    let token = client_credentials_token(&server).await?;
    let bearer = format!("Bearer {token}");
    let form = "grant_type=client_credentials&client_id=Resources&client_secret=secret";
    println!("\nAnswers a second, and the server's processor time for each");
    for (what, address, request) in [
        ("JWKS", &server.provider, get("/.well-known/openid-configuration/jwks", None)),
        ("discovery", &server.provider, get("/.well-known/openid-configuration", None)),
        ("protected route", &server.app, get("/api/DemoPolicyBased/Everyone/Get", Some(&bearer))),
        ("the page, rendered", &server.app, get("/OpenId/Login/JS", None)),
        ("client_credentials, RS256", &server.provider, post("/connect/token", form)),
    ] {
        let before = server.processor_microseconds()?;
        let rate = load::repeat(address, CONNECTIONS, LASTING, &request).await?;
        let each = (server.processor_microseconds()? - before) / rate.count.max(1);
        println!("  {what:<32}{rate} {each:>8} µs");
    }
    println!("Memory after that (resident)      {:>9.1} MB", server.resident_megabytes()?);
    server.stop()?;
    Ok(())
}

async fn client_credentials_token(server: &Server) -> Result<String, Failure> {
    let mut connection = Connection::open(&server.provider).await?;
    let form = "grant_type=client_credentials&client_id=Resources&client_secret=secret";
    let answer = connection.ask_json(post("/connect/token", form)).await?;
    member(&answer, "access_token")
}

/// Refresh-token grants, each of which waits for the disk: commits shared, and one for each grant.
async fn refresh_grants(binary: &std::path::Path) -> Result<(), Failure> {
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
        [("DOORWARD_STORE__GROUP_COMMIT", group_commit), ("DOORWARD_PROVIDER__ACCESS_TOKEN_SIGNING_ALG", "ES256")]
    }

    async fn prepare(binary: &std::path::Path, group_commit: bool) -> Result<Self, Failure> {
        let folder = Folder::new(binary)?;
        let server = folder.start(&Self::settings(group_commit)).await?;
        let mut connection = Connection::open(&server.provider).await?;
        let mut refresh_tokens = Vec::new();
        while refresh_tokens.len() < CONNECTIONS {
            let form = "grant_type=password&client_id=MyBackend&client_secret=secret&username=alice&password=alice\
                        &scope=MyBackendApi1+offline_access";
            let answer = connection.ask_json(post("/connect/token", form)).await?;
            refresh_tokens.push(member(&answer, "refresh_token")?);
        }
        server.stop()?;
        Ok(Self { group_commit, folder, refresh_tokens, best: 0.0 })
    }

    /// One round in a fresh process, which counts its own commits.
    async fn run(&mut self) -> Result<(Rate, u64), Failure> {
        let server = self.folder.start(&Self::settings(self.group_commit)).await?;
        let tokens = std::mem::take(&mut self.refresh_tokens);
        let (rate, tokens) = load::rotate(&server.provider, tokens, LASTING).await?;
        self.refresh_tokens = tokens;
        self.best = self.best.max(rate.a_second());
        let commits = server.stop()?;
        Ok((rate, commits))
    }
}

/// A text in an answer.
pub fn member(answer: &serde_json::Value, name: &str) -> Result<String, Failure> {
    let text = answer.get(name).and_then(serde_json::Value::as_str);
    Ok(text.ok_or_else(|| format!("no {name} in the answer {answer}"))?.to_owned())
}
