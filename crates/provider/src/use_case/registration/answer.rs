//! The client information response (RFC 7591 section 3.2.1, RFC 7592 section 3).

use doorward_protocol::{ids::ClientId, secret::Secret};
use serde_json::{Map, Value, json};

use crate::model::{paths, time::Timestamp};

/// What a client is told of its registration.
#[derive(Debug)]
pub struct ClientInformation {
    /// The identifier.
    pub client_id: ClientId,
    /// The metadata as they are registered.
    pub(super) metadata: Map<String, Value>,
    pub(super) issued_at: Timestamp,
    /// A new secret. It is shown only this once.
    pub(super) secret: Option<Secret>,
    /// The registration access token.
    pub(super) management: Secret,
    pub(super) issuer: String,
}

impl ClientInformation {
    /// The members of the response.
    pub fn into_members(self) -> Map<String, Value> {
        let mut members = self.metadata;
        let uri = format!("{}{}/{}", self.issuer, paths::REGISTRATION, self.client_id);
        members.insert("client_id".to_owned(), json!(self.client_id));
        members.insert("client_id_issued_at".to_owned(), json!(self.issued_at.seconds()));
        members.insert("registration_client_uri".to_owned(), json!(uri));
        members.insert("registration_access_token".to_owned(), json!(self.management.expose()));
        if let Some(secret) = &self.secret {
            members.insert("client_secret".to_owned(), json!(secret.expose()));
            // It does not expire.
            members.insert("client_secret_expires_at".to_owned(), json!(0));
        }
        members
    }
}
