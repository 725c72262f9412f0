//! Calls to APIs with the user's access token (RFC 6750 sections 2.1 and 3.1, RFC 9449 section 7,
//! RFC 9470 section 3).

use std::{rc::Rc, time::Duration};

use doorward_protocol::{challenge::Challenge, error::ErrorCode, json};
use serde_json::Value;

use crate::{
    Error, Fault, StepUp,
    client::Client,
    lean::url,
    ports::{CacheMode, HttpClient, HttpRequest, HttpResponse},
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
    /// The API that the token is for (RFC 8707), if it is not the API of the user's own token. See
    /// [`UserManager::get_access_token_for`](crate::UserManager::get_access_token_for).
    pub resource: Option<String>,
}

impl ApiRequest {
    /// Creates a request with this method.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        let (method, url) = (method.into(), url.into());
        Self { method, url, headers: Vec::new(), body: None, timeout: None, resource: None }
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

    /// Sets the body to these fields of a form, and its type.
    ///
    /// ```
    /// use doorward_client::ApiRequest;
    ///
    /// let order = ApiRequest::post("https://api.example/orders").form(&[("item", "tea & milk")]);
    /// assert_eq!(order.body.as_deref(), Some("item=tea+%26+milk"));
    /// ```
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded").body(url::encoded(fields))
    }

    setters! {
        some_text resource;
        some_text body;
        some timeout: u64;
    }
}

/// The response of an API, with any status.
pub type ApiResponse = HttpResponse;

impl Client {
    /// Calls an API with the user's access token. If the API says that the token is invalid
    /// (revoked, or expired by the API's clock), the token is renewed and the call repeated once. A
    /// call that was refused because of its token had no effect. An API that needs another sign-in
    /// is an error, because only the page can repeat the call after it.
    pub(crate) async fn fetch(
        self: &Rc<Self>,
        request: ApiRequest,
        http: &dyn HttpClient,
    ) -> Result<ApiResponse, Fault> {
        let resource = request.resource.as_deref();
        let mut access_token = self.token_for(resource).await?;
        let mut replaced = false;
        loop {
            let answer = self.call(&request, &access_token, http).await?;
            match refusal(&answer) {
                Some(ApiRefusal::Token) if !replaced => (),
                Some(ApiRefusal::SignIn(step_up)) => {
                    return Err(Error::StepUp { step_up, response: Box::new(answer) }.into());
                }
                _ => return Ok(answer),
            }
            match self.replaced(&access_token, resource).await {
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
        http: &dyn HttpClient,
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
        self.tokens.http.transmit_by(http, sent, ProofOf::Token(access_token))
    }

    /// A valid token for this API, or the user's own.
    async fn token_for(self: &Rc<Self>, resource: Option<&str>) -> Result<String, Fault> {
        match resource {
            Some(resource) => self.resource_token(resource).await,
            None => self.access_token().await,
        }
    }

    /// Returns the token that replaces a refused one. Another caller or tab may have renewed
    /// already.
    async fn replaced(
        self: &Rc<Self>,
        refused: &str,
        resource: Option<&str>,
    ) -> Result<String, Fault> {
        if let Some(resource) = resource {
            self.resources.forget(refused);
            return self.resource_token(resource).await;
        }
        if self.users.present()?.access_token == refused {
            self.renew().await?;
        }
        Ok(self.users.present()?.access_token)
    }
}

impl StepUp {
    /// What an API asks for in this answer. `None` if it did not refuse the call, or for another
    /// reason than the sign-in behind it. [`UserManager::fetch`](crate::UserManager::fetch) gives
    /// it as an error; this is for calls that are made without the client.
    pub fn asked_by(answer: &ApiResponse) -> Option<Self> {
        match refusal(answer)? {
            ApiRefusal::SignIn(step_up) => Some(step_up),
            ApiRefusal::Token => None,
        }
    }
}

/// Why an API refused a token.
enum ApiRefusal {
    /// The token itself is not accepted.
    Token,
    /// The sign-in behind the token is not enough.
    SignIn(StepUp),
}

/// Whether an API asks for another token. From another origin, the header is visible only if
/// `Access-Control-Expose-Headers` names it.
fn refusal(answer: &HttpResponse) -> Option<ApiRefusal> {
    if answer.status != 401 {
        return None;
    }
    let challenges = Challenge::parse_all(answer.header("www-authenticate")?).ok()?;
    challenges.iter().find_map(|challenge| match challenge.error()? {
        ErrorCode::InvalidToken => Some(ApiRefusal::Token),
        ErrorCode::InsufficientUserAuthentication => {
            Some(ApiRefusal::SignIn(StepUp::of(challenge)))
        }
        _ => None,
    })
}
