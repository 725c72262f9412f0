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

use super::{PostgresStore, connection::Connection, external_ids, failure::Failure, run, sql};
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
            "(SELECT '[' || string_agg(ug.content, ',' ORDER BY m.group_name) || ']'
                 FROM group_members m JOIN user_groups ug ON ug.name = m.group_name
                 WHERE m.sub = ",
            $users,
            ".sub),
             (SELECT '[' || string_agg(e.mapped, ',' ORDER BY e.created_at,
                     e.issuer COLLATE \"C\", e.subject COLLATE \"C\") || ']'
                 FROM external_identities e WHERE e.mapped <> '{}' AND e.sub = ",
            $users,
            ".sub)"
        )
    };
}
pub(super) use given_to;

#[async_trait]
impl Groups for PostgresStore {
    async fn add_group(&self, added: StoredGroup) -> Result<bool, StoreError> {
        let StoredGroup { group, version } = added;
        let content = to_json(&group, "user_groups.content")?;
        let name = &group.name;
        pages::run_all(pages::ROWS, || async { run!(self, "add_group", leave, name) }).await?;
        run!(self, "add_group", add, &group, &content, version)
    }

    async fn replace_group(&self, group: Group, version: i64) -> Result<bool, StoreError> {
        let content = to_json(&group, "user_groups.content")?;
        run!(self, "replace_group", replace, &group, &content, version)
    }

    async fn remove_group(
        &self,
        name: &GroupName,
        version: Option<i64>,
    ) -> Result<bool, StoreError> {
        let removed = run!(self, "remove_group", remove, name, version)?;
        if !removed && version.is_some() {
            return Ok(false);
        }
        let left_behind =
            pages::run_all(pages::ROWS, || async { run!(self, "remove_group", leave, name) });
        Ok(left_behind.await? > 0 || removed)
    }

    async fn group(&self, name: &GroupName) -> Result<Option<StoredGroup>, StoreError> {
        run!(self, "group", find, name)
    }

    async fn groups(
        &self,
        prefix: &str,
        after: Option<&GroupName>,
        limit: u32,
    ) -> Result<Vec<StoredGroup>, StoreError> {
        run!(self, "groups", page, prefix, after, limit)
    }

    async fn groups_shown_as(&self, key: &str, limit: u32) -> Result<Vec<StoredGroup>, StoreError> {
        run!(self, "groups_shown_as", shown_as, key, limit)
    }

    async fn count_groups(&self) -> Result<u64, StoreError> {
        run!(self, "count_groups", count)
    }

    async fn group_at(&self, position: u64) -> Result<Option<GroupName>, StoreError> {
        run!(self, "group_at", at, position)
    }

    async fn change_group(&self, change: GroupChange) -> Result<ChangedGroup, StoreError> {
        let content = change.group.as_ref().map(|group| to_json(group, "user_groups.content"));
        let content = content.transpose()?;
        run!(self, "change_group", made, &change, content.as_deref())
    }

    async fn add_group_member(
        &self,
        name: &GroupName,
        sub: &Sub,
    ) -> Result<AddedGroupMember, StoreError> {
        run!(self, "add_group_member", join, name, sub)
    }

    async fn remove_group_member(&self, name: &GroupName, sub: &Sub) -> Result<bool, StoreError> {
        run!(self, "remove_group_member", end, name, sub)
    }

    async fn group_members(
        &self,
        name: &GroupName,
        after: Option<&Sub>,
        limit: u32,
    ) -> Result<Vec<Sub>, StoreError> {
        run!(self, "group_members", members, name, after, limit)
    }

    async fn named_group_members(
        &self,
        name: &GroupName,
        after: Option<&Sub>,
        limit: u32,
    ) -> Result<Vec<(Sub, Option<String>)>, StoreError> {
        run!(self, "named_group_members", named_members, name, after, limit)
    }

    async fn find_group_members(
        &self,
        name: &GroupName,
        prefix: &str,
        after: Option<&UserCursor>,
        limit: u32,
    ) -> Result<Vec<FoundMember>, StoreError> {
        run!(self, "find_group_members", find_members, name, prefix, after, limit)
    }
}

