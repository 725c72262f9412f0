//! `doorward session …`.

use clap::Subcommand;
use doorward_provider::model::session::SessionSelector;
use serde_json::{Value, json};

use super::{
    CommandContext, CommandError, DataArguments, audit, confirm::Confirmation, done, print_rows,
};

/// What to do with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List a user's sessions.
    List {
        /// The user, by name or sub.
        user: String,
        #[command(flatten)]
        data: DataArguments,
    },
    /// End a user's session, or all of them. The server notifies the clients that want to know.
    End {
        /// The user, by name or sub.
        user: String,
        /// The session, by its sid. Default: all sessions.
        #[arg(allow_hyphen_values = true)]
        sid: Option<String>,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        data: DataArguments,
    },
}

impl SessionCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List { user, data } => list(&CommandContext::open(&data).await?, &user).await,
            Self::End { user, sid, confirmation, data } => {
                end(&CommandContext::open(&data).await?, &user, sid, confirmation).await
            }
        }
    }
}

async fn list(context: &CommandContext, user: &str) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let sessions = context.store.sessions_of(&user.sub, CommandContext::now()).await?;
    let rows: Vec<Value> = sessions
        .into_iter()
        .map(|session| {
            json!({
                "sid": session.authentication.sid, "signed_in": session.authentication.auth_time.seconds(),
                "expires": session.expires_at.seconds(), "address": session.device.address,
                "browser": session.device.browser,
            })
        })
        .collect();
    print_rows(context.json, &["sid", "signed_in", "expires", "address", "browser"], &rows);
    Ok(())
}

async fn end(
    context: &CommandContext,
    user: &str,
    sid: Option<String>,
    confirmation: Confirmation,
) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    if sid.is_none() {
        confirmation.ask(&format!("End all sessions of {}?", user.username))?;
    }
    let selector = match &sid {
        Some(sid) => SessionSelector::OfUser { sub: user.sub.clone(), sid: sid.clone() },
        None => SessionSelector::AllOfUser(user.sub.clone()),
    };
    let ended = context.store.end_sessions(selector, CommandContext::now()).await?;
    match (ended.len(), sid) {
        (0, Some(sid)) => {
            Err(CommandError::Missing(format!("the user {} has no session {sid:?}", user.username)))
        }
        (count, _) => {
            audit("sessions_ended", "sub", &user.sub);
            let sentence = format!("Sessions of {} that ended: {count}.", user.username);
            done(context.json, &sentence, json!({"sub": user.sub, "ended": count}));
            Ok(())
        }
    }
}
