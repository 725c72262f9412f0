//! What an operator's messages show of the operator: name, logo, colours and links.

use serde_json::{Value, json};

/// The words of the links in each language, by the language's tag: imprint, privacy and help.
const LINKS: [(&str, [&str; 3]); 2] =
    [("en", ["Imprint", "Privacy policy", "Help"]), ("de", ["Impressum", "Datenschutz", "Hilfe"])];
/// The colours of a button where an operator chose none: the button, and the words on it.
const USUAL_BUTTON: [&str; 2] = ["#2f5d50", "#ffffff"];

/// What messages show of whoever sends them. The default shows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The name above and under a message.
    pub name: Option<String>,
    /// The whole URL of the logo.
    pub logo: Option<String>,
    /// The colours of a button and of the words on it, as `#rrggbb`.
    pub button: Option<[String; 2]>,
    /// The whole URL of the imprint.
    pub imprint: Option<String>,
    /// The whole URL of the privacy policy.
    pub privacy: Option<String>,
    /// The whole URL of the help.
    pub help: Option<String>,
}

impl Brand {
    /// One that has everything, to try templates with.
    pub(crate) fn sample() -> Self {
        let url = |path: &str| Some(format!("https://example.com/{path}"));
        Self {
            name: Some("Example".to_owned()),
            logo: url("logo.png"),
            button: Some(["#175c4a".to_owned(), "#ffffff".to_owned()]),
            imprint: url("imprint"),
            privacy: url("privacy"),
            help: url("help"),
        }
    }

    /// The links that there are, each with its words in this language.
    pub(crate) fn links(&self, language: &str) -> Vec<(&'static str, &str)> {
        let own = LINKS.iter().find(|(tag, _)| *tag == language);
        let words = own.unwrap_or(&LINKS[0]).1;
        let urls = [&self.imprint, &self.privacy, &self.help];
        words
            .into_iter()
            .zip(urls)
            .filter_map(|(words, url)| Some((words, url.as_deref()?)))
            .collect()
    }

    /// The value `brand` of the templates.
    pub(crate) fn to_value(&self, language: &str) -> Value {
        let links: Vec<Value> = self
            .links(language)
            .into_iter()
            .map(|(words, url)| json!({"words": words, "url": url}))
            .collect();
        let [button, ink] = match &self.button {
            Some([button, ink]) => [button.as_str(), ink.as_str()],
            None => USUAL_BUTTON,
        };
        json!({
            "name": self.name, "logo": self.logo,
            "button": button, "button_ink": ink, "links": links,
        })
    }
}
