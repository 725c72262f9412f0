//! The commands that work on a server elsewhere ([`crate::remote`]). What they print is made by the
//! same functions as on the server's machine.

mod admin;
mod audit;
mod client;
mod grant;
mod group;
mod identity_provider;
mod keys;
mod mail;
mod session;
mod user;

use serde_json::{Map, Value};

use super::{CommandError, DataArguments, DataCommand, config::ConfigCommand};
use crate::{
    output::print,
    remote::{RemoteServer, ServerUrl},
};

/// The commands that work with `--server`, for the table of commands.
#[cfg(test)]
pub(super) const REMOTE: [&str; 62] = [
    "config show",
    "login",
    "logout",
    "user list",
    "user show",
    "user add",
    "user invite",
    "user invitations",
    "user uninvite",
    "user set",
    "user passwd",
    "user disable",
    "user enable",
    "user reset-factors",
    "user passkeys",
    "user remove-passkey",
    "user links",
    "user link",
    "user unlink",
    "user events",
    "user remove",
    "user roles",
    "client list",
    "client show",
    "client add",
    "client set",
    "client remove",
    "client secret list",
    "client secret add",
    "client secret remove",
    "client registration-token list",
    "client registration-token add",
    "client registration-token remove",
    "client registered",
    "group list",
    "group show",
    "group add",
    "group set",
    "group remove",
    "group member list",
    "group member add",
    "group member remove",
    "identity-provider list",
    "identity-provider show",
    "identity-provider add",
    "identity-provider set",
    "identity-provider remove",
    "identity-provider check",
    "admin list",
    "admin invite",
    "admin grant",
    "admin revoke",
    "grant list",
    "grant revoke",
    "session list",
    "session end",
    "keys list",
    "keys rotate",
    "keys retire",
    "audit list",
    "audit export",
    "mail outbox",
];

impl DataCommand {
    /// Runs the command on a server elsewhere.
    pub fn run_on(self, server: &ServerUrl) -> Result<(), CommandError> {
        on_server(async {
            match self {
                Self::User(command) => Box::pin(user::run(command, server)).await,
                Self::Client(command) => Box::pin(client::run(command, server)).await,
                Self::Group(command) => Box::pin(group::run(command, server)).await,
                Self::Admin(command) => Box::pin(admin::run(command, server)).await,
                Self::IdentityProvider(command) => {
                    Box::pin(identity_provider::run(command, server)).await
                }
                Self::Grant(command) => Box::pin(grant::run(command, server)).await,
                Self::Mail(command) => Box::pin(mail::run(command, server)).await,
                Self::Session(command) => Box::pin(session::run(command, server)).await,
                Self::Keys(command) => Box::pin(keys::run(command, server)).await,
                Self::Audit(command) => Box::pin(audit::run(command, server)).await,
                _ => Err(not_from_elsewhere()),
            }
        })
    }
}

impl ConfigCommand {
    /// Runs the command on a server elsewhere.
    pub fn run_on(&self, server: &ServerUrl) -> Result<(), CommandError> {
        let Self::Show(_) = self else { return Err(not_from_elsewhere()) };
        on_server(async {
            let mut server = RemoteServer::open(server.clone(), false)?;
            let shown: Value = server.get(&["configuration"]).await?.read()?;
            print(shown["toml"].as_str().unwrap_or_default());
            Ok(())
        })
    }
}

/// Runs what waits for a server.
pub fn on_server<T>(
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// The refusal of a command that has no twin in the API, or none that is used here.
pub fn not_from_elsewhere() -> CommandError {
    CommandError::refused(
        "this command does not work with --server: run it on the server's machine. \
         docs/commands.md lists those that do",
    )
}

/// The server for a command with these arguments.
fn open(server: &ServerUrl, data: &DataArguments) -> Result<RemoteServer, CommandError> {
    if data.config.config.is_some() {
        let problem = "--config is for a database here, --server for one elsewhere: give one";
        return Err(CommandError::refused(problem));
    }
    RemoteServer::open(server.clone(), data.json)
}

/// The members that a change needs: those that are other than before, and null for those that go.
fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let new = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    new.map(|(name, value)| (name.clone(), value.clone()))
        .chain(gone.map(|name| (name.clone(), Value::Null)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    #[test]
    fn a_change_names_what_is_new_and_what_goes() {
        let before = object(json!({"a": 1, "b": 2, "c": 3}));
        let after = object(json!({"a": 1, "b": 5, "d": 4}));
        let expected = object(json!({"b": 5, "d": 4, "c": null}));
        assert_eq!(changes(&before, &after), expected);
        assert!(changes(&before, &before).is_empty());
    }
}
