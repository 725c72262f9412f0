//! The audit history: what requests leave in the store.

use axum::http::StatusCode;
use doorward_provider::{
    audit::{ActorKind, ChainKey, Filter, KeptRecord, Outcome, Record},
    store::Store,
    use_case::audit_trail::verify,
};
use doorward_provider_http::RequestId;
use serde_json::json;
use tokio::sync::watch;

use crate::support::{Browser, World, code_request, form_request, with_header};

/// The records of everything that has happened, the first one first.
pub async fn records(world: &World) -> Vec<KeptRecord> {
    let (_stop, stopped) = watch::channel(true);
    world.provider.deliveries().keep_audit_records(stopped).await;
    world.store().audit_records_from(0, 1000).await.unwrap()
}

fn events(records: &[KeptRecord]) -> Vec<&str> {
    records.iter().map(|kept| kept.stamped.record.event.as_str()).collect()
}

#[tokio::test]
async fn what_a_request_does_is_kept_but_no_renewal() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = browser.tokens(&[]).await;
    assert_eq!(world.refresh(&tokens["refresh_token"]).await.status, StatusCode::OK);
    let records = records(&world).await;
    assert_eq!(events(&records), ["signed_in", "tokens_issued"]);
    let signed_in = &records[0].stamped.record;
    assert_eq!(signed_in.actor.kind, ActorKind::User);
    assert_eq!((signed_in.actor.name.as_deref(), signed_in.sub.as_deref()), {
        (Some("alice"), Some("alice"))
    });
    assert_eq!(signed_in.address.as_deref(), Some("127.0.0.1"));
    let issued = &records[1].stamped.record;
    assert_eq!((issued.actor.kind, issued.actor.name.as_deref()), {
        (ActorKind::Client, Some("PkceJS"))
    });
    let details = &issued.data.parts()["details"];
    assert_eq!(*details, json!({"grant_type": "authorization_code"}));
    let text: Vec<String> = records.iter().map(|kept| kept.to_json().to_string()).collect();
    let secrets = ["access_token", "refresh_token", "id_token"].map(|name| tokens[name].as_str());
    for secret in secrets.into_iter().flatten() {
        assert!(text.iter().all(|text| !text.contains(secret)));
    }
}

#[tokio::test]
async fn a_record_names_its_request_and_what_sent_it() {
    let world = World::new().await;
    let pairs = [("grant_type", "refresh_token"), ("client_id", "PkceJS"), ("refresh_token", "x")];
    let mut request = with_header(form_request("/connect/token", &pairs), "user-agent", "curl/8");
    request.extensions_mut().insert(RequestId("0a-7".to_owned()));
    assert_eq!(world.send(request).await.status, StatusCode::BAD_REQUEST);
    world.post("/connect/token", &pairs).await;
    let records = records(&world).await;
    assert_eq!(events(&records), ["token_refused", "token_refused"]);
    let refused = &records[0].stamped.record;
    assert_eq!(refused.outcome, Outcome::Refused);
    assert_eq!(refused.user_agent.as_deref(), Some("curl/8"));
    assert_eq!(refused.request_id.as_deref(), Some("0a-7"));
    assert_eq!(refused.client_id.as_deref(), Some("PkceJS"));
    assert!(refused.data.parts()["details"]["cause"].is_string());
    assert_eq!(records[1].stamped.record.request_id, None, "the next request is another one");
    let filter = Filter { request_id: Some("0a-7".to_owned()), ..Filter::default() };
    assert_eq!(world.store().audit_records(&filter, None, 9).await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn refusals_beyond_the_bound_are_counted() {
    let world = World::new().await;
    let pairs = [("grant_type", "refresh_token"), ("client_id", "PkceJS"), ("refresh_token", "x")];
    for _ in 0..605 {
        world.post("/connect/token", &pairs).await;
    }
    world.clock.advance(60);
    let records = records(&world).await;
    let (last, refused) = records.split_last().unwrap();
    assert_eq!(events(refused), vec!["token_refused"; 600]);
    assert_eq!(last.stamped.record.event, "refusals_left_out");
    assert_eq!(last.stamped.record.data.parts()["details"], json!({"count": 5}));
}

#[tokio::test]
async fn what_is_revoked_already_is_not_recorded_again() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let code = browser.code(&[]).await;
    let tokens = world.token(&code_request(&code)).await.json();
    for _ in 0..3 {
        world
            .token(&code_request(&code))
            .await
            .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    for _ in 0..3 {
        let replay = world.refresh(&tokens["refresh_token"]).await;
        replay.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    for kind in ["refresh_token", "access_token"] {
        let tokens = browser.tokens(&[]).await;
        let token = tokens[kind].as_str().unwrap();
        for _ in 0..3 {
            let pairs = [("client_id", "PkceJS"), ("token", token)];
            assert_eq!(world.post("/connect/revocation", &pairs).await.status, StatusCode::OK);
        }
    }
    let records = records(&world).await;
    let count = |name: &str| events(&records).iter().filter(|event| **event == name).count();
    assert_eq!(count("code_replayed"), 1);
    assert_eq!(count("token_revoked"), 2, "one for each token");
    assert_eq!(count("token_refused"), 6);
}

#[tokio::test]
async fn what_is_kept_is_sealed_and_a_change_is_found() {
    let world = World::new().await;
    let change = |name: &str| {
        let actor = doorward_provider::audit::Actor::new(ActorKind::User, Some("carol"));
        Record::new("group_changed", Outcome::Succeeded, actor)
            .on("group", name)
            .changing(Some(json!({"roles": []})), Some(json!({"roles": ["admin"]})))
    };
    world.provider.audit().write(change("staff")).await.unwrap();
    world.provider.audit().write(change("crew")).await.unwrap();
    let kept = records(&world).await;
    assert!(kept.iter().all(|kept| kept.seal.is_some()));
    assert_eq!(kept[0].to_json()["after"], json!({"roles": ["admin"]}));
    let now = world.provider.now();
    let foreign = ChainKey::from_bytes(&[1; 32]);
    let store: &dyn Store = &**world.store();
    let report = verify(store, &foreign, None, now).await.unwrap();
    assert!(!report.breaks.is_empty(), "another key makes other codes");
    assert_eq!(report.head.position, 2);
}
