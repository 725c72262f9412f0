//! What the client needs from its surroundings, as traits. `browser` implements them with web APIs;
//! tests with fakes.
//!
//! Everything runs on one thread, so nothing is `Send`. Time and randomness come in here and
//! nowhere else.

use std::{future::Future, pin::Pin, rc::Rc, time::Duration};

use async_trait::async_trait;
use doorward_protocol::{jose::SigningAlgorithm, jwk::Jwk};

/// A future of the one thread.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// All ports of one client.
#[derive(Clone)]
pub struct Ports {
    /// Requests to the provider and to APIs.
    pub http: Rc<dyn HttpClient>,
    /// Where pending requests are kept between leaving the page and coming back.
    pub state_store: Rc<dyn Storage>,
    /// Where the signed-in user is kept.
    pub user_store: Rc<dyn Storage>,
    /// What time it is.
    pub clock: Rc<dyn Clock>,
    /// Randomness.
    pub entropy: Rc<dyn Entropy>,
    /// Signatures of ID tokens.
    pub verifier: Rc<dyn SignatureVerifier>,
    /// Mutual exclusion over all tabs of the origin.
    pub locks: Rc<dyn Locks>,
    /// Messages to the other tabs of the origin.
    pub broadcast: Rc<dyn Broadcast>,
    /// The window's address.
    pub navigator: Rc<dyn Navigator>,
    /// Waiting, and work that outlives its caller.
    pub timer: Rc<dyn Timer>,
    /// The key of proofs of possession, where one can be kept. Used with the feature `dpop` and the
    /// setting `dpop` only.
    pub signer: Option<Rc<dyn ProofSigner>>,
    /// Popups and hidden frames, where there can be any. Used with the feature `windows` only.
    pub windows: Option<Rc<dyn Windows>>,
}

/// What the browser's HTTP cache may do for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheMode {
    /// Answer from the cache where HTTP allows it, and keep the answer.
    Use,
    /// Fetch anew and keep the answer.
    Refresh,
    /// Neither read nor keep.
    Never,
}

/// One HTTP request. Cookies are never sent.
#[derive(Clone)]
pub struct HttpRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Body; its type stands in the headers.
    pub body: Option<String>,
    /// When to give up.
    pub timeout: Duration,
    /// Whether redirects are followed. Requests that carry a code or a token must not be sent on to
    /// another address.
    pub follow_redirects: bool,
    /// What the HTTP cache may do.
    pub cache: CacheMode,
}

/// Names the request without headers and body, which carry tokens.
impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.method, self.url)
    }
}

/// An HTTP answer, whatever its status.
#[derive(Clone)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Names in lower case, and values; of a foreign origin only those that it exposes.
    pub headers: Vec<(String, String)>,
    /// The whole body as text.
    pub body: String,
    /// The server's clock by its `Date` header, where that is readable. Seconds since 1970 (UTC).
    pub date: Option<u64>,
}

impl HttpResponse {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Names the status only: the body may carry tokens.
impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "HttpResponse({})", self.status)
    }
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkFailure {
    /// The device says that it has no network.
    #[error("the device is offline")]
    Offline,
    /// No whole answer within the time-out.
    #[error("no answer in time")]
    Timeout,
    /// Refused, unresolvable, blocked by CORS or by policy; browsers don't tell which.
    #[error("the connection failed: {0}")]
    Failed(String),
}

/// Sends HTTP requests.
#[async_trait(?Send)]
pub trait HttpClient {
    /// Sends a request and reads the whole answer.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NetworkFailure>;
}

/// A store is blocked, full or not there; the text says which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(pub String);

/// A store of texts by key, shared with whatever else uses the origin's storage.
pub trait Storage {
    /// The text under the key.
    fn get(&self, key: &str) -> Result<Option<String>, StorageError>;
    /// Writes the text under the key.
    fn set(&self, key: &str, value: &str) -> Result<(), StorageError>;
    /// Removes the key, if it is there.
    fn remove(&self, key: &str) -> Result<(), StorageError>;
    /// Every key, foreign ones included.
    fn keys(&self) -> Result<Vec<String>, StorageError>;
}

/// Two clocks: the wall clock, which a user may set wrong, and one that only runs forward while the
/// page lives.
pub trait Clock {
    /// The device's wall clock: seconds since 1970 (UTC).
    fn now(&self) -> u64;
    /// Time since some moment; never jumps, but may stand still while the device sleeps.
    fn monotonic(&self) -> Duration;
}

/// The source of randomness failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the device gives no random numbers")]
pub struct EntropyError;

/// A cryptographically secure source of randomness.
pub trait Entropy {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no cryptography here: the page is no secure context (served by http from another
    /// machine).
    #[error(
        "this page has no access to the browser's cryptography, because it is not served by https"
    )]
    Unavailable,
    /// The browser does not know the algorithm.
    #[error("this browser cannot check the signature algorithm")]
    UnsupportedAlgorithm,
    /// The key is no key of its algorithm.
    #[error("the provider's key cannot be read")]
    InvalidKey,
    /// The signature was not made by this key over this input.
    #[error("the signature is wrong")]
    Mismatch,
}

