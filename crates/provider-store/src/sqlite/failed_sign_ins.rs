//! Rows that count failed sign-ins; the rule is [`ThrottlePolicy::wait`].

use async_trait::async_trait;
use doorward_provider::{
    model::{
        throttle,
        throttle::{FailedSignIns, ThrottleKey, ThrottlePolicy},
        time::Timestamp,
    },
    store::{self, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::record::read;

#[async_trait]
impl store::FailedSignIns for SqliteStore {
    async fn admit_sign_in(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let keys = keys.to_vec();
        self.write("admit_sign_in", move |connection| admit(connection, &keys, now)).await
    }

    async fn sign_in_succeeded(
        &self,
        account: &[ThrottleKey],
        address: &ThrottleKey,
    ) -> Result<(), StoreError> {
        let (account, address) = (account.to_vec(), address.clone());
        self.write("sign_in_succeeded", move |connection| succeeded(connection, &account, &address))
            .await
    }
}

/// Returns the seconds to wait before an attempt, or counts the attempt as a failure of every key
/// and returns 0.
fn admit(
    connection: &Connection,
    limits: &[(ThrottleKey, ThrottlePolicy)],
    now: Timestamp,
) -> Result<u32, Failure> {
    let failed: Vec<_> =
        limits.iter().map(|(key, _)| remembered(connection, key, now)).collect::<Result<_, _>>()?;
    let wait =
        limits.iter().zip(&failed).map(|((_, policy), failed)| policy.wait(*failed, now)).max();
    if let Some(wait @ 1..) = wait {
        return Ok(wait);
    }
    for ((key, _), failed) in limits.iter().zip(&failed) {
        execute(
            connection,
            "INSERT INTO failed_sign_ins (key, count, last) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET count = excluded.count, last = excluded.last",
            params![key.as_bytes(), failed.count.saturating_add(1), now.seconds()],
        )?;
    }
    Ok(0)
}

/// The failures of a key, none if the last is too old to count.
fn remembered(
    connection: &Connection,
    key: &ThrottleKey,
    now: Timestamp,
) -> Result<FailedSignIns, Failure> {
    let forgotten_before = now.seconds().saturating_sub(i64::from(throttle::MEMORY));
    let found = sql::first(
        connection,
        "SELECT count, last FROM failed_sign_ins WHERE key = ?1 AND last >= ?2",
        params![key.as_bytes(), forgotten_before],
        |row| read::failed_sign_ins(row, 0),
    )?;
    Ok(found.unwrap_or_default())
}

/// Forgets the account's failures and some of the address, that which the successful attempt was
/// counted as among them.
fn succeeded(
    connection: &Connection,
    account: &[ThrottleKey],
    address: &ThrottleKey,
) -> Result<(), Failure> {
    for key in account {
        execute(connection, "DELETE FROM failed_sign_ins WHERE key = ?1", [key.as_bytes()])?;
    }
    execute(
        connection,
        "UPDATE failed_sign_ins SET count = count - ?2 WHERE key = ?1",
        params![address.as_bytes(), throttle::TAKEN_BACK_BY_SUCCESS],
    )?;
    execute(
        connection,
        "DELETE FROM failed_sign_ins WHERE key = ?1 AND count <= 0",
        [address.as_bytes()],
    )?;
    Ok(())
}
