//! `doorward client registration-token …`: initial access tokens (RFC 7591 section 3). Each has 256
//! random bits, and the database keeps its hash.

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_provider::model::{
    registration::{RegistrationMode, RegistrationToken},
    time::{Seconds, SystemEntropy},
    token_handle::{TokenHandle, random_id},
};
use serde_json::{Value, json};

use crate::command::{
    CommandContext, CommandError, DataArguments, PAGE, RowPrinter, by_operator, done,
};

/// What to do with initial access tokens.
#[derive(Debug, Subcommand)]
pub enum RegistrationTokenCommand {
    /// List the tokens: how many clients can still be registered with each, and until when.
    List(DataArguments),
    /// Make a token and show it only this once. It is needed where `client_registration.mode` is
    /// "token".
    Add {
        /// How many clients may be registered with it.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=9_999))]
        uses: u32,
        /// After how many days it expires.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3_650))]
        days: u32,
        /// What it is for.
        #[arg(long)]
        note: Option<String>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Remove a token. Clients that were registered with it stay.
    Remove {
        /// The token's name as listed.
        id: String,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl RegistrationTokenCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(data) => list(&CommandContext::open(&data).await?).await,
            Self::Add { uses, days, note, data } => {
                add(&CommandContext::open(&data).await?, uses, days, note).await
            }
            Self::Remove { id, data } => remove(&CommandContext::open(&data).await?, &id).await,
        }
    }
}

/// The columns of a list.
pub(in crate::command) const COLUMNS: &[&str] = &["id", "uses_left", "expires_at", "note"];

async fn list(context: &CommandContext) -> Result<(), CommandError> {
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    let mut after: Option<String> = None;
    loop {
        let page = context.store.registration_tokens_page(after.as_deref(), PAGE).await?;
        after = page.last().map(|token| token.id.clone());
        let row = |token: &RegistrationToken| {
            json!({
                "id": token.id, "uses_left": token.uses_left,
                "expires_at": token.expires_at.seconds(), "note": token.note,
            })
        };
        printer.print_page(&page.iter().map(row).collect::<Vec<Value>>());
        if after.is_none() {
            break;
        }
    }
    printer.finish();
    Ok(())
}

async fn add(
    context: &CommandContext,
    uses: u32,
    days: u32,
    note: Option<String>,
) -> Result<(), CommandError> {
    if context.config.provider.settings.registration.mode == RegistrationMode::Off {
        return Err(CommandError::refused(
            "clients can't register: set client_registration.mode = \"token\" first",
        ));
    }
    let (id, handle) = (random_id(&SystemEntropy), TokenHandle::generate(&SystemEntropy));
    let token = RegistrationToken {
        id: id.clone(),
        hash: handle.hash(),
        note,
        uses_left: uses,
        expires_at: CommandContext::now().plus(Seconds::new(days * 86_400)),
    };
    if !context.store.add_registration_token(token).await? {
        return Err(CommandError::Missing("a token of this name is there: try again".to_owned()));
    }
    context.audit(by_operator(ChangeEvent::RegistrationTokenAdded).on("token", &id)).await;
    tell_added(context.json, &id, handle.expose(), uses, days);
    Ok(())
}

/// Shows a new token only this once.
pub(in crate::command) fn tell_added(json: bool, id: &str, token: &str, uses: u32, days: u32) {
    let text = format!(
        "The token {id} registers {uses} client(s) within {days} day(s). It is shown only \
         now:\n{token}"
    );
    done(json, &text, json!({"id": id, "token": token}));
}

/// Says that a token is removed.
pub(in crate::command) fn tell_removed(json: bool, id: &str) {
    done(json, &format!("The token {id} is removed."), json!({"id": id}));
}

async fn remove(context: &CommandContext, id: &str) -> Result<(), CommandError> {
    if !context.store.remove_registration_token(id).await? {
        return Err(CommandError::Missing(format!("there is no registration token {id:?}")));
    }
    context.audit(by_operator(ChangeEvent::RegistrationTokenRemoved).on("token", id)).await;
    tell_removed(context.json, id);
    Ok(())
}
