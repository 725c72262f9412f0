-- Addresses of users beside the one that is a column of theirs, in the form in which they are compared.
CREATE TABLE further_addresses (
    address TEXT COLLATE "C" NOT NULL,
    sub     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (address, sub)
);
CREATE INDEX further_addresses_by_sub ON further_addresses (sub);

-- What was stored before is found as it is written, in lower case, until the user is written the next time. Claims with the character NUL
-- are no JSONB: their users are left out until then. A backslash is chr(92), whatever standard_conforming_strings says.
INSERT INTO further_addresses (address, sub)
    SELECT DISTINCT address, sub FROM (
        SELECT sub, email, left(lower(trim(CASE jsonb_typeof(entry -> 'value') WHEN 'string' THEN entry ->> 'value' END)), 255) AS address
        FROM users, jsonb_array_elements(CASE WHEN strpos(claims, chr(92) || 'u0000') > 0 THEN '[]'
            ELSE CASE jsonb_typeof(claims::JSONB #> '{scim,emails}') WHEN 'array'
                THEN claims::JSONB #> '{scim,emails}' ELSE '[]' END END) AS entry) AS stored
    WHERE address <> '' AND address IS DISTINCT FROM email;
