//! What every page has in common: headers that keep it private and unframed, markup without script,
//! and escaping.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use doorward_protocol::params;
use doorward_provider::model::user::User;

use crate::support::{
    Answer, BACKEND_REDIRECT, Browser, Element, Page, Setup, World, authorize_url, form_request,
    user,
};

/// Every kind of page, by its name.
async fn every_page(world: &World) -> Vec<(&'static str, Answer)> {
    let mut browser = Browser::signed_in(world, "alice").await;
    let backend =
        authorize_url(&[("client_id", "PkceCodeBackend"), ("redirect_uri", BACKEND_REDIRECT)]);
    let mut visitor = Browser::new(world);
    let login =
        format!("/account/login?{}", params::encode([("return_url", authorize_url(&[]).as_str())]));
    vec![
        ("login", visitor.get(&login).await),
        ("login after a failure", visitor.sign_in("alice", "wrong", None).await),
        (
            "login with a foreign address",
            visitor.get("/account/login?return_url=//evil.example").await,
        ),
        ("consent", browser.get(&backend).await),
        ("home", browser.get("/").await),
        ("grants", browser.get("/grants").await),
        ("logout question", browser.get("/account/logout").await),
        ("end session question", browser.get("/connect/endsession").await),
        ("signed out", visitor.get("/connect/endsession").await),
        ("authorize error", visitor.get("/connect/authorize").await),
        (
            "authorize error by POST",
            visitor.post("/connect/authorize", &[("client_id", "Nobody")]).await,
        ),
        ("end session error", visitor.get("/connect/endsession?state=1&state=2").await),
        ("form post", browser.get(&authorize_url(&[("response_mode", "form_post")])).await),
        ("not found", visitor.get("/nowhere").await),
        ("not found deeper", visitor.get("/connect/nowhere").await),
    ]
}

/// The pages whose form ends at a client.
const LEADING_TO_CLIENT: [&str; 5] =
    ["login", "consent", "logout question", "end session question", "form post"];

/// Whether this is a login page, which has the script of the passkeys as a file of its own.
fn has_passkeys(answer: &Answer) -> bool {
    answer.body.contains("<script src=\"/assets/passkeys-")
}

#[track_caller]
fn assert_protected(name: &str, answer: &Answer) {
    let policy = answer.header("content-security-policy");
    for directive in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(directive), "{name}: {policy}");
    }
    // Where a form ends in a redirect to a client there is no bound: browsers would apply it to
    // that redirect.
    assert_ne!(
        policy.contains("form-action 'self'"),
        LEADING_TO_CLIENT.contains(&name),
        "{name}: {policy}"
    );
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{name}: {policy}");
    let has_script = name == "form post" || has_passkeys(answer);
    assert_eq!(policy.contains("script-src"), has_script, "{name}: {policy}");
    assert_eq!(policy.contains("script-src 'self';"), has_passkeys(answer), "{name}: {policy}");
    for (header, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", if name == "form post" { "strict-origin" } else { "same-origin" }),
    ] {
        assert_eq!(answer.header(header), value, "{name}: {header}");
    }
}

#[tokio::test]
async fn every_page_is_unframed_uncached_and_without_foreign_content() {
    let world = World::new().await;
    for (name, answer) in every_page(&world).await {
        assert_protected(name, &answer);
    }
}

#[tokio::test]
async fn redirects_and_refused_methods_of_pages_are_protected_too() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let wrong_method = Request::put("/account/login").body(Body::empty()).unwrap();
    let too_large = form_request("/account/login", &[("x", "x".repeat(65 * 1024))]);
    for (name, answer) in [
        ("to the login page", browser.get(&authorize_url(&[])).await),
        ("to the client", browser.get(&authorize_url(&[("prompt", "none")])).await),
        ("from the front door", browser.get("/").await),
        ("wrong method", world.send(wrong_method).await),
        ("too large", world.send(too_large).await),
    ] {
        assert_protected(name, &answer);
    }
}

#[tokio::test]
async fn every_page_is_a_whole_document_without_inline_code() {
    let world = World::new().await;
    for (name, answer) in every_page(&world).await {
        assert!(answer.body.starts_with("<!DOCTYPE html>"), "{name}: {}", answer.body);
        let page = answer.page();
        let count = |element: &str| page.all(element).count();
        assert_eq!(
            (count("html"), count("title"), count("main"), count("h1")),
            (1, 1, 1, 1),
            "{name}"
        );
        assert_eq!(page.all("html").next().unwrap().attribute("lang"), Some("en"), "{name}");
        assert_eq!(
            (count("script"), count("style")),
            (usize::from(name == "form post" || has_passkeys(&answer)), 0),
            "{name}"
        );
        let is_inline = |element: &Element| {
            element.attribute("style").is_some()
                || ["onclick", "onload", "onsubmit"]
                    .iter()
                    .any(|on| element.attribute(on).is_some())
        };
        assert!(!page.elements.iter().any(is_inline), "{name}");
        for input in page.all("input").filter(|input| input.attribute("type") != Some("hidden")) {
            let id = input.attribute("id");
            let labelled =
                page.all("label").any(|label| id.is_some() && label.attribute("for") == id);
            assert!(labelled || input.attribute("type") == Some("checkbox"), "{name}: {input:?}");
        }
    }
}

