//! What the pages need from the browser directly. Outside a browser, where only the tests of the
//! rules run, all of it does nothing.

#[cfg(not(target_arch = "wasm32"))]
pub use nowhere::*;
#[cfg(target_arch = "wasm32")]
pub use window::*;

/// Why a text was not fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchError {
    /// There is no answer, or not all of it.
    NoAnswer,
    /// The answer has this status.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
    Status(u16),
}

#[cfg(target_arch = "wasm32")]
mod window {
    use std::time::Duration;

    use leptos::prelude::{set_timeout, window};
    use wasm_bindgen::{JsCast as _, JsValue};

    use super::FetchError;

    /// How long a file that is being saved is kept.
    const KEPT_FOR: Duration = Duration::from_secs(30);
    /// The key of the chosen language in the browser's storage.
    const LANGUAGE: &str = "doorward.admin.language";

    /// The origin that the pages were loaded from.
    pub fn origin() -> String {
        window().location().origin().unwrap_or_default()
    }

    /// Path and query of the address.
    pub fn path() -> String {
        let location = window().location();
        let (path, query) = (location.pathname(), location.search());
        path.unwrap_or_default() + &query.unwrap_or_default()
    }

    /// Shows another path in the address: as a step to go back from, or in place of the present
    /// one.
    pub fn show_path(path: &str, replace: bool) {
        let Ok(history) = window().history() else { return };
        let _ = if replace {
            history.replace_state_with_url(&JsValue::NULL, "", Some(path))
        } else {
            history.push_state_with_url(&JsValue::NULL, "", Some(path))
        };
    }

    /// Seconds since 1970 (UTC) by this device's clock.
    pub fn now() -> i64 {
        #[allow(clippy::cast_possible_truncation)] // Saturates.
        let seconds = (js_sys::Date::now() / 1000.0) as i64;
        seconds
    }

    /// A moment in words of the page's language and in the reader's time zone.
    pub fn moment(seconds: i64, language: &str) -> String {
        #[allow(clippy::cast_precision_loss)] // Not before the year 200,000.
        let date = js_sys::Date::new(&JsValue::from_f64(seconds as f64 * 1000.0));
        let options = js_sys::Object::new();
        for (name, value) in [("dateStyle", "medium"), ("timeStyle", "short")] {
            let _ = js_sys::Reflect::set(&options, &name.into(), &value.into());
        }
        date.to_locale_string(language, &options).into()
    }

    /// The language that was chosen here, or else the browser's.
    pub fn language() -> String {
        let stored = storage().and_then(|storage| storage.get_item(LANGUAGE).ok().flatten());
        stored.or_else(|| window().navigator().language()).unwrap_or_default()
    }

    /// Keeps the language, and loads the page again in it.
    pub fn choose_language(language: &str) {
        if let Some(storage) = storage() {
            let _ = storage.set_item(LANGUAGE, language);
        }
        let _ = window().location().reload();
    }

    fn storage() -> Option<web_sys::Storage> {
        window().local_storage().ok().flatten()
    }

    /// Sets an attribute of `<html>`, for style sheets, screen readers and tests.
    pub fn mark(name: &str, value: &str) {
        let root = window().document().and_then(|document| document.document_element());
        if let Some(root) = root {
            let _ = root.set_attribute(name, value);
        }
    }

    /// Names the page in the browser's tab.
    pub fn set_title(title: &str) {
        if let Some(document) = window().document() {
            document.set_title(title);
        }
    }

    /// Moves the focus to the element with this id.
    pub fn focus(id: &str) {
        let element = window().document().and_then(|document| document.get_element_by_id(id));
        if let Some(element) =
            element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
        {
            let _ = element.focus();
        }
    }

