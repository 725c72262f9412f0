//! Lists: pages, filters and sorts, and what no index answers.

use serde_json::{Value, json};

use super::{GROUP, USER, assert_error};
use crate::support::{World, now, user};

fn names(answer: &Value) -> Vec<&str> {
    let resources = answer["Resources"].as_array().unwrap();
    resources.iter().map(|one| one["userName"].as_str().unwrap_or("-")).collect()
}

async fn get(world: &World, query: &str) -> Value {
    let answer = world.scim("GET", &format!("/Users?{query}")).send().await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    answer.body
}

#[tokio::test]
async fn users_are_listed_in_pages() {
    let world = World::new().await;
    // adam, alice, helen, olga and udo are there.
    let all = get(&world, "").await;
    assert_eq!(names(&all), ["adam", "alice", "helen", "olga", "udo"]);
    assert_eq!((&all["totalResults"], &all["itemsPerPage"]), (&json!(5), &json!(5)));
    for (query, expected) in [
        ("startIndex=1&count=2", vec!["adam", "alice"]),
        ("startIndex=4&count=2", vec!["olga", "udo"]),
        ("startIndex=5", vec!["udo"]),
        ("startIndex=6", vec![]),
        ("count=0", vec![]),
        ("sortBy=userName&sortOrder=descending&count=2", vec!["udo", "olga"]),
        ("sortBy=username&sortOrder=descending&startIndex=4", vec!["alice", "adam"]),
        ("filter=active eq true&startIndex=2&count=2", vec!["alice", "helen"]),
        ("filter=active eq false", vec![]),
    ] {
        let answer = get(&world, query).await;
        assert_eq!(names(&answer), expected, "{query}");
        assert_eq!(answer["itemsPerPage"], json!(expected.len()));
    }
    let disabled = json!({"schemas": [USER], "userName": "bob", "active": false});
    world.scim("POST", "/Users").json(&disabled).await;
    let answer = get(&world, "filter=active eq false&count=1").await;
    assert_eq!((names(&answer), &answer["totalResults"]), (vec!["bob"], &json!(1)));
    let answer = get(&world, "filter=active eq true&count=1").await;
    assert_eq!(answer["totalResults"], json!(5));
}

#[tokio::test]
async fn what_is_found_is_sorted_and_paged() {
    let world = World::new().await;
    for (name, title) in [("x1", Some("b")), ("x2", None), ("x3", Some("A"))] {
        let mut new = json!({"schemas": [USER], "userName": name});
        if let Some(title) = title {
            new["title"] = json!(title);
        }
        assert_eq!(world.scim("POST", "/Users").json(&new).await.status, 201);
    }
    for (query, expected) in [
        ("filter=userName sw \"X\"", vec!["x1", "x2", "x3"]),
        ("filter=userName sw \"x\"&sortBy=title", vec!["x3", "x1", "x2"]),
        ("filter=userName sw \"x\"&sortBy=title&startIndex=2&count=1", vec!["x1"]),
        ("filter=userName sw \"x\" and title pr", vec!["x1", "x3"]),
        ("filter=userName sw \"x\" and not (title eq \"a\")", vec!["x1", "x2"]),
        ("filter=userName eq \"x1\" or userName eq \"X3\" or userName eq \"no\"", vec!["x1", "x3"]),
        ("filter=emails sw \"al\"", vec!["alice"]),
        ("filter=displayName eq \"alice\"", vec!["alice"]),
        ("filter=displayName sw \"al\" and emails pr", vec!["alice"]),
        ("filter=id eq \"alice\"", vec!["alice"]),
        ("filter=id eq \"Alice\"", vec![]),
    ] {
        let answer = get(&world, query).await;
        assert_eq!(names(&answer), expected, "{query}");
    }
    let answer = get(&world, "filter=id eq \"alice\"&attributes=userName,emails.value").await;
    assert_eq!(answer["Resources"][0].as_object().unwrap().len(), 4);
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "userName sw \"x\"", "count": 1, "startIndex": 2, "attributes": ["userName"]});
    let answer = world.scim("POST", "/Users/.search").json(&search).await;
    assert_eq!((names(&answer.body), answer.status.as_u16()), (vec!["x2"], 200));
}

