//! What users see of and take back from clients and their own sessions: the page `/grants`.

use std::collections::BTreeMap;

use doorward_protocol::scope::Scope;
use tokio::sync::Notify;

use crate::{
    audit,
    model::{
        client_access::Use,
        resource::{Resources, ScopeDescription},
        session::{Authentication, Session, SessionCursor, SessionSelector},
        time::Clock,
    },
    store::{Store, StoreError},
    use_case::client_registry::ClientRegistry,
};

/// A client with access, for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientWithAccess {
    /// The client.
    pub client_id: String,
    /// Its name; the identifier where the client is gone.
    pub name: String,
    /// What it may have.
    pub scopes: Vec<ScopeDescription>,
    /// Since when and until when; `None` while it was only allowed.
    pub used: Option<Use>,
}

/// Sessions on one page: what a browser shows at once, in some 30 kB.
const SESSIONS_A_PAGE: u32 = 50;

/// The user's view of their access: what it reads and changes.
pub(crate) struct UserAccess<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) clients: &'a ClientRegistry,
    pub(crate) resources: &'a Resources,
    pub(crate) logout_queued: &'a Notify,
    pub(crate) clock: &'a dyn Clock,
}

impl UserAccess<'_> {
    /// The clients that have access to a user's data, by their names.
    pub(crate) async fn clients_with_access(
        &self,
        sub: &str,
    ) -> Result<Vec<ClientWithAccess>, StoreError> {
        let mut clients: BTreeMap<String, (Scope, Option<Use>)> = BTreeMap::new();
        for access in self.store.access_of(sub, self.clock.now()).await? {
            let (scope, used) = clients.entry(access.client_id).or_default();
            *scope = scope.union(&access.scope);
            *used = match (*used, access.used) {
                (Some(one), Some(other)) => Some(one.joined(other)),
                (one, other) => one.or(other),
            };
        }
        let mut clients: Vec<_> = clients
            .into_iter()
            .map(|(client_id, (scope, used))| ClientWithAccess {
                name: self
                    .clients
                    .get(&client_id)
                    .map_or_else(|| client_id.clone(), |client| client.name.clone()),
                scopes: self.resources.describe(&scope),
                client_id,
                used,
            })
            .collect();
        clients.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(clients)
    }

    /// Takes a client's access back: what was issued to it for this user is revoked, a remembered
    /// consent is forgotten.
    pub(crate) async fn revoke_access(
        &self,
        session: &Authentication,
        client_id: &str,
        address: &str,
    ) -> Result<(), StoreError> {
        self.store.revoke_access(&session.sub, client_id, self.clock.now()).await?;
        audit::Event {
            event: "access_revoked",
            sub: Some(&session.sub),
            client_id: Some(client_id),
            peer: Some(address),
            ..audit::Event::default()
        }
        .log();
        Ok(())
    }

    /// A page of the live sessions of a user, the latest first, and where the next page begins.
    pub(crate) async fn sessions_of(
        &self,
        sub: &str,
        after: Option<&SessionCursor>,
    ) -> Result<(Vec<Session>, Option<SessionCursor>), StoreError> {
        let now = self.clock.now();
        let mut page = self.store.sessions_of(sub, after, SESSIONS_A_PAGE + 1, now).await?;
        let has_more = page.len() > SESSIONS_A_PAGE as usize;
        page.truncate(SESSIONS_A_PAGE as usize);
        let next = page.last().filter(|_| has_more).map(Session::cursor);
        Ok((page, next))
    }

    /// Ends another session of this session's user, and notifies its clients.
    pub(crate) async fn end_other_session(
        &self,
        session: &Authentication,
        sid: &str,
        address: &str,
    ) -> Result<(), StoreError> {
        let selector = SessionSelector::OfUser { sub: session.sub.clone(), sid: sid.to_owned() };
        let ended = self.store.end_sessions(selector, self.clock.now()).await?;
        self.logout_queued.notify_waiters();
        audit::Event {
            event: "session_ended",
            sub: Some(&session.sub),
            sid: Some(sid),
            peer: Some(address),
            count: Some(ended.len()),
            ..audit::Event::default()
        }
        .log();
        Ok(())
    }
}
