//! The tokens of well-known providers, by their documentation.

use super::{ClaimPath, TokenProfile};
use crate::TrustedIssuer;

impl TokenProfile {
    /// Keycloak. The header's type is `JWT`, so the claim `typ` tells access tokens (`Bearer` or
    /// `DPoP`) from ID tokens (`ID`) and others. Roles are those of the realm, and those of the
    /// client that is named like the API.
    pub fn keycloak(audience: &str) -> Self {
        Self::jwt()
            // Older versions write `nonce` into access tokens, too; `typ` decides.
            .without_forbidden()
            .forbidding(ClaimPath::name("at_hash"))
            .requiring(ClaimPath::name("typ"), ["Bearer", "DPoP"])
            .with_client_at(["client_id", "azp"].map(ClaimPath::name))
            .with_roles_at([
                ClaimPath::members(["realm_access", "roles"]),
                ClaimPath::members([
                    "resource_access".to_owned(),
                    audience.to_owned(),
                    "roles".to_owned(),
                ]),
            ])
            .with_client_required()
    }

    /// Microsoft Entra ID, tokens of version 1 and 2. The client is in `azp` (2) or `appid` (1),
    /// and ID tokens have neither.
    pub fn entra_id() -> Self {
        Self::jwt()
            .with_client_at(["azp", "appid"].map(ClaimPath::name))
            .with_scope_at([ClaimPath::name("scp")])
            .with_roles_at([ClaimPath::name("roles")])
            .with_client_required()
    }

    /// Auth0, both of its token profiles. Auth0 has no claim for roles: add those of your Action
    /// by [`TokenProfile::with_roles_at`]. The claim `permissions` can be required by a policy.
    pub fn auth0() -> Self {
        Self::jwt()
            .with_client_at(["client_id", "azp"].map(ClaimPath::name))
            .with_roles_at([])
            .with_client_required()
    }

    /// Okta, tokens of a custom authorization server. Their header has no type. The client is in
    /// `cid`, which ID tokens don't have. The user is in `uid`, as in `sub` of ID tokens: here,
    /// `sub` is the login name, which can change and be given to somebody else. Tokens of a client
    /// that acts for itself have `sub` alone. Roles are the groups, if a claim `groups` is
    /// configured.
    pub fn okta() -> Self {
        Self::jwt()
            .with_subject_at(["uid", "sub"].map(ClaimPath::name))
            .with_client_at([ClaimPath::name("cid")])
            .with_scope_at([ClaimPath::name("scp")])
            .with_roles_at([ClaimPath::name("groups")])
            .with_client_required()
    }

    /// Amazon Cognito. `token_use` tells access tokens from ID tokens. Most tokens have no `aud`:
    /// then the audience of the API is the identifier of the app client that may call it.
    pub fn cognito() -> Self {
        let mut profile = Self::jwt()
            .requiring(ClaimPath::name("token_use"), ["access"])
            .with_client_at([ClaimPath::name("client_id")])
            .with_roles_at([ClaimPath::name("cognito:groups")])
            .with_client_required();
        profile.audience = ["aud", "client_id"].map(ClaimPath::name).to_vec();
        profile
    }

    /// Zitadel, for applications whose access tokens are JWTs. ID tokens have `azp`, too, but no
    /// `jti`. Roles are the names in the object `urn:zitadel:iam:org:project:roles`.
    pub fn zitadel() -> Self {
        let mut profile = Self::jwt()
            .with_client_at(["client_id", "azp"].map(ClaimPath::name))
            .with_roles_at([ClaimPath::name("urn:zitadel:iam:org:project:roles")])
            .forbidding(ClaimPath::name("acr"))
            .forbidding(ClaimPath::name("amr"));
        profile.requires_jti = true;
        profile
    }

    /// `IdentityServer4` and Duende `IdentityServer`: as RFC 9068, with the scope as an array. Also
    /// accepts the type `JWT` of older versions, with a client and a `jti`.
    pub fn identity_server() -> Self {
        let mut profile = Self::jwt()
            .with_client_at([ClaimPath::name("client_id")])
            .with_roles_at([ClaimPath::name("role")])
            .with_client_required();
        profile.types = vec!["at+jwt".into(), "JWT".into()];
        profile
    }

