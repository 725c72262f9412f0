//! Rows of identities at other providers.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        account_notice::AccountNotices,
        external_identity::{ExternalId, IdentityUse, StoredIdentity},
        session::{SessionSelector, UpstreamSelector},
        ticket::TicketPurpose,
        time::Timestamp,
        token_handle::TokenHash,
        user::{User, decomposed_username},
    },
    store::{
        AddedIdentity, AddedIdentityUser, ExternalIdentities, IdentityLink, IdentityRemoval,
        RemovedIdentity, StoreError, TicketRedemption,
    },
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore, external_ids, factors,
    failure::Failure,
    groups, outbox, sessions,
    sql::{self, execute},
    tickets, users,
};
use crate::{
    record::{NoticesRow, UserRow, read},
    row::to_json,
};

#[async_trait]
impl ExternalIdentities for SqliteStore {
    async fn external_identity(
        &self,
        id: &ExternalId,
    ) -> Result<Option<StoredIdentity>, StoreError> {
        let id = id.clone();
        self.read("external_identity", move |connection| find(connection, &id)).await
    }

    async fn external_identities(&self, sub: &Sub) -> Result<Vec<StoredIdentity>, StoreError> {
        let sub = sub.clone();
        self.read("external_identities", move |connection| of_user(connection, &sub)).await
    }

    async fn add_user_with_identity(
        &self,
        user: User,
        identity: StoredIdentity,
        ticket: Option<(TokenHash, TicketPurpose)>,
        now: Timestamp,
    ) -> Result<AddedIdentityUser, StoreError> {
        let row = UserRow::encode(user)?;
        let mapped = to_json(&identity.mapped, "external_identities.mapped")?;
        self.write("add_user_with_identity", move |connection| {
            add_user(connection, row, &identity, &mapped, ticket, now)
        })
        .await
    }

    async fn add_external_identity(
        &self,
        link: IdentityLink,
        notices: AccountNotices,
    ) -> Result<AddedIdentity, StoreError> {
        let mapped = to_json(&link.identity.mapped, "external_identities.mapped")?;
        let notices = NoticesRow::encode(notices)?;
        self.write("add_external_identity", move |connection| {
            let added = add(connection, &link, &mapped)?;
            if added == AddedIdentity::Added {
                outbox::put_notices(connection, &notices)?;
            }
            Ok(added)
        })
        .await
    }

    async fn external_identity_used(
        &self,
        id: &ExternalId,
        sub: &Sub,
        used: IdentityUse,
    ) -> Result<bool, StoreError> {
        let (id, sub) = (id.clone(), sub.clone());
        let mapped = to_json(&used.mapped, "external_identities.mapped")?;
        self.write("external_identity_used", move |connection| {
            note(connection, &id, &sub, &used, &mapped)
        })
        .await
    }

    async fn remove_external_identity(
        &self,
        removal: IdentityRemoval,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<RemovedIdentity, StoreError> {
        let notices = NoticesRow::encode(notices)?;
        self.write("remove_external_identity", move |connection| {
            let removed = remove(connection, &removal, now)?;
            if removed == RemovedIdentity::Removed {
                outbox::put_notices(connection, &notices)?;
            }
            Ok(removed)
        })
        .await
    }
}

fn find(connection: &Connection, id: &ExternalId) -> Result<Option<StoredIdentity>, Failure> {
    sql::first(
        connection,
        "SELECT issuer, subject, sub, provider, shown, mapped, created_at, used_at
         FROM external_identities WHERE issuer = ?1 AND subject = ?2",
        [id.issuer.as_str(), id.subject.as_str()],
        |row| read::identity(row),
    )
}

/// A user's identities, the oldest first.
pub(super) fn of_user(connection: &Connection, sub: &Sub) -> Result<Vec<StoredIdentity>, Failure> {
    sql::all(
        connection,
        "SELECT issuer, subject, sub, provider, shown, mapped, created_at, used_at
         FROM external_identities WHERE sub = ?1 ORDER BY created_at, issuer, subject",
        [sub.as_str()],
        |row| read::identity(row),
    )
}

fn insert(connection: &Connection, identity: &StoredIdentity, mapped: &str) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO external_identities
             (issuer, subject, sub, provider, shown, mapped, created_at, used_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            identity.id.issuer.as_str(),
            identity.id.subject.as_str(),
            identity.sub.as_str(),
            identity.provider.as_str(),
            identity.shown,
            mapped,
            identity.created_at.seconds(),
            identity.used_at.map(Timestamp::seconds),
        ],
    )?;
    Ok(())
}

/// Adds a user with an identity, unless something is in the way.
fn add_user(
    connection: &Connection,
    row: UserRow,
    identity: &StoredIdentity,
    mapped: &str,
    ticket: Option<(TokenHash, TicketPurpose)>,
    now: Timestamp,
) -> Result<AddedIdentityUser, Failure> {
    if let Some(taken) = find(connection, &identity.id)? {
        return Ok(AddedIdentityUser::IdentityTaken(taken.sub));
    }
    if let Some((hash, purpose)) = ticket
        && tickets::find(connection, hash, purpose, now)?.is_none()
    {
        return Ok(AddedIdentityUser::NoTicket);
    }
    match users::obstacle(connection, &row, None)? {
        None => {}
        Some(TicketRedemption::EmailTaken) => return Ok(AddedIdentityUser::EmailTaken),
        Some(_) => return Ok(AddedIdentityUser::NameTaken),
    }
    let groups = match ticket {
        Some((hash, purpose)) => tickets::use_up(connection, hash, purpose, now)?,
        None => Vec::new(),
    };
    users::put(connection, &[row], now)?;
    groups::join_invited(connection, &groups, &identity.sub)?;
    insert(connection, identity, mapped)?;
    Ok(AddedIdentityUser::Added)
}

