//! Texts of an operator in place of ours.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use doorward_provider::{
    model::{account_event::AccountEventKind, password_rules::PasswordProblem},
    use_case::{
        authorize::UnsafeRequest,
        end_session::{EndSessionError, EndSessionProblem},
        external_sign_in::ExternalRefusal,
    },
};

use super::{
    LANGUAGES, Texts,
    phrase::{Counted, Phrase, placeholders},
};
use crate::http::form::FormError;

/// The longest text, in bytes.
const LONGEST_TEXT: usize = 1000;
/// The key of the language itself, which is not text.
const LANGUAGE: &str = "lang";

/// The texts of one language that an operator replaces, by keys like `accounts.full_name`.
pub type GivenTexts = BTreeMap<String, String>;

/// A text can't take the place of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct TextProblem {
    /// The language, by its tag.
    pub language: String,
    /// The key of the text.
    pub key: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// What was replaced so far, with the result: texts stay in memory, so they are not made again when
/// a configuration is read again that has the same.
static MADE: Mutex<BTreeMap<AllTexts, PageTexts>> = Mutex::new(BTreeMap::new());

/// What an operator gives, by language.
type AllTexts = BTreeMap<String, GivenTexts>;

/// The texts of the pages in each language: ours, with those of an operator in their place.
#[derive(Debug, Clone, Copy)]
pub struct PageTexts(pub(crate) [&'static Texts; 2]);

impl Default for PageTexts {
    /// Ours.
    fn default() -> Self {
        Self(LANGUAGES)
    }
}

impl PageTexts {
    /// Ours with these in their place, by language. Every mistake is found: unknown languages and
    /// keys, placeholders that are missing or unknown, and texts that are replaced in one language
    /// only, so that readers of the other would still see ours.
    ///
    /// The texts stay in memory until the process ends, since pages borrow them: some ten kilobytes
    /// each time that an operator changes them.
    pub fn replaced(given: &AllTexts) -> Result<Self, Vec<TextProblem>> {
        Self::replaced_for_client(&AllTexts::new(), given)
    }

    /// The same for the pages of a client, whose texts take the place of those of the provider,
    /// which were checked before.
    pub fn replaced_for_client(
        provider: &AllTexts,
        given: &AllTexts,
    ) -> Result<Self, Vec<TextProblem>> {
        let mut problems = one_sided(given);
        // Memory is taken for good only if all is well: a configuration with a mistake takes none,
        // however often it is read.
        put(given, true, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut all = provider.clone();
        for (language, texts) in given {
            all.entry(language.clone()).or_default().extend(texts.clone());
        }
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(texts) = made.get(&all) {
            return Ok(*texts);
        }
        let texts = Self(put(&all, false, &mut problems));
        made.insert(all, texts);
        Ok(texts)
    }

    /// Every key with our text in this language, for an operator to start from; `None` if there are
    /// no pages in it.
    pub fn originals(language: &str) -> Option<GivenTexts> {
        let ours = LANGUAGES.into_iter().find(|ours| ours.lang == language)?;
        let mut all = BTreeMap::new();
        ours.list("", &mut all);
        all.remove(LANGUAGE);
        Some(all)
    }
}

/// Languages that there are not, and texts that are replaced in one language only.
fn one_sided(given: &AllTexts) -> Vec<TextProblem> {
    let mut problems = Vec::new();
    for (language, texts) in given {
        if !LANGUAGES.iter().any(|known| known.lang == language) {
            let known = LANGUAGES.map(|known| known.lang).join(", ");
            let problem = format!("there are no pages in this language, only in {known}");
            let (language, key) = (language.clone(), language.clone());
            problems.push(TextProblem { language, key, problem });
            continue;
        }
        for other in LANGUAGES.iter().filter(|other| other.lang != language) {
            let missing =
                |key: &&String| given.get(other.lang).is_none_or(|own| !own.contains_key(*key));
            problems.extend(texts.keys().filter(missing).map(|key| TextProblem {
                language: other.lang.to_owned(),
                key: key.clone(),
                problem: format!(
                    "it is replaced in {language} and not in {}: replace it in both",
                    other.lang
                ),
            }));
        }
    }
    problems
}

/// Ours with these in their place. A trial looks for problems only.
fn put(given: &AllTexts, is_trial: bool, problems: &mut Vec<TextProblem>) -> [&'static Texts; 2] {
    LANGUAGES.map(|ours| {
        let Some(texts) = given.get(ours.lang).filter(|texts| !texts.is_empty()) else {
            return ours;
        };
        let mut given = Given { rest: texts.clone(), problems: Vec::new(), is_trial };
        let replaced = Replaceable::replaced(&ours, "", &mut given);
        problems.extend(given.finished(ours.lang));
        replaced
    })
}

/// The given texts that are not in their place yet.
pub(crate) struct Given {
    rest: GivenTexts,
    problems: Vec<(String, String)>,
    /// Whether only problems are looked for: then no text takes the place of ours.
    is_trial: bool,
}

impl Given {
    /// The text for this key in place of `ours`, if one is given and can be used.
    fn take(&mut self, key: &str, ours: &str) -> Option<&'static str> {
        if key == LANGUAGE {
            return None;
        }
        let text = self.rest.remove(key)?;
        match problem_of(&text, ours) {
            None if self.is_trial => None,
            None => Some(Box::leak(text.into_boxed_str())),
            Some(problem) => {
                self.problems.push((key.to_owned(), problem));
                None
            }
        }
    }

    /// The same for what the code makes from several parts.
    fn refuse(&mut self, key: &str) {
        if self.rest.remove(key).is_some() {
            let problem = "this text is made from several parts and can't be replaced: leave it \
                           out";
            self.problems.push((key.to_owned(), problem.to_owned()));
        }
    }

    fn finished(self, language: &str) -> Vec<TextProblem> {
        let unknown = self.rest.into_keys().map(|key| {
            let problem = "there is no such text; \"doorward branding texts\" lists them";
            (key, problem.to_owned())
        });
        let all = self.problems.into_iter().chain(unknown);
        all.map(|(key, problem)| TextProblem { language: language.to_owned(), key, problem })
            .collect()
    }
}

/// Why this text can't take the place of `ours`.
fn problem_of(text: &str, ours: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some("a text can't be empty".to_owned());
    }
    if text.len() > LONGEST_TEXT {
        return Some(format!("a text has at most {LONGEST_TEXT} bytes"));
    }
    if text.chars().any(char::is_control) {
        return Some("write the text on one line, without control characters".to_owned());
    }
    let (own, wanted) = (placeholders(text), placeholders(ours));
    let named = |names: BTreeSet<&&str>| {
        names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ")
    };
    let missing: BTreeSet<&&str> = wanted.difference(&own).collect();
    if !missing.is_empty() {
        return Some(format!("the placeholder {} is missing", named(missing)));
    }
    let unknown: BTreeSet<&&str> = own.difference(&wanted).collect();
    if !unknown.is_empty() {
        return Some(format!("there is no placeholder {} in this text", named(unknown)));
    }
    None
}

/// Texts of which an operator may replace each.
pub(super) trait Replaceable {
    /// These texts with the given ones in their place. `key` names them.
    fn replaced(&self, key: &str, given: &mut Given) -> Self;

    /// Adds each text that can be replaced, by its key.
    fn list(&self, key: &str, into: &mut GivenTexts);
}

impl Replaceable for &'static str {
    fn replaced(&self, key: &str, given: &mut Given) -> Self {
        given.take(key, self).unwrap_or(self)
    }

    fn list(&self, key: &str, into: &mut GivenTexts) {
        into.insert(key.to_owned(), (*self).to_owned());
    }
}

