//! Rows of sessions, and of the clients that take part in them.
//!
//! A transaction that adds something to a session locks the session's row (`FOR KEY SHARE`), and a
//! transaction that ends the session locks it `FOR UPDATE` first. So nothing is added to a session
//! that has ended, and the end misses nothing that was added.

use std::collections::BTreeMap;

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, SessionId, Sub};
use doorward_provider::{
    model::{
        account_notice::AccountNotices,
        external_identity::ExternalSubject,
        session::{
            Authentication, EndedSession, Session, SessionCursor, SessionSelector, SignInProof,
            UpstreamSelector, UpstreamSession,
        },
        signing_key::SealedKey,
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::{Sessions, StoreError},
};
use tokio_postgres::types::ToSql;

use super::{
    PostgresStore, connection::Connection, external_identities, failure::Failure, grants,
    left_behind, logout_notices, outbox, passkeys, run, users,
};
use crate::{
    left_behind::LeftBehind,
    pages,
    record::{NoticesRow, read},
    row::{ColumnError, Row as _, to_json},
    rules::names_of,
};

#[async_trait]
impl Sessions for PostgresStore {
    async fn start_session(
        &self,
        session: Session,
        verified: &SignInProof,
        replaces: Option<TokenHash>,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = NewSession {
            amr: to_json(&session.authentication.amr, "sessions.amr")?,
            session,
            notices: NoticesRow::encode(notices)?,
        };
        let limit = self.limits.sessions_per_user;
        run!(self, "start_session", start, &row, verified, replaces, limit, now)
    }

    async fn session(
        &self,
        cookie: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        run!(self, "session", find, cookie, now)
    }

    async fn end_sessions(
        &self,
        selector: SessionSelector,
        now: Timestamp,
    ) -> Result<Vec<EndedSession>, StoreError> {
        run!(self, "end_sessions", end, &selector, now)
    }

    async fn end_sessions_of(&self, sub: &Sub, now: Timestamp) -> Result<u64, StoreError> {
        pages::run_all(pages::SESSIONS, || async move {
            run!(self, "end_sessions_of", end_page, sub, None, now)
        })
        .await
    }

    async fn sessions_of(
        &self,
        sub: &Sub,
        after: Option<&SessionCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        run!(self, "sessions_of", of_user, sub, after, limit, now)
    }

    async fn count_sessions(&self, most: u32, now: Timestamp) -> Result<u64, StoreError> {
        run!(self, "count_sessions", count, most, now)
    }

    async fn keep_upstream_id_token(
        &self,
        session: &UpstreamSession,
        sealed: SealedKey,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        run!(self, "keep_upstream_id_token", keep_id_token, session, &sealed, expires_at)
    }

    async fn upstream_id_token(
        &self,
        session: &UpstreamSession,
        now: Timestamp,
    ) -> Result<Option<SealedKey>, StoreError> {
        run!(self, "upstream_id_token", id_token, session, now)
    }
}

/// A session that begins.
struct NewSession {
    session: Session,
    /// That of the session as JSON.
    amr: String,
    notices: NoticesRow,
}

/// Adds a session in place of the one with the cookie `replaces`, if what was verified still is the
/// user's.
async fn start(
    connection: &Connection,
    NewSession { session, amr, notices }: &NewSession,
    verified: &SignInProof,
    replaces: Option<TokenHash>,
    limit: u32,
    now: Timestamp,
) -> Result<bool, Failure> {
    connection.begin().await?;
    // This locks the user's row first, in the order in which a change of the user takes its locks.
    // The earlier session goes afterwards: what is kept of one at another provider stays for this.
    let started = insert(connection, session, amr, verified).await?;
    if started {
        if let Some(earlier) = replaces {
            let cookie = earlier.as_bytes().as_slice();
            let sid = session.authentication.sid.as_str();
            connection.execute(REMOVE_REPLACED, &[&cookie, &sid]).await?;
            end_within(connection, &SessionSelector::Cookie(earlier), now).await?;
        }
        if let Some(upstream) = &session.upstream {
            keep_as_long(connection, upstream, session.expires_at).await?;
        }
        end_beyond(connection, &session.authentication, limit, now).await?;
        outbox::put_notices(connection, notices).await?;
        connection.commit().await?;
    }
    Ok(started)
}

/// Inserts a session if this finds, and locks, the user whose proof was verified.
macro_rules! insertion {
    ($verified:literal) => {
        concat!(
            "WITH verified AS (",
            $verified,
            ")
             INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at, address,
                 browser, upstream_issuer, upstream_subject, upstream_sid)
             SELECT $1::BYTEA, $2::TEXT, $3::BIGINT, $4::TEXT, $5::TEXT, $6::BIGINT, $7::TEXT,
                 $8::TEXT, $10::TEXT, $11::TEXT, $12::TEXT FROM verified"
        )
    };
}

