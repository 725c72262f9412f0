-- The identifiers of users who were removed, hashed: none is given again (OIDC Core section 2).
CREATE TABLE used_subs (
    hash BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
-- An IPv6 site has many networks, so that it has a bound of its own; hashed with the client.
ALTER TABLE pushed_requests ADD COLUMN site BLOB;
CREATE INDEX pushed_requests_by_site ON pushed_requests (site, expires_at) WHERE site IS NOT NULL;
ALTER TABLE device_codes ADD COLUMN site BLOB;
CREATE INDEX device_codes_by_site ON device_codes (site, expires_at) WHERE site IS NOT NULL;
