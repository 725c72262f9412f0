//! Identity resources, API resources and scopes.

use serde::{Deserialize, Serialize};

/// What the configuration defines. It is read-only here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct ResourcesView {
    /// Why nothing of it can be changed here.
    pub read_only: String,
    /// Scopes that give claims about the user.
    pub identity_resources: Vec<IdentityView>,
    /// APIs.
    pub api_resources: Vec<ApiView>,
    /// Scopes of APIs.
    pub api_scopes: Vec<ScopeView>,
}

/// A scope that gives claims about the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct IdentityView {
    /// Its name.
    pub name: String,
    /// What users see.
    pub display_name: String,
    /// The claims that it gives.
    pub user_claims: Vec<String>,
    /// Whether users can't leave it out.
    pub required: bool,
}

/// An API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct ApiView {
    /// Its name.
    pub name: String,
    /// What users see.
    pub display_name: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The claims that it gives.
    pub user_claims: Vec<String>,
}

/// A scope of an API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct ScopeView {
    /// Its name.
    pub name: String,
    /// What users see.
    pub display_name: String,
    /// What it gives, for users.
    pub description: Option<String>,
    /// Whether users can't leave it out.
    pub required: bool,
    /// Whether the consent page stresses it.
    pub emphasize: bool,
}
