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

use super::{
    PostgresStore, connection::Connection, external_identities, failure::Failure, outbox, run,
    tickets, users,
};
use crate::record::{NoticesRow, read};

#[async_trait]
impl Factors for PostgresStore {
    async fn factors(&self, sub: &Sub) -> Result<FactorSummary, StoreError> {
        run!(self, "factors", summary, sub)
    }

    async fn totp(&self, sub: &Sub, confirmed: bool) -> Result<Option<StoredTotp>, StoreError> {
        run!(self, "totp", find, sub, confirmed)
    }

    async fn set_up_totp(
        &self,
        sub: &Sub,
        secret: SealedKey,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        run!(self, "set_up_totp", set_up, sub, &secret, now)
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
        let addition = AdditionRow::encode(addition)?;
        run!(self, "confirm_totp", confirm, sub, secret, step, codes, &addition)
    }

    async fn accept_totp_step(&self, sub: &Sub, step: i64) -> Result<bool, StoreError> {
        run!(self, "accept_totp_step", accept, sub, step)
    }

    async fn totp_failed(&self, sub: &Sub) -> Result<(), StoreError> {
        run!(self, "totp_failed", failed, sub)
    }

    async fn remove_totp(&self, sub: &Sub, notices: AccountNotices) -> Result<bool, StoreError> {
        let notices = NoticesRow::encode(notices)?;
        run!(self, "remove_totp", remove, sub, &notices)
    }

    async fn put_recovery_codes(
        &self,
        sub: &Sub,
        session: &SessionId,
        codes: &[RecoveryCodeHash],
        notices: AccountNotices,
    ) -> Result<bool, StoreError> {
        let notices = NoticesRow::encode(notices)?;
        run!(self, "put_recovery_codes", put_codes_alone, sub, session, codes, &notices)
    }

    async fn use_recovery_code(
        &self,
        sub: &Sub,
        code: RecoveryCodeHash,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        let notices = NoticesRow::encode(notices)?;
        run!(self, "use_recovery_code", use_code, sub, code, &notices, now)
    }

    async fn reset_factors(
        &self,
        sub: &Sub,
        found: Option<FactorSummary>,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<Option<FactorSummary>, StoreError> {
        if is_other(self.factors(sub).await?, found) {
            return Ok(None);
        }
        // A reset that may still be refused ends nothing beforehand.
        if found.is_none() {
            self.end_surplus_of("reset_factors", sub, None, now).await?;
        }
        let notices = NoticesRow::encode(notices)?;
        run!(self, "reset_factors", reset, sub, found, &notices, now)
    }

    async fn totps(
        &self,
        after: Option<(&Sub, bool)>,
        limit: u32,
    ) -> Result<Vec<StoredTotp>, StoreError> {
        run!(self, "totps", page, after, limit)
    }

    async fn reseal_totp(
        &self,
        before: &StoredTotp,
        sealed: SealedKey,
    ) -> Result<bool, StoreError> {
        run!(self, "reseal_totp", reseal, before, &sealed)
    }
}

/// The addition of a factor, with its notices as rows.
pub(super) struct AdditionRow {
    pub(super) session: Option<SessionId>,
    pub(super) notices: NoticesRow,
    pub(super) at: Timestamp,
}

impl AdditionRow {
    pub(super) fn encode(addition: FactorAddition) -> Result<Self, StoreError> {
        let FactorAddition { session, notices, at } = addition;
        Ok(Self { session, notices: NoticesRow::encode(notices)?, at })
    }

