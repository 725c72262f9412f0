//! The protocol without a window and without a stored user.

use std::{fmt, rc::Rc};

use crate::{
    Error, Fault, Settings, SigninOutcome, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs,
    User,
    client::Client,
    flow::{
        pending::{self, Pending, Via},
        response,
        tokens::ReceivedTokens,
    },
    id_token::logout_token::{self, LogoutToken},
    manager::boxed,
    ports::{LocalFuture, Ports},
    settings::TokenType,
    user_store::StoredUser,
};

/// The protocol alone, below [`UserManager`](crate::UserManager): it creates requests and turns
/// responses into users, which the caller keeps. It does not navigate or renew, and does not use
/// the user store and the navigator of its ports. Clones are cheap and share everything.
///
/// ```no_run
/// use doorward_client::{Error, OidcClient, SigninRequestArgs, User};
///
/// async fn sign_in(client: &OidcClient, response_url: &str) -> Result<User, Error> {
///     let url = client.create_signin_request(SigninRequestArgs::default()).await?;
///     println!("Open {url}");
///     Ok(client.process_signin_response(response_url).await?.user)
/// }
/// ```
#[derive(Clone)]
pub struct OidcClient(Rc<Client>);

impl OidcClient {
    /// Creates a client on the given ports.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if the settings are invalid.
    pub fn new(settings: Settings, ports: Ports) -> Result<Self, Error> {
        Client::new(settings, ports).map(Self).map_err(|fault| *fault)
    }

    /// The client's settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Creates a sign-in request and stores it until its response arrives (RFC 6749 section 4.1.1).
    /// Returns the URL to send the browser to. [`SigninRequestArgs::redirect`] is up to the caller.
    ///
    /// # Errors
    ///
    /// Why the request could not be made: the provider's metadata, the storage, or the settings.
    pub fn create_signin_request(
        &self,
        args: SigninRequestArgs,
    ) -> LocalFuture<Result<String, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { Ok(client.begin_signin(args, Via::Redirect).await?.0) })
    }

    /// Like [`OidcClient::create_signin_request`], and also returns the request's identifier. For
    /// servers, which keep the request elsewhere: they take it out of the state store, where it is
    /// under [`OidcClient::request_key`], and put it back before they process the response.
    ///
    /// # Errors
    ///
    /// Those of [`OidcClient::create_signin_request`].
    pub fn create_signin_request_with_id(
        &self,
        args: SigninRequestArgs,
    ) -> LocalFuture<Result<CreatedRequest, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move {
            let (url, id) = client.begin_signin(args, Via::Redirect).await?;
            Ok(CreatedRequest { url, id })
        })
    }

    /// The key of a request in the state store. `id` is the part of `state` before a semicolon.
    pub fn request_key(id: &str) -> String {
        pending::key(id)
    }

    /// The identifier of the request that the response in this URL says it answers, if there is one
    /// that can be read. Nothing of it is verified.
    pub fn request_id(url: &str) -> Option<String> {
        response::summary(url).state_id
    }

    /// Turns the response to a sign-in request into a user: redeems the code, verifies the ID
    /// token, and loads userinfo if that is set. A response can be used once. After an error of
    /// kind [`ErrorKind::Retry`](crate::ErrorKind) or `Device` it can be processed again.
    ///
    /// # Errors
    ///
    /// Why the provider refused, or why its response was not accepted.
    pub fn process_signin_response(&self, url: &str) -> LocalFuture<Result<SigninOutcome, Error>> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        boxed(async move { client.process_signin_response(&url).await })
    }

    /// Returns the user with new tokens (RFC 6749 section 6), about the same user and sign-in (OIDC
    /// Core section 12.2). Values that the response lacks are kept. Store the result: providers
    /// that rotate refresh tokens do not accept the old one again. Who must not lose the new one,
    /// whatever happens, calls [`OidcClient::redeem_refresh_token`].
    ///
    /// `resource` has the APIs that the sign-in was for ([`SigninRequestArgs::resource`]), so that
    /// the new access token is for the same ones. If it named none, it is empty, and those of the
    /// settings count.
    ///
    /// # Errors
    ///
    /// [`Error::NoRefreshToken`], why the provider refused, or why its response was not accepted.
    pub fn use_refresh_token(
        &self,
        user: User,
        resource: &[String],
    ) -> LocalFuture<Result<User, Error>> {
        let client = Rc::clone(&self.0);
        let stored = StoredUser::of_resource(user, resource);
        boxed(async move {
            let answer = client.redeem_refresh_token(&stored).await?;
            let renewed = client.verified_renewal(&stored, &answer).await?;
            client.forget_unverified(&answer);
            Ok(renewed.user.clone())
        })
    }

    /// The first half of [`OidcClient::use_refresh_token`]: sends the user's refresh token. It may
    /// be spent then, so store [`RedeemedRefreshToken::refresh_token`] before
    /// [`OidcClient::verify_renewal`].
    ///
    /// # Errors
    ///
    /// [`Error::NoRefreshToken`], or why the provider refused.
    pub fn redeem_refresh_token(
        &self,
        user: User,
        resource: &[String],
    ) -> LocalFuture<Result<RedeemedRefreshToken, Error>> {
        let client = Rc::clone(&self.0);
        let stored = StoredUser::of_resource(user, resource);
        boxed(async move { Ok(RedeemedRefreshToken(client.send_refresh_token(&stored).await?)) })
    }

    /// The second half: verifies the new tokens, loads userinfo if that is set, and returns the
    /// user with them. If it fails, another renewal begins with the new refresh token.
    ///
    /// # Errors
    ///
    /// Why the tokens are not accepted.
    pub fn verify_renewal(
        &self,
        user: User,
        redeemed: RedeemedRefreshToken,
    ) -> LocalFuture<Result<User, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move {
            let renewed = client.verified_renewal(&StoredUser::new(user), &redeemed.0).await?;
            Ok(renewed.user.clone())
        })
    }

    /// Creates a sign-out request (OIDC RP-Initiated Logout section 2). Returns the URL to send the
    /// browser to. [`SignoutRequestArgs::id_token_hint`] says whose session ends. If the provider
    /// is to come back, the request is stored.
    ///
    /// # Errors
    ///
    /// [`Error::NoEndpoint`] if the provider has no `end_session_endpoint`, or why the request
    /// could not be made.
    pub fn create_signout_request(
        &self,
        args: SignoutRequestArgs,
    ) -> LocalFuture<Result<String, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { Ok(client.create_signout_request(&args, None, Via::Redirect).await?.0) })
    }

    /// Checks the response to a sign-out request (section 3). A response without `state` belongs to
    /// a request that had none.
    ///
    /// # Errors
    ///
    /// [`Error::NoMatchingState`], or the error that the provider sent.
    pub fn process_signout_response(&self, url: &str) -> Result<SignoutOutcome, Error> {
        self.0.finish_signout(url).map_err(|fault| *fault)
    }

    /// Verifies a logout token (OIDC Back-Channel Logout section 2.6), by the same checks and keys
    /// as an ID token. That its `jti` was not seen before is up to the caller.
    ///
    /// # Errors
    ///
    /// [`Error::IdToken`] says why the token is not accepted. Others: the keys can't be fetched.
    pub fn verify_logout_token(&self, token: &str) -> LocalFuture<Result<LogoutToken, Error>> {
        let client = Rc::clone(&self.0);
        let token = token.to_owned();
        boxed(async move { client.verify_logout_token(&token).await })
    }

    /// The values of `prompt` that the provider says it knows; empty if it says nothing about them
    /// (Initiating User Registration via OpenID Connect 1.0 section 3).
    ///
    /// # Errors
    ///
    /// Why the metadata can't be fetched.
    #[cfg(feature = "prompts")]
    pub fn prompt_values(&self) -> LocalFuture<Result<Vec<String>, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { Ok(client.metadata.metadata().await?.prompt_values_supported.clone()) })
    }

    /// Revokes a token (RFC 7009). A token type that the provider cannot revoke is not an error.
    ///
    /// # Errors
    ///
    /// Why the provider refused.
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

