//! The tables and statements of the stores on SQLite and on PostgreSQL. Both read this one text:
//! SQLite takes any name as a type, and numbers the parameters as they first occur.

use super::{Key, Whose};

/// Creates what is not there yet. The names leave room for the application's own tables.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS doorward_sign_ins (
        id BYTEA NOT NULL PRIMARY KEY,
        sealed BYTEA NOT NULL,
        expires_at BIGINT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS doorward_sessions (
        id BYTEA NOT NULL PRIMARY KEY,
        user_id BYTEA NOT NULL,
        provider_session BYTEA,
        expires_at BIGINT NOT NULL,
        sealed BYTEA NOT NULL,
        version BIGINT NOT NULL,
        claimed_until BIGINT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS doorward_used (
        id BYTEA NOT NULL PRIMARY KEY,
        expires_at BIGINT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS doorward_sessions_by_user ON doorward_sessions (user_id);
    CREATE INDEX IF NOT EXISTS doorward_sessions_by_provider
        ON doorward_sessions (provider_session);
    CREATE INDEX IF NOT EXISTS doorward_sessions_by_end ON doorward_sessions (expires_at);
    CREATE INDEX IF NOT EXISTS doorward_sign_ins_by_end ON doorward_sign_ins (expires_at);
    CREATE INDEX IF NOT EXISTS doorward_used_by_end ON doorward_used (expires_at);
";

pub(super) const PUT_REQUEST: &str =
    "INSERT INTO doorward_sign_ins (id, sealed, expires_at) VALUES ($1, $2, $3)";
pub(super) const TAKE_REQUEST: &str =
    "DELETE FROM doorward_sign_ins WHERE id = $1 RETURNING sealed, expires_at";
pub(super) const INSERT: &str = "
    INSERT INTO doorward_sessions
        (id, user_id, provider_session, expires_at, sealed, version, claimed_until)
    VALUES ($1, $2, $3, $4, $5, 0, 0)";
pub(super) const FIND: &str =
    "SELECT sealed, version FROM doorward_sessions WHERE id = $1 AND expires_at > $2";
pub(super) const CLAIM_RENEWAL: &str = "
    UPDATE doorward_sessions SET claimed_until = $1
    WHERE id = $2 AND version = $3 AND claimed_until <= $4";
pub(super) const REPLACE: &str = "
    UPDATE doorward_sessions SET sealed = $1, version = version + 1, claimed_until = 0
    WHERE id = $2 AND version = $3";
pub(super) const UPDATE: &str = "
    UPDATE doorward_sessions SET sealed = $1, version = version + 1
    WHERE id = $2 AND version = $3";
pub(super) const REMOVE: &str = "DELETE FROM doorward_sessions WHERE id = $1";
const REMOVE_OF_USER: &str = "DELETE FROM doorward_sessions WHERE user_id = $1";
const REMOVE_UNNAMED_OF_USER: &str =
    "DELETE FROM doorward_sessions WHERE user_id = $1 AND provider_session IS NULL";
const REMOVE_OF_PROVIDER_SESSION: &str =
    "DELETE FROM doorward_sessions WHERE provider_session = $1";
pub(super) const WAS_USED: &str = "SELECT 1 FROM doorward_used WHERE id = $1 AND expires_at > $2";
pub(super) const USE_ONCE: &str = "
    INSERT INTO doorward_used (id, expires_at) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
    WHERE doorward_used.expires_at <= $3";
/// One table after the other. None of them needs the others.
pub(super) const SWEEPS: [&str; 3] = [
    "DELETE FROM doorward_sign_ins WHERE expires_at <= $1",
    "DELETE FROM doorward_sessions WHERE expires_at <= $1",
    "DELETE FROM doorward_used WHERE expires_at <= $1",
];

/// The oldest of the sign-ins that wait, if there are more than this number.
pub(super) const SWEEP_SURPLUS: &str = "
    DELETE FROM doorward_sign_ins WHERE expires_at <= (
        SELECT expires_at FROM doorward_sign_ins ORDER BY expires_at DESC LIMIT 1 OFFSET $1)";

/// What removes these sessions, and its parameter.
pub(super) fn removal(whose: Whose) -> (&'static str, Key) {
    match whose {
        Whose::User(user) => (REMOVE_OF_USER, user),
        Whose::ProviderSession(session) => (REMOVE_OF_PROVIDER_SESSION, session),
        Whose::UserWithoutProviderSession(user) => (REMOVE_UNNAMED_OF_USER, user),
    }
}

/// A time or a version for the database, whose numbers have a sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A time or a version of the database.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
