//! The API `/api/admin/v1`, built from the table of [`Operation`]s.
//!
//! A request passes, in this order: the audit history, which records what becomes of a change
//! ([`history`]), the access token and its scope (the layer of `doorward-resource-server`), the
//! rate limit and the caller's present rights ([`admission`]), the idempotency key of a creation
//! ([`idempotency`]), and the handler. A handler checks whom or what the caller may act on, and
//! which state of the object the request is about.
//! It takes no cookie, so a page of somebody else can't make a browser call it.

mod admission;
mod body;
pub(crate) mod caller;
mod clients;
mod command_client;
mod directories;
mod docs;
mod events;
mod german;
pub(crate) mod groups;
pub(crate) mod history;
mod idempotency;
mod identity_providers;
mod invitations;
mod keys;
mod openapi;
mod outbox;
pub(crate) mod page;
pub(crate) mod problem;
mod rate_limit;
mod registration;
mod resources;
pub(crate) mod state;
mod system;
pub(crate) mod users;
mod version;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    response::Response,
    routing::{MethodRouter, any, delete, get, patch, post, put},
};
use doorward_resource_server::{Policy, ProtectedRouter, cors};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS},
};

pub use self::{
    body::named_error,
    command_client::{COMMAND_CLIENT, command_client},
    german::german,
    resources::{AUDIENCE, api_resource, api_scopes},
    state::{AdminParts, AdminSettings, KnownFiles, SharedConfiguration},
};
use self::{
    problem::Problem,
    state::{AdminApi, Guarding},
};
pub use crate::BASE_PATH;
use crate::{Method, Operation};

/// The path of the `OpenAPI` document, which anyone may read.
pub const OPENAPI_PATH: &str = "/api/admin/openapi.json";
/// The path of the page about the API.
pub const DOCS_PATH: &str = "/api/admin/docs";

/// The API, its document and its page, ready to be served. Nothing of it may be cached.
pub fn router(parts: AdminParts) -> Router {
    let origins = parts.resource_server.allowed_origins().to_vec();
    let description = docs::Description::of(&parts);
    let api = AdminApi::new(AdminParts {
        resource_server: parts.resource_server.with_refusal_response(problem::of_refusal),
        ..parts
    });
    let routes = routes(&api).into_router().method_not_allowed_fallback(not_allowed);
    let routes = if origins.is_empty() { routes } else { routes.layer(cors(origins)) };
    Router::new()
        .merge(routes)
        .merge(docs::router(&description))
        .route("/api/admin/{*path}", any(not_found))
        .layer(from_fn(german::for_german_readers))
        .layer(axum::middleware::map_response(hardened))
}

/// Where an object of a collection is, for `Location`. An identifier may have any characters.
fn location(collection: &str, id: &str) -> Result<HeaderValue, Problem> {
    let path = format!("{BASE_PATH}/{collection}/{}", in_path(id));
    HeaderValue::try_from(path).map_err(|_| Problem::internal())
}

/// An identifier as a segment of a path.
pub(crate) fn in_path(id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    id.replace('+', "%20")
}

/// The routes of the table, each with its policy.
fn routes(api: &AdminApi) -> ProtectedRouter<AdminApi> {
    let router = ProtectedRouter::new(api.clone());
    let router = Operation::ALL.iter().fold(router, |router, &operation| {
        // The scope is in the token. The rest of the policy is decided by what the store says now.
        let scope = Policy::require_scope(operation.scope().name());
        let state = Guarding { api: api.clone(), operation };
        let methods = handler(operation);
        let methods = if operation.creates() {
            methods.layer(from_fn_with_state(state.clone(), idempotency::once))
        } else {
            methods
        };
        let methods: MethodRouter<AdminApi> =
            methods.layer(from_fn_with_state(state, admission::admit));
        let methods = methods.layer(DefaultBodyLimit::max(body::MOST_BYTES));
        router.route_for(&format!("{BASE_PATH}{}", operation.path()), [scope], methods)
    });
    router.layer(from_fn_with_state(api.clone(), history::record))
}

