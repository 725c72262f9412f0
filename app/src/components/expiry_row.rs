//! When the access token expires, with a countdown.

use std::time::Duration;

use doorward_leptos::use_auth;
use leptos::prelude::*;

use crate::{
    derived::{boxed_effect, derived},
    time,
};

/// The row `expires_at`: date and time in UTC, with the remaining time.
#[component]
pub fn ExpiryRow(
    /// The row's number.
    number: &'static str,
) -> impl IntoView {
    let auth = use_auth();
    let expires_at = derived(move || {
        let seconds = auth.with_user(|user| user.expires_at).flatten();
        seconds.and_then(time::utc).unwrap_or_default()
    });
    let left = RwSignal::new(None::<i64>);
    boxed_effect(move || {
        // Runs again for each user and each renewal, and every second in between.
        let has_expiry = !expires_at.with(String::is_empty);
        let measure = move || left.set(auth.expires_in().filter(|_| has_expiry));
        measure();
        if has_expiry && let Ok(ticking) = set_interval_with_handle(measure, Duration::from_secs(1))
        {
            on_cleanup(move || ticking.clear());
        }
    });
    let absent = derived(move || expires_at.with(String::is_empty));
    let present = derived(move || !absent.get());
    let countdown = derived(move || left.get().map(time::countdown).unwrap_or_default());
    let uncounted = derived(move || left.get().is_none());
    let badge = derived(move || match left.get() {
        Some(left) if left <= 0 => "badge badge-no",
        _ => "badge",
    });
    view! {
        <tr>
            <td class="tokens-number">{number}</td>
            <th scope="row" class="tokens-key mono">"expires_at"</th>
            <td class="tokens-value">
                <span class="muted" hidden=present>"none"</span>
                <span class="row expiry" hidden=absent>
                    <span id="expires_at" class="mono">{expires_at}</span>
                    <span id="expires_in" class=badge hidden=uncounted>{countdown}</span>
                </span>
            </td>
        </tr>
    }
}
