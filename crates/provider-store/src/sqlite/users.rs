//! Rows of users.

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
        user_query::{FoundUser, UserCounts, UserCursor, UserFilter, UserOrder, UserQuery},
    },
    store::{Factors as _, RemovedPassword, SkippedUser, StoreError, TicketRedemption, Users},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore, account_events, device_codes, external_identities, external_ids, factors,
    failure::Failure,
    grants,
    groups::{self, given_to},
    outbox, sessions,
    sql::{self, execute},
    tickets,
};
use crate::{
    pages,
    record::{MailRow, NoticesRow, UserRow, read, write},
    row::Row as _,
    rules::{self, Ending, Import, LAST_OWNER},
};

#[async_trait]
impl Users for SqliteStore {
    async fn import_users(
        &self,
        users: Vec<User>,
        now: Timestamp,
    ) -> Result<Vec<SkippedUser>, StoreError> {
        let configured = users.clone();
        let changed =
            self.read("import_users", move |connection| changed(connection, &configured)).await?;
        for user in &changed.users {
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
        self.write("put_user", move |connection| {
            keeping_an_owner(connection, || put(connection, &[row], now))
        })
        .await
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
        self.write("change_user", move |connection| {
            if by_sub(connection, &before.sub)?.as_ref() != Some(&before) {
                return Ok(false);
            }
            keeping_an_owner(connection, || put(connection, &[row], now))?;
            outbox::put_notices(connection, &notices).map(|()| true)
        })
        .await
    }

    async fn users(&self, after: Option<&str>, limit: u32) -> Result<Vec<User>, StoreError> {
        let after = after.unwrap_or_default().to_owned();
        self.read("users", move |connection| page(connection, &after, limit)).await
    }

    async fn rehash_password(
        &self,
        sub: &Sub,
        before: &PasswordHash,
        after: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let (sub, before, after) = (sub.to_owned(), before.clone(), after.clone());
        self.write("rehash_password", move |connection| rehash(connection, &sub, &before, &after))
            .await
    }

    async fn delete_user(
        &self,
        sub: &Sub,
        mails: Vec<OutboxMail>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.end_surplus_of("delete_user", sub, None, now).await?;
        let (sub, mails) = (sub.to_owned(), MailRow::encode_all(mails)?);
        self.write("delete_user", move |connection| {
            let removed = keeping_an_owner(connection, || remove(connection, &sub, now))?;
            if removed {
                outbox::put(connection, &mails)?;
            }
            Ok(removed)
        })
        .await
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
        let (sub, providers) = (sub.to_owned(), providers.to_vec());
        let notices = NoticesRow::encode(notices)?;
        self.write("remove_password", move |connection| {
            remove_password(connection, &sub, &providers, &notices, now)
        })
        .await
    }

    async fn find_users(
        &self,
        query: &UserQuery,
        after: Option<&UserCursor>,
        limit: u32,
    ) -> Result<Vec<FoundUser>, StoreError> {
        let (query, after) = (query.clone(), after.cloned());
        self.read("find_users", move |connection| search(connection, &query, after, limit)).await
    }

    async fn with_further_address(
        &self,
        key: &str,
        is_prefix: bool,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let (first, last) = (key.to_owned(), rules::last_of(key, is_prefix));
        self.read("with_further_address", move |connection| {
            let sql = concat!(
                "SELECT sub, username, password_hash, enabled, claims, ",
                given_to!("users"),
                " FROM users WHERE sub IN (
                      SELECT DISTINCT sub FROM further_addresses
                      WHERE address >= ?1 AND address <= ?2 ORDER BY sub LIMIT ?3)
                  ORDER BY sub"
            );
            sql::all(connection, sql, params![first, last, limit], |row| read::user(row, 0))
        })
        .await
    }

    async fn user_cursor(
        &self,
        query: &UserQuery,
        users: u64,
    ) -> Result<Option<UserCursor>, StoreError> {
        let Some(skipped) = users.checked_sub(1) else { return Ok(None) };
        let query = query.clone();
        self.read("user_cursor", move |connection| cursor(connection, &query, skipped)).await
    }

