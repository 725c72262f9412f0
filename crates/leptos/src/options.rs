//! How sign-in is provided.

use std::{future::Future, rc::Rc};

use doorward_client::{Error, Settings, UserManager};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    Auth, boxed_effect, engine,
    live::{Live, Load, MakeClient, Plan, SkipCallback},
    start,
};

/// Options of sign-in, for applications that need more than [`provide_auth`](crate::provide_auth).
///
/// ```no_run
/// use doorward_leptos::{AuthOptions, Settings};
///
/// # fn component() {
/// let settings = Settings::new("https://id.example", "my-page", "https://app.example/");
/// let auth = AuthOptions::new(settings)
///     // Another program processes the responses at this path.
///     .skip_callback(|url| url.contains("/connect-calendar"))
///     .provide();
/// # let _ = auth;
/// # }
/// ```
pub struct AuthOptions {
    load: Load,
    skip_callback: Option<SkipCallback>,
    make: Option<MakeClient>,
    initiate_login_path: Option<&'static str>,
    #[cfg(feature = "policy")]
    roles_at: &'static [&'static str],
}

impl AuthOptions {
    /// Sign-in with these settings.
    pub fn new(settings: Settings) -> Self {
        Self::load(move || {
            let settings = settings.clone();
            async move { Some(settings) }
        })
    }

    /// Sign-in with settings that are loaded in the browser first.
    pub fn load<F>(load: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = Option<Settings>> + 'static,
    {
        Self {
            load: Rc::new(move || Box::pin(load())),
            skip_callback: None,
            make: None,
            initiate_login_path: None,
            #[cfg(feature = "policy")]
            roles_at: &[],
        }
    }

    /// Finds the user's roles there in the claims, in place of `role`, for
    /// [`RequirePolicy`](crate::RequirePolicy) and [`Auth::principal`]. Each path is the name of a
    /// claim, or a JSON Pointer (RFC 6901) if it begins with a slash. It is the setting `roles_at`
    /// of an API: the names are those of the provider.
    ///
    /// ```no_run
    /// use doorward_leptos::{AuthOptions, Settings};
    ///
    /// # fn component(settings: Settings) {
    /// // Keycloak. For Entra ID it is `roles`, and for Okta `groups`.
    /// AuthOptions::new(settings).roles_at(&["/realm_access/roles"]).provide();
    /// # }
    /// ```
    #[cfg(feature = "policy")]
    #[must_use]
    pub fn roles_at(mut self, paths: &'static [&'static str]) -> Self {
        self.roles_at = paths;
        self
    }

    /// Leaves a response in the page's URL to another program if the function returns `true` for
    /// that URL. Parameters that do not belong to a request of this client are left alone anyway.
    #[must_use]
    pub fn skip_callback(mut self, skip: impl Fn(&str) -> bool + 'static) -> Self {
        self.skip_callback = Some(Rc::new(skip));
        self
    }

    /// Lets others begin a sign-in at this path of the application, its `initiate_login_uri` (OIDC
    /// Core section 4): the provider's page of applications, for example. A page that is opened
    /// there with `iss` leaves for the provider at once. `login_hint` goes with it, and after the
    /// sign-in the page goes to the path of `target_link_uri`. Anybody can write such a link: if it
    /// names another issuer than the settings, or a target at another origin than `redirect_uri`,
    /// the page stays and reports a failure of [`AuthStep::SignIn`](crate::AuthStep::SignIn). The
    /// application needs a page at this path. Without `iss` nothing begins there.
    ///
    /// ```no_run
    /// use doorward_leptos::{AuthOptions, Settings};
    ///
    /// # fn component(settings: Settings) {
    /// AuthOptions::new(settings).initiate_login_path("/initiate-login").provide();
    /// # }
    /// ```
    #[must_use]
    pub fn initiate_login_path(mut self, path: &'static str) -> Self {
        self.initiate_login_path = Some(path);
        self
    }

    /// Lets the application create the client, for example on ports of its own. The function runs
    /// in the browser.
    ///
    /// ```no_run
    /// # #[cfg(target_arch = "wasm32")]
    /// # fn component(settings: doorward_leptos::Settings) {
    /// use std::rc::Rc;
    ///
    /// use doorward_leptos::{
    ///     AuthOptions, UserManager,
    ///     doorward_client::{browser, in_page::MemoryStorage, ports::Ports},
    /// };
    ///
    /// let auth = AuthOptions::new(settings)
    ///     .client(|settings| {
    ///         let user_store = Rc::new(MemoryStorage::default());
    ///         let ports = Ports { user_store, ..browser::ports(&settings) };
    ///         UserManager::new(settings, ports)
    ///     })
    ///     .provide();
    /// # let _ = auth;
    /// # }
    /// ```
    #[must_use]
    pub fn client(
        mut self,
        make: impl Fn(Settings) -> Result<UserManager, Error> + 'static,
    ) -> Self {
        self.make = Some(Rc::new(make));
        self
    }

