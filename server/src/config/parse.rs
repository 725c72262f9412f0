//! From the text of the settings to a [`ConfigFile`]. All mistakes are reported at once.

use std::collections::{BTreeMap, BTreeSet};

use figment::{
    Error, Figment,
    error::Kind,
    value::{Dict, Value},
};

use super::{ConfigError, ConfigErrors, SettingSources, file::ConfigFile};

/// No more mistakes are reported than this.
const MOST_MISTAKES: usize = 50;

/// What can't be read, and what is left.
#[derive(Debug)]
pub struct Unreadable {
    /// The mistakes.
    pub mistakes: ConfigErrors,
    /// The settings without the wrong ones, if they can be read.
    pub rest: Option<Box<ConfigFile>>,
    /// The sections and lists that have a wrong one.
    pub wrong: BTreeSet<String>,
}

/// Reads the settings. After a mistake the setting is left out and the rest is read again, so that
/// the next mistake is found.
pub fn parse(figment: &Figment, sources: &SettingSources) -> Result<ConfigFile, Unreadable> {
    let first = match figment.extract() {
        Ok(file) => return Ok(file),
        Err(error) => error,
    };
    let Ok(Value::Dict(tag, settings)) = figment.extract::<Value>() else {
        // The file is not TOML.
        let mistakes = sources.explain(first).into();
        return Err(Unreadable { mistakes, rest: None, wrong: BTreeSet::new() });
    };
    let mut rest = Rest::new(settings);
    let (mut mistakes, mut wrong) = (Vec::new(), BTreeSet::new());
    let mut error = first;
    let left = loop {
        let could_remove = rest.remove(&error);
        wrong.extend(error.path.first().cloned());
        mistakes.push(sources.explain(rest.with_original_index(error)));
        if !could_remove || mistakes.len() >= MOST_MISTAKES {
            break None;
        }
        rest.forget_removed();
        match Value::Dict(tag, rest.settings.clone()).deserialize::<ConfigFile>() {
            Ok(file) => break Some(Box::new(file)),
            Err(next) => error = next,
        }
    };
    Err(Unreadable { mistakes: ConfigErrors(mistakes), rest: left, wrong })
}

impl Unreadable {
    /// Adds those mistakes in what is left that can't come of what was left out.
    pub fn with_those_of_the_rest(
        self,
        check: impl FnOnce(ConfigFile) -> Result<(), ConfigErrors>,
    ) -> ConfigErrors {
        let Self { mut mistakes, rest, wrong } = self;
        if let Some(Err(further)) = rest.map(|rest| check(*rest)) {
            let stands_alone = |mistake: &ConfigError| {
                let section = mistake.section();
                section.is_some_and(|section| !wrong.iter().any(|own| may_follow(own, section)))
            };
            mistakes.0.extend(further.0.into_iter().filter(stands_alone));
        }
        mistakes
    }
}

/// Whether a mistake in the section `found` may come of a setting that is left out of the section
/// `wrong`: in the same one, or in one whose checks look at the other.
fn may_follow(wrong: &str, found: &str) -> bool {
    match wrong {
        "identity_resources" | "api_scopes" | "api_resources" => {
            matches!(found, "identity_resources" | "api_scopes" | "api_resources" | "clients")
                || found == "client_registration"
        }
        "app" | "tls" | "accounts" | "admin" | "scim" | "clients" | "demo" | "provider" => {
            // All of these look at one another.
            !matches!(found, "users" | "store" | "audit" | "connections" | "log" | "telemetry")
        }
        _ => found == wrong,
    }
}

/// The settings without the wrong ones.
struct Rest {
    settings: Dict,
    /// For each list of tables, the index that each remaining table has in the file.
    indexes: BTreeMap<String, Vec<usize>>,
    /// The table to forget: its list and its present index.
    removed: Option<(String, usize)>,
}

impl Rest {
    fn new(settings: Dict) -> Self {
        let lists = settings.iter().filter_map(|(key, value)| match value {
            Value::Array(_, tables) => Some((key.clone(), (0..tables.len()).collect())),
            _ => None,
        });
        Self { indexes: lists.collect(), settings, removed: None }
    }

    /// Removes the setting that an error is about, or the table that misses one. `false` if there
    /// is nothing to remove.
    fn remove(&mut self, error: &Error) -> bool {
        let is_missing = matches!(error.kind, Kind::MissingField(_));
        match error.path.as_slice() {
            [] => false,
            [key] => self.settings.remove(key).is_some(),
            [key, second, rest @ ..] => match self.settings.get_mut(key) {
                Some(Value::Dict(_, section)) => section.remove(second).is_some(),
                Some(Value::Array(_, tables)) => {
                    let Some(index) = second.parse().ok().filter(|index| *index < tables.len())
                    else {
                        return false;
                    };
                    let inner = rest.first().filter(|_| !is_missing);
                    if let (Value::Dict(_, table), Some(inner)) = (&mut tables[index], inner) {
                        return table.remove(inner).is_some();
                    }
                    tables.remove(index);
                    self.removed = Some((key.clone(), index));
                    true
                }
                _ => false,
            },
        }
    }

    /// The error with the index that its table has in the file.
    fn with_original_index(&self, mut error: Error) -> Error {
        if let [list, index, ..] = error.path.as_mut_slice() {
            let indexes = self.indexes.get(list.as_str());
            let present = index.parse::<usize>().ok();
            if let Some(original) = indexes.zip(present).and_then(|(all, at)| all.get(at)) {
                *index = original.to_string();
            }
        }
        error
    }

    fn forget_removed(&mut self) {
        let Some((list, index)) = self.removed.take() else { return };
        if let Some(indexes) = self.indexes.get_mut(&list) {
            indexes.remove(index);
        }
    }
}
