//! The ports on web APIs, for `wasm32` in a window.
//!
//! Nothing here panics if the browser refuses something (blocked storage, an insecure context, no
//! window): a panic would end the page.

mod broadcast;
mod clock;
mod crypto;
mod entropy;
mod http;
mod locks;
mod navigator;
#[cfg(feature = "popups")]
mod popups;
#[cfg(feature = "dpop")]
mod proof_key;
mod storage;
mod timer;

use std::rc::Rc;

use wasm_bindgen::{JsCast as _, prelude::Closure};
use web_sys::{Event, EventTarget};

pub use broadcast::TabChannel;
pub use clock::BrowserClock;
pub use crypto::WebCrypto;
pub use entropy::SystemEntropy;
pub use http::{Fetch, http_date_seconds};
pub use locks::WebLocks;
pub use navigator::WindowNavigator;
#[cfg(feature = "popups")]
pub use popups::PagePopups;
#[cfg(feature = "dpop")]
pub use proof_key::ProofKey;
pub use storage::WebStorage;
pub use timer::BrowserTimer;

use crate::{
    CallbackKind, Error, Settings, StorageLease, UserManager,
    flow::callback::RESPONSE,
    in_page::{MemoryStorage, PageLocks},
    ports::{Guard, Ports, Storage},
    settings::StoreKind,
    user_store,
};

/// Creates a client on the browser's own APIs.
///
/// ```no_run
/// use doorward_client::{Error, Settings, browser};
///
/// # fn page() -> Result<(), Error> {
/// let settings = Settings::new("https://id.example", "my-page", "https://app.example/");
/// let manager = browser::user_manager(settings)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Settings`] if the settings are invalid.
pub fn user_manager(settings: Settings) -> Result<UserManager, Error> {
    let ports = ports(&settings);
    UserManager::new(settings, ports)
}

/// The browser's ports for these settings.
///
/// ```no_run
/// use std::rc::Rc;
///
/// use doorward_client::{
///     Error, Settings, UserManager, browser, in_page::MemoryStorage, ports::Ports,
/// };
///
/// # fn page() -> Result<(), Error> {
/// let settings = Settings::new("https://id.example", "my-page", "https://app.example/");
/// // The user is kept where no other script of the origin can read.
/// let user_store = Rc::new(MemoryStorage::default());
/// let ports = Ports { user_store, ..browser::ports(&settings) };
/// let manager = UserManager::new(settings, ports)?;
/// # Ok(())
/// # }
/// ```
pub fn ports(settings: &Settings) -> Ports {
    let channel = ["oidc:", &settings.authority, ":", &settings.client_id].concat();
    let clock = Rc::new(BrowserClock::new());
    let timer = Rc::new(BrowserTimer);
    let entropy = Rc::new(SystemEntropy);
    let locks = if [settings.state_store, settings.user_store].contains(&StoreKind::Local) {
        WebLocks::or(Rc::new(StorageLease {
            store: storage(StoreKind::Local),
            clock: clock.clone(),
            timer: timer.clone(),
            entropy: entropy.clone(),
            page: PageLocks::default(),
        }))
    } else {
        WebLocks::default()
    };
    Ports {
        http: Rc::new(Fetch),
        state_store: storage(settings.state_store),
        user_store: storage(settings.user_store),
        tab_store: storage(StoreKind::Session),
        clock,
        entropy,
        verifier: Rc::new(WebCrypto),
        locks: Rc::new(locks),
        broadcast: Rc::new(TabChannel::open(&channel)),
        navigator: Rc::new(WindowNavigator),
        timer,
        #[cfg(feature = "dpop")]
        signer: settings
            .dpop
            .then(|| Rc::new(ProofKey::of(settings)) as Rc<dyn crate::ports::ProofSigner>),
        #[cfg(not(feature = "dpop"))]
        signer: None,
        assertions: None,
        #[cfg(feature = "popups")]
        popups: Some(Rc::new(PagePopups)),
        #[cfg(not(feature = "popups"))]
        popups: None,
    }
}

/// Whether a client with these settings would have nothing to do on this page until the user signs
/// in: no user is stored in this tab, no other tab can change that, and the page's URL carries no
/// response. Such a page need not have loaded the client.
pub fn is_idle(settings: &Settings) -> bool {
    let user = user_store::key(settings);
    let has_none = |key: &str| matches!(WebStorage::Session.get(key), Ok(None));
    settings.user_store == StoreKind::Session
        && !CallbackKind::may_be_in(&current_url())
        && has_none(&user)
        && has_none(&[RESPONSE, &user].concat())
}

/// The page's URL with query and fragment.
pub fn current_url() -> String {
    use crate::ports::Navigator as _;
    WindowNavigator.current_url()
}

fn storage(kind: StoreKind) -> Rc<dyn Storage> {
    match kind {
        StoreKind::Session => Rc::new(WebStorage::Session),
        StoreKind::Local => Rc::new(WebStorage::Local),
        StoreKind::Memory => Rc::new(MemoryStorage::default()),
    }
}

/// Calls the handler for these events until the guard is dropped.
fn listen(events: Vec<(EventTarget, &'static str)>, handler: Box<dyn FnMut(Event)>) -> Guard {
    let closure = Closure::wrap(handler);
    for (target, event) in &events {
        // Adding a listener throws only without a target or a name. Then the guard has nothing to
        // undo.
        let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    }
    Guard::new(move || {
        for (target, event) in events {
            let _ =
                target.remove_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
        }
    })
}
