//! Writes cards as HTML text. A card never changes once it is complete, so it does not need the
//! reactive runtime, which would be many times larger.

use std::fmt::Write as _;

use doorward_client::Check;

use super::{
    story::{Card, Field, Message, Peer, plain},
    words::{self, Word},
};
use crate::{
    decode::{self, TokenMembers},
    time,
};

/// HTML under construction. Tags and attribute names are constants; everything else is escaped.
#[derive(Default)]
pub struct Html(String);

impl Html {
    /// An opening tag.
    pub fn open(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
    }

    /// A closing tag.
    pub fn close(&mut self, tag: &'static str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// Text, escaped for content and attributes.
    pub fn text(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                letter => self.0.push(letter),
            }
        }
    }

    /// An element with a class and a text.
    pub fn element(&mut self, tag: &'static str, class: &str, text: &str) {
        self.open(tag, &[("class", class)]);
        self.text(text);
        self.close(tag);
    }

    /// The text so far.
    pub fn finish(self) -> String {
        self.0
    }
}

/// A card as a list item. The number counts from one.
pub fn card(card: &Card, number: usize) -> String {
    let mut html = Html::default();
    let lane = match card.peer {
        Peer::Nobody => "page",
        Peer::Browser => "browser",
        Peer::Provider => "provider",
        Peer::Api => "api",
    };
    let state = if card.failed { "failed" } else { "fine" };
    let number_text = number.to_string();
    html.open(
        "li",
        &[("class", "step"), ("data-kind", card.kind), ("data-lane", lane), ("data-state", state)],
    );
    html.element("span", "step-lane", "");
    let mut attributes = vec![("class", "step-card")];
    if card.failed {
        attributes.push(("open", ""));
    }
    html.open("details", &attributes);
    summary(&mut html, card, &number_text);
    html.open("div", &[("class", "step-body stack")]);
    html.element("p", "step-about", card.about);
    for message in &card.messages {
        write_message(&mut html, message);
    }
    if !card.checks.is_empty() {
        write_checks(&mut html, &card.checks);
    }
    html.open("p", &[("class", "row")]);
    html.open(
        "button",
        &[("type", "button"), ("class", "btn btn-quiet btn-small"), ("data-copy", &number_text)],
    );
    html.text("Copy as text");
    html.element("span", "visually-hidden", &format!(": {}, without secrets", card.title));
    html.close("button");
    html.close("p");
    html.close("div");
    html.close("details");
    html.close("li");
    html.finish()
}

/// The other side, for readers who do not see the columns.
fn direction(card: &Card) -> &'static str {
    match (card.peer, card.arrives) {
        (Peer::Nobody, _) => "in the page",
        (Peer::Browser, true) => "Provider → page, by the browser's address",
        (Peer::Browser, false) => "Page → provider, by the browser's address",
        (Peer::Provider, _) => "Page ⇄ provider",
        (Peer::Api, _) => "Page ⇄ API",
    }
}

fn summary(html: &mut Html, card: &Card, number: &str) {
    html.open("summary", &[("class", "step-summary")]);
    html.element("span", "step-number", number);
    html.open("span", &[("class", "step-title")]);
    html.element("strong", "", card.title);
    html.element("span", "step-direction", direction(card));
    html.close("span");
    let badge = if card.failed { "badge badge-no" } else { "badge" };
    html.element("span", badge, &card.outcome);
    html.close("summary");
}

fn write_message(html: &mut Html, message: &Message) {
    html.open("div", &[("class", "message")]);
    html.element("h3", "message-title", message.title);
    html.element("p", "mono message-line", &message.line);
    if !message.fields.is_empty() {
        html.open("dl", &[("class", "parameters")]);
        for field in &message.fields {
            write_field(html, field);
        }
        html.close("dl");
    }
    if let Some(rest) = &message.rest {
        html.open("details", &[("class", "more")]);
        html.element("summary", "", "Body");
        html.element("pre", "code mono", rest);
        html.close("details");
    }
    html.close("div");
}

fn write_field(html: &mut Html, field: &Field) {
    html.open("div", &[("class", "parameter"), ("data-name", &field.name)]);
    html.element("dt", "mono", &field.name);
    html.open("dd", &[]);
    if field.secret {
        secret(html, &field.name, &field.value);
    } else {
        html.element("code", "mono value", &field.value);
    }
    write_word(html, field.word);
    if let Some((header, claims)) = &field.token {
        html.open("details", &[("class", "more token-parts")]);
        html.open("summary", &[]);
        html.text("Decode");
        html.element("span", "visually-hidden", &format!(" {}", field.name));
        html.close("summary");
        members(html, "Header", header);
        members(html, "Claims", claims);
        html.close("details");
    }
    html.close("dd");
    html.close("div");
}

