//! `doorward grant …`.

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_protocol::ids::ClientId;
use doorward_provider::{
    model::{client_access::ClientAccess, user::User},
    use_case::administration::users::has_access,
};
use serde_json::{Value, json};

use super::{CommandContext, CommandError, DataArguments, PAGE, RowPrinter, by_operator, done};

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
        client_id: ClientId,
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

/// The columns of a list.
pub(super) const COLUMNS: &[&str] = &["client_id", "scope", "since", "last_used"];

async fn list(context: &CommandContext, user: &str) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    let mut after = None;
    loop {
        let page = page(context, &user, after.as_ref()).await?;
        let Some(last) = page.iter().map(|access| &access.client_id).max() else { break };
        after = Some(last.clone());
        printer.print_page(&page.iter().map(described).collect::<Vec<_>>());
    }
    printer.finish();
    Ok(())
}

async fn page(
    context: &CommandContext,
    user: &User,
    after: Option<&ClientId>,
) -> Result<Vec<ClientAccess>, CommandError> {
    Ok(context.store.access_of(&user.sub, after, PAGE, CommandContext::now()).await?)
}

fn described(access: &ClientAccess) -> Value {
    json!({
        "client_id": access.client_id, "scope": access.scope,
        "since": access.used.map(|used| used.since.seconds()),
        "last_used": access.used.map(|used| used.last.seconds()),
    })
}

async fn revoke(
    context: &CommandContext,
    user: &str,
    client_id: &ClientId,
) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let now = CommandContext::now();
    if !has_access(&*context.store, &user.sub, client_id, now).await? {
        let problem =
            format!("the client {client_id:?} has no access to the data of {}", user.username);
        return Err(CommandError::Missing(problem));
    }
    context.store.revoke_access(&user.sub, client_id, now).await?;
    let record =
        by_operator(ChangeEvent::AccessRevoked).on("client_id", client_id).on_user(&user.sub);
    context.audit(record).await;
    tell_revoked(context.json, &user, client_id);
    Ok(())
}

/// Says that a client has no access any more.
pub(super) fn tell_revoked(json: bool, user: &User, client_id: &ClientId) {
    let sentence =
        format!("The access of {client_id} to the data of {} is revoked.", user.username);
    done(json, &sentence, json!({"sub": user.sub, "client_id": client_id}));
}
