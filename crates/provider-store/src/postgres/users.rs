//! Rows of users.
//!
//! A transaction that begins something with a password locks the user's row (`FOR KEY SHARE`), and
//! a transaction that changes the user locks it `FOR UPDATE` first. So nothing begins with a
//! password that has changed, and the change misses nothing that had begun.

use async_trait::async_trait;
use doorward_protocol::ids::{SessionId, Sub};
use doorward_provider::{
    model::{
        account_notice::AccountNotices,
        identity_provider::IdentityProvider,
        outbox::OutboxMail,
        password::PasswordHash,
        provisioning::Provisioned,
        time::Timestamp,
        user::{OWNER, User, decomposed_username},
        user_query::{FoundUser, UserCounts, UserCursor, UserQuery},
    },
    store::{Factors as _, RemovedPassword, SkippedUser, StoreError, TicketRedemption, Users},
};

use super::{
    PostgresStore, account_events,
    connection::Connection,
    device_codes, external_identities, external_ids, factors,
    failure::Failure,
    grants,
    groups::{self, given_to},
    outbox, run, schema, sessions,
    sql::{self},
    tickets,
};
use crate::{
    pages,
    record::{MailRow, NoticesRow, UserRow, read, write},
    row::Row as _,
    rules::{self, Ending, Import, LAST_OWNER},
};