#[tokio::test]
async fn what_no_index_answers_is_refused() {
    let world = World::new().await;
    for filter in [
        "title eq \"x\"",
        "userName co \"a\"",
        "userName pr",
        "not (userName eq \"a\")",
        "userName eq \"a\" or title eq \"b\"",
        "userName sw \"\"",
        "meta.lastModified gt \"2011-05-13T04:42:34Z\"",
        "userName eq",
        "roles eq \"x\"",
        "password eq \"x\"",
    ] {
        let answer = world.scim("GET", &format!("/Users?filter={filter}")).send().await;
        assert_error(&answer, 400, "invalidFilter", filter);
    }
    for filter in [
        "displayName sw \"a\"",
        "members co \"a\"",
        "members pr",
        "externalId pr",
        "id eq \"staff\" and members[type eq \"User\"]",
        "id eq \"staff\" and not (members pr)",
    ] {
        let answer = world.scim("GET", &format!("/Groups?filter={filter}")).send().await;
        assert_error(&answer, 400, "invalidFilter", filter);
    }
    for query in ["sortBy=title", "sortBy=emails"] {
        let answer = world.scim("GET", &format!("/Users?{query}")).send().await;
        assert_error(&answer, 400, "invalidValue", query);
    }
}

#[tokio::test]
async fn groups_are_listed_in_pages() {
    let world = World::new().await;
    for name in ["b", "a", "C"] {
        let new = json!({"schemas": [GROUP], "displayName": name});
        assert_eq!(world.scim("POST", "/Groups").json(&new).await.status, 201);
    }
    for (query, expected) in [
        ("", vec!["C", "a", "b", "staff"]),
        ("?startIndex=2&count=2", vec!["a", "b"]),
        ("?sortBy=id&sortOrder=descending&count=1", vec!["staff"]),
        ("?filter=displayName eq \"c\"", vec!["C"]),
        ("?filter=displayName eq \"c\" or displayName eq \"STAFF\"", vec!["C", "staff"]),
        ("?startIndex=9", vec![]),
    ] {
        let answer = world.scim("GET", &format!("/Groups{query}")).send().await;
        let resources = answer.body["Resources"].as_array().unwrap();
        let ids: Vec<&str> = resources.iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
}

#[tokio::test]
async fn a_user_is_found_by_each_address() {
    let world = World::new().await;
    let emails = json!([{"value": "ada@work.example", "type": "work", "primary": true},
        {"value": "Ada@Home.example", "type": "home"}]);
    let new = json!({"schemas": [USER], "userName": "ada", "emails": emails});
    assert_eq!(world.scim("POST", "/Users").json(&new).await.status, 201);
    for query in [
        "filter=emails eq \"ada@work.example\"",
        "filter=emails.value eq \"ADA@home.example\"",
        "filter=emails[type eq \"home\" and value eq \"ada@home.example\"]",
        "filter=emails sw \"ada@home\"",
        "filter=emails sw \"ada@\"",
    ] {
        assert_eq!(names(&get(&world, query).await), ["ada"], "{query}");
    }
    let query = "filter=emails[type eq \"work\" and value eq \"ada@home.example\"]";
    assert_eq!(names(&get(&world, query).await), [""; 0]);
}

#[tokio::test]
async fn a_user_who_is_found_by_two_addresses_counts_once() {
    let world = World::new().await;
    let users = (0..600).map(|number| {
        let mut one = user(&format!("team-{number}"), None);
        let addresses = [format!("team-{number}@work.example"), format!("team-{number}@a.example")];
        one.claims_mut().insert("email".to_owned(), json!(addresses[0]));
        let emails = addresses.map(|address| json!({"value": address}));
        one.claims_mut().insert("scim".to_owned(), json!({"emails": emails}));
        one
    });
    world.store.import_users(users.collect(), now()).await.unwrap();
    let answer = get(&world, "filter=emails sw \"team-\"&count=1").await;
    assert_eq!(answer["totalResults"], json!(600), "no more than 1000");
}
