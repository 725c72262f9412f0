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
