//! The client's ports on a server: reqwest, the system's clock and randomness, and signatures by
//! the `verification` module of `doorward-protocol`. A server has no tabs, so nothing is locked or
//! told to others.

use std::{
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use doorward_client::{
    Settings,
    in_page::{MemoryStorage, PageLocks},
    ports::{
        AssertionSource, Broadcast, Clock, Entropy, EntropyError, Guard, HttpClient, HttpRequest,
        HttpResponse, LocalFuture, Navigator, NetworkFailure, Ports, ProofSigner, Redirect,
        SignatureError, SignatureVerifier, Timer,
    },
};
use doorward_protocol::{
    base64url, host::is_loopback, jose::SigningAlgorithm, jwk::Jwk, verification::VerificationKey,
};
use reqwest::{Certificate, Response, header::DATE, redirect::Policy};
use url::Url;

use crate::{Now, ProofKey, StartError, assertions::Assertions};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longer answers of the provider are refused, in bytes.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// The HTTP client for requests to the provider. `trusted` are certification authorities (DER)
/// beside the machine's.
pub(super) fn http_client(
    settings: &Settings,
    trusted: &[Vec<u8>],
) -> Result<reqwest::Client, StartError> {
    let failed = |error: reqwest::Error| StartError(format!("no HTTP client: {error}"));
    // Redirects are not followed, because they could lead to somebody else.
    let mut builder =
        reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).redirect(Policy::none());
    if Url::parse(&settings.authority).is_ok_and(|url| is_loopback(&url)) {
        // A proxy on another machine can't reach the loopback addresses of this one.
        builder = builder.no_proxy();
    }
    let trusted: Result<Vec<_>, _> = trusted.iter().map(|der| Certificate::from_der(der)).collect();
    builder.tls_certs_merge(trusted.map_err(failed)?).build().map_err(failed)
}

pub(super) fn ports(
    http: Http,
    now: Arc<Now>,
    requests: MemoryStorage,
    assertions: Option<Assertions>,
    proof_key: Option<ProofKey>,
) -> Ports {
    Ports {
        http: Rc::new(http),
        state_store: Rc::new(requests),
        user_store: Rc::new(MemoryStorage::default()),
        tab_store: Rc::new(MemoryStorage::default()),
        clock: Rc::new(ServerClock { now, started: Instant::now() }),
        entropy: Rc::new(SystemEntropy),
        verifier: Rc::new(Verifier),
        locks: Rc::new(PageLocks::default()),
        broadcast: Rc::new(Alone),
        navigator: Rc::new(Alone),
        timer: Rc::new(ServerTimer),
        signer: proof_key.map(|key| Rc::new(key) as Rc<dyn ProofSigner>),
        assertions: assertions.map(|source| Rc::new(source) as Rc<dyn AssertionSource>),
        popups: None,
    }
}

/// Says which URLs may be asked, and of the others why not.
pub type Admits = dyn Fn(&Url) -> Result<(), String> + Send + Sync;

/// The client, and what it may ask; without a rule: everything.
pub(super) struct Http {
    client: reqwest::Client,
    admits: Option<Arc<Admits>>,
}

impl Http {
    pub(super) fn new(client: reqwest::Client, admits: Option<Arc<Admits>>) -> Self {
        Self { client, admits }
    }

    /// Refuses a URL that may not be asked. The provider's metadata may name any.
    fn check(&self, url: &str) -> Result<(), NetworkFailure> {
        let Some(admits) = &self.admits else { return Ok(()) };
        let url = Url::parse(url).map_err(|error| NetworkFailure::Failed(error.to_string()))?;
        admits(&url).map_err(NetworkFailure::Failed)
    }
}

