//! The window's URL. On the server there is none.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use nowhere::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use window::*;

#[cfg(target_arch = "wasm32")]
mod window {
    use leptos::{
        prelude::*,
        wasm_bindgen::{JsCast as _, JsValue},
    };

    pub(crate) fn url() -> String {
        location().href().unwrap_or_default()
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
    pub(crate) fn url() -> String {
        String::new()
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

    pub(crate) fn go(_: &str) {}

    pub(crate) fn post(_: &str) {}

    pub(crate) fn show(_: &str) {}

    pub(crate) fn inform_router() {}
}
