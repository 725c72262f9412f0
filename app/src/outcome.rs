//! The content of the block `results`.

use doorward_client::{ApiResponse, User};
use doorward_protocol::json;
use serde_json::Value;

/// The headers of an API's response that are shown (RFC 6750 section 3, RFC 9110 section 8.3,
/// 11.6.1).
const HEADERS: [&str; 3] = ["content-type", "www-authenticate", "cache-control"];

/// The last event.
#[derive(Debug, Clone, PartialEq)]
pub enum ResultContent {
    /// It is not known yet whether a user is signed in.
    Unknown,
    /// Nobody is signed in.
    SignedOut,
    /// A user signed in, or was signed in before.
    SignedIn(Box<User>),
    /// A request was sent.
    Calling {
        /// The absolute URL.
        url: String,
    },
    /// The API answered.
    Answered(ApiAnswer),
    /// Something failed. The text is a sentence for the user.
    Failed(String),
}

/// A response of the API, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAnswer {
    /// The path that was called.
    pub path: String,
    /// Status code.
    pub status: u16,
    /// Names and values of the headers that are shown.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl ApiAnswer {
    /// Keeps the shown parts of a response.
    pub fn new(path: impl Into<String>, response: &ApiResponse) -> Self {
        let header = |name| Some((name, response.header(name)?.to_owned()));
        Self {
            path: path.into(),
            status: response.status,
            headers: HEADERS.into_iter().filter_map(header).collect(),
            body: response.body.clone(),
        }
    }

    /// The status code and its reason phrase, `403 Forbidden`.
    pub fn status_line(&self) -> String {
        match reason(self.status) {
            "" => self.status.to_string(),
            reason => format!("{} {reason}", self.status),
        }
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn text(&self) -> String {
        let mut text = format!("HTTP {}\n", self.status_line());
        for (name, value) in &self.headers {
            text.push_str(name);
            text.push_str(": ");
            text.push_str(value);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&readable(&self.body));
        text
    }
}

impl ResultContent {
    /// The whole block.
    pub fn text(&self) -> String {
        match self {
            Self::Unknown => String::new(),
            Self::SignedOut => "User not logged in".to_owned(),
            Self::SignedIn(user) => {
                // A user serializes to JSON: all its keys are strings.
                serde_json::to_string_pretty(user).unwrap_or_default()
            }
            Self::Calling { url } => format!("GET {url} …"),
            Self::Answered(answer) => answer.text(),
            Self::Failed(message) => format!("Error: {message}"),
        }
    }

    /// One sentence for screen readers. Empty if the rest of the page says it.
    pub fn announcement(&self) -> String {
        match self {
            Self::Answered(answer) => {
                format!("The API answered {} for {}.", answer.status_line(), answer.path)
            }
            Self::Calling { .. } => "Calling the API.".to_owned(),
            Self::Unknown | Self::SignedOut | Self::SignedIn(_) | Self::Failed(_) => String::new(),
        }
    }
}

/// Indents JSON. Other text is unchanged.
fn readable(body: &str) -> String {
    match json::value(body.as_bytes()) {
        Some(value @ (Value::Object(_) | Value::Array(_))) => crate::decode::pretty(&value),
        _ => body.to_owned(),
    }
}

/// The reason phrases of the status codes that such an API returns (RFC 9110 section 15).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        498 => "Token Expired",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> ApiResponse {
        ApiResponse {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.to_owned(),
            date: None,
            url: None,
        }
    }

    #[test]
    fn an_answer_shows_status_headers_and_body() {
        let response = response(
            403,
            &[
                ("date", "Sun, 22 Nov 2026 19:25:53 GMT"),
                ("www-authenticate", "Bearer error=\"insufficient_scope\""),
                ("content-type", "application/json"),
            ],
            r#"{"error":"forbidden"}"#,
        );
        let text = ResultContent::Answered(ApiAnswer::new("/api/x", &response)).text();
        assert_eq!(
            text,
            "HTTP 403 Forbidden\ncontent-type: application/json\nwww-authenticate: Bearer \
             error=\"insufficient_scope\"\n\n{\n  \"error\": \"forbidden\"\n}"
        );
    }

    #[test]
    fn a_sentence_stays_a_sentence() {
        let answer = ApiAnswer::new("/api/x", &response(299, &[], "\"quoted\" 7"));
        assert_eq!(ResultContent::Answered(answer).text(), "HTTP 299\n\n\"quoted\" 7");
    }

    #[test]
    fn the_words_of_the_page_are_kept() {
        assert_eq!(ResultContent::SignedOut.text(), "User not logged in");
        assert_eq!(ResultContent::Failed("no network".into()).text(), "Error: no network");
        let user =
            json!({ "access_token": "a", "token_type": "Bearer", "profile": { "sub": "alice" } });
        let text = ResultContent::SignedIn(serde_json::from_value(user).unwrap()).text();
        assert!(text.contains("  \"profile\": {\n    \"sub\": \"alice\"\n  }"), "{text}");
    }
}
