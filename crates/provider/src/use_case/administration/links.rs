//! Operators link users with accounts at other providers: of users who have no other way in, nobody
//! else can.

use super::notices::OperatorNotices;
use crate::{
    keys::MasterKey,
    model::{
        account_settings::AccountSettings,
        external_identity::{ExternalId, InvalidExternalId, MOST_IDENTITIES, StoredIdentity},
        time::{Clock, Entropy},
        user::{User, UserClaims},
        vouching::Vouching,
    },
    store::{AddedIdentity, ExternalIdentities, IdentityLink, LinkedBy, StoreError},
};

/// An account at another provider, as an operator names it.
#[derive(Debug, Clone, Copy)]
pub struct NamedAccount<'a> {
    /// The name of the provider or of the directory.
    pub provider: &'a str,
    /// The issuer. It is needed where the provider has several.
    pub issuer: Option<&'a str>,
    /// Whom the provider calls so.
    pub subject: &'a str,
}

/// Why a user was not linked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// There is no such provider.
    #[error("no identity provider and no directory has this name")]
    NoProvider,
    /// The provider has an issuer for each tenant, and none was named.
    #[error("the provider has an issuer for each tenant: name the one of the account")]
    NoIssuer,
    /// The provider does not have the issuer.
    #[error("the provider does not have this issuer")]
    OtherIssuer,
    /// The subject is none.
    #[error("a subject has 1 to 255 ASCII characters without control characters")]
    NoSubject(#[from] InvalidExternalId),
    /// The user has the account.
    #[error("the user has this link already")]
    WasLinked,
    /// Another user has the account.
    #[error("another user has this link")]
    Taken,
    /// The user has too many.
    #[error("the user has {MOST_IDENTITIES} links, and may have no more")]
    TooMany,
    /// The user is not there any more, or may not sign in.
    #[error("the user is disabled, or is not there any more")]
    NoUser,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Links users: what it reads and changes.
#[allow(missing_docs)]
#[derive(Clone, Copy)]
pub struct OperatorLinks<'a> {
    pub identities: &'a dyn ExternalIdentities,
    pub accounts: &'a AccountSettings,
    /// Who vouches for users now.
    pub vouching: &'a Vouching,
    /// Encrypts the mails that wait.
    pub master: Option<&'a MasterKey>,
    pub clock: &'a dyn Clock,
    pub entropy: &'a dyn Entropy,
}

impl OperatorLinks<'_> {
    /// Links the user with the account, and tells them by mail.
    pub async fn link(
        &self,
        user: &User,
        account: NamedAccount<'_>,
    ) -> Result<StoredIdentity, LinkError> {
        let NamedAccount { provider, issuer, subject } = account;
        let provider = self.vouching.named(provider).ok_or(LinkError::NoProvider)?;
        let issuer = issuer.unwrap_or(&provider.issuer);
        if provider.has_tenants() && issuer == provider.issuer {
            return Err(LinkError::NoIssuer);
        }
        if !provider.issues_as(issuer) {
            return Err(LinkError::OtherIssuer);
        }
        let identity = StoredIdentity {
            id: ExternalId::parse(issuer, subject)?,
            sub: user.sub.clone(),
            provider: provider.name.clone(),
            shown: None,
            mapped: UserClaims::default(),
            created_at: self.clock.now(),
            used_at: None,
        };
        let notices = OperatorNotices {
            accounts: self.accounts,
            master: self.master,
            clock: self.clock,
            entropy: self.entropy,
        };
        let notices = notices.of_link(user, identity.called(&provider.title))?;
        let (by, most) = (LinkedBy::Request, MOST_IDENTITIES);
        let link = IdentityLink { identity: identity.clone(), by, most };
        match self.identities.add_external_identity(link, notices).await? {
            AddedIdentity::Added => Ok(identity),
            AddedIdentity::WasLinked => Err(LinkError::WasLinked),
            // Only a link by an address asks whether the user has, or had, another one.
            AddedIdentity::Taken | AddedIdentity::HasAnother | AddedIdentity::WasUnlinked => {
                Err(LinkError::Taken)
            }
            AddedIdentity::TooMany => Err(LinkError::TooMany),
            AddedIdentity::NoUser => Err(LinkError::NoUser),
        }
    }
}
