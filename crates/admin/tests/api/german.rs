//! Problems are said in the language that the caller prefers.

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn problems_are_said_in_german_to_who_prefers_it() {
    let world = World::new().await;
    let new = json!({"username": "", "claims": {"email": "nobody"}});
    let call = || world.call("POST", "/users").by("olga").json(&new);
    let english = call().send().await;
    assert_eq!(english.body["title"], "A value is not valid");
    assert!(!english.headers.contains_key("content-language"));
    let german = call().with("accept-language", "de-AT, en;q=0.5").send().await;
    assert_eq!(german.status, 422);
    assert_eq!(german.headers["content-language"], "de");
    assert_eq!(german.headers["content-type"], "application/problem+json");
    assert_eq!(german.body["title"], "Ein Wert ist nicht g\u{fc}ltig");
    let rule = "Ein Benutzername hat 1 bis 255 Bytes ohne Steuerzeichen";
    assert_eq!(german.body["errors"], json!([{"field": "username", "problem": rule}]));
    assert_eq!(german.body["detail"], json!(format!("username: {rule}")));
    assert_eq!(german.body["type"], english.body["type"]);
    // So are those of the layers around the handlers.
    let german = world.call("GET", "/users").with("accept-language", "de").send().await;
    assert_eq!(german.status, 401);
    assert_eq!(german.body["title"], "Es braucht ein anderes Zugriffstoken");
    assert!(german.headers.contains_key("www-authenticate"));
    let german = world.call("GET", "/none").with("accept-language", "de").send().await;
    assert_eq!(german.body["detail"], "Diese Ressource gibt es in der API nicht.");
    let english = world.call("GET", "/none").with("accept-language", "de;q=0.1, en").send().await;
    assert_eq!(english.body["detail"], "There is no such resource in this API.");
}
