//! `doorward --server URL user …`.

use std::sync::Arc;

use doorward_admin::AdminRole;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        email::{EmailAddress, normalized_email},
        factor::FactorSummary,
        group::{Group, GroupName},
        time::{SystemEntropy, Timestamp},
        user::{ADMIN_ROLE_CLAIM, User, UserClaims, normalized_username},
    },
    use_case::administration::{links::NamedAccount, users::new_user},
};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        CommandError, RowPrinter, done, print_object, print_rows,
        user::{
            self, OneUser, RoleChange, UserCommand, events, invitations, invite::Invite, links,
            passkeys,
        },
    },
    changes,
    group::{all_rows, print_all},
    not_from_elsewhere, open,
};
use crate::remote::{Page, RemoteServer, ServerUrl};

/// A user of a list, as the API shows it.
#[derive(Deserialize)]
struct UserRow {
    sub: Sub,
    username: String,
    enabled: bool,
    roles: Value,
}

/// A user, as the API shows it.
#[derive(Deserialize)]
pub struct UserView {
    sub: Sub,
    username: String,
    enabled: bool,
    admin_role: Option<String>,
    claims: Map<String, Value>,
    groups: Vec<GroupName>,
}

/// An invitation, as the API shows it.
#[derive(Deserialize)]
struct InvitationRow {
    id: String,
    email: String,
    name: Option<String>,
    expires_at: i64,
    claims: Value,
    groups: Vec<String>,
}

/// An invitation that was made.
#[derive(Deserialize)]
struct CreatedInvitation {
    link: Option<String>,
}

/// Second factors, as the API shows them.
#[derive(Deserialize)]
struct FactorsView {
    authenticator_app_since: Option<i64>,
    recovery_codes: u32,
    passkeys: u32,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { sub, username, enabled, roles } = row;
        let claims = Some(roles).filter(|roles| !roles.is_null());
        let claims = claims.map(|roles| ("role".to_owned(), roles)).into_iter().collect();
        of(sub, username, enabled, claims, Vec::new())
    }
}

impl From<UserView> for User {
    fn from(view: UserView) -> Self {
        let UserView { sub, username, enabled, admin_role, mut claims, groups } = view;
        if let Some(role) = admin_role {
            claims.insert(ADMIN_ROLE_CLAIM.to_owned(), role.into());
        }
        of(sub, username, enabled, claims, groups)
    }
}

/// A user as far as the API tells. There is no password in it.
fn of(
    sub: Sub,
    username: String,
    enabled: bool,
    claims: Map<String, Value>,
    groups: Vec<GroupName>,
) -> User {
    User {
        sub,
        username,
        password_hash: None,
        enabled,
        claims: Arc::new(UserClaims(claims)),
        groups: Arc::new(groups.into_iter().map(Group::new).collect()),
        mapped: Arc::default(),
    }
}

impl From<FactorsView> for FactorSummary {
    fn from(view: FactorsView) -> Self {
        Self {
            totp_since: view.authenticator_app_since.map(Timestamp::from_seconds),
            recovery_codes: view.recovery_codes,
            passkeys: view.passkeys,
            identities: 0,
        }
    }
}

