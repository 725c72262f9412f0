//! What a realm export has beside users: clients, groups and roles.

use std::collections::{BTreeMap, BTreeSet};

use doorward_provider::model::group::{Group, name_made_of};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::import::foreign_client::{Configuration, ForeignClient, ForeignGroup, RefusedGroup};

/// Clients that each realm has for Keycloak itself.
pub const OWN_CLIENTS: [&str; 6] = [
    "account",
    "account-console",
    "admin-cli",
    "broker",
    "realm-management",
    "security-admin-console",
];

/// How the name of the role begins that every user of a realm has.
pub const DEFAULT_ROLES: &str = "default-roles-";

/// Scopes that every realm has for Keycloak itself, or that every client here has.
const OWN_SCOPES: [&str; 10] = [
    "AuthnContextClassRef",
    "acr",
    "basic",
    "microprofile-jwt",
    "organization",
    "role_list",
    "roles",
    "saml_organization",
    "service_account",
    "web-origins",
];

/// Whether a scope is one that Keycloak has for itself.
pub fn is_keycloaks_own_scope(scope: &str) -> bool {
    OWN_SCOPES.contains(&scope)
}

/// Lists of which each element is told by its name, and what is said about it.
const LISTS: [(&str, &str, &str); 8] = [
    ("identityProviders", "the identity provider", ": configure it under [[identity_providers]]"),
    (
        "identityProviderMappers",
        "the mapper of an identity provider",
        ": write rules under claims of the provider",
    ),
    ("clientScopes", "the client scope", ": define it under [[api_scopes]] and [[api_resources]]"),
    ("authenticationFlows", "the authentication flow", ""),
    ("requiredActions", "the required action", ""),
    ("userFederationProviders", "the user store", ": configure it under [[directories]]"),
    ("userFederationMappers", "the mapper of a user store", ""),
    ("protocolMappers", "the mapper", ""),
];

/// What users may have to do next by themselves in every realm.
const OWN_ACTIONS: [&str; 16] = [
    "CONFIGURE_RECOVERY_AUTHN_CODES",
    "CONFIGURE_TOTP",
    "TERMS_AND_CONDITIONS",
    "UPDATE_EMAIL",
    "UPDATE_PASSWORD",
    "UPDATE_PROFILE",
    "VERIFY_EMAIL",
    "VERIFY_PROFILE",
    "delete_account",
    "delete_credential",
    "idp_link",
    "terms_and_conditions",
    "update_user_locale",
    "verifiable_credential_offer",
    "webauthn-register",
    "webauthn-register-passwordless",
];

/// What is built into every realm, and is no loss.
fn is_built_in(list: &str, value: &Value) -> bool {
    let is = |member: &str| value[member] == Value::Bool(true);
    match list {
        "authenticationFlows" => is("builtIn"),
        "requiredActions" => {
            let action = value["providerId"].as_str().unwrap_or_default();
            let is_terms = action.eq_ignore_ascii_case("terms_and_conditions");
            !is("enabled") || (OWN_ACTIONS.contains(&action) && !is("defaultAction") && !is_terms)
        }
        "clientScopes" => {
            let name = value["name"].as_str().unwrap_or_default();
            let standard = ["address", "email", "offline_access", "phone", "profile"];
            OWN_SCOPES.contains(&name) || standard.contains(&name)
        }
        _ => false,
    }
}

/// Lists whose elements [`element`] takes.
pub fn lists() -> impl Iterator<Item = &'static str> {
    ["clients", "groups", "federatedUsers"].into_iter().chain(LISTS.iter().map(|(list, ..)| *list))
}

/// The default lifetimes of a realm, and the settings of clients that they become.
pub const LIFETIMES: [(&str, &str); 2] = [
    ("accessTokenLifespan", "access_token_lifetime"),
    ("oauth2DeviceCodeLifespan", "device_code_lifetime"),
];

