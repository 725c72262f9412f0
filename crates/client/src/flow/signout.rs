//! Sign-out by redirect (OIDC RP-Initiated Logout sections 2 and 3) and revocation (RFC 7009).

use std::rc::Rc;

use doorward_protocol::form;

use crate::{
    Error, Fault, SignoutOutcome, SignoutRequestArgs, SignoutScope, User,
    client::Client,
    flow::{
        pending::{self, Owner, Pending, PendingSignout, Via},
        response::LogoutResponse,
        tokens::add_params,
    },
    lean::url,
    metadata::Endpoint,
    settings::TokenType,
    user_store::StoredUser,
};

/// The longest ID token that is sent in a URL. Many servers accept URLs of 8 KB and no more.
const LONGEST_HINT: usize = 6000;

impl Client {
    /// Forgets the user here and in the other tabs, then navigates to the provider to end the
    /// session there.
    pub(crate) async fn signout_redirect(
        &self,
        args: SignoutRequestArgs,
    ) -> Result<SignoutScope, Fault> {
        let redirect = args.redirect;
        let Some((address, _)) = self.begin_signout(&args, Via::Redirect).await? else {
            return Ok(SignoutScope::Local);
        };
        self.ports.navigator.go(&address, redirect);
        Ok(SignoutScope::Provider)
    }

    /// Forgets the user here and in the other tabs. Returns the URL at the provider, and the
    /// request's identifier if the provider is to come back; `None` if the provider has no such
    /// endpoint, because sign-out is then complete. The user is forgotten even if the provider
    /// cannot be reached.
    pub(crate) async fn begin_signout(
        &self,
        args: &SignoutRequestArgs,
        via: Via,
    ) -> Result<Option<(String, Option<String>)>, Fault> {
        let session = self.users.get()?;
        let user = session.as_ref().map(|session| &session.stored.user);
        // First of all, because a user who signs out must not stay signed in until the provider
        // answers.
        match &session {
            Some(session) => self.signed_out(&session.stored)?,
            None => self.users.remove()?,
        }
        if let Some(user) = user.filter(|_| self.settings.revoke_tokens_on_signout) {
            // Sign-out continues without revocation: the tokens expire anyway.
            let _ = self.revoke_all(user).await;
        }
        if self.metadata.metadata().await?.address(Endpoint::EndSession).is_none() {
            return Ok(None);
        }
        let created = self.create_signout_request(args, user, via).await?;
        self.tokens.http.trace.logout_request(&created.0);
        Ok(Some(created))
    }

    /// Returns the URL at the provider. If the provider is to come back, the request is stored, and
    /// its identifier is returned too.
    pub(crate) async fn create_signout_request(
        &self,
        args: &SignoutRequestArgs,
        user: Option<&User>,
        via: Via,
    ) -> Result<(String, Option<String>), Fault> {
        let endpoint = self.metadata.endpoint(Endpoint::EndSession).await?;
        let (address, pending) = self.end_session_url(&endpoint, args, user, via)?;
        let Some((id, pending)) = pending else {
            return Ok((address, None));
        };
        pending::put(&self.ports, &id, &Pending::Signout(pending), &self.settings)?;
        Ok((address, Some(id)))
    }

    /// The ID token that tells the provider whose session ends.
    fn id_token_hint<'a>(
        &self,
        args: &'a SignoutRequestArgs,
        user: Option<&'a User>,
    ) -> Option<&'a String> {
        let of_user = user.and_then(|user| user.id_token.as_ref());
        let of_user = of_user
            .filter(|hint| self.settings.include_id_token_in_signout && hint.len() <= LONGEST_HINT);
        args.id_token_hint.as_ref().or(of_user)
    }

    fn end_session_url(
        &self,
        endpoint: &str,
        args: &SignoutRequestArgs,
        user: Option<&User>,
        via: Via,
    ) -> Result<(String, Option<(String, PendingSignout)>), Fault> {
        let settings = &self.settings;
        let hint = self.id_token_hint(args, user);
        let of_popup =
            settings.popup_post_logout_redirect_uri.as_ref().filter(|_| via == Via::Popup);
        let return_to = args
            .post_logout_redirect_uri
            .as_ref()
            .or(of_popup)
            .or(settings.post_logout_redirect_uri.as_ref());
        let mut query = String::new();
        match hint {
            Some(hint) => form::append(&mut query, "id_token_hint", hint),
            None if return_to.is_some() || user.is_some() => {
                form::append(&mut query, "client_id", &settings.client_id);
            }
            None => {}
        }
        let mut pending = None;
        if let Some(return_to) = return_to {
            form::append(&mut query, "post_logout_redirect_uri", return_to);
            let id = pending::new_id(via, &*self.ports.entropy)?;
            form::append(
                &mut query,
                "state",
                &pending::state_param(&id, args.url_state.as_deref()),
            );
            let request = PendingSignout {
                via,
                created: self.ports.clock.now(),
                owner: Owner::of(settings),
                data: args.state.clone(),
                url_state: args.url_state.clone(),
            };
            pending = Some((id, request));
        }
        add_params(&mut query, &[], &args.extra_query_params);
        Ok((url::with_query(endpoint, &query), pending))
    }

    /// Finishes a sign-out. A response without `state` belongs to a request that had none.
    pub(crate) fn signout_callback(&self, url: &str) -> Result<SignoutOutcome, Fault> {
        let result = self.finish_signout(url);
        self.scrub(url);
        result
    }

    pub(crate) fn finish_signout(&self, url: &str) -> Result<SignoutOutcome, Fault> {
        let trace = &self.tokens.http.trace;
        trace.logout_response(url);
        let response = LogoutResponse::parse(url)?;
        let mut outcome = SignoutOutcome::default();
        if response.state.is_none() && response.error.is_some() {
            // Anyone can write such a link, with their own text for the user.
            return Err(self.no_matching_state());
        }
        if let Some((id, _)) = &response.state {
            let Some(Pending::Signout(pending)) = pending::get(&self.ports, id)? else {
                trace.check("state", &"", id, false);
                return Err(self.no_matching_state());
            };
            trace.check("state", id, id, true);
            outcome.state = pending.data;
            outcome.url_state = pending.url_state;
        }
        match response.error {
            None => Ok(outcome),
            Some(error) => Err(error.into_error(None, outcome.state, outcome.url_state)),
        }
    }

    /// Revokes the user's tokens in the order of the setting, and forgets the useless refresh
    /// token.
    pub(crate) async fn revoke_tokens(&self) -> Result<(), Fault> {
        let session = self.users.get()?.ok_or(Error::NotSignedIn)?;
        let stored = Rc::clone(&session.stored);
        self.revoke_all(&stored.user).await?;
        // If the user signed out or signed in again in the meantime, the old session must not come
        // back.
        if self.settings.revoke_token_types.contains(&TokenType::RefreshToken)
            && self.users.still_has(&session)?
        {
            let mut user = stored.user.clone();
            user.refresh_token = None;
            self.user_loaded(&Rc::new(StoredUser { user, ..StoredUser::clone(&stored) }))?;
        }
        Ok(())
    }

    async fn revoke_all(&self, user: &User) -> Result<(), Fault> {
        let mut outcome = Ok(());
        for token_type in &self.settings.revoke_token_types {
            let token = match token_type {
                TokenType::AccessToken => Some(&user.access_token),
                TokenType::RefreshToken => user.refresh_token.as_ref(),
            };
            if let Some(token) = token {
                // A token that can't be revoked must not save the other one.
                outcome = outcome.and(self.tokens.revoke(token, *token_type).await);
            }
        }
        outcome
    }
}