#[async_trait]
impl Users for PostgresStore {
    async fn import_users(
        &self,
        users: Vec<User>,
        now: Timestamp,
    ) -> Result<Vec<SkippedUser>, StoreError> {
        for user in &run!(self, "import_users", changed, &users)?.users {
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

    async fn change_user(
        &self,
        user: User,
        before: User,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.user(&before.sub).await?.as_ref() != Some(&before) {
            return Ok(false);
        }
        self.end_surplus("change_user", &user, now).await?;
        let (row, notices) = (UserRow::encode(user)?, NoticesRow::encode(notices)?);
        run!(self, "change_user", replace_if, &row, &before, &notices, now)
    }

    async fn users(&self, after: Option<&str>, limit: u32) -> Result<Vec<User>, StoreError> {
        run!(self, "users", page, after.unwrap_or_default(), limit)
    }

    async fn rehash_password(
        &self,
        sub: &Sub,
        before: &PasswordHash,
        after: &PasswordHash,
    ) -> Result<bool, StoreError> {
        run!(self, "rehash_password", rehash, sub, before, after)
    }

    async fn delete_user(
        &self,
        sub: &Sub,
        mails: Vec<OutboxMail>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.end_surplus_of("delete_user", sub, None, now).await?;
        let mails = MailRow::encode_all(mails)?;
        run!(self, "delete_user", remove, sub, None, &mails, now)
    }

    async fn remove_password(
        &self,
        sub: &Sub,
        providers: &[IdentityProvider],
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<RemovedPassword, StoreError> {
        if self.factors(sub).await?.replace_a_password() {
            self.end_surplus_of("remove_password", sub, None, now).await?;
        }
        let notices = NoticesRow::encode(notices)?;
        run!(self, "remove_password", remove_password, sub, providers, &notices, now)
    }

    async fn find_users(
        &self,
        query: &UserQuery,
        after: Option<&UserCursor>,
        limit: u32,
    ) -> Result<Vec<FoundUser>, StoreError> {
        run!(self, "find_users", search, query, after, limit)
    }

    async fn with_further_address(
        &self,
        key: &str,
        is_prefix: bool,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        run!(self, "with_further_address", with_further_address, key, is_prefix, limit)
    }

    async fn user_cursor(
        &self,
        query: &UserQuery,
        users: u64,
    ) -> Result<Option<UserCursor>, StoreError> {
        let Some(skipped) = users.checked_sub(1) else { return Ok(None) };
        run!(self, "user_cursor", cursor, query, skipped)
    }

    async fn count_users(&self) -> Result<UserCounts, StoreError> {
        run!(self, "count_users", count)
    }

    async fn remove_user_as(&self, before: User, now: Timestamp) -> Result<bool, StoreError> {
        if self.user(&before.sub).await?.as_ref() != Some(&before) {
            return Ok(false);
        }
        self.end_surplus_of("remove_user_as", &before.sub, None, now).await?;
        run!(self, "remove_user_as", remove, &before.sub, Some(&before), &[], now)
    }

    async fn user_by_username(&self, normalized: &str) -> Result<Option<User>, StoreError> {
        run!(self, "user_by_username", by_username, normalized)
    }

    async fn user_by_email(&self, normalized: &str) -> Result<Option<User>, StoreError> {
        run!(self, "user_by_email", by_email, normalized)
    }

    async fn password_costs(&self, limit: u32) -> Result<Vec<PasswordHash>, StoreError> {
        run!(self, "password_costs", costs, limit)
    }

    async fn is_used_sub(&self, sub: &Sub) -> Result<bool, StoreError> {
        run!(self, "is_used_sub", is_used, sub)
    }

    async fn user(&self, sub: &Sub) -> Result<Option<User>, StoreError> {
        run!(self, "user", by_sub, sub)
    }
}

impl PostgresStore {
    /// Ends in pages what must have ended when this user is written, if it is more than one page.
    pub(super) async fn end_surplus(
        &self,
        command: &'static str,
        user: &User,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ending =
            self.run(command, || async { ending(&self.connection().await?, user).await }).await?;
        match ending {
            Ending::Nothing | Ending::OfDisabled => {}
            Ending::OfEnabled => {
                self.end_surplus_sessions(command, &user.sub, None, now).await?;
            }
            Ending::OfPassword => self.end_surplus_of(command, &user.sub, None, now).await?,
        }
        Ok(())
    }

    /// Ends in pages all that has begun for a user, but what is of the session that is kept, if it
    /// is more than one page.
    pub(super) async fn end_surplus_of(
        &self,
        command: &'static str,
        sub: &Sub,
        kept: Option<&SessionId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.end_surplus_sessions(command, sub, kept, now).await?;
        self.remove_surplus_grants(command, sub, kept).await?;
        Ok(())
    }

    async fn end_surplus_sessions(
        &self,
        command: &'static str,
        sub: &Sub,
        kept: Option<&SessionId>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        pages::run_all(pages::SESSIONS, || {
            self.run(command, move || async move {
                sessions::end_surplus(&self.connection().await?, sub, kept, now).await
            })
        })
        .await
    }

    async fn remove_surplus_grants(
        &self,
        command: &'static str,
        sub: &Sub,
        kept: Option<&SessionId>,
    ) -> Result<u64, StoreError> {
        pages::run_all(pages::ROWS, || {
            self.run(command, move || async move {
                grants::remove_surplus(&self.connection().await?, sub, kept).await
            })
        })
        .await
    }
}

/// The configured users that an import writes, as it writes them, and those that it skips.
async fn changed(connection: &Connection, configured: &[User]) -> Result<Import, Failure> {
    let (mut changed, mut again) = (Vec::new(), Vec::new());
    for user in configured {
        let sql =
            "SELECT sub, username, password_hash, enabled, claims, NULL, NULL FROM imported_users
            WHERE sub = $1";
        let last = connection.first(sql, &[&user.sub.as_str()], |row| read::user(row, 0)).await?;
        let stored = by_sub(connection, &user.sub).await?;
        let comes_again = stored.is_none() && was_used(connection, &user.sub).await?;
        let wanted = User::imported(user, last.as_ref(), stored);
        let chosen = if comes_again { &mut again } else { &mut changed };
        chosen.push(wanted);
    }
    let mut owners = Vec::new();
    for row in changed.iter().cloned().map(UserRow::encode) {
        let row = row?;
        let sql = "SELECT sub FROM users
            WHERE (normalized_username = $1 OR verified_email = $2) AND sub <> $3";
        let sub = row.user.sub.as_str();
        let found = connection
            .all(sql, &[&row.normalized_username, &row.verified_email, &sub], |row| {
                row.id(0, "users.sub")
            })
            .await?;
        owners.push(found);
    }
    Ok(Import::decide(changed, owners, again))
}

/// Brings configured users in, and remembers what was configured. One import at a time, so that
/// processes that start together do not collide.
async fn import(
    connection: &Connection,
    configured: &[User],
    now: Timestamp,
) -> Result<Vec<SkippedUser>, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let Import { users, skipped } = changed(connection, configured).await?;
    let changed = users.into_iter().map(UserRow::encode).collect::<Result<Vec<_>, _>>()?;
    let is_skipped = |user: &User| skipped.iter().any(|other| other.user.sub == user.sub);
    for user in configured.iter().filter(|user| !is_skipped(user)) {
        let UserRow { user, claims, .. } = UserRow::encode(user.clone())?;
        connection
            .execute(
                "INSERT INTO imported_users (sub, username, password_hash, enabled, claims)
                    VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (sub) DO UPDATE SET username = excluded.username, password_hash =
                     excluded.password_hash,
                     enabled = excluded.enabled, claims = excluded.claims",
                &[&user.sub.as_str(), &user.username, &hash_of(&user), &user.enabled, &claims],
            )
            .await?;
    }
    replace(connection, &changed, now).await?;
    connection.commit().await?;
    Ok(skipped)
}

/// Users as they were imported last.
async fn imported(connection: &Connection) -> Result<Vec<User>, Failure> {
    let sql =
        "SELECT sub, username, password_hash, enabled, claims, NULL, NULL FROM imported_users";
    connection.all(sql, &[], |row| read::user(row, 0)).await
}

/// Adds a user or replaces the one with the same `sub`.
async fn put(connection: &Connection, row: &UserRow, now: Timestamp) -> Result<(), Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let had_owner = has_owner(connection).await?;
    replace(connection, std::slice::from_ref(row), now).await?;
    keep_an_owner(connection, had_owner).await?;
    connection.commit().await
}

/// Replaces a user who is still as before. The locks keep every other change of the user away
/// between the comparison and the change.
async fn replace_if(
    connection: &Connection,
    row: &UserRow,
    before: &User,
    notices: &NoticesRow,
    now: Timestamp,
) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let lock = "SELECT sub FROM users WHERE sub = $1 FOR UPDATE";
    connection.execute(lock, &[&before.sub.as_str()]).await?;
    let is_as_before = by_sub(connection, &before.sub).await?.as_ref() == Some(before);
    if is_as_before {
        let had_owner = has_owner(connection).await?;
        replace(connection, std::slice::from_ref(row), now).await?;
        outbox::put_notices(connection, notices).await?;
        keep_an_owner(connection, had_owner).await?;
    }
    connection.commit().await?;
    Ok(is_as_before)
}

