//! Command-line arguments that choose the configuration.

use std::path::PathBuf;

use clap::Args;

use super::{Config, ConfigError, ConfigErrors, DatabaseConfig, Role, load};

/// Which configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgument {
    /// The configuration file; doorward.example.toml documents it. Default: the file that
    /// `DOORWARD_CONFIG` names, or doorward.toml in the current folder. Environment variables
    /// override its keys.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
}

impl ConfigArgument {
    /// Reads and checks the configuration for commands on the provider's database. Without any
    /// configuration such a command would create a demo database in the current folder, which
    /// nobody means; it works only on one that is there.
    pub fn load(&self) -> Result<Config, ConfigErrors> {
        let config = load(self.config.as_deref(), &[Role::Provider], false)?;
        let sources = &config.sources;
        let is_asked_for = sources.has_file() || sources.is_set("store") || sources.is_set("demo");
        match &config.store.database {
            DatabaseConfig::Sqlite { path, .. } if !is_asked_for && !path.exists() => {
                Err(ConfigError::Absent(format!(
                    "there is no configuration and no database at {}: give --config FILE, set \
                     DOORWARD_CONFIG, or write doorward.toml; for a demo database set \
                     DOORWARD_DEMO=true",
                    path.display()
                ))
                .into())
            }
            _ => Ok(config),
        }
    }
}

/// The configuration, and the parts that this process serves.
#[derive(Debug, Clone, Args)]
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
    pub fn load(&self) -> Result<Config, ConfigErrors> {
        load(self.config.config.as_deref(), &self.roles, self.tls)
    }
}
