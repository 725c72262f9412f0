//! `doorward config …`.

use std::fmt::Write as _;

use clap::Subcommand;
use doorward_provider::model::client::ClientSettings;
use serde_json::{Value, json};

use super::{CommandError, config_init::InitArguments};
use crate::{
    config::{self, Config, ConfigError, ConfigErrors, ServeArguments, missing_references},
    output::print,
    provider::database::Database,
    tls::Tls,
};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration and report all mistakes. The exit code is 2 if there are any.
    Check {
        #[command(flatten)]
        arguments: ServeArguments,
        /// Write JSON instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Write a first configuration: a provider with one page that signs in, and one API.
    Init(InitArguments),
    /// Show the effective configuration: every setting with its value, without secrets.
    Show(ServeArguments),
}

impl ConfigCommand {
    /// Runs the command.
    pub fn run(&self) -> Result<(), CommandError> {
        match self {
            Self::Check { arguments, json } => check(arguments, *json),
            Self::Init(arguments) => arguments.run(),
            Self::Show(arguments) => show(&arguments.load()?),
        }
    }
}

fn show(config: &Config) -> Result<(), CommandError> {
    let text = config::show(config)
        .ok_or_else(|| CommandError::refused("the settings can't be read again"))?;
    print(&text);
    Ok(())
}

fn check(arguments: &ServeArguments, json: bool) -> Result<(), CommandError> {
    let checked = arguments.load().and_then(|config| {
        let mistakes = mistakes(&config, arguments);
        if mistakes.is_empty() { Ok(config) } else { Err(ConfigErrors(mistakes)) }
    });
    match checked {
        Ok(config) => {
            report(&config, json);
            Ok(())
        }
        Err(errors) => {
            if json {
                let mistakes: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
                print(&format!("{:#}\n", json!({"in_order": false, "mistakes": mistakes})));
            }
            Err(errors.into())
        }
    }
}

/// What is wrong although each setting is right by itself.
fn mistakes(config: &Config, arguments: &ServeArguments) -> Vec<ConfigError> {
    let mut mistakes: Vec<ConfigError> =
        Tls::check(&config.tls, &config.sources).err().into_iter().collect();
    let missing = missing_references(config, &arguments.roles, &[]);
    if missing.is_empty() {
        return mistakes;
    }
    // The database is looked at only if it may know more.
    let stored = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map(|runtime| runtime.block_on(stored_clients(config)))
        .unwrap_or_default();
    mistakes.extend(missing_references(config, &arguments.roles, &stored));
    mistakes
}

/// Clients that were added by command. A database that is not there or does not answer has none:
/// this command checks the configuration only. The database is left as it is, whatever the version
/// of its schema: before an upgrade it is that of the version that still runs.
pub async fn stored_clients(config: &Config) -> Vec<ClientSettings> {
    let Ok(Some((database, _))) = Database::look(&config.store, &config.sources).await else {
        return Vec::new();
    };
    let clients = database.store().clients().await.map(|stored| stored.clients).unwrap_or_default();
    clients.iter().filter_map(|client| client.parsed().ok()).collect()
}

fn report(config: &Config, json: bool) {
    let provider = &config.provider;
    let (issuer, clients, users) =
        (&provider.settings.issuer, provider.clients.len(), provider.users.len());
    if json {
        let warnings: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
        let facts: Value = json!({
            "in_order": true, "mistakes": [], "warnings": warnings,
            "configuration": config.sources.file(), "issuer": issuer,
            "clients": clients, "users": users, "demo": config.demo,
        });
        return print(&format!("{facts:#}\n"));
    }
    let mut text = String::new();
    for warning in &config.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    let demo = if config.demo { "on" } else { "off" };
    let _ = writeln!(
        text,
        "{}: in order. Issuer {issuer}, {clients} clients, {users} users, demo mode {demo}.",
        config.sources.file(),
    );
    print(&text);
}
