//! Templates in the syntax of Jinja, by `minijinja`: ours, and an operator's in their place.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value as Variable};
use serde_json::{Map, Value, json};

use crate::{
    brand::Brand,
    kinds::{self, LANGUAGES, MESSAGE_KINDS, MessageKind},
    message::{BadHead, Letterhead, Message, one_line},
};

/// The HTML around every message that has no HTML template of its own.
const FRAME: &str = "message.html";
/// The longest value that a template gets, in characters. A link may be longer.
const LONGEST_VALUE: usize = 200;
/// The key of the one value that is an address to open.
const LINK: &str = "link";

/// A template can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct TemplateError {
    /// The file, as it was named.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// A message can't be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// There is no such message.
    #[error("there is no message {0:?}")]
    Unknown(String),
    /// A template fails with this data.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// The templates of all messages in all languages.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    /// The operator's files by the names of the templates that they replace.
    replaced: BTreeMap<String, String>,
}

impl Templates {
    /// Our templates, and in place of them these of an operator: by the name of the template, with
    /// the name of the file for messages, and its text. Each is tried with made-up data, so that
    /// a mistake is found before anything is sent.
    pub fn new(
        replacements: impl IntoIterator<Item = (String, String, String)>,
    ) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
            Some((_, "html")) => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        let mut templates = Self { environment, replaced: BTreeMap::new() };
        for (name, source) in kinds::originals() {
            templates.add(&name, source.to_owned())?;
        }
        for (name, file, source) in replacements {
            if !kinds::may_have_template(&name) {
                let problem = format!("no message has a template {name:?}");
                return Err(TemplateError { file, line: 1, problem });
            }
            templates.replaced.insert(name.clone(), file);
            templates.add(&name, source)?;
        }
        templates.try_all()?;
        Ok(templates)
    }

    fn add(&mut self, name: &str, source: String) -> Result<(), TemplateError> {
        let added = self.environment.add_template_owned(name.to_owned(), source);
        added.map_err(|error| self.failed(name, &error))
    }

    /// Every message with all of its values, and with only those that it always has. What a
    /// template names and no message has is a mistake.
    fn try_all(&mut self) -> Result<(), TemplateError> {
        self.environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        for kind in &MESSAGE_KINDS {
            for language in LANGUAGES {
                for data in [kind.sample(), kind.bare_sample()] {
                    for brand in [Brand::sample(), Brand::default()] {
                        self.write(kind, language, &data, &brand)?;
                    }
                }
            }
        }
        // What a later version leaves out must not hold a message back.
        self.environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        Ok(())
    }

    /// Writes the message of this name in this language, or in English where we don't have it.
    /// `brand` is who sends it.
    pub fn render(
        &self,
        kind: &str,
        language: &str,
        data: &Map<String, Value>,
        brand: &Brand,
    ) -> Result<Message, RenderError> {
        let known = MESSAGE_KINDS.iter().find(|known| known.name == kind);
        let kind = known.ok_or_else(|| RenderError::Unknown(kind.to_owned()))?;
        let language = LANGUAGES.into_iter().find(|known| *known == language);
        Ok(self.write(kind, language.unwrap_or(LANGUAGES[0]), data, brand)?)
    }

    fn write(
        &self,
        kind: &MessageKind,
        language: &str,
        data: &Map<String, Value>,
        brand: &Brand,
    ) -> Result<Message, TemplateError> {
        let mut data = clean(data);
        data.insert("brand".to_owned(), brand.to_value(language));
        data.insert("language".to_owned(), language.into());
        let name = format!("{language}/{}.txt", kind.name);
        let rendered = self.apply(&name, &data)?;
        let head = Letterhead::parse(&rendered).map_err(|BadHead { line, problem }| {
            let file = self.file(&name);
            TemplateError { file, line, problem: problem.to_owned() }
        })?;
        data.insert("subject".to_owned(), head.subject.clone().into());
        let own = format!("{language}/{}.html", kind.name);
        let html = if self.replaced.contains_key(&own) {
            self.apply(&own, &data)?
        } else {
            let link = data.get(LINK).and_then(Value::as_str).unwrap_or_default().to_owned();
            let paragraphs: Vec<Value> = head
                .paragraphs()
                .map(|lines| json!({"is_link": lines == [link.as_str()], "lines": lines}))
                .collect();
            data.insert("paragraphs".to_owned(), paragraphs.into());
            data.insert("button".to_owned(), head.button.clone().map_or(Value::Null, Value::from));
            self.apply(FRAME, &data)?
        };
        let paragraphs = head.paragraphs().map(|lines| lines.join("\n"));
        let paragraphs = paragraphs.chain(signature(brand, language));
        let text = format!("{}\n", paragraphs.collect::<Vec<_>>().join("\n\n"));
        Ok(Message { subject: head.subject, text, html })
    }

    fn apply(&self, name: &str, data: &Map<String, Value>) -> Result<String, TemplateError> {
        // Every JSON value is one of a template.
        let data = serde_json::from_value::<Variable>(data.clone().into()).unwrap_or_default();
        let template = self.environment.get_template(name);
        template
            .and_then(|template| template.render(data))
            .map_err(|error| self.failed(name, &error))
    }

    fn failed(&self, name: &str, error: &minijinja::Error) -> TemplateError {
        let problem = match (error.kind(), error.detail()) {
            (ErrorKind::UndefinedError, _) => {
                "this message has no such value, or not always: then ask for it first, as in \
                 {% if name %}"
                    .to_owned()
            }
            (kind, Some(detail)) => format!("{kind}: {detail}"),
            (kind, None) => kind.to_string(),
        };
        let file = self.file(error.name().unwrap_or(name));
        TemplateError { file, line: error.line().unwrap_or(1), problem }
    }

    /// The operator's file, or the name of our template.
    fn file(&self, name: &str) -> String {
        self.replaced.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }
}

