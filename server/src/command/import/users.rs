//! Users with their memberships and links: added where they are not there.

use std::{collections::HashSet, future::ready, sync::Arc};

use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        account_notice::AccountNotices,
        external_identity::{ExternalId, ExternalSubject, MOST_IDENTITIES, StoredIdentity},
        group::{GROUPS, GroupName},
        time::SystemEntropy,
        token_handle,
        user::{User, UserClaims, normalized_username},
        vouching::Vouching,
    },
    store::{
        AddedGroupMember, AddedIdentity, AddedIdentityUser, IdentityLink, LinkedBy, StoreError,
    },
};
use futures::{StreamExt as _, stream};

use super::{
    CommandContext, CommandError, ImportArguments, Short,
    groups::Groups,
    outcome::{Outcome, Taken},
    reading::{Reading, ended},
    short,
};
use crate::import::{ForeignLink, ForeignUser, Found};

/// Users that are written at the same time. The store commits those that wait together.
const AT_ONCE: usize = 64;

impl ImportArguments {
    /// Adds the users who are not there, and tells what those who are lack. Returns who was added.
    pub(super) async fn take_over_users(
        &self,
        context: &CommandContext,
        reading: &Reading,
        groups: &Groups,
        outcome: &mut Outcome,
    ) -> Result<HashSet<Short>, CommandError> {
        let vouching = &context.vouching().await?;
        let (mut seen, mut added) = (HashSet::new(), HashSet::new());
        let (mut found, reading) = reading.stream();
        let users = stream::poll_fn(|task| found.poll_recv(task)).filter_map(|found| {
            ready(match found {
                Found::User(user) => Some(refuse_repeated(user, &mut seen)),
                Found::Consent(_) => None,
            })
        });
        let mut taken = users
            .map(|user| async {
                match user {
                    Ok(user) => self.take_over_one(context, user, (groups, vouching)).await,
                    Err(problem) => Ok(Taken::Refused(problem)),
                }
            })
            .buffered(AT_ONCE);
        while let Some(one) = taken.next().await {
            let one = one?;
            if let Taken::Added { sub, .. } = &one {
                added.insert(short(sub));
            }
            outcome.note(one);
        }
        drop(taken);
        ended(reading)?;
        Ok(added)
    }

    async fn take_over_one(
        &self,
        context: &CommandContext,
        mut foreign: ForeignUser,
        (groups, vouching): (&Groups, &Vouching),
    ) -> Result<Taken, CommandError> {
        let store = &context.store;
        let name = foreign.username.clone();
        let with_name = store.user_by_username(&normalized_username(&name)).await?;
        let with_sub = match &foreign.sub {
            Some(sub) => store.user(sub).await?,
            None => with_name.clone(),
        };
        let Memberships { here: member_of, not_here, others } =
            of_export(std::mem::take(&mut foreign.groups), groups);
        if let Some(here) = with_sub {
            // Under another name it may be somebody else. So may be who has no identifier there.
            let is_same = foreign.sub.is_some()
                && normalized_username(&here.username) == normalized_username(&name);
            if !is_same {
                return Ok(Taken::Present);
            }
            let is_new = |group: &GroupName| !here.groups.iter().any(|own| own.name == *group);
            let lacks = member_of.into_iter().filter(is_new).collect();
            let (links, _) = self.identities_of(vouching, &here, foreign.links);
            let own = match links.as_slice() {
                [] => Vec::new(),
                _ => store.external_identities(&here.sub).await?,
            };
            let is_new = |link: &StoredIdentity| !own.iter().any(|own| own.id == link.id);
            let links = links.into_iter().filter(is_new).map(|link| (link.provider, link.id));
            return Ok(Taken::Same {
                name,
                sub: here.sub.clone(),
                lacks,
                lacks_links: links.collect(),
            });
        }
        let refused = |problem: &str| Ok(Taken::Refused(format!("{name}: {problem}")));
        if with_name.is_some() {
            return refused("another user has this name");
        }
        if let Some(sub) = &foreign.sub
            && store.is_used_sub(sub).await?
        {
            return refused("a removed user had this sub");
        }
        // A group that the export does not have is a value of the claim.
        if !others.is_empty() {
            foreign.claims.insert(GROUPS.to_owned(), others.into());
        }
        foreign.leave_nul();
        let sub = foreign.sub.unwrap_or_else(|| token_handle::draw_id(&SystemEntropy));
        let user = User {
            sub,
            username: foreign.username,
            password_hash: foreign.password_hash,
            enabled: !foreign.is_disabled,
            claims: Arc::new(UserClaims(foreign.claims)),
            groups: Arc::default(),
            mapped: Arc::default(),
        };
        if let Some(email) = user.verified_email()
            && store.user_by_email(&email).await?.is_some()
        {
            return refused("another user has this verified e-mail address");
        }
        let (sub, has_password) = (user.sub.clone(), user.password_hash.is_some());
        let (identities, mut left) = self.identities_of(vouching, &user, foreign.links);
        for identity in &identities {
            if store.external_identity(&identity.id).await?.is_some() {
                return refused("another user has one of the links");
            }
        }
        if !self.dry_run {
            let written = write(context, user, identities).await;
            match written {
                // Two users of one page may claim the same.
                Err(StoreError::Conflict(problem)) => return refused(&problem),
                written => left.extend(written?),
            }
        }
        left.extend(not_here.into_iter().map(|path| format!("the membership in {path}")));
        left.extend(self.join(context, &member_of, &sub).await?);
        let left = foreign.left.into_iter().chain(left).collect();
        Ok(Taken::Added {
            name,
            sub,
            has_password,
            password_left: foreign.password_left,
            from_attributes: foreign.from_attributes,
            rights_left: foreign.rights_left,
            left,
        })
    }

