//! Sign-outs that go on at another provider, and those that come from there.

use super::{UpstreamError, UpstreamSignIns};
use crate::{
    audit,
    model::{
        identity_provider::IdentityProvider,
        session::{EndedSession, Session},
    },
};

impl UpstreamSignIns<'_> {
    /// Where the session at another provider ends by which this session began: `None` if signing
    /// out there is not wanted, or there is no such page. `return_to` is where the browser goes
    /// afterwards.
    pub async fn sign_out_url(
        &self,
        session: &Session,
        return_to: Option<&str>,
    ) -> Result<Option<String>, UpstreamError> {
        let Some(upstream) = &session.upstream else { return Ok(None) };
        let mut providers = self.vouching.providers().iter();
        match providers.find(|own| own.sign_out_upstream && own.issues_as(&upstream.id.issuer)) {
            Some(provider) => self.end_session_url(&provider.name, return_to).await,
            None => Ok(None),
        }
    }

    /// Ends the sessions that a logout token of another provider names, and notifies their clients.
    pub async fn logged_out(
        &self,
        provider: &IdentityProvider,
        token: &str,
        address: &str,
    ) -> Result<(), UpstreamError> {
        let Some(selector) = self.verified_logout(provider, token).await? else {
            return Ok(());
        };
        let ended = self.sessions.end_sessions(selector, self.clock.now()).await?;
        self.logout_queued.notify_waiters();
        for session in &ended {
            let EndedSession { sub, sid, .. } = session;
            audit::Event::SignedOut { sub, sid, peer: address }.log();
        }
        Ok(())
    }
}
