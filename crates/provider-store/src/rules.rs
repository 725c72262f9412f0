//! The numbers and pure rules that both stores share and that SQL does not express.

use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        session::UpstreamSession,
        time::{Seconds, Timestamp},
        token_handle::SuccessorSeed,
        user::{User, normalized_username},
        user_query::{UserCursor, UserFilter, UserOrder, UserQuery},
    },
    store::{Rotation, SkippedUser},
};

/// Seconds that a redeemed code is kept beyond its expiry, so that a replay is noticed.
pub(crate) const REPLAY_MEMORY: i64 = 3600;
/// Minimum age, in seconds, of a grant's `used_at` before it is updated.
pub(crate) const USED_AT_RESOLUTION: i64 = 3600;
/// Seconds that an expired device code is kept, so that the device learns that it has expired.
pub(crate) const EXPIRED_DEVICE_CODE_KEPT: u32 = 3600;

/// Why a change of users is refused that would leave nobody to administer.
pub(crate) const LAST_OWNER: &str = "this is the last owner: nobody else has the admin_role owner \
                                     and may sign in. Make another user an owner first";

/// Why a client is not registered by the identifier of one that was removed.
pub(crate) const IDENTIFIER_OF_ANOTHER: &str =
    "another client had this client_id: register again to get another one";

/// What a change of a user ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing.
    Nothing,
    /// The sessions, since the user may not sign in any more. What is more than a page of them ends
    /// later: nobody finds it any more. The grants wait until the user is enabled again.
    OfDisabled,
    /// What is left of these sessions: the user may sign in again, and no session of before may.
    OfEnabled,
    /// Sessions and grants: with another password, so that a thief of the old one is signed out,
    /// too.
    OfPassword,
}

impl Ending {
    /// What a change to this user ends. `stored` tells whether the user has another password so
    /// far, and whether they are enabled; it is `None` for somebody new.
    pub(crate) fn of(user: &User, stored: Option<(bool, bool)>) -> Self {
        match stored {
            Some((true, _)) => Self::OfPassword,
            Some(_) if !user.enabled => Self::OfDisabled,
            Some((_, false)) => Self::OfEnabled,
            Some((_, true)) | None => Self::Nothing,
        }
    }
}

/// The names of a session at another provider in its columns: issuer, subject and `sid`, which is
/// empty if the provider gave none.
pub(crate) fn names_of(session: &UpstreamSession) -> [&str; 3] {
    let UpstreamSession { id, sid } = session;
    [id.issuer.as_str(), id.subject.as_str(), sid.as_deref().unwrap_or_default()]
}

/// The column that users are sorted by.
pub(crate) fn column_of(order: UserOrder) -> &'static str {
    match order {
        UserOrder::Username => "normalized_username",
        UserOrder::Email => "email",
        UserOrder::Name => "full_name",
    }
}

/// The condition of a filter, with what the database calls a disabled and an enabled user.
pub(crate) fn filter_of(filter: UserFilter, disabled: &str, enabled: &str) -> String {
    match filter {
        UserFilter::All => String::new(),
        UserFilter::Enabled => format!(" AND {enabled}"),
        UserFilter::Disabled => format!(" AND {disabled}"),
        UserFilter::Administrators => " AND admin_role IS NOT NULL".to_owned(),
    }
}

/// After which key and `sub` a list begins: the cursor, or what is before every key with the
/// prefix, since no `sub` is empty.
pub(crate) fn start_of(query: &UserQuery, after: Option<UserCursor>) -> (String, String) {
    begin_after(&query.prefix, after.map(|after| (after.key, after.sub.to_string())))
}

/// After which key and identifier a search by prefix begins: those that are given, or what is
/// before every key with the prefix, since no identifier is empty.
pub(crate) fn begin_after<I: Ord + Default>(
    prefix: &str,
    after: Option<(String, I)>,
) -> (String, I) {
    let start = (prefix.to_owned(), I::default());
    match after {
        Some(after) if after > start => after,
        _ => start,
    }
}