/// New tokens of a user. They are not verified yet.
pub struct RedeemedRefreshToken(ReceivedTokens);

impl RedeemedRefreshToken {
    /// The new refresh token, if the provider replaced the one that was sent. It is only ever sent
    /// to the endpoint that issued it, so it need not be verified.
    pub fn refresh_token(&self) -> Option<&str> {
        self.0.refresh_token.as_deref()
    }
}

/// Shows no token.
impl fmt::Debug for RedeemedRefreshToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RedeemedRefreshToken").finish_non_exhaustive()
    }
}

/// A sign-in request that was created.
///
/// ```no_run
/// use doorward_client::{Error, OidcClient, SigninRequestArgs};
///
/// async fn begin(client: &OidcClient) -> Result<(String, String), Error> {
///     let created = client.create_signin_request_with_id(SigninRequestArgs::default()).await?;
///     // Where the request waits in the state store.
///     Ok((created.url, OidcClient::request_key(&created.id)))
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedRequest {
    /// Where to send the browser.
    pub url: String,
    /// The part of `state` by which the response names the request.
    pub id: String,
}

impl Client {
    async fn verify_logout_token(&self, token: &str) -> Result<LogoutToken, Fault> {
        let metadata = self.metadata.metadata().await?;
        let expected = logout_token::ExpectedLogoutToken {
            issuer: &metadata.issuer,
            client_id: &self.settings.client_id,
            algorithm: self.settings.id_token_signed_response_alg,
            now: self.ports.clock.now(),
            clock_skew: self.settings.clock_skew,
        };
        logout_token::verify(token, &expected, &metadata, &self.metadata, &*self.ports.verifier)
            .await
    }

    async fn process_signin_response(&self, url: &str) -> Result<SigninOutcome, Fault> {
        let response = self.read_response(url).await?;
        let _lock = self.lock_callback(&response.state_id).await;
        let Some(Pending::Signin(pending)) = pending::get(&self.ports, &response.state_id)? else {
            return Err(self.no_matching_state());
        };
        let id = pending.id.clone();
        let return_to = pending.return_to.clone();
        let stored = self.redeem_and_prove(pending, response).await?;
        pending::remove(&self.ports, &id)?;
        let user = stored.user.clone();
        let (state, url_state) = (user.state.clone(), user.url_state.clone());
        Ok(SigninOutcome { user, state, url_state, return_to })
    }
}
