-- Who did what. Records are only added, and removed by age: what changes about them is in other tables.
CREATE TABLE audit_records (
    number      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    at          BIGINT NOT NULL,
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
    mac         BYTEA NOT NULL
);
CREATE INDEX audit_records_by_time ON audit_records (at, number);
CREATE INDEX audit_records_by_event ON audit_records (event, at, number);
CREATE INDEX audit_records_by_outcome ON audit_records (outcome, at, number);
CREATE INDEX audit_records_by_actor_kind ON audit_records (actor_kind, at, number);
CREATE INDEX audit_records_by_actor ON audit_records (actor, at, number) WHERE actor IS NOT NULL;
CREATE INDEX audit_records_by_sub ON audit_records (sub, at, number) WHERE sub IS NOT NULL;
CREATE INDEX audit_records_by_object_kind ON audit_records (object_kind, at, number) WHERE object_kind IS NOT NULL;
CREATE INDEX audit_records_by_object ON audit_records (object, at, number) WHERE object IS NOT NULL;
CREATE INDEX audit_records_by_client ON audit_records (client_id, at, number) WHERE client_id IS NOT NULL;
CREATE INDEX audit_records_by_address ON audit_records (address, at, number) WHERE address IS NOT NULL;
CREATE INDEX audit_records_by_user_agent ON audit_records (user_agent, at, number) WHERE user_agent IS NOT NULL;
CREATE INDEX audit_records_by_request ON audit_records (request_id, at, number) WHERE request_id IS NOT NULL;

-- The records that are not sealed yet.
CREATE TABLE audit_waiting (
    number BIGINT PRIMARY KEY
);

-- The places of the chain.
CREATE TABLE audit_seals (
    position BIGINT PRIMARY KEY,
    number   BIGINT NOT NULL UNIQUE,
    link     BYTEA NOT NULL
);

CREATE TABLE audit_chain (
    id            BIGINT PRIMARY KEY CHECK (id = 1),
    base_position BIGINT NOT NULL,
    base_link     BYTEA NOT NULL,
    head_position BIGINT NOT NULL,
    head_link     BYTEA NOT NULL,
    proof         BYTEA NOT NULL
);

CREATE TABLE audit_key (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    sealed BYTEA NOT NULL
);

-- How far the webhook has got.
CREATE TABLE audit_delivery (
    id       BIGINT PRIMARY KEY CHECK (id = 1),
    position BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at   BIGINT NOT NULL
);
