//! Serves the application's files. Browsers keep those whose path carries a hash for ever, and ask
//! about all others before each use.

use std::{collections::HashMap, convert::Infallible, path::Path, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{
            ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, VARY,
        },
    },
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use tower::{Service, ServiceExt as _, service_fn};
use tower_http::services::ServeDir;

use super::site::{EmbeddedFile, EmbeddedSite, Files, Site};

const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, but revalidated before each use; the answer is 304 while nothing changed.
const REVALIDATED: &str = "no-cache";

/// The wasm's name when the server was compiled by cargo alone; cargo-leptos writes the file under
/// the other.
const COMPILED_NAME: &str = "/pkg/doorward_bg.wasm";
const WRITTEN_NAME: &str = "/pkg/doorward.wasm";

/// File systems refuse longer names with an error that is not "no such file".
const LONGEST_NAME: usize = 255;
/// A path that is not a file.
const NO_FILE: &str = "/nothing";

/// What answers a request for which there is no file.
pub trait NotFound:
    Service<Request, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> NotFound for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Serves files; other requests go to `not_found`.
pub fn service(site: &Site, not_found: impl NotFound) -> Router {
    match &site.files {
        Files::Embedded(site) => embedded(site, not_found),
        Files::Folder(root) => folder(root, not_found),
    }
}

fn embedded(site: &'static EmbeddedSite, not_found: impl NotFound) -> Router {
    let files: HashMap<_, _> = site.app_files().map(|file| (file.path, file)).collect();
    let (files, package) = (Arc::new(files), format!("/{}/", site.package));
    Router::new().fallback_service(service_fn(move |request: Request| {
        let file = files.get(request.uri().path()).copied();
        let for_ever = request.uri().path().starts_with(&package);
        let not_found = not_found.clone();
        async move {
            match file {
                Some(file) => Ok(answer(file, request.method(), request.headers(), for_ever)),
                None => not_found.oneshot(request).await,
            }
        }
    }))
}

/// Answers with a file. `for_ever`: its path carries a hash.
pub fn answer(
    file: &'static EmbeddedFile,
    method: &Method,
    headers: &HeaderMap,
    for_ever: bool,
) -> Response {
    if ![Method::GET, Method::HEAD].contains(method) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET,HEAD")]).into_response();
    }
    let kept = [
        (CACHE_CONTROL, if for_ever { FOR_EVER } else { REVALIDATED }),
        (ETAG, file.etag),
        (VARY, ACCEPT_ENCODING.as_str()),
    ];
    if lists(headers, &IF_NONE_MATCH, file.etag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let (encoding, bytes) = if lists(headers, &ACCEPT_ENCODING, "br") {
        (Some("br"), file.brotli)
    } else if lists(headers, &ACCEPT_ENCODING, "gzip") {
        (Some("gzip"), file.gzip)
    } else {
        (None, file.plain)
    };
    let encoding = encoding.map(|encoding| [(CONTENT_ENCODING, encoding)]);
    (kept, [(CONTENT_TYPE, file.content_type)], encoding, bytes).into_response()
}

/// Whether a header's list has the value, and does not refuse it by a weight of zero (RFC 9110
/// section 12.4.2). Proxies that compress make an entity tag weak, which does not matter here
/// (section 13.1.2).
fn lists(headers: &HeaderMap, name: &axum::http::HeaderName, value: &str) -> bool {
    let texts = headers.get_all(name).iter().filter_map(|text| text.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|item| {
        let (listed, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight == 0.0));
        listed.trim().trim_start_matches("W/") == value && !refused
    })
}

fn folder(root: &Path, not_found: impl NotFound) -> Router {
    let files = ServeDir::new(root)
        .precompressed_br()
        .precompressed_gzip()
        .append_index_html_on_directories(false)
        .fallback(not_found);
    Router::new().fallback_service(files).layer(middleware::from_fn(revalidated))
}

async fn revalidated(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == COMPILED_NAME {
        *request.uri_mut() = Uri::from_static(WRITTEN_NAME);
    } else if path.split('/').any(|name| name.len() > LONGEST_NAME) {
        *request.uri_mut() = Uri::from_static(NO_FILE);
    }
    let mut response = next.run(request).await;
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(REVALIDATED));
        headers.append(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    }
    response
}
