//! The audit history: searched by every column, and exported.

use doorward_admin::{Operation, types::events::EventRecord};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::Call,
    browser, names,
    route::{Route, parameter, query},
    session::Session,
    ui::{
        self, button,
        form::{Field, Form, form, select},
        history::entry,
        link,
        list::List,
    },
};

/// The columns that are searched as a text, by their names in the API.
const COLUMNS: [&str; 9] = [
    "event",
    "actor",
    "sub",
    "object_kind",
    "object",
    "client_id",
    "address",
    "user_agent",
    "request_id",
];
/// The outcomes.
const OUTCOMES: [&str; 5] = ["succeeded", "denied", "refused", "replayed", "failed"];
/// The kinds of actors.
const ACTORS: [&str; 5] = ["user", "client", "operator", "system", "anonymous"];

/// The page. `search` is the query of the page's address, and that of the API.
pub fn page(session: Session, search: &str) -> AnyView {
    let t = session.texts;
    let of = search.to_owned();
    let list =
        List::<EventRecord>::new(session, move || Call::new(Operation::ListEvents, &[]).query(&of));
    let rows = move || {
        let rows = list.rows();
        if rows.is_empty() {
            return view! { <p class="muted">{t.no_events}</p> }.into_any();
        }
        let rows = rows.iter().map(|record| entry(session, record));
        view! { <ol class="timeline">{rows.collect_view()}</ol> }.into_any()
    };
    let busy = RwSignal::new(false);
    let of = search.to_owned();
    let export = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let call = Call::new(Operation::ExportEvents, &[]).query(&of);
        spawn_local(async move {
            match session.call(call).await {
                Ok(answer) => browser::save("events.jsonl", "application/jsonl", &answer.text()),
                Err(failure) => session.failed(&failure),
            }
            busy.set(false);
        });
    };
    let actions = move || {
        let export = export.clone();
        session.offers(Operation::ExportEvents).then(|| button(t.export, "btn", export))
    };
    view! {
        {ui::heading(t.events, actions.into_any())}
        <section class="card stack admin-card">
            {searching(session, search)}
            {list.framed(rows.into_any())}
        </section>
    }
    .into_any()
}

/// The form of the search. What it finds has an address of its own, to come back to.
fn searching(session: Session, search: &str) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let value = |name: &str| RwSignal::new(parameter(search, name));
    let values = COLUMNS.map(value);
    let (outcome, actor_kind) = (value("outcome"), value("actor_kind"));
    let seconds = |name: &str| parameter(search, name).parse::<i64>().ok();
    let day = |name: &str| RwSignal::new(seconds(name).map(browser::day).unwrap_or_default());
    let (from, until) = (day("from"), day("until"));
    let labels = t.event_fields;
    let find = move || {
        let texts = values.map(|value| value.get_untracked().trim().to_owned());
        let moment = |day: RwSignal<String>| {
            let day = day.get_untracked();
            browser::start_of_day(&day).map(|at| at.to_string()).unwrap_or_default()
        };
        let (outcome, actor_kind) = (outcome.get_untracked(), actor_kind.get_untracked());
        let (from, until) = (moment(from), moment(until));
        let parameters = COLUMNS.iter().copied().zip(texts.iter().map(String::as_str));
        let more = [
            ("actor_kind", &*actor_kind),
            ("outcome", &*outcome),
            ("from", &*from),
            ("until", &*until),
        ];
        let parameters: Vec<(&str, &str)> = parameters.chain(more).collect();
        session.go(Route::Events(query(&parameters)));
    };
    let ids = [
        "by-event",
        "by-actor",
        "by-sub",
        "by-kind",
        "by-object",
        "by-client",
        "by-address",
        "by-agent",
        "by-request",
    ];
    let field = move |index: usize| {
        Field::text(ids[index], COLUMNS[index], labels[index]).view(state, values[index])
    };
    let usual = [0, 1, 2, 5].map(field).collect_view();
    let further = [3, 4, 6, 7, 8].map(field).collect_view();
    let is_open =
        [3, 4, 6, 7, 8].iter().any(|index| !parameter(search, COLUMNS[*index]).is_empty());
    let any = std::iter::once((String::new(), t.any.to_owned()));
    let outcomes = OUTCOMES.map(|name| (name.to_owned(), names::outcome(t, name)));
    let outcomes = any.clone().chain(outcomes).collect();
    let actors = ACTORS.map(|name| (name.to_owned(), names::actor_kind(t, name)));
    let actors = any.chain(actors).collect();
    let content = view! {
        <div class="filters filters-many">
            {usual} {select("by-actor-kind", t.actor_kind, actors, actor_kind)}
            {select("by-outcome", t.outcome, outcomes, outcome)}
            {Field::text("by-from", "from", t.from_day).kind("date").view(state, from)}
            {Field::text("by-until", "until", t.until_day).kind("date").view(state, until)}
        </div>
        <details class="more" open=is_open>
            <summary>{t.more_fields}</summary>
            <div class="filters filters-many">{further}</div>
        </details>
        <div class="row">
            {state.submit(t.search)}
            {link(session, Route::Events(String::new()), "btn btn-quiet", t.show_all)}
        </div>
    };
    form(find, content.into_any())
}