    /// What goes with the addition: with the first factor, what began before ends. The user's row
    /// is locked.
    pub(super) async fn finish(
        &self,
        connection: &Connection,
        sub: &Sub,
        is_first: bool,
    ) -> Result<(), Failure> {
        if is_first {
            users::end_what_began(connection, sub, self.session.as_ref(), self.at).await?;
        }
        outbox::put_notices(connection, &self.notices).await
    }
}

impl PostgresStore {
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

/// Whether the user is still there, and the session in which a factor is added. It locks the
/// user's row, so that this stays so until the addition is done.
pub(super) async fn may_be_added(
    connection: &Connection,
    sub: &Sub,
    session: Option<&SessionId>,
) -> Result<bool, Failure> {
    users::lock(connection, sub).await?;
    let sql = "SELECT count(*) FROM users WHERE sub = $1 AND enabled AND ($2::TEXT IS NULL
             OR EXISTS (SELECT 1 FROM sessions WHERE sid = $2 AND sessions.sub = users.sub))";
    Ok(connection.count(sql, &[&sub.as_str(), &session.map(SessionId::as_str)]).await? > 0)
}

/// Which factors a user has.
pub(super) async fn summary(connection: &Connection, sub: &Sub) -> Result<FactorSummary, Failure> {
    let found = connection
        .first(
            "SELECT (SELECT created_at FROM totp WHERE sub = $1 AND confirmed),
                    (SELECT count(*) FROM recovery_codes WHERE sub = $1 AND used_at IS NULL),
                    (SELECT count(*) FROM passkeys WHERE sub = $1),
                    (SELECT count(*) FROM external_identities WHERE sub = $1)",
            &[&sub.as_str()],
            read::factor_summary,
        )
        .await?;
    Ok(found.unwrap_or_default())
}

/// Which factors a user has. Identities count at these providers only.
pub(super) async fn usable_summary(
    connection: &Connection,
    sub: &Sub,
    providers: &[IdentityProvider],
) -> Result<FactorSummary, Failure> {
    let own = external_identities::of_user(connection, sub).await?;
    let usable = own.iter().filter(|own| own.is_at_one_of(providers)).count();
    let identities = u32::try_from(usable).unwrap_or(u32::MAX);
    Ok(FactorSummary { identities, ..summary(connection, sub).await? })
}

async fn find(
    connection: &Connection,
    sub: &Sub,
    confirmed: bool,
) -> Result<Option<StoredTotp>, Failure> {
    connection
        .first(
            "SELECT sub, confirmed, secret, last_step, failures, created_at FROM totp
             WHERE sub = $1 AND confirmed = $2",
            &[&sub.as_str(), &confirmed],
            read::totp,
        )
        .await
}

/// Keeps the secret of an app that is being set up.
async fn set_up(
    connection: &Connection,
    sub: &Sub,
    secret: &SealedKey,
    now: Timestamp,
) -> Result<(), Failure> {
    connection
        .execute(
            "INSERT INTO totp (sub, confirmed, secret, last_step, failures, created_at)
             VALUES ($1, false, $2, 0, 0, $3)
             ON CONFLICT (sub, confirmed) DO UPDATE SET secret = excluded.secret,
                 created_at = excluded.created_at",
            &[&sub.as_str(), &secret.as_bytes(), &now.seconds()],
        )
        .await?;
    Ok(())
}

/// Puts the app with this secret in use. The deletion locks the row: of parallel calls one finds
/// it.
async fn confirm(
    connection: &Connection,
    sub: &Sub,
    secret: &SealedKey,
    step: i64,
    codes: &[RecoveryCodeHash],
    addition: &AdditionRow,
) -> Result<bool, Failure> {
    connection.begin().await?;
    if !may_be_added(connection, sub, addition.session.as_ref()).await? {
        return Ok(false);
    }
    let is_first = !summary(connection, sub).await?.is_strong();
    let now = addition.at;
    let sql = "DELETE FROM totp WHERE sub = $1 AND NOT confirmed AND secret = $2";
    if connection.execute(sql, &[&sub.as_str(), &secret.as_bytes()]).await? == 0 {
        return Ok(false);
    }
    connection
        .execute(
            "INSERT INTO totp (sub, confirmed, secret, last_step, failures, created_at)
             VALUES ($1, true, $2, $3, 0, $4)
             ON CONFLICT (sub, confirmed) DO UPDATE SET secret = excluded.secret,
                 last_step = excluded.last_step, failures = 0, created_at = excluded.created_at",
            &[&sub.as_str(), &secret.as_bytes(), &step, &now.seconds()],
        )
        .await?;
    if !codes.is_empty() {
        put_codes(connection, sub, codes).await?;
    }
    addition.finish(connection, sub, is_first).await?;
    connection.commit().await?;
    Ok(true)
}

/// Accepts a code of this time step, if it is later than the last one.
async fn accept(connection: &Connection, sub: &Sub, step: i64) -> Result<bool, Failure> {
    let accepted = connection
        .execute(
            "UPDATE totp SET last_step = $2, failures = 0
             WHERE sub = $1 AND confirmed AND last_step < $2",
            &[&sub.as_str(), &step],
        )
        .await?;
    Ok(accepted > 0)
}

/// Counts a wrong code.
async fn failed(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    let sql = "UPDATE totp SET failures = failures + 1 WHERE sub = $1 AND confirmed";
    connection.execute(sql, &[&sub.as_str()]).await.map(|_| ())
}

async fn remove(connection: &Connection, sub: &Sub, notices: &NoticesRow) -> Result<bool, Failure> {
    connection.begin().await?;
    users::lock(connection, sub).await?;
    let sql = "DELETE FROM totp WHERE sub = $1 AND confirmed";
    let removed = connection.execute(sql, &[&sub.as_str()]).await? > 0;
    if removed {
        remove_codes_of_nothing(connection, sub).await?;
        outbox::put_notices(connection, notices).await?;
    }
    connection.commit().await?;
    Ok(removed)
}

/// Removes the recovery codes of a user who has nothing any more that they stand in for. The user's
/// row is locked.
pub(super) async fn remove_codes_of_nothing(
    connection: &Connection,
    sub: &Sub,
) -> Result<(), Failure> {
    let sql = "DELETE FROM recovery_codes WHERE sub = $1
        AND NOT EXISTS (SELECT 1 FROM passkeys WHERE sub = $1)
        AND NOT EXISTS (SELECT 1 FROM totp WHERE sub = $1 AND confirmed)";
    connection.execute(sql, &[&sub.as_str()]).await?;
    Ok(())
}

async fn put_codes(
    connection: &Connection,
    sub: &Sub,
    codes: &[RecoveryCodeHash],
) -> Result<(), Failure> {
    connection.execute("DELETE FROM recovery_codes WHERE sub = $1", &[&sub.as_str()]).await?;
    for code in codes {
        let sql = "INSERT INTO recovery_codes (sub, hash) VALUES ($1, $2)";
        connection.execute(sql, &[&sub.as_str(), &code.as_bytes().as_slice()]).await?;
    }
    Ok(())
}

async fn put_codes_alone(
    connection: &Connection,
    sub: &Sub,
    session: &SessionId,
    codes: &[RecoveryCodeHash],
    notices: &NoticesRow,
) -> Result<bool, Failure> {
    connection.begin().await?;
    // Its lock on the user keeps the removal of the last factor away, too.
    if !may_be_added(connection, sub, Some(session)).await? {
        return Ok(false);
    }
    if !summary(connection, sub).await?.is_strong() {
        return Ok(false);
    }
    put_codes(connection, sub, codes).await?;
    outbox::put_notices(connection, notices).await?;
    connection.commit().await?;
    Ok(true)
}

/// Uses a code up; returns how many are left.
async fn use_code(
    connection: &Connection,
    sub: &Sub,
    code: RecoveryCodeHash,
    notices: &NoticesRow,
    now: Timestamp,
) -> Result<Option<u32>, Failure> {
    connection.begin().await?;
    let used = connection
        .execute(
            "UPDATE recovery_codes SET used_at = $3
             WHERE sub = $1 AND hash = $2 AND used_at IS NULL",
            &[&sub.as_str(), &code.as_bytes().as_slice(), &now.seconds()],
        )
        .await?;
    if used == 0 {
        return Ok(None);
    }
    // Who has a recovery code is not a guesser.
    let sql = "UPDATE totp SET failures = 0 WHERE sub = $1 AND confirmed";
    connection.execute(sql, &[&sub.as_str()]).await?;
    let left = summary(connection, sub).await?.recovery_codes;
    outbox::put_notices(connection, notices).await?;
    connection.commit().await?;
    Ok(Some(left))
}

async fn reset(
    connection: &Connection,
    sub: &Sub,
    found: Option<FactorSummary>,
    notices: &NoticesRow,
    now: Timestamp,
) -> Result<Option<FactorSummary>, Failure> {
    connection.begin().await?;
    users::lock(connection, sub).await?;
    let before = summary(connection, sub).await?;
    if is_other(before, found) {
        connection.commit().await?;
        return Ok(None);
    }
    remove_all(connection, sub).await?;
    if before.has_any() {
        outbox::put_notices(connection, notices).await?;
    }
    users::end_what_began(connection, sub, None, now).await?;
    tickets::remove_outdated(connection, sub).await?;
    connection.commit().await?;
    Ok(Some(before))
}

/// Whether other factors were found than are there now.
fn is_other(present: FactorSummary, found: Option<FactorSummary>) -> bool {
    found.is_some_and(|found| !present.has_factors_of(found))
}

async fn page(
    connection: &Connection,
    after: Option<(&Sub, bool)>,
    limit: u32,
) -> Result<Vec<StoredTotp>, Failure> {
    let (after, confirmed) = after.map_or(("", false), |(sub, own)| (sub.as_str(), own));
    connection
        .all(
            "SELECT sub, confirmed, secret, last_step, failures, created_at FROM totp
             WHERE (sub COLLATE \"C\", confirmed) > ($1, $2)
             ORDER BY sub COLLATE \"C\", confirmed LIMIT $3",
            &[&after, &confirmed, &i64::from(limit)],
            read::totp,
        )
        .await
}

async fn reseal(
    connection: &Connection,
    before: &StoredTotp,
    sealed: &SealedKey,
) -> Result<bool, Failure> {
    let resealed = connection
        .execute(
            "UPDATE totp SET secret = $4 WHERE sub = $1 AND confirmed = $2 AND secret = $3",
            &[
                &before.sub.as_str(),
                &before.confirmed,
                &before.secret.as_bytes(),
                &sealed.as_bytes(),
            ],
        )
        .await?;
    Ok(resealed > 0)
}

/// Removes all factors of a user, within a transaction.
pub(super) async fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    connection.execute("DELETE FROM totp WHERE sub = $1", &[&sub.as_str()]).await?;
    connection.execute("DELETE FROM recovery_codes WHERE sub = $1", &[&sub.as_str()]).await?;
    connection.execute("DELETE FROM passkeys WHERE sub = $1", &[&sub.as_str()]).await?;
    Ok(())
}
