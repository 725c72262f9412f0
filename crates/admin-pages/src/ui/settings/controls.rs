//! What a setting is edited with, by its kind.

use doorward_admin::types::settings::Kind;
use leptos::prelude::*;
use serde_json::{Map, Value};

use super::scopes::scopes;
use crate::{
    session::Session,
    setting_texts::Described,
    ui::{
        claims::claims,
        form::{Field, Form, Part, checkbox},
        json,
        lifetime::lifetime,
        rows::rows,
    },
};

/// The control of a setting that has this value.
pub fn control(session: Session, form: Form, setting: Described, value: &Value) -> Part {
    let t = session.texts;
    let field = field(session, setting);
    match setting.kind {
        Kind::Switch | Kind::Fixed => switch(form, field, value),
        Kind::Text => text(form, field, value, false),
        Kind::OptionalText => text(form, field, value, true),
        Kind::OptionalUrl => text(form, field.kind("url"), value, true),
        Kind::Urls => rows(session, form, field.kind("url"), &texts(value)),
        Kind::Texts => rows(session, form, field, &texts(value)),
        Kind::OptionalTexts => {
            let Part { view, said } = rows(session, form, field, &texts(value));
            let is_none = value.is_null();
            Part::new(view, move || {
                let said = said()?;
                let is_empty = said.as_array().is_some_and(Vec::is_empty);
                Some(if is_none && is_empty { Value::Null } else { said })
            })
        }
        Kind::Scopes => scopes(session, form, field, RwSignal::new(texts(value))),
        Kind::Choice(all) => choice(session, form, field, setting, all, value, None),
        Kind::OptionalChoice(all) => {
            choice(session, form, field, setting, all, value, Some(t.by_default))
        }
        Kind::Choices(all) => choices(session, form, field, setting, all, value),
        Kind::OptionalLevel(all) => level(session, form, field, setting, all, value),
        Kind::Lifetime => lifetime(session, form, field, value.as_u64(), false),
        Kind::OptionalLifetime => lifetime(session, form, field, value.as_u64(), true),
        Kind::OptionalKeys => object(form, field, value, Value::Null),
        Kind::Object => object(form, field, value, Value::Object(Map::new())),
        Kind::Objects => objects(form, field, value),
        Kind::OptionalBranding => branding(session, form, field, value),
        Kind::Claims => claims(session, form, field, &members(value)),
        Kind::OptionalSecret => secret(session, form, &field, value),
    }
}

/// The field of a setting.
pub fn field(session: Session, setting: Described) -> Field {
    let t = session.texts;
    let id = format!("setting-{}", setting.name);
    Field::text(id, setting.field_name(), setting.label(t)).hint(setting.hint(t))
}

fn texts(value: &Value) -> Vec<String> {
    let values = value.as_array().into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A text, or null where there is none.
fn or_null(text: &str) -> Value {
    match text.trim() {
        "" => Value::Null,
        text => text.into(),
    }
}

fn switch(form: Form, field: Field, value: &Value) -> Part {
    let on = RwSignal::new(value.as_bool().unwrap_or_default());
    Part::new(field.switch(form, on), move || Some(on.get_untracked().into()))
}

fn text(form: Form, field: Field, value: &Value, optional: bool) -> Part {
    let text = RwSignal::new(value.as_str().unwrap_or_default().to_owned());
    Part::new(field.view(form, text), move || {
        let text = text.get_untracked();
        Some(if optional { or_null(&text) } else { text.trim().into() })
    })
}

fn choice(
    session: Session,
    form: Form,
    field: Field,
    setting: Described,
    all: &[&str],
    value: &Value,
    none: Option<&'static str>,
) -> Part {
    let named = |value: &&str| {
        let name = setting.choice_name(session.texts, value).unwrap_or(value);
        ((*value).to_owned(), name.to_owned())
    };
    let none = none.map(|none| (String::new(), none.to_owned()));
    let options = none.into_iter().chain(all.iter().map(named)).collect();
    let chosen = RwSignal::new(value.as_str().unwrap_or_default().to_owned());
    Part::new(field.select(form, options, chosen), move || Some(or_null(&chosen.get_untracked())))
}

fn level(
    session: Session,
    form: Form,
    field: Field,
    setting: Described,
    all: &[u8],
    value: &Value,
) -> Part {
    let t = session.texts;
    let named = |level: &u8| {
        let value = level.to_string();
        let name = setting.choice_name(t, &value).unwrap_or(&value).to_owned();
        (value, name)
    };
    let none = (String::new(), t.by_default.to_owned());
    let options = std::iter::once(none).chain(all.iter().map(named)).collect();
    let chosen = value.as_u64().map(|level| level.to_string()).unwrap_or_default();
    let chosen = RwSignal::new(chosen);
    Part::new(field.select(form, options, chosen), move || {
        Some(chosen.get_untracked().parse::<u8>().map_or(Value::Null, Value::from))
    })
}

fn choices(
    session: Session,
    form: Form,
    field: Field,
    setting: Described,
    all: &'static [&'static str],
    value: &Value,
) -> Part {
    let before = texts(value);
    let boxes = all.iter().map(|own| (*own, RwSignal::new(before.iter().any(|it| it == own))));
    let boxes: Vec<_> = boxes.collect();
    let shown = boxes.iter().map(|(own, on)| {
        let name = setting.choice_name(session.texts, own).unwrap_or(own);
        checkbox(format!("{}-{own}", field.id), name, *on)
    });
    let shown = shown.collect_view();
    let view = field.group(form, view! { <div class="choices">{shown}</div> }.into_any());
    Part::new(view, move || {
        let on = boxes.iter().filter(|(_, on)| on.get_untracked()).map(|(own, _)| *own);
        let on: Vec<&str> = on.collect();
        // What is the same is sent in the same order, and so not at all.
        let is_same =
            on.len() == before.len() && on.iter().all(|own| before.iter().any(|it| it == own));
        Some(if is_same { before.clone().into() } else { on.into() })
    })
}

