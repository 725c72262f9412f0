//! The views of recovery codes.

use doorward_provider::model::factor::{FEW_RECOVERY_CODES, RecoveryCode};
use leptos::prelude::*;

use crate::{
    http::csrf,
    page::layout::{Layout, document, hidden},
};

/// What the page shows.
pub(crate) struct Overview {
    pub(crate) action: String,
    pub(crate) form_token: String,
    pub(crate) back: String,
    /// How many codes are unused.
    pub(crate) left: u32,
}

pub(crate) fn overview(layout: &Layout, overview: Overview) -> String {
    let (t, f) = (layout.texts, &layout.texts.factors);
    document(layout, f.recovery_codes, move || {
        let Overview { action, form_token, back, left } = overview;
        let class = if left <= FEW_RECOVERY_CODES { "alert alert-error" } else { "muted" };
        view! {
            <div class="stack-tight">
                <h1>{f.recovery_codes}</h1>
                <p class="muted">{f.recovery_codes_are_for}</p>
            </div>
            <p class=class id="codes-left">{(f.recovery_codes_left)(left)}</p>
            <form class="stack-tight" method="post" action=action>
                {hidden(csrf::FIELD, form_token)}
                <button class="btn btn-primary btn-block">{f.make_new_codes}</button>
                <p class="muted">{f.old_codes_end}</p>
            </form>
            <a class="btn btn-quiet btn-block" href=back>{t.back}</a>
        }
    })
}

/// The page that shows new codes, once.
pub(crate) fn new_codes(layout: &Layout, codes: &[RecoveryCode], next: String) -> String {
    let (t, f) = (layout.texts, &layout.texts.factors);
    let codes: Vec<String> = codes.iter().map(RecoveryCode::shown).collect();
    document(layout, f.recovery_codes, move || {
        let items =
            codes.into_iter().map(|code| view! { <li class="mono">{code}</li> }).collect_view();
        view! {
            <div class="stack-tight">
                <h1>{f.keep_these_codes}</h1>
                <p class="muted">{f.recovery_codes_are_for}</p>
            </div>
            <p class="alert alert-info">{f.shown_once}</p>
            <ol class="code-list" id="recovery-codes">{items}</ol>
            <a class="btn btn-primary btn-block" href=next>{t.go_on}</a>
        }
    })
}