pub async fn run(command: UserCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        UserCommand::List(data) => list(&mut open(server, &data)?).await,
        UserCommand::Show(OneUser { user, data }) => show(&mut open(server, &data)?, &user).await,
        UserCommand::Add { username, sub, profile, password, force, data } => {
            let mut server = open(server, &data)?;
            if force.force {
                let problem = "--force works on the server's machine only";
                return Err(CommandError::refused(problem));
            }
            let mut added = new_user(sub, user::named(&username)?, &SystemEntropy);
            profile.apply(&mut added)?;
            add(&mut server, &added, password.read()?.expose()).await
        }
        UserCommand::Set { user, username, profile, data } => {
            user::refuse_nothing(username.is_none() && profile.is_empty())?;
            let username = username.as_deref().map(user::named).transpose()?;
            let change = |after: &mut User| {
                if let Some(username) = username {
                    after.username = username;
                }
                profile.apply(after)
            };
            set(&mut open(server, &data)?, &user, change, "is changed").await
        }
        UserCommand::Disable(OneUser { user, data }) => {
            set_enabled(&mut open(server, &data)?, &user, false).await
        }
        UserCommand::Enable(OneUser { user, data }) => {
            set_enabled(&mut open(server, &data)?, &user, true).await
        }
        UserCommand::ResetFactors(OneUser { user, data }) => {
            reset_factors(&mut open(server, &data)?, &user).await
        }
        UserCommand::Remove { user: OneUser { user, data }, confirmation } => {
            let mut server = open(server, &data)?;
            let (found, etag) = find(&mut server, &user).await?;
            confirmation.ask(&user::removal_question(&found))?;
            server.change(Method::DELETE, &["users", &found.sub], None, Some(&etag)).await?;
            user::tell_removed(server.json, &found);
            Ok(())
        }
        UserCommand::Roles { user, roles, add, remove, clear, data } => {
            let mut server = open(server, &data)?;
            let change = RoleChange::of(&roles, &add, &remove, clear);
            if change.is_empty() {
                user::tell_roles(server.json, &find(&mut server, &user).await?.0);
                return Ok(());
            }
            let apply = |after: &mut User| {
                change.apply(after);
                Ok(())
            };
            set(&mut server, &user, apply, user::HAS_ROLES).await
        }
        UserCommand::Invite(whom) => invite(&mut open(server, &whom.data)?, &whom, None).await,
        UserCommand::Invitations(search) => {
            let mut server = open(server, &search.data)?;
            let printer = RowPrinter::new(server.json, invitations::COLUMNS);
            let query = search.query();
            print_all(&mut server, &["invitations"], &query, printer, |row: InvitationRow| {
                let InvitationRow { email, name, claims, groups, expires_at, .. } = row;
                invitations::row(Some(&email), name.as_deref(), &claims, &groups, expires_at)
            })
            .await
        }
        UserCommand::Uninvite { email, data } => uninvite(&mut open(server, &data)?, &email).await,
        UserCommand::Passwd { mail_link: false, .. } => Err(CommandError::refused(
            "from elsewhere nobody sets a password for somebody else: give --mail-link, and the \
             user gets a link to set one",
        )),
        UserCommand::Passwd { user, data, .. } => mail_link(&mut open(server, &data)?, &user).await,
        UserCommand::Events(OneUser { user, data }) => {
            let mut server = open(server, &data)?;
            let (user, _) = find(&mut server, &user).await?;
            let printer = RowPrinter::new(server.json, events::COLUMNS);
            print_all(&mut server, &["users", &user.sub, "events"], &[], printer, |row: Value| row)
                .await
        }
        UserCommand::Passkeys(OneUser { user, data }) => {
            list_passkeys(&mut open(server, &data)?, &user).await
        }
        UserCommand::RemovePasskey { user, id, data } => {
            remove_passkey(&mut open(server, &data)?, &user, &id).await
        }
        UserCommand::Links(OneUser { user, data }) => {
            list_links(&mut open(server, &data)?, &user).await
        }
        UserCommand::Link { user, provider, subject, issuer, data } => {
            let issuer = issuer.as_deref();
            let account = NamedAccount { provider: &provider, issuer, subject: &subject };
            link(&mut open(server, &data)?, &user, account).await
        }
        UserCommand::Unlink { user, provider, subject, data } => {
            let mut server = open(server, &data)?;
            unlink(&mut server, &user, &provider, subject.as_deref()).await
        }
        UserCommand::PasswordHash { .. } => Err(not_from_elsewhere()),
    }
}

/// Sends a link by mail to set a password.
async fn mail_link(server: &mut RemoteServer, user: &str) -> Result<(), CommandError> {
    let (user, _) = find(server, user).await?;
    let path = ["users", &*user.sub, "password-reset"];
    server.change(Method::POST, &path, None, None).await?;
    let sentence = format!("A link is on its way to {}.", user.username);
    done(server.json, &sentence, json!({"sub": user.sub}));
    Ok(())
}

