//! Users of a Keycloak realm export: one JSON object whose `users` are an array, as `kc.sh export
//! --users same_file` writes it. The files of `--users different_files` have the same form.

mod realm;

use std::{collections::BTreeMap, io::Read};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use doorward_provider::model::password::{PasswordError, PasswordHash, Pbkdf2Digest};
use serde::{Deserialize, de::DeserializeSeed as _};
use serde_json::Value;

use self::realm::OWN_CLIENTS;
use super::{Configuration, ForeignLink, ForeignUser, ReadError, elements_of::ElementsOf};

type Each<'a> = &'a mut dyn FnMut(Result<ForeignUser, String>);

pub fn read(
    export: impl Read,
    each: Each<'_>,
    configuration: &mut Configuration,
) -> Result<(), ReadError> {
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(export));
    let members: Vec<&'static str> = realm::MEMBERS.into_iter().chain(["users"]).collect();
    let mut one = |list: &str, value: Value| {
        if list != "users" {
            realm::element(list, value, configuration);
            return;
        }
        let name = value["username"].as_str().unwrap_or("a user").to_owned();
        let user = serde_json::from_value::<User>(value);
        let user = user.map_err(|error| format!("{name}: {error}"));
        each(user.and_then(User::foreign));
    };
    let found =
        ElementsOf { members: &members, below: Some(("roles", &["realm"])), each: &mut one }
            .deserialize(&mut json)
            .and_then(|found| json.end().map(|()| found))
            .map_err(|error| {
                ReadError(format!("this is not a realm export of Keycloak: {error}"))
            })?;
    if found.contains(&"users") {
        return Ok(());
    }
    let advice = "the export has no users: write it by kc.sh export --users same_file";
    Err(ReadError(advice.to_owned()))
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
    role == "offline_access" || role == "uma_authorization" || role.starts_with("default-roles-")
}

impl User {
    fn foreign(self) -> Result<ForeignUser, String> {
        if let Some(client) = &self.service_account_client_id {
            let name = &self.username;
            return Err(format!("{name}: the account of the client {client}, and nobody's"));
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
            let value = if values.len() == 1 { values.remove(0).into() } else { values.into() };
            user.own_claim(&name, value);
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
        if !self.required_actions.is_empty() {
            let actions = self.required_actions.join(", ");
            user.left.push(format!("what the user has to do next: {actions}"));
        }
        for credential in self.credentials {
            match credential.kind.as_str() {
                "password" => user.password(credential.hash()),
                other => user.left.push(format!("a credential of the kind {other}")),
            }
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
