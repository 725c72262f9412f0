-- Clients that registered themselves (RFC 7591). They are apart from the others, which every
-- process keeps in memory.
CREATE TABLE registered_clients (
  client_id  TEXT    PRIMARY KEY,
  metadata   TEXT    NOT NULL,
  secret     BLOB,                      -- SHA-256
  management BLOB    NOT NULL,          -- hash of the registration access token (RFC 7592)
  issued_at  INTEGER NOT NULL,
  used       INTEGER NOT NULL,          -- whether tokens were issued to it
  expires_at INTEGER NOT NULL,
  origin     BLOB    NOT NULL,          -- hash of the address that it came from
  site       BLOB                       -- hash of the IPv6 site
) STRICT, WITHOUT ROWID;
CREATE INDEX registered_clients_by_expiry ON registered_clients (expires_at);
CREATE INDEX registered_clients_unused ON registered_clients (expires_at) WHERE used = 0;
CREATE INDEX registered_clients_by_origin ON registered_clients (origin) WHERE used = 0;
CREATE INDEX registered_clients_by_site ON registered_clients (site)
  WHERE used = 0 AND site IS NOT NULL;
-- Initial access tokens: who has one may register clients with it.
CREATE TABLE registration_tokens (
  id         TEXT    PRIMARY KEY,
  hash       BLOB    NOT NULL UNIQUE,
  note       TEXT,
  uses_left  INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX registration_tokens_by_expiry ON registration_tokens (expires_at);