impl Replaceable for Phrase {
    fn replaced(&self, key: &str, given: &mut Given) -> Self {
        Self(self.0.replaced(key, given))
    }

    fn list(&self, key: &str, into: &mut GivenTexts) {
        self.0.list(key, into);
    }
}

impl Replaceable for Counted {
    fn replaced(&self, key: &str, given: &mut Given) -> Self {
        Self {
            one: self.one.replaced(&format!("{key}.one"), given),
            other: self.other.replaced(&format!("{key}.other"), given),
        }
    }

    fn list(&self, key: &str, into: &mut GivenTexts) {
        self.one.list(&format!("{key}.one"), into);
        self.other.list(&format!("{key}.other"), into);
    }
}

/// A title, and the text under it.
impl Replaceable for (&'static str, &'static str) {
    fn replaced(&self, key: &str, given: &mut Given) -> Self {
        let title = self.0.replaced(&format!("{key}.title"), given);
        (title, self.1.replaced(&format!("{key}.text"), given))
    }

    fn list(&self, key: &str, into: &mut GivenTexts) {
        self.0.list(&format!("{key}.title"), into);
        self.1.list(&format!("{key}.text"), into);
    }
}

/// A table of its own.
impl<T: Replaceable> Replaceable for &'static T {
    fn replaced(&self, key: &str, given: &mut Given) -> Self {
        let replaced = (**self).replaced(key, given);
        if given.is_trial { self } else { Box::leak(Box::new(replaced)) }
    }

    fn list(&self, key: &str, into: &mut GivenTexts) {
        (**self).list(key, into);
    }
}

