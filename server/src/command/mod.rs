//! The commands. Those on the database work beside a running server or without one: each opens the
//! same database, and the server sees the change there.

mod admin;
mod audit;
pub mod branding;
mod client;
pub mod config;
mod config_init;
mod confirm;
mod context;
mod db;
mod directory;
pub mod doctor;
mod error;
mod findings;
mod grant;
mod group;
pub mod health;
mod identity_provider;
mod import;
mod keys;
mod list_option;
mod mail;
pub mod remote;
mod report;
mod session;
mod settings_arguments;
#[cfg(test)]
mod twins;
mod user;

use clap::Subcommand;

pub use self::error::CommandError;
use self::{
    context::{ChangedUser, CommandContext, by_operator},
    report::{PAGE, RowPrinter, done, print_object, print_rows},
};
use crate::config::ConfigArgument;

/// A command on the database.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Users. The configuration's values for its users count again once they change there.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Clients in the database, beside those of the configuration.
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Groups of users, whose members get roles and claims by them.
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// People who administer.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Other providers by which users sign in.
    #[command(subcommand)]
    IdentityProvider(identity_provider::IdentityProviderCommand),
    /// Directories (LDAP) by which users sign in.
    #[command(subcommand)]
    Directory(directory::DirectoryCommand),
    /// Users' sessions at the provider.
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// Clients' access to users' data.
    #[command(subcommand)]
    Grant(grant::GrantCommand),
    /// Signing keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The history of who did what.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The messages that the provider sends.
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Bring users in from another system. Whoever is there already stays as they are, so the
    /// command can be run again.
    Import(import::ImportArguments),
    /// The database itself.
    #[command(subcommand)]
    Db(db::DbCommand),
}

/// What every command on the database accepts.
#[derive(Debug, Clone, clap::Args)]
pub struct DataArguments {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgument,
    /// Write JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Which rows of a list are shown.
#[derive(Debug, clap::Args)]
pub struct SearchArguments {
    /// Only those that begin so. The case counts, but not in addresses and names of users.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub prefix: String,
    #[command(flatten)]
    pub data: DataArguments,
}

impl SearchArguments {
    /// The query of the API.
    fn query(&self) -> Vec<(&'static str, String)> {
        let prefix = Some(self.prefix.clone()).filter(|prefix| !prefix.is_empty());
        prefix.map(|prefix| ("prefix", prefix)).into_iter().collect()
    }
}

impl DataCommand {
    /// Runs the command to its end.
    pub fn run(self) -> Result<(), CommandError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            match self {
                Self::User(command) => Box::pin(command.run()).await,
                Self::Client(command) => Box::pin(command.run()).await,
                Self::Group(command) => Box::pin(command.run()).await,
                Self::Audit(command) => Box::pin(command.run()).await,
                Self::Admin(command) => Box::pin(command.run()).await,
                Self::IdentityProvider(command) => Box::pin(command.run()).await,
                Self::Directory(command) => Box::pin(command.run()).await,
                Self::Session(command) => Box::pin(command.run()).await,
                Self::Grant(command) => Box::pin(command.run()).await,
                Self::Keys(command) => Box::pin(command.run()).await,
                Self::Mail(command) => Box::pin(command.run()).await,
                Self::Import(arguments) => arguments.run().await,
                Self::Db(command) => Box::pin(command.run()).await,
            }
        })
    }
}
