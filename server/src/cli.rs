//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    command::DataCommand,
    config::{self, Config, ConfigError},
    role::Role,
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
    /// Serve the provider, the API and the application. Without a configuration file: in demo mode,
    /// on this machine only.
    Serve(ServeArguments),
    /// Work with the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Work with users, clients, sessions, grants, keys or the database, also while the server
    /// runs.
    #[command(flatten)]
    Data(DataCommand),
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(ServeArguments::default())
    }
}

/// `doorward config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration and say what is wrong with it; exit code 2 if something is.
    Check(ServeArguments),
}

/// `doorward serve …`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// The parts to serve in this process.
    #[arg(long = "role", value_name = "ROLES", value_enum, value_delimiter = ',', default_values_t = Role::ALL)]
    pub roles: Vec<Role>,
    /// Speak TLS with a certificate for development, unless the configuration names another.
    #[arg(long)]
    pub tls: bool,
}

impl Default for ServeArguments {
    fn default() -> Self {
        Self { config: ConfigArgument { config: None }, roles: Role::ALL.to_vec(), tls: false }
    }
}

impl ServeArguments {
    /// Reads and checks the configuration of these parts.
    pub fn load(&self) -> Result<Config, ConfigError> {
        config::load(self.config.config.as_deref(), &self.roles, self.tls)
    }
}

/// Which configuration.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgument {
    /// The configuration file; doorward.example.toml documents it. environment variables override
    /// its keys.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ConfigArgument {
    /// Reads and checks the configuration for commands on the provider's database.
    pub fn load(&self) -> Result<Config, ConfigError> {
        config::load(self.config.as_deref(), &[Role::Provider], false)
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
        assert_eq!(arguments.roles, Role::ALL);
        assert!(arguments.config.config.is_none());
    }
}
