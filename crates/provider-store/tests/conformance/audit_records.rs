//! Audit records: kept, found, sealed in one chain, removed from its beginning.

use std::collections::BTreeSet;

use doorward_provider::{
    audit::{
        Actor, ActorKind, Break, Chain, ChainKey, Cursor, Data, Filter, KeptRecord, Outcome,
        Record, StampedRecord, Verification,
    },
    model::{signing_key::SealedKey, time::Seconds},
    store::AuditDelivery,
};
use serde_json::json;

use super::fixtures::{Tested, at, parallel};

fn key() -> ChainKey {
    ChainKey::from_bytes(&[7; 32])
}

fn stamp(id: &str, second: i64, record: Record) -> StampedRecord {
    key().stamp(record, id.to_owned(), at(second))
}

fn plain(id: &str, second: i64) -> StampedRecord {
    let actor = Actor::new(ActorKind::User, Some("alice"));
    stamp(id, second, Record::new("signed_in", Outcome::Succeeded, actor).on_user("alice"))
}

/// One with every column.
fn full(id: &str, second: i64) -> StampedRecord {
    let actor = Actor::new(ActorKind::Operator, Some("root"));
    let record = Record {
        client_id: Some("page".to_owned()),
        address: Some("192.0.2.1".to_owned()),
        user_agent: Some("Mozilla/5.0 (\"Zo\u{eb}\")".to_owned()),
        request_id: Some("0a-1".to_owned()),
        data: Data::new(
            serde_json::Map::new(),
            Some(json!({"b": 1, "a": 2})),
            Some(json!({"b": "\0", "a": 1e300})),
        ),
        ..Record::new("group_changed", Outcome::Denied, actor).on_user("bob").on("group", "staff")
    };
    stamp(id, second, record)
}

async fn add(store: &Tested, records: Vec<StampedRecord>) {
    store.add_audit_records(records).await.unwrap();
}

async fn found(store: &Tested, filter: Filter) -> Vec<String> {
    let page = store.audit_records(&filter, None, 100).await.unwrap();
    assert_eq!(page.next, None);
    page.records.into_iter().map(|kept| kept.stamped.id).collect()
}

/// Seals what waits, at most `limit` records, as one process; returns whether nobody was faster.
async fn seal(store: &Tested, limit: u32) -> bool {
    let chain = store.audit_chain().await.unwrap();
    let waiting = store.waiting_audit_records(limit).await.unwrap();
    let mut anchor = Chain::head_of(chain.as_ref());
    let mut seals = Vec::new();
    for kept in waiting {
        let seal = key().seal(anchor, kept.number, kept.stamped.mac);
        anchor = seal.anchor();
        seals.push(seal);
    }
    let base = Chain::base_of(chain.as_ref());
    let found = chain.map(|chain| chain.proof);
    store.seal_audit_records(found, key().chain(base, anchor), seals).await.unwrap()
}

async fn breaks(store: &Tested) -> Vec<Break> {
    let key = key();
    let chain = store.audit_chain().await.unwrap().unwrap();
    let mut verification = Verification::begin(&key, chain);
    loop {
        let after = verification.reached().position;
        let page = store.sealed_audit_records(after, 7).await.unwrap();
        if page.is_empty() {
            return verification.end();
        }
        for place in &page {
            verification.next(place);
        }
    }
}

pub async fn kept_as_they_were_stamped(store: Tested) {
    let records = vec![plain("a", 1), full("b", 2)];
    add(&store, records.clone()).await;
    let kept = store.audit_records(&Filter::default(), None, 10).await.unwrap().records;
    let stamped: Vec<_> = kept.iter().rev().map(|kept| kept.stamped.clone()).collect();
    assert_eq!(stamped, records);
    assert!(kept.iter().all(|kept| key().is_as_stamped(&kept.stamped) && kept.seal.is_none()));
    let in_order = store.audit_records_from(0, 10).await.unwrap();
    assert_eq!(in_order.iter().rev().cloned().collect::<Vec<_>>(), kept);
    assert_eq!(store.audit_records_from(in_order[0].number, 10).await.unwrap(), in_order[1..]);
}

pub async fn added_once_however_often(store: Tested) {
    add(&store, vec![plain("a", 1)]).await;
    add(&store, vec![plain("a", 1), plain("b", 2)]).await;
    assert_eq!(found(&store, Filter::default()).await, ["b", "a"]);
    assert_eq!(store.waiting_audit_records(10).await.unwrap().len(), 2);
}

