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

use crate::{
    cli::{Cli, Command},
    command::CommandError,
};

/// This allocator gives memory back to the system. The C library's keeps 19 MiB for each thread
/// that ever hashed a password.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A command did nothing, because what it names is not there.
const MISSING: u8 = 1;
/// The request can't be carried out: a wrong setting, a taken port. Nothing was served.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let result = match Cli::parse().command.unwrap_or_default() {
        Command::Serve(arguments) => serve::run(&arguments).map_err(CommandError::from),
        Command::Config(command) => command.run().map_err(CommandError::from),
        Command::Data(command) => command.run(),
    };
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("doorward: {error}");
    match error {
        CommandError::Missing(_) => ExitCode::from(MISSING),
        CommandError::Refused(_) => ExitCode::from(REFUSED),
    }
}
