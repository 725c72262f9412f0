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

use super::{
    PostgresStore, connection::Connection, external_ids, factors, failure::Failure, groups, outbox,
    run, schema, sessions, tickets, users,
};
use crate::{
    record::{NoticesRow, UserRow, read},
    row::to_json,
};

#[async_trait]
impl ExternalIdentities for PostgresStore {
    async fn external_identity(
        &self,
        id: &ExternalId,
    ) -> Result<Option<StoredIdentity>, StoreError> {
        run!(self, "external_identity", find, id)
    }

    async fn external_identities(&self, sub: &Sub) -> Result<Vec<StoredIdentity>, StoreError> {
        run!(self, "external_identities", of_user, sub)
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
        run!(self, "add_user_with_identity", add_user, &row, &identity, &mapped, ticket, now)
    }

    async fn add_external_identity(
        &self,
        link: IdentityLink,
        notices: AccountNotices,
    ) -> Result<AddedIdentity, StoreError> {
        let mapped = to_json(&link.identity.mapped, "external_identities.mapped")?;
        let notices = NoticesRow::encode(notices)?;
        run!(self, "add_external_identity", add, &link, &mapped, &notices)
    }

    async fn external_identity_used(
        &self,
        id: &ExternalId,
        sub: &Sub,
        used: IdentityUse,
    ) -> Result<bool, StoreError> {
        let mapped = to_json(&used.mapped, "external_identities.mapped")?;
        run!(self, "external_identity_used", note, id, sub, &used, &mapped)
    }

