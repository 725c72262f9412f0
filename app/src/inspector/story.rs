//! Turns the client's steps into cards: each message is a card, and each check belongs to the card
//! of what it checked.

use doorward_client::{Check, HttpExchange, Trace, TraceStep};
use serde_json::Value;

use super::words::{self, Word};
use crate::decode::{self, TokenMembers};

/// The headers of a response that are shown.
const HEADERS: [&str; 4] = ["content-type", "cache-control", "www-authenticate", "dpop-nonce"];

/// The other side of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// The page itself, which checks something.
    Nobody,
    /// The provider, through the browser's URL.
    Browser,
    /// The provider, in a request of the page.
    Provider,
    /// The API, in a request of the page.
    Api,
}

/// One step of the story.
#[derive(Clone, PartialEq)]
pub struct Card {
    /// A short name for style sheets and tests, such as `token`.
    pub kind: &'static str,
    /// The title.
    pub title: &'static str,
    /// What happens, in one or two sentences.
    pub about: &'static str,
    /// The other side.
    pub peer: Peer,
    /// Whether a single message comes from the other side.
    pub arrives: bool,
    /// The time by the device's clock.
    pub at: u64,
    /// The result in a few words: `200 · 34 ms`.
    pub outcome: String,
    /// Whether something failed.
    pub failed: bool,
    /// The messages.
    pub messages: Vec<Message>,
    /// The checks.
    pub checks: Vec<Check>,
}

/// A request or a response.
#[derive(Clone, PartialEq)]
pub struct Message {
    /// Which of the two.
    pub title: &'static str,
    /// The first line: method and URL without the query, or the status.
    pub line: String,
    /// The headers that are shown, and the parameters.
    pub fields: Vec<Field>,
    /// The rest, as text.
    pub rest: Option<String>,
}

/// A parameter, a header, or a member of a JSON object.
#[derive(Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value as sent.
    pub value: String,
    /// Its purpose.
    pub word: Option<Word>,
    /// Whether it is shown only on demand.
    pub secret: bool,
    /// The header and claims of a token that can be decoded.
    pub token: Option<(TokenMembers, TokenMembers)>,
}

impl Field {
    fn new(name: &str, value: String) -> Self {
        let secret = words::is_secret(name) && value != "…";
        let token =
            if secret { decode::parts(value.trim_start_matches("Bearer ")).ok() } else { None };
        Self { name: name.to_owned(), value, word: words::parameter(name), secret, token }
    }
}

/// Turns steps into cards.
pub fn cards(steps: &[Trace]) -> Vec<Card> {
    let mut cards = Vec::new();
    for Trace { at, step } in steps {
        match step {
            TraceStep::AuthorizationRequest(address) => {
                cards.push(front(*at, "authorize", address));
            }
            TraceStep::AuthorizationResponse(address) => {
                cards.push(front(*at, "callback", address));
            }
            TraceStep::LogoutRequest(address) => cards.push(front(*at, "end_session", address)),
            TraceStep::LogoutResponse(address) => cards.push(front(*at, "signed_out", address)),
            TraceStep::Exchange(exchange) => {
                let kind = match kind(exchange, &cards) {
                    "api" if asks_for_sign_in(exchange) => "step_up",
                    kind => kind,
                };
                cards.push(back(*at, kind, exchange));
            }
            TraceStep::Check(check) => add_check(&mut cards, *at, check),
            _ => {}
        }
    }
    cards
}

/// The other side of a card of this kind, and whether its message arrives at the page.
fn direction(kind: &str) -> (Peer, bool) {
    match kind {
        "authorize" | "end_session" => (Peer::Browser, false),
        "callback" | "signed_out" => (Peer::Browser, true),
        "checks" => (Peer::Nobody, false),
        "discovery" | "token" | "keys" | "userinfo" | "renewal" | "password" | "revocation"
        | "pushed" => (Peer::Provider, false),
        _ => (Peer::Api, false),
    }
}

