//! Users of a Keycloak realm export: one JSON object whose `users` are an array, as `kc.sh export
//! --users same_file` writes it. The files of `--users different_files` have the same form.

mod realm;
mod settings;

use std::{collections::BTreeMap, io::Read};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use doorward_provider::model::password::{PasswordError, PasswordHash, Pbkdf2Digest};
use serde::{Deserialize, de::DeserializeSeed as _};
use serde_json::{Map, Value};

use self::realm::{DEFAULT_ROLES, LIFETIMES, OWN_CLIENTS};
use super::{
    Configuration, ForeignConsent, ForeignLink, ForeignUser, Found, ReadError,
    elements_of::{ElementsOf, Names},
    is_empty,
};

type Each<'a> = &'a mut dyn FnMut(Found);

pub fn read(
    export: impl Read,
    each: Each<'_>,
    configuration: &mut Configuration,
) -> Result<(), ReadError> {
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(export));
    let lists: Vec<&'static str> = realm::lists().chain(["users"]).collect();
    let whole: Vec<&'static str> =
        settings::names().chain(LIFETIMES.map(|(there, _)| there)).collect();
    let mut lifetimes = Vec::new();
    let mut in_stores = 0_usize;
    let mut one = |list: &str, value: Value| {
        let lifetime = LIFETIMES.iter().find(|(there, _)| *there == list);
        if let Some((_, here)) = lifetime {
            lifetimes.extend(value.as_i64().map(|seconds| (*here, seconds)));
        } else if list == "users" {
            users(value, each);
        } else if list == "federatedUsers" {
            in_stores += 1;
        } else if lists.contains(&list) || list.starts_with("roles.") {
            realm::element(list, value, configuration);
        } else {
            settings::take(list, &value, configuration);
        }
    };
    let names = Names { lists: &lists, whole: &whole };
    let roles = Names { lists: &["realm"], whole: &["client"] };
    let found = ElementsOf { names, below: Some(("roles", roles)), each: &mut one }
        .deserialize(&mut json)
        .and_then(|found| json.end().map(|()| found))
        .map_err(|error| {
            ReadError(format!(
                "this is not a realm export of Keycloak, or it is damaged: {error}. Write one \
                 realm by kc.sh export --realm NAME --users same_file --file FILE"
            ))
        })?;
    if in_stores > 0 {
        let what = format!("what is kept of {in_stores} users of user stores (federatedUsers)");
        configuration.left.push(what);
    }
    realm::refuse_shared_paths(&mut configuration.groups);
    // A client has the lifetimes of the realm unless it has its own.
    for client in configuration.clients.iter_mut().flatten() {
        for (name, seconds) in &lifetimes {
            if !client.settings.contains_key(*name) {
                client.set(name, *seconds);
            }
        }
        client.shorten_jwts();
    }
    if found.contains(&"users") {
        return Ok(());
    }
    let advice = "the export has no users: write it by kc.sh export --users same_file";
    Err(ReadError(advice.to_owned()))
}

/// A user, and their consents.
fn users(value: Value, each: Each<'_>) {
    let name = value["username"].as_str().unwrap_or("a user").to_owned();
    let mut user = match serde_json::from_value::<User>(value) {
        Ok(user) => user,
        Err(error) => return each(Found::User(Err(format!("{name}: {error}")))),
    };
    let consents = std::mem::take(&mut user.client_consents);
    let sub = user.id.clone().unwrap_or_default();
    each(Found::User(user.foreign()));
    for consent in consents {
        let mut scopes = consent.granted_client_scopes;
        scopes.retain(|scope| !realm::is_keycloaks_own_scope(scope));
        // Keycloak's consents are about what is asked for beside it.
        scopes.push("openid".to_owned());
        each(Found::Consent(ForeignConsent {
            sub: sub.clone(),
            client_id: consent.client_id,
            scopes,
            expires_at: None,
        }));
    }
}

/// `UserRepresentation` of Keycloak, the members that are taken over or reported.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct User {
    id: Option<String>,
    username: String,
    enabled: bool,
    email: Option<String>,
    email_verified: bool,
    first_name: Option<String>,
    last_name: Option<String>,
    attributes: BTreeMap<String, Vec<String>>,
    credentials: Vec<StoredCredential>,
    realm_roles: Vec<String>,
    client_roles: BTreeMap<String, Vec<String>>,
    groups: Vec<String>,
    federated_identities: Vec<FederatedIdentity>,
    required_actions: Vec<String>,
    service_account_client_id: Option<String>,
    federation_link: Option<String>,
    client_consents: Vec<ClientConsent>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// The action of a user who has to set another password before anything else.
const UPDATE_PASSWORD: &str = "UPDATE_PASSWORD";

