//! `doorward client secret …`: each secret has 256 random bits, and the database keeps its hash.

use clap::Subcommand;
use doorward_protocol::secret::Secret;
use doorward_provider::model::{
    shared_secret::SecretSettings, time::SystemEntropy, token_handle::TokenHandle,
};
use serde_json::{Map, Value, json};

use super::{
    CommandContext, CommandError, OneClient, all, audit, change, missing, parsed, refused,
};
use crate::command::{DataArguments, done, print_rows};

/// What to do with a client's secrets.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// List the secrets by the first characters of their hashes.
    List(OneClient),
    /// Make a secret and show it only this once. The others stay.
    Add {
        /// The client.
        client_id: String,
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
        client_id: String,
        /// The secret as listed.
        #[arg(allow_hyphen_values = true)]
        secret: String,
        #[command(flatten)]
        data: DataArguments,
    },
}

/// How much of a hash is shown: enough to tell secrets apart.
const SHOWN: usize = 8;

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
                let secret = change(&context, &client_id, |settings| {
                    Ok(generate(settings, expires_at, description))
                })
                .await?;
                audit("client_secret_added", "client_id", &client_id);
                tell(
                    &context,
                    &client_id,
                    &format!("The client {client_id} has one more secret."),
                    Some(secret),
                );
                Ok(())
            }
            Self::Remove { client_id, secret, data } => {
                remove(&CommandContext::open(&data).await?, &client_id, &secret).await
            }
        }
    }
}

async fn list(context: &CommandContext, client_id: &str) -> Result<(), CommandError> {
    let client = all(context).await?.into_iter().find(|client| client.client_id == client_id);
    let settings = parsed(&client.ok_or_else(|| missing(client_id))?)?;
    let row = |secret: &SecretSettings| {
        json!({
            "secret": shown(secret), "expires_at": secret.expires_at,
            "description": secret.description,
        })
    };
    let rows: Vec<Value> = settings.client_secrets.iter().map(row).collect();
    print_rows(context.json, &["secret", "expires_at", "description"], &rows);
    Ok(())
}

async fn remove(
    context: &CommandContext,
    client_id: &str,
    named: &str,
) -> Result<(), CommandError> {
    change(context, client_id, |settings| {
        let secrets = settings.get_mut("client_secrets").and_then(Value::as_array_mut);
        let is_named = |secret: &Value| {
            secret["sha256"].as_str().and_then(|hash| hash.get(..SHOWN)) == Some(named)
        };
        let before = secrets.as_ref().map_or(0, |secrets| secrets.len());
        let Some(secrets) = secrets.filter(|secrets| secrets.iter().any(is_named)) else {
            return Err(CommandError::Missing(format!(
                "the client {client_id:?} has no secret {named:?}"
            )));
        };
        if before == 1 {
            return Err(refused(
                &"this is the client's last secret: add another one first, or disable the client",
            ));
        }
        secrets.retain(|secret| !is_named(secret));
        Ok(())
    })
    .await?;
    audit("client_secret_removed", "client_id", client_id);
    let sentence = format!("The secret {named} of the client {client_id} is removed.");
    done(context.json, &sentence, json!({"client_id": client_id, "secret": named}));
    Ok(())
}

fn shown(secret: &SecretSettings) -> Option<&str> {
    secret.sha256.as_deref().and_then(|hash| hash.get(..SHOWN))
}

/// Makes a secret and adds its hash to the settings.
pub(super) fn generate(
    settings: &mut Map<String, Value>,
    expires_at: Option<i64>,
    description: Option<String>,
) -> Secret {
    let secret = Secret::new(TokenHandle::generate(&SystemEntropy).expose());
    let added = SecretSettings::of(&secret, expires_at, description);
    let added = json!({
        "sha256": added.sha256, "expires_at": added.expires_at, "description": added.description,
    });
    match settings.get_mut("client_secrets") {
        Some(Value::Array(secrets)) => secrets.push(added),
        _ => drop(settings.insert("client_secrets".to_owned(), json!([added]))),
    }
    secret
}

/// Says what was done, and shows a new secret only this once.
pub(super) fn tell(
    context: &CommandContext,
    client_id: &str,
    sentence: &str,
    secret: Option<Secret>,
) {
    let Some(secret) = secret else {
        return done(context.json, sentence, json!({"client_id": client_id}));
    };
    let text = if context.json {
        format!(
            "{:#}\n",
            json!({"client_id": client_id, "client_secret": secret.expose(), "message": sentence})
        )
    } else {
        format!("{sentence}\nIts secret, which is not shown again: {}\n", secret.expose())
    };
    crate::output::print(&text);
}
