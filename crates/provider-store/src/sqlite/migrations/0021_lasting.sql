-- Some failures are remembered for longer than others: seconds after the last one.
ALTER TABLE failed_sign_ins ADD COLUMN memory INTEGER NOT NULL DEFAULT 3600;
DROP INDEX failed_sign_ins_by_last;
CREATE INDEX failed_sign_ins_by_end ON failed_sign_ins (last + memory);

-- Users who have unlinked their identity at this issuer: no address links another one.
CREATE TABLE unlinked_issuers (
  sub    TEXT    NOT NULL,
  issuer TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (sub, issuer)
) STRICT, WITHOUT ROWID;
