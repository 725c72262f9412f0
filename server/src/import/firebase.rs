//! Users of Firebase Authentication, as `firebase auth:export users.json` writes them, and the
//! parameters of its hashes.

use std::io::{BufReader, Read};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use doorward_provider::model::password::{FirebaseHashes, PasswordError, PasswordHash};
use serde::{Deserialize, de::DeserializeSeed as _};
use serde_json::{Map, Value};

use super::{
    ForeignLink, ForeignUser, ReadError,
    elements_of::{ElementsOf, Names},
};

type Each<'a> = &'a mut dyn FnMut(Result<ForeignUser, String>);

/// What the export has in place of a hash if whoever exports may not read it: "REDACTED".
const WITHHELD: &str = "UkVEQUNURUQ=";

pub fn read(
    export: impl Read,
    hashes: Option<&FirebaseHashes>,
    each: Each<'_>,
) -> Result<(), ReadError> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(export));
    let mut one = |list: &str, value: Value| {
        if list != "users" {
            return;
        }
        let name = ["email", "localId"].iter().find_map(|name| value[*name].as_str());
        let name = name.unwrap_or("a user").to_owned();
        let user = serde_json::from_value::<User>(value);
        let user = user.map_err(|error| format!("{name}: {error}"));
        each(user.and_then(|user| user.foreign(hashes)));
    };
    let found =
        ElementsOf { names: Names { lists: &["users"], whole: &[] }, below: None, each: &mut one }
            .deserialize(&mut json)
            .and_then(|found| json.end().map(|()| found))
            .map_err(|error| ReadError(format!("this is not an export of Firebase: {error}")))?;
    if found.is_empty() {
        let advice = "the export has no users: write it by firebase auth:export users.json";
        return Err(ReadError(advice.to_owned()));
    }
    Ok(())
}

/// Reads the parameters of the hashes, as the console shows them: a name, a colon and a value a
/// line. JSON of the same members will do as well.
pub fn hash_parameters(text: &str) -> Result<FirebaseHashes, String> {
    let value = |wanted: &str| {
        let pairs = text.split(['{', '}', ',', '\n']).filter_map(|pair| pair.split_once(':'));
        let plain = |text: &'_ str| text.trim().trim_matches('"').trim().to_owned();
        let mut pairs = pairs.map(|(name, value)| (plain(name), plain(value)));
        let found = pairs.find(|(name, _)| name == wanted).map(|(_, value)| value);
        found.ok_or_else(|| format!("{wanted} is missing"))
    };
    let bytes = |name: &str| {
        decoded(&value(name)?).map_err(|_| format!("{name} can't be read: it is not base64"))
    };
    let number = |name: &str| {
        value(name)?.parse::<u32>().map_err(|_| format!("{name} can't be read: it is not a number"))
    };
    match value("algorithm")?.as_str() {
        "SCRYPT" => {}
        other => return Err(format!("the algorithm {other} is not known: it should be SCRYPT")),
    }
    Ok(FirebaseHashes {
        signer_key: bytes("base64_signer_key")?,
        salt_separator: bytes("base64_salt_separator")?,
        rounds: number("rounds")?,
        memory_cost: number("mem_cost")?,
    })
}

/// The hash of a user: both texts are base64, by either alphabet.
pub fn hash(
    hashes: &FirebaseHashes,
    salt: &str,
    hash: &str,
) -> Result<PasswordHash, PasswordError> {
    hashes.hash(&decoded(salt)?, &decoded(hash)?)
}

fn decoded(text: &str) -> Result<Vec<u8>, PasswordError> {
    let standard = text.replace('-', "+").replace('_', "/");
    BASE64.decode(standard).map_err(|_| PasswordError::NotAHash)
}

/// A user under Firebase's names.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct User {
    local_id: Option<String>,
    email: Option<String>,
    email_verified: bool,
    display_name: Option<String>,
    photo_url: Option<String>,
    phone_number: Option<String>,
    disabled: bool,
    password_hash: Option<String>,
    salt: Option<String>,
    provider_user_info: Vec<Identity>,
    /// JSON in a text.
    custom_attributes: Option<String>,
    mfa_info: Vec<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// An identity at another provider.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    provider_id: String,
    raw_id: Option<String>,
    email: Option<String>,
    display_name: Option<String>,
}

/// What says nothing that must be kept.
const OF_NO_USE: [&str; 6] = [
    "createdAt",
    "lastSignedInAt",
    "lastLoginAt",
    "lastRefreshAt",
    "passwordUpdatedAt",
    "validSince",
];

