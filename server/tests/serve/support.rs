//! Starting `doorward` with a folder and ports of its own, and talking to it as browsers and
//! applications do.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::{Arc, LazyLock},
    time::Duration,
};

use reqwest::{Client, Response, redirect::Policy};
use serde_json::Value;
use tempfile::TempDir;
use test_ports::ReservedPort;

/// What has not come after this time never comes: only a test that hangs waits for so long, on the
/// slowest machine.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// A folder for data, and addresses that are its own.
#[derive(Clone)]
pub struct Sandbox {
    folder: Arc<TempDir>,
    pub app: String,
    pub provider: String,
    ports: Arc<[ReservedPort; 2]>,
}

/// A running process, killed when dropped.
pub struct Doorward {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// What it printed for people before it served.
    pub first_line: String,
}

impl Sandbox {
    pub fn new() -> Self {
        let ports = [ReservedPort::new(), ReservedPort::new()];
        let [app, provider] = ports.each_ref().map(ReservedPort::number);
        Self {
            folder: Arc::new(TempDir::new().unwrap()),
            app: format!("http://localhost:{app}"),
            provider: format!("http://localhost:{provider}"),
            ports: Arc::new(ports),
        }
    }

    /// The same by https.
    pub fn with_tls() -> Self {
        let mut place = Self::new();
        for url in [&mut place.app, &mut place.provider] {
            *url = url.replace("http:", "https:");
        }
        place
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn app_port(&self) -> u16 {
        self.ports[0].number()
    }

    pub fn provider_port(&self) -> u16 {
        self.ports[1].number()
    }

    /// The command with settings for these addresses; more may be added.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let (app, provider) = (self.app_port(), self.provider_port());
        let mut command = bare_command(arguments);
        command
            .current_dir(self.folder())
            .env("DOORWARD_PROVIDER__ISSUER", &self.provider)
            .env("DOORWARD_PROVIDER__LISTEN", format!("127.0.0.1:{provider}"))
            .env("DOORWARD_APP__URL", &self.app)
            .env("DOORWARD_APP__LISTEN", format!("127.0.0.1:{app}"));
        command
    }

    /// The command, which may create a demo database.
    pub fn demo_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("DOORWARD_DEMO", "true");
        command
    }

    /// Serves in demo mode.
    pub fn serve(&self, arguments: &[&str]) -> Doorward {
        Doorward::start(self.command(&[&["serve"], arguments].concat()))
    }
}

/// The command without any setting of the environment in which the tests run.
pub fn bare_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("DOORWARD_") || name.starts_with("LEPTOS_") {
            command.env_remove(&*name);
        }
    }
    command.env("LEPTOS_SITE_ROOT", site());
    command
}

/// A folder that looks like a build of the application: no browser loads it here.
fn site() -> &'static Path {
    static SITE: LazyLock<PathBuf> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("site");
        fs::create_dir_all(root.join("pkg")).unwrap();
        fs::write(root.join("pkg/doorward.wasm"), "").unwrap();
        root
    });
    &SITE
}

impl Doorward {
    /// Starts the process and waits until it accepts connections, which it says by its first line.
    pub fn start(command: Command) -> Self {
        Self::start_logging(command, Stdio::inherit())
    }

    /// The same with a place for its log.
    pub fn start_logging(mut command: Command, log: impl Into<Stdio>) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).unwrap();
        Self { child, _stdout: stdout, first_line }
    }

    /// Starts the process and waits until something listens on this port: with a JSON log nothing
    /// is printed for people.
    pub fn start_silent(mut command: Command, log: impl Into<Stdio>, port: u16) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it served");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, _stdout: stdout, first_line: String::new() }
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name])
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for the end; the exit code, if no signal ended it.
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Ends it properly.
    pub fn stop(self) {
        self.terminate();
        assert_eq!(self.wait(), Some(0));
    }

    /// Ends it at once, as a power failure would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Doorward {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until it is so.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The status of `/health/ready` at this origin, and the report.