pub async fn found_by_each_column(store: Tested) {
    add(&store, vec![plain("a", 1), full("b", 2), plain("c", 3), full("d", 4)]).await;
    let text = |text: &str| Some(text.to_owned());
    let by_any = Filter::default;
    for filter in [
        Filter { event: text("group_changed"), ..by_any() },
        Filter { outcome: Some(Outcome::Denied), ..by_any() },
        Filter { actor: text("root"), ..by_any() },
        Filter { actor_kind: Some(ActorKind::Operator), ..by_any() },
        Filter { sub: text("bob"), ..by_any() },
        Filter { object_kind: text("group"), ..by_any() },
        Filter { object: text("staff"), ..by_any() },
        Filter { client_id: text("page"), ..by_any() },
        Filter { address: text("192.0.2.1"), ..by_any() },
        Filter { user_agent: text("Mozilla/5.0 (\"Zo\u{eb}\")"), ..by_any() },
        Filter { request_id: text("0a-1"), ..by_any() },
        Filter { sub: text("bob"), event: text("group_changed"), actor: text("root"), ..by_any() },
    ] {
        assert_eq!(found(&store, filter.clone()).await, ["d", "b"], "{filter:?}");
        let earlier = Filter { until: Some(at(4)), ..filter.clone() };
        assert_eq!(found(&store, earlier).await, ["b"], "{filter:?}");
        let later = Filter { from: Some(at(3)), ..filter.clone() };
        assert_eq!(found(&store, later).await, ["d"], "{filter:?}");
    }
    let none = Filter { sub: text("alice"), outcome: Some(Outcome::Denied), ..by_any() };
    assert!(found(&store, none).await.is_empty());
    let hostile = Filter { sub: text("' OR 1=1 --"), ..by_any() };
    assert!(found(&store, hostile).await.is_empty());
}

pub async fn counted_by_steps_of_time(store: Tested) {
    let signed_in = [99, 100, 109, 110, 135].map(|second| plain(&format!("{second}"), second));
    add(&store, signed_in.into_iter().chain([full("other", 105)]).collect()).await;
    let count = async |event: &str, most| {
        store.count_audit_records(event, at(100), Seconds::new(10), most).await.unwrap()
    };
    assert_eq!(count("signed_in", 100).await, [(0, 2), (1, 1), (3, 1)]);
    assert_eq!(count("group_changed", 100).await, [(0, 1)]);
    assert_eq!(count("nothing", 100).await, []);
    // Of too many, the latest.
    assert_eq!(count("signed_in", 2).await, [(1, 1), (3, 1)]);
}