const INSERT_BY_PASSWORD: &str = insertion!(
    "SELECT 1 FROM users WHERE sub = $2 AND password_hash = $9 AND enabled
         LIMIT 1 FOR KEY SHARE"
);
const INSERT_BY_RECOVERY_CODE: &str = insertion!(
    "SELECT 1 FROM users WHERE sub = $2 AND password_hash IS NULL AND $9::TEXT = '' AND enabled
         LIMIT 1 FOR KEY SHARE"
);
const INSERT_BY_PASSKEY: &str = insertion!(
    "SELECT 1 FROM users u JOIN passkeys p ON p.sub = u.sub
         WHERE u.sub = $2 AND p.credential_id = $9 AND u.enabled
         LIMIT 1 FOR KEY SHARE OF u, p"
);
const INSERT_BY_IDENTITY: &str = insertion!(
    "SELECT 1 FROM users u JOIN external_identities e ON e.sub = u.sub
         WHERE u.sub = $2 AND e.issuer = $9 AND e.subject = $13 AND u.enabled
         LIMIT 1 FOR KEY SHARE OF u, e"
);

async fn insert(
    connection: &Connection,
    session: &Session,
    amr: &str,
    verified: &SignInProof,
) -> Result<bool, Failure> {
    let Authentication { sub, auth_time, amr: _, sid } = &session.authentication;
    let password = if let SignInProof::Password(hash) = verified { hash.as_str() } else { "" };
    let (issuer, subject) = match verified {
        SignInProof::External(upstream) => {
            (upstream.id.issuer.as_str(), upstream.id.subject.as_str())
        }
        _ => ("", ""),
    };
    let (sql, proof): (_, &(dyn ToSql + Sync)) = match verified {
        SignInProof::Password(_) => (INSERT_BY_PASSWORD, &password),
        SignInProof::Passkey(id) => (INSERT_BY_PASSKEY, id),
        SignInProof::RecoveryCode => (INSERT_BY_RECOVERY_CODE, &password),
        SignInProof::External(_) => (INSERT_BY_IDENTITY, &issuer),
    };
    let upstream = session.upstream.as_ref();
    let cookie_hash = session.cookie_hash.as_bytes().as_slice();
    let (sub_text, sid_text) = (sub.as_str(), sid.as_str());
    let (auth_time, expires_at) = (auth_time.seconds(), session.expires_at.seconds());
    let upstream_issuer = upstream.map(|upstream| upstream.id.issuer.as_str());
    let upstream_subject = upstream.map(|upstream| upstream.id.subject.as_str());
    let upstream_sid = upstream.and_then(|upstream| upstream.sid.as_deref());
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![
        &cookie_hash,
        &sub_text,
        &auth_time,
        &amr,
        &sid_text,
        &expires_at,
        &session.device.address,
        &session.device.browser,
        proof,
        &upstream_issuer,
        &upstream_subject,
        &upstream_sid,
    ];
    if let SignInProof::External(_) = verified {
        params.push(&subject);
    }
    let inserted = connection.execute(sql, &params).await?;
    if inserted == 0 {
        let may_sign_in = match verified {
            SignInProof::Password(hash) => users::may_sign_in(connection, sub, hash).await?,
            SignInProof::Passkey(id) => passkeys::may_sign_in(connection, sub, id).await?,
            SignInProof::RecoveryCode => users::may_do_without_password(connection, sub).await?,
            SignInProof::External(UpstreamSession { id, .. }) => {
                external_identities::may_sign_in(connection, sub, id).await?
            }
        };
        if may_sign_in {
            // The user was replaced just now.
            return Err(Failure::Overtaken);
        }
    }
    Ok(inserted > 0)
}

/// Keeps the ID token of the session at another provider until this timestamp at least.
async fn keep_as_long(
    connection: &Connection,
    upstream: &UpstreamSession,
    expires_at: Timestamp,
) -> Result<(), Failure> {
    let [issuer, subject, sid] = names_of(upstream);
    let sql = "UPDATE upstream_id_tokens SET expires_at = greatest(expires_at, $4)
        WHERE issuer = $1 AND subject = $2 AND sid = $3";
    connection.execute(sql, &[&issuer, &subject, &sid, &expires_at.seconds()]).await?;
    Ok(())
}

