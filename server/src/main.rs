//! The `doorward` binary: the OpenID provider, the application and the protected API in one
//! process, or in three.
//!
//! `doorward serve` reads the configuration ([`config`]), puts the parts together ([`serve`]) and
//! serves them ([`net`]).

mod api;
mod app;
mod back_channel;
mod cli;
mod command;
mod config;
mod database;
mod jwks_source;
mod logging;
mod master_key;
mod net;
mod private_file;
mod provider;
mod role;
mod serve;
mod stop;
#[cfg(feature = "otel")]
mod telemetry;
#[cfg(not(feature = "otel"))]
#[path = "telemetry_left_out.rs"]
mod telemetry;
mod tls;
mod users;
mod welcome;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{Cli, Command, ConfigCommand},
    command::CommandError,
    config::Config,
    tls::Tls,
};

/// Gives back what it does not need. The C library's keeps 19 MiB for each thread that ever hashed
/// a password.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A command did nothing, because what it was to work on is not there.
const MISSING: u8 = 1;
/// What was asked for can't be: a wrong setting, a taken port. Nothing was served.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let done = match Cli::parse().command.unwrap_or_default() {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Config(ConfigCommand::Check(arguments)) => check(&arguments.load()),
        Command::Data(command) => match command.run() {
            Err(CommandError::Missing(problem)) => {
                eprintln!("doorward: {problem}");
                return ExitCode::from(MISSING);
            }
            Err(CommandError::Refused(refusal)) => Err(refusal),
            Ok(()) => Ok(()),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            eprintln!("doorward: {refusal}");
            ExitCode::from(REFUSED)
        }
    }
}

/// Why the process ends before it serves: one line for people.
#[derive(Debug, thiserror::Error)]
enum StartError {
    /// A setting does not hold, by itself or on this machine.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// Something else is missing.
    #[error("{0}")]
    Failed(String),
}

fn check(config: &Result<Config, config::ConfigError>) -> Result<(), StartError> {
    let config = config.as_ref().map_err(Clone::clone)?;
    Tls::check(&config.tls, &config.places)?;
    let provider = &config.provider;
    welcome::print(&format!(
        "{}: in order. Issuer {}, {} clients, {} users, demo mode {}.\n",
        config.places.file(),
        provider.settings.issuer,
        provider.clients.len(),
        provider.users.len(),
        if config.demo { "on" } else { "off" },
    ));
    Ok(())
}
