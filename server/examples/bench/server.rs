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
};

/// Data of a server that is started again and again.
pub struct Folder {
    binary: PathBuf,
    data: TempDir,
    app: String,
    provider: String,
}

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
        })
    }

    /// Starts the server and waits until it answers.
    pub async fn start(&self, settings: &[(&str, &str)]) -> Result<Server, Failure> {
        Ok(self.start_timed(settings).await?.0)
    }

    /// The same, and how long it took.
    pub async fn start_timed(&self, settings: &[(&str, &str)]) -> Result<(Server, Duration), Failure> {
        let began = Instant::now();
        let mut child = Command::new(&self.binary)
            .arg("serve")
            .current_dir(self.data.path())
            .env("DOORWARD_PROVIDER__ISSUER", format!("http://{}", self.provider))
            .env("DOORWARD_PROVIDER__LISTEN", &self.provider)
            .env("DOORWARD_APP__URL", format!("http://{}", self.app))
            .env("DOORWARD_APP__LISTEN", &self.app)
            .env("DOORWARD_LOG__FORMAT", "json")
            .env("DOORWARD_LOG__LEVEL", "error,doorward::provider=info")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = BufReader::new(child.stderr.take().ok_or("no standard error")?);
        let mut server = Server { app: self.app.clone(), provider: self.provider.clone(), child, log };
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
    connection.ask(get("/health/ready", None)).await.is_ok()
}

impl Server {
    /// Processor time that the server took so far, in microseconds, by a clock of 100 ticks a second.
    pub fn processor_microseconds(&self) -> Result<u64, Failure> {
        const MICROSECONDS_A_TICK: u64 = 10_000;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name of the process, the second field, may have spaces in it but ends with the last parenthesis.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let [user, system] =
            [fields.get(11), fields.get(12)].map(|field| field.and_then(|ticks| ticks.parse::<u64>().ok()));
        Ok((user.ok_or("no utime")? + system.ok_or("no stime")?) * MICROSECONDS_A_TICK)
    }

    /// Resident memory now.
    pub fn resident_megabytes(&self) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// Stops the server; how many transactions its database committed, as its last line of log tells.
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