#[async_trait(?Send)]
impl HttpClient for Http {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NetworkFailure> {
        let method = request
            .method
            .parse()
            .map_err(|_| NetworkFailure::Failed("the method is not one of HTTP".to_owned()))?;
        self.check(&request.url)?;
        let mut sending = self.client.request(method, &request.url).timeout(request.timeout);
        for (name, value) in request.headers {
            sending = sending.header(name, value);
        }
        if let Some(body) = request.body {
            sending = sending.body(body);
        }
        answer(sending.send().await.map_err(failure)?).await
    }
}

async fn answer(mut response: Response) -> Result<HttpResponse, NetworkFailure> {
    let status = response.status().as_u16();
    let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers = response.headers();
    let date = headers.get(DATE).and_then(text).and_then(|date| seconds(&date));
    let headers =
        headers.iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(NetworkFailure::Failed("the answer is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    // Redirects are not followed.
    Ok(HttpResponse { status, headers, body, date, url: None })
}

/// A date of HTTP (RFC 9110 section 5.6.7) as seconds since 1970 (UTC).
fn seconds(date: &str) -> Option<u64> {
    let time = httpdate::parse_http_date(date).ok()?;
    Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
}

fn failure(error: reqwest::Error) -> NetworkFailure {
    if error.is_timeout() {
        return NetworkFailure::Timeout;
    }
    // The URL may contain what no log should have, and the caller knows it.
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    NetworkFailure::Failed(format!("{error}{}", cause.unwrap_or_default()))
}

struct ServerClock {
    now: Arc<Now>,
    started: Instant,
}

impl Clock for ServerClock {
    fn now(&self) -> u64 {
        (self.now)()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        aws_lc_rs::rand::fill(buffer).map_err(|_| EntropyError)
    }
}

struct Verifier;

#[async_trait(?Send)]
impl SignatureVerifier for Verifier {
    async fn verify(
        &self,
        key: &Jwk,
        algorithm: SigningAlgorithm,
        input: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if !VerificationKey::ALGORITHMS.contains(&algorithm) {
            return Err(SignatureError::UnsupportedAlgorithm);
        }
        let key = VerificationKey::for_algorithm(key, algorithm);
        let key = key.ok_or(SignatureError::InvalidKey)?;
        let input = std::str::from_utf8(input).map_err(|_| SignatureError::Mismatch)?;
        let compact = [input, ".", &base64url::encode(signature)].concat();
        if key.verifies(&compact) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

/// There are no tabs and no window.
struct Alone;

impl Broadcast for Alone {
    fn post(&self, _: &str) {}

    fn subscribe(&self, _: Box<dyn Fn(&str)>) -> Guard {
        Guard::new(|| ())
    }
}

impl Navigator for Alone {
    fn current_url(&self) -> String {
        String::new()
    }

    fn go(&self, _: &str, _: Redirect) {}

    fn show_url(&self, _: &str) {}

    fn on_wake(&self, _: Box<dyn Fn()>) -> Guard {
        Guard::new(|| ())
    }
}

struct ServerTimer;

#[async_trait(?Send)]
impl Timer for ServerTimer {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn spawn(&self, task: LocalFuture<()>) {
        tokio::task::spawn_local(task);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_client::ports::CacheMode;

    use super::*;

    /// What the provider's metadata names is asked like anything else.
    #[tokio::test]
    async fn a_url_that_the_rule_does_not_let_pass_is_not_asked() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let rule: Arc<Admits> = Arc::new(|url: &Url| match url.host_str() {
            Some("127.0.0.1") => Err("not this machine".to_owned()),
            _ => Ok(()),
        });
        let http = Http::new(reqwest::Client::new(), Some(rule));
        let request = HttpRequest {
            method: "GET".to_owned(),
            url,
            headers: Vec::new(),
            body: None,
            timeout: Duration::from_secs(50),
            follow_redirects: false,
            cache: CacheMode::Never,
        };
        let refused = http.send(request).await.unwrap_err();
        assert!(matches!(&refused, NetworkFailure::Failed(why) if why == "not this machine"));
        assert!(listener.accept().is_err(), "nobody came");
    }
}
