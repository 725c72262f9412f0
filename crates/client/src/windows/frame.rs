//! Sign-in and sign-out in a hidden frame, without a word to the user (`prompt=none`, OIDC Core
//! section 3.1.2.1).

use std::{rc::Rc, time::Duration};

use super::child::Patience;
use crate::{
    Error, Event, Fault, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs, User,
    client::Client,
    exchange::UnverifiedTokens,
    id_token::VerifiedIdToken,
    pending::{self, Pending, Way},
    renewal::stored_claims,
    response::AuthorizationResponse,
    user_store::Session,
};

/// Tokens, and the ID token among them, verified.
type Answered = (UnverifiedTokens, Option<VerifiedIdToken>);

impl Client {
    /// Signs in without a word to the user, who has a session at the provider. With a present
    /// session this renews it: it must be the same user.
    pub(crate) async fn signin_frame(&self, session: Option<&Session>) -> Result<(), Fault> {
        let stored = session.map(|session| &*session.stored);
        let mut args = silent_args();
        args.scope = stored.and_then(|stored| stored.requested_scope.clone());
        args.id_token_hint = stored
            .filter(|_| self.settings.include_id_token_in_silent_renew)
            .and_then(|stored| stored.user.id_token.clone());
        let (tokens, id_token) = self.ask_in_frame(args).await?;
        if let Some(stored) = stored {
            self.check_same_user(id_token.as_ref(), &stored.user)?;
        }
        let profile = self.profile(&tokens.answer, id_token.as_ref()).await?;
        let mut user = Self::new_user(tokens, profile);
        let Some(session) = session else {
            self.user_loaded(&Rc::new(user))?;
            self.events.emit(&Event::UserSignedIn);
            return Ok(());
        };
        // Who signed out, or signed in anew, meanwhile must not get the old session back.
        if !self.still_stored(session)? {
            return Err(Error::NotSignedIn.into());
        }
        user.user.state.clone_from(&session.stored.user.state);
        user.user.url_state.clone_from(&session.stored.user.url_state);
        self.user_loaded(&Rc::new(user))
    }

    /// Sends a sign-in request through a hidden frame and redeems what comes back: the tokens, and
    /// what was verified of them.
    pub(super) async fn ask_in_frame(&self, args: SigninRequestArgs) -> Result<Answered, Fault> {
        let (address, id) = self.begin_signin(args, Way::Frame).await?;
        let result = self.redeem_from_frame(&address, &id).await;
        // However it ended: nobody waits for this answer any more.
        pending::remove(&self.ports, &id)?;
        result
    }

    async fn redeem_from_frame(&self, address: &str, id: &str) -> Result<Answered, Fault> {
        let url = self.through_frame(address, id).await?;
        let response = AuthorizationResponse::parse(&url)?;
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
        let frame = self.windows()?.open_frame().ok_or(Error::NoWindow)?;
        self.address_from(&*frame, address, id, Patience::For(limit)).await
    }

    /// Whoever is signed in at the provider now may be somebody else than the user here, who is
    /// kept.
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
        let (address, id) = self.begin_signout(&args, Way::Frame).await?;
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

/// A request that the provider must answer without showing anything.
pub(super) fn silent_args() -> SigninRequestArgs {
    SigninRequestArgs { prompt: Some("none".to_owned()), ..SigninRequestArgs::default() }
}
