//! Figures of the `doorward` binary on this machine, and the ratios between them:
//! `script/bench [SECTION …]` runs it.
//!
//! The server runs in a process of its own, the load generator here, both on this machine; so
//! compare figures of one run. Nothing is asserted. It takes about three minutes and writes to
//! temporary folders only. `docs/benchmarks.md` tells more.

mod compare;
mod enumeration;
mod foreign;
mod grants;
mod group_commit;
mod load;
mod nodes;
mod process;
mod profile;
mod protected;
mod reads;
mod server;
mod share;
mod sizes;
mod start;

use std::{env, error::Error, path::PathBuf, time::Duration};

use tokio::runtime::Builder;

/// What may go wrong here.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Connections that ask at the same time.
const CONNECTIONS: usize = 64;
/// How long each load lasts.
const LASTING: Duration = Duration::from_secs(3);

/// What can be asked for, in the order in which it is run; each stands in the file of its name.
const SECTIONS: [&str; 10] = [
    "start",
    "reads",
    "protected",
    "group_commit",
    "nodes",
    "compare",
    "grants",
    "profile",
    "enumeration",
    "sizes",
];
/// Run only when they are asked for by name: one fills a database with a million grants first, one
/// needs `perf`, and one asks a few thousand times, one after another.
const BY_NAME: [&str; 3] = ["grants", "profile", "enumeration"];

fn main() -> Result<(), Failure> {
    let wanted: Vec<String> = env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| !SECTIONS.contains(&name.as_str())) {
        return Err(
            format!("there is no section {unknown}; there are {}", SECTIONS.join(", ")).into()
        );
    }
    let binary: PathBuf = env::var_os("DOORWARD_BIN")
        .unwrap_or_else(|| "target/server-release/doorward".into())
        .into();
    println!("{} with {CONNECTIONS} connections, {} s each", binary.display(), LASTING.as_secs());
    // The load generator takes one core at most; the other runtime is for a section that serves in
    // this process, too.
    let alone = Builder::new_current_thread().enable_all().build()?;
    let shared = Builder::new_multi_thread().enable_all().build()?;
    for section in SECTIONS {
        let is_wanted = if wanted.is_empty() {
            !BY_NAME.contains(&section)
        } else {
            wanted.iter().any(|name| name == section)
        };
        if !is_wanted {
            continue;
        }
        match section {
            "start" => alone.block_on(start::run(&binary))?,
            "reads" => alone.block_on(reads::run(&binary))?,
            "protected" => shared.block_on(protected::compare(CONNECTIONS, LASTING))?,
            "group_commit" => alone.block_on(group_commit::run(&binary))?,
            "nodes" => alone.block_on(nodes::run(&binary))?,
            "compare" => alone.block_on(compare::run(&binary))?,
            "grants" => alone.block_on(grants::run(&binary))?,
            "enumeration" => alone.block_on(enumeration::run(&binary))?,
            "profile" => alone.block_on(profile::run(&binary))?,
            _ => sizes::print(),
        }
    }
    Ok(())
}

/// A text in an answer.
pub fn member(answer: &serde_json::Value, name: &str) -> Result<String, Failure> {
    let text = answer.get(name).and_then(serde_json::Value::as_str);
    Ok(text.ok_or_else(|| format!("no {name} in the answer {answer}"))?.to_owned())
}
