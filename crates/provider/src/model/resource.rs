//! What scopes mean: identity resources, API scopes and API resources.

use std::collections::{BTreeSet, HashMap};

use doorward_protocol::{
    jose::SigningAlgorithm,
    scope::{OFFLINE_ACCESS, OPENID, Scope, is_scope_token},
    secret::Secret,
};
use serde::Deserialize;

use crate::model::{
    client::is_reserved_claim,
    provider_settings::AccessTokenTyp,
    settings_error::SettingsError,
    shared_secret::{SecretSettings, SharedSecrets},
    time::Timestamp,
};

/// A scope that gives claims about the user (OIDC Core section 5.4).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityResource {
    /// The scope.
    pub name: String,
    /// For the consent page.
    pub display_name: String,
    /// The claims that it gives.
    pub user_claims: Vec<String>,
    /// Whether a user who consents can't take it out.
    #[serde(default)]
    pub required: bool,
}

/// A scope of an API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiScope {
    /// The scope.
    pub name: String,
    /// For the consent page.
    pub display_name: String,
    /// A second line for the consent page.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether a user who consents can't take it out.
    #[serde(default)]
    pub required: bool,
    /// Whether the consent page stresses it.
    #[serde(default)]
    pub emphasize: bool,
}

/// An API. Its name is an audience of access tokens that have one of its scopes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiResource {
    /// The `aud` value.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// The scopes that lead to it.
    pub scopes: Vec<String>,
    /// User claims that its access tokens carry.
    #[serde(default)]
    pub user_claims: Vec<String>,
    /// What may sign its access tokens; empty: anything.
    #[serde(default)]
    pub access_token_signing_algs: Vec<SigningAlgorithm>,
    /// `typ` of access tokens for this API alone, in place of that of the provider.
    #[serde(default)]
    pub access_token_typ: Option<AccessTokenTyp>,
    /// Secrets by which the API authenticates at the introspection endpoint (RFC 7662 section 2.1).
    #[serde(default)]
    pub secrets: Vec<SecretSettings>,
}

/// All resources. Scope names are unique among identity resources and API scopes.
#[derive(Debug, Clone)]
pub struct Resources {
    identity: Vec<IdentityResource>,
    scopes: Vec<ApiScope>,
    apis: Vec<ApiResource>,
    /// Of the APIs that have any, by their names.
    api_secrets: HashMap<String, SharedSecrets>,
    /// The claims that are arrays even with one value.
    list_claims: BTreeSet<String>,
    /// `typ` of access tokens, unless an API asks for another one.
    access_token_typ: AccessTokenTyp,
    /// The scopes that discovery leaves out.
    unadvertised: BTreeSet<String>,
}

/// The claims that are arrays even with one value, unless the settings name others. RFC 9068
/// section 2.2.3.1 gives these three the form of SCIM, which is an array. `role` is not among them:
/// one role is a string, as `IdentityServer4` writes it.
pub const LIST_CLAIMS: [&str; 3] = ["groups", "roles", "entitlements"];

/// A scope as the consent page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeDescription {
    /// The scope.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// A second line.
    pub description: Option<String>,
    /// Whether it can't be taken out.
    pub required: bool,
    /// Whether to stress it.
    pub emphasize: bool,
}

impl IdentityResource {
    /// The scopes of OIDC Core section 5.4 with their claims.
    pub fn standard() -> Vec<Self> {
        let resource = |name: &str, display_name: &str, required, claims: &[&str]| Self {
            name: name.to_owned(),
            display_name: display_name.to_owned(),
            user_claims: claims.iter().map(|&claim| claim.to_owned()).collect(),
            required,
        };
        vec![
            resource(OPENID, "Your user identifier", true, &["sub"]),
            resource(
                "profile",
                "Your profile: name and the like",
                false,
                &[
                    "name",
                    "family_name",
                    "given_name",
                    "middle_name",
                    "nickname",
                    "preferred_username",
                    "profile",
                    "picture",
                    "website",
                    "gender",
                    "birthdate",
                    "zoneinfo",
                    "locale",
                    "updated_at",
                ],
            ),
            resource("email", "Your email address", false, &["email", "email_verified"]),
            resource(
                "phone",
                "Your phone number",
                false,
                &["phone_number", "phone_number_verified"],
            ),
            resource("address", "Your postal address", false, &["address"]),
            resource(GROUPS, "Your groups", false, &["groups"]),
        ]
    }
}

/// The standard scope for the groups of a user.
pub const GROUPS: &str = "groups";

/// The lists of the configuration, for errors.
const IDENTITY: &str = "identity_resources";
const SCOPES: &str = "api_scopes";
const APIS: &str = "api_resources";

impl Resources {
    /// Checks that no scope is defined twice and that every scope of an API exists. `plain_secrets`
    /// tells whether secrets may stand in plain text (demo mode).
    pub fn new(
        identity: Vec<IdentityResource>,
        scopes: Vec<ApiScope>,
        apis: Vec<ApiResource>,
        plain_secrets: bool,
    ) -> Result<Self, SettingsError> {
        Self::with_every_mistake(identity, scopes, apis, plain_secrets)
            .map_err(SettingsError::first)
    }