#[tokio::test]
async fn style_sheet_and_icon_are_served_and_kept() {
    let world = World::new().await;
    let page = world.get("/account/login").await.page();
    for (rel, media_type, freshness) in [
        ("stylesheet", "text/css; charset=utf-8", "immutable"),
        ("icon", "image/svg+xml", "max-age=86400"),
    ] {
        let link = page.all("link").find(|link| link.attribute("rel") == Some(rel)).unwrap();
        let answer = world.get(link.attribute("href").unwrap()).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, media_type));
        assert!(answer.header("cache-control").contains(freshness));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    for path in ["/assets/", "/assets/other.css", "/assets/..%2FCargo.toml"] {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// What breaks out of text, of attributes and of comments.
const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' autofocus onfocus=alert(1) x='",
    "</title></textarea>--><svg/onload=alert(1)>",
    "&lt;b&gt;&quot;",
];

/// The names of a page's elements, in order: hostile text must not add one.
fn outline(page: &Page) -> Vec<&str> {
    page.elements.iter().map(|element| element.name.as_str()).collect()
}

#[tokio::test]
async fn hostile_login_hints_and_user_names_stay_text() {
    let world = World::new().await;
    let with_hint = |hint: &str| {
        let url = authorize_url(&[("login_hint", hint)]);
        format!("/account/login?{}", params::encode([("return_url", url.as_str())]))
    };
    let harmless = world.get(&with_hint("harmless")).await.page();
    let mut browser = Browser::new(&world);
    let failed = browser.sign_in("harmless", "wrong", None).await.page();
    for hostile in HOSTILE {
        let page = world.get(&with_hint(hostile)).await.page();
        assert_eq!(page.value("username"), Some(hostile));
        assert_eq!(outline(&page), outline(&harmless));
        let page = browser.sign_in(hostile, "wrong", None).await.page();
        assert_eq!(page.value("username"), Some(hostile));
        assert_eq!(outline(&page), outline(&failed));
    }
}

#[tokio::test]
async fn a_hostile_state_stays_text() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let urls = |state: &str| {
        let state = params::encode([("state", state)]);
        [
            format!("/connect/endsession?{state}"),
            format!("{}&response_mode=form_post&{state}", authorize_url(&[("state", "")])),
        ]
    };
    let [logout, form_post] = urls("harmless");
    let harmless = [browser.get(&logout).await.page(), browser.get(&form_post).await.page()];
    for hostile in HOSTILE {
        for (url, harmless) in urls(hostile).iter().zip(&harmless) {
            let page = browser.get(url).await.page();
            assert_eq!(page.value("state"), Some(hostile));
            assert_eq!(outline(&page), outline(harmless));
        }
    }
}

#[tokio::test]
async fn hostile_user_names_and_client_names_stay_text() {
    let hostile = HOSTILE.iter().enumerate().map(|(number, name)| User {
        username: (*name).to_owned(),
        ..user(&format!("hostile-{number}"), "password", &[])
    });
    let client = crate::support::client_settings(
        "Hostile",
        serde_json::json!({
            "client_name": HOSTILE[0], "client_uri": "https://app.example/?\"><b>",
            "require_consent": true,
        }),
    );
    let world =
        World::with(Setup { users: hostile.collect(), clients: vec![client], ..Setup::default() })
            .await;
    let mut alice = Browser::signed_in(&world, "alice").await;
    let consent = authorize_url(&[("client_id", "Hostile")]);
    for url in ["/", "/account/logout", &consent] {
        let harmless = alice.get(url).await.page();
        for name in HOSTILE {
            let mut browser = Browser::new(&world);
            browser.sign_in(name, "password", None).await;
            let page = browser.get(url).await.page();
            assert!(page.text.contains(name), "{url}: {}", page.text);
            assert_eq!(outline(&page), outline(&harmless), "{url}");
        }
    }
    let page = alice.get(&consent).await.page();
    assert!(page.text.contains(&format!("Allow {}?", HOSTILE[0])));
}

#[tokio::test]
async fn the_error_page_shows_nothing_that_the_request_wrote() {
    let world = World::new().await;
    for hostile in HOSTILE {
        let repeated = params::encode([("state", hostile), ("state", hostile)]);
        for url in [
            authorize_url(&[("client_id", hostile)]),
            authorize_url(&[("redirect_uri", hostile)]),
            format!("/connect/endsession?{repeated}"),
        ] {
            let answer = world.get(&url).await;
            answer.expect_error_page(StatusCode::BAD_REQUEST);
        }
    }
}
