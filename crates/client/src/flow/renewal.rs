//! Renews the access token with the refresh token (RFC 6749 section 6, OIDC Core section 12), or in
//! a hidden frame if there is none.
//!
//! A rotating refresh token must be sent only once. All callers in the page share one renewal. All
//! tabs share a lock, and the store is read again under the lock, because another tab may have
//! renewed in the meantime. In Chromium and Firefox, about one time in ten, that tab's write is not
//! visible yet. Therefore each tab also marks the tokens it replaced.

use std::{rc::Rc, time::Duration};

use doorward_protocol::{dpop::access_token_hash, json, jws::UnverifiedJws};
use serde_json::{Map, Value};

use crate::{
    AuthEvent, Error, Fault, User,
    client::Client,
    flow::{
        claims,
        tokens::{TokenResponse, add_params},
    },
    id_token::{Nonce, VerifiedIdToken},
    lean::url,
    popups,
    ports::Guard,
    settings::MergeClaims,
    tabs::message::TabMessage,
    user_store::{StoredSession, StoredUser},
};

/// How often, and for how long, to check whether the store shows what another tab has written. (The
/// timers of a hidden page run less often, and it must not block the other tabs.)
const POLL_INTERVAL: Duration = Duration::from_millis(50);
const WAIT_LIMIT: Duration = Duration::from_secs(5);
/// How long replaced tokens stay marked. After that, every tab must have seen the new ones.
const MARKED: Duration = Duration::from_mins(1);

impl Client {
    /// Renews the tokens of the stored user. Concurrent callers share one renewal.
    pub(crate) async fn renew(self: &Rc<Self>) -> Result<(), Fault> {
        let renewal = self.renewal.join(&*self.ports.timer, &|| {
            let client = Rc::clone(self);
            Box::pin(async move { client.renew_alone().await })
        });
        renewal.outcome().await
    }

