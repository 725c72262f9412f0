//! What the endpoint says of itself.

use serde_json::json;

use super::{ENTERPRISE, GROUP, USER, assert_error};
use crate::support::{SCIM, World};

#[tokio::test]
async fn it_says_what_it_can() {
    let world = World::new().await;
    let get = async |path: &str| world.scim("GET", path).send().await;
    let can = get("/ServiceProviderConfig").await.body;
    for (feature, supported) in [
        ("patch", true),
        ("bulk", false),
        ("filter", true),
        ("changePassword", true),
        ("sort", true),
        ("etag", true),
    ] {
        assert_eq!(can[feature]["supported"], json!(supported), "{feature}");
    }
    let types = get("/ResourceTypes").await.body;
    assert_eq!(types["totalResults"], json!(2));
    assert_eq!(types["Resources"][0]["schemaExtensions"][0]["schema"], json!(ENTERPRISE));
    assert_eq!(types["Resources"][1], get("/ResourceTypes/Group").await.body);
    let schemas = get("/Schemas").await.body;
    assert_eq!(schemas["totalResults"], json!(3));
    for urn in [USER, GROUP, ENTERPRISE] {
        let schema = get(&format!("/Schemas/{urn}")).await.body;
        assert_eq!(schema["id"], json!(urn));
        assert_eq!(schema["meta"]["location"], json!(format!("{SCIM}/Schemas/{urn}")));
    }
    let user = get(&format!("/Schemas/{USER}")).await.body;
    let attributes = user["attributes"].as_array().unwrap();
    let password = attributes.iter().find(|one| one["name"] == "password").unwrap();
    assert_eq!(
        (&password["mutability"], &password["returned"]),
        (&json!("writeOnly"), &json!("never"))
    );
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let world = World::new().await;
    for (method, path, status) in [
        ("GET", "/Schemas/x", 404),
        ("GET", "/ResourceTypes/x", 404),
        ("GET", "/nothing", 404),
        ("GET", "/Users/x/y", 404),
        ("GET", "/Me", 501),
        ("POST", "/Bulk", 501),
        ("POST", "/.search", 501),
        ("POST", "/ServiceProviderConfig", 405),
        ("DELETE", "/Schemas", 405),
        ("PUT", "/Users", 405),
        ("DELETE", "/Groups", 405),
        ("GET", "/Users/.search", 405),
        ("POST", "/Users/x", 405),
    ] {
        let answer = world.scim(method, path).json(&json!({})).await;
        assert_error(&answer, status, "", &format!("{method} {path}"));
    }
}