/// Takes an element of a list of the realm.
pub fn element(list: &str, value: Value, configuration: &mut Configuration) {
    match list {
        "clients" => {
            let name = value["clientId"].as_str().unwrap_or("a client").to_owned();
            if OWN_CLIENTS.contains(&name.as_str()) {
                return;
            }
            let client = serde_json::from_value::<Client>(value);
            let client = client.map_err(|error| format!("the client {name}: {error}"));
            configuration.clients.push(client.and_then(Client::foreign));
        }
        "groups" => {
            let name = value["name"].as_str().unwrap_or("a group").to_owned();
            match serde_json::from_value::<ExportedGroup>(value) {
                Ok(group) => group.foreign("", &BTreeSet::new(), configuration),
                Err(error) => {
                    let problem = format!("the group {name}: {error}");
                    configuration.groups.push(Err(RefusedGroup { path: name, problem }));
                }
            }
        }
        "roles.realm" => realm_role(&value, configuration),
        "roles.client" => {
            for (client, roles) in value.as_object().into_iter().flatten() {
                let roles = roles.as_array().into_iter().flatten();
                let roles: Vec<&str> = roles.filter_map(|role| role["name"].as_str()).collect();
                if !roles.is_empty() && !OWN_CLIENTS.contains(&client.as_str()) {
                    let roles = roles.join(", ");
                    configuration.left.push(format!("the roles of the client {client}: {roles}"));
                }
            }
        }
        list => {
            let what = LISTS.iter().find(|(name, ..)| *name == list);
            if let Some((_, what, instead)) = what.filter(|_| !is_built_in(list, &value)) {
                let named = ["alias", "name", "displayName", "id"];
                let name = named.iter().find_map(|name| value[*name].as_str());
                let name = name.unwrap_or("without a name");
                configuration.left.push(format!("{what} {name}{instead}"));
            }
        }
    }
}

/// Refuses groups that have one path, as a name may have a slash: whoever is in one of them would
/// get what the other one gives.
pub fn refuse_shared_paths(groups: &mut [Result<ForeignGroup, RefusedGroup>]) {
    let path_of = |group: &Result<ForeignGroup, RefusedGroup>| match group {
        Ok(group) => group.path.clone(),
        Err(group) => group.path.clone(),
    };
    let mut paths = BTreeMap::<String, usize>::new();
    for group in groups.iter() {
        *paths.entry(path_of(group)).or_default() += 1;
    }
    for group in groups {
        let path = path_of(group);
        if paths.get(&path).is_some_and(|count| *count > 1) {
            let problem = format!(
                "the group {path}: the export has several groups with this path, and does not say \
                 who is in which. Nobody becomes a member: give one of them another name"
            );
            *group = Err(RefusedGroup { path, problem });
        }
    }
}

/// What a role has beside its name, and within it. The default role is one that every user has.
fn realm_role(value: &Value, configuration: &mut Configuration) {
    let name = value["name"].as_str().unwrap_or_default();
    let attributes = value["attributes"].as_object().into_iter().flatten();
    let attributes: Vec<&str> = attributes.map(|(attribute, _)| attribute.as_str()).collect();
    if !attributes.is_empty() {
        let attributes = attributes.join(", ");
        let what = format!("the attributes of the role {name}: {attributes}");
        configuration.left.push(format!("{what}. Give them as claims to a group"));
    }
    if value["composite"] != Value::Bool(true) {
        return;
    }
    if !name.starts_with(DEFAULT_ROLES) {
        configuration.left.push(format!("what the composite role {name} has within it"));
        return;
    }
    let composites = &value["composites"];
    let realm = composites["realm"].as_array().into_iter().flatten();
    let own = ["offline_access", "uma_authorization"];
    let mut roles: Vec<String> = realm
        .filter_map(Value::as_str)
        .filter(|role| !own.contains(role))
        .map(str::to_owned)
        .collect();
    for (client, of_client) in composites["client"].as_object().into_iter().flatten() {
        if !OWN_CLIENTS.contains(&client.as_str()) {
            let names = of_client.as_array().into_iter().flatten().filter_map(Value::as_str);
            roles.extend(names.map(|role| format!("{client}.{role}")));
        }
    }
    if !roles.is_empty() {
        configuration.left.push(format!(
            "the roles that every user has by {name}: {}. Give them to a group of all users",
            roles.join(", ")
        ));
    }
}