/// Refuses what took the last owner. The lock of the schema keeps every other change of users away,
/// and without a commit nothing has happened.
async fn keep_an_owner(connection: &Connection, had_one: bool) -> Result<(), Failure> {
    if had_one && !has_owner(connection).await? {
        return Err(Failure::Conflict(LAST_OWNER.to_owned()));
    }
    Ok(())
}

async fn has_owner(connection: &Connection) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM users WHERE admin_role IS NOT NULL AND admin_role = $1 AND enabled
               LIMIT 1";
    Ok(connection.first(sql, &[&OWNER], |_| Ok(())).await?.is_some())
}

/// Adds users or replaces those with the same `sub`, within a transaction.
pub(super) async fn replace(
    connection: &Connection,
    rows: &[UserRow],
    now: Timestamp,
) -> Result<(), Failure> {
    // All old rows go first, so that two users may exchange their names in one import.
    for row in rows {
        end_what_must_not_stay(connection, row, now).await?;
        connection.execute(REMOVE, &[&row.user.sub.as_str()]).await?;
    }
    for row in rows {
        insert(connection, row).await.map_err(|failure| {
            if failure.is_duplicate() {
                Failure::Conflict(row.is_taken(&failure.to_string()))
            } else {
                failure
            }
        })?;
    }
    Ok(())
}

/// Ends what must not stay when this user is written.
async fn end_what_must_not_stay(
    connection: &Connection,
    UserRow { user, verified_email, .. }: &UserRow,
    now: Timestamp,
) -> Result<(), Failure> {
    // The row is locked before anything is looked at.
    let lock = "SELECT 1 FROM users WHERE sub = $1 FOR UPDATE";
    connection.all(lock, &[&user.sub.as_str()], |_| Ok(())).await?;
    let ending = ending(connection, user).await?;
    match ending {
        Ending::Nothing => {}
        Ending::OfDisabled => sessions::end_first_page(connection, &user.sub, now).await?,
        Ending::OfEnabled => sessions::end_last_page(connection, &user.sub, now).await?,
        Ending::OfPassword => end_what_began(connection, &user.sub, None, now).await?,
    }
    let sql = "SELECT 1 FROM users WHERE sub = $1 AND verified_email IS DISTINCT FROM $2::TEXT";
    let new_email =
        connection.first(sql, &[&user.sub.as_str(), verified_email], |_| Ok(())).await?;
    if ending == Ending::OfPassword || new_email.is_some() {
        tickets::remove_outdated(connection, &user.sub).await?;
    }
    Ok(())
}

