//! The signing keys: rotated and retired.

use doorward_admin::{Operation, types::keys::KeyRow};
use doorward_leptos::boxed_effect;
use leptos::prelude::*;

use crate::{
    api::Call,
    session::Session,
    ui::{
        self, badge, button, card,
        dialog::{Question, confirm},
        history::history,
        list::List,
        mono, named_button, nothing, plain,
    },
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let list = List::<KeyRow>::new(session, || Call::new(Operation::ListKeys, &[]));
    let (rotating, retiring) = (RwSignal::new(false), RwSignal::new(false));
    let chosen = RwSignal::new((String::new(), false));
    let may_retire = Memo::new(move |_| session.offers(Operation::RetireKey));
    boxed_effect(move || {
        if session.offers(Operation::RotateKeys) && session.resumes("rotate") {
            rotating.set(true);
        }
        for (kind, signs) in [("retire", false), ("retire-signing", true)] {
            let name = may_retire.get().then(|| session.resumes_on(kind)).flatten();
            if let Some(kid) = name {
                chosen.set((kid, signs));
                retiring.set(true);
            }
        }
    });
    let table = list.table(t.keys, t.key_columns, t.no_keys, move |key| {
        let (kid, signs) = (key.kid.clone(), key.state == "signs");
        let retire = may_retire.get().then(|| {
            named_button(t.retire, kid.clone(), "btn btn-small btn-danger", move || {
                chosen.set((kid.clone(), signs));
                let what = if signs { "retire-signing" } else { "retire" };
                session.begin(Operation::RetireKey, &format!("{what}:{kid}"), || {
                    retiring.set(true);
                });
            })
        });
        let (colour, state) = match &*key.state {
            "signs" => ("badge-ok", t.signs),
            "announced" => ("", t.announced),
            _ => ("", t.retained),
        };
        vec![
            mono(key.kid),
            plain(key.algorithm),
            badge(colour, state),
            plain(session.moment(key.since)),
            retire.unwrap_or_else(nothing),
        ]
    });
    let actions = move || {
        session.offers(Operation::RotateKeys).then(|| {
            button(t.rotate, "btn btn-primary", move || {
                session.begin(Operation::RotateKeys, "rotate", || rotating.set(true));
            })
        })
    };
    let rotate_question = Question {
        id: "rotate-keys",
        title: t.rotate_title.to_owned(),
        text: t.rotate_text.to_owned(),
        action: t.rotate.to_owned(),
    };
    let rotate = || Call::new(Operation::RotateKeys, &[]);
    let retire = move || {
        let (kid, signs) = chosen.get_untracked();
        // A key that signs is replaced at once, as after a leak.
        Call::new(Operation::RetireKey, &[&kid]).query(if signs { "replace=true" } else { "" })
    };
    let retire_dialog = move || {
        let (kid, signs) = chosen.get();
        let question = Question {
            id: "retire-key",
            title: ui::fill(t.retire_title, &[&kid]),
            text: if signs { t.retire_signing_text } else { t.retire_text }.to_owned(),
            action: t.retire.to_owned(),
        };
        confirm(session, retiring, question, retire, move || {
            list.reload();
            session.done(t.key_retired);
        })
    };
    view! {
        {ui::heading(t.keys, actions.into_any())}
        {card(t.signing_keys, nothing(), table)}
        {history(session, "object_kind=kid".to_owned())}
        {confirm(session, rotating, rotate_question, rotate, move || {
            list.reload();
            session.done(t.keys_rotated);
        })}
        {retire_dialog}
    }
    .into_any()
}
