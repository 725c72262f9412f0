//! The five demo users against the routes, through the router; and no route is open.

use doorward_demo as demo;
use doorward_policy::Principal;
use doorward_resource_server::ProtectedRoute;
use serde_json::{Value, json};

use crate::Setup;

/// The routes whose answer depends on what a user is, and not on how they signed in.
fn plain_routes() -> impl Iterator<Item = &'static demo::DemoRoute> {
    demo::routes().iter().filter(|route| route.group != demo::DemoGroup::StepUp)
}

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

async fn allowed_routes(setup: &Setup, token: &str, principal: &Principal) -> usize {
    let mut allowed = 0;
    for route in plain_routes() {
        let answer = setup.call(&route.path, Some(token)).await;
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
    let setup = Setup::new();
    for ((sub, role, department, email), (name, count)) in users().into_iter().zip(ALLOWED) {
        assert_eq!(sub, name);
        let mut claims = json!({
            "role": role, "department": department, "email": email, "email_verified": true,
        });
        let token = setup.token(sub, &claims).sign();
        claims["sub"] = json!(sub);
        let principal = Principal::from_claims(&claims).unwrap();
        assert_eq!(allowed_routes(&setup, &token, &principal).await, count, "{sub}");
    }
}

#[tokio::test]
async fn no_route_is_open_and_none_is_missing() {
    let setup = Setup::new();
    assert_eq!((plain_routes().count(), demo::routes().len()), (17, 19));
    // A caller with a token and no claims: only the table lets them in.
    let token = setup.issuer.token("nobody").sign();
    // The router's own table, which has every route of the router.
    let router = demo::api::routes(setup.issuer.resource_server());
    assert_eq!(router.routes().len(), 19);
    for route in router.routes() {
        assert_eq!(setup.call(route.path(), None).await.status, 401, "{}", route.path());
        let expected = match route.path() {
            path if path.starts_with("/api/DemoStepUp/") => 401,
            _ if route.policies().is_empty() => 200,
            _ => 403,
        };
        let answer = setup.call(route.path(), Some(&token)).await;
        assert_eq!(answer.status, expected, "{}", route.path());
    }
    let open: Vec<&str> = router
        .routes()
        .iter()
        .filter(|route| route.policies().is_empty())
        .map(ProtectedRoute::path)
        .collect();
    assert_eq!(open, ["/api/DemoPolicyBased/Everyone/Get", "/api/DemoRoleBased/Everyone/Get"]);
    assert_eq!(setup.call("/api/DemoPolicyBased/Other/Get", Some(&token)).await.status, 404);
}

#[tokio::test]
async fn two_routes_ask_for_another_sign_in() {
    let setup = Setup::new();
    let now = i64::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
    )
    .unwrap();
    let token = |acr: &str, age: i64| {
        setup.token("bob", &json!({ "acr": acr, "auth_time": now - age })).sign()
    };
    let (weak, old) = (token("urn:doorward:acr:1", 0), token("urn:doorward:acr:2", 3600));
    for (path, good, bad, asked) in [
        ("/api/DemoStepUp/Recent", &weak, &old, r#"max_age="60""#),
        ("/api/DemoStepUp/TwoFactors", &old, &weak, r#"acr_values="urn:doorward:acr:2""#),
    ] {
        assert_eq!(setup.call(path, Some(good)).await.status, 200, "{path}");
        let answer = setup.call(path, Some(bad)).await;
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains(r#"error="insufficient_user_authentication""#), "{challenge}");
        assert!(challenge.ends_with(asked), "{challenge}");
        assert_eq!(answer.status, 401);
    }
}
