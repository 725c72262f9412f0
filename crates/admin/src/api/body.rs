//! What a request carries: its JSON body, its query and the names in its path.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
};
use http::{HeaderMap, header::CONTENT_TYPE, request::Parts};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The largest body in bytes.
pub const MOST_BYTES: usize = 64 * 1024;

/// A JSON body. Members that the type does not know are refused, and a member that is wrong is
/// named.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::not_json());
        }
        let bytes = read(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// The bytes of a body that is not too large.
pub async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let bytes = Bytes::from_request(request, state).await;
    bytes.map_err(|rejection| match rejection.status() {
        http::StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(MOST_BYTES),
        _ => Problem::malformed("The body did not arrive whole."),
    })
}

/// Reads JSON, and names the member that is wrong.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        // What stands in place of an enum is told as if it were not JSON at all.
        let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
        if inner.is_data() || is_json() {
            let (field, problem) = named_error(&path, &inner);
            Problem::invalid(field, problem)
        } else {
            Problem::malformed(format!("The body is not JSON: {inner}."))
        }
    })?;
    reader.end().map_err(|error| Problem::malformed(format!("The body is not JSON: {error}.")))?;
    Ok(value)
}

/// The member that is wrong, and what is wrong with it, where a value is no such type.
pub fn named_error(path: &str, error: &serde_json::Error) -> (String, String) {
    (field_of(path, error), without_place(error))
}

/// The member that is wrong. What is unknown or missing is named by the message alone.
fn field_of(path: &str, error: &serde_json::Error) -> String {
    let message = error.to_string();
    let named = ["unknown field `", "missing field `"].iter().find_map(|start| {
        let rest = message.strip_prefix(start)?;
        rest.split('`').next().map(str::to_owned)
    });
    match (path, named) {
        (".", Some(name)) => name,
        (".", None) => "(the body)".to_owned(),
        (path, Some(name)) if !path.ends_with(&name) => format!("{path}.{name}"),
        (path, _) => path.to_owned(),
    }
}

fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rfind(" at line ").map_or(message.clone(), |end| message[..end].to_owned())
}

/// Whether the body says that it is JSON. A form of another page can't say so without being asked
/// for (CORS).
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind == "application/merge-patch+json"
}

/// The parameters of the query. Unknown ones are refused.
pub struct Parameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(parameters) = Query::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::query(rejection.body_text()))?;
        Ok(Self(parameters))
    }
}

/// The names in the path.
pub struct Named<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(names) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::missing("There is nothing of this name."))?;
        Ok(Self(names))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Sample {
        name: String,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        count: u32,
    }

    fn field(body: &str) -> Value {
        let problem = parse::<Sample>(body.as_bytes()).unwrap_err();
        serde_json::to_value(problem).unwrap()
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(field(r#"{"name": 1}"#)["errors"][0]["field"], json!("name"));
        assert_eq!(field(r#"{"name":"a","x":1}"#)["errors"][0]["field"], json!("x"));
        assert_eq!(field("{}")["errors"][0]["field"], json!("name"));
        let inner = field(r#"{"name":"a","inner":{"count":"b"}}"#);
        assert_eq!(inner["errors"][0]["field"], json!("inner.count"));
        let inner = field(r#"{"name":"a","inner":{"count":1,"y":2}}"#);
        assert_eq!(inner["errors"][0]["field"], json!("inner.y"));
        assert_eq!(field("[]")["status"], json!(422));
        for broken in ["", "{", "{\"name\":\"a\"} x", "\u{0}", "nul"] {
            assert_eq!(field(broken)["status"], json!(400), "{broken:?}");
        }
    }
}
