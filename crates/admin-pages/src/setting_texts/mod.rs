//! What settings are called, in each language, and what helps to choose. Tests ask for the words of
//! every setting.

pub mod client;
pub mod provider;

use doorward_admin::types::settings::{Kind, Setting};

use crate::texts::Texts;

/// English and German.
type Pair = [&'static str; 2];

/// A setting: its name in the configuration, what it is called, and a hint, which may be empty.
type Entry = (&'static str, Pair, Pair);

/// A value that says more in words: setting, value, words.
type Choice = (&'static str, &'static str, Pair);

const NONE: Pair = ["", ""];

/// The words of the settings of one kind of object.
pub struct Words {
    settings: &'static [Entry],
    choices: &'static [Choice],
}

/// A setting, and what it is called.
#[derive(Clone, Copy)]
pub struct Described {
    /// Its name in the configuration and in the API.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    words: &'static Words,
}

impl Words {
    fn entry(&self, name: &str) -> Option<&'static Entry> {
        self.settings.iter().find(|(own, ..)| *own == name)
    }

    /// What a setting is called.
    pub fn label(&self, t: &Texts, name: &'static str) -> &'static str {
        self.entry(name).map_or(name, |(_, label, _)| of(t, *label))
    }

    /// What helps to choose it.
    pub fn hint(&self, t: &Texts, name: &str) -> &'static str {
        self.entry(name).map_or("", |(.., hint)| of(t, *hint))
    }

    /// What a value of a setting is called, if it is called otherwise.
    pub fn choice_name(&self, t: &Texts, name: &str, value: &str) -> Option<&'static str> {
        let is_it = |(own, of, _): &&Choice| *own == name && *of == value;
        self.choices.iter().find(is_it).map(|(.., words)| of(t, *words))
    }

    /// A setting with its words.
    pub fn describe<Section>(&'static self, setting: &Setting<Section>) -> Described {
        Described { name: setting.name, kind: setting.kind, words: self }
    }
}

impl Described {
    /// What it is called.
    pub fn label(self, t: &Texts) -> &'static str {
        self.words.label(t, self.name)
    }

    /// What helps to choose it.
    pub fn hint(self, t: &Texts) -> &'static str {
        self.words.hint(t, self.name)
    }

    /// What one of its values is called, if it is called otherwise.
    pub fn choice_name(self, t: &Texts, value: &str) -> Option<&'static str> {
        self.words.choice_name(t, self.name, value)
    }

    /// The name by which the API tells what is wrong with it.
    pub fn field_name(self) -> String {
        format!("settings.{}", self.name)
    }
}

fn of(t: &Texts, pair: Pair) -> &'static str {
    let [english, german] = pair;
    if t.language == "de" { german } else { english }
}

/// Every setting has words in both languages, and every value that has words is one that the
/// setting takes.
#[cfg(test)]
fn assert_whole<'a, Section: 'a>(
    words: &Words,
    settings: impl Iterator<Item = &'a Setting<Section>>,
) {
    let settings: Vec<_> = settings.collect();
    for setting in &settings {
        let found = words.entry(setting.name).map(|(_, label, hint)| (label, hint));
        let is_whole = found.is_some_and(|(label, hint)| {
            label.iter().all(|words| !words.is_empty()) && hint[0].is_empty() == hint[1].is_empty()
        });
        assert!(is_whole, "{}", setting.name);
    }
    for (name, value, _) in words.choices {
        let setting = settings.iter().find(|setting| setting.name == *name);
        let is_one = match setting.map(|setting| setting.kind) {
            Some(Kind::Choice(all) | Kind::OptionalChoice(all) | Kind::Choices(all)) => {
                all.contains(value)
            }
            Some(Kind::OptionalLevel(all)) => all.iter().any(|own| own.to_string() == *value),
            _ => false,
        };
        assert!(is_one, "{name} {value}");
    }
}
