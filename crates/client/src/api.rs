//! Calls to APIs with the user's access token (RFC 6750 sections 2.1 and 3.1, RFC 9449 section 7).

use std::{rc::Rc, time::Duration};

use doorward_protocol::{challenge::Challenge, error::ErrorCode};

use crate::{
    Fault,
    client::Client,
    ports::{CacheMode, HttpRequest, HttpResponse},
    provider_http::Proven,
};

/// A request to an API. The client adds the `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Names and values; an `authorization` header is replaced.
    pub headers: Vec<(String, String)>,
    /// Body; give its type in the headers. Being a text it can be sent again.
    pub body: Option<String>,
}

impl ApiRequest {
    /// A GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET".to_owned(), url: url.into(), headers: Vec::new(), body: None }
    }

    /// The request with one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// What an API answered, whatever the status.
pub type ApiResponse = HttpResponse;

impl Client {
    /// Calls an API with the user's access token. One that the API calls invalid (revoked, or
    /// expired by the API's clock) is renewed and the call repeated, once: a call that was refused
    /// for its token has had no effect.
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
                // Why there is no other token, the events tell; the caller has the API's own
                // answer.
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
        self.tokens.http.transmit(sent, Proven::Token(access_token))
    }

    /// The token that takes the place of one that was refused: another caller or tab may have
    /// renewed already.
    async fn replaced(self: &Rc<Self>, refused: &str) -> Result<String, Fault> {
        if self.present_user()?.access_token == refused {
            self.renew().await?;
        }
        Ok(self.present_user()?.access_token)
    }
}

/// Whether an API refused the token itself. Of a foreign origin the header shows only if
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
