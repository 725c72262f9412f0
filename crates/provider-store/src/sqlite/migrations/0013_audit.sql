-- Who did what. Records are only added, and removed by age: what changes about them is in other tables.
CREATE TABLE audit_records (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again
    id          TEXT NOT NULL UNIQUE,
    at          INTEGER NOT NULL,
    event       TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor       TEXT,
    sub         TEXT,
    object_kind TEXT,
    object      TEXT,
    client_id   TEXT,
    address     TEXT,
    user_agent  TEXT,
    request_id  TEXT,
    data        TEXT NOT NULL,              -- JSON, as it was stamped
    mac         BLOB NOT NULL
) STRICT;
CREATE INDEX audit_records_by_time ON audit_records (at);
CREATE INDEX audit_records_by_event ON audit_records (event, at);
CREATE INDEX audit_records_by_outcome ON audit_records (outcome, at);
CREATE INDEX audit_records_by_actor_kind ON audit_records (actor_kind, at);
CREATE INDEX audit_records_by_actor ON audit_records (actor, at) WHERE actor IS NOT NULL;
CREATE INDEX audit_records_by_sub ON audit_records (sub, at) WHERE sub IS NOT NULL;
CREATE INDEX audit_records_by_object_kind ON audit_records (object_kind, at) WHERE object_kind IS NOT NULL;
CREATE INDEX audit_records_by_object ON audit_records (object, at) WHERE object IS NOT NULL;
CREATE INDEX audit_records_by_client ON audit_records (client_id, at) WHERE client_id IS NOT NULL;
CREATE INDEX audit_records_by_address ON audit_records (address, at) WHERE address IS NOT NULL;
CREATE INDEX audit_records_by_user_agent ON audit_records (user_agent, at) WHERE user_agent IS NOT NULL;
CREATE INDEX audit_records_by_request ON audit_records (request_id, at) WHERE request_id IS NOT NULL;

-- The records that are not sealed yet.
CREATE TABLE audit_waiting (
    number INTEGER PRIMARY KEY
) STRICT;

-- The places of the chain.
CREATE TABLE audit_seals (
    position INTEGER PRIMARY KEY,
    number   INTEGER NOT NULL UNIQUE,
    link     BLOB NOT NULL
) STRICT;

CREATE TABLE audit_chain (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    base_position INTEGER NOT NULL,
    base_link     BLOB NOT NULL,
    head_position INTEGER NOT NULL,
    head_link     BLOB NOT NULL,
    proof         BLOB NOT NULL
) STRICT;

CREATE TABLE audit_key (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    sealed BLOB NOT NULL
) STRICT;

-- How far the webhook has got.
CREATE TABLE audit_delivery (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at   INTEGER NOT NULL
) STRICT;
