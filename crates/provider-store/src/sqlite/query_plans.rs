//! How SQLite carries out what any user may ask for at any time.
#![allow(clippy::unwrap_used)]

use doorward_provider::model::user_query::{UserFilter, UserOrder, UserQuery};

use super::{
    access, account_events, clients, codes, device_codes, groups, open, outbox, registered_clients,
    sessions, tickets, users,
};

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
fn users_are_found_by_an_index_for_each_order_and_filter() {
    use UserFilter::{Administrators, All, Disabled, Enabled};
    use UserOrder::{Email, Name, Username};
    let connection = open::in_memory().unwrap();
    for (order, filter, index) in [
        (Username, All, "sqlite_autoindex_users"),
        (Username, Enabled, "users_enabled "),
        (Username, Disabled, "users_disabled"),
        (Username, Administrators, "users_with_admin_role"),
        (Email, All, "users_by_email"),
        (Email, Enabled, "users_enabled_by_email "),
        (Name, All, "users_by_full_name"),
        (Name, Enabled, "users_enabled_by_full_name "),
    ] {
        let query = UserQuery { order, prefix: "a".to_owned(), filter };
        let sql = format!("EXPLAIN QUERY PLAN {}", users::search_sql(&query));
        let mut statement = connection.prepare(&sql).unwrap();
        let steps =
            statement.query_map(("a", "", "b", 50), |row| row.get::<_, String>("detail")).unwrap();
        let plan: Vec<String> = steps.map(Result::unwrap).collect();
        let (searches, sorts) = (format!("SEARCH users USING INDEX {index}"), "FOR ORDER BY");
        assert!(plan[0].starts_with(&searches), "{query:?}: {plan:?}");
        assert!(!plan.iter().any(|step| step.ends_with(sorts)), "{query:?}: {plan:?}");
        // A page further behind is found by the same index.
        let sql = format!("EXPLAIN QUERY PLAN {}", users::cursor_sql(&query));
        let mut statement = connection.prepare(&sql).unwrap();
        let steps =
            statement.query_map(("a", "b", 50), |row| row.get::<_, String>("detail")).unwrap();
        let plan: Vec<String> = steps.map(Result::unwrap).collect();
        assert!(plan.len() == 1 && plan[0].contains(index), "{query:?}: {plan:?}");
        assert!(plan[0].starts_with("SEARCH users USING"), "{query:?}: {plan:?}");
    }
}

#[test]
fn a_client_has_a_limited_number_of_waiting_requests() {
    use super::waiting;
    use crate::waiting::{Found, Waiting};
    use doorward_provider::model::{throttle::WaitingBound, time::Timestamp};
    let connection = open::in_memory().unwrap();
    connection
        .execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
             INSERT INTO pushed_requests (hash, client_id, params, expires_at, held)
             SELECT randomblob(32), 'Page', '', i, 0 FROM n",
        )
        .unwrap();
    let refused = |client: &str, now: i64| {
        let (client, now) = (client.parse().unwrap(), Timestamp::from_seconds(now));
        let bound = WaitingBound { most: 10_000, origin: None };
        let rows = Waiting::PushedRequests;
        let found = waiting::find_place(&connection, rows, &client, &bound, now).unwrap();
        matches!(found, Found::Nowhere)
    };
    assert!(refused("Page", 0), "10,000 wait");
    assert!(!refused("Page", 1), "one has expired");
    assert!(!refused("Other", 0));
}

