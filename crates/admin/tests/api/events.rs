//! The audit history over the API.

use std::collections::BTreeSet;

use doorward_provider::audit::{Actor, ActorKind, Data, Outcome, Record};
use serde_json::{Map, Value, json};

use crate::support::World;

/// A record with every column, of this number.
fn record(number: usize) -> Record {
    let actor = Actor::new(ActorKind::Operator, Some(&format!("actor-{number}")));
    let text = |name: &str| Some(format!("{name}-{number}"));
    Record {
        client_id: text("client"),
        address: text("address"),
        user_agent: text("agent"),
        request_id: text("request"),
        data: Data::new(Map::new(), Some(json!({"n": number})), Some(json!({"n": null}))),
        ..Record::new(&format!("event_{number}"), Outcome::Denied, actor)
            .on_user(&format!("sub-{number}"))
            .on(&format!("kind-{number}"), &format!("object-{number}"))
    }
}

/// A world with this many records of the past, and two that differ in kind.
async fn with_records(count: usize) -> World {
    let world = World::new().await;
    for number in 0..count {
        world.provider.audit().write(record(number)).await.unwrap();
    }
    world
}

async fn events(world: &World, query: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get("udo", &format!("/events?limit=2&{query}{cursor}")).await;
        assert_eq!(page.status, 200, "{query}: {}", page.body);
        let items = page.body["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        found.extend(items.iter().map(|item| item["event"].as_str().unwrap().to_owned()));
        match page.body.get("next").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn records_are_found_by_each_column_and_come_in_pages() {
    let world = with_records(5).await;
    let all = ["event_4", "event_3", "event_2", "event_1", "event_0"];
    assert_eq!(events(&world, "").await, all);
    for query in [
        "event=event_3",
        "actor=actor-3",
        "sub=sub-3",
        "object_kind=kind-3",
        "object=object-3",
        "client_id=client-3",
        "address=address-3",
        "user_agent=agent-3",
        "request_id=request-3",
        "sub=sub-3&event=event_3&outcome=denied",
    ] {
        assert_eq!(events(&world, query).await, ["event_3"], "{query}");
    }
    assert_eq!(events(&world, "outcome=denied&actor_kind=operator").await, all);
    assert_eq!(events(&world, "from=1&until=9999999999").await, all);
    for query in ["outcome=failed", "until=1", "sub=sub-3&event=event_1", "sub=%27+OR+1"] {
        assert_eq!(events(&world, query).await, [""; 0], "{query}");
    }
    let one = world.get("udo", "/events?sub=sub-3").await.body["items"][0].clone();
    assert_eq!((&one["before"], &one["after"]), (&json!({"n": 3}), &json!({"n": null})));
    assert_eq!((&one["actor_kind"], &one["outcome"]), (&json!("operator"), &json!("denied")));
}

#[tokio::test]
async fn a_search_that_is_not_one_is_refused() {
    let world = World::new().await;
    let long = format!("sub={}", "x".repeat(513));
    for query in [
        "outcome=x",
        "actor_kind=x",
        "from=x",
        "unknown=1",
        "sub=%00",
        "event=a%0Ab",
        "limit=0",
        "cursor=x",
        "cursor=e30",
        "sub=a&sub=b",
        &long,
    ] {
        for path in ["/events", "/events/export"] {
            let answer = world.get("udo", &format!("{path}?{query}")).await;
            assert_eq!(answer.status, 400, "{path}?{query}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn an_export_has_every_record_once() {
    let world = with_records(1_203).await;
    // A record gets its position when it is sealed, some time after it was written.
    assert_eq!(world.history().await.len(), 1_203);
    let answer = world.get("udo", "/events/export").await;
    assert_eq!(answer.headers["content-type"], "application/jsonl");
    let lines: Vec<Value> =
        answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: BTreeSet<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (1_203, 1_203));
    assert!(lines.iter().all(|line| line["position"].is_number()), "all exports are the same");
    assert_eq!(
        (&lines[0]["event"], &lines[1_202]["event"]),
        (&json!("event_1202"), &json!("event_0"))
    );
    let one = world.get("udo", "/events/export?sub=sub-3").await;
    let listed = world.get("udo", "/events?sub=sub-3").await;
    assert_eq!(one.body["id"], listed.body["items"][0]["id"], "one line is JSON");
    assert_eq!(one.body["before"], listed.body["items"][0]["before"]);
    let oldest = world.get("udo", "/events/export?order=oldest").await;
    let turned: Vec<&str> = oldest.text.lines().rev().collect();
    assert_eq!(turned, answer.text.lines().collect::<Vec<_>>());
    let one = world.get("udo", "/events/export?sub=sub-3&order=oldest").await;
    assert_eq!(one.body["id"], listed.body["items"][0]["id"]);
    for query in ["/events/export?order=newest", "/events?order=oldest"] {
        assert_eq!(world.get("udo", query).await.status, 400, "{query}");
    }
    let none = world.get("udo", "/events/export?sub=nobody").await;
    assert_eq!((none.status.as_u16(), none.text.as_str()), (200, ""));
}

#[tokio::test]
async fn a_record_has_the_members_that_the_document_says() {
    let world = with_records(1).await;
    let document = world.document().await;
    let schema = &document["components"]["schemas"]["EventRecord"];
    let described = schema.to_string();
    let record = world.get("udo", "/events").await.body["items"][0].clone();
    for member in record.as_object().unwrap().keys() {
        let is_part = ["details", "before", "after"].contains(&member.as_str());
        assert!(is_part || described.contains(&format!("\"{member}\"")), "{member}: {described}");
    }
}
