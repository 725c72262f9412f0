//! The device's clocks: `Date.now()` and `performance.now()` (High Resolution Time).

use std::time::Duration;

use web_sys::Performance;

use crate::ports::Clock;

/// The window's clocks.
pub struct BrowserClock(Option<Performance>);

impl BrowserClock {
    /// The clocks of this window.
    pub fn new() -> Self {
        Self(web_sys::window().and_then(|window| window.performance()))
    }
}

impl Default for BrowserClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for BrowserClock {
    fn now(&self) -> u64 {
        from_milliseconds(js_sys::Date::now()).as_secs()
    }

    fn monotonic(&self) -> Duration {
        let milliseconds = self.0.as_ref().map_or_else(js_sys::Date::now, Performance::now);
        from_milliseconds(milliseconds)
    }
}

/// Whole milliseconds are precise enough.
fn from_milliseconds(milliseconds: f64) -> Duration {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // The cast saturates, and no clock is negative.
    let whole = milliseconds as u64;
    Duration::from_millis(whole)
}
