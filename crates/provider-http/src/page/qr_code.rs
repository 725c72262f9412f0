//! QR codes as inline SVG.

use leptos::prelude::*;
use qrcode::{Color, QrCode};

/// A text as a QR code. It is black on white in any colour scheme and has the margin of four
/// modules that readers need (ISO/IEC 18004).
pub(crate) fn qr_code(text: &str, label: &'static str) -> Option<impl IntoView + use<>> {
    use std::fmt::Write as _;

    const MARGIN: usize = 4;
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let _ = write!(path, "M{} {}h1v1h-1z", index % width + MARGIN, index / width + MARGIN);
        }
    }
    let side = width + 2 * MARGIN;
    Some(view! {
        <svg
            class="qr-code"
            viewBox=format!("0 0 {side} {side}")
            role="img"
            aria-label=label
            shape-rendering="crispEdges"
        >
            <rect width=side height=side fill="#fff"/>
            <path d=path fill="#000"/>
        </svg>
    })
}
