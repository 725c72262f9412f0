//! What the API says of problems in German, for those who prefer it by `Accept-Language`.
//!
//! A text is found by the English one, in which `{}` stands for whatever is said there. A problem
//! that has none fails a test, and is said in English.

mod clients;
mod objects;
mod providers;
mod requests;

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use doorward_protocol::language;
use http::{
    HeaderValue,
    header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_LENGTH},
};

use super::problem::{FieldError, ProblemDetails};

/// A text in English and in German. Each has the same number of places.
type Text = (&'static str, &'static str);

/// All of them.
const TEXTS: [&[Text]; 18] = [
    requests::TITLES,
    requests::REQUESTS,
    requests::FORMS,
    requests::RIGHTS,
    requests::TOKENS,
    objects::USERS,
    objects::LINKS,
    objects::PASSWORDS,
    objects::GROUPS,
    objects::OTHERS,
    objects::DIRECTORIES,
    clients::CLIENTS,
    clients::SETTINGS,
    clients::ADDRESSES,
    providers::PROVIDERS,
    providers::CREDENTIALS,
    providers::SETTINGS,
    providers::CLAIM_RULES,
];

/// What stands for whatever is said there.
const PLACE: &str = "{}";

/// Says what is wrong in German to those who prefer that to English.
pub async fn for_german_readers(request: Request, next: Next) -> Response {
    let values = request.headers().get_all(ACCEPT_LANGUAGE).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let is_german = language::accepted(values, &["en", "de"]) == Some("de");
    let response = next.run(request).await;
    let details = response.extensions().get::<ProblemDetails>().filter(|_| is_german);
    let Some(body) = details.and_then(|details| serde_json::to_vec(&in_german(details)).ok())
    else {
        return response;
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static("de"));
    Response::from_parts(parts, Body::from(body))
}

/// The same problem in German.
fn in_german(details: &ProblemDetails) -> ProblemDetails {
    let said = |english: &String| german(english).unwrap_or_else(|| english.clone());
    let errors = details
        .errors
        .iter()
        .map(|error| FieldError { field: error.field.clone(), problem: said(&error.problem) });
    let errors: Vec<FieldError> = errors.collect();
    let whole = |error: &FieldError| format!("{}: {}", error.field, error.problem);
    let detail = match (details.errors.as_slice(), errors.as_slice()) {
        ([english], [german]) if details.detail == whole(english) => whole(german),
        _ => said(&details.detail),
    };
    ProblemDetails { title: said(&details.title), detail, errors, ..details.clone() }
}

/// A text in German. A sentence is also found by its words without the full stop.
pub fn german(english: &str) -> Option<String> {
    if let Some(found) = found(english) {
        return Some(found);
    }
    let bare = english.strip_suffix('.')?;
    let mut letters = bare.chars();
    let first = letters.next()?.to_lowercase();
    let found = found(&first.chain(letters).collect::<String>())?;
    let mut letters = found.chars();
    let first = letters.next()?.to_uppercase();
    Some(first.chain(letters).chain(['.']).collect())
}

/// The text whose English one says most of this.
fn found(english: &str) -> Option<String> {
    let texts = TEXTS.into_iter().flatten();
    let fitting = texts.filter_map(|(own, german)| Some((own, german, said(own, english)?)));
    let (_, german, said) = fitting.max_by_key(|(own, _, _)| own.len())?;
    let mut parts = german.split(PLACE);
    let first = parts.next().unwrap_or_default().to_owned();
    Some(parts.zip(said).fold(first, |text, (part, said)| {
        let said = self::german(said).unwrap_or_else(|| said.to_owned());
        format!("{text}{said}{part}")
    }))
}

/// What a text says at the places of a template; `None` if it is not of this template.
fn said<'a>(template: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = template.split(PLACE);
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty().then(Vec::new) };
    rest = rest.strip_suffix(last)?;
    let mut said = Vec::new();
    for part in parts {
        let (before, after) = rest.split_once(part)?;
        said.push(before);
        rest = after;
    }
    said.push(rest);
    Some(said)
}

#[cfg(test)]
mod tests;
