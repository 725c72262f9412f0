//! `doorward config …`.

use clap::Subcommand;

use crate::{config::ServeArguments, error::StartError, output::print, tls::Tls};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration and report what is wrong with it. The exit code is 2 if something
    /// is.
    Check(ServeArguments),
}

impl ConfigCommand {
    /// Runs the command.
    pub fn run(&self) -> Result<(), StartError> {
        match self {
            Self::Check(arguments) => check(arguments),
        }
    }
}

fn check(arguments: &ServeArguments) -> Result<(), StartError> {
    let config = arguments.load()?;
    Tls::check(&config.tls, &config.sources)?;
    let provider = &config.provider;
    print(&format!(
        "{}: in order. Issuer {}, {} clients, {} users, demo mode {}.\n",
        config.sources.file(),
        provider.settings.issuer,
        provider.clients.len(),
        provider.users.len(),
        if config.demo { "on" } else { "off" },
    ));
    Ok(())
}
