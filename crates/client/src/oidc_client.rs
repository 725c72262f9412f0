//! The protocol without a window and without a stored user.

use std::rc::Rc;

use crate::{
    Error, Fault, Settings, SigninOutcome, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs,
    User,
    client::Client,
    flow::{
        pending::{self, Pending, Via},
        response::AuthorizationResponse,
    },
    manager::boxed,
    ports::{LocalFuture, Ports},
    settings::TokenType,
    user_store::StoredUser,
};

/// The protocol alone, on which [`UserManager`](crate::UserManager) stands: it makes requests and
/// turns responses into users, whom the caller keeps. It goes nowhere, renews nothing by itself,
/// and uses neither the user store nor the navigator of its ports. Cheap to clone; clones share
/// everything.
#[derive(Clone)]
pub struct OidcClient(Rc<Client>);

impl OidcClient {
    /// Creates a client on the given ports. Refuses invalid settings.
    pub fn new(settings: Settings, ports: Ports) -> Result<Self, Error> {
        Client::new(settings, ports).map(Self).map_err(|fault| *fault)
    }

    /// The client's settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Makes a sign-in request, which waits in the state store for its response (RFC 6749 section
    /// 4.1.1): the address to send the browser to. How a page is left
    /// ([`SigninRequestArgs::redirect`]) is up to the caller.
    pub fn create_signin_request(
        &self,
        args: SigninRequestArgs,
    ) -> LocalFuture<Result<String, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { Ok(client.begin_signin(args, Via::Redirect).await?.0) })
    }

    /// Turns the response to a sign-in request into a user: the code is redeemed, the ID token
    /// verified, userinfo added if asked for. A response is good for one user; after a failure of
    /// kind [`ErrorKind::Retry`](crate::ErrorKind) it can be processed again.
    pub fn process_signin_response(&self, url: &str) -> LocalFuture<Result<SigninOutcome, Error>> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        boxed(async move { client.process_signin_response(&url).await })
    }

    /// The user with new tokens for their refresh token (RFC 6749 section 6), about the same user
    /// and sign-in (OIDC Core section 12.2). What the answer does not have is kept. Providers that
    /// rotate answer the old refresh token no more.
    pub fn use_refresh_token(&self, user: User) -> LocalFuture<Result<User, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move {
            let stored = StoredUser { user, requested_scope: None, lifetime: None };
            Ok(client.refreshed(&stored).await?.user.clone())
        })
    }

    /// Makes a sign-out request (OIDC RP-Initiated Logout section 2): the address to send the
    /// browser to. Whose session it is, [`SignoutRequestArgs::id_token_hint`] says. If the provider
    /// is to come back, the request waits in the state store.
    pub fn create_signout_request(
        &self,
        args: SignoutRequestArgs,
    ) -> LocalFuture<Result<String, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { Ok(client.create_signout_request(&args, None, Via::Redirect).await?.0) })
    }

    /// Checks the response to a sign-out request (section 3). A response without `state` belongs to
    /// a request that had none.
    pub fn process_signout_response(&self, url: &str) -> Result<SignoutOutcome, Error> {
        self.0.finish_signout(url).map_err(|fault| *fault)
    }

    /// Revokes a token (RFC 7009). A token type that the provider cannot revoke is not an error.
    pub fn revoke_token(
        &self,
        token: &str,
        token_type: TokenType,
    ) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        let token = token.to_owned();
        boxed(async move { client.tokens.revoke(&token, token_type).await })
    }
}

impl Client {
    async fn process_signin_response(&self, url: &str) -> Result<SigninOutcome, Fault> {
        let response = AuthorizationResponse::parse(url)?;
        let _lock = self.lock_callback(&response.state_id).await;
        let Some(Pending::Signin(pending)) = pending::get(&self.ports, &response.state_id)? else {
            return Err(self.no_matching_state());
        };
        let id = pending.id.clone();
        let stored = self.redeem_and_prove(pending, response).await?;
        pending::remove(&self.ports, &id)?;
        let user = stored.user.clone();
        let (state, url_state) = (user.state.clone(), user.url_state.clone());
        Ok(SigninOutcome { user, state, url_state })
    }
}
