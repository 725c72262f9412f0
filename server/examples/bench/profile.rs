//! Where the processor's time goes while Doorward answers refresh grants and userinfo: what `perf`
//! sees of the process, by thread and function.

use std::{path::Path, process::Command, time::Duration};

use crate::{
    CONNECTIONS, Failure, compare,
    group_commit::{TOKEN, refresh_tokens},
    load::{self, Rate, Refresh, get},
    server::{Folder, Server},
};

/// How long each load lasts; `perf` looks 999 times a second.
const LASTING: Duration = Duration::from_secs(12);
/// This many lines of a report are printed.
const LINES: usize = 45;

pub async fn run(binary: &Path) -> Result<(), Failure> {
    let folder = Folder::with_config(binary, &compare::config("ES256"))?;
    let server = folder.start(&[("DOORWARD_PROVIDER__ACCESS_TOKEN_SIGNING_ALG", "ES256")]).await?;
    let tokens = refresh_tokens(&server, compare::CLIENT, compare::SCOPE).await?;
    let bearer = format!("Bearer {}", compare::userinfo_token(&server).await?);

    let recording = Recording::start(&server, &folder, "refresh")?;
    let refresh = Refresh { path: TOKEN, client_id: compare::CLIENT };
    let (rate, _) = load::rotate(&server.provider, refresh, tokens, LASTING).await?;
    recording.print("refresh grant, ES256", &rate)?;

    let recording = Recording::start(&server, &folder, "userinfo")?;
    let rate = load::repeat(
        &server.provider,
        CONNECTIONS,
        LASTING,
        &get("/connect/userinfo", Some(&bearer)),
    )
    .await?;
    recording.print("userinfo", &rate)?;
    server.stop()?;
    Ok(())
}

/// `perf` at work on the server.
struct Recording {
    perf: std::process::Child,
    file: std::path::PathBuf,
    server: crate::process::Process,
    before: u64,
}

impl Recording {
    fn start(server: &Server, folder: &Folder, name: &str) -> Result<Self, Failure> {
        let file = folder.database().with_file_name(name);
        let server = server.process();
        let perf = Command::new("perf")
            .args(["record", "--quiet", "--freq", "999", "--event", "cpu-clock", "--output"])
            .arg(&file)
            .args(["--pid", &server.0.to_string(), "sleep", &LASTING.as_secs().to_string()])
            .spawn()
            .map_err(|error| {
                format!("perf can't be started ({error}): install Debian's package linux-perf")
            })?;
        Ok(Self { perf, file, before: server.processor_microseconds()?, server })
    }

    fn print(mut self, what: &str, rate: &Rate) -> Result<(), Failure> {
        let each = (self.server.processor_microseconds()? - self.before) / rate.count.max(1);
        self.perf.wait()?;
        println!(
            "\nProfile: {what}, {rate} a second, {each} µs of the server's processor time each"
        );
        for keys in ["comm", "dso", "comm,sym"] {
            let report = Command::new("perf")
                .args(["report", "--stdio", "--quiet", "--sort", keys, "--input"])
                .arg(&self.file)
                .output()?;
            let report = String::from_utf8_lossy(&report.stdout);
            for line in report.lines().filter(|line| !line.trim().is_empty()).take(LINES) {
                println!("  {}", line.trim_end());
            }
            println!();
        }
        Ok(())
    }
}
