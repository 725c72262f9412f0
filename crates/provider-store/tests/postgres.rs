//! The store on PostgreSQL passes the conformance suite.
#![allow(clippy::unwrap_used)]

mod conformance;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use conformance::{ROOMY, fixtures::Tested};
use doorward_protocol::secret::Secret;
use doorward_provider_store::{Limits, PostgresOptions, PostgresStore, PostgresUrl};
use test_postgres::TestPostgres;

/// One server for all cases, with a database for each.
static SERVER: LazyLock<TestPostgres> = LazyLock::new(TestPostgres::start);

async fn open() -> (Tested, ()) {
    open_with(Limits::default()).await
}

async fn open_roomy() -> (Tested, ()) {
    open_with(ROOMY).await
}

async fn open_with(limits: Limits) -> (Tested, ()) {
    let url = PostgresUrl::parse(&Secret::new(SERVER.new_database())).unwrap();
    // Many commands at once, on a busy machine.
    let statement_timeout = Duration::from_mins(5);
    let options = PostgresOptions { statement_timeout, limits, ..PostgresOptions::new(url) };
    (Arc::new(PostgresStore::open(&options).await.unwrap()), ())
}

conformance::suite!(super::open);
conformance::roomy_suite!(super::open_roomy);
