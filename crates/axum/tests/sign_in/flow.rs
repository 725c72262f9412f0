//! The ordinary story: sign in, be known, sign out.

use crate::support::{Kept, ORIGIN, World};
use doorward_axum::{MemorySessions, http::Request};
use doorward_protocol::params;
use serde_json::json;

#[tokio::test]
async fn a_user_signs_in_and_comes_back_to_the_page() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.browser();
        assert_eq!(browser.open("/").await.body, "nobody");
        assert_eq!(world.sign_in(&browser, "/me?x=1").await, "/me?x=1", "{kept:?}");
        let page = browser.open("/me").await;
        assert_eq!(page.body, "alice Alice Archer", "{kept:?}");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(browser.open("/").await.body, "alice");
        let form = &world.provider.forms("token")[0];
        assert!(!form.contains_key("client_id") && form["code_verifier"].len() >= 43);
        // RFC 6749 section 2.3.1: both parts are encoded before Base64.
        assert_eq!(world.provider.authorization("token"), "Basic c2hvcDpzJTI2Y3JldA==");
    }
}

#[tokio::test]
async fn the_route_for_links_goes_to_the_page_that_is_asked_for() {
    let world = World::new().await;
    let browser = world.browser();
    let link = "/signin?return_to=%2Fme%3Fx%3D1&login_hint=alice&prompt=login&max_age=60";
    let to_provider = browser.open(link).await.location().to_owned();
    for part in ["login_hint=alice", "prompt=login", "max_age=60", "code_challenge_method=S256"] {
        assert!(to_provider.contains(part), "{to_provider}");
    }
    let callback = world.provider.authorize(&to_provider);
    assert_eq!(browser.open(&callback).await.location(), "/me?x=1");
    let long = format!("/signin?login_hint={}", "x".repeat(4000));
    assert!(!browser.open(&long).await.location().contains("login_hint"));
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_link_chooses_among_what_the_application_offers() {
    let world = World::with(MemorySessions::default(), |settings| {
        settings.further_scope("orders calendar").link_parameters(["kc_idp_hint"])
    })
    .await;
    let open = async |link: &str| world.browser().open(link).await.location().to_owned();
    let to_provider = open(
        "/signin?scope=orders+admin+openid&ui_locales=de&display=popup&kc_idp_hint=corp&audience=x\
        &resource=x&redirect_uri=https://evil.example",
    )
    .await;
    let own = |name| parameter(&to_provider, name);
    let scope = own("scope").unwrap();
    assert_eq!(scope, "openid profile offline_access orders", "{to_provider}");
    assert_eq!(own("ui_locales").as_deref(), Some("de"));
    assert_eq!(own("display").as_deref(), Some("popup"));
    assert_eq!(own("kc_idp_hint").as_deref(), Some("corp"));
    assert_eq!((own("audience"), own("resource")), (None, None));
    assert_eq!(own("redirect_uri").unwrap(), format!("{ORIGIN}/signin-oidc"));
    // Nobody can make a session have less, or get two values past the check.
    for link in ["/signin?scope=openid", "/signin?scope=orders&scope=admin"] {
        let scope = parameter(&open(link).await, "scope").unwrap();
        assert_eq!(scope, "openid profile offline_access", "{link}");
    }
    let unset = World::new().await.browser().open("/signin?scope=orders&kc_idp_hint=x").await;
    assert!(!unset.location().contains("orders") && !unset.location().contains("kc_idp_hint"));
}

#[tokio::test]
async fn a_handler_begins_a_sign_in_as_it_likes() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.browser();
        let to_provider = browser.open("/connect").await.location().to_owned();
        for (name, value) in [
            ("scope", "openid orders"),
            ("ui_locales", "de"),
            ("audience", "orders"),
            ("redirect_uri", "http://localhost:5001/signin-oidc"),
        ] {
            assert_eq!(parameter(&to_provider, name).as_deref(), Some(value), "{to_provider}");
        }
        let callback = world.provider.authorize(&to_provider);
        assert_eq!(browser.open(&callback).await.location(), "/orders");
        assert_eq!(browser.open("/orders").await.body, "alice", "{kept:?}");
        // Also one that changes the session meanwhile, and gives the address to its page.
        let callback = world.provider.authorize(&browser.post("/connect", "").await.body);
        assert_eq!(browser.open("/values").await.body, "one: 1, two: 2");
        assert_eq!(browser.open(&callback).await.location(), "/orders", "{kept:?}");
    }
    let world = World::new().await;
    world.provider.change(|rules| rules.is_up = false);
    let answer = world.browser().open("/connect").await;
    assert_eq!(answer.status, axum::http::StatusCode::SERVICE_UNAVAILABLE);
}

