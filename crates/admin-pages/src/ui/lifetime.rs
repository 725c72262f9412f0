//! Seconds, as people say them: a number and a unit.

use leptos::prelude::*;
use serde_json::Value;

use super::form::{Field, Form, Part, choice, input};
use crate::{session::Session, texts::Texts};

/// The units, and how many seconds each has.
const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];

/// The largest unit in which a lifetime is a whole number, and that number.
fn in_unit(seconds: u64) -> (u64, &'static str) {
    let fits = |(_, size): &&(&str, u64)| seconds > 0 && seconds.is_multiple_of(*size);
    let (unit, size) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
    (seconds / size, unit)
}

fn seconds(number: &str, unit: &str) -> Option<u64> {
    let (_, size) = UNITS.iter().find(|(own, _)| *own == unit)?;
    number.trim().parse::<u64>().ok()?.checked_mul(*size)
}

fn unit_name(t: &Texts, unit: &str) -> &'static str {
    match unit {
        "m" => t.unit_minutes,
        "h" => t.unit_hours,
        "d" => t.unit_days,
        _ => t.unit_seconds,
    }
}

/// A lifetime in words.
pub fn in_words(t: &Texts, lifetime: u64) -> String {
    let (number, unit) = in_unit(lifetime);
    format!("{number} {}", unit_name(t, unit))
}

/// The field. It says a number of seconds, or null where nothing is written and that is allowed.
pub fn lifetime(
    session: Session,
    form: Form,
    field: Field,
    before: Option<u64>,
    optional: bool,
) -> Part {
    let t = session.texts;
    let (number, unit) = before.map_or((String::new(), "m"), |before| {
        let (number, unit) = in_unit(before);
        (number.to_string(), unit)
    });
    let (number, unit) = (RwSignal::new(number), RwSignal::new(unit.to_owned()));
    let error = field.error(form);
    let units = UNITS.map(|(unit, _)| (unit.to_owned(), unit_name(t, unit).to_owned()));
    let value = input(&field.id, "whole", "", field.hint, number, error);
    let unit_id = format!("{}-unit", field.id);
    let of = format!("{}: {}", t.unit, field.label);
    let unit_choice = choice(&unit_id, of, units.to_vec(), unit);
    let control = view! { <div class="entry lifetime">{value} {unit_choice}</div> };
    let name = field.name.clone();
    let view = field.framed(error, control.into_any());
    Part::new(view, move || {
        let written = number.get_untracked();
        if optional && written.trim().is_empty() {
            return Some(Value::Null);
        }
        let said = seconds(&written, &unit.get_untracked());
        if said.is_none() {
            form.refuse(&name, t.number_rule);
        }
        said.map(Value::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts;

    #[test]
    fn a_lifetime_is_said_in_the_largest_unit() {
        for (lifetime, number, unit) in [
            (0, 0, "s"),
            (59, 59, "s"),
            (60, 1, "m"),
            (90, 90, "s"),
            (3600, 1, "h"),
            (5400, 90, "m"),
            (2_592_000, 30, "d"),
        ] {
            assert_eq!(in_unit(lifetime), (number, unit), "{lifetime}");
            assert_eq!(seconds(&number.to_string(), unit), Some(lifetime));
        }
        assert_eq!(in_words(texts::of("en"), 2_592_000), "30 days");
        assert_eq!(in_words(texts::of("de"), 300), "5 Minuten");
        for number in ["", "-1", "1.5", "x", "99999999999999999999"] {
            assert_eq!(seconds(number, "d"), None, "{number}");
        }
    }
}
