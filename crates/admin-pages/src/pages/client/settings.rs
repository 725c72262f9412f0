//! The settings of a client, by what belongs together.

use doorward_admin::types::{
    client_settings::{Kind, Section, Setting},
    clients::ClientView,
};
use leptos::prelude::*;
use serde_json::Value;

use crate::{
    session::Session,
    setting_texts::{choice_name, label, section_name},
    ui::{alert, badge, card, facts, json, lifetime::in_words, mono, nothing, plain},
};

/// The sections that are open at first.
pub const FIRST: [Section; 3] = [Section::General, Section::Redirects, Section::Access];

/// The settings. What says nothing is left out.
pub fn settings(session: Session, client: &ClientView) -> AnyView {
    let t = session.texts;
    let reason = client.read_only.clone().map(|reason| alert("alert-info", reason));
    let sections = Section::ALL.into_iter().filter_map(|section| {
        let rows = section.settings().filter_map(|setting| {
            let value = client.settings.get(setting.name).filter(|value| says(value))?;
            Some((label(t, setting.name).to_owned(), shown(session, setting, value)))
        });
        let rows: Vec<_> = rows.collect();
        (!rows.is_empty()).then(|| {
            view! {
                <details class="fold" open=FIRST.contains(&section)>
                    <summary>{section_name(t, section)}</summary>
                    {facts(rows)}
                </details>
            }
        })
    });
    let sections = sections.collect_view();
    card(t.settings, nothing(), view! { {reason} <div>{sections}</div> }.into_any())
}

fn says(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

fn shown(session: Session, setting: &Setting, value: &Value) -> AnyView {
    let t = session.texts;
    let named = |value: &str| choice_name(t, setting.name, value).map(str::to_owned);
    match (setting.kind, value) {
        (_, Value::Bool(true)) => badge("badge-ok", t.yes),
        (_, Value::Bool(false)) => badge("", t.no),
        (Kind::Lifetime | Kind::OptionalLifetime, value) => {
            plain(value.as_u64().map_or_else(|| value.to_string(), |own| in_words(t, own)))
        }
        (_, Value::Array(values)) if values.iter().all(Value::is_string) => {
            let lines = values.iter().filter_map(Value::as_str).map(|line| match named(line) {
                Some(name) => view! { <li>{name}</li> }.into_any(),
                None => view! { <li class="mono">{line.to_owned()}</li> }.into_any(),
            });
            view! { <ul class="lines">{lines.collect_view()}</ul> }.into_any()
        }
        (Kind::Text | Kind::OptionalText | Kind::OptionalSecret, value) => {
            plain(json::shown(value))
        }
        (_, value) => {
            let text = json::shown(value);
            named(&text).map_or_else(|| mono(text), plain)
        }
    }
}
