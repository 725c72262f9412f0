//! On the server, where nobody is known.

use super::*;

fn settings() -> Settings {
    Settings::new("https://op.example", "app", "https://app.example/")
}

#[test]
fn what_needs_a_user_waits_for_one() {
    let html = Owner::new().with(|| {
        provide_auth(settings());
        view! { <RequireAuth fallback=|| "nobody">"somebody"</RequireAuth> }.to_html()
    });
    assert!(html.contains("nobody") && !html.contains("somebody"), "{html}");
}

#[test]
fn before_hydration_nothing_is_known() {
    Owner::new().with(|| {
        provide_auth(settings());
        let auth = use_auth();
        assert_eq!(auth.status().as_str(), "loading");
        assert_eq!((auth.user_name(), auth.failure(), auth.arrival()), (None, None, None));
        assert!(!auth.is_signed_in() && !auth.is_leaving() && auth.manager().is_none());
    });
}

/// The guide shows the example as it is, which is compiled with everything else.
#[test]
fn the_guide_shows_what_is_compiled() {
    let guide = include_str!("../../../docs/guides/leptos.md");
    let example = include_str!("../../../examples/leptos-minimal/src/main.rs");
    let code = example.split_once("\n\n").map_or(example, |(_, code)| code);
    assert!(guide.contains(code), "docs/guides/leptos.md lags behind examples/leptos-minimal");
    assert!(code.lines().count() < 30, "{} lines", code.lines().count());
}
