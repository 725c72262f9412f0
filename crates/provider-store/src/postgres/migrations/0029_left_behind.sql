-- Users who were disabled, and clients that were removed, of whom there are rows to remove.
CREATE TABLE left_behind (
    kind   TEXT   NOT NULL, -- user or client
    id     TEXT   NOT NULL, -- the sub of the user, or the client_id
    due_at BIGINT NOT NULL, -- 0 as long as rows are found; then when a client is looked at once more
    PRIMARY KEY (kind, id)
);
CREATE INDEX left_behind_by_due ON left_behind (due_at);
