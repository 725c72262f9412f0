//! Why a request is refused: problem details (RFC 9457).

use doorward_policy::Need;
use serde::{Deserialize, Serialize};

/// Problem details.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema), schema(as = Problem))]
pub struct ProblemDetails {
    /// What kind of problem it is: a URN of Doorward.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong, and what to do.
    pub detail: String,
    /// The members of the request that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "api", schema(required = false))]
    pub errors: Vec<FieldError>,
    /// The members of the object that somebody has changed since it was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "api", schema(required = false))]
    pub changed: Vec<String>,
    /// What the caller lacks, as words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "api", schema(required = false))]
    pub reasons: Vec<String>,
    /// What the caller lacks, as data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "api", schema(required = false, value_type = Vec<Object>))]
    pub unmet: Vec<Need>,
}

/// A member of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The member, with dots before inner ones; or the name of a query parameter or header.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}
