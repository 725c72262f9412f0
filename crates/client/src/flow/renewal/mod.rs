//! Renews the access token with the refresh token (RFC 6749 section 6, OIDC Core section 12), or in
//! a hidden frame if there is none.
//!
//! A rotating refresh token must be sent only once. All callers in the page share one renewal. All
//! tabs share a lock, and the store is read again under the lock, because another tab may have
//! renewed in the meantime. In Chromium and Firefox, about one time in ten, that tab's write is not
//! visible yet. Therefore each tab also marks the tokens it replaced.

pub(crate) mod verified;

use std::{rc::Rc, time::Duration};

use doorward_protocol::dpop::access_token_hash;

use crate::{
    AuthEvent, Error, Fault,
    client::Client,
    flow::tokens::{ReceivedTokens, add_params},
    lean::url,
    popups,
    ports::Guard,
    tabs::SETTLED,
    user_store::{StoredSession, StoredUser},
};

/// How long replaced tokens stay marked. After that, every tab must have seen the new ones.
const MARKED: Duration = Duration::from_secs(60);

/// How many responses are kept while they can't be verified. A page has one user, so it has one.
const MOST_UNVERIFIED: usize = 100;

/// The response to a refresh token, until it is verified and stored. The refresh token is spent by
/// then, so a new attempt continues with this response.
pub(crate) struct UnverifiedRenewal {
    /// The refresh token that was sent.
    sent: String,
    response: Rc<ReceivedTokens>,
}

impl Client {
    /// Renews the tokens of the stored user. Concurrent callers share one renewal.
    pub(crate) async fn renew(self: &Rc<Self>) -> Result<(), Fault> {
        let renewal = self.renewal.join(&*self.ports.timer, &|| {
            let client = Rc::clone(self);
            Box::pin(async move { client.renew_alone(None).await })
        });
        renewal.outcome().await
    }