    /// Makes a user a member. Says of which groups that is not possible.
    async fn join(
        &self,
        context: &CommandContext,
        groups: &[GroupName],
        sub: &Sub,
    ) -> Result<Vec<String>, CommandError> {
        let mut left = Vec::new();
        if self.dry_run {
            return Ok(left);
        }
        for group in groups {
            let added = context.store.add_group_member(group, sub).await?;
            if !matches!(added, AddedGroupMember::Added | AddedGroupMember::WasMember) {
                left.push(format!("the membership in {group}"));
            }
        }
        Ok(left)
    }

    /// The identities that are taken over, and what is said about the others.
    fn identities_of(
        &self,
        vouching: &Vouching,
        user: &User,
        links: Vec<ForeignLink>,
    ) -> (Vec<StoredIdentity>, Vec<String>) {
        let (mut identities, mut left) = (Vec::new(), Vec::new());
        for link in links {
            let named = self.links.iter().find(|own| own.name == link.provider);
            let here = named.and_then(|named| Some((named, named.configured(vouching).ok()?)));
            let subject = ExternalSubject::parse(&link.subject);
            let Some(((named, provider), subject)) = here.zip(subject.ok()) else {
                left.push(left_link(&link.provider));
                continue;
            };
            identities.push(StoredIdentity {
                id: ExternalId { issuer: named.issuer.clone(), subject },
                sub: user.sub.clone(),
                provider: provider.name.clone(),
                shown: link.shown,
                mapped: UserClaims::default(),
                created_at: CommandContext::now(),
                used_at: None,
            });
        }
        (identities, left)
    }
}

/// The groups of a user.
#[derive(Default)]
struct Memberships {
    here: Vec<GroupName>,
    /// The paths of those that are not taken over.
    not_here: Vec<String>,
    /// The paths of those that the export does not have.
    others: Vec<String>,
}

fn of_export(paths: Vec<String>, groups: &Groups) -> Memberships {
    let mut found = Memberships::default();
    for path in paths {
        match groups.get(&path) {
            Some(Some(group)) => found.here.push(group.clone()),
            Some(None) => found.not_here.push(path),
            None => found.others.push(path),
        }
    }
    found
}

/// What is said about a link that is not taken over.
fn left_link(provider: &str) -> String {
    format!("the link to an identity at {provider}")
}

/// Writes a user with the links; returns what is said about those that the store did not take. The
/// first one comes with the user, in one transaction.
async fn write(
    context: &CommandContext,
    user: User,
    identities: Vec<StoredIdentity>,
) -> Result<Vec<String>, StoreError> {
    let (store, now) = (&context.store, CommandContext::now());
    let taken = || StoreError::Conflict("another user has the name or one of the links".to_owned());
    let mut identities = identities.into_iter();
    let mut left = Vec::new();
    let Some(first) = identities.next() else {
        store.put_user(user, now).await?;
        return Ok(left);
    };
    let added = store.add_user_with_identity(user, first, None, now).await?;
    if added != AddedIdentityUser::Added {
        return Err(taken());
    }
    for identity in identities {
        let provider = identity.provider.clone();
        let link = IdentityLink { identity, by: LinkedBy::Request, most: MOST_IDENTITIES };
        let added = store.add_external_identity(link, AccountNotices::default()).await?;
        if !matches!(added, AddedIdentity::Added | AddedIdentity::WasLinked) {
            left.push(left_link(&provider));
        }
    }
    Ok(left)
}

/// Refuses a user whose identifier the export had before: both would be one user to applications.
fn refuse_repeated(
    user: Result<ForeignUser, String>,
    seen: &mut HashSet<Short>,
) -> Result<ForeignUser, String> {
    let user = user?;
    match &user.sub {
        Some(sub) if !seen.insert(short(sub)) => {
            Err(format!("{}: the export has the sub {sub} twice", user.username))
        }
        _ => Ok(user),
    }
}
