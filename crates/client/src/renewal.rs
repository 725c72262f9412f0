//! Renewal of the access token with the refresh token (RFC 6749 section 6, OIDC Core section 12),
//! or without one in a hidden frame.
//!
//! A rotating refresh token must be sent once: within the page all callers share one renewal, over
//! all tabs a lock is held around it, and under the lock the store is read again, since another tab
//! may have renewed meanwhile. What that tab wrote may still be on its way (in Chromium and Firefox
//! 1 time in 10), so that it also marks the tokens it replaced.

use std::{rc::Rc, time::Duration};

use doorward_protocol::{dpop::access_token_hash, json, jws::UnverifiedJws};
use serde_json::{Map, Value};

use crate::{
    Error, Event, Fault, User, claims,
    client::Client,
    id_token::{Nonce, VerifiedIdToken},
    ports::Guard,
    settings::MergeClaims,
    tabs::TabMessage,
    tokens::{TokenAnswer, add_params},
    url,
    user_store::{Session, StoredUser},
};

/// How often to look whether the store shows what another tab is known to have written, and for how
/// long. (A hidden page looks much less often than that, and must not keep the lock from the
/// others.)
const LOOK: Duration = Duration::from_millis(50);
const LOOK_FOR: Duration = Duration::from_secs(5);
/// How long it is marked what was replaced: until every tab must have seen what took its place.
const MARKED: Duration = Duration::from_mins(1);

impl Client {
    /// Renews the tokens of the user in the store; who asks while a renewal runs shares it.
    pub(crate) async fn renew(self: &Rc<Self>) -> Result<(), Fault> {
        let renewal = self.renewal.join(&*self.ports.timer, &|| {
            let client = Rc::clone(self);
            Box::pin(async move { client.renew_alone().await })
        });
        renewal.outcome().await
    }