    /// Scrolls the navigation to the link of the page that is shown.
    pub fn show_current_link() {
        let found = window().document().and_then(|document| {
            document.query_selector(".admin-nav [aria-current=page]").ok().flatten()
        });
        let link = found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok());
        let list = link.as_ref().and_then(|link| link.closest("ul").ok().flatten());
        if let (Some(link), Some(list)) = (link, list) {
            let free = list.client_width() - link.offset_width();
            list.set_scroll_left(link.offset_left() - free / 2);
        }
    }

    /// Moves the focus to the first field that is wrong, once the page shows it.
    pub fn focus_mistake() {
        leptos::prelude::request_animation_frame(|| {
            let document = window().document();
            let found = document
                .and_then(|document| document.query_selector("[aria-invalid=true]").ok().flatten());
            if let Some(Ok(field)) =
                found.map(wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>)
            {
                let _ = field.focus();
            }
        });
    }

    /// Moves the focus to the element with this id, once the page shows it.
    pub fn focus_soon(id: String) {
        leptos::prelude::request_animation_frame(move || focus(&id));
    }

    /// Saves a text as a file of the user's.
    pub fn save(name: &str, content_type: &str, text: &str) {
        let parts = js_sys::Array::of1(&JsValue::from_str(text));
        let options = web_sys::BlobPropertyBag::new();
        options.set_type(content_type);
        let blob = web_sys::Blob::new_with_str_sequence_and_options(&parts, &options);
        let url = blob.and_then(|blob| web_sys::Url::create_object_url_with_blob(&blob));
        let link = window().document().and_then(|document| document.create_element("a").ok());
        if let (Ok(url), Some(Ok(link))) =
            (url, link.map(wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlAnchorElement>))
        {
            link.set_href(&url);
            link.set_download(name);
            link.click();
            // The browser may still be reading.
            set_timeout(move || drop(web_sys::Url::revoke_object_url(&url)), KEPT_FOR);
        }
    }

    /// Unicode's composed form (NFC) of what somebody typed.
    pub fn composed(typed: &str) -> String {
        let text = js_sys::JsString::from(typed);
        text.normalize("NFC").into()
    }

    /// A random text, for a request that may be sent twice.
    pub fn random_key() -> String {
        let number = || js_sys::Math::random().to_bits();
        format!("{:016x}{:016x}", number(), number())
    }

    /// Fetches a small text of this origin, never from a cache.
    pub async fn fetch_text(path: &str) -> Result<String, FetchError> {
        use wasm_bindgen_futures::JsFuture;
        let init = web_sys::RequestInit::new();
        init.set_cache(web_sys::RequestCache::NoStore);
        let fetched = window().fetch_with_str_and_init(path, &init);
        let lost = |_| FetchError::NoAnswer;
        let response = JsFuture::from(fetched).await.map_err(lost)?;
        let response: web_sys::Response = response.unchecked_into();
        if !response.ok() {
            return Err(FetchError::Status(response.status()));
        }
        let text = JsFuture::from(response.text().map_err(lost)?).await.map_err(lost)?;
        text.as_string().ok_or(FetchError::NoAnswer)
    }

    /// The day of a moment, as a field for dates has it: `2026-11-29`, in the reader's time zone.
    pub fn day(seconds: i64) -> String {
        #[allow(clippy::cast_precision_loss)] // Not before the year 200,000.
        let date = js_sys::Date::new(&JsValue::from_f64(seconds as f64 * 1000.0));
        format!("{:04}-{:02}-{:02}", date.get_full_year(), date.get_month() + 1, date.get_date())
    }

    /// The moment at which a day begins, in the reader's time zone.
    pub fn start_of_day(day: &str) -> Option<i64> {
        let mut parts = day.split('-').map(str::parse::<u32>);
        let (year, month, of_month) =
            (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        let (month, of_month) = (i32::try_from(month).ok()? - 1, i32::try_from(of_month).ok()?);
        let milliseconds = js_sys::Date::new_with_year_month_day(year, month, of_month).get_time();
        #[allow(clippy::cast_possible_truncation)] // Saturates.
        let seconds = (milliseconds / 1000.0) as i64;
        milliseconds.is_finite().then_some(seconds)
    }

    /// Copies a text to the clipboard. Returns `false` where the browser does not allow it.
    pub async fn copy(text: &str) -> bool {
        let window = window();
        if !window.is_secure_context() {
            return false;
        }
        let written = window.navigator().clipboard().write_text(text);
        wasm_bindgen_futures::JsFuture::from(written).await.is_ok()
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::unused_async)]
mod nowhere {
    use super::FetchError;

    pub fn origin() -> String {
        String::new()
    }

    pub fn path() -> String {
        "/admin".to_owned()
    }

    pub fn show_path(_path: &str, _replace: bool) {}

    pub fn now() -> i64 {
        0
    }

    pub fn moment(seconds: i64, _language: &str) -> String {
        seconds.to_string()
    }

    pub fn language() -> String {
        "en".to_owned()
    }

    pub fn choose_language(_language: &str) {}

    pub fn mark(_name: &str, _value: &str) {}

    pub fn set_title(_title: &str) {}

    pub fn focus(_id: &str) {}

    pub fn show_current_link() {}

    pub fn focus_mistake() {}

    pub fn focus_soon(_id: String) {}

    pub fn save(_name: &str, _content_type: &str, _text: &str) {}

    pub fn composed(typed: &str) -> String {
        typed.to_owned()
    }

    pub fn random_key() -> String {
        use std::sync::atomic::{AtomicU32, Ordering};
        static DRAWN: AtomicU32 = AtomicU32::new(0);
        DRAWN.fetch_add(1, Ordering::Relaxed).to_string()
    }

    pub async fn fetch_text(_path: &str) -> Result<String, FetchError> {
        Err(FetchError::NoAnswer)
    }

    pub fn day(seconds: i64) -> String {
        seconds.to_string()
    }

    pub fn start_of_day(_day: &str) -> Option<i64> {
        None
    }

    pub async fn copy(_text: &str) -> bool {
        false
    }
}
