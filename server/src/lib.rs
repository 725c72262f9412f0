//! Doorward: the OpenID provider, the application and the protected API in one process, or in
//! three. The binary is this library and the application's files ([`EmbeddedSite`]), so that the
//! library compiles while those are still being built.
//!
//! `doorward serve` reads the configuration (`config`), starts the parts (`serve`) and answers
//! requests (`net`). The other commands work on the database (`command`).

mod admin;
mod api;
mod app;
mod cli;
mod command;
mod config;
mod error;
mod import;
mod net;
mod output;
mod private_file;
mod process;
mod provider;
mod remote;
mod scim;
mod serve;
mod tls;

use std::process::ExitCode;

use clap::Parser as _;

pub use crate::app::{EmbeddedFile, EmbeddedSite};
use crate::{cli::Cli, command::CommandError};

/// A command did nothing, because what it names is not there.
const MISSING: u8 = 1;
/// The request can't be carried out: a wrong setting, a taken port. Nothing was served.
const REFUSED: u8 = 2;

/// Runs the command that the arguments of the process name.
pub fn run(site: &'static EmbeddedSite) -> ExitCode {
    let result = Cli::parse().run(site);
    let Err(error) = result else { return ExitCode::SUCCESS };
    for line in error.to_string().lines() {
        eprintln!("doorward: {}", output::harmless_in_line(line));
    }
    match error {
        CommandError::Missing(_) => ExitCode::from(MISSING),
        CommandError::Refused(_) => ExitCode::from(REFUSED),
    }
}
