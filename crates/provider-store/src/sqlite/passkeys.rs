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
use rusqlite::{Connection, params};

use super::{
    SqliteStore, factors,
    failure::Failure,
    outbox,
    sql::{self, execute},
    users,
};
use crate::{
    record::{NoticesRow, read},
    row::Row as _,
};

#[async_trait]
impl Passkeys for SqliteStore {
    async fn add_passkey(
        &self,
        passkey: StoredPasskey,
        most: u32,
        addition: FactorAddition,
    ) -> Result<AddedPasskey, StoreError> {
        self.end_surplus_before_first("add_passkey", &passkey.sub, &addition).await?;
        let FactorAddition { session, notices, at } = addition;
        let notices = NoticesRow::encode(notices)?;
        self.write("add_passkey", move |connection| {
            if !factors::may_be_added(connection, &passkey.sub, session.as_ref())? {
                return Ok(AddedPasskey::Ended);
            }
            let is_first = !factors::summary(connection, &passkey.sub)?.is_strong();
            let added = add(connection, &passkey, most)?;
            if added != AddedPasskey::Added {
                return Ok(added);
            }
            if is_first {
                users::end_what_began(connection, &passkey.sub, session.as_ref(), at)?;
            }
            outbox::put_notices(connection, &notices).map(|()| added)
        })
        .await
    }

    async fn passkeys(&self, sub: &Sub) -> Result<Vec<StoredPasskey>, StoreError> {
        let sub = sub.to_owned();
        self.read("passkeys", move |connection| of_user(connection, &sub)).await
    }

    async fn passkey(&self, credential_id: &[u8]) -> Result<Option<StoredPasskey>, StoreError> {
        let credential_id = credential_id.to_vec();
        self.read("passkey", move |connection| find(connection, &credential_id)).await
    }

    async fn passkey_used(&self, used: PasskeyUse, now: Timestamp) -> Result<bool, StoreError> {
        self.write("passkey_used", move |connection| note(connection, &used, now)).await
    }

    async fn rename_passkey(
        &self,
        sub: &Sub,
        credential_id: &[u8],
        name: &str,
    ) -> Result<bool, StoreError> {
        let (sub, credential_id, name) = (sub.to_owned(), credential_id.to_vec(), name.to_owned());
        self.write("rename_passkey", move |connection| {
            let sql = "UPDATE passkeys SET name = ?3 WHERE sub = ?1 AND credential_id = ?2";
            Ok(execute(connection, sql, params![sub.as_str(), credential_id, name])? > 0)
        })
        .await
    }

    async fn remove_passkey(
        &self,
        sub: &Sub,
        credential_id: &[u8],
        providers: &[IdentityProvider],
        notices: AccountNotices,
    ) -> Result<RemovedPasskey, StoreError> {
        let (sub, credential_id) = (sub.to_owned(), credential_id.to_vec());
        let providers = providers.to_vec();
        let notices = NoticesRow::encode(notices)?;
        self.write("remove_passkey", move |connection| {
            let removed = remove(connection, &sub, &credential_id, &providers)?;
            if removed == RemovedPasskey::Removed {
                outbox::put_notices(connection, &notices)?;
            }
            Ok(removed)
        })
        .await
    }
}

/// Removes a passkey, unless the user could not sign in any more.
fn remove(
    connection: &Connection,
    sub: &Sub,
    credential_id: &[u8],
    providers: &[IdentityProvider],
) -> Result<RemovedPasskey, Failure> {
    if find(connection, credential_id)?.is_none_or(|passkey| passkey.sub != *sub) {
        return Ok(RemovedPasskey::Unknown);
    }
    let is_only = factors::usable_summary(connection, sub, providers)?.ways_in() < 2;
    if is_only && users::has_no_password(connection, sub)? {
        return Ok(RemovedPasskey::LastWayIn);
    }
    let sql = "DELETE FROM passkeys WHERE sub = ?1 AND credential_id = ?2";
    execute(connection, sql, params![sub.as_str(), credential_id])?;
    factors::remove_codes_of_nothing(connection, sub)?;
    Ok(RemovedPasskey::Removed)
}

/// Adds a passkey, unless there is one with its identifier or the user has as many as may be.
fn add(connection: &Connection, key: &StoredPasskey, most: u32) -> Result<AddedPasskey, Failure> {
    let sql = "SELECT count(*) FROM passkeys WHERE sub = ?1";
    let count =
        sql::first(connection, sql, [key.sub.as_str()], |row| row.count(0, "passkeys.count"))?;
    if count.unwrap_or_default() >= most {
        return Ok(AddedPasskey::TooMany);
    }
    let added = execute(
        connection,
        "INSERT INTO passkeys (credential_id, sub, user_handle, name, credential, counter,
             backup_eligible, backed_up, created_at, used_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (credential_id) DO NOTHING",
        params![
            key.credential_id,
            key.sub.as_str(),
            key.user_handle,
            key.name,
            key.credential,
            key.counter,
            key.backup_eligible,
            key.backed_up,
            key.created_at.seconds(),
            key.used_at.map(Timestamp::seconds),
        ],
    )?;
    Ok(if added > 0 { AddedPasskey::Added } else { AddedPasskey::Taken })
}

/// A user's passkeys, the oldest first.
fn of_user(connection: &Connection, sub: &Sub) -> Result<Vec<StoredPasskey>, Failure> {
    sql::all(
        connection,
        "SELECT credential_id, sub, user_handle, name, credential, counter, backup_eligible,
             backed_up, created_at, used_at
         FROM passkeys WHERE sub = ?1 ORDER BY created_at, credential_id",
        [sub.as_str()],
        |row| read::passkey(row),
    )
}

fn find(connection: &Connection, credential_id: &[u8]) -> Result<Option<StoredPasskey>, Failure> {
    sql::first(
        connection,
        "SELECT credential_id, sub, user_handle, name, credential, counter, backup_eligible,
             backed_up, created_at, used_at
         FROM passkeys WHERE credential_id = ?1",
        [credential_id],
        |row| read::passkey(row),
    )
}

/// Notes a use, if the counter still is the one that was compared.
fn note(connection: &Connection, used: &PasskeyUse, now: Timestamp) -> Result<bool, Failure> {
    let noted = execute(
        connection,
        "UPDATE passkeys SET counter = ?3, backup_eligible = ?4, backed_up = ?5, credential = ?6,
             used_at = ?7
         WHERE credential_id = ?1 AND counter = ?2",
        params![
            used.credential_id,
            used.counter_before,
            used.counter,
            used.backup_eligible,
            used.backed_up,
            used.credential,
            now.seconds(),
        ],
    )?;
    Ok(noted > 0)
}

/// Whether there is this passkey of a user who may sign in.
pub(super) fn may_sign_in(
    connection: &Connection,
    sub: &Sub,
    credential_id: &[u8],
) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM users u JOIN passkeys p ON p.sub = u.sub
        WHERE p.credential_id = ?2 AND u.sub = ?1 AND u.enabled";
    Ok(sql::first(connection, sql, params![sub.as_str(), credential_id], |_| Ok(()))?.is_some())
}
