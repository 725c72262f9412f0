//! What the page needs from the browser directly. On the server, where there is no browser, all of
//! it does nothing.

#[cfg(not(target_arch = "wasm32"))]
pub use nowhere::*;
#[cfg(target_arch = "wasm32")]
pub use window::*;

/// Where the text was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// To the clipboard.
    Yes,
    /// Nowhere: browsers allow the clipboard only on pages served by https. The text is selected,
    /// so that the keyboard can copy it.
    Selected,
}

#[cfg(target_arch = "wasm32")]
mod window {
    use wasm_bindgen::JsCast as _;
    use wasm_bindgen_futures::JsFuture;

    use super::Copied;

    /// The key of the last route in the tab's storage.
    const ROUTE: &str = "doorward.route";

    fn document() -> Option<web_sys::Document> {
        web_sys::window()?.document()
    }

    /// The origin that the page was loaded from, `http://localhost:5001`.
    pub fn origin() -> String {
        web_sys::window().and_then(|window| window.location().origin().ok()).unwrap_or_default()
    }

    /// The route in the page's URL, `?route=…`, or the one that was last chosen in this tab.
    pub fn wanted_route() -> Option<String> {
        let window = web_sys::window()?;
        let address = window.location().search().ok()?;
        let asked = web_sys::UrlSearchParams::new_with_str(&address).ok()?.get("route");
        asked.or_else(|| window.session_storage().ok()??.get_item(ROUTE).ok()?)
    }

    /// Stores the chosen route in this tab, so that it survives the sign-in.
    pub fn remember_route(path: &str) {
        if let Some(Ok(Some(storage))) = web_sys::window().map(|window| window.session_storage()) {
            let _ = storage.set_item(ROUTE, path);
        }
    }

    /// Navigates to another page.
    pub fn go(url: &str) {
        let _ = web_sys::window().map(|window| window.location().assign(url));
    }

    /// Sets an attribute of `<html>` for style sheets and tests.
    pub fn mark(name: &str, value: &str) {
        if let Some(root) = document().and_then(|document| document.document_element()) {
            let _ = root.set_attribute(name, value);
        }
    }

    /// The element with this id.
    pub fn element(id: &str) -> Option<web_sys::Element> {
        document()?.get_element_by_id(id)
    }

    /// Reads a text from the tab's storage. Empty if there is none, or if the browser forbids
    /// storage.
    pub fn kept(key: &str) -> String {
        let kept = session_storage().and_then(|storage| storage.get_item(key).ok().flatten());
        kept.unwrap_or_default()
    }

    /// Stores a text in the tab's storage, or removes the key if the text is empty. Does nothing if
    /// the browser forbids storage.
    pub fn keep(key: &str, text: &str) {
        if let Some(storage) = session_storage() {
            let _ = if text.is_empty() {
                storage.remove_item(key)
            } else {
                storage.set_item(key, text)
            };
        }
    }

    fn session_storage() -> Option<web_sys::Storage> {
        web_sys::window()?.session_storage().ok().flatten()
    }

    /// The device's clock: seconds since 1970 (UTC).
    pub fn now() -> u64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Saturates.
        let seconds = (js_sys::Date::now() / 1000.0) as u64;
        seconds
    }

    /// Moves the focus.
    pub fn focus(id: &str) {
        if let Some(element) = document().and_then(|document| document.get_element_by_id(id)) {
            let _ = element.unchecked_into::<web_sys::HtmlElement>().focus();
        }
    }

    /// Whether nothing has the focus, for example because the focused element was hidden.
    pub fn focus_is_lost() -> bool {
        document().and_then(|document| document.active_element()).is_none_or(|element| {
            element.tag_name() == "BODY"
                || element.closest("[hidden]").is_ok_and(|found| found.is_some())
        })
    }

    /// Fetches a small text from the page's own origin, never from a cache. The error is a phrase.
    pub async fn fetch_text(path: &str) -> Result<String, String> {
        let window = web_sys::window().ok_or("there is no window")?;
        let options = web_sys::RequestInit::new();
        options.set_cache(web_sys::RequestCache::NoStore);
        let response: web_sys::Response =
            JsFuture::from(window.fetch_with_str_and_init(path, &options))
                .await
                .map_err(|_| "no answer")?
                .unchecked_into();
        if !response.ok() {
            return Err(format!("status {}", response.status()));
        }
        let text = response.text().map_err(|_| "no body")?;
        let text = JsFuture::from(text).await.map_err(|_| "the connection broke")?;
        text.as_string().ok_or_else(|| "no text".to_owned())
    }

    /// Copies the text to the clipboard, or else selects the element that shows it.
    pub async fn copy(text: String, id: &str) -> Copied {
        let Some(window) = web_sys::window() else {
            return Copied::Selected;
        };
        if window.is_secure_context() {
            let written = JsFuture::from(window.navigator().clipboard().write_text(&text)).await;
            if written.is_ok() {
                return Copied::Yes;
            }
        }
        let element = document().and_then(|document| document.get_element_by_id(id));
        if let (Ok(Some(selection)), Some(element)) = (window.get_selection(), element) {
            let _ = selection.select_all_children(&element);
        }
        Copied::Selected
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(missing_docs, clippy::unused_async)]
mod nowhere {
    use super::Copied;

    pub fn origin() -> String {
        String::new()
    }

    pub fn wanted_route() -> Option<String> {
        None
    }

    pub fn remember_route(_path: &str) {}

    pub fn go(_url: &str) {}

    pub fn mark(_name: &str, _value: &str) {}

    pub fn focus(_id: &str) {}

    pub fn kept(_key: &str) -> String {
        String::new()
    }

    pub fn keep(_key: &str, _text: &str) {}

    pub fn focus_is_lost() -> bool {
        false
    }

    pub fn now() -> u64 {
        0
    }

    pub async fn fetch_text(_path: &str) -> Result<String, String> {
        Err("there is no browser".to_owned())
    }

    pub async fn copy(_text: String, _id: &str) -> Copied {
        Copied::Selected
    }
}
