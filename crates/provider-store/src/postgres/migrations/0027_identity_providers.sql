-- Other providers by which users sign in, beside those of the configuration.
CREATE TABLE identity_providers (
    name       TEXT COLLATE "C" PRIMARY KEY,
    settings   TEXT NOT NULL,           -- JSON, without secrets
    credential TEXT NOT NULL,           -- what the client authenticates by: client_secret or client_key
    sealed     BYTEA NOT NULL           -- the secret or the key, encrypted by the master key
);
CREATE TABLE identity_providers_version (   -- one row; another number after each change of a provider
    version BIGINT NOT NULL
);
INSERT INTO identity_providers_version (version) VALUES (1);
