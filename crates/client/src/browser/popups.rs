//! Popups and hidden frames of the window (HTML sections 7.2.2.1 and 4.8.5), and messages from them
//! (section 9.3).

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{BroadcastChannel, Event, HtmlIFrameElement, MessageEvent, Window};

use super::{TabChannel, listen};
use crate::ports::{Area, Broadcast as _, ChildWindow, Guard, MessageHandler, Popups};

/// Marks the client's own frames.
const FRAME_NAME: &str = "oidc-frame";
/// Invisible, but loaded like any frame.
const HIDDEN: [(&str, &str); 4] =
    [("position", "fixed"), ("visibility", "hidden"), ("width", "0"), ("height", "0")];

/// The window's popups and frames.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it stands for itself")]
pub struct PagePopups;

impl Popups for PagePopups {
    fn area(&self) -> Area {
        let window = web_sys::window();
        let pixels = |read: fn(&Window) -> Result<JsValue, JsValue>| {
            let value =
                window.as_ref().and_then(|window| read(window).ok()?.as_f64()).unwrap_or_default();
            #[allow(clippy::cast_possible_truncation)] // Saturates.
            let whole = value as i32;
            whole
        };
        Area {
            left: pixels(Window::screen_x),
            top: pixels(Window::screen_y),
            width: pixels(Window::outer_width),
            height: pixels(Window::outer_height),
        }
    }

    fn has_focus(&self) -> bool {
        let document = web_sys::window().and_then(|window| window.document());
        document.is_some_and(|document| document.has_focus().unwrap_or_default())
    }

    fn open_popup(&self, area: Area) -> Option<Box<dyn ChildWindow>> {
        let Area { left, top, width, height } = area;
        let features = format!("popup=yes,left={left},top={top},width={width},height={height}");
        let window = web_sys::window()?;
        let popup =
            window.open_with_url_and_target_and_features("", "_blank", &features).ok()??;
        // Some blockers return a window that is closed.
        (!popup.closed().unwrap_or(true))
            .then(|| Box::new(Child { window: popup, frame: None }) as _)
    }

    fn open_frame(&self) -> Option<Box<dyn ChildWindow>> {
        let window = web_sys::window()?;
        // A page of another origin around this one is not visible.
        let around = window.frame_element().ok().flatten();
        if around.is_some_and(|frame| frame.get_attribute("name").as_deref() == Some(FRAME_NAME)) {
            return None;
        }
        let document = window.document()?;
        let frame: HtmlIFrameElement = document.create_element("iframe").ok()?.dyn_into().ok()?;
        frame.set_name(FRAME_NAME);
        frame.set_title("");
        for (name, value) in HIDDEN {
            frame.style().set_property(name, value).ok()?;
        }
        document.body()?.append_child(&frame).ok()?;
        let window = frame.content_window()?;
        Some(Box::new(Child { window, frame: Some(frame) }))
    }

    fn subscribe_channel(&self, name: &str, handler: Box<dyn Fn(&str)>) -> Guard {
        let channel = TabChannel::open(name);
        let hearing = channel.subscribe(handler);
        Guard::new(move || drop((hearing, channel)))
    }

    fn hand_back(&self, text: &str, channel: &str) {
        let Some(window) = web_sys::window() else {
            return;
        };
        let text = JsValue::from_str(text);
        if let Ok(channel) = BroadcastChannel::new(channel) {
            // It fails only if the channel is closed, which this one is not.
            let _ = channel.post_message(&text);
        }
        let around = window.parent().ok().flatten().filter(|parent| *parent != window);
        let is_popup = around.is_none();
        let opener =
            || window.opener().ok().filter(JsValue::is_object).map(JsValue::unchecked_into);
        let origin = window.location().origin().unwrap_or_default();
        if let Some(waiting) = around.or_else(opener) {
            // The browser discards it if the window has another origin.
            let _ = waiting.post_message(&text, &origin);
        }
        if is_popup {
            // Browsers close only windows that a script opened.
            let _ = window.close();
        }
    }
}

/// A popup, or a frame with its element.
struct Child {
    window: Window,
    frame: Option<HtmlIFrameElement>,
}

impl ChildWindow for Child {
    fn go(&self, url: &str) {
        // This throws only for invalid URLs, and the client uses only http and https URLs.
        let _ = self.window.location().replace(url);
    }

    fn is_closed(&self) -> bool {
        self.window.closed().unwrap_or(true)
    }

    fn post(&self, text: &str, origin: &str) {
        let _ = self.window.post_message(&JsValue::from_str(text), origin);
    }

    fn on_message(&self, handler: MessageHandler) -> Guard {
        let Some(page) = web_sys::window() else {
            return Guard::new(|| ());
        };
        let child = self.window.clone();
        let hear = move |event: Event| {
            let Ok(event) = event.dyn_into::<MessageEvent>() else {
                return;
            };
            let is_from_child =
                event.source().is_some_and(|source| js_sys::Object::is(&source, &child));
            if let Some(text) = event.data().as_string().filter(|_| is_from_child) {
                handler(&event.origin(), &text);
            }
        };
        listen(vec![(page.into(), "message")], Box::new(hear))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        match &self.frame {
            Some(frame) => frame.remove(),
            None => drop(self.window.close()),
        }
    }
}
