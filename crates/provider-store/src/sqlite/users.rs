//! Rows of users.

use async_trait::async_trait;
use doorward_provider::{
    model::{password::PasswordHash, time::Timestamp, user::User},
    store::{StoreError, Users},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore, device_codes,
    failure::Failure,
    grants, sessions,
    sql::{self, execute},
};
use crate::{
    pages,
    record::{UserRow, read},
    row::Row as _,
};

#[async_trait]
impl Users for SqliteStore {
    async fn import_users(&self, users: Vec<User>, now: Timestamp) -> Result<(), StoreError> {
        let configured = users.clone();
        let changed =
            self.read("import_users", move |connection| changed(connection, &configured)).await?;
        for user in &changed {
            self.end_surplus("import_users", user, now).await?;
        }
        self.write("import_users", move |connection| import(connection, users, now)).await
    }

    async fn imported_users(&self) -> Result<Vec<User>, StoreError> {
        self.read("imported_users", imported).await
    }

    async fn put_user(&self, user: User, now: Timestamp) -> Result<(), StoreError> {
        self.end_surplus("put_user", &user, now).await?;
        let row = UserRow::encode(user)?;
        self.write("put_user", move |connection| put(connection, &[row], now)).await
    }

    async fn replace_user(
        &self,
        user: User,
        before: User,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.user(&before.sub).await?.as_ref() != Some(&before) {
            return Ok(false);
        }
        self.end_surplus("replace_user", &user, now).await?;
        let row = UserRow::encode(user)?;
        self.write("replace_user", move |connection| {
            if by_sub(connection, &before.sub)?.as_ref() != Some(&before) {
                return Ok(false);
            }
            put(connection, &[row], now).map(|()| true)
        })
        .await
    }

    async fn users(&self, after: Option<&str>, limit: u32) -> Result<Vec<User>, StoreError> {
        let after = after.unwrap_or_default().to_owned();
        self.read("users", move |connection| page(connection, &after, limit)).await
    }

    async fn rehash_password(
        &self,
        sub: &str,
        before: &PasswordHash,
        after: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let (sub, before, after) = (sub.to_owned(), before.clone(), after.clone());
        self.write("rehash_password", move |connection| rehash(connection, &sub, &before, &after))
            .await
    }

    async fn remove_user(&self, sub: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.end_surplus_sessions("remove_user", sub, now).await?;
        self.remove_surplus_grants("remove_user", sub).await?;
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

impl SqliteStore {
    /// Ends in pages what ends when this user is written, if it is more than one page.
    async fn end_surplus(
        &self,
        command: &'static str,
        user: &User,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (sub, hash) = (user.sub.clone(), user.password_hash.clone());
        let new_password =
            self.read(command, move |connection| has_other_password(connection, &sub, &hash));
        let new_password = new_password.await?;
        if new_password || !user.enabled {
            self.end_surplus_sessions(command, &user.sub, now).await?;
        }
        if new_password {
            self.remove_surplus_grants(command, &user.sub).await?;
        }
        Ok(())
    }

    async fn end_surplus_sessions(
        &self,
        command: &'static str,
        sub: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        pages::run_all(pages::SESSIONS, || {
            let sub = sub.to_owned();
            self.write(command, move |connection| sessions::end_surplus(connection, &sub, now))
        })
        .await
    }

    async fn remove_surplus_grants(
        &self,
        command: &'static str,
        sub: &str,
    ) -> Result<u64, StoreError> {
        pages::run_all(pages::ROWS, || {
            let sub = sub.to_owned();
            self.write(command, move |connection| grants::remove_surplus(connection, &sub))
        })
        .await
    }
}

/// The configured users that an import writes, as it writes them.
fn changed(connection: &Connection, configured: &[User]) -> Result<Vec<User>, Failure> {
    let mut changed = Vec::new();
    for user in configured {
        let last = sql::first(
            connection,
            "SELECT sub, username, password_hash, enabled, claims FROM imported_users
                WHERE sub = ?1",
            [&user.sub],
            |row| read::user(row, 0),
        )?;
        changed.extend(User::imported(user, last.as_ref(), by_sub(connection, &user.sub)?));
    }
    Ok(changed)
}

/// Brings configured users in, and remembers what was configured.
fn import(connection: &Connection, configured: Vec<User>, now: Timestamp) -> Result<(), Failure> {
    let changed = changed(connection, &configured)?
        .into_iter()
        .map(UserRow::encode)
        .collect::<Result<Vec<_>, _>>()?;
    for user in configured {
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

/// With a new password, the sessions and grants of the old one end, so that a thief of the old
/// password is signed out, too. A user who is disabled is signed out everywhere; the grants wait
/// until the user is enabled again.
fn end_what_must_not_stay(
    connection: &Connection,
    user: &User,
    now: Timestamp,
) -> Result<(), Failure> {
    let new_password = has_other_password(connection, &user.sub, &user.password_hash)?;
    if new_password || !user.enabled {
        sessions::end_all(connection, &user.sub, now)?;
    }
    if new_password {
        remove_grants(connection, &user.sub)?;
    }
    Ok(())
}

/// Whether there is this user, and has another password.
fn has_other_password(
    connection: &Connection,
    sub: &str,
    hash: &PasswordHash,
) -> Result<bool, Failure> {
    let changed = sql::first(
        connection,
        "SELECT password_hash <> ?2 FROM users WHERE sub = ?1",
        [sub, hash.as_str()],
        |row| row.boolean(0, "users.password_hash"),
    )?;
    Ok(changed == Some(true))
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

/// A page of users, by their names.
fn page(connection: &Connection, after: &str, limit: u32) -> Result<Vec<User>, Failure> {
    sql::all(
        connection,
        "SELECT sub, username, password_hash, enabled, claims FROM users
         WHERE normalized_username > ?1 ORDER BY normalized_username LIMIT ?2",
        params![after, limit],
        |row| read::user(row, 0),
    )
}

/// Removes a user with everything of the user. Returns whether there was one.
fn remove(connection: &Connection, sub: &str, now: Timestamp) -> Result<bool, Failure> {
    sessions::end_all(connection, sub, now)?;
    remove_grants(connection, sub)?;
    execute(connection, "DELETE FROM consents WHERE sub = ?1", [sub])?;
    Ok(execute(connection, "DELETE FROM users WHERE sub = ?1", [sub])? > 0)
}

/// The user with this normalized username.
fn by_username(connection: &Connection, normalized: &str) -> Result<Option<User>, Failure> {
    sql::first(
        connection,
        "SELECT sub, username, password_hash, enabled, claims FROM users
            WHERE normalized_username = ?1",
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

/// Replaces a hash of a password by another hash of it.
fn rehash(
    connection: &Connection,
    sub: &str,
    before: &PasswordHash,
    after: &PasswordHash,
) -> Result<bool, Failure> {
    let sql = "UPDATE users SET password_hash = ?3 WHERE sub = ?1 AND password_hash = ?2";
    Ok(execute(connection, sql, [sub, before.as_str(), after.as_str()])? > 0)
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
