//! Client identifiers that are URLs, and the documents there
//! (draft-ietf-oauth-client-id-metadata-document).

use doorward_protocol::{host, ids::ClientId};
use serde_json::{Map, Value, json};
use url::Url;

use super::{members::MetadataError, metadata::ClientMetadata};

/// An identifier that is the URL of its document (section 3 of the draft).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentUrl {
    client_id: ClientId,
    host: String,
}

impl DocumentUrl {
    /// Reads an identifier: an https URL with a path, without user name, fragment and dot segments,
    /// written in its normal form, so that it can be compared as text. `allow_loopback` accepts
    /// http on this machine, too. `None` for any other identifier.
    pub fn parse(client_id: &str, allow_loopback: bool) -> Option<Self> {
        let url = Url::parse(client_id).ok()?;
        let is_safe = url.scheme() == "https"
            || allow_loopback && url.scheme() == "http" && host::is_loopback(&url);
        // The normal form has no dot segments, and a slash behind the host.
        let is_plain = url.as_str() == client_id
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        let host = url.host_str().filter(|_| is_safe && is_plain)?.to_owned();
        Some(Self { client_id: ClientId::parse(client_id).ok()?, host })
    }

    /// The identifier.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// The host of the URL.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Reads the document that was found there. It names its own URL, and no secret (section 4 of
    /// the draft).
    pub(crate) fn read(&self, document: Value) -> Result<ClientMetadata, MetadataError> {
        let Value::Object(mut members) = document else {
            return Err(MetadataError::new("client_id", "the document is not a JSON object"));
        };
        if members.get("client_id").and_then(Value::as_str) != Some(self.client_id.as_str()) {
            let problem = "the document names another client_id than its URL";
            return Err(MetadataError::new("client_id", problem));
        }
        refuse_secrets(&members)?;
        // Without a secret there is nothing to prove.
        let method = members.entry("token_endpoint_auth_method").or_insert(Value::Null);
        if method.is_null() {
            *method = json!("none");
        }
        let metadata = ClientMetadata::parse(members)?;
        self.check_sector(&metadata)?;
        Ok(metadata)
    }

    /// Nobody fetches the list of a `sector_identifier_uri` for a document. Whoever controls its
    /// host vouches for that host and no other: a document that names the host of somebody else
    /// would know its users by the subjects made for those.
    fn check_sector(&self, metadata: &ClientMetadata) -> Result<(), MetadataError> {
        let Some(uri) = &metadata.sector_identifier_uri else { return Ok(()) };
        if Url::parse(uri).is_ok_and(|url| url.host_str() == Some(self.host())) {
            return Ok(());
        }
        let problem = "a document can name a sector of its own host only";
        Err(MetadataError::new("sector_identifier_uri", problem))
    }
}

fn refuse_secrets(members: &Map<String, Value>) -> Result<(), MetadataError> {
    for member in ["client_secret", "client_secret_expires_at"] {
        if members.contains_key(member) {
            return Err(MetadataError::new(member, "everybody can read the document"));
        }
    }
    let method = members.get("token_endpoint_auth_method").and_then(Value::as_str);
    if method.is_some_and(|method| !matches!(method, "none" | "private_key_jwt")) {
        let problem = "a document has no secret: give none or private_key_jwt";
        return Err(MetadataError::new("token_endpoint_auth_method", problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::registration::AuthMethod;

    #[test]
    fn an_identifier_is_an_https_url_in_its_normal_form() {
        let good = "https://app.example:8443/oauth/client.json?v=1";
        assert_eq!(DocumentUrl::parse(good, false).unwrap().host(), "app.example");
        for other in [
            "page",
            "https://app.example",
            "http://app.example/client",
            "http://localhost/client",
            "https://APP.example/client",
            "https://app.example:443/client",
            "https://user@app.example/client",
            "https://:pw@app.example/client",
            "https://app.example/client#x",
            "https://app.example/a/../client",
            "https://app.example/%2e%2e/client",
            "https://app.example\\client",
            "file:///etc/passwd",
        ] {
            assert_eq!(DocumentUrl::parse(other, false), None, "{other}");
        }
        assert!(DocumentUrl::parse("http://localhost:1/client", true).is_some());
        assert!(DocumentUrl::parse("http://app.example/client", true).is_none());
        let long = format!("https://app.example/{}", "x".repeat(235));
        assert!(DocumentUrl::parse(&long, false).is_some());
        let long = format!("{long}x");
        assert_eq!(DocumentUrl::parse(&long, false), None, "identifiers have 255 characters");
    }

    #[test]
    fn the_document_names_itself_and_no_secret() {
        let url = DocumentUrl::parse("https://app.example/client", false).unwrap();
        let read = |changes: Value| {
            let mut document = json!({"client_id": "https://app.example/client"});
            document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            url.read(document).map_err(|error| error.member)
        };
        assert!(read(json!({})).is_ok());
        assert!(read(json!({"token_endpoint_auth_method": "private_key_jwt"})).is_ok());
        assert!(read(json!({"sector_identifier_uri": "https://app.example:8443/uris"})).is_ok());
        let method = read(json!({"token_endpoint_auth_method": null}));
        assert_eq!(method.unwrap().token_endpoint_auth_method, Some(AuthMethod::None));
        for (member, changes) in [
            ("client_id", json!({"client_id": "https://app.example/other"})),
            ("client_id", json!({"client_id": null})),
            ("client_secret", json!({"client_secret": "x"})),
            (
                "sector_identifier_uri",
                json!({"sector_identifier_uri": "https://other.example/uris"}),
            ),
            ("client_secret_expires_at", json!({"client_secret_expires_at": 0})),
            (
                "token_endpoint_auth_method",
                json!({"token_endpoint_auth_method": "client_secret_post"}),
            ),
        ] {
            assert_eq!(read(changes.clone()).unwrap_err(), member, "{changes}");
        }
        assert_eq!(url.read(json!(["client"])).unwrap_err().member, "client_id");
    }
}