async fn list_passkeys(server: &mut RemoteServer, user: &str) -> Result<(), CommandError> {
    let (user, _) = find(server, user).await?;
    let page: Page<Value> = server.get(&["users", &user.sub, "passkeys"]).await?.read()?;
    print_rows(server.json, passkeys::COLUMNS, &page.items);
    Ok(())
}

async fn remove_passkey(
    server: &mut RemoteServer,
    user: &str,
    id: &str,
) -> Result<(), CommandError> {
    let (user, _) = find(server, user).await?;
    let path = ["users", &*user.sub, "passkeys", id];
    server.change(Method::DELETE, &path, None, None).await?;
    passkeys::tell_removed(server.json, &user, id);
    Ok(())
}

async fn list_links(server: &mut RemoteServer, user: &str) -> Result<(), CommandError> {
    let (user, _) = find(server, user).await?;
    let rows: Vec<Value> =
        links_of(server, &user).await?.into_iter().map(|link| link.shown).collect();
    print_rows(server.json, links::COLUMNS, &rows);
    Ok(())
}

/// A link, and what names it in the API.
struct Link {
    id: String,
    shown: Value,
}

/// The accounts of a user at other providers.
async fn links_of(server: &mut RemoteServer, user: &User) -> Result<Vec<Link>, CommandError> {
    let page: Page<Map<String, Value>> =
        server.get(&["users", &user.sub, "links"]).await?.read()?;
    let link = |mut row: Map<String, Value>| {
        let id = row.remove("id");
        let id = id.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        Link { id, shown: row.into() }
    };
    Ok(page.items.into_iter().map(link).collect())
}

async fn link(
    server: &mut RemoteServer,
    user: &str,
    NamedAccount { provider, issuer, subject }: NamedAccount<'_>,
) -> Result<(), CommandError> {
    let (user, _) = find(server, user).await?;
    let body = json!({"provider": provider, "subject": subject, "issuer": issuer});
    server.change(Method::POST, &["users", &user.sub, "links"], Some(body), None).await?;
    links::tell_linked(server.json, &user, provider, subject);
    Ok(())
}

async fn unlink(
    server: &mut RemoteServer,
    user: &str,
    provider: &str,
    subject: Option<&str>,
) -> Result<(), CommandError> {
    let (user, _) = find(server, user).await?;
    let found = links_of(server, &user).await?;
    let is_meant = |link: &&Link| {
        link.shown["provider"] == provider
            && subject.is_none_or(|subject| link.shown["subject"] == subject)
    };
    let link = links::only(&user, found.iter().filter(is_meant))?;
    server.change(Method::DELETE, &["users", &user.sub, "links", &link.id], None, None).await?;
    let subject = link.shown["subject"].as_str().unwrap_or_default();
    links::tell_unlinked(server.json, &user, provider, subject);
    Ok(())
}

/// Invites somebody, with a role in the administration if there is one.
pub async fn invite(
    server: &mut RemoteServer,
    whom: &Invite,
    role: Option<AdminRole>,
) -> Result<(), CommandError> {
    let body = whom.body(role);
    let made = server.change(Method::POST, &["invitations"], Some(body), None).await?;
    whom.tell(server.json, made.read::<CreatedInvitation>()?.link.as_deref());
    Ok(())
}

/// Withdraws each invitation of an address.
async fn uninvite(server: &mut RemoteServer, typed: &str) -> Result<(), CommandError> {
    let email = EmailAddress::parse(typed).map_err(CommandError::refused)?;
    let mut ids = Vec::new();
    let is_meant = |row: &InvitationRow| normalized_email(&row.email) == email.normalized();
    let meant = |rows: Vec<InvitationRow>| {
        ids.extend(rows.into_iter().filter(is_meant).map(|row| row.id));
    };
    all_rows(server, &["invitations"], &[], meant).await?;
    for id in &ids {
        server.change(Method::DELETE, &["invitations", id], None, None).await?;
    }
    invitations::tell_uninvited(server.json, &email, ids.len() as u64)
}

