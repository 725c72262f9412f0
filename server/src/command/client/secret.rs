//! `doorward client secret …`: each secret has 256 random bits, and the database keeps its hash.

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_protocol::{ids::ClientId, secret::Secret};
use doorward_provider::{
    model::{shared_secret::SecretSettings, time::SystemEntropy},
    use_case::administration::clients::{self, RemoveSecretError},
};
use serde_json::{Value, json};

use super::{CommandContext, CommandError, OneClient, change, find, parsed, refused};
use crate::command::{DataArguments, done, print_rows};

/// What to do with a client's secrets.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// List the secrets by the first characters of their hashes.
    List(OneClient),
    /// Make a secret and show it only this once. The others stay.
    Add {
        /// The client.
        client_id: ClientId,
        /// The secret expires after this many days. Default: it does not expire.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: Option<u32>,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Remove a secret. It is refused within a second.
    Remove {
        /// The client.
        client_id: ClientId,
        /// The secret as listed.
        #[arg(allow_hyphen_values = true)]
        secret: String,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl SecretCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(OneClient { client_id, data }) => {
                list(&CommandContext::open(&data).await?, &client_id).await
            }
            Self::Add { client_id, days, description, data } => {
                let context = CommandContext::open(&data).await?;
                let expires_at =
                    days.map(|days| CommandContext::now().seconds() + i64::from(days) * 86_400);
                let secret =
                    change(&context, ChangeEvent::ClientSecretAdded, &client_id, |settings| {
                        Ok(clients::add_secret(settings, expires_at, description, &SystemEntropy))
                    })
                    .await?;
                tell_added(context.json, &client_id, secret);
                Ok(())
            }
            Self::Remove { client_id, secret, data } => {
                remove(&CommandContext::open(&data).await?, &client_id, &secret).await
            }
        }
    }
}

async fn list(context: &CommandContext, client_id: &ClientId) -> Result<(), CommandError> {
    let settings = parsed(&find(context, client_id).await?)?;
    let row = |secret: &SecretSettings| {
        json!({
            "secret": clients::secret_name(secret), "expires_at": secret.expires_at,
            "description": secret.description,
        })
    };
    let rows: Vec<Value> = settings.client_secrets.iter().map(row).collect();
    print_rows(context.json, COLUMNS, &rows);
    Ok(())
}

/// The columns of a list.
pub(in crate::command) const COLUMNS: &[&str] = &["secret", "expires_at", "description"];

async fn remove(
    context: &CommandContext,
    client_id: &ClientId,
    named: &str,
) -> Result<(), CommandError> {
    change(context, ChangeEvent::ClientSecretRemoved, client_id, |settings| {
        clients::remove_secret(settings, named).map_err(|error| match error {
            RemoveSecretError::Missing => {
                CommandError::Missing(format!("the client {client_id:?} has no secret {named:?}"))
            }
            RemoveSecretError::Last => refused(&error),
        })
    })
    .await?;
    tell_removed(context.json, client_id, named);
    Ok(())
}

/// Shows one more secret.
pub(in crate::command) fn tell_added(json: bool, client_id: &ClientId, secret: Secret) {
    tell(json, client_id, &format!("The client {client_id} has one more secret."), Some(secret));
}

/// Says that a secret is removed.
pub(in crate::command) fn tell_removed(json: bool, client_id: &ClientId, named: &str) {
    let sentence = format!("The secret {named} of the client {client_id} is removed.");
    done(json, &sentence, json!({"client_id": client_id, "secret": named}));
}

/// Says what was done, and shows a new secret only this once.
pub(super) fn tell(json: bool, client_id: &ClientId, sentence: &str, secret: Option<Secret>) {
    let Some(secret) = secret else {
        return done(json, sentence, json!({"client_id": client_id}));
    };
    let text = if json {
        format!(
            "{:#}\n",
            json!({"client_id": client_id, "client_secret": secret.expose(), "message": sentence})
        )
    } else {
        format!("{sentence}\nIts secret, which is not shown again: {}\n", secret.expose())
    };
    crate::output::print(&text);
}
