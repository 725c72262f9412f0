//! Rows of sessions, and of the clients that take part in them.

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
use rusqlite::{Connection, params};

use super::{
    SqliteStore, external_identities,
    failure::Failure,
    grants, left_behind, logout_notices, outbox, passkeys,
    sql::{self, execute},
    users,
};
use crate::{
    left_behind::LeftBehind,
    pages,
    record::{NoticesRow, read},
    row::{ColumnError, Row as _, to_json},
    rules::names_of,
};

#[async_trait]
impl Sessions for SqliteStore {
    async fn start_session(
        &self,
        session: Session,
        verified: &SignInProof,
        replaces: Option<TokenHash>,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let notices = NoticesRow::encode(notices)?;
        let (amr, verified) =
            (to_json(&session.authentication.amr, "sessions.amr")?, verified.clone());
        let limit = self.limits.sessions_per_user;
        self.write("start_session", move |connection| {
            let started = start(connection, &session, &amr, &verified, replaces, now)?;
            if started {
                end_beyond(connection, &session.authentication, limit, now)?;
                outbox::put_notices(connection, &notices)?;
            }
            Ok(started)
        })
        .await
    }

    async fn session(
        &self,
        cookie: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        self.read("session", move |connection| find(connection, cookie, now)).await
    }

    async fn end_sessions(
        &self,
        selector: SessionSelector,
        now: Timestamp,
    ) -> Result<Vec<EndedSession>, StoreError> {
        self.write("end_sessions", move |connection| end(connection, &selector, now)).await
    }

    async fn end_sessions_of(&self, sub: &Sub, now: Timestamp) -> Result<u64, StoreError> {
        pages::run_all(pages::SESSIONS, || {
            let sub = sub.to_owned();
            self.write("end_sessions_of", move |connection| end_page(connection, &sub, None, now))
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
        let (sub, after) = (sub.to_owned(), after.cloned());
        self.read("sessions_of", move |connection| {
            of_user(connection, &sub, after.as_ref(), limit, now)
        })
        .await
    }

    async fn count_sessions(&self, most: u32, now: Timestamp) -> Result<u64, StoreError> {
        self.read("count_sessions", move |connection| count(connection, most, now)).await
    }

    async fn keep_upstream_id_token(
        &self,
        session: &UpstreamSession,
        sealed: SealedKey,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let session = session.clone();
        self.write("keep_upstream_id_token", move |connection| {
            keep_id_token(connection, &session, &sealed, expires_at)
        })
        .await
    }

    async fn upstream_id_token(
        &self,
        session: &UpstreamSession,
        now: Timestamp,
    ) -> Result<Option<SealedKey>, StoreError> {
        let session = session.clone();
        self.read("upstream_id_token", move |connection| id_token(connection, &session, now)).await
    }
}

/// Adds a session in place of the one with the cookie `replaces`, if what was verified still is the
/// user's. `amr` is that of the session as JSON.
fn start(
    connection: &Connection,
    session: &Session,
    amr: &str,
    verified: &SignInProof,
    replaces: Option<TokenHash>,
    now: Timestamp,
) -> Result<bool, Failure> {
    let Authentication { sub, auth_time, amr: _, sid } = &session.authentication;
    let may_sign_in = match verified {
        SignInProof::Password(hash) => users::may_sign_in(connection, sub, hash)?,
        SignInProof::Passkey(id) => passkeys::may_sign_in(connection, sub, id)?,
        SignInProof::RecoveryCode => users::may_do_without_password(connection, sub)?,
        SignInProof::External(UpstreamSession { id, .. }) => {
            external_identities::may_sign_in(connection, sub, id)?
        }
    };
    if !may_sign_in {
        return Ok(false);
    }
    let upstream = session.upstream.as_ref();
    execute(
        connection,
        "INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser,
             upstream_issuer, upstream_subject, upstream_sid)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            session.cookie_hash.as_bytes(),
            sub.as_str(),
            auth_time.seconds(),
            amr,
            sid.as_str(),
            session.expires_at.seconds(),
            session.device.address,
            session.device.browser,
            upstream.map(|upstream| upstream.id.issuer.as_str()),
            upstream.map(|upstream| upstream.id.subject.as_str()),
            upstream.and_then(|upstream| upstream.sid.as_deref()),
        ],
    )?;
    // The earlier session goes afterwards: what is kept of one at another provider stays for this.
    if let Some(replaced) = replaces {
        let which = params![replaced.as_bytes(), sid.as_str()];
        execute(connection, FORGET_OF_REPLACED, which)?;
        let sql = "DELETE FROM sessions WHERE cookie_hash = ?1 AND sid = ?2";
        execute(connection, sql, which)?;
        end(connection, &SessionSelector::Cookie(replaced), now)?;
    }
    if let Some(upstream) = upstream {
        let [issuer, subject, sid] = names_of(upstream);
        execute(
            connection,
            "UPDATE upstream_id_tokens SET expires_at = max(expires_at, ?4)
             WHERE issuer = ?1 AND subject = ?2 AND sid = ?3",
            params![issuer, subject, sid, session.expires_at.seconds()],
        )?;
    }
    Ok(true)
}

