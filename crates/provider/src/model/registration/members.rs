//! The members of a metadata document, each read as the type that it must have. What nobody asks
//! for is ignored (RFC 7591 section 2).

use serde_json::{Map, Value};

/// The longest text of a member in bytes.
const LONGEST_TEXT: usize = 400;
/// The most values of a list.
const MOST_VALUES: usize = 20;

/// A member that does not hold. The description is for the client (RFC 7591 section 3.2.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {problem}")]
pub struct MetadataError {
    /// The member's name.
    pub member: &'static str,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

impl MetadataError {
    /// A problem of this member.
    pub fn new(member: &'static str, problem: impl Into<String>) -> Self {
        Self { member, problem: problem.into() }
    }
}

/// The members of an object, to be taken out one by one.
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// Whether the member is there and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    /// A text of at most 400 bytes without control characters.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, MetadataError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => checked_text(name, text).map(Some),
            Some(_) => Err(MetadataError::new(name, "give a text")),
        }
    }

    /// A text that users are only shown, if it can be: nothing hangs on it.
    pub(super) fn shown(&mut self, name: &'static str) -> Option<String> {
        self.text(name).unwrap_or_default()
    }

    /// A text that is a list of words, which may be longer.
    pub(super) fn words(&mut self, name: &'static str) -> Result<Option<String>, MetadataError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= LONGEST_TEXT * 10 => Ok(Some(text)),
            Some(_) => Err(MetadataError::new(name, "give a text of at most 4000 bytes")),
        }
    }

    /// A list of at most 20 texts.
    pub(super) fn texts(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Vec<String>>, MetadataError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let problem = || MetadataError::new(name, "give a list of at most 20 texts");
        let Value::Array(values) = value else { return Err(problem()) };
        if values.len() > MOST_VALUES {
            return Err(problem());
        }
        let text = |value| match value {
            Value::String(text) => checked_text(name, text),
            _ => Err(problem()),
        };
        values.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// A truth value.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, MetadataError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(MetadataError::new(name, "give true or false")),
        }
    }

    /// A number of seconds.
    pub(super) fn seconds(&mut self, name: &'static str) -> Result<Option<u32>, MetadataError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
        let problem = || MetadataError::new(name, "give a whole number of seconds");
        seconds.ok_or_else(problem).map(Some)
    }

    /// An object.
    pub(super) fn object(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Map<String, Value>>, MetadataError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(_) => Err(MetadataError::new(name, "give an object")),
        }
    }

    /// The value of a member; one that is null counts as absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }
}

/// A text that can be shown and kept. Characters that turn the direction of writing around could
/// make one address look like another.
fn checked_text(name: &'static str, text: String) -> Result<String, MetadataError> {
    let turns = |character| {
        let marks = '\u{200E}'..='\u{200F}';
        let embeddings = '\u{202A}'..='\u{202E}';
        let isolates = '\u{2066}'..='\u{2069}';
        [marks, embeddings, isolates].iter().any(|range| range.contains(&character))
    };
    if text.len() > LONGEST_TEXT {
        return Err(MetadataError::new(name, "give at most 400 bytes"));
    }
    if text.chars().any(|character| character.is_control() || turns(character)) {
        return Err(MetadataError::new(name, "leave control characters out"));
    }
    Ok(text)
}
