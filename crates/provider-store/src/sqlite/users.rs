//! Rows of users.

use doorward_provider::{
    password::PasswordHash,
    session::SessionSelector,
    time::Timestamp,
    user::{User, UserClaims, normalized_username},
};
use rusqlite::{Connection, Row, params};

use super::{
    failure::Failure,
    sessions,
    sql::{self, execute},
};

/// A user as the table's columns, made by the caller so that the writer only writes.
pub(super) struct UserRow {
    user: User,
    normalized_username: String,
    claims: String,
}

impl UserRow {
    pub(super) fn encode(user: User) -> Result<Self, Failure> {
        let claims = sql::to_json(&user.claims, "users.claims")?;
        Ok(Self { normalized_username: normalized_username(&user.username), user, claims })
    }
}

/// Adds users or replaces those with the same `sub`.
pub(super) fn import(connection: &Connection, rows: &[UserRow], now: Timestamp) -> Result<(), Failure> {
    // All old rows go first, so that two users may exchange their names in one import.
    for UserRow { user, .. } in rows {
        end_what_must_not_stay(connection, user, now)?;
        execute(connection, "DELETE FROM users WHERE sub = ?1", [&user.sub])?;
    }
    for row in rows {
        insert(connection, row).map_err(|failure| {
            if failure.is_constraint() {
                Failure::Conflict(format!(
                    "the username {:?} of the user {:?} belongs to another user",
                    row.user.username, row.user.sub
                ))
            } else {
                failure
            }
        })?;
    }
    Ok(())
}

/// With a new password, the sessions and grants of the old one end: whoever stole it must not stay. A user who is disabled is
/// signed out everywhere; grants wait for the user to be enabled again.
fn end_what_must_not_stay(connection: &Connection, user: &User, now: Timestamp) -> Result<(), Failure> {
    let changed = sql::first(
        connection,
        "SELECT password_hash <> ?2 FROM users WHERE sub = ?1",
        params![user.sub, user.password_hash.as_str()],
        |row| Ok(row.get(0)?),
    )?;
    let has_other_password = changed == Some(true);
    if has_other_password || !user.enabled {
        sessions::end(connection, &SessionSelector::AllOfUser(user.sub.clone()), now)?;
    }
    if has_other_password {
        execute(connection, "DELETE FROM grants WHERE sub = ?1", [&user.sub])?;
    }
    Ok(())
}

fn insert(connection: &Connection, UserRow { user, normalized_username, claims }: &UserRow) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO users (sub, username, normalized_username, password_hash, enabled, claims)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![user.sub, user.username, normalized_username, user.password_hash.as_str(), user.enabled, claims],
    )?;
    Ok(())
}

/// All users, by their names.
pub(super) fn all(connection: &Connection) -> Result<Vec<User>, Failure> {
    sql::all(
        connection,
        "SELECT sub, username, password_hash, enabled, claims FROM users ORDER BY normalized_username",
        [],
        |row| read(row, 0),
    )
}

/// Removes a user with everything that is theirs; tells whether there was one.
pub(super) fn remove(connection: &Connection, sub: &str, now: Timestamp) -> Result<bool, Failure> {
    sessions::end(connection, &SessionSelector::AllOfUser(sub.to_owned()), now)?;
    execute(connection, "DELETE FROM grants WHERE sub = ?1", [sub])?;
    execute(connection, "DELETE FROM consents WHERE sub = ?1", [sub])?;
    Ok(execute(connection, "DELETE FROM users WHERE sub = ?1", [sub])? > 0)
}

/// The user with this normalized username.
pub(super) fn by_username(connection: &Connection, normalized: &str) -> Result<Option<User>, Failure> {
    sql::first(
        connection,
        "SELECT sub, username, password_hash, enabled, claims FROM users WHERE normalized_username = ?1",
        [normalized],
        |row| read(row, 0),
    )
}

/// The user with this subject identifier.
pub(super) fn by_sub(connection: &Connection, sub: &str) -> Result<Option<User>, Failure> {
    sql::first(
        connection,
        "SELECT sub, username, password_hash, enabled, claims FROM users WHERE sub = ?1",
        [sub],
        |row| read(row, 0),
    )
}

/// Reads `sub, username, password_hash, enabled, claims` from the column `from` on.
pub(super) fn read(row: &Row<'_>, from: usize) -> Result<User, Failure> {
    let password_hash: String = row.get(from + 2)?;
    Ok(User {
        sub: row.get(from)?,
        username: row.get(from + 1)?,
        password_hash: PasswordHash::parse(&password_hash).map_err(|_| Failure::Unreadable("users.password_hash"))?,
        enabled: row.get(from + 3)?,
        claims: sql::from_json::<UserClaims>(row, from + 4, "users.claims")?,
    })
}