    async fn count_users(&self) -> Result<UserCounts, StoreError> {
        self.read("count_users", count).await
    }

    async fn remove_user_as(&self, before: User, now: Timestamp) -> Result<bool, StoreError> {
        if self.user(&before.sub).await?.as_ref() != Some(&before) {
            return Ok(false);
        }
        self.end_surplus_of("remove_user_as", &before.sub, None, now).await?;
        self.write("remove_user_as", move |connection| {
            if by_sub(connection, &before.sub)?.as_ref() != Some(&before) {
                return Ok(false);
            }
            keeping_an_owner(connection, || remove(connection, &before.sub, now))
        })
        .await
    }

    async fn user_by_username(&self, normalized: &str) -> Result<Option<User>, StoreError> {
        let normalized = normalized.to_owned();
        self.read("user_by_username", move |connection| by_username(connection, &normalized)).await
    }

    async fn user_by_email(&self, normalized: &str) -> Result<Option<User>, StoreError> {
        let normalized = normalized.to_owned();
        self.read("user_by_email", move |connection| by_email(connection, &normalized)).await
    }

    async fn password_costs(&self, limit: u32) -> Result<Vec<PasswordHash>, StoreError> {
        self.read("password_costs", move |connection| costs(connection, limit)).await
    }

    async fn is_used_sub(&self, sub: &Sub) -> Result<bool, StoreError> {
        let sub = sub.clone();
        self.read("is_used_sub", move |connection| is_used(connection, &sub)).await
    }

    async fn user(&self, sub: &Sub) -> Result<Option<User>, StoreError> {
        let sub = sub.to_owned();
        self.read("user", move |connection| by_sub(connection, &sub)).await
    }
}

