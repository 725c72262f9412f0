//! What the endpoint can do (RFC 7644 section 4).

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{
    Answer,
    error::ScimError,
    listing::{MOST, list},
    schema::{GROUPS, ResourceType, Schema, USERS},
    shown,
    state::ScimApi,
};

const TYPES: [&ResourceType; 2] = [&USERS, &GROUPS];

/// `GET /ServiceProviderConfig`.
pub async fn configuration(State(api): State<ScimApi>) -> Answer {
    Ok(shown(&json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MOST},
        "changePassword": {"supported": true},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth bearer token",
            "description": "An access token that a client gets for itself with the scope scim.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{}/ServiceProviderConfig", api.base()),
        },
    })))
}

/// `GET /ResourceTypes`.
pub async fn resource_types(State(api): State<ScimApi>) -> Answer {
    let types = TYPES.map(|one| of_type(one, api.base()));
    Ok(list(2, 1, &types))
}

/// `GET /ResourceTypes/{name}`.
pub async fn resource_type(State(api): State<ScimApi>, Path(name): Path<String>) -> Answer {
    let found = TYPES.into_iter().find(|one| one.name == name);
    let found = found.ok_or_else(|| ScimError::missing("There is no such type of resource."))?;
    Ok(shown(&of_type(found, api.base())))
}

fn of_type(of: &ResourceType, base: &str) -> Value {
    let extensions: Vec<Value> = of
        .extensions
        .iter()
        .map(|extension| json!({"schema": extension.id, "required": false}))
        .collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": of.name,
        "name": of.name,
        "description": of.core.description,
        "endpoint": of.endpoint,
        "schema": of.core.id,
        "schemaExtensions": extensions,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base}/ResourceTypes/{}", of.name),
        },
    })
}

fn all_schemas() -> Vec<&'static Schema> {
    TYPES.into_iter().flat_map(ResourceType::schemas).collect()
}

/// `GET /Schemas`.
pub async fn schemas(State(api): State<ScimApi>) -> Answer {
    let schemas: Vec<Value> =
        all_schemas().into_iter().map(|schema| schema.to_json(api.base())).collect();
    Ok(list(schemas.len() as u64, 1, &schemas))
}

/// `GET /Schemas/{urn}`.
pub async fn schema(State(api): State<ScimApi>, Path(urn): Path<String>) -> Answer {
    let found = all_schemas().into_iter().find(|schema| schema.id.eq_ignore_ascii_case(&urn));
    let found = found.ok_or_else(|| ScimError::missing("There is no such schema."))?;
    Ok(shown(&found.to_json(api.base())))
}