/// What ends when this user is written.
async fn ending(connection: &Connection, user: &User) -> Result<Ending, Failure> {
    let sql = "SELECT password_hash IS DISTINCT FROM $2::TEXT, enabled FROM users WHERE sub = $1";
    let read = |row: &tokio_postgres::Row| {
        Ok((row.boolean(0, "users.password_hash")?, row.boolean(1, "users.enabled")?))
    };
    let stored = connection.first(sql, &[&user.sub.as_str(), &hash_of(user)], read).await?;
    Ok(Ending::of(user, stored))
}

/// Removes a user's grants but those of the session that is kept. Those are included that a device
/// may still fetch.
async fn remove_grants(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
) -> Result<(), Failure> {
    device_codes::forget_allowed(connection, sub, None).await?;
    let sql = "DELETE FROM grants WHERE sub = $1 AND sid IS DISTINCT FROM $2::TEXT";
    connection.execute(sql, &[&sub.as_str(), &kept.map(SessionId::as_str)]).await?;
    Ok(())
}

/// Locks a user's row within a transaction, as every change of the user does first.
pub(super) async fn lock(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    let sql = "SELECT 1 FROM users WHERE sub = $1 FOR UPDATE";
    let locked = connection.all(sql, &[&sub.as_str()], |_| Ok(())).await?;
    if locked.is_empty() { refuse_overtaken(connection, sub).await } else { Ok(()) }
}

/// For a statement that has found no row of this user: fails if the user was replaced just now, so
/// that everything is tried again.
pub(super) async fn refuse_overtaken(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    let sql = "SELECT count(*) FROM users WHERE sub = $1";
    let is_there = connection.count(sql, &[&sub.as_str()]).await? > 0;
    if is_there { Err(Failure::Overtaken) } else { Ok(()) }
}

/// Ends all that has begun for a user, but what is of the session that is kept, within a
/// transaction that has locked the user's row.
pub(super) async fn end_what_began(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
    now: Timestamp,
) -> Result<(), Failure> {
    sessions::end_all(connection, sub, kept, now).await?;
    remove_grants(connection, sub, kept).await
}

/// Takes a user's password away, if the user can sign in without it.
async fn remove_password(
    connection: &Connection,
    sub: &Sub,
    providers: &[IdentityProvider],
    notices: &NoticesRow,
    now: Timestamp,
) -> Result<RemovedPassword, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    lock(connection, sub).await?;
    let user = by_sub(connection, sub).await?.filter(|user| user.password_hash.is_some());
    let Some(user) = user else { return Ok(RemovedPassword::None) };
    if !factors::usable_summary(connection, sub, providers).await?.replace_a_password() {
        return Ok(RemovedPassword::NoOtherWay);
    }
    let row = UserRow::encode(User { password_hash: None, ..user })?;
    replace(connection, &[row], now).await?;
    outbox::put_notices(connection, notices).await?;
    connection.commit().await?;
    Ok(RemovedPassword::Removed)
}

/// Removes the row of a user, with the further addresses, which cost no round trip so.
const REMOVE: &str = "WITH forgotten AS (DELETE FROM further_addresses WHERE sub = $1)
                      DELETE FROM users WHERE sub = $1";

/// Adds the row of a user, and notes what the user is called by now where members of groups are
/// searched by it, which costs no round trip so.
const INSERT: &str = "WITH renamed AS (
         UPDATE group_members SET username = $3 WHERE sub = $1 AND username IS DISTINCT FROM $3)
     INSERT INTO users (sub, username, normalized_username, password_hash, enabled, claims,
         verified_email, email, full_name, admin_role)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

