//! Claims are read as loosely as RFC 7519 allows, and only those that a rule uses.

use axum::routing::get;
use doorward_resource_server::{Policy, ProtectedRouter, TokenError};
use serde_json::{Value, json};

use crate::support::{NOW, Setup, call, introspecting, resource_server};

/// Forms that `IdentityServer4`, Spring and others write, and private claims that happen to have a
/// name of the protocol.
fn unusual() -> [(&'static str, Value); 12] {
    [
        ("scope", json!(["openid", "my-api"])),
        ("scope", json!(null)),
        ("scope", json!("öffnen lesen")),
        ("scope", json!(vec!["s"; 200].join(" "))),
        ("exp", json!(1_800_002_000.5)),
        ("iat", json!(1_799_999_999.75)),
        ("nbf", json!(null)),
        ("sid", json!(7)),
        ("grant_id", json!({})),
        ("auth_time", json!("yesterday")),
        ("cnf", json!(null)),
        ("aud", json!(["MyBackendApi2", 7])),
    ]
}

#[tokio::test]
async fn unusual_forms_are_accepted_in_tokens_and_in_introspection_answers() {
    let setup = Setup::with_settings(introspecting).await;
    for (claim, value) in unusual() {
        let mut claims = setup.claims();
        claims[claim] = value.clone();
        let answer = setup.call(&setup.key.sign(&claims)).await;
        assert_eq!(answer.status, 200, "{claim}: {value}: {answer:?}");
        claims["active"] = json!(true);
        setup
            .issuer
            .publish(|published| drop(published.tokens.insert("opaque".to_owned(), claims)));
        setup.clock.advance(11);
        assert_eq!(setup.call("opaque").await.status, 200, "{claim}: {value}");
    }
}

#[tokio::test]
async fn a_scope_that_is_an_array_counts() {
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &setup.clock, |_| ());
    let app = ProtectedRouter::new(server)
        .route_for("/", [Policy::require_scope("my-api")], get(|| async {}))
        .into_router();
    for (scope, status) in
        [(json!(["openid", "my-api"]), 200), (json!("openid my-api"), 200), (json!(["a"]), 403)]
    {
        let token = setup.token_with("scope", scope.clone());
        assert_eq!(call(&app, "/", Some(&token)).await.status, status, "{scope}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_claim() {
    let setup = Setup::new().await;
    for claim in ["exp", "iat", "jti", "client_id", "sub", "aud"] {
        let answer = setup.call(&setup.token_with(claim, Value::Null)).await;
        let description = TokenError::InvalidClaim(claim).to_string();
        assert!(description.contains(claim));
        assert_eq!(answer.body["error_description"], description);
        assert!(format!("{:?}", TokenError::InvalidClaim(claim)).contains(claim), "in the log");
    }
    // What can't be read must not be taken for absent.
    for (claim, value) in [("cnf", json!("key")), ("cnf", json!({"jkt": 7})), ("nbf", json!("x"))] {
        let answer = setup.call(&setup.token_with(claim, value)).await;
        assert_eq!(answer.body["error_description"], TokenError::InvalidClaim(claim).to_string());
    }
}

/// Many issuers write `nbf = iat`, and their clock may be a little ahead.
#[tokio::test]
async fn a_start_that_is_the_time_of_issue_is_treated_like_it() {
    let setup = Setup::new().await;
    let mut claims = setup.claims();
    (claims["iat"], claims["nbf"]) = (json!(NOW + 30), json!(NOW + 30));
    assert_eq!(setup.call(&setup.key.sign(&claims)).await.status, 200);
    claims["nbf"] = json!(NOW + 31);
    let answer = setup.call(&setup.key.sign(&claims)).await;
    assert_eq!(answer.body["error_description"], TokenError::NotYetValid.to_string());
}