/// Keeps the ID token of a session at another provider, at least as long as an earlier one.
fn keep_id_token(
    connection: &Connection,
    session: &UpstreamSession,
    sealed: &SealedKey,
    expires_at: Timestamp,
) -> Result<(), Failure> {
    let [issuer, subject, sid] = names_of(session);
    execute(
        connection,
        "INSERT INTO upstream_id_tokens (issuer, subject, sid, sealed, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (issuer, subject, sid) DO UPDATE SET sealed = excluded.sealed,
             expires_at = max(expires_at, excluded.expires_at)",
        params![issuer, subject, sid, sealed.as_bytes(), expires_at.seconds()],
    )?;
    Ok(())
}

fn id_token(
    connection: &Connection,
    session: &UpstreamSession,
    now: Timestamp,
) -> Result<Option<SealedKey>, Failure> {
    let [issuer, subject, sid] = names_of(session);
    sql::first(
        connection,
        "SELECT sealed FROM upstream_id_tokens
         WHERE issuer = ?1 AND subject = ?2 AND sid = ?3 AND expires_at > ?4",
        params![issuer, subject, sid, now.seconds()],
        |row| Ok(SealedKey::from_bytes(row.bytes(0, "upstream_id_tokens.sealed")?.to_vec())),
    )
}

/// The session with this cookie, unless it has expired or its user may not sign in.
fn find(
    connection: &Connection,
    cookie: TokenHash,
    now: Timestamp,
) -> Result<Option<Session>, Failure> {
    sql::first(
        connection,
        "SELECT cookie_hash, sessions.sub, auth_time, amr, sid, expires_at, address, browser,
             upstream_issuer, upstream_subject, upstream_sid
         FROM sessions CROSS JOIN users u ON u.sub = sessions.sub AND u.enabled
         WHERE cookie_hash = ?1 AND expires_at > ?2",
        params![cookie.as_bytes(), now.seconds()],
        |row| read::session(row),
    )
}

/// A page of the live sessions of a user, the latest first.
pub(super) const OF_USER: &str =
    "SELECT cookie_hash, sessions.sub, auth_time, amr, sid, expires_at, address, browser,
        upstream_issuer, upstream_subject, upstream_sid
    FROM sessions CROSS JOIN users u ON u.sub = sessions.sub AND u.enabled
    WHERE sessions.sub = ?1 AND (auth_time, sid) < (?2, ?3) AND expires_at > ?5
    ORDER BY auth_time DESC, sid DESC LIMIT ?4";

fn of_user(
    connection: &Connection,
    sub: &Sub,
    after: Option<&SessionCursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Session>, Failure> {
    let (auth_time, sid) =
        after.map_or((i64::MAX, ""), |after| (after.auth_time.seconds(), after.sid.as_str()));
    sql::all(
        connection,
        OF_USER,
        params![sub.as_str(), auth_time, sid, limit, now.seconds()],
        |row| read::session(row),
    )
}

fn count(connection: &Connection, most: u32, now: Timestamp) -> Result<u64, Failure> {
    let sql = "SELECT count(*)
               FROM (SELECT 1 FROM sessions WHERE expires_at > ?1 LIMIT ?2)";
    sql::count(connection, sql, params![now.seconds(), most])
}

/// Whether there is a session that clients know by this `sid`, and its user may sign in.
pub(super) fn lives(connection: &Connection, sid: &SessionId) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM sessions s CROSS JOIN users u ON u.sub = s.sub AND u.enabled
               WHERE s.sid = ?1";
    Ok(sql::first(connection, sql, [sid.as_str()], |_| Ok(()))?.is_some())
}

