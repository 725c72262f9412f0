-- A user may have no password: one who was invited, or who signs in by passkeys. A verified e-mail address belongs to one user; it is
-- NULL until the user is written the next time, except where the address of a user from before is plain and nobody else's.
ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL;
ALTER TABLE imported_users ALTER COLUMN password_hash DROP NOT NULL;
ALTER TABLE users ADD COLUMN verified_email TEXT; -- in the form in which addresses are compared
UPDATE users SET verified_email = lower(claims::JSONB ->> 'email')
    WHERE claims::JSONB -> 'email_verified' = 'true'::JSONB AND claims::JSONB ->> 'email' ~ '^[!-~]+@[!-~]+$'
      AND (SELECT count(*) FROM users other WHERE lower(other.claims::JSONB ->> 'email') = lower(users.claims::JSONB ->> 'email')) = 1;
CREATE UNIQUE INDEX users_by_verified_email ON users (verified_email);

-- What a person or their browser carries to finish later what was begun: links in mails, invitations, second steps.
CREATE TABLE tickets (
    hash       BYTEA PRIMARY KEY,
    purpose    TEXT NOT NULL,
    sub        TEXT,
    about      TEXT,                    -- what they are counted by against a limit
    data       TEXT NOT NULL,           -- JSON
    failures   BIGINT NOT NULL,         -- wrong guesses so far
    expires_at BIGINT NOT NULL
);
CREATE INDEX tickets_by_about ON tickets (purpose, about, expires_at) WHERE about IS NOT NULL;
CREATE INDEX tickets_by_user ON tickets (sub) WHERE sub IS NOT NULL;
CREATE INDEX tickets_by_expiry ON tickets (expires_at);
