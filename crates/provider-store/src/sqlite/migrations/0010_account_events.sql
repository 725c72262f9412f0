-- What happened to accounts, for their owners.
CREATE TABLE account_events (
    number  INTEGER PRIMARY KEY,        -- a later event has a greater one
    sub     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    address TEXT,
    browser TEXT,
    detail  TEXT
) STRICT;
CREATE INDEX account_events_by_user ON account_events (sub, number);
CREATE INDEX account_events_by_time ON account_events (at);
