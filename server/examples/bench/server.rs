//! The server under load: a process in demo mode with a folder and ports of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    Failure,
    load::{Connection, get},
    process::Process,
};

/// Data of a server that is started again and again.
pub struct Folder {
    binary: PathBuf,
    data: TempDir,
    app: String,
    provider: String,
    /// Whether there is a configuration file.
    config: bool,
}

/// Name of the configuration file.
const CONFIG: &str = "bench.toml";

/// A running server, ended when dropped.
pub struct Server {
    /// Address of the application and the API.
    pub app: String,
    /// Address of the provider.
    pub provider: String,
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Folder {
    /// An empty one, and free ports.
    pub fn new(binary: &Path) -> Result<Self, Failure> {
        let held = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
        Ok(Self {
            binary: fs::canonicalize(binary)?,
            data: TempDir::new()?,
            app: held.0.local_addr()?.to_string(),
            provider: held.1.local_addr()?.to_string(),
            config: false,
        })
    }

    /// An empty one for a server with this configuration.
    pub fn with_config(binary: &Path, config: &str) -> Result<Self, Failure> {
        let folder = Self { config: true, ..Self::new(binary)? };
        fs::write(folder.data.path().join(CONFIG), config)?;
        Ok(folder)
    }

    /// Where the server keeps its database.
    pub fn database(&self) -> PathBuf {
        self.data.path().join("data/doorward.sqlite3")
    }

    /// Starts the server and waits until it answers.
    pub async fn start(&self, settings: &[(&str, &str)]) -> Result<Server, Failure> {
        Ok(self.start_timed(settings).await?.0)
    }

    /// The same, and how long it took.
    pub async fn start_timed(
        &self,
        settings: &[(&str, &str)],
    ) -> Result<(Server, Duration), Failure> {
        let began = Instant::now();
        let mut child = Command::new(&self.binary)
            .arg("serve")
            .args(self.config.then_some(["--config", CONFIG]).into_iter().flatten())
            .current_dir(self.data.path())
            .env("DOORWARD_PROVIDER__ISSUER", format!("http://{}", self.provider))
            .env("DOORWARD_PROVIDER__LISTEN", &self.provider)
            .env("DOORWARD_APP__URL", format!("http://{}", self.app))
            .env("DOORWARD_APP__LISTEN", &self.app)
            .env("DOORWARD_LOG__FORMAT", "json")
            .env("DOORWARD_LOG__LEVEL", "error,doorward::provider=info")
            // Not a setting of the server.
            .env_remove("DOORWARD_BIN")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = BufReader::new(child.stderr.take().ok_or("no standard error")?);
        let mut server =
            Server { app: self.app.clone(), provider: self.provider.clone(), child, log };
        while !answers(&server.provider).await {
            if server.child.try_wait()?.is_some() || began.elapsed() > Duration::from_secs(20) {
                let mut said = String::new();
                let _ = server.child.kill();
                server.log.read_to_string(&mut said)?;
                return Err(format!("the server did not start: {said}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok((server, began.elapsed()))
    }
}

async fn answers(address: &str) -> bool {
    let Ok(mut connection) = Connection::open(address).await else { return false };
    connection.ask(&get("/health/ready", None)).await.is_ok()
}

impl Server {
    /// The process, to be measured.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Stops the server; how many transactions its database committed, as its last line of log
    /// tells.
    pub fn stop(mut self) -> Result<u64, Failure> {
        Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        let mut commits = 0;
        for line in self.log.by_ref().lines() {
            let line = line?;
            let logged: Option<serde_json::Value> = serde_json::from_str(&line).ok();
            match logged.as_ref().and_then(|logged| logged["commits"].as_u64()) {
                Some(count) => commits = count,
                None => eprintln!("{line}"),
            }
        }
        self.child.wait()?;
        Ok(commits)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