/// A value that is hidden until the reader asks for it.
fn secret(html: &mut Html, name: &str, value: &str) {
    html.open("details", &[("class", "secret")]);
    html.open("summary", &[]);
    html.element("span", "dots", "••••••••");
    html.text(" Show");
    html.element("span", "visually-hidden", &format!(" {name}"));
    html.element("span", "muted", &format!(" {} characters", value.chars().count()));
    html.close("summary");
    html.element("code", "mono value", value);
    html.close("details");
}

fn write_word(html: &mut Html, word: Option<Word>) {
    if let Some(Word { meaning, source }) = word {
        html.open("p", &[("class", "meaning")]);
        html.text(meaning);
        html.text(" ");
        html.element("span", "source", source);
        html.close("p");
    }
}

/// The header and claims of a token, each explained, or a note that it cannot be decoded.
pub fn token(token: &str) -> String {
    let mut html = Html::default();
    match decode::parts(token) {
        Ok((header, claims)) => {
            html.open("div", &[("class", "token-parts")]);
            members(&mut html, "Header", &header);
            members(&mut html, "Claims", &claims);
            html.close("div");
        }
        Err(opaque) => html.element("p", "muted", &opaque.to_string()),
    }
    html.finish()
}

/// The header or the claims of a token.
fn members(html: &mut Html, title: &'static str, members: &TokenMembers) {
    html.element("h4", "message-title", title);
    html.open("dl", &[("class", "parameters")]);
    for (name, value) in members {
        html.open("div", &[("class", "parameter"), ("data-name", name)]);
        html.element("dt", "mono", name);
        html.open("dd", &[]);
        html.element("code", "mono value", &plain(value));
        if let Some(date) = date(name, &plain(value)) {
            html.element("span", "muted date", &date);
        }
        write_word(html, words::claim(name));
        html.close("dd");
        html.close("div");
    }
    html.close("dl");
}

/// A timestamp as people write it.
fn date(name: &str, value: &str) -> Option<String> {
    value.parse().ok().filter(|_| words::is_time(name)).and_then(time::utc)
}

fn write_checks(html: &mut Html, checks: &[Check]) {
    html.open("ul", &[("class", "checks")]);
    for check in checks {
        let state = if check.passed { "passed" } else { "failed" };
        html.open("li", &[("class", "check"), ("data-name", &check.name), ("data-state", state)]);
        html.open("span", &[("class", "check-mark"), ("aria-hidden", "true")]);
        html.text(if check.passed { "✓" } else { "✗" });
        html.close("span");
        html.open("div", &[]);
        html.open("p", &[]);
        html.element("strong", "mono", &check.name);
        html.text(" ");
        html.text(state);
        html.close("p");
        html.element("p", "check-found", &held_against(check));
        write_word(html, words::check(&check.name));
        html.close("div");
        html.close("li");
    }
    html.close("ul");
}

/// The actual and the expected value of a check.
pub fn held_against(check: &Check) -> String {
    let Check { name, expected, found, passed } = check;
    let when = |text: &str| date("exp", text).unwrap_or_else(|| text.to_owned());
    match name.as_str() {
        "exp" => format!("{}; has to be after {}", when(found), when(expected)),
        "iat" => format!("{}; must not be after {}", when(found), when(expected)),
        "auth_time" => format!("{}; must not be before {}", when(found), when(expected)),
        "alg" if expected.is_empty() => format!("{found}; the provider names none that it uses"),
        "alg" => format!("{found}; the provider signs with {expected}"),
        "signature" if *passed => format!("by the key {expected} with {found}"),
        "signature" => format!("by the key {expected}: {found}"),
        "unchanged" => format!("the claim {found}"),
        "state" if !passed => format!("{found}; no request of this browser has it"),
        _ if found.is_empty() && *passed => "not there, and not needed".to_owned(),
        _ if found.is_empty() => format!("not there; has to be {expected}"),
        _ if *passed => found.clone(),
        _ => format!("{found}; has to be {expected}"),
    }
}

/// The card as plain text without secrets. Any body may contain secrets, so only documents that
/// providers publish are copied.
pub fn plain_text(card: &Card) -> String {
    let mut text = format!("{} ({}): {}\n", card.title, direction(card), card.outcome);
    let is_public = matches!(card.kind, "discovery" | "keys");
    for message in &card.messages {
        let _ = writeln!(text, "\n{}\n{}", message.title, message.line);
        for field in &message.fields {
            let value = if field.secret { "(left out)" } else { &field.value };
            let _ = writeln!(text, "  {}: {value}", field.name);
        }
        if let Some(rest) = &message.rest {
            text.push_str(if is_public { rest } else { "(body left out)" });
            text.push('\n');
        }
    }
    for check in &card.checks {
        let mark = if check.passed { "passed" } else { "FAILED" };
        let _ = writeln!(text, "{} {mark}: {}", check.name, held_against(check));
    }
    text
}
