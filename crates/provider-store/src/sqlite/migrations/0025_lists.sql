-- Each list of the administration reads an index in its order, and no row that it does not show.
CREATE INDEX users_enabled ON users (normalized_username, sub) WHERE enabled = 1;
CREATE INDEX users_enabled_by_email ON users (email, sub) WHERE email IS NOT NULL AND enabled = 1;
CREATE INDEX users_enabled_by_full_name ON users (full_name, sub) WHERE full_name IS NOT NULL AND enabled = 1;
CREATE INDEX tickets_by_purpose ON tickets (purpose, expires_at, hash);
