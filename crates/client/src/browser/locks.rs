//! Web Locks: mutual exclusion over the origin's tabs.
//!
//! Browsers offer them in secure contexts only; elsewhere others take their place.

use std::{pin::pin, rc::Rc};

use async_trait::async_trait;
use futures::future::{Either, select};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;

use crate::{
    in_page::PageLocks,
    once,
    ports::{Guard, Locks},
};

/// The origin's locks, or where there are none those of the fallback.
pub struct WebLocks {
    fallback: Rc<dyn Locks>,
}

impl WebLocks {
    /// Web Locks, else these.
    pub fn or(fallback: Rc<dyn Locks>) -> Self {
        Self { fallback }
    }
}

/// Else locks that hold within the page, which is all that is needed for session and memory
/// storage.
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
}

/// Asks `navigator.locks`; `None` if there is none or it refuses. Without a guard: somebody has the
/// lock, and `options` say not to wait.
///
/// The browser holds the lock until the promise that the callback returns is settled; the guard
/// settles it.
async fn acquire(name: &str, options: &JsValue) -> Option<Option<Guard>> {
    let (granted, grant) = once::channel();
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

/// A promise that the guard settles. The guard goes to whoever waits for the lock; if nobody does
/// any more, it is dropped.
fn hold_until_resolved(granted: once::Sender<Option<Guard>>) -> Promise {
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

/// `navigator.locks.request(name, options, callback)`. The bindings of web-sys for it are behind an
/// unstable flag.
fn request(name: &str, options: &JsValue, callback: &JsValue) -> Option<Promise> {
    let navigator = web_sys::window()?.navigator();
    let locks = Reflect::get(&navigator, &JsValue::from_str("locks")).ok()?;
    // Where there are no locks, this is what fails.
    let request: Function =
        Reflect::get(&locks, &JsValue::from_str("request")).ok()?.unchecked_into();
    request
        .call3(&locks, &JsValue::from_str(name), options, callback)
        .ok()
        .map(JsCast::unchecked_into)
}
