//! How long requests wait while expired rows are removed: writes one after the other, alone and
//! beside the sweep.
//!
//! `cargo bench -p doorward-provider-store --bench housekeeping [ROWS]`; figures of one run
//! compare, those of two do not.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use doorward_provider::{
    model::{
        pushed_request::PushedRequest, throttle::WaitingBound, time::Timestamp,
        token_handle::TokenHash,
    },
    store::Store,
};
use doorward_provider_store::{SqliteOptions, SqliteStore};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// The whole of the rows waits for one client.
const UNBOUNDED: WaitingBound = WaitingBound { most: u32::MAX, origin: None };
/// As the provider does it.
const ROWS_AT_A_TIME: u32 = 200;

#[tokio::main]
async fn main() {
    let rows =
        std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000_u64);
    let folder = tempfile::tempdir().unwrap();
    let store =
        SqliteStore::open(folder.path().join("bench.sqlite3"), &SqliteOptions::default()).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    fill(&store, rows).await;
    println!("{rows} expired rows");

    print("writes alone", write_until(&store, rows, Arc::new(AtomicBool::new(true))).await);
    let over = Arc::new(AtomicBool::new(false));
    let writes = tokio::spawn({
        let (store, over) = (Arc::clone(&store), Arc::clone(&over));
        async move { write_until(&store, rows * 2, over).await }
    });
    let start = Instant::now();
    let mut removed = 0;
    loop {
        let batch = store.remove_expired(NOW, ROWS_AT_A_TIME).await.unwrap();
        removed += batch;
        if batch < u64::from(ROWS_AT_A_TIME) {
            break;
        }
    }
    over.store(true, Relaxed);
    println!("sweep                {removed} rows in {:.1?}", start.elapsed());
    print("writes beside it", writes.await.unwrap());
}

/// Adds rows that have expired, many at once.
async fn fill(store: &Arc<dyn Store>, rows: u64) {
    for first in (0..rows).step_by(256) {
        let adding: Vec<_> = (first..rows.min(first + 256))
            .map(|number| {
                let store = Arc::clone(store);
                tokio::spawn(async move {
                    store.add_pushed_request(request(number, 0), &UNBOUNDED, NOW).await.unwrap()
                })
            })
            .collect();
        for added in adding {
            added.await.unwrap();
        }
    }
}

/// Writes at least 200 times, and until it is over; returns how long each write took.
async fn write_until(store: &Arc<dyn Store>, first: u64, over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut took = Vec::new();
    while took.len() < 200 || !over.load(Relaxed) {
        let start = Instant::now();
        let added = request(first + took.len() as u64, 60);
        store.add_pushed_request(added, &UNBOUNDED, NOW).await.unwrap();
        took.push(start.elapsed());
    }
    took
}

fn request(number: u64, lifetime: u32) -> PushedRequest {
    let mut hash = [0; 32];
    // Spread as real hashes are.
    hash[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    PushedRequest {
        hash: TokenHash::from_bytes(hash),
        client_id: format!("client-{}", number % 1000).parse().unwrap(),
        params: "client_id=PkceJS&response_type=code".to_owned(),
        expires_at: NOW.plus(lifetime),
        held: None,
    }
}

fn print(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    println!(
        "{what:<20} {} writes, median {:.1?}, 99 of 100 within {:.1?}, longest {:.1?}",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
}
