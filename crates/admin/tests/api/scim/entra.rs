//! The requests that Microsoft documents for Entra ("Develop and plan provisioning for a SCIM
//! endpoint"), one after the other.

use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, USER, path_of};
use crate::support::World;

fn new_user() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1",
        "active": true,
        "emails": [{
            "primary": true, "type": "work",
            "value": "Test_User_fd0ea19b-0777-472c-9f96-4f70d2226f2e@testuser.com",
        }],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "givenName familyName", "familyName": "familyName",
            "givenName": "givenName"},
        "roles": [],
    })
}

#[tokio::test]
async fn a_user_is_provisioned_from_first_to_last() {
    let world = World::new().await;
    // Test Connection looks for a user who is not there.
    let nobody = r#"userName eq "non-existent user""#;
    let (count, empty) = world.found("/Users", nobody).await;
    assert_eq!((count, &empty["Resources"], &empty["itemsPerPage"]), (0, &json!([]), &json!(0)));

    let added = world.scim("POST", "/Users").json(&new_user()).await;
    assert_eq!(added.status, 201, "{}", added.body);
    assert_eq!(added.headers["location"], added.body["meta"]["location"].as_str().unwrap());
    assert_eq!(added.body["externalId"], new_user()["externalId"]);
    assert_eq!(added.body["emails"], new_user()["emails"]);
    assert_eq!(added.body["name"], new_user()["name"]);
    assert_eq!(added.body["displayName"], json!("givenName familyName"));
    let path = path_of(&added.body);

    let read = world.scim("GET", &path).send().await;
    assert_eq!((read.status.as_u16(), &read.body), (200, &added.body));
    assert_eq!(read.headers["etag"], read.body["meta"]["version"].as_str().unwrap());
    let missing = world.scim("GET", "/Users/5171a35d82074e068ce2").send().await;
    assert_eq!(missing.status, 404);

    for filter in [
        r#"userName eq "Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1""#,
        r#"userName eq "test_user_AB6490EE-1e48-479e-a20b-2d77186b5dd1""#,
        r#"externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef""#,
        r#"emails[type eq "work"].value eq "Test_User_fd0ea19b-0777-472c-9f96-4f70d2226f2e@testuser.com""#,
        r#"emails[type eq "work" and value eq "Test_User_fd0ea19b-0777-472c-9f96-4f70d2226f2e@testuser.com"]"#,
        r#"emails.value eq "test_user_fd0ea19b-0777-472c-9f96-4f70d2226f2e@testuser.com" and active eq true"#,
    ] {
        let (count, found) = world.found("/Users", filter).await;
        assert_eq!((count, &found["Resources"][0]["id"]), (1, &added.body["id"]), "{filter}");
    }
    for filter in [
        r#"emails[type eq "work"].value eq "x""#,
        r#"emails[type eq "home"].value eq "Test_User_fd0ea19b-0777-472c-9f96-4f70d2226f2e@testuser.com""#,
    ] {
        assert_eq!(world.found("/Users", filter).await.0, 0, "{filter}");
    }
    let odd = r#"emails[type eq "work"].unknown eq "x""#;
    let refused = world.scim("GET", &format!("/Users?filter={odd}")).send().await;
    super::assert_error(&refused, 400, "invalidFilter", odd);

    let changed = world.patch(&path, json!([
        {"op": "Replace", "path": "emails[type eq \"work\"].value",
            "value": "updated@microsoft.com"},
        {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
        {"op": "Add", "path": "addresses[type eq \"work\"].streetAddress", "value": "1 Way"},
        {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1"},
        {"op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Sales"},
        {"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "alice"},
    ])).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["emails"][0]["value"], json!("updated@microsoft.com"));
    assert_eq!(changed.body["name"]["familyName"], json!("updatedFamilyName"));
    assert_eq!(changed.body["addresses"], json!([{"type": "work", "streetAddress": "1 Way"}]));
    assert_eq!(changed.body[ENTERPRISE]["manager"], json!({"value": "alice"}));
    let user = world.user(added.body["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(user.claims.0["email"], json!("updated@microsoft.com"));
    assert_eq!(user.claims.0["department"], json!("Sales"));
    assert_eq!(user.claims.0["phone_number"], json!("+1"));

    let renamed = json!([{"op": "Replace", "path": "userName", "value": "5b50642d@example.com"}]);
    let renamed = world.patch(&path, renamed).await;
    assert_eq!(renamed.body["userName"], json!("5b50642d@example.com"));

    for (value, active) in [(json!("False"), false), (json!(true), true), (json!(false), false)] {
        let operations = json!([{"op": "Replace", "path": "active", "value": value}]);
        let answer = world.patch(&path, operations).await;
        assert_eq!((answer.status.as_u16(), &answer.body["active"]), (200, &json!(active)));
    }
    let removed = world.scim("DELETE", &path).send().await;
    assert_eq!((removed.status.as_u16(), removed.text.as_str()), (204, ""));
    assert_eq!(world.scim("DELETE", &path).send().await.status, 404);
}

#[tokio::test]
async fn a_group_is_provisioned_from_first_to_last() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let bob = world.provision("bob").await;
    let new = json!({
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        "displayName": "Sales & Marketing",
        "meta": {"resourceType": "Group"},
    });
    let added = world.scim("POST", "/Groups").json(&new).await;
    assert_eq!(added.status, 201, "{}", added.body);
    assert_eq!(added.body["id"], json!("Sales-Marketing"));
    let path = path_of(&added.body);
    for filter in [
        r#"displayName eq "sales %26 marketing""#,
        r#"externalId eq "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159""#,
    ] {
        let (count, found) = world.found("/Groups", filter).await;
        assert_eq!((count, &found["Resources"][0]["id"]), (1, &added.body["id"]), "{filter}");
    }
    let without = format!("{path}?excludedAttributes=members");
    assert_eq!(world.scim("GET", &without).send().await.status, 200);

    let renamed = json!([{"op": "Replace", "path": "displayName", "value": "Verkauf"}]);
    let renamed = world.patch(&path, renamed).await;
    assert_eq!(renamed.body["displayName"], json!("Verkauf"), "{}", renamed.body);
    assert_eq!(renamed.body["id"], added.body["id"], "what applications see stays");

    let id = |user: &Value| user["id"].as_str().unwrap().to_owned();
    let members = json!([{"op": "Add", "path": "members",
        "value": [{"$ref": null, "value": id(&ada)}, {"value": id(&bob)}]}]);
    let joined = world.patch(&path, members).await;
    assert_eq!(joined.body["members"].as_array().unwrap().len(), 2, "{}", joined.body);
    let is_member = format!(r#"id eq "Sales-Marketing" and members eq "{}""#, id(&ada));
    assert_eq!(world.found("/Groups", &is_member).await.0, 1);
    let of_ada = format!(r#"members[value eq "{}"]"#, id(&ada));
    assert_eq!(world.found("/Groups", &of_ada).await.0, 1);
    let shown = world.scim("GET", &format!("/Users/{}", id(&ada))).send().await;
    assert_eq!(shown.body["groups"][0]["display"], json!("Verkauf"));

    let left = json!([{"op": "Remove", "path": "members", "value": [{"value": id(&ada)}]}]);
    let left = world.patch(&path, left).await;
    assert_eq!(left.body["members"][0]["value"], bob["id"], "{}", left.body);
    assert_eq!(world.found("/Groups", &is_member).await.0, 0);
    let user = world.user(&id(&ada)).await.unwrap();
    assert!(user.groups.is_empty());
    assert_eq!(world.scim("DELETE", &path).send().await.status, 204);
    assert_eq!(world.scim("GET", &path).send().await.status, 404);
}
