//! Calls to APIs with the user's access token (RFC 6750 sections 2.1 and 3.1, RFC 9449 section 7).

use std::{rc::Rc, time::Duration};

use doorward_protocol::{challenge::Challenge, error::ErrorCode};

use crate::{
    Fault,
    client::Client,
    ports::{CacheMode, HttpRequest, HttpResponse},
    transport::ProofOf,
};

/// A request to an API. The client adds the `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Header names and values. An `authorization` header is replaced.
    pub headers: Vec<(String, String)>,
    /// The body as text, so that it can be sent again. Set its type in the headers.
    pub body: Option<String>,
}

impl ApiRequest {
    /// Creates a GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET".to_owned(), url: url.into(), headers: Vec::new(), body: None }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
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
            timeout: Duration::from_secs(self.settings.request_timeout),
            follow_redirects: true,
            cache: CacheMode::Never,
        };
        self.tokens.http.transmit(sent, ProofOf::Token(access_token))
    }

    /// Returns the token that replaces a refused one. Another caller or tab may have renewed
    /// already.
    async fn replaced(self: &Rc<Self>, refused: &str) -> Result<String, Fault> {
        if self.present_user()?.access_token == refused {
            self.renew().await?;
        }
        Ok(self.present_user()?.access_token)
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