/// An object as JSON. Where nothing is written, it is `empty`.
fn object(form: Form, field: Field, value: &Value, empty: Value) -> Part {
    let written = value.as_object().filter(|members| !members.is_empty());
    let written = written.map(json::text).unwrap_or_default();
    written_as_json(form, field, written, move |text| {
        let members = json::parse(text)?;
        Ok(if members.is_empty() { empty.clone() } else { Value::Object(members) })
    })
}

/// A list of objects as JSON.
fn objects(form: Form, field: Field, value: &Value) -> Part {
    let all = value.as_array().filter(|all| !all.is_empty());
    let written = all.map(|all| json::list_text(all)).unwrap_or_default();
    written_as_json(form, field, written, |text| json::parse_list(text).map(Value::Array))
}

fn written_as_json(
    form: Form,
    field: Field,
    written: String,
    read: impl Fn(&str) -> Result<Value, String> + Send + Sync + 'static,
) -> Part {
    let (text, name) = (RwSignal::new(written), field.name.clone());
    Part::new(field.kind("area").view(form, text), move || {
        let said = text.with_untracked(|text| read(text));
        said.map_err(|problem| form.refuse(&name, problem)).ok()
    })
}

fn branding(session: Session, form: Form, field: Field, value: &Value) -> Part {
    let t = session.texts;
    let parts = [
        ("name", t.branding_name, ""),
        ("logo", t.branding_logo, t.branding_logo_hint),
        ("accent", t.branding_accent, t.branding_accent_hint),
        ("accent_dark", t.branding_accent_dark, ""),
        ("imprint", t.branding_imprint, t.branding_links_hint),
        ("privacy", t.branding_privacy, ""),
        ("help", t.branding_help, ""),
        ("texts", t.branding_texts, t.branding_texts_hint),
    ];
    let parts = parts.map(|(name, label, hint)| {
        let own = value.get(name).and_then(Value::as_str).unwrap_or_default();
        let text = RwSignal::new(own.to_owned());
        let field =
            Field::text(format!("{}-{name}", field.id), format!("{}.{name}", field.name), label);
        (name, text, field.hint(hint).view(form, text))
    });
    let texts = parts.each_ref().map(|(name, text, _)| (*name, *text));
    let views = parts.map(|(.., view)| view);
    let content = view! { <div class="stack inner">{views.into_iter().collect_view()}</div> };
    Part::new(field.group(form, content.into_any()), move || {
        let said = texts.iter().filter_map(|(name, text)| {
            let text = text.get_untracked();
            let text = text.trim();
            (!text.is_empty()).then(|| ((*name).to_owned(), Value::from(text)))
        });
        let said: Map<String, Value> = said.collect();
        Some(if said.is_empty() { Value::Null } else { Value::Object(said) })
    })
}

/// A text that is not shown again. As long as nobody writes another one, it stays.
fn secret(session: Session, form: Form, field: &Field, value: &Value) -> Part {
    let t = session.texts;
    let before = value.clone();
    let is_set = !before.is_null();
    let (on, text) = (RwSignal::new(is_set), RwSignal::new(String::new()));
    let box_id = format!("{}-on", field.id);
    let tick = checkbox(box_id, field.label, on);
    let hint = if is_set { t.secret_is_set } else { t.salt_hint };
    let own = Field::text(field.id.clone(), field.name.clone(), t.salt).hint(hint);
    let name = field.name.clone();
    let shown = move || on.get().then(|| own.clone().view(form, text));
    let view = view! {
        <div class="field switch">
            {tick} <p class="field-hint">{field.hint}</p> <div class="inner">{shown}</div>
        </div>
    };
    Part::new(view.into_any(), move || {
        let text = text.get_untracked();
        match (on.get_untracked(), text.trim()) {
            (false, _) => Some(Value::Null),
            (true, "") if is_set => Some(before.clone()),
            (true, "") => {
                form.refuse(&name, t.required);
                None
            }
            (true, text) => Some(text.into()),
        }
    })
}
