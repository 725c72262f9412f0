//! The description of the demo API: the written one, and true.

use std::collections::BTreeSet;

use doorward_demo::api::{self, Description, openapi};
use doorward_policy::Need;
use doorward_resource_server::{ExpiredStatus, ProtectedRoute, ResourceServerSettings};
use serde_json::{Value, json};

use crate::{ADMIN_ROUTE, AUDIENCE, Setup, alice};

fn document(change: impl FnOnce(&mut ResourceServerSettings)) -> Value {
    let mut settings = ResourceServerSettings::new("https://id.example.com", AUDIENCE);
    change(&mut settings);
    serde_json::to_value(openapi::document(&Description::from(&settings))).unwrap()
}

#[test]
fn the_document_is_the_written_one() {
    let expected: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
    let found = document(|_| ());
    assert!(
        found == expected,
        "openapi.json should be:\n{}",
        serde_json::to_string_pretty(&found).unwrap()
    );
}

#[tokio::test]
async fn it_is_served_to_everybody() {
    let setup = Setup::new();
    let answer = setup.call(api::OPENAPI_PATH, None).await;
    assert_eq!(
        (answer.status, answer.headers["content-type"].to_str().unwrap()),
        (200, "application/json")
    );
    assert_eq!(answer.body["openapi"], "3.1.0");
    let discovery = "https://issuer.test/.well-known/openid-configuration";
    assert_eq!(
        answer.body["components"]["securitySchemes"]["oidc"]["openIdConnectUrl"],
        json!(discovery)
    );
}

#[tokio::test]
async fn it_describes_the_routers_own_routes_and_policies() {
    let setup = Setup::new();
    let document = document(|_| ());
    let described = document["paths"].as_object().unwrap();
    let router = api::routes(setup.issuer.resource_server());
    let served: BTreeSet<&str> = router.routes().iter().map(ProtectedRoute::path).collect();
    assert_eq!(described.keys().map(String::as_str).collect::<BTreeSet<_>>(), served);
    for route in router.routes() {
        let operation = &described[route.path()]["get"];
        assert_eq!(operation["x-policies"], json!(route.describe()), "{}", route.path());
        assert_eq!(operation["security"], json!([{"oidc": []}]));
        let denies = !route.policies().is_empty() && !route.path().starts_with("/api/DemoStepUp/");
        assert_eq!(operation["responses"].get("403").is_some(), denies);
    }
}

/// Each member that an answer has is described, and each that must be there is.
#[track_caller]
fn assert_described(document: &Value, schema: &str, body: &Value) {
    let schema = &document["components"]["schemas"][schema];
    for (member, value) in body.as_object().unwrap() {
        let kind = schema["properties"][member]["type"].as_str();
        let found = match value {
            Value::String(_) => "string",
            Value::Array(_) => "array",
            _ => panic!("{member}"),
        };
        assert_eq!(kind, Some(found), "{member}");
    }
    for required in schema["required"].as_array().unwrap() {
        assert!(body.get(required.as_str().unwrap()).is_some(), "{required}");
    }
}

#[tokio::test]
async fn answers_are_as_described() {
    let (setup, document) = (Setup::new(), document(|_| ()));
    let token = setup.token("alice", &alice()).sign();
    let allowed = setup.call(ADMIN_ROUTE, Some(&token)).await.body;
    assert_described(&document, "DemoAnswer", &allowed);
    let token = setup.token("alice", &alice()).role("user").sign();
    let denied = setup.call(ADMIN_ROUTE, Some(&token)).await.body;
    assert_described(&document, "Refusal", &denied);
    assert_described(&document, "Refusal", &setup.call(ADMIN_ROUTE, None).await.body);
    let unmet: Vec<Need> = serde_json::from_value(denied["unmet"].clone()).unwrap();
    assert_eq!(unmet, [Need::Role { role: "admin".to_owned() }]);
}

#[test]
fn a_status_of_its_own_for_expired_tokens_is_told() {
    let responses = |document: &Value| document["paths"][ADMIN_ROUTE]["get"]["responses"].clone();
    assert!(responses(&document(|_| ())).get("498").is_none());
    let document = document(|settings| settings.expired_status = ExpiredStatus::InvalidToken498);
    assert_eq!(responses(&document)["498"], json!({"$ref": "#/components/responses/Expired"}));
    assert!(document["components"]["responses"].get("Expired").is_some());
}
