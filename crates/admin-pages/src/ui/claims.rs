//! Claims: a row for each, with its name, what it is, and its value.

use leptos::prelude::*;
use serde_json::{Map, Value};

use super::{
    form::{Field, Form, Part, choice, input, lines},
    nothing, remove_button,
};
use crate::{browser, session::Session, texts::Texts};

/// What a claim is. What has no field of its own is written as JSON: objects, and lists of other
/// things than texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Switch,
    List,
    Json,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Text, Self::Number, Self::Switch, Self::List, Self::Json];

    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Switch => "switch",
            Self::List => "list",
            Self::Json => "json",
        }
    }

    fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or(Self::Json)
    }

    fn label(self, t: &Texts) -> &'static str {
        match self {
            Self::Text => t.claim_text,
            Self::Number => t.claim_number,
            Self::Switch => t.claim_switch,
            Self::List => t.claim_list,
            Self::Json => "JSON",
        }
    }

    /// What a value is, and how it is written then.
    fn of(value: &Value) -> (Self, String) {
        let is_line =
            |text: &str| !text.is_empty() && text.trim() == text && !text.contains(['\n', '\r']);
        match value {
            Value::String(text) if !text.contains(['\n', '\r']) => (Self::Text, text.clone()),
            Value::Number(number) => (Self::Number, number.to_string()),
            Value::Bool(own) => (Self::Switch, own.to_string()),
            Value::Array(all) if all.iter().all(|one| one.as_str().is_some_and(is_line)) => {
                let lines = all.iter().filter_map(Value::as_str).collect::<Vec<_>>();
                (Self::List, lines.join("\n"))
            }
            other => (Self::Json, serde_json::to_string_pretty(other).unwrap_or_default()),
        }
    }

    /// The value that somebody has written.
    fn read(self, written: &str, t: &Texts) -> Result<Value, String> {
        match self {
            Self::Text => Ok(written.into()),
            Self::Switch => Ok((written == "true").into()),
            Self::List => Ok(lines(written).into()),
            Self::Number => match serde_json::from_str(written.trim()) {
                Ok(Value::Number(number)) => Ok(number.into()),
                _ => Err(t.number_rule.to_owned()),
            },
            Self::Json => serde_json::from_str(written).map_err(|error| error.to_string()),
        }
    }
}

/// A row. Its number stays the same when rows before it go.
#[derive(Clone, Copy)]
struct Row {
    number: usize,
    name: RwSignal<String>,
    kind: RwSignal<String>,
    value: RwSignal<String>,
}

impl Row {
    fn new(number: usize, name: &str, value: &Value) -> Self {
        let (kind, written) = Kind::of(value);
        Self {
            number,
            name: RwSignal::new(name.to_owned()),
            kind: RwSignal::new(kind.name().to_owned()),
            value: RwSignal::new(written),
        }
    }
}

/// What the rows say, or what is wrong with which of them.
fn said(rows: &[Row], t: &Texts) -> Result<Map<String, Value>, Vec<(usize, String)>> {
    let mut claims = Map::new();
    let mut mistakes = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let name = row.name.with_untracked(|name| name.trim().to_owned());
        let written = row.value.get_untracked();
        let kind = Kind::named(&row.kind.get_untracked());
        let read = match kind.read(&written, t) {
            // A row that nobody has filled.
            _ if name.is_empty() && (written.is_empty() || kind == Kind::Switch) => continue,
            _ if name.is_empty() => Err(t.claim_name_rule.to_owned()),
            _ if claims.contains_key(&name) => Err(t.claim_twice.to_owned()),
            read => read,
        };
        match read {
            Ok(value) => drop(claims.insert(name, value)),
            Err(mistake) => mistakes.push((index, mistake)),
        }
    }
    if mistakes.is_empty() { Ok(claims) } else { Err(mistakes) }
}

/// The rows. They say an object.
pub fn claims(session: Session, form: Form, field: Field, before: &Map<String, Value>) -> Part {
    let t = session.texts;
    let first = before.iter().enumerate().map(|(at, (name, value))| Row::new(at, name, value));
    let rows = RwSignal::new(first.collect::<Vec<_>>());
    let next = StoredValue::new(before.len());
    let own = StoredValue::new((field.id.clone(), field.name.clone()));
    let list = move || {
        let (id, of) = own.get_value();
        let shown = rows.get().into_iter().enumerate().map(|(index, row)| {
            let remove = move || {
                rows.update(|rows| rows.retain(|own| own.number != row.number));
                browser::focus(&own.with_value(|(id, _)| format!("{id}-add")));
            };
            row_view(session, form, (&id, &of), index, row, remove)
        });
        shown.collect_view()
    };
    let add = move |_| {
        let number = next.get_value();
        next.set_value(number + 1);
        rows.update(|rows| rows.push(Row::new(number, "", &Value::String(String::new()))));
        browser::focus_soon(own.with_value(|(id, _)| format!("{id}-{number}-name")));
    };
    let controls = view! {
        {list}
        <button
            type="button"
            id=format!("{}-add", field.id)
            class="btn btn-small add-row"
            on:click=add
        >
            {t.add_claim}
        </button>
    };
    let view = field.group(form, controls.into_any());
    Part::new(view, move || match rows.with_untracked(|rows| said(rows, t)) {
        Ok(claims) => Some(Value::Object(claims)),
        Err(mistakes) => {
            for (index, mistake) in mistakes {
                form.refuse(&own.with_value(|(_, of)| format!("{of}[{index}]")), mistake);
            }
            None
        }
    })
}

