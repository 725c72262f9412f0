//! How PostgreSQL carries out what any user may ask for at any time.
#![allow(clippy::unwrap_used)]

use doorward_protocol::secret::Secret;
use test_postgres::TestPostgres;

use super::{PostgresOptions, PostgresStore, PostgresUrl, codes, device_codes};
use crate::row::Row as _;

#[tokio::test]
async fn access_is_taken_back_without_reading_whole_tables() {
    let server = TestPostgres::start();
    let url = PostgresUrl::parse(&Secret::new(server.new_database())).unwrap();
    let store = PostgresStore::open(&PostgresOptions::new(url)).await.unwrap();
    // Nearly all of what a busy server has: redeemed, or called up by nobody.
    server.sql(
        "database_0",
        "INSERT INTO codes (hash, content, redeemed_grant_id, expires_at, keep_until)
         SELECT sha256(n::TEXT::BYTEA), '{}', 'grant', 60, 3660 FROM generate_series(1, 5000) AS n;
         INSERT INTO device_codes (hash, user_code, client_id, request, expires_at, poll_interval)
         SELECT sha256(n::TEXT::BYTEA), sha256(n::TEXT::BYTEA), 'Television', '{}', 60, 5
             FROM generate_series(1, 5000) AS n;
         ANALYZE codes, device_codes;",
    );
    let connection = store.connection().await.unwrap();
    for (sql, index) in [
        (codes::REMOVE_UNREDEEMED, "codes_by_client"),
        (device_codes::FORGET_ALLOWED, "device_codes_claimed"),
    ] {
        let (sub, client_id) = ("alice", "Television");
        let explain = format!("EXPLAIN {sql}");
        let read = |row: &tokio_postgres::Row| row.string(0, "plan");
        let plan = connection.all(&explain, &[&sub, &client_id], read).await.unwrap().join("\n");
        assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{plan}");
    }
}

#[tokio::test]
async fn a_search_for_audit_records_reads_one_index_in_order() {
    use super::audit_records::{DIALECT, parameters};
    use crate::record::audit;
    use doorward_provider::audit::{Cursor, Filter, Outcome};
    use doorward_provider::model::time::Timestamp;
    let server = TestPostgres::start();
    let url = PostgresUrl::parse(&Secret::new(server.new_database())).unwrap();
    let store = PostgresStore::open(&PostgresOptions::new(url)).await.unwrap();
    server.sql(
        "database_0",
        "INSERT INTO audit_records (id, at, event, outcome, actor_kind, actor, sub, object_kind,
             object, client_id, address, user_agent, request_id, data, mac)
         SELECT n::TEXT, n, 'signed_in', CASE n % 1000 WHEN 0 THEN 'failed' ELSE 'succeeded' END,
             'user', n::TEXT, n::TEXT, 'group', n::TEXT, 'page', n::TEXT, n::TEXT, n::TEXT, '{}',
             sha256(n::TEXT::BYTEA)
             FROM generate_series(1, 20000) AS n;
         ANALYZE audit_records, audit_seals;",
    );
    let connection = store.connection().await.unwrap();
    let text = || Some("777".to_owned());
    let any = Filter::default;
    for (filter, index) in [
        (any(), "audit_records_by_time"),
        (Filter { from: Some(Timestamp::from_seconds(50)), ..any() }, "audit_records_by_time"),
        (Filter { event: Some("signed_in".to_owned()), ..any() }, "audit_records_by_"),
        (Filter { outcome: Some(Outcome::Failed), ..any() }, "audit_records_by_outcome"),
        (Filter { actor: text(), ..any() }, "audit_records_by_actor"),
        (Filter { sub: text(), ..any() }, "audit_records_by_sub"),
        (Filter { object: text(), ..any() }, "audit_records_by_object"),
        (Filter { client_id: Some("page".to_owned()), ..any() }, "audit_records_by_"),
        (Filter { address: text(), ..any() }, "audit_records_by_address"),
        (Filter { user_agent: text(), ..any() }, "audit_records_by_user_agent"),
        (Filter { request_id: text(), ..any() }, "audit_records_by_request"),
    ] {
        let after = Some(Cursor { at: Timestamp::from_seconds(15_000), number: 7 });
        let (sql, values) = audit::Search::new(&filter, after, 50).records(None, DIALECT);
        let values = parameters(&values);
        let read = |row: &tokio_postgres::Row| row.string(0, "plan");
        let plan = connection.all(&format!("EXPLAIN {sql}"), &values, read).await.unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("Seq Scan on audit_records"), "{plan}");
    }
}