/// Members of a user that say nothing here.
const OF_NO_USE: [&str; 8] = [
    "access",
    "createdTimestamp",
    "disableableCredentialTypes",
    "notBefore",
    "origin",
    "self",
    "totp",
    "userProfileMetadata",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientConsent {
    client_id: String,
    #[serde(default)]
    granted_client_scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct StoredCredential {
    #[serde(rename = "type")]
    kind: String,
    /// JSON in a text.
    secret_data: String,
    /// JSON in a text.
    credential_data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FederatedIdentity {
    identity_provider: String,
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    user_name: Option<String>,
}

#[derive(Deserialize)]
struct SecretData {
    value: String,
    #[serde(default)]
    salt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialData {
    hash_iterations: u32,
    algorithm: String,
    #[serde(default)]
    additional_parameters: BTreeMap<String, Vec<String>>,
}

/// Roles that Keycloak gives to everybody, for itself.
fn is_keycloaks_own(role: &str) -> bool {
    role == "offline_access" || role == "uma_authorization" || role.starts_with(DEFAULT_ROLES)
}

impl User {
    fn foreign(self) -> Result<ForeignUser, String> {
        if let Some(client) = &self.service_account_client_id {
            let name = &self.username;
            let roles = self.realm_roles.iter().filter(|role| !is_keycloaks_own(role));
            let roles: Vec<&str> = roles.map(String::as_str).collect();
            let had = match roles.as_slice() {
                [] => String::new(),
                roles => {
                    format!(". It has the roles {}: set claims of the client", roles.join(", "))
                }
            };
            return Err(format!("{name}: the account of the client {client}, and nobody's{had}"));
        }
        let mut user = ForeignUser::new(&self.username, self.id.as_deref())?;
        user.is_disabled = !self.enabled;
        user.email(self.email.as_deref(), self.email_verified);
        let names = [self.first_name.as_deref(), self.last_name.as_deref()];
        let full: Vec<&str> = names.into_iter().flatten().filter(|name| !name.is_empty()).collect();
        user.claim("name", full.join(" "));
        user.claim("given_name", names[0].unwrap_or_default());
        user.claim("family_name", names[1].unwrap_or_default());
        let roles = self.realm_roles.into_iter().filter(|role| !is_keycloaks_own(role));
        user.claim("role", roles.collect::<Vec<_>>());
        // A path such as /staff/berlin.
        let groups = self.groups.iter().map(|group| group.trim_start_matches('/').to_owned());
        user.groups = groups.collect();
        for (name, mut values) in self.attributes {
            let value: Value =
                if values.len() == 1 { values.remove(0).into() } else { values.into() };
            match name.as_str() {
                // As the mappers of every realm have it.
                "phoneNumber" => user.own_claim("phone_number", value),
                "middleName" => user.own_claim("middle_name", value),
                "phoneNumberVerified" => user.own_claim("phone_number_verified", value),
                name => user.own_claim(name, value),
            }
        }
        for (client, roles) in &self.client_roles {
            if !OWN_CLIENTS.contains(&client.as_str()) && !roles.is_empty() {
                user.left.push(format!("roles of the client {client}: {}", roles.join(", ")));
            }
        }
        user.links.extend(self.federated_identities.into_iter().map(|identity| ForeignLink {
            provider: identity.identity_provider,
            subject: identity.user_id,
            shown: identity.user_name,
        }));
        if let Some(federation) = &self.federation_link {
            user.left.push(format!("the link to the user store {federation}"));
        }
        let has_to_change = self.required_actions.iter().any(|action| action == UPDATE_PASSWORD);
        let others = self.required_actions.iter().filter(|action| *action != UPDATE_PASSWORD);
        let actions: Vec<&str> = others.map(String::as_str).collect();
        if !actions.is_empty() {
            user.left.push(format!("what the user has to do next: {}", actions.join(", ")));
        }
        for (name, value) in &self.others {
            if !is_empty(value) && !OF_NO_USE.contains(&name.as_str()) {
                user.left.push(format!("the member {name}"));
            }
        }
        for credential in self.credentials {
            match credential.kind.as_str() {
                "password" => user.password(credential.hash()),
                other => user.left.push(format!("a credential of the kind {other}")),
            }
        }
        // Somebody else may know a password that has to be changed: it would work on here.
        if has_to_change && user.password_hash.take().is_some() {
            user.password_left =
                Some(format!("the user has to set another one ({UPDATE_PASSWORD})"));
        }
        Ok(user)
    }
}

impl StoredCredential {
    /// Keycloak's hashes: PBKDF2, and Argon2 since version 24.
    fn hash(&self) -> Result<PasswordHash, PasswordError> {
        let bad = |_| PasswordError::NotAHash;
        let secret: SecretData = serde_json::from_str(&self.secret_data).map_err(bad)?;
        let data: CredentialData = serde_json::from_str(&self.credential_data).map_err(bad)?;
        let bytes = |text: &str| BASE64.decode(text).map_err(|_| PasswordError::NotAHash);
        let (hash, salt) = (bytes(&secret.value)?, bytes(&secret.salt)?);
        let digest = match data.algorithm.as_str() {
            "argon2" => return data.argon2(&salt, &hash),
            "pbkdf2" => Pbkdf2Digest::Sha1,
            "pbkdf2-sha256" => Pbkdf2Digest::Sha256,
            "pbkdf2-sha512" => Pbkdf2Digest::Sha512,
            _ => return Err(PasswordError::NotAHash),
        };
        PasswordHash::pbkdf2(digest, data.hash_iterations, &salt, &hash)
    }
}

impl CredentialData {
    fn argon2(&self, salt: &[u8], hash: &[u8]) -> Result<PasswordHash, PasswordError> {
        let text = |name: &str| self.additional_parameters.get(name)?.first().map(String::as_str);
        let number = |name| text(name).and_then(|text| text.parse().ok());
        let (Some("id"), Some("1.3"), Some(memory), Some(lanes)) =
            (text("type"), text("version"), number("memory"), number("parallelism"))
        else {
            return Err(PasswordError::NotAHash);
        };
        PasswordHash::argon2id((memory, self.hash_iterations, lanes), salt, hash)
    }
}
