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

/// A store with 20,000 rows in each table, most of which no list has to read: what belongs to one
/// user, and what has one purpose, is far from where a way through all rows begins.
async fn filled() -> (TestPostgres, PostgresStore) {
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
         INSERT INTO users (sub, username, normalized_username, password_hash, enabled, claims,
             email, full_name, admin_role)
         SELECT n::TEXT, n::TEXT, n::TEXT, NULL, n % 1000 <> 0, '{}', n::TEXT, n::TEXT,
             CASE n % 1000 WHEN 0 THEN 'auditor' END FROM generate_series(1, 20000) AS n;
         INSERT INTO group_members (group_name, sub, username)
         SELECT 'all', n::TEXT, n::TEXT FROM generate_series(1, 20000) AS n;
         INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at)
         SELECT sha256(n::TEXT::BYTEA), (n / 200)::TEXT, n, '[]', n::TEXT, 1000000
             FROM generate_series(1, 20000) AS n;
         INSERT INTO clients (client_id, settings, configured)
         SELECT n::TEXT, '{}', FALSE FROM generate_series(1, 20000) AS n;
         INSERT INTO tickets (hash, purpose, about, data, failures, expires_at)
         SELECT sha256(n::TEXT::BYTEA), CASE WHEN n > 19000 THEN 'invitation' ELSE
             n / 1000 + 10 || '' END, n::TEXT, '{}', 0, n FROM generate_series(1, 20000) AS n;
         INSERT INTO outbox (id, recipient, kind, language, data, attempts, due_at, created_at,
             expires_at, address)
         SELECT n::TEXT, 'a', 'invitation', 'en', '{}', 0, n, n, 1000000, n::TEXT
             FROM generate_series(1, 20000) AS n;
         INSERT INTO account_events (sub, at, kind)
         SELECT (n / 200)::TEXT, n, 'signed_in' FROM generate_series(1, 20000) AS n;
         ANALYZE;",
    );
    (server, store)
}

/// What `EXPLAIN` with these options says of a statement with these values as literals: as it is
/// planned for them, and for any.
fn plans(server: &TestPostgres, options: &str, sql: &str, values: &[String]) -> [String; 2] {
    ["force_custom_plan", "force_generic_plan"].map(|mode| {
        let values = values.join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        server.sql(
            "database_0",
            &format!(
                "SET plan_cache_mode = {mode}; PREPARE asked AS {sql}; \
                 EXPLAIN ({options}) EXECUTE asked{values}"
            ),
        )
    })
}

/// A text as a literal.
fn literal(text: &str) -> String {
    format!("'{text}'")
}