impl User {
    fn foreign(self, hashes: Option<&FirebaseHashes>) -> Result<ForeignUser, String> {
        let is_there = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        let name = [&self.email, &self.phone_number].into_iter().find(|text| is_there(text));
        let Some(name) = name.and_then(Option::as_deref) else {
            let who = self.local_id.as_deref().unwrap_or("a user");
            return Err(format!("{who}: neither an e-mail address nor a telephone number"));
        };
        let mut user = ForeignUser::new(name, self.local_id.as_deref())?;
        user.is_disabled = self.disabled;
        user.email(self.email.as_deref(), self.email_verified);
        user.claim("name", self.display_name.unwrap_or_default());
        user.claim("picture", self.photo_url.unwrap_or_default());
        if let Some(phone) = self.phone_number.filter(|phone| !phone.is_empty()) {
            user.claim("phone_number", phone);
            // Firebase has no number that its user did not show to have.
            user.claim("phone_number_verified", true);
        }
        match (self.password_hash.as_deref().unwrap_or_default(), hashes) {
            ("", _) => {}
            (WITHHELD, _) => {
                let why = "the export does not have it: whoever exports may not read hashes";
                user.password_left = Some(why.to_owned());
            }
            (_, None) => user.password_left = Some("it needs --hash-config".to_owned()),
            (text, Some(hashes)) => {
                user.password(hash(hashes, self.salt.as_deref().unwrap_or_default(), text));
            }
        }
        if let Some(text) = self.custom_attributes.filter(|text| !text.is_empty()) {
            match serde_json::from_str::<Map<String, Value>>(&text) {
                Ok(claims) => {
                    claims.into_iter().for_each(|(name, value)| user.own_claim(&name, value));
                }
                Err(_) => user.left.push("customAttributes, which can't be read".to_owned()),
            }
        }
        let elsewhere = self.provider_user_info.into_iter();
        // The other two are the user's password and number.
        let own = ["password", "phone"];
        for identity in elsewhere.filter(|one| !own.contains(&one.provider_id.as_str())) {
            user.links.push(ForeignLink {
                provider: identity.provider_id,
                subject: identity.raw_id.unwrap_or_default(),
                shown: identity.email.or(identity.display_name),
            });
        }
        if !self.mfa_info.is_empty() {
            user.left.push("the second factor".to_owned());
        }
        for (name, value) in &self.others {
            if !OF_NO_USE.contains(&name.as_str()) && !value.is_null() {
                user.left.push(format!("the member {name}"));
            }
        }
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::secret::Secret;
    use serde_json::json;

    use super::*;

    /// The example in the documentation of Firebase's scrypt.
    const PARAMETERS: &str = "hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}";
    const HASH: &str =
        "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";

    fn users(users: &Value, hashes: Option<&FirebaseHashes>) -> Vec<Result<ForeignUser, String>> {
        let mut found = Vec::new();
        let export = json!({"users": users}).to_string();
        read(export.as_bytes(), hashes, &mut |user| found.push(user)).unwrap();
        found
    }

    #[test]
    fn a_user_keeps_identifier_password_claims_and_links() {
        let hashes = hash_parameters(PARAMETERS).unwrap();
        let ada = json!({
            "localId": "kYi4EvWQlQTKSfnJ3dRSP6IH3ed2", "email": "ada@example.com",
            "emailVerified": true, "passwordHash": HASH, "salt": "42xEC-ixf3L2lw==",
            "displayName": "Ada", "phoneNumber": "+44 1", "createdAt": "1508893925000",
            "disabled": true, "customAttributes": "{\"tier\":\"gold\",\"admin_role\":\"all\"}",
            "tenantId": "t", "mfaInfo": [{}],
            "providerUserInfo": [{"providerId": "password", "rawId": "ada@example.com"},
                {"providerId": "google.com", "rawId": "7", "email": "ada@gmail.com"}],
        });
        let mut found = users(&json!([ada, {"localId": "x"}, 7]), Some(&hashes));
        assert!(found.pop().unwrap().is_err());
        assert!(found.pop().unwrap().unwrap_err().starts_with("x: neither"));
        let user = found.pop().unwrap().unwrap();
        assert_eq!(user.sub.unwrap().as_str(), "kYi4EvWQlQTKSfnJ3dRSP6IH3ed2");
        assert!(user.password_hash.unwrap().verify(&Secret::new("user1password")));
        assert!(user.is_disabled);
        assert_eq!(
            Value::Object(user.claims),
            json!({"preferred_username": "ada@example.com", "email": "ada@example.com",
                "email_verified": true, "name": "Ada", "phone_number": "+44 1",
                "phone_number_verified": true, "tier": "gold"})
        );
        assert_eq!(user.links.len(), 1);
        assert_eq!(
            (user.links[0].provider.as_str(), user.links[0].subject.as_str()),
            ("google.com", "7")
        );
        let left = user.left.join("\n");
        assert_eq!(user.left.len(), 3, "{left}");
        assert!(left.contains("admin_role") && left.contains("tenantId"), "{left}");
    }

    #[test]
    fn a_password_that_can_not_be_taken_says_why() {
        let hashes = hash_parameters(PARAMETERS).unwrap();
        let with = |hash: &str| json!([{"localId": "1", "email": "a@b.c", "passwordHash": hash}]);
        let left =
            |hash, hashes| users(&with(hash), hashes).remove(0).unwrap().password_left.unwrap();
        assert!(left(HASH, None).contains("--hash-config"));
        assert!(left(WITHHELD, Some(&hashes)).contains("may not read hashes"));
        assert!(left(HASH, Some(&hashes)).contains("not a hash"), "without a salt");
        assert!(left("!", Some(&hashes)).contains("not a hash"));
    }

    #[test]
    fn parameters_are_read_as_they_are_shown_or_as_json() {
        let json = json!({"algorithm": "SCRYPT", "base64_signer_key": "AAAA", "rounds": 8,
            "base64_salt_separator": "Bw==", "mem_cost": 14});
        let read = hash_parameters(&json.to_string()).unwrap();
        assert_eq!((read.signer_key.len(), read.rounds, read.memory_cost), (3, 8, 14));
        let (salt, cost) = (PARAMETERS.replace("Bw==", "B"), PARAMETERS.replace("14", "x"));
        for (text, part) in [
            ("", "algorithm is missing"),
            ("algorithm: BCRYPT", "should be SCRYPT"),
            ("algorithm: SCRYPT", "base64_signer_key is missing"),
            (salt.as_str(), "base64_salt_separator can't be read"),
            (cost.as_str(), "mem_cost can't be read"),
        ] {
            let problem = hash_parameters(text).unwrap_err();
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn what_is_no_export_is_refused_as_a_whole() {
        for export in ["", "[]", "{}", "{\"users\": 1}", "{\"users\": [{}]", "{\"users\": []} x"] {
            assert!(read(export.as_bytes(), None, &mut |_| {}).is_err(), "{export}");
        }
    }
}
