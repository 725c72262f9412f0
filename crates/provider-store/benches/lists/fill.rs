//! What fills a database for the bench: the same rows on both, made by the database itself.

/// How many rows there are.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub users: u64,
    pub events: u64,
}

/// What a user of many sessions, grants and account events has of each.
pub const OF_ONE_USER: u64 = 5_000;
/// How many groups, clients, invitations, mails.
pub const GROUPS: u64 = 1_000;
pub const CLIENTS: u64 = 5_000;
pub const INVITATIONS: u64 = 5_000;
pub const MAILS: u64 = 5_000;
/// Tickets of other purposes than invitations.
pub const OTHER_TICKETS: u64 = 200_000;
/// The clients that events name.
pub const NAMED_CLIENTS: u64 = 500;
/// The time that the events are spread over: a year.
pub const YEAR: u64 = 31_536_000;

/// How one database writes what the rows are made of.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// A character by its number.
    pub letter: fn(&str) -> String,
    pub yes: &'static str,
    pub no: &'static str,
    /// An expression as a number of eight digits.
    pub padded: fn(&str) -> String,
    /// 32 bytes that differ in each row.
    pub bytes: &'static str,
    /// The numbers `i` from 1 to this one, as a table.
    pub numbers: fn(u64) -> String,
}

pub const SQLITE: Dialect = Dialect {
    letter: |number| format!("char({number})"),
    yes: "1",
    no: "0",
    padded: |number| format!("printf('%08d', {number})"),
    bytes: "randomblob(32)",
    numbers: |last| {
        format!(
            "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last})
              SELECT i FROM n)"
        )
    },
};

#[cfg(feature = "postgres")]
pub const POSTGRES: Dialect = Dialect {
    letter: |number| format!("chr(({number})::INTEGER)"),
    yes: "TRUE",
    no: "FALSE",
    padded: |number| format!("lpad(({number})::TEXT, 8, '0')"),
    bytes: "sha256(i::TEXT::BYTEA)",
    numbers: |last| format!("generate_series(1::BIGINT, {last}) AS n (i)"),
};

/// The `sub` of a user, by number.
pub fn sub(number: u64) -> String {
    format!("user-{number:08}")
}

/// The tables that are filled, whose indexes are made after the rows.
pub const TABLES: [&str; 11] = [
    "users",
    "user_groups",
    "group_members",
    "sessions",
    "grants",
    "clients",
    "tickets",
    "outbox",
    "account_events",
    "audit_records",
    "audit_seals",
];

impl Dialect {
    /// The statements that fill the tables. What they end on is `now`.
    pub fn statements(self, sizes: Sizes, now: i64) -> Vec<String> {
        [
            vec![self.users(sizes.users), self.groups(), self.members(sizes.users)],
            self.of_one_user(now),
            vec![self.clients(), self.invitations(now), self.other_tickets(now), self.mails(now)],
            vec![self.events(sizes, now), self.seals(sizes.events), self.chain(sizes.events)],
        ]
        .concat()
    }

    /// Three letters by a number.
    fn letters(self, number: &str) -> String {
        let letter = |part: &str| (self.letter)(&format!("97 + (({number}) {part}) % 26"));
        format!("{} || {} || {}", letter("/ 676"), letter("/ 26"), letter("/ 1"))
    }

