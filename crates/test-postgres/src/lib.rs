//! A PostgreSQL for the time of a test or a measurement: started from Debian's package on a free
//! port of loopback, in a folder of its own, as a user that is not root; stopped and removed with
//! the value, and also when the process that holds it dies.
//!
//! ```no_run
//! let postgres = test_postgres::TestPostgres::start();
//! let url = postgres.new_database();
//! ```
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use tempfile::TempDir;
use test_ports::ReservedPort;

/// The database user, who owns every database.
const USER: &str = "doorward";
/// Its password, for tests to look for where it must not be.
pub const PASSWORD: &str = "the-password-of-the-database";
/// How long starting or stopping a server may take, in seconds. Only a hanging one takes so long.
const LONGEST_WAIT: &str = "600";

/// How much a database must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The death of any process. Commits reach the operating system, not the disk: enough for
    /// tests, and quick.
    Processes,
    /// A power failure, too, as in production: for measurements.
    Machine,
}

/// A running server.
#[derive(Debug)]
pub struct TestPostgres {
    programs: PathBuf,
    folder: PathBuf,
    owner: Owner,
    port: ReservedPort,
    /// How many databases and schemas were made.
    made: AtomicU32,
    /// Stops the server and removes the folder as soon as the pipe to it is closed.
    watcher: Child,
    open_until_dropped: Option<ChildStdin>,
}

/// Whom the server runs as.
#[derive(Debug, Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

impl TestPostgres {
    /// A server for tests.
    ///
    /// # Panics
    /// If PostgreSQL is not installed, or does not start.
    pub fn start() -> Self {
        Self::start_with(Durability::Processes, &[])
    }

    /// A server with settings of `postgresql.conf`, such as `max_connections=20`.
    ///
    /// # Panics
    /// If PostgreSQL is not installed, or does not start.
    pub fn start_with(durability: Durability, settings: &[&str]) -> Self {
        let programs = programs();
        let folder = TempDir::with_prefix("test-postgres-").unwrap().keep();
        let owner = Owner::of(&folder);
        let password_file = folder.join("password");
        fs::write(&password_file, PASSWORD).unwrap();
        owner.give(&password_file);
        owner.give(&folder);
        let data = folder.join("data");
        let mut watcher = owner
            .command("sh")
            .args([
                "-c",
                r#"cat > /dev/null
                   "$1/pg_ctl" -D "$2/data" -m immediate -t "$3" -w stop
                   rm -rf "$2""#,
                "sh",
            ])
            .args([&programs, &folder])
            .arg(LONGEST_WAIT)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let open_until_dropped = watcher.stdin.take();
        let mut initialise = owner.command(programs.join("initdb"));
        initialise
            .args([
                "--username",
                USER,
                "--auth",
                "scram-sha-256",
                "--encoding",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ])
            .arg("--pwfile")
            .arg(&password_file)
            .arg("--pgdata")
            .arg(&data);
        succeed(&mut initialise);
        let fsync = if durability == Durability::Machine { "fsync=on" } else { "fsync=off" };
        let folder_setting = format!("unix_socket_directories='{}'", folder.display());
        let settings = [
            &["listen_addresses='127.0.0.1'", "max_connections=200", fsync, &folder_setting],
            settings,
        ]
        .concat();
        fs::write(data.join("postgresql.auto.conf"), settings.join("\n") + "\n").unwrap();
        owner.give(&data.join("postgresql.auto.conf"));
        let postgres = Self {
            programs,
            folder,
            owner,
            port: ReservedPort::new(),
            made: AtomicU32::new(0),
            watcher,
            open_until_dropped,
        };
        postgres.control(&["start"]);
        postgres
    }

    /// Makes an empty database and returns its URI.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn new_database(&self) -> String {
        let name = format!("database_{}", self.made.fetch_add(1, Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// Makes an empty schema in a database that all of them share, and returns the URI of both:
    /// enough to keep tests apart, and made in a fraction of the time and of the 10 MB that a
    /// database takes.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn new_schema(&self) -> String {
        let name = format!("schema_{}", self.made.fetch_add(1, Relaxed));
        self.sql("postgres", &format!("CREATE SCHEMA {name}"));
        format!("{}?options=-c%20search_path%3D{name}", self.url("postgres"))
    }

    /// The URI of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port())
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Runs SQL as the owner of the database, by `psql`; returns what it selects, unaligned.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let output = self.psql(database).args(["--command", sql]).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Sets the clock that new connections to this database see this many seconds ahead of the
    /// machine's: for them `clock_timestamp` is a function in the schema `public`.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn set_clock_ahead(&self, database: &str, seconds: i64) {
        self.sql(
            database,
            &format!(
                "CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz
                     LANGUAGE sql VOLATILE AS $$
                         SELECT pg_catalog.clock_timestamp() + interval '{seconds} seconds'
                     $$;
                 ALTER DATABASE {database} SET search_path = public, pg_catalog"
            ),
        );
    }

