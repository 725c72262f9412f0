//! Rows of passkeys.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        account_notice::{AccountNotices, FactorAddition},
        factor::StoredPasskey,
        identity_provider::IdentityProvider,
        time::Timestamp,
    },
    store::{AddedPasskey, PasskeyUse, Passkeys, RemovedPasskey, StoreError},
};

use super::{
    PostgresStore,
    connection::Connection,
    factors::{self, AdditionRow},
    failure::Failure,
    outbox, run, users,
};
use crate::record::{NoticesRow, read};

#[async_trait]
impl Passkeys for PostgresStore {
    async fn add_passkey(
        &self,
        passkey: StoredPasskey,
        most: u32,
        addition: FactorAddition,
    ) -> Result<AddedPasskey, StoreError> {
        self.end_surplus_before_first("add_passkey", &passkey.sub, &addition).await?;
        let addition = AdditionRow::encode(addition)?;
        run!(self, "add_passkey", add, &passkey, most, &addition)
    }

    async fn passkeys(&self, sub: &Sub) -> Result<Vec<StoredPasskey>, StoreError> {
        run!(self, "passkeys", of_user, sub)
    }

    async fn passkey(&self, credential_id: &[u8]) -> Result<Option<StoredPasskey>, StoreError> {
        run!(self, "passkey", find, credential_id)
    }

    async fn passkey_used(&self, used: PasskeyUse, now: Timestamp) -> Result<bool, StoreError> {
        run!(self, "passkey_used", note, &used, now)
    }

    async fn rename_passkey(
        &self,
        sub: &Sub,
        credential_id: &[u8],
        name: &str,
    ) -> Result<bool, StoreError> {
        run!(self, "rename_passkey", rename, sub, credential_id, name)
    }

    async fn remove_passkey(
        &self,
        sub: &Sub,
        credential_id: &[u8],
        providers: &[IdentityProvider],
        notices: AccountNotices,
    ) -> Result<RemovedPasskey, StoreError> {
        let notices = NoticesRow::encode(notices)?;
        run!(self, "remove_passkey", remove, sub, credential_id, providers, &notices)
    }
}

/// Adds a passkey, unless there is one with its identifier or the user has as many as may be. The
/// lock on the user keeps a second one away between the count and the row.
async fn add(
    connection: &Connection,
    key: &StoredPasskey,
    most: u32,
    addition: &AdditionRow,
) -> Result<AddedPasskey, Failure> {
    connection.begin().await?;
    if !factors::may_be_added(connection, &key.sub, addition.session.as_ref()).await? {
        return Ok(AddedPasskey::Ended);
    }
    let is_first = !factors::summary(connection, &key.sub).await?.is_strong();
    let sql = "SELECT count(*) FROM passkeys WHERE sub = $1";
    if connection.count(sql, &[&key.sub.as_str()]).await? >= i64::from(most) {
        return Ok(AddedPasskey::TooMany);
    }
    let added = connection
        .execute(
            "INSERT INTO passkeys (credential_id, sub, user_handle, name, credential, counter,
                 backup_eligible, backed_up, created_at, used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (credential_id) DO NOTHING",
            &[
                &key.credential_id,
                &key.sub.as_str(),
                &key.user_handle,
                &key.name,
                &key.credential,
                &i64::from(key.counter),
                &key.backup_eligible,
                &key.backed_up,
                &key.created_at.seconds(),
                &key.used_at.map(Timestamp::seconds),
            ],
        )
        .await?;
    if added == 0 {
        return Ok(AddedPasskey::Taken);
    }
    addition.finish(connection, &key.sub, is_first).await?;
    connection.commit().await?;
    Ok(AddedPasskey::Added)
}

/// A user's passkeys, the oldest first.
async fn of_user(connection: &Connection, sub: &Sub) -> Result<Vec<StoredPasskey>, Failure> {
    connection
        .all(
            "SELECT credential_id, sub, user_handle, name, credential, counter, backup_eligible,
                 backed_up, created_at, used_at
             FROM passkeys WHERE sub = $1 ORDER BY created_at, credential_id",
            &[&sub.as_str()],
            read::passkey,
        )
        .await
}

async fn find(
    connection: &Connection,
    credential_id: &[u8],
) -> Result<Option<StoredPasskey>, Failure> {
    connection
        .first(
            "SELECT credential_id, sub, user_handle, name, credential, counter, backup_eligible,
                 backed_up, created_at, used_at
             FROM passkeys WHERE credential_id = $1",
            &[&credential_id],
            read::passkey,
        )
        .await
}

/// Notes a use, if the counter still is the one that was compared.
async fn note(connection: &Connection, used: &PasskeyUse, now: Timestamp) -> Result<bool, Failure> {
    let noted = connection
        .execute(
            "UPDATE passkeys SET counter = $3, backup_eligible = $4, backed_up = $5,
                 credential = $6, used_at = $7
             WHERE credential_id = $1 AND counter = $2",
            &[
                &used.credential_id,
                &i64::from(used.counter_before),
                &i64::from(used.counter),
                &used.backup_eligible,
                &used.backed_up,
                &used.credential,
                &now.seconds(),
            ],
        )
        .await?;
    Ok(noted > 0)
}

async fn rename(
    connection: &Connection,
    sub: &Sub,
    credential_id: &[u8],
    name: &str,
) -> Result<bool, Failure> {
    // PostgreSQL stores no NUL character.
    let name = name.replace('\0', "");
    let sql = "UPDATE passkeys SET name = $3 WHERE sub = $1 AND credential_id = $2";
    Ok(connection.execute(sql, &[&sub.as_str(), &credential_id, &name]).await? > 0)
}

/// Removes a passkey, unless the user could not sign in any more. The lock on the user keeps a
/// second removal, and that of the password, away.
async fn remove(
    connection: &Connection,
    sub: &Sub,
    credential_id: &[u8],
    providers: &[IdentityProvider],
    notices: &NoticesRow,
) -> Result<RemovedPasskey, Failure> {
    connection.begin().await?;
    users::lock(connection, sub).await?;
    if find(connection, credential_id).await?.is_none_or(|passkey| passkey.sub != *sub) {
        return Ok(RemovedPasskey::Unknown);
    }
    let is_only = factors::usable_summary(connection, sub, providers).await?.ways_in() < 2;
    if is_only && users::has_no_password(connection, sub).await? {
        return Ok(RemovedPasskey::LastWayIn);
    }
    let sql = "DELETE FROM passkeys WHERE sub = $1 AND credential_id = $2";
    connection.execute(sql, &[&sub.as_str(), &credential_id]).await?;
    factors::remove_codes_of_nothing(connection, sub).await?;
    outbox::put_notices(connection, notices).await?;
    connection.commit().await?;
    Ok(RemovedPasskey::Removed)
}

/// Whether there is this passkey of a user who may sign in.
pub(super) async fn may_sign_in(
    connection: &Connection,
    sub: &Sub,
    credential_id: &[u8],
) -> Result<bool, Failure> {
    let sql = "SELECT count(*) FROM users u JOIN passkeys p ON p.sub = u.sub
        WHERE p.credential_id = $2 AND u.sub = $1 AND u.enabled";
    Ok(connection.count(sql, &[&sub.as_str(), &credential_id]).await? > 0)
}
