//! The second factors of a user, and the way back for who has lost them or the password.

use doorward_admin::{Operation, types::users::FactorsView};
use doorward_leptos::boxed_effect;
use leptos::prelude::*;

use super::{offered, passkeys::passkeys};
use crate::{
    api::Call,
    session::Session,
    ui::{
        button, card,
        dialog::{Question, confirm, confirm_of},
        facts,
        object::Object,
        or_dash, plain,
    },
};

/// The factors.
pub fn factors(session: Session, sub: String, can_act: Memo<bool>) -> AnyView {
    let t = session.texts;
    let read = Call::new(Operation::ReadFactors, &[&sub]);
    let factors = Object::<FactorsView>::new(session, read);
    let may_reset = offered(session, can_act, Operation::ResetFactors);
    let may_link = offered(session, can_act, Operation::ResetPassword);
    let (resetting, linking) = (RwSignal::new(false), RwSignal::new(false));
    boxed_effect(move || {
        for (intent, open, may) in
            [("factors", resetting, may_reset), ("password", linking, may_link)]
        {
            if may.get() && session.resumes(intent) {
                open.set(true);
            }
        }
    });
    let has_some = Memo::new(move |_| {
        factors.get().is_some_and(|read| {
            let FactorsView { authenticator_app_since, recovery_codes, passkeys } = read.value;
            authenticator_app_since.is_some() || recovery_codes > 0 || passkeys > 0
        })
    });
    let actions = move || {
        let link = may_link.get().then(|| {
            button(t.password_link, "btn btn-small", move || {
                session.begin(Operation::ResetPassword, "password", || linking.set(true));
            })
        });
        let reset = (may_reset.get() && has_some.get()).then(|| {
            button(t.reset_factors, "btn btn-small btn-danger", move || {
                session.begin(Operation::ResetFactors, "factors", || resetting.set(true));
            })
        });
        view! { {link} {reset} }
    };
    let body = factors.view(move |read| {
        let view = read.value;
        let app = view.authenticator_app_since.map(|since| session.moment(since));
        facts(vec![
            (t.authenticator_app.to_owned(), or_dash(app)),
            (t.passkeys.to_owned(), plain(view.passkeys.to_string())),
            (t.recovery_codes.to_owned(), plain(view.recovery_codes.to_string())),
        ])
    });
    let reset_question = Question {
        id: "reset-factors",
        title: t.reset_factors_title.to_owned(),
        text: t.reset_factors_text.to_owned(),
        action: t.reset_factors.to_owned(),
    };
    let link_question = Question {
        id: "password-link",
        title: t.password_link_title.to_owned(),
        text: t.password_link_text.to_owned(),
        action: t.send.to_owned(),
    };
    let passkeys = passkeys(session, sub.clone(), can_act, move || factors.reload());
    let of = sub.clone();
    let reset = move || Call::new(Operation::ResetFactors, &[&of]).if_match(factors.etag());
    let link = move || Call::new(Operation::ResetPassword, &[&sub]);
    view! {
        {card(t.factors, actions.into_any(), body)}
        {passkeys}
        {confirm_of(session, resetting, reset_question, factors, reset, move || {
            factors.reload();
            session.done(t.factors_reset);
        })}
        {confirm(session, linking, link_question, link, move || session.done(t.link_sent))}
    }
    .into_any()
}