/// Links an identity with a user, unless something is in the way.
fn add(
    connection: &Connection,
    link: &IdentityLink,
    mapped: &str,
) -> Result<AddedIdentity, Failure> {
    let IdentityLink { identity, by, most } = link;
    if let Some(stored) = find(connection, &identity.id)? {
        let is_own = stored.sub == identity.sub;
        return Ok(if is_own { AddedIdentity::WasLinked } else { AddedIdentity::Taken });
    }
    let sql = "SELECT 1 FROM users
               WHERE sub = ?1 AND enabled AND (?2 IS NULL OR verified_email = ?2)
                   AND (?3 IS NULL OR (normalized_username IN (?3, ?4) AND password_hash IS NULL
                        AND admin_role IS NULL
                        AND (verified_email IS NULL OR verified_email = ?5)
                        AND NOT EXISTS (SELECT 1 FROM tickets t WHERE t.expires_at > ?6
                            AND t.purpose IN ('reset_password', 'invitation')
                            AND (t.sub = users.sub OR t.about = verified_email))))";
    let decomposed = by.username().map(decomposed_username);
    let params = params![
        identity.sub.as_str(),
        by.email(),
        by.username(),
        decomposed,
        by.only_email(),
        identity.created_at.seconds(),
    ];
    let is_theirs = sql::first(connection, sql, params, |_| Ok(()))?.is_some();
    if !is_theirs || !factors::may_be_added(connection, &identity.sub, by.session())? {
        return Ok(AddedIdentity::NoUser);
    }
    let sql = "SELECT 1 FROM external_identities WHERE sub = ?1 AND issuer = ?2";
    let params = [identity.sub.as_str(), identity.id.issuer.as_str()];
    if by.email().is_some() && sql::first(connection, sql, params, |_| Ok(()))?.is_some() {
        return Ok(AddedIdentity::HasAnother);
    }
    let sql = "SELECT 1 FROM unlinked_issuers WHERE sub = ?1 AND issuer = ?2";
    if by.email().is_some() && sql::first(connection, sql, params, |_| Ok(()))?.is_some() {
        return Ok(AddedIdentity::WasUnlinked);
    }
    let factors = factors::summary(connection, &identity.sub)?;
    if by.is_first_way_in() && factors.ways_in() > 0 {
        return Ok(AddedIdentity::NoUser);
    }
    if let Some(called) = by.provisioned()
        && !external_ids::waits(connection, &identity.sub, called)?
    {
        return Ok(AddedIdentity::NoUser);
    }
    if factors.identities >= *most {
        return Ok(AddedIdentity::TooMany);
    }
    insert(connection, identity, mapped)?;
    execute(connection, "DELETE FROM unlinked_issuers WHERE sub = ?1 AND issuer = ?2", params)?;
    Ok(AddedIdentity::Added)
}

fn note(
    connection: &Connection,
    id: &ExternalId,
    sub: &Sub,
    used: &IdentityUse,
    mapped: &str,
) -> Result<bool, Failure> {
    let noted = execute(
        connection,
        "UPDATE external_identities SET provider = ?4, shown = ?5, mapped = ?6, used_at = ?7
         WHERE issuer = ?1 AND subject = ?2 AND sub = ?3",
        params![
            id.issuer.as_str(),
            id.subject.as_str(),
            sub.as_str(),
            used.provider.as_str(),
            used.shown,
            mapped,
            used.at.seconds(),
        ],
    )?;
    Ok(noted > 0)
}

/// Unlinks an identity, unless the user could not sign in any more.
fn remove(
    connection: &Connection,
    IdentityRemoval { sub, id, providers, by_user }: &IdentityRemoval,
    now: Timestamp,
) -> Result<RemovedIdentity, Failure> {
    let Some(identity) = find(connection, id)?.filter(|identity| identity.sub == *sub) else {
        return Ok(RemovedIdentity::Unknown);
    };
    let is_only = identity.is_at_one_of(providers)
        && factors::usable_summary(connection, sub, providers)?.ways_in() < 2;
    if is_only && users::has_no_password(connection, sub)? {
        return Ok(RemovedIdentity::LastWayIn);
    }
    let which = UpstreamSelector::Subject(id.subject.clone());
    let began_by_it = SessionSelector::Upstream { issuer: id.issuer.clone(), which };
    sessions::end(connection, &began_by_it, now)?;
    let sql = "DELETE FROM external_identities WHERE issuer = ?1 AND subject = ?2";
    execute(connection, sql, [id.issuer.as_str(), id.subject.as_str()])?;
    if *by_user {
        let sql = "INSERT INTO unlinked_issuers (sub, issuer, at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (sub, issuer) DO UPDATE SET at = excluded.at";
        execute(connection, sql, params![sub.as_str(), id.issuer.as_str(), now.seconds()])?;
    }
    Ok(RemovedIdentity::Removed)
}

/// Removes all identities of a user.
pub(super) fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    execute(connection, "DELETE FROM external_identities WHERE sub = ?1", [sub.as_str()])?;
    execute(connection, "DELETE FROM unlinked_issuers WHERE sub = ?1", [sub.as_str()])?;
    Ok(())
}

/// Whether the identity is of this user, and the user may sign in.
pub(super) fn may_sign_in(
    connection: &Connection,
    sub: &Sub,
    id: &ExternalId,
) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM users u JOIN external_identities e ON e.sub = u.sub
        WHERE u.sub = ?1 AND u.enabled AND e.issuer = ?2 AND e.subject = ?3";
    let params = [sub.as_str(), id.issuer.as_str(), id.subject.as_str()];
    Ok(sql::first(connection, sql, params, |_| Ok(()))?.is_some())
}
