//! Lists in pages: how many rows, and where the next page begins.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use doorward_protocol::base64url;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::problem::Problem;
pub use crate::types::page::Page;

/// Rows of a page unless the request says otherwise.
const USUAL: u32 = 50;
/// Rows of a page at most.
pub const MOST: u32 = 200;

/// How many rows a request asks for.
pub fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        None => Ok(USUAL),
        Some(rows) if (1..=MOST).contains(&rows) => Ok(rows),
        Some(_) => Err(Problem::query(format!("limit is 1 to {MOST}"))),
    }
}

/// The parameters of a list without others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageParameters {
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// The parameters of a list that is searched by the beginning of its main column.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchParameters {
    #[serde(default)]
    pub prefix: String,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// The longest beginning that is looked for, in bytes.
pub const LONGEST_PREFIX: usize = 255;

impl SearchParameters {
    /// The beginning that is looked for.
    pub fn prefix(&self) -> Result<&str, Problem> {
        if self.prefix.len() > LONGEST_PREFIX || self.prefix.contains(char::is_control) {
            let problem = "prefix has at most 255 bytes and no control characters";
            return Err(Problem::query(problem));
        }
        Ok(&self.prefix)
    }
}

/// Where a page begins. The text is opaque to callers; it only says where to go on, and nothing
/// is decided by it.
pub fn after<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(text) = cursor else { return Ok(None) };
    let bytes = base64url::decode(text).map_err(|_| wrong_cursor())?;
    serde_json::from_slice(&bytes).map(Some).map_err(|_| wrong_cursor())
}

/// The problem with a cursor that no list gives.
pub fn wrong_cursor() -> Problem {
    Problem::query("cursor is not one that this list has given")
}

/// The cursor after the row with these values.
pub fn cursor(values: &impl Serialize) -> String {
    base64url::encode(serde_json::to_vec(values).unwrap_or_default())
}

/// A page of the rows that were read, of which there is one more than the limit if there is a next
/// page. `cursor` gives the values of a row that the list goes on after.
pub fn page<R, T: Serialize, C: Serialize>(
    mut rows: Vec<R>,
    limit: u32,
    cursor_of: impl Fn(&R) -> C,
    view: impl Fn(R) -> T,
) -> Response {
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| has_more).map(|row| cursor(&cursor_of(row)));
    Json(Page { items: rows.into_iter().map(view).collect(), next }).into_response()
}
