//! Sign-in and sign-out in a hidden frame, without user interaction (`prompt=none`, OIDC Core
//! section 3.1.2.1).

use std::{rc::Rc, time::Duration};

use super::child::Patience;
use crate::{
    AuthEvent, Error, Fault, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs, StepUp, User,
    client::Client,
    flow::{
        exchange::UnverifiedTokens,
        pending::{self, Pending, Via},
        renewal::verified::stored_claims,
    },
    id_token::VerifiedIdToken,
    user_store::{StoredSession, StoredUser},
};

/// The tokens and the verified ID token.
type FrameTokens = (UnverifiedTokens, Option<VerifiedIdToken>);

impl Client {
    /// Signs in a user who has a session at the provider, without interaction. If a user is signed
    /// in here, it renews their tokens, and it must be the same user.
    pub(crate) async fn signin_frame(
        &self,
        session: Option<&StoredSession>,
        mut args: SigninRequestArgs,
    ) -> Result<(), Fault> {
        let stored = session.map(|session| &*session.stored);
        args.scope = stored.and_then(|stored| stored.requested_scope.clone());
        args.resource = stored.and_then(|own| own.requested_resource.clone()).unwrap_or_default();
        args.id_token_hint = stored
            .filter(|_| self.settings.include_id_token_in_silent_renew)
            .and_then(|stored| stored.user.id_token.clone());
        let (tokens, id_token) = self.ask_in_frame(args).await?;
        if let Some(stored) = stored {
            self.check_same_user(id_token.as_ref(), &stored.user)?;
        }
        let profile = self.profile(&tokens.answer, id_token.as_ref()).await?;
        let mut user = StoredUser::of_signin(tokens, profile);
        let Some(session) = session else {
            self.user_loaded(&Rc::new(user))?;
            self.events.emit(&AuthEvent::UserSignedIn);
            return Ok(());
        };
        // If the user signed out or signed in again in the meantime, the old session must not come
        // back.
        if !self.users.still_has(session)? {
            return Err(Error::NotSignedIn.into());
        }
        user.began.clone_from(&session.stored.began);
        user.user.state.clone_from(&session.stored.user.state);
        user.user.url_state.clone_from(&session.stored.user.url_state);
        self.user_loaded(&Rc::new(user))
    }

    /// Renews in a hidden frame, or signs in if nobody is signed in.
    pub(crate) async fn renew_in_frame(
        &self,
        session: Option<&StoredSession>,
    ) -> Result<(), Fault> {
        if super::has_frames(&self.ports) {
            self.signin_frame(session, silent_args()).await
        } else {
            let error = if session.is_some() { Error::NoRefreshToken } else { Error::NotSignedIn };
            Err(error.into())
        }
    }

    /// Replaces the user's tokens by those of a sign-in that an API needs, if the provider has one.
    pub(super) async fn step_up_in_frame(&self, step_up: &StepUp) -> Result<(), Fault> {
        let session = self.users.get()?.ok_or(Error::NotSignedIn)?;
        let args = SigninRequestArgs { prompt: silent_args().prompt, ..step_up.signin_args() };
        self.signin_frame(Some(&session), args).await
    }

    /// Sends a sign-in request in a hidden frame and redeems the response.
    pub(super) async fn ask_in_frame(&self, args: SigninRequestArgs) -> Result<FrameTokens, Fault> {
        let (address, id) = self.begin_signin(args, Via::Frame).await?;
        let result = self.redeem_from_frame(&address, &id).await;
        // Whatever the result, nobody waits for this response any more.
        pending::remove(&self.ports, &id)?;
        result
    }

    async fn redeem_from_frame(&self, address: &str, id: &str) -> Result<FrameTokens, Fault> {
        let url = self.through_frame(address, id).await?;
        let response = self.read_response(&url).await?;
        let Some(Pending::Signin(pending)) = pending::get(&self.ports, id)? else {
            return Err(self.no_matching_state());
        };
        let tokens = self.redeem(pending, response).await?;
        let id_token = self.verify(&tokens).await?;
        Ok((tokens, id_token))
    }

    async fn through_frame(&self, address: &str, id: &str) -> Result<String, Fault> {
        let settings = &self.settings;
        let limit = Duration::from_secs(
            settings.silent_request_timeout.unwrap_or(settings.request_timeout),
        );
        let frame = self.popups()?.open_frame().ok_or(Error::NoWindow)?;
        self.address_from(&*frame, address, id, Patience::For(limit)).await
    }

    /// Another user may be signed in at the provider by now. Then the user here is kept.
    fn check_same_user(
        &self,
        id_token: Option<&VerifiedIdToken>,
        user: &User,
    ) -> Result<(), Fault> {
        let before = user.id_token.as_deref().map(stored_claims).unwrap_or_default();
        let now = id_token.map(|token| &token.claims);
        let differs = |name: &str| {
            let before = before.get(name).or_else(|| user.profile.get(name));
            before.is_some() && before != now.and_then(|claims| claims.get(name))
        };
        if differs("iss") {
            Err(Error::RenewedTokenDiffers("iss").into())
        } else if self.settings.validate_sub_on_silent_renew && differs("sub") {
            Err(Error::RenewedTokenDiffers("sub").into())
        } else {
            Ok(())
        }
    }

    pub(super) async fn signout_silent(
        &self,
        args: SignoutRequestArgs,
    ) -> Result<SignoutOutcome, Fault> {
        let Some((address, id)) = self.begin_signout(&args, Via::Frame).await? else {
            return Ok(SignoutOutcome { state: args.state, url_state: args.url_state });
        };
        let id = id.ok_or_else(|| {
            Error::Settings(
                "post_logout_redirect_uri is needed to sign out in a hidden frame".to_owned(),
            )
        })?;
        match self.through_frame(&address, &id).await {
            Ok(url) => self.signout_callback(&url),
            Err(error) => {
                pending::remove(&self.ports, &id)?;
                Err(error)
            }
        }
    }
}

/// Arguments of a request that the provider must answer without interaction.
pub(super) fn silent_args() -> SigninRequestArgs {
    SigninRequestArgs { prompt: Some("none".to_owned()), ..SigninRequestArgs::default() }
}
