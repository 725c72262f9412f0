#![allow(clippy::unwrap_used)]
use std::fs;

use axum::http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, ETAG, IF_NONE_MATCH, VARY};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::{site::Files, *};

const WASM: EmbeddedFile = EmbeddedFile {
    path: "/pkg/one/doorward_bg.wasm",
    content_type: "application/wasm",
    etag: "\"two\"",
    plain: b"plain",
    brotli: b"compressed",
    gzip: b"zipped",
};
const ICON: EmbeddedFile = EmbeddedFile {
    path: "/favicon.svg",
    content_type: "image/svg+xml",
    etag: "\"three\"",
    plain: b"<svg/>",
    ..WASM
};
const LOADER: EmbeddedFile = EmbeddedFile { path: "/pkg/one/__wasm_split.js", ..WASM };
const CLIENT: EmbeddedFile = EmbeddedFile { path: "/pkg/one/split_sign_in.wasm", ..WASM };
const INSPECTOR: EmbeddedFile = EmbeddedFile { path: "/pkg/one/split_inspector.wasm", ..WASM };
static EMBEDDED: EmbeddedSite =
    EmbeddedSite { package: "pkg/one", files: &[WASM, ICON, LOADER, CLIENT, INSPECTOR] };

fn asset_router(files: Files) -> Router {
    let not_found = service_fn(|_: Request| async {
        let response =
            Response::builder().status(404).header(CACHE_CONTROL, "no-store").body(Body::empty());
        Ok(response.unwrap_or_default())
    });
    assets::service(&Site::new(files), not_found)
}

fn embedded_router() -> Router {
    asset_router(Files::Embedded(&EMBEDDED))
}

fn folder_router(folder: &TempDir) -> Router {
    let package = folder.path().join("pkg");
    fs::create_dir(&package).unwrap();
    for name in ["doorward.js", "doorward.css", "doorward.wasm"] {
        fs::write(package.join(name), name).unwrap();
    }
    fs::write(folder.path().join("favicon.svg"), "<svg/>").unwrap();
    asset_router(Files::Folder(folder.path().to_owned()))
}

async fn get_file(router: &Router, path: &str, accepted: &str) -> Response {
    let request = Request::get(path).header(ACCEPT_ENCODING, accepted).body(Body::empty()).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn body(response: Response) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
}

#[tokio::test]
async fn files_with_a_hash_are_kept_for_ever_and_served_compressed() {
    let router = embedded_router();
    let response = get_file(&router, WASM.path, "gzip, br").await;
    assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(response.headers()[CONTENT_ENCODING], "br");
    assert_eq!(response.headers()[VARY], "accept-encoding");
    assert_eq!(response.headers()["content-type"], "application/wasm");
    assert_eq!(body(response).await, b"compressed");
    let zipped = get_file(&router, WASM.path, "gzip;q=0.8, br;q=0").await;
    assert_eq!(zipped.headers()[CONTENT_ENCODING], "gzip");
    assert_eq!(body(zipped).await, b"zipped");
    for accepted in ["identity", "", "brr, agzip", "br;q=0.0, gzip; q=0"] {
        let plain = get_file(&router, WASM.path, accepted).await;
        assert!(!plain.headers().contains_key(CONTENT_ENCODING), "{accepted}");
        assert_eq!(body(plain).await, b"plain");
    }
}

#[tokio::test]
async fn other_files_are_asked_about_each_time() {
    let folder = TempDir::new().unwrap();
    let router = folder_router(&folder);
    for path in ["/favicon.svg", "/pkg/doorward.wasm", "/pkg/doorward_bg.wasm"] {
        let response = get_file(&router, path, "").await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache", "{path}");
        assert!(response.headers().contains_key("last-modified"), "{path}");
    }
    let response = get_file(&embedded_router(), ICON.path, "").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
    assert_eq!(response.headers()[ETAG], ICON.etag);
}

#[tokio::test]
async fn an_embedded_file_that_the_browser_has_is_not_sent_again() {
    let router = embedded_router();
    for (known, status) in
        [("\"three\"", 304), ("\"two\", W/\"three\"", 304), ("\"two\"", 200), ("three", 200)]
    {
        let request = Request::get(ICON.path).header(IF_NONE_MATCH, known).body(Body::empty());
        let response = router.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{known}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(body(response).await.is_empty(), status == 304, "{known}");
    }
}

#[tokio::test]
async fn nothing_outside_the_site_is_served() {
    let folder = TempDir::new().unwrap();
    let long = format!("/{}", "a".repeat(10_000));
    for router in [folder_router(&folder), embedded_router()] {
        for path in [
            &long,
            "/favicon.svg/x",
            "/missing",
            "/../Cargo.toml",
            "/%2e%2e/Cargo.toml",
            "/pkg/..%2f..%2fCargo.toml",
            "/pkg/%00",
            "/pkg",
            "/",
        ] {
            let response = get_file(&router, path, "").await;
            assert!(
                response.status() == 404 || response.status().is_redirection(),
                "{path} {}",
                response.status()
            );
            assert_ne!(
                response.headers().get(CACHE_CONTROL),
                Some(&HeaderValue::from_static("no-cache")),
                "{path}"
            );
        }
        let posted = Request::post("/favicon.svg").body(Body::empty()).unwrap();
        let response = router.oneshot(posted).await.unwrap();
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()[ALLOW], "GET,HEAD");
    }
}

