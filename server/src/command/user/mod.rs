//! `doorward user …`.

pub(super) mod events;
pub(super) mod invitations;
pub(super) mod invite;
pub(super) mod links;
pub(super) mod passkeys;
mod password;
mod profile;

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        factor::FactorSummary,
        password::PasswordHash,
        time::SystemEntropy,
        user::{User, normalized_username},
    },
    use_case::administration::{
        links::NamedAccount,
        users::{self, AddUserError},
    },
};
use serde_json::{Map, Value, json};

pub(super) use self::password::PasswordSource;
pub(super) use self::profile::claim;
use self::{invite::Invite, password::PasswordForce, profile::Profile};
use super::{
    ChangedUser, CommandContext, CommandError, DataArguments, PAGE, RowPrinter, SearchArguments,
    by_operator,
    confirm::Confirmation,
    done,
    list_option::{changed, values},
    print_object,
};
use crate::{output::print, provider::configured::audited};

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
        sub: Option<Sub>,
        #[command(flatten)]
        profile: Box<Profile>,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        force: PasswordForce,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Invite somebody to make an account. A link is mailed to the address.
    Invite(Box<Invite>),
    /// List the invitations that nobody has followed yet.
    Invitations(SearchArguments),
    /// Take the invitations of an address back: their links work no longer.
    Uninvite {
        /// The e-mail address that was invited.
        email: String,
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
        /// With --server, where nobody sets a password for somebody else: mail the user a link to
        /// set one.
        #[arg(long, conflicts_with_all = ["password_stdin", "force"])]
        mail_link: bool,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        force: PasswordForce,
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
    /// Take authenticator app, recovery codes and passkeys away from a user who has lost them. All
    /// sessions and grants of the user end.
    ResetFactors(OneUser),
    /// List the passkeys of a user.
    Passkeys(OneUser),
    /// Remove a passkey of a user. Sessions that began by it go on until they are ended.
    RemovePasskey {
        /// The user, by name or sub.
        user: String,
        /// What `user passkeys` calls it.
        #[arg(allow_hyphen_values = true)]
        id: String,
        #[command(flatten)]
        data: DataArguments,
    },
    /// List the accounts at other providers by which a user signs in.
    Links(OneUser),
    /// Link an account at another provider with a user, who then signs in by it.
    Link {
        /// The user, by name or sub.
        user: String,
        /// The name of the provider.
        provider: String,
        /// Whom the provider calls so: the `sub` of its ID tokens, or its `subject_claim`.
        subject: String,
        /// The issuer, where the provider has one for each tenant.
        #[arg(long)]
        issuer: Option<String>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Remove an account at another provider from a user. The sessions that began by it end.
    Unlink {
        /// The user, by name or sub.
        user: String,
        /// The name of the provider.
        provider: String,
        /// The subject there, where the user has several.
        subject: Option<String>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Show what happened to a user's account in the last half-year, the latest first.
    Events(OneUser),
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
    pub(super) user: String,
    #[command(flatten)]
    pub(super) data: DataArguments,
}

impl UserCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(data) => list(&CommandContext::open(&data).await?).await,
            Self::Show(OneUser { user, data }) => {
                show(&CommandContext::open(&data).await?, &user).await
            }
            Self::Add { username, sub, profile, password, force, data } => {
                let context = CommandContext::open(&data).await?;
                add(&context, &username, sub, &profile, &password, force).await
            }
            Self::Invite(invite) => invite.run(Map::new()).await,
            Self::Invitations(search) => {
                invitations::list(&CommandContext::open(&search.data).await?, &search.prefix).await
            }
            Self::Uninvite { email, data } => {
                invitations::uninvite(&CommandContext::open(&data).await?, &email).await
            }
            Self::Set { user, username, profile, data } => {
                set(&CommandContext::open(&data).await?, &user, username, &profile).await
            }
            Self::Passwd { mail_link: true, .. } => {
                Err(CommandError::refused("--mail-link works with --server: here, set a password"))
            }
            Self::Passwd { user, password, force, data, .. } => {
                passwd(&CommandContext::open(&data).await?, &user, &password, force).await
            }
            Self::PasswordHash { password } => password_hash(&password),
            Self::Disable(OneUser { user, data }) => {
                set_enabled(&CommandContext::open(&data).await?, &user, false).await
            }
            Self::Enable(OneUser { user, data }) => {
                set_enabled(&CommandContext::open(&data).await?, &user, true).await
            }
            Self::ResetFactors(OneUser { user, data }) => {
                reset_factors(&CommandContext::open(&data).await?, &user).await
            }
            Self::Passkeys(OneUser { user, data }) => {
                passkeys::list(&CommandContext::open(&data).await?, &user).await
            }
            Self::RemovePasskey { user, id, data } => {
                passkeys::remove(&CommandContext::open(&data).await?, &user, &id).await
            }
            Self::Links(OneUser { user, data }) => {
                links::list(&CommandContext::open(&data).await?, &user).await
            }
            Self::Link { user, provider, subject, issuer, data } => {
                let context = CommandContext::open(&data).await?;
                let issuer = issuer.as_deref();
                let account = NamedAccount { provider: &provider, issuer, subject: &subject };
                links::link(&context, &user, account).await
            }
            Self::Unlink { user, provider, subject, data } => {
                let context = CommandContext::open(&data).await?;
                links::unlink(&context, &user, &provider, subject.as_deref()).await
            }
            Self::Events(OneUser { user, data }) => {
                events::list(&CommandContext::open(&data).await?, &user).await
            }
            Self::Remove { user: OneUser { user, data }, confirmation } => {
                remove(&CommandContext::open(&data).await?, &user, confirmation).await
            }
            Self::Roles { user, roles, add, remove, clear, data } => {
                let context = CommandContext::open(&data).await?;
                RoleChange::of(&roles, &add, &remove, clear).run(&context, &user).await
            }
        }
    }
}