#[test]
fn a_search_for_audit_records_reads_one_index_in_order() {
    use super::audit_records::{DIALECT, parameters};
    use crate::record::audit;
    use doorward_provider::audit::{ActorKind, Cursor, Filter, Outcome};
    use doorward_provider::model::time::Timestamp;
    let connection = open::in_memory().unwrap();
    let text = || Some("x".to_owned());
    let any = Filter::default;
    let (early, late) = (Some(Timestamp::from_seconds(1)), Some(Timestamp::from_seconds(9)));
    let rare = Filter { object: text(), event: text(), outcome: Some(Outcome::Failed), ..any() };
    for (filter, index) in [
        (any(), "time"),
        (Filter { from: early, until: late, ..any() }, "time"),
        (Filter { event: text(), ..any() }, "event"),
        (Filter { outcome: Some(Outcome::Failed), ..any() }, "outcome"),
        (Filter { actor_kind: Some(ActorKind::User), ..any() }, "actor_kind"),
        (Filter { actor: text(), ..any() }, "actor"),
        (Filter { sub: text(), ..any() }, "sub"),
        (Filter { object_kind: text(), ..any() }, "object_kind"),
        (Filter { object: text(), ..any() }, "object"),
        (Filter { client_id: text(), ..any() }, "client"),
        (Filter { address: text(), ..any() }, "address"),
        (Filter { user_agent: text(), ..any() }, "user_agent"),
        (Filter { request_id: text(), ..any() }, "request"),
        (Filter { from: early, ..rare }, "object"),
    ] {
        let after = Some(Cursor { at: Timestamp::from_seconds(5), number: 7 });
        let mut search = audit::Search::new(&filter, after, 50);
        let step = search.step(DIALECT).unwrap();
        let boundary = step.boundary.is_some().then_some(after).flatten();
        for (sql, values) in
            [Some(search.records(boundary, DIALECT)), step.boundary].into_iter().flatten()
        {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = statement
                .query_map(parameters(values), |row| row.get::<_, String>("detail"))
                .unwrap();
            let plan = steps.map(Result::unwrap).collect::<Vec<_>>().join("\n");
            let uses = |how: &str| {
                plan.contains(&format!("SEARCH r USING {how} audit_records_by_{index} ("))
            };
            assert!(uses("INDEX") || uses("COVERING INDEX"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{plan}");
        }
    }
}

#[test]
fn no_list_of_the_administration_reads_a_whole_table_or_sorts() {
    let connection = open::in_memory().unwrap();
    for (sql, index) in [
        (groups::PAGE, "user_groups USING INDEX sqlite_autoindex_user_groups_1"),
        (groups::NAMED_MEMBERS, "m USING PRIMARY KEY"),
        (groups::FIND_MEMBERS, "m USING COVERING INDEX group_members_by_username"),
        (clients::PAGE, "clients USING INDEX sqlite_autoindex_clients_1"),
        (registered_clients::PAGE, "registered_clients USING PRIMARY KEY"),
        (sessions::OF_USER, "sessions USING INDEX sessions_by_user"),
        (account_events::PAGE, "account_events USING INDEX account_events_by_user"),
        (outbox::PAGE, "outbox USING INDEX outbox_by_age"),
        (outbox::PAGE_BY_ADDRESS, "outbox USING INDEX outbox_by_address"),
        (tickets::PAGE, "tickets USING INDEX tickets_by_purpose"),
        (tickets::PAGE_BY_ABOUT, "tickets USING INDEX tickets_in_order_of_about"),
    ] {
        let plan = plan(&connection, sql);
        assert!(plan[0].starts_with(&format!("SEARCH {index} (")), "{plan:?}");
        assert!(plan[1..].iter().all(|step| step.starts_with("SEARCH u USING")), "{plan:?}");
    }
    // What a user gave clients is summed up.
    let plan = plan(&connection, access::OF_USER);
    let is_whole = |step: &String| step.starts_with("SCAN grants") || step.starts_with("SCAN cons");
    assert!(!plan.iter().any(is_whole), "{plan:?}");
}

#[test]
fn a_session_ends_without_reading_whole_tables() {
    let connection = open::in_memory().unwrap();
    let plan = plan(&connection, sessions::FORGET_ID_TOKENS);
    assert!(plan.iter().any(|step| step.contains("sessions_by_upstream_subject")), "{plan:?}");
    assert!(!plan.iter().any(|step| step.starts_with("SCAN ")), "{plan:?}");
}

/// The steps of a statement.
fn plan(connection: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get("detail").unwrap());
    }
    steps
}