    /// The preset of this name, for configuration files: `rfc9068`, `jwt`, `keycloak`, `entra-id`,
    /// `auth0`, `okta`, `cognito`, `zitadel` or `identity-server`.
    pub fn named(name: &str, audience: &str) -> Option<Self> {
        Some(match name {
            "rfc9068" => Self::rfc9068(),
            "jwt" => Self::jwt(),
            "keycloak" => Self::keycloak(audience),
            "entra-id" => Self::entra_id(),
            "auth0" => Self::auth0(),
            "okta" => Self::okta(),
            "cognito" => Self::cognito(),
            "zitadel" => Self::zitadel(),
            "identity-server" => Self::identity_server(),
            _ => return None,
        })
    }

    /// The names that [`TokenProfile::named`] knows.
    pub const NAMES: [&'static str; 9] = [
        "rfc9068",
        "jwt",
        "keycloak",
        "entra-id",
        "auth0",
        "okta",
        "cognito",
        "zitadel",
        "identity-server",
    ];

    fn without_forbidden(mut self) -> Self {
        self.forbidden.clear();
        self
    }

    fn with_client_required(mut self) -> Self {
        self.requires_client = true;
        self
    }
}

/// Issuers by the names that their providers give them.
impl TrustedIssuer {
    /// A realm of Keycloak at `base`, such as `https://id.example.com`.
    ///
    /// ```
    /// use doorward_resource_server::TrustedIssuer;
    ///
    /// let issuer = TrustedIssuer::keycloak("https://id.example.com", "shop", "orders-api");
    /// assert_eq!(issuer.issuer, "https://id.example.com/realms/shop");
    /// ```
    pub fn keycloak(base: &str, realm: &str, audience: impl Into<String>) -> Self {
        let audience = audience.into();
        let profile = TokenProfile::keycloak(&audience);
        let issuer = format!("{}/realms/{realm}", base.trim_end_matches('/'));
        Self::new(issuer, audience).with_profile(profile)
    }

    /// A tenant of Microsoft Entra ID, by its identifier (a GUID), for access tokens of version 2.
    /// `audience` is the API's application identifier.
    pub fn entra_id(tenant: &str, audience: impl Into<String>) -> Self {
        Self::new(format!("https://login.microsoftonline.com/{tenant}/v2.0"), audience)
            .with_profile(TokenProfile::entra_id())
    }

    /// A tenant of Microsoft Entra ID, for access tokens of version 1: those of an API whose
    /// manifest does not say `requestedAccessTokenVersion: 2`. `audience` is then its URI.
    pub fn entra_id_v1(tenant: &str, audience: impl Into<String>) -> Self {
        Self::new(format!("https://sts.windows.net/{tenant}/"), audience)
            .with_profile(TokenProfile::entra_id())
    }

    /// A tenant of Auth0 by its domain, such as `shop.eu.auth0.com`.
    pub fn auth0(domain: &str, audience: impl Into<String>) -> Self {
        Self::new(format!("https://{domain}/"), audience).with_profile(TokenProfile::auth0())
    }

    /// A custom authorization server of Okta, such as `default`, in an organization by its domain,
    /// such as `shop.okta.com`.
    pub fn okta(domain: &str, server: &str, audience: impl Into<String>) -> Self {
        Self::new(format!("https://{domain}/oauth2/{server}"), audience)
            .with_profile(TokenProfile::okta())
    }

    /// A user pool of Amazon Cognito. `audience` is the identifier of the app client that may call,
    /// or that of the resource server where tokens are bound to one.
    pub fn cognito(region: &str, pool: &str, audience: impl Into<String>) -> Self {
        Self::new(format!("https://cognito-idp.{region}.amazonaws.com/{pool}"), audience)
            .with_profile(TokenProfile::cognito())
    }

    /// An instance of Zitadel. `audience` is the project's identifier.
    pub fn zitadel(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::new(issuer, audience).with_profile(TokenProfile::zitadel())
    }

    /// `IdentityServer4` or Duende `IdentityServer`.
    pub fn identity_server(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::new(issuer, audience).with_profile(TokenProfile::identity_server())
    }
}