async fn add(
    connection: &Connection,
    group: &Group,
    content: &str,
    version: i64,
) -> Result<bool, Failure> {
    let sql = "INSERT INTO user_groups (name, content, version, display_key)
               SELECT $1, $2, $3, $4
               WHERE NOT EXISTS (SELECT 1 FROM group_members WHERE group_name = $1)
               ON CONFLICT DO NOTHING";
    let key = group.display_key();
    Ok(connection.execute(sql, &[&group.name.as_str(), &content, &version, &key]).await? > 0)
}

async fn replace(
    connection: &Connection,
    group: &Group,
    content: &str,
    version: i64,
) -> Result<bool, Failure> {
    let sql = "UPDATE user_groups SET content = $2, version = version + 1, display_key = $4
               WHERE name = $1 AND version = $3";
    let key = group.display_key();
    Ok(connection.execute(sql, &[&group.name.as_str(), &content, &version, &key]).await? > 0)
}

/// Removes a group, but not its memberships.
async fn remove(
    connection: &Connection,
    name: &GroupName,
    version: Option<i64>,
) -> Result<bool, Failure> {
    let sql = "DELETE FROM user_groups WHERE name = $1 AND version = coalesce($2, version)";
    connection.begin().await?;
    let removed = connection.execute(sql, &[&name.as_str(), &version]).await? > 0;
    if removed {
        external_ids::remove_all(connection, &Provisioned::Group(name.clone())).await?;
    }
    connection.commit().await?;
    Ok(removed)
}

async fn find(connection: &Connection, name: &GroupName) -> Result<Option<StoredGroup>, Failure> {
    let sql = "SELECT content, version FROM user_groups WHERE name = $1";
    connection.first(sql, &[&name.as_str()], read::group).await
}

async fn page(
    connection: &Connection,
    prefix: &str,
    after: Option<&GroupName>,
    limit: u32,
) -> Result<Vec<StoredGroup>, Failure> {
    let first = rules::first_of(prefix, after.map(GroupName::as_str));
    let end = rules::end_of(prefix);
    connection.all(PAGE, &[&first, &end, &i64::from(limit)], read::group).await
}

/// A page of groups, by their names.
pub(super) const PAGE: &str = "SELECT content, version FROM user_groups
    WHERE name >= $1 AND name < $2 ORDER BY name LIMIT $3";

/// Adds a member, if there are the group and the user, and there is room. The locks keep the two
/// there, and other memberships of the user away, until the end.
async fn join(
    connection: &Connection,
    name: &GroupName,
    sub: &Sub,
) -> Result<AddedGroupMember, Failure> {
    let (name, sub) = (name.as_str(), sub.as_str());
    connection.begin().await?;
    let group = "SELECT 1 FROM user_groups WHERE name = $1 FOR SHARE";
    if connection.first(group, &[&name], |_| Ok(())).await?.is_none() {
        return Ok(AddedGroupMember::NoGroup);
    }
    let user = "SELECT 1 FROM users WHERE sub = $1 FOR UPDATE";
    if connection.first(user, &[&sub], |_| Ok(())).await?.is_none() {
        return Ok(AddedGroupMember::NoUser);
    }
    let member = "SELECT 1 FROM group_members WHERE group_name = $1 AND sub = $2";
    if connection.first(member, &[&name, &sub], |_| Ok(())).await?.is_some() {
        return Ok(AddedGroupMember::WasMember);
    }
    let count = "SELECT count(*) FROM group_members WHERE sub = $1";
    if connection.count(count, &[&sub]).await? >= i64::from(MOST_PER_USER) {
        return Ok(AddedGroupMember::TooMany);
    }
    let sql = "INSERT INTO group_members (group_name, sub, username)
               SELECT $1, sub, normalized_username FROM users WHERE sub = $2";
    connection.execute(sql, &[&name, &sub]).await?;
    connection.commit().await?;
    Ok(AddedGroupMember::Added)
}

