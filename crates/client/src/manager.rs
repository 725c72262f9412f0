//! The client's surface: one [`UserManager`] for one provider and client.

use std::rc::Rc;

use doorward_protocol::secret::Secret;

use crate::{
    ApiRequest, ApiResponse, CallbackKind, Error, Events, Fault, Settings, SigninOutcome,
    SigninRequestArgs, SignoutOutcome, SignoutRequestArgs, User,
    client::Client,
    flow::pending,
    ports::{LocalFuture, Ports},
};

/// Signs users in and out and keeps their tokens fresh. Cheap to clone; clones share everything. It
/// lives on one thread, like the page.
///
/// Its operations return futures that own what they need, so that they can be awaited or spawned
/// alike. (They are boxed: a future type that other crates see is compiled anew in each of them,
/// which the browser would have to load.)
#[derive(Clone)]
pub struct UserManager(pub(crate) Rc<Client>);

/// What callers wait for: the client's own future, with the error as they know it.
pub(crate) fn boxed<T>(
    inner: impl Future<Output = Result<T, Fault>> + 'static,
) -> LocalFuture<Result<T, Error>> {
    Box::pin(async move { inner.await.map_err(|fault| *fault) })
}

impl UserManager {
    /// A client on the given ports; in a browser `browser::user_manager` has them. It starts to
    /// watch the stored user's token at once, and renews it if `automatic_silent_renew` is set.
    /// Refuses settings that no request can be made with.
    pub fn new(settings: Settings, ports: Ports) -> Result<Self, Error> {
        let client = Client::new(settings, ports).map_err(|fault| *fault)?;
        client.start();
        Ok(Self(client))
    }

    /// What the client was set up with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Where to subscribe to what happens.
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// The user in the store, whether or not the access token still lives.
    pub fn get_user(&self) -> LocalFuture<Result<Option<User>, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move {
            let session = client.users.get()?;
            Ok(session.map(|session| session.stored.user.clone()))
        })
    }

    /// Puts a user into the store in place of the present one and tells everybody; `None` forgets
    /// them.
    pub fn store_user(&self, user: Option<User>) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.store_user(user) })
    }

    /// Removes requests from the state store that nobody will answer any more: older than the
    /// setting `stale_state_age`, or unreadable. Each new request does so too.
    pub fn clear_stale_state(&self) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { pending::sweep(&client.ports, client.settings.stale_state_age) })
    }

    /// Signs in with the user's password (RFC 6749 section 4.3), which OAuth 2.1 has no more: for
    /// providers that know no other way, and tests. The page sees the password.
    pub fn signin_resource_owner_credentials(
        &self,
        username: &str,
        password: Secret,
    ) -> LocalFuture<Result<User, Error>> {
        let client = Rc::clone(&self.0);
        let username = username.to_owned();
        boxed(async move {
            client.signin_with_password(&username, &password).await?;
            client.present_user()
        })
    }

    /// Goes to the provider to sign in. The page is left when this returns.
    pub fn signin_redirect(&self, args: SigninRequestArgs) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.signin_redirect(args).await })
    }

    /// Finishes the sign-in whose response is in the page's address. One address gives one result
    /// and one token request, however often this is called; a failure of kind
    /// [`ErrorKind::Retry`](crate::ErrorKind) may be tried again with the same address. Otherwise
    /// the response is taken out of the address bar.
    pub fn signin_redirect_callback(&self, url: &str) -> LocalFuture<Result<SigninOutcome, Error>> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        boxed(async move { client.signin_callback(&url).await })
    }

    /// Renews the tokens now: with the refresh token, else (feature `popups`) in a hidden frame,
    /// which also signs in who has a session at the provider but none here. Concurrent calls share
    /// one request.
    pub fn signin_silent(&self) -> LocalFuture<Result<User, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move {
            client.renew().await?;
            client.present_user()
        })
    }

    /// An access token that can be used: renewed first if it has expired or is about to.
    pub fn get_access_token(&self) -> LocalFuture<Result<String, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.access_token().await })
    }

    /// Seconds of life that the user's access token has left, negative after its end; `None` if the
    /// provider gave no lifetime. For the stored user it is, unlike [`User::expires_in`], not
    /// misled by a device clock that was set in the meantime.
    pub fn expires_in(&self, user: &User) -> Option<i64> {
        match self.0.users.get() {
            Ok(Some(session)) if session.stored.user.access_token == user.access_token => {
                self.0.users.expires_in(&session)
            }
            _ => user.expires_in(self.0.ports.clock.now()),
        }
    }

    /// Revokes the tokens at the provider (RFC 7009), those of the setting `revoke_token_types`.
    pub fn revoke_tokens(&self) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.revoke_tokens().await })
    }

    /// Forgets the user on this device, who stays signed in at the provider.
    pub fn remove_user(&self) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.remove_user() })
    }

    /// Forgets the user here and in the other tabs, and goes to the provider to sign out there. The
    /// page is left when this returns. After an error the user is forgotten here, but may still be
    /// signed in at the provider.
    pub fn signout_redirect(&self, args: SignoutRequestArgs) -> LocalFuture<Result<(), Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.signout_redirect(args).await })
    }

    /// Finishes the sign-out whose response is in the page's address, and takes it out of the
    /// address bar.
    pub fn signout_redirect_callback(
        &self,
        url: &str,
    ) -> LocalFuture<Result<SignoutOutcome, Error>> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        boxed(async move { client.signout_callback(&url) })
    }

    /// The page's address. If it carries a response to one of this client's requests, the address
    /// bar no longer shows it, so that it is neither reloaded nor bookmarked: whoever takes it has
    /// to see to it.
    pub fn take_response(&self) -> String {
        let url = self.0.ports.navigator.current_url();
        if self.0.callback_kind(&url) != CallbackKind::None {
            self.0.scrub(&url);
        }
        url
    }

    /// What kind of response an address carries.
    pub fn callback_kind(&self, url: &str) -> CallbackKind {
        self.0.callback_kind(url)
    }

    /// Renews by itself from now on.
    pub fn start_silent_renew(&self) {
        self.0.renews.set(true);
        self.0.wake.notify();
    }

    /// Renews no longer by itself, but still when [`UserManager::get_access_token`] needs it.
    pub fn stop_silent_renew(&self) {
        self.0.renews.set(false);
    }

    /// Calls an API with the user's access token, renewed first if need be, and once again with a
    /// new token when the API answers 401 with the challenge `invalid_token` (RFC 6750 section
    /// 3.1). Every answer that comes is `Ok`, whatever its status.
    pub fn fetch(&self, request: ApiRequest) -> LocalFuture<Result<ApiResponse, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.fetch(request).await })
    }
}
