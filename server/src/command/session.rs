//! `doorward session …`.

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_protocol::ids::SessionId;
use doorward_provider::model::{
    session::{Session, SessionSelector},
    user::User,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    CommandContext, CommandError, DataArguments, PAGE, RowPrinter, by_operator,
    confirm::Confirmation, done,
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
        sid: Option<SessionId>,
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
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    let mut after = None;
    loop {
        let now = CommandContext::now();
        let page = context.store.sessions_of(&user.sub, after.as_ref(), PAGE, now).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        printer.print_page(&page.iter().map(described).collect::<Vec<_>>());
    }
    printer.finish();
    Ok(())
}

/// The columns of a list.
pub(super) const COLUMNS: &[&str] = &["sid", "signed_in", "expires", "address", "browser"];

/// What is said about a session, under the names that the API has, too.
#[derive(Deserialize)]
pub(super) struct SessionLine {
    sid: String,
    signed_in: i64,
    expires: i64,
    address: Option<String>,
    browser: Option<String>,
}

impl SessionLine {
    pub(super) fn to_value(&self) -> Value {
        json!({
            "sid": self.sid, "signed_in": self.signed_in, "expires": self.expires,
            "address": self.address, "browser": self.browser,
        })
    }
}

fn described(session: &Session) -> Value {
    let line = SessionLine {
        sid: session.authentication.sid.to_string(),
        signed_in: session.authentication.auth_time.seconds(),
        expires: session.expires_at.seconds(),
        address: session.device.address.clone(),
        browser: session.device.browser.clone(),
    };
    line.to_value()
}

async fn end(
    context: &CommandContext,
    user: &str,
    sid: Option<SessionId>,
    confirmation: Confirmation,
) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    if sid.is_none() {
        confirmation.ask(&end_question(&user))?;
    }
    let now = CommandContext::now();
    let ended = match &sid {
        Some(sid) => {
            let selector = SessionSelector::OfUser { sub: user.sub.clone(), sid: sid.clone() };
            context.store.end_sessions(selector, now).await?.len() as u64
        }
        None => context.store.end_sessions_of(&user.sub, now).await?,
    };
    match (ended, sid) {
        (0, Some(sid)) => {
            Err(CommandError::Missing(format!("the user {} has no session {sid:?}", user.username)))
        }
        (count, _) => {
            context.audit(by_operator(ChangeEvent::SessionsEnded).on_user(&user.sub)).await;
            tell_ended(context.json, &user, count);
            Ok(())
        }
    }
}

pub(super) fn end_question(user: &User) -> String {
    format!("End all sessions of {}?", user.username)
}

/// Says how many sessions have ended.
pub(super) fn tell_ended(json: bool, user: &User, count: u64) {
    let sentence = format!("Sessions of {} that ended: {count}.", user.username);
    done(json, &sentence, json!({"sub": user.sub, "ended": count}));
}
