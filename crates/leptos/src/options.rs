//! How sign-in is provided.

use std::{future::Future, rc::Rc};

use doorward_client::Settings;
use leptos::prelude::*;

use crate::{
    Auth, boxed_effect,
    operations::{self, Live, Load, SkipCallback},
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
        Self { load: Rc::new(move || Box::pin(load())), skip_callback: None }
    }

    /// Leaves a response in the page's URL to another program if the function returns `true` for
    /// that URL. Parameters that do not belong to a request of this client are left alone anyway.
    #[must_use]
    pub fn skip_callback(mut self, skip: impl Fn(&str) -> bool + 'static) -> Self {
        self.skip_callback = Some(Rc::new(skip));
        self
    }

    /// Provides sign-in to all components below. It starts in the browser, after hydration.
    pub fn provide(self) -> Auth {
        let auth = Auth::new(Live::new(self.load, self.skip_callback));
        provide_context(auth);
        boxed_effect(move || {
            operations::spawn(operations::start(auth));
            // The browser may keep this page alive while it is away and show it again unchanged.
            let shown = window_event_listener_untyped("pageshow", move |_| auth.stay());
            on_cleanup(move || shown.remove());
        });
        auth
    }
}