    async fn remove_external_identity(
        &self,
        removal: IdentityRemoval,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<RemovedIdentity, StoreError> {
        let notices = NoticesRow::encode(notices)?;
        run!(self, "remove_external_identity", remove, &removal, &notices, now)
    }
}

async fn find(connection: &Connection, id: &ExternalId) -> Result<Option<StoredIdentity>, Failure> {
    connection
        .first(
            "SELECT issuer, subject, sub, provider, shown, mapped, created_at, used_at
             FROM external_identities WHERE issuer = $1 AND subject = $2",
            &[&id.issuer.as_str(), &id.subject.as_str()],
            read::identity,
        )
        .await
}

/// A user's identities, the oldest first.
pub(super) async fn of_user(
    connection: &Connection,
    sub: &Sub,
) -> Result<Vec<StoredIdentity>, Failure> {
    connection
        .all(
            "SELECT issuer, subject, sub, provider, shown, mapped, created_at, used_at
             FROM external_identities WHERE sub = $1
             ORDER BY created_at, issuer COLLATE \"C\", subject COLLATE \"C\"",
            &[&sub.as_str()],
            read::identity,
        )
        .await
}

/// Adds an identity, unless somebody has it. Returns whether it did. A transaction that adds the
/// same one is waited for.
async fn insert(
    connection: &Connection,
    identity: &StoredIdentity,
    mapped: &str,
) -> Result<bool, Failure> {
    // PostgreSQL stores no NUL character.
    let shown = identity.shown.as_ref().map(|shown| shown.replace('\0', ""));
    let inserted = connection
        .execute(
            "INSERT INTO external_identities
                 (issuer, subject, sub, provider, shown, mapped, created_at, used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (issuer, subject) DO NOTHING",
            &[
                &identity.id.issuer.as_str(),
                &identity.id.subject.as_str(),
                &identity.sub.as_str(),
                &identity.provider.as_str(),
                &shown,
                &mapped,
                &identity.created_at.seconds(),
                &identity.used_at.map(Timestamp::seconds),
            ],
        )
        .await?;
    Ok(inserted > 0)
}

/// Adds a user with an identity, unless something is in the way. Without a commit nothing has
/// happened, and the ticket stays.
async fn add_user(
    connection: &Connection,
    row: &UserRow,
    identity: &StoredIdentity,
    mapped: &str,
    ticket: Option<(TokenHash, TicketPurpose)>,
    now: Timestamp,
) -> Result<AddedIdentityUser, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    if !insert(connection, identity, mapped).await? {
        // It may have been unlinked since.
        let taken = find(connection, &identity.id).await?.ok_or(Failure::Overtaken)?;
        return Ok(AddedIdentityUser::IdentityTaken(taken.sub));
    }
    let mut groups = Vec::new();
    if let Some((hash, purpose)) = ticket {
        let Some(used) = tickets::use_up(connection, hash, purpose, now).await? else {
            return Ok(AddedIdentityUser::NoTicket);
        };
        groups = used.groups();
    }
    match users::obstacle(connection, row, None).await? {
        None => {}
        Some(TicketRedemption::EmailTaken) => return Ok(AddedIdentityUser::EmailTaken),
        Some(_) => return Ok(AddedIdentityUser::NameTaken),
    }
    users::replace(connection, std::slice::from_ref(row), now).await?;
    groups::join_invited(connection, &groups, &identity.sub).await?;
    connection.commit().await?;
    Ok(AddedIdentityUser::Added)
}

/// Links an identity with a user, unless something is in the way. The lock on the user keeps a
/// second one away between the count and the row.
async fn add(
    connection: &Connection,
    link: &IdentityLink,
    mapped: &str,
    notices: &NoticesRow,
) -> Result<AddedIdentity, Failure> {
    let IdentityLink { identity, by, most } = link;
    connection.begin().await?;
    let may_be_added = factors::may_be_added(connection, &identity.sub, by.session()).await?;
    let factors = factors::summary(connection, &identity.sub).await?;
    if !insert(connection, identity, mapped).await? {
        let stored = find(connection, &identity.id).await?.ok_or(Failure::Overtaken)?;
        let is_own = stored.sub == identity.sub;
        return Ok(if is_own { AddedIdentity::WasLinked } else { AddedIdentity::Taken });
    }
    let sql = "SELECT count(*) FROM users
               WHERE sub = $1 AND enabled AND ($2::TEXT IS NULL OR verified_email = $2)
                   AND ($3::TEXT IS NULL OR (normalized_username IN ($3, $4)
                        AND password_hash IS NULL AND admin_role IS NULL
                        AND (verified_email IS NULL OR verified_email = $5)
                        AND NOT EXISTS (SELECT 1 FROM tickets t WHERE t.expires_at > $6
                            AND t.purpose IN ('reset_password', 'invitation')
                            AND (t.sub = users.sub OR t.about = verified_email))))";
    let decomposed = by.username().map(decomposed_username);
    let now = identity.created_at.seconds();
    let params: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
        &[&identity.sub.as_str(), &by.email(), &by.username(), &decomposed, &by.only_email(), &now];
    let is_owned = by.is_first_way_in() && factors.ways_in() > 0;
    if !may_be_added || is_owned || connection.count(sql, params).await? == 0 {
        return Ok(AddedIdentity::NoUser);
    }
    if let Some(called) = by.provisioned()
        && !external_ids::waits(connection, &identity.sub, called).await?
    {
        return Ok(AddedIdentity::NoUser);
    }
    // The new one counts by now.
    let sql = "SELECT count(*) FROM external_identities WHERE sub = $1 AND issuer = $2";
    let params = [identity.sub.as_str(), identity.id.issuer.as_str()];
    if by.email().is_some() && connection.count(sql, &[&params[0], &params[1]]).await? > 1 {
        return Ok(AddedIdentity::HasAnother);
    }
    let sql = "SELECT count(*) FROM unlinked_issuers WHERE sub = $1 AND issuer = $2";
    if by.email().is_some() && connection.count(sql, &[&params[0], &params[1]]).await? > 0 {
        return Ok(AddedIdentity::WasUnlinked);
    }
    if factors.identities >= *most {
        return Ok(AddedIdentity::TooMany);
    }
    let sql = "DELETE FROM unlinked_issuers WHERE sub = $1 AND issuer = $2";
    connection.execute(sql, &[&params[0], &params[1]]).await?;
    outbox::put_notices(connection, notices).await?;
    connection.commit().await?;
    Ok(AddedIdentity::Added)
}

async fn note(
    connection: &Connection,
    id: &ExternalId,
    sub: &Sub,
    used: &IdentityUse,
    mapped: &str,
) -> Result<bool, Failure> {
    let shown = used.shown.as_ref().map(|shown| shown.replace('\0', ""));
    let noted = connection
        .execute(
            "UPDATE external_identities SET provider = $4, shown = $5, mapped = $6, used_at = $7
             WHERE issuer = $1 AND subject = $2 AND sub = $3",
            &[
                &id.issuer.as_str(),
                &id.subject.as_str(),
                &sub.as_str(),
                &used.provider.as_str(),
                &shown,
                &mapped,
                &used.at.seconds(),
            ],
        )
        .await?;
    Ok(noted > 0)
}

/// Unlinks an identity, unless the user could not sign in any more. The lock on the user keeps a
/// second removal, and that of a passkey or the password, away.
async fn remove(
    connection: &Connection,
    IdentityRemoval { sub, id, providers, by_user }: &IdentityRemoval,
    notices: &NoticesRow,
    now: Timestamp,
) -> Result<RemovedIdentity, Failure> {
    connection.begin().await?;
    users::lock(connection, sub).await?;
    let Some(identity) = find(connection, id).await?.filter(|identity| identity.sub == *sub) else {
        return Ok(RemovedIdentity::Unknown);
    };
    let is_only = identity.is_at_one_of(providers)
        && factors::usable_summary(connection, sub, providers).await?.ways_in() < 2;
    if is_only && users::has_no_password(connection, sub).await? {
        return Ok(RemovedIdentity::LastWayIn);
    }
    let which = UpstreamSelector::Subject(id.subject.clone());
    let began_by_it = SessionSelector::Upstream { issuer: id.issuer.clone(), which };
    sessions::end_within(connection, &began_by_it, now).await?;
    let sql = "DELETE FROM external_identities WHERE issuer = $1 AND subject = $2";
    connection.execute(sql, &[&id.issuer.as_str(), &id.subject.as_str()]).await?;
    if *by_user {
        let sql = "INSERT INTO unlinked_issuers (sub, issuer, at) VALUES ($1, $2, $3)
                   ON CONFLICT (sub, issuer) DO UPDATE SET at = excluded.at";
        let params = (sub.as_str(), id.issuer.as_str(), now.seconds());
        connection.execute(sql, &[&params.0, &params.1, &params.2]).await?;
    }
    outbox::put_notices(connection, notices).await?;
    connection.commit().await?;
    Ok(RemovedIdentity::Removed)
}

/// Removes all identities of a user.
pub(super) async fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    for sql in [
        "DELETE FROM external_identities WHERE sub = $1",
        "DELETE FROM unlinked_issuers WHERE sub = $1",
    ] {
        connection.execute(sql, &[&sub.as_str()]).await?;
    }
    Ok(())
}

/// Whether the identity is of this user, and the user may sign in.
pub(super) async fn may_sign_in(
    connection: &Connection,
    sub: &Sub,
    id: &ExternalId,
) -> Result<bool, Failure> {
    let sql = "SELECT count(*) FROM users u JOIN external_identities e ON e.sub = u.sub
        WHERE u.sub = $1 AND u.enabled AND e.issuer = $2 AND e.subject = $3";
    let params: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
        &[&sub.as_str(), &id.issuer.as_str(), &id.subject.as_str()];
    Ok(connection.count(sql, params).await? > 0)
}
