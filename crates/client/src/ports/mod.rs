//! What the client needs from its environment, as traits. The module `browser` implements them with
//! web APIs, the tests with fakes.
//!
//! Everything runs on one thread, so nothing is `Send`. Time and randomness enter here and nowhere
//! else.

mod http;

use std::{future::Future, pin::Pin, rc::Rc, time::Duration};

use async_trait::async_trait;
use doorward_protocol::{jose::SigningAlgorithm, jwk::Jwk};

pub use self::http::{CacheMode, HttpClient, HttpRequest, HttpResponse, NetworkFailure};

/// A boxed future that stays on one thread.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// All ports of one client. In a browser, `browser::ports` makes them, and one can be replaced.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "who makes a client decides about each port")]
pub struct Ports {
    /// Requests to the provider and to APIs.
    pub http: Rc<dyn HttpClient>,
    /// Where pending requests are kept while the browser is at the provider.
    pub state_store: Rc<dyn Storage>,
    /// Where the signed-in user is kept.
    pub user_store: Rc<dyn Storage>,
    /// What this tab alone keeps over a reload, wherever the user is kept: the response whose code
    /// is being redeemed.
    pub tab_store: Rc<dyn Storage>,
    /// The clocks.
    pub clock: Rc<dyn Clock>,
    /// Randomness.
    pub entropy: Rc<dyn Entropy>,
    /// Verifies the signatures of ID tokens.
    pub verifier: Rc<dyn SignatureVerifier>,
    /// Locks across all tabs of the origin.
    pub locks: Rc<dyn Locks>,
    /// Messages to the other tabs of the origin.
    pub broadcast: Rc<dyn Broadcast>,
    /// The window's address and history.
    pub navigator: Rc<dyn Navigator>,
    /// Timers, and tasks that outlive their caller.
    pub timer: Rc<dyn Timer>,
    /// The DPoP key, where one can be kept. Used only with the feature and the setting `dpop`.
    pub signer: Option<Rc<dyn ProofSigner>>,
    /// Signs assertions that authenticate the client. Used only with the feature `private-key-jwt`.
    pub assertions: Option<Rc<dyn AssertionSource>>,
    /// Popups and hidden frames, where they are possible. Used only with the feature `popups`.
    pub popups: Option<Rc<dyn Popups>>,
}

/// A store is blocked, full or missing. The text says which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
#[expect(clippy::exhaustive_structs, reason = "who implements a port handles all of it")]
pub struct StorageError(pub String);

/// A store of strings by key. Other code of the origin uses it too. See
/// [`MemoryStorage`](crate::in_page::MemoryStorage) for one that is always there.
pub trait Storage {
    /// Reads the string under the key.
    fn get(&self, key: &str) -> Result<Option<String>, StorageError>;
    /// Writes the string under the key.
    fn set(&self, key: &str, value: &str) -> Result<(), StorageError>;
    /// Removes the key, if it exists.
    fn remove(&self, key: &str) -> Result<(), StorageError>;
    /// Lists every key, including those of other code.
    fn keys(&self) -> Result<Vec<String>, StorageError>;
    /// Calls the handler when another page changed a key, until the guard is dropped. An empty key
    /// means that everything was removed. The default never calls it, for stores that no other page
    /// can change.
    fn on_change(&self, _handler: Box<dyn Fn(&str)>) -> Guard {
        Guard::new(|| ())
    }
}

/// Two clocks: the wall clock, which a user may set wrong, and a monotonic one that runs while the
/// page lives.
pub trait Clock {
    /// The device's wall clock: seconds since 1970 (UTC).
    fn now(&self) -> u64;
    /// Time since an arbitrary start. It never jumps, but it may stop while the device sleeps.
    fn monotonic(&self) -> Duration;
}

/// The source of randomness failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the device gives no random numbers")]
#[expect(clippy::exhaustive_structs, reason = "who implements a port makes it")]
pub struct EntropyError;

/// A cryptographically secure source of randomness.
pub trait Entropy {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The page is not a secure context (it was served by http from another machine), so there is
    /// no Web Cryptography.
    #[error(
        "this page has no access to the browser's cryptography, because it is not served by https"
    )]
    Unavailable,
    /// The browser does not support the algorithm.
    #[error("this browser cannot check the signature algorithm")]
    UnsupportedAlgorithm,
    /// The key does not fit the algorithm.
    #[error("the provider's key cannot be read")]
    InvalidKey,
    /// The signature does not match this key and input.
    #[error("the signature is wrong")]
    Mismatch,
}

/// Verifies signatures.
#[async_trait(?Send)]
pub trait SignatureVerifier {
    /// Verifies one signature. An ECDSA signature is R and S concatenated (RFC 7518 section 3.4).
    async fn verify(
        &self,
        key: &Jwk,
        algorithm: SigningAlgorithm,
        input: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError>;
}

/// Why there is no key for proofs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofKeyError {
    /// The page is not a secure context (it was served by http from another machine), so there is
    /// no Web Cryptography.
    #[error(
        "this page has no access to the browser's cryptography, because it is not served by https"
    )]
    Unavailable,
    /// The key cannot be created, stored or used. The text says why.
    #[error("the browser can't use a key of this page: {0}")]
    Failed(String),
}