impl SqliteStore {
    /// Ends in pages what must have ended when this user is written, if it is more than one page.
    pub(super) async fn end_surplus(
        &self,
        command: &'static str,
        user: &User,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let changed = user.clone();
        match self.read(command, move |connection| ending(connection, &changed)).await? {
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
            let (sub, kept) = (sub.to_owned(), kept.cloned());
            self.write(command, move |connection| {
                sessions::end_surplus(connection, &sub, kept.as_ref(), now)
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
            let (sub, kept) = (sub.to_owned(), kept.cloned());
            self.write(command, move |connection| {
                grants::remove_surplus(connection, &sub, kept.as_ref())
            })
        })
        .await
    }
}

/// The configured users that an import writes, as it writes them, and those that it skips.
fn changed(connection: &Connection, configured: &[User]) -> Result<Import, Failure> {
    let (mut changed, mut again) = (Vec::new(), Vec::new());
    for user in configured {
        let last = sql::first(
            connection,
            "SELECT sub, username, password_hash, enabled, claims, NULL, NULL FROM imported_users
                WHERE sub = ?1",
            [user.sub.as_str()],
            |row| read::user(row, 0),
        )?;
        let stored = by_sub(connection, &user.sub)?;
        let comes_again = stored.is_none() && was_used(connection, &user.sub)?;
        let wanted = User::imported(user, last.as_ref(), stored);
        let chosen = if comes_again { &mut again } else { &mut changed };
        chosen.push(wanted);
    }
    let mut owners = Vec::new();
    for row in changed.iter().cloned().map(UserRow::encode) {
        let row = row?;
        let sql = "SELECT sub FROM users
            WHERE (normalized_username = ?1 OR verified_email = ?2) AND sub <> ?3";
        let params = params![row.normalized_username, row.verified_email, row.user.sub.as_str()];
        owners.push(sql::all(connection, sql, params, |row| row.id(0, "users.sub"))?);
    }
    Ok(Import::decide(changed, owners, again))
}

/// Brings configured users in, and remembers what was configured.
fn import(
    connection: &Connection,
    configured: Vec<User>,
    now: Timestamp,
) -> Result<Vec<SkippedUser>, Failure> {
    let Import { users, skipped } = changed(connection, &configured)?;
    let changed = users.into_iter().map(UserRow::encode).collect::<Result<Vec<_>, _>>()?;
    let is_skipped = |user: &User| skipped.iter().any(|other| other.user.sub == user.sub);
    for user in configured.into_iter().filter(|user| !is_skipped(user)) {
        let UserRow { user, claims, .. } = UserRow::encode(user)?;
        execute(
            connection,
            "INSERT OR REPLACE INTO imported_users (sub, username, password_hash, enabled, claims)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![user.sub.as_str(), user.username, hash_of(&user), user.enabled, claims],
        )?;
    }
    put(connection, &changed, now).map(|()| skipped)
}

/// Users as they were imported last.
fn imported(connection: &Connection) -> Result<Vec<User>, Failure> {
    let sql =
        "SELECT sub, username, password_hash, enabled, claims, NULL, NULL FROM imported_users";
    sql::all(connection, sql, [], |row| read::user(row, 0))
}

/// Adds users or replaces those with the same `sub`.
pub(super) fn put(
    connection: &Connection,
    rows: &[UserRow],
    now: Timestamp,
) -> Result<(), Failure> {
    // All old rows go first, so that two users may exchange their names in one import.
    for row in rows {
        end_what_must_not_stay(connection, row, now)?;
        execute(connection, "DELETE FROM users WHERE sub = ?1", [row.user.sub.as_str()])?;
        forget_addresses(connection, &row.user.sub)?;
    }
    for row in rows {
        insert(connection, row).map_err(|failure| {
            if failure.is_constraint() {
                Failure::Conflict(row.is_taken(&failure.to_string()))
            } else {
                failure
            }
        })?;
    }
    Ok(())
}

/// Ends what must not stay when this user is written.
fn end_what_must_not_stay(
    connection: &Connection,
    UserRow { user, verified_email, .. }: &UserRow,
    now: Timestamp,
) -> Result<(), Failure> {
    let ending = ending(connection, user)?;
    match ending {
        Ending::Nothing => {}
        Ending::OfDisabled => sessions::end_first_page(connection, &user.sub, now)?,
        Ending::OfEnabled => sessions::end_last_page(connection, &user.sub, now)?,
        Ending::OfPassword => end_what_began(connection, &user.sub, None, now)?,
    }
    let sql = "SELECT 1 FROM users WHERE sub = ?1 AND verified_email IS NOT ?2";
    let new_email =
        sql::first(connection, sql, params![user.sub.as_str(), verified_email], |_| Ok(()))?;
    if ending == Ending::OfPassword || new_email.is_some() {
        tickets::remove_outdated(connection, &user.sub)?;
    }
    Ok(())
}

/// What ends when this user is written.
fn ending(connection: &Connection, user: &User) -> Result<Ending, Failure> {
    let stored = sql::first(
        connection,
        "SELECT password_hash IS NOT ?2, enabled FROM users WHERE sub = ?1",
        params![user.sub.as_str(), hash_of(user)],
        |row| Ok((row.boolean(0, "users.password_hash")?, row.boolean(1, "users.enabled")?)),
    )?;
    Ok(Ending::of(user, stored))
}

/// Removes a user's grants but those of the session that is kept. Those are included that a device
/// may still fetch.
fn remove_grants(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
) -> Result<(), Failure> {
    device_codes::forget_allowed(connection, sub, None)?;
    let sql = "DELETE FROM grants WHERE sub = ?1 AND sid IS NOT ?2";
    execute(connection, sql, params![sub.as_str(), kept.map(SessionId::as_str)])?;
    Ok(())
}

/// Ends all that has begun for a user, but what is of the session that is kept.
pub(super) fn end_what_began(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
    now: Timestamp,
) -> Result<(), Failure> {
    sessions::end_all(connection, sub, kept, now)?;
    remove_grants(connection, sub, kept)
}

/// Takes a user's password away, if the user can sign in without it.
fn remove_password(
    connection: &Connection,
    sub: &Sub,
    providers: &[IdentityProvider],
    notices: &NoticesRow,
    now: Timestamp,
) -> Result<RemovedPassword, Failure> {
    let user = by_sub(connection, sub)?.filter(|user| user.password_hash.is_some());
    let Some(user) = user else { return Ok(RemovedPassword::None) };
    if !factors::usable_summary(connection, sub, providers)?.replace_a_password() {
        return Ok(RemovedPassword::NoOtherWay);
    }
    put(connection, &[UserRow::encode(User { password_hash: None, ..user })?], now)?;
    outbox::put_notices(connection, notices)?;
    Ok(RemovedPassword::Removed)
}

fn insert(connection: &Connection, row: &UserRow) -> Result<(), Failure> {
    let UserRow { user, normalized_username, verified_email, claims, .. } = row;
    execute(
        connection,
        "INSERT INTO users (sub, username, normalized_username, password_hash, enabled, claims,
             verified_email, email, full_name, admin_role)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            user.sub.as_str(),
            user.username,
            normalized_username,
            hash_of(user),
            user.enabled,
            claims,
            verified_email,
            row.email,
            row.full_name,
            row.admin_role
        ],
    )?;
    groups::rename(connection, &user.sub, normalized_username)?;
    for address in &row.further_emails {
        let sql = "INSERT INTO further_addresses (address, sub) VALUES (?1, ?2)";
        execute(connection, sql, [address.as_str(), user.sub.as_str()])?;
    }
    Ok(())
}

