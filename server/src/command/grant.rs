//! `doorward grant …`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{CommandContext, CommandError, DataArguments, audit, done, print_rows};

/// What to do with grants.
#[derive(Debug, Subcommand)]
pub enum GrantCommand {
    /// List the clients that have access to a user's data.
    List {
        /// The user, by name or sub.
        user: String,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Revoke a client's access to a user's data.
    Revoke {
        /// The user, by name or sub.
        user: String,
        /// The client.
        client_id: String,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl GrantCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List { user, data } => list(&CommandContext::open(&data).await?, &user).await,
            Self::Revoke { user, client_id, data } => {
                revoke(&CommandContext::open(&data).await?, &user, &client_id).await
            }
        }
    }
}

async fn list(context: &CommandContext, user: &str) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let access = context.store.access_of(&user.sub, CommandContext::now()).await?;
    let rows: Vec<Value> = access
        .into_iter()
        .map(|access| {
            json!({
                "client_id": access.client_id, "scope": access.scope,
                "since": access.used.map(|used| used.since.seconds()),
                "last_used": access.used.map(|used| used.last.seconds()),
            })
        })
        .collect();
    print_rows(context.json, &["client_id", "scope", "since", "last_used"], &rows);
    Ok(())
}

async fn revoke(context: &CommandContext, user: &str, client_id: &str) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let access = context.store.access_of(&user.sub, CommandContext::now()).await?;
    if access.iter().all(|access| access.client_id != client_id) {
        let problem =
            format!("the client {client_id:?} has no access to the data of {}", user.username);
        return Err(CommandError::Missing(problem));
    }
    context.store.revoke_access(&user.sub, client_id, CommandContext::now()).await?;
    audit("access_revoked", "client_id", client_id);
    let sentence =
        format!("The access of {client_id} to the data of {} is revoked.", user.username);
    done(context.json, &sentence, json!({"sub": user.sub, "client_id": client_id}));
    Ok(())
}
