//! `setTimeout` and the microtask queue.

use std::{rc::Rc, time::Duration};

use async_trait::async_trait;
use gloo_timers::callback::Timeout;

use crate::{
    bell::Bell,
    ports::{LocalFuture, Timer},
};

/// A longer `setTimeout` would fire at once (its argument is a signed 32-bit number of
/// milliseconds).
const LONGEST: u32 = i32::MAX as u32;

/// The window's timers.
#[derive(Debug, Clone, Copy, Default)]
pub struct BrowserTimer;

#[async_trait(?Send)]
impl Timer for BrowserTimer {
    async fn sleep(&self, duration: Duration) {
        let bell = Rc::new(Bell::default());
        let own = Rc::clone(&bell);
        // Called off when nobody waits any more.
        let _timeout = Timeout::new(milliseconds(duration), move || own.ring());
        bell.heard().await;
    }

    fn spawn(&self, task: LocalFuture<()>) {
        wasm_bindgen_futures::spawn_local(task);
    }
}

/// Milliseconds for `setTimeout`.
pub(super) fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(LONGEST).min(LONGEST)
}
