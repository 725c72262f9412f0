//! Rows of users.
//!
//! What begins with a password holds a lock on its user's row (`FOR KEY SHARE`) until it is
//! committed, and whoever changes the user takes the row first. So nothing begins with a password
//! that has changed, and its change misses nothing that had begun.

use doorward_provider::model::{
    password::PasswordHash, session::SessionSelector, time::Timestamp, user::User,
};
use tokio_postgres::Row;

use super::{
    connection::Connection,
    device_codes,
    failure::Failure,
    schema, sessions,
    sql::{self, get},
};
use crate::columns::{self, UserRow};

/// Brings configured users in, and remembers what was configured. One import at a time, so that
/// processes that start together do not collide.
pub(super) async fn import(
    connection: &Connection,
    configured: &[User],
    now: Timestamp,
) -> Result<(), Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let mut changed = Vec::new();
    for user in configured {
        let sql = "SELECT sub, username, password_hash, enabled, claims FROM imported_users WHERE sub = $1";
        let last = connection.first(sql, &[&user.sub], |row| read(row, 0)).await?;
        if let Some(imported) =
            User::imported(user, last.as_ref(), by_sub(connection, &user.sub).await?)
        {
            changed.push(UserRow::encode(imported)?);
        }
        let UserRow { user, claims, .. } = UserRow::encode(user.clone())?;
        connection
            .execute(
                "INSERT INTO imported_users (sub, username, password_hash, enabled, claims) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (sub) DO UPDATE SET username = excluded.username, password_hash = excluded.password_hash,
                     enabled = excluded.enabled, claims = excluded.claims",
                &[&user.sub, &user.username, &user.password_hash.as_str(), &user.enabled, &claims],
            )
            .await?;
    }
    replace(connection, &changed, now).await?;
    connection.commit().await
}

/// Users as they were imported last.
pub(super) async fn imported(connection: &Connection) -> Result<Vec<User>, Failure> {
    let sql = "SELECT sub, username, password_hash, enabled, claims FROM imported_users";
    connection.all(sql, &[], |row| read(row, 0)).await
}

/// Adds a user or replaces the one with the same `sub`.
pub(super) async fn put(
    connection: &Connection,
    row: &UserRow,
    now: Timestamp,
) -> Result<(), Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    replace(connection, std::slice::from_ref(row), now).await?;
    connection.commit().await
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

/// With a new password, the sessions and grants of the old one end: whoever stole it must not stay.
/// A user who is disabled is signed out everywhere; grants wait for the user to be enabled again.
async fn end_what_must_not_stay(
    connection: &Connection,
    user: &User,
    now: Timestamp,
) -> Result<(), Failure> {
    let changed = connection
        .first(
            "SELECT password_hash <> $2 FROM users WHERE sub = $1 FOR UPDATE",
            &[&user.sub, &user.password_hash.as_str()],
            |row| get(row, 0, "users.password_hash"),
        )
        .await?;
    let has_other_password = changed == Some(true);
    if has_other_password || !user.enabled {
        sessions::end_within(connection, &SessionSelector::AllOfUser(user.sub.clone()), now)
            .await?;
    }
    if has_other_password {
        remove_grants(connection, &user.sub).await?;
    }
    Ok(())
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

/// All users, by their names.
pub(super) async fn all(connection: &Connection) -> Result<Vec<User>, Failure> {
    let sql =
        "SELECT sub, username, password_hash, enabled, claims, normalized_username FROM users";
    let mut users = connection
        .all(sql, &[], |row| Ok((get::<String>(row, 5, "users.username")?, read(row, 0)?)))
        .await?;
    // Here, so that the order does not hang on the database's language.
    users.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(users.into_iter().map(|(_, user)| user).collect())
}

/// Removes a user with everything that is theirs; tells whether there was one.
pub(super) async fn remove(
    connection: &Connection,
    sub: &str,
    now: Timestamp,
) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    connection.all("SELECT 1 FROM users WHERE sub = $1 FOR UPDATE", &[&sub], |_| Ok(())).await?;
    sessions::end_within(connection, &SessionSelector::AllOfUser(sub.to_owned()), now).await?;
    remove_grants(connection, sub).await?;
    connection.execute("DELETE FROM consents WHERE sub = $1", &[&sub]).await?;
    let removed = connection.execute("DELETE FROM users WHERE sub = $1", &[&sub]).await?;
    connection.commit().await?;
    Ok(removed > 0)
}

/// The user with this normalized username.
pub(super) async fn by_username(
    connection: &Connection,
    normalized: &str,
) -> Result<Option<User>, Failure> {
    if !sql::can_hold(normalized) {
        return Ok(None);
    }
    connection
        .first(
            "SELECT sub, username, password_hash, enabled, claims FROM users WHERE normalized_username = $1",
            &[&normalized],
            |row| read(row, 0),
        )
        .await
}

/// The user with this subject identifier.
pub(super) async fn by_sub(connection: &Connection, sub: &str) -> Result<Option<User>, Failure> {
    if !sql::can_hold(sub) {
        return Ok(None);
    }
    connection
        .first(
            "SELECT sub, username, password_hash, enabled, claims FROM users WHERE sub = $1",
            &[&sub],
            |row| read(row, 0),
        )
        .await
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

/// Reads `sub, username, password_hash, enabled, claims` from the column `from` on.
pub(super) fn read(row: &Row, from: usize) -> Result<User, Failure> {
    Ok(columns::user(
        get(row, from, "users.sub")?,
        get(row, from + 1, "users.username")?,
        get(row, from + 2, "users.password_hash")?,
        get(row, from + 3, "users.enabled")?,
        get(row, from + 4, "users.claims")?,
    )?)
}
