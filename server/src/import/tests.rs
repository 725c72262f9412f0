#![allow(clippy::unwrap_used)]
use doorward_protocol::secret::Secret;
use serde_json::json;

use super::*;

type Users = Vec<Result<ForeignUser, String>>;

fn users(format: Format, export: &str) -> Result<Users, String> {
    let mut users = Vec::new();
    read_users(format, export.as_bytes(), |user| users.push(user))
        .map(|()| users)
        .map_err(|error| error.to_string())
}

fn only(format: Format, export: &str) -> ForeignUser {
    let mut users = users(format, export).unwrap();
    assert_eq!(users.len(), 1);
    users.remove(0).unwrap()
}

fn password() -> Secret {
    Secret::new("correct horse")
}

const PBKDF2: &str = "dOLJrwYjCU20UKtZvvlqvvshTqXBUam+rupbD6P3jxocmxxzfEGnsJD3HMnME62fFAjUn2IBAIILuy7f\
                      CF1eEw==";

/// A realm export as Keycloak writes it, with members that are of no use here.
fn realm(user: &Value) -> String {
    json!({"realm": "example", "roles": {"realm": []}, "users": [user], "clients": []}).to_string()
}

fn keycloak_user() -> Value {
    let secret = json!({"value": PBKDF2, "salt": "AAECAwQFBgcICQoLDA0ODw==",
                        "additionalParameters": {}});
    let data = json!({"hashIterations": 2100, "algorithm": "pbkdf2-sha512",
                      "additionalParameters": {}});
    json!({
        "id": "1d0c2b7e-6f1c-4a53-8f42-0f6c3a1f5a11", "username": "ada", "enabled": true,
        "email": "ada@example.com", "emailVerified": true, "firstName": "Ada",
        "lastName": "Lovelace", "createdTimestamp": 1_700_000_000_000_u64,
        "attributes": {"department": ["Sales"], "phone": ["1", "2"], "sub": ["other"]},
        "credentials": [
            {"type": "password", "secretData": secret.to_string(),
             "credentialData": data.to_string()},
            {"type": "otp", "secretData": "{}", "credentialData": "{}"}],
        "realmRoles": ["admin", "offline_access", "default-roles-example"],
        "clientRoles": {"account": ["view-profile"], "shop": ["buyer"]},
        "groups": ["/staff", "/staff/berlin"],
        "federatedIdentities": [{"identityProvider": "google", "userId": "7", "userName": "ada"}],
        "requiredActions": ["UPDATE_PASSWORD"], "notBefore": 0,
    })
}

#[test]
fn a_user_of_keycloak_keeps_identifier_password_roles_and_groups() {
    let user = only(Format::Keycloak, &realm(&keycloak_user()));
    assert_eq!(user.sub.unwrap().as_str(), "1d0c2b7e-6f1c-4a53-8f42-0f6c3a1f5a11");
    assert!(user.password_hash.unwrap().verify(&password()));
    assert!(!user.is_disabled);
    assert_eq!(
        Value::Object(user.claims),
        json!({
            "preferred_username": "ada", "email": "ada@example.com", "email_verified": true,
            "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
            "role": ["admin"], "groups": ["staff", "staff/berlin"], "department": "Sales",
            "phone": ["1", "2"],
        })
    );
    let left = user.left.join("\n");
    for part in ["\"sub\"", "shop: buyer", "kind otp", "UPDATE_PASSWORD"] {
        assert!(left.contains(part), "{part}: {left}");
    }
    assert_eq!(user.left.len(), 4);
    let link = ForeignLink {
        provider: "google".to_owned(),
        subject: "7".to_owned(),
        shown: Some("ada".to_owned()),
    };
    assert_eq!(user.links, [link]);
}

