//! The accounts at other providers by which a user signs in.

use doorward_admin::{
    Operation,
    types::users::{LinkRow, NewLink},
};
use doorward_leptos::boxed_effect;
use leptos::prelude::*;

use super::offered;
use crate::{
    api::{Answer, Call},
    session::Session,
    ui::{
        button, card,
        dialog::{Dialog, Question, confirm},
        form::{Field, Form, form},
        list::List,
        mono, named_button, nothing, or_dash, plain,
    },
};

/// The links, which can be added and removed.
pub fn links(session: Session, sub: String, can_act: Memo<bool>) -> AnyView {
    let t = session.texts;
    let of = StoredValue::new(sub);
    let list =
        List::<LinkRow>::new(session, move || Call::new(Operation::ListLinks, &[&of.get_value()]));
    let may_add = offered(session, can_act, Operation::AddLink);
    let may_remove = offered(session, can_act, Operation::RemoveLink);
    let (adding, removing) = (RwSignal::new(false), RwSignal::new(false));
    let chosen = RwSignal::new(String::new());
    boxed_effect(move || {
        if may_add.get() && session.resumes("add-link") {
            adding.set(true);
        }
        if let Some(id) = may_remove.get().then(|| session.resumes_on("remove-link")).flatten() {
            chosen.set(id);
            removing.set(true);
        }
    });
    let table = list.table(t.links, t.link_columns, t.no_links, move |row| {
        let (id, name) = (row.id, format!("{} {}", row.provider, row.subject));
        let remove = may_remove.get().then(|| {
            named_button(t.remove, name, "btn btn-small", move || {
                chosen.set(id.clone());
                let intent = format!("remove-link:{id}");
                session.begin(Operation::RemoveLink, &intent, || removing.set(true));
            })
        });
        vec![
            plain(row.provider),
            mono(row.subject),
            or_dash(row.name),
            plain(session.moment(row.since)),
            or_dash(row.last_used.map(|at| session.moment(at))),
            remove.unwrap_or_else(nothing),
        ]
    });
    let actions = move || {
        may_add.get().then(|| {
            button(t.add_link, "btn btn-small", move || {
                session.begin(Operation::AddLink, "add-link", || adding.set(true));
            })
        })
    };
    let question = Question {
        id: "remove-link",
        title: t.remove_link_title.to_owned(),
        text: t.remove_link_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let remove =
        move || Call::new(Operation::RemoveLink, &[&of.get_value(), &chosen.get_untracked()]);
    let removed = move || {
        list.reload();
        session.done(t.link_removed);
    };
    view! {
        {card(t.links, actions.into_any(), table)}
        {confirm(session, removing, question, remove, removed)}
        <Dialog open=adding title=t.add_link id="add-link">
            {add(session, of.get_value(), adding, list)}
        </Dialog>
    }
    .into_any()
}

fn add(session: Session, sub: String, open: RwSignal<bool>, list: List<LinkRow>) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let text = || RwSignal::new(String::new());
    let (provider, subject, issuer) = (text(), text(), text());
    let save = move || {
        state.clear();
        let given = |text: RwSignal<String>| text.get_untracked().trim().to_owned();
        for (field, value) in [("provider", provider), ("subject", subject)] {
            if given(value).is_empty() {
                state.refuse(field, t.required);
            }
        }
        if !state.is_valid() {
            return;
        }
        let new = NewLink {
            provider: given(provider),
            subject: given(subject),
            issuer: Some(given(issuer)).filter(|issuer| !issuer.is_empty()),
        };
        let call = Call::new(Operation::AddLink, &[&sub]).body(&new);
        let done = move |_: Answer| {
            open.set(false);
            list.reload();
            session.done(t.link_added);
        };
        state.send(call, done, |_| false);
    };
    let content = view! {
        {Field::text("link-provider", "provider", t.link_provider)
            .hint(t.link_provider_hint)
            .view(state, provider)}
        {Field::text("link-subject", "subject", t.link_subject)
            .hint(t.link_subject_hint)
            .view(state, subject)}
        {Field::text("link-issuer", "issuer", t.issuer)
            .kind("url")
            .hint(t.link_issuer_hint)
            .view(state, issuer)}
        {state.failure()}
        <div class="row">
            {state.submit(t.add_link)}
            {button(t.cancel, "btn btn-quiet", move || open.set(false))}
        </div>
    };
    form(save, content.into_any())
}
