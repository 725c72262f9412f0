//! `/admin`: the pages for administrators. The document is the same for every path; the program in
//! it reads the path. It is loaded here and nowhere else.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{Html, IntoResponse as _},
    routing::{any, get},
};
use doorward_admin::{
    FreshSignIn, PAGES_CLIENT_ID, PAGES_PATH,
    types::pages::{NAME_PLACE, PagesConfig},
};
use doorward_provider::model::paths;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::{
    app::{EmbeddedSite, answer},
    config::origin_of,
};

/// Where the program finds out where to sign in. It is not a path of a page.
const CONFIG_PATH: &str = "/admin/config.json";

/// The routes of the pages. `origins` are those from which people may load them, and `scope` is
/// what they ask for when somebody signs in.
pub fn router(
    issuer: &str,
    origins: Vec<String>,
    scope: String,
    fresh_sign_in: FreshSignIn,
    site: &'static EmbeddedSite,
) -> Router {
    let addresses = paths::external_addresses(issuer, NAME_PLACE);
    let config = PagesConfig {
        issuer: issuer.to_owned(),
        client_id: PAGES_CLIENT_ID.to_owned(),
        scope,
        origins,
        fresh_sign_in,
        registration: addresses.into_iter().map(|(kind, url)| (kind.to_owned(), url)).collect(),
    };
    let config = get(move || async move { ([(CACHE_CONTROL, "no-store")], Json(config)) });
    let (status, document) = document(site);
    let page = move || async move { (status, [(CACHE_CONTROL, "no-cache")], Html(document)) };
    let files: HashMap<_, _> = site.admin_files().map(|file| (file.path, file)).collect();
    let files = Arc::new(files);
    let file = any(async move |request: Request| {
        let (path, method, headers): (&str, &Method, &HeaderMap) =
            (request.uri().path(), request.method(), request.headers());
        match files.get(path) {
            Some(file) => answer(file, method, headers, true),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    });
    let router = Router::new()
        .route(PAGES_PATH, get(page.clone()))
        .route("/admin/{*path}", get(page))
        .route(CONFIG_PATH, config)
        .route("/admin/files/{*file}", file);
    let headers: [(HeaderName, HeaderValue); 4] = [
        (CONTENT_SECURITY_POLICY, policy(issuer)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // The page's address carries the authorization code for a short time.
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // No other page keeps a handle on this one.
        (OPENER_POLICY, HeaderValue::from_static("same-origin")),
    ];
    headers.into_iter().fold(router, |router, (name, value)| {
        router.layer(SetResponseHeaderLayer::<HeaderValue>::overriding(name, value))
    })
}

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The pages run the program of this server and nothing else, and call this origin and the issuer.
/// No page may frame them.
fn policy(issuer: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self' {}; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'none'",
        origin_of(issuer)
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The document, and the status of its answers.
fn document(site: &EmbeddedSite) -> (StatusCode, String) {
    let head = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                <title>Administration · Doorward</title>\n<meta name=\"viewport\" \
                content=\"width=device-width, initial-scale=1, viewport-fit=cover\">\n\
                <meta name=\"color-scheme\" content=\"light dark\">\n\
                <meta name=\"robots\" content=\"noindex\">\n";
    let Some(folder) = site.admin_files().find_map(|file| file.path.rsplit_once('/')) else {
        let body = "</head>\n<body><p>The pages for administrators are not part of this program: \
                    build it by script/build. The API is there.</p></body>\n</html>\n";
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{head}{body}"));
    };
    let at = |file: &str| format!("{}/{file}", folder.0);
    let preloads = [
        format!("<link rel=\"preload\" as=\"fetch\" crossorigin href=\"{CONFIG_PATH}\">\n"),
        format!("<link rel=\"modulepreload\" href=\"{}\">\n", at("admin.js")),
        format!(
            "<link rel=\"preload\" as=\"fetch\" type=\"application/wasm\" crossorigin \
             href=\"{}\">\n",
            at("admin_bg.wasm")
        ),
    ]
    .concat();
    let document = format!(
        "{head}<link rel=\"icon\" href=\"{icon}\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"{style}\">\n{preloads}\
         <script src=\"{fallback}\" defer></script>\n\
         <script type=\"module\" src=\"{start}\"></script>\n</head>\n<body>\n\
         <noscript><p class=\"alert alert-info fatal\">These pages need JavaScript and \
         WebAssembly. Please allow them and load the page again. All that can be done here can be \
         done by command, too.</p></noscript>\n\
         <div id=\"fatal\" class=\"alert alert-error fatal\" role=\"alert\" hidden>\n\
         <p class=\"alert-title\">This page has stopped working</p>\n\
         <p>Its program could not be loaded, or it stopped unexpectedly. What you had saved is \
         saved.</p>\n<p><a class=\"btn\" href=\"/admin\">Load the page again</a></p>\n</div>\n\
         </body>\n</html>\n",
        icon = at("favicon.svg"),
        style = at("admin.css"),
        fallback = at("fallback.js"),
        start = at("start.js"),
    );
    (StatusCode::OK, document)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::body::{Body, to_bytes};
    use tower::ServiceExt as _;

    use super::*;
    use crate::app::EmbeddedFile;

    static FILE: EmbeddedFile = EmbeddedFile {
        path: "/admin/files/1/admin_bg.wasm",
        content_type: "application/wasm",
        etag: "\"1\"",
        plain: b"program",
        brotli: b"",
        gzip: b"",
    };
    static SITE: EmbeddedSite =
        EmbeddedSite { package: "pkg/1", files: std::slice::from_ref(&FILE) };
    static NONE: EmbeddedSite = EmbeddedSite::EMPTY;

    async fn get(site: &'static EmbeddedSite, path: &str) -> (StatusCode, HeaderMap, String) {
        let origins = vec!["https://admin.example".to_owned()];
        let (issuer, scope) = ("https://id.example/tenant", "openid admin:users.read".to_owned());
        let router = router(issuer, origins, scope, FreshSignIn::default(), site);
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn every_path_is_the_one_document_under_a_strict_policy() {
        for path in ["/admin", "/admin/users", "/admin/users/a%2Fb", "/admin/signed-in?state=1"] {
            let (status, headers, body) = get(&SITE, path).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "));
            assert!(policy.contains("connect-src 'self' https://id.example; "), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("inline"));
            assert_eq!(headers[REFERRER_POLICY], "no-referrer");
            assert_eq!(headers[OPENER_POLICY], "same-origin");
            // Scripts are files of this origin: none is in the document.
            for script in body.split("<script ").skip(1) {
                assert!(script.contains("src=\"/admin/files/1/") && script.contains("></script>"));
            }
            assert!(!body.contains("style=") && !body.contains(" on"), "{body}");
        }
    }

    #[tokio::test]
    async fn files_are_kept_for_ever_and_the_configuration_is_not() {
        let (status, headers, body) = get(&SITE, "/admin/files/1/admin_bg.wasm").await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "program"));
        assert!(headers[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert_eq!(get(&SITE, "/admin/files/1/other").await.0, StatusCode::NOT_FOUND);
        let (_, headers, body) = get(&SITE, CONFIG_PATH).await;
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        let config: PagesConfig = serde_json::from_str(&body).unwrap();
        assert_eq!(config.origins, ["https://admin.example"]);
        assert_eq!(config.scope, "openid admin:users.read");
        let callback = "https://id.example/tenant/account/external/{name}/callback";
        assert_eq!(config.registration["redirect_uri"], callback);
    }

    #[tokio::test]
    async fn a_program_without_the_pages_says_so() {
        let (status, _, body) = get(&NONE, "/admin/users").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("script/build") && !body.contains("<script"));
    }
}
