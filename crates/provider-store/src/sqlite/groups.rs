//! Rows of groups and of their members.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        group::{Group, GroupName, MOST_PER_USER, StoredGroup},
        provisioning::Provisioned,
        user_query::UserCursor,
    },
    store::{AddedGroupMember, ChangedGroup, FoundMember, GroupChange, Groups, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore, external_ids,
    failure::Failure,
    sql::{self, execute},
};
use crate::{
    pages,
    record::read,
    row::{Row as _, to_json},
    rules,
};

/// The contents of a user's groups as a JSON array, in the order of their names, and what the
/// mappings of the user's identities give, as another one; each is NULL if there are none. The
/// argument is the table of users in the statement.
macro_rules! given_to {
    ($users:literal) => {
        concat!(
            "(SELECT '[' || group_concat(c.content, ',') || ']' FROM (
                 SELECT ug.content FROM group_members m
                 JOIN user_groups ug ON ug.name = m.group_name WHERE m.sub = ",
            $users,
            ".sub ORDER BY m.group_name) c),
             (SELECT '[' || group_concat(i.mapped, ',') || ']' FROM (
                 SELECT e.mapped FROM external_identities e WHERE e.mapped <> '{}' AND e.sub = ",
            $users,
            ".sub ORDER BY e.created_at, e.issuer, e.subject) i)"
        )
    };
}
pub(super) use given_to;

#[async_trait]
impl Groups for SqliteStore {
    async fn add_group(&self, added: StoredGroup) -> Result<bool, StoreError> {
        let StoredGroup { group, version } = added;
        let content = to_json(&group, "user_groups.content")?;
        self.leave_all("add_group", &group.name).await?;
        self.write("add_group", move |connection| {
            let sql = "INSERT INTO user_groups (name, content, version, display_key)
                       SELECT ?1, ?2, ?3, ?4
                       WHERE NOT EXISTS (SELECT 1 FROM group_members WHERE group_name = ?1)
                       ON CONFLICT DO NOTHING";
            let params = params![group.name.as_str(), content, version, group.display_key()];
            Ok(execute(connection, sql, params)? > 0)
        })
        .await
    }

    async fn replace_group(&self, group: Group, version: i64) -> Result<bool, StoreError> {
        let content = to_json(&group, "user_groups.content")?;
        self.write("replace_group", move |connection| {
            let sql = "UPDATE user_groups SET content = ?2, version = version + 1, display_key = ?4
                       WHERE name = ?1 AND version = ?3";
            let params = params![group.name.as_str(), content, version, group.display_key()];
            Ok(execute(connection, sql, params)? > 0)
        })
        .await
    }

    async fn remove_group(
        &self,
        name: &GroupName,
        version: Option<i64>,
    ) -> Result<bool, StoreError> {
        let group = name.clone();
        let removed = self.write("remove_group", move |connection| {
            let sql = "DELETE FROM user_groups WHERE name = ?1 AND version = ifnull(?2, version)";
            let removed = execute(connection, sql, params![group.as_str(), version])? > 0;
            if removed {
                external_ids::remove_all(connection, &Provisioned::Group(group))?;
            }
            Ok(removed)
        });
        let removed = removed.await?;
        if !removed && version.is_some() {
            return Ok(false);
        }
        Ok(self.leave_all("remove_group", name).await? > 0 || removed)
    }

    async fn group(&self, name: &GroupName) -> Result<Option<StoredGroup>, StoreError> {
        let name = name.clone();
        self.read("group", move |connection| {
            let sql = "SELECT content, version FROM user_groups WHERE name = ?1";
            sql::first(connection, sql, [name.as_str()], |row| read::group(row))
        })
        .await
    }

    async fn groups(
        &self,
        prefix: &str,
        after: Option<&GroupName>,
        limit: u32,
    ) -> Result<Vec<StoredGroup>, StoreError> {
        let first = rules::first_of(prefix, after.map(GroupName::as_str));
        let end = rules::end_of(prefix);
        self.read("groups", move |connection| {
            sql::all(connection, PAGE, params![first, end, limit], |row| read::group(row))
        })
        .await
    }

    async fn groups_shown_as(&self, key: &str, limit: u32) -> Result<Vec<StoredGroup>, StoreError> {
        let key = key.to_owned();
        self.read("groups_shown_as", move |connection| {
            let sql = "SELECT content, version FROM user_groups WHERE display_key = ?1
                       OR lower(name) = ?1 ORDER BY name LIMIT ?2";
            sql::all(connection, sql, params![key, limit], |row| read::group(row))
        })
        .await
    }

    async fn count_groups(&self) -> Result<u64, StoreError> {
        self.read("count_groups", |connection| {
            sql::count(connection, "SELECT count(*) FROM user_groups", [])
        })
        .await
    }

    async fn group_at(&self, position: u64) -> Result<Option<GroupName>, StoreError> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        self.read("group_at", move |connection| {
            let sql = "SELECT name FROM user_groups ORDER BY name LIMIT 1 OFFSET ?1";
            sql::first(connection, sql, [position], |row| row.id(0, "user_groups.name"))
        })
        .await
    }

    async fn change_group(&self, change: GroupChange) -> Result<ChangedGroup, StoreError> {
        let content = change.group.as_ref().map(|group| to_json(group, "user_groups.content"));
        let content = content.transpose()?;
        self.write("change_group", move |connection| made(connection, &change, content.as_deref()))
            .await
    }

    async fn add_group_member(
        &self,
        name: &GroupName,
        sub: &Sub,
    ) -> Result<AddedGroupMember, StoreError> {
        let (name, sub) = (name.clone(), sub.clone());
        self.write("add_group_member", move |connection| join(connection, &name, &sub)).await
    }

    async fn remove_group_member(&self, name: &GroupName, sub: &Sub) -> Result<bool, StoreError> {
        let (name, sub) = (name.clone(), sub.clone());
        self.write("remove_group_member", move |connection| {
            let sql = "DELETE FROM group_members WHERE group_name = ?1 AND sub = ?2";
            Ok(execute(connection, sql, [name.as_str(), sub.as_str()])? > 0)
        })
        .await
    }

    async fn group_members(
        &self,
        name: &GroupName,
        after: Option<&Sub>,
        limit: u32,
    ) -> Result<Vec<Sub>, StoreError> {
        let name = name.clone();
        let after = after.map(ToString::to_string).unwrap_or_default();
        self.read("group_members", move |connection| {
            let sql = "SELECT sub FROM group_members WHERE group_name = ?1 AND sub > ?2
                       ORDER BY sub LIMIT ?3";
            sql::all(connection, sql, params![name.as_str(), after, limit], |row| {
                row.id(0, "group_members.sub")
            })
        })
        .await
    }

    async fn named_group_members(
        &self,
        name: &GroupName,
        after: Option<&Sub>,
        limit: u32,
    ) -> Result<Vec<(Sub, Option<String>)>, StoreError> {
        let name = name.clone();
        let after = after.map(ToString::to_string).unwrap_or_default();
        self.read("named_group_members", move |connection| {
            sql::all(connection, NAMED_MEMBERS, params![name.as_str(), after, limit], |row| {
                Ok((row.id(0, "group_members.sub")?, row.optional_string(1, "users.username")?))
            })
        })
        .await
    }

    async fn find_group_members(
        &self,
        name: &GroupName,
        prefix: &str,
        after: Option<&UserCursor>,
        limit: u32,
    ) -> Result<Vec<FoundMember>, StoreError> {
        let name = name.clone();
        let after = after.map(|after| (after.key.clone(), after.sub.to_string()));
        let (key, sub) = rules::begin_after(prefix, after);
        let end = rules::end_of(prefix);
        self.read("find_group_members", move |connection| {
            let params = params![name.as_str(), key, sub, end, limit];
            sql::all(connection, FIND_MEMBERS, params, |row| read::member(row))
        })
        .await
    }
}

/// A page of groups, by their names.
pub(super) const PAGE: &str = "SELECT content, version FROM user_groups
    WHERE name >= ?1 AND name < ?2 ORDER BY name LIMIT ?3";

/// A page of members with their names.
pub(super) const NAMED_MEMBERS: &str = "SELECT m.sub, u.username FROM group_members m
    LEFT JOIN users u ON u.sub = m.sub
    WHERE m.group_name = ?1 AND m.sub > ?2 ORDER BY m.sub LIMIT ?3";

/// A page of the members whose user names begin so.
pub(super) const FIND_MEMBERS: &str = "SELECT m.sub, m.username, u.username FROM group_members m
    JOIN users u ON u.sub = m.sub
    WHERE m.group_name = ?1 AND (m.username, m.sub) > (?2, ?3) AND m.username < ?4
        AND m.username IS NOT NULL
    ORDER BY m.username, m.sub LIMIT ?5";

/// Notes what a user is called by now where members are searched by it.
pub(super) fn rename(connection: &Connection, sub: &Sub, username: &str) -> Result<(), Failure> {
    let sql = "UPDATE group_members SET username = ?2 WHERE sub = ?1 AND username IS NOT ?2";
    execute(connection, sql, [sub.as_str(), username])?;
    Ok(())
}

impl SqliteStore {
    /// Removes the members of a group that is gone, in pages; returns how many there were.
    async fn leave_all(&self, command: &'static str, name: &GroupName) -> Result<u64, StoreError> {
        pages::run_all(pages::ROWS, || {
            let group = name.clone();
            self.write(command, move |connection| leave(connection, &group))
        })
        .await
    }
}

/// Adds a member, if there are the group and the user, and there is room.
fn join(connection: &Connection, name: &GroupName, sub: &Sub) -> Result<AddedGroupMember, Failure> {
    let (name, sub) = (name.as_str(), sub.as_str());
    let group = "SELECT 1 FROM user_groups WHERE name = ?1";
    if sql::first(connection, group, [name], |_| Ok(()))?.is_none() {
        return Ok(AddedGroupMember::NoGroup);
    }
    let user = "SELECT 1 FROM users WHERE sub = ?1";
    if sql::first(connection, user, [sub], |_| Ok(()))?.is_none() {
        return Ok(AddedGroupMember::NoUser);
    }
    let added = execute(
        connection,
        "INSERT INTO group_members (group_name, sub, username)
         SELECT ?1, sub, normalized_username FROM users
         WHERE sub = ?2 AND (SELECT count(*) FROM group_members WHERE sub = ?2) < ?3
         ON CONFLICT DO NOTHING",
        params![name, sub, MOST_PER_USER],
    )?;
    if added > 0 {
        return Ok(AddedGroupMember::Added);
    }
    let sql = "SELECT 1 FROM group_members WHERE group_name = ?1 AND sub = ?2";
    let was_member = sql::first(connection, sql, [name, sub], |_| Ok(()))?.is_some();
    Ok(if was_member { AddedGroupMember::WasMember } else { AddedGroupMember::TooMany })
}

/// Makes a new user a member of those of the groups that are still there.
pub(super) fn join_invited(
    connection: &Connection,
    groups: &[GroupName],
    sub: &Sub,
) -> Result<(), Failure> {
    let sql = "INSERT INTO group_members (group_name, sub, username)
               SELECT g.name, u.sub, u.normalized_username FROM user_groups g, users u
               WHERE g.name = ?1 AND u.sub = ?2 ON CONFLICT DO NOTHING";
    for name in groups {
        execute(connection, sql, [name.as_str(), sub.as_str()])?;
    }
    Ok(())
}

/// Makes a change, if there are the group and all that join, there is room, and no other group is
/// called so.
fn made(
    connection: &Connection,
    change: &GroupChange,
    content: Option<&str>,
) -> Result<ChangedGroup, Failure> {
    let name = change.name.as_str();
    // Nothing else is written meanwhile, so what is seen first is still so when it is written.
    let group = "SELECT version FROM user_groups WHERE name = ?1";
    let version = sql::first(connection, group, [name], |row| row.integer(0, "version"))?;
    let Some(version) = version else { return Ok(ChangedGroup::NoGroup) };
    if change.version.is_some_and(|known| known != version) {
        return Ok(ChangedGroup::Stale);
    }
    let key = change.group.as_ref().map(Group::display_key);
    let same = "SELECT 1 FROM user_groups
                WHERE display_key = ?1 AND name <> ?2 LIMIT 1";
    if key.is_some() && sql::first(connection, same, params![key, name], |_| Ok(()))?.is_some() {
        return Ok(ChangedGroup::SameName);
    }
    for sub in &change.added {
        let sql = "SELECT (SELECT count(*) FROM group_members WHERE sub = ?1 AND group_name <> ?2)
                   FROM users WHERE sub = ?1";
        let others =
            sql::first(connection, sql, [sub.as_str(), name], |row| row.integer(0, "count"))?;
        match others {
            None => return Ok(ChangedGroup::NoUser),
            Some(others) if others >= i64::from(MOST_PER_USER) => return Ok(ChangedGroup::TooMany),
            Some(_) => {}
        }
    }
    for sub in &change.removed {
        let sql = "DELETE FROM group_members WHERE group_name = ?1 AND sub = ?2";
        execute(connection, sql, [name, sub.as_str()])?;
    }
    for sub in &change.added {
        let sql = "INSERT INTO group_members (group_name, sub, username)
                   SELECT ?1, sub, normalized_username FROM users WHERE sub = ?2
                   ON CONFLICT DO NOTHING";
        execute(connection, sql, [name, sub.as_str()])?;
    }
    let sql = "UPDATE user_groups SET version = version + 1, content = ifnull(?2, content),
               display_key = ifnull(?3, display_key) WHERE name = ?1";
    execute(connection, sql, params![name, content, key])?;
    Ok(ChangedGroup::Changed)
}

/// Removes a page of the members of a group that is gone.
fn leave(connection: &Connection, name: &GroupName) -> Result<u64, Failure> {
    let left = execute(
        connection,
        "DELETE FROM group_members WHERE (group_name, sub) IN (
             SELECT group_name, sub FROM group_members WHERE group_name = ?1 LIMIT ?2)
           AND NOT EXISTS (SELECT 1 FROM user_groups WHERE name = ?1)",
        params![name.as_str(), pages::ROWS],
    )?;
    Ok(left as u64)
}

/// Ends a user's memberships.
pub(super) fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    execute(connection, "DELETE FROM group_members WHERE sub = ?1", [sub.as_str()])?;
    Ok(())
}
