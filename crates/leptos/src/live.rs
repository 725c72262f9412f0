//! The client and what belongs to it. They stay on the browser's one thread.

use std::{
    future::Future,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};

use doorward_client::{Error, Settings, Subscription, User, UserManager};
#[cfg(target_arch = "wasm32")]
use leptos::prelude::*;

use crate::{AuthSubscription, subscription::Subscriber};

/// Loads the settings.
pub(crate) type Load = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Option<Settings>>>>>;

/// Whether a response in a URL is left to another program.
pub(crate) type SkipCallback = Rc<dyn Fn(&str) -> bool>;

/// Creates the client.
pub(crate) type MakeClient = Rc<dyn Fn(Settings) -> Result<UserManager, Error>>;

/// The client as an object. Whoever calls it need not have its code, which may be a file of its own
/// ([`crate::engine`]).
pub(crate) trait LoadedClient {
    /// The client itself.
    fn manager(&self) -> UserManager;
    /// [`UserManager::expires_in`].
    fn expires_in(&self, user: &User) -> Option<i64>;
    /// [`UserManager::now`].
    fn now(&self) -> u64;
    /// Lets a handler receive events.
    fn begin(&self, waiting: &Subscriber);
}

/// How sign-in was asked for.
pub(crate) struct Plan {
    pub load: Load,
    pub skip_callback: Option<SkipCallback>,
    pub make: Option<MakeClient>,
    /// Where somebody else may begin a sign-in.
    pub initiate_login_path: Option<&'static str>,
    /// Where roles are in the claims. Empty: in `role`.
    #[cfg(feature = "policy")]
    pub roles_at: &'static [&'static str],
}

impl Plan {
    /// Whether the response in a URL is left to another program.
    pub(crate) fn skips(&self, url: &str) -> bool {
        self.skip_callback.as_ref().is_some_and(|skips| skips(url))
    }

    /// Whether somebody else begins a sign-in by this path with its query (OIDC Core section 4).
    pub(crate) fn begins_at(&self, opened: &str) -> bool {
        self.initiate_login_path.is_some_and(|path| is_initiation(path, opened))
    }
}

/// Whether the path with its query is this one, and names an issuer. A response of the provider may
/// name one, too (RFC 9207).
pub(crate) fn is_initiation(path: &str, opened: &str) -> bool {
    let opened = opened.split('#').next().unwrap_or_default();
    let query = opened.strip_prefix(path).and_then(|rest| rest.strip_prefix('?'));
    query.is_some_and(|query| {
        let has = |name: &str| query.split('&').any(|pair| pair.starts_with(name));
        has("iss=") && !has("state=") && !has("response=")
    })
}

/// The client and what belongs to it.
pub(crate) struct Live {
    pub plan: Rc<Plan>,
    /// The settings, once they are loaded.
    pub settings: Option<Rc<Settings>>,
    pub client: Option<Rc<dyn LoadedClient>>,
    pub subscription: Option<Subscription>,
    /// Subscriptions that wait for the client.
    pub waiting: Vec<Weak<Subscriber>>,
    /// Tasks that wait until it is known who is signed in.
    pub wakers: Vec<Waker>,
    /// The URL of a response whose processing failed, for the next attempt.
    pub response: Option<String>,
    /// A client with other settings that has begun with this response.
    pub before: Option<Rc<dyn LoadedClient>>,
    /// Counts the attempts to leave the page.
    pub departures: u32,
}

impl Live {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan: Rc::new(plan),
            settings: None,
            client: None,
            subscription: None,
            waiting: Vec::new(),
            wakers: Vec::new(),
            response: None,
            before: None,
            departures: 0,
        }
    }
}

/// [`Live`], for closures that can be copied.
#[derive(Clone, Copy)]
pub(crate) struct LiveHandle {
    #[cfg(target_arch = "wasm32")]
    live: StoredValue<Live, LocalStorage>,
}

impl LiveHandle {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn new(live: Live) -> Self {
        Self { live: StoredValue::new_local(live) }
    }

    /// `None` on the server, and after the component that provides sign-in was removed.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn update<T>(self, change: impl FnOnce(&mut Live) -> T) -> Option<T> {
        self.live.try_update_value(change)
    }

    /// On the server there is no client, and nothing that could be dropped on another thread.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn new(live: Live) -> Self {
        drop(live);
        Self {}
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[allow(clippy::unused_self)] // Like its other form.
    pub(crate) fn update<T>(self, change: impl FnOnce(&mut Live) -> T) -> Option<T> {
        let _ = change;
        None
    }

    pub(crate) fn client(self) -> Option<Rc<dyn LoadedClient>> {
        self.update(|live| live.client.clone()).flatten()
    }

    pub(crate) fn plan(self) -> Option<Rc<Plan>> {
        self.update(|live| Rc::clone(&live.plan))
    }

    pub(crate) fn subscribe(self, subscription: &AuthSubscription) {
        let waiting = subscription.waiting();
        match (self.client(), waiting.upgrade()) {
            (Some(client), Some(waiting)) => client.begin(&waiting),
            _ => {
                self.update(|live| live.waiting.push(waiting));
            }
        }
    }

    /// Remembers the task that waits, if it is not known yet who is signed in.
    pub(crate) fn poll_ready(self, is_known: bool, context: &Context<'_>) -> Poll<()> {
        if is_known {
            return Poll::Ready(());
        }
        match self.update(|live| live.wakers.push(context.waker().clone())) {
            Some(()) => Poll::Pending,
            None => Poll::Ready(()),
        }
    }
}
