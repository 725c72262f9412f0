//! Sign-in at other OpenID providers: the use cases of [`Provider`] for it.

use std::sync::Arc;

use doorward_protocol::secret::Secret;

use super::Provider;
use crate::{
    audit,
    model::{
        identity_provider::IdentityProvider,
        session::{EndedSession, Session},
    },
    use_case::upstream::{
        AnsweredSignIn, BegunSignIn, Kept, UpstreamClients, UpstreamError, UpstreamRequest,
        UpstreamSignIns,
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
        self.upstream(&self.upstream_clients()).begin(&provider.name, asked, kept).await
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
        let clients = self.upstream_clients();
        self.upstream(&clients).finish(provider, state, sealed, url, address).await
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
        let (vouching, clients) = (self.vouching(), self.upstream_clients());
        let mut providers = vouching.providers().iter();
        match providers.find(|own| own.sign_out_upstream && own.issues_as(&upstream.id.issuer)) {
            Some(provider) => self.upstream(&clients).sign_out_url(&provider.name, return_to).await,
            None => Ok(None),
        }
    }

    /// Where the browser goes after it was signed out at another provider, which sent this back.
    pub fn signed_out_elsewhere(&self, kept: &str) -> Option<String> {
        self.upstream(&self.upstream_clients()).signed_out(kept)
    }

    /// Ends the sessions that a logout token of another provider names, and notifies their clients.
    pub async fn logged_out_elsewhere(
        &self,
        provider: &IdentityProvider,
        token: &str,
        address: &str,
    ) -> Result<(), UpstreamError> {
        let clients = self.upstream_clients();
        let Some(selector) = self.upstream(&clients).logged_out(provider, token).await? else {
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

    /// What the browser wanted whose provider is not offered any more, by what it has kept for this
    /// `state`.
    pub fn abandoned_elsewhere(&self, state: &str, sealed: &Secret) -> Option<Kept> {
        self.upstream(&self.upstream_clients()).abandoned(state, sealed)
    }

    fn upstream_clients(&self) -> Arc<UpstreamClients> {
        self.identity_providers.clients()
    }

    fn upstream<'a>(&'a self, clients: &'a UpstreamClients) -> UpstreamSignIns<'a> {
        UpstreamSignIns {
            clients,
            keys: &self.keys,
            single_uses: &*self.store,
            failures: &*self.store,
            clock: &*self.clock,
        }
    }
}
