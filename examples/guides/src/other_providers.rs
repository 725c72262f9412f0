//! `docs/guides/tokens-of-other-providers.md`.

use doorward_resource_server::{ClaimPath, ResourceServerSettings, TrustedIssuer};

pub fn trusted() -> (ResourceServerSettings, TrustedIssuer) {
    let keycloak = TrustedIssuer::keycloak("https://sso.example.com", "shop", "orders");
    let settings = ResourceServerSettings::for_issuer(keycloak);

    // Auth0 has no claim for roles. An Action can add one, whose name must be a URL.
    let mut auth0 = TrustedIssuer::auth0("shop.eu.auth0.com", "https://orders.example.com");
    auth0.profile = auth0.profile.with_roles_at([ClaimPath::name("https://example.com/roles")]);
    (settings, auth0)
}
