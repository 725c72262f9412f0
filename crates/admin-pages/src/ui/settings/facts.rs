//! Settings as facts, by what belongs together.

use doorward_admin::types::settings::Kind;
use leptos::prelude::*;
use serde_json::{Map, Value};

use super::Group;
use crate::{
    session::Session,
    setting_texts::Described,
    ui::{badge, facts, json, lifetime::in_words, mono, plain},
};

/// The settings. What says nothing is left out.
pub fn facts_of(session: Session, groups: Vec<Group>, settings: &Map<String, Value>) -> AnyView {
    let t = session.texts;
    let sections = groups.into_iter().filter_map(|group| {
        let rows = group.settings.iter().filter_map(|setting| {
            let value = settings.get(setting.name).filter(|value| says(value))?;
            Some((setting.label(t).to_owned(), shown(session, *setting, value)))
        });
        let rows: Vec<_> = rows.collect();
        (!rows.is_empty()).then(|| {
            view! {
                <details class="fold" open=group.is_open>
                    <summary>{group.title}</summary>
                    {facts(rows)}
                    {group.more}
                </details>
            }
        })
    });
    let sections = sections.collect_view();
    view! { <div>{sections}</div> }.into_any()
}

fn says(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

fn shown(session: Session, setting: Described, value: &Value) -> AnyView {
    let t = session.texts;
    let named = |value: &str| setting.choice_name(t, value).map(str::to_owned);
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
        (Kind::Object, Value::Object(members)) => {
            let lines = members.iter().map(|(name, value)| {
                view! { <li class="mono">{format!("{name}: {}", json::shown(value))}</li> }
            });
            view! { <ul class="lines">{lines.collect_view()}</ul> }.into_any()
        }
        (Kind::Objects, Value::Array(objects)) => {
            let lines = objects.iter().map(|own| view! { <li class="mono">{own.to_string()}</li> });
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