fn forget_addresses(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    execute(connection, "DELETE FROM further_addresses WHERE sub = ?1", [sub.as_str()])?;
    Ok(())
}

/// A page of users, by their names.
fn page(connection: &Connection, after: &str, limit: u32) -> Result<Vec<User>, Failure> {
    sql::all(
        connection,
        concat!(
            "SELECT sub, username, password_hash, enabled, claims, ",
            given_to!("users"),
            " FROM users
         WHERE normalized_username > ?1 ORDER BY normalized_username LIMIT ?2"
        ),
        params![after, limit],
        |row| read::user(row, 0),
    )
}

/// Carries out a change of users, unless it takes the last owner.
fn keeping_an_owner<T>(
    connection: &Connection,
    change: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let had_one = has_owner(connection)?;
    let changed = change()?;
    if had_one && !has_owner(connection)? {
        return Err(Failure::Conflict(LAST_OWNER.to_owned()));
    }
    Ok(changed)
}

fn has_owner(connection: &Connection) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM users WHERE admin_role IS NOT NULL AND admin_role = ?1 AND enabled
               LIMIT 1";
    Ok(sql::first(connection, sql, [OWNER], |_| Ok(()))?.is_some())
}

/// Users whom a query finds. Each text has an index of its own.
pub(super) fn search_sql(query: &UserQuery) -> String {
    let column = rules::column_of(query.order);
    let (index, filter) = index_of(query);
    let given = given_to!("users");
    format!(
        "SELECT sub, username, password_hash, enabled, claims, {given}, {column} FROM users {index}
         WHERE ({column}, sub) > (?1, ?2) AND {column} < ?3 AND {column} IS NOT NULL{filter}
         ORDER BY {column}, sub LIMIT ?4"
    )
}

/// What names the index of a filter, and its condition.
fn index_of(query: &UserQuery) -> (&'static str, String) {
    // Without statistics SQLite does not know that few users meet these.
    let index = match (query.filter, query.order) {
        (UserFilter::All, _) => "",
        (UserFilter::Enabled, UserOrder::Username) => "INDEXED BY users_enabled",
        (UserFilter::Enabled, UserOrder::Email) => "INDEXED BY users_enabled_by_email",
        (UserFilter::Enabled, UserOrder::Name) => "INDEXED BY users_enabled_by_full_name",
        (UserFilter::Disabled, _) => "INDEXED BY users_disabled",
        (UserFilter::Administrators, _) => "INDEXED BY users_with_admin_role",
    };
    (index, rules::filter_of(query.filter, "enabled = 0", "enabled = 1"))
}

