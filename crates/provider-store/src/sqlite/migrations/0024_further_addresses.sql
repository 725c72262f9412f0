-- Addresses of users beside the one that is a column of theirs, in the form in which they are compared.
CREATE TABLE further_addresses (
    address TEXT NOT NULL,
    sub     TEXT NOT NULL,
    PRIMARY KEY (address, sub)
) STRICT, WITHOUT ROWID;
CREATE INDEX further_addresses_by_sub ON further_addresses (sub);