/// OIDC Core section 4: the provider's page of applications opens this one.
#[tokio::test]
async fn the_provider_may_begin_a_sign_in() {
    let world = World::new().await;
    let link = |iss: &str, target: &str| {
        let pairs = [("iss", iss), ("target_link_uri", target), ("login_hint", "alice")];
        format!("/signin?{}", params::encode(pairs))
    };
    let browser = world.browser();
    let issuer = &world.provider.issuer;
    let answer = browser.open(&link(issuer, &format!("{ORIGIN}/me?x=1"))).await;
    assert!(answer.location().contains("login_hint=alice"), "{}", answer.location());
    let callback = world.provider.authorize(answer.location());
    assert_eq!(browser.open(&callback).await.location(), "/me?x=1");
    for (iss, target) in [
        ("https://evil.example", ORIGIN),
        (issuer, "https://evil.example/"),
        (issuer, "http://localhost:5001.evil.example/"),
        (issuer, "http://localhost:5001@evil.example/"),
        (issuer, "//evil.example"),
    ] {
        let answer = world.browser().open(&link(iss, target)).await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{target}");
        assert!(!answer.headers.contains_key("location"), "{iss} {target}");
    }
}

/// OIDC Core section 4: "The Login Initiation Endpoint … HTTP GET and HTTP POST".
#[tokio::test]
async fn the_provider_may_begin_a_sign_in_by_a_form() {
    let form = |iss: &str, target: &str| {
        let pairs = [("iss", iss), ("target_link_uri", target), ("login_hint", "alice")];
        params::encode(pairs)
    };
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let issuer = &world.provider.issuer;
        let begins = form(issuer, &format!("{ORIGIN}/me?x=1"));
        let signed_in = world.signed_in().await;
        for browser in [world.browser(), signed_in] {
            let more = format!("{begins}&return_to=%2Fadmin&prompt=login");
            let before = browser.cookie_header();
            let posted = browser.post_from_elsewhere("/signin", issuer, &more).await;
            assert_eq!(posted.location(), format!("/signin?{begins}"), "{kept:?}");
            assert_eq!(browser.cookie_header(), before, "it changes nothing");
            let to_provider = browser.open(posted.location()).await.location().to_owned();
            assert!(to_provider.contains("login_hint=alice"), "{to_provider}");
            let callback = world.provider.authorize(&to_provider);
            assert_eq!(browser.open(&callback).await.location(), "/me?x=1");
        }
        // A provider on the same site: the browser sends the session's cookie with the form.
        let browser = world.signed_in().await;
        let request = Request::post("/signin")
            .header("origin", &**issuer)
            .header("sec-fetch-site", "same-site")
            .header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(browser.send(request, &begins).await.location(), format!("/signin?{begins}"));
        for refused in [
            form("https://evil.example", ORIGIN),
            form(issuer, "https://evil.example/"),
            form(issuer, "//evil.example"),
            "target_link_uri=%2Fme".to_owned(),
            format!("{begins}&iss=x"),
            format!("{begins}&x={}", "x".repeat(17 * 1024)),
            String::new(),
        ] {
            let answer = world.browser().post_from_elsewhere("/signin", issuer, &refused).await;
            assert!(answer.status.is_client_error() || answer.status.is_server_error());
            assert!(!answer.headers.contains_key("location"), "{refused:.80}");
        }
    }
}

/// Whoever signs out at the same path goes on doing so.
#[tokio::test]
async fn a_form_that_signs_out_begins_no_sign_in() {
    let world = World::with(MemorySessions::default(), |settings| {
        settings.sign_in_path("/session").sign_out_path("/session")
    })
    .await;
    let browser = world.signed_in().await;
    browser.post("/session", "").await;
    assert_eq!(browser.open("/").await.body, "nobody");
}

#[tokio::test]
async fn the_session_cookie_is_new_at_each_sign_in_and_the_old_one_is_over() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    let (before, old) = (browser.cookie("session").unwrap(), browser.copy());
    assert_eq!(before.len(), 43);
    let to_provider = browser.open("/signin").await.location().to_owned();
    browser.open(&world.provider.authorize(&to_provider)).await;
    assert_ne!(browser.cookie("session").unwrap(), before);
    assert_eq!(browser.open("/").await.body, "alice");
    assert_eq!(old.open("/").await.body, "nobody");
}