/// The title and the sentences of each kind but that of an API call.
const WORDS: &[(&str, &str, &str)] = &[
    (
        "discovery",
        "Discovery",
        "The page asks the provider where its endpoints are and what it can do. Nothing else \
            has to be configured.",
    ),
    (
        "authorize",
        "Authorization request",
        "The page sends the browser to the provider. The URL contains the whole request, \
            except the secret verifier of the challenge. The page also remembers state and \
            nonce.",
    ),
    (
        "callback",
        "Authorization response",
        "The user has signed in at the provider, which sends the browser back with a one-time \
            code. Others may see this URL, so the code is useless without the verifier.",
    ),
    (
        "token",
        "Token exchange",
        "The page exchanges the code for tokens directly at the provider. The verifier proves \
            that this page began the sign-in.",
    ),
    ("keys", "Signing keys", "The page fetches the provider's public keys to check signatures."),
    (
        "checks",
        "Checking the ID token",
        "The user is signed in only if all of these checks pass. The first failure ends the \
            sign-in.",
    ),
    (
        "userinfo",
        "Userinfo",
        "The page asks the provider for more about the user, with the access token.",
    ),
    (
        "renewal",
        "Renewal",
        "The access token expires soon. The page exchanges its refresh token for new tokens. \
            The user does not notice.",
    ),
    ("password", "Password grant", "The page exchanges the user's password for tokens."),
    ("revocation", "Revocation", "The page tells the provider that a token is no longer needed."),
    (
        "pushed",
        "Pushed request",
        "The page sends the request to the provider first, so that the URL contains only a \
            reference to it.",
    ),
    (
        "end_session",
        "Sign-out request",
        "The page has forgotten the user and everything above. It sends the browser to the \
            provider to end the session there too.",
    ),
    (
        "step_up",
        "API asks for another sign-in",
        "The token is good, but this call needs a stronger or a more recent sign-in. The API \
            says which, and the page asks the provider for it.",
    ),
    ("signed_out", "Back from sign-out", "The session at the provider is over."),
];

/// Those of an API call.
const API_CALL: (&str, &str) = (
    "API call",
    "The page calls the API with the access token. The API checks the token itself and \
        decides by its policies.",
);

/// A card without its messages.
fn card(kind: &'static str, at: u64) -> Card {
    let words = WORDS.iter().find(|(own, ..)| *own == kind);
    let (title, about) = words.map_or(API_CALL, |(_, title, about)| (*title, *about));
    let (peer, arrives) = direction(kind);
    Card {
        kind,
        title,
        about,
        peer,
        arrives,
        at,
        outcome: String::new(),
        failed: false,
        messages: Vec::new(),
        checks: Vec::new(),
    }
}

/// A message in the browser's URL.
fn front(at: u64, kind: &'static str, address: &str) -> Card {
    let mut card = card(kind, at);
    let (address, parameters) = split(address);
    let refusal =
        parameters.iter().find(|field| field.name == "error").map(|field| field.value.clone());
    card.failed = refusal.is_some();
    card.outcome = refusal
        .unwrap_or_else(|| if card.arrives { "came back" } else { "browser leaves" }.to_owned());
    let title = if card.arrives { "Address" } else { "Redirect" };
    card.messages.push(Message {
        title,
        line: ["GET ", &address].concat(),
        fields: parameters,
        rest: None,
    });
    card
}

/// A request of the page, and its response.
fn back(at: u64, kind: &'static str, exchange: &HttpExchange) -> Card {
    let mut card = card(kind, at);
    let HttpExchange { request, answer, took } = exchange;
    let (address, mut fields) = split(&request.url);
    fields.extend(request.headers.iter().map(|(name, value)| Field::new(name, value.clone())));
    let is_form = request
        .headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.contains("urlencoded"));
    let body = request.body.clone().filter(|_| !is_form);
    if is_form {
        fields.extend(form(request.body.as_deref().unwrap_or_default()));
    }
    let line = [request.method.as_str(), " ", &address].concat();
    card.messages.push(Message { title: "Request", line, fields, rest: body });
    match answer {
        Ok(answer) => {
            let shown = HEADERS
                .iter()
                .filter_map(|name| Some(Field::new(name, answer.header(name)?.to_owned())));
            let mut fields: Vec<Field> = shown.collect();
            let rest = match doorward_protocol::json::object(answer.body.as_bytes()) {
                // The content of an API's response has no meaning in the protocol.
                Some(members) if is_explained(kind) => {
                    fields.extend(
                        members.into_iter().map(|(name, value)| Field::new(&name, plain(&value))),
                    );
                    None
                }
                Some(members) => Some(decode::pretty(&Value::Object(members))),
                None => Some(answer.body.clone()).filter(|body| !body.is_empty()),
            };
            card.failed = !answer.is_success();
            card.outcome = format!("{} · {} ms", answer.status, took.as_millis());
            let line = format!("HTTP {}", answer.status);
            card.messages.push(Message { title: "Answer", line, fields, rest });
        }
        Err(reason) => {
            card.failed = true;
            "no answer".clone_into(&mut card.outcome);
            card.messages.push(Message {
                title: "No answer",
                line: reason.clone(),
                fields: Vec::new(),
                rest: None,
            });
        }
    }
    card
}

