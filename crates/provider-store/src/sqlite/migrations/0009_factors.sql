-- Authenticator apps (RFC 6238). One that is being set up is beside the one in use.
CREATE TABLE totp (
  sub        TEXT    NOT NULL,
  confirmed  INTEGER NOT NULL,
  secret     BLOB    NOT NULL,          -- encrypted by the master key
  last_step  INTEGER NOT NULL,          -- no code of this step or an earlier one is accepted
  failures   INTEGER NOT NULL DEFAULT 0, -- wrong codes since the last right one
  created_at INTEGER NOT NULL,
  PRIMARY KEY (sub, confirmed)
) STRICT, WITHOUT ROWID;
CREATE TABLE recovery_codes (
  sub     TEXT NOT NULL,
  hash    BLOB NOT NULL,
  used_at INTEGER,
  PRIMARY KEY (sub, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE passkeys (
  credential_id   BLOB    PRIMARY KEY,
  sub             TEXT    NOT NULL,
  user_handle     BLOB    NOT NULL,     -- what the authenticator knows the user by
  name            TEXT    NOT NULL,
  credential      TEXT    NOT NULL,     -- the public key and what is checked with it, as JSON
  counter         INTEGER NOT NULL,
  backup_eligible INTEGER NOT NULL,
  backed_up       INTEGER NOT NULL,
  created_at      INTEGER NOT NULL,
  used_at         INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_by_sub ON passkeys (sub, created_at);
