//! Refreshing with few and with many grants in the database, and while many expired rows leave it.

use std::{
    collections::HashMap,
    fmt::Debug,
    path::Path,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use doorward_provider::{
    model::{
        grant::{Grant, LONGEST_GRACE, RefreshToken, RequestedClaims},
        session::Authentication,
        target::Targets,
        time::{Clock as _, Entropy, SystemClock, Timestamp},
        token_handle::{Family, IssuedAt, TokenHandle},
        user::UserClaims,
    },
    store::{Grants as _, RefreshTokens as _, Users as _},
};
use doorward_provider_store::{Limits, SqliteOptions, SqliteStore};

use crate::{
    Failure, LASTING,
    compare::config,
    group_commit::TOKEN,
    load::{self, Connection, Rate, Refresh},
    server::Folder,
};

/// Whose grants they are.
const USER: &str = "alice";
/// Few grants, and many.
const FEW: u64 = 1_000;
const MANY: u64 = 1_000_000;
/// Grants that have expired; each is two rows with its refresh token.
const EXPIRED: u64 = 500_000;
/// Connections that ask at the same time, where the wait is what counts.
const CONNECTIONS: usize = 8;
/// Tasks that fill the database.
const FILLERS: u64 = 256;
/// The sweep is given up after this time.
const PATIENCE: Duration = Duration::from_mins(2);

pub async fn run(binary: &Path) -> Result<(), Failure> {
    println!("\nRefresh grants (ES256) of random grants by {CONNECTIONS} connections");
    let mut few = Grants::prepare(binary, FEW).await?;
    let mut many = Grants::prepare(binary, MANY).await?;
    let (few, at_many) =
        (few.refresh("of 1,000 grants").await?, many.refresh("of 1,000,000 grants").await?);
    let ratio = |thousandth| {
        at_many.within(thousandth).as_secs_f64() / few.within(thousandth).as_secs_f64()
    };
    println!("  {:<32}{:>11} {:>8.2} x {:>8.2} x", "ratio", "", ratio(500), ratio(990));
    many.sweep().await
}

/// A database with this many live grants.
struct Grants {
    folder: Folder,
    count: u64,
    /// The present tokens of the grants that were used, for each connection.
    tokens: Vec<HashMap<u64, String>>,
}

impl Grants {
    async fn prepare(binary: &Path, count: u64) -> Result<Self, Failure> {
        let folder = Folder::with_config(binary, &config("ES256"))?;
        // The first start makes database, users and keys.
        folder.start(&[]).await?.stop()?;
        let grants = Self { folder, count, tokens: vec![HashMap::new(); CONNECTIONS] };
        grants.add(0..count, 36_000).await?;
        Ok(grants)
    }

    fn open(&self) -> Result<Arc<SqliteStore>, Failure> {
        // All grants are of one user and client.
        let limits = Limits { grants_per_user_and_client: u32::MAX, ..Limits::default() };
        let options = SqliteOptions { limits, ..SqliteOptions::default() };
        Ok(Arc::new(SqliteStore::open(self.folder.database(), &options)?))
    }

    /// Adds grants that expire in this many seconds.
    async fn add(&self, numbers: std::ops::Range<u64>, expire_in: i64) -> Result<(), Failure> {
        let (store, began) = (self.open()?, Instant::now());
        let now = SystemClock.now();
        let ends = Timestamp::from_seconds(now.seconds() + expire_in);
        let user = store.user(&USER.parse()?).await?.ok_or("the demo user is missing")?;
        let password = user.password_hash.ok_or("the demo user has no password")?;
        let fillers = (0..FILLERS).map(|filler| {
            let (store, first, end) = (Arc::clone(&store), numbers.start + filler, numbers.end);
            let password = password.clone();
            tokio::spawn(async move {
                for number in (first..end).step_by(256) {
                    let token = RefreshToken {
                        hash: token(number).hash(),
                        first_issued_at: now,
                        expires_at: ends,
                    };
                    store.add_grant(grant(number), &password, ends, Some(token), now).await?;
                }
                Ok(())
            })
        });
        load::all(fillers.collect()).await?;
        println!(
            "  {:<32}{:>9.1} s",
            format!("{} grants added", numbers.end - numbers.start),
            began.elapsed().as_secs_f64()
        );
        Ok(())
    }

    /// Refreshes for a while in a fresh process.
    async fn refresh(&mut self, what: &str) -> Result<Rate, Failure> {
        let server = self.folder.start(&SETTINGS).await?;
        // Once to warm up.
        self.load(&server.provider, ended_after(LASTING / 3)).await?;
        let rate = self.load(&server.provider, ended_after(LASTING)).await?;
        server.stop()?;
        print(what, &rate);
        Ok(rate)
    }

    /// Refreshes while the server removes expired rows.
    async fn sweep(&mut self) -> Result<(), Failure> {
        let expired = self.count..self.count + EXPIRED;
        // A refresh token is kept for the longest grace beyond its end.
        self.add(expired.clone(), -60 - i64::from(LONGEST_GRACE)).await?;
        let store = self.open()?;
        // Rows leave in the order of their end and then of their hash.
        let last = expired.map(|number| token(number).hash()).max_by_key(|hash| *hash.as_bytes());
        let last = last.ok_or("no expired grant")?;
        let server = self.folder.start(&SETTINGS).await?;
        let began = Instant::now();
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let load = self.load(&server.provider, move || ended.load(Relaxed));
        let watch = async {
            while store.refresh_token(last).await?.is_some() && began.elapsed() < PATIENCE {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            over.store(true, Relaxed);
            Ok(began.elapsed())
        };
        let (rate, took) = futures::future::try_join(load, watch).await?;
        server.stop()?;
        print("while 1,000,000 expired rows leave", &rate);
        println!("  {:<32}{:>11.1} s", "which took", took.as_secs_f64());
        Ok(())
    }

    /// Refreshes random grants until it is over, each connection those of its own.
    async fn load(
        &mut self,
        address: &str,
        is_over: impl Fn() -> bool + Clone + Send + 'static,
    ) -> Result<Rate, Failure> {
        let (began, each) = (Instant::now(), self.count / CONNECTIONS as u64);
        let mut tasks = Vec::new();
        for (number, mut tokens) in self.tokens.drain(..).enumerate() {
            let (mut connection, is_over) = (Connection::open(address).await?, is_over.clone());
            tasks.push(tokio::spawn(async move {
                let mut waits = Vec::new();
                while !is_over() {
                    let turn = tokens.len() as u64 + waits.len() as u64;
                    let grant = number as u64 * each + mixed(turn) % each;
                    let presented =
                        tokens.remove(&grant).unwrap_or_else(|| token(grant).expose().to_owned());
                    let asked = Instant::now();
                    let next = REFRESH.next(&mut connection, &presented).await?;
                    waits.push(asked.elapsed());
                    tokens.insert(grant, next);
                }
                Ok((waits, tokens))
            }));
        }
        let (waits, tokens): (Vec<_>, _) = load::all(tasks).await?.into_iter().unzip();
        self.tokens = tokens;
        Ok(Rate::new(&waits, began.elapsed()))
    }
}

const SETTINGS: [(&str, &str); 1] = [("DOORWARD_PROVIDER__ACCESS_TOKEN_SIGNING_ALG", "ES256")];
const REFRESH: Refresh = Refresh { path: TOKEN, client_id: "Bench" };

fn ended_after(time: Duration) -> impl Fn() -> bool + Clone + Send + 'static {
    let began = Instant::now();
    move || began.elapsed() >= time
}

fn print(what: &str, rate: &Rate) {
    let milliseconds = |thousandth| rate.within(thousandth).as_secs_f64() * 1000.0;
    println!(
        "  {what:<32}{rate}/s  half within {:.2} ms, 99 of 100 within {:.2} ms, longest {:.1} ms",
        milliseconds(500),
        milliseconds(990),
        milliseconds(1000)
    );
}

/// A number that tells nothing of the one before it (the finaliser of `SplitMix64`).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The same bytes each time, so that nothing about a million grants has to be remembered.
#[derive(Debug)]
struct Numbered(u64);

impl Entropy for Numbered {
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&mixed(self.0).to_be_bytes());
        bytes
    }
}

fn family(grant: u64) -> Family {
    Family::generate(&Numbered(grant))
}

/// The first refresh token of a grant, as if each had been made a millisecond after the one before.
fn token(grant: u64) -> TokenHandle {
    TokenHandle::first_of(&family(grant), IssuedAt::milliseconds(grant), &Numbered(grant))
}

#[allow(clippy::expect_used)] // The texts are those of this file.
fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("the bench makes valid identifiers")
}

fn grant(number: u64) -> Grant {
    Grant {
        id: family(number).grant_id(),
        client_id: id("Bench"),
        subject: Some(USER.to_owned()),
        authentication: Authentication {
            sub: id(USER),
            auth_time: SystemClock.now(),
            amr: vec!["pwd".to_owned()],
            sid: id(&format!("session-{number}")),
        },
        scope: "openid profile email MyBackendApi1 offline_access".parse().unwrap_or_default(),
        targets: Targets::default(),
        requested_claims: RequestedClaims::default(),
        dpop_jkt: None,
        access_token_claims: UserClaims::default(),
    }
}
