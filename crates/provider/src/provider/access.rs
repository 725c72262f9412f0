//! Who has access to a user's data: clients, and the user's own sessions.

use doorward_protocol::ids::{ClientId, SessionId, Sub};

use super::Provider;
use crate::{
    model::session::{Authentication, Session, SessionCursor},
    store::StoreError,
    use_case::access::{ClientWithAccess, UserAccess},
};

impl Provider {
    /// A page of the clients that have access to a user's data, by their names, and after which
    /// one the next page begins.
    pub async fn clients_with_access(
        &self,
        sub: &Sub,
        after: Option<&ClientId>,
    ) -> Result<(Vec<ClientWithAccess>, Option<ClientId>), StoreError> {
        self.user_access().clients_with_access(sub, after).await
    }

    /// A page of the live sessions of a user, the latest first, and where the next page begins.
    pub async fn sessions_of(
        &self,
        sub: &Sub,
        after: Option<&SessionCursor>,
    ) -> Result<(Vec<Session>, Option<SessionCursor>), StoreError> {
        self.user_access().sessions_of(sub, after).await
    }

    /// Ends another session of this session's user, and notifies its clients.
    pub async fn end_other_session(
        &self,
        session: &Authentication,
        sid: &SessionId,
        address: &str,
    ) -> Result<(), StoreError> {
        self.user_access().end_other_session(session, sid, address).await
    }

    pub(super) fn user_access(&self) -> UserAccess<'_> {
        UserAccess {
            access: &*self.store,
            sessions: &*self.store,
            clients: self.directory(),
            resources: &self.resources,
            logout_queued: &self.logout.queued,
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }
}