    /// Each two hundredth is disabled, each twenty thousandth administers.
    fn users(self, users: u64) -> String {
        let Self { yes, no, numbers, padded, .. } = self;
        let (first, second) =
            (self.letters("i * 7919 % 17576"), self.letters("i * 104729 % 17576"));
        let (sub, rows) = (padded("i"), numbers(users));
        format!(
            "INSERT INTO users (sub, username, normalized_username, password_hash, enabled, claims,
                 verified_email, email, full_name, admin_role)
             SELECT 'user-' || {sub}, {first} || '.' || i, {first} || '.' || i,
                 '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$' ||
                 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
                 CASE WHEN i % 200 = 0 THEN {no} ELSE {yes} END,
                 '{{\"preferred_username\":\"' || {first} || '.' || i || '\",\"email\":\"' ||
                 {second} || i || '@example.com\",\"email_verified\":true,\"name\":\"' ||
                 {second} || ' ' || {first} || '\",\"role\":[\"user\"]}}',
                 {second} || i || '@example.com', {second} || i || '@example.com',
                 {second} || ' ' || {first}, CASE WHEN i % 20000 = 1 THEN 'auditor' END
             FROM {rows}"
        )
    }

    fn groups(self) -> String {
        let (name, rows) = ((self.padded)("i"), (self.numbers)(GROUPS));
        format!(
            "INSERT INTO user_groups (name, content, version, display_key)
             SELECT 'group-' || {name}, '{{\"name\":\"group-' || {name} || '\",\"roles\":[\"r\"]}}',
                 1, 'group-' || {name}
             FROM {rows}"
        )
    }

    /// Everybody is in the first group, and in one of the others.
    fn members(self, users: u64) -> String {
        let (first, other) = ((self.padded)("1"), (self.padded)("i % (1000 - 1) + 2"));
        let (sub, rows) = ((self.padded)("i"), (self.numbers)(users));
        format!(
            "INSERT INTO group_members (group_name, sub)
             SELECT 'group-' || {first}, 'user-' || {sub} FROM {rows};
             INSERT INTO group_members (group_name, sub)
             SELECT 'group-' || {other}, 'user-' || {sub} FROM {rows};
             UPDATE group_members SET username = (
                 SELECT normalized_username FROM users WHERE users.sub = group_members.sub)"
        )
    }

    /// Sessions, grants and account events of the second user.
    fn of_one_user(self, now: i64) -> Vec<String> {
        let Self { no, bytes, .. } = self;
        let (sub, rows) = (sub(2), (self.numbers)(OF_ONE_USER));
        vec![
            format!(
                "INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at)
                 SELECT {bytes}, '{sub}', {now} - i % 86400, '[\"pwd\"]', 'sid-' || i,
                     {now} + 864000 FROM {rows}"
            ),
            format!(
                "INSERT INTO grants (id, sub, client_id, sid, offline, content, created_at, used_at,
                     expires_at)
                 SELECT 'grant-' || i, '{sub}', 'client-' || (i % 1000), 'sid-' || i, {no},
                     '{{\"scope\":\"openid profile\"}}', {now}, {now}, {now} + 864000 FROM {rows}"
            ),
            format!(
                "INSERT INTO account_events (sub, at, kind, address, browser)
                 SELECT '{sub}', {now} - i, 'signed_in', '192.0.2.1', 'Firefox' FROM {}",
                (self.numbers)(200)
            ),
        ]
    }

    fn clients(self) -> String {
        let Self { no, numbers, .. } = self;
        format!(
            "INSERT INTO clients (client_id, settings, configured)
             SELECT 'client-' || i, '{{\"client_id\":\"client-' || i ||
                 '\",\"client_name\":\"C\",' ||
                 '\"allowed_scopes\":[\"openid\",\"profile\"]}}', {no} FROM {}",
            numbers(CLIENTS)
        )
    }

    fn invitations(self, now: i64) -> String {
        let Self { bytes, numbers, .. } = self;
        format!(
            "INSERT INTO tickets (hash, purpose, sub, about, data, failures, expires_at)
             SELECT {bytes}, 'invitation', NULL, 'guest' || i || '@example.com',
                 '{{\"email\":\"guest@example.com\"}}', 0, {now} + 86400 + i FROM {}",
            numbers(INVITATIONS)
        )
    }

    /// They expire before the invitations.
    fn other_tickets(self, now: i64) -> String {
        // Other bytes than those of the invitations, where bytes follow from the number.
        let (bytes, rows) = (self.bytes.replace("i::", "(-i)::"), (self.numbers)(OTHER_TICKETS));
        format!(
            "INSERT INTO tickets (hash, purpose, sub, about, data, failures, expires_at)
             SELECT {bytes}, 'reset_password', NULL, NULL, '{{}}', 0, {now} + 3600 + i % 3600
             FROM {rows}"
        )
    }

    fn mails(self, now: i64) -> String {
        let (id, rows) = ((self.padded)("i * 7919 % 5003"), (self.numbers)(MAILS));
        format!(
            "INSERT INTO outbox (id, recipient, kind, language, data, sub, attempts, due_at,
                 created_at, expires_at, address)
             SELECT 'mail-' || {id}, 'a@example.com', 'reset_password', 'en', '{{}}', NULL, 0,
                 {now}, {now} - 5000 + i, {now} + 864000, 'a' || i || '@example.com' FROM {rows}"
        )
    }

    /// Most are sign-ins and tokens, some are rare. The codes are of no key: no list checks them.
    fn events(self, Sizes { users, events }: Sizes, now: i64) -> String {
        let Self { bytes, padded, numbers, .. } = self;
        let (number, sub) = (padded("i"), padded(&format!("i * 7919 % {users} + 1")));
        let rows = numbers(events);
        let by = "CASE WHEN i % 100000 = 7 THEN 0 WHEN i % 100 < 60 THEN 1 WHEN i % 100 < 80 THEN 2
                  WHEN i % 100 < 90 THEN 3 WHEN i % 100 < 97 THEN 4 WHEN i % 100 < 99 THEN 5 ELSE 6
                  END AS kind";
        let client =
            format!("CASE i % 3 WHEN 0 THEN 'page' ELSE 'client-' || (i % {NAMED_CLIENTS}) END");
        format!(
            "INSERT INTO audit_records (id, at, event, outcome, actor_kind, actor, sub, object_kind,
                 object, client_id, address, user_agent, request_id, data, mac)
             SELECT 'record-' || {number}, {now} - {YEAR} + i * {YEAR} / {events},
                 CASE kind WHEN 0 THEN 'key_retired' WHEN 1 THEN 'signed_in' WHEN 2 THEN
                     'tokens_issued' WHEN 3 THEN 'sign_in_refused' WHEN 4 THEN 'consent_given'
                     WHEN 5 THEN 'user_changed' ELSE 'group_member_added' END,
                 CASE WHEN kind = 3 THEN 'refused' WHEN i % 10000 = 3 THEN 'failed'
                     WHEN i % 1000 = 5 THEN 'denied' ELSE 'succeeded' END,
                 CASE kind WHEN 0 THEN 'system' WHEN 2 THEN 'client' WHEN 3 THEN 'anonymous'
                     WHEN 5 THEN 'operator' ELSE 'user' END,
                 CASE kind WHEN 0 THEN NULL WHEN 2 THEN {client} WHEN 3 THEN NULL WHEN 5 THEN 'root'
                     ELSE 'user-' || {sub} END,
                 CASE kind WHEN 0 THEN NULL WHEN 3 THEN NULL ELSE 'user-' || {sub} END,
                 CASE kind WHEN 0 THEN 'kid' WHEN 4 THEN 'client_id' WHEN 6 THEN 'group' END,
                 CASE kind WHEN 0 THEN 'kid-' || i WHEN 4 THEN {client} WHEN 6 THEN
                     'group-' || (i % {GROUPS}) END,
                 CASE kind WHEN 0 THEN NULL WHEN 5 THEN NULL ELSE {client} END,
                 CASE WHEN kind = 0 THEN NULL WHEN i % 10 = 0 THEN '192.0.2.7'
                     ELSE '10.' || (i % 200) || '.' || (i * 31 % 250) || '.' || (i * 17 % 250) END,
                 CASE WHEN kind <> 0 THEN
                     'Mozilla/5.0 (X11; Linux x86_64; rv:' || (i % 20) || '.0) Gecko/20100101' END,
                 CASE WHEN kind <> 0 THEN 'request-' || (i / 2) END,
                 '{{\"details\":{{\"grant_type\":\"authorization_code\",\"acr\":\"1\"}}}}', {bytes}
             FROM (SELECT i, {by} FROM {rows}) AS made ORDER BY i"
        )
    }

    fn seals(self, events: u64) -> String {
        let (bytes, rows) = (self.bytes, (self.numbers)(events));
        format!("INSERT INTO audit_seals (position, number, link) SELECT i, i, {bytes} FROM {rows}")
    }

    fn chain(self, events: u64) -> String {
        let bytes = self.bytes;
        format!(
            "INSERT INTO audit_chain (id, base_position, base_link, head_position, head_link, proof)
             SELECT 1, 0, {bytes}, {events}, {bytes}, {bytes} FROM {}",
            (self.numbers)(1)
        )
    }
}
