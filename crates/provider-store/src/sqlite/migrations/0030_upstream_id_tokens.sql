-- ID tokens of sessions at other providers, by which those are ended there.
CREATE TABLE upstream_id_tokens (
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    sid        TEXT NOT NULL,   -- what the provider calls the session; empty if it has no name
    sealed     BLOB NOT NULL,   -- the ID token, encrypted by the master key
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject, sid)
) STRICT;
CREATE INDEX upstream_id_tokens_by_expiry ON upstream_id_tokens (expires_at);