/// The columns of a list.
pub(super) const COLUMNS: &[&str] = &["username", "sub", "enabled", "roles"];

async fn list(context: &CommandContext) -> Result<(), CommandError> {
    let mut printer = RowPrinter::new(context.json, COLUMNS);
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
    let factors = context.store.factors(&user.sub).await?;
    let links = context.store.external_identities(&user.sub).await?;
    let links: Vec<Value> = links.iter().map(links::described).collect();
    print_object(context.json, &shown(&user, factors, &links));
    Ok(())
}

/// All that is said about one user. `links` are the accounts at other providers.
pub(super) fn shown(user: &User, factors: FactorSummary, links: &[Value]) -> Value {
    json!({
        "username": user.username, "sub": user.sub, "enabled": user.enabled,
        "authenticator_app": factors.totp_since.is_some(),
        "recovery_codes": factors.recovery_codes, "passkeys": factors.passkeys,
        "claims": user.claims.0,
        "groups": user.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(),
        "links": links,
    })
}

/// What is said about a user in lists and after changes.
pub(super) fn described(user: &User) -> Value {
    let roles = user.claims.0.get("role");
    json!({"username": user.username, "sub": user.sub, "enabled": user.enabled, "roles": roles})
}

async fn add(
    context: &CommandContext,
    username: &str,
    sub: Option<Sub>,
    profile: &Profile,
    password: &PasswordSource,
    force: PasswordForce,
) -> Result<(), CommandError> {
    let username = named(username)?;
    let mut user = users::new_user(sub, username, &SystemEntropy);
    profile.apply(&mut user)?;
    user.password_hash = Some(password.read_new(context, &user, force).await?);
    // Looked up after the prompt, which may have waited for minutes.
    let added = users::add_user(&*context.store, user.clone(), CommandContext::now()).await;
    added.map_err(|error| match error {
        AddUserError::Store(error) => error.into(),
        other => CommandError::Missing(other.to_string()),
    })?;
    report(context, None, &user, ChangeEvent::UserAdded, "was added").await;
    Ok(())
}

