//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    command::DataCommand,
    config::{self, Config, ConfigError},
};

/// Sign-in for web applications: an OpenID provider, a browser client and a protected API.
#[derive(Debug, Parser)]
#[command(name = "doorward", version)]
pub struct Cli {
    /// Without a command: `serve` in demo mode, as `cargo leptos watch` starts it.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the provider, the API and the application. Without a configuration file: in demo mode, on this machine only.
    Serve(ServeArguments),
    /// Work with the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Work with users, clients, sessions, grants, keys or the database, also while the server runs.
    #[command(flatten)]
    Data(DataCommand),
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(ServeArguments { config: ConfigArgument { config: None }, roles: ALL_ROLES.to_vec() })
    }
}

/// `doorward config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration and say what is wrong with it; exit code 2 if something is.
    Check(ConfigArgument),
}

/// `doorward serve …`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// The parts to serve in this process.
    #[arg(long = "role", value_name = "ROLES", value_enum, value_delimiter = ',', default_values_t = ALL_ROLES)]
    pub roles: Vec<Role>,
}

/// Which configuration.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgument {
    /// The configuration file; doorward.example.toml documents it. environment variables override its keys.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// A part that can run in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The OpenID provider.
    Provider,
    /// The protected API.
    Api,
    /// The single-page application.
    App,
}

impl Role {
    /// Its name in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Api => "api",
            Self::App => "app",
        }
    }
}

const ALL_ROLES: [Role; 3] = [Role::Provider, Role::Api, Role::App];

impl ConfigArgument {
    /// Reads and checks the configuration.
    pub fn load(&self) -> Result<Config, ConfigError> {
        config::load(self.config.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_everything_is_served() {
        let Command::Serve(arguments) = Command::default() else { panic!("another default") };
        assert_eq!(arguments.roles, ALL_ROLES);
        assert!(arguments.config.config.is_none());
    }
}