    /// Returns a valid token, renewed first if it expired or expires soon. If renewal fails
    /// temporarily, or is impossible, a token that is still valid is returned.
    pub(crate) async fn access_token(self: &Rc<Self>) -> Result<String, Fault> {
        let session = self.users.get()?.ok_or(Error::NotSignedIn)?;
        if !self.is_due(&session) {
            return Ok(session.stored.user.access_token.clone());
        }
        match self.renew().await {
            Ok(()) => Ok(self.present_user()?.access_token),
            Err(error) => {
                // The last two: there is neither a refresh token nor a session at the provider that
                // a hidden frame could use.
                let forgivable = error.is_transient()
                    || matches!(
                        *error,
                        Error::NoRefreshToken | Error::NoWindow | Error::Authorization(_)
                    );
                let lives = self.users.expires_in(&session).is_none_or(|left| left > 0);
                if forgivable && lives {
                    Ok(session.stored.user.access_token.clone())
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Whether renewal is due by one of the two clocks. The monotonic clock stops while some
    /// devices sleep. A wrong wall clock causes nothing worse than an early renewal.
    pub(crate) fn is_due(&self, session: &StoredSession) -> bool {
        let lead = self.renewal_lead(session);
        let due = |left: Option<i64>| left.is_some_and(|left| left <= lead);
        due(self.users.expires_in(session)) || due(self.users.expires_in_by_wall_clock(session))
    }

    /// How many seconds before expiry renewal starts. At most half of the token's lifetime, so that
    /// short-lived tokens are not renewed continuously.
    pub(crate) fn renewal_lead(&self, session: &StoredSession) -> i64 {
        let half_life = session.stored.lifetime.map_or(u64::MAX, |life| life / 2);
        let lead = self.settings.access_token_expiring_notification_time.min(half_life);
        i64::try_from(lead).unwrap_or(i64::MAX)
    }

    async fn renew_alone(&self) -> Result<(), Fault> {
        let before = self.users.get()?;
        let name =
            ["oidc.renew:", &self.settings.authority, ":", &self.settings.client_id].concat();
        let _lock = self.ports.locks.acquire(&name).await;
        let begun = self.ports.clock.monotonic();
        loop {
            let Some(session) = self.users.get()? else {
                return if before.is_some() {
                    Err(Error::NotSignedIn.into())
                } else {
                    self.renew_in_frame(None).await
                };
            };
            let user = &session.stored.user;
            let changed = before
                .as_ref()
                .is_none_or(|before| before.stored.user.access_token != user.access_token);
            if changed && !self.is_due(&session) {
                // Another tab renewed while this one waited.
                return self.notice_changes();
            }
            let hash = access_token_hash(&user.access_token);
            let mark = self.ports.locks.mark(&["oidc.replaced:", &hash].concat()).await;
            // If the store never shows the new tokens, it belongs to this tab alone, and its tokens
            // are a copy.
            if mark.is_none()
                && (self.waits_for_store(begun).await || self.leave_to_others(&hash)?)
            {
                continue;
            }
            match self.refresh(&session).await {
                // Another tab changed the store in the meantime, perhaps with the same refresh
                // token.
                Err(_) if !self.still_stored(&session)? => {}
                Err(error) => {
                    self.renewal_failed(&error)?;
                    return Err(error);
                }
                Ok(()) => {
                    // Some providers return the same access token while it is valid. It was not
                    // replaced then.
                    let same =
                        self.present_user().is_ok_and(|now| now.access_token == user.access_token);
                    self.keep_marked(mark.filter(|_| !same));
                    return Ok(());
                }
            }
        }
    }

    /// Waits before the store is read again. Returns `false` once the time since `begun` is up.
    pub(crate) async fn waits_for_store(&self, begun: Duration) -> bool {
        let looks = self.ports.clock.monotonic().saturating_sub(begun) < WAIT_LIMIT;
        if looks {
            self.ports.timer.sleep(POLL_INTERVAL).await;
        }
        looks
    }

    /// Keeps a mark until every tab must have seen what replaced the marked tokens.
    pub(crate) fn keep_marked(&self, mark: Option<Guard>) {
        let timer = Rc::clone(&self.ports.timer);
        self.ports.timer.spawn(Box::pin(async move {
            timer.sleep(MARKED).await;
            drop(mark);
        }));
    }

    /// Whether the tokens can be renewed: with a refresh token, or in a hidden frame.
    pub(crate) fn can_renew(&self, session: &StoredSession) -> bool {
        session.stored.user.refresh_token.is_some() || popups::has_frames(&self.ports)
    }

    /// Emits an error once if the failure is permanent. If the provider ended the grant, the user
    /// is removed.
    fn renewal_failed(&self, error: &Error) -> Result<(), Fault> {
        if error.is_transient()
            || matches!(error, Error::NoRefreshToken | Error::NotSignedIn | Error::NoWindow)
        {
            return Ok(());
        }
        self.events.emit(&AuthEvent::SilentRenewError(error.clone()));
        if error.ends_the_grant() {
            self.user_unloaded(&TabMessage::UserChanged)?;
        }
        Ok(())
    }

    async fn refresh(&self, session: &StoredSession) -> Result<(), Fault> {
        if session.stored.user.refresh_token.is_none() {
            return self.renew_in_frame(Some(session)).await;
        }
        let refreshed = self.refreshed(&session.stored).await?;
        // If the user signed out or signed in again in the meantime, the old session must not come
        // back.
        if !self.still_stored(session)? {
            return Err(Error::NotSignedIn.into());
        }
        self.user_loaded(&refreshed)
    }

    /// Redeems the refresh token and returns the user with the new tokens.
    pub(crate) async fn refreshed(&self, stored: &StoredUser) -> Result<Rc<StoredUser>, Fault> {
        let refresh_token = stored.user.refresh_token.as_deref().ok_or(Error::NoRefreshToken)?;
        if stored.user.id_token.is_some() {
            // Once the refresh token is sent, nothing that verification needs may be missing.
            self.metadata.keys().await?;
        }
        let settings = &self.settings;
        let mut form =
            url::encoded(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]);
        add_params(&mut form, &settings.resource, &settings.extra_token_params);
        let answer = self.tokens.grant(&form).await?;
        let id_token = self.verify_renewed(&answer, &stored.user).await?;
        Ok(Rc::new(renewed(stored, *answer, id_token)))
    }

    pub(crate) fn still_stored(&self, session: &StoredSession) -> Result<bool, Fault> {
        let now = self.users.get()?;
        Ok(now.is_some_and(|now| {
            now.stored.user.refresh_token == session.stored.user.refresh_token
                && now.stored.user.access_token == session.stored.user.access_token
        }))
    }

    /// Verifies a renewed ID token, if there is one. It must belong to the same user and sign-in
    /// (OIDC Core section 12.2).
    async fn verify_renewed(
        &self,
        answer: &TokenResponse,
        user: &User,
    ) -> Result<Option<VerifiedIdToken>, Fault> {
        let before = user.id_token.as_deref().map_or_else(Map::new, stored_claims);
        let nonce = Nonce::AbsentOr(before.get("nonce").and_then(Value::as_str));
        let Some(verified) = self.verify_id_token(answer, nonce, None).await? else {
            return Ok(None);
        };
        let differs = |name: &str| {
            let before = before.get(name).or_else(|| user.profile.get(name));
            before.is_some() && before != verified.claims.get(name)
        };
        let checks_sub = self.settings.validate_sub_on_silent_renew;
        let other_party = before.get("azp") != verified.claims.get("azp") && !before.is_empty();
        let tells_time = verified.claims.contains_key("auth_time");
        let trace = self.metadata.trace();
        for (name, differs) in [
            ("iss", differs("iss")),
            ("sub", checks_sub && differs("sub")),
            ("azp", other_party),
            ("auth_time", tells_time && differs("auth_time")),
        ] {
            // The claim of this name must not have changed.
            if !trace.check("unchanged", &name, &name, !differs) {
                return Err(Error::RenewedTokenDiffers(name).into());
            }
        }
        Ok(Some(verified))
    }
}

/// The claims of the stored ID token, which was verified before it was stored.
pub(crate) fn stored_claims(id_token: &str) -> Map<String, Value> {
    let token = UnverifiedJws::parse(id_token).ok();
    token.and_then(|token| json::object(token.unverified_payload())).unwrap_or_default()
}

/// Returns the user with the new tokens. Values that the response lacks are kept.
fn renewed(
    before: &StoredUser,
    answer: TokenResponse,
    id_token: Option<VerifiedIdToken>,
) -> StoredUser {
    let mut user = before.user.clone();
    user.access_token = answer.access_token;
    user.token_type = answer.token_type;
    user.expires_at = answer.expires_at;
    user.refresh_token = answer.refresh_token.or(user.refresh_token);
    user.scope = answer.scope.or(user.scope);
    user.session_state = answer.session_state.or(user.session_state);
    user.extra.extend(answer.extra);
    if let Some(id_token) = id_token {
        user.id_token = answer.unverified_id_token;
        // The profile has only what the filter let through at sign-in, so a claim that is not there
        // stays away.
        let claims = json::kept(id_token.claims, &|name, _| user.profile.contains_key(name));
        claims::merge(&mut user.profile, claims, MergeClaims::Replace);
    }
    StoredUser {
        user,
        requested_scope: before.requested_scope.clone(),
        lifetime: answer.expires_in,
    }
}