/// `ClientRepresentation`, the members that are taken over or reported.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_excessive_bools, clippy::struct_field_names)] // As Keycloak writes it.
struct Client {
    client_id: String,
    name: Option<String>,
    description: Option<String>,
    enabled: Option<bool>,
    protocol: Option<String>,
    bearer_only: bool,
    public_client: bool,
    client_authenticator_type: Option<String>,
    secret: Option<String>,
    root_url: Option<String>,
    base_url: Option<String>,
    redirect_uris: Vec<String>,
    web_origins: Vec<String>,
    standard_flow_enabled: Option<bool>,
    implicit_flow_enabled: bool,
    direct_access_grants_enabled: bool,
    service_accounts_enabled: bool,
    authorization_services_enabled: bool,
    consent_required: bool,
    default_client_scopes: Vec<String>,
    optional_client_scopes: Vec<String>,
    protocol_mappers: Vec<Value>,
    attributes: BTreeMap<String, Option<String>>,
    full_scope_allowed: Option<bool>,
    authentication_flow_binding_overrides: Map<String, Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Members of a client that say nothing here.
const CLIENT_OF_NO_USE: [&str; 12] = [
    "id",
    "access",
    "adminUrl",
    "alwaysDisplayInConsole",
    "authorizationSettings",
    "frontchannelLogout",
    "nodeReRegistrationTimeout",
    "notBefore",
    "origin",
    "registeredNodes",
    "surrogateAuthRequired",
    "type",
];

/// Attributes of a client that are taken over, or say nothing here.
const KNOWN_ATTRIBUTES: [&str; 27] = [
    "access.token.header.type.rfc9068",
    "access.token.lifespan",
    "backchannel.logout.revoke.offline.tokens",
    "backchannel.logout.session.required",
    "backchannel.logout.url",
    "client.introspection.response.allow.jwt.claim.enabled",
    "client.secret.creation.time",
    "client.use.lightweight.access.token.enabled",
    "client_credentials.use_refresh_token",
    "consent.screen.text",
    "display.on.consent.screen",
    "dpop.bound.access.tokens",
    "frontchannel.logout.session.required",
    "frontchannel.logout.url",
    "jwks.url",
    "logoUri",
    "oauth2.device.authorization.grant.enabled",
    "oauth2.device.code.lifespan",
    "oauth2.device.polling.interval",
    "pkce.code.challenge.method",
    "policyUri",
    "post.logout.redirect.uris",
    "realm_client",
    "require.pushed.authorization.requests",
    "tosUri",
    "use.jwks.url",
    "use.refresh.tokens",
];

/// Attributes without which a client is open to more than it was: what each means, and what to do.
const RESTRICTIONS: [(&str, &str, &str); 3] = [
    (
        "minimum.acr.value",
        "sign-ins must be as strong as it says (minimum.acr.value)",
        "set require_acr",
    ),
    (
        "request.object.required",
        "it must send request objects",
        "set require_signed_request_object and the keys (jwks)",
    ),
    (
        "tls.client.certificate.bound.access.tokens",
        "its tokens are bound to its certificate",
        "set require_dpop, or see that tokens need no binding",
    ),
];

/// Keycloak's word for "several", in attributes.
const SEPARATOR: &str = "##";

impl Client {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_deref().filter(|text| !text.is_empty())
    }

    fn is_on(&self, name: &str) -> bool {
        self.attribute(name) == Some("true")
    }

    /// A URL of the client, which may be relative to its root.
    fn absolute(&self, url: &str) -> String {
        match &self.root_url {
            Some(root) if url.starts_with('/') => format!("{}{url}", root.trim_end_matches('/')),
            _ => url.to_owned(),
        }
    }

    fn foreign(self) -> Result<ForeignClient, String> {
        let id = self.client_id.as_str();
        if let Some(protocol) = self.protocol.as_deref().filter(|name| *name != "openid-connect") {
            return Err(format!("the client {id}: it speaks {protocol}, and not OpenID Connect"));
        }
        if self.bearer_only {
            return Err(format!(
                "the client {id}: it is an API, and no client (bearer-only): define it under \
                 [[api_resources]]"
            ));
        }
        let mut client = ForeignClient::new(id);
        client.text("client_name", self.name.as_deref().filter(|name| !name.starts_with("${")));
        client.text("description", self.description.as_deref());
        client.set("enabled", self.enabled.unwrap_or(true));
        client.set("require_consent", self.consent_required);
        self.grants(&mut client);
        self.authentication(&mut client);
        self.addresses(&mut client);
        for (name, setting) in [
            ("access.token.lifespan", "access_token_lifetime"),
            ("oauth2.device.code.lifespan", "device_code_lifetime"),
        ] {
            if let Some(seconds) = self.attribute(name).and_then(|text| text.parse::<i64>().ok()) {
                client.set(setting, seconds);
            }
        }
        client.scopes.push("openid".to_owned());
        let scopes = self.default_client_scopes.iter().chain(&self.optional_client_scopes);
        for scope in scopes.filter(|scope| !OWN_SCOPES.contains(&scope.as_str())) {
            if scope == "offline_access" {
                client.set("allow_offline_access", true);
            } else {
                client.scopes.push(scope.clone());
            }
        }
        for mapper in &self.protocol_mappers {
            let name = mapper["name"].as_str().unwrap_or("without a name");
            client.leave(format!("the mapper {name:?}"));
        }
        if self.authorization_services_enabled {
            client.leave("authorization services: write policies where the API is");
        }
        if self.full_scope_allowed == Some(false) {
            client.leave("full scope is off: its tokens had some roles of a user only");
        }
        if !self.authentication_flow_binding_overrides.is_empty() {
            let advice = "set require_acr, or what else the flow asked for";
            client.disable("authentication flows of its own", advice);
        }
        self.unknown(&mut client);
        Ok(client)
    }

