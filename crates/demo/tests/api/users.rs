//! The five demo users against the 17 routes, through the router; and no route is open.

use axum::Router;
use doorward_demo as demo;
use doorward_policy::Principal;
use doorward_resource_server::ProtectedRoute;
use serde_json::{Value, json};

use crate::{
    demo_api,
    support::{Setup, call, resource_server},
};

fn users() -> [(&'static str, Value, &'static str, &'static str); 5] {
    [
        ("alice", json!("admin"), "Sales", "alice@example.com"),
        ("bob", json!("user"), "CRM", "bob@example.com"),
        ("carol", json!(["admin", "user"]), "Sales", "carol@example.com"),
        ("dave", json!("sit"), "IT", "dave@example.com"),
        ("jblin", json!("user"), "Sales", "jblin@xxx.com"),
    ]
}

/// Per user, the routes that answer 200, counted by hand from the rules: policy-based and
/// role-based together.
const ALLOWED: [(&str, usize); 5] =
    [("alice", 10), ("bob", 7), ("carol", 13), ("dave", 4), ("jblin", 10)];

async fn allowed_routes(api: &Router, token: &str, principal: &Principal) -> usize {
    let mut allowed = 0;
    for route in demo::routes() {
        let answer = call(api, &route.path, Some(token)).await;
        let expected = if route.decide(principal).is_allowed() { 200 } else { 403 };
        assert_eq!(answer.status, expected, "{} {}", principal.sub(), route.path);
        if answer.status == 200 {
            assert_eq!(answer.body["message"], route.summary);
            assert_eq!(answer.body["route"], json!(route.path));
            allowed += 1;
        } else {
            assert_eq!(answer.body["reasons"], json!(route.decide(principal).reasons()));
        }
    }
    allowed
}

#[tokio::test]
async fn each_user_gets_what_the_policies_say() {
    let setup = Setup::new().await;
    for ((sub, role, department, email), (name, count)) in users().into_iter().zip(ALLOWED) {
        assert_eq!(sub, name);
        let mut claims = setup.claims();
        claims["sub"] = json!(sub);
        claims["role"] = role;
        claims["department"] = json!(department);
        claims["email"] = json!(email);
        claims["email_verified"] = json!(true);
        let principal = Principal::from_claims(&claims).unwrap();
        let token = setup.key.sign(&claims);
        assert_eq!(allowed_routes(&demo_api(&setup), &token, &principal).await, count, "{sub}");
    }
}

#[tokio::test]
async fn no_route_is_open_and_none_is_missing() {
    let setup = Setup::new().await;
    let api = demo_api(&setup);
    assert_eq!(demo::routes().len(), 17);
    // A caller with a token and nothing else: whoever gets in here is let in by the table alone.
    let mut claims = setup.claims();
    for claim in ["role", "department", "email"] {
        claims.as_object_mut().unwrap().remove(claim);
    }
    claims["sub"] = json!("nobody");
    let token = setup.key.sign(&claims);
    // The table of the router itself, which can't have a route that is not in it.
    let router = demo::api::routes(resource_server(&setup.issuer.url, &setup.clock, |_| ()));
    assert_eq!(router.routes().len(), 17);
    for route in router.routes() {
        assert_eq!(call(&api, route.path(), None).await.status, 401, "{}", route.path());
        let expected = if route.policies().is_empty() { 200 } else { 403 };
        assert_eq!(
            call(&api, route.path(), Some(&token)).await.status,
            expected,
            "{}",
            route.path()
        );
    }
    let open: Vec<&str> = router
        .routes()
        .iter()
        .filter(|route| route.policies().is_empty())
        .map(ProtectedRoute::path)
        .collect();
    assert_eq!(open, ["/api/DemoPolicyBased/Everyone/Get", "/api/DemoRoleBased/Everyone/Get"]);
    assert_eq!(call(&api, "/api/DemoPolicyBased/Other/Get", Some(&token)).await.status, 404);
}