async fn set(
    context: &CommandContext,
    name: &str,
    username: Option<String>,
    profile: &Profile,
) -> Result<(), CommandError> {
    refuse_nothing(username.is_none() && profile.is_empty())?;
    let username = username.as_deref().map(named).transpose()?;
    let ChangedUser { before, after } = context
        .change_user(name, |user| {
            if let Some(username) = &username {
                user.username.clone_from(username);
            }
            profile.apply(user)
        })
        .await?;
    report(context, Some(&before), &after, ChangeEvent::UserChanged, "is changed").await;
    Ok(())
}

/// Refuses `user set` without anything to set.
pub(super) fn refuse_nothing(nothing: bool) -> Result<(), CommandError> {
    if nothing {
        return Err(CommandError::refused("nothing is given to set: see doorward user set --help"));
    }
    Ok(())
}

/// Asks first and reads the user then: what another operator did meanwhile stays.
async fn passwd(
    context: &CommandContext,
    name: &str,
    source: &PasswordSource,
    force: PasswordForce,
) -> Result<(), CommandError> {
    let asked_for = context.user(name).await?;
    let password_hash = source.read_new(context, &asked_for, force).await?;
    let ChangedUser { before, after } = context
        .change_user(name, |user| {
            user.password_hash = Some(password_hash.clone());
            Ok(())
        })
        .await?;
    report(
        context,
        Some(&before),
        &after,
        ChangeEvent::UserPasswordChanged,
        "has another password",
    )
    .await;
    Ok(())
}

fn password_hash(source: &PasswordSource) -> Result<(), CommandError> {
    let hash = PasswordHash::compute(&source.read()?).map_err(CommandError::refused)?;
    print(&format!("{}\n", hash.as_str()));
    Ok(())
}

async fn set_enabled(
    context: &CommandContext,
    name: &str,
    enabled: bool,
) -> Result<(), CommandError> {
    let ChangedUser { before, after } = context
        .change_user(name, |user| {
            user.set_enabled(enabled);
            Ok(())
        })
        .await?;
    let (event, what) = enabled_words(enabled);
    report(context, Some(&before), &after, event, what).await;
    Ok(())
}

/// The event, and what is said.
pub(super) fn enabled_words(enabled: bool) -> (ChangeEvent, &'static str) {
    if enabled {
        (ChangeEvent::UserEnabled, "may sign in")
    } else {
        (ChangeEvent::UserDisabled, "is kept out")
    }
}

async fn reset_factors(context: &CommandContext, name: &str) -> Result<(), CommandError> {
    let user = context.user(name).await?;
    let master = context.mail_key().await?;
    let notices = context.notices(master.as_ref()).of_reset_factors(&user)?;
    let (store, now) = (&context.store, CommandContext::now());
    let before = store.reset_factors(&user.sub, None, notices, now).await?;
    let before = before.unwrap_or_default();
    let record = by_operator(ChangeEvent::UserFactorsReset).on_user(&user.sub);
    context.audit(record.changing(Some(factors(before)), None)).await;
    tell_reset(context.json, &user, before);
    Ok(())
}

fn factors(of: FactorSummary) -> Value {
    json!({
        "authenticator_app": of.totp_since.is_some(), "recovery_codes": of.recovery_codes,
        "passkeys": of.passkeys,
    })
}

/// Says that the second factors of a user are gone, and which they were.
pub(super) fn tell_reset(json: bool, user: &User, before: FactorSummary) {
    let mut facts = factors(before);
    facts["username"] = json!(user.username);
    facts["sub"] = json!(user.sub);
    let sentence = format!(
        "The user {} has no second factors any more, and is signed out everywhere.",
        user.username
    );
    done(json, &sentence, facts);
}