fn app_router() -> Router {
    let config = crate::config::load_for_tests(
        "demo = true\n[app]\nauthority = \"https://id.example.com\"\n",
    );
    router(&config.app, &Site::new(Files::Embedded(&EMBEDDED)))
}

#[tokio::test]
async fn popups_and_frames_come_back_to_a_page_that_loads_one_script() {
    let router = app_router();
    for path in ["/popup?code=secret&state=x", "/silent-renew#code=secret&state=x"] {
        let response = get_file(&router, path, "").await;
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.headers()[REFERRER_POLICY], "no-referrer");
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("src=\"/callback.js\"") && !body.contains("secret"));
    }
}

#[tokio::test]
async fn the_page_has_a_policy_with_a_nonce_of_its_own() {
    let router = app_router();
    let mut nonces = Vec::new();
    for path in ["/", "/OpenId/Login/JS?code=secret&state=x", "/missing"] {
        let response = get_file(&router, path, "").await;
        assert_eq!(response.status(), if path == "/missing" { 404 } else { 200 }, "{path}");
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.contains("connect-src 'self' https://id.example.com;"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.headers()[REFERRER_POLICY], "no-referrer");
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
            .unwrap()
            .to_owned();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains(&format!("nonce=\"{nonce}\"")), "the scripts carry the nonce");
        assert_eq!(
            body.contains("import("),
            path != "/missing",
            "a page for a wrong address loads no program"
        );
        nonces.push(nonce);
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 3);
}

/// OIDC Core section 4: "The Login Initiation Endpoint … HTTP GET and HTTP POST".
#[tokio::test]
async fn a_form_begins_a_sign_in_by_the_address_of_the_page() {
    let router = app_router();
    let posted = async |form: &str| {
        let request = Request::post(INITIATE_LOGIN_PATH)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", "https://id.example.com");
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 303);
        response.headers()["location"].to_str().unwrap().to_owned()
    };
    let asked = "iss=https%3A%2F%2Fid.example.com&login_hint=a+b&target_link_uri=https%3A%2F%2Fa";
    assert_eq!(posted(asked).await, format!("/initiate-login?{asked}"));
    let more = format!("{asked}&code=x&state=y");
    assert_eq!(posted(&more).await, format!("/initiate-login?{asked}"));
    let long = format!("iss=a&login_hint={}", "x".repeat(9000));
    for nothing in ["", "%ff", "iss=a&iss=b", "iss=a&x%0d%0ay=z", &long] {
        assert_eq!(posted(nothing).await, "/initiate-login?", "{nothing:.40}");
    }
    let page = get_file(&router, &posted(asked).await, "").await;
    assert_eq!(page.status(), 200);
}

#[tokio::test]
async fn the_page_says_what_it_will_need() {
    let router = app_router();
    let links = async |path: &str| {
        let response = get_file(&router, path, "").await;
        let links = response.headers().get_all("link").iter();
        links.map(|link| link.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let always = [
        "</config.json>; rel=preload; as=fetch; crossorigin",
        "<https://id.example.com>; rel=preconnect; crossorigin",
        "</pkg/one/__wasm_split.js>; rel=modulepreload",
    ];
    // A signed-out page does not need the client.
    for path in ["/", "/?estate=x"] {
        assert_eq!(links(path).await, always, "{path}");
    }
    let client = "</pkg/one/split_sign_in.wasm>; rel=preload; as=fetch; \
                  type=\"application/wasm\"; crossorigin";
    for path in [
        "/OpenId/Login/JS?code=c&state=s",
        "/?state=s&error=access_denied",
        "/initiate-login?iss=https%3A%2F%2Fid.example.com",
    ] {
        assert_eq!(links(path).await, [&always[..], &[client]].concat(), "{path}");
    }
    assert!(links("/missing").await.is_empty());
}

#[tokio::test]
async fn the_configuration_document_is_what_the_page_reads() {
    let response = get_file(&app_router(), CONFIG_PATH, "").await;
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let page = doorward_app::config::AppConfig::parse(
        std::str::from_utf8(&body).unwrap(),
        "http://elsewhere",
    )
    .unwrap();
    assert_eq!(page.authority, "https://id.example.com");
    assert_eq!(page.redirect_uri, "http://localhost:5001/OpenId/Login/JS");
}

#[tokio::test]
async fn another_method_is_told_which_are_allowed() {
    let request = Request::post("/").body(Body::empty()).unwrap();
    let response = app_router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()[ALLOW], "GET,HEAD");
}