async fn insert(connection: &Connection, row: &UserRow) -> Result<(), Failure> {
    let UserRow { user, normalized_username, verified_email, claims, .. } = row;
    connection
        .execute(
            INSERT,
            &[
                &user.sub.as_str(),
                &user.username,
                normalized_username,
                &hash_of(user),
                &user.enabled,
                claims,
                verified_email,
                &row.email,
                &row.full_name,
                &row.admin_role,
            ],
        )
        .await?;
    if !row.further_emails.is_empty() {
        let addresses: Vec<&str> = row.further_emails.iter().map(String::as_str).collect();
        let sql = "INSERT INTO further_addresses (address, sub) SELECT unnest($1::TEXT[]), $2";
        connection.execute(sql, &[&addresses, &user.sub.as_str()]).await?;
    }
    Ok(())
}

/// A page of users, by their names in the order of bytes, whatever the database's language is. The
/// limit is a number in the text, as in [`search_sql`].
pub(super) fn page_sql(limit: u32) -> String {
    let given = given_to!("users");
    format!(
        "SELECT sub, username, password_hash, enabled, claims, {given} FROM users
         WHERE normalized_username COLLATE \"C\" > $1
         ORDER BY normalized_username COLLATE \"C\" LIMIT {limit}"
    )
}

async fn page(connection: &Connection, after: &str, limit: u32) -> Result<Vec<User>, Failure> {
    connection.all(&page_sql(limit), &[&after], |row| read::user(row, 0)).await
}

/// Users whom a query finds. Each text has an index of its own. The limit is a number in the text:
/// for an unknown one the planner would read the whole table.
pub(super) fn search_sql(query: &UserQuery, limit: u32) -> String {
    let column = rules::column_of(query.order);
    let filter = rules::filter_of(query.filter, "NOT enabled", "enabled");
    let given = given_to!("users");
    format!(
        "SELECT sub, username, password_hash, enabled, claims, {given}, {column} FROM users
         WHERE ({column} COLLATE \"C\", sub COLLATE \"C\") > ($1, $2)
             AND {column} COLLATE \"C\" < $3 AND {column} IS NOT NULL{filter}
         ORDER BY {column} COLLATE \"C\", sub COLLATE \"C\" LIMIT {limit}"
    )
}

async fn search(
    connection: &Connection,
    query: &UserQuery,
    after: Option<&UserCursor>,
    limit: u32,
) -> Result<Vec<FoundUser>, Failure> {
    let (key, sub) = rules::start_of(query, after.cloned());
    let end = rules::end_of(&query.prefix);
    if !sql::can_hold(&key) || !sql::can_hold(&end) {
        return Ok(Vec::new());
    }
    connection
        .all(&search_sql(query, limit), &[&key, &sub, &end], |row| {
            let user = read::user(row, 0)?;
            let cursor = UserCursor { key: row.string(7, "users.key")?, sub: user.sub.clone() };
            Ok(FoundUser { user, cursor })
        })
        .await
}

async fn with_further_address(
    connection: &Connection,
    key: &str,
    is_prefix: bool,
    limit: u32,
) -> Result<Vec<User>, Failure> {
    let last = rules::last_of(key, is_prefix);
    if !sql::can_hold(&last) {
        return Ok(Vec::new());
    }
    // The index of users is by the collation of the database. OFFSET keeps the limit from making a
    // way through all addresses look short.
    let sql = concat!(
        "SELECT sub, username, password_hash, enabled, claims, ",
        given_to!("users"),
        " FROM users WHERE sub COLLATE \"default\" IN (
              SELECT DISTINCT sub FROM (SELECT sub FROM further_addresses
                  WHERE address >= $1 AND address <= $2 OFFSET 0) AS found
              ORDER BY sub LIMIT $3)
          ORDER BY sub COLLATE \"C\""
    );
    let limit = i64::from(limit);
    connection.all(sql, &[&key, &last, &limit], |row| read::user(row, 0)).await
}