/// The cursor of a user whom a query finds, after others that are skipped.
pub(super) fn cursor_sql(query: &UserQuery) -> String {
    let column = rules::column_of(query.order);
    let (index, filter) = index_of(query);
    format!(
        "SELECT {column}, sub FROM users {index}
         WHERE {column} >= ?1 AND {column} < ?2 AND {column} IS NOT NULL{filter}
         ORDER BY {column}, sub LIMIT 1 OFFSET ?3"
    )
}

fn cursor(
    connection: &Connection,
    query: &UserQuery,
    skipped: u64,
) -> Result<Option<UserCursor>, Failure> {
    let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
    let params = params![query.prefix, rules::end_of(&query.prefix), skipped];
    sql::first(connection, &cursor_sql(query), params, |row| {
        Ok(UserCursor { key: row.string(0, "users.key")?, sub: row.id(1, "users.sub")? })
    })
}

fn search(
    connection: &Connection,
    query: &UserQuery,
    after: Option<UserCursor>,
    limit: u32,
) -> Result<Vec<FoundUser>, Failure> {
    let (key, sub) = rules::start_of(query, after);
    let params = params![key, sub, rules::end_of(&query.prefix), limit];
    sql::all(connection, &search_sql(query), params, |row| {
        let user = read::user(row, 0)?;
        let cursor = UserCursor { key: row.string(7, "users.key")?, sub: user.sub.clone() };
        Ok(FoundUser { user, cursor })
    })
}

fn count(connection: &Connection) -> Result<UserCounts, Failure> {
    let sql = "SELECT (SELECT count(*) FROM users),
                      (SELECT count(*) FROM users WHERE enabled = 0)";
    let counts = sql::first(connection, sql, [], |row| read::user_counts(row))?;
    Ok(counts.unwrap_or_default())
}

/// Removes a user with everything of the user. Returns whether there was one.
fn remove(connection: &Connection, sub: &Sub, now: Timestamp) -> Result<bool, Failure> {
    end_what_began(connection, sub, None, now)?;
    execute(connection, "DELETE FROM consents WHERE sub = ?1", [sub.as_str()])?;
    tickets::remove_all(connection, sub)?;
    outbox::remove_all(connection, sub)?;
    factors::remove_all(connection, sub)?;
    external_identities::remove_all(connection, sub)?;
    account_events::remove_all(connection, sub)?;
    groups::remove_all(connection, sub)?;
    external_ids::remove_all(connection, &Provisioned::User(sub.clone()))?;
    forget_addresses(connection, sub)?;
    // The next import asks for the user again, and is told that the sub was a removed one's.
    execute(connection, "DELETE FROM imported_users WHERE sub = ?1", [sub.as_str()])?;
    let removed = execute(connection, "DELETE FROM users WHERE sub = ?1", [sub.as_str()])? > 0;
    if removed {
        let sql = "INSERT INTO used_subs (hash) VALUES (?1) ON CONFLICT DO NOTHING";
        execute(connection, sql, [write::used_sub(sub)])?;
    }
    Ok(removed)
}

/// A hash for each cost. A hash is `$ALGORITHM$VERSION$COST$SALT$HASH`: what stays of it without
/// the characters after its last two `$` is grouped by.
fn costs(connection: &Connection, limit: u32) -> Result<Vec<PasswordHash>, Failure> {
    let costs: Vec<Option<PasswordHash>> = sql::all(
        connection,
        "SELECT password_hash FROM users WHERE password_hash IS NOT NULL
         GROUP BY rtrim(rtrim(rtrim(password_hash, replace(password_hash, '$', '')), '$'),
                        replace(password_hash, '$', '')) LIMIT ?1",
        [limit],
        |row| read::password_hash(row, 0),
    )?;
    Ok(costs.into_iter().flatten().collect())
}

/// Whether a user has this subject identifier, or a removed one had it.
fn is_used(connection: &Connection, sub: &Sub) -> Result<bool, Failure> {
    Ok(was_used(connection, sub)? || by_sub(connection, sub)?.is_some())
}

/// Whether a removed user had this subject identifier.
fn was_used(connection: &Connection, sub: &Sub) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM used_subs WHERE hash = ?1";
    Ok(sql::first(connection, sql, [write::used_sub(sub)], |_| Ok(()))?.is_some())
}

