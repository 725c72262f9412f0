//! Sign-out by redirect (OIDC RP-Initiated Logout sections 2 and 3) and revocation (RFC 7009).

use std::rc::Rc;

use doorward_protocol::form;

use crate::{
    Error, Fault, SignoutOutcome, SignoutRequestArgs, User,
    client::Client,
    flow::{
        pending::{self, Pending, PendingSignout, Via},
        response::LogoutResponse,
        tokens::add_params,
    },
    lean::url,
    metadata::Endpoint,
    settings::TokenType,
    tabs::message::TabMessage,
    user_store::StoredUser,
};

impl Client {
    /// Forgets the user here and in the other tabs, then navigates to the provider to end the
    /// session there.
    pub(crate) async fn signout_redirect(&self, args: SignoutRequestArgs) -> Result<(), Fault> {
        let redirect = args.redirect;
        let (address, _) = self.begin_signout(&args, Via::Redirect).await?;
        self.ports.navigator.go(&address, redirect);
        Ok(())
    }

    /// Forgets the user here and in the other tabs: the address at the provider, and the request's
    /// id, if the provider is to come back. The user is forgotten even if the provider can't be
    /// reached or has no such endpoint, which the error tells.
    pub(crate) async fn begin_signout(
        &self,
        args: &SignoutRequestArgs,
        via: Via,
    ) -> Result<(String, Option<String>), Fault> {
        let session = self.users.get()?;
        let user = session.as_ref().map(|session| &session.stored.user);
        // First of all, because a user who signs out must not stay signed in until the provider
        // answers.
        match user {
            Some(user) => self.signed_out(user.sub())?,
            None => self.users.remove()?,
        }
        if let Some(user) = user.filter(|_| self.settings.revoke_tokens_on_signout) {
            // Sign-out continues without revocation: the tokens expire anyway.
            let _ = self.revoke_all(user).await;
        }
        let created = self.create_signout_request(args, user, via).await?;
        self.tokens.http.trace.logout_request(&created.0);
        Ok(created)
    }

    /// The address at the provider, and the request's id, if the provider is to come back: then it
    /// waits in the state store.
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
        pending::put(&self.ports, &id, &Pending::Signout(pending), self.settings.stale_state_age)?;
        Ok((address, Some(id)))
    }

    fn end_session_url(
        &self,
        endpoint: &str,
        args: &SignoutRequestArgs,
        user: Option<&User>,
        via: Via,
    ) -> Result<(String, Option<(String, PendingSignout)>), Fault> {
        let settings = &self.settings;
        let hint =
            args.id_token_hint.as_ref().or_else(|| user.and_then(|user| user.id_token.as_ref()));
        let of_popup =
            settings.popup_post_logout_redirect_uri.as_ref().filter(|_| via == Via::Popup);
        let return_to = args
            .post_logout_redirect_uri
            .as_ref()
            .or(of_popup)
            .or(settings.post_logout_redirect_uri.as_ref());
        let mut query = String::new();
        if let Some(hint) = hint {
            form::append(&mut query, "id_token_hint", hint);
        }
        let mut pending = None;
        if let Some(return_to) = return_to {
            form::append(&mut query, "post_logout_redirect_uri", return_to);
            if hint.is_none() {
                form::append(&mut query, "client_id", &settings.client_id);
            }
            let id = pending::random_text(&*self.ports.entropy)?;
            form::append(
                &mut query,
                "state",
                &pending::state_param(&id, args.url_state.as_deref()),
            );
            let request = PendingSignout {
                via,
                created: self.ports.clock.now(),
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
            && self.still_stored(&session)?
        {
            let mut user = stored.user.clone();
            user.refresh_token = None;
            self.user_loaded(&Rc::new(StoredUser { user, ..StoredUser::clone(&stored) }))?;
        }
        Ok(())
    }

    async fn revoke_all(&self, user: &User) -> Result<(), Fault> {
        for token_type in &self.settings.revoke_token_types {
            let token = match token_type {
                TokenType::AccessToken => Some(&user.access_token),
                TokenType::RefreshToken => user.refresh_token.as_ref(),
            };
            if let Some(token) = token {
                self.tokens.revoke(token, *token_type).await?;
            }
        }
        Ok(())
    }

    /// Removes the user from this device. They stay signed in at the provider.
    pub(crate) fn remove_user(&self) -> Result<(), Fault> {
        self.user_unloaded(&TabMessage::UserChanged)
    }
}