async fn remove(
    context: &CommandContext,
    name: &str,
    confirmation: Confirmation,
) -> Result<(), CommandError> {
    let user = context.user(name).await?;
    confirmation.ask(&removal_question(&user))?;
    context.store.remove_user(&user.sub, CommandContext::now()).await?;
    let record = by_operator(ChangeEvent::UserRemoved).on_user(&user.sub);
    context.audit(record.changing(Some(audited(&user)), None)).await;
    tell_removed(context.json, &user);
    Ok(())
}

pub(super) fn removal_question(user: &User) -> String {
    format!("Remove the user {} and everything of theirs?", user.username)
}

/// Says that a user is removed.
pub(super) fn tell_removed(json: bool, user: &User) {
    let facts = json!({"username": user.username, "sub": user.sub});
    done(json, &format!("The user {} is removed.", user.username), facts);
}

/// What is said after another role.
pub(super) const HAS_ROLES: &str = "has these roles";

/// What `user roles` was asked for.
pub(super) struct RoleChange {
    roles: Vec<String>,
    add: Vec<String>,
    remove: Vec<String>,
    clear: bool,
}

impl RoleChange {
    /// From the arguments, in which roles may stand between commas.
    pub(super) fn of(roles: &[String], add: &[String], remove: &[String], clear: bool) -> Self {
        Self { roles: values(roles), add: values(add), remove: values(remove), clear }
    }

    /// Whether the roles are only to be shown.
    pub(super) fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.add.is_empty() && self.remove.is_empty() && !self.clear
    }

    pub(super) fn apply(&self, user: &mut User) {
        let claims = user.claims_mut();
        let before = if self.clear || !self.roles.is_empty() {
            self.roles.clone()
        } else {
            profile::list(claims, "role")
        };
        profile::set_list(claims, "role", changed(before, &self.add, &self.remove));
    }

    async fn run(&self, context: &CommandContext, name: &str) -> Result<(), CommandError> {
        if self.is_empty() {
            tell_roles(context.json, &context.user(name).await?);
            return Ok(());
        }
        let ChangedUser { before, after } = context
            .change_user(name, |user| {
                self.apply(user);
                Ok(())
            })
            .await?;
        report(context, Some(&before), &after, ChangeEvent::UserRolesChanged, HAS_ROLES).await;
        Ok(())
    }
}

/// Says which roles a user has.
pub(super) fn tell_roles(json: bool, user: &User) {
    let roles = profile::list(&user.claims.0, "role");
    let text = if roles.is_empty() { "none".to_owned() } else { roles.join(" ") };
    done(json, &format!("Roles of {}: {text}", user.username), described(user));
}

/// The error about a user who is not there.
pub(super) fn missing(name: &str) -> CommandError {
    CommandError::Missing(format!("there is no user {name:?}"))
}

/// The error about two users of whom one has the name and the other the `sub`.
pub(super) fn ambiguous(name: &str, named: &Sub) -> CommandError {
    CommandError::Missing(format!(
        "{name:?} is the name of one user (sub {named:?}) and the sub of another: say the first by \
         that sub, and the other one by the user name"
    ))
}

/// Says what was done, and records the user before and after it.
async fn report(
    context: &CommandContext,
    before: Option<&User>,
    user: &User,
    event: ChangeEvent,
    what: &str,
) {
    let record = by_operator(event).on_user(&user.sub);
    context.audit(record.changing(before.map(audited), Some(audited(user)))).await;
    tell(context.json, user, what);
}

/// Says what was done.
pub(super) fn tell(json: bool, user: &User, what: &str) {
    done(json, &format!("The user {} {what}.", user.username), described(user));
}

pub(super) fn named(username: &str) -> Result<String, CommandError> {
    users::checked_username(username).map_err(|error| CommandError::Missing(error.to_string()))
}
