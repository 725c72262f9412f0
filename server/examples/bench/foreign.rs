//! The provider to compare with: npm `oidc-provider` in a Node.js process, everything in memory
//! (`end2end/bench`).

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{CONNECTIONS, Failure, member, process::Process};

/// Its program.
const PROGRAM: &str = "end2end/bench/oidc-provider.js";
/// The package that it needs.
const PACKAGE: &str = "end2end/node_modules/oidc-provider/package.json";

/// A running provider, ended when dropped.
pub struct Foreign {
    /// Where it listens.
    pub address: String,
    /// Of as many grants as there are connections.
    pub refresh_tokens: Vec<String>,
    /// For userinfo.
    pub access_token: String,
    child: Child,
}

/// Its version, or why it can't be run here.
pub fn version() -> Result<String, String> {
    let missing =
        |what: &str| format!("skipped: {what}. Install Node.js, then run script/setup test");
    let package = std::fs::read(Path::new(PACKAGE))
        .map_err(|_| missing("the npm packages of end2end are missing"))?;
    let node =
        Command::new("node").arg("--version").output().map_err(|_| missing("node is missing"))?;
    let package: Value =
        serde_json::from_slice(&package).map_err(|error| format!("skipped: {PACKAGE}: {error}"))?;
    let version = package["version"].as_str().unwrap_or_default();
    Ok(format!(
        "oidc-provider {version} on Node.js {}",
        String::from_utf8_lossy(&node.stdout).trim()
    ))
}

impl Foreign {
    /// Starts it, with tokens signed by this algorithm, and waits until it listens.
    pub fn start(algorithm: &str) -> Result<Self, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut child = Command::new("node")
            .args([PROGRAM, &address.port().to_string(), algorithm, &CONNECTIONS.to_string()])
            .env("NODE_ENV", "production")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
        let ready: Value =
            serde_json::from_str(&line).map_err(|_| format!("{PROGRAM} did not start"))?;
        let refresh_tokens = serde_json::from_value(ready["refresh_tokens"].clone())?;
        let access_token = member(&ready, "access_token")?;
        Ok(Self { address: address.to_string(), refresh_tokens, access_token, child })
    }

    /// The process, to be measured.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
