-- Whatever is listed, counted or removed by user, client or grant is found by an index, one page at a time.
-- In the order of bytes, so that a list by name does not depend on the database's language.
CREATE INDEX users_by_name ON users (normalized_username COLLATE "C");

DROP INDEX sessions_by_sub;
CREATE INDEX sessions_by_user ON sessions (sub, auth_time, sid COLLATE "C");
CREATE INDEX session_clients_by_client ON session_clients (client_id);

DROP INDEX codes_unredeemed;
CREATE INDEX codes_by_client ON codes ((content::JSONB -> 'grant' ->> 'client_id'), (content::JSONB -> 'grant' -> 'authentication' ->> 'sub'));

CREATE INDEX device_codes_by_client ON device_codes (client_id, expires_at);

DROP INDEX grants_by_sub;
CREATE INDEX grants_by_user ON grants (sub, client_id, created_at);
CREATE INDEX grants_by_client ON grants (client_id);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);

-- The grant, or else the client, that the token was issued for: it has a limited number of them. Empty: from before there was a limit.
ALTER TABLE reference_tokens ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE INDEX reference_tokens_by_owner ON reference_tokens (owner, expires_at);
CREATE INDEX reference_tokens_by_client ON reference_tokens ((content::JSONB ->> 'client_id'));

CREATE INDEX pushed_requests_by_client ON pushed_requests (client_id, expires_at);
CREATE INDEX consents_by_client ON consents (client_id);

-- The next four notices of a client are read in the order of the index, without sorting all that are due.
DROP INDEX logout_notices_by_client;
CREATE INDEX logout_notices_by_client ON logout_notices (client_id, due_at, id);
CREATE INDEX logout_notices_by_due ON logout_notices (due_at);
