//! Several issuers, of which a token's `iss` chooses one.

use std::sync::Arc;

use axum::{Router, routing::get};
use doorward_policy::Policy;
use doorward_resource_server::{
    ClaimPath, ProtectedRouter, TokenError, TokenProfile, TrustedIssuer,
};
use serde_json::{Value, json};

use crate::support::{
    ADMIN_ROUTE, Answer, Issuer, Setup, SigningKey, call, claims, orders_api, resource_server,
};

const OTHER_AUDIENCE: &str = "urn:api";

/// An issuer that may give roles.
fn other_issuer(url: &str) -> TrustedIssuer {
    let profile = TokenProfile::rfc9068().with_roles_at([ClaimPath::name("role")]);
    TrustedIssuer::new(url, OTHER_AUDIENCE).with_profile(profile)
}

/// Two issuers whose keys have the same name.
struct Two {
    first: Setup,
    other: Issuer,
    other_key: SigningKey,
    api: Router,
}

impl Two {
    async fn new() -> Self {
        let (first, other_key) = (Setup::new().await, SigningKey::es256("key-1"));
        let other = Issuer::start(&[&other_key]).await;
        let server = resource_server(&first.issuer.url, &Arc::clone(&first.clock), |settings| {
            settings.issuers.push(other_issuer(&other.url));
        });
        Self { first, other, other_key, api: orders_api(server) }
    }

    fn other_claims(&self) -> Value {
        let mut claims = claims(&self.other.url);
        claims["aud"] = json!(OTHER_AUDIENCE);
        claims
    }

    async fn call(&self, token: &str) -> Answer {
        call(&self.api, ADMIN_ROUTE, Some(token)).await
    }

    async fn assert_refused(&self, token: &str, cause: TokenError) {
        let answer = self.call(token).await;
        assert_eq!(
            (answer.status, &answer.body["error_description"]),
            (401, &json!(cause.to_string()))
        );
        assert_eq!(answer.challenge_error().as_deref(), Some("invalid_token"));
    }
}

#[tokio::test]
async fn each_issuers_tokens_are_accepted() {
    let two = Two::new().await;
    for _ in 0..2 {
        assert_eq!(two.call(&two.first.token()).await.status, 200);
        assert_eq!(two.call(&two.other_key.sign(&two.other_claims())).await.status, 200);
    }
    assert_eq!((two.first.issuer.fetches(), two.other.fetches()), (1, 1));
}

#[tokio::test]
async fn no_issuer_vouches_for_tokens_of_the_other() {
    let two = Two::new().await;
    two.assert_refused(&two.other_key.sign(&two.first.claims()), TokenError::BadSignature).await;
    two.assert_refused(&two.first.key.sign(&two.other_claims()), TokenError::BadSignature).await;
    let mut first_audience = two.other_claims();
    first_audience["aud"] = two.first.claims()["aud"].clone();
    two.assert_refused(&two.other_key.sign(&first_audience), TokenError::WrongAudience).await;
}

#[tokio::test]
async fn an_unknown_issuer_is_not_even_asked() {
    let two = Two::new().await;
    let url = &two.first.issuer.url;
    for iss in [format!("{url}/"), url.to_uppercase(), format!("{url}.evil.example"), String::new()]
    {
        let token = two.first.token_with("iss", json!(iss));
        two.assert_refused(&token, TokenError::WrongIssuer).await;
    }
    for iss in [Value::Null, json!([url]), json!(7)] {
        two.assert_refused(&two.first.token_with("iss", iss), TokenError::InvalidClaim("iss"))
            .await;
    }
    assert_eq!((two.first.issuer.fetches(), two.other.fetches()), (0, 0));
}

#[tokio::test]
async fn an_issuer_that_is_away_takes_only_its_own_tokens_along() {
    let two = Two::new().await;
    let token = two.other_key.sign(&two.other_claims());
    let _port = two.other.stop().await;
    let call = |token: String| {
        let api = two.api.clone();
        async move { call(&api, ADMIN_ROUTE, Some(&token)).await.status }
    };
    assert_eq!(call(token).await, 503);
    assert_eq!(call(two.first.token()).await, 200);
}

