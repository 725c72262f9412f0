//! Messages between the origin's tabs by `BroadcastChannel` (HTML section 9.5).

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{BroadcastChannel, Event, MessageEvent};

use super::listen;
use crate::ports::{Broadcast, Guard};

/// A channel of the origin. Without `BroadcastChannel`, it sends and receives nothing.
pub struct TabChannel(Option<BroadcastChannel>);

impl TabChannel {
    /// Opens the channel of this name.
    pub fn open(name: &str) -> Self {
        Self(BroadcastChannel::new(name).ok())
    }
}

impl Broadcast for TabChannel {
    fn post(&self, message: &str) {
        if let Some(channel) = &self.0 {
            // It fails if the channel is closed because the page is unloaded.
            let _ = channel.post_message(&JsValue::from_str(message));
        }
    }

    fn subscribe(&self, handler: Box<dyn Fn(&str)>) -> Guard {
        let Some(channel) = &self.0 else {
            return Guard::new(|| ());
        };
        let hear = move |event: Event| {
            let event: MessageEvent = event.unchecked_into();
            if let Some(text) = event.data().as_string() {
                handler(&text);
            }
        };
        listen(vec![(channel.clone().into(), "message")], Box::new(hear))
    }
}

impl Drop for TabChannel {
    fn drop(&mut self) {
        if let Some(channel) = &self.0 {
            channel.close();
        }
    }
}
