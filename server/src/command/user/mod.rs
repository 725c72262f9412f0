//! `doorward user …`.

mod password;
mod profile;

use std::sync::Arc;

use clap::Subcommand;
use doorward_provider::model::{
    password::PasswordHash,
    time::SystemEntropy,
    token_handle,
    user::{User, normalized_username},
};
use serde_json::{Value, json};

use self::{
    password::{PasswordPolicy, PasswordSource},
    profile::Profile,
};
use super::{
    CommandContext, CommandError, DataArguments, PAGE, RowPrinter, audit,
    confirm::Confirmation,
    done,
    list_option::{changed, values},
    print_object,
};
use crate::output::print;

/// What to do with users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List all users.
    List(DataArguments),
    /// Show one user with all claims.
    Show(OneUser),
    /// Add a user. The command asks for the password.
    Add {
        /// What the user types to sign in.
        username: String,
        /// The identifier that applications see. It must never have been another user's. Default: a
        /// random one.
        #[arg(long)]
        sub: Option<String>,
        #[command(flatten)]
        profile: Box<Profile>,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Change a user's name or claims. Whatever is not given stays. Tokens that were issued before
    /// keep the old claims until they are renewed.
    Set {
        /// The user, by name or sub.
        user: String,
        /// Another name to sign in with.
        #[arg(long)]
        username: Option<String>,
        #[command(flatten)]
        profile: Box<Profile>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Set another password. All sessions and grants of the user end.
    Passwd {
        /// The user, by name or sub.
        user: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Write the Argon2id hash of a password, for `password_hash` in the configuration.
    PasswordHash {
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Keep a user out: sessions end, and tokens are refused.
    Disable(OneUser),
    /// Let a disabled user sign in again.
    Enable(OneUser),
    /// Remove a user with all sessions, grants and consents.
    Remove {
        #[command(flatten)]
        user: OneUser,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Show a user's roles, or change them. Tokens that were issued before keep the old roles until
    /// they are renewed.
    Roles {
        /// The user, by name or sub.
        user: String,
        /// The roles, in place of those that are there.
        #[arg(conflicts_with_all = ["add", "remove", "clear"])]
        roles: Vec<String>,
        /// Add these roles, between commas.
        #[arg(long)]
        add: Vec<String>,
        /// Take these roles away, between commas.
        #[arg(long)]
        remove: Vec<String>,
        /// Take all roles away.
        #[arg(long, conflicts_with_all = ["add", "remove"])]
        clear: bool,
        #[command(flatten)]
        data: DataArguments,
    },
}

/// A user, and how to answer.
#[derive(Debug, clap::Args)]
pub struct OneUser {
    /// The user, by name or sub.
    user: String,
    #[command(flatten)]
    data: DataArguments,
}

impl UserCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(data) => list(&CommandContext::open(&data).await?).await,
            Self::Show(OneUser { user, data }) => {
                show(&CommandContext::open(&data).await?, &user).await
            }
            Self::Add { username, sub, profile, password, data } => {
                let context = CommandContext::open(&data).await?;
                add(&context, &username, sub, &profile, &password).await
            }
            Self::Set { user, username, profile, data } => {
                set(&CommandContext::open(&data).await?, &user, username, &profile).await
            }
            Self::Passwd { user, password, data } => {
                passwd(&CommandContext::open(&data).await?, &user, &password).await
            }
            Self::PasswordHash { password } => password_hash(&password),
            Self::Disable(OneUser { user, data }) => {
                set_enabled(&CommandContext::open(&data).await?, &user, false).await
            }
            Self::Enable(OneUser { user, data }) => {
                set_enabled(&CommandContext::open(&data).await?, &user, true).await
            }
            Self::Remove { user: OneUser { user, data }, confirmation } => {
                remove(&CommandContext::open(&data).await?, &user, confirmation).await
            }
            Self::Roles { user, roles, add, remove, clear, data } => {
                let context = CommandContext::open(&data).await?;
                let change = RoleChange { roles, add, remove, clear };
                change.run(&context, &user).await
            }
        }
    }
}

async fn list(context: &CommandContext) -> Result<(), CommandError> {
    let mut printer = RowPrinter::new(context.json, &["username", "sub", "enabled", "roles"]);
    let mut after: Option<String> = None;
    loop {
        let page = context.store.users(after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(normalized_username(&last.username));
        printer.print_page(&page.iter().map(described).collect::<Vec<_>>());
    }
    printer.finish();
    Ok(())
}

async fn show(context: &CommandContext, name: &str) -> Result<(), CommandError> {
    let user = context.user(name).await?;
    let shown = json!({
        "username": user.username, "sub": user.sub, "enabled": user.enabled,
        "claims": user.claims.0,
    });
    print_object(context.json, &shown);
    Ok(())
}

/// What is said about a user in lists and after changes.
fn described(user: &User) -> Value {
    let roles = user.claims.0.get("role");
    json!({"username": user.username, "sub": user.sub, "enabled": user.enabled, "roles": roles})
}

async fn add(
    context: &CommandContext,
    username: &str,
    sub: Option<String>,
    profile: &Profile,
    password: &PasswordSource,
) -> Result<(), CommandError> {
    let username = checked_username(username)?;
    let sub = sub.unwrap_or_else(|| token_handle::random_id(&SystemEntropy));
    if sub.is_empty() || sub.len() > 255 || !sub.bytes().all(|byte| byte.is_ascii_graphic()) {
        let problem = "a sub has 1 to 255 printable ASCII characters without spaces";
        return Err(CommandError::Missing(problem.to_owned()));
    }
    let policy = policy(context, &username);
    let password_hash = password.read(policy)?;
    // Looked up after the prompt, which may have waited for minutes.
    if context.store.user(&sub).await?.is_some() {
        return Err(CommandError::Missing(format!("there is a user with the sub {sub:?} already")));
    }
    let mut user = User { sub, username, password_hash, enabled: true, claims: Arc::default() };
    let preferred = user.username.as_str().into();
    user.claims_mut().insert("preferred_username".to_owned(), preferred);
    profile.apply(&mut user)?;
    context.store.put_user(user.clone(), CommandContext::now()).await?;
    report(context, &user, "user_added", "was added");
    Ok(())
}

async fn set(
    context: &CommandContext,
    name: &str,
    username: Option<String>,
    profile: &Profile,
) -> Result<(), CommandError> {
    if username.is_none() && profile.is_empty() {
        return Err(CommandError::refused("nothing is given to set: see doorward user set --help"));
    }
    let username = username.as_deref().map(checked_username).transpose()?;
    let user = context
        .change_user(name, |user| {
            if let Some(username) = &username {
                user.username.clone_from(username);
            }
            profile.apply(user)
        })
        .await?;
    report(context, &user, "user_changed", "is changed");
    Ok(())
}

/// Asks first and reads the user then: what another operator did meanwhile stays.
async fn passwd(
    context: &CommandContext,
    name: &str,
    source: &PasswordSource,
) -> Result<(), CommandError> {
    let username = context.user(name).await?.username;
    let password_hash: PasswordHash = source.read(policy(context, &username))?;
    let user = context
        .change_user(name, |user| {
            user.password_hash = password_hash.clone();
            Ok(())
        })
        .await?;
    report(context, &user, "user_password_changed", "has another password");
    Ok(())
}

fn password_hash(source: &PasswordSource) -> Result<(), CommandError> {
    let policy = PasswordPolicy { min_length: 1, username: "" };
    print(&format!("{}\n", source.read(policy)?.as_str()));
    Ok(())
}

async fn set_enabled(
    context: &CommandContext,
    name: &str,
    enabled: bool,
) -> Result<(), CommandError> {
    let user = context
        .change_user(name, |user| {
            user.enabled = enabled;
            Ok(())
        })
        .await?;
    let (event, what) =
        if enabled { ("user_enabled", "may sign in") } else { ("user_disabled", "is kept out") };
    report(context, &user, event, what);
    Ok(())
}

async fn remove(
    context: &CommandContext,
    name: &str,
    confirmation: Confirmation,
) -> Result<(), CommandError> {
    let user = context.user(name).await?;
    confirmation.ask(&format!("Remove the user {} and everything of theirs?", user.username))?;
    context.store.remove_user(&user.sub, CommandContext::now()).await?;
    audit("user_removed", "sub", &user.sub);
    let facts = json!({"username": user.username, "sub": user.sub});
    done(context.json, &format!("The user {} is removed.", user.username), facts);
    Ok(())
}

/// What `user roles` was asked for.
struct RoleChange {
    roles: Vec<String>,
    add: Vec<String>,
    remove: Vec<String>,
    clear: bool,
}

impl RoleChange {
    async fn run(&self, context: &CommandContext, name: &str) -> Result<(), CommandError> {
        let (roles, add, remove) = (values(&self.roles), values(&self.add), values(&self.remove));
        if roles.is_empty() && add.is_empty() && remove.is_empty() && !self.clear {
            let user = context.user(name).await?;
            let roles = profile::list(&user.claims.0, "role");
            let text = if roles.is_empty() { "none".to_owned() } else { roles.join(" ") };
            done(context.json, &format!("Roles of {}: {text}", user.username), described(&user));
            return Ok(());
        }
        let user = context
            .change_user(name, |user| {
                let claims = user.claims_mut();
                let before = if self.clear || !roles.is_empty() {
                    roles.clone()
                } else {
                    profile::list(claims, "role")
                };
                profile::set_list(claims, "role", changed(before, &add, &remove));
                Ok(())
            })
            .await?;
        report(context, &user, "user_roles_changed", "has these roles");
        Ok(())
    }
}

fn report(context: &CommandContext, user: &User, event: &'static str, what: &str) {
    audit(event, "sub", &user.sub);
    done(context.json, &format!("The user {} {what}.", user.username), described(user));
}

fn policy<'a>(context: &CommandContext, username: &'a str) -> PasswordPolicy<'a> {
    PasswordPolicy { min_length: context.config.provider.min_password_length, username }
}

fn checked_username(username: &str) -> Result<String, CommandError> {
    let username = username.trim().to_owned();
    if username.is_empty() || username.len() > 255 || username.chars().any(char::is_control) {
        let problem = "a username has 1 to 255 bytes without control characters";
        return Err(CommandError::Missing(problem.to_owned()));
    }
    Ok(username)
}
