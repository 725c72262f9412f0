//! Responses that the provider signs (JARM).

use axum::http::StatusCode;
use doorward_protocol::params::Params;
use serde_json::{Value, json};

use crate::support::{CLIENT, Kept, World, now};

async fn world(kept: Kept) -> World {
    World::with(kept.sessions(), |settings| settings.signed_responses(true)).await
}

/// The parameters of the response in this address, as the claims of a token.
fn claims_of(callback: &str) -> Value {
    let mut claims = json!({"aud": CLIENT, "exp": now() + 300});
    for (name, value) in Params::parse(callback.split_once('?').unwrap().1).unwrap().iter() {
        claims[name] = json!(value);
    }
    claims
}

#[tokio::test]
async fn a_signed_response_signs_in() {
    for kept in Kept::ALL {
        let world = world(kept).await;
        let browser = world.browser();
        let to_provider = browser.open("/me?x=1").await.location().to_owned();
        assert!(to_provider.contains("response_mode=query.jwt"), "{to_provider}");
        let claims = claims_of(&world.provider.authorize(&to_provider));
        let callback = format!("/signin-oidc?response={}", world.provider.sign("JWT", &claims));
        assert_eq!(browser.open(&callback).await.location(), "/me?x=1", "{kept:?}");
        assert_eq!(browser.open("/").await.body, "alice");
        assert_eq!(browser.open(&callback).await.location(), "/", "it counts once");
    }
}

#[tokio::test]
async fn what_is_not_signed_for_this_client_signs_nobody_in() {
    for kept in Kept::ALL {
        let world = world(kept).await;
        for change in [
            json!({"aud": "other"}),
            json!({"iss": "https://evil.example"}),
            json!({"exp": now() - 3600}),
        ] {
            let browser = world.browser();
            let to_provider = browser.open("/me").await.location().to_owned();
            let mut claims = claims_of(&world.provider.authorize(&to_provider));
            claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let token = world.provider.sign("JWT", &claims);
            let answer = browser.open(&format!("/signin-oidc?response={token}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change}");
            assert_eq!(browser.open("/").await.body, "nobody");
        }
        // Without the token, and with a signature that is another's.
        let browser = world.browser();
        let to_provider = browser.open("/me").await.location().to_owned();
        let plain = world.provider.authorize(&to_provider);
        assert_eq!(browser.open(&plain).await.status, StatusCode::BAD_REQUEST, "{kept:?}");
        let browser = world.browser();
        let to_provider = browser.open("/me").await.location().to_owned();
        let claims = claims_of(&world.provider.authorize(&to_provider));
        let token = world.provider.sign("JWT", &claims);
        let (message, _) = token.rsplit_once('.').unwrap();
        let forged = format!("/signin-oidc?response={message}.c2ln");
        assert_eq!(browser.open(&forged).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(browser.open("/").await.body, "nobody");
        assert!(world.provider.forms("token").is_empty());
    }
}

#[tokio::test]
async fn a_response_that_nobody_asked_to_sign_is_refused() {
    let world = World::new().await;
    let browser = world.browser();
    let to_provider = browser.open("/me").await.location().to_owned();
    let claims = claims_of(&world.provider.authorize(&to_provider));
    let callback = format!("/signin-oidc?response={}", world.provider.sign("JWT", &claims));
    assert_eq!(browser.open(&callback).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.open("/").await.body, "nobody");
}
