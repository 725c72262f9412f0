//! Rows of users.
//!
//! A transaction that begins something with a password locks the user's row (`FOR KEY SHARE`), and
//! a transaction that changes the user locks it `FOR UPDATE` first. So nothing begins with a
//! password that has changed, and the change misses nothing that had begun.

use async_trait::async_trait;
use doorward_provider::{
    model::{password::PasswordHash, time::Timestamp, user::User},
    store::{StoreError, Users},
};

use super::{
    PostgresStore,
    connection::Connection,
    device_codes,
    failure::Failure,
    grants, run, schema, sessions,
    sql::{self},
};
use crate::{
    pages,
    record::{UserRow, read},
    row::Row as _,
};

#[async_trait]
impl Users for PostgresStore {
    async fn import_users(&self, users: Vec<User>, now: Timestamp) -> Result<(), StoreError> {
        for user in &run!(self, "import_users", changed, &users)? {
            self.end_surplus("import_users", user, now).await?;
        }
        run!(self, "import_users", import, &users, now)
    }

    async fn imported_users(&self) -> Result<Vec<User>, StoreError> {
        run!(self, "imported_users", imported)
    }

    async fn put_user(&self, user: User, now: Timestamp) -> Result<(), StoreError> {
        self.end_surplus("put_user", &user, now).await?;
        let row = UserRow::encode(user)?;
        run!(self, "put_user", put, &row, now)
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
        run!(self, "replace_user", replace_if, &row, &before, now)
    }

    async fn users(&self, after: Option<&str>, limit: u32) -> Result<Vec<User>, StoreError> {
        run!(self, "users", page, after.unwrap_or_default(), limit)
    }

    async fn rehash_password(
        &self,
        sub: &str,
        before: &PasswordHash,
        after: &PasswordHash,
    ) -> Result<bool, StoreError> {
        run!(self, "rehash_password", rehash, sub, before, after)
    }

    async fn remove_user(&self, sub: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.end_surplus_sessions("remove_user", sub, now).await?;
        self.remove_surplus_grants("remove_user", sub).await?;
        run!(self, "remove_user", remove, sub, now)
    }

    async fn user_by_username(&self, normalized: &str) -> Result<Option<User>, StoreError> {
        run!(self, "user_by_username", by_username, normalized)
    }

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError> {
        run!(self, "user", by_sub, sub)
    }
}

impl PostgresStore {
    /// Ends in pages what ends when this user is written, if it is more than one page.
    async fn end_surplus(
        &self,
        command: &'static str,
        user: &User,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (sub, hash) = (user.sub.as_str(), &user.password_hash);
        let new_password = self.run(command, || async {
            has_other_password(&self.connection().await?, sub, hash).await
        });
        let new_password = new_password.await?;
        if new_password || !user.enabled {
            self.end_surplus_sessions(command, sub, now).await?;
        }
        if new_password {
            self.remove_surplus_grants(command, sub).await?;
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
            self.run(command, move || async move {
                sessions::end_surplus(&self.connection().await?, sub, now).await
            })
        })
        .await
    }

    async fn remove_surplus_grants(
        &self,
        command: &'static str,
        sub: &str,
    ) -> Result<u64, StoreError> {
        pages::run_all(pages::ROWS, || {
            self.run(command, move || async move {
                grants::remove_surplus(&self.connection().await?, sub).await
            })
        })
        .await
    }
}

/// The configured users that an import writes, as it writes them.
async fn changed(connection: &Connection, configured: &[User]) -> Result<Vec<User>, Failure> {
    let mut changed = Vec::new();
    for user in configured {
        let sql = "SELECT sub, username, password_hash, enabled, claims FROM imported_users
            WHERE sub = $1";
        let last = connection.first(sql, &[&user.sub], |row| read::user(row, 0)).await?;
        let stored = by_sub(connection, &user.sub).await?;
        changed.extend(User::imported(user, last.as_ref(), stored));
    }
    Ok(changed)
}

/// Brings configured users in, and remembers what was configured. One import at a time, so that
/// processes that start together do not collide.
async fn import(
    connection: &Connection,
    configured: &[User],
    now: Timestamp,
) -> Result<(), Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let changed = changed(connection, configured).await?;
    let changed = changed.into_iter().map(UserRow::encode).collect::<Result<Vec<_>, _>>()?;
    for user in configured {
        let UserRow { user, claims, .. } = UserRow::encode(user.clone())?;
        connection
            .execute(
                "INSERT INTO imported_users (sub, username, password_hash, enabled, claims)
                    VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (sub) DO UPDATE SET username = excluded.username, password_hash =
                     excluded.password_hash,
                     enabled = excluded.enabled, claims = excluded.claims",
                &[&user.sub, &user.username, &user.password_hash.as_str(), &user.enabled, &claims],
            )
            .await?;
    }
    replace(connection, &changed, now).await?;
    connection.commit().await
}

/// Users as they were imported last.
async fn imported(connection: &Connection) -> Result<Vec<User>, Failure> {
    let sql = "SELECT sub, username, password_hash, enabled, claims FROM imported_users";
    connection.all(sql, &[], |row| read::user(row, 0)).await
}

/// Adds a user or replaces the one with the same `sub`.
async fn put(connection: &Connection, row: &UserRow, now: Timestamp) -> Result<(), Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    replace(connection, std::slice::from_ref(row), now).await?;
    connection.commit().await
}

/// Replaces a user who is still as before. The locks keep every other change of the user away
/// between the comparison and the change.
async fn replace_if(
    connection: &Connection,
    row: &UserRow,
    before: &User,
    now: Timestamp,
) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let lock = "SELECT sub FROM users WHERE sub = $1 FOR UPDATE";
    connection.execute(lock, &[&before.sub]).await?;
    let is_as_before = by_sub(connection, &before.sub).await?.as_ref() == Some(before);
    if is_as_before {
        replace(connection, std::slice::from_ref(row), now).await?;
    }
    connection.commit().await?;
    Ok(is_as_before)
}