    /// Returns a valid token, renewed first if it expired or expires soon. If renewal fails
    /// temporarily, or is impossible, a token that is still valid is returned.
    pub(crate) async fn access_token(self: &Rc<Self>) -> Result<String, Fault> {
        let Some(session) = self.users.get()? else {
            // Another program may have cleared the store.
            self.notice_changes()?;
            return Err(Error::NotSignedIn.into());
        };
        if !self.is_due(&session) {
            return Ok(session.stored.user.access_token.clone());
        }
        match self.renew().await {
            Ok(()) => Ok(self.users.present()?.access_token),
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

    /// Sends the refresh token, while no other tab sends it: for new tokens of the user, or for a
    /// token of another API.
    pub(crate) async fn renew_alone(&self, resource: Option<&str>) -> Result<(), Fault> {
        let before = self.users.get()?;
        let name =
            ["oidc.renew:", &self.settings.authority, ":", &self.settings.client_id].concat();
        let lock = self.lock(&name).await;
        let begun = self.ports.clock.monotonic();
        loop {
            let Some(mut session) = self.users.get()? else {
                return if before.is_some() || resource.is_some() {
                    Err(Error::NotSignedIn.into())
                } else {
                    self.renew_in_frame(None).await
                };
            };
            let user = &session.stored.user;
            let changed = before
                .as_ref()
                .is_none_or(|before| before.stored.user.access_token != user.access_token);
            if changed && resource.is_none() && !self.is_due(&session) {
                // Another tab renewed while this one waited.
                return self.notice_changes();
            }
            let hash = session.stored.tokens_hash();
            let mark = self.mark(&["oidc.replaced:", &hash].concat()).await;
            // If the store never shows the new tokens, it belongs to this tab alone, and its tokens
            // are a copy.
            if mark.is_none() {
                let of = user.refresh_token.as_deref().map(access_token_hash);
                if self.waits_for_store(begun).await
                    || of.is_some_and(|of| self.leave_to_others(&of).unwrap_or(false))
                {
                    continue;
                }
            }
            if lock.is_none() && (mark.is_none() || !self.ports.locks.has_marks()) {
                // The tab that has the lock may have sent this refresh token.
                return Err(Error::OtherTab.into());
            }
            let outcome = match resource {
                Some(resource) => self.refresh_for(&mut session, resource).await,
                None => self.refresh(&mut session).await,
            };
            // Some providers return the same tokens while they are valid. They were not replaced
            // then.
            let replaced = self.users.get()?.is_none_or(|now| now.stored.tokens_hash() != hash);
            self.keep_marked(mark.filter(|_| replaced));
            match outcome {
                // Another tab changed the store in the meantime, perhaps with the same refresh
                // token.
                Err(_) if !self.users.still_has(&session)? => {}
                Err(error) => {
                    if error.ends_the_grant() && self.shares_store() {
                        // A later session may not be visible here yet.
                        self.ports.timer.sleep(SETTLED).await;
                        if !self.users.still_has(&session)? {
                            continue;
                        }
                    }
                    // An API that the provider refuses is not a failure of the session.
                    if resource.is_none() || error.ends_the_grant() {
                        self.renewal_failed(&error)?;
                    }
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
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
            self.remove_user()?;
        }
        Ok(())
    }

    /// Renews, and stores the user. Once the refresh token is spent, `session` has the new one.
    async fn refresh(&self, session: &mut StoredSession) -> Result<(), Fault> {
        let has_token = session.stored.user.refresh_token.is_some();
        if !has_token || !self.may_send_refresh_token(session).await {
            return self.renew_in_frame(Some(session)).await;
        }
        let response = self.redeem_refresh_token(&session.stored).await?;
        // If the user signed out or signed in again in the meantime, the old session must not come
        // back.
        if !self.users.still_has(session)? {
            return Err(Error::NotSignedIn.into());
        }
        self.keep_refresh_token(session, &response)?;
        if response.refresh_token.is_some() {
            self.shared_token_replaced();
        }
        let renewed = self.verified_renewal(&session.stored, &response).await?;
        if !self.users.still_has(session)? {
            return Err(Error::NotSignedIn.into());
        }
        self.user_loaded(&renewed)?;
        self.forget_unverified(&response);
        Ok(())
    }

    /// Asks for a token of another API. The user's own tokens stay, except for a refresh token that
    /// was replaced.
    async fn refresh_for(&self, session: &mut StoredSession, resource: &str) -> Result<(), Fault> {
        if !self.may_send_refresh_token(session).await {
            return Err(Error::NoRefreshToken.into());
        }
        let answer = self.redeem_for(&session.stored, resource).await?;
        if !self.users.still_has(session)? {
            return Err(Error::NotSignedIn.into());
        }
        self.keep_refresh_token(session, &answer)?;
        if answer.refresh_token.is_some() {
            self.shared_token_replaced();
        }
        self.check_is_for(&session.stored, resource, &answer).await?;
        self.keep_for(session, resource, *answer);
        Ok(())
    }

    /// Redeems the refresh token. The response stays in memory until it is verified and stored.
    pub(crate) async fn redeem_refresh_token(
        &self,
        stored: &StoredUser,
    ) -> Result<Rc<ReceivedTokens>, Fault> {
        let refresh_token = stored.user.refresh_token.as_deref().ok_or(Error::NoRefreshToken)?;
        let known =
            self.unverified.borrow().iter().find_map(|UnverifiedRenewal { sent, response }| {
                let replaces = response.refresh_token.as_deref() == Some(refresh_token);
                (sent == refresh_token || replaces).then(|| Rc::clone(response))
            });
        if let Some(response) = known {
            return Ok(response);
        }
        let response = Rc::new(self.send_refresh_token(stored).await?);
        let mut unverified = self.unverified.borrow_mut();
        if unverified.len() >= MOST_UNVERIFIED {
            unverified.remove(0);
        }
        unverified.push(UnverifiedRenewal {
            sent: refresh_token.to_owned(),
            response: Rc::clone(&response),
        });
        Ok(response)
    }

    /// Forgets a response that is stored, or never will be.
    pub(crate) fn forget_unverified(&self, response: &ReceivedTokens) {
        self.unverified
            .borrow_mut()
            .retain(|own| !std::ptr::eq(&raw const *own.response, response));
    }

    /// Sends the refresh token. The caller keeps the response.
    pub(crate) async fn send_refresh_token(
        &self,
        stored: &StoredUser,
    ) -> Result<ReceivedTokens, Fault> {
        let refresh_token = stored.user.refresh_token.as_deref().ok_or(Error::NoRefreshToken)?;
        if stored.user.id_token.is_some() {
            // Once the refresh token is sent, nothing that verification needs may be missing.
            self.metadata.keys().await?;
        }
        let settings = &self.settings;
        let mut form =
            url::encoded(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]);
        let resource = stored.requested_resource.as_ref().unwrap_or(&settings.resource);
        add_params(&mut form, resource, &settings.extra_token_params);
        Ok(*self.tokens.grant(&form).await?)
    }

    /// Stores the new refresh token with the present user, before anything can fail. It is sent
    /// only to the endpoint that issued it, so it need not be verified.
    fn keep_refresh_token(
        &self,
        session: &mut StoredSession,
        response: &ReceivedTokens,
    ) -> Result<(), Fault> {
        let Some(refresh_token) = &response.refresh_token else {
            return Ok(());
        };
        let mut stored = StoredUser::clone(&session.stored);
        stored.user.refresh_token = Some(refresh_token.clone());
        session.stored = Rc::new(stored);
        self.users.put(Rc::clone(&session.stored))?;
        self.announced.replace(Some(Rc::clone(&session.stored)));
        Ok(())
    }
}
