-- Clients live in the store: the configuration's are imported at each start, others are added by command.
CREATE TABLE clients (
    client_id  TEXT PRIMARY KEY,
    settings   TEXT NOT NULL,           -- JSON under the names of the configuration, secrets hashed
    configured INTEGER NOT NULL CHECK (configured IN (0, 1))
) STRICT;

CREATE TABLE clients_version (          -- one row; another number after each change of a client
    version INTEGER NOT NULL
) STRICT;
INSERT INTO clients_version (version) VALUES (1);

CREATE TABLE imported_users (           -- users as the configuration had them at the last import
    sub           TEXT PRIMARY KEY,
    username      TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    claims        TEXT NOT NULL
) STRICT;