/// What stands under the text of a message: who sent it, and the links.
fn signature(brand: &Brand, language: &str) -> Option<String> {
    let links = brand.links(language).into_iter().map(|(words, url)| format!("{words}: {url}"));
    let name = brand.name.iter().map(|name| one_line(name));
    let below: Vec<String> = name.chain(links).collect();
    // The first line separates a signature (RFC 3676 section 4.3).
    (!below.is_empty()).then(|| format!("-- \n{}", below.join("\n")))
}

/// The values on one line each and not endless: some were typed by strangers.
fn clean(data: &Map<String, Value>) -> Map<String, Value> {
    let cleaned = data.iter().map(|(key, value)| {
        let value = match value {
            Value::String(text) if key == LINK => one_line(text).into(),
            Value::String(text) => shortened(&one_line(text)).into(),
            other => other.clone(),
        };
        (key.clone(), value)
    });
    cleaned.collect()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST_VALUE {
        return text.to_owned();
    }
    text.chars().take(LONGEST_VALUE - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn replaced(name: &str, text: &str) -> Result<Templates, TemplateError> {
        Templates::new([(name.to_owned(), format!("/etc/mail/{name}"), text.to_owned())])
    }

    fn data(pairs: &[(&str, &str)]) -> Map<String, Value> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect()
    }

    #[test]
    fn every_letter_is_complete_in_every_language() {
        let templates = Templates::new([]).unwrap();
        for kind in &MESSAGE_KINDS {
            for language in LANGUAGES {
                let sample = kind.sample();
                let message =
                    templates.render(kind.name, language, &sample, &Brand::default()).unwrap();
                assert!(!message.subject.is_empty() && message.text.len() > 60, "{kind:?}");
                assert!(message.html.contains(&format!("<html lang=\"{language}\">")));
                assert!(!message.text.contains("{{") && !message.html.contains("{{"));
                for value in sample.values().filter_map(Value::as_str) {
                    assert!(
                        message.text.contains(value) || message.html.contains(value),
                        "{language}/{}: {value:?} is not said",
                        kind.name
                    );
                }
                if let Some(link) = sample.get(LINK).and_then(Value::as_str) {
                    assert!(message.text.contains(&format!("\n\n{link}\n")), "{kind:?}");
                    assert!(message.html.contains("<a href="), "{kind:?}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_language_is_answered_in_english() {
        let templates = Templates::new([]).unwrap();
        let english = templates.render("test", "en", &Map::new(), &Brand::default()).unwrap();
        assert_eq!(
            templates.render("test", "fr", &Map::new(), &Brand::default()).unwrap(),
            english
        );
        let unknown =
            templates.render("nothing", "en", &Map::new(), &Brand::default()).unwrap_err();
        assert_eq!(unknown, RenderError::Unknown("nothing".to_owned()));
    }

    #[test]
    fn what_strangers_typed_is_neither_html_nor_a_header() {
        let templates = Templates::new([]).unwrap();
        let evil =
            "<b onclick=x>\"Al\"\r\nBcc: all@example.com\r\n\r\nPay here: http://evil.example";
        let message = templates
            .render("password_changed", "en", &data(&[("name", evil)]), &Brand::default())
            .unwrap();
        assert!(!message.html.contains("<b onclick"), "{}", message.html);
        assert!(message.html.contains("&lt;b onclick"), "{}", message.html);
        assert!(!message.subject.contains(['\r', '\n']));
        assert!(!message.text.contains("\nBcc") && !message.text.contains("\nPay"));
        let long = "x".repeat(5000);
        let message = templates
            .render("password_changed", "en", &data(&[("name", &long)]), &Brand::default())
            .unwrap();
        assert!(message.text.len() < 1500, "{}", message.text.len());
    }

    #[test]
    fn messages_show_who_sends_them() {
        let templates = Templates::new([]).unwrap();
        let link = "https://accounts.example.com/?a=b";
        let data = data(&[("link", link), ("site", "accounts.example.com")]);
        let brand = Brand { name: Some("A & <b>B".to_owned()), ..Brand::sample() };
        let message = templates.render("verify_email", "de", &data, &brand).unwrap();
        let html = &message.html;
        assert!(html.contains("A &amp; &lt;b&gt;B") && !html.contains("<b>"), "{html}");
        assert!(html.contains("background: #175c4a; color: #ffffff"), "{html}");
        assert!(html.contains("src=\"https:&#x2f;&#x2f;example.com&#x2f;logo.png\""), "{html}");
        assert!(html.contains(">Impressum</a>") && html.contains(">Datenschutz</a>"), "{html}");
        let signature = "\n\n-- \nA & <b>B\nImpressum: https://example.com/imprint\n";
        assert!(message.text.contains(signature), "{}", message.text);
        let plain = templates.render("verify_email", "de", &data, &Brand::default()).unwrap();
        assert!(!plain.text.contains("-- ") && !plain.html.contains("<img"), "{plain:?}");
    }

    #[test]
    fn an_operators_template_replaces_ours() {
        let text = "Subject: Hi{% if name %} {{ name }}{% endif %}\n\nFrom us.\n";
        let templates = replaced("en/password_changed.txt", text).unwrap();
        let message = templates
            .render("password_changed", "en", &data(&[("name", "Al & Bo")]), &Brand::default())
            .unwrap();
        assert_eq!((message.subject.as_str(), message.text.as_str()), ("Hi Al & Bo", "From us.\n"));
        assert!(message.html.contains("From us."));
        let html = replaced("en/password_changed.html", "<p>{{ name or site }}</p>").unwrap();
        let message = html
            .render("password_changed", "en", &data(&[("name", "Al & Bo")]), &Brand::default())
            .unwrap();
        assert_eq!(message.html, "<p>Al &amp; Bo</p>");
    }

    #[test]
    fn mistakes_are_refused_with_file_and_line() {
        let refused = |name: &str, text: &str| replaced(name, text).unwrap_err().to_string();
        let name = "en/verify_email.txt";
        for (text, line) in [
            ("Subject: a\n\n{% if name %}\nx", 3),
            ("Subject: a\n\nb\n{{ nmae }}\n", 4),
            ("Subject: a\n\n{{ link|nothing }}\n", 3),
            ("Hello,\n\n{{ link }}\n", 1),
            ("Subject: a\n\n{{ link.x.y }}\n", 3),
        ] {
            let said = refused(name, text);
            assert!(said.starts_with("/etc/mail/en/verify_email.txt:"), "{said}");
            assert!(said.contains(&format!(".txt:{line}: ")), "{text:?}: {said}");
        }
        let said = refused("message.html", "<p>\n{% for x in paragraphs %}\n</p>");
        assert!(said.starts_with("/etc/mail/message.html:"), "{said}");
        for unknown in ["en/verify_mail.txt", "fr/verify_email.txt", "verify_email.txt"] {
            let said = refused(unknown, "Subject: a\n\nb");
            assert!(said.contains("no message has a template"), "{said}");
        }
    }
}
