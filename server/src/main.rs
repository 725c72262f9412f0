//! The `doorward` binary: the OpenID provider, the application and the protected API in one
//! process, or in three.
//!
//! `doorward serve` reads the configuration ([`config`]), starts the parts ([`serve`]) and answers
//! requests ([`net`]). The other commands work on the database ([`command`]).

mod api;
mod app;
mod cli;
mod command;
mod config;
mod error;
mod net;
mod output;
mod private_file;
mod process;
mod provider;
mod serve;
mod tls;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{cli::Cli, command::CommandError};

/// This allocator gives memory back to the system. The C library's keeps 19 MiB for each thread
/// that ever hashed a password.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A command did nothing, because what it names is not there.
const MISSING: u8 = 1;
/// The request can't be carried out: a wrong setting, a taken port. Nothing was served.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let result = Cli::parse().run();
    let Err(error) = result else { return ExitCode::SUCCESS };
    for line in error.to_string().lines() {
        eprintln!("doorward: {line}");
    }
    match error {
        CommandError::Missing(_) => ExitCode::from(MISSING),
        CommandError::Refused(_) => ExitCode::from(REFUSED),
    }
}