/// The user with this name or this `sub`, and the state.
pub async fn find(server: &mut RemoteServer, name: &str) -> Result<(User, String), CommandError> {
    // Among the names that begin so, the name itself comes first.
    let query = [("prefix", name.to_owned()), ("limit", "1".to_owned())];
    let named = server.page::<UserRow>(&["users"], &query, None).await?.items.pop();
    let named = named.filter(|row| normalized_username(&row.username) == normalized_username(name));
    if let Some(row) = named.as_ref().filter(|row| row.sub != *name)
        && !matches!(name, "" | "." | "..")
        && server.find(&["users", name]).await?.is_some()
    {
        return Err(user::ambiguous(name, &row.sub));
    }
    let sub = named.map_or_else(|| name.to_owned(), |row| row.sub.to_string());
    let answer = server.find(&["users", &sub]).await?;
    let answer = answer.ok_or_else(|| user::missing(name))?;
    let etag = answer.etag.clone().unwrap_or_default();
    Ok((answer.read::<UserView>()?.into(), etag))
}

async fn list(server: &mut RemoteServer) -> Result<(), CommandError> {
    let printer = RowPrinter::new(server.json, user::COLUMNS);
    let row = |row: UserRow| user::described(&User::from(row));
    print_all(server, &["users"], &[], printer, row).await
}

async fn show(server: &mut RemoteServer, name: &str) -> Result<(), CommandError> {
    let (found, _) = find(server, name).await?;
    let factors = server.get(&["users", &found.sub, "factors"]).await?;
    let factors: FactorsView = factors.read()?;
    let links = links_of(server, &found).await?;
    let links: Vec<Value> = links.into_iter().map(|link| link.shown).collect();
    print_object(server.json, &user::shown(&found, factors.into(), &links));
    Ok(())
}

async fn add(server: &mut RemoteServer, user: &User, password: &str) -> Result<(), CommandError> {
    let body = json!({
        "username": user.username, "sub": user.sub, "password": password,
        "claims": user.claims.0,
    });
    let added: UserView =
        server.change(Method::POST, &["users"], Some(body), None).await?.read()?;
    user::tell(server.json, &added.into(), "was added");
    Ok(())
}

/// Changes a user as `change` does it to the one that is there.
async fn set(
    server: &mut RemoteServer,
    name: &str,
    change: impl FnOnce(&mut User) -> Result<(), CommandError>,
    what: &str,
) -> Result<(), CommandError> {
    let (before, etag) = find(server, name).await?;
    let mut after = before.clone();
    change(&mut after)?;
    let body = json!({
        "username": after.username, "enabled": after.enabled,
        "claims": changes(&before.claims.0, &after.claims.0),
    });
    let path = ["users", &*before.sub];
    let changed = server.change(Method::PATCH, &path, Some(body), Some(&etag)).await?;
    user::tell(server.json, &changed.read::<UserView>()?.into(), what);
    Ok(())
}

async fn set_enabled(
    server: &mut RemoteServer,
    name: &str,
    enabled: bool,
) -> Result<(), CommandError> {
    let change = |user: &mut User| {
        user.enabled = enabled;
        Ok(())
    };
    set(server, name, change, user::enabled_words(enabled).1).await
}

async fn reset_factors(server: &mut RemoteServer, name: &str) -> Result<(), CommandError> {
    let (found, _) = find(server, name).await?;
    let path = ["users", &*found.sub, "factors"];
    let etag = server.get(&path).await?.etag;
    let before = server.change(Method::DELETE, &path, None, etag.as_deref()).await?;
    let before: FactorsView = before.read()?;
    user::tell_reset(server.json, &found, before.into());
    Ok(())
}
