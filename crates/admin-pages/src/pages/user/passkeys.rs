//! The passkeys of a user, one of which may be lost.

use doorward_admin::{Operation, types::users::PasskeyRow};
use doorward_leptos::boxed_effect;
use leptos::prelude::*;

use super::offered;
use crate::{
    api::Call,
    session::Session,
    ui::{
        card,
        dialog::{Question, confirm},
        list::List,
        named_button, nothing, or_dash, plain,
    },
};

/// The passkeys. `removed` runs after one is removed.
pub fn passkeys(
    session: Session,
    sub: String,
    can_act: Memo<bool>,
    removed: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    let t = session.texts;
    let of = StoredValue::new(sub);
    let list = List::<PasskeyRow>::new(session, move || {
        Call::new(Operation::ListPasskeys, &[&of.get_value()])
    });
    let may_remove = offered(session, can_act, Operation::RemovePasskey);
    let (open, chosen) = (RwSignal::new(false), RwSignal::new(String::new()));
    boxed_effect(move || {
        let id = may_remove.get().then(|| session.resumes_on("remove-passkey")).flatten();
        if let Some(id) = id {
            chosen.set(id);
            open.set(true);
        }
    });
    let table = list.table(t.passkeys, t.passkey_columns, t.no_passkeys, move |row| {
        let (id, name) = (row.id, row.name.clone());
        let remove = may_remove.get().then(|| {
            named_button(t.remove, name, "btn btn-small", move || {
                chosen.set(id.clone());
                let intent = format!("remove-passkey:{id}");
                session.begin(Operation::RemovePasskey, &intent, || open.set(true));
            })
        });
        vec![
            plain(row.name),
            plain(session.moment(row.since)),
            or_dash(row.last_used.map(|at| session.moment(at))),
            remove.unwrap_or_else(nothing),
        ]
    });
    let question = Question {
        id: "remove-passkey",
        title: t.remove_passkey_title.to_owned(),
        text: t.remove_passkey_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let remove =
        move || Call::new(Operation::RemovePasskey, &[&of.get_value(), &chosen.get_untracked()]);
    let done = move || {
        list.reload();
        removed();
        session.done(t.passkey_removed);
    };
    view! {
        {card(t.passkeys, nothing(), table)}
        {confirm(session, open, question, remove, done)}
    }
    .into_any()
}
