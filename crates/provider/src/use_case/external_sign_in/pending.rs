//! What the user decides about an identity that is new here: a new account, or a link with the one
//! that there is. What was vouched for waits as a ticket, and the browser has its handle.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ExternalLink, ExternalRefusal, ExternalSignIn, ExternalSignIns, ExternalVisit, LIFETIME,
    MOST_WAITING, Newcomer, Ticket, TicketPurpose, Vouched,
};
use crate::{
    model::{
        identity_provider::{IdentityProvider, IdentityProviderName},
        session::Authentication,
        ticket::TicketBound,
        token_handle::TokenHandle,
    },
    store::StoreError,
    use_case::accounts::Asker,
};

/// In the data of a ticket: what is kept.
const KEPT: &str = "kept";

/// An identity about which the user is to decide.
#[derive(Debug)]
pub struct PendingIdentity {
    /// The provider.
    pub provider: IdentityProviderName,
    /// What people call the provider.
    pub title: String,
    /// What the provider calls the user.
    pub shown: Option<String>,
    /// Whether an account can be made. If not, one here has the address.
    pub may_create: bool,
    /// Where the user wanted to go. It comes from a request: parse it.
    pub return_url: Option<String>,
    /// Whether to remember the sign-in beyond the closing of the browser.
    pub remember: bool,
}

/// What a ticket keeps.
#[derive(Serialize, Deserialize)]
struct Kept {
    provider: IdentityProviderName,
    vouched: Vouched,
    may_create: bool,
    return_url: Option<String>,
    remember: bool,
}

impl ExternalSignIns<'_> {
    /// Keeps what was vouched for until the user has decided.
    pub(super) async fn ask(
        &self,
        provider: &IdentityProvider,
        vouched: &Vouched,
        may_create: bool,
        visit: ExternalVisit<'_>,
    ) -> Result<ExternalSignIn, StoreError> {
        let kept = Kept {
            provider: provider.name.clone(),
            vouched: vouched.clone(),
            may_create,
            return_url: visit.return_url.map(str::to_owned),
            remember: visit.remember,
        };
        let kept = serde_json::to_value(&kept).map_err(|error| {
            StoreError::Unavailable(format!("an external identity can't be written: {error}"))
        })?;
        let (handle, now) = (TokenHandle::generate(self.entropy), self.clock.now());
        let ticket = Ticket {
            hash: handle.hash(),
            purpose: TicketPurpose::ExternalIdentity,
            sub: None,
            about: Some(vouched.id().to_string()),
            data: [(KEPT.to_owned(), kept)].into_iter().collect(),
            expires_at: now.plus(LIFETIME),
        };
        let bound = TicketBound::at_once(MOST_WAITING);
        let added = self.tickets.add_ticket(ticket, &bound, Vec::new(), now).await?;
        Ok(if added {
            ExternalSignIn::Ask(handle)
        } else {
            ExternalSignIn::Refused(ExternalRefusal::TooOften)
        })
    }

    /// What the user is asked, without deciding anything; `None` if there is nothing to decide.
    pub async fn pending(
        &self,
        handle: &TokenHandle,
    ) -> Result<Option<PendingIdentity>, StoreError> {
        let (purpose, now) = (TicketPurpose::ExternalIdentity, self.clock.now());
        let ticket = self.tickets.ticket(handle.hash(), purpose, now).await?;
        let Some((provider, kept)) = ticket.and_then(|ticket| self.open(&ticket)) else {
            return Ok(None);
        };
        Ok(Some(PendingIdentity {
            provider: kept.provider,
            title: provider.title.clone(),
            shown: kept.vouched.shown,
            may_create: kept.may_create,
            return_url: kept.return_url,
            remember: kept.remember,
        }))
    }

    /// Makes an account, as the user has decided. The ticket is used up by it.
    pub async fn create_pending(
        &self,
        handle: &TokenHandle,
        asker: Asker<'_>,
    ) -> Result<ExternalSignIn, StoreError> {
        let Some((provider, kept)) = self.take(handle).await? else {
            return Ok(ExternalSignIn::Refused(ExternalRefusal::Expired));
        };
        if !kept.may_create {
            return Ok(ExternalSignIn::Refused(ExternalRefusal::NoAccount));
        }
        let (return_url, remember) = (kept.return_url.as_deref(), kept.remember);
        let visit = ExternalVisit { asker, invitation: None, return_url, remember };
        self.admit(provider, &kept.vouched, Newcomer::Decided, visit).await
    }

    /// Links the identity with the account of this user, who is signed in to it. The ticket is used
    /// up by it.
    pub async fn link_pending(
        &self,
        session: &Authentication,
        handle: &TokenHandle,
        asker: Asker<'_>,
    ) -> Result<ExternalLink, StoreError> {
        match self.take(handle).await? {
            Some((provider, kept)) => self.link_own(provider, &kept.vouched, session, asker).await,
            None => Ok(ExternalLink::Refused(ExternalRefusal::Expired)),
        }
    }

    async fn take(
        &self,
        handle: &TokenHandle,
    ) -> Result<Option<(&IdentityProvider, Kept)>, StoreError> {
        let (purpose, now) = (TicketPurpose::ExternalIdentity, self.clock.now());
        let ticket = self.tickets.take_ticket(handle.hash(), purpose, now).await?;
        Ok(ticket.and_then(|ticket| self.open(&ticket)))
    }

    /// What a ticket keeps, and its provider, unless that was removed.
    fn open(&self, ticket: &Ticket) -> Option<(&IdentityProvider, Kept)> {
        let kept: Value = ticket.data.get(KEPT)?.clone();
        let kept: Kept = serde_json::from_value(kept).ok()?;
        // Another provider may have the name by now.
        let issuer = &kept.vouched.id().issuer;
        let provider = self.vouching.named(&kept.provider).filter(|own| own.issues_as(issuer))?;
        Some((provider, kept))
    }
}
