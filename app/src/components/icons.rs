//! Icons. They are inline, so that they take the colour of the text, and decorative, so they are
//! hidden from screen readers.

use leptos::prelude::*;

/// The logo of Doorward: a door that is slightly open.
#[component]
pub fn BrandMark() -> impl IntoView {
    view! {
        <svg class="brand-mark" viewBox="0 0 28 28" fill="none" aria-hidden="true">
            <path
                d="M5 25V7.5C5 5 7 3 9.5 3h9C21 3 23 5 23 7.5V25"
                stroke="currentColor"
                stroke-width="2.25"
                stroke-linecap="round"
            />
            <path d="M9 25V8.4c0-.7.5-1.2 1.2-1.1l7 1c.6.1 1 .6 1 1.1V25z" fill="currentColor"/>
            <circle class="brand-knob" cx="15.4" cy="16.6" r="1.5"/>
            <path d="M2.5 25h23" stroke="currentColor" stroke-width="2.25" stroke-linecap="round"/>
        </svg>
    }
}

/// An icon of strokes on a grid of 20 units.
#[component]
pub fn Icon(
    /// The outline (SVG path data).
    path: &'static str,
) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
            <path d=path/>
        </svg>
    }
}

/// Two sheets.
pub const COPY: &str = "M7.5 7.5h8v8.5h-8zM12.5 4.5V4h-8v8.5h.5";
/// A tick.
pub const CHECK: &str = "M4.5 10.5l3.5 3.5 7.5-8";
/// A way in.
pub const ENTER: &str = "M11.5 3.5h4v13h-4M3.5 10h8.5M9 6.5l3.5 3.5L9 13.5";
/// A paper plane.
pub const SEND: &str = "M17 3L9 11M17 3l-5 14-3-6-6-3z";
