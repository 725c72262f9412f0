//! The price of protection: an axum route behind a JWT against the same route without, and against
//! the same check in Node.js by `jose` (`end2end/bench/jose-server.mjs`), with one ES256 token for
//! all.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{Json, Router, routing::get as on_get};
use doorward_protocol::jose::SigningAlgorithm;
use doorward_provider::{
    keys::SigningKey,
    model::time::{Clock as _, SystemClock},
};
use doorward_resource_server::{Anyone, ProtectedRouter, ResourceServer, ResourceServerSettings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    Failure,
    load::{self, Connection, Rate, get},
};

const JOSE_SERVER: &str = "end2end/bench/jose-server.mjs";
const AUDIENCE: &str = "MyBackendApi2";
const ROUNDS: usize = 3;

/// Runs the three and prints the ratios of their best rounds.
pub async fn compare(connections: usize, lasting: Duration) -> Result<(), Failure> {
    let pkcs8 = SigningKey::generate_pkcs8(SigningAlgorithm::Es256)?;
    let key = SigningKey::from_pkcs8("bench", SigningAlgorithm::Es256, &pkcs8)?;
    let issuer = serve_issuer(key.public_jwk()).await?;
    let server =
        ResourceServer::new(ResourceServerSettings::new(format!("http://{issuer}"), AUDIENCE))?;
    let open = serve(Router::new().route("/", on_get(hello))).await?;
    let protected =
        serve(ProtectedRouter::new(server).route::<Anyone>("/", on_get(hello)).into_router())
            .await?;
    let now = SystemClock.now().seconds();
    let token = key.sign(
        "at+jwt",
        &json!({
            "iss": format!("http://{issuer}"), "aud": AUDIENCE, "sub": "alice",
            "client_id": "bench", "jti": "1", "iat": now, "exp": now + 3600,
            "role": ["admin"], "scope": AUDIENCE,
        }),
    )?;
    let request = get("/", Some(&format!("Bearer {}", token.expose())));
    refuses_without_token(&protected).await?;
    let jose = Jose::start(&issuer).await?;
    println!("\nA protected route, one ES256 token: answers a second (best of {ROUNDS})");
    let mut best = [0.0_f64; 3];
    for _ in 0..ROUNDS {
        let addresses = [Some(&open), Some(&protected), jose.as_ref().map(|jose| &jose.address)];
        for (best, address) in best.iter_mut().zip(addresses) {
            let Some(address) = address else { continue };
            let rate: Rate = load::repeat(address, connections, lasting, &request).await?;
            *best = best.max(rate.a_second());
        }
    }
    let [open, protected, node] = best;
    println!("  axum, no protection             {open:>11.0}");
    println!(
        "  axum, protected                 {protected:>11.0}   {:.2} of the route without",
        protected / open
    );
    if jose.is_some() {
        println!(
            "  Node.js with jose               {node:>11.0}   \
             {:.1} times as many by the protected route",
            protected / node
        );
    } else {
        println!(
            "  Node.js with jose: not run, as {JOSE_SERVER} did not start (npm ci in end2end)"
        );
    }
    Ok(())
}

async fn hello() -> &'static str {
    "hello"
}

async fn serve(router: Router) -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn serve_issuer(key: &Value) -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let issuer = format!("http://{address}");
    let discovery = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/jwks") });
    let keys = json!({ "keys": [key] });
    let router = Router::new()
        .route("/.well-known/openid-configuration", on_get(|| async { Json(discovery) }))
        .route("/jwks", on_get(|| async { Json(keys) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// What is measured must be protected.
async fn refuses_without_token(address: &str) -> Result<(), Failure> {
    let mut connection = Connection::open(address).await?;
    match connection.ask(&get("/", None)).await {
        Err(refused) if refused.to_string().starts_with("401") => Ok(()),
        other => {
            Err(format!("the protected route should refuse a call without a token: {other:?}")
                .into())
        }
    }
}

/// The Node.js server, ended when dropped.
struct Jose {
    address: String,
    child: Child,
}

impl Jose {
    /// `None` where Node.js or its packages are missing.
    async fn start(issuer: &str) -> Result<Option<Self>, Failure> {
        if !Path::new(JOSE_SERVER).is_file() {
            return Ok(None);
        }
        let mut command = Command::new("node");
        command
            .arg(JOSE_SERVER)
            .arg(format!("http://{issuer}"))
            .arg(AUDIENCE)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else { return Ok(None) };
        let output = child.stdout.take().ok_or("no standard output")?;
        let address = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).map(|_| line.trim().to_owned())
        });
        let address = address.await??;
        let jose = Self { address, child };
        if jose.address.is_empty() {
            return Ok(None);
        }
        refuses_without_token(&jose.address).await?;
        Ok(Some(jose))
    }
}

impl Drop for Jose {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
