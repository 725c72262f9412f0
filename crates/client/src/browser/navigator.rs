//! The window's address and the signs that a page woke.

use web_sys::{VisibilityState, Window};

use super::listen;
use crate::ports::{Guard, Navigator, Redirect};

/// The window.
#[derive(Debug, Clone, Copy, Default)]
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
        // What frames this page may be of another origin, whose address can be set and not be read. It throws only for what
        // is no URL, and the client comes here with http and https URLs alone.
        let _ = if redirect.replace { window.location().replace(url) } else { window.location().set_href(url) };
    }

    fn show_url(&self, url: &str) {
        let history = web_sys::window().and_then(|window| window.history().ok());
        if let Some(history) = history {
            // A router may keep something of its own with the entry.
            let state = history.state().unwrap_or_default();
            let _ = history.replace_state_with_url(&state, "", Some(url));
        }
    }

    fn on_wake(&self, handler: Box<dyn Fn()>) -> Guard {
        let Some(window) = web_sys::window() else {
            return Guard::new(|| ());
        };
        let handler = std::rc::Rc::new(handler);
        let mut guards: Vec<Guard> = ["pageshow", "online", "focus"]
            .into_iter()
            .map(|event| {
                let handler = handler.clone();
                listen(&window, event, Box::new(move |_| handler()))
            })
            .collect();
        if let Some(document) = window.document() {
            let shown = document.clone();
            let look = move |_| {
                if shown.visibility_state() == VisibilityState::Visible {
                    handler();
                }
            };
            guards.push(listen(&document, "visibilitychange", Box::new(look)));
        }
        Guard::new(move || drop(guards))
    }
}

/// Whether the device says that it has no network.
pub(super) fn is_offline() -> bool {
    web_sys::window().is_some_and(|window: Window| !window.navigator().on_line())
}
