//! The guide shows the example exactly, which is compiled with everything else. This test reads
//! files outside the package, so it is not part of it.

#[test]
fn the_guide_shows_what_is_compiled() {
    let guide = include_str!("../../../docs/guides/leptos.md");
    let example = include_str!("../../../templates/leptos-csr/src/main.rs");
    let code = example.split_once("\n\n").map_or(example, |(_, code)| code);
    assert!(guide.contains(code), "docs/guides/leptos.md lags behind templates/leptos-csr");
    assert!(code.lines().count() < 30, "{} lines", code.lines().count());
}
