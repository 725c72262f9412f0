-- Mails that wait to be sent. A mail is removed at once when it is sent, and swept when it expires.
CREATE TABLE outbox (
    id         TEXT PRIMARY KEY,
    recipient  TEXT NOT NULL,
    kind       TEXT NOT NULL,
    language   TEXT NOT NULL,
    data       TEXT NOT NULL,           -- JSON
    sub        TEXT,
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    error      TEXT,                    -- why the last attempt failed
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due_at);
CREATE INDEX outbox_by_age ON outbox (created_at, id);
CREATE INDEX outbox_by_user ON outbox (sub) WHERE sub IS NOT NULL;
CREATE INDEX outbox_by_expiry ON outbox (expires_at);
