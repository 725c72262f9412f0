//! The `doorward` binary: the library of that name, and the application's files within.

use std::process::ExitCode;

/// This allocator gives memory back to the system. The C library's keeps 19 MiB for each thread
/// that ever hashed a password.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What `script/build` made. The variable names a list that it writes; `.cargo/config.toml` names
/// an empty one for every other build.
static SITE: doorward::EmbeddedSite =
    include!(env!("EMBEDDED_SITE", "build in the workspace's folder: see .cargo/config.toml"));

fn main() -> ExitCode {
    doorward::run(&SITE)
}
