//! `setTimeout` and the microtask queue.

use std::{rc::Rc, time::Duration};

use async_trait::async_trait;
use gloo_timers::callback::Timeout;

use crate::{
    lean::notify::Notify,
    ports::{LocalFuture, Timer},
};

/// A longer `setTimeout` would fire at once, because its argument is a signed 32-bit number of
/// milliseconds.
const LONGEST: u32 = i32::MAX as u32;

/// The window's timers.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it stands for itself")]
pub struct BrowserTimer;

#[async_trait(?Send)]
impl Timer for BrowserTimer {
    async fn sleep(&self, duration: Duration) {
        let wake = Rc::new(Notify::default());
        let own = Rc::clone(&wake);
        // Dropping it cancels the timer.
        let _timeout = Timeout::new(milliseconds(duration), move || own.notify());
        wake.notified().await;
    }

    fn spawn(&self, task: LocalFuture<()>) {
        wasm_bindgen_futures::spawn_local(task);
    }
}

/// Milliseconds for `setTimeout`.
pub(super) fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(LONGEST).min(LONGEST)
}
