//! The window: its URL, its clock, and how often it left by itself. The server has a clock only.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use nowhere::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use window::*;

/// Departures with one more, as times in seconds with a space between. `None` if the last two were
/// within a minute.
#[cfg(any(test, target_arch = "wasm32"))]
fn with_departure(before: &str, now: u64) -> Option<String> {
    let is_recent = |time: &&str| time.parse().is_ok_and(|time: u64| now.abs_diff(time) < 60);
    let mut recent = before.split(' ').filter(is_recent);
    let (first, second) = (recent.next().unwrap_or_default(), recent.next());
    second.is_none().then(|| [first, " ", &now.to_string()].concat())
}

#[cfg(target_arch = "wasm32")]
mod window {
    use leptos::{
        prelude::*,
        wasm_bindgen::{JsCast as _, JsValue},
    };

    pub(crate) fn url() -> String {
        location().href().unwrap_or_default()
    }

    /// This device's clock: seconds since 1970 (UTC).
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // It saturates.
    pub(crate) fn now() -> u64 {
        (js_sys::Date::now() / 1000.0) as u64
    }

    pub(crate) fn origin() -> String {
        location().origin().unwrap_or_default()
    }

    /// An HTTP date as seconds since 1970 (UTC).
    pub(crate) fn seconds(date: &str) -> Option<u64> {
        doorward_client::browser::http_date_seconds(date)
    }

    /// The path with query and fragment.
    pub(crate) fn path() -> String {
        url().strip_prefix(&origin()).unwrap_or("/").to_owned()
    }

    /// Whether the browser had the page's program in its cache: nothing was transferred for it
    /// (Resource Timing section 4.4).
    #[cfg(feature = "split")]
    #[allow(clippy::case_sensitive_file_extension_comparisons)] // The build names the file.
    pub(crate) fn comes_from_cache() -> bool {
        let number = |entry: &JsValue, name: &str| {
            js_sys::Reflect::get(entry, &JsValue::from_str(name)).ok().and_then(|it| it.as_f64())
        };
        let name = |entry: &JsValue| {
            let name = js_sys::Reflect::get(entry, &JsValue::from_str("name")).ok();
            name.and_then(|name| name.as_string()).unwrap_or_default()
        };
        let entries = window().performance().map(|all| all.get_entries_by_type("resource"));
        entries.is_some_and(|entries| {
            entries.iter().any(|entry| {
                name(&entry).ends_with(".wasm") && number(&entry, "transferSize") == Some(0.0)
            })
        })
    }

    /// Where a tab keeps when it left for a sign-in by itself.
    const DEPARTURES: &str = "doorward.departures";

    /// Whether the page may leave by itself for a sign-in once more. If so, that is noted. A
    /// provider whose answers are of no use would send the user around in a circle.
    pub(crate) fn may_leave() -> bool {
        let Ok(Some(store)) = window().session_storage() else {
            // Then nothing of the sign-in can be kept, which the client reports.
            return true;
        };
        let before = store.get_item(DEPARTURES).ok().flatten().unwrap_or_default();
        let departures = super::with_departure(&before, now());
        if let Some(departures) = &departures {
            let _ = store.set_item(DEPARTURES, departures);
        }
        departures.is_some()
    }

    /// A sign-in has succeeded, so the page does not go around in a circle.
    pub(crate) fn forget_departures() {
        if let Ok(Some(store)) = window().session_storage() {
            let _ = store.remove_item(DEPARTURES);
        }
    }

    /// Where a tab keeps what a sign-in is to bring back.
    const BROUGHT: &str = "doorward.brought";

    /// Keeps a text until the browser comes back. Returns whether the tab can do that.
    pub(crate) fn keep_brought(text: &str) -> bool {
        let store = window().session_storage().ok().flatten();
        store.is_some_and(|store| store.set_item(BROUGHT, text).is_ok())
    }

    /// Takes out what was kept.
    pub(crate) fn take_brought() -> Option<String> {
        let store = window().session_storage().ok()??;
        let kept = store.get_item(BROUGHT).ok()?;
        let _ = store.remove_item(BROUGHT);
        kept
    }

    /// A fragment that no other link has. It is no secret.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // It saturates.
    pub(crate) fn new_mark() -> String {
        let random = (js_sys::Math::random() * 1e15) as u64;
        ["doorward-", &random.to_string()].concat()
    }

    /// Leaves for another page.
    pub(crate) fn go(url: &str) {
        let _ = location().assign(url);
    }

    /// Leaves for the page that answers an empty form.
    pub(crate) fn post(url: &str) {
        let form = document().create_element("form").ok();
        if let (Some(form), Some(body)) = (form, document().body()) {
            let _ = form.set_attribute("method", "post");
            let _ = form.set_attribute("action", url);
            // A form is submitted only as a part of the document.
            let _ = body.append_child(&form);
            let _ = form.unchecked_into::<web_sys::HtmlFormElement>().submit();
        }
    }

    /// Shows another path of this origin in place of the present one.
    pub(crate) fn show(path: &str) {
        if self::path() == path {
            return;
        }
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(path));
            inform_router();
        }
    }

    /// A router reads the URL again after this event. It does not notice changes by others.
    pub(crate) fn inform_router() {
        if let Ok(event) = web_sys::Event::new("popstate") {
            let _ = window().dispatch_event(&event);
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod nowhere {
    use std::time::SystemTime;

    pub(crate) fn url() -> String {
        String::new()
    }

    pub(crate) fn now() -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }

    pub(crate) fn origin() -> String {
        String::new()
    }

    pub(crate) fn seconds(_: &str) -> Option<u64> {
        None
    }

    pub(crate) fn path() -> String {
        "/".to_owned()
    }

    pub(crate) fn may_leave() -> bool {
        true
    }

    pub(crate) fn forget_departures() {}

    pub(crate) fn keep_brought(_: &str) -> bool {
        false
    }

    pub(crate) fn take_brought() -> Option<String> {
        None
    }

    pub(crate) fn new_mark() -> String {
        String::new()
    }

    pub(crate) fn go(_: &str) {}

    pub(crate) fn post(_: &str) {}

    pub(crate) fn show(_: &str) {}

    pub(crate) fn inform_router() {}
}

#[test]
fn a_page_leaves_by_itself_twice_within_a_minute_and_then_waits() {
    let leaves = |before: &str, now| with_departure(before, now).unwrap_or_default();
    let first = leaves("", 100);
    let second = leaves(&first, 130);
    assert!(!second.is_empty());
    for (now, may_leave) in [(131, false), (159, false), (160, true), (1000, true)] {
        assert_eq!(with_departure(&second, now).is_some(), may_leave, "{now}");
    }
    let third = leaves(&second, 160);
    assert_eq!(with_departure(&third, 189), None, "it is the last minute that counts");
    assert!(with_departure(&third, 190).is_some());
    // The clock was set back.
    assert!(with_departure(&second, 10).is_some());
    assert!(with_departure("junk from elsewhere", 100).is_some());
}
