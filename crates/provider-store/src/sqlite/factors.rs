//! Rows of authenticator apps and recovery codes.

use async_trait::async_trait;
use doorward_protocol::ids::{SessionId, Sub};
use doorward_provider::{
    model::{
        account_notice::{AccountNotices, FactorAddition},
        factor::{FactorSummary, RecoveryCodeHash, StoredTotp},
        identity_provider::IdentityProvider,
        signing_key::SealedKey,
        time::Timestamp,
    },
    store::{Factors, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore, external_identities,
    failure::Failure,
    outbox,
    sql::{self, execute},
    tickets, users,
};
use crate::record::{NoticesRow, read};

#[async_trait]
impl Factors for SqliteStore {
    async fn factors(&self, sub: &Sub) -> Result<FactorSummary, StoreError> {
        let sub = sub.to_owned();
        self.read("factors", move |connection| summary(connection, &sub)).await
    }

    async fn totp(&self, sub: &Sub, confirmed: bool) -> Result<Option<StoredTotp>, StoreError> {
        let sub = sub.to_owned();
        self.read("totp", move |connection| find(connection, &sub, confirmed)).await
    }

    async fn set_up_totp(
        &self,
        sub: &Sub,
        secret: SealedKey,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sub = sub.to_owned();
        self.write("set_up_totp", move |connection| set_up(connection, &sub, &secret, now)).await
    }

    async fn confirm_totp(
        &self,
        sub: &Sub,
        secret: &SealedKey,
        step: i64,
        codes: &[RecoveryCodeHash],
        addition: FactorAddition,
    ) -> Result<bool, StoreError> {
        self.end_surplus_before_first("confirm_totp", sub, &addition).await?;
        let (sub, secret, codes) = (sub.to_owned(), secret.clone(), codes.to_vec());
        let FactorAddition { session, notices, at } = addition;
        let notices = NoticesRow::encode(notices)?;
        self.write("confirm_totp", move |connection| {
            if !may_be_added(connection, &sub, session.as_ref())? {
                return Ok(false);
            }
            let is_first = !summary(connection, &sub)?.is_strong();
            if !confirm(connection, &sub, &secret, step, &codes, at)? {
                return Ok(false);
            }
            if is_first {
                users::end_what_began(connection, &sub, session.as_ref(), at)?;
            }
            outbox::put_notices(connection, &notices).map(|()| true)
        })
        .await
    }

    async fn accept_totp_step(&self, sub: &Sub, step: i64) -> Result<bool, StoreError> {
        let sub = sub.to_owned();
        self.write("accept_totp_step", move |connection| accept(connection, &sub, step)).await
    }

    async fn totp_failed(&self, sub: &Sub) -> Result<(), StoreError> {
        let sub = sub.to_owned();
        self.write("totp_failed", move |connection| {
            let sql = "UPDATE totp SET failures = failures + 1 WHERE sub = ?1 AND confirmed";
            execute(connection, sql, [sub.as_str()]).map(|_| ())
        })
        .await
    }

    async fn remove_totp(&self, sub: &Sub, notices: AccountNotices) -> Result<bool, StoreError> {
        let (sub, notices) = (sub.to_owned(), NoticesRow::encode(notices)?);
        self.write("remove_totp", move |connection| {
            let removed = remove(connection, &sub)?;
            if removed {
                outbox::put_notices(connection, &notices)?;
            }
            Ok(removed)
        })
        .await
    }

    async fn put_recovery_codes(
        &self,
        sub: &Sub,
        session: &SessionId,
        codes: &[RecoveryCodeHash],
        notices: AccountNotices,
    ) -> Result<bool, StoreError> {
        let (sub, session, codes) = (sub.to_owned(), session.to_owned(), codes.to_vec());
        let notices = NoticesRow::encode(notices)?;
        self.write("put_recovery_codes", move |connection| {
            let may_be_added = may_be_added(connection, &sub, Some(&session))?;
            if !may_be_added || !summary(connection, &sub)?.is_strong() {
                return Ok(false);
            }
            put_codes(connection, &sub, &codes)?;
            outbox::put_notices(connection, &notices).map(|()| true)
        })
        .await
    }

    async fn use_recovery_code(
        &self,
        sub: &Sub,
        code: RecoveryCodeHash,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        let (sub, notices) = (sub.to_owned(), NoticesRow::encode(notices)?);
        self.write("use_recovery_code", move |connection| {
            let left = use_code(connection, &sub, code, now)?;
            if left.is_some() {
                outbox::put_notices(connection, &notices)?;
            }
            Ok(left)
        })
        .await
    }

    async fn reset_factors(
        &self,
        sub: &Sub,
        found: Option<FactorSummary>,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<Option<FactorSummary>, StoreError> {
        let is_other =
            move |present: FactorSummary| found.is_some_and(|found| !present.has_factors_of(found));
        if is_other(self.factors(sub).await?) {
            return Ok(None);
        }
        // A reset that may still be refused ends nothing beforehand.
        if found.is_none() {
            self.end_surplus_of("reset_factors", sub, None, now).await?;
        }
        let (sub, notices) = (sub.to_owned(), NoticesRow::encode(notices)?);
        self.write("reset_factors", move |connection| {
            let before = summary(connection, &sub)?;
            if is_other(before) {
                return Ok(None);
            }
            remove_all(connection, &sub)?;
            if before.has_any() {
                outbox::put_notices(connection, &notices)?;
            }
            users::end_what_began(connection, &sub, None, now)?;
            tickets::remove_outdated(connection, &sub).map(|()| Some(before))
        })
        .await
    }

    async fn totps(
        &self,
        after: Option<(&Sub, bool)>,
        limit: u32,
    ) -> Result<Vec<StoredTotp>, StoreError> {
        let after = after.map(|(sub, confirmed)| (sub.to_string(), confirmed));
        self.read("totps", move |connection| page(connection, after, limit)).await
    }

    async fn reseal_totp(
        &self,
        before: &StoredTotp,
        sealed: SealedKey,
    ) -> Result<bool, StoreError> {
        let before = before.clone();
        self.write("reseal_totp", move |connection| {
            let resealed = execute(
                connection,
                "UPDATE totp SET secret = ?4 WHERE sub = ?1 AND confirmed = ?2 AND secret = ?3",
                params![
                    before.sub.as_str(),
                    before.confirmed,
                    before.secret.as_bytes(),
                    sealed.as_bytes()
                ],
            )?;
            Ok(resealed > 0)
        })
        .await
    }
}

impl SqliteStore {
    /// Ends in pages what ends with a user's first factor.
    pub(super) async fn end_surplus_before_first(
        &self,
        command: &'static str,
        sub: &Sub,
        addition: &FactorAddition,
    ) -> Result<(), StoreError> {
        if self.factors(sub).await?.is_strong() {
            return Ok(());
        }
        self.end_surplus_of(command, sub, addition.session.as_ref(), addition.at).await
    }
}

/// Whether the user is still there, and the session in which a factor is added.
pub(super) fn may_be_added(
    connection: &Connection,
    sub: &Sub,
    session: Option<&SessionId>,
) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM users WHERE sub = ?1 AND enabled AND (?2 IS NULL
             OR EXISTS (SELECT 1 FROM sessions WHERE sid = ?2 AND sessions.sub = users.sub))";
    let sid = session.map(SessionId::as_str);
    Ok(sql::first(connection, sql, params![sub.as_str(), sid], |_| Ok(()))?.is_some())
}

/// Which factors a user has.
pub(super) fn summary(connection: &Connection, sub: &Sub) -> Result<FactorSummary, Failure> {
    let found = sql::first(
        connection,
        "SELECT (SELECT created_at FROM totp WHERE sub = ?1 AND confirmed),
                (SELECT count(*) FROM recovery_codes WHERE sub = ?1 AND used_at IS NULL),
                (SELECT count(*) FROM passkeys WHERE sub = ?1),
                (SELECT count(*) FROM external_identities WHERE sub = ?1)",
        [sub.as_str()],
        |row| read::factor_summary(row),
    )?;
    Ok(found.unwrap_or_default())
}

/// Which factors a user has. Identities count at these providers only.
pub(super) fn usable_summary(
    connection: &Connection,
    sub: &Sub,
    providers: &[IdentityProvider],
) -> Result<FactorSummary, Failure> {
    let own = external_identities::of_user(connection, sub)?;
    let usable = own.iter().filter(|own| own.is_at_one_of(providers)).count();
    let identities = u32::try_from(usable).unwrap_or(u32::MAX);
    Ok(FactorSummary { identities, ..summary(connection, sub)? })
}

fn find(
    connection: &Connection,
    sub: &Sub,
    confirmed: bool,
) -> Result<Option<StoredTotp>, Failure> {
    sql::first(
        connection,
        "SELECT sub, confirmed, secret, last_step, failures, created_at FROM totp
         WHERE sub = ?1 AND confirmed = ?2",
        params![sub.as_str(), confirmed],
        |row| read::totp(row),
    )
}

/// Keeps the secret of an app that is being set up.
fn set_up(
    connection: &Connection,
    sub: &Sub,
    secret: &SealedKey,
    now: Timestamp,
) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT OR REPLACE INTO totp (sub, confirmed, secret, last_step, failures, created_at)
         VALUES (?1, 0, ?2, 0, 0, ?3)",
        params![sub.as_str(), secret.as_bytes(), now.seconds()],
    )?;
    Ok(())
}

