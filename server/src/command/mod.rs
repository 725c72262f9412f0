//! The commands. Those on the database work beside a running server or without one: each opens the
//! same database, and the server sees the change there.

mod client;
pub mod config;
mod confirm;
mod context;
mod db;
pub mod doctor;
mod error;
mod grant;
pub mod health;
mod keys;
mod list_option;
mod report;
mod session;
mod user;

use clap::Subcommand;

pub use self::error::CommandError;
use self::{
    context::{CommandContext, audit},
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
    /// Users' sessions at the provider.
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// Clients' access to users' data.
    #[command(subcommand)]
    Grant(grant::GrantCommand),
    /// Signing keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
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

impl DataCommand {
    /// Runs the command to its end.
    pub fn run(self) -> Result<(), CommandError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            match self {
                Self::User(command) => command.run().await,
                Self::Client(command) => command.run().await,
                Self::Session(command) => command.run().await,
                Self::Grant(command) => command.run().await,
                Self::Keys(command) => command.run().await,
                Self::Db(command) => command.run().await,
            }
        })
    }
}
