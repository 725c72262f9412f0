//! The caller, numbers, keys, resources, configuration, and the rate limit.

use doorward_provider::{
    audit::{Actor, ActorKind, ChainKey, Outcome, Record},
    model::time::Timestamp,
};
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn the_caller_is_told_what_they_may_do() {
    let world = World::new().await;
    let names = |body: &serde_json::Value| -> Vec<String> {
        let operations = body["operations"].as_array().unwrap();
        operations.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let olga = world.get("olga", "/me").await;
    assert_eq!(olga.body["role"], json!("owner"));
    assert_eq!(names(&olga.body).len(), doorward_admin::Operation::ALL.len());
    let helen = world.get("helen", "/me").await;
    assert!(names(&helen.body).contains(&"reset_factors".to_owned()));
    assert!(!names(&helen.body).contains(&"list_clients".to_owned()));
    let token = world.token("olga").claim("acr", "urn:doorward:acr:1");
    let weak = world.call("GET", "/me").bearing(token).send().await;
    let operations = weak.body["operations"].as_array().unwrap();
    let retire = operations.iter().find(|one| one["name"] == json!("retire_key")).unwrap();
    assert_eq!(retire["needs_sign_in"], json!(true));
}

#[tokio::test]
async fn numbers_resources_and_configuration_are_shown() {
    let world = World::new().await;
    let overview = world.get("udo", "/overview").await;
    assert_eq!(overview.body["users"], json!(5));
    assert_eq!(overview.body["sessions"], json!(0));
    assert_eq!(overview.body["all_sessions_counted"], json!(true));
    assert!(overview.body["oldest_signing_key"].is_i64());
    let resources = world.get("udo", "/resources").await;
    assert_eq!(resources.body["api_resources"][0]["name"], json!("admin"));
    assert!(resources.body["read_only"].as_str().unwrap().contains("doorward.toml"));
    let configuration = world.get("udo", "/configuration").await;
    assert_eq!(configuration.body["toml"], json!("[provider]\n"));
}

#[tokio::test]
async fn sign_ins_of_the_last_day_are_counted_by_the_hour() {
    let world = World::new().await;
    let (key, now) = (ChainKey::from_bytes(&[7; 32]), crate::support::now().seconds());
    let this_hour = now / 3600 * 3600;
    let record = |id: usize, event: &'static str, at: i64| {
        let record = Record::new(event, Outcome::Succeeded, Actor::new(ActorKind::System, None));
        key.stamp(record, format!("test-{id}"), Timestamp::from_seconds(at))
    };
    let events = [
        ("signed_in", this_hour),
        ("signed_in", this_hour),
        ("signed_in", this_hour - 23 * 3600),
        ("signed_in", this_hour - 23 * 3600 - 1),
        ("sign_in_refused", this_hour - 1),
        ("second_step_refused", this_hour - 3600),
        ("user_added", this_hour),
    ];
    let records = events.iter().enumerate().map(|(id, (event, at))| record(id, event, *at));
    world.store.add_audit_records(records.collect()).await.unwrap();
    let activity = world.get("helen", "/activity").await;
    let hours = activity.body["hours"].as_array().unwrap();
    assert_eq!((hours.len(), &activity.body["is_whole"]), (24, &json!(true)));
    let expected =
        |from, sign_ins, refused| json!({"from": from, "sign_ins": sign_ins, "refused": refused});
    assert_eq!(hours[0], expected(this_hour - 23 * 3600, 1, 0));
    assert_eq!(hours[22], expected(this_hour - 3600, 0, 2));
    assert_eq!(hours[23], expected(this_hour, 2, 0));
}

#[tokio::test]
async fn keys_are_rotated_and_retired() {
    let world = World::new().await;
    let before = world.get("udo", "/keys").await;
    let signing = before.body["items"][0]["kid"].as_str().unwrap().to_owned();
    assert_eq!(before.body["items"][0]["state"], json!("signs"));
    assert!(!before.body.to_string().contains("sealed"));
    assert_eq!(world.call("POST", "/keys").by("olga").send().await.status, 201);
    let kept = world.call("DELETE", &format!("/keys/{signing}")).by("olga").send().await;
    assert_eq!(kept.status, 409, "it signs");
    let path = format!("/keys/{signing}?replace=true");
    assert_eq!(world.call("DELETE", &path).by("olga").send().await.status, 204);
    assert_eq!(world.call("DELETE", &path).by("olga").send().await.status, 404);
    let after = world.get("udo", "/keys").await;
    let items = after.body["items"].as_array().unwrap();
    assert!(items.iter().all(|key| key["kid"] != json!(signing)));
    assert!(items.iter().any(|key| key["state"] == json!("signs")));
    // The page of the keys asks for this.
    let history = world.get("udo", "/events?object_kind=kid").await;
    let events = history.body["items"].as_array().unwrap().iter();
    let succeeded = events.filter(|record| record["outcome"] == json!("succeeded"));
    let rotated = succeeded.clone().find(|record| record["event"] == json!("keys_rotated"));
    let made = rotated.unwrap()["object"].as_str().unwrap();
    assert!(items.iter().any(|key| key["kid"] == json!(made)), "{made}");
    assert!(succeeded.clone().any(|record| record["event"] == json!("key_retired")));
    // Each key that was made is found by its name, also the one in place of another.
    for kid in items.iter().map(|key| key["kid"].as_str().unwrap()) {
        let found = world.get("udo", &format!("/events?event=keys_rotated&object={kid}")).await;
        assert_eq!(found.body["items"].as_array().unwrap().len(), 1, "{kid}: {}", found.body);
    }
}

#[tokio::test]
async fn a_caller_has_so_many_requests_in_a_minute() {
    let world = World::with_rate(3).await;
    let mut refused = 0;
    // The minute may end once meanwhile.
    for _ in 0..8 {
        let answer = world.get("olga", "/me").await;
        if answer.status == 429 {
            assert!(answer.headers.contains_key("retry-after"));
            refused += 1;
        }
    }
    assert!(refused >= 2, "{refused}");
    assert_ne!(world.get("adam", "/me").await.status, 429, "another caller");
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_problem() {
    let world = World::new().await;
    for path in ["/users/nobody", "/users/nobody/sessions", "/clients/nothing", "/users/%00"] {
        assert_eq!(world.get("olga", path).await.status, 404, "{path}");
    }
    let answer = world.call("PUT", "/users").by("olga").send().await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn there_are_no_more_keys_than_verifiers_can_read() {
    let world = World::new().await;
    let mut statuses = Vec::new();
    for _ in 0..21 {
        statuses.push(world.call("POST", "/keys").by("olga").send().await.status.as_u16());
    }
    assert_eq!(statuses, [vec![201; 19], vec![409; 2]].concat(), "one was there");
    assert_eq!(world.get("olga", "/keys").await.body["items"].as_array().unwrap().len(), 20);
}
