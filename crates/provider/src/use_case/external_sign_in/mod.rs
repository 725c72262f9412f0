//! Sign-ins for which another OpenID provider vouches: whose account it is, and what becomes of
//! somebody who is new here.
//!
//! An identity is an issuer and a subject. An e-mail address shows nothing by itself: it leads to
//! an account only if it was verified here, the operator believes the provider for its domain, and
//! the account has no identity of this issuer yet. What a SCIM client calls a user leads to an
//! account that it has added, and that nobody could sign in to so far.
//! In every other case an account is linked by somebody who is signed in to it.

mod names;
mod pending;
mod vouched;

use std::sync::Arc;

use doorward_protocol::ids::Sub;
use serde_json::{Map, Value};

pub use self::pending::PendingIdentity;
use self::vouched::Vouched;
use crate::{
    audit,
    model::{
        account_event::AccountEventKind,
        directory::{self, Directory},
        email::EmailAddress,
        external_identity::{
            ExternalId, LinkIntent, MOST_IDENTITIES, StoredIdentity, UpstreamUser,
        },
        identity_provider::{FirstSignIn, IdentityProvider},
        outbox::MailKind,
        provisioning::{ProvisionedAs, ProvisionedKind},
        session::{Authentication, Session},
        ticket::{Ticket, TicketPurpose},
        time::{Clock, Entropy, Seconds},
        token_handle::{TokenHandle, TokenHash},
        user::{User, normalized_username},
        username,
        vouching::Vouching,
    },
    store::{
        AddedIdentity, AddedIdentityUser, ExternalIdentities, ExternalIds, Factors, IdentityLink,
        IdentityRemoval, LinkedBy, RemovedIdentity, StoreError, Tickets, Users,
    },
    use_case::{
        accounts::{AccountError, Accounts, Asker, Told},
        administration::users::new_user,
        sign_in::SignIn,
    },
};

/// How long the user may take to decide what becomes of a new identity.
pub const LIFETIME: Seconds = Seconds::new(600);
/// How many decisions about one identity may wait.
const MOST_WAITING: u32 = 10;
/// How often it is looked again when others change the same user or identity.
const ATTEMPTS: u32 = 5;

/// What becomes of somebody for whom another provider vouches.
#[derive(Debug)]
pub enum ExternalSignIn {
    /// It is this user. The session can begin, after the second step if there is one.
    SignedIn {
        /// The user, as they are after the sign-in.
        user: Box<User>,
        /// How they signed in.
        sign_in: SignIn,
    },
    /// The user is asked whether to make an account or to sign in to the one that they have. The
    /// handle goes into a cookie of the browser, for [`LIFETIME`].
    Ask(TokenHandle),
    /// Nobody is signed in.
    Refused(ExternalRefusal),
}

/// What became of an identity that a signed-in user wants to link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalLink {
    /// It is linked.
    Linked,
    /// The user had it already.
    WasLinked,
    /// It is not linked.
    Refused(ExternalRefusal),
}

/// Why an identity does not sign in, or is not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExternalRefusal {
    /// The subject or the issuer is none.
    #[error("the other provider names its user otherwise than OpenID Connect Core 2 allows")]
    NoIdentity,
    /// The user may not sign in.
    #[error("the user of the external identity is disabled")]
    Disabled,
    /// No account has the identity, and the provider makes none.
    #[error("no account is linked with the external identity")]
    NoAccount,
    /// No account has the identity, and there is no invitation that makes one.
    #[error("no account is linked with the external identity, and there is no valid invitation")]
    NoInvitation,
    /// The identity is another user's.
    #[error("the external identity is linked with another account")]
    OfAnother,
    /// The user has as many identities as may be.
    #[error("the user has {MOST_IDENTITIES} external identities, and may have no more")]
    TooMany,
    /// Too many decisions about this identity wait.
    #[error("too many sign-ins by the external identity wait for a decision")]
    TooOften,
    /// The session in which the link began is not that of the browser.
    #[error("the link of the external identity began in another session")]
    OtherSession,
    /// There is nothing to be decided any more: it was decided, or it took too long.
    #[error("the sign-in by the external identity has expired")]
    Expired,
}

