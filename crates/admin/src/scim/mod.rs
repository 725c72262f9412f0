//! SCIM 2.0 (RFC 7643, RFC 7644) at `/scim/v2`: other systems add, change and remove users and
//! groups.
//!
//! A request passes, in this order: the audit history ([`admission::record`]), the access token and
//! its scope, the rate limit and the client's present rights ([`admission`]), and the handler. What
//! is done to a user is done by the administration's own rules (`crate::api`).

mod admission;
mod attribute_path;
mod body;
mod discovery;
mod error;
mod filter;
mod group;
mod groups;
mod listing;
mod patch;
mod projection;
mod schema;
mod state;
mod user;
mod users;
mod values;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, any, get, post},
};
use doorward_provider::model::{
    resource::{ApiResource, ApiScope},
    time::Timestamp,
};
use doorward_resource_server::{Policy, ProtectedRouter};
use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH},
};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub use self::state::{ScimApi, ScimParts, ScimSettings};
use self::{
    error::{MEDIA_TYPE, ScimError},
    schema::ResourceType,
};
use crate::api::{hardened, in_path};

/// Where the endpoint is.
pub const BASE_PATH: &str = "/scim/v2";
/// The scope that a client needs.
pub const SCOPE: &str = "scim";
/// The audience of access tokens, which is the name of the API's resource.
pub const AUDIENCE: &str = "scim";

/// The API's resource.
pub fn api_resource() -> ApiResource {
    ApiResource {
        name: AUDIENCE.to_owned(),
        display_name: "Provisioning".to_owned(),
        scopes: vec![SCOPE.to_owned()],
        user_claims: Vec::new(),
        access_token_signing_algs: Vec::new(),
        access_token_typ: None,
        secrets: Vec::new(),
    }
}

/// The API's scope.
pub fn api_scope() -> ApiScope {
    ApiScope {
        name: SCOPE.to_owned(),
        display_name: "Add, change and remove users and groups".to_owned(),
        description: None,
        required: false,
        emphasize: true,
    }
}

/// The endpoint, ready to be served. Nothing of it may be cached.
pub fn router(parts: ScimParts) -> Router {
    let api = ScimApi::new(ScimParts {
        resource_server: parts.resource_server.with_refusal_response(error::of_refusal),
        ..parts
    });
    let routes: [(&str, MethodRouter<ScimApi>); 11] = [
        ("/ServiceProviderConfig", get(discovery::configuration)),
        ("/ResourceTypes", get(discovery::resource_types)),
        ("/ResourceTypes/{name}", get(discovery::resource_type)),
        ("/Schemas", get(discovery::schemas)),
        ("/Schemas/{urn}", get(discovery::schema)),
        ("/Users", get(users::list).post(users::create)),
        ("/Users/.search", post(users::search)),
        (
            "/Users/{sub}",
            get(users::read).put(users::replace).patch(users::change).delete(users::remove),
        ),
        ("/Groups", get(groups::list).post(groups::create)),
        ("/Groups/.search", post(groups::search)),
        (
            "/Groups/{group}",
            get(groups::read).put(groups::replace).patch(groups::change).delete(groups::remove),
        ),
    ];
    let scope = Policy::require_scope(SCOPE);
    let protected =
        routes.into_iter().fold(ProtectedRouter::new(api.clone()), |router, (path, methods)| {
            let admit = from_fn_with_state(api.clone(), admission::admit);
            let methods: MethodRouter<ScimApi> = methods.fallback(not_allowed).layer(admit);
            let methods = methods.layer(DefaultBodyLimit::max(body::MOST_BYTES));
            router.route_for(&format!("{BASE_PATH}{path}"), [scope.clone()], methods)
        });
    Router::new()
        .merge(protected.layer(from_fn_with_state(api, admission::record)).into_router())
        .route(BASE_PATH, any(not_found))
        .route(&format!("{BASE_PATH}/{{*path}}"), any(not_found))
        .layer(axum::middleware::map_response(hardened))
}

async fn not_allowed() -> ScimError {
    ScimError::not_allowed()
}

async fn not_found(request: axum::extract::Request) -> ScimError {
    match request.uri().path().strip_prefix(BASE_PATH) {
        Some("/Me") => ScimError::not_implemented("A client is not a user: it has no /Me."),
        Some("/Bulk") => ScimError::not_implemented("There is no /Bulk: send single requests."),
        Some("/.search" | "" | "/") => ScimError::not_implemented(
            "Users and groups are not searched at once: ask /Users or /Groups.",
        ),
        _ => ScimError::missing("There is no such endpoint."),
    }
}

/// What handlers answer with.
type Answer = Result<Response, ScimError>;

/// A body of an answer.
fn shown(body: &Value) -> Response {
    let kind = HeaderValue::from_static(MEDIA_TYPE);
    ([(CONTENT_TYPE, kind)], body.to_string()).into_response()
}

/// A resource with its state, which is written into it.
fn with_version(resource: &mut Map<String, Value>, version: &str) {
    if let Some(meta) = resource.get_mut("meta") {
        meta["version"] = version.into();
    }
}

/// What a resource says about itself. When it was added is known if a client did it.
fn meta(of: &ResourceType, location: &str, added_at: Option<Timestamp>) -> Value {
    let mut meta = json!({"resourceType": of.name, "location": location});
    if let Some(created) = added_at.and_then(date_time) {
        meta["created"] = created.into();
    }
    meta
}

/// A timestamp as RFC 7643 section 2.3.5 has it.
fn date_time(timestamp: Timestamp) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(timestamp.seconds()).ok()?;
    time.format(&Rfc3339).ok()
}

/// Refuses a request that is about another state than the present one (RFC 7644 section 3.14).
/// Without the header it is about any. Returns whether it is there.
fn require_version(headers: &HeaderMap, present: Option<&str>) -> Result<bool, ScimError> {
    let Some(tags) = tags(headers, &IF_MATCH) else { return Ok(false) };
    let is_met = tags.iter().any(|tag| tag == "*" || Some(tag.as_str()) == present);
    if is_met { Ok(true) } else { Err(ScimError::stale()) }
}

/// Whether a reader has this state already.
fn is_known(headers: &HeaderMap, present: &str) -> bool {
    tags(headers, &IF_NONE_MATCH)
        .is_some_and(|tags| tags.iter().any(|tag| tag == "*" || tag == present))
}

fn tags(headers: &HeaderMap, name: &http::HeaderName) -> Option<Vec<String>> {
    let values: Vec<_> = headers.get_all(name).iter().collect();
    if values.is_empty() {
        return None;
    }
    let texts = values.into_iter().filter_map(|value| value.to_str().ok());
    Some(texts.flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()).collect())
}
