//! Session and local storage (HTML section 12.2).

use gloo_storage::{LocalStorage, SessionStorage, Storage as _};
use js_sys::Reflect;
use wasm_bindgen::JsValue;
use web_sys::Event;

use super::listen;
use crate::ports::{Guard, Storage, StorageError};

/// A store of the window's origin. It is looked up at each use, because a browser may forbid it at
/// any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebStorage {
    /// The tab's own.
    Session,
    /// Shared by the origin's tabs.
    Local,
}

impl WebStorage {
    fn raw(self) -> Result<web_sys::Storage, StorageError> {
        // gloo-storage panics if the browser forbids storage, so check that first.
        if !self.is_allowed() {
            return Err(StorageError(
                "the browser has storage switched off for this page".to_owned(),
            ));
        }
        Ok(match self {
            Self::Session => SessionStorage::raw(),
            Self::Local => LocalStorage::raw(),
        })
    }

    fn is_allowed(self) -> bool {
        web_sys::window().is_some_and(|window| {
            let found = match self {
                Self::Session => window.session_storage(),
                Self::Local => window.local_storage(),
            };
            matches!(found, Ok(Some(_)))
        })
    }
}

impl Storage for WebStorage {
    fn get(&self, key: &str) -> Result<Option<String>, StorageError> {
        self.raw()?.get_item(key).map_err(|_| refused())
    }

    fn set(&self, key: &str, value: &str) -> Result<(), StorageError> {
        self.raw()?.set_item(key, value).map_err(|_| {
            StorageError("the browser's storage for this page is full or read-only".to_owned())
        })
    }

    fn remove(&self, key: &str) -> Result<(), StorageError> {
        self.raw()?.remove_item(key).map_err(|_| refused())
    }

    fn keys(&self) -> Result<Vec<String>, StorageError> {
        let raw = self.raw()?;
        let length = raw.length().map_err(|_| refused())?;
        let keys = (0..length).filter_map(|index| raw.key(index).ok().flatten());
        Ok(keys.collect())
    }

    /// By the `storage` event, which says that this page now sees the change (HTML section 12.2.3).
    fn on_change(&self, handler: Box<dyn Fn(&str)>) -> Guard {
        let Some(window) = web_sys::window() else {
            return Guard::new(|| ());
        };
        let changed = move |event: Event| {
            let key = Reflect::get(&event, &JsValue::from_str("key")).ok();
            handler(&key.and_then(|key| key.as_string()).unwrap_or_default());
        };
        listen(vec![(window.into(), "storage")], Box::new(changed))
    }
}

fn refused() -> StorageError {
    StorageError("the browser refused to read its storage for this page".to_owned())
}