    /// Tells what is not known here. Attributes may be secrets, so their names alone are said.
    fn unknown(&self, client: &mut ForeignClient) {
        for (name, value) in &self.others {
            let is_empty = value.as_array().is_some_and(Vec::is_empty)
                || value.as_object().is_some_and(Map::is_empty)
                || [Value::Null, Value::Bool(false)].contains(value);
            if !is_empty && !CLIENT_OF_NO_USE.contains(&name.as_str()) {
                client.leave(format!("{name}, which is not known here"));
            }
        }
        for (name, value) in &self.attributes {
            let is_off =
                matches!(value.as_deref(), None | Some("" | "false" | "0" | "{}" | "not required"));
            let restriction = RESTRICTIONS.iter().find(|(attribute, ..)| attribute == name);
            if let Some((_, what, advice)) = restriction.filter(|_| !is_off) {
                client.disable(what, advice);
                continue;
            }
            // Of SAML, which clients of OpenID Connect have as well.
            let is_known = KNOWN_ATTRIBUTES.contains(&name.as_str()) || name.starts_with("saml");
            if !is_off && !is_known {
                client.leave(format!("the attribute {name}"));
            }
        }
    }

    fn grants(&self, client: &mut ForeignClient) {
        let mut grants = Vec::new();
        let mut add = |is_on: bool, grant: &str| {
            if is_on {
                grants.push(grant.to_owned());
            }
        };
        add(self.standard_flow_enabled.unwrap_or(true), "authorization_code");
        add(self.service_accounts_enabled, "client_credentials");
        add(self.is_on("oauth2.device.authorization.grant.enabled"), "device_code");
        client.list("allowed_grant_types", grants);
        // The page of the client would ask for the password, which RFC 9700 tells not to do.
        if self.direct_access_grants_enabled {
            client.leave("direct access grants (the grant password)");
        }
        if self.implicit_flow_enabled {
            client.leave("the implicit flow: use the code flow with PKCE");
        }
        // Keycloak asks for PKCE only where it is set.
        let wants_pkce = self.attribute("pkce.code.challenge.method").is_some();
        client.set("require_pkce", wants_pkce || self.public_client);
        if self.is_on("dpop.bound.access.tokens") {
            client.set("require_dpop", true);
        }
        if self.is_on("require.pushed.authorization.requests") {
            client.set("require_par", true);
        }
    }

    fn authentication(&self, client: &mut ForeignClient) {
        client.set("require_client_secret", !self.public_client);
        if self.public_client {
            return;
        }
        match self.client_authenticator_type.as_deref().unwrap_or("client-secret") {
            "client-secret" => match self.secret.as_deref() {
                // Exports of the page have asterisks in place of secrets.
                Some(secret) if !secret.is_empty() && secret.bytes().any(|byte| byte != b'*') => {
                    client.plain_secret(secret);
                }
                _ => client.leave("the secret, which the export does not have"),
            },
            "client-jwt" => match self.attribute("jwks.url") {
                Some(url) if self.is_on("use.jwks.url") => client.set("jwks_uri", url),
                _ => client.disable("the key by which it authenticates", "register it as jwks"),
            },
            other => {
                let advice = "register keys as jwks, or see that a secret is enough";
                client.disable(format!("the authentication {other:?}"), advice);
            }
        }
    }

