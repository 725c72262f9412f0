//! Operators add groups and change them. No two groups are called the same.

use crate::{
    model::group::{Group, StoredGroup},
    store::{ChangedGroup, GroupChange, Groups, StoreError},
};

/// Why a group was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum GroupChangeError {
    /// There is one of this name.
    #[error("there is a group of this name already")]
    Taken,
    /// People call another one so.
    #[error("people call another group so: give this one another display name")]
    SameName,
    /// Somebody else changed or removed it at the same time.
    #[error("the group was changed at the same time: try again")]
    Overtaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds a group that was checked.
pub async fn add_group(
    table: &dyn Groups,
    added: StoredGroup,
) -> Result<StoredGroup, GroupChangeError> {
    if !table.add_group(added.clone()).await? {
        return Err(GroupChangeError::Taken);
    }
    // Others may be added meanwhile: the change sees those that are there, and is one write.
    let named = rename(table, &added, added.group.clone()).await;
    if named.is_err() {
        table.remove_group(&added.group.name, Some(added.version)).await?;
    }
    named
}

/// Puts a group that was checked in place of what it was.
pub async fn replace_group(
    table: &dyn Groups,
    before: &StoredGroup,
    group: Group,
) -> Result<StoredGroup, GroupChangeError> {
    if group.display_key() != before.group.display_key() {
        return rename(table, before, group).await;
    }
    if !table.replace_group(group.clone(), before.version).await? {
        return Err(GroupChangeError::Overtaken);
    }
    Ok(StoredGroup { group, version: before.version + 1 })
}

/// Writes a group if nobody else is called so.
async fn rename(
    table: &dyn Groups,
    before: &StoredGroup,
    group: Group,
) -> Result<StoredGroup, GroupChangeError> {
    let change = GroupChange {
        version: Some(before.version),
        group: Some(group.clone()),
        ..GroupChange::of(group.name.clone())
    };
    match table.change_group(change).await? {
        ChangedGroup::Changed => Ok(StoredGroup { group, version: before.version + 1 }),
        ChangedGroup::SameName => Err(GroupChangeError::SameName),
        ChangedGroup::Stale
        | ChangedGroup::NoGroup
        | ChangedGroup::NoUser
        | ChangedGroup::TooMany => Err(GroupChangeError::Overtaken),
    }
}
