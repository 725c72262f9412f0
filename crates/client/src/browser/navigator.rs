//! The window's URL, and the events that show that a page woke up.

use web_sys::{Event, EventTarget, Window};

use super::listen;
use crate::ports::{Guard, Navigator, Redirect};

/// The event for a page that is hidden or shown again.
const HIDDEN_OR_SHOWN: &str = "visibilitychange";

/// The window.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it stands for itself")]
pub struct WindowNavigator;

impl Navigator for WindowNavigator {
    fn current_url(&self) -> String {
        web_sys::window().and_then(|window| window.location().href().ok()).unwrap_or_default()
    }

    fn go(&self, url: &str, redirect: Redirect) {
        let Some(mut window) = web_sys::window() else {
            return;
        };
        if redirect.top
            && let Ok(Some(top)) = window.top()
        {
            window = top;
        }
        // The outer page may have another origin, whose URL can be set but not read. This throws
        // only for invalid URLs, and the client uses only http and https URLs.
        let _ = if redirect.replace {
            window.location().replace(url)
        } else {
            window.location().set_href(url)
        };
    }

    fn show_url(&self, url: &str) {
        let history = web_sys::window().and_then(|window| window.history().ok());
        if let Some(history) = history {
            // A router may keep its own state with the entry.
            let state = history.state().unwrap_or_default();
            let _ = history.replace_state_with_url(&state, "", Some(url));
        }
    }

    fn on_wake(&self, handler: Box<dyn Fn()>) -> Guard {
        let Some((window, document)) =
            web_sys::window().and_then(|window| Some((window.clone(), window.document()?)))
        else {
            return Guard::new(|| ());
        };
        let mut events: Vec<(EventTarget, _)> = vec![(document.clone().into(), HIDDEN_OR_SHOWN)];
        for event in ["pageshow", "online", "focus"] {
            events.push((window.clone().into(), event));
        }
        let wake = move |event: Event| {
            if event.type_() != HIDDEN_OR_SHOWN || !document.hidden() {
                handler();
            }
        };
        listen(events, Box::new(wake))
    }
}

/// Whether the device reports that it has no network.
pub(super) fn is_offline() -> bool {
    web_sys::window().is_some_and(|window: Window| !window.navigator().on_line())
}
