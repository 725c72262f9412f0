//! The command line.

use clap::{Parser, Subcommand};

use crate::{
    command::{DataCommand, config::ConfigCommand},
    config::ServeArguments,
};

/// Sign-in for web applications: an OpenID provider, a browser client and a protected API.
#[derive(Debug, Parser)]
#[command(name = "doorward", version)]
pub struct Cli {
    /// Default: `serve` in demo mode, which is how `cargo leptos watch` starts the binary.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the provider, the API and the application. Without a configuration file they run in
    /// demo mode, for this machine only.
    Serve(ServeArguments),
    /// Check the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Commands on the database. They also work while a server runs.
    #[command(flatten)]
    Data(DataCommand),
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(ServeArguments::default())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::config::Role;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_everything_is_served() {
        let Command::Serve(arguments) = Command::default() else { panic!("another default") };
        assert_eq!(arguments.roles, Role::ALL);
        assert!(arguments.config.config.is_none());
    }
}