/// Makes a new user a member of those of the groups that are still there. The lock keeps them there
/// until the end of the transaction.
pub(super) async fn join_invited(
    connection: &Connection,
    groups: &[GroupName],
    sub: &Sub,
) -> Result<(), Failure> {
    let sql = "INSERT INTO group_members (group_name, sub, username)
               SELECT g.name, u.sub, u.normalized_username FROM user_groups g, users u
               WHERE g.name = $1 AND u.sub = $2 FOR SHARE OF g
               ON CONFLICT DO NOTHING";
    for name in groups {
        connection.execute(sql, &[&name.as_str(), &sub.as_str()]).await?;
    }
    Ok(())
}

/// Ends a membership.
async fn end(connection: &Connection, name: &GroupName, sub: &Sub) -> Result<bool, Failure> {
    let sql = "DELETE FROM group_members WHERE group_name = $1 AND sub = $2";
    Ok(connection.execute(sql, &[&name.as_str(), &sub.as_str()]).await? > 0)
}

async fn members(
    connection: &Connection,
    name: &GroupName,
    after: Option<&Sub>,
    limit: u32,
) -> Result<Vec<Sub>, Failure> {
    let sql = "SELECT sub FROM group_members WHERE group_name = $1 AND sub COLLATE \"C\" > $2
               ORDER BY sub COLLATE \"C\" LIMIT $3";
    let after = after.map_or("", Sub::as_str);
    let read = |row: &tokio_postgres::Row| row.id(0, "group_members.sub");
    connection.all(sql, &[&name.as_str(), &after, &i64::from(limit)], read).await
}

/// A page of members with their names. The limit is a number in the text: for an unknown one the
/// planner would read all users.
pub(super) fn named_members_sql(limit: u32) -> String {
    format!(
        "SELECT m.sub, u.username FROM group_members m LEFT JOIN users u ON u.sub = m.sub
         WHERE m.group_name = $1 AND m.sub COLLATE \"C\" > $2
         ORDER BY m.sub COLLATE \"C\" LIMIT {limit}"
    )
}

async fn named_members(
    connection: &Connection,
    name: &GroupName,
    after: Option<&Sub>,
    limit: u32,
) -> Result<Vec<(Sub, Option<String>)>, Failure> {
    let after = after.map_or("", Sub::as_str);
    connection
        .all(&named_members_sql(limit), &[&name.as_str(), &after], |row| {
            Ok((row.id(0, "group_members.sub")?, row.optional_string(1, "users.username")?))
        })
        .await
}