#[test]
fn a_password_that_is_not_known_is_reported_and_the_user_kept() {
    let mut user = keycloak_user();
    user["credentials"][0]["credentialData"] =
        json!(r#"{"hashIterations": 1, "algorithm": "md5"}"#);
    user["enabled"] = json!(false);
    let user = only(Format::Keycloak, &realm(&user));
    assert!(user.password_hash.is_none() && user.is_disabled);
    assert!(user.left.iter().any(|left| left.starts_with("the password: not a hash")));
}

#[test]
fn argon2_of_keycloak_is_taken_over() {
    let mut user = keycloak_user();
    let additional = json!({"hashLength": ["32"], "memory": ["7168"], "type": ["id"],
                            "version": ["1.3"], "parallelism": ["1"]});
    let data = json!({"hashIterations": 5, "algorithm": "argon2",
                      "additionalParameters": additional});
    user["credentials"][0]["credentialData"] = data.to_string().into();
    let hash = only(Format::Keycloak, &realm(&user)).password_hash.unwrap();
    assert_eq!(hash.cost(), "$argon2id$v=19$m=7168,t=5,p=1");
}

#[test]
fn service_accounts_and_nameless_users_are_refused_by_themselves() {
    let mut account = keycloak_user();
    account["serviceAccountClientId"] = json!("robot");
    let two = json!({"users": [account, {"id": "x", "username": ""}]});
    let users = users(Format::Keycloak, &two.to_string()).unwrap();
    assert!(users[0].as_ref().unwrap_err().contains("client robot"));
    assert!(users[1].as_ref().unwrap_err().contains("a user name has"));
}

#[test]
fn what_is_no_export_is_refused_as_a_whole() {
    let cut = realm(&keycloak_user());
    for export in ["", "[]", "{\"users\": 1}", &cut[..cut.len() - 20], &format!("{cut}x")] {
        let problem = users(Format::Keycloak, export).unwrap_err();
        assert!(problem.contains("no realm export"), "{export}: {problem}");
    }
    assert!(users(Format::Keycloak, "{}").unwrap_err().contains("--users same_file"));
    assert!(users(Format::Auth0, "{\"email\": 1}").unwrap_err().starts_with("line 1 is no user"));
    assert!(users(Format::Csv, "name\nAda").unwrap_err().contains("one of them must be username"));
    assert!(users(Format::Csv, "username,name\nada").unwrap_err().contains("no table"));
    assert!(users(Format::Keycloak, &"[".repeat(100_000)).is_err());
}

#[test]
fn users_of_auth0_are_read_line_by_line() {
    let hash = "$2b$04$TBmc8SP7vRflIlpLRX.8NukFrs2E23Fuod1ppkvsPLNXsT1Ly/CH.";
    let line = json!({
        "_id": {"$oid": "5f"}, "email": "ada@example.com", "email_verified": true,
        "passwordHash": hash, "connection": "Users", "tenant": "example",
        "app_metadata": {"roles": ["admin"], "plan": "gold"},
        "identities": [{"provider": "auth0"}, {"provider": "github"}],
    });
    let export = format!("{line}\n\n{}\n", json!({"user_id": "auth0|7", "username": "bob"}));
    let users = users(Format::Auth0, &export).unwrap();
    let ada = users[0].as_ref().unwrap();
    assert_eq!((ada.username.as_str(), ada.sub.as_deref()), ("ada@example.com", Some("auth0|5f")));
    assert!(ada.password_hash.as_ref().unwrap().verify(&password()));
    assert_eq!(ada.claims["role"], json!(["admin"]));
    assert_eq!(ada.left, ["plan of app_metadata", "the link to an identity at github"]);
    assert_eq!(users[1].as_ref().unwrap().sub.as_deref(), Some("auth0|7"));
}

#[test]
fn users_of_aspnet_identity_come_as_a_table() {
    let hash =
        "AQAAAAIAACcQAAAAEAABAgMEBQYHCAkKCwwNDg8QISIXesfGJA2fd4iEPf+tC7smA1S4c2QTBevrsewdcA==";
    let export = format!(
        "\u{feff}Id,UserName,NormalizedUserName,Email,EmailConfirmed,PasswordHash,SecurityStamp,\
         PhoneNumber,TwoFactorEnabled,LockoutEnd\n\
         7,ada,ADA,ada@example.com,1,{hash},ABC,,1,2030-01-01\n"
    );
    let user = only(Format::Csv, &export);
    assert_eq!((user.username.as_str(), user.sub.as_deref()), ("ada", Some("7")));
    assert!(user.password_hash.unwrap().verify(&password()));
    assert_eq!(user.claims["email_verified"], json!(true));
    assert_eq!(user.left, ["the column TwoFactorEnabled", "the column LockoutEnd"]);
}

#[test]
fn a_table_of_ones_own_says_roles_groups_and_claims() {
    let export =
        "name,username,roles,groups,enabled,shoe\n\"Lovelace, Ada\",ada,\"a, b\",g,no,39\n";
    let user = only(Format::Csv, export);
    assert!(user.is_disabled && user.sub.is_none() && user.password_hash.is_none());
    assert_eq!(
        Value::Object(user.claims),
        json!({"preferred_username": "ada", "name": "Lovelace, Ada", "role": ["a", "b"],
               "groups": ["g"]})
    );
    assert_eq!(user.left, ["the column shoe"]);
}