#[tokio::test]
async fn a_withdrawn_key_takes_its_tokens_along_and_no_others() {
    let two = Two::new().await;
    let (first, other) = (two.first.token(), two.other_key.sign(&two.other_claims()));
    assert_eq!((two.call(&first).await.status, two.call(&other).await.status), (200, 200));
    let next = SigningKey::es256("key-2");
    two.other.publish(|published| published.keys = vec![next.public()]);
    assert_eq!(two.call(&next.sign(&two.other_claims())).await.status, 200);
    assert_eq!((two.call(&first).await.status, two.call(&other).await.status), (200, 401));
}

/// Roles alone are not enough where two issuers may give them.
#[tokio::test]
async fn a_policy_can_say_whose_roles_count() {
    let two = Two::new().await;
    let server =
        resource_server(&two.first.issuer.url, &Arc::clone(&two.first.clock), |settings| {
            settings.issuers.push(other_issuer(&two.other.url));
        });
    let policies =
        [Policy::require_issuer(two.first.issuer.url.clone()), Policy::require_role("admin")];
    let app = ProtectedRouter::new(server)
        .route_for("/own", policies.to_vec().leak(), get(|| async {}))
        .into_router();
    assert_eq!(call(&app, "/own", Some(&two.first.token())).await.status, 200);
    let answer = call(&app, "/own", Some(&two.other_key.sign(&two.other_claims()))).await;
    let reason = format!("needs iss {}", two.first.issuer.url);
    assert_eq!((answer.status, &answer.body["reasons"]), (403, &json!([reason])));
}

/// Another issuer gives no roles unless a setting says where they are.
#[tokio::test]
async fn roles_of_a_second_issuer_count_only_if_its_profile_names_them() {
    let two = Two::new().await;
    let server =
        resource_server(&two.first.issuer.url, &Arc::clone(&two.first.clock), |settings| {
            settings.issuers.push(TrustedIssuer::new(&two.other.url, OTHER_AUDIENCE));
        });
    let app = orders_api(server);
    let admin = two.other_key.sign(&two.other_claims());
    let answer = call(&app, ADMIN_ROUTE, Some(&admin)).await;
    assert_eq!((answer.status, &answer.body["reasons"]), (403, &json!(["needs role admin"])));
    assert_eq!(call(&app, ADMIN_ROUTE, Some(&two.first.token())).await.status, 200);
    assert_eq!(two.call(&admin).await.status, 200, "its profile names them");
}

#[tokio::test]
async fn the_levels_of_another_issuer_count_only_where_its_profile_says_so() {
    let (first, other_key) = (Setup::new().await, SigningKey::es256("key-1"));
    let other = Issuer::start(&[&other_key]).await;
    for counts in [None, Some(false), Some(true)] {
        let server = resource_server(&first.issuer.url, &Arc::clone(&first.clock), |settings| {
            let mut trusted = other_issuer(&other.url);
            trusted.profile.acr_counts = counts;
            settings.issuers.push(trusted);
        });
        let strong = [Policy::require_acr(["2"])];
        let api: Router = ProtectedRouter::new(server)
            .route_for("/strong", strong, get(|| async {}))
            .into_router();
        let mut own = first.claims();
        own["acr"] = json!("2");
        assert_eq!(call(&api, "/strong", Some(&first.key.sign(&own))).await.status, 200);
        let mut foreign = claims(&other.url);
        foreign["aud"] = json!(OTHER_AUDIENCE);
        foreign["acr"] = json!("2");
        let answer = call(&api, "/strong", Some(&other_key.sign(&foreign))).await;
        assert_eq!(answer.status, if counts == Some(true) { 200 } else { 401 }, "{counts:?}");
    }
}