    /// The same with every mistake.
    pub fn with_every_mistake(
        identity: Vec<IdentityResource>,
        scopes: Vec<ApiScope>,
        mut apis: Vec<ApiResource>,
        plain_secrets: bool,
    ) -> Result<Self, Vec<SettingsError>> {
        let mut mistakes = mistakes_of_names(&identity, &scopes);
        mistakes.extend(mistakes_of_claims(&identity, &apis));
        mistakes.extend(mistakes_of_apis(&apis, &scopes));
        let mut api_secrets = HashMap::new();
        for api in &mut apis {
            let secrets = SharedSecrets::from_settings(
                "secrets",
                std::mem::take(&mut api.secrets),
                plain_secrets,
            );
            match secrets {
                Ok(secrets) if secrets.is_empty() => {}
                Ok(secrets) => drop(api_secrets.insert(api.name.clone(), secrets)),
                Err(mistake) => mistakes.push(mistake.in_list(APIS)),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let list_claims = LIST_CLAIMS.map(str::to_owned).into();
        let access_token_typ = AccessTokenTyp::default();
        let unadvertised = BTreeSet::new();
        Ok(Self {
            identity,
            scopes,
            apis,
            api_secrets,
            list_claims,
            access_token_typ,
            unadvertised,
        })
    }

    /// The same resources, with these claims as lists in place of [`LIST_CLAIMS`].
    #[must_use]
    pub fn with_list_claims(self, names: impl IntoIterator<Item = String>) -> Self {
        Self { list_claims: names.into_iter().collect(), ..self }
    }

    /// With another `typ` of access tokens for the APIs that ask for none.
    #[must_use]
    pub fn with_access_token_typ(self, access_token_typ: AccessTokenTyp) -> Self {
        Self { access_token_typ, ..self }
    }

    /// The same resources, of which discovery leaves these scopes out (RFC 8414 section 2). They
    /// can be had as before.
    #[must_use]
    pub fn without_advertising(self, scopes: impl IntoIterator<Item = String>) -> Self {
        Self { unadvertised: scopes.into_iter().collect(), ..self }
    }

    /// The `typ` of access tokens for this API; without one, for this provider's own endpoints.
    pub(crate) fn access_token_typ(&self, api: Option<&ApiResource>) -> AccessTokenTyp {
        api.and_then(|api| api.access_token_typ).unwrap_or(self.access_token_typ)
    }

    /// The scopes that give claims about the user.
    pub fn identity_resources(&self) -> &[IdentityResource] {
        &self.identity
    }

    /// The scopes of APIs.
    pub fn api_scopes(&self) -> &[ApiScope] {
        &self.scopes
    }

    /// The APIs. Their secrets are not among what is given.
    pub fn api_resources(&self) -> &[ApiResource] {
        &self.apis
    }

    /// Whether a claim is an array even with one value.
    pub fn is_list_claim(&self, name: &str) -> bool {
        self.list_claims.contains(name)
    }

    /// Checks that keys are kept for the algorithms that APIs ask for.
    pub fn check_algorithms(&self, algorithms: &[SigningAlgorithm]) -> Result<(), SettingsError> {
        let mut asked = self.apis.iter().flat_map(|api| &api.access_token_signing_algs);
        match asked.find(|asked| !algorithms.contains(asked)) {
            None => Ok(()),
            Some(missing) => {
                let problem = "list this algorithm under provider.signing_algorithms, too";
                Err(SettingsError::new("access_token_signing_algs", missing, problem).in_list(APIS))
            }
        }
    }

    /// Whether the scope is defined.
    pub fn knows(&self, scope: &str) -> bool {
        scope == OFFLINE_ACCESS
            || self.is_identity(scope)
            || self.scopes.iter().any(|own| own.name == scope)
    }

    /// Whether the scope is about the user's identity and so means nothing without a user.
    pub fn is_identity(&self, scope: &str) -> bool {
        self.identity.iter().any(|own| own.name == scope)
    }

    /// Every scope that is advertised, for discovery.
    pub fn scope_names(&self) -> Vec<String> {
        let identity = self.identity.iter().map(|resource| resource.name.clone());
        let apis = self.scopes.iter().map(|scope| scope.name.clone());
        identity
            .chain(apis)
            .chain([OFFLINE_ACCESS.to_owned()])
            .filter(|name| !self.unadvertised.contains(name))
            .collect()
    }

    /// Every claim that a scope gives, for discovery.
    pub fn claim_names(&self) -> Vec<String> {
        let mut names = vec!["sub".to_owned()];
        for claim in self.identity.iter().flat_map(|resource| &resource.user_claims) {
            if !names.contains(claim) {
                names.push(claim.clone());
            }
        }
        names
    }

    /// The claims about the user that this scope gives to userinfo (and to ID tokens where so set).
    pub fn identity_claims<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a str> {
        self.identity
            .iter()
            .filter(|resource| scope.contains(&resource.name))
            .flat_map(|resource| resource.user_claims.iter().map(String::as_str))
            .filter(|claim| *claim != "sub")
    }

    /// The APIs that this scope leads to.
    pub fn apis<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a ApiResource> {
        self.apis.iter().filter(|api| api.scopes.iter().any(|own| scope.contains(own)))
    }

    /// The API of this name.
    pub fn api(&self, name: &str) -> Option<&ApiResource> {
        self.apis.iter().find(|api| api.name == name)
    }

    /// The API of this name, if it has secrets to authenticate with.
    pub fn authenticating_api(&self, name: &str) -> Option<&ApiResource> {
        self.api(name).filter(|api| self.api_secrets.contains_key(&api.name))
    }

    /// Whether the secret is one of this API's; constant time for each.
    pub fn verifies_api_secret(&self, api: &ApiResource, secret: &Secret, now: Timestamp) -> bool {
        self.api_secrets.get(&api.name).is_some_and(|secrets| secrets.verify(secret, now))
    }

    /// The scope as the consent page shows it, in its order.
    pub fn describe(&self, scope: &Scope) -> Vec<ScopeDescription> {
        scope.iter().filter_map(|name| self.describe_one(name)).collect()
    }

    /// What a user grants of the requested scope: what they ticked, and what can't be unticked.
    pub fn granted(&self, requested: &Scope, ticked: &Scope) -> Scope {
        let described = self.describe(requested);
        let required =
            |token: &str| described.iter().any(|scope| scope.required && scope.name == token);
        requested.filtered(|token| ticked.contains(token) || required(token))
    }

    fn describe_one(&self, name: &str) -> Option<ScopeDescription> {
        if name == OFFLINE_ACCESS {
            return Some(ScopeDescription {
                name: name.to_owned(),
                display_name: "Access while you are away".to_owned(),
                description: Some(
                    "The application stays signed in for you without asking again.".to_owned(),
                ),
                required: false,
                emphasize: true,
            });
        }
        let identity =
            self.identity.iter().find(|own| own.name == name).map(|own| ScopeDescription {
                name: own.name.clone(),
                display_name: own.display_name.clone(),
                description: None,
                required: own.required,
                emphasize: false,
            });
        identity.or_else(|| {
            self.scopes.iter().find(|own| own.name == name).map(|own| ScopeDescription {
                name: own.name.clone(),
                display_name: own.display_name.clone(),
                description: own.description.clone(),
                required: own.required,
                emphasize: own.emphasize,
            })
        })
    }
}

/// Every scope is one, and is defined once.
fn mistakes_of_names(identity: &[IdentityResource], scopes: &[ApiScope]) -> Vec<SettingsError> {
    let mut mistakes = Vec::new();
    let mut names: Vec<&str> = vec![OFFLINE_ACCESS];
    let of_identity = identity.iter().map(|resource| (IDENTITY, &resource.name));
    for (list, name) in of_identity.chain(scopes.iter().map(|scope| (SCOPES, &scope.name))) {
        let mut refuse = |problem| {
            mistakes.push(SettingsError::new("name", name, problem).in_list(list));
        };
        if !is_scope_token(name) {
            refuse("not a scope (RFC 6749 section 3.3)");
        } else if names.contains(&name.as_str()) {
            refuse("this scope is defined twice");
        }
        names.push(name);
    }
    mistakes
}

/// No list has a claim that the protocol sets itself.
fn mistakes_of_claims(identity: &[IdentityResource], apis: &[ApiResource]) -> Vec<SettingsError> {
    let mut mistakes = Vec::new();
    let of_identity = identity.iter().map(|resource| (IDENTITY, &resource.user_claims));
    for (list, claims) in of_identity.chain(apis.iter().map(|api| (APIS, &api.user_claims))) {
        for reserved in claims.iter().filter(|name| *name != "sub" && is_reserved_claim(name)) {
            let problem = "the protocol sets this claim itself";
            mistakes.push(SettingsError::new("user_claims", reserved, problem).in_list(list));
        }
    }
    mistakes
}

/// Every API is defined once, and every scope of an API exists.
fn mistakes_of_apis(apis: &[ApiResource], scopes: &[ApiScope]) -> Vec<SettingsError> {
    let mut mistakes = Vec::new();
    for (index, api) in apis.iter().enumerate() {
        if apis[..index].iter().any(|other| other.name == api.name) {
            let problem = "this API is defined twice";
            mistakes.push(SettingsError::new("name", &api.name, problem).in_list(APIS));
        }
        let is_defined = |scope: &&String| scopes.iter().any(|own| own.name == **scope);
        for unknown in api.scopes.iter().filter(|scope| !is_defined(scope)) {
            let problem = "define it under api_scopes first";
            mistakes.push(SettingsError::new("scopes", unknown, problem).in_list(APIS));
        }
    }
    mistakes
}
