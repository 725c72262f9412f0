-- Of a family of refresh tokens two are kept: the last, and the one that it replaced.
ALTER TABLE refresh_tokens ADD COLUMN predecessor BLOB; -- forgotten when this one is replaced; NULL: it is kept
ALTER TABLE grants ADD COLUMN renewable_until INTEGER;  -- when the last refresh token ends; NULL: none is known
