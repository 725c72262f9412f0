//! Rows of users.

use async_trait::async_trait;
use doorward_provider::{
    model::{password::PasswordHash, session::SessionSelector, time::Timestamp, user::User},
    store::{StoreError, Users},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore, device_codes,
    failure::Failure,
    sessions,
    sql::{self, execute},
};
use crate::{
    record::{UserRow, read},
    row::Row as _,
};

#[async_trait]
impl Users for SqliteStore {
    async fn import_users(&self, users: Vec<User>, now: Timestamp) -> Result<(), StoreError> {
        self.write("import_users", move |connection| import(connection, users, now)).await
    }

    async fn imported_users(&self) -> Result<Vec<User>, StoreError> {
        self.read("imported_users", imported).await
    }

    async fn put_user(&self, user: User, now: Timestamp) -> Result<(), StoreError> {
        let row = UserRow::encode(user)?;
        self.write("put_user", move |connection| put(connection, &[row], now)).await
    }

    async fn replace_user(
        &self,
        user: User,
        before: User,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = UserRow::encode(user)?;
        self.write("replace_user", move |connection| {
            if by_sub(connection, &before.sub)?.as_ref() != Some(&before) {
                return Ok(false);
            }
            put(connection, &[row], now).map(|()| true)
        })
        .await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.read("users", all).await
    }

    async fn remove_user(&self, sub: &str, now: Timestamp) -> Result<bool, StoreError> {
        let sub = sub.to_owned();
        self.write("remove_user", move |connection| remove(connection, &sub, now)).await
    }

    async fn user_by_username(&self, normalized: &str) -> Result<Option<User>, StoreError> {
        let normalized = normalized.to_owned();
        self.read("user_by_username", move |connection| by_username(connection, &normalized)).await
    }

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError> {
        let sub = sub.to_owned();
        self.read("user", move |connection| by_sub(connection, &sub)).await
    }
}

/// Brings configured users in, and remembers what was configured.
fn import(connection: &Connection, configured: Vec<User>, now: Timestamp) -> Result<(), Failure> {
    let mut changed = Vec::new();
    for user in configured {
        let last = sql::first(
            connection,
            "SELECT sub, username, password_hash, enabled, claims FROM imported_users WHERE sub = ?1",
            [&user.sub],
            |row| read::user(row, 0),
        )?;
        if let Some(imported) = User::imported(&user, last.as_ref(), by_sub(connection, &user.sub)?)
        {
            changed.push(UserRow::encode(imported)?);
        }
        let UserRow { user, claims, .. } = UserRow::encode(user)?;
        execute(
            connection,
            "INSERT OR REPLACE INTO imported_users (sub, username, password_hash, enabled, claims)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![user.sub, user.username, user.password_hash.as_str(), user.enabled, claims],
        )?;
    }
    put(connection, &changed, now)
}

/// Users as they were imported last.
fn imported(connection: &Connection) -> Result<Vec<User>, Failure> {
    let sql = "SELECT sub, username, password_hash, enabled, claims FROM imported_users";
    sql::all(connection, sql, [], |row| read::user(row, 0))
}

/// Adds users or replaces those with the same `sub`.
fn put(connection: &Connection, rows: &[UserRow], now: Timestamp) -> Result<(), Failure> {
    // All old rows go first, so that two users may exchange their names in one import.
    for UserRow { user, .. } in rows {
        end_what_must_not_stay(connection, user, now)?;
        execute(connection, "DELETE FROM users WHERE sub = ?1", [&user.sub])?;
    }
    for row in rows {
        insert(connection, row).map_err(|failure| {
            if failure.is_constraint() { Failure::Conflict(row.name_is_taken()) } else { failure }
        })?;
    }
    Ok(())
}

/// With a new password, the sessions and grants of the old one end: whoever stole it must not stay.
/// A user who is disabled is signed out everywhere; grants wait for the user to be enabled again.
fn end_what_must_not_stay(
    connection: &Connection,
    user: &User,
    now: Timestamp,
) -> Result<(), Failure> {
    let changed = sql::first(
        connection,
        "SELECT password_hash <> ?2 FROM users WHERE sub = ?1",
        params![user.sub, user.password_hash.as_str()],
        |row| row.boolean(0, "users.password_hash"),
    )?;
    let has_other_password = changed == Some(true);
    if has_other_password || !user.enabled {
        sessions::end(connection, &SessionSelector::AllOfUser(user.sub.clone()), now)?;
    }
    if has_other_password {
        remove_grants(connection, &user.sub)?;
    }
    Ok(())
}

/// Removes a user's grants, those included that a device may still fetch.
fn remove_grants(connection: &Connection, sub: &str) -> Result<(), Failure> {
    device_codes::forget_allowed(connection, sub, None)?;
    execute(connection, "DELETE FROM grants WHERE sub = ?1", [sub])?;
    Ok(())
}

fn insert(
    connection: &Connection,
    UserRow { user, normalized_username, claims }: &UserRow,
) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO users (sub, username, normalized_username, password_hash, enabled, claims)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            user.sub,
            user.username,
            normalized_username,
            user.password_hash.as_str(),
            user.enabled,
            claims
        ],
    )?;
    Ok(())
}

/// All users, by their names.
fn all(connection: &Connection) -> Result<Vec<User>, Failure> {
    sql::all(
        connection,
        "SELECT sub, username, password_hash, enabled, claims FROM users ORDER BY normalized_username",
        [],
        |row| read::user(row, 0),
    )
}

/// Removes a user with everything that is theirs; tells whether there was one.
fn remove(connection: &Connection, sub: &str, now: Timestamp) -> Result<bool, Failure> {
    sessions::end(connection, &SessionSelector::AllOfUser(sub.to_owned()), now)?;
    remove_grants(connection, sub)?;
    execute(connection, "DELETE FROM consents WHERE sub = ?1", [sub])?;
    Ok(execute(connection, "DELETE FROM users WHERE sub = ?1", [sub])? > 0)
}

/// The user with this normalized username.
fn by_username(connection: &Connection, normalized: &str) -> Result<Option<User>, Failure> {
    sql::first(
        connection,
        "SELECT sub, username, password_hash, enabled, claims FROM users WHERE normalized_username = ?1",
        [normalized],
        |row| read::user(row, 0),
    )
}

/// The user with this subject identifier.
fn by_sub(connection: &Connection, sub: &str) -> Result<Option<User>, Failure> {
    sql::first(
        connection,
        "SELECT sub, username, password_hash, enabled, claims FROM users WHERE sub = ?1",
        [sub],
        |row| read::user(row, 0),
    )
}

/// Whether the user may sign in and still has the password that was verified.
pub(super) fn may_sign_in(
    connection: &Connection,
    sub: &str,
    verified: &PasswordHash,
) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM users WHERE sub = ?1 AND password_hash = ?2 AND enabled";
    Ok(sql::first(connection, sql, [sub, verified.as_str()], |_| Ok(()))?.is_some())
}
