-- Identities at other OpenID providers, each of one user.
CREATE TABLE external_identities (
  issuer     TEXT    NOT NULL,
  subject    TEXT    NOT NULL,
  sub        TEXT    NOT NULL,
  provider   TEXT    NOT NULL,          -- its name in the configuration, when it was used last
  shown      TEXT,                      -- what the provider calls the user, for people
  mapped     TEXT    NOT NULL,          -- the claims that the mapping gave at the last sign-in, as JSON
  created_at INTEGER NOT NULL,
  used_at    INTEGER,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX external_identities_by_sub ON external_identities (sub, created_at);

-- The session at another provider by which a session began.
ALTER TABLE sessions ADD COLUMN upstream_issuer TEXT;
ALTER TABLE sessions ADD COLUMN upstream_subject TEXT;
ALTER TABLE sessions ADD COLUMN upstream_sid TEXT;
CREATE INDEX sessions_by_upstream_subject ON sessions (upstream_issuer, upstream_subject) WHERE upstream_issuer IS NOT NULL;
CREATE INDEX sessions_by_upstream_sid ON sessions (upstream_issuer, upstream_sid) WHERE upstream_sid IS NOT NULL;
