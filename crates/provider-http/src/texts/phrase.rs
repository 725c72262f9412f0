//! Texts with placeholders, such as `{name}`.

use std::collections::BTreeSet;

/// A text with placeholders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phrase(pub(super) &'static str);

/// A part of a phrase.
enum Part<'a> {
    Text(&'a str),
    /// A placeholder, by its name.
    Placeholder(&'a str),
}

impl Phrase {
    /// The text with this value at its one placeholder.
    pub(crate) fn with(self, value: &str) -> String {
        self.filled(|_| Some(value))
    }

    /// The text with each of these values at the placeholder of that name.
    pub(crate) fn with_all(self, values: &[(&str, &str)]) -> String {
        self.filled(|name| values.iter().find(|(own, _)| *own == name).map(|(_, value)| *value))
    }

    /// Values are not searched for placeholders: some were typed by strangers.
    fn filled<'a>(self, value: impl Fn(&str) -> Option<&'a str>) -> String {
        parts(self.0)
            .map(|part| match part {
                Part::Text(text) => text,
                Part::Placeholder(name) => value(name).unwrap_or_default(),
            })
            .collect()
    }
}

/// The names of the placeholders in a text.
pub(super) fn placeholders(text: &str) -> BTreeSet<&str> {
    let names = parts(text).filter_map(|part| match part {
        Part::Placeholder(name) => Some(name),
        Part::Text(_) => None,
    });
    names.collect()
}

/// Braces around anything but a word of small letters are text.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, after)) = placeholder_at_start(rest) {
            rest = after;
            return Some(Part::Placeholder(name));
        }
        let start_of_next = rest
            .char_indices()
            .skip(1)
            .find(|(at, _)| placeholder_at_start(&rest[*at..]).is_some())
            .map_or(rest.len(), |(at, _)| at);
        let (text, after) = rest.split_at(start_of_next);
        rest = after;
        Some(Part::Text(text))
    })
}

fn placeholder_at_start(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    let is_name = !name.is_empty() && name.bytes().all(|own| own.is_ascii_lowercase());
    is_name.then_some((name, after))
}

/// A text with a number, which has another form for one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    /// For one.
    pub(super) one: &'static str,
    /// For any other number, which is at the placeholder.
    pub(super) other: Phrase,
}

impl Counted {
    /// The text with this number.
    pub(crate) fn of(self, number: u32) -> String {
        if number == 1 { self.one.to_owned() } else { self.other.with(&number.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_filled_again() {
        let phrase = Phrase("{name} & {place}: {Not} {} {a b} {");
        let filled = phrase.with_all(&[("name", "{place}"), ("place", "ü{name}")]);
        assert_eq!(filled, "{place} & ü{name}: {Not} {} {a b} {");
        assert_eq!(placeholders(phrase.0), ["name", "place"].into());
        assert_eq!(Phrase("Ä {x}{x} ü").with("1"), "Ä 11 ü");
    }

    #[test]
    fn one_has_a_form_of_its_own() {
        let counted = Counted { one: "a day", other: Phrase("{days} days") };
        assert_eq!([0, 1, 2].map(|days| counted.of(days)), ["0 days", "a day", "2 days"]);
    }
}
