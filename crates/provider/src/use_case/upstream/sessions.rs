//! Sign-outs that go on at another provider, and those that come from there.

use doorward_protocol::secret::Secret;

use super::{LIFETIME, Purpose, UpstreamError, UpstreamSignIns};
use crate::{
    audit,
    model::{
        external_identity::{Issuer, UpstreamUser},
        identity_provider::{IdentityProvider, IdentityProviderName},
        session::{EndedSession, Session, UpstreamSession},
        time::Seconds,
    },
    store::StoreError,
};

/// The purpose under which ID tokens are encrypted.
const ID_TOKEN: &str = "ID token of another provider";
/// The longest ID token that is kept, in bytes. It is sent in a URL, and Keycloak takes URLs of
/// 4,096 bytes and no more. Without it a provider asks a question; with a longer one the user would
/// see an error.
pub const LONGEST_ID_TOKEN: usize = 3000;
/// The longest URL with an ID token in it, in bytes. Beside it, cookies and a header that a proxy
/// adds must fit into 4,096.
const LONGEST_URL: usize = 3500;
/// So long an ID token waits for the session: the user may be asked what becomes of a new identity
/// first, and then for a second factor.
const WAITS: Seconds = Seconds::new(1800);

/// A session at another provider that is to end there.
#[derive(Debug)]
pub struct SessionElsewhere {
    provider: IdentityProviderName,
    issuer: Issuer,
    id_token: Option<Secret>,
}

impl UpstreamSignIns<'_> {
    /// The session at another provider by which this session began, if signing out there is wanted.
    /// Ask for it before the session ends: what is kept of the other one goes with it.
    pub async fn session_elsewhere(&self, session: &Session) -> Option<SessionElsewhere> {
        let upstream = session.upstream.as_ref()?;
        let mut providers = self.vouching.providers().iter();
        let provider = providers
            .find(|own| own.sign_out_upstream && own.issues_as(&upstream.id.issuer))?
            .name
            .clone();
        let id_token = self.id_token(upstream).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the user is signed out elsewhere without a hint");
            None
        });
        Some(SessionElsewhere { provider, issuer: upstream.id.issuer.clone(), id_token })
    }

    /// Where the session at the other provider ends; `None` if it has no such page. `return_to` is
    /// where the browser goes afterwards.
    pub async fn sign_out_url(
        &self,
        session: SessionElsewhere,
        return_to: Option<&str>,
    ) -> Result<Option<String>, UpstreamError> {
        let kept = self.signing_out().seal(return_to, LIFETIME)?;
        // The provider may have another issuer by now, whom the ID token does not concern.
        let SessionElsewhere { provider, issuer, id_token } = session;
        let is_still_theirs = self
            .vouching
            .providers()
            .iter()
            .any(|own| own.name == provider && own.issues_as(&issuer));
        let id_token = id_token.filter(|_| is_still_theirs);
        let client = self.client(&provider)?;
        let url = client.end_session_url(kept.clone(), id_token).await?;
        if url.as_ref().is_none_or(|url| url.len() <= LONGEST_URL) {
            return Ok(url);
        }
        client.end_session_url(kept, None).await
    }

    /// Keeps the ID token of a sign-in, for the sign-out there (OIDC RP-Initiated Logout section 2:
    /// `id_token_hint`), if that is wanted.
    pub(super) async fn keep_id_token(
        &self,
        provider: &IdentityProvider,
        purpose: &Purpose,
        user: &UpstreamUser,
        id_token: Option<Secret>,
    ) -> Result<(), StoreError> {
        // No session begins by a link.
        let is_wanted = provider.sign_out_upstream && !matches!(purpose, Purpose::Link(_));
        let id_token = id_token.filter(|own| is_wanted && own.expose().len() <= LONGEST_ID_TOKEN);
        let Some((id_token, session)) = id_token.zip(user.session().ok()) else { return Ok(()) };
        let sealed = self.keys.seal(ID_TOKEN, &owner(&session), id_token.expose().as_bytes());
        let sealed = sealed.map_err(|error| {
            StoreError::Unavailable(format!("an ID token can't be encrypted: {error}"))
        })?;
        let until = self.clock.now().plus(WAITS);
        self.sessions.keep_upstream_id_token(&session, sealed, until).await
    }

    /// The ID token that is kept of this session at another provider. One that another master key
    /// has encrypted is none.
    async fn id_token(&self, session: &UpstreamSession) -> Result<Option<Secret>, StoreError> {
        let sealed = self.sessions.upstream_id_token(session, self.clock.now()).await?;
        let opened = sealed.and_then(|sealed| {
            let bytes = self.keys.unseal(ID_TOKEN, &owner(session), &sealed).ok()?;
            String::from_utf8(bytes).ok()
        });
        Ok(opened.map(Secret::new))
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

/// Whose ID token it is. Neither an issuer nor a subject has a line break.
fn owner(session: &UpstreamSession) -> String {
    let UpstreamSession { id, sid } = session;
    format!("{}\n{}\n{}", id.issuer, id.subject, sid.as_deref().unwrap_or_default())
}