    /// A token that can be used: renewed first if it has expired or soon will. If that fails for a
    /// cause that may pass, or there is nothing to renew with, a token that still lives is good
    /// enough.
    pub(crate) async fn access_token(self: &Rc<Self>) -> Result<String, Fault> {
        let session = self.users.get()?.ok_or(Error::NotSignedIn)?;
        if !self.is_due(&session) {
            return Ok(session.stored.user.access_token.clone());
        }
        match self.renew().await {
            Ok(()) => Ok(self.present_user()?.access_token),
            Err(error) => {
                // The last two: neither refresh token nor a session at the provider that a hidden
                // frame could see.
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

    /// Whether it is time to renew. Either clock may say so: the one that only runs forward stands
    /// still while some devices sleep, and a wall clock that is wrong costs no more than a renewal
    /// before its time.
    pub(crate) fn is_due(&self, session: &Session) -> bool {
        let lead = self.renewal_lead(session);
        let due = |left: Option<i64>| left.is_some_and(|left| left <= lead);
        due(self.users.expires_in(session)) || due(self.users.expires_in_by_wall_clock(session))
    }

    /// How many seconds before expiry renewal starts: the setting, but at most half of the token's
    /// life, so that short lives don't mean renewing without pause.
    pub(crate) fn renewal_lead(&self, session: &Session) -> i64 {
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
            // A store that does not show them in the end is this tab's alone, and what it has a
            // copy.
            if mark.is_none() && (self.looks_again(begun).await || self.leave_to_others(&hash)?) {
                continue;
            }
            match self.refresh(&session).await {
                // Somebody else changed the store meanwhile, perhaps with the same refresh token.
                Err(_) if !self.still_stored(&session)? => {}
                Err(error) => {
                    self.renewal_failed(&error)?;
                    return Err(error);
                }
                Ok(()) => {
                    // Some providers give the same access token again while it lives: that was not
                    // replaced.
                    let same =
                        self.present_user().is_ok_and(|now| now.access_token == user.access_token);
                    self.keep_marked(mark.filter(|_| !same));
                    return Ok(());
                }
            }
        }
    }

    /// Waits before the next look at the store, if there is to be one after those since this
    /// moment.
    pub(crate) async fn looks_again(&self, begun: Duration) -> bool {
        let looks = self.ports.clock.monotonic().saturating_sub(begun) < LOOK_FOR;
        if looks {
            self.ports.timer.sleep(LOOK).await;
        }
        looks
    }

    /// Keeps a mark for a while after what it stands for was written.
    pub(crate) fn keep_marked(&self, mark: Option<Guard>) {
        let timer = Rc::clone(&self.ports.timer);
        self.ports.timer.spawn(Box::pin(async move {
            timer.sleep(MARKED).await;
            drop(mark);
        }));
    }

    /// Whether there is anything to renew with: the refresh token, else a hidden frame.
    pub(crate) fn can_renew(&self, session: &Session) -> bool {
        session.stored.user.refresh_token.is_some()
            || (cfg!(feature = "windows") && self.ports.windows.is_some())
    }

    #[cfg(feature = "windows")]
    async fn renew_in_frame(&self, session: Option<&Session>) -> Result<(), Fault> {
        if self.ports.windows.is_none() {
            return Err(
                if session.is_some() { Error::NoRefreshToken } else { Error::NotSignedIn }.into()
            );
        }
        self.signin_frame(session).await
    }

    #[cfg(not(feature = "windows"))]
    #[allow(clippy::unused_async)] // As its other form.
    async fn renew_in_frame(&self, session: Option<&Session>) -> Result<(), Fault> {
        Err(if session.is_some() { Error::NoRefreshToken } else { Error::NotSignedIn }.into())
    }

    /// A failure that will not pass is told once; when the provider has ended the grant, nobody is
    /// signed in any more.
    fn renewal_failed(&self, error: &Error) -> Result<(), Fault> {
        if error.is_transient()
            || matches!(error, Error::NoRefreshToken | Error::NotSignedIn | Error::NoWindow)
        {
            return Ok(());
        }
        self.events.emit(&Event::SilentRenewError(error.clone()));
        if error.ends_the_grant() {
            self.user_unloaded(&TabMessage::UserChanged)?;
        }
        Ok(())
    }

    async fn refresh(&self, session: &Session) -> Result<(), Fault> {
        if session.stored.user.refresh_token.is_none() {
            return self.renew_in_frame(Some(session)).await;
        }
        let refreshed = self.refreshed(&session.stored).await?;
        // Who signed out, or signed in anew, while the answer was on its way must not get the old
        // session back.
        if !self.still_stored(session)? {
            return Err(Error::NotSignedIn.into());
        }
        self.user_loaded(&refreshed)
    }

    /// The user with the tokens that their refresh token gives.
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

    pub(crate) fn still_stored(&self, session: &Session) -> Result<bool, Fault> {
        let now = self.users.get()?;
        Ok(now.is_some_and(|now| {
            now.stored.user.refresh_token == session.stored.user.refresh_token
                && now.stored.user.access_token == session.stored.user.access_token
        }))
    }

    /// Checks a renewed ID token, if there is one, and that it is about the same user and sign-in
    /// (OIDC Core section 12.2).
    async fn verify_renewed(
        &self,
        answer: &TokenAnswer,
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
            // What has to be unchanged is the claim of this name.
            if !trace.check("unchanged", &name, &name, !differs) {
                return Err(Error::RenewedTokenDiffers(name).into());
            }
        }
        Ok(Some(verified))
    }
}

/// The claims of the ID token in the store, which was verified before it was stored.
pub(crate) fn stored_claims(id_token: &str) -> Map<String, Value> {
    let token = UnverifiedJws::parse(id_token).ok();
    token.and_then(|token| json::object(token.unverified_payload())).unwrap_or_default()
}

/// The user with new tokens. What the answer does not have is kept.
fn renewed(
    before: &StoredUser,
    answer: TokenAnswer,
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
