//! Users of directories (LDAP), where the configuration says that they are managed.

mod groups;
mod users;

use axum::{Json, extract::State, response::IntoResponse as _};
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        account_event::AccountEvent,
        email::EmailAddress,
        external_identity::ExternalSubject,
        user::{User, normalized_username},
    },
    use_case::directory_management::{
        DirectoryManager, EntryAttributes, ManageError, ManagedEntry, linked_user,
    },
};

pub use self::{
    groups::{add_member, list_groups, remove_member},
    users::{change, create, list_users, read, set_password},
};
use super::{Answer, caller::Caller, page::Page, problem::Problem, state::AdminApi};
pub use crate::types::directories::{
    DirectoryGroupRow, DirectoryGroups, DirectoryPassword, DirectoryRow, DirectoryUserChanges,
    DirectoryUserRow, DirectoryUserView, DirectoryUsers, NewDirectoryUser,
};

/// How many entries of a directory are read for a list.
const MOST_READ: usize = 2000;
/// The longest beginning that is looked for, in bytes.
const LONGEST_PREFIX: usize = 255;

/// `GET /directories`.
pub async fn list(State(api): State<AdminApi>) -> Answer {
    let row = |directory: &dyn DirectoryManager| {
        let abilities = directory.abilities();
        DirectoryRow {
            name: abilities.name.to_string(),
            base: abilities.base.clone(),
            editable_attributes: abilities.editable.clone(),
            has_groups: abilities.has_groups,
        }
    };
    let items = api.provider().directories().managed_directories().map(row).collect();
    Ok(Json(Page { items, next: None }).into_response())
}

/// The directory that a path names.
fn directory<'a>(api: &'a AdminApi, name: &str) -> Result<&'a dyn DirectoryManager, Problem> {
    api.provider()
        .directories()
        .managed_directory(name)
        .ok_or_else(|| Problem::missing("There is no directory of this name that is managed."))
}

/// The entry that a path names.
async fn entry(
    api: &AdminApi,
    directory: &dyn DirectoryManager,
    id: &str,
) -> Result<ManagedEntry, Problem> {
    let missing = || Problem::missing("There is no user with this identifier in the directory.");
    let id = ExternalSubject::parse(id).map_err(|_| missing())?;
    directory.entry(&id, api.now()).await.map_err(|error| match error {
        ManageError::Missing => missing(),
        other => problem(other),
    })
}

/// The account here of an entry. Nobody acts on the entry of somebody who may do more: with its
/// password they would be it.
async fn account_to_act_on(
    api: &AdminApi,
    caller: &Caller,
    directory: &dyn DirectoryManager,
    entry: &ManagedEntry,
) -> Result<Option<User>, Problem> {
    let user =
        linked_user(api.store(), api.store(), &directory.abilities().name, &entry.id).await?;
    if let Some(user) = &user {
        caller.may_act_on(user)?;
    } else {
        // Nobody has signed in by it yet: its name and address may say whose account it becomes.
        let mut texts = entry.attributes.clone();
        texts.insert(String::new(), entry.email.iter().cloned().collect());
        may_be_called(api, caller, None, Some(&entry.username), &texts).await?;
    }
    Ok(user)
}

/// Nobody gives an entry the user name or the address of somebody who may do more: with a setting
/// that believes the directory the entry would get that account. For the same reason the name or
/// address of anybody else than `linked`, the user of the entry, takes the right to change users.
/// A user name may be an address, too.
async fn may_be_called(
    api: &AdminApi,
    caller: &Caller,
    linked: Option<&Sub>,
    username: Option<&str>,
    attributes: &EntryAttributes,
) -> Result<(), Problem> {
    if let Some(name) = username
        && let Some(user) = api.store().user_by_username(&normalized_username(name)).await?
    {
        caller.may_take_name_of(&user, linked)?;
    }
    let texts = attributes.values().flatten().map(String::as_str).chain(username);
    for address in texts.filter_map(|value| EmailAddress::parse(value).ok()) {
        if let Some(user) = api.store().user_by_email(&address.normalized()).await? {
            caller.may_take_name_of(&user, linked)?;
        }
    }
    Ok(())
}

/// Ends what the account has here, because of this event if it is one that its user sees.
async fn end_access(
    api: &AdminApi,
    user: Option<&User>,
    event: Option<AccountEvent>,
) -> Result<u64, Problem> {
    match user {
        Some(user) => Ok(api.provider().directories().end_access(&user.sub, event).await?),
        None => Ok(0),
    }
}

/// Checks the beginning of a list.
fn prefix(text: &str) -> Result<&str, Problem> {
    if text.len() <= LONGEST_PREFIX {
        return Ok(text);
    }
    Err(Problem::query(format!("prefix has at most {LONGEST_PREFIX} bytes")))
}

fn problem(error: ManageError) -> Problem {
    let sentence = |error: &ManageError| {
        let text = error.to_string();
        let mut letters = text.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string());
        format!("{}{}.", first.unwrap_or_default(), letters.as_str())
    };
    match error {
        ManageError::Missing => Problem::missing(sentence(&error)),
        ManageError::Invalid { field, problem } => Problem::invalid(field, problem),
        ManageError::Outside(dn) => Problem::invalid(
            "parent",
            format!("{dn} is not in the part of the directory that is managed here"),
        ),
        ManageError::Overtaken => Problem::stale(Vec::new(), None),
        ManageError::Exists
        | ManageError::Ambiguous
        | ManageError::NoGroups
        | ManageError::Refused(_) => Problem::conflict(sentence(&error)),
        ManageError::Unavailable(ref cause) => {
            tracing::warn!(cause, "a directory does not answer");
            Problem::unavailable(
                "The directory does not answer. A change may have been made: look at the entry \
                 before you try again.",
            )
        }
        ManageError::NotAccepted(_) => {
            tracing::warn!(cause = %error, "a directory answers what can't be used");
            Problem::conflict(sentence(&error))
        }
    }
}
