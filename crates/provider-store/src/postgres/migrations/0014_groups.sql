-- Groups of users. The content is what the members get: claims and roles.
CREATE TABLE user_groups (
    name    TEXT COLLATE "C" PRIMARY KEY,
    content TEXT NOT NULL,              -- JSON
    version BIGINT NOT NULL             -- one more with each change
);
CREATE TABLE group_members (
    group_name TEXT COLLATE "C" NOT NULL,
    sub        TEXT NOT NULL,
    PRIMARY KEY (group_name, sub)
);
CREATE INDEX group_members_in_order ON group_members (group_name, sub COLLATE "C");
CREATE INDEX group_members_by_user ON group_members (sub, group_name);