pub async fn health(http: &Client, origin: &str) -> (u16, Value) {
    let response = http.get(format!("{origin}/health/ready")).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// The report of a process as soon as it is ready. A slow disk keeps it from that for a while.
pub async fn ready(http: &Client, origin: &str) -> Value {
    let mut last = Value::Null;
    until("ready", async || {
        let (status, report) = health(http, origin).await;
        last = report;
        status == 200
    })
    .await;
    last
}

/// What a process that refused to start said: one line on standard error.
pub fn refusal(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(output.stdout.is_empty(), "nothing is announced");
    stderr
}

/// An HTTP client that follows no redirects and keeps cookies, but no connections: servers come and
/// go here.
pub fn browser() -> Client {
    Client::builder()
        .redirect(Policy::none())
        .cookie_store(true)
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
}

/// Asks the token endpoint as a client with the secret `secret`.
pub async fn token(
    http: &Client,
    place: &Sandbox,
    client_id: &str,
    form: &[(&str, &str)],
) -> Response {
    http.post(format!("{}/connect/token", place.provider))
        .basic_auth(client_id, Some("secret"))
        .form(form)
        .send()
        .await
        .unwrap()
}

/// Signs a demo user in by password, with refresh tokens.
pub async fn sign_in_by_password(http: &Client, place: &Sandbox, user: &str) -> Value {
    let scope = "openid MyBackendApi2 offline_access";
    let form =
        [("grant_type", "password"), ("username", user), ("password", user), ("scope", scope)];
    let response = token(http, place, "PolicyBasedBackend", &form).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

pub async fn refresh(http: &Client, place: &Sandbox, refresh_token: &str) -> Response {
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    token(http, place, "PolicyBasedBackend", &form).await
}

/// The text of a member.
pub fn text<'a>(json: &'a Value, member: &str) -> &'a str {
    json[member].as_str().unwrap_or_else(|| panic!("no {member} in {json}"))
}

/// The `Location` of a redirect.
pub fn location(response: &Response) -> String {
    assert!(response.status().is_redirection(), "{}", response.status());
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// The hidden fields of a page's form.
pub fn hidden_fields(page: &str) -> HashMap<String, String> {
    let attribute = |input: &str, name: &str| {
        let value = input.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
        Some(value.replace("&amp;", "&").replace("&#x2f;", "/"))
    };
    page.split("<input")
        .skip(1)
        .map(|input| input.split('>').next().unwrap_or_default())
        .filter(|input| input.contains("type=\"hidden\""))
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
        .collect()
}

/// The challenge of [`VERIFIER`] (RFC 7636 appendix B).
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The answer to an authorization request of the page.
pub async fn authorize(http: &Client, place: &Sandbox) -> Response {
    let redirect_uri = format!("{}/OpenId/Login/JS", place.app);
    let query = [
        ("client_id", "PkceJS"),
        ("response_type", "code"),
        ("scope", "openid profile offline_access MyBackendApi2"),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "s"),
        ("nonce", "n"),
    ];
    let url = url::Url::parse_with_params(&format!("{}/connect/authorize", place.provider), query)
        .unwrap();
    http.get(url).send().await.unwrap()
}

/// Follows a redirect within the provider.
async fn follow(http: &Client, place: &Sandbox, location: &str) -> Response {
    let base = url::Url::parse(&place.provider).unwrap();
    http.get(base.join(location).unwrap()).send().await.unwrap()
}

/// Signs alice in as a browser does; the code that the page gets.
pub async fn sign_in_at_the_page(http: &Client, place: &Sandbox) -> String {
    let to_login = location(&authorize(http, place).await);
    let page = follow(http, place, &to_login).await.text().await.unwrap();
    let mut form = hidden_fields(&page);
    for (name, value) in [("username", "alice"), ("password", "alice"), ("action", "login")] {
        form.insert(name.to_owned(), value.to_owned());
    }
    let login = format!("{}/account/login", place.provider);
    let signed_in =
        http.post(login).header("origin", &place.provider).form(&form).send().await.unwrap();
    let back = follow(http, place, &location(&signed_in)).await;
    code(&location(&back))
}

/// The code in the answer to an authorization request.
pub fn code(answer: &str) -> String {
    let url = url::Url::parse(answer).unwrap();
    let code = url.query_pairs().find(|(name, _)| name == "code");
    code.unwrap_or_else(|| panic!("no code in {answer}")).1.into_owned()
}

/// Redeems a code as the page does.
pub async fn redeem(http: &Client, place: &Sandbox, code: &str) -> Response {
    let redirect_uri = format!("{}/OpenId/Login/JS", place.app);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "PkceJS"),
        ("code", code),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_verifier", VERIFIER),
    ];
    http.post(format!("{}/connect/token", place.provider)).form(&form).send().await.unwrap()
}

/// The keys that the process at this address publishes.
pub async fn key_ids(http: &Client, provider: &str) -> Vec<String> {
    let url = format!("{provider}/.well-known/openid-configuration/jwks");
    let jwks: Value = http.get(url).send().await.unwrap().json().await.unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| text(key, "kid").to_owned()).collect()
}
