//! The provider's response, answered before the page is brought to life.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
    time::Duration,
};

use doorward_client::Settings;
use leptos::prelude::set_timeout;

use crate::{engine, live::Client, page};

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
    pub client: Rc<dyn Client>,
    /// The URL of the response.
    pub response: String,
}

/// Sends the code in the page's URL to the provider, if there is one, and brings the page to life
/// while the answer is on its way. Call it where the program begins, in place of `hydrate_body` or
/// `mount_to_body`. The page comes to life soon in any case: at once if the URL has no response.
///
/// The settings must be those that [`provide_auth`](crate::provide_auth) or
/// [`provide_auth_with`](crate::provide_auth_with) gets: it takes the sign-in over. With other
/// settings, and for [`AuthOptions`](crate::AuthOptions) with `skip_callback` or `client`, leave
/// this function out.
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
    if !page::url().contains("state=") {
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
