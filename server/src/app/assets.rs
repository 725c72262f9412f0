//! The application's files: compressed at build time, and kept by browsers for ever where the name
//! carries a hash.

use std::{collections::HashSet, convert::Infallible, path::Path, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{
        HeaderValue, StatusCode, Uri,
        header::{ACCEPT_ENCODING, CACHE_CONTROL, VARY},
    },
    middleware::{self, Next},
    response::Response,
};
use tower::Service;
use tower_http::services::ServeDir;

use super::site::{PACKAGE_FOLDER, Site};

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Kept, but asked about before each use; the answer is 304 while nothing changed.
const REVALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// The wasm's name when the server was compiled by cargo alone; cargo-leptos writes the file under
/// the other.
const COMPILED_NAME: &str = "/pkg/doorward_bg.wasm";
const WRITTEN_NAME: &str = "/pkg/doorward.wasm";

/// File systems know no longer names; asking for one is their error, not "no such file".
const LONGEST_NAME: usize = 255;
/// A path that is no file.
const NO_FILE: &str = "/nothing";

/// Serves files; what is no file goes to `not_found`.
pub fn service<S>(site: &Site, not_found: S) -> Router
where
    S: Service<Request, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let root = Path::new(&*site.options.site_root);
    let files = ServeDir::new(root)
        .precompressed_br()
        .precompressed_gzip()
        .append_index_html_on_directories(false)
        .fallback(not_found);
    let hashed: HashSet<String> =
        site.hashed.iter().map(|name| format!("/{PACKAGE_FOLDER}/{name}")).collect();
    Router::new()
        .fallback_service(files)
        .layer(middleware::from_fn_with_state(Arc::new(hashed), cached))
}

async fn cached(
    State(hashed): State<Arc<HashSet<String>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if path == COMPILED_NAME {
        *request.uri_mut() = Uri::from_static(WRITTEN_NAME);
    } else if path.split('/').any(|name| name.len() > LONGEST_NAME) {
        *request.uri_mut() = Uri::from_static(NO_FILE);
    }
    let for_ever = hashed.contains(request.uri().path());
    let mut response = next.run(request).await;
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, if for_ever { FOR_EVER } else { REVALIDATED });
        headers.append(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    }
    response
}