/// What a sign-in comes with, beside the word of the provider.
#[derive(Debug, Clone, Copy)]
pub struct ExternalVisit<'a> {
    /// Who asks, and from where.
    pub asker: Asker<'a>,
    /// The handle of an invitation that the browser followed.
    pub invitation: Option<&'a TokenHandle>,
    /// Where the user wanted to go, as the pages write it.
    pub return_url: Option<&'a str>,
    /// Whether to remember the sign-in beyond the closing of the browser.
    pub remember: bool,
}

/// Signs users in by other providers, and links their identities: what it reads and changes.
pub struct ExternalSignIns<'a> {
    pub(crate) identities: &'a dyn ExternalIdentities,
    pub(crate) external_ids: &'a dyn ExternalIds,
    pub(crate) users: &'a dyn Users,
    pub(crate) factors: &'a dyn Factors,
    pub(crate) tickets: &'a dyn Tickets,
    pub(crate) accounts: Accounts<'a>,
    pub(crate) vouching: Arc<Vouching>,
    pub(crate) directories: &'a [Directory],
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

/// What happens to somebody who is new here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newcomer {
    /// As the provider's setting says.
    AsSet(FirstSignIn),
    /// The user was asked and wants an account.
    Decided,
}

/// What becomes of an identity whose address is that of an account.
enum LinkByAddress {
    /// This; `None` if it must be looked again.
    Decided(Option<ExternalSignIn>),
    /// The owner of the account has unlinked such an identity, and nobody else links one again.
    OwnerDecides,
}

/// An invitation that makes an account.
struct Invited {
    ticket: TokenHash,
    email: EmailAddress,
    name: Option<String>,
    claims: Map<String, Value>,
}

