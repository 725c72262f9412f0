//! The buttons of other providers, with marks that are drawn here.

use doorward_provider::model::identity_provider::ProviderMark;
use leptos::prelude::*;

use crate::texts::Texts;

/// The button of a provider.
#[derive(Debug)]
pub(crate) struct ProviderButton {
    pub(crate) title: String,
    pub(crate) mark: ProviderMark,
    /// Where the form goes by this button.
    pub(crate) action: String,
    pub(crate) is_last: bool,
}

/// The buttons, as a part of a form. They need none of its fields.
pub(crate) fn buttons(t: &'static Texts, buttons: Vec<ProviderButton>) -> impl IntoView {
    let button = |button: ProviderButton| {
        view! {
            <button
                class="btn btn-block btn-provider"
                formaction=button.action
                formnovalidate=true
            >
                {mark(button.mark)}
                <span>{t.upstream.sign_in_with.with(&button.title)}</span>
                {button.is_last.then(|| view! {
                    <span class="badge">{t.upstream.last_used}</span>
                })}
            </button>
        }
    };
    buttons.into_iter().map(button).collect_view()
}

/// The word between the form and the buttons.
pub(crate) fn or(t: &'static Texts) -> impl IntoView {
    view! { <p class="divider">{t.upstream.or}</p> }
}

/// The mark of a provider, so that people find theirs. None is a copy of a logo.
fn mark(mark: ProviderMark) -> impl IntoView {
    let drawing = match mark {
        ProviderMark::Google => view! {
            <g fill="none" stroke-width="3.4">
                <path d="M16.6 5.6A8 8 0 0 0 5 6.2" stroke="#ea4335"/>
                <path d="M5 6.2a8 8 0 0 0 0 9.6" stroke="#fbbc05"/>
                <path d="M5 15.8a8 8 0 0 0 11 1.4" stroke="#34a853"/>
                <path d="M16 17.2a8 8 0 0 0 3-6.4h-8" stroke="#4285f4"/>
            </g>
        }
        .into_any(),
        ProviderMark::Microsoft => view! {
            <g>
                <path d="M3 3h7.5v7.5H3z" fill="#f25022"/>
                <path d="M11.5 3H19v7.5h-7.5z" fill="#7fba00"/>
                <path d="M3 11.5h7.5V19H3z" fill="#00a4ef"/>
                <path d="M11.5 11.5H19V19h-7.5z" fill="#ffb900"/>
            </g>
        }
        .into_any(),
        ProviderMark::Apple => view! {
            <g fill="currentColor">
                <path d="M11 7.4C8.2 5.3 4 6.5 4 11c0 3.8 2.2 8 4.6 8 1 0 1.5-.6 2.4-.6\
                    s1.4.6 2.4.6c1.7 0 3.1-2.1 3.9-4.3-2.7-1.2-2.9-5-.2-6.5\
                    C15.4 6.2 12.8 6.1 11 7.4z"/>
                <path d="M11.1 5.8c-.1-2 1.4-3.8 3.3-4.1.2 2-1.4 4-3.3 4.1z"/>
            </g>
        }
        .into_any(),
        ProviderMark::GitHub => view! {
            <path
                fill="currentColor"
                d="M4.2 3.4c1.3 0 2.7.8 3.5 1.4a12 12 0 0 1 6.6 0c.8-.6 2.2-1.4 3.5-1.4\
                    .5 1.3.4 2.5.1 3.3a5.5 5.5 0 0 1 1.3 3.6c0 4-2.6 5.4-5.2 5.7\
                    .4.4.6 1 .6 1.9V20H7.4v-1.6c-2.2.4-2.9-.9-3.6-1.9l1.3-.4\
                    c.5.7 1 1.2 2.3.9.1-.6.3-.8.6-1-2.6-.3-5.2-1.7-5.2-5.7\
                    0-1.4.5-2.6 1.3-3.6-.3-.8-.4-2 .1-3.3z"
            />
        }
        .into_any(),
        ProviderMark::GitLab => view! {
            <g>
                <path d="m11 19.5-4-11h8z" fill="#e24329"/>
                <path d="m11 19.5-4-11H2z" fill="#fc6d26"/>
                <path d="m11 19.5 4-11h5z" fill="#fc6d26"/>
                <path d="M2 8.5 4.5 2.5l2.5 6z" fill="#e24329"/>
                <path d="m20 8.5-2.5-6-2.5 6z" fill="#e24329"/>
            </g>
        }
        .into_any(),
        ProviderMark::Keycloak => view! {
            <g fill="none" stroke="currentColor" stroke-width="1.8">
                <path d="M6.5 3h9l4.5 8-4.5 8h-9L2 11z"/>
                <path d="m9.5 7.5-2 3.5 2 3.5m3-7 2 3.5-2 3.5" stroke="#00a0d6"/>
            </g>
        }
        .into_any(),
        ProviderMark::Doorward => view! {
            <g>
                <path
                    d="M4 20V6.5C4 4.5 5.5 3 7.5 3h7C16.5 3 18 4.5 18 6.5V20M2 20h18"
                    fill="none"
                    stroke="currentColor"
                    stroke-width="1.8"
                    stroke-linecap="round"
                />
                <path d="M7 20V7.5l7 .9V20z" fill="currentColor"/>
            </g>
        }
        .into_any(),
        ProviderMark::Generic => view! {
            <g fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round">
                <circle cx="7.5" cy="11" r="4.2"/>
                <path d="M11.7 11H20m-3 0v3.5"/>
            </g>
        }
        .into_any(),
    };
    view! {
        <svg class="provider-mark" viewBox="0 0 22 22" aria-hidden="true">{drawing}</svg>
    }
}
