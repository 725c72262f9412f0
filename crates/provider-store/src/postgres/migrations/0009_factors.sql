-- Authenticator apps (RFC 6238). One that is being set up is beside the one in use.
CREATE TABLE totp (
  sub        TEXT    NOT NULL,
  confirmed  BOOLEAN NOT NULL,
  secret     BYTEA   NOT NULL,          -- encrypted by the master key
  last_step  BIGINT  NOT NULL,          -- no code of this step or an earlier one is accepted
  failures   BIGINT  NOT NULL DEFAULT 0, -- wrong codes since the last right one
  created_at BIGINT  NOT NULL,
  PRIMARY KEY (sub, confirmed)
);
CREATE TABLE recovery_codes (
  sub     TEXT  NOT NULL,
  hash    BYTEA NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (sub, hash)
);
CREATE TABLE passkeys (
  credential_id   BYTEA   PRIMARY KEY,
  sub             TEXT    NOT NULL,
  user_handle     BYTEA   NOT NULL,     -- what the authenticator knows the user by
  name            TEXT    NOT NULL,
  credential      TEXT    NOT NULL,     -- the public key and what is checked with it, as JSON
  counter         BIGINT  NOT NULL,
  backup_eligible BOOLEAN NOT NULL,
  backed_up       BOOLEAN NOT NULL,
  created_at      BIGINT  NOT NULL,
  used_at         BIGINT
);
CREATE INDEX passkeys_by_sub ON passkeys (sub, created_at);
