//! How SQLite carries out what any user may ask for at any time.
#![allow(clippy::unwrap_used)]

use super::{codes, device_codes, open};

#[test]
fn access_is_taken_back_without_reading_whole_tables() {
    let connection = open::in_memory().unwrap();
    for (sql, index) in [
        (codes::REMOVE_UNREDEEMED, "codes_unredeemed"),
        (device_codes::FORGET_ALLOWED, "device_codes_claimed"),
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps =
            statement.query_map(["alice", "Page"], |row| row.get::<_, String>("detail")).unwrap();
        let plan: Vec<String> = steps.map(Result::unwrap).collect();
        assert!(plan.len() == 1 && plan[0].contains(&format!("USING INDEX {index}")), "{plan:?}");
    }
}
