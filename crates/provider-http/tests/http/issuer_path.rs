//! An https issuer with a path: everything lies under it, and cookies are bound to the host.

use axum::http::StatusCode;
use doorward_protocol::params;

use crate::support::{Browser, REDIRECT, Setup, World, authorize_url, form_request, with_header};

const ISSUER: &str = "https://op.example/tenant";

async fn world() -> World {
    World::with(Setup { issuer: ISSUER, ..Setup::default() }).await
}

#[tokio::test]
async fn the_documents_stand_where_both_specifications_look() {
    let world = world().await;
    let openid = world.get("/tenant/.well-known/openid-configuration").await;
    let oauth = world.get("/.well-known/oauth-authorization-server/tenant").await;
    assert_eq!((openid.status, openid.body.as_str()), (StatusCode::OK, oauth.body.as_str()));
    // Agents look for the OpenID document there, too (MCP authorization).
    let inserted = world.get("/.well-known/openid-configuration/tenant").await;
    assert_eq!(inserted.body, openid.body);
    let document = openid.json();
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(document["authorization_endpoint"], format!("{ISSUER}/connect/authorize"));
    let jwks = document["jwks_uri"].as_str().unwrap().strip_prefix("https://op.example").unwrap();
    assert_eq!(world.get(jwks).await.status, StatusCode::OK);
    assert_eq!(world.get("/.well-known/openid-configuration").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_whole_sign_in_stays_under_the_path() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&format!("/tenant{}", authorize_url(&[]))).await;
    assert!(to_login.location().starts_with("/tenant/account/login?"), "{to_login:?}");
    let shown = browser.get(to_login.location()).await;
    let form_cookie = shown.header("set-cookie").to_owned();
    assert!(
        form_cookie.starts_with("__Host-doorward.form=") && form_cookie.contains("; Secure"),
        "{form_cookie}"
    );

    let page = shown.page();
    assert_eq!(page.form_action(), "/tenant/account/login");
    let style = page.all("link").find(|link| link.attribute("rel") == Some("stylesheet")).unwrap();
    assert_eq!(world.get(style.attribute("href").unwrap()).await.status, StatusCode::OK);

    let fields = page.fields();
    let hidden = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let typed = [("username", "alice"), ("password", "alice"), ("action", "login")];
    let form = form_request(page.form_action(), &hidden.chain(typed).collect::<Vec<_>>());
    let signed_in = browser.send(with_header(form, "origin", "https://op.example")).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{signed_in:?}");
    assert!(signed_in.location().starts_with("/tenant/connect/authorize?"), "{signed_in:?}");
    let session = signed_in.header("set-cookie");
    assert!(
        session.starts_with("__Host-doorward.session=") && session.contains("; Secure"),
        "{session}"
    );
    assert!(session.contains("; Path=/;") && !session.contains("Domain"), "{session}");

    let answer = browser.get(signed_in.location()).await;
    assert!(answer.location().starts_with(REDIRECT), "{answer:?}");
    assert_eq!(answer.redirect_param("iss").as_deref(), Some(ISSUER));

    let home = browser.get("/tenant").await;
    assert_eq!(home.status, StatusCode::OK, "{home:?}");
    let out = browser.get("/tenant/connect/endsession").await.page();
    assert_eq!(out.form_action(), "/tenant/account/logout");
}

#[tokio::test]
async fn return_addresses_are_checked_there_too() {
    let world = world().await;
    for foreign in [
        "//evil.example",
        "/tenant/connect/authorize?a=b",
        "https://op.example/tenant/connect/authorize?a=b",
    ] {
        let query = params::encode([("return_url", foreign)]);
        let answer = world.get(&format!("/tenant/account/login?{query}")).await;
        answer.expect_error_page(StatusCode::BAD_REQUEST);
    }
}