/// Keeps the ID token of a session at another provider, at least as long as an earlier one.
async fn keep_id_token(
    connection: &Connection,
    session: &UpstreamSession,
    sealed: &SealedKey,
    expires_at: Timestamp,
) -> Result<(), Failure> {
    let [issuer, subject, sid] = names_of(session);
    connection
        .execute(
            "INSERT INTO upstream_id_tokens AS kept (issuer, subject, sid, sealed, expires_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (issuer, subject, sid) DO UPDATE SET sealed = excluded.sealed,
                 expires_at = greatest(kept.expires_at, excluded.expires_at)",
            &[&issuer, &subject, &sid, &sealed.as_bytes(), &expires_at.seconds()],
        )
        .await?;
    Ok(())
}

async fn id_token(
    connection: &Connection,
    session: &UpstreamSession,
    now: Timestamp,
) -> Result<Option<SealedKey>, Failure> {
    let [issuer, subject, sid] = names_of(session);
    connection
        .first(
            "SELECT sealed FROM upstream_id_tokens
             WHERE issuer = $1 AND subject = $2 AND sid = $3 AND expires_at > $4",
            &[&issuer, &subject, &sid, &now.seconds()],
            |row| Ok(SealedKey::from_bytes(row.bytes(0, "upstream_id_tokens.sealed")?.to_vec())),
        )
        .await
}

/// The session with this cookie, unless it has expired or its user may not sign in.
async fn find(
    connection: &Connection,
    cookie: TokenHash,
    now: Timestamp,
) -> Result<Option<Session>, Failure> {
    connection
        .first(
            "SELECT cookie_hash, s.sub, auth_time, amr, sid, expires_at, address, browser,
                 upstream_issuer, upstream_subject, upstream_sid
             FROM sessions s JOIN users u ON u.sub = s.sub AND u.enabled
             WHERE cookie_hash = $1 AND expires_at > $2",
            &[&cookie.as_bytes().as_slice(), &now.seconds()],
            read::session,
        )
        .await
}

