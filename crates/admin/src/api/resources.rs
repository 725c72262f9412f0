//! The API's own resource and scopes, and those of the provider as the configuration defines them.

use axum::{Json, extract::State, response::IntoResponse as _};
use doorward_provider::model::resource::{ApiResource, ApiScope, IdentityResource};

use super::{Answer, state::AdminApi};
pub use crate::types::resources::{ApiView, IdentityView, ResourcesView, ScopeView};
use crate::{AdminScope, ROLE_CLAIM};

/// The audience of access tokens for this API, which is the name of its resource.
pub const AUDIENCE: &str = "admin";

/// The resource of this API.
pub fn api_resource() -> ApiResource {
    ApiResource {
        name: AUDIENCE.to_owned(),
        display_name: "Administration".to_owned(),
        scopes: AdminScope::ALL.iter().map(|scope| scope.name().to_owned()).collect(),
        user_claims: vec![ROLE_CLAIM.to_owned()],
        access_token_signing_algs: Vec::new(),
        access_token_typ: None,
        secrets: Vec::new(),
    }
}

/// The scopes of this API.
pub fn api_scopes() -> Vec<ApiScope> {
    let scope = |scope: &AdminScope| ApiScope {
        name: scope.name().to_owned(),
        display_name: scope.title().to_owned(),
        description: None,
        required: false,
        emphasize: true,
    };
    AdminScope::ALL.iter().map(scope).collect()
}

impl IdentityView {
    fn of(resource: &IdentityResource) -> Self {
        Self {
            name: resource.name.clone(),
            display_name: resource.display_name.clone(),
            user_claims: resource.user_claims.clone(),
            required: resource.required,
        }
    }
}

impl ApiView {
    fn of(api: &ApiResource) -> Self {
        Self {
            name: api.name.clone(),
            display_name: api.display_name.clone(),
            scopes: api.scopes.clone(),
            user_claims: api.user_claims.clone(),
        }
    }
}

impl ScopeView {
    fn of(scope: &ApiScope) -> Self {
        Self {
            name: scope.name.clone(),
            display_name: scope.display_name.clone(),
            description: scope.description.clone(),
            required: scope.required,
            emphasize: scope.emphasize,
        }
    }
}

/// `GET /resources`.
pub async fn list(State(api): State<AdminApi>) -> Answer {
    let resources = api.provider().resources();
    let file = &api.settings().configuration_file;
    let view = ResourcesView {
        read_only: format!(
            "Resources are defined in the configuration ({file}): change them there."
        ),
        identity_resources: resources.identity_resources().iter().map(IdentityView::of).collect(),
        api_resources: resources.api_resources().iter().map(ApiView::of).collect(),
        api_scopes: resources.api_scopes().iter().map(ScopeView::of).collect(),
    };
    Ok(Json(view).into_response())
}