pub async fn listed_in_pages_the_latest_first(store: Tested) {
    // Several of one second, and one that came late.
    let seconds = [5, 5, 5, 7, 7, 1, 9];
    let records = seconds.iter().enumerate();
    add(&store, records.map(|(number, second)| plain(&format!("r{number}"), *second)).collect())
        .await;
    let filter = Filter { sub: Some("alice".to_owned()), ..Filter::default() };
    let (mut listed, mut after): (Vec<KeptRecord>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = store.audit_records(&filter, after, 2).await.unwrap();
        listed.extend(page.records);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let ids: Vec<_> = listed.iter().map(|kept| kept.stamped.id.as_str()).collect();
    assert_eq!(ids, ["r6", "r4", "r3", "r2", "r1", "r0", "r5"]);
}

pub async fn found_however_far_apart(store: Tested) {
    // Three among many of the same user: the first of all, the last, and one between them.
    let rare = |id: &str, second| {
        let actor = Actor::new(ActorKind::User, Some("alice"));
        let record = Record::new("signed_out", Outcome::Succeeded, actor).on_user("alice");
        stamp(id, second, record)
    };
    add(&store, vec![rare("first", 0)]).await;
    for batch in 0..12 {
        let records = (0..2_000).map(|one| of_many(batch * 2_000 + one)).collect();
        add(&store, records).await;
        if batch == 5 {
            add(&store, vec![rare("middle", 6_000)]).await;
        }
    }
    add(&store, vec![rare("last", 12_000)]).await;
    let filter = |event: &str| Filter {
        sub: Some("alice".to_owned()),
        event: Some(event.to_owned()),
        ..Filter::default()
    };
    for (event, expected) in [("signed_out", &["last", "middle", "first"][..]), ("nothing", &[])] {
        let (mut ids, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = store.audit_records(&filter(event), after, 2).await.unwrap();
            assert!(page.records.len() <= 2);
            ids.extend(page.records.into_iter().map(|kept| kept.stamped.id));
            (after, pages) = (page.next, pages + 1);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(ids, expected);
        assert_eq!(pages, 10, "a page looks at 2,500 of the 24,003 records and no more");
    }
}

/// Two in a second.
fn of_many(number: i64) -> StampedRecord {
    plain(&format!("n{number}"), number / 2)
}

pub async fn sealed_in_one_chain(store: Tested) {
    assert_eq!(store.audit_chain().await.unwrap(), None);
    for round in 0..4 {
        add(&store, vec![plain(&format!("{round}a"), 1), full(&format!("{round}b"), 2)]).await;
        assert!(seal(&store, 3).await);
    }
    assert!(seal(&store, 3).await);
    assert!(store.waiting_audit_records(10).await.unwrap().is_empty());
    assert_eq!(store.audit_chain().await.unwrap().unwrap().head.position, 8);
    assert_eq!(breaks(&store).await, []);
    let kept = store.audit_records(&Filter::default(), None, 10).await.unwrap().records;
    assert!(kept.iter().all(|kept| kept.seal.is_some()));
}

pub async fn sealed_once_among_many_writers_and_sealers(store: Tested) {
    parallel(&store, 64, |store, number| async move {
        for part in 0..4 {
            add(&store, vec![plain(&format!("{number}-{part}"), 1)]).await;
            seal(&store, 8).await;
        }
    })
    .await;
    while !store.waiting_audit_records(1).await.unwrap().is_empty() {
        seal(&store, 50).await;
    }
    assert_eq!(breaks(&store).await, []);
    assert_eq!(store.audit_chain().await.unwrap().unwrap().head.position, 256);
    let places = store.sealed_audit_records(0, 300).await.unwrap();
    let ids: BTreeSet<_> =
        places.into_iter().map(|place| place.record.unwrap().stamped.id).collect();
    assert_eq!(ids.len(), 256);
}

pub async fn a_chain_that_moved_on_is_not_overwritten(store: Tested) {
    add(&store, vec![plain("a", 1), plain("b", 2)]).await;
    let before = store.waiting_audit_records(1).await.unwrap();
    let late = key().seal(Chain::head_of(None), before[0].number, before[0].stamped.mac);
    let late_chain = key().chain(Chain::base_of(None), late.anchor());
    assert!(seal(&store, 2).await);
    assert!(!store.seal_audit_records(None, late_chain, vec![late]).await.unwrap());
    let wrong = Some([9; 32]);
    assert!(!store.seal_audit_records(wrong, late_chain, vec![late]).await.unwrap());
    assert!(!store.remove_audit_records([9; 32], late_chain).await.unwrap());
    assert_eq!(breaks(&store).await, []);
}

pub async fn removed_from_the_beginning(store: Tested) {
    add(&store, (0..6).map(|number| plain(&format!("r{number}"), number)).collect()).await;
    assert!(seal(&store, 10).await);
    let chain = store.audit_chain().await.unwrap().unwrap();
    let places = store.sealed_audit_records(0, 4).await.unwrap();
    let rest = key().chain(places[3].seal.anchor(), chain.head);
    assert!(store.remove_audit_records(chain.proof, rest).await.unwrap());
    assert_eq!(found(&store, Filter::default()).await, ["r5", "r4"]);
    assert_eq!(store.audit_chain().await.unwrap(), Some(rest));
    assert_eq!(breaks(&store).await, []);
    add(&store, vec![plain("new", 7)]).await;
    assert!(seal(&store, 10).await);
    assert_eq!(breaks(&store).await, []);
    assert!(!store.remove_audit_records(chain.proof, rest).await.unwrap(), "it has moved on");
}

pub async fn the_first_key_stays(store: Tested) {
    let sealed = |byte: u8| SealedKey::from_bytes(vec![byte; 60]);
    let keys = parallel(&store, 16, |store, number| async move {
        store.audit_key(sealed(u8::try_from(number).unwrap())).await.unwrap()
    })
    .await;
    let first = keys[0].clone();
    assert!(keys.iter().all(|key| *key == first));
    assert!(!store.reseal_audit_key(sealed(99), sealed(100)).await.unwrap());
    assert!(store.reseal_audit_key(first, sealed(100)).await.unwrap());
    assert_eq!(store.audit_key(sealed(1)).await.unwrap(), sealed(100));
}

pub async fn delivered_by_one_at_a_time(store: Tested) {
    let claim = |begin, second| store.claim_audit_delivery(begin, at(second), at(second + 60));
    let taken = parallel(&store, 16, |store, _| async move {
        store.claim_audit_delivery(5, at(0), at(60)).await.unwrap()
    })
    .await;
    let taken: Vec<AuditDelivery> = taken.into_iter().flatten().collect();
    assert_eq!(taken, [AuditDelivery { position: 5, attempts: 1 }]);
    store.audit_delivery_failed(at(30)).await.unwrap();
    assert_eq!(claim(0, 29).await.unwrap(), None);
    assert_eq!(claim(0, 30).await.unwrap(), Some(AuditDelivery { position: 5, attempts: 2 }));
    store.audit_records_delivered(9, at(31)).await.unwrap();
    store.audit_records_delivered(7, at(31)).await.unwrap();
    let next = claim(0, 31).await.unwrap();
    assert_eq!(next, Some(AuditDelivery { position: 9, attempts: 1 }), "it never goes back");
    assert_eq!(claim(0, 90).await.unwrap(), None);
    let lost = claim(0, 91).await.unwrap();
    assert_eq!(lost, Some(AuditDelivery { position: 9, attempts: 2 }), "its process died");
}
