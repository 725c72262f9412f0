//! What components see of sign-in and can do with it.

use std::future::poll_fn;

use doorward_client::{
    ApiRequest, ApiResponse, AuthEvent, Error, SigninRequestArgs, SignoutRequestArgs, User,
    UserManager,
};
use leptos::prelude::*;

use crate::{
    Arrival, AuthFailure, AuthStatus, AuthStep, AuthSubscription,
    operations::{self, ClientHandle, Live},
};

/// The state of sign-in and its operations. It is `Copy`, so closures can capture it.
#[derive(Clone, Copy)]
pub struct Auth {
    pub(crate) status: RwSignal<AuthStatus>,
    pub(crate) failure: RwSignal<Option<AuthFailure>>,
    pub(crate) leaving: RwSignal<bool>,
    pub(crate) arrival: RwSignal<Option<Arrival>>,
    pub(crate) client: ClientHandle,
}

impl Auth {
    pub(crate) fn new(live: Live) -> Self {
        Self {
            status: RwSignal::default(),
            failure: RwSignal::new(None),
            leaving: RwSignal::new(false),
            arrival: RwSignal::new(None),
            client: ClientHandle::new(live),
        }
    }

    /// Who is signed in. Tracked.
    pub fn status(self) -> AuthStatus {
        self.status.get()
    }

    /// The user, also if the access token has expired. Tracked.
    pub fn user(self) -> Option<User> {
        self.with_user(User::clone)
    }

    /// Reads something of the user without a copy of everything, also if the access token has
    /// expired. Tracked.
    pub fn with_user<T>(self, read: impl FnOnce(&User) -> T) -> Option<T> {
        self.status.with(|status| status.user().map(read))
    }

    /// The user's name: the claim `preferred_username`, or `name`, or else `sub`. Tracked.
    pub fn user_name(self) -> Option<String> {
        self.with_user(|user| {
            let name = user.claim("preferred_username").or_else(|| user.claim("name"));
            name.unwrap_or(user.sub()).to_owned()
        })
    }

    /// Whether a user is signed in, and the access token has not expired for good. Tracked.
    pub fn is_signed_in(self) -> bool {
        self.status.with(|status| matches!(status, AuthStatus::SignedIn(_)))
    }

    /// Whether a user is signed in, or `None` while that is not known: the `condition` of the
    /// router's `ProtectedRoute`. Tracked.
    ///
    /// ```ignore (needs leptos_router)
    /// <ProtectedRoute
    ///     path=path!("/orders")
    ///     condition=move || auth.as_condition()
    ///     redirect_path=|| "/"
    ///     view=Orders
    /// />
    /// ```
    pub fn as_condition(self) -> Option<bool> {
        self.status.with(|status| match status {
            AuthStatus::Loading => None,
            status => Some(matches!(status, AuthStatus::SignedIn(_))),
        })
    }

    /// The last failure that was not dismissed. Tracked.
    pub fn failure(self) -> Option<AuthFailure> {
        self.failure.get()
    }

    /// Whether the browser is about to leave for the provider's page. Tracked.
    pub fn is_leaving(self) -> bool {
        self.leaving.get()
    }

    /// From which page of the provider the browser came back when this page was loaded. Tracked.
    pub fn arrival(self) -> Option<Arrival> {
        self.arrival.get()
    }

    /// Seconds until the access token expires, negative afterwards. `None` without a user or a
    /// lifetime. Not tracked, because it changes every second.
    pub fn expires_in(self) -> Option<i64> {
        let manager = self.client.manager()?;
        self.status.with_untracked(|status| manager.expires_in(status.user()?))
    }

    /// Leaves for the provider's sign-in page.
    pub fn sign_in(self) {
        self.sign_in_with(SigninRequestArgs::default());
    }

    /// Leaves for the provider's sign-in page with these arguments. After sign-in, the page goes to
    /// the path in [`SigninRequestArgs::return_to`], if there is one, and a router is informed.
    ///
    /// ```no_run
    /// use doorward_leptos::{SigninRequestArgs, use_auth};
    ///
    /// # fn component() {
    /// use_auth().sign_in_with(SigninRequestArgs::default().prompt("login").return_to("/orders"));
    /// # }
    /// ```
    pub fn sign_in_with(self, args: SigninRequestArgs) {
        if !self.leaving.get_untracked() {
            operations::spawn(operations::sign_in(self, args));
        }
    }

