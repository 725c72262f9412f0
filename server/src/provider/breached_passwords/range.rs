//! The range request of haveibeenpwned.com: the first five digits of the hash are sent, and the
//! answer lists all hashes that begin with them. So the service does not learn the password, nor
//! its hash (k-anonymity). `Add-Padding` hides how many there are.

use std::time::Duration;

use async_trait::async_trait;
use doorward_provider::use_case::new_password::{BreachedPasswords, Sha1};
use reqwest::{Client, StatusCode};

use super::{super::to_clients, hex};

/// Time limit for the whole answer: a user waits for it.
const TIME_LIMIT: Duration = Duration::from_secs(3);
/// The longest answer. One with padding has some 50 KB.
const MAX_BYTES: usize = 512 * 1024;
/// The digits that are sent.
const PREFIX: usize = 5;

/// A service that answers range requests.
#[derive(Debug)]
pub struct BreachedPasswordsRange {
    client: Client,
    /// Ends with a slash.
    url: String,
}

impl BreachedPasswordsRange {
    /// The service at this URL. Trusts these certification authorities (DER) beside the machine's.
    pub fn new(url: String, trusted: &[Vec<u8>]) -> Result<Self, reqwest::Error> {
        let client = to_clients::client_builder(trusted)?.timeout(TIME_LIMIT).build()?;
        Ok(Self { client, url })
    }

    async fn ask(&self, wanted: &str) -> Result<bool, String> {
        let failed = |error: reqwest::Error| to_clients::reason(&error);
        let (prefix, suffix) = wanted.split_at(PREFIX);
        let request = self.client.get(format!("{}{prefix}", self.url));
        let response = request.header("add-padding", "true").send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(format!("the answer has status {}", response.status().as_u16()));
        }
        let body = to_clients::body(response, MAX_BYTES).await;
        let body = body.map_err(|error| error.to_string())?;
        // Padding has the count 0.
        let text = String::from_utf8_lossy(&body);
        Ok(text.lines().filter_map(|line| line.trim().split_once(':')).any(|(own, count)| {
            own.eq_ignore_ascii_case(suffix)
                && count.trim().parse().is_ok_and(|count: u64| count > 0)
        }))
    }
}

#[async_trait]
impl BreachedPasswords for BreachedPasswordsRange {
    async fn contains(&self, sha1: &Sha1) -> bool {
        match self.ask(&hex(sha1)).await {
            Ok(found) => found,
            Err(cause) => {
                tracing::warn!(
                    url = %self.url, %cause,
                    "published passwords can't be asked for; a password was not looked up"
                );
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::{Router, extract::Path, http::HeaderMap, routing::get};

    use super::*;

    /// A service that knows the hash of 20 bytes `5a`, and pads with that of `11` bytes.
    async fn service() -> String {
        let range = |Path(prefix): Path<String>, headers: HeaderMap| async move {
            assert_eq!(headers["add-padding"], "true");
            assert_eq!(prefix.len(), PREFIX, "no more of the hash is sent");
            match prefix.as_str() {
                "5A5A5" => Ok(format!("{}:0\r\n{}:37\r\n", "0".repeat(35), "A5".repeat(17) + "A")),
                "11111" => Ok(format!("{}:0\r\n", "1".repeat(35))),
                _ => Err(StatusCode::NOT_FOUND),
            }
        };
        let router = Router::new().route("/range/{prefix}", get(range));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/range/")
    }

    #[tokio::test]
    async fn five_digits_are_sent_and_the_rest_is_compared_here() {
        let range = BreachedPasswordsRange::new(service().await, &[]).unwrap();
        assert!(range.contains(&[0x5a; 20]).await);
        let mut other = [0x5a; 20];
        other[19] = 0;
        assert!(!range.contains(&other).await);
        assert!(!range.contains(&[0x11; 20]).await, "padding");
        assert!(!range.contains(&[0xff; 20]).await, "what can't be asked for is accepted");
    }
}
