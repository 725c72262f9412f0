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
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::record::read;

#[async_trait]
impl store::FailedSignIns for SqliteStore {
    async fn count_attempt(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let keys = keys.to_vec();
        self.write("count_attempt", move |connection| admit(connection, &keys, now)).await
    }

    async fn failures(&self, key: &ThrottleKey, now: Timestamp) -> Result<u32, StoreError> {
        let key = key.clone();
        self.read("failures", move |connection| Ok(remembered(connection, &key, now)?.count)).await
    }

    async fn withdraw_attempt(&self, keys: &[ThrottleKey]) -> Result<(), StoreError> {
        let keys = keys.to_vec();
        self.write("withdraw_attempt", move |connection| take_back(connection, &keys, 1)).await
    }

    async fn sign_in_succeeded(
        &self,
        own: &[ThrottleKey],
        wide: &[ThrottleKey],
        known: &[ThrottleKey],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (own, wide, known) = (own.to_vec(), wide.to_vec(), known.to_vec());
        self.write("sign_in_succeeded", move |connection| {
            succeeded(connection, &own, &wide, &known, now)
        })
        .await
    }

    async fn has_signed_in(
        &self,
        keys: &[ThrottleKey],
        now: Timestamp,
    ) -> Result<Vec<ThrottleKey>, StoreError> {
        let keys = keys.to_vec();
        self.read("has_signed_in", move |connection| {
            let mut known = Vec::new();
            for key in keys {
                if is_known(connection, &key, now)? {
                    known.push(key);
                }
            }
            Ok(known)
        })
        .await
    }
}

/// Returns the seconds to wait before an attempt; 0 when it may be made now.
pub(super) fn wait(
    connection: &Connection,
    limits: &[(ThrottleKey, ThrottlePolicy)],
    now: Timestamp,
) -> Result<u32, Failure> {
    let mut longest = 0;
    for (key, policy) in limits {
        longest = longest.max(policy.wait(remembered(connection, key, now)?, now));
    }
    Ok(longest)
}

/// Returns the seconds to wait before an attempt, or counts the attempt as a failure of every key
/// and returns the counts.
pub(super) fn admit(
    connection: &Connection,
    limits: &[(ThrottleKey, ThrottlePolicy)],
    now: Timestamp,
) -> Result<Admission, Failure> {
    let failed: Vec<_> =
        limits.iter().map(|(key, _)| remembered(connection, key, now)).collect::<Result<_, _>>()?;
    let wait =
        limits.iter().zip(&failed).map(|((_, policy), failed)| policy.wait(*failed, now)).max();
    if let Some(wait @ 1..) = wait {
        return Ok(Admission::Wait(wait));
    }
    let mut counts = Vec::new();
    for ((key, policy), failed) in limits.iter().zip(&failed) {
        let (count, memory) = (failed.count.saturating_add(1), i64::from(policy.memory));
        counts.push(count);
        execute(
            connection,
            "INSERT INTO failed_sign_ins (key, count, last, memory) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (key) DO UPDATE SET count = excluded.count, last = excluded.last",
            params![key.as_bytes(), count, now.seconds(), memory],
        )?;
    }
    Ok(Admission::Counted(counts))
}

/// The failures of a key, none if the last is too old to count.
fn remembered(
    connection: &Connection,
    key: &ThrottleKey,
    now: Timestamp,
) -> Result<FailedSignIns, Failure> {
    let found = sql::first(
        connection,
        "SELECT count, last FROM failed_sign_ins WHERE key = ?1 AND last + memory >= ?2",
        params![key.as_bytes(), now.seconds()],
        |row| read::failed_sign_ins(row, 0),
    )?;
    Ok(found.unwrap_or_default())
}

/// Forgets the failures of each of `own`, takes as many as the first had back from each of `wide`,
/// and remembers `known`.
fn succeeded(
    connection: &Connection,
    own: &[ThrottleKey],
    wide: &[ThrottleKey],
    known: &[ThrottleKey],
    now: Timestamp,
) -> Result<(), Failure> {
    let failed = own.first().map(|own| remembered(connection, own, now)).transpose()?;
    let failed = failed.unwrap_or_default().count;
    for own in own {
        execute(connection, "DELETE FROM failed_sign_ins WHERE key = ?1", [own.as_bytes()])?;
    }
    take_back(connection, wide, failed)?;
    for key in known {
        execute(
            connection,
            "INSERT INTO known_sign_ins (key, last) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET last = excluded.last",
            params![key.as_bytes(), now.seconds()],
        )?;
    }
    Ok(())
}

/// Takes failures back.
fn take_back(connection: &Connection, keys: &[ThrottleKey], count: u32) -> Result<(), Failure> {
    for key in keys {
        execute(
            connection,
            "UPDATE failed_sign_ins SET count = count - ?2 WHERE key = ?1",
            params![key.as_bytes(), count],
        )?;
        execute(
            connection,
            "DELETE FROM failed_sign_ins WHERE key = ?1 AND count <= 0",
            [key.as_bytes()],
        )?;
    }
    Ok(())
}

/// Whether there was a successful sign-in lately.
fn is_known(connection: &Connection, key: &ThrottleKey, now: Timestamp) -> Result<bool, Failure> {
    let since = now.seconds().saturating_sub(i64::from(throttle::KNOWN_FOR));
    let sql = "SELECT 1 FROM known_sign_ins WHERE key = ?1 AND last >= ?2";
    Ok(sql::first(connection, sql, params![key.as_bytes(), since], |_| Ok(()))?.is_some())
}
