//! The check of a provider: what each step found.

use doorward_admin::{
    Operation,
    types::identity_providers::{CheckStep, CheckedIdentityProvider},
};
use leptos::prelude::*;

use crate::{
    api::Call,
    names,
    session::Session,
    ui::{badge, button, card, nothing, object::Object},
};

/// The button, and what the last check said.
pub fn check(session: Session, name: String) -> AnyView {
    let t = session.texts;
    let turn = RwSignal::new(0_u32);
    let actions = move || {
        session.offers(Operation::CheckIdentityProvider).then(|| {
            button(t.check_provider, "btn btn-small", move || turn.update(|turn| *turn += 1))
        })
    };
    let shown = move || {
        if turn.get() == 0 {
            return nothing();
        }
        let call = Call::new(Operation::CheckIdentityProvider, &[&name]);
        let checked = Object::<CheckedIdentityProvider>::new(session, call);
        checked.view(move |read| steps(session, read.value.checks))
    };
    let body = view! {
        <p class="muted">{t.check_provider_text}</p>
        <div aria-live="polite">{shown}</div>
    };
    card(t.provider_check, actions.into_any(), body.into_any())
}

fn steps(session: Session, steps: Vec<CheckStep>) -> AnyView {
    let t = session.texts;
    let steps = steps.into_iter().map(|step| {
        let outcome = if step.ok {
            badge("badge-ok", t.step_succeeded)
        } else {
            badge("badge-no", t.step_failed)
        };
        view! {
            <li>
                <span class="event-name">{names::check(t, &step.check)}</span>
                {outcome}
                <span class="step-text">{step.text}</span>
            </li>
        }
    });
    view! { <ol class="steps" id="steps">{steps.collect_view()}</ol> }.into_any()
}
