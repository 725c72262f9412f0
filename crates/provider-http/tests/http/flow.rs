//! The whole flow: sign in, code, tokens, userinfo, refresh, sign out.

use axum::http::StatusCode;

use crate::support::{
    Browser, ISSUER, REDIRECT, START, World, authorize_url, claims, code_request,
};

#[tokio::test]
async fn a_user_signs_in_and_the_client_gets_and_renews_tokens() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);

    let to_login = browser.get(&authorize_url(&[])).await;
    assert_eq!(to_login.status, StatusCode::SEE_OTHER);
    let return_url = to_login.redirect_param("return_url").unwrap();
    let signed_in = browser.sign_in("alice", "alice", Some(&return_url)).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);
    assert_eq!(signed_in.location(), return_url);

    let answer = browser.get(signed_in.location()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.location().starts_with(&format!("{REDIRECT}?code=")));
    assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    assert_eq!(answer.redirect_param("iss").as_deref(), Some(ISSUER));

    let code = answer.redirect_param("code").unwrap();
    let tokens = world.token(&code_request(&code)).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    assert_eq!((tokens.header("cache-control"), tokens.header("pragma")), ("no-store", "no-cache"));
    let tokens = tokens.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], "openid profile offline_access MyBackendApi2");

    let access = claims(&tokens["access_token"]);
    assert_eq!(
        (&access["iss"], &access["aud"], &access["sub"]),
        (&ISSUER.into(), &"MyBackendApi2".into(), &"alice".into())
    );
    assert_eq!((&access["client_id"], &access["role"]), (&"PkceJS".into(), &"admin".into()));
    assert_eq!(
        (&access["department"], &access["email"]),
        (&"Sales".into(), &"alice@example.com".into())
    );
    let id = claims(&tokens["id_token"]);
    assert_eq!(
        (&id["aud"], &id["nonce"], &id["auth_time"]),
        (&"PkceJS".into(), &"nonce-1".into(), &START.into())
    );
    assert!(id["sid"].is_string() && id["at_hash"].is_string() && id.get("name").is_none());

    let userinfo = world.userinfo(&tokens["access_token"]).await.json();
    assert_eq!((&userinfo["sub"], &userinfo["name"]), (&"alice".into(), &"ALICE".into()));

    let refreshed = world.refresh(&tokens["refresh_token"]).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.body);
    let refreshed = refreshed.json();
    assert_ne!(refreshed["refresh_token"], tokens["refresh_token"]);
    assert_ne!(claims(&refreshed["access_token"])["jti"], access["jti"]);
    assert_eq!(claims(&refreshed["id_token"])["auth_time"], START);

    let hint = refreshed["id_token"].as_str().unwrap();
    let query = doorward_protocol::params::encode([
        ("id_token_hint", hint),
        ("post_logout_redirect_uri", REDIRECT),
        ("state", "state-2"),
    ]);
    let signed_out = browser.get(&format!("/connect/endsession?{query}")).await;
    assert_eq!(signed_out.location(), format!("{REDIRECT}?state=state-2"));
    browser.get(&authorize_url(&[])).await.expect_login();
}
