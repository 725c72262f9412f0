-- Members of a group, invitations and mails are found by the beginning of a name or of an address.
ALTER TABLE group_members ADD COLUMN username TEXT; -- of the user, in the form in which user names are compared
UPDATE group_members SET username = (SELECT normalized_username FROM users WHERE users.sub = group_members.sub);
CREATE INDEX group_members_by_username ON group_members (group_name, username COLLATE "C", sub COLLATE "C") WHERE username IS NOT NULL;

-- What was stored before is found as it is written, in lower case. It is sent or given up within days.
ALTER TABLE outbox ADD COLUMN address TEXT; -- the recipient, in the form in which addresses are compared
ALTER TABLE outbox ADD COLUMN client_id TEXT; -- whose look the mail has
UPDATE outbox SET address = lower(trim(recipient));
CREATE INDEX outbox_by_address ON outbox (address COLLATE "C", id COLLATE "C") WHERE address IS NOT NULL;

CREATE INDEX tickets_in_order_of_about ON tickets (purpose, about COLLATE "C", hash) WHERE about IS NOT NULL;
