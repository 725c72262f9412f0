//! The store on SQLite passes the conformance suite, in a file and in memory.
#![allow(clippy::unwrap_used)]

mod conformance;

mod file {
    use std::sync::Arc;

    use doorward_provider_store::{SqliteOptions, SqliteStore};
    use tempfile::TempDir;

    use super::conformance::{self, ROOMY, fixtures::Tested};

    #[allow(clippy::unused_async)]
    async fn open() -> (Tested, TempDir) {
        open_with(&SqliteOptions::default())
    }

    #[allow(clippy::unused_async)]
    async fn open_roomy() -> (Tested, TempDir) {
        open_with(&SqliteOptions { limits: ROOMY, ..SqliteOptions::default() })
    }

    fn open_with(options: &SqliteOptions) -> (Tested, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("doorward.sqlite3"), options).unwrap();
        (Arc::new(store), folder)
    }

    conformance::suite!(super::open);
    conformance::roomy_suite!(super::open_roomy);
}

mod memory {
    use std::sync::Arc;

    use doorward_provider_store::SqliteStore;

    use super::conformance::{self, fixtures::Tested};

    #[allow(clippy::unused_async)]
    async fn open() -> (Tested, ()) {
        (Arc::new(SqliteStore::in_memory().unwrap()), ())
    }

    conformance::suite!(super::open);
}
