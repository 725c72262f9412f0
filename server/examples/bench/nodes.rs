//! Durable refresh grants on PostgreSQL: by one provider process and by two, in turns, and how much
//! of the time the store takes.
//!
//! A process uses all cores, and the database and the load generator want theirs, too: on two cores
//! a second one adds nothing. So each also gets a part of a core that leaves enough for them, as a
//! small machine of its own would have: then a second one shows what it adds.

use std::{net::TcpListener, path::Path};

use futures::future::try_join_all;
use test_postgres::{Durability, TestPostgres};

use crate::{
    CONNECTIONS, Failure, LASTING,
    group_commit::{TOKEN, refresh_tokens},
    load::{self, Connection, Rate, Refresh, get},
    server::{Folder, Server},
    share::Share,
};

/// How often one and two processes take turns.
const ROUNDS: usize = 3;
/// 32 bytes that the processes share, for this measurement only.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

pub async fn run(binary: &Path) -> Result<(), Failure> {
    println!(
        "\nRefresh-token grants a second on PostgreSQL, durable (ES256 access tokens), \
         and the store's share of the time"
    );
    let postgres = TestPostgres::start_with(Durability::Machine, &[]);
    let database = postgres.new_database();
    for (what, hundredths) in [("as they come", None), ("a quarter of a core each", Some(25))] {
        let shares =
            ["1", "2"].map(|name| hundredths.map(|hundredths| Share::of_core(name, hundredths)));
        let [Ok(first), Ok(second)] = shares.map(Option::transpose) else {
            println!("  {what}: skipped, since this user can't make control groups");
            continue;
        };
        let nodes = [Node::prepare(binary, first)?, Node::prepare(binary, second)?];
        let settings = [
            ("DOORWARD_STORE__URL", database.as_str()),
            ("DOORWARD_STORE__MASTER_KEY", MASTER_KEY),
            ("DOORWARD_PROVIDER__ISSUER", "http://localhost:6001"),
            ("DOORWARD_PROVIDER__ACCESS_TOKEN_SIGNING_ALG", "ES256"),
        ];
        let first = nodes[0].start(&settings).await?;
        let mut tokens =
            refresh_tokens(&first, "MyBackend", "MyBackendApi1 offline_access").await?;
        drop(first);
        let mut best = [0.0_f64; 2];
        for round in 1..=ROUNDS {
            for count in 1..=nodes.len() {
                let measured = measure(&nodes[..count], &settings, tokens).await?;
                tokens = measured.tokens;
                let processes = if count == 1 { "one process" } else { "two processes" };
                println!(
                    "  {processes:<14}{what:<25}round {round} {:>9.0}/s  \
                     store {:>3.0} % of the time",
                    measured.a_second,
                    100.0 * measured.store_share
                );
                best[count - 1] = best[count - 1].max(measured.a_second);
            }
        }
        println!("  two / one, {what:<35} {:>9.2} (best rounds)", best[1] / best[0]);
    }
    Ok(())
}

/// A process to be started, and where it tells its figures.
struct Node {
    folder: Folder,
    management: String,
    share: Option<Share>,
}

/// What one round showed.
struct Measured {
    a_second: f64,
    /// Of the time that requests took, this part passed in the store.
    store_share: f64,
    tokens: Vec<String>,
}

impl Node {
    fn prepare(binary: &Path, share: Option<Share>) -> Result<Self, Failure> {
        let management = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        Ok(Self { folder: Folder::new(binary)?, management, share })
    }

    async fn start(&self, settings: &[(&str, &str)]) -> Result<Server, Failure> {
        let own = [("DOORWARD_MANAGEMENT__LISTEN", self.management.as_str())];
        let server = self.folder.start(&[settings, &own].concat()).await?;
        self.share.as_ref().map_or(Ok(()), |share| share.hold(server.process().0))?;
        Ok(server)
    }

    /// Seconds that requests of this process waited for the store so far, all in all.
    async fn store_seconds(&self) -> Result<f64, Failure> {
        let mut connection = Connection::open(&self.management).await?;
        let metrics = String::from_utf8(connection.ask(&get("/metrics", None)).await?.to_vec())?;
        let sums = metrics.lines().filter(|line| line.starts_with("doorward_store_seconds_sum"));
        sums.map(|line| Ok(line.rsplit(' ').next().unwrap_or_default().parse::<f64>()?)).sum()
    }
}

/// One round in fresh processes, each with its part of the connections.
async fn measure(
    nodes: &[Node],
    settings: &[(&str, &str)],
    mut tokens: Vec<String>,
) -> Result<Measured, Failure> {
    let refresh = Refresh { path: TOKEN, client_id: "MyBackend" };
    let mut servers = Vec::new();
    let mut before = 0.0;
    for node in nodes {
        servers.push(node.start(settings).await?);
        before += node.store_seconds().await?;
    }
    let each = CONNECTIONS / nodes.len();
    let loads = servers.iter().map(|server| {
        let own = tokens.split_off(tokens.len() - each);
        load::rotate(&server.provider, refresh, own, LASTING)
    });
    let loads: Vec<_> = loads.collect();
    let done: Vec<(Rate, Vec<String>)> = try_join_all(loads).await?;
    let mut after = 0.0;
    for node in nodes {
        after += node.store_seconds().await?;
    }
    let a_second = done.iter().map(|(rate, _)| rate.a_second()).sum();
    #[allow(clippy::cast_precision_loss)]
    let waited = CONNECTIONS as f64 * LASTING.as_secs_f64();
    Ok(Measured {
        a_second,
        store_share: (after - before) / waited,
        tokens: done.into_iter().flat_map(|(_, tokens)| tokens).collect(),
    })
}
