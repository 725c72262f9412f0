//! `doorward user …`.

use std::{
    io::{IsTerminal as _, Read as _},
    sync::Arc,
};

use clap::Subcommand;
use doorward_protocol::secret::Secret;
use doorward_provider::model::{password::PasswordHash, user::User};
use serde_json::{Map, Value, json};

use super::{CommandContext, CommandError, DataArguments, audit, done, print_rows};

/// What to do with users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List all users.
    List(DataArguments),
    /// Add a user; the password is asked for.
    Add {
        /// What the user types to sign in.
        username: String,
        /// The identifier that applications see. Default: the username.
        #[arg(long)]
        sub: Option<String>,
        /// The roles.
        #[arg(long, value_delimiter = ',')]
        roles: Vec<String>,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Set another password: whatever the old one began ends.
    Passwd {
        /// The user, by name or sub.
        user: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Keep a user out: sessions end, tokens are refused.
    Disable(OneUser),
    /// Let a disabled user in again.
    Enable(OneUser),
    /// Remove a user with everything that is theirs.
    Remove(OneUser),
    /// Set the roles in context of those that are there.
    Roles {
        /// The user, by name or sub.
        user: String,
        /// The roles; none takes all away.
        roles: Vec<String>,
        #[command(flatten)]
        data: DataArguments,
    },
}

/// A user and the rest.
#[derive(Debug, clap::Args)]
pub struct OneUser {
    /// The user, by name or sub.
    user: String,
    #[command(flatten)]
    data: DataArguments,
}

/// Where a password comes from.
#[derive(Debug, clap::Args)]
pub struct PasswordSource {
    /// Read the password from standard input, up to its end, instead of asking for it.
    #[arg(long)]
    password_stdin: bool,
}

impl UserCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(data) => list(&CommandContext::open(&data).await?).await,
            Self::Add { username, sub, roles, password, data } => {
                let context = CommandContext::open(&data).await?;
                add(&context, username, sub, &roles, &password).await
            }
            Self::Passwd { user, password, data } => {
                let context = CommandContext::open(&data).await?;
                let user = context.user(&user).await?;
                let changed = User { password_hash: password.read()?, ..user };
                write(&context, changed, "user_password_changed", "has another password").await
            }
            Self::Disable(OneUser { user, data }) => {
                set_enabled(&CommandContext::open(&data).await?, &user, false).await
            }
            Self::Enable(OneUser { user, data }) => {
                set_enabled(&CommandContext::open(&data).await?, &user, true).await
            }
            Self::Remove(OneUser { user, data }) => {
                remove(&CommandContext::open(&data).await?, &user).await
            }
            Self::Roles { user, roles, data } => {
                let context = CommandContext::open(&data).await?;
                let mut user = context.user(&user).await?;
                set_roles(user.claims_mut(), &roles);
                write(&context, user, "user_roles_changed", "has these roles").await
            }
        }
    }
}

async fn list(context: &CommandContext) -> Result<(), CommandError> {
    let rows: Vec<Value> = context.store.users().await?.iter().map(described).collect();
    print_rows(context.json, &["username", "sub", "enabled", "roles"], &rows);
    Ok(())
}

/// What is told of a user.
fn described(user: &User) -> Value {
    let roles = user.claims.0.get("role");
    json!({"username": user.username, "sub": user.sub, "enabled": user.enabled, "roles": roles})
}

async fn add(
    context: &CommandContext,
    username: String,
    sub: Option<String>,
    roles: &[String],
    password: &PasswordSource,
) -> Result<(), CommandError> {
    let username = username.trim().to_owned();
    if username.is_empty() || username.len() > 255 || username.chars().any(char::is_control) {
        return Err(CommandError::Missing(
            "a username has 1 to 255 bytes without control characters".to_owned(),
        ));
    }
    let sub = sub.unwrap_or_else(|| username.clone());
    if sub.is_empty() || sub.len() > 255 || !sub.bytes().all(|byte| byte.is_ascii_graphic()) {
        let problem =
            "a sub has 1 to 255 printable ASCII characters without spaces: give one with --sub";
        return Err(CommandError::Missing(problem.to_owned()));
    }
    if context.store.user(&sub).await?.is_some() {
        return Err(CommandError::Missing(format!("there is a user with the sub {sub:?} already")));
    }
    let mut user = User {
        sub,
        username,
        password_hash: password.read()?,
        enabled: true,
        claims: Arc::default(),
    };
    set_roles(user.claims_mut(), roles);
    write(context, user, "user_added", "was added").await
}

async fn set_enabled(
    context: &CommandContext,
    name: &str,
    enabled: bool,
) -> Result<(), CommandError> {
    let user = User { enabled, ..context.user(name).await? };
    let (event, what) =
        if enabled { ("user_enabled", "may sign in") } else { ("user_disabled", "is kept out") };
    write(context, user, event, what).await
}

async fn remove(context: &CommandContext, name: &str) -> Result<(), CommandError> {
    let user = context.user(name).await?;
    context.store.remove_user(&user.sub, CommandContext::now()).await?;
    audit("user_removed", "sub", &user.sub);
    let facts = json!({"username": user.username, "sub": user.sub});
    done(context.json, &format!("The user {} is removed.", user.username), facts);
    Ok(())
}

async fn write(
    context: &CommandContext,
    user: User,
    event: &'static str,
    what: &str,
) -> Result<(), CommandError> {
    let (sentence, sub, facts) =
        (format!("The user {} {what}.", user.username), user.sub.clone(), described(&user));
    context.store.put_user(user, CommandContext::now()).await?;
    audit(event, "sub", &sub);
    done(context.json, &sentence, facts);
    Ok(())
}

fn set_roles(claims: &mut Map<String, Value>, roles: &[String]) {
    if roles.is_empty() {
        claims.remove("role");
    } else {
        claims.insert("role".to_owned(), roles.into());
    }
}

impl PasswordSource {
    /// Reads the password and hashes it.
    fn read(&self) -> Result<PasswordHash, CommandError> {
        let refuse = |problem: String| CommandError::refused(problem);
        let unreadable =
            |error: std::io::Error| refuse(format!("the password can't be read: {error}"));
        let password = if self.password_stdin {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
            let line_end = text.trim_end_matches(['\r', '\n']).len();
            text.truncate(line_end);
            Secret::new(text)
        } else if std::io::stdin().is_terminal() {
            let first = Secret::new(rpassword::prompt_password("Password: ").map_err(unreadable)?);
            let second =
                Secret::new(rpassword::prompt_password("Once more: ").map_err(unreadable)?);
            if first != second {
                return Err(refuse("the two passwords differ".to_owned()));
            }
            first
        } else {
            return Err(refuse(
                "there is no terminal to ask for the password: give --password-stdin".to_owned(),
            ));
        };
        if password.expose().is_empty() || password.expose().len() > 1024 {
            return Err(refuse("a password has 1 to 1024 bytes".to_owned()));
        }
        PasswordHash::compute(&password).map_err(|error| refuse(error.to_string()))
    }
}
