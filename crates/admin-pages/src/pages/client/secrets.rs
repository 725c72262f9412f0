//! The secrets of a client. One that is made is shown once.

use doorward_admin::{
    Operation,
    types::clients::{CreatedSecret, NewSecret, SecretRow},
};
use doorward_leptos::boxed_effect;
use leptos::prelude::*;

use super::Client;
use crate::{
    api::{Answer, Call},
    session::Session,
    ui::{
        self, button, card,
        dialog::{Dialog, Question, confirm_of},
        form::{Field, Form, form},
        list::List,
        mono, named_button, nothing, or_dash, plain,
    },
};

/// The list of them.
pub fn secrets(
    session: Session,
    client_id: String,
    client: Client,
    can_change: Memo<bool>,
) -> AnyView {
    let t = session.texts;
    let of = StoredValue::new(client_id);
    let list = List::<SecretRow>::new(session, move || {
        Call::new(Operation::ListSecrets, &[&of.get_value()])
    });
    let (adding, removing) = (RwSignal::new(false), RwSignal::new(false));
    let chosen = RwSignal::new(String::new());
    let may_remove =
        Memo::new(move |_| can_change.get() && session.offers(Operation::RemoveSecret));
    boxed_effect(move || {
        let may = can_change.get() && session.offers(Operation::AddSecret);
        if may && session.resumes("add-secret") {
            adding.set(true);
        }
        let name = may_remove.get().then(|| session.resumes_on("remove-secret")).flatten();
        if let Some(name) = name {
            chosen.set(name);
            removing.set(true);
        }
    });
    let table = list.table(t.secrets, t.secret_columns, t.no_secrets, move |row| {
        let name = row.secret.clone();
        let remove = name.filter(|_| may_remove.get()).map(|name| {
            named_button(t.remove, name.clone(), "btn btn-small", move || {
                chosen.set(name.clone());
                let intent = format!("remove-secret:{name}");
                session.begin(Operation::RemoveSecret, &intent, || removing.set(true));
            })
        });
        let expires = row.expires_at.map(|at| session.moment(at));
        vec![
            row.secret.map_or_else(|| or_dash(None), mono),
            or_dash(row.description),
            plain(expires.unwrap_or_else(|| t.never.to_owned())),
            remove.unwrap_or_else(nothing),
        ]
    });
    let actions = move || {
        (can_change.get() && session.offers(Operation::AddSecret)).then(|| {
            button(t.add_secret, "btn btn-small", move || {
                session.begin(Operation::AddSecret, "add-secret", || adding.set(true));
            })
        })
    };
    let question = Question {
        id: "remove-secret",
        title: t.remove_secret_title.to_owned(),
        text: t.remove_secret_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let remove = move || {
        Call::new(Operation::RemoveSecret, &[&of.get_value(), &chosen.get_untracked()])
            .if_match(client.etag())
    };
    let changed = move || {
        list.reload();
        client.reload();
    };
    view! {
        {card(t.secrets, actions.into_any(), table)}
        {confirm_of(session, removing, question, client, remove, changed)}
        <Dialog open=adding title=t.add_secret id="add-secret">
            {add_secret(session, of.get_value(), client, adding, changed)}
        </Dialog>
    }
    .into_any()
}

fn add_secret(
    session: Session,
    client_id: String,
    client: Client,
    open: RwSignal<bool>,
    changed: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let (description, days) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let made = RwSignal::new(None::<String>);
    let save = move || {
        state.clear();
        let days = days.get_untracked();
        let days = Some(days.trim()).filter(|days| !days.is_empty()).map(str::parse);
        let Ok(days) = days.transpose() else { return state.refuse("days", t.number_rule) };
        let description = Some(description.get_untracked()).filter(|text| !text.is_empty());
        let call = Call::new(Operation::AddSecret, &[&client_id])
            .if_match(client.etag())
            .body(&NewSecret { days, description });
        let done = move |answer: Answer| {
            if let Ok(created) = answer.read::<CreatedSecret>() {
                client.set_etag(answer.etag);
                made.set(Some(created.client_secret));
                changed();
            }
        };
        state.send(call, done, move |failure| state.overtaken(failure, move || client.reload()));
    };
    let save = StoredValue::new(save);
    let shown = move || match made.get() {
        Some(secret) => view! {
            {ui::once(session, t.client_secret, t.secret_once, secret)}
            <div class="row">{button(t.close, "btn", move || open.set(false))}</div>
        }
        .into_any(),
        None => {
            let content = view! {
                {Field::text("secret-description", "description", t.description)
                    .view(state, description)}
                {Field::text("secret-days", "days", t.days)
                    .kind("number")
                    .hint(t.days_hint)
                    .view(state, days)}
                {state.failure()}
                <div class="row">
                    {state.submit(t.add_secret)}
                    {button(t.cancel, "btn btn-quiet", move || open.set(false))}
                </div>
            };
            form(move || save.with_value(|save| save()), content.into_any())
        }
    };
    shown.into_any()
}