/// The user with this normalized username, also if it was stored before names were composed.
fn by_username(connection: &Connection, normalized: &str) -> Result<Option<User>, Failure> {
    sql::first(
        connection,
        concat!(
            "SELECT sub, username, password_hash, enabled, claims, ",
            given_to!("users"),
            " FROM users
            WHERE normalized_username IN (?1, ?2) ORDER BY normalized_username = ?1 DESC LIMIT 1"
        ),
        [normalized, &decomposed_username(normalized)],
        |row| read::user(row, 0),
    )
}

/// The user with this verified e-mail address.
fn by_email(connection: &Connection, normalized: &str) -> Result<Option<User>, Failure> {
    sql::first(
        connection,
        concat!(
            "SELECT sub, username, password_hash, enabled, claims, ",
            given_to!("users"),
            " FROM users
            WHERE verified_email = ?1"
        ),
        [normalized],
        |row| read::user(row, 0),
    )
}

/// What keeps this user from being added, or from replacing the one `before`.
pub(super) fn obstacle(
    connection: &Connection,
    row: &UserRow,
    before: Option<&User>,
) -> Result<Option<TicketRedemption>, Failure> {
    let sub = row.user.sub.as_str();
    if by_sub(connection, &row.user.sub)?.as_ref() != before {
        let is_added = before.is_none();
        return Ok(Some(if is_added {
            TicketRedemption::NameTaken
        } else {
            TicketRedemption::UserChanged
        }));
    }
    let sql = "SELECT 1 FROM users WHERE normalized_username = ?1 AND sub <> ?2";
    if sql::first(connection, sql, [row.normalized_username.as_str(), sub], |_| Ok(()))?.is_some() {
        return Ok(Some(TicketRedemption::NameTaken));
    }
    let sql = "SELECT 1 FROM users WHERE verified_email = ?1 AND sub <> ?2";
    let taken = sql::first(connection, sql, params![row.verified_email, sub], |_| Ok(()))?;
    Ok(taken.map(|()| TicketRedemption::EmailTaken))
}

/// A user's password hash as its column.
fn hash_of(user: &User) -> Option<&str> {
    user.password_hash.as_ref().map(PasswordHash::as_str)
}

/// The user with this subject identifier.
pub(super) fn by_sub(connection: &Connection, sub: &Sub) -> Result<Option<User>, Failure> {
    sql::first(
        connection,
        concat!(
            "SELECT sub, username, password_hash, enabled, claims, ",
            given_to!("users"),
            " FROM users WHERE sub = ?1"
        ),
        [sub.as_str()],
        |row| read::user(row, 0),
    )
}

/// Replaces a hash of a password by another hash of it.
fn rehash(
    connection: &Connection,
    sub: &Sub,
    before: &PasswordHash,
    after: &PasswordHash,
) -> Result<bool, Failure> {
    let sql = "UPDATE users SET password_hash = ?3 WHERE sub = ?1 AND password_hash = ?2";
    Ok(execute(connection, sql, [sub.as_str(), before.as_str(), after.as_str()])? > 0)
}

/// Whether the user may sign in and still has the password that was verified.
pub(super) fn may_sign_in(
    connection: &Connection,
    sub: &Sub,
    verified: &PasswordHash,
) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM users WHERE sub = ?1 AND password_hash = ?2 AND enabled";
    Ok(sql::first(connection, sql, [sub.as_str(), verified.as_str()], |_| Ok(()))?.is_some())
}

/// Whether the user may sign in and has no password.
pub(super) fn may_do_without_password(connection: &Connection, sub: &Sub) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM users WHERE sub = ?1 AND password_hash IS NULL AND enabled";
    Ok(sql::first(connection, sql, [sub.as_str()], |_| Ok(()))?.is_some())
}

/// Whether there is this user, and has no password.
pub(super) fn has_no_password(connection: &Connection, sub: &Sub) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM users WHERE sub = ?1 AND password_hash IS NULL";
    Ok(sql::first(connection, sql, [sub.as_str()], |_| Ok(()))?.is_some())
}
