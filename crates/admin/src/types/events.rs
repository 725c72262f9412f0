//! Records of the audit history.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A record of the audit history. What is not known is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct EventRecord {
    /// Its identifier, as the webhook has it.
    pub id: String,
    /// Its number.
    pub number: i64,
    /// Its position in the chain. It gets one about a second after it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// When it happened: seconds since 1970.
    pub at: i64,
    /// What happened.
    pub event: String,
    /// How it ended: `succeeded`, `denied`, `refused`, `replayed` or `failed`.
    pub outcome: String,
    /// What kind of actor: `user`, `client`, `operator`, `system` or `anonymous`.
    pub actor_kind: String,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The user on whom it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// What kind of thing it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_kind: Option<String>,
    /// What it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The client that took part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The `User-Agent` of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The request, as the log names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What else there is to say: `details`, and `before` and `after` of a change.
    #[serde(flatten)]
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub parts: Map<String, Value>,
}