/// Puts the app with this secret in use.
fn confirm(
    connection: &Connection,
    sub: &Sub,
    secret: &SealedKey,
    step: i64,
    codes: &[RecoveryCodeHash],
    now: Timestamp,
) -> Result<bool, Failure> {
    let sql = "DELETE FROM totp WHERE sub = ?1 AND confirmed = 0 AND secret = ?2";
    if execute(connection, sql, params![sub.as_str(), secret.as_bytes()])? == 0 {
        return Ok(false);
    }
    execute(
        connection,
        "INSERT OR REPLACE INTO totp (sub, confirmed, secret, last_step, failures, created_at)
         VALUES (?1, 1, ?2, ?3, 0, ?4)",
        params![sub.as_str(), secret.as_bytes(), step, now.seconds()],
    )?;
    if !codes.is_empty() {
        put_codes(connection, sub, codes)?;
    }
    Ok(true)
}

/// Accepts a code of this time step, if it is later than the last one.
fn accept(connection: &Connection, sub: &Sub, step: i64) -> Result<bool, Failure> {
    let accepted = execute(
        connection,
        "UPDATE totp SET last_step = ?2, failures = 0
         WHERE sub = ?1 AND confirmed AND last_step < ?2",
        params![sub.as_str(), step],
    )?;
    Ok(accepted > 0)
}

