//! How long the lists and searches of the admin API and its pages take on a large store.
//!
//! `cargo bench -p doorward-provider-store --features postgres --bench lists`. `LISTS_USERS` and
//! `LISTS_EVENTS` are how many there are, by default 20000 and 200000. `LISTS_ON` is `sqlite`,
//! `postgres`, or both if it is not set. Each database is filled by SQL, which takes minutes for
//! many rows. So it may be kept: `LISTS_FILE` is the SQLite file, and `LISTS_URL` a PostgreSQL
//! database, which is then filled if it has no users. Then each list is asked for one page of 50
//! rows many times, each time with other values. Printed are, for each list, the rows of a page on
//! average, and within which time half and 95 of 100 were answered.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "lists/fill.rs"]
mod fill;

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    audit::{ActorKind, Cursor, Filter, Outcome},
    model::{
        group::GroupName,
        outbox::MailCursor,
        session::SessionCursor,
        ticket::TicketPurpose,
        time::{Clock as _, Seconds, SystemClock, Timestamp},
        user_query::{UserCursor, UserFilter, UserOrder, UserQuery},
    },
    store::Store,
};
use doorward_provider_store::{SqliteOptions, SqliteStore};
use fill::{Sizes, YEAR, sub};

/// A page as the API reads it: one row more, to see whether there is a next page.
const PAGE: u32 = 51;
/// How often each list is asked for.
const ROUNDS: u64 = 200;
/// How often each search by two columns is asked for.
const ROUNDS_OF_TWO: u64 = 20;
/// The goal for 95 of 100.
const GOAL: Duration = Duration::from_millis(100);

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap())
}

#[tokio::main]
async fn main() {
    let sizes =
        Sizes { users: number("LISTS_USERS", 20_000), events: number("LISTS_EVENTS", 200_000) };
    println!("{sizes:?}");
    let on = std::env::var("LISTS_ON").unwrap_or_default();
    if on != "postgres" {
        sqlite(sizes).await;
    }
    #[cfg(feature = "postgres")]
    if on != "sqlite" {
        postgres(sizes).await;
    }
}

async fn sqlite(sizes: Sizes) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let kept = std::env::var_os("LISTS_FILE").map(PathBuf::from);
    let path = kept.unwrap_or_else(|| folder.path().join("lists.sqlite3"));
    let open = || SqliteStore::open(&path, &SqliteOptions::default()).unwrap();
    let (now, began) = (now(), Instant::now());
    if !path.exists() {
        drop(open());
        fill_sqlite(&path, sizes, now);
    }
    let bytes = std::fs::metadata(&path).unwrap().len();
    println!("SQLite, filled in {:.0?}: {} MB", began.elapsed(), bytes / 1_000_000);
    Lists { store: Arc::new(open()), sizes, now }.measure().await;
}

fn fill_sqlite(path: &Path, sizes: Sizes, now: Timestamp) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;",
        )
        .unwrap();
    let indexes = indexes(&connection);
    let run = |sql: &str| connection.execute_batch(sql).unwrap();
    for (_, name, _) in &indexes {
        run(&format!("DROP INDEX {name}"));
    }
    for sql in fill::SQLITE.statements(sizes, now.seconds()) {
        run(&sql);
    }
    for (_, _, sql) in &indexes {
        run(sql);
    }
    run("PRAGMA journal_mode = WAL");
    connection.close().unwrap();
}

/// Table, name and statement of each index that a statement has made.
fn indexes(connection: &rusqlite::Connection) -> Vec<(String, String, String)> {
    let sql = "SELECT tbl_name, name, sql FROM sqlite_schema WHERE type = 'index' AND sql <> ''";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let all = rows.map(Result::unwrap);
    all.filter(|(table, _, _): &(String, _, _)| fill::TABLES.contains(&table.as_str())).collect()
}