fn is_explained(kind: &str) -> bool {
    matches!(kind, "token" | "renewal" | "password" | "revocation" | "pushed")
}

/// The kind of a request: by its own parameters, or by the discovery document.
fn kind(exchange: &HttpExchange, before: &[Card]) -> &'static str {
    let request = &exchange.request;
    let form = request.body.as_deref().map(form).unwrap_or_default();
    let value =
        |name: &str| form.iter().find(|field| field.name == name).map(|field| field.value.as_str());
    let is_endpoint = |name: &str| {
        let rest = before
            .iter()
            .rev()
            .find(|card| card.kind == "discovery")
            .and_then(|card| card.messages.last()?.rest.as_deref());
        let endpoints = rest.and_then(|text| doorward_protocol::json::object(text.as_bytes()));
        endpoints.is_some_and(|endpoints| {
            endpoints.get(name).and_then(Value::as_str) == Some(&request.url)
        })
    };
    match (value("grant_type"), request.method.as_str()) {
        (Some("authorization_code"), _) => "token",
        (Some("refresh_token"), _) => "renewal",
        (Some("password"), _) => "password",
        _ if value("token").is_some() => "revocation",
        _ if value("response_type").is_some() => "pushed",
        (None, "GET")
            if request.url.ends_with(doorward_protocol::metadata::OPENID_CONFIGURATION_PATH) =>
        {
            "discovery"
        }
        (None, "GET") if is_endpoint("jwks_uri") => "keys",
        (None, "GET") if is_endpoint("userinfo_endpoint") => "userinfo",
        (None, "GET") if !request.headers.iter().any(|(name, _)| name == "authorization") => "keys",
        _ => "api",
    }
}

/// Whether an API answered that it needs another sign-in (RFC 9470 section 3).
fn asks_for_sign_in(exchange: &HttpExchange) -> bool {
    let answer = exchange.answer.as_ref().ok().filter(|answer| answer.status == 401);
    let challenge = answer.and_then(|answer| answer.header("www-authenticate"));
    challenge.is_some_and(|text| text.contains("insufficient_user_authentication"))
}

/// Adds a check to the card that it belongs to.
fn add_check(cards: &mut Vec<Card>, at: u64, check: &Check) {
    let last =
        |cards: &[Card], kinds: &[&str]| cards.iter().rposition(|card| kinds.contains(&card.kind));
    let found = match check.name.as_str() {
        "alg" => None,
        "issuer" => last(cards, &["discovery"]),
        "state" => last(cards, &["callback", "signed_out"]),
        "sub" => last(cards, &["userinfo"]),
        // A check of the response, until the ID token is checked.
        _ => last(cards, &["callback", "checks"]),
    };
    let position = found.unwrap_or_else(|| {
        cards.push(card("checks", at));
        cards.len() - 1
    });
    let card = &mut cards[position];
    card.checks.push(check.clone());
    card.failed |= !check.passed;
    if !check.passed {
        card.outcome = format!("{} failed", check.name);
    } else if card.kind == "checks" && !card.failed {
        card.outcome = format!("{} passed", card.checks.len());
    }
}

/// A URL, and the parameters of its query or fragment.
fn split(address: &str) -> (String, Vec<Field>) {
    match address.split_once(['?', '#']) {
        Some((address, encoded)) => (address.to_owned(), form(encoded)),
        None => (address.to_owned(), Vec::new()),
    }
}

fn form(encoded: &str) -> Vec<Field> {
    form_urlencoded::parse(encoded.as_bytes())
        .map(|(name, value)| Field::new(&name, value.into_owned()))
        .collect()
}

/// A value as it is shown: strings without quotes.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => doorward_protocol::json::text(value),
    }
}
