//! The public interface of the client.

use std::rc::Rc;

use doorward_protocol::secret::Secret;

use crate::{
    ApiRequest, ApiResponse, CallbackKind, Error, Events, Fault, Settings, SigninOutcome,
    SigninRequestArgs, SignoutOutcome, SignoutRequestArgs, SignoutScope, User,
    client::Client,
    flow::pending,
    ports::{HttpClient, LocalFuture, Ports},
};

/// Signs users in and out and keeps their tokens fresh. Clones are cheap and share everything. It
/// is not `Send`, because a page has one thread.
///
/// The returned futures own what they need, so they can be awaited or spawned. They are boxed:
/// other crates would compile a visible future type again, which makes the page larger.
///
/// ```no_run
/// use doorward_client::{ApiRequest, Error, ErrorKind, SigninRequestArgs, UserManager};
///
/// async fn orders(manager: UserManager) -> Result<String, Error> {
///     // Renews the access token first if it expires soon.
///     match manager.fetch(ApiRequest::get("https://api.example/orders")).await {
///         Ok(answer) => Ok(answer.body),
///         Err(error) if error.kind() == ErrorKind::SignIn => {
///             manager.signin_redirect(SigninRequestArgs::default().return_to("/orders")).await?;
///             Err(error)
///         }
///         Err(error) => Err(error),
///     }
/// }
/// ```
#[derive(Clone)]
pub struct UserManager(pub(crate) Rc<Client>);

/// Boxes a future of the client, and unboxes its error.
pub(crate) fn boxed<T>(
    inner: impl Future<Output = Result<T, Fault>> + 'static,
) -> LocalFuture<Result<T, Error>> {
    Box::pin(async move { inner.await.map_err(|fault| *fault) })
}

impl UserManager {
    /// Creates a client on the given ports. In a browser, `browser::user_manager` provides them.
    /// The client watches the stored user's token at once, and renews it if
    /// `automatic_silent_renew` is set.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if the settings are invalid.
    pub fn new(settings: Settings, ports: Ports) -> Result<Self, Error> {
        let client = Client::new(settings, ports).map_err(|fault| *fault)?;
        client.start();
        Ok(Self(client))
    }