/// Checks signatures.
#[async_trait(?Send)]
pub trait SignatureVerifier {
    /// Checks one signature; for ECDSA it is R and S side by side (RFC 7518 section 3.4).
    async fn verify(
        &self,
        key: &Jwk,
        algorithm: SigningAlgorithm,
        input: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError>;
}

/// Why there is no key to make proofs with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofKeyError {
    /// There is no cryptography here: the page is no secure context (served by http from another
    /// machine).
    #[error(
        "this page has no access to the browser's cryptography, because it is not served by https"
    )]
    Unavailable,
    /// The key can't be made, kept or used; the text says why.
    #[error("the browser can't use a key of this page: {0}")]
    Failed(String),
}

/// A key pair of this client that makes proofs of possession (RFC 9449). The private key can't be
/// read by anybody.
#[async_trait(?Send)]
pub trait ProofSigner {
    /// The public key, for ES256. The pair is made at the first call, by whichever tab comes first,
    /// and kept.
    async fn public_key(&self) -> Result<Jwk, ProofKeyError>;
    /// Signs by ES256: R and S side by side (RFC 7518 section 3.4).
    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, ProofKeyError>;
}

/// Undoes something when dropped: releases a lock, ends a subscription.
#[must_use = "dropping it undoes what it stands for"]
pub struct Guard(Option<Box<dyn FnOnce()>>);

impl Guard {
    /// A guard that runs this when dropped.
    pub fn new(on_drop: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(on_drop)))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(on_drop) = self.0.take() {
            on_drop();
        }
    }
}

/// Mutual exclusion over all tabs of the origin.
#[async_trait(?Send)]
pub trait Locks {
    /// Waits for the lock of this name and holds it until the guard is dropped. A tab that is
    /// closed lets go of it.
    async fn acquire(&self, name: &str) -> Guard;
    /// Marks a name until the guard is dropped or the tab is closed; `None`: another has marked it.
    /// Who gets a lock sees every mark that was made under it, which is not so for what was written
    /// to a store: browsers carry that to other tabs on a way of its own, and slower. Where there
    /// are no such marks, nothing is marked.
    async fn mark(&self, _name: &str) -> Option<Guard> {
        Some(Guard::new(|| ()))
    }
}

/// Messages to the other tabs of the origin; a tab does not hear itself.
pub trait Broadcast {
    /// Sends to the other tabs. Best effort.
    fn post(&self, message: &str);
    /// Hears what other tabs send until the guard is dropped. Messages are input from outside:
    /// parse them.
    fn subscribe(&self, handler: Box<dyn Fn(&str)>) -> Guard;
}

/// How to leave the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Redirect {
    /// Whether the new page takes the place of this one in the history: no way back.
    pub replace: bool,
    /// Whether the outermost window goes, where this page is framed by another.
    pub top: bool,
}

/// The window.
pub trait Navigator {
    /// The address shown.
    fn current_url(&self) -> String;
    /// Goes to another page.
    fn go(&self, url: &str, redirect: Redirect);
    /// Changes the address shown without loading anything.
    fn show_url(&self, url: &str);
    /// Hears when the page may have slept or comes back: shown again, restored from the cache,
    /// online, focused.
    fn on_wake(&self, handler: Box<dyn Fn()>) -> Guard;
}

/// Waiting, and work that outlives its caller.
#[async_trait(?Send)]
pub trait Timer {
    /// Waits. Browsers may wake late: compare clocks afterwards.
    async fn sleep(&self, duration: Duration);
    /// Runs a future to its end, whether or not anyone waits for it.
    fn spawn(&self, task: LocalFuture<()>);
}

/// A place on the screen, in CSS pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Area {
    /// From the screen's left edge.
    pub left: i32,
    /// From the screen's upper edge.
    pub top: i32,
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
}

/// Popups and hidden frames of this page, and the way back from one.
pub trait Windows {
    /// Where the page's own window is on the screen.
    fn area(&self) -> Area;
    /// Whether the page has the user's attention: it is shown and has the focus.
    fn has_focus(&self) -> bool;
    /// Opens an empty popup. Browsers allow that only while they handle the user's click. `None`:
    /// it was blocked.
    fn open_popup(&self, area: Area) -> Option<Box<dyn ChildWindow>>;
    /// Puts an empty hidden frame into the page. `None` in a page that is such a frame itself:
    /// frames in frames would never end.
    fn open_frame(&self) -> Option<Box<dyn ChildWindow>>;
    /// Hears what pages of this origin send on the channel of this name, until the guard is
    /// dropped.
    fn hear_channel(&self, name: &str, handler: Box<dyn Fn(&str)>) -> Guard;
    /// In a popup or frame: sends the text to the page that opened it, if that is of this origin,
    /// and on the channel of this name, where the browser has cut off the opener
    /// (Cross-Origin-Opener-Policy). Closes a popup.
    fn hand_back(&self, text: &str, channel: &str);
}

/// Is told the origin and the text of each message.
pub type MessageHandler = Box<dyn Fn(&str, &str)>;

/// A popup or hidden frame of this page. Dropping it closes it.
pub trait ChildWindow {
    /// Loads an address, leaving nothing in the history.
    fn go(&self, url: &str);
    /// Whether it is closed. A popup whose page forbids to be held by its opener looks closed as
    /// well.
    fn is_closed(&self) -> bool;
    /// Sends a text to the page in it, if that is of this origin.
    fn post(&self, text: &str, origin: &str);
    /// Hears the origin and text of what this very window sends, until the guard is dropped.
    fn hear(&self, handler: MessageHandler) -> Guard;
}
