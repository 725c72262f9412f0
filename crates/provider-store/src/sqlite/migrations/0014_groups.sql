-- Groups of users. The content is what the members get: claims and roles.
CREATE TABLE user_groups (
    name    TEXT PRIMARY KEY,
    content TEXT NOT NULL,              -- JSON
    version INTEGER NOT NULL            -- one more with each change
) STRICT;
CREATE TABLE group_members (
    group_name TEXT NOT NULL,
    sub        TEXT NOT NULL,
    PRIMARY KEY (group_name, sub)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_by_user ON group_members (sub, group_name);