/// Notes that a client takes part in a session.
pub(super) fn join(
    connection: &Connection,
    sid: &SessionId,
    client_id: &ClientId,
    notify: bool,
) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO session_clients (sid, client_id, notify) VALUES (?1, ?2, ?3)
         ON CONFLICT (sid, client_id) DO UPDATE SET notify = excluded.notify
             WHERE notify <> excluded.notify",
        params![sid.as_str(), client_id.as_str(), notify],
    )?;
    Ok(())
}

/// Ends the selected session.
pub(super) fn end(
    connection: &Connection,
    selector: &SessionSelector,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    let selected = match selector {
        SessionSelector::Cookie(cookie) => sql::all(
            connection,
            "SELECT sub, sid FROM sessions WHERE cookie_hash = ?1",
            [cookie.as_bytes()],
            names,
        ),
        SessionSelector::OfUser { sub, sid } => sql::all(
            connection,
            "SELECT DISTINCT sub, sid FROM sessions WHERE sid = ?2 AND sub = ?1",
            [sub.as_str(), sid.as_str()],
            names,
        ),
        SessionSelector::Upstream { issuer, which } => {
            let sql = match which {
                UpstreamSelector::Session(_) => {
                    "SELECT DISTINCT sub, sid FROM sessions
                     WHERE upstream_issuer = ?1 AND upstream_sid = ?3 AND ?2 IS NULL"
                }
                UpstreamSelector::Subject(_) | UpstreamSelector::SubjectAndSession(..) => {
                    "SELECT DISTINCT sub, sid FROM sessions
                     WHERE upstream_issuer = ?1 AND upstream_subject = ?2
                         AND (?3 IS NULL OR upstream_sid = ?3 OR upstream_sid IS NULL)"
                }
            };
            let subject = which.subject().map(ExternalSubject::as_str);
            sql::all(connection, sql, params![issuer.as_str(), subject, which.sid()], names)
        }
    }?;
    end_each(connection, selected, now)
}

/// Ends all sessions of a user but the one that is kept.
pub(super) fn end_all(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    left_behind::forget(connection, &LeftBehind::User(sub.clone()))?;
    let sql = "SELECT DISTINCT sub, sid FROM sessions WHERE sub = ?1 AND sid IS NOT ?2";
    let params = params![sub.as_str(), kept.map(SessionId::as_str)];
    end_each(connection, sql::all(connection, sql, params, names)?, now)
}

/// Ends the first page of the sessions of a user who is disabled, and notes it if there are more.
pub(super) fn end_first_page(
    connection: &Connection,
    sub: &Sub,
    now: Timestamp,
) -> Result<(), Failure> {
    let rest = LeftBehind::User(sub.clone());
    left_behind::forget(connection, &rest)?;
    let is_full = end_page(connection, sub, None, now)? >= u64::from(pages::SESSIONS);
    if is_full { left_behind::note(connection, &rest) } else { Ok(()) }
}

/// Ends what is left of the sessions of a user who was disabled. Fails if it is more than a page:
/// then somebody has disabled the user meanwhile.
pub(super) fn end_last_page(
    connection: &Connection,
    sub: &Sub,
    now: Timestamp,
) -> Result<(), Failure> {
    if is_surplus(connection, sub, None)? {
        return Err(Failure::LeftBehind);
    }
    end_all(connection, sub, None, now).map(drop)
}

/// Ends a page of a user's sessions, but not the one that is kept; returns how many.
pub(super) fn end_page(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
    now: Timestamp,
) -> Result<u64, Failure> {
    let sql = "SELECT DISTINCT sub, sid FROM sessions WHERE sub = ?1 AND sid IS NOT ?2 LIMIT ?3";
    let params = params![sub.as_str(), kept.map(SessionId::as_str), pages::SESSIONS];
    let selected = sql::all(connection, sql, params, names)?;
    Ok(end_each(connection, selected, now)?.len() as u64)
}