/// What is not text, or made from several parts, stays ours.
macro_rules! stays_ours {
    ($($kind:ty),* $(,)?) => { $(
        impl Replaceable for $kind {
            fn replaced(&self, key: &str, given: &mut Given) -> Self {
                given.refuse(key);
                *self
            }

            fn list(&self, _key: &str, _into: &mut GivenTexts) {}
        }
    )* };
}

stays_ours!(
    fn(u32) -> String,
    fn(&str) -> &'static str,
    fn(&str) -> Option<&'static str>,
    fn(Option<&str>) -> String,
    fn(Option<&str>, &str) -> String,
    fn(&FormError) -> String,
    fn(&UnsafeRequest) -> String,
    fn(EndSessionError) -> String,
    fn(EndSessionProblem) -> String,
    fn(PasswordProblem) -> String,
    fn(ExternalRefusal, &str) -> String,
    fn(AccountEventKind) -> &'static str,
    &'static [(&'static str, &'static str)],
);

/// Makes the fields of a table of texts replaceable, each by its name.
macro_rules! replaceable {
    (
        $(#[$of_table:meta])*
        pub(crate) struct $table:ident {
            $($(#[$of_field:meta])* $visible:vis $field:ident: $kind:ty,)*
        }
    ) => {
        $(#[$of_table])*
        pub(crate) struct $table {
            $($(#[$of_field])* $visible $field: $kind,)*
        }

        impl $crate::texts::replaced::Replaceable for $table {
            fn replaced(
                &self,
                key: &str,
                given: &mut $crate::texts::replaced::Given,
            ) -> Self {
                Self {
                    $($field: $crate::texts::replaced::Replaceable::replaced(
                        &self.$field,
                        &$crate::texts::replaced::inner(key, stringify!($field)),
                        given,
                    ),)*
                }
            }

            fn list(&self, key: &str, into: &mut $crate::texts::replaced::GivenTexts) {
                $($crate::texts::replaced::Replaceable::list(
                    &self.$field,
                    &$crate::texts::replaced::inner(key, stringify!($field)),
                    into,
                );)*
            }
        }
    };
}
pub(super) use replaceable;

/// The key of a text in a table.
pub(super) fn inner(table: &str, field: &str) -> String {
    if table.is_empty() { field.to_owned() } else { format!("{table}.{field}") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{
        super::{ENGLISH, GERMAN},
        *,
    };

    fn given(texts: &[(&str, &str, &str)]) -> BTreeMap<String, GivenTexts> {
        let mut all: BTreeMap<String, GivenTexts> = BTreeMap::new();
        for (language, key, text) in texts {
            let own = all.entry((*language).to_owned()).or_default();
            own.insert((*key).to_owned(), (*text).to_owned());
        }
        all
    }

    fn problems(texts: &[(&str, &str, &str)]) -> Vec<String> {
        let problems = PageTexts::replaced(&given(texts)).unwrap_err();
        problems.iter().map(|own| format!("{}: {own}", own.language)).collect()
    }

    #[test]
    fn texts_of_every_kind_are_replaced() {
        let texts = given(&[
            ("en", "sign_in", "Log in"),
            ("de", "sign_in", "Einloggen"),
            ("en", "to_continue_to", "for {name}"),
            ("de", "to_continue_to", "für {name}"),
            ("en", "accounts.full_name", "Your name"),
            ("de", "accounts.full_name", "Ihr Name"),
            ("en", "factors.second_step", "Second step"),
            ("de", "factors.second_step", "Zweiter Schritt"),
            ("en", "own_page.profile.title", "You"),
            ("de", "own_page.profile.title", "Sie"),
            ("en", "throttled.one", "Wait a second."),
            ("de", "throttled.one", "Warten Sie eine Sekunde."),
        ]);
        let PageTexts([english, german]) = PageTexts::replaced(&texts).unwrap();
        assert_eq!((english.lang, english.sign_in, german.sign_in), ("en", "Log in", "Einloggen"));
        assert_eq!(english.to_continue_to.with("A"), "for A");
        assert_eq!(german.accounts.full_name, "Ihr Name");
        assert_eq!(english.factors.second_step, "Second step");
        assert_eq!(english.own_page.profile, ("You", ENGLISH.own_page.profile.1));
        assert_eq!(german.throttled.of(1), "Warten Sie eine Sekunde.");
        assert_eq!(english.password, ENGLISH.password);
    }

    #[test]
    fn mistakes_are_named_with_language_and_key() {
        let said = problems(&[
            ("en", "sing_in", "x"),
            ("de", "sing_in", "x"),
            ("en", "to_continue_to", "go on"),
            ("de", "to_continue_to", "{name} {nmae}"),
            ("en", "cancel", "No"),
            ("en", "form_refused", "x"),
            ("de", "form_refused", "x"),
            ("de", "lang", "fr"),
            ("en", "lang", "fr"),
            ("fr", "sign_in", "x"),
            ("en", "password", " "),
            ("de", "password", "a\nb"),
        ]);
        for expected in [
            "en: sing_in: there is no such text",
            "en: to_continue_to: the placeholder {name} is missing",
            "de: to_continue_to: there is no placeholder {nmae}",
            "de: cancel: it is replaced in en and not in de",
            "en: form_refused: this text is made from several parts",
            "en: lang: ",
            "fr: fr: there are no pages in this language, only in en, de",
            "en: password: a text can't be empty",
            "de: password: write the text on one line",
        ] {
            assert!(said.iter().any(|own| own.starts_with(expected)), "{expected}: {said:#?}");
        }
    }

    #[test]
    fn a_trial_replaces_nothing() {
        let rest = BTreeMap::from([("sign_in".to_owned(), "Log in".to_owned())]);
        let mut trial = Given { rest, problems: Vec::new(), is_trial: true };
        let tried = Replaceable::replaced(&LANGUAGES[0], "", &mut trial);
        assert!(std::ptr::eq(tried, LANGUAGES[0]), "nothing was made that stays in memory");
        assert_eq!(trial.finished("en"), []);
    }

    #[test]
    fn our_own_texts_could_be_given() {
        let all: BTreeMap<String, GivenTexts> = LANGUAGES
            .iter()
            .map(|ours| (ours.lang.to_owned(), PageTexts::originals(ours.lang).unwrap()))
            .collect();
        assert!(all["en"].len() > 200, "{}", all["en"].len());
        PageTexts::replaced(&all).unwrap();
        assert!(PageTexts::originals("fr").is_none());
        // Both languages have the same placeholders, so that an operator's text is checked alike.
        let (mut english, mut german) = (BTreeMap::new(), BTreeMap::new());
        ENGLISH.list("", &mut english);
        GERMAN.list("", &mut german);
        for (key, text) in &english {
            assert_eq!(placeholders(text), placeholders(&german[key]), "{key}");
        }
    }
}
