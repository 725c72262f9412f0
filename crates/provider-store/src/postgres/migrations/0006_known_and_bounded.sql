-- Who has signed in where: these pass the throttle's wide limits.
CREATE TABLE known_sign_ins (
    key  BYTEA PRIMARY KEY,             -- account and browser, or account and address, hashed
    last BIGINT NOT NULL
);
CREATE INDEX known_sign_ins_by_last ON known_sign_ins (last);
-- What a public client asks for from one address is bounded; the origin is the hash of both.
ALTER TABLE pushed_requests ADD COLUMN origin BYTEA;
CREATE INDEX pushed_requests_by_origin ON pushed_requests (origin, expires_at) WHERE origin IS NOT NULL;
ALTER TABLE device_codes ADD COLUMN origin BYTEA;
CREATE INDEX device_codes_by_origin ON device_codes (origin, expires_at) WHERE origin IS NOT NULL;
