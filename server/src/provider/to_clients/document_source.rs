//! Fetches what clients publish that no operator wrote down: metadata documents, lists of redirect
//! URIs, keys, request objects. Anybody can name any address here, so that the addresses of this
//! network are closed.

use std::time::Duration;

use async_trait::async_trait;
use doorward_provider::keys::{
    document_source::{Document, DocumentSource},
    remote::FetchError,
};
use reqwest::{
    Client, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use url::Url;

use super::{body, client_builder, public_address, reason};

/// Time limit for the whole answer: a user waits for it.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// The longest answer in bytes; the draft proposes 5 KB.
const MAX_BYTES: usize = 64 * 1024;
/// The media types of request objects (RFC 9101 section 5.2.3).
pub(super) const REQUEST_OBJECTS: &str = "application/oauth-authz-req+jwt, application/jwt";

/// Fetches documents.
#[derive(Debug)]
pub struct HttpDocumentSource {
    client: Client,
    allow_private: bool,
}

impl HttpDocumentSource {
    /// Trusts these certification authorities (DER) beside the machine's. `allow_private`:
    /// addresses inside the network may be asked, and http on this machine. Fails if a certificate
    /// can't be read.
    pub fn new(trusted: &[Vec<u8>], allow_private: bool) -> Result<Self, reqwest::Error> {
        let builder = client_builder(trusted)?.timeout(TIME_LIMIT);
        let client = public_address::closed(builder, allow_private).build()?;
        Ok(Self { client, allow_private })
    }

    fn check(&self, uri: &str) -> Result<Url, FetchError> {
        let refuse = |problem: &str| FetchError::Away(problem.to_owned());
        let url = Url::parse(uri).map_err(|_| refuse("this is not a URL"))?;
        public_address::admit(&url, self.allow_private).map_err(refuse)?;
        Ok(url)
    }

    /// What is at this address, if it is one that may be asked.
    async fn ask(&self, uri: &str, accept: &str) -> Result<Response, FetchError> {
        let request = self.client.get(self.check(uri)?).header("accept", accept);
        let response = request.send().await.map_err(|error| FetchError::Away(reason(&error)))?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        Err(FetchError::of_status(response.status().as_u16()))
    }
}

#[async_trait]
impl DocumentSource for HttpDocumentSource {
    async fn fetch(&self, uri: &str) -> Result<Document, FetchError> {
        let response = self.ask(uri, "application/json").await?;
        if !is_json(&response) {
            return Err(FetchError::NotThere("the answer is not application/json".to_owned()));
        }
        let max_age = max_age(&response);
        let content = serde_json::from_slice(&short_body(response).await?)
            .map_err(|_| FetchError::NotThere("the answer is not JSON".to_owned()))?;
        Ok(Document { content, max_age })
    }

    async fn fetch_request_object(&self, uri: &str) -> Result<String, FetchError> {
        let response = self.ask(uri, REQUEST_OBJECTS).await?;
        String::from_utf8(short_body(response).await?)
            .map_err(|_| FetchError::NotThere("the answer is not text".to_owned()))
    }
}

/// The body, if it is short enough.
async fn short_body(response: Response) -> Result<Vec<u8>, FetchError> {
    Ok(body(response, MAX_BYTES).await?)
}

/// `application/json`, or a type that says that it is JSON (RFC 6839 section 3.1).
fn is_json(response: &Response) -> bool {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let media_type = media_type.to_ascii_lowercase();
    media_type == "application/json"
        || media_type.starts_with("application/") && media_type.ends_with("+json")
}

/// How long the answer may be kept (RFC 9111 section 5.2.2), if it says so.
fn max_age(response: &Response) -> Option<u32> {
    let values = response.headers().get_all(CACHE_CONTROL);
    let mut directives = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase());
    directives.find_map(|directive| match directive.split_once('=') {
        None if matches!(directive.as_str(), "no-store" | "no-cache") => Some(0),
        Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::SocketAddr;

    use axum::{
        Json, Router,
        response::{Html, Redirect},
        routing::get,
    };
    use serde_json::json;

    use super::*;

    async fn publisher() -> SocketAddr {
        let document = || Json(json!({"client_name": "One"}));
        let kept = move |value: &'static str| {
            get(move || async move { ([(CACHE_CONTROL, value)], document()) })
        };
        let router = Router::new()
            .route("/client", get(move || async move { document() }))
            .route("/list", get(|| async { Json(json!(["https://app.example/cb"])) }))
            .route("/hour", kept("public, max-age=3600"))
            .route("/never", kept("no-store"))
            .route("/moved", get(|| async { Redirect::temporary("/client") }))
            .route("/html", get(|| async { Html("<p>{}</p>") }))
            .route("/text", get(|| async { ([(CONTENT_TYPE, "application/json")], "no") }))
            .route(
                "/long",
                get(|| async { ([(CONTENT_TYPE, "application/json")], " ".repeat(10 << 20)) }),
            )
            .route("/missing", get(|| async { StatusCode::NOT_FOUND }))
            .route("/gone", get(|| async { StatusCode::GONE }))
            .route("/busy", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .route("/slow", get(std::future::pending::<String>));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    #[tokio::test]
    async fn a_document_is_fetched_with_the_time_that_it_may_be_kept() {
        let (address, source) = (publisher().await, HttpDocumentSource::new(&[], true).unwrap());
        for (path, content, max_age) in [
            ("client", json!({"client_name": "One"}), None),
            ("list", json!(["https://app.example/cb"]), None),
            ("hour", json!({"client_name": "One"}), Some(3600)),
            ("never", json!({"client_name": "One"}), Some(0)),
        ] {
            let fetched = source.fetch(&format!("http://{address}/{path}")).await.unwrap();
            assert_eq!(fetched, Document { content, max_age });
        }
    }

    #[tokio::test]
    async fn what_is_no_document_is_refused() {
        let address = publisher().await;
        let with_limit = |limit| HttpDocumentSource {
            client: client_builder(&[]).unwrap().timeout(limit).build().unwrap(),
            allow_private: true,
        };
        // Only what never answers has little time.
        let patient = with_limit(Duration::from_mins(5));
        let hasty = with_limit(Duration::from_millis(100));
        for (source, path, why) in [
            (&patient, "moved", "307"),
            (&patient, "html", "application/json"),
            (&patient, "text", "not JSON"),
            (&patient, "long", "longer"),
            (&patient, "missing", "404"),
            (&patient, "gone", "410"),
            (&patient, "busy", "503"),
            (&hasty, "slow", "timed out"),
        ] {
            let refused = source.fetch(&format!("http://{address}/{path}")).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{path}: {refused}");
            let is_away = matches!(refused, FetchError::Away(_));
            assert_eq!(is_away, matches!(path, "moved" | "slow" | "busy"), "{path}: {refused}");
        }
        let object = async |source: &HttpDocumentSource, path: &str| {
            source.fetch_request_object(&format!("http://{address}/{path}")).await
        };
        assert_eq!(object(&patient, "text").await.unwrap(), "no");
        for (source, path, why) in [
            (&patient, "moved", "307"),
            (&patient, "long", "longer"),
            (&hasty, "slow", "timed out"),
        ] {
            let refused = object(source, path).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{path}: {refused}");
        }
    }

    #[tokio::test]
    async fn nothing_inside_the_network_is_asked() {
        let (address, source) = (publisher().await, HttpDocumentSource::new(&[], false).unwrap());
        for (uri, why) in [
            (format!("http://{address}/client"), "only https"),
            (format!("https://{address}/client"), "private network"),
            ("https://[::1]/client".to_owned(), "private network"),
            ("https://169.254.169.254/latest/meta-data".to_owned(), "private network"),
            ("https://0x7f.1/client".to_owned(), "private network"),
            (format!("https://localhost:{}/client", address.port()), "private network"),
            ("file:///etc/passwd".to_owned(), "only https"),
        ] {
            let refused = source.fetch(&uri).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{uri}: {refused}");
            assert_eq!(source.fetch_request_object(&uri).await, Err(refused));
        }
    }
}