impl ExternalSignIns<'_> {
    /// Finds the user, or makes one.
    pub async fn sign_in(
        &self,
        provider: &IdentityProvider,
        user: &UpstreamUser,
        visit: ExternalVisit<'_>,
    ) -> Result<ExternalSignIn, StoreError> {
        let Ok(vouched) = Vouched::read(provider, user, self.clock.now()) else {
            return Ok(ExternalSignIn::Refused(ExternalRefusal::NoIdentity));
        };
        let newcomer = Newcomer::AsSet(provider.first_sign_in);
        self.admit(provider, &vouched, newcomer, visit).await
    }

    /// Looks for the user of the identity; then for what makes or finds one. Others may link and
    /// unlink at the same time: then it looks again.
    async fn admit(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
        newcomer: Newcomer,
        visit: ExternalVisit<'_>,
    ) -> Result<ExternalSignIn, StoreError> {
        for _ in 0..ATTEMPTS {
            let provisioned = self.provisioned(provider, vouched).await?;
            // Who is disabled there does not come back as somebody else, whoever has the identity.
            if provisioned.as_ref().is_some_and(|(user, _)| !user.enabled) {
                return Ok(ExternalSignIn::Refused(ExternalRefusal::Disabled));
            }
            let outcome = match self.identities.external_identity(vouched.id()).await? {
                Some(known) => self.known(provider, vouched, &known.sub).await?,
                None => self.unknown(provider, vouched, provisioned, newcomer, visit).await?,
            };
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
        }
        Err(again_and_again())
    }

    /// The sign-in of the user who has the identity; `None` if it is not theirs any more.
    async fn known(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
        sub: &Sub,
    ) -> Result<Option<ExternalSignIn>, StoreError> {
        let Some(user) = self.users.user(sub).await? else { return Ok(None) };
        if !user.enabled {
            return Ok(Some(ExternalSignIn::Refused(ExternalRefusal::Disabled)));
        }
        let noted = vouched.used(provider, self.clock.now());
        if !self.identities.external_identity_used(vouched.id(), sub, noted).await? {
            return Ok(None);
        }
        // With what the mapping gives by now: a role may ask for a second factor.
        let user = self.users.user(sub).await?.filter(|user| user.enabled);
        let sign_in = vouched.sign_in();
        Ok(user.map(|user| ExternalSignIn::SignedIn { user: Box::new(user), sign_in }))
    }

    /// What becomes of an identity that no account has; `None` if one has it by now.
    async fn unknown(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
        provisioned: Option<(User, ProvisionedAs)>,
        newcomer: Newcomer,
        visit: ExternalVisit<'_>,
    ) -> Result<Option<ExternalSignIn>, StoreError> {
        let refused = |refusal| Ok(Some(ExternalSignIn::Refused(refusal)));
        if let Some((provisioned, called)) = provisioned {
            let is_free = self.factors.factors(&provisioned.sub).await?.ways_in() == 0;
            if is_free && provisioned.waits_since_added_by(&called.client) {
                let by = LinkedBy::Provisioned(called);
                return self.link_first(provider, vouched, &provisioned, by, visit.asker).await;
            }
        }
        // An address that the provider does not vouch for says nothing, not even whether an account
        // has it: whoever can write it there could ask so for anybody's.
        let owner = match vouched.verified_email() {
            Some(email) => self.users.user_by_email(&email.normalized()).await?,
            None => None,
        };
        if let Some(owner) = owner {
            if vouched.trusted_email(provider).is_some()
                && self.has_none_of(vouched.id(), &owner.sub).await?
            {
                let linked = self.link_by_address(provider, vouched, &owner, visit.asker).await?;
                if let LinkByAddress::Decided(outcome) = linked {
                    return Ok(outcome);
                }
            }
            if newcomer == Newcomer::AsSet(FirstSignIn::Refuse) {
                return refused(ExternalRefusal::NoAccount);
            }
            // The account stays untouched until its owner signs in.
            return self.ask(provider, vouched, false, visit).await.map(Some);
        }
        if let Some(waiting) = self.waiting_account(provider, vouched).await? {
            let email = vouched.trusted_email(provider).map(|email| email.normalized());
            let username = normalized_username(&waiting.username);
            let by = LinkedBy::Username { username, email };
            return self.link_first(provider, vouched, &waiting, by, visit.asker).await;
        }
        match newcomer {
            Newcomer::AsSet(FirstSignIn::Refuse) => refused(ExternalRefusal::NoAccount),
            Newcomer::Decided | Newcomer::AsSet(FirstSignIn::Create)
                if visit.invitation.is_none() =>
            {
                self.create(provider, vouched, None, visit.asker).await
            }
            Newcomer::AsSet(FirstSignIn::Ask) if visit.invitation.is_none() => {
                self.ask(provider, vouched, true, visit).await.map(Some)
            }
            Newcomer::Decided | Newcomer::AsSet(_) => {
                let Some(invited) = self.invited(visit.invitation).await? else {
                    return refused(ExternalRefusal::NoInvitation);
                };
                self.create(provider, vouched, Some(invited), visit.asker).await
            }
        }
    }

    /// Whether the user has no identity of this issuer. Somebody else may have got the address
    /// there since: so a second one is linked by the user.
    async fn has_none_of(&self, id: &ExternalId, sub: &Sub) -> Result<bool, StoreError> {
        let identities = self.identities.external_identities(sub).await?;
        Ok(identities.iter().all(|own| own.id.issuer != id.issuer))
    }

    /// Links the identity with the account that has the address: verified here, and vouched for by
    /// a provider that is believed for its domain.
    async fn link_by_address(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
        owner: &User,
        asker: Asker<'_>,
    ) -> Result<LinkByAddress, StoreError> {
        let refused = |refusal| Some(ExternalSignIn::Refused(refusal));
        if !owner.enabled {
            return Ok(LinkByAddress::Decided(refused(ExternalRefusal::Disabled)));
        }
        let by = LinkedBy::Email(owner.verified_email().unwrap_or_default());
        let outcome = match self.add_link(provider, vouched, owner, by, asker).await? {
            AddedIdentity::Added => self.known(provider, vouched, &owner.sub).await?,
            AddedIdentity::TooMany => refused(ExternalRefusal::TooMany),
            AddedIdentity::WasUnlinked => return Ok(LinkByAddress::OwnerDecides),
            AddedIdentity::WasLinked
            | AddedIdentity::Taken
            | AddedIdentity::HasAnother
            | AddedIdentity::NoUser => None,
        };
        Ok(LinkByAddress::Decided(outcome))
    }

    /// The account that waits for the entry of a directory: it has the entry's name, and nobody can
    /// sign in to it, also not by a mail. Users who were brought along keep their `sub` so.
    async fn waiting_account(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
    ) -> Result<Option<User>, StoreError> {
        let mut directories = self.directories.iter();
        let adopts =
            directories.any(|own| own.provider.name == provider.name && own.adopts_usernames);
        let Some(name) = vouched.exact_username.as_deref().filter(|_| adopts) else {
            return Ok(None);
        };
        let user = self.users.user_by_username(&normalized_username(name)).await?;
        // Some letters become others in lower case: the Kelvin sign a k.
        let is_same = |user: &User| name.is_ascii() || user.username == name;
        let Some(user) = user.filter(|user| {
            let is_nobodys = user.password_hash.is_none() && user.admin_role().is_none();
            let email = user.verified_email();
            let is_address = |address: &EmailAddress| Some(address.normalized()) == email;
            let is_entrys = vouched.trusted_email(provider).as_ref().is_some_and(is_address);
            let has_no_other = email.is_none() || is_entrys;
            user.enabled && is_nobodys && has_no_other && is_same(user)
        }) else {
            return Ok(None);
        };
        let is_free = self.factors.factors(&user.sub).await?.ways_in() == 0;
        Ok(is_free.then_some(user))
    }

    /// The user whom a client provisions by SCIM, and calls as the provider does. No two may be
    /// called so.
    async fn provisioned(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
    ) -> Result<Option<(User, ProvisionedAs)>, StoreError> {
        let Some((link, external_id)) = provider.scim_link.as_ref().zip(vouched.provisioned_as())
        else {
            return Ok(None);
        };
        let (client, kind) = (link.client.clone(), ProvisionedKind::User);
        let called = self.external_ids.with_external_id(&client, kind, external_id, 2).await?;
        let [sub] = called.as_slice() else { return Ok(None) };
        let Ok(sub) = Sub::parse(sub) else { return Ok(None) };
        let user = self.users.user(&sub).await?.filter(|user| user.is_provisioned_by(&client));
        let called = ProvisionedAs { client, external_id: external_id.to_owned() };
        Ok(user.map(|user| (user, called)))
    }

    /// Links the identity with the account that waits for a first way in; `None` if it waits no
    /// more.
    async fn link_first(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
        waiting: &User,
        by: LinkedBy,
        asker: Asker<'_>,
    ) -> Result<Option<ExternalSignIn>, StoreError> {
        match self.add_link(provider, vouched, waiting, by, asker).await? {
            AddedIdentity::Added => self.known(provider, vouched, &waiting.sub).await,
            _ => Ok(None),
        }
    }

    async fn add_link(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
        user: &User,
        by: LinkedBy,
        asker: Asker<'_>,
    ) -> Result<AddedIdentity, StoreError> {
        let identity = vouched.identity_of(user, provider, self.clock.now());
        let called = identity.called(&provider.title);
        let told = Told::new(AccountEventKind::IdentityLinked)
            .about(&called)
            .saying("factor", called.as_str());
        let notices = self.accounts.notices(user, Some(MailKind::FactorAdded), told, asker)?;
        let link = IdentityLink { identity, by, most: MOST_IDENTITIES };
        let added = self.identities.add_external_identity(link, notices).await?;
        if added == AddedIdentity::Added {
            audit::Event::IdentityLinked { sub: &user.sub, peer: asker.address }.log();
            self.accounts.mail_queued.notify_waiters();
        }
        Ok(added)
    }

    /// Makes an account with the identity. The store makes one, however many ask for it at the same
    /// time; `None` if somebody else was faster.
    async fn create(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
        invited: Option<Invited>,
        asker: Asker<'_>,
    ) -> Result<Option<ExternalSignIn>, StoreError> {
        let ticket = invited.as_ref().map(|invited| (invited.ticket, TicketPurpose::Invitation));
        for name in names::candidates(vouched, self.entropy) {
            if self.is_taken(&name).await? {
                continue;
            }
            let now = self.clock.now();
            let user = self.newcomer(provider, vouched, invited.as_ref(), name);
            let identity = vouched.identity_of(&user, provider, now);
            let added =
                self.identities.add_user_with_identity(user.clone(), identity, ticket, now).await?;
            let refusal = match added {
                AddedIdentityUser::Added => {
                    let (sub, peer) = (&user.sub, asker.address);
                    match ticket {
                        None => audit::Event::Registered { sub, peer },
                        Some(_) => audit::Event::InvitationAccepted { sub, peer },
                    }
                    .log();
                    let detail = Some(provider.title.clone());
                    let kind = AccountEventKind::Registered;
                    self.accounts.note(sub, kind, asker, detail).await;
                    return self.known(provider, vouched, sub).await;
                }
                // Another user has got the name since it was looked for.
                AddedIdentityUser::NameTaken => continue,
                AddedIdentityUser::IdentityTaken(_) => return Ok(None),
                AddedIdentityUser::EmailTaken if ticket.is_none() => return Ok(None),
                AddedIdentityUser::NoTicket | AddedIdentityUser::EmailTaken => {
                    ExternalRefusal::NoInvitation
                }
            };
            return Ok(Some(ExternalSignIn::Refused(refusal)));
        }
        Err(again_and_again())
    }

    /// Whether somebody has the name, or one that it imitates.
    async fn is_taken(&self, name: &str) -> Result<bool, StoreError> {
        for name in [Some(normalized_username(name)), username::imitated(name)] {
            let Some(name) = name else { continue };
            if self.users.user_by_username(&name).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The user who is added. What a rule of the mapping names comes by the mapping, and not as the
    /// user's own: so it goes when it goes there.
    fn newcomer(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
        invited: Option<&Invited>,
        name: String,
    ) -> User {
        let mut user = new_user(None, name, self.entropy);
        let invited_name = invited.and_then(|invited| invited.name.clone());
        let texts = [
            ("name", invited_name.or_else(|| vouched.name.clone())),
            ("given_name", vouched.given_name.clone()),
            ("family_name", vouched.family_name.clone()),
        ];
        let own = texts.into_iter().filter(|(name, _)| !provider.claims.names(name));
        let own = own.filter_map(|(name, text)| Some((name.to_owned(), text?.into())));
        // The link of an invitation shows that the address is the user's.
        let (email, is_verified) = match invited {
            Some(invited) => (Some(invited.email.clone()), true),
            None => (vouched.email(), vouched.trusted_email(provider).is_some()),
        };
        let claims = user.claims_mut();
        claims.extend(own);
        if let Some(email) = email {
            claims.insert("email".to_owned(), email.as_str().into());
            claims.insert("email_verified".to_owned(), is_verified.into());
        }
        claims.extend(invited.map(|invited| invited.claims.clone()).unwrap_or_default());
        user
    }

    /// The invitation that this browser followed, if it works.
    async fn invited(&self, handle: Option<&TokenHandle>) -> Result<Option<Invited>, StoreError> {
        let Some(handle) = handle else { return Ok(None) };
        match self.accounts.invited(handle).await {
            Ok((email, name, claims)) => {
                Ok(Some(Invited { ticket: handle.hash(), email, name, claims }))
            }
            Err(AccountError::Store(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Links the identity with the account of the user who is signed in, and began it there.
    pub async fn link(
        &self,
        session: Option<&Session>,
        intent: &LinkIntent,
        provider: &IdentityProvider,
        user: &UpstreamUser,
        asker: Asker<'_>,
    ) -> Result<ExternalLink, StoreError> {
        let session = session.map(|session| &session.authentication);
        let Some(session) = session.filter(|session| intent.began_in(session)) else {
            return Ok(ExternalLink::Refused(ExternalRefusal::OtherSession));
        };
        let Ok(vouched) = Vouched::read(provider, user, self.clock.now()) else {
            return Ok(ExternalLink::Refused(ExternalRefusal::NoIdentity));
        };
        self.link_own(provider, &vouched, session, asker).await
    }

    async fn link_own(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
        session: &Authentication,
        asker: Asker<'_>,
    ) -> Result<ExternalLink, StoreError> {
        let Some(user) = self.users.user(&session.sub).await? else {
            return Ok(ExternalLink::Refused(ExternalRefusal::OtherSession));
        };
        let by = LinkedBy::Session(session.sid.clone());
        Ok(match self.add_link(provider, vouched, &user, by, asker).await? {
            AddedIdentity::Added => ExternalLink::Linked,
            AddedIdentity::WasLinked => ExternalLink::WasLinked,
            // Without an address nothing asks whether the user has, or had, another one.
            AddedIdentity::Taken | AddedIdentity::HasAnother | AddedIdentity::WasUnlinked => {
                ExternalLink::Refused(ExternalRefusal::OfAnother)
            }
            AddedIdentity::TooMany => ExternalLink::Refused(ExternalRefusal::TooMany),
            AddedIdentity::NoUser => ExternalLink::Refused(ExternalRefusal::Disabled),
        })
    }

    /// The identities at other providers that a user has, the oldest first.
    pub async fn external_identities(&self, sub: &Sub) -> Result<Vec<StoredIdentity>, StoreError> {
        self.identities.external_identities(sub).await
    }

    /// Unlinks an identity of this session's user, and ends the sessions that began by it. That of
    /// a directory stays.
    pub async fn unlink(
        &self,
        session: &Authentication,
        id: &ExternalId,
        asker: Asker<'_>,
    ) -> Result<RemovedIdentity, StoreError> {
        let sub = &session.sub;
        let own = self.identities.external_identity(id).await?.filter(|own| own.sub == *sub);
        let user = self.users.user(sub).await?;
        // Who could leave the directory would stay when the directory lets them go.
        let own = own.filter(|own| !directory::is_directory(&own.id.issuer));
        let Some((identity, user)) = own.zip(user) else { return Ok(RemovedIdentity::Unknown) };
        let called = self.vouching.called(&identity);
        let told = Told::new(AccountEventKind::IdentityUnlinked)
            .about(&called)
            .saying("factor", called.as_str());
        let notices = self.accounts.notices(&user, Some(MailKind::FactorRemoved), told, asker)?;
        let now = self.clock.now();
        let (sub, id, providers) = (sub.clone(), id.clone(), self.vouching.ways_in());
        let removal = IdentityRemoval { sub, id, providers, by_user: true };
        let removed = self.identities.remove_external_identity(removal, notices, now).await?;
        if removed == RemovedIdentity::Removed {
            audit::Event::IdentityUnlinked { sub: &user.sub, peer: asker.address }.log();
            self.accounts.mail_queued.notify_waiters();
            self.accounts.logout_queued.notify_waiters();
        }
        Ok(removed)
    }
}

fn again_and_again() -> StoreError {
    StoreError::Unavailable("the external identity was changed again and again".to_owned())
}