/// The cursor of a user whom a query finds, after others that are skipped.
async fn cursor(
    connection: &Connection,
    query: &UserQuery,
    skipped: u64,
) -> Result<Option<UserCursor>, Failure> {
    let (start, end) = (&query.prefix, rules::end_of(&query.prefix));
    if !sql::can_hold(&end) {
        return Ok(None);
    }
    let column = rules::column_of(query.order);
    let filter = rules::filter_of(query.filter, "NOT enabled", "enabled");
    let statement = format!(
        "SELECT {column}, sub FROM users
         WHERE {column} COLLATE \"C\" >= $1 AND {column} COLLATE \"C\" < $2
             AND {column} IS NOT NULL{filter}
         ORDER BY {column} COLLATE \"C\", sub COLLATE \"C\" LIMIT 1 OFFSET $3"
    );
    let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
    connection
        .first(&statement, &[start, &end, &skipped], |row| {
            Ok(UserCursor { key: row.string(0, "users.key")?, sub: row.id(1, "users.sub")? })
        })
        .await
}

async fn count(connection: &Connection) -> Result<UserCounts, Failure> {
    let sql = "SELECT (SELECT count(*) FROM users),
                      (SELECT count(*) FROM users WHERE NOT enabled)";
    Ok(connection.first(sql, &[], read::user_counts).await?.unwrap_or_default())
}

/// Removes a user with everything of the user, if they are still `before` where that is given.
/// Returns whether somebody was removed.
async fn remove(
    connection: &Connection,
    sub: &Sub,
    before: Option<&User>,
    mails: &[MailRow],
    now: Timestamp,
) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    lock(connection, sub).await?;
    if before.is_some() && by_sub(connection, sub).await?.as_ref() != before {
        return Ok(false);
    }
    let had_owner = has_owner(connection).await?;
    end_what_began(connection, sub, None, now).await?;
    connection.execute("DELETE FROM consents WHERE sub = $1", &[&sub.as_str()]).await?;
    // The next import asks for the user again, and is told that the sub was a removed one's.
    connection.execute("DELETE FROM imported_users WHERE sub = $1", &[&sub.as_str()]).await?;
    tickets::remove_all(connection, sub).await?;
    outbox::remove_all(connection, sub).await?;
    factors::remove_all(connection, sub).await?;
    external_identities::remove_all(connection, sub).await?;
    account_events::remove_all(connection, sub).await?;
    groups::remove_all(connection, sub).await?;
    external_ids::remove_all(connection, &Provisioned::User(sub.clone())).await?;
    let removed = connection.execute(REMOVE, &[&sub.as_str()]).await?;
    if removed > 0 {
        let sql = "INSERT INTO used_subs (hash) VALUES ($1) ON CONFLICT DO NOTHING";
        connection.execute(sql, &[&write::used_sub(sub).as_slice()]).await?;
        outbox::put(connection, mails).await?;
    }
    keep_an_owner(connection, had_owner).await?;
    connection.commit().await?;
    Ok(removed > 0)
}

/// A hash for each cost: `$ALGORITHM$VERSION$COST$SALT$HASH`.
async fn costs(connection: &Connection, limit: u32) -> Result<Vec<PasswordHash>, Failure> {
    let sql = "SELECT min(password_hash) FROM users WHERE password_hash IS NOT NULL
               GROUP BY split_part(password_hash, '$', 2), split_part(password_hash, '$', 4)
               LIMIT $1";
    let costs: Vec<Option<PasswordHash>> =
        connection.all(sql, &[&i64::from(limit)], |row| read::password_hash(row, 0)).await?;
    Ok(costs.into_iter().flatten().collect())
}

/// Whether a user has this subject identifier, or a removed one had it.
async fn is_used(connection: &Connection, sub: &Sub) -> Result<bool, Failure> {
    Ok(was_used(connection, sub).await? || by_sub(connection, sub).await?.is_some())
}

/// Whether a removed user had this subject identifier.
async fn was_used(connection: &Connection, sub: &Sub) -> Result<bool, Failure> {
    let sql = "SELECT count(*) FROM used_subs WHERE hash = $1";
    Ok(connection.count(sql, &[&write::used_sub(sub).as_slice()]).await? > 0)
}

/// The user with this normalized username, also if it was stored before names were composed.
async fn by_username(connection: &Connection, normalized: &str) -> Result<Option<User>, Failure> {
    if !sql::can_hold(normalized) {
        return Ok(None);
    }
    connection
        .first(
            concat!(
                "SELECT sub, username, password_hash, enabled, claims, ",
                given_to!("users"),
                " FROM users
                WHERE normalized_username IN ($1, $2)
                ORDER BY normalized_username = $1 DESC LIMIT 1"
            ),
            &[&normalized, &decomposed_username(normalized)],
            |row| read::user(row, 0),
        )
        .await
}

