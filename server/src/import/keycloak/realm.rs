//! What a realm export has beside users: clients, groups and roles.

use std::collections::{BTreeMap, BTreeSet};

use doorward_provider::model::group::{Group, name_made_of};
use serde::Deserialize;
use serde_json::Value;

use crate::import::foreign_client::{Configuration, ForeignClient, ForeignGroup};

/// Clients that each realm has for Keycloak itself.
pub const OWN_CLIENTS: [&str; 6] = [
    "account",
    "account-console",
    "admin-cli",
    "broker",
    "realm-management",
    "security-admin-console",
];

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

/// Members of a realm that say nothing which must be kept, or are empty by default.
const LISTS: [(&str, &str); 5] = [
    ("identityProviders", "the identity provider"),
    ("clientScopes", "the client scope"),
    ("authenticationFlows", "the authentication flow"),
    ("requiredActions", "the required action"),
    ("identityProviderMappers", "the mapper of an identity provider"),
];

/// What is built into every realm, and is no loss.
fn is_built_in(list: &str, value: &Value) -> bool {
    match list {
        "authenticationFlows" => value["builtIn"] == Value::Bool(true),
        "requiredActions" => true,
        "clientScopes" => {
            let name = value["name"].as_str().unwrap_or_default();
            let standard = ["address", "email", "offline_access", "phone", "profile"];
            OWN_SCOPES.contains(&name) || standard.contains(&name)
        }
        _ => false,
    }
}

/// The lists of a realm that [`element`] takes.
pub const MEMBERS: [&str; 7] =
    ["clients", "groups", LISTS[0].0, LISTS[1].0, LISTS[2].0, LISTS[3].0, LISTS[4].0];

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
                Err(error) => configuration.groups.push(Err(format!("the group {name}: {error}"))),
            }
        }
        // Of the roles of the realm.
        "realm" => {
            let name = value["name"].as_str().unwrap_or_default();
            if value["composite"] == Value::Bool(true) && !name.starts_with("default-roles-") {
                configuration.left.push(format!("what the composite role {name} has within it"));
            }
        }
        list => {
            let what = LISTS.iter().find(|(name, _)| *name == list);
            if let Some((_, what)) = what.filter(|_| !is_built_in(list, &value)) {
                let named = ["alias", "name", "displayName", "id"];
                let name = named.iter().find_map(|name| value[*name].as_str());
                configuration.left.push(format!("{what} {}", name.unwrap_or("without a name")));
            }
        }
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
}

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
        Ok(client)
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
                _ => client.leave("the key by which it authenticates: register it as jwks"),
            },
            other => client.leave(format!("the authentication {other:?}")),
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
}

impl ExportedGroup {
    /// The group, and those below it. Members of a group below have what the group above gives: the
    /// roles of those above are `inherited`.
    fn foreign(self, above: &str, inherited: &BTreeSet<String>, configuration: &mut Configuration) {
        let path =
            if above.is_empty() { self.name.clone() } else { format!("{above}/{}", self.name) };
        let mut roles = inherited.clone();
        roles.extend(self.realm_roles.iter().cloned());
        let name = match name_made_of(&path) {
            Ok(name) => name,
            Err(error) => {
                configuration.groups.push(Err(format!("the group {path}: {error}")));
                return;
            }
        };
        let mut left = Vec::new();
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
        let checked = group.check().map_err(|error| format!("the group {path}: {error}"));
        let foreign = checked.map(|()| ForeignGroup { path: path.clone(), group, left });
        configuration.groups.push(foreign);
        for below in self.sub_groups {
            below.foreign(&path, &roles, configuration);
        }
    }
}