/// A key pair of this client for proofs of possession (RFC 9449). Nothing can read the private key.
#[async_trait(?Send)]
pub trait ProofSigner {
    /// The public key, for ES256. The first call in any tab creates and stores the pair.
    async fn public_key(&self) -> Result<Jwk, ProofKeyError>;
    /// Signs with ES256. The signature is R and S concatenated (RFC 7518 section 3.4).
    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, ProofKeyError>;
}

/// Authenticates the client by assertions that its key signs (OIDC Core section 9,
/// `private_key_jwt`; RFC 7523 section 2.2).
pub trait AssertionSource {
    /// A new assertion for this audience, a JWT: the provider, as it calls itself. The text of an
    /// error says why there is none.
    fn assertion(&self, audience: &str) -> Result<String, String>;
}

/// Undoes something when it is dropped: releases a lock, or ends a subscription.
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// use doorward_client::ports::Guard;
///
/// let locked = Rc::new(Cell::new(true));
/// let released = Rc::clone(&locked);
/// let guard = Guard::new(move || released.set(false));
/// assert!(locked.get());
/// drop(guard);
/// assert!(!locked.get());
/// ```
#[must_use = "dropping it undoes what it stands for"]
pub struct Guard(Option<Box<dyn FnOnce()>>);

impl Guard {
    /// Creates a guard that calls the function when it is dropped.
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

/// Locks across all tabs of the origin.
#[async_trait(?Send)]
pub trait Locks {
    /// Waits for the lock of this name and holds it until the guard is dropped. A tab that is
    /// closed releases its locks. Callers in this crate limit how long they wait.
    async fn acquire(&self, name: &str) -> Guard;
    /// Marks a name until the guard is dropped or the tab is closed. Returns `None` if the name is
    /// marked already. A tab that gets a lock sees every mark made under it. That is not so for
    /// storage, which browsers propagate to other tabs separately and more slowly. The default does
    /// not mark anything.
    async fn mark(&self, _name: &str) -> Option<Guard> {
        Some(Guard::new(|| ()))
    }
    /// Whether [`Locks::mark`] really marks.
    fn has_marks(&self) -> bool {
        false
    }
}

/// Messages to the other tabs of the origin. A tab does not receive its own messages.
pub trait Broadcast {
    /// Sends to the other tabs. Delivery is not guaranteed.
    fn post(&self, message: &str);
    /// Calls the handler for messages of other tabs until the guard is dropped. Messages are
    /// untrusted input.
    fn subscribe(&self, handler: Box<dyn Fn(&str)>) -> Guard;
}

/// How to leave the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "who implements a port handles all of it")]
pub struct Redirect {
    /// Whether the new page replaces this one in the history.
    pub replace: bool,
    /// Whether the outermost window navigates, if this page is in a frame.
    pub top: bool,
}

/// The window's address and navigation.
pub trait Navigator {
    /// The current URL.
    fn current_url(&self) -> String;
    /// Navigates to another page.
    fn go(&self, url: &str, redirect: Redirect);
    /// Changes the URL in the address bar without loading anything.
    fn show_url(&self, url: &str);
    /// Calls the handler when the page may have slept: when it is shown, restored from the cache,
    /// online again, or focused.
    fn on_wake(&self, handler: Box<dyn Fn()>) -> Guard;
}

/// Timers, and tasks that outlive their caller.
#[async_trait(?Send)]
pub trait Timer {
    /// Sleeps. Browsers may wake the task late, so compare clocks afterwards.
    async fn sleep(&self, duration: Duration);
    /// Runs a task to its end, whether or not anyone waits for it.
    fn spawn(&self, task: LocalFuture<()>);
}

/// A rectangle on the screen, in CSS pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is a rectangle")]
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
pub trait Popups {
    /// The position of the page's own window.
    fn area(&self) -> Area;
    /// Whether the page is visible and has the focus.
    fn has_focus(&self) -> bool;
    /// Opens an empty popup. Browsers allow it only while they handle a click. Returns `None` if it
    /// was blocked.
    fn open_popup(&self, area: Area) -> Option<Box<dyn ChildWindow>>;
    /// Adds an empty hidden frame to the page. Returns `None` in a page that is such a frame
    /// itself, because nested frames would never end.
    fn open_frame(&self) -> Option<Box<dyn ChildWindow>>;
    /// Calls the handler for messages on the channel of this name until the guard is dropped.
    fn subscribe_channel(&self, name: &str, handler: Box<dyn Fn(&str)>) -> Guard;
    /// In a popup or frame: sends the text to the page that opened it, if that has the same origin.
    /// Also sends it on the named channel, in case the browser separated the popup from its opener
    /// (Cross-Origin-Opener-Policy). Closes a popup.
    fn hand_back(&self, text: &str, channel: &str);
}

/// Receives the origin and the text of each message.
pub type MessageHandler = Box<dyn Fn(&str, &str)>;

/// A popup or hidden frame of this page. Dropping it closes it.
pub trait ChildWindow {
    /// Loads a URL without a history entry.
    fn go(&self, url: &str);
    /// Whether it is closed. A popup whose page cut off its opener looks closed too.
    fn is_closed(&self) -> bool;
    /// Sends a text to the page in it, if that has the given origin.
    fn post(&self, text: &str, origin: &str);
    /// Calls the handler with origin and text of each message of this window until the guard is
    /// dropped.
    fn on_message(&self, handler: MessageHandler) -> Guard;
}