#[tokio::test]
async fn sign_out_ends_the_session_here_and_at_the_provider() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let old = browser.copy();
        let to_provider = browser.post("/signout", "").await.location().to_owned();
        assert!(to_provider.starts_with(&format!("{}/endsession?", world.provider.issuer)));
        assert!(to_provider.contains("id_token_hint="), "{to_provider}");
        let back = "post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A5001%2Fsignout-callback-oidc";
        assert!(to_provider.contains(back), "{to_provider}");
        assert_eq!(browser.cookie("session"), None);
        assert_eq!(browser.open("/signout-callback-oidc?state=x").await.location(), "/");
        assert_eq!(browser.open("/").await.body, "nobody");
        // Back, or whoever kept the cookie.
        assert!(old.open("/me").await.location().starts_with(&world.provider.issuer), "{kept:?}");
    }
}

#[tokio::test]
async fn a_sign_out_here_leaves_the_session_at_the_provider() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        for (path, answer) in [("/signout?here=true", Some("/")), ("/leave-here", None)] {
            let browser = world.signed_in().await;
            let old = browser.copy();
            let left = browser.post(path, "").await;
            let to = left.headers.get("location").map(|to| to.to_str().unwrap().to_owned());
            assert_eq!(to.as_deref(), answer, "{kept:?}");
            assert_eq!(browser.cookie("session"), None);
            assert_eq!(old.open("/").await.body, "nobody", "{kept:?}");
        }
        // Nobody uses the refresh tokens any more.
        while world.provider.forms("revocation").len() < 2 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_sign_out_passes_on_what_the_application_offers() {
    let world =
        World::with(MemorySessions::default(), |settings| settings.link_parameters(["returnTo"]))
            .await;
    let browser = world.signed_in().await;
    let left = browser.post("/signout?ui_locales=de&returnTo=x&id_token_hint=y&state=z", "").await;
    let own = |name| parameter(left.location(), name);
    assert_eq!(own("ui_locales").as_deref(), Some("de"));
    assert_eq!(own("returnTo").as_deref(), Some("x"));
    assert!(own("id_token_hint").is_some_and(|hint| hint.len() > 100));
    assert_ne!(own("state").as_deref(), Some("z"));
}

#[tokio::test]
async fn an_id_token_that_is_too_long_for_a_url_is_left_out_and_the_client_named() {
    for returns in [true, false] {
        let world = World::with(MemorySessions::default(), |settings| {
            settings.protocol(|mut own| {
                own.post_logout_redirect_uri.take_if(|_| !returns);
                own
            })
        })
        .await;
        world.provider.change(|rules| rules.claims = json!({ "long": "x".repeat(6000) }));
        let browser = world.signed_in().await;
        let to_provider = browser.post("/signout", "").await.location().to_owned();
        let named = to_provider.matches("client_id=shop").count();
        assert!(named == 1 && !to_provider.contains("id_token_hint"), "{to_provider}");
        assert_eq!(to_provider.contains("post_logout_redirect_uri="), returns);
    }
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        world.provider.change(|rules| rules.lifetime = 1_000_000);
        let browser = world.signed_in().await;
        world.advance(36_000 - 5);
        assert_eq!(browser.open("/").await.body, "alice");
        world.advance(10);
        assert_eq!(browser.open("/").await.body, "nobody", "{kept:?}");
        assert_eq!(browser.cookie("session"), None, "a cookie that leads nowhere is removed");
    }
}

#[tokio::test]
async fn claims_of_userinfo_join_those_of_the_id_token() {
    let world = World::new().await;
    world.provider.change(|rules| rules.user_info = json!({ "name": "A. Archer", "x": 1 }));
    assert_eq!(world.signed_in().await.open("/me").await.body, "alice A. Archer");
}

#[tokio::test]
async fn by_https_cookies_are_bound_to_the_host() {
    use doorward_axum::{Auth, SignInSettings};
    let provider = crate::support::Provider::start().await;
    let settings = SignInSettings::new(&*provider.issuer, "shop", "https://shop.example/cb");
    let auth = Auth::new(settings, MemorySessions::default()).unwrap();
    let browser = crate::support::Browser::new(&auth.attach(axum::Router::new()));
    let answer = browser.open("/signin").await;
    assert!(answer.header("set-cookie").starts_with("__Host-session-signin-"));
    assert!(answer.header("set-cookie").contains("; Secure"));
    assert!(!answer.location().contains(ORIGIN));
}
