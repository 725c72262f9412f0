//! Calls to APIs with the user's access token (RFC 6750 section 2.1).

use crate::ports::HttpResponse;

/// A request to an API. The client adds the `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Names and values; an `authorization` header is replaced.
    pub headers: Vec<(String, String)>,
    /// Body; give its type in the headers.
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
