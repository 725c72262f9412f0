#![allow(clippy::unwrap_used)]
use doorward_protocol::secret::Secret;
use figment::providers::Format as _;
use serde_json::json;

use super::*;

/// In 2027.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn manner(format: Format) -> Manner {
    Manner { format, now: NOW, firebase: None }
}

type Users = Vec<Result<ForeignUser, String>>;

fn users(format: Format, export: &str) -> Result<Users, String> {
    let mut users = Vec::new();
    let each = |found| match found {
        Found::User(user) => users.push(user),
        Found::Consent(consent) => panic!("{consent:?}"),
    };
    read_export(&manner(format), export.as_bytes(), each)
        .map(|_| users)
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
        "requiredActions": ["CONFIGURE_TOTP"], "notBefore": 0,
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
            "role": ["admin"], "department": "Sales", "phone": ["1", "2"],
        })
    );
    assert_eq!(user.groups, ["staff", "staff/berlin"]);
    let left = user.left.join("\n");
    for part in ["\"sub\"", "shop: buyer", "kind otp", "CONFIGURE_TOTP"] {
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

/// Somebody else has set it, or it leaked.
#[test]
fn a_password_of_keycloak_that_has_to_be_changed_is_left_behind() {
    let mut user = keycloak_user();
    user["requiredActions"] = json!(["UPDATE_PASSWORD", "CONFIGURE_TOTP"]);
    let user = only(Format::Keycloak, &realm(&user));
    assert!(user.password_hash.is_none() && !user.is_disabled);
    assert!(user.password_left.unwrap().contains("UPDATE_PASSWORD"));
    assert!(user.left.contains(&"what the user has to do next: CONFIGURE_TOTP".to_owned()));
}

#[test]
fn a_password_that_is_not_known_is_reported_and_the_user_kept() {
    let mut user = keycloak_user();
    user["credentials"][0]["credentialData"] =
        json!(r#"{"hashIterations": 1, "algorithm": "md5"}"#);
    user["enabled"] = json!(false);
    let user = only(Format::Keycloak, &realm(&user));
    assert!(user.password_hash.is_none() && user.is_disabled);
    assert!(user.password_left.unwrap().starts_with("not a hash"));
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
        assert!(problem.contains("not a realm export"), "{export}: {problem}");
    }
    assert!(users(Format::Keycloak, "{}").unwrap_err().contains("--users same_file"));
    assert!(
        users(Format::Auth0, "{\"email\": 1}").unwrap_err().starts_with("line 1 is not a user")
    );
    assert!(users(Format::Csv, "name\nAda").unwrap_err().contains("one of them must be username"));
    assert!(users(Format::Csv, "username,name\nada").unwrap_err().contains("not a table"));
    assert!(users(Format::Keycloak, &"[".repeat(100_000)).is_err());
}

#[test]
fn users_of_auth0_are_read_line_by_line() {
    let hash = "$2b$04$TBmc8SP7vRflIlpLRX.8NukFrs2E23Fuod1ppkvsPLNXsT1Ly/CH.";
    let line = json!({
        "_id": {"$oid": "5f"}, "email": "ada@example.com", "email_verified": true,
        "passwordHash": hash, "connection": "Users", "tenant": "example",
        "app_metadata": {"roles": ["admin"], "plan": "gold"},
        "user_metadata": {"roles": ["boss"]},
        "identities": [
            {"provider": "auth0", "user_id": "5f", "connection": "Users"},
            {"provider": "github", "user_id": 583_231, "connection": "github", "isSocial": true},
            {"provider": "oidc", "user_id": "partner|ada", "connection": "partner"},
            {"provider": "google-oauth2"}],
    });
    let bob = json!({"user_id": "auth0|7", "username": "bob", "app_metadata": {"roles": "admin"}});
    // Who signs in by a message to the telephone has no other name.
    let eve = json!({"user_id": "sms|8", "phone_number": "+43 1", "phone_verified": true,
        "logins_count": 3, "tier": "gold", "empty": []});
    let unverified = json!({"user_id": "auth0|9", "username": "dan", "phone_number": "+43 2"});
    let export = format!("{line}\n\n{bob}\n{eve}\n{unverified}\n");
    let users = users(Format::Auth0, &export).unwrap();
    let ada = users[0].as_ref().unwrap();
    assert_eq!((ada.username.as_str(), ada.sub.as_deref()), ("ada@example.com", Some("auth0|5f")));
    assert!(ada.password_hash.as_ref().unwrap().verify(&password()));
    assert_eq!(ada.claims["role"], json!(["admin"]));
    assert_eq!(ada.left, ["roles of user_metadata", "plan of app_metadata"]);
    let links = ada.links.iter().map(|link| (&*link.provider, &*link.subject));
    let expected = [("github", "583231"), ("partner", "ada"), ("google-oauth2", "")];
    assert_eq!(links.collect::<Vec<_>>(), expected);
    let bob = users[1].as_ref().unwrap();
    assert_eq!(bob.sub.as_deref(), Some("auth0|7"));
    assert_eq!(
        (bob.claims.get("role"), &*bob.left),
        (None, &["roles of app_metadata".to_owned()][..])
    );
    let [eve, dan] = [&users[2], &users[3]].map(|user| user.as_ref().unwrap());
    assert_eq!((eve.username.as_str(), &eve.claims["phone_number"]), ("+43 1", &json!("+43 1")));
    assert_eq!(eve.claims["phone_number_verified"], json!(true));
    assert_eq!(eve.left, ["the member tier"]);
    assert_eq!(dan.claims["phone_number_verified"], json!(false));
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
    assert_eq!(user.left, ["the column TwoFactorEnabled"]);
    assert!(user.is_disabled, "an operator has locked the user out");
}

#[test]
fn a_lockout_that_can_not_be_read_keeps_the_user_out() {
    for (end, is_disabled, is_told) in [
        (Value::Null, false, false),
        (json!(""), false, false),
        (json!("0001-01-01T00:00:00+00:00"), false, false),
        (json!("-infinity"), false, false),
        (json!("2020-01-01"), false, false),
        (json!("2027-01-16T00:00:00Z"), false, true),
        (json!("2030-01-01"), true, false),
        (json!("infinity"), true, false),
        (json!(253_402_300_799_i64), true, true),
        (json!("for ever"), true, true),
        (json!(true), true, true),
    ] {
        let users = json!({"Users": [{"Id": "7", "UserName": "ada", "LockoutEnd": end}]});
        let user = only(Format::Identityserver, &users.to_string());
        assert_eq!(user.is_disabled, is_disabled, "{end}");
        assert_eq!(user.left.iter().any(|left| left.contains("lockout")), is_told, "{end}");
    }
    let user = only(Format::Csv, "Id,UserName,LockoutEnd\n7,ada,253402300799\n");
    assert!(user.is_disabled);
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

fn configuration(format: Format, export: &Value) -> Configuration {
    read_export(&manner(format), export.to_string().as_bytes(), |_| {}).unwrap()
}

#[test]
fn a_realm_has_clients_and_groups() {
    let realm = json!({
        "realm": "example", "users": [],
        "roles": {"realm": [{"name": "boss", "composite": true},
            {"name": "admin", "attributes": {"floor": ["3"], "site": ["Graz"]}},
            {"name": "plain", "composite": false, "attributes": {}},
            {"name": "default-roles-example", "composite": true}], "client": {}},
        "identityProviders": [{"alias": "google"}],
        "authenticationFlows": [{"alias": "browser", "builtIn": true}, {"alias": "own"}],
        "clientScopes": [{"name": "profile"}, {"name": "orders"}],
        "groups": [{"name": "staff", "realmRoles": ["user"], "attributes": {"site": ["B"]},
            "clientRoles": {"shop": ["buyer"]}, "subGroups": [
                {"name": "Sales Team", "realmRoles": ["seller"], "attributes": {"email": ["x"]}}]}],
        "clients": [
            {"clientId": "account", "publicClient": true},
            {"clientId": "shop", "secret": "secret", "name": "Shop",
                "rootUrl": "https://shop.example",
                "redirectUris": ["/callback", "https://shop.example/*"], "webOrigins": ["+"],
                "standardFlowEnabled": true, "implicitFlowEnabled": true,
                "directAccessGrantsEnabled": true, "serviceAccountsEnabled": true,
                "defaultClientScopes": ["web-origins", "profile", "roles"],
                "optionalClientScopes": ["offline_access", "orders"],
                "attributes": {"post.logout.redirect.uris": "+##https://shop.example/bye",
                    "access.token.lifespan": "600", "backchannel.logout.url": ""},
                "protocolMappers": [{"name": "audience"}]},
            {"clientId": "page", "publicClient": true, "enabled": false},
            {"clientId": "masked", "secret": "**********"},
            {"clientId": "old", "protocol": "saml"},
            {"clientId": "api", "bearerOnly": true},
            {"clientId": 7},
        ],
    });
    let Configuration { clients, groups, left, resources } =
        configuration(Format::Keycloak, &realm);
    assert!(resources.is_empty());
    let left = left.join("\n");
    for part in [
        "composite role boss",
        "the role admin: floor, site.",
        "provider google",
        "flow own",
        "scope orders",
    ] {
        assert!(left.contains(part), "{part}: {left}");
    }
    assert_eq!(left.lines().count(), 5, "{left}");
    let [staff, sales] = groups.as_slice() else { panic!("{groups:?}") };
    let (staff, sales) = (staff.as_ref().unwrap(), sales.as_ref().unwrap());
    assert_eq!((staff.path.as_str(), staff.group.name.as_str()), ("staff", "staff"));
    assert_eq!(staff.group.claims.0["site"], json!("B"));
    assert_eq!(staff.left, ["roles of the client shop: buyer"]);
    assert_eq!(sales.path, "staff/Sales Team");
    assert_eq!(sales.group.name.as_str(), "staff/Sales-Team");
    assert_eq!(sales.group.roles, ["seller", "user"], "and those of the group above");
    assert_eq!(sales.left.len(), 2, "{:?}", sales.left);
    let shop = clients[0].as_ref().unwrap();
    assert_eq!(
        Value::Object(shop.settings.clone()),
        json!({
            "client_id": "shop", "client_name": "Shop", "enabled": true, "require_consent": false,
            "allowed_grant_types": ["authorization_code", "client_credentials"],
            "require_pkce": false, "require_client_secret": true, "allow_offline_access": true,
            "client_secrets": [{"sha256": "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols",
                "expires_at": null, "description": null}],
            "redirect_uris": ["https://shop.example/callback"],
            "post_logout_redirect_uris":
                ["https://shop.example/callback", "https://shop.example/bye"],
            "access_token_lifetime": 600,
        })
    );
    assert_eq!(shop.scopes, ["openid", "profile", "orders"]);
    assert_eq!(shop.left.len(), 4, "{:?}", shop.left);
    let page = clients[1].as_ref().unwrap();
    assert_eq!(page.settings["enabled"], json!(false));
    assert_eq!(page.settings["require_pkce"], json!(true), "nothing else proves who it is");
    assert!(clients[2].as_ref().unwrap().left[0].contains("the secret"));
    for (index, part) in [(3, "saml"), (4, "[[api_resources]]"), (5, "a client")] {
        let problem = clients[index].as_ref().unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
}

#[test]
fn a_configuration_of_identityserver_is_read() {
    let export = json!({"IdentityServer": {
        "clients": [{"ClientId": "mvc"}, {"ClientName": "x"}, 1],
        "ApiScopes": [{"Name": "api1", "DisplayName": "My \"API\"", "UserClaims": ["x"]}],
        "ApiResources": [{"Name": "orders", "Scopes": ["api1"], "ApiSecrets": [{"Value": "x"}]}],
        "IdentityResources": [{"Name": "openid"}, {"Name": "custom", "UserClaims": ["tier"]}],
        "PersistedGrants": [{"Type": "refresh_token"}, {"Type": "refresh_token"}],
        "Users": [{"Id": "1", "UserName": "ada", "Email": "ada@example.com", "EmailConfirmed": 1,
            "PasswordHash": "AQAAAAIAACcQAAAAEAABAgMEBQYHCAkKCwwNDg8QISIXesfGJA2fd4iEPf+tC7smA1S4c2QT\
                             BevrsewdcA==",
            "Roles": ["admin"], "LockoutEnd": "9999-12-31T23:59:59+00:00", "TwoFactorEnabled": true,
            "Claims": [{"ClaimType": "site", "ClaimValue": "A"},
                {"ClaimType": "site", "ClaimValue": "B"}, {"ClaimType": "iss", "ClaimValue": "x"}],
            "Logins": [{"LoginProvider": "Google", "ProviderKey": "7"}]}],
    }});
    let user = only(Format::Identityserver, &export.to_string());
    assert!(user.is_disabled && user.password_hash.unwrap().verify(&password()));
    assert_eq!(
        (&user.claims["site"], &user.claims["role"]),
        (&json!(["A", "B"]), &json!(["admin"]))
    );
    assert_eq!((user.left.len(), user.links[0].provider.as_str()), (2, "Google"));
    let found = configuration(Format::Identityserver, &export);
    assert!(found.clients[0].is_ok() && found.clients[1].is_err() && found.clients[2].is_err());
    let resources = found.resources.join("\n");
    let read = figment::Figment::from(figment::providers::Toml::string(&resources));
    let read: Value = read.extract().unwrap();
    assert_eq!(read["api_scopes"][0]["display_name"], json!("My \"API\""));
    assert_eq!(read["api_resources"][0]["scopes"], json!(["api1"]));
    assert_eq!(read["identity_resources"].as_array().unwrap().len(), 1);
    let left = found.left.join("\n");
    assert!(left.contains("2 persisted grants \"refresh_token\""), "{left}");
    for broken in ["", "[]", "{}", "{\"Users\": 1}", "{\"Users\": [{}]} x"] {
        assert!(users(Format::Identityserver, broken).is_err(), "{broken}");
    }
}

#[test]
fn a_realm_gives_lifetimes_and_consents_and_names_what_is_unknown() {
    let realm = json!({
        "accessTokenLifespan": 300, "oauth2DeviceCodeLifespan": 600,
        "clients": [
            {"clientId": "a", "publicClient": true, "fullScopeAllowed": false, "id": "x",
                "surrogateAuthRequired": false, "madeUp": 1,
                "authenticationFlowBindingOverrides": {},
                "attributes": {"logoUri": "https://a.example/l.png", "saml.encrypt": "true",
                    "backchannel.logout.session.required": "true", "realm_client": "false",
                    "jwt.credential.certificate": "MII"}},
            {"clientId": "b", "publicClient": true,
                "attributes": {"access.token.lifespan": "900"}},
            {"clientId": "c", "publicClient": true,
                "attributes": {"access.token.lifespan": "2592000"}}],
        "users": [{"id": "u", "username": "ada", "enabled": true, "totp": false, "madeUp": [1],
            "attributes": {"phoneNumber": ["1"], "phoneNumberVerified": ["true"],
                "phone_number_verified": ["true"], "email": ["root@example.com"],
                "email_verified": ["true"], "role": ["admin"], "groups": ["staff"]},
            "clientConsents": [{"clientId": "a",
                "grantedClientScopes": ["profile", "roles"], "createdDate": 1}]}],
    });
    let (mut users, mut consents) = (Vec::new(), Vec::new());
    let each = |found| match found {
        Found::User(user) => users.push(user),
        Found::Consent(consent) => consents.push(consent),
    };
    let text = realm.to_string();
    let found = read_export(&manner(Format::Keycloak), text.as_bytes(), each).unwrap();
    assert!(found.left.is_empty(), "{:?}", found.left);
    let [a, b, c] = [0, 1, 2].map(|index| found.clients[index].as_ref().unwrap());
    assert_eq!(a.settings["access_token_lifetime"], json!(300));
    assert_eq!(a.settings["back_channel_logout_session_required"], json!(true));
    assert_eq!(a.settings["logo_uri"], json!("https://a.example/l.png"));
    assert_eq!(b.settings["access_token_lifetime"], json!(900), "its own");
    assert_eq!(b.settings["device_code_lifetime"], json!(600));
    assert_eq!(c.settings["access_token_lifetime"], json!(1_209_600), "as long as a key is kept");
    assert!(c.left.iter().any(|left| left.contains("it gets 1209600")), "{:?}", c.left);
    let left = a.left.join("\n");
    for part in ["full scope is off", "madeUp", "the attribute jwt.credential.certificate"] {
        assert!(left.contains(part), "{part}: {left}");
    }
    assert_eq!(left.lines().count(), 3, "{left}");
    let user = users.remove(0).unwrap();
    // Whoever could edit the attributes is not believed to have verified anything.
    let claims = json!({"preferred_username": "ada", "phone_number": "1"});
    assert_eq!(Value::Object(user.claims), claims);
    assert!(user.groups.is_empty());
    let left = user.left.join("\n");
    for name in ["phone_number_verified", "email", "email_verified", "role", "groups"] {
        let told = format!("the attribute {name:?}, which users may have set themselves");
        assert!(left.contains(&told), "{told}: {left}");
    }
    assert!(left.contains("the member madeUp"), "{left}");
    assert_eq!(user.left.len(), 6, "{left}");
    let consent = ForeignConsent {
        sub: "u".to_owned(),
        client_id: "a".to_owned(),
        scopes: vec!["profile".to_owned(), "openid".to_owned()],
        expires_at: None,
    };
    assert_eq!(consents, [consent]);
    // All realms at once are an array.
    let each = |_| {};
    let all = read_export(&manner(Format::Keycloak), format!("[{text}]").as_bytes(), each);
    assert!(all.unwrap_err().to_string().contains("--realm NAME"));
}

#[test]
fn an_export_that_is_damaged_anywhere_is_refused() {
    let user =
        |number: usize| json!({"id": format!("u{number}"), "username": format!("n{number}")});
    let export = json!({"users": (0..40).map(user).collect::<Vec<_>>(), "clients": []}).to_string();
    for at in (0..export.len()).step_by(7) {
        for damage in [b'\0', b'{'] {
            let mut bytes = export.clone().into_bytes();
            bytes[at] = damage;
            let read = read_export(&manner(Format::Keycloak), bytes.as_slice(), |_| {});
            // Within a text it is another text.
            let is_json = serde_json::from_slice::<Value>(&bytes).is_ok();
            match read {
                Ok(_) => assert!(is_json, "at {at}"),
                Err(problem) => {
                    let part = if is_json { "has no users" } else { "line 1 column" };
                    assert!(problem.to_string().contains(part), "{problem}");
                }
            }
        }
    }
}

/// Users of many systems can edit such attributes themselves, or could.
#[test]
fn an_attribute_gives_no_right_and_vouches_for_nothing() {
    let names = ["role", "groups", "email", "email_verified", "phone_number_verified"];
    let values = ["admin", "staff", "root@example.com", "true", "true"];
    let pairs = || names.into_iter().zip(values);
    let mut in_keycloak = json!({"id": "u", "username": "ada", "enabled": true});
    for (name, value) in pairs() {
        in_keycloak["attributes"][name] = json!([value]);
    }
    in_keycloak["attributes"]["department"] = json!(["Sales"]);
    let custom = pairs().map(|(name, value)| (name.to_owned(), json!(value)));
    let mut custom: Map<String, Value> = custom.collect();
    custom.insert("email_verified".to_owned(), json!(true));
    custom.insert("department".to_owned(), json!("Sales"));
    let custom = Value::Object(custom).to_string();
    let in_firebase = json!({"localId": "u", "phoneNumber": "1", "customAttributes": custom});
    let claim = |(name, value)| json!({"ClaimType": name, "ClaimValue": value});
    let claims: Vec<Value> = pairs().chain([("department", "Sales")]).map(claim).collect();
    let in_aspnet = json!({"Id": "u", "UserName": "ada", "Claims": claims});
    for (format, export, verified) in [
        (Format::Keycloak, realm(&in_keycloak), None),
        // Firebase itself has verified the number.
        (Format::Firebase, json!({"users": [in_firebase]}).to_string(), Some(&json!(true))),
        (Format::Identityserver, json!({"Users": [in_aspnet]}).to_string(), None),
    ] {
        let user = only(format, &export);
        for name in &names[..4] {
            assert!(!user.claims.contains_key(*name), "{format:?}: {name}");
            let told = user.left.iter().any(|left| left.contains(&format!("{name:?}")));
            assert!(told, "{format:?}: {name}: {:?}", user.left);
        }
        assert_eq!(user.claims.get("phone_number_verified"), verified, "{format:?}");
        assert!(user.groups.is_empty());
        assert_eq!(user.claims["department"], json!("Sales"), "{format:?}");
        assert_eq!(user.from_attributes, ["department"], "{format:?}");
        let mut rights = user.rights_left;
        rights.sort();
        let rights: Vec<_> = rights.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(rights, [("groups", "\"staff\""), ("role", "\"admin\"")], "{format:?}");
    }
}

#[test]
fn a_claim_that_says_what_is_known_is_no_news() {
    let claim = |name, value| json!({"ClaimType": name, "ClaimValue": value});
    let user = json!({"Id": "1", "UserName": "ada", "Email": "ada@example.com", "Roles": ["seller"],
        "Claims": [claim("email", "ada@example.com"), claim("role", "seller"),
            claim("role", "admin")]});
    let user = only(Format::Identityserver, &json!({"Users": [user]}).to_string());
    assert_eq!(user.claims["role"], json!(["seller"]));
    assert_eq!(user.left.len(), 1, "{:?}", user.left);
    assert!(user.left[0].contains("\"role\""), "{:?}", user.left);
}

#[test]
fn nobody_is_in_a_group_that_has_its_path_with_another() {
    let realm = json!({"users": [], "groups": [
        {"name": "a", "subGroups": [{"name": "b", "realmRoles": ["owner"]}]},
        {"name": "a/b"}]});
    let groups = configuration(Format::Keycloak, &realm).groups;
    let refused: Vec<_> = groups.iter().filter_map(|group| group.as_ref().err()).collect();
    assert_eq!(groups.len(), 3);
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|group| group.path == "a/b" && group.problem.contains("several")));
}

/// Without its restriction a client would be open to more than it was.
#[test]
fn a_client_whose_restriction_is_not_taken_over_is_disabled() {
    let realm = json!({"users": [], "clients": [
        {"clientId": "signed", "publicClient": true,
            "attributes": {"request.object.required": "request or request_uri"}},
        {"clientId": "any", "publicClient": true,
            "attributes": {"request.object.required": "not required"}},
        {"clientId": "strong", "publicClient": true,
            "authenticationFlowBindingOverrides": {"browser": "x"}},
        {"clientId": "level", "attributes": {"minimum.acr.value": "2"}, "secret": "s"},
        {"clientId": "bound", "secret": "s",
            "attributes": {"tls.client.certificate.bound.access.tokens": "true"}},
        {"clientId": "x509", "clientAuthenticatorType": "client-x509", "secret": "s"},
        {"clientId": "secret-jwt", "clientAuthenticatorType": "client-secret-jwt", "secret": "s"},
        {"clientId": "jwt", "clientAuthenticatorType": "client-jwt", "secret": "s"},
        {"clientId": "jwks", "clientAuthenticatorType": "client-jwt",
            "attributes": {"use.jwks.url": "true", "jwks.url": "https://a.example/jwks"}},
        {"clientId": "secret", "secret": "s",
            "attributes": {"tls.client.certificate.bound.access.tokens": "false"}}]});
    let other = json!({"Clients": [
        {"ClientId": "google", "IdentityProviderRestrictions": ["Google"], "Enabled": true},
        {"ClientId": "signed", "RequireRequestObject": true, "Enabled": 1},
        {"ClientId": "x509", "Enabled": true,
            "ClientSecrets": [{"Type": "X509Thumbprint", "Value": "x"}]},
        {"ClientId": "any", "Enabled": true, "RequireRequestObject": false,
            "IdentityProviderRestrictions": [], "ClientSecrets": []}]});
    let keycloaks = ["signed", "strong", "level", "bound", "x509", "secret-jwt", "jwt"];
    for (format, export, restricted) in [
        (Format::Keycloak, realm, &keycloaks[..]),
        (Format::Identityserver, other, &["google", "signed", "x509"]),
    ] {
        for client in configuration(format, &export).clients {
            let client = client.unwrap();
            let is_open = !restricted.contains(&client.client_id.as_str());
            assert_eq!(client.settings["enabled"], json!(is_open), "{}", client.client_id);
            let is_told = client.left.iter().any(|left| left.contains("is disabled: "));
            assert_eq!(is_told, !is_open, "{:?}", client.left);
        }
    }
}
