//! The passkeys of a user: seen with name and last use, and removed one by one.

use doorward_protocol::base64url;
use doorward_provider::{
    model::{
        account_notice::{AccountNotices, FactorAddition},
        factor::StoredPasskey,
    },
    store::AddedPasskey,
};
use serde_json::json;

use crate::support::{World, now, user};

/// Gives a user a passkey of this number, and another one, so that none is the last way in. Returns
/// what names it.
pub async fn passkey(world: &World, sub: &str, number: u8) -> String {
    for number in [number, number + 100] {
        let passkey = StoredPasskey {
            credential_id: vec![number; 20],
            sub: sub.parse().unwrap(),
            user_handle: vec![9; 16],
            name: format!("Key {number}"),
            credential: "{}".to_owned(),
            counter: 0,
            backup_eligible: true,
            backed_up: true,
            created_at: now(),
            used_at: None,
        };
        let notices = AccountNotices::default();
        let addition = FactorAddition { session: None, notices, at: now() };
        let added = world.store.add_passkey(passkey, 20, addition).await.unwrap();
        assert_eq!(added, AddedPasskey::Added);
    }
    base64url::encode(vec![number; 20])
}

#[tokio::test]
async fn one_passkey_is_removed_and_the_others_stay() {
    let world = World::new().await;
    let id = passkey(&world, "alice", 1).await;
    let listed = world.get("udo", "/users/alice/passkeys").await;
    let rows = listed.body["items"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{}", listed.body);
    let row = rows.iter().find(|row| row["id"] == json!(id)).unwrap();
    assert_eq!((&row["name"], &row["last_used"]), (&json!("Key 1"), &json!(null)));
    let path = format!("/users/alice/passkeys/{id}");
    let remove = |sub: &str| world.call("DELETE", &path).by(sub).send();
    assert_eq!(remove("udo").await.status, 403);
    assert_eq!(remove("helen").await.status, 204);
    assert_eq!(remove("helen").await.status, 404);
    let left = world.get("udo", "/users/alice/passkeys").await;
    assert_eq!(left.body["items"].as_array().unwrap().len(), 1);
    let of_another = passkey(&world, "udo", 2).await;
    let path = format!("/users/alice/passkeys/{of_another}");
    assert_eq!(world.call("DELETE", &path).by("olga").send().await.status, 404);
}

#[tokio::test]
async fn nobody_takes_a_passkey_from_who_may_do_more_or_takes_the_last_way_in() {
    let world = World::new().await;
    let id = passkey(&world, "olga", 3).await;
    let path = format!("/users/olga/passkeys/{id}");
    assert_eq!(world.call("DELETE", &path).by("helen").send().await.status, 403);
    world.store.put_user(user("eve", None), now()).await.unwrap();
    let id = passkey(&world, "eve", 4).await;
    let path = |id: &str| format!("/users/eve/passkeys/{id}");
    assert_eq!(world.call("DELETE", &path(&id)).by("adam").send().await.status, 204);
    let last = base64url::encode([104; 20]);
    let answer = world.call("DELETE", &path(&last)).by("adam").send().await;
    assert_eq!(answer.status, 409, "{}", answer.body);
}
