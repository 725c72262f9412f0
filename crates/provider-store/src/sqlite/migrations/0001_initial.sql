-- What is looked up, compared or expired has a typed column; the rest of an entity is JSON in `content`.
-- Moments are whole seconds since 1970-01-01 UTC. Tokens and cookies are present as SHA-256 hashes only.
--
-- Small rows found by a random hash live in their primary key's own tree (WITHOUT ROWID): an insert then touches one random
-- page and not two. Rows with JSON in them are too large for that and stay ordinary tables.
--
-- There are no foreign keys: each would need an index of its own to delete by. A token whose grant is gone or revoked is
-- useless, because every use joins the grant. So revoking is one flag on one row, and needs no index from grant to token.

PRAGMA application_id = 0x446f6f72; -- "Door"

CREATE TABLE users (
    sub                 TEXT PRIMARY KEY,
    username            TEXT NOT NULL,
    normalized_username TEXT NOT NULL UNIQUE,
    password_hash       TEXT NOT NULL,
    enabled             INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    claims              TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
    cookie_hash BLOB PRIMARY KEY,
    sub         TEXT NOT NULL,
    auth_time   INTEGER NOT NULL,
    amr         TEXT NOT NULL, -- JSON array
    sid         TEXT NOT NULL,
    address     TEXT,                   -- from where the user signed in, for the user to see
    browser     TEXT,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_sub ON sessions (sub);
CREATE INDEX sessions_by_sid ON sessions (sid);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE session_clients (          -- the clients that take part in a session
    sid       TEXT NOT NULL,
    client_id TEXT NOT NULL,
    notify    INTEGER NOT NULL CHECK (notify IN (0, 1)), -- whether it wants a logout notice
    PRIMARY KEY (sid, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE logout_notices (           -- what clients are still to be told of ended sessions
    id         INTEGER PRIMARY KEY,
    client_id  TEXT NOT NULL,
    sub        TEXT NOT NULL,
    sid        TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX logout_notices_by_client ON logout_notices (client_id, due_at);
CREATE INDEX logout_notices_by_expiry ON logout_notices (expires_at);

CREATE TABLE pushed_requests (
    hash         BLOB PRIMARY KEY,
    client_id    TEXT NOT NULL,
    params       TEXT NOT NULL,         -- form-encoded
    expires_at   INTEGER NOT NULL,
    held         INTEGER NOT NULL CHECK (held IN (0, 1)), -- whether it waits for the user
    held_session BLOB                   -- the session that the browser came with then
) STRICT;
CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);

CREATE TABLE codes (
    hash              BLOB PRIMARY KEY,
    content           TEXT NOT NULL,
    redeemed_grant_id TEXT,             -- NULL until redeemed; then the grant that a replay revokes
    expires_at        INTEGER NOT NULL,
    keep_until        INTEGER NOT NULL  -- its expiry; an hour later once redeemed, so that replays are noticed
) STRICT;
CREATE INDEX codes_by_end ON codes (keep_until);

CREATE TABLE device_codes (
    hash       BLOB PRIMARY KEY,
    user_code  BLOB NOT NULL UNIQUE,
    client_id  TEXT NOT NULL,
    request    TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    interval   INTEGER NOT NULL,        -- seconds between two polls
    polled_at  INTEGER,
    claimed_by TEXT,                    -- the user who called it up last, and who alone may answer
    answer     TEXT                     -- NULL until answered; then the grant, or nothing if it was denied
) STRICT;
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);

CREATE TABLE grants (
    id         TEXT PRIMARY KEY,
    sub        TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    sid        TEXT NOT NULL,
    offline    INTEGER NOT NULL CHECK (offline IN (0, 1)), -- whether it outlives its session
    content    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,        -- to the hour: so a use seldom costs a write
    expires_at INTEGER NOT NULL,        -- never before the end of its refresh tokens
    revoked_at INTEGER                  -- revoked grants stay until they expire
) STRICT;
CREATE INDEX grants_by_sub ON grants (sub, client_id);
CREATE INDEX grants_by_session ON grants (sid) WHERE offline = 0;
CREATE INDEX grants_by_expiry ON grants (expires_at);

CREATE TABLE refresh_tokens (
    hash            BLOB PRIMARY KEY,
    grant_id        TEXT NOT NULL,
    first_issued_at INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    consumed_at     INTEGER,            -- these three are NULL until the token is replaced by its successor
    seed            BLOB,
    successor       BLOB,
    CHECK ((consumed_at IS NULL) = (seed IS NULL) AND (consumed_at IS NULL) = (successor IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

CREATE TABLE reference_tokens (
    hash       BLOB PRIMARY KEY,
    content    TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX reference_tokens_by_expiry ON reference_tokens (expires_at);

CREATE TABLE consents (
    sub        TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    scope      TEXT NOT NULL,
    expires_at INTEGER,                 -- NULL: never
    PRIMARY KEY (sub, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_by_expiry ON consents (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE signing_keys (
    kid          TEXT PRIMARY KEY,
    algorithm    TEXT NOT NULL,
    activates_at INTEGER NOT NULL,
    sealed       BLOB NOT NULL          -- encrypted by the master key, which is not in this database
) STRICT;

CREATE TABLE single_uses (
    identity       BLOB PRIMARY KEY,    -- of a message that counts once and was presented
    forgettable_at INTEGER NOT NULL     -- when the message is too old to count anyway
) STRICT, WITHOUT ROWID;
CREATE INDEX single_uses_by_end ON single_uses (forgettable_at);

CREATE TABLE failed_sign_ins (
    key   BLOB PRIMARY KEY,
    count INTEGER NOT NULL,
    last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX failed_sign_ins_by_last ON failed_sign_ins (last);