#[tokio::test]
async fn a_search_for_audit_records_reads_one_index_in_order() {
    use super::audit_records::DIALECT;
    use crate::record::audit::{Search, Value};
    use doorward_provider::audit::{ActorKind, Cursor, Filter, Outcome};
    use doorward_provider::model::time::Timestamp;
    let (server, _store) = filled().await;
    let text = || Some("777".to_owned());
    let any = Filter::default;
    let often = |event: &str| Some(event.to_owned());
    let rare = Filter { object: text(), event: text(), outcome: Some(Outcome::Failed), ..any() };
    for (filter, index) in [
        (any(), "instant"),
        (Filter { from: Some(Timestamp::from_seconds(50)), ..any() }, "instant"),
        (Filter { event: often("signed_in"), ..any() }, "event"),
        (Filter { event: text(), ..any() }, "event"),
        (Filter { outcome: Some(Outcome::Failed), ..any() }, "outcome"),
        (Filter { outcome: Some(Outcome::Succeeded), ..any() }, "outcome"),
        (Filter { actor_kind: Some(ActorKind::User), ..any() }, "actor_kind"),
        (Filter { actor: text(), ..any() }, "actor"),
        (Filter { sub: text(), ..any() }, "sub"),
        (Filter { object_kind: often("group"), ..any() }, "object_kind"),
        (Filter { object: text(), ..any() }, "object"),
        (Filter { client_id: often("page"), ..any() }, "client"),
        (Filter { address: text(), ..any() }, "address"),
        (Filter { user_agent: text(), ..any() }, "user_agent"),
        (Filter { request_id: text(), ..any() }, "request"),
        // A column that all have, and one that none has: the first one leads.
        (Filter { client_id: often("page"), outcome: Some(Outcome::Denied), ..any() }, "client"),
        (Filter { client_id: text(), outcome: Some(Outcome::Succeeded), ..any() }, "client"),
        (Filter { from: Some(Timestamp::from_seconds(5)), ..rare }, "object"),
    ] {
        let after = Some(Cursor { at: Timestamp::from_seconds(15_000), number: 7 });
        let mut search = Search::new(&filter, after, 50);
        let step = search.step(DIALECT).unwrap();
        let boundary = step.boundary.is_some().then_some(after).flatten();
        for (sql, values) in
            [Some(search.records(boundary, DIALECT)), step.boundary].into_iter().flatten()
        {
            let values: Vec<String> = values
                .iter()
                .map(|value| match value {
                    Value::Text(text) => literal(text),
                    Value::Integer(number) => number.to_string(),
                })
                .collect();
            for plan in plans(&server, "COSTS", &sql, &values) {
                let scans = plan.lines().filter(|line| line.contains("Scan"));
                let of_records: Vec<&str> =
                    scans.filter(|line| !line.contains("audit_seals")).collect();
                let uses = format!("audit_records_by_{index} ");
                let is_used = |line: &&str| format!("{line} ").contains(&uses);
                // A bitmap is scanned by the scan of its index.
                let others = of_records.iter().filter(|line| !is_used(line));
                assert!(of_records.iter().any(is_used), "{index}: {sql}\n{plan}");
                for other in others {
                    assert!(other.contains("Bitmap Heap Scan"), "{index}: {sql}\n{plan}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_list_of_the_administration_reads_a_whole_table() {
    use super::{account_events, clients, groups, outbox, sessions, tickets, users};
    use UserFilter::{Administrators, All, Disabled, Enabled};
    use UserOrder::{Email, Name, Username};
    use doorward_provider::model::user_query::{UserFilter, UserOrder, UserQuery};
    let (server, _store) = filled().await;
    let search = |order, filter| {
        let query = UserQuery { order, prefix: "5".to_owned(), filter };
        (users::search_sql(&query, 51), ["'5'", "''", "'6'"].as_slice())
    };
    for list in [
        (users::page_sql(51), ["'5'"].as_slice()),
        (groups::named_members_sql(51), &["'all'", "'5'"]),
        (groups::find_members_sql(51), &["'all'", "'5'", "''", "'6'"]),
        (clients::PAGE.to_owned(), &["'5'", "'6'", "51"]),
        (sessions::OF_USER.to_owned(), &["'1'", "9000", "'5'", "51", "0"]),
        (account_events::PAGE.to_owned(), &["'1'", "9000", "51"]),
        (outbox::PAGE.to_owned(), &["9000", "'5'", "51", "0"]),
        (outbox::PAGE_BY_ADDRESS.to_owned(), &["'5'", "''", "'6'", "51", "0"]),
        (
            tickets::PAGE_BY_ABOUT.to_owned(),
            &["'invitation'", "'195'", "'\\x'", "'196'", "0", "51"],
        ),
        (tickets::PAGE.to_owned(), &["'invitation'", "9000", "'\\x00'", "0", "51"]),
        search(Username, All),
        search(Username, Disabled),
        search(Username, Administrators),
        search(Email, All),
        search(Name, All),
    ] {
        reads_few_rows(&server, list);
    }
    // Now the enabled users are the few that have to be found among many.
    server.sql("database_0", "UPDATE users SET enabled = NOT enabled; ANALYZE users;");
    for order in [Username, Email, Name] {
        reads_few_rows(&server, search(order, Enabled));
    }
}

/// Each part of the plan reads a few times what a page shows, of 20,000 rows.
fn reads_few_rows(server: &TestPostgres, (sql, values): (String, &[&str])) {
    let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
    for plan in plans(server, "ANALYZE, FORMAT JSON", &sql, &values) {
        let parsed: serde_json::Value = serde_json::from_str(&plan).unwrap();
        let mut parts = vec![&parsed[0]["Plan"]];
        while let Some(part) = parts.pop() {
            let count = |name: &str| part[name].as_f64().unwrap_or_default();
            let removed = count("Rows Removed by Filter") + count("Rows Removed by Index Recheck");
            let rows = (count("Actual Rows") + removed) * count("Actual Loops");
            assert!(rows < 500.0, "{rows} rows: {sql}\n{plan}");
            parts.extend(part["Plans"].as_array().into_iter().flatten());
        }
        assert!(parsed[0]["Plan"]["Actual Rows"].is_number(), "{plan}");
    }
}
