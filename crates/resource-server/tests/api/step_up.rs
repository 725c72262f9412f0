//! Calls that need a stronger or a more recent sign-in (RFC 9470).

use axum::{Router, routing::get};
use doorward_policy::Policy;
use doorward_protocol::challenge::{Challenge, Scheme};
use doorward_resource_server::{
    Anyone, Authorized, ProtectedRouter, Refusal, ResourceServer, ResourceServerSettings,
};
use serde_json::{Value, json};

use crate::{
    dpop::{ORIGIN, proof, request, thumbprint},
    support::{Answer, NOW, Setup, SigningKey, call, introspecting, resource_server, send},
};

const LEVEL: &str = "urn:doorward:acr:2";

fn api(server: ResourceServer) -> Router {
    let strong = || Policy::require_acr([LEVEL, "phr"]);
    let recent = || Policy::require_recent_sign_in(300);
    ProtectedRouter::new(server)
        .route_for("/strong", [strong()], get(|| async {}))
        .route_for("/recent", [recent()], get(|| async {}))
        .route_for("/both", [strong(), recent()], get(|| async {}))
        .route_for("/admin", [recent(), Policy::require_role("sit")], get(|| async {}))
        .route_for("/scope", [recent(), Policy::require_scope("write")], get(|| async {}))
        .route::<Anyone>("/handler", get(pay))
        .into_router()
}

/// A handler that alone knows what it needs.
async fn pay(caller: Authorized<Anyone>) -> Result<(), Refusal> {
    caller.require_policy(&Policy::require_recent_sign_in(60))
}

struct Stepping {
    setup: Setup,
    api: Router,
}

impl Stepping {
    async fn new(change: impl FnOnce(&mut ResourceServerSettings)) -> Self {
        let setup = Setup::new().await;
        let api = api(resource_server(&setup.issuer.url, &setup.clock, change));
        Self { setup, api }
    }

    fn claims(&self, acr: &str, age: i64) -> Value {
        let mut claims = self.setup.claims();
        claims["acr"] = json!(acr);
        claims["auth_time"] = json!(NOW - age);
        claims
    }

    async fn call(&self, path: &str, acr: &str, age: i64) -> Answer {
        let token = self.setup.key.sign(&self.claims(acr, age));
        call(&self.api, path, Some(&token)).await
    }
}

fn challenge(answer: &Answer) -> Challenge {
    let all = Challenge::parse_all(answer.header("www-authenticate").unwrap()).unwrap();
    assert_eq!(all.len(), 1, "{answer:?}");
    all.into_iter().next().unwrap()
}

#[tokio::test]
async fn the_answer_names_the_sign_in_that_would_do() {
    let api = Stepping::new(|_| ()).await;
    let weak = api.call("/strong", "urn:doorward:acr:1", 0).await;
    assert_eq!(weak.status, 401);
    assert_eq!(
        weak.header("www-authenticate"),
        Some(concat!(
            r#"Bearer realm="MyBackendApi2", error="insufficient_user_authentication", "#,
            r#"error_description="Sign in again to call this: it needs a sign-in at one of the "#,
            r#"levels urn:doorward:acr:2, phr.", acr_values="urn:doorward:acr:2 phr""#
        ))
    );
    assert_eq!(weak.header("cache-control"), Some("no-store"));
    assert_eq!(
        weak.body,
        json!({
            "error": "insufficient_user_authentication",
            "error_description": "Sign in again to call this: it needs a sign-in at one of the \
                                  levels urn:doorward:acr:2, phr.",
            "reasons": ["needs a sign-in at one of the levels urn:doorward:acr:2, phr"],
            "unmet": [{ "kind": "acr", "values": [LEVEL, "phr"] }],
        })
    );
    assert_eq!(api.call("/strong", LEVEL, 9999).await.status, 200);
    assert_eq!(api.call("/recent", "1", 300).await.status, 200);
    let old = api.call("/recent", "1", 311).await;
    assert_eq!((challenge(&old).acr_values(), challenge(&old).max_age()), (None, Some(300)));
    // One is missing, and both are named, so that the next sign-in does not lose the other.
    let old = challenge(&api.call("/both", LEVEL, 311).await);
    assert_eq!((old.acr_values(), old.max_age()), (Some("urn:doorward:acr:2 phr"), Some(300)));
}