/// What answers an operation. Without a line for it an operation does not compile.
fn handler(operation: Operation) -> MethodRouter<AdminApi> {
    use Operation as O;
    match operation {
        O::Me => get(system::me),
        O::Overview => get(system::overview),
        O::Activity => get(system::activity),
        O::ReadConfiguration => get(system::configuration),
        O::ListUsers => get(users::list),
        O::CreateUser => post(users::create),
        O::ReadUser => get(users::read),
        O::ChangeUser => patch(users::change),
        O::RemoveUser => delete(users::remove),
        O::SetAdminRole => put(users::set_admin_role),
        O::ResetPassword => post(users::reset_password),
        O::ReadFactors => get(users::read_factors),
        O::ResetFactors => delete(users::reset_factors),
        O::ListPasskeys => get(users::list_passkeys),
        O::RemovePasskey => delete(users::remove_passkey),
        O::ListLinks => get(users::list_links),
        O::AddLink => post(users::add_link),
        O::RemoveLink => delete(users::remove_link),
        O::ListSessions => get(users::list_sessions),
        O::EndSessions => delete(users::end_sessions),
        O::EndSession => delete(users::end_session),
        O::ListGrants => get(users::list_grants),
        O::RevokeGrant => delete(users::revoke_grant),
        O::ListAccountEvents => get(users::list_events),
        O::ListInvitations => get(invitations::list),
        O::CreateInvitation => post(invitations::create),
        O::WithdrawInvitation => delete(invitations::withdraw),
        O::ListGroups => get(groups::list),
        O::CreateGroup => post(groups::create),
        O::ReadGroup => get(groups::read),
        O::ChangeGroup => patch(groups::change),
        O::RemoveGroup => delete(groups::remove),
        O::ListMembers => get(groups::list_members),
        O::AddMember => put(groups::add_member),
        O::RemoveMember => delete(groups::remove_member),
        O::ListDirectories => get(directories::list),
        O::ListDirectoryUsers => get(directories::list_users),
        O::CreateDirectoryUser => post(directories::create),
        O::ReadDirectoryUser => get(directories::read),
        O::ChangeDirectoryUser => patch(directories::change),
        O::SetDirectoryPassword => put(directories::set_password),
        O::ListDirectoryGroups => get(directories::list_groups),
        O::AddDirectoryMember => put(directories::add_member),
        O::RemoveDirectoryMember => delete(directories::remove_member),
        O::ListClients => get(clients::list),
        O::CreateClient => post(clients::create),
        O::ReadClient => get(clients::read),
        O::ChangeClient => patch(clients::change),
        O::RemoveClient => delete(clients::remove),
        O::ListSecrets => get(clients::list_secrets),
        O::AddSecret => post(clients::add_secret),
        O::RemoveSecret => delete(clients::remove_secret),
        O::ListRegisteredClients => get(registration::list_clients),
        O::RemoveRegisteredClient => delete(registration::remove_client),
        O::ListRegistrationTokens => get(registration::list_tokens),
        O::AddRegistrationToken => post(registration::add_token),
        O::RemoveRegistrationToken => delete(registration::remove_token),
        O::ListResources => get(resources::list),
        O::ListIdentityProviders => get(identity_providers::list),
        O::CreateIdentityProvider => post(identity_providers::create),
        O::ReadIdentityProvider => get(identity_providers::read),
        O::ChangeIdentityProvider => patch(identity_providers::change),
        O::RemoveIdentityProvider => delete(identity_providers::remove),
        O::CheckIdentityProvider => get(identity_providers::check),
        O::ListKeys => get(keys::list),
        O::RotateKeys => post(keys::rotate),
        O::RetireKey => delete(keys::retire),
        O::ListEvents => get(events::list),
        O::ExportEvents => get(events::export),
        O::ListMails => get(outbox::list),
        O::RetryMail => post(outbox::retry),
    }
}

/// The method as `http` knows it.
fn http_method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}

async fn not_allowed() -> Problem {
    Problem::not_allowed()
}

async fn not_found() -> Problem {
    Problem::missing("There is no such resource in this API.")
}

pub(crate) async fn hardened(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &str); 1] = [(X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What handlers answer with.
type Answer = Result<Response, Problem>;