/// Ends a page of a user's sessions if there are more than one page; returns how many.
pub(super) fn end_surplus(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
    now: Timestamp,
) -> Result<u64, Failure> {
    if is_surplus(connection, sub, kept)? { end_page(connection, sub, kept, now) } else { Ok(0) }
}

/// Whether a user has more than a page of sessions beside the one that is kept.
fn is_surplus(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM sessions WHERE sub = ?1 AND sid IS NOT ?2 LIMIT 1 OFFSET ?3";
    let params = params![sub.as_str(), kept.map(SessionId::as_str), pages::SESSIONS];
    Ok(sql::first(connection, sql, params, |_| Ok(()))?.is_some())
}

/// Ends the user's oldest sessions beyond the limit, a page at most. The new session stays,
/// whatever its `auth_time` is.
fn end_beyond(
    connection: &Connection,
    new: &Authentication,
    limit: u32,
    now: Timestamp,
) -> Result<(), Failure> {
    let others = limit.max(1) - 1;
    let selected = sql::all(
        connection,
        "SELECT sub, sid FROM sessions WHERE sub = ?1 AND sid <> ?2
         ORDER BY auth_time DESC, sid DESC LIMIT ?3 OFFSET ?4",
        params![new.sub.as_str(), new.sid.as_str(), pages::SESSIONS, others],
        names,
    )?;
    end_each(connection, selected, now)?;
    Ok(())
}

/// Reads `sub, sid`.
fn names(row: &rusqlite::Row<'_>) -> Result<(Sub, SessionId), ColumnError> {
    Ok((row.id(0, "sessions.sub")?, row.id(1, "sessions.sid")?))
}

fn end_each(
    connection: &Connection,
    selected: Vec<(Sub, SessionId)>,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    selected.into_iter().map(|(sub, sid)| end_one(connection, sub, sid, now)).collect()
}

/// Removes the ID token of the session at another provider by which the session began of which this
/// holds, unless another session began by it, too.
macro_rules! forgetting {
    ($ended:literal, other: $other:literal) => {
        concat!(
            "DELETE FROM upstream_id_tokens
             WHERE (issuer, subject, sid) IN (
                 SELECT upstream_issuer, upstream_subject, ifnull(upstream_sid, '') FROM sessions
                 WHERE upstream_issuer IS NOT NULL AND ",
            $ended,
            ")
               AND NOT EXISTS (SELECT 1 FROM sessions other
                 WHERE other.upstream_issuer = upstream_id_tokens.issuer
                   AND other.upstream_subject = upstream_id_tokens.subject
                   AND ifnull(other.upstream_sid, '') = upstream_id_tokens.sid AND other.",
            $other,
            ")"
        )
    };
}

/// Of the session with this `sid`.
pub(super) const FORGET_ID_TOKENS: &str = forgetting!("sid = ?1", other: "sid <> ?1");
/// Of the session of a cookie that goes on under another one.
const FORGET_OF_REPLACED: &str =
    forgetting!("cookie_hash = ?1 AND sid = ?2", other: "cookie_hash <> ?1");

/// Ends a session by its `sid`: after parallel sign-ins in one browser it may have several cookies.
fn end_one(
    connection: &Connection,
    sub: Sub,
    sid: SessionId,
    now: Timestamp,
) -> Result<EndedSession, Failure> {
    let clients: Vec<ClientId> = sql::all(
        connection,
        "SELECT client_id FROM session_clients WHERE sid = ?1",
        [sid.as_str()],
        |row| row.id(0, "session_clients.client_id"),
    )?;
    logout_notices::queue(connection, &sub, &sid, now)?;
    grants::revoke_of_session(connection, &sid, now)?;
    execute(connection, "DELETE FROM session_clients WHERE sid = ?1", [sid.as_str()])?;
    execute(connection, FORGET_ID_TOKENS, [sid.as_str()])?;
    execute(connection, "DELETE FROM sessions WHERE sid = ?1", [sid.as_str()])?;
    Ok(EndedSession { sub, sid, clients })
}
