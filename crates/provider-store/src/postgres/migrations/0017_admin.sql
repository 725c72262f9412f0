-- Operators look for users by address and name. What was stored before is found as it is written, in lower case, until the user is
-- written the next time.
ALTER TABLE users ADD COLUMN email TEXT;      -- verified or not, in the form in which addresses are compared
ALTER TABLE users ADD COLUMN full_name TEXT;  -- in the form in which names are compared
ALTER TABLE users ADD COLUMN admin_role TEXT; -- what the user may do in the administration
UPDATE users SET
    email = CASE WHEN jsonb_typeof(claims::JSONB -> 'email') = 'string' THEN nullif(left(lower(trim(claims::JSONB ->> 'email')), 255), '') END,
    full_name = CASE WHEN jsonb_typeof(claims::JSONB -> 'name') = 'string' THEN nullif(left(lower(trim(claims::JSONB ->> 'name')), 255), '') END,
    admin_role = CASE WHEN jsonb_typeof(claims::JSONB -> 'admin_role') = 'string' THEN claims::JSONB ->> 'admin_role' END;
CREATE INDEX users_by_email ON users (email COLLATE "C", sub COLLATE "C") WHERE email IS NOT NULL;
CREATE INDEX users_by_full_name ON users (full_name COLLATE "C", sub COLLATE "C") WHERE full_name IS NOT NULL;
CREATE INDEX users_with_admin_role ON users (normalized_username COLLATE "C", sub COLLATE "C") WHERE admin_role IS NOT NULL;
CREATE INDEX users_disabled ON users (normalized_username COLLATE "C", sub COLLATE "C") WHERE NOT enabled;

-- Keys under which a request may be repeated. The answer is encrypted, and NULL while there is none.
CREATE TABLE idempotency_keys (
    key        BYTEA PRIMARY KEY,
    caller     BYTEA NOT NULL,
    request    BYTEA NOT NULL,
    answer     BYTEA,
    expires_at BIGINT NOT NULL
);
CREATE INDEX idempotency_keys_by_caller ON idempotency_keys (caller, expires_at);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
