//! Rows that count failed sign-ins; the rule is [`ThrottlePolicy::wait`].

use async_trait::async_trait;
use doorward_provider::{
    model::{
        throttle,
        throttle::{Admission, FailedSignIns, ThrottleKey, ThrottlePolicy},
        time::Timestamp,
    },
    store::{self, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run};
use crate::{record::read, row::Row as _};

#[async_trait]
impl store::FailedSignIns for PostgresStore {
    async fn count_attempt(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        run!(self, "count_attempt", admit, keys, now)
    }

    async fn failures(&self, key: &ThrottleKey, now: Timestamp) -> Result<u32, StoreError> {
        run!(self, "failures", failures, key, now)
    }

    async fn withdraw_attempt(&self, keys: &[ThrottleKey]) -> Result<(), StoreError> {
        run!(self, "withdraw_attempt", withdraw, keys)
    }

    async fn sign_in_succeeded(
        &self,
        own: &[ThrottleKey],
        wide: &[ThrottleKey],
        known: &[ThrottleKey],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        run!(self, "sign_in_succeeded", succeeded, own, wide, known, now)
    }

    async fn has_signed_in(
        &self,
        keys: &[ThrottleKey],
        now: Timestamp,
    ) -> Result<Vec<ThrottleKey>, StoreError> {
        run!(self, "has_signed_in", known, keys, now)
    }
}

/// Returns the seconds to wait before an attempt, or counts the attempt as a failure of every key
/// and returns the counts.
async fn admit(
    connection: &Connection,
    limits: &[(ThrottleKey, ThrottlePolicy)],
    now: Timestamp,
) -> Result<Admission, Failure> {
    connection.begin().await?;
    let admission = admit_within(connection, limits, now).await?;
    // Without a commit nothing has changed.
    if let Admission::Counted(_) = admission {
        connection.commit().await?;
    }
    Ok(admission)
}

/// The same within a transaction, which must not be committed if there is a wait.
pub(super) async fn admit_within(
    connection: &Connection,
    limits: &[(ThrottleKey, ThrottlePolicy)],
    now: Timestamp,
) -> Result<Admission, Failure> {
    let keys: Vec<&[u8]> = limits.iter().map(|(key, _)| key.as_bytes().as_slice()).collect();
    let memories: Vec<i64> = limits.iter().map(|(_, policy)| i64::from(policy.memory)).collect();
    // Every key has a row from here on, locked in one order for all: who comes at the same time
    // waits, and then sees this count.
    let locked: Vec<(Vec<u8>, FailedSignIns)> = connection
        .all(
            "INSERT INTO failed_sign_ins (key, failed, last, memory)
             SELECT DISTINCT ON (key) key, 0, $2::BIGINT, memory
                 FROM unnest($1::BYTEA[], $3::BIGINT[]) AS wanted (key, memory) ORDER BY key
             ON CONFLICT (key) DO UPDATE SET failed = failed_sign_ins.failed
             RETURNING key, CASE WHEN last + memory < $2 THEN 0 ELSE failed END, last",
            &[&keys, &now.seconds(), &memories],
            |row| {
                Ok((row.bytes(0, "failed_sign_ins.key")?.to_vec(), read::failed_sign_ins(row, 1)?))
            },
        )
        .await?;
    let remembered = |key: &ThrottleKey| {
        let known =
            locked.iter().find(|(known, _)| known == key.as_bytes()).map(|(_, failed)| *failed);
        known.filter(|failed| failed.count > 0).unwrap_or_default()
    };
    let wait = limits.iter().map(|(key, policy)| policy.wait(remembered(key), now)).max();
    if let Some(wait @ 1..) = wait {
        return Ok(Admission::Wait(wait));
    }
    let counts: Vec<u32> =
        limits.iter().map(|(key, _)| remembered(key).count.saturating_add(1)).collect();
    let failed: Vec<i64> = counts.iter().copied().map(i64::from).collect();
    connection
        .execute(
            "UPDATE failed_sign_ins f SET failed = counted.failed, last = $3
             FROM unnest($1::BYTEA[], $2::BIGINT[]) AS counted (key, failed)
                 WHERE f.key = counted.key",
            &[&keys, &failed, &now.seconds()],
        )
        .await?;
    Ok(Admission::Counted(counts))
}

/// The failures of a key that count.
async fn failures(
    connection: &Connection,
    key: &ThrottleKey,
    now: Timestamp,
) -> Result<u32, Failure> {
    let sql = "SELECT failed, last FROM failed_sign_ins WHERE key = $1 AND last + memory >= $2";
    let key = key.as_bytes().as_slice();
    let found =
        connection.first(sql, &[&key, &now.seconds()], |row| read::failed_sign_ins(row, 0)).await?;
    Ok(found.map_or(0, |failed| failed.count))
}

/// The bytes of keys, in one order for all, so that two commands do not wait for each other.
fn sorted(keys: &[ThrottleKey]) -> Vec<&[u8]> {
    let mut keys: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes().as_slice()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Takes one failure back from each key.
async fn withdraw(connection: &Connection, keys: &[ThrottleKey]) -> Result<(), Failure> {
    connection
        .execute(
            "WITH locked AS (
                 SELECT key FROM failed_sign_ins WHERE key = ANY($1) ORDER BY key FOR UPDATE
             )
             UPDATE failed_sign_ins f SET failed = greatest(f.failed - 1, 0)
             FROM locked WHERE f.key = locked.key",
            &[&sorted(keys)],
        )
        .await?;
    Ok(())
}

/// Forgets the failures of each of `own`, takes as many as the first had back from each of `wide`,
/// and remembers `known`.
async fn succeeded(
    connection: &Connection,
    own: &[ThrottleKey],
    wide: &[ThrottleKey],
    known: &[ThrottleKey],
    now: Timestamp,
) -> Result<(), Failure> {
    let all = [own, wide].concat();
    connection.begin().await?;
    let locked = connection
        .all(
            "SELECT key, CASE WHEN last + memory < $2 THEN 0 ELSE failed END, last
             FROM failed_sign_ins WHERE key = ANY($1) ORDER BY key FOR UPDATE",
            &[&sorted(&all), &now.seconds()],
            |row| {
                let key = row.bytes(0, "failed_sign_ins.key")?.to_vec();
                Ok((key, read::failed_sign_ins(row, 1)?))
            },
        )
        .await?;
    let is_first = |key: &[u8]| own.first().is_some_and(|own| own.as_bytes() == key);
    let failed = locked.iter().find(|(key, _)| is_first(key)).map_or(0, |(_, own)| own.count);
    connection
        .execute(
            "WITH forgotten AS (DELETE FROM failed_sign_ins WHERE key = ANY($1))
             UPDATE failed_sign_ins SET failed = greatest(failed - $3, 0)
             WHERE key = ANY($2) AND key <> ALL($1)",
            &[&sorted(own), &sorted(wide), &i64::from(failed)],
        )
        .await?;
    connection
        .execute(
            "INSERT INTO known_sign_ins (key, last)
             SELECT key, $2::BIGINT FROM unnest($1::BYTEA[]) AS known (key) ORDER BY key
             ON CONFLICT (key) DO UPDATE SET last = excluded.last",
            &[&sorted(known), &now.seconds()],
        )
        .await?;
    connection.commit().await
}

/// Which keys have had a successful sign-in lately.
async fn known(
    connection: &Connection,
    keys: &[ThrottleKey],
    now: Timestamp,
) -> Result<Vec<ThrottleKey>, Failure> {
    let since = now.seconds().saturating_sub(i64::from(throttle::KNOWN_FOR));
    let known: Vec<Vec<u8>> = connection
        .all(
            "SELECT key FROM known_sign_ins WHERE key = ANY($1) AND last >= $2",
            &[&sorted(keys), &since],
            |row| Ok(row.bytes(0, "known_sign_ins.key")?.to_vec()),
        )
        .await?;
    let is_known = |key: &&ThrottleKey| known.iter().any(|known| known == key.as_bytes());
    Ok(keys.iter().filter(is_known).cloned().collect())
}
