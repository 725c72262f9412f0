//! Groups in tokens, in userinfo and in what a user may download.

use doorward_provider::model::{
    group::{Group, GroupName, StoredGroup},
    resource::IdentityResource,
};
use serde_json::{Value, json};

use crate::support::{
    Browser, REDIRECT, Setup, World, authorize_url, changed, claims, client_settings, code_request,
    resources_with,
};

fn name(text: &str) -> GroupName {
    GroupName::parse(text).unwrap()
}

/// A world where alice, who has the role admin by herself, is in the group `staff`.
async fn world() -> World {
    let groups = IdentityResource {
        name: "groups".to_owned(),
        display_name: "Your groups".to_owned(),
        user_claims: ["groups", "role", "cost_centre"].map(str::to_owned).to_vec(),
        required: false,
    };
    let settings = json!({
        "allowed_scopes": ["openid", "groups", "MyBackendApi2"],
        "always_include_user_claims_in_id_token": true, "allow_offline_access": true,
    });
    let clients = vec![client_settings("Groups", settings)];
    let resources = Some(resources_with(vec![groups]));
    let world = World::with(Setup { clients, resources, ..Setup::default() }).await;
    let mut staff = Group::new(name("staff"));
    staff.roles = vec!["editor".to_owned()];
    staff.claims.0.insert("cost_centre".to_owned(), json!("4711"));
    assert!(world.store().add_group(StoredGroup { group: staff, version: 1 }).await.unwrap());
    world.store().add_group_member(&name("staff"), &"alice".parse().unwrap()).await.unwrap();
    world
}

async fn tokens(world: &World) -> Value {
    let scope = "openid groups offline_access MyBackendApi2";
    let url = authorize_url(&[("client_id", "Groups"), ("scope", scope)]);
    let code = Browser::signed_in(world, "alice").await.get(&url).await.expect_code(REDIRECT);
    world.token(&changed(code_request(&code), &[("client_id", "Groups")])).await.json()
}

async fn renewed(world: &World, tokens: &Value) -> Value {
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", "Groups"),
        ("refresh_token", refresh_token),
    ];
    world.token(&pairs).await.json()
}

#[tokio::test]
async fn a_group_gives_its_name_roles_and_claims() {
    let world = world().await;
    let tokens = tokens(&world).await;
    let userinfo = world.userinfo(&tokens["access_token"]).await.json();
    for told in [claims(&tokens["id_token"]), userinfo] {
        assert_eq!(told["groups"], json!(["staff"]));
        assert_eq!(told["role"], json!(["admin", "editor"]));
        assert_eq!(told["cost_centre"], "4711");
    }
    let access_token = claims(&tokens["access_token"]);
    assert_eq!(access_token["role"], json!(["admin", "editor"]), "for the API, too");
    assert_eq!(access_token.get("cost_centre"), None, "the API did not ask for it");
}

#[tokio::test]
async fn what_a_group_has_lost_is_gone_with_the_next_renewal() {
    let world = world().await;
    let first = tokens(&world).await;
    world.store().remove_group_member(&name("staff"), &"alice".parse().unwrap()).await.unwrap();
    let second = renewed(&world, &first).await;
    assert_eq!(claims(&second["access_token"])["role"], "admin");
    let userinfo = world.userinfo(&first["access_token"]).await.json();
    assert_eq!((userinfo.get("groups"), &userinfo["role"]), (None, &json!("admin")));
    world.store().add_group_member(&name("staff"), &"alice".parse().unwrap()).await.unwrap();
    let mut staff = world.store().group(&name("staff")).await.unwrap().unwrap();
    staff.group.roles = vec!["reader".to_owned()];
    assert!(world.store().replace_group(staff.group, staff.version).await.unwrap());
    let third = renewed(&world, &second).await;
    assert_eq!(claims(&third["access_token"])["role"], json!(["admin", "reader"]));
    assert!(world.store().remove_group(&name("staff"), None).await.unwrap());
    let fourth = renewed(&world, &third).await;
    assert_eq!(claims(&fourth["access_token"])["role"], "admin");
}
