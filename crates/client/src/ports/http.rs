//! Requests to the provider and to APIs.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::OneLine;

/// How a request may use the browser's HTTP cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "who implements a port handles all of it")]
pub enum CacheMode {
    /// Answer from the cache where HTTP allows it, and store the answer.
    Use,
    /// Fetch again, and store the answer.
    Refresh,
    /// Neither read nor store.
    Never,
}

/// An HTTP request. Cookies are never sent.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "who implements a port handles all of it")]
pub struct HttpRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body. Its type is in the headers.
    pub body: Option<String>,
    /// The time limit for the whole answer.
    pub timeout: Duration,
    /// Whether redirects are followed. Requests that contain a code or a token must not be
    /// redirected to another address.
    pub follow_redirects: bool,
    /// How the HTTP cache may be used.
    pub cache: CacheMode,
}

/// Shows neither headers nor body, which may contain tokens.
impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.method, self.url)
    }
}

/// An HTTP response with any status.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "who implements a port handles all of it")]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Header names in lower case, and values. From another origin, only the exposed headers are
    /// visible.
    pub headers: Vec<(String, String)>,
    /// The whole body as text.
    pub body: String,
    /// The server's time by the `Date` header, if that is readable. Seconds since 1970 (UTC).
    pub date: Option<u64>,
    /// The URL that answered, if a redirect led there. It may be that of another server than the
    /// one that was asked. It may also be set without a redirect.
    pub url: Option<String>,
}

impl HttpResponse {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name. The name must be in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as a JSON document of this type.
    ///
    /// # Errors
    ///
    /// If it is no such document.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.body)
    }
}

/// Shows only the status: the body may contain tokens.
impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "HttpResponse({})", self.status)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkFailure {
    /// The device reports that it has no network.
    #[error("the device is offline")]
    Offline,
    /// The answer was not complete within the time limit.
    #[error("no answer in time")]
    Timeout,
    /// The connection was refused, the name was not found, or CORS or a policy blocked the request.
    /// Browsers do not say which.
    #[error("the connection failed: {}", OneLine(.0))]
    Failed(String),
}

/// Sends HTTP requests.
///
/// ```
/// use async_trait::async_trait;
/// use doorward_client::ports::{HttpClient, HttpRequest, HttpResponse, NetworkFailure};
///
/// /// Answers by what a test says.
/// struct Answer(u16, &'static str);
///
/// #[async_trait(?Send)]
/// impl HttpClient for Answer {
///     async fn send(&self, _request: HttpRequest) -> Result<HttpResponse, NetworkFailure> {
///         let (status, body) = (self.0, self.1.to_owned());
///         Ok(HttpResponse { status, headers: Vec::new(), body, date: None, url: None })
///     }
/// }
/// ```
#[async_trait(?Send)]
pub trait HttpClient {
    /// Sends a request and reads the whole answer.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NetworkFailure>;
}
