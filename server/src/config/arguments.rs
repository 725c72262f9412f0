//! Command-line arguments that choose the configuration.

use std::path::PathBuf;

use clap::Args;

use super::{Config, ConfigError, Role, load};

/// Which configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgument {
    /// The configuration file; doorward.example.toml documents it. Environment variables override
    /// its keys.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ConfigArgument {
    /// Reads and checks the configuration for commands on the provider's database.
    pub fn load(&self) -> Result<Config, ConfigError> {
        load(self.config.as_deref(), &[Role::Provider], false)
    }
}

/// The configuration, and the parts that this process serves.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// The parts to serve in this process.
    #[arg(
        long = "role",
        value_name = "ROLES",
        value_enum,
        value_delimiter = ',',
        default_values_t = Role::ALL
    )]
    pub roles: Vec<Role>,
    /// Use TLS with a certificate for development, unless the configuration names a certificate.
    #[arg(long)]
    pub tls: bool,
}

impl Default for ServeArguments {
    fn default() -> Self {
        Self { config: ConfigArgument::default(), roles: Role::ALL.to_vec(), tls: false }
    }
}

impl ServeArguments {
    /// Reads and checks the configuration of these parts.
    pub fn load(&self) -> Result<Config, ConfigError> {
        load(self.config.config.as_deref(), &self.roles, self.tls)
    }
}
