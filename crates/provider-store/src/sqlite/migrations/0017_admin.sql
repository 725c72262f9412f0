-- Operators look for users by address and name. What was stored before is found as it is written, in lower case as far as it is
-- ASCII, until the user is written the next time.
ALTER TABLE users ADD COLUMN email TEXT;      -- verified or not, in the form in which addresses are compared
ALTER TABLE users ADD COLUMN full_name TEXT;  -- in the form in which names are compared
ALTER TABLE users ADD COLUMN admin_role TEXT; -- what the user may do in the administration
UPDATE users SET
    email = CASE WHEN json_type(claims, '$.email') = 'text' THEN nullif(lower(trim(claims ->> '$.email')), '') END,
    full_name = CASE WHEN json_type(claims, '$.name') = 'text' THEN nullif(lower(trim(claims ->> '$.name')), '') END,
    admin_role = CASE WHEN json_type(claims, '$.admin_role') = 'text' THEN claims ->> '$.admin_role' END;
CREATE INDEX users_by_email ON users (email, sub) WHERE email IS NOT NULL;
CREATE INDEX users_by_full_name ON users (full_name, sub) WHERE full_name IS NOT NULL;
CREATE INDEX users_with_admin_role ON users (normalized_username, sub) WHERE admin_role IS NOT NULL;
CREATE INDEX users_disabled ON users (normalized_username, sub) WHERE enabled = 0;

-- Keys under which a request may be repeated. The answer is encrypted, and NULL while there is none.
CREATE TABLE idempotency_keys (
    key        BLOB PRIMARY KEY,
    caller     BLOB NOT NULL,
    request    BLOB NOT NULL,
    answer     BLOB,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_caller ON idempotency_keys (caller, expires_at);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
