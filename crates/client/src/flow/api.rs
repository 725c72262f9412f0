//! Calls to APIs with the user's access token (RFC 6750 sections 2.1 and 3.1, RFC 9449 section 7).

use std::{rc::Rc, time::Duration};

use doorward_protocol::{challenge::Challenge, error::ErrorCode, json};
use serde_json::Value;

use crate::{
    Fault,
    client::Client,
    ports::{CacheMode, HttpRequest, HttpResponse},
    transport::ProofOf,
};

/// A request to an API. The client adds the `Authorization` header.
///
/// ```
/// use doorward_client::ApiRequest;
///
/// let read = ApiRequest::get("https://api.example/orders").header("accept", "application/json");
/// let write = ApiRequest::post("https://api.example/orders").json(&serde_json::json!({ "n": 1 }));
/// assert_eq!(write.body.as_deref(), Some(r#"{"n":1}"#));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Header names and values. An `authorization` header is replaced.
    pub headers: Vec<(String, String)>,
    /// The body as text, so that it can be sent again. Set its type in the headers.
    pub body: Option<String>,
    /// The time limit in seconds, in place of the setting `request_timeout`.
    pub timeout: Option<u64>,
}

impl ApiRequest {
    /// Creates a request with this method.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        let (method, url) = (method.into(), url.into());
        Self { method, url, headers: Vec::new(), body: None, timeout: None }
    }

    /// Creates a GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Creates a POST request.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body to this JSON document, and its type.
    #[must_use]
    pub fn json(self, document: &Value) -> Self {
        self.header("content-type", "application/json").body(json::text(document))
    }

    setters! {
        some_text body;
        some timeout: u64;
    }
}

/// The response of an API, with any status.
pub type ApiResponse = HttpResponse;

impl Client {
    /// Calls an API with the user's access token. If the API says that the token is invalid
    /// (revoked, or expired by the API's clock), the token is renewed and the call repeated once. A
    /// call that was refused because of its token had no effect.
    pub(crate) async fn fetch(self: &Rc<Self>, request: ApiRequest) -> Result<ApiResponse, Fault> {
        let mut access_token = self.access_token().await?;
        let mut replaced = false;
        loop {
            let answer = self.call(&request, &access_token).await?;
            if replaced || !refuses_token(&answer) {
                return Ok(answer);
            }
            match self.replaced(&access_token).await {
                Ok(other) => access_token = other,
                // The events say why there is no other token. The caller gets the API's own
                // response.
                Err(_) => return Ok(answer),
            }
            replaced = true;
        }
    }

    fn call(
        &self,
        request: &ApiRequest,
        access_token: &str,
    ) -> impl Future<Output = Result<ApiResponse, Fault>> {
        let mut headers = request.headers.clone();
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        headers.push(self.tokens.http.authorization(access_token));
        let sent = HttpRequest {
            method: request.method.clone(),
            url: request.url.clone(),
            headers,
            body: request.body.clone(),
            timeout: Duration::from_secs(request.timeout.unwrap_or(self.settings.request_timeout)),
            follow_redirects: true,
            cache: CacheMode::Never,
        };
        self.tokens.http.transmit(sent, ProofOf::Token(access_token))
    }

    /// Returns the token that replaces a refused one. Another caller or tab may have renewed
    /// already.
    async fn replaced(self: &Rc<Self>, refused: &str) -> Result<String, Fault> {
        if self.users.present()?.access_token == refused {
            self.renew().await?;
        }
        Ok(self.users.present()?.access_token)
    }
}

/// Whether an API refused the token itself. From another origin, the header is visible only if
/// `Access-Control-Expose-Headers` names it.
fn refuses_token(answer: &HttpResponse) -> bool {
    answer.status == 401
        && answer
            .header("www-authenticate")
            .and_then(|header| Challenge::parse_all(header).ok())
            .is_some_and(|challenges| {
                challenges.iter().any(|one| one.error() == Some(ErrorCode::InvalidToken))
            })
}
