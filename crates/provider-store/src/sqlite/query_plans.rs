//! How SQLite carries out what any user may ask for at any time.
#![allow(clippy::unwrap_used)]

use super::{clients, codes, device_codes, open, sql};

#[test]
fn access_is_taken_back_without_reading_whole_tables() {
    let connection = open::in_memory().unwrap();
    for (sql, index) in [
        (codes::REMOVE_UNREDEEMED, "codes_by_client"),
        (device_codes::FORGET_ALLOWED, "device_codes_claimed"),
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps =
            statement.query_map(["alice", "Page"], |row| row.get::<_, String>("detail")).unwrap();
        let plan: Vec<String> = steps.map(Result::unwrap).collect();
        assert!(plan.len() == 1 && plan[0].contains(&format!("USING INDEX {index}")), "{plan:?}");
    }
}

#[test]
fn a_client_is_removed_without_reading_whole_tables() {
    let connection = open::in_memory().unwrap();
    for sql in clients::LEFT_BEHIND {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps =
            statement.query_map(("Page", 500), |row| row.get::<_, String>("detail")).unwrap();
        let plan: Vec<String> = steps.map(Result::unwrap).collect();
        assert!(!plan.iter().any(|step| step.starts_with("SCAN ")), "{sql}: {plan:?}");
    }
}

#[test]
fn a_client_has_a_limited_number_of_waiting_requests() {
    use doorward_provider::model::time::Timestamp;
    let connection = open::in_memory().unwrap();
    connection
        .execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
             INSERT INTO pushed_requests (hash, client_id, params, expires_at, held)
             SELECT randomblob(32), 'Page', '', i, 0 FROM n",
        )
        .unwrap();
    let sql = "SELECT 1 FROM pushed_requests
               WHERE client_id = ?1 AND expires_at > ?2 LIMIT 1 OFFSET ?3";
    let refused = |client: &str, now: i64| {
        sql::refuse_beyond(&connection, sql, client, Timestamp::from_seconds(now)).is_err()
    };
    assert!(refused("Page", 0), "10,000 wait");
    assert!(!refused("Page", 1), "one has expired");
    assert!(!refused("Other", 0));
}
