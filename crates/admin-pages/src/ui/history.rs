//! The audit history beside an object.

use doorward_admin::{Operation, types::events::EventRecord};
use leptos::prelude::*;
use serde_json::Value;

use super::{badge, card, json, link, list::List, nothing};
use crate::{api::Call, names, route::Route, session::Session};

/// What was done to an object, the latest first. `query` is the search for it. Who may not read the
/// audit history sees nothing.
pub fn history(session: Session, query: String) -> AnyView {
    if !untrack(|| session.offers(Operation::ListEvents)) {
        return nothing();
    }
    let t = session.texts;
    let of = query.clone();
    let list = List::<EventRecord>::new(session, move || {
        Call::new(Operation::ListEvents, &[]).query(&of).query("limit=20")
    });
    let rows = move || {
        let rows = list.rows();
        if rows.is_empty() {
            return view! { <p class="muted">{t.no_history}</p> }.into_any();
        }
        let rows = rows.iter().map(|record| entry(session, record));
        view! { <ol class="timeline">{rows.collect_view()}</ol> }.into_any()
    };
    let all = link(session, Route::Events(query), "btn btn-quiet btn-small", t.all_events);
    card(t.history, all, list.framed(rows.into_any()))
}

/// One record, with what there is to say of it folded away.
pub fn entry(session: Session, record: &EventRecord) -> AnyView {
    let t = session.texts;
    let kind = if record.outcome == "succeeded" { "badge-ok" } else { "badge-no" };
    let who = match &record.actor {
        Some(actor) => format!("{} {actor}", names::actor_kind(t, &record.actor_kind)),
        None => names::actor_kind(t, &record.actor_kind),
    };
    let details = details(session, record);
    let (at, event) = (session.moment(record.at), names::event(t, &record.event));
    let outcome = badge(kind, names::outcome(t, &record.outcome));
    view! {
        <li>
            <details class="event">
                <summary>
                    <span class="event-name">{event}</span>
                    {outcome}
                    <span class="muted event-at">{at}</span>
                    <span class="muted event-who">{who}</span>
                </summary>
                {super::facts(details)}
                <span class="visually-hidden">{t.end_of_entry}</span>
            </details>
        </li>
    }
    .into_any()
}

fn details(session: Session, record: &EventRecord) -> Vec<(String, AnyView)> {
    let t = session.texts;
    let object = match (&record.object_kind, &record.object) {
        (Some(kind), Some(name)) => Some(format!("{kind} {name}")),
        (kind, name) => kind.clone().or(name.clone()),
    };
    let known = [
        // By this name it is searched for.
        (t.event_name, Some(record.event.clone())),
        (t.on_user, record.sub.clone()),
        (t.on_object, object),
        (t.client, record.client_id.clone()),
        (t.address, record.address.clone()),
        (t.browser, record.user_agent.clone()),
        (t.request, record.request_id.clone()),
    ];
    let known =
        known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), super::mono(value?))));
    let parts = record.parts.iter().flat_map(|(name, value)| match value {
        Value::Object(members) => members
            .iter()
            .map(|(inner, value)| (format!("{name}: {inner}"), super::mono(json::shown(value))))
            .collect::<Vec<_>>(),
        other => vec![(name.clone(), super::mono(json::shown(other)))],
    });
    known.chain(parts).collect()
}
