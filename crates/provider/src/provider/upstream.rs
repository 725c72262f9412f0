//! Sign-in at other OpenID providers: the use cases of [`Provider`] for it.

use doorward_protocol::secret::Secret;

use super::Provider;
use crate::{
    audit,
    model::{
        identity_provider::IdentityProvider,
        session::{EndedSession, Session},
    },
    use_case::upstream::{
        AnsweredSignIn, BegunSignIn, Kept, UpstreamError, UpstreamRequest, UpstreamSignIns,
    },
};

/// The way to other providers and back.
impl Provider {
    /// Begins a sign-in at another provider.
    pub async fn begin_elsewhere(
        &self,
        provider: &IdentityProvider,
        asked: UpstreamRequest,
        kept: Kept,
    ) -> Result<BegunSignIn, UpstreamError> {
        self.upstream().begin(&provider.name, asked, kept).await
    }

    /// Takes the response of another provider. `sealed` is what the browser has kept for this
    /// `state`. It counts once.
    pub async fn finish_elsewhere(
        &self,
        provider: &IdentityProvider,
        state: &str,
        sealed: &Secret,
        url: String,
        address: &str,
    ) -> Result<AnsweredSignIn, UpstreamError> {
        self.upstream().finish(provider, state, sealed, url, address).await
    }

    /// Where the session at another provider ends by which this session began: `None` if signing
    /// out there is not wanted, or there is no such page. `return_to` is where the browser goes
    /// afterwards.
    pub async fn sign_out_url(
        &self,
        session: &Session,
        return_to: Option<&str>,
    ) -> Result<Option<String>, UpstreamError> {
        let Some(upstream) = &session.upstream else { return Ok(None) };
        let mut providers = self.identity_providers().iter();
        match providers.find(|own| own.sign_out_upstream && own.issues_as(&upstream.id.issuer)) {
            Some(provider) => self.upstream().sign_out_url(&provider.name, return_to).await,
            None => Ok(None),
        }
    }

    /// Where the browser goes after it was signed out at another provider, which sent this back.
    pub fn signed_out_elsewhere(&self, kept: &str) -> Option<String> {
        self.upstream().signed_out(kept)
    }

    /// Ends the sessions that a logout token of another provider names, and notifies their clients.
    pub async fn logged_out_elsewhere(
        &self,
        provider: &IdentityProvider,
        token: &str,
        address: &str,
    ) -> Result<(), UpstreamError> {
        let Some(selector) = self.upstream().logged_out(provider, token).await? else {
            return Ok(());
        };
        let ended = self.store.end_sessions(selector, self.clock.now()).await?;
        self.logout.queued.notify_waiters();
        for session in &ended {
            let EndedSession { sub, sid, .. } = session;
            audit::Event::SignedOut { sub, sid, peer: address }.log();
        }
        Ok(())
    }

    fn upstream(&self) -> UpstreamSignIns<'_> {
        UpstreamSignIns {
            clients: &self.upstream_clients,
            keys: &self.keys,
            single_uses: &*self.store,
            failures: &*self.store,
            clock: &*self.clock,
        }
    }
}
