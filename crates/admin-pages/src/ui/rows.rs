//! A list of texts, a row for each, to which rows are added and from which they are taken.

use leptos::prelude::*;
use serde_json::Value;

use super::{
    form::{Field, Form, Part, input},
    remove_button,
};
use crate::{browser, session::Session};

/// A row. Its number stays the same when rows before it go.
#[derive(Clone, Copy)]
struct Row {
    number: usize,
    text: RwSignal<String>,
}

/// The rows of a list. It is `Copy`, so closures can capture it.
#[derive(Clone, Copy)]
struct Rows {
    rows: RwSignal<Vec<Row>>,
    next: StoredValue<usize>,
}

impl Rows {
    fn new(texts: &[String]) -> Self {
        let rows = Self { rows: RwSignal::new(Vec::new()), next: StoredValue::new(0) };
        for text in texts {
            rows.add(text);
        }
        rows
    }

    /// Adds a row, and returns its number.
    fn add(self, text: &str) -> usize {
        let number = self.next.get_value();
        self.next.set_value(number + 1);
        let text = RwSignal::new(text.to_owned());
        self.rows.update(|rows| rows.push(Row { number, text }));
        number
    }

    /// What is in the rows. Those without a text go, so that the server's mistakes are at the rows
    /// that it counts.
    fn said(self) -> Vec<String> {
        let is_empty = |row: &Row| row.text.with_untracked(|text| text.trim().is_empty());
        if self.rows.with_untracked(|rows| rows.iter().any(is_empty)) {
            self.rows.update(|rows| rows.retain(|row| !is_empty(row)));
        }
        let text = |row: &Row| row.text.with_untracked(|text| text.trim().to_owned());
        self.rows.with_untracked(|rows| rows.iter().map(text).collect())
    }
}

/// The list. It says an array of texts.
pub fn rows(session: Session, form: Form, field: Field, texts: &[String]) -> Part {
    let t = session.texts;
    let rows = Rows::new(texts);
    let own = StoredValue::new(field.clone());
    let list = move || {
        let field = own.get_value();
        let shown = rows.rows.get().into_iter().enumerate().map(|(index, row)| {
            let id = format!("{}-{}", field.id, row.number);
            let name = format!("{} {}", field.label, index + 1);
            let at = format!("{}[{index}]", field.name);
            let error = Memo::new(move |_| form.error_of(&at));
            let control = input(&id, field.kind, &*name, "", row.text, error);
            let remove = remove_button(session, &name, move || {
                rows.rows.update(|rows| rows.retain(|own| own.number != row.number));
                browser::focus(&own.with_value(|field| format!("{}-add", field.id)));
            });
            let error_id = format!("{id}-error");
            view! {
                <div class="entry">{control} {remove}</div>
                {move || {
                    let id = error_id.clone();
                    error.get().map(|error| view! { <p class="field-error" id=id>{error}</p> })
                }}
            }
        });
        shown.collect_view()
    };
    let add = move |_| {
        let number = rows.add("");
        browser::focus_soon(own.with_value(|field| format!("{}-{number}", field.id)));
    };
    let whole = format!("{}: {}", t.add, field.label);
    let controls = view! {
        {list}
        <button
            type="button"
            id=format!("{}-add", field.id)
            class="btn btn-small add-row"
            aria-label=whole
            on:click=add
        >
            {t.add}
        </button>
    };
    let view = field.group(form, controls.into_any());
    Part::new(view, move || Some(rows.said().into_iter().map(Value::String).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_rows_say_nothing() {
        Owner::new().with(|| {
            let rows = Rows::new(&["a".to_owned(), " ".to_owned(), " b ".to_owned()]);
            assert_eq!(rows.add("c"), 3);
            assert_eq!(rows.said(), ["a", "b", "c"]);
            assert_eq!(rows.rows.with_untracked(Vec::len), 3);
        });
    }
}