#[cfg(feature = "postgres")]
async fn postgres(sizes: Sizes) {
    use doorward_protocol::secret::Secret;
    use doorward_provider::store::Users as _;
    use doorward_provider_store::{PostgresOptions, PostgresStore, PostgresUrl};
    let settings = ["maintenance_work_mem=512MB", "max_wal_size=8GB"];
    let kept = std::env::var("LISTS_URL").ok();
    let start =
        || test_postgres::TestPostgres::start_with(test_postgres::Durability::Processes, &settings);
    let server = kept.is_none().then(start);
    let url = kept.unwrap_or_else(|| server.as_ref().unwrap().new_database());
    let parsed = PostgresUrl::parse(&Secret::new(url.clone())).unwrap();
    let store = PostgresStore::open(&PostgresOptions::new(parsed)).await.unwrap();
    let (now, began) = (now(), Instant::now());
    let run = |sql: &str| {
        let mut psql = std::process::Command::new("psql");
        let psql = psql.args(["-qAt", "--set", "ON_ERROR_STOP=1", "--command", sql, &url]);
        let output = psql.output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    if store.users(None, 1).await.unwrap().is_empty() {
        fill_postgres(&run, sizes, now);
    }
    let size = run("SELECT pg_database_size(current_database()) / 1000000");
    println!("PostgreSQL, filled in {:.0?}: {size} MB", began.elapsed());
    Lists { store: Arc::new(store), sizes, now }.measure().await;
}

#[cfg(feature = "postgres")]
fn fill_postgres(run: &impl Fn(&str) -> String, sizes: Sizes, now: Timestamp) {
    let tables = fill::TABLES.map(|table| format!("'{table}'")).join(", ");
    let of_tables = format!(
        "FROM pg_indexes WHERE tablename IN ({tables})
         AND indexname NOT IN (SELECT conname FROM pg_constraint)"
    );
    let names = run(&format!("SELECT indexname {of_tables}"));
    let made = run(&format!("SELECT indexdef {of_tables}"));
    names.lines().for_each(|name| drop(run(&format!("DROP INDEX {name}"))));
    for sql in fill::POSTGRES.statements(sizes, now.seconds()) {
        run(&sql);
    }
    made.lines().for_each(|sql| drop(run(sql)));
    run("VACUUM ANALYZE");
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// A number that looks drawn, by the round.
fn drawn(round: u64) -> u64 {
    let mixed = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20
}

/// This many letters by a number.
fn letters(number: u64, count: u32) -> String {
    let letter =
        |place: u32| char::from(b'a' + u8::try_from(number / 26_u64.pow(place) % 26).unwrap());
    (0..count).map(letter).collect()
}

/// The times of a list.
struct Times {
    sorted: Vec<Duration>,
    rows: usize,
}

impl Times {
    fn within(&self, hundredth: usize) -> Duration {
        self.sorted[(self.sorted.len() * hundredth / 100).min(self.sorted.len() - 1)]
    }

    fn print(&self, what: &str) {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let (half, most) = (self.within(50), self.within(95));
        let rows = self.rows / self.sorted.len();
        let verdict = if most > GOAL { "  MORE THAN THE GOAL" } else { "" };
        println!(
            "  {what:<48}{rows:>5} rows  p50 {:>7.2} ms  p95 {:>7.2} ms{verdict}",
            milliseconds(half),
            milliseconds(most)
        );
    }
}

/// Asks this many times after a few times that don't count.
async fn timed<F: Future<Output = usize>>(rounds: u64, ask: impl Fn(u64) -> F) -> Times {
    for round in 0..rounds / 10 {
        ask(drawn(rounds + round)).await;
    }
    let (mut sorted, mut rows) = (Vec::new(), 0);
    for round in 0..rounds {
        let began = Instant::now();
        rows += ask(drawn(round)).await;
        sorted.push(began.elapsed());
    }
    sorted.sort();
    Times { sorted, rows }
}

/// Sets one column of a filter, by a drawn number.
type Draw<'a> = Box<dyn Fn(u64, &mut Filter) + 'a>;

struct Lists {
    store: Arc<dyn Store>,
    sizes: Sizes,
    now: Timestamp,
}

impl Lists {
    async fn measure(self) {
        self.users().await;
        self.of_a_user().await;
        self.others().await;
        self.events().await;
        self.events_by_two().await;
    }

    async fn find(&self, order: UserOrder, filter: UserFilter, prefix: &str, after: bool) -> usize {
        let query = UserQuery { order, prefix: prefix.to_owned(), filter };
        let after = after.then(|| UserCursor {
            key: format!("{prefix}{}", letters(drawn(prefix.len() as u64), 1)),
            sub: sub(1).parse().unwrap(),
        });
        self.store.find_users(&query, after.as_ref(), PAGE).await.unwrap().len()
    }

    async fn users(&self) {
        use UserFilter::{Administrators, All, Disabled, Enabled};
        use UserOrder::{Email, Name, Username};
        for (order, filter) in [
            (Username, All),
            (Username, Enabled),
            (Username, Disabled),
            (Username, Administrators),
            (Email, All),
            (Email, Enabled),
            (Name, All),
            (Name, Enabled),
        ] {
            for count in 0..=3 {
                let ask = |drawn| async move {
                    self.find(order, filter, &letters(drawn, count), false).await
                };
                let what = format!("users by {order:?}, {filter:?}, {count} letters");
                timed(ROUNDS, ask).await.print(&what);
            }
            let ask =
                |drawn| async move { self.find(order, filter, &letters(drawn, 2), true).await };
            let what = format!("users by {order:?}, {filter:?}, next page");
            timed(ROUNDS, ask).await.print(&what);
        }
        let ask =
            |_| async { usize::try_from(self.store.count_users().await.unwrap().users).unwrap() };
        timed(ROUNDS_OF_TWO, ask).await.print("how many users (overview)");
    }

    async fn of_a_user(&self) {
        let sub: Sub = sub(2).parse().unwrap();
        for (what, from) in [("first page", None), ("next page", Some(1000))] {
            let after = from.map(|ago| SessionCursor {
                auth_time: Timestamp::from_seconds(self.now.seconds() - ago),
                sid: "sid-1".parse().unwrap(),
            });
            let ask = |_| async {
                self.store.sessions_of(&sub, after.as_ref(), PAGE, self.now).await.unwrap().len()
            };
            timed(ROUNDS, ask).await.print(&format!("sessions of a user, {what}"));
            let after: Option<ClientId> = from.map(|_| "client-5".parse().unwrap());
            let ask = |_| async {
                self.store.access_of(&sub, after.as_ref(), PAGE, self.now).await.unwrap().len()
            };
            timed(ROUNDS, ask).await.print(&format!("grants of a user, {what}"));
        }
        let ask = |_| async { self.store.account_events(&sub, None, PAGE).await.unwrap().len() };
        timed(ROUNDS, ask).await.print("account events of a user");
    }

    async fn others(&self) {
        let users = self.sizes.users;
        for (what, group) in [("all users", 1), ("some users", 7)] {
            let name = GroupName::parse(&format!("group-{group:08}")).unwrap();
            let name = &name;
            let ask = |drawn: u64| async move {
                let after: Sub = sub(drawn % users).parse().unwrap();
                let found = self.store.named_group_members(name, Some(&after), PAGE).await;
                found.unwrap().len()
            };
            timed(ROUNDS, ask).await.print(&format!("members of a group of {what}"));
            for count in 1..=3 {
                let ask = |drawn| async move {
                    let prefix = letters(drawn, count);
                    let found = self.store.find_group_members(name, &prefix, None, PAGE).await;
                    found.unwrap().len()
                };
                let what = format!("members of a group of {what}, {count} letters");
                timed(ROUNDS, ask).await.print(&what);
            }
        }
        let ask = |drawn: u64| async move {
            let after = GroupName::parse(&format!("group-{:08}", drawn % 900)).unwrap();
            self.store.groups("", Some(&after), PAGE).await.unwrap().len()
        };
        timed(ROUNDS, ask).await.print("groups");
        let ask = |drawn: u64| async move {
            let after: ClientId = format!("client-{}", drawn % 4000).parse().unwrap();
            self.store.clients_page("", Some(&after), PAGE).await.unwrap().len()
        };
        timed(ROUNDS, ask).await.print("clients");
        let (store, now) = (&self.store, self.now);
        let ask = |_| async {
            store.tickets(TicketPurpose::Invitation, None, PAGE, now).await.unwrap().len()
        };
        timed(ROUNDS, ask).await.print("invitations");
        let ask = |drawn: u64| async move {
            let prefix = format!("guest{}", drawn % 1000);
            let purpose = TicketPurpose::Invitation;
            store.tickets_about(purpose, &prefix, None, PAGE, now).await.unwrap().len()
        };
        timed(ROUNDS, ask).await.print("invitations by address");
        let ask = |drawn: u64| async move {
            let ago = i64::try_from(drawn % 5000).unwrap();
            let created_at = Timestamp::from_seconds(now.seconds() - ago);
            let after = MailCursor { created_at, id: "mail-".to_owned() };
            store.outbox(Some(&after), PAGE, now).await.unwrap().len()
        };
        timed(ROUNDS, ask).await.print("outbox");
        let ask = |drawn: u64| async move {
            let prefix = format!("a{}", drawn % 1000);
            store.mails_to(&prefix, None, PAGE, now).await.unwrap().len()
        };
        timed(ROUNDS, ask).await.print("outbox by address");
    }

    /// A value of each column, by a drawn number: those that many records have, and rare ones.
    fn columns(&self) -> BTreeMap<&'static str, Draw<'_>> {
        let Sizes { users, events } = self.sizes;
        let one = |drawn: u64, of: &[&str]| {
            Some(of[usize::try_from(drawn % of.len() as u64).unwrap()].to_owned())
        };
        let mut columns: BTreeMap<&'static str, Draw<'_>> = BTreeMap::new();
        columns.insert(
            "event",
            Box::new(move |drawn, filter| {
                let names =
                    ["signed_in", "key_retired", "user_changed", "consent_given", "unknown"];
                filter.event = one(drawn, &names);
            }),
        );
        columns.insert(
            "outcome",
            Box::new(|drawn, filter| {
                filter.outcome = Some(Outcome::ALL[usize::try_from(drawn % 5).unwrap()]);
            }),
        );
        columns.insert(
            "actor_kind",
            Box::new(|drawn, filter| {
                filter.actor_kind = Some(ActorKind::ALL[usize::try_from(drawn % 5).unwrap()]);
            }),
        );
        columns.insert(
            "actor",
            Box::new(move |drawn, filter| {
                filter.actor = one(drawn, &["root", "page", &sub(drawn % users + 1)]);
            }),
        );
        columns.insert(
            "sub",
            Box::new(move |drawn, filter| {
                filter.sub = Some(sub(drawn % users + 1));
            }),
        );
        columns.insert(
            "object_kind",
            Box::new(move |drawn, filter| {
                filter.object_kind = one(drawn, &["group", "client_id", "kid"]);
            }),
        );
        columns.insert(
            "object",
            Box::new(move |drawn, filter| {
                filter.object = one(drawn, &["group-7", "page", "client-8", "unknown"]);
            }),
        );
        columns.insert(
            "client_id",
            Box::new(move |drawn, filter| {
                filter.client_id = one(drawn, &["page", &format!("client-{}", drawn % 500)]);
            }),
        );
        columns.insert(
            "address",
            Box::new(move |drawn, filter| {
                let address =
                    format!("10.{}.{}.{}", drawn % 200, drawn * 31 % 250, drawn * 17 % 250);
                filter.address = one(drawn, &["192.0.2.7", &address]);
            }),
        );
        columns.insert(
            "user_agent",
            Box::new(move |drawn, filter| {
                let agent = drawn % 21;
                let text = format!("Mozilla/5.0 (X11; Linux x86_64; rv:{agent}.0) Gecko/20100101");
                filter.user_agent = Some(text);
            }),
        );
        columns.insert(
            "request_id",
            Box::new(move |drawn, filter| {
                filter.request_id = Some(format!("request-{}", drawn % (events / 2)));
            }),
        );
        columns
    }

    /// A moment of the year, by a drawn number.
    fn moment(&self, drawn: u64) -> Timestamp {
        let ago = i64::try_from((drawn >> 8) % YEAR).unwrap();
        Timestamp::from_seconds(self.now.seconds() - ago)
    }

    async fn search(&self, filter: &Filter, after: Option<Cursor>) -> usize {
        self.store.audit_records(filter, after, PAGE).await.unwrap().records.len()
    }

    async fn events(&self) {
        let cursor = |drawn| Some(Cursor { at: self.moment(drawn), number: 7 });
        let ask = |_| async { self.search(&Filter::default(), None).await };
        timed(ROUNDS, ask).await.print("events");
        let ask = |drawn| async move { self.search(&Filter::default(), cursor(drawn)).await };
        timed(ROUNDS, ask).await.print("events, next page");
        let ask = |drawn| async move {
            let until = Some(self.moment(drawn));
            self.search(&Filter { until, ..Filter::default() }, None).await
        };
        timed(ROUNDS, ask).await.print("events until a time");
        for (column, set) in &self.columns() {
            for what in ["", ", next page", " since a time", " until a time"] {
                let ask = |drawn| async move {
                    let mut filter = Filter::default();
                    set(drawn, &mut filter);
                    match what {
                        " since a time" => filter.from = Some(self.moment(drawn)),
                        " until a time" => filter.until = Some(self.moment(drawn)),
                        _ => {}
                    }
                    let after = (what == ", next page").then(|| cursor(drawn)).flatten();
                    self.search(&filter, after).await
                };
                timed(ROUNDS, ask).await.print(&format!("events by {column}{what}"));
            }
        }
        let from = Timestamp::from_seconds(self.now.seconds() - 86_400);
        for event in ["signed_in", "sign_in_refused", "second_step_refused"] {
            let ask = |_| async {
                let hour = Seconds::new(3600);
                self.store.count_audit_records(event, from, hour, 100_000).await.unwrap().len()
            };
            timed(ROUNDS, ask).await.print(&format!("{event} by the hour (overview)"));
        }
    }

    /// Each two columns together. The slowest are printed, and how all of them did.
    async fn events_by_two(&self) {
        let columns = self.columns();
        let mut all = Vec::new();
        for (first, set) in &columns {
            for (second, set_too) in columns.range(*first..).skip(1) {
                for what in ["", " until a time"] {
                    let ask = |drawn: u64| async move {
                        let mut filter = Filter::default();
                        set(drawn, &mut filter);
                        set_too(drawn / 64, &mut filter);
                        if !what.is_empty() {
                            filter.until = Some(self.moment(drawn));
                        }
                        self.search(&filter, None).await
                    };
                    let times = timed(ROUNDS_OF_TWO, ask).await;
                    all.push((format!("events by {first} and {second}{what}"), times));
                }
            }
        }
        all.sort_by_key(|(_, times)| std::cmp::Reverse(times.within(95)));
        for (what, times) in &all[..10] {
            times.print(what);
        }
        let mut sorted: Vec<Duration> =
            all.iter().flat_map(|(_, times)| times.sorted.clone()).collect();
        sorted.sort();
        let rows = all.iter().map(|(_, times)| times.rows).sum();
        let what = format!("all {} searches by two columns", all.len());
        Times { sorted, rows }.print(&what);
    }
}