fn remove(connection: &Connection, sub: &Sub) -> Result<bool, Failure> {
    let removed =
        execute(connection, "DELETE FROM totp WHERE sub = ?1 AND confirmed", [sub.as_str()])? > 0;
    if removed {
        remove_codes_of_nothing(connection, sub)?;
    }
    Ok(removed)
}

/// Removes the recovery codes of a user who has nothing any more that they stand in for.
pub(super) fn remove_codes_of_nothing(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    let sql = "DELETE FROM recovery_codes WHERE sub = ?1
        AND NOT EXISTS (SELECT 1 FROM passkeys WHERE sub = ?1)
        AND NOT EXISTS (SELECT 1 FROM totp WHERE sub = ?1 AND confirmed)";
    execute(connection, sql, [sub.as_str()])?;
    Ok(())
}

fn put_codes(
    connection: &Connection,
    sub: &Sub,
    codes: &[RecoveryCodeHash],
) -> Result<(), Failure> {
    execute(connection, "DELETE FROM recovery_codes WHERE sub = ?1", [sub.as_str()])?;
    for code in codes {
        let sql = "INSERT INTO recovery_codes (sub, hash) VALUES (?1, ?2)";
        execute(connection, sql, params![sub.as_str(), code.as_bytes()])?;
    }
    Ok(())
}

/// Uses a code up; returns how many are left.
fn use_code(
    connection: &Connection,
    sub: &Sub,
    code: RecoveryCodeHash,
    now: Timestamp,
) -> Result<Option<u32>, Failure> {
    let used = execute(
        connection,
        "UPDATE recovery_codes SET used_at = ?3 WHERE sub = ?1 AND hash = ?2 AND used_at IS NULL",
        params![sub.as_str(), code.as_bytes(), now.seconds()],
    )?;
    if used == 0 {
        return Ok(None);
    }
    // Who has a recovery code is not a guesser.
    execute(
        connection,
        "UPDATE totp SET failures = 0 WHERE sub = ?1 AND confirmed",
        [sub.as_str()],
    )?;
    Ok(Some(summary(connection, sub)?.recovery_codes))
}

fn page(
    connection: &Connection,
    after: Option<(String, bool)>,
    limit: u32,
) -> Result<Vec<StoredTotp>, Failure> {
    let (sub, confirmed) = after.unwrap_or_default();
    sql::all(
        connection,
        "SELECT sub, confirmed, secret, last_step, failures, created_at FROM totp
         WHERE (sub, confirmed) > (?1, ?2) ORDER BY sub, confirmed LIMIT ?3",
        params![sub, confirmed, limit],
        |row| read::totp(row),
    )
}

/// Removes all factors of a user.
pub(super) fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    execute(connection, "DELETE FROM totp WHERE sub = ?1", [sub.as_str()])?;
    execute(connection, "DELETE FROM recovery_codes WHERE sub = ?1", [sub.as_str()])?;
    execute(connection, "DELETE FROM passkeys WHERE sub = ?1", [sub.as_str()])?;
    Ok(())
}