/// A page of the live sessions of a user, the latest first.
pub(super) const OF_USER: &str =
    "SELECT cookie_hash, s.sub, auth_time, amr, sid, expires_at, address, browser,
        upstream_issuer, upstream_subject, upstream_sid
    FROM sessions s JOIN users u ON u.sub = s.sub AND u.enabled
    WHERE s.sub = $1 AND (auth_time, sid COLLATE \"C\") < ($2, $3) AND expires_at > $5
    ORDER BY auth_time DESC, sid COLLATE \"C\" DESC LIMIT $4";

async fn of_user(
    connection: &Connection,
    sub: &Sub,
    after: Option<&SessionCursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Session>, Failure> {
    let (auth_time, sid) =
        after.map_or((i64::MAX, ""), |after| (after.auth_time.seconds(), after.sid.as_str()));
    connection
        .all(
            OF_USER,
            &[&sub.as_str(), &auth_time, &sid, &i64::from(limit), &now.seconds()],
            read::session,
        )
        .await
}

async fn count(connection: &Connection, most: u32, now: Timestamp) -> Result<u64, Failure> {
    let sql = "SELECT count(*)
               FROM (SELECT 1 FROM sessions WHERE expires_at > $1 LIMIT $2) AS counted";
    let count = connection.count(sql, &[&now.seconds(), &i64::from(most)]).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Whether there is a session that clients know by this `sid`, and its user may sign in.
pub(super) async fn lives(connection: &Connection, sid: &SessionId) -> Result<bool, Failure> {
    let sql = "SELECT count(*) FROM sessions s JOIN users u ON u.sub = s.sub AND u.enabled
               WHERE s.sid = $1";
    Ok(connection.count(sql, &[&sid.as_str()]).await? > 0)
}

/// Finds the session that clients know by the `sid` that is given here as a parameter, if its user
/// may sign in, and locks it. A user who is disabled just now may be missed: the session then ends
/// after what is added to it, and takes it along.
macro_rules! alive {
    ($sid:literal) => {
        concat!(
            "SELECT 1 FROM sessions s WHERE s.sid = ",
            $sid,
            " AND EXISTS (SELECT 1 FROM users u WHERE u.sub = s.sub AND u.enabled)
              LIMIT 1 FOR KEY SHARE OF s"
        )
    };
}
pub(super) use alive;

/// Ends sessions, with what hangs on them, in a transaction of its own.
async fn end(
    connection: &Connection,
    selector: &SessionSelector,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    connection.begin().await?;
    let ended = end_within(connection, selector, now).await?;
    connection.commit().await?;
    Ok(ended)
}

/// Ends the first page of the sessions of a user who is disabled, and notes it if there are more,
/// within the transaction that the caller began.
pub(super) async fn end_first_page(
    connection: &Connection,
    sub: &Sub,
    now: Timestamp,
) -> Result<(), Failure> {
    let rest = LeftBehind::User(sub.clone());
    left_behind::forget(connection, &rest).await?;
    if end_page_within(connection, sub, None, now).await? >= u64::from(pages::SESSIONS) {
        left_behind::note(connection, &rest).await?;
    }
    Ok(())
}

/// Ends what is left of the sessions of a user who was disabled, within the transaction that the
/// caller began. Fails if it is more than a page: then somebody has disabled the user meanwhile.
pub(super) async fn end_last_page(
    connection: &Connection,
    sub: &Sub,
    now: Timestamp,
) -> Result<(), Failure> {
    if is_surplus(connection, sub, None).await? {
        return Err(Failure::LeftBehind);
    }
    end_all(connection, sub, None, now).await.map(drop)
}

/// Ends a page of a user's sessions, but not the one that is kept, in a transaction of its own;
/// returns how many.
async fn end_page(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
    now: Timestamp,
) -> Result<u64, Failure> {
    connection.begin().await?;
    let rows = end_page_within(connection, sub, kept, now).await?;
    connection.commit().await?;
    Ok(rows)
}

/// The same, within the transaction that the caller began.
pub(super) async fn end_page_within(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
    now: Timestamp,
) -> Result<u64, Failure> {
    let sql = "SELECT sub, sid FROM sessions WHERE sub = $1 AND sid IS DISTINCT FROM $2::TEXT
        ORDER BY auth_time LIMIT $3 FOR UPDATE";
    let kept = kept.map(SessionId::as_str);
    let page = [&sub.as_str() as &(dyn ToSql + Sync), &kept, &i64::from(pages::SESSIONS)];
    let page = connection.all(sql, &page, names).await?;
    let rows = page.len() as u64;
    end_each(connection, page, now).await?;
    Ok(rows)
}

/// Ends a page of a user's sessions if there are more than one page; returns how many.
pub(super) async fn end_surplus(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
    now: Timestamp,
) -> Result<u64, Failure> {
    if is_surplus(connection, sub, kept).await? {
        end_page(connection, sub, kept, now).await
    } else {
        Ok(0)
    }
}

/// Whether a user has more than a page of sessions beside the one that is kept.
async fn is_surplus(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM sessions WHERE sub = $1 AND sid IS DISTINCT FROM $2::TEXT
        LIMIT 1 OFFSET $3";
    let (name, page) = (kept.map(SessionId::as_str), i64::from(pages::SESSIONS));
    let more = connection.first(sql, &[&sub.as_str(), &name, &page], |_| Ok(())).await?;
    Ok(more.is_some())
}

/// Ends the user's oldest sessions beyond the limit, a page at most. The new session stays,
/// whatever its `auth_time` is.
async fn end_beyond(
    connection: &Connection,
    new: &Authentication,
    limit: u32,
    now: Timestamp,
) -> Result<(), Failure> {
    let others = i64::from(limit.max(1) - 1);
    let beyond = connection
        .all(
            "SELECT sub, sid FROM sessions WHERE sub = $1 AND sid <> $2
             ORDER BY auth_time DESC, sid COLLATE \"C\" DESC LIMIT $3 OFFSET $4",
            &[&new.sub.as_str(), &new.sid.as_str(), &i64::from(pages::SESSIONS), &others],
            names,
        )
        .await?;
    end_each(connection, beyond, now).await?;
    Ok(())
}

/// Reads `sub, sid`.
fn names(row: &tokio_postgres::Row) -> Result<(Sub, SessionId), ColumnError> {
    Ok((row.id(0, "sessions.sub")?, row.id(1, "sessions.sid")?))
}

/// Ends the selected session within the transaction that the caller began.
pub(super) async fn end_within(
    connection: &Connection,
    selector: &SessionSelector,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    let selected = match selector {
        SessionSelector::Cookie(cookie) => {
            let sql = "SELECT sub, sid FROM sessions WHERE cookie_hash = $1 FOR UPDATE";
            connection.all(sql, &[&cookie.as_bytes().as_slice()], names).await
        }
        SessionSelector::OfUser { sub, sid } => {
            let sql = "SELECT sub, sid FROM sessions WHERE sub = $1 AND sid = $2
                ORDER BY cookie_hash FOR UPDATE";
            connection.all(sql, &[&sub.as_str(), &sid.as_str()], names).await
        }
        SessionSelector::Upstream { issuer, which } => {
            let subject = which.subject().map(ExternalSubject::as_str);
            let (issuer, sid) = (issuer.as_str(), which.sid());
            match which {
                UpstreamSelector::Session(_) => {
                    let sql = "SELECT sub, sid FROM sessions
                        WHERE upstream_issuer = $1 AND upstream_sid = $2
                        ORDER BY cookie_hash FOR UPDATE";
                    connection.all(sql, &[&issuer, &sid], names).await
                }
                UpstreamSelector::Subject(_) | UpstreamSelector::SubjectAndSession(..) => {
                    let sql = "SELECT sub, sid FROM sessions
                        WHERE upstream_issuer = $1 AND upstream_subject = $2
                            AND ($3::TEXT IS NULL OR upstream_sid = $3 OR upstream_sid IS NULL)
                        ORDER BY cookie_hash FOR UPDATE";
                    connection.all(sql, &[&issuer, &subject, &sid], names).await
                }
            }
        }
    }?;
    end_each(connection, selected, now).await
}

/// Ends all sessions of a user but the one that is kept, within the transaction that the caller
/// began.
pub(super) async fn end_all(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    // First, since whoever ends a page of what is left locks it before the sessions.
    left_behind::forget(connection, &LeftBehind::User(sub.clone())).await?;
    let sql = "SELECT sub, sid FROM sessions WHERE sub = $1 AND sid IS DISTINCT FROM $2::TEXT
        ORDER BY cookie_hash FOR UPDATE";
    let kept = kept.map(SessionId::as_str);
    let selected = connection.all(sql, &[&sub.as_str(), &kept], names).await?;
    end_each(connection, selected, now).await
}

/// Removes the sessions of which this holds, and the ID tokens of the sessions at other providers
/// by which they began, unless another session began by the same one, too.
macro_rules! removal {
    ($ended:literal, other: $other:literal) => {
        concat!(
            "WITH ended AS (DELETE FROM sessions WHERE ",
            $ended,
            " RETURNING upstream_issuer, upstream_subject, upstream_sid)
             DELETE FROM upstream_id_tokens kept USING ended
             WHERE kept.issuer = ended.upstream_issuer AND kept.subject = ended.upstream_subject
               AND kept.sid = coalesce(ended.upstream_sid, '')
               AND NOT EXISTS (SELECT 1 FROM sessions other
                 WHERE other.upstream_issuer = kept.issuer
                   AND other.upstream_subject = kept.subject
                   AND coalesce(other.upstream_sid, '') = kept.sid AND other.",
            $other,
            ")"
        )
    };
}

/// Removes sessions by their `sid`.
const REMOVE: &str = removal!("sid = ANY($1)", other: "sid <> ALL($1)");
/// Removes the session of a cookie that goes on under another one.
const REMOVE_REPLACED: &str = removal!("cookie_hash = $1 AND sid = $2", other: "cookie_hash <> $1");

/// Ends sessions by their `sid`: after parallel sign-ins in one browser one may have several
/// cookies.
async fn end_each(
    connection: &Connection,
    selected: Vec<(Sub, SessionId)>,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    let mut ended: BTreeMap<SessionId, EndedSession> = selected
        .into_iter()
        .map(|(sub, sid)| (sid.clone(), EndedSession { sub, sid, clients: Vec::new() }))
        .collect();
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<SessionId> = ended.keys().cloned().collect();
    let sids: Vec<&str> = keys.iter().map(SessionId::as_str).collect();
    let users: Vec<Sub> = ended.values().map(|session| session.sub.clone()).collect();
    let subs: Vec<&str> = users.iter().map(Sub::as_str).collect();
    let lock =
        "SELECT cookie_hash FROM sessions WHERE sid = ANY($1) ORDER BY cookie_hash FOR UPDATE";
    connection.all(lock, &[&sids], |_| Ok(())).await?;
    logout_notices::queue(connection, &subs, &sids, now).await?;
    grants::revoke_of_sessions(connection, &sids, now).await?;
    let taken = "DELETE FROM session_clients WHERE sid = ANY($1) RETURNING sid, client_id";
    let mut clients: Vec<(SessionId, ClientId)> = connection
        .all(taken, &[&sids], |row| {
            Ok((row.id(0, "session_clients.sid")?, row.id(1, "session_clients.client_id")?))
        })
        .await?;
    clients.sort();
    connection.execute(REMOVE, &[&sids]).await?;
    for (sid, client) in clients {
        if let Some(session) = ended.get_mut(&sid) {
            session.clients.push(client);
        }
    }
    Ok(ended.into_values().collect())
}