    /// Provides sign-in to all components below. It starts in the browser, after hydration. Another
    /// one further up is hidden from them.
    pub fn provide(self) -> Auth {
        let auth = self.begin();
        provide_context(auth);
        #[cfg(target_arch = "wasm32")]
        PAGE.with_borrow_mut(|page| page.add(auth));
        auth
    }

    /// Provides sign-in under a name: a type of the application's. So one page can have several
    /// sign-ins side by side, at several providers or as several clients. Components below find it
    /// with [`use_auth_of`](crate::use_auth_of).
    ///
    /// ```no_run
    /// use doorward_leptos::{AuthOptions, RequireAuth, Settings, use_auth_of};
    /// use leptos::prelude::*;
    ///
    /// /// The sign-in at the bank.
    /// struct Bank;
    ///
    /// # fn component(settings: Settings) -> impl IntoView {
    /// AuthOptions::new(settings).provide_as::<Bank>();
    /// let bank = use_auth_of::<Bank>();
    /// view! { <RequireAuth auth=bank>"Your accounts"</RequireAuth> }
    /// # }
    /// ```
    pub fn provide_as<Name: 'static>(self) -> Auth {
        let auth = self.begin();
        #[cfg(target_arch = "wasm32")]
        NAMED.with_borrow_mut(|named| named.add(auth));
        provide_context(NamedAuth::<Name> { auth, name: std::marker::PhantomData });
        auth
    }

    fn begin(self) -> Auth {
        let plan = Plan {
            load: self.load,
            skip_callback: self.skip_callback,
            make: self.make,
            initiate_login_path: self.initiate_login_path,
            #[cfg(feature = "policy")]
            roles_at: self.roles_at,
        };
        let auth = Auth::new(Live::new(plan), engine::by_client);
        boxed_effect(move || spawn_local(start::start(auth)));
        stay_when_shown(auth);
        auth
    }
}

/// The browser may keep the page alive while it is away, and show it again unchanged.
pub(crate) fn stay_when_shown(auth: Auth) {
    boxed_effect(move || {
        let shown = window_event_listener_untyped("pageshow", move |_| auth.stay());
        on_cleanup(move || shown.remove());
    });
}

/// The sign-ins that components provide, in this order. Those of components that are gone don't
/// count.
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) struct Provided(Vec<Auth>);

#[cfg(any(test, target_arch = "wasm32"))]
impl Provided {
    pub(crate) const NONE: Self = Self(Vec::new());

    pub(crate) fn add(&mut self, auth: Auth) {
        self.forget_those_gone();
        self.0.push(auth);
    }

    pub(crate) fn last(&mut self) -> Option<Auth> {
        self.forget_those_gone();
        self.0.last().copied()
    }

    fn forget_those_gone(&mut self) {
        self.0.retain(|auth| !auth.status.is_disposed());
    }
}

#[cfg(target_arch = "wasm32")]
thread_local! {
    static PAGE: std::cell::RefCell<Provided> =
        const { std::cell::RefCell::new(Provided::NONE) };
    /// Those with a name.
    static NAMED: std::cell::RefCell<Provided> =
        const { std::cell::RefCell::new(Provided::NONE) };
}

/// The sign-in that was provided last, for work that belongs to no component.
#[cfg(target_arch = "wasm32")]
pub(crate) fn auth_of_page() -> Option<Auth> {
    PAGE.with_borrow_mut(Provided::last)
}

/// Whether the page has a sign-in with a name.
#[cfg(target_arch = "wasm32")]
pub(crate) fn has_named_auth() -> bool {
    NAMED.with_borrow_mut(Provided::last).is_some()
}

/// A server has many pages.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn auth_of_page() -> Option<Auth> {
    None
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn has_named_auth() -> bool {
    false
}

/// A sign-in under a name.
pub(crate) struct NamedAuth<Name> {
    pub auth: Auth,
    name: std::marker::PhantomData<fn() -> Name>,
}

impl<Name> Clone for NamedAuth<Name> {
    fn clone(&self) -> Self {
        Self { auth: self.auth, name: self.name }
    }
}