/// The user with this verified e-mail address.
async fn by_email(connection: &Connection, normalized: &str) -> Result<Option<User>, Failure> {
    if !sql::can_hold(normalized) {
        return Ok(None);
    }
    connection
        .first(
            concat!(
                "SELECT sub, username, password_hash, enabled, claims, ",
                given_to!("users"),
                " FROM users
                WHERE verified_email = $1"
            ),
            &[&normalized],
            |row| read::user(row, 0),
        )
        .await
}

/// What keeps this user from being added, or from replacing the one `before`. The caller holds the
/// lock of the schema, so that no other user is written meanwhile.
pub(super) async fn obstacle(
    connection: &Connection,
    row: &UserRow,
    before: Option<&User>,
) -> Result<Option<TicketRedemption>, Failure> {
    let sub = row.user.sub.as_str();
    connection.all("SELECT 1 FROM users WHERE sub = $1 FOR UPDATE", &[&sub], |_| Ok(())).await?;
    let stored = by_sub(connection, &row.user.sub).await?;
    if stored.as_ref() != before {
        let is_added = before.is_none();
        return Ok(Some(if is_added {
            TicketRedemption::NameTaken
        } else {
            TicketRedemption::UserChanged
        }));
    }
    let sql = "SELECT 1 FROM users WHERE normalized_username = $1 AND sub <> $2";
    if connection.first(sql, &[&row.normalized_username, &sub], |_| Ok(())).await?.is_some() {
        return Ok(Some(TicketRedemption::NameTaken));
    }
    let sql = "SELECT 1 FROM users WHERE verified_email = $1 AND sub <> $2";
    let taken = connection.first(sql, &[&row.verified_email, &sub], |_| Ok(())).await?;
    Ok(taken.map(|()| TicketRedemption::EmailTaken))
}

/// A user's password hash as its column.
fn hash_of(user: &User) -> Option<&str> {
    user.password_hash.as_ref().map(PasswordHash::as_str)
}

/// The user with this subject identifier.
pub(super) async fn by_sub(connection: &Connection, sub: &Sub) -> Result<Option<User>, Failure> {
    connection
        .first(
            concat!(
                "SELECT sub, username, password_hash, enabled, claims, ",
                given_to!("users"),
                " FROM users WHERE sub = $1"
            ),
            &[&sub.as_str()],
            |row| read::user(row, 0),
        )
        .await
}

/// Replaces a hash of a password by another hash of it.
async fn rehash(
    connection: &Connection,
    sub: &Sub,
    before: &PasswordHash,
    after: &PasswordHash,
) -> Result<bool, Failure> {
    let sql = "UPDATE users SET password_hash = $3 WHERE sub = $1 AND password_hash = $2";
    Ok(connection.execute(sql, &[&sub.as_str(), &before.as_str(), &after.as_str()]).await? > 0)
}

/// Whether the user may sign in and still has the password that was verified.
pub(super) async fn may_sign_in(
    connection: &Connection,
    sub: &Sub,
    verified: &PasswordHash,
) -> Result<bool, Failure> {
    let sql = "SELECT count(*) FROM users WHERE sub = $1 AND password_hash = $2 AND enabled";
    Ok(connection.count(sql, &[&sub.as_str(), &verified.as_str()]).await? > 0)
}

/// Whether the user may sign in and has no password.
pub(super) async fn may_do_without_password(
    connection: &Connection,
    sub: &Sub,
) -> Result<bool, Failure> {
    let sql = "SELECT count(*) FROM users WHERE sub = $1 AND password_hash IS NULL AND enabled";
    Ok(connection.count(sql, &[&sub.as_str()]).await? > 0)
}

/// Whether there is this user, and has no password.
pub(super) async fn has_no_password(connection: &Connection, sub: &Sub) -> Result<bool, Failure> {
    let sql = "SELECT count(*) FROM users WHERE sub = $1 AND password_hash IS NULL";
    Ok(connection.count(sql, &[&sub.as_str()]).await? > 0)
}
