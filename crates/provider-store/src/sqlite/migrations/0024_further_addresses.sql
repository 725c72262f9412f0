-- Addresses of users beside the one that is a column of theirs, in the form in which they are compared.
CREATE TABLE further_addresses (
    address TEXT NOT NULL,
    sub     TEXT NOT NULL,
    PRIMARY KEY (address, sub)
) STRICT, WITHOUT ROWID;
CREATE INDEX further_addresses_by_sub ON further_addresses (sub);

-- What was stored before is found as it is written, in lower case as far as it is ASCII, until the user is written the next time.
INSERT INTO further_addresses (address, sub)
    SELECT DISTINCT address, sub FROM (
        SELECT users.sub, users.email, substr(lower(trim(CASE WHEN entry.type = 'object' THEN
            CASE json_type(entry.value, '$.value') WHEN 'text' THEN entry.value ->> '$.value' END END)), 1, 255) AS address
        FROM users, json_each(users.claims, '$.scim.emails') AS entry
        WHERE json_type(users.claims, '$.scim.emails') = 'array')
    WHERE address <> '' AND address IS NOT email;
