//! One token: its text in one line or in full, with buttons to copy and to decode it.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};

use super::icons::{CHECK, COPY};
use crate::{
    browser::{self, Copied},
    derived::{aria, boxed_effect, derived},
    inspector,
};

/// A row of the token table. The element with the id `name` contains only the token.
#[component]
pub fn TokenRow(
    /// The row's number.
    number: &'static str,
    /// The token's name in the token response, `id_token`.
    name: &'static str,
    /// The token. Empty if there is none.
    token: Memo<String>,
    /// Whether it may be a JSON Web Token that can be decoded.
    decodable: bool,
) -> impl IntoView {
    let whole = RwSignal::new(false);
    let decoded = RwSignal::new(false);
    let absent = derived(move || token.with(String::is_empty));
    let present = derived(move || !absent.get());
    let folded = derived(move || absent.get() || !decoded.get());
    let class = derived(move || if whole.get() { "token token-whole mono" } else { "token mono" });
    let decoded_id = format!("{name}_decoded");
    let shown_in = decoded_id.clone();
    boxed_effect(move || {
        if !folded.get() {
            spawn_local(inspector::take_apart(shown_in.clone(), token.get()));
        }
    });
    let decode_button = decodable.then(|| {
        let controls = decoded_id.clone();
        view! { <Toggle on=decoded controls say=("Decode", "Hide claims") name/> }
    });
    view! {
        <tr>
            <td class="tokens-number">{number}</td>
            <th scope="row" class="tokens-key mono">{name}</th>
            <td class="tokens-value">
                <span class="muted" hidden=present>"none"</span>
                <code id=name class=class hidden=absent>{token}</code>
                <div class="token-actions" hidden=absent>
                    <CopyButton name token/>
                    <Toggle on=whole controls=name.to_owned() say=("Show all", "Show less") name/>
                    {decode_button}
                </div>
                <div id=decoded_id hidden=folded></div>
            </td>
        </tr>
    }
}

/// A button that shows or hides something, for example a token.
#[component]
pub fn Toggle(
    /// Whether it is shown.
    on: RwSignal<bool>,
    /// The id of the element that it shows.
    controls: String,
    /// The labels while it is hidden, and while it is shown.
    say: (&'static str, &'static str),
    /// What is shown or hidden. It is appended to the label for screen readers.
    name: &'static str,
) -> impl IntoView {
    let label = derived(move || if on.get() { say.1 } else { say.0 });
    let expanded = derived(move || aria(on.get()));
    view! {
        <button
            type="button"
            class="btn btn-quiet btn-small"
            aria-expanded=expanded
            aria-controls=controls
            on:click=move |_| on.update(|on| *on = !*on)
        >
            {label}
            <span class="visually-hidden">" " {name}</span>
        </button>
    }
}

/// Copies the token and reports the result.
#[component]
fn CopyButton(name: &'static str, token: Memo<String>) -> impl IntoView {
    let copied = RwSignal::new(None::<Copied>);
    let copy = move |_| {
        let text = token.get_untracked();
        spawn_local(async move {
            // A second copy must be announced too.
            copied.set(None);
            copied.set(Some(browser::copy(text, name).await));
            set_timeout(move || _ = copied.try_set(None), Duration::from_secs(4));
        });
    };
    let done = derived(move || copied.get() == Some(Copied::Yes));
    let label = derived(move || if done.get() { "Copied" } else { "Copy" });
    let icon = derived(move || if done.get() { CHECK } else { COPY });
    let no_hint = derived(move || copied.get() != Some(Copied::Selected));
    let announcement = derived(move || match copied.get() {
        Some(Copied::Yes) => format!("{name} copied"),
        Some(Copied::Selected) => format!("{name} is selected: press Ctrl or Command and C"),
        None => String::new(),
    });
    view! {
        <button
            id=format!("{name}_copy")
            type="button"
            class="btn btn-quiet btn-small"
            on:click=copy
        >
            <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
                <path d=icon/>
            </svg>
            {label}
            <span class="visually-hidden">" " {name}</span>
        </button>
        <span class="visually-hidden" role="status">{announcement}</span>
        <span class="muted copy-hint" aria-hidden="true" hidden=no_hint>
            "Selected: press Ctrl/⌘ C"
        </span>
    }
}
