//! A page as a browser reads it: tokenised by the rules of HTML, so that escaping is judged by what
//! comes out.

use html5gum::{DefaultEmitter, Token, Tokenizer};

/// The elements and the text of a page.
#[derive(Debug, Default)]
pub struct Page {
    pub elements: Vec<Element>,
    /// All text, scripts included.
    pub text: String,
}

/// A start tag.
#[derive(Debug)]
pub struct Element {
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl Page {
    pub fn parse(html: &str) -> Self {
        let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        let mut page = Self::default();
        for token in Tokenizer::new_with_emitter(html, emitter) {
            match token.unwrap() {
                Token::StartTag(tag) => page.elements.push(Element {
                    name: text_of(&tag.name),
                    attributes: tag
                        .attributes
                        .iter()
                        .map(|(name, value)| (text_of(name), text_of(value)))
                        .collect(),
                }),
                Token::String(text) => page.text.push_str(&text_of(&text)),
                _ => {}
            }
        }
        page
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| element.name == name)
    }

    /// The input with this name.
    pub fn input(&self, name: &str) -> Option<&Element> {
        self.all("input").find(|input| input.attribute("name") == Some(name))
    }

    /// The value of the input with this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.input(name)?.attribute("value")
    }

    /// Where the one form of the page goes.
    pub fn form_action(&self) -> &str {
        let mut forms = self.all("form");
        let form = forms.next().expect("a form");
        assert!(forms.next().is_none(), "one form only");
        assert_eq!(form.attribute("method"), Some("post"));
        form.attribute("action").unwrap()
    }

    /// What a browser sends with the form untouched: hidden fields, and ticked boxes that are not
    /// disabled.
    pub fn fields(&self) -> Vec<(String, String)> {
        self.all("input")
            .filter(|input| {
                let ticked =
                    input.attribute("checked").is_some() && input.attribute("disabled").is_none();
                match input.attribute("type") {
                    Some("hidden") => true,
                    Some("checkbox") => ticked,
                    _ => false,
                }
            })
            .map(|input| {
                let attribute = |name| input.attribute(name).unwrap_or_default().to_owned();
                (attribute("name"), attribute("value"))
            })
            .collect()
    }
}