#[tokio::test]
async fn a_verified_token_grows_old_though_it_is_cached() {
    let api = Stepping::new(|_| ()).await;
    let token = api.setup.key.sign(&api.claims(LEVEL, 0));
    assert_eq!(call(&api.api, "/recent", Some(&token)).await.status, 200);
    api.setup.clock.advance(311);
    assert_eq!(call(&api.api, "/recent", Some(&token)).await.status, 401);
    assert_eq!(call(&api.api, "/strong", Some(&token)).await.status, 200);
}

#[tokio::test]
async fn no_sign_in_brings_a_role() {
    let api = Stepping::new(|_| ()).await;
    let denied = api.call("/admin", "1", 311).await;
    assert_eq!((denied.status, denied.header("www-authenticate")), (403, None));
    assert_eq!(denied.body["error"], "access_denied");
    assert_eq!(denied.body["unmet"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn missing_scope_is_named_beside() {
    let api = Stepping::new(|_| ()).await;
    let both = challenge(&api.call("/scope", "1", 311).await);
    assert_eq!(both.error().unwrap().as_str(), "insufficient_user_authentication");
    assert_eq!(both.scope().unwrap().to_string(), "write");
    let scope = api.call("/scope", "1", 0).await;
    assert_eq!(
        (scope.status, scope.challenge_error().as_deref()),
        (403, Some("insufficient_scope"))
    );
}

#[tokio::test]
async fn a_handler_may_ask_too() {
    let api = Stepping::new(|_| ()).await;
    assert_eq!(api.call("/handler", "1", 60).await.status, 200);
    let old = api.call("/handler", "1", 71).await;
    assert_eq!((old.status, challenge(&old).max_age()), (401, Some(60)));
}

#[tokio::test]
async fn reasons_can_be_hidden_but_not_the_sign_in() {
    let api = Stepping::new(|settings| settings.hides_reasons = true).await;
    let old = api.call("/recent", "1", 311).await;
    assert_eq!(
        old.body,
        json!({
            "error": "insufficient_user_authentication",
            "error_description": "Sign in again to call this.",
        })
    );
    assert_eq!(challenge(&old).max_age(), Some(300));
}

#[tokio::test]
async fn a_bound_token_is_answered_by_its_own_scheme() {
    let api = Stepping::new(|settings| settings.url = Some(ORIGIN.to_owned())).await;
    let key = SigningKey::es256("proof");
    let mut claims = api.claims("1", 311);
    claims["cnf"] = json!({ "jkt": thumbprint(&key) });
    let token = api.setup.key.sign(&claims);
    let proof = proof(&key, &token, &json!({ "htu": format!("{ORIGIN}/both") }));
    let answer = send(&api.api, request("/both", "DPoP", &token, &[&proof])).await;
    let asked = challenge(&answer);
    assert_eq!((answer.status, asked.scheme()), (401, &Scheme::Dpop));
    assert_eq!(asked.error().unwrap().as_str(), "insufficient_user_authentication");
    assert_eq!((asked.acr_values(), asked.max_age()), (Some("urn:doorward:acr:2 phr"), Some(300)));
    // A bearer token gets no challenge for a key that would not help.
    let bearer = api.call("/both", "1", 311).await;
    assert_eq!(*challenge(&bearer).scheme(), Scheme::Bearer);
}

#[tokio::test]
async fn introspection_tells_of_the_sign_in() {
    let api = Stepping::new(introspecting).await;
    let mut known = api.claims("1", 311);
    known["active"] = json!(true);
    api.setup.issuer.publish(|published| {
        published.tokens.insert("opaque".to_owned(), known);
    });
    let old = call(&api.api, "/both", Some("opaque")).await;
    assert_eq!((old.status, challenge(&old).max_age()), (401, Some(300)));
}
