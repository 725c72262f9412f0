//! What users see of and take back from clients and their own sessions: the page `/grants`.

use std::collections::BTreeMap;

use doorward_protocol::{
    ids::{ClientId, SessionId, Sub},
    scope::Scope,
};
use tokio::sync::Notify;
use url::Url;

use crate::{
    audit,
    model::{
        account_event::{AccountEvent, AccountEventKind},
        client::Client,
        client_access::Use,
        resource::{Resources, ScopeDescription},
        session::{Authentication, Device, Session, SessionCursor, SessionSelector},
        time::Clock,
    },
    store::{Access, AccountEvents, Sessions, StoreError},
    use_case::client_directory::ClientDirectory,
};

/// A client with access, for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientWithAccess {
    /// The client.
    pub client_id: ClientId,
    /// Its name; the identifier where the client is gone.
    pub name: String,
    /// Where the client lets others begin a sign-in, with the issuer that is to be asked (OIDC Core
    /// section 4).
    pub open: Option<String>,
    /// What it may have.
    pub scopes: Vec<ScopeDescription>,
    /// Since when and until when; `None` while it was only allowed.
    pub used: Option<Use>,
}

/// The address at which this client begins a sign-in with this issuer. A query of its own is kept
/// (OIDC Core section 4).
fn initiated_login(client: &Client, issuer: &str) -> Option<String> {
    let mut url = Url::parse(client.initiate_login_uri.as_deref()?).ok()?;
    url.query_pairs_mut().append_pair("iss", issuer);
    Some(url.into())
}

/// Clients on one page: what a browser shows at once, in some 40 kB.
const CLIENTS_A_PAGE: u32 = 50;

/// Sessions on one page: what a browser shows at once, in some 30 kB.
const SESSIONS_A_PAGE: u32 = 50;

/// The user's view of their access: what it reads and changes.
pub struct UserAccess<'a> {
    pub(crate) access: &'a dyn Access,
    pub(crate) sessions: &'a dyn Sessions,
    pub(crate) events: &'a dyn AccountEvents,
    pub(crate) clients: ClientDirectory<'a>,
    pub(crate) resources: &'a Resources,
    pub(crate) logout_queued: &'a Notify,
    pub(crate) issuer: &'a str,
    pub(crate) clock: &'a dyn Clock,
}

impl UserAccess<'_> {
    /// A page of the clients that have access to a user's data, by their names, and after which
    /// one the next page begins.
    pub async fn clients_with_access(
        &self,
        sub: &Sub,
        after: Option<&ClientId>,
    ) -> Result<(Vec<ClientWithAccess>, Option<ClientId>), StoreError> {
        let mut clients: BTreeMap<ClientId, (Scope, Option<Use>)> = BTreeMap::new();
        let now = self.clock.now();
        for access in self.access.access_of(sub, after, CLIENTS_A_PAGE + 1, now).await? {
            let (scope, used) = clients.entry(access.client_id).or_default();
            *scope = scope.union(&access.scope);
            *used = match (*used, access.used) {
                (Some(one), Some(other)) => Some(one.joined(other)),
                (one, other) => one.or(other),
            };
        }
        let has_more = clients.len() > CLIENTS_A_PAGE as usize;
        if has_more {
            clients.pop_last();
        }
        let next = clients.keys().last().filter(|_| has_more).cloned();
        let mut listed = Vec::with_capacity(clients.len());
        for (client_id, (scope, used)) in clients {
            let client = self.clients.at_hand(&client_id).await?;
            listed.push(ClientWithAccess {
                open: client.as_ref().and_then(|own| initiated_login(own, self.issuer)),
                name: match client {
                    Some(client) => client.name.clone(),
                    None => self.clients.name_of(&client_id).await?,
                },
                scopes: self.resources.describe(&scope),
                client_id,
                used,
            });
        }
        let mut clients = listed;
        clients.sort_by(|one, other| one.name.cmp(&other.name));
        Ok((clients, next))
    }

    /// Takes a client's access back, and keeps that for the user to see: what was issued to it for
    /// this user is revoked, a remembered consent is forgotten.
    pub async fn take_access_back(
        &self,
        session: &Authentication,
        client_id: &ClientId,
        device: Device,
    ) -> Result<(), StoreError> {
        let peer = device.address.clone().unwrap_or_default();
        self.access.revoke_access(&session.sub, client_id, self.clock.now()).await?;
        audit::Event::AccessRevoked { sub: &session.sub, client_id, peer: &peer }.log();
        let detail = Some(client_id.to_string());
        self.note(&session.sub, AccountEventKind::AccessRevoked, device, detail).await
    }

    /// A page of the live sessions of a user, the latest first, and where the next page begins.
    pub async fn sessions_of(
        &self,
        sub: &Sub,
        after: Option<&SessionCursor>,
    ) -> Result<(Vec<Session>, Option<SessionCursor>), StoreError> {
        let now = self.clock.now();
        let mut page = self.sessions.sessions_of(sub, after, SESSIONS_A_PAGE + 1, now).await?;
        let has_more = page.len() > SESSIONS_A_PAGE as usize;
        page.truncate(SESSIONS_A_PAGE as usize);
        let next = page.last().filter(|_| has_more).map(Session::cursor);
        Ok((page, next))
    }

    /// Ends one other session of this session's user, and notifies its clients.
    pub async fn end_one_session(
        &self,
        session: &Authentication,
        sid: &SessionId,
        device: Device,
    ) -> Result<(), StoreError> {
        let address = device.address.clone().unwrap_or_default();
        self.end_other_session(session, sid, &address).await?;
        self.note(&session.sub, AccountEventKind::SessionEnded, device, None).await
    }

    /// Ends all other sessions of this session's user, and notifies their clients.
    pub async fn end_all_other_sessions(
        &self,
        session: &Authentication,
        device: Device,
    ) -> Result<(), StoreError> {
        let address = device.address.clone().unwrap_or_default();
        let mut after = None;
        loop {
            let (page, next) = self.sessions_of(&session.sub, after.as_ref()).await?;
            for other in page.iter().map(|other| &other.authentication.sid) {
                if *other != session.sid {
                    self.end_other_session(session, other, &address).await?;
                }
            }
            if next.is_none() {
                break;
            }
            after = next;
        }
        self.note(&session.sub, AccountEventKind::SessionEnded, device, None).await
    }

    /// Keeps an event for the user to see.
    pub(crate) async fn note(
        &self,
        sub: &Sub,
        kind: AccountEventKind,
        device: Device,
        detail: Option<String>,
    ) -> Result<(), StoreError> {
        let (sub, at) = (sub.clone(), self.clock.now());
        self.events.add_account_event(AccountEvent { sub, at, kind, device, detail }).await
    }

    /// Ends another session of this session's user, and notifies its clients.
    async fn end_other_session(
        &self,
        session: &Authentication,
        sid: &SessionId,
        address: &str,
    ) -> Result<(), StoreError> {
        let selector = SessionSelector::OfUser { sub: session.sub.clone(), sid: sid.clone() };
        let ended = self.sessions.end_sessions(selector, self.clock.now()).await?;
        self.logout_queued.notify_waiters();
        let (sub, count) = (&session.sub, ended.len());
        audit::Event::SessionEnded { sub, sid, peer: address, count }.log();
        Ok(())
    }
}