    fn addresses(&self, client: &mut ForeignClient) {
        let (mut uris, mut wild) = (Vec::new(), Vec::new());
        for uri in &self.redirect_uris {
            let uri = self.absolute(uri);
            if uri.contains('*') { wild.push(uri) } else { uris.push(uri) }
        }
        for uri in wild {
            client.leave(format!("the redirect URI {uri}: write each one in full"));
        }
        let mut after_logout = Vec::new();
        let given = self.attribute("post.logout.redirect.uris").unwrap_or_default();
        for uri in given.split(SEPARATOR).filter(|uri| !uri.is_empty() && *uri != "-") {
            match self.absolute(uri) {
                // All redirect URIs.
                plus if plus == "+" => after_logout.extend(uris.iter().cloned()),
                uri if uri.contains('*') => {
                    client.leave(format!("the URI after logout {uri}: write each one in full"));
                }
                uri => after_logout.push(uri),
            }
        }
        let mut origins = Vec::new();
        for origin in &self.web_origins {
            match origin.as_str() {
                // The origins of all redirect URIs, which are allowed here anyway.
                "+" => {}
                "*" => client.leave("web origins: any. Write each one"),
                origin => origins.push(origin.trim_end_matches('/').to_owned()),
            }
        }
        client.list("redirect_uris", uris);
        client.list("post_logout_redirect_uris", after_logout);
        client.list("allowed_cors_origins", origins);
        client.text("client_uri", self.base_url.as_deref().filter(|url| url.starts_with("https:")));
        for (attribute, setting) in
            [("logoUri", "logo_uri"), ("policyUri", "policy_uri"), ("tosUri", "tos_uri")]
        {
            client.text(setting, self.attribute(attribute));
        }
        for (attribute, setting) in [
            ("backchannel.logout.session.required", "back_channel_logout_session_required"),
            ("frontchannel.logout.session.required", "front_channel_logout_session_required"),
        ] {
            if self.attribute(attribute).is_some() {
                client.set(setting, self.is_on(attribute));
            }
        }
        client.text("back_channel_logout_uri", self.attribute("backchannel.logout.url"));
        client.text("front_channel_logout_uri", self.attribute("frontchannel.logout.url"));
    }
}

/// `GroupRepresentation`, the members that are taken over or reported.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ExportedGroup {
    name: String,
    attributes: BTreeMap<String, Vec<String>>,
    realm_roles: Vec<String>,
    client_roles: BTreeMap<String, Vec<String>>,
    sub_groups: Vec<ExportedGroup>,
    description: Option<String>,
}

impl ExportedGroup {
    /// The group, and those below it. Members of a group below have what the group above gives: the
    /// roles of those above are `inherited`.
    fn foreign(self, above: &str, inherited: &BTreeSet<String>, configuration: &mut Configuration) {
        let path =
            if above.is_empty() { self.name.clone() } else { format!("{above}/{}", self.name) };
        let refused = |error: &dyn std::fmt::Display| RefusedGroup {
            path: path.clone(),
            problem: format!("the group {path}: {error}"),
        };
        let mut roles = inherited.clone();
        roles.extend(self.realm_roles.iter().cloned());
        let name = match name_made_of(&path) {
            Ok(name) => name,
            Err(error) => {
                configuration.groups.push(Err(refused(&error)));
                return;
            }
        };
        let mut left = Vec::new();
        if self.description.is_some_and(|text| !text.is_empty()) {
            left.push("its description".to_owned());
        }
        let mut group = Group::new(name);
        if *group.name != path {
            left.push(format!("its name {path}: here it is {}", group.name));
            group.display_name = Some(path.clone());
        }
        for role in &roles {
            if role.contains(char::is_whitespace) {
                left.push(format!("the role {role:?}, which has a space"));
            } else {
                group.roles.push(role.clone());
            }
        }
        for (name, mut values) in self.attributes {
            let value: Value =
                if values.len() == 1 { values.remove(0).into() } else { values.into() };
            let mut with = group.clone();
            with.claims.0.insert(name.clone(), value);
            match with.check() {
                Ok(()) => group = with,
                Err(_) => left.push(format!("the attribute {name:?}")),
            }
        }
        for (client, roles) in &self.client_roles {
            if !OWN_CLIENTS.contains(&client.as_str()) && !roles.is_empty() {
                left.push(format!("roles of the client {client}: {}", roles.join(", ")));
            }
        }
        let checked = group.check().map_err(|error| refused(&error));
        let foreign = checked.map(|()| ForeignGroup { path: path.clone(), group, left });
        configuration.groups.push(foreign);
        for below in self.sub_groups {
            below.foreign(&path, &roles, configuration);
        }
    }
}
