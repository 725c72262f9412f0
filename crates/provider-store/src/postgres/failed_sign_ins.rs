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

use super::{PostgresStore, connection::Connection, failure::Failure, run};
use crate::{record::read, row::Row as _};

#[async_trait]
impl store::FailedSignIns for PostgresStore {
    async fn admit_sign_in(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        run!(self, "admit_sign_in", admit, keys, now)
    }

    async fn sign_in_succeeded(
        &self,
        account: &[ThrottleKey],
        address: &ThrottleKey,
    ) -> Result<(), StoreError> {
        run!(self, "sign_in_succeeded", succeeded, account, address)
    }
}

/// Returns the seconds to wait before an attempt, or counts the attempt as a failure of every key
/// and returns 0.
async fn admit(
    connection: &Connection,
    limits: &[(ThrottleKey, ThrottlePolicy)],
    now: Timestamp,
) -> Result<u32, Failure> {
    let keys: Vec<&[u8]> = limits.iter().map(|(key, _)| key.as_bytes().as_slice()).collect();
    connection.begin().await?;
    // Every key has a row from here on, locked in one order for all: who comes at the same time
    // waits, and then sees this count.
    let locked: Vec<(Vec<u8>, FailedSignIns)> = connection
        .all(
            "INSERT INTO failed_sign_ins (key, failed, last)
             SELECT DISTINCT key, 0, $2::BIGINT FROM unnest($1::BYTEA[]) AS wanted (key)
                 ORDER BY key
             ON CONFLICT (key) DO UPDATE SET failed = failed_sign_ins.failed
             RETURNING key, failed, last",
            &[&keys, &now.seconds()],
            |row| {
                Ok((row.bytes(0, "failed_sign_ins.key")?.to_vec(), read::failed_sign_ins(row, 1)?))
            },
        )
        .await?;
    let remembered = |key: &ThrottleKey| {
        let known =
            locked.iter().find(|(known, _)| known == key.as_bytes()).map(|(_, failed)| *failed);
        known.filter(|failed| failed.count > 0 && !forgotten(*failed, now)).unwrap_or_default()
    };
    let wait = limits.iter().map(|(key, policy)| policy.wait(remembered(key), now)).max();
    if let Some(wait @ 1..) = wait {
        // Without a commit nothing has changed.
        return Ok(wait);
    }
    let counts: Vec<i64> =
        limits.iter().map(|(key, _)| i64::from(remembered(key).count.saturating_add(1))).collect();
    connection
        .execute(
            "UPDATE failed_sign_ins f SET failed = counted.failed, last = $3
             FROM unnest($1::BYTEA[], $2::BIGINT[]) AS counted (key, failed)
                 WHERE f.key = counted.key",
            &[&keys, &counts, &now.seconds()],
        )
        .await?;
    connection.commit().await?;
    Ok(0)
}

/// Whether the last failure is too old to count.
fn forgotten(failed: FailedSignIns, now: Timestamp) -> bool {
    let forgotten_before = now.seconds().saturating_sub(i64::from(throttle::MEMORY));
    failed.last.is_none_or(|last| last.seconds() < forgotten_before)
}

/// Forgets the account's failures and some of the address, that which the successful attempt was
/// counted as among them.
async fn succeeded(
    connection: &Connection,
    account: &[ThrottleKey],
    address: &ThrottleKey,
) -> Result<(), Failure> {
    let account: Vec<&[u8]> = account.iter().map(|key| key.as_bytes().as_slice()).collect();
    connection
        .execute(
            "WITH forgotten AS (DELETE FROM failed_sign_ins WHERE key = ANY($1))
             UPDATE failed_sign_ins SET failed = greatest(failed - $3, 0) WHERE key = $2",
            &[
                &account,
                &address.as_bytes().as_slice(),
                &i64::from(throttle::TAKEN_BACK_BY_SUCCESS),
            ],
        )
        .await?;
    Ok(())
}
