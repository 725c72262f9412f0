-- Each list of the administration reads an index in its order, and no row that it does not show.
CREATE INDEX users_enabled ON users (normalized_username COLLATE "C", sub COLLATE "C") WHERE enabled;
CREATE INDEX users_enabled_by_email ON users (email COLLATE "C", sub COLLATE "C") WHERE email IS NOT NULL AND enabled;
CREATE INDEX users_enabled_by_full_name ON users (full_name COLLATE "C", sub COLLATE "C") WHERE full_name IS NOT NULL AND enabled;
CREATE INDEX clients_in_order ON clients (client_id COLLATE "C");
CREATE INDEX tickets_by_purpose ON tickets (purpose, expires_at, hash);

-- Of an expression, so that a search by a column never reads all records in their order in the hope to find some soon.
DROP INDEX audit_records_by_time;
CREATE INDEX audit_records_by_instant ON audit_records ((at + 0), number);
