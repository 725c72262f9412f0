//! Every demo user against every demo route.
#![allow(clippy::unwrap_used)]

use doorward_demo as demo;
use doorward_policy::{Decision, Principal};
use serde_json::json;

fn users() -> [Principal; 5] {
    let user = |sub: &str, role: serde_json::Value, department: &str, email: &str| {
        Principal::new(sub)
            .with_claim("role", role)
            .with_claim("department", department)
            .with_claim("email", email)
            .with_claim("email_verified", true)
    };
    [
        user("alice", json!("admin"), "Sales", "alice@example.com"),
        user("bob", json!("user"), "CRM", "bob@example.com"),
        user("carol", json!(["admin", "user"]), "Sales", "carol@example.com"),
        user("dave", json!(["sit"]), "IT", "dave@example.com"),
        user("jblin", json!("user"), "Sales", "jblin@xxx.com"),
    ]
}

/// Path and who may call it, written out by hand from the rules.
const EXPECTED: [(&str, &[&str]); 19] = [
    ("/api/DemoPolicyBased/Admin/Get", &["alice", "carol"]),
    ("/api/DemoPolicyBased/User/Get", &["bob", "carol", "jblin"]),
    ("/api/DemoPolicyBased/AdminOrUser/Get", &["alice", "bob", "carol", "jblin"]),
    ("/api/DemoPolicyBased/AdminAndUser/Get", &["carol"]),
    ("/api/DemoPolicyBased/Sit/Get", &["dave"]),
    ("/api/DemoPolicyBased/Everyone/Get", &["alice", "bob", "carol", "dave", "jblin"]),
    ("/api/DemoPolicyBased/Sales/Get", &["alice", "carol", "jblin"]),
    ("/api/DemoPolicyBased/Crm/Get", &["bob"]),
    ("/api/DemoPolicyBased/Sales/Admin/Get", &["alice", "carol"]),
    ("/api/DemoPolicyBased/Sales/AdminOrUser/Get", &["alice", "carol", "jblin"]),
    ("/api/DemoPolicyBased/SalesOrAdmin/Get", &["alice", "carol", "jblin"]),
    ("/api/DemoPolicyBased/AdminOrUserWithCusomHandler/Get", &["jblin"]),
    ("/api/DemoRoleBased/Admin/Get", &["alice", "carol"]),
    ("/api/DemoRoleBased/User/Get", &["bob", "carol", "jblin"]),
    ("/api/DemoRoleBased/AdminOrUser/Get", &["alice", "bob", "carol", "jblin"]),
    ("/api/DemoRoleBased/Sit/Get", &["dave"]),
    ("/api/DemoRoleBased/Everyone/Get", &["alice", "bob", "carol", "dave", "jblin"]),
    // It is not said how and when they signed in.
    ("/api/DemoStepUp/Recent", &[]),
    ("/api/DemoStepUp/TwoFactors", &[]),
];

#[test]
fn each_user_may_call_exactly_the_expected_routes() {
    let users = users();
    let found: Vec<_> = demo::routes()
        .iter()
        .map(|route| {
            let allowed = users.iter().filter(|user| route.decide(user).is_allowed());
            (route.path.as_str(), allowed.map(Principal::sub).collect::<Vec<_>>())
        })
        .collect();
    let expected: Vec<_> =
        EXPECTED.iter().map(|(path, allowed)| (*path, allowed.to_vec())).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_sign_in_alone_decides_about_the_last_two() {
    let [_, bob, ..] = users();
    let at = |acr: &str, age: i64| bob.clone().with_claim("acr", acr).with_claim("auth_time", -age);
    let may = |path: &str, user: &Principal| {
        let decision = demo::route(path).unwrap().decide_at(user, 0);
        let Decision::Denied(denial) = decision else { return true };
        assert!(denial.step_up().is_some(), "{path}");
        false
    };
    let (one, two) = ("urn:doorward:acr:1", "urn:doorward:acr:2");
    assert!(may("/api/DemoStepUp/Recent", &at(one, 60)));
    assert!(!may("/api/DemoStepUp/Recent", &at(two, 71)));
    assert!(may("/api/DemoStepUp/TwoFactors", &at(two, 9999)));
    assert!(!may("/api/DemoStepUp/TwoFactors", &at(one, 0)));
}

#[test]
fn names_keep_their_spelling() {
    let custom = demo::route("/api/DemoPolicyBased/AdminOrUserWithCusomHandler/Get").unwrap();
    assert_eq!(
        custom.policy_names().collect::<Vec<_>>(),
        ["AdminOrUserPolicy", "DoaminAndUsernamePolicy"]
    );
    let both = demo::route("/api/DemoPolicyBased/AdminAndUser/Get").unwrap();
    assert_eq!(both.policy_names().collect::<Vec<_>>(), ["AdminPolicy", "UserPolicy"]);
    assert!(demo::route("/api/DemoPolicyBased/Nothing/Get").is_none());
}

#[test]
fn a_denial_says_what_is_needed() {
    let [alice, bob, ..] = users();
    let reasons = |path: &str, user: &Principal| demo::route(path).unwrap().decide(user).reasons();
    assert_eq!(
        reasons("/api/DemoPolicyBased/Sales/Admin/Get", &bob),
        ["needs department Sales", "needs role admin"]
    );
    assert_eq!(
        reasons("/api/DemoPolicyBased/SalesOrAdmin/Get", &bob),
        ["needs department Sales or role admin"]
    );
    assert_eq!(
        reasons("/api/DemoPolicyBased/AdminOrUserWithCusomHandler/Get", &alice),
        ["needs a verified email address at xxx.com", "needs to be jblin"]
    );
    assert_eq!(
        reasons("/api/DemoRoleBased/AdminOrUser/Get", &users()[3]),
        ["needs role admin or role user"]
    );
    assert!(reasons("/api/DemoPolicyBased/Admin/Get", &alice).is_empty());
}

#[test]
fn descriptions_are_serialisable() {
    let text = serde_json::to_value(demo::sales_and_admin().describe()).unwrap();
    assert_eq!(
        text,
        json!({
            "name": "SalesDepartmentAndAdminPolicy",
            "needs": { "kind": "all_of", "of": [
                { "kind": "claim", "claim": "department", "value": "Sales" },
                { "kind": "role", "role": "admin" },
            ]},
        })
    );
}
