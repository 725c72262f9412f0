//! Operators link users with accounts at other providers: of users who have no other way in, nobody
//! else can.

use serde_json::Map;

use crate::{
    keys::{MasterKey, waiting_mail},
    model::{
        account_event::{AccountEvent, AccountEventKind},
        account_notice::AccountNotices,
        external_identity::{ExternalId, InvalidExternalId, MOST_IDENTITIES, StoredIdentity},
        outbox::{MailKind, OutboxMail},
        provider_settings::ProviderSettings,
        session::Device,
        time::{Clock, Entropy},
        token_handle::random_id,
        user::{User, UserClaims},
    },
    store::{AddedIdentity, ExternalIdentities, IdentityLink, LinkedBy, StoreError},
    use_case::accounts::NOTICE_LIFETIME,
};

/// An account at another provider, as an operator names it.
#[derive(Debug, Clone, Copy)]
pub struct NamedAccount<'a> {
    /// The name of the provider or of the directory in the configuration.
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
    #[error("no provider in [[identity_providers]] and no directory has this name")]
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
    pub settings: &'a ProviderSettings,
    /// Encrypts the mails that wait.
    pub master: &'a MasterKey,
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
        let provider = self.settings.vouching(provider).ok_or(LinkError::NoProvider)?;
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
        let notices = self.notices(user, identity.called(&provider.title))?;
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

    /// What tells the user: a mail to the confirmed address, if mail is sent here, and an event.
    fn notices(&self, user: &User, called: String) -> Result<AccountNotices, StoreError> {
        let now = self.clock.now();
        let to = user.email().filter(|_| self.settings.accounts.mail);
        let mail = to.filter(|_| user.verified_email().is_some()).map(|to| {
            let text = |name: &str| user.claims.0.get(name).and_then(|value| value.as_str());
            let mut data = Map::from_iter([("factor".to_owned(), called.as_str().into())]);
            data.extend(text("name").map(|name| ("name".to_owned(), name.into())));
            let is_german = text("locale").is_some_and(|locale| locale.starts_with("de"));
            let mail = OutboxMail {
                id: random_id(self.entropy),
                to: to.as_str().to_owned(),
                kind: MailKind::FactorAdded,
                language: if is_german { "de" } else { "en" }.to_owned(),
                data,
                sub: Some(user.sub.clone()),
                created_at: now,
                expires_at: now.plus(NOTICE_LIFETIME),
            };
            waiting_mail::seal(self.master, mail)
                .map_err(|_| StoreError::Unavailable("a mail can't be encrypted".to_owned()))
        });
        let event = AccountEvent {
            sub: user.sub.clone(),
            at: now,
            kind: AccountEventKind::IdentityLinked,
            device: Device::default(),
            detail: Some(called),
        };
        Ok(AccountNotices { mails: mail.transpose()?.into_iter().collect(), event: Some(event) })
    }
}
