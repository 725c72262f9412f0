-- What SCIM clients call users and groups.
CREATE TABLE external_ids (
    client_id   TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    id          TEXT COLLATE "C" NOT NULL,  -- the sub of a user, the name of a group
    external_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (client_id, kind, id)
);
CREATE INDEX external_ids_by_external_id ON external_ids (client_id, kind, external_id, id);
CREATE INDEX external_ids_by_id ON external_ids (kind, id);

-- What people call a group, in the form in which it is compared. Until now it was the name, which is ASCII.
ALTER TABLE user_groups ADD COLUMN display_key TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE user_groups SET display_key = lower(name);
CREATE INDEX user_groups_by_display_key ON user_groups (display_key, name);
-- Names that differ in their case alone are found together. They are ASCII.
CREATE INDEX user_groups_by_lower_name ON user_groups (lower(name));