    /// Runs SQL, such as the beginning of a transaction, in a session that stays open.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn open_session(&self, database: &str, sql: &str) -> OpenSession {
        let mut command = self.psql(database);
        let mut psql = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = psql.stdin.take().unwrap();
        writeln!(input, "{sql};\n\\echo done").unwrap();
        let mut lines = BufReader::new(psql.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "done"), "{sql}");
        OpenSession { psql, input: Some(input) }
    }

    fn psql(&self, database: &str) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        command
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1"])
            .arg(self.url(database));
        command
    }

    /// Makes it take encrypted connections, too, with this certificate and private key.
    ///
    /// # Panics
    /// If the files can't be read, or the server does not take them.
    pub fn use_tls(&self, certificate: &Path, private_key: &Path) {
        self.take_file(certificate, "server.crt");
        self.take_file(private_key, "server.key");
        self.sql("postgres", "ALTER SYSTEM SET ssl = on");
        self.crash_and_start_again();
    }

    /// Makes a user with this name, who may do everything and has no password: the user connects
    /// with a certificate for the name, issued by this authority. Call [`Self::use_tls`] first.
    ///
    /// # Panics
    /// If the files can't be read, or the server does not take them.
    pub fn add_user_with_certificate(&self, name: &str, authority: &Path) {
        self.take_file(authority, "clients.crt");
        self.sql("postgres", &format!("CREATE ROLE {name} LOGIN SUPERUSER"));
        self.sql("postgres", "ALTER SYSTEM SET ssl_ca_file = 'clients.crt'");
        // The first line that fits a connection counts.
        let rules = self.folder.join("data").join("pg_hba.conf");
        let others = fs::read_to_string(&rules).unwrap();
        fs::write(&rules, format!("hostssl all {name} 127.0.0.1/32 cert\n{others}")).unwrap();
        self.crash_and_start_again();
    }

    fn take_file(&self, source: &Path, name: &str) {
        let target = self.folder.join("data").join(name);
        fs::copy(source, &target).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        self.owner.give(&target);
    }

    /// Stops the server as a crash does: nothing is finished or written out.
    ///
    /// # Panics
    /// If it does not stop.
    pub fn crash(&self) {
        self.control(&["stop", "-m", "immediate"]);
    }

    /// Starts it again, on the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&self) {
        self.control(&["start"]);
    }

    /// Restarts it as after a crash.
    ///
    /// # Panics
    /// If it does not start again.
    pub fn crash_and_start_again(&self) {
        self.control(&["restart", "-m", "immediate"]);
    }

    /// Runs `pg_ctl` and waits until it has done its work.
    fn control(&self, arguments: &[&str]) {
        let log = self.folder.join("log");
        let mut command = self.owner.command(self.programs.join("pg_ctl"));
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-l")
            .arg(&log)
            .arg("-o")
            .arg(format!("-p {}", self.port()))
            .args(["-w", "-s", "-t", LONGEST_WAIT])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = command.status().unwrap();
        let log = || fs::read_to_string(&log).unwrap_or_default();
        assert!(status.success(), "pg_ctl {arguments:?}: {status}\n{}", log());
    }
}

/// A session with the server. It ends when this is dropped, and its transaction is undone.
#[derive(Debug)]
pub struct OpenSession {
    psql: Child,
    input: Option<ChildStdin>,
}

impl OpenSession {
    /// Commits what it has begun, and ends.
    ///
    /// # Panics
    /// If `psql` is gone.
    pub fn commit(mut self) {
        writeln!(self.input.as_mut().unwrap(), "COMMIT;").unwrap();
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.psql.wait();
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        drop(self.open_until_dropped.take());
        let _ = self.watcher.wait();
    }
}

impl Owner {
    /// Who owns a new folder; but PostgreSQL refuses to run as root, who can be somebody else.
    fn of(folder: &Path) -> Self {
        let metadata = fs::metadata(folder).unwrap();
        if metadata.uid() != 0 {
            return Self { user: metadata.uid(), group: metadata.gid() };
        }
        let id = |option| {
            let output = Command::new("id").args([option, "postgres"]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse().unwrap_or(65_534)
        };
        Self { user: id("-u"), group: id("-g") }
    }

    fn give(self, path: &Path) {
        std::os::unix::fs::chown(path, Some(self.user), Some(self.group)).unwrap();
    }

    fn command(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        // Only root may name somebody, and needs to.
        if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            command.uid(self.user).gid(self.group);
        }
        command
    }
}

/// The folder of PostgreSQL's programs, of the newest version.
fn programs() -> PathBuf {
    let version = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| folder.join("pg_ctl").exists());
    let on_path = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .find(|folder| folder.join("pg_ctl").exists() && folder.join("initdb").exists())
    };
    debian.max_by_key(version).or_else(on_path).unwrap_or_else(|| {
        panic!(
            "PostgreSQL is missing, which this needs: install Debian's package postgresql (apt-get \
                install postgresql)"
        )
    })
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