/// Adds users or replaces those with the same `sub`, within a transaction.
async fn replace(connection: &Connection, rows: &[UserRow], now: Timestamp) -> Result<(), Failure> {
    // All old rows go first, so that two users may exchange their names in one import.
    for UserRow { user, .. } in rows {
        end_what_must_not_stay(connection, user, now).await?;
        connection.execute("DELETE FROM users WHERE sub = $1", &[&user.sub]).await?;
    }
    for row in rows {
        insert(connection, row).await.map_err(|failure| {
            if failure.is_duplicate() { Failure::Conflict(row.name_is_taken()) } else { failure }
        })?;
    }
    Ok(())
}

/// With a new password, the sessions and grants of the old one end, so that a thief of the old
/// password is signed out, too. A user who is disabled is signed out everywhere; the grants wait
/// until the user is enabled again.
async fn end_what_must_not_stay(
    connection: &Connection,
    user: &User,
    now: Timestamp,
) -> Result<(), Failure> {
    // The row is locked before anything is looked at.
    let lock = "SELECT 1 FROM users WHERE sub = $1 FOR UPDATE";
    connection.all(lock, &[&user.sub], |_| Ok(())).await?;
    let new_password = has_other_password(connection, &user.sub, &user.password_hash).await?;
    if new_password || !user.enabled {
        sessions::end_all(connection, &user.sub, now).await?;
    }
    if new_password {
        remove_grants(connection, &user.sub).await?;
    }
    Ok(())
}

/// Whether there is this user, and has another password.
async fn has_other_password(
    connection: &Connection,
    sub: &str,
    hash: &PasswordHash,
) -> Result<bool, Failure> {
    let changed = connection
        .first(
            "SELECT password_hash <> $2 FROM users WHERE sub = $1",
            &[&sub, &hash.as_str()],
            |row| row.boolean(0, "users.password_hash"),
        )
        .await?;
    Ok(changed == Some(true))
}

/// Removes a user's grants, those included that a device may still fetch.
async fn remove_grants(connection: &Connection, sub: &str) -> Result<(), Failure> {
    device_codes::forget_allowed(connection, sub, None).await?;
    connection.execute("DELETE FROM grants WHERE sub = $1", &[&sub]).await?;
    Ok(())
}

async fn insert(
    connection: &Connection,
    UserRow { user, normalized_username, claims }: &UserRow,
) -> Result<(), Failure> {
    connection
        .execute(
            "INSERT INTO users (sub, username, normalized_username, password_hash, enabled, claims)
             VALUES ($1, $2, $3, $4, $5, $6)",
            &[
                &user.sub,
                &user.username,
                normalized_username,
                &user.password_hash.as_str(),
                &user.enabled,
                claims,
            ],
        )
        .await?;
    Ok(())
}

/// A page of users, by their names in the order of bytes, whatever the database's language is.
async fn page(connection: &Connection, after: &str, limit: u32) -> Result<Vec<User>, Failure> {
    connection
        .all(
            "SELECT sub, username, password_hash, enabled, claims FROM users
             WHERE normalized_username COLLATE \"C\" > $1
             ORDER BY normalized_username COLLATE \"C\" LIMIT $2",
            &[&after, &i64::from(limit)],
            |row| read::user(row, 0),
        )
        .await
}

/// Removes a user with everything of the user. Returns whether there was one.
async fn remove(connection: &Connection, sub: &str, now: Timestamp) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    connection.all("SELECT 1 FROM users WHERE sub = $1 FOR UPDATE", &[&sub], |_| Ok(())).await?;
    sessions::end_all(connection, sub, now).await?;
    remove_grants(connection, sub).await?;
    connection.execute("DELETE FROM consents WHERE sub = $1", &[&sub]).await?;
    let removed = connection.execute("DELETE FROM users WHERE sub = $1", &[&sub]).await?;
    connection.commit().await?;
    Ok(removed > 0)
}

/// The user with this normalized username.
async fn by_username(connection: &Connection, normalized: &str) -> Result<Option<User>, Failure> {
    if !sql::can_hold(normalized) {
        return Ok(None);
    }
    connection
        .first(
            "SELECT sub, username, password_hash, enabled, claims FROM users
                WHERE normalized_username = $1",
            &[&normalized],
            |row| read::user(row, 0),
        )
        .await
}

/// The user with this subject identifier.
async fn by_sub(connection: &Connection, sub: &str) -> Result<Option<User>, Failure> {
    if !sql::can_hold(sub) {
        return Ok(None);
    }
    connection
        .first(
            "SELECT sub, username, password_hash, enabled, claims FROM users WHERE sub = $1",
            &[&sub],
            |row| read::user(row, 0),
        )
        .await
}

/// Replaces a hash of a password by another hash of it.
async fn rehash(
    connection: &Connection,
    sub: &str,
    before: &PasswordHash,
    after: &PasswordHash,
) -> Result<bool, Failure> {
    let sql = "UPDATE users SET password_hash = $3 WHERE sub = $1 AND password_hash = $2";
    Ok(connection.execute(sql, &[&sub, &before.as_str(), &after.as_str()]).await? > 0)
}

/// Whether the user may sign in and still has the password that was verified.
pub(super) async fn may_sign_in(
    connection: &Connection,
    sub: &str,
    verified: &PasswordHash,
) -> Result<bool, Failure> {
    let sql = "SELECT count(*) FROM users WHERE sub = $1 AND password_hash = $2 AND enabled";
    Ok(connection.count(sql, &[&sub, &verified.as_str()]).await? > 0)
}
