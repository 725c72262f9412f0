-- A user may have no password: one who was invited, or who signs in by passkeys. SQLite can't take NOT NULL off a column, so the
-- tables are built anew. A verified e-mail address belongs to one user; it is NULL until the user is written the next time, except
-- where the address of a user from before is plain and nobody else's.
CREATE TABLE users_anew (
    sub                 TEXT PRIMARY KEY,
    username            TEXT NOT NULL,
    normalized_username TEXT NOT NULL UNIQUE,
    password_hash       TEXT,
    enabled             INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    claims              TEXT NOT NULL,
    verified_email      TEXT UNIQUE     -- in the form in which addresses are compared
) STRICT;
INSERT INTO users_anew (sub, username, normalized_username, password_hash, enabled, claims)
    SELECT sub, username, normalized_username, password_hash, enabled, claims FROM users;
DROP TABLE users;
ALTER TABLE users_anew RENAME TO users;
UPDATE users SET verified_email = lower(claims ->> '$.email')
    WHERE json_type(claims, '$.email_verified') = 'true' AND json_type(claims, '$.email') = 'text'
      AND claims ->> '$.email' NOT GLOB '*[^!-~]*'
      AND (SELECT count(*) FROM users other WHERE lower(other.claims ->> '$.email') = lower(users.claims ->> '$.email')) = 1;

CREATE TABLE imported_users_anew (      -- users as the configuration had them at the last import
    sub           TEXT PRIMARY KEY,
    username      TEXT NOT NULL,
    password_hash TEXT,
    enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    claims        TEXT NOT NULL
) STRICT;
INSERT INTO imported_users_anew SELECT sub, username, password_hash, enabled, claims FROM imported_users;
DROP TABLE imported_users;
ALTER TABLE imported_users_anew RENAME TO imported_users;

-- What a person or their browser carries to finish later what was begun: links in mails, invitations, second steps.
CREATE TABLE tickets (
    hash       BLOB PRIMARY KEY,
    purpose    TEXT NOT NULL,
    sub        TEXT,
    about      TEXT,                    -- what they are counted by against a limit
    data       TEXT NOT NULL,           -- JSON
    failures   INTEGER NOT NULL,        -- wrong guesses so far
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tickets_by_about ON tickets (purpose, about, expires_at) WHERE about IS NOT NULL;
CREATE INDEX tickets_by_user ON tickets (sub) WHERE sub IS NOT NULL;
CREATE INDEX tickets_by_expiry ON tickets (expires_at);
