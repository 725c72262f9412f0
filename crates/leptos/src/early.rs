//! The provider's response, answered before the page is brought to life.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
    time::Duration,
};

use doorward_client::{CallbackKind, Settings};
use leptos::prelude::set_timeout;

use crate::{engine, live::LoadedClient, page};

/// After this time the page is brought to life in any case.
const LONGEST: Duration = Duration::from_secs(1);

thread_local! {
    static STAGE: RefCell<Stage> = const { RefCell::new(Stage::Over) };
}

/// How far it is. A page has one.
enum Stage {
    /// A client may begin.
    Open,
    /// A client has begun, and waits for the page to take it over.
    Begun(Box<Early>),
    /// The page does everything itself.
    Over,
}

/// A client that has begun.
pub(crate) struct Early {
    pub settings: Settings,
    pub client: Rc<dyn LoadedClient>,
    /// The URL of the response.
    pub response: String,
}

/// Sends the code in the page's URL to the provider, if there is one, and brings the page to life
/// while the answer is on its way. Call it where the program begins, in place of `hydrate_body` or
/// `mount_to_body`. The page comes to life soon in any case: at once if the URL has no response.
///
/// The settings should be those that [`provide_auth`](crate::provide_auth) or
/// [`provide_auth_with`](crate::provide_auth_with) gets: it takes the sign-in over. With other
/// settings nothing is won: the page's own client finishes the sign-in, once the other is through
/// with it. That needs the same stores: if `state_store` or `user_store` differs, the sign-in
/// fails, and the user has to sign in again.
///
/// Leave this function out where the page's settings may name other stores, and for
/// [`AuthOptions`](crate::AuthOptions) with `skip_callback` or with `client` on ports of your own.
///
/// ```no_run
/// use doorward_leptos::{Settings, callback_first, provide_auth_with};
/// use leptos::prelude::*;
///
/// async fn settings() -> Option<Settings> {
///     let home = location().origin().ok()? + "/";
///     Some(Settings::new("https://id.example", "my-page", home))
/// }
///
/// #[component]
/// fn App() -> impl IntoView {
///     provide_auth_with(settings);
/// }
///
/// fn main() {
///     callback_first(settings(), || mount_to_body(App));
/// }
/// ```
pub fn callback_first(
    settings: impl Future<Output = Option<Settings>> + 'static,
    mount: impl FnOnce() + 'static,
) {
    if !CallbackKind::may_be_in(&page::url()) {
        return mount();
    }
    STAGE.set(Stage::Open);
    let mount: Mount = Rc::new(Cell::new(Some(Box::new(mount))));
    let late = Rc::clone(&mount);
    set_timeout(move || bring_to_life(&late), LONGEST);
    #[cfg(all(feature = "split", target_arch = "wasm32"))]
    wasm_bindgen_futures::spawn_local(engine::preload());
    wasm_bindgen_futures::spawn_local(async move {
        if let Some(settings) = settings.await
            && is_open()
        {
            // Whoever takes the response over reports a failure.
            engine::begin_early(settings).await;
        }
        bring_to_life(&mount);
    });
}

type Mount = Rc<Cell<Option<Box<dyn FnOnce()>>>>;

fn bring_to_life(mount: &Mount) {
    if let Some(mount) = mount.take() {
        STAGE.with_borrow_mut(|stage| {
            if matches!(stage, Stage::Open) {
                *stage = Stage::Over;
            }
        });
        mount();
    }
}

/// Whether a client may still begin.
pub(crate) fn is_open() -> bool {
    STAGE.with_borrow(|stage| matches!(stage, Stage::Open))
}

/// A client has begun.
pub(crate) fn begun(early: Early) {
    STAGE.set(Stage::Begun(Box::new(early)));
}

/// Whether a client has begun that nobody has taken over.
#[cfg(feature = "split")]
pub(crate) fn is_begun() -> bool {
    STAGE.with_borrow(|stage| matches!(stage, Stage::Begun(_)))
}

/// Gives the client that has begun with these settings.
pub(crate) fn take(settings: &Settings) -> Option<Early> {
    let stage = STAGE.replace(Stage::Over);
    match stage {
        Stage::Begun(early) if early.settings == *settings => Some(*early),
        other => {
            STAGE.set(other);
            None
        }
    }
}

/// Gives the client that has begun with other settings than the page's, if it is the same client at
/// the same provider and the response is for the page's client, which then finishes the sign-in
/// itself.
pub(crate) fn take_foreign(
    settings: &Settings,
    is_own: impl FnOnce(&str) -> bool,
) -> Option<Early> {
    let stage = STAGE.replace(Stage::Over);
    match stage {
        Stage::Begun(early)
            if early.settings.authority == settings.authority
                && early.settings.client_id == settings.client_id
                && is_own(&early.response) =>
        {
            Some(*early)
        }
        other => {
            STAGE.set(other);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_client::{User, UserManager};

    use super::*;
    use crate::subscription::Subscriber;

    struct NoClient;

    impl LoadedClient for NoClient {
        fn manager(&self) -> UserManager {
            unreachable!("nobody asks for it")
        }

        fn expires_in(&self, _: &User) -> Option<i64> {
            None
        }

        fn now(&self) -> u64 {
            0
        }

        fn begin(&self, _: &Subscriber) {}
    }

    fn settings(scope: &str) -> Settings {
        Settings::new("https://op.example", "app", "https://app.example/").scope(scope)
    }

    /// A client has begun. Gives what it holds.
    fn begin() -> std::rc::Weak<dyn LoadedClient> {
        let client: Rc<dyn LoadedClient> = Rc::new(NoClient);
        let held = Rc::downgrade(&client);
        let response = "https://app.example/?code=c&state=s".to_owned();
        begun(Early { settings: settings("openid"), client, response });
        held
    }

    #[test]
    fn a_client_is_taken_over_once_and_by_its_own_settings() {
        drop(begin());
        assert!(take(&settings("openid email")).is_none());
        assert!(take(&settings("openid")).is_some());
        assert!(take(&settings("openid")).is_none());
        assert!(take_foreign(&settings("openid"), |_| true).is_none());
    }

    #[test]
    fn with_other_settings_the_page_gets_its_response_and_the_client_ends() {
        let held = begin();
        let page = settings("openid email");
        assert!(take(&page).is_none());
        assert!(take_foreign(&page, |_| false).is_none(), "it is for another sign-in of the page");
        for other in [
            Settings::new("https://other.example", "app", "https://app.example/"),
            Settings::new("https://op.example", "other", "https://app.example/"),
        ] {
            assert!(take_foreign(&other, |_| true).is_none(), "another client");
        }
        let foreign = take_foreign(&page, |url| url.contains("state=s")).unwrap();
        assert_eq!(foreign.response, "https://app.example/?code=c&state=s");
        assert!(held.upgrade().is_some());
        drop(foreign);
        assert!(held.upgrade().is_none());
        assert!(take(&settings("openid")).is_none(), "one URL has one client");
    }
}