/// The first key of a page of those with this prefix, which goes on behind the key `after`. Between
/// that and another key there is none, since no key has a control character.
pub(crate) fn first_of(prefix: &str, after: Option<&str>) -> String {
    let next = after.filter(|after| *after >= prefix).map(|after| format!("{after}\u{1}"));
    next.unwrap_or_else(|| prefix.to_owned())
}

/// What is behind every key with this prefix.
pub(crate) fn end_of(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// The last key of those that are this one, or begin with it.
pub(crate) fn last_of(key: &str, is_prefix: bool) -> String {
    if is_prefix { end_of(key) } else { key.to_owned() }
}

/// A refresh token that was consumed.
pub(crate) struct Consumed {
    pub(crate) at: Timestamp,
    pub(crate) seed: SuccessorSeed,
    /// When the successor expires; `None` if it was used.
    pub(crate) unused_successor: Option<Timestamp>,
}

impl Consumed {
    /// Judges a second presentation: a repetition within the grace time, or a replay, for which the
    /// caller revokes the grant. Consumption is judged before expiry: a client that lost the answer
    /// just before the token expired may still repeat.
    pub(crate) fn presented_again(self, grace: Seconds, now: Timestamp) -> Rotation {
        match self.unused_successor {
            Some(expires_at) if within(grace, self.at, now) && now < expires_at => {
                Rotation::Repeated { seed: self.seed, expires_at }
            }
            Some(_) if within(grace, self.at, now) => Rotation::Unknown,
            _ => Rotation::Replayed,
        }
    }
}

/// Whether a repetition is still answered. Timestamps are whole seconds, so a grace of 0 needs a
/// rule of its own.
fn within(grace: Seconds, consumed_at: Timestamp, now: Timestamp) -> bool {
    !grace.is_zero() && now.since(consumed_at).abs() <= i64::from(grace)
}

/// The new interval for a device that polls before its interval is over (RFC 8628 section 3.5);
/// `None` if this poll is in time.
pub(crate) fn slowed_down(
    interval: u32,
    polled_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<u32> {
    const SLOWER_BY: u32 = 5;
    // Timestamps are whole seconds: a device that waits exactly the interval may seem a second
    // early.
    const TOLERANCE: i64 = 1;
    let early = polled_at
        .is_some_and(|before| (0..i64::from(interval) - TOLERANCE).contains(&now.since(before)));
    early.then(|| interval.saturating_add(SLOWER_BY))
}

/// What an import of configured users writes, and what it leaves.
pub(crate) struct Import {
    pub(crate) users: Vec<User>,
    pub(crate) skipped: Vec<SkippedUser>,
}

impl Import {
    /// Skips the users whose user name or verified e-mail address belongs to somebody who keeps it.
    /// `owners` are, for each user, those who have one of the two by now. An owner who gets others
    /// in the same import keeps nothing, so two users may exchange their names. `again` are users
    /// whose `sub` a removed user had.
    pub(crate) fn decide(users: Vec<User>, owners: Vec<Vec<Sub>>, again: Vec<User>) -> Self {
        let again = again.into_iter().map(|user| SkippedUser { user, owner: None });
        let mut import = Self { users: Vec::new(), skipped: again.collect() };
        let mut waiting: Vec<(User, Vec<Sub>)> = users.into_iter().zip(owners).collect();
        // Whoever is skipped keeps what they have, which may be an obstacle to another one.
        loop {
            let keeper = |(user, owners): &(User, Vec<Sub>)| {
                let keeps = |owner: &&Sub| {
                    let moved = waiting.iter().find(|(other, _)| other.sub == **owner);
                    moved.is_none_or(|(other, _)| share(user, other))
                };
                owners.iter().find(keeps).cloned()
            };
            let found =
                waiting.iter().enumerate().find_map(|(index, row)| Some((index, keeper(row)?)));
            let Some((index, owner)) = found else { break };
            let (user, _) = waiting.remove(index);
            import.skipped.push(SkippedUser { user, owner: Some(owner) });
        }
        import.users = waiting.into_iter().map(|(user, _)| user).collect();
        import
    }
}

/// Whether two users have the same name or verified address.
fn share(user: &User, other: &User) -> bool {
    let email = user.verified_email();
    normalized_username(&user.username) == normalized_username(&other.username)
        || (email.is_some() && email == other.verified_email())
}
