-- Clients that registered themselves (RFC 7591). They are apart from the others, which every
-- process keeps in memory.
CREATE TABLE registered_clients (
  client_id  TEXT COLLATE "C" PRIMARY KEY,
  metadata   TEXT    NOT NULL,
  secret     BYTEA,                     -- SHA-256
  management BYTEA   NOT NULL,          -- hash of the registration access token (RFC 7592)
  issued_at  BIGINT  NOT NULL,
  used       BOOLEAN NOT NULL,          -- whether tokens were issued to it
  expires_at BIGINT  NOT NULL,
  origin     BYTEA   NOT NULL,          -- hash of the address that it came from
  site       BYTEA                      -- hash of the IPv6 site
);
CREATE INDEX registered_clients_by_expiry ON registered_clients (expires_at);
CREATE INDEX registered_clients_unused ON registered_clients (expires_at) WHERE NOT used;
CREATE INDEX registered_clients_by_origin ON registered_clients (origin) WHERE NOT used;
CREATE INDEX registered_clients_by_site ON registered_clients (site)
  WHERE NOT used AND site IS NOT NULL;
-- Initial access tokens: who has one may register clients with it.
CREATE TABLE registration_tokens (
  id         TEXT COLLATE "C" PRIMARY KEY,
  hash       BYTEA  NOT NULL UNIQUE,
  note       TEXT,
  uses_left  BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX registration_tokens_by_expiry ON registration_tokens (expires_at);
