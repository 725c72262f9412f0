//! The guide shows the example program exactly, and that is compiled with everything else.
#![allow(clippy::unwrap_used)]

#[test]
fn the_guide_shows_what_is_compiled() {
    let guide = include_str!("../../../docs/guides/protect-an-axum-api.md");
    let example = include_str!("../../../templates/axum-api/src/main.rs");
    let (_, code) = example.split_once("\n\n").unwrap();
    assert!(
        guide.contains(code),
        "docs/guides/protect-an-axum-api.md lags behind templates/axum-api"
    );
}
