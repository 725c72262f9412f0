-- Who holds most of what waits for a client is read from the index alone.
DROP INDEX pushed_requests_by_client;
CREATE INDEX pushed_requests_by_client ON pushed_requests (client_id, expires_at, site, origin);
DROP INDEX device_codes_by_client;
CREATE INDEX device_codes_by_client ON device_codes (client_id, expires_at, site, origin);
