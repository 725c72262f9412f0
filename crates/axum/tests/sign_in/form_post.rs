//! Responses that the provider's page posts (`form_post`).

use axum::http::{Request, StatusCode};
use doorward_axum::{Auth, MemorySessions, SignInSettings};

use crate::support::{Browser, Kept, ORIGIN, World};

async fn world(kept: Kept) -> World {
    World::with(kept.sessions(), |settings| settings.form_post(true)).await
}

/// The form that the provider's page posts in place of the redirect.
fn form_of(callback: &str) -> (&str, &str) {
    let (path, form) = callback.split_once('?').unwrap();
    (path.strip_prefix(ORIGIN).unwrap(), form)
}

#[tokio::test]
async fn a_posted_response_signs_in_and_the_code_is_in_no_address() {
    for kept in Kept::ALL {
        let world = world(kept).await;
        let browser = world.browser();
        let to_provider = browser.open("/me?x=1").await.location().to_owned();
        assert!(to_provider.contains("response_mode=form_post"), "{to_provider}");
        let callback = world.provider.authorize(&to_provider);
        let (path, form) = form_of(&callback);
        let issuer = &world.provider.issuer;
        let answer = browser.post_from_elsewhere(path, issuer, form).await;
        let posted = answer.location();
        assert!(posted.starts_with("/signin-oidc?posted="), "{posted}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("set-cookie").contains("; Max-Age=60"));
        assert_eq!(browser.open(posted).await.location(), "/me?x=1", "{kept:?}");
        assert!(!browser.cookie_header().contains("-response-"), "it is removed");
        assert_eq!(browser.open("/").await.body, "alice");
        // Back, and Reload of the form.
        assert_eq!(browser.open(posted).await.location(), "/");
        let again = browser.post_from_elsewhere(path, issuer, form).await;
        assert_eq!(browser.open(again.location()).await.location(), "/");
        assert_eq!(world.provider.forms("token").len(), 1);
    }
}

/// A provider on the same site: the browser sends the session's cookie with the form.
#[tokio::test]
async fn a_second_sign_in_is_no_forged_request_and_ends_the_first_session() {
    for kept in Kept::ALL {
        let world = world(kept).await;
        let browser = world.browser();
        for page in ["/me", "/signin"] {
            let to_provider = browser.open(page).await.location().to_owned();
            let before = browser.copy();
            let callback = world.provider.authorize(&to_provider);
            let (path, form) = form_of(&callback);
            let request = Request::post(path)
                .header("origin", &*world.provider.issuer)
                .header("sec-fetch-site", "same-site")
                .header("content-type", "application/x-www-form-urlencoded");
            let posted = browser.send(request, form).await;
            assert_eq!(posted.status, StatusCode::SEE_OTHER);
            browser.open(posted.location()).await.location();
            assert_eq!(browser.open("/").await.body, "alice");
            assert_eq!(before.open("/").await.body, "nobody", "{kept:?}");
        }
        // All other forms of the provider's site are forged.
        let request = Request::post("/signout").header("sec-fetch-site", "same-site");
        assert_eq!(browser.send(request, "").await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn the_response_of_another_browser_signs_nobody_in() {
    for kept in Kept::ALL {
        let world = world(kept).await;
        let attacker = world.browser();
        let to_provider = attacker.open("/signin").await.location().to_owned();
        let callback = world.provider.authorize(&to_provider);
        let (path, form) = form_of(&callback);
        let victim = world.browser();
        victim.open("/signin").await;
        let posted = victim.post_from_elsewhere(path, "https://evil.example", form).await;
        let answer = victim.open(posted.location()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{kept:?}");
        assert!(!victim.cookie_header().contains("-response-"));
        assert_eq!(victim.open("/").await.body, "nobody");
        assert!(world.provider.forms("token").is_empty());
    }
}

#[tokio::test]
async fn a_form_that_is_no_response_leads_nowhere() {
    let world = world(Kept::InMemory).await;
    let long = format!("code={}", "x".repeat(4000));
    let longer = format!("state=a&code={}", "x".repeat(20 * 1024));
    for form in ["", "a=b", "code=x", "state=a&state=b&code=c", "%ff", &long, &longer] {
        let browser = world.browser();
        let answer = browser.post_from_elsewhere("/signin-oidc", "null", form).await;
        let cookies: usize =
            answer.headers.get_all("set-cookie").iter().map(axum::http::HeaderValue::len).sum();
        assert!(cookies < 4096, "a page of another site can't fill the cookies");
        let answer = match answer.status {
            StatusCode::SEE_OTHER => browser.open(answer.location()).await,
            _ => answer,
        };
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form:.20}");
    }
}

#[tokio::test]
async fn nobody_posts_where_responses_come_in_the_query() {
    let world = World::new().await;
    let browser = world.browser();
    let answer = browser.post_from_elsewhere("/signin-oidc", "null", "code=x&state=y").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let browser = world.signed_in().await;
    let request = Request::post("/signin-oidc").header("origin", "https://evil.example");
    assert_eq!(browser.send(request, "").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_response_from_elsewhere_takes_the_place_of_no_other() {
    for kept in Kept::ALL {
        let world = world(kept).await;
        let browser = world.browser();
        let to_provider = browser.open("/me").await.location().to_owned();
        let callback = world.provider.authorize(&to_provider);
        let (path, form) = form_of(&callback);
        let posted = browser.post_from_elsewhere(path, &world.provider.issuer, form).await;
        // Between the form and the callback, another site posts one of its own.
        let evil = "https://evil.example";
        let other = browser.post_from_elsewhere(path, evil, "code=evil&state=evil").await;
        assert_ne!(other.location(), posted.location());
        assert_eq!(browser.open(posted.location()).await.location(), "/me", "{kept:?}");
        assert_eq!(browser.open("/").await.body, "alice");
    }
}

/// As those of a browser that is started again with its tabs.
#[tokio::test]
async fn responses_that_arrive_at_once_all_sign_in() {
    let world = world(Kept::InMemory).await;
    let browser = world.browser();
    let mut posted = Vec::new();
    for number in 0..6 {
        let to_provider = browser.open(&format!("/me?tab={number}")).await.location().to_owned();
        let callback = world.provider.authorize(&to_provider);
        let (path, form) = form_of(&callback);
        let answer = browser.post_from_elsewhere(path, &world.provider.issuer, form).await;
        posted.push(answer.location().to_owned());
    }
    for (number, posted) in posted.iter().enumerate() {
        assert_eq!(browser.open(posted).await.location(), format!("/me?tab={number}"));
    }
}

#[tokio::test]
async fn only_a_tag_of_ours_names_a_cookie() {
    let world = world(Kept::InMemory).await;
    for tag in ["", "x", "x.1", "%2e", "a=b", "session"] {
        let browser = world.browser();
        browser.set_cookie(&format!("session-response-{tag}"), "code=x&state=y");
        let answer = browser.open(&format!("/signin-oidc?posted={tag}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{tag}");
    }
}

#[tokio::test]
async fn the_cookie_of_the_response_is_bound_to_the_host_and_has_a_random_name() {
    let settings = SignInSettings::new("https://id.example", "shop", "https://shop.example/cb");
    let auth = Auth::new(settings.form_post(true), MemorySessions::default()).unwrap();
    let browser = Browser::new(&auth.attach(axum::Router::new()));
    let answer = browser.post_from_elsewhere("/cb", "https://id.example", "code=x&state=y").await;
    let set = answer.header("set-cookie");
    let tag = answer.location().strip_prefix("/cb?posted=").unwrap();
    assert_eq!(tag.len(), 43);
    let expected = format!("__Host-session-response-{tag}=code=x&state=y; Path=/; HttpOnly; ");
    assert!(set.starts_with(&expected), "{set}");
    assert!(set.ends_with("SameSite=Lax; Secure; Max-Age=60"), "{set}");
}
