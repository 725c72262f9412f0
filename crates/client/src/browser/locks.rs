//! Web Locks: locks across the origin's tabs.
//!
//! Browsers offer them only in secure contexts. Elsewhere a fallback is used.

use std::{pin::pin, rc::Rc};

use async_trait::async_trait;
use futures::future::{Either, select};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;

use crate::{
    in_page::PageLocks,
    lean::oneshot,
    ports::{Guard, Locks},
};

/// The origin's locks, or the fallback where there are none.
pub struct WebLocks {
    fallback: Rc<dyn Locks>,
}

impl WebLocks {
    /// Uses Web Locks, or else this fallback.
    pub fn or(fallback: Rc<dyn Locks>) -> Self {
        Self { fallback }
    }
}

/// The fallback is locks within the page, which are enough for session and memory storage.
impl Default for WebLocks {
    fn default() -> Self {
        Self::or(Rc::new(PageLocks::default()))
    }
}

#[async_trait(?Send)]
impl Locks for WebLocks {
    async fn acquire(&self, name: &str) -> Guard {
        match acquire(name, &Object::new()).await.flatten() {
            Some(guard) => guard,
            None => self.fallback.acquire(name).await,
        }
    }

    async fn mark(&self, name: &str) -> Option<Guard> {
        let options = Object::new();
        // Setting a member of a new object does not fail.
        let _ = Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE);
        match acquire(name, &options).await {
            Some(guard) => guard,
            None => self.fallback.mark(name).await,
        }
    }

    fn has_marks(&self) -> bool {
        manager().is_some() || self.fallback.has_marks()
    }
}

/// Asks `navigator.locks`; `None` if there is none or it refuses. Without a guard: somebody has the
/// lock, and `options` say not to wait.
///
/// The browser holds the lock until the promise that the callback returns is settled; the guard
/// settles it.
async fn acquire(name: &str, options: &JsValue) -> Option<Option<Guard>> {
    let (granted, grant) = oneshot::channel();
    let callback = Closure::once_into_js(move |lock: JsValue| {
        if lock.is_null() {
            granted.send(None);
            return JsValue::UNDEFINED;
        }
        hold_until_resolved(granted).into()
    });
    let request = request(name, options, &callback)?;
    match select(pin!(grant.received()), JsFuture::from(request)).await {
        Either::Left((guard, _)) => guard,
        Either::Right(_) => None,
    }
}

/// A promise that the guard settles. The guard goes to the task that waits for the lock. If the
/// task stopped waiting, the guard is dropped.
fn hold_until_resolved(granted: oneshot::Sender<Option<Guard>>) -> Promise {
    let mut granted = Some(granted);
    Promise::new(&mut |resolve: Function, _| {
        let guard = Guard::new(move || {
            // Resolving a promise does not throw.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        });
        if let Some(granted) = granted.take() {
            granted.send(Some(guard));
        }
    })
}

/// `navigator.locks.request(name, options, callback)`. The bindings in web-sys need an unstable
/// flag.
fn request(name: &str, options: &JsValue, callback: &JsValue) -> Option<Promise> {
    let locks = manager()?;
    // This fails where there are no locks.
    let request: Function =
        Reflect::get(&locks, &JsValue::from_str("request")).ok()?.unchecked_into();
    request
        .call3(&locks, &JsValue::from_str(name), options, callback)
        .ok()
        .map(JsCast::unchecked_into)
}

/// `navigator.locks`, where there are locks.
fn manager() -> Option<JsValue> {
    let navigator = web_sys::window()?.navigator();
    Reflect::get(&navigator, &JsValue::from_str("locks")).ok().filter(JsValue::is_object)
}