fn row_view(
    session: Session,
    form: Form,
    (id, of): (&str, &str),
    index: usize,
    row: Row,
    remove: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    let t = session.texts;
    let id = format!("{id}-{}", row.number);
    let place = index + 1;
    let of = of.to_owned();
    let error = Memo::new(move |_| {
        let name = row.name.get();
        let by_name = || (!name.is_empty()).then(|| form.error_of(&format!("{of}.{name}")));
        form.error_at(&format!("{of}[{index}]")).or_else(|| by_name().flatten())
    });
    let none = Memo::new(|_| None);
    let name = input(
        &format!("{id}-name"),
        "text",
        format!("{} {place}", t.claim_name),
        "",
        row.name,
        none,
    );
    let kinds = Kind::ALL.map(|kind| (kind.name().to_owned(), kind.label(t).to_owned())).to_vec();
    let kind = choice(&format!("{id}-kind"), format!("{} {place}", t.claim_kind), kinds, row.kind);
    let value_id = id.clone();
    let value = move || {
        let label = format!("{} {place}", t.claim_value);
        match Kind::named(&row.kind.get()) {
            Kind::Text | Kind::Number => input(&value_id, "text", label, "", row.value, error),
            Kind::List => input(&value_id, "lines", label, "", row.value, error),
            Kind::Json => input(&value_id, "area", label, "", row.value, error),
            Kind::Switch => {
                let options = [("true", t.yes), ("false", t.no)];
                let options = options.map(|(name, label)| (name.to_owned(), label.to_owned()));
                if row.value.with_untracked(|value| value != "true") {
                    row.value.set("false".to_owned());
                }
                choice(&value_id, label, options.to_vec(), row.value)
            }
        }
    };
    let hint = move || match Kind::named(&row.kind.get()) {
        Kind::List => view! { <p class="field-hint">{t.one_a_line}</p> }.into_any(),
        _ => nothing(),
    };
    let error_id = format!("{id}-error");
    let remove = remove_button(session, &format!("{} {place}", t.claim), remove);
    view! {
        <div class="entry claim">{name} {kind} {value} {remove}</div>
        {move || {
            let id = error_id.clone();
            error.get().map(|error| view! { <p class="field-error" id=id>{error}</p> })
        }}
        {hint}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::texts;

    #[test]
    fn every_value_is_read_as_it_was_written() {
        let t = texts::of("en");
        for (value, kind) in [
            (json!("a <b>"), Kind::Text),
            (json!(""), Kind::Text),
            (json!("a\nb"), Kind::Json),
            (json!(7), Kind::Number),
            (json!(-1.5), Kind::Number),
            (json!(true), Kind::Switch),
            (json!(["a", "b c"]), Kind::List),
            (json!([]), Kind::List),
            (json!(["a", ""]), Kind::Json),
            (json!([1]), Kind::Json),
            (json!(null), Kind::Json),
            (json!({"street": "Elm Street 1"}), Kind::Json),
        ] {
            let (own, written) = Kind::of(&value);
            assert_eq!(own, kind, "{value}");
            assert_eq!(own.read(&written, t), Ok(value));
            assert_eq!(Kind::named(own.name()), own);
        }
        assert!(Kind::Number.read("seven", t).is_err());
        assert!(Kind::Json.read("{", t).is_err());
    }

    #[test]
    fn rows_are_claims_or_say_what_is_wrong() {
        Owner::new().with(|| {
            let t = texts::of("en");
            let row = |name: &str, value: Value| Row::new(0, name, &value);
            let claims = |rows: &[Row]| said(rows, t).map(Value::Object);
            let filled = [row(" plan ", json!(7)), row("", json!(""))];
            assert_eq!(claims(&filled), Ok(json!({"plan": 7})));
            let twice = [row("a", json!(1)), row("a", json!(2))];
            assert_eq!(claims(&twice), Err(vec![(1, t.claim_twice.to_owned())]));
            let nameless = [row("", json!("x"))];
            assert_eq!(claims(&nameless), Err(vec![(0, t.claim_name_rule.to_owned())]));
        });
    }
}