    /// Leaves for the provider's sign-in page, and comes back to the present path.
    pub fn sign_in_and_return(self) {
        self.sign_in_with(SigninRequestArgs::default().return_to(operations::current_path()));
    }

    /// Signs out here and in the other tabs, and leaves for the provider's sign-out page. If the
    /// provider has none, the page stays.
    pub fn sign_out(self) {
        self.sign_out_with(SignoutRequestArgs::default());
    }

    /// The same with these arguments.
    pub fn sign_out_with(self, args: SignoutRequestArgs) {
        if !self.leaving.get_untracked() {
            operations::spawn(operations::sign_out(self, args));
        }
    }

    /// Signs out here and in the tabs that share the user store. The session at the provider
    /// continues.
    pub fn sign_out_here(self) {
        operations::spawn(operations::sign_out_here(self));
    }

    /// Repeats a step that failed.
    pub fn try_again(self, step: AuthStep) {
        self.dismiss();
        match step {
            AuthStep::SignIn => self.sign_in(),
            AuthStep::SignOut => self.sign_out(),
            AuthStep::Renew => operations::spawn(operations::renew(self)),
            AuthStep::Start | AuthStep::FinishSignIn | AuthStep::FinishSignOut => {
                operations::spawn(operations::start(self));
            }
        }
    }

    /// Clears the last failure.
    pub fn dismiss(self) {
        self.failure.set(None);
    }

    /// Waits until it is known who is signed in. On the server it returns at once, because it is
    /// never known there.
    pub async fn ready(self) {
        poll_fn(move |context| {
            let is_known =
                self.status.with_untracked(|status| !matches!(status, AuthStatus::Loading));
            self.client.poll_ready(is_known, context)
        })
        .await;
    }

    /// Calls an API with the user's access token, which is renewed first if necessary. It waits
    /// until it is known who is signed in.
    ///
    /// ```no_run
    /// use doorward_leptos::{ApiRequest, use_auth};
    /// use leptos::prelude::*;
    ///
    /// # fn component() {
    /// let auth = use_auth();
    /// let orders = LocalResource::new(move || async move {
    ///     let response = auth.call(ApiRequest::get("https://api.example/orders")).await;
    ///     response.map(|response| response.body)
    /// });
    /// # let _ = orders;
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotSignedIn`], why the renewal failed, or [`Error::Network`] if the API did not
    /// answer.
    pub async fn call(self, request: ApiRequest) -> Result<ApiResponse, Error> {
        self.ready().await;
        match self.client.manager() {
            Some(manager) => manager.fetch(request).await,
            None => Err(Error::NotSignedIn),
        }
    }

    /// Calls the handler for the client's events until the subscription is dropped. Events are
    /// received from the first one on if this is called where sign-in is provided.
    pub fn subscribe(self, handler: impl FnMut(&AuthEvent) + 'static) -> AuthSubscription {
        let subscription = AuthSubscription::new(handler);
        self.client.subscribe(&subscription);
        subscription
    }

    /// Calls the handler for the client's events until the component that calls this is removed.
    pub fn on_event(self, handler: impl FnMut(&AuthEvent) + 'static) {
        let subscription = self.subscribe(handler);
        // The owner of the component drops the value.
        #[cfg(target_arch = "wasm32")]
        StoredValue::new_local(subscription);
        // On the server there are no events, and an owner may be dropped on another thread.
        #[cfg(not(target_arch = "wasm32"))]
        drop(subscription);
    }

    /// The client itself, for operations that are not here, such as popups and revocation. `None`
    /// on the server, and until the settings are loaded.
    pub fn manager(self) -> Option<UserManager> {
        self.client.manager()
    }

    /// The signed-in user as policies see them: the claims of the access token, or of the profile
    /// if the token is opaque. Tracked.
    ///
    /// The token is not verified here, and need not be: the API decides. This only tells the user
    /// beforehand.
    #[cfg(feature = "policy")]
    pub fn principal(self) -> Option<doorward_policy::Principal> {
        use doorward_protocol::{json, jws::UnverifiedJws};

        self.with_user(|user| {
            let jws = UnverifiedJws::parse(&user.access_token).ok();
            let claims = jws.and_then(|jws| json::object(jws.unverified_payload()));
            claims
                .and_then(|claims| doorward_policy::Principal::from_map(claims).ok())
                .or_else(|| doorward_policy::Principal::from_map(user.profile.clone()).ok())
        })
        .flatten()
    }

    /// The browser stays on this page after all.
    pub(crate) fn stay(self) {
        self.leaving.set(false);
    }
}