    /// The settings of this client.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The events of this client.
    ///
    /// ```no_run
    /// use doorward_client::{AuthEvent, Subscription, UserManager};
    ///
    /// fn follow(manager: &UserManager) -> Subscription {
    ///     manager.events().subscribe(|event| match event {
    ///         AuthEvent::UserLoaded(user) => println!("{} is signed in", user.sub()),
    ///         AuthEvent::UserUnloaded => println!("nobody is signed in"),
    ///         _ => {}
    ///     })
    /// }
    /// ```
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// Returns the stored user, whether or not the access token is still valid.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the store cannot be read.
    pub fn get_user(&self) -> LocalFuture<Result<Option<User>, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move {
            let session = client.users.get()?;
            Ok(session.map(|session| session.stored.user.clone()))
        })
    }

    /// Replaces the stored user and informs all subscribers and tabs. `None` removes the user.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the store cannot be written.
    pub fn store_user(&self, user: Option<User>) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.store_user(user) })
    }

    /// Removes requests of this client from the state store that are older than the setting
    /// `stale_state_age`, or unreadable. Each new request does so too.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the store cannot be read or written.
    pub fn clear_stale_state(&self) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { pending::sweep(&client.ports, &client.settings) })
    }

    /// Signs in with the user's password (RFC 6749 section 4.3). The page sees the password, and
    /// OAuth 2.1 no longer has this grant: use it in tests, or if the provider supports nothing
    /// else.
    ///
    /// # Errors
    ///
    /// Why the provider refused, or why its response was not accepted.
    pub fn signin_resource_owner_credentials(
        &self,
        username: &str,
        password: Secret,
    ) -> LocalFuture<Result<User, Error>> {
        let client = Rc::clone(&self.0);
        let username = username.to_owned();
        boxed(async move {
            client.signin_with_password(&username, &password).await?;
            client.users.present()
        })
    }

    /// Fetches the provider's metadata, if they are not known: what a sign-in needs. It begins
    /// sooner then.
    ///
    /// # Errors
    ///
    /// Why they could not be fetched.
    pub fn prepare(&self) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.metadata.metadata().await.map(drop) })
    }

    /// Navigates to the provider to sign in. The page is being left when this returns.
    ///
    /// # Errors
    ///
    /// Why the request could not be made: the provider's metadata, the storage, or the settings.
    pub fn signin_redirect(&self, args: SigninRequestArgs) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.signin_redirect(args).await })
    }

    /// Begins the sign-in that somebody else asked for, at the page whose address is the client's
    /// `initiate_login_uri`: see [`SigninRequestArgs::initiated`]. `opened` is the page's URL.
    ///
    /// # Errors
    ///
    /// The address asks for another issuer or leads to another origin; or as for
    /// [`UserManager::signin_redirect`].
    pub fn signin_initiated(&self, opened: &str) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        let args = SigninRequestArgs::initiated(opened, &client.settings);
        boxed(async move { client.signin_redirect(args?).await })
    }

    /// Finishes the sign-in whose response is in this URL, and removes it from the address bar. The
    /// same URL gives the same result and one token request, however often this is called.
    ///
    /// ```no_run
    /// use doorward_client::{CallbackKind, Error, UserManager};
    ///
    /// async fn callback(manager: &UserManager) -> Result<(), Error> {
    ///     let url = manager.take_response();
    ///     if manager.callback_kind(&url) == CallbackKind::Signin {
    ///         let outcome = manager.signin_redirect_callback(&url).await?;
    ///         println!("{} signed in", outcome.user.sub());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Why the provider refused, or why its response was not accepted. After an error of kind
    /// [`ErrorKind::Retry`](crate::ErrorKind::Retry) or
    /// [`ErrorKind::Device`](crate::ErrorKind::Device) the same URL may be tried again.
    pub fn signin_redirect_callback(&self, url: &str) -> LocalFuture<Result<SigninOutcome, Error>> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        boxed(async move { client.signin_callback(&url).await })
    }

    /// Begins what [`UserManager::signin_redirect_callback`] does, and returns once the code is on
    /// its way to the provider, or if nothing is left to do. The page can use the time until the
    /// answer arrives. How the sign-in ended, a later call of that function tells.
    pub fn begin_signin_redirect_callback(&self, url: &str) -> LocalFuture<()> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        Box::pin(async move { client.begin_callback(&url).await })
    }

    /// Renews the tokens now: with the refresh token, or (feature `popups`) in a hidden frame. The
    /// frame also signs in a user who has a session at the provider but none here. Concurrent calls
    /// share one request.
    ///
    /// # Errors
    ///
    /// [`Error::NotSignedIn`], [`Error::NoRefreshToken`], or why the renewal failed.
    pub fn signin_silent(&self) -> LocalFuture<Result<User, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move {
            client.renew().await?;
            client.users.present()
        })
    }

    /// Returns a valid access token. It is renewed first if it has expired or expires soon.
    ///
    /// # Errors
    ///
    /// [`Error::NotSignedIn`], or why the renewal failed.
    pub fn get_access_token(&self) -> LocalFuture<Result<String, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.access_token().await })
    }

    /// Returns a valid access token for another API than that of the user's own token (RFC 8707).
    /// `resource` is the API's identifier, an absolute URI. The token is asked for with the refresh
    /// token, and kept in memory until it expires soon or the session ends.
    ///
    /// # Errors
    ///
    /// [`Error::NotSignedIn`], [`Error::NoRefreshToken`], or why the provider refused:
    /// `invalid_target` if it does not know the API, or the user did not consent to it.
    /// [`Error::UnexpectedAnswer`] if it answered with a token for another API: a JWT without this
    /// one in `aud`, or the user's own token. An opaque token does not tell whom it is for.
    pub fn get_access_token_for(&self, resource: &str) -> LocalFuture<Result<String, Error>> {
        let client = Rc::clone(&self.0);
        let resource = resource.to_owned();
        boxed(async move { client.resource_token(&resource).await })
    }

    /// Seconds until the user's access token expires, negative afterwards. `None` if the provider
    /// gave no lifetime. For the stored user this does not depend on changes of the device's clock,
    /// unlike [`User::expires_in`].
    pub fn expires_in(&self, user: &User) -> Option<i64> {
        match self.0.users.get() {
            Ok(Some(session)) if session.stored.user.access_token == user.access_token => {
                self.0.users.expires_in(&session)
            }
            _ => user.expires_in(self.0.ports.clock.now()),
        }
    }

    /// This device's clock: seconds since 1970 (UTC).
    pub fn now(&self) -> u64 {
        self.0.ports.clock.now()
    }

    /// Revokes the tokens of the setting `revoke_token_types` at the provider (RFC 7009).
    ///
    /// # Errors
    ///
    /// [`Error::NotSignedIn`], or why the provider refused.
    pub fn revoke_tokens(&self) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.revoke_tokens().await })
    }

    /// Removes the user from this device and from all tabs that share the store. The session at the
    /// provider continues.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the store cannot be written.
    pub fn remove_user(&self) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.remove_user() })
    }

    /// Signs out here and in the other tabs, and navigates to the provider to sign out there. If
    /// the provider has no `end_session_endpoint`, the user is signed out only here, and the page
    /// stays.
    ///
    /// # Errors
    ///
    /// Why the provider could not be asked. The user is signed out here all the same.
    pub fn signout_redirect(
        &self,
        args: SignoutRequestArgs,
    ) -> LocalFuture<Result<SignoutScope, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.signout_redirect(args).await })
    }

    /// Finishes the sign-out whose response is in this URL, and removes it from the address bar.
    ///
    /// # Errors
    ///
    /// [`Error::NoMatchingState`], or the error that the provider sent.
    pub fn signout_redirect_callback(
        &self,
        url: &str,
    ) -> LocalFuture<Result<SignoutOutcome, Error>> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        boxed(async move { client.signout_callback(&url) })
    }

    /// Returns the page's URL. If it carries a response to this client, the response is removed
    /// from the address bar, so that it is neither reloaded nor bookmarked, and the caller has to
    /// process it. If the page was reloaded before a sign-in was finished, the URL of that response
    /// is returned.
    pub fn take_response(&self) -> String {
        self.0.take_response()
    }

    /// The kind of response that a URL carries. Parameters of the page itself, and responses to
    /// other clients of the origin, are [`CallbackKind::None`].
    pub fn callback_kind(&self, url: &str) -> CallbackKind {
        self.0.callback_kind(url)
    }

    /// Starts automatic renewal.
    pub fn start_silent_renew(&self) {
        self.0.renews.set(true);
        self.0.wake.notify();
    }

    /// Stops automatic renewal. [`UserManager::get_access_token`] still renews when needed.
    pub fn stop_silent_renew(&self) {
        self.0.renews.set(false);
    }

    /// Calls an API with the user's access token, renewed first if necessary. If the API answers
    /// 401 with the challenge `invalid_token` (RFC 6750 section 3.1), the call is repeated once
    /// with a new token. A response with any other status is `Ok`, and so is any other 401.
    ///
    /// If the API needs a stronger or a more recent sign-in (RFC 9470 section 3), the result is
    /// [`Error::StepUp`], which has the API's answer. See [`StepUp`](crate::StepUp) for what to do
    /// next.
    ///
    /// ```no_run
    /// use doorward_client::{ApiRequest, Error, UserManager};
    ///
    /// async fn orders(manager: &UserManager) -> Result<String, Error> {
    ///     let response = manager.fetch(ApiRequest::get("https://api.example/orders")).await?;
    ///     Ok(response.body)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotSignedIn`], why the renewal failed, [`Error::StepUp`], or [`Error::Network`] if
    /// the API did not answer.
    pub fn fetch(&self, request: ApiRequest) -> LocalFuture<Result<ApiResponse, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.fetch(request, &*client.ports.http).await })
    }

    /// Like [`UserManager::fetch`], but the request is sent by another HTTP client: one that sends
    /// what is not text, or that can be aborted. It gets the request with the token, once more
    /// after a renewal. Of its answer, only status and headers matter to this client.
    ///
    /// # Errors
    ///
    /// As those of [`UserManager::fetch`].
    pub fn fetch_through(
        &self,
        http: Rc<dyn HttpClient>,
        request: ApiRequest,
    ) -> LocalFuture<Result<ApiResponse, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.fetch(request, &*http).await })
    }
}