/// A page of the members whose user names begin so, with the limit in the text as above.
pub(super) fn find_members_sql(limit: u32) -> String {
    format!(
        "SELECT m.sub, m.username, u.username FROM group_members m JOIN users u ON u.sub = m.sub
         WHERE m.group_name = $1 AND (m.username COLLATE \"C\", m.sub COLLATE \"C\") > ($2, $3)
             AND m.username COLLATE \"C\" < $4 AND m.username IS NOT NULL
         ORDER BY m.username COLLATE \"C\", m.sub COLLATE \"C\" LIMIT {limit}"
    )
}

async fn find_members(
    connection: &Connection,
    name: &GroupName,
    prefix: &str,
    after: Option<&UserCursor>,
    limit: u32,
) -> Result<Vec<FoundMember>, Failure> {
    let after = after.map(|after| (after.key.clone(), after.sub.to_string()));
    let (key, sub) = rules::begin_after(prefix, after);
    let end = rules::end_of(prefix);
    if !sql::can_hold(&key) || !sql::can_hold(&end) {
        return Ok(Vec::new());
    }
    let statement = find_members_sql(limit);
    connection.all(&statement, &[&name.as_str(), &key, &sub, &end], read::member).await
}

async fn shown_as(
    connection: &Connection,
    key: &str,
    limit: u32,
) -> Result<Vec<StoredGroup>, Failure> {
    if !sql::can_hold(key) {
        return Ok(Vec::new());
    }
    let sql = "SELECT content, version FROM user_groups WHERE display_key = $1
               OR lower(name) = $1 ORDER BY name LIMIT $2";
    connection.all(sql, &[&key, &i64::from(limit)], read::group).await
}

async fn count(connection: &Connection) -> Result<u64, Failure> {
    let count = connection.count("SELECT count(*) FROM user_groups", &[]).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

async fn at(connection: &Connection, position: u64) -> Result<Option<GroupName>, Failure> {
    let sql = "SELECT name FROM user_groups ORDER BY name LIMIT 1 OFFSET $1";
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    connection.first(sql, &[&position], |row| row.id(0, "user_groups.name")).await
}

/// Makes a change, if there are the group and all that join, there is room, and no other group is
/// called so. Users are locked in the order of their identifiers, so that two changes do not wait
/// for each other.
async fn made(
    connection: &Connection,
    change: &GroupChange,
    content: Option<&str>,
) -> Result<ChangedGroup, Failure> {
    let name = change.name.as_str();
    let key = change.group.as_ref().map(Group::display_key);
    match &key {
        None => connection.begin().await?,
        // Of two groups that get one name at once, neither has it before.
        Some(_) => connection.begin_serializable().await?,
    }
    let sql = "UPDATE user_groups SET version = version + 1, content = coalesce($3, content),
               display_key = coalesce($4, display_key)
               WHERE name = $1 AND version = coalesce($2, version)";
    if connection.execute(sql, &[&name, &change.version, &content, &key]).await? == 0 {
        let is_there = find(connection, &change.name).await?.is_some();
        return Ok(if is_there { ChangedGroup::Stale } else { ChangedGroup::NoGroup });
    }
    let same = "SELECT 1 FROM user_groups
                WHERE display_key = $1 AND name <> $2 LIMIT 1";
    if key.is_some() && connection.first(same, &[&key, &name], |_| Ok(())).await?.is_some() {
        return Ok(ChangedGroup::SameName);
    }
    let mut joining: Vec<&str> = change.added.iter().map(Sub::as_str).collect();
    joining.sort_unstable();
    joining.dedup();
    let sql = "SELECT sub FROM users WHERE sub = ANY ($1) ORDER BY sub COLLATE \"C\" FOR UPDATE";
    if connection.all(sql, &[&joining], |_| Ok(())).await?.len() < joining.len() {
        return Ok(ChangedGroup::NoUser);
    }
    let sql = "SELECT 1 FROM group_members WHERE sub = ANY ($1) AND group_name <> $2
               GROUP BY sub HAVING count(*) >= $3 LIMIT 1";
    let most = i64::from(MOST_PER_USER);
    if connection.first(sql, &[&joining, &name, &most], |_| Ok(())).await?.is_some() {
        return Ok(ChangedGroup::TooMany);
    }
    let leaving: Vec<&str> = change.removed.iter().map(Sub::as_str).collect();
    let sql = "DELETE FROM group_members WHERE group_name = $1 AND sub = ANY ($2)";
    connection.execute(sql, &[&name, &leaving]).await?;
    let sql = "INSERT INTO group_members (group_name, sub, username)
               SELECT $1, sub, normalized_username FROM users WHERE sub = ANY ($2)
               ON CONFLICT DO NOTHING";
    connection.execute(sql, &[&name, &joining]).await?;
    connection.commit().await?;
    Ok(ChangedGroup::Changed)
}

/// Removes a page of the members of a group that is gone.
async fn leave(connection: &Connection, name: &GroupName) -> Result<u64, Failure> {
    connection
        .execute(
            "DELETE FROM group_members WHERE (group_name, sub) IN (
                 SELECT group_name, sub FROM group_members WHERE group_name = $1 LIMIT $2
                     FOR UPDATE)
               AND NOT EXISTS (SELECT 1 FROM user_groups WHERE name = $1)",
            &[&name.as_str(), &i64::from(pages::ROWS)],
        )
        .await
}

/// Ends a user's memberships.
pub(super) async fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    connection.execute("DELETE FROM group_members WHERE sub = $1", &[&sub.as_str()]).await?;
    Ok(())
}
