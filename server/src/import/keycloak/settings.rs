//! The settings of a realm. None is taken over: each that is not as Keycloak has it by itself is
//! told, with what to set here in its place.

use serde_json::Value;

use super::{is_keycloaks_own, realm::OWN_CLIENTS};
use crate::import::foreign_client::Configuration;

/// What a setting is by itself.
enum Usual {
    /// Nothing: missing, empty, 0 or off.
    Nothing,
    /// On.
    On,
    Number(i64),
    Text(&'static str),
}
use Usual::{Nothing, Number, On, Text};

/// A setting: its name, what it is by itself, and what is said about it otherwise.
type Setting = (&'static str, Usual, &'static str);

const SETTINGS: [Setting; 39] = [
    ("enabled", On, "the realm is disabled: here its users can sign in"),
    ("displayName", Nothing, "the title of the pages: set branding.name"),
    (
        "defaultSignatureAlgorithm",
        Text("RS256"),
        "what signs tokens: set provider.access_token_signing_alg, and id_token_signing_alg of \
        clients",
    ),
    (
        "passwordPolicy",
        Nothing,
        "the password policy: set provider.min_password_length and \
        accounts.breached_passwords_file",
    ),
    ("registrationAllowed", Nothing, "users may register: set accounts.registration"),
    ("registrationEmailAsUsername", Nothing, "who registers has the address as user name"),
    (
        "verifyEmail",
        Nothing,
        "users must verify their addresses: here they do so when they register, \
        or change the address",
    ),
    (
        "loginWithEmailAllowed",
        Nothing,
        "users may sign in by their addresses: set \
        accounts.sign_in_with",
    ),
    (
        "duplicateEmailsAllowed",
        Nothing,
        "users may have one address together: here a verified \
        address is one user's",
    ),
    ("resetPasswordAllowed", Nothing, "users may set another password by mail: set [mail]"),
    ("editUsernameAllowed", Nothing, "users may change their user names: here operators do so"),
    (
        "permanentLockout",
        Nothing,
        "whoever fails too often is locked out for ever: see \
        accounts.most_wrong_attempts",
    ),
    (
        "ssoSessionIdleTimeout",
        Number(1800),
        "how long sessions may be idle: set \
        provider.session_lifetime, which counts from the sign-in",
    ),
    (
        "ssoSessionMaxLifespan",
        Number(36_000),
        "how long sessions last: set \
        provider.session_lifetime",
    ),
    (
        "ssoSessionIdleTimeoutRememberMe",
        Nothing,
        "how long remembered sessions may be idle: set \
        provider.remember_me_lifetime",
    ),
    (
        "ssoSessionMaxLifespanRememberMe",
        Nothing,
        "how long remembered sessions last: set \
        provider.remember_me_lifetime",
    ),
    (
        "offlineSessionIdleTimeout",
        Number(2_592_000),
        "how long refresh tokens may be unused: set \
        sliding_refresh_token_lifetime of clients",
    ),
    (
        "offlineSessionMaxLifespanEnabled",
        Nothing,
        "how long refresh tokens last: set \
        absolute_refresh_token_lifetime of clients",
    ),
    (
        "clientSessionIdleTimeout",
        Nothing,
        "how long refresh tokens may be unused: set \
        sliding_refresh_token_lifetime of clients",
    ),
    (
        "clientSessionMaxLifespan",
        Nothing,
        "how long refresh tokens last: set \
        absolute_refresh_token_lifetime of clients",
    ),
    (
        "clientOfflineSessionIdleTimeout",
        Nothing,
        "how long refresh tokens may be unused: set \
        sliding_refresh_token_lifetime of clients",
    ),
    (
        "clientOfflineSessionMaxLifespan",
        Nothing,
        "how long refresh tokens last: set \
        absolute_refresh_token_lifetime of clients",
    ),
    (
        "accessCodeLifespan",
        Number(60),
        "how long codes are valid: set authorization_code_lifetime \
        of clients",
    ),
    (
        "revokeRefreshToken",
        Nothing,
        "refresh tokens are replaced at each use: so they are here \
        (refresh_token_usage)",
    ),
    ("smtpServer", Nothing, "the mail server: set [mail]"),
    ("loginTheme", Nothing, "the theme of the sign-in: set [branding]"),
    ("accountTheme", Nothing, "the theme of the account pages: set [branding]"),
    ("adminTheme", Nothing, "the theme of the administration"),
    ("emailTheme", Nothing, "the theme of mails: write templates (doorward mail templates)"),
    ("localizationTexts", Nothing, "texts of one's own for the pages"),
    (
        "eventsListeners",
        Nothing,
        "listeners to events: the audit history is always kept, and can \
        be sent elsewhere",
    ),
    ("defaultGroups", Nothing, "the groups that new users join by themselves"),
    ("organizations", Nothing, "the organizations: make groups of them"),
    ("userManagedAccessAllowed", Nothing, "user-managed access (UMA)"),
    (
        "adminPermissionsEnabled",
        Nothing,
        "permissions of administrators: give them roles by \
        doorward admin grant",
    ),
    ("verifiableCredentialsEnabled", Nothing, "verifiable credentials"),
    ("oid4VciEnabled", Nothing, "verifiable credentials"),
    ("scimApiEnabled", Nothing, "SCIM: set [scim]"),
    ("workflows", Nothing, "workflows"),
];

/// What needs a look at its content.
const LOOKED_AT: [&str; 8] = [
    "components",
    "scopeMappings",
    "clientScopeMappings",
    "clientProfiles",
    "clientPolicies",
    "attributes",
    "authenticatorConfig",
    "defaultRoles",
];

/// The members of a realm that [`take`] wants as they are.
pub fn names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|(name, ..)| *name).chain(LOOKED_AT)
}

/// Members that say nothing here: what is told by others, what is always so here, and what belongs
/// to second factors, which are set up again.
const OF_NO_USE: [&str; 41] = [
    "id",
    "realm",
    "displayNameHtml",
    "notBefore",
    "keycloakVersion",
    "refreshTokenMaxReuse",
    "accessTokenLifespanForImplicitFlow",
    "offlineSessionMaxLifespan",
    "accessCodeLifespanUserAction",
    "accessCodeLifespanLogin",
    "actionTokenGeneratedByAdminLifespan",
    "actionTokenGeneratedByUserLifespan",
    "oauth2DevicePollingInterval",
    "sslRequired",
    "rememberMe",
    "passwordCredentialGrantAllowed",
    "requiredCredentials",
    "bruteForceProtected",
    "maxTemporaryLockouts",
    "bruteForceStrategy",
    "maxFailureWaitSeconds",
    "minimumQuickLoginWaitSeconds",
    "waitIncrementSeconds",
    "quickLoginCheckMilliSeconds",
    "maxDeltaTimeSeconds",
    "maxSecondaryAuthFailures",
    "failureFactor",
    "defaultRole",
    "defaultDefaultClientScopes",
    "defaultOptionalClientScopes",
    "browserSecurityHeaders",
    "eventsEnabled",
    "eventsExpiration",
    "enabledEventTypes",
    "adminEventsEnabled",
    "adminEventsDetailsEnabled",
    "internationalizationEnabled",
    "supportedLocales",
    "defaultLocale",
    "organizationsEnabled",
    "otpSupportedApplications",
];
/// How the names of others begin.
const BEGINNINGS_OF_NO_USE: [&str; 2] = ["otpPolicy", "webAuthnPolicy"];
/// Keys of its own, which earlier versions wrote here.
const OWN_KEYS: [&str; 4] = ["privateKey", "publicKey", "certificate", "codeSecret"];
/// Which flow is for what. Flows of one's own are told by themselves.
const FLOW: &str = "Flow";

/// Attributes of a realm that every realm has, or that are settings by another name.
const USUAL_ATTRIBUTES: [&str; 14] = [
    "cibaBackchannelTokenDeliveryMode",
    "cibaExpiresIn",
    "cibaInterval",
    "cibaAuthRequestedUserHint",
    "parRequestUriLifespan",
    "oauth2DeviceCodeLifespan",
    "oauth2DevicePollingInterval",
    "clientOfflineSessionIdleTimeout",
    "clientOfflineSessionMaxLifespan",
    "clientSessionIdleTimeout",
    "clientSessionMaxLifespan",
    "actionTokenGeneratedByUserLifespan",
    "shortVerificationUri",
    "userProfileEnabled",
];

/// Tells a member of the realm, if it is not as it is by itself.
pub fn take(name: &str, value: &Value, configuration: &mut Configuration) {
    let mut leave = |what: String| configuration.left.push(what);
    if let Some((_, usual, said)) = SETTINGS.iter().find(|(setting, ..)| *setting == name) {
        let is_usual = match usual {
            Nothing => says_nothing(value),
            On => value.is_null() || value == &Value::Bool(true),
            Number(number) => value.is_null() || value.as_i64() == Some(*number),
            Text(text) => value.is_null() || value.as_str() == Some(*text),
        };
        if !is_usual {
            leave(match value {
                // Values that are short, and no secrets.
                Value::String(text) => format!("{name} = {text:?}: {said}"),
                Value::Number(number) => format!("{name} = {number}: {said}"),
                _ => format!("{name}: {said}"),
            });
        }
        return;
    }
    match name {
        "components" => components(value, &mut leave),
        "scopeMappings" | "clientScopeMappings" => scope_mappings(name, value, &mut leave),
        "clientProfiles" | "clientPolicies" => {
            let own = ["profiles", "policies"].iter().filter_map(|list| value[*list].as_array());
            for one in own.flatten() {
                let one = one["name"].as_str().unwrap_or("without a name");
                leave(format!("{name}: {one}. Set what it asks for at each client"));
            }
        }
        "attributes" => {
            for (attribute, value) in value.as_object().into_iter().flatten() {
                let is_usual = USUAL_ATTRIBUTES.contains(&attribute.as_str())
                    || attribute.starts_with("_browser_header")
                    || attribute.starts_with("client-policies")
                    || says_nothing(value);
                if attribute == "acr.loa.map" && !is_usual {
                    leave(format!("the attribute {attribute}: set provider.acr_values"));
                } else if !is_usual {
                    leave(format!("the attribute {attribute} of the realm"));
                }
            }
        }
        // As versions before 13 write it.
        "defaultRoles" => {
            let roles = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            let roles: Vec<&str> = roles.filter(|role| !is_keycloaks_own(role)).collect();
            if !roles.is_empty() {
                leave(format!("the roles that every user has: {}", roles.join(", ")));
            }
        }
        "authenticatorConfig" => {
            // Of the flows that every realm has.
            let built_in = ["create unique user config", "review profile config"];
            let aliases = value.as_array().into_iter().flatten();
            for alias in aliases.filter_map(|config| config["alias"].as_str()) {
                if !built_in.contains(&alias) {
                    leave(format!("the settings {alias} of a step of an authentication flow"));
                }
            }
        }
        name => {
            let is_known = OF_NO_USE.contains(&name)
                || OWN_KEYS.contains(&name)
                || name.ends_with(FLOW)
                || BEGINNINGS_OF_NO_USE.iter().any(|beginning| name.starts_with(beginning));
            if !is_known {
                leave(format!("{name}, which is not known here"));
            }
        }
    }
}

/// Whether this is a setting that is empty or off, as texts have it, too.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is_on) => !is_on,
        Value::Number(number) => number.as_i64() == Some(0),
        // A theme of Keycloak's own is none.
        Value::String(text) => {
            matches!(text.as_str(), "" | "0" | "false" | "{}") || text.starts_with("keycloak")
        }
        Value::Array(values) => values.iter().all(|one| one == "jboss-logging"),
        Value::Object(members) => members.is_empty(),
    }
}

/// Components: what is plugged into a realm, by its kind.
fn components(value: &Value, leave: &mut impl FnMut(String)) {
    for (kind, components) in value.as_object().into_iter().flatten() {
        for component in components.as_array().into_iter().flatten() {
            let text = |name: &str| component[name].as_str().unwrap_or_default();
            let name = if text("name").is_empty() { text("providerId") } else { text("name") };
            let provider = text("providerId");
            match kind.rsplit('.').next().unwrap_or_default() {
                "UserStorageProvider" => {
                    let instead = match provider {
                        "ldap" => "configure it under [[directories]]",
                        "kerberos" => "there is no sign-in by Kerberos here",
                        _ => "there is none of this kind here",
                    };
                    leave(format!("the user store {name} ({provider}): {instead}"));
                    for (_, parts) in component["subComponents"].as_object().into_iter().flatten() {
                        let parts = parts.as_array().into_iter().flatten();
                        let parts: Vec<&str> =
                            parts.filter_map(|part| part["name"].as_str()).collect();
                        leave(format!(
                            "the mappers of the user store {name}: {}. Set claims and groups of \
                             the directory",
                            parts.join(", ")
                        ));
                    }
                }
                // Tokens are signed by keys that are made here.
                "KeyProvider" if provider.ends_with("-generated") => {}
                "KeyProvider" => leave(format!(
                    "the key {name} ({provider}): Doorward makes keys of its own, and applications \
                     read them at the jwks_uri"
                )),
                // Every realm has these, and registration is off here until it is turned on.
                "ClientRegistrationPolicy" => {}
                "UserProfileProvider" if says_nothing(&component["config"]) => {}
                "UserProfileProvider" => leave(
                    "the user profile (which attributes there are, and who may change them): set \
                     accounts.editable_claims"
                        .to_owned(),
                ),
                _ => leave(format!("the component {name} ({provider}) of {kind}")),
            }
        }
    }
}

/// Which roles the tokens of a client or scope may have.
fn scope_mappings(name: &str, value: &Value, leave: &mut impl FnMut(String)) {
    let lists: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        list => vec![list],
    };
    for mapping in lists.into_iter().filter_map(Value::as_array).flatten() {
        let whose = ["client", "clientScope"].iter().find_map(|name| mapping[*name].as_str());
        let whose = whose.unwrap_or("without a name");
        if whose != "offline_access" && !OWN_CLIENTS.contains(&whose) {
            leave(format!("{name}: which roles the tokens of {whose} have"));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::super::read;
    use super::*;

    /// The members of a realm as Keycloak 26 exports a new one, without those that are tested
    /// elsewhere.
    fn new_realm() -> Value {
        serde_json::from_str(NEW_REALM).unwrap()
    }

    const NEW_REALM: &str = r#"{
            "id": "r", "realm": "r", "notBefore": 0, "defaultSignatureAlgorithm": "RS256",
            "revokeRefreshToken": false, "refreshTokenMaxReuse": 0,
            "accessTokenLifespanForImplicitFlow": 900, "ssoSessionIdleTimeout": 1800,
            "ssoSessionMaxLifespan": 36000, "ssoSessionIdleTimeoutRememberMe": 0,
            "ssoSessionMaxLifespanRememberMe": 0, "offlineSessionIdleTimeout": 2592000,
            "offlineSessionMaxLifespanEnabled": false, "offlineSessionMaxLifespan": 5184000,
            "clientSessionIdleTimeout": 0, "clientSessionMaxLifespan": 0,
            "clientOfflineSessionIdleTimeout": 0, "clientOfflineSessionMaxLifespan": 0,
            "accessCodeLifespan": 60, "accessCodeLifespanUserAction": 300,
            "accessCodeLifespanLogin": 1800, "actionTokenGeneratedByAdminLifespan": 43200,
            "actionTokenGeneratedByUserLifespan": 300, "oauth2DevicePollingInterval": 5,
            "enabled": true, "sslRequired": "external", "registrationAllowed": false,
            "registrationEmailAsUsername": false, "rememberMe": false, "verifyEmail": false,
            "loginWithEmailAllowed": false, "duplicateEmailsAllowed": false,
            "resetPasswordAllowed": false, "editUsernameAllowed": false,
            "bruteForceProtected": false, "permanentLockout": false, "maxTemporaryLockouts": 0,
            "bruteForceStrategy": "MULTIPLE", "maxFailureWaitSeconds": 900,
            "minimumQuickLoginWaitSeconds": 60, "waitIncrementSeconds": 60,
            "quickLoginCheckMilliSeconds": 1000, "maxDeltaTimeSeconds": 43200,
            "failureFactor": 30, "maxSecondaryAuthFailures": 0, "defaultRole": {"name": "d"},
            "requiredCredentials": ["password"], "otpPolicyType": "totp",
            "otpSupportedApplications": ["totpAppFreeOTPName"], "localizationTexts": {},
            "webAuthnPolicyRpEntityName": "keycloak", "webAuthnPolicyExtraOrigins": [],
            "users": [], "federatedUsers": [],
            "scopeMappings": [{"clientScope": "offline_access", "roles": ["offline_access"]}],
            "clientScopeMappings": {"account": [{"client": "account-console", "roles": ["x"]}]},
            "defaultDefaultClientScopes": ["roles"], "defaultOptionalClientScopes": ["phone"],
            "browserSecurityHeaders": {"xFrameOptions": "SAMEORIGIN"}, "smtpServer": {},
            "accountTheme": "keycloak.v2", "eventsEnabled": false,
            "eventsListeners": ["jboss-logging"], "enabledEventTypes": [],
            "adminEventsEnabled": false, "adminEventsDetailsEnabled": false,
            "identityProviders": [], "identityProviderMappers": [],
            "components": {
                "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy":
                    [{"name": "Trusted Hosts", "providerId": "trusted-hosts", "config": {}}],
                "org.keycloak.userprofile.UserProfileProvider":
                    [{"providerId": "declarative-user-profile", "config": {}}],
                "org.keycloak.keys.KeyProvider":
                    [{"name": "rsa-generated", "providerId": "rsa-generated", "config": {}}]
            },
            "internationalizationEnabled": false, "supportedLocales": [],
            "authenticationFlows": [{"alias": "browser", "builtIn": true}],
            "authenticatorConfig": [{"alias": "create unique user config", "config": {}}],
            "requiredActions": [
                {"alias": "CONFIGURE_TOTP", "providerId": "CONFIGURE_TOTP", "enabled": true,
                    "defaultAction": false},
                {"alias": "TERMS_AND_CONDITIONS", "providerId": "TERMS_AND_CONDITIONS",
                    "enabled": false, "defaultAction": false}],
            "browserFlow": "browser", "firstBrokerLoginFlow": "first broker login",
            "attributes": {"cibaExpiresIn": "120", "acr.loa.map": "{}"},
            "keycloakVersion": "26.0.0", "userManagedAccessAllowed": false,
            "organizationsEnabled": false, "organizations": [],
            "verifiableCredentialsEnabled": false, "adminPermissionsEnabled": false,
            "clientProfiles": {"profiles": []}, "clientPolicies": {"policies": []}
        }"#;

    fn left(realm: &Value) -> Vec<String> {
        let mut configuration = Configuration::default();
        read(realm.to_string().as_bytes(), &mut |_| {}, &mut configuration).unwrap();
        configuration.left
    }

    #[test]
    fn nothing_is_said_about_what_a_new_realm_has_by_itself() {
        assert_eq!(left(&new_realm()), [""; 0]);
    }

    #[test]
    fn what_an_administrator_set_is_told_with_what_to_set_here() {
        for (name, value, part) in [
            ("enabled", json!(false), "disabled"),
            ("passwordPolicy", json!("length(8)"), "\"length(8)\": the password policy: set prov"),
            ("ssoSessionMaxLifespan", json!(60), "= 60: how long sessions last"),
            ("loginWithEmailAllowed", json!(true), "accounts.sign_in_with"),
            ("smtpServer", json!({"password": "hunter2"}), "set [mail]"),
            ("loginTheme", json!("ours"), "set [branding]"),
            ("eventsListeners", json!(["jboss-logging", "kafka"]), "listeners"),
            ("federatedUsers", json!([{"id": "f:1"}]), "1 users of user stores"),
            ("userFederationProviders", json!([{"displayName": "old"}]), "the user store old"),
            ("organizations", json!([{"name": "acme"}]), "make groups of them"),
            ("scopeMappings", json!([{"client": "shop", "roles": ["a"]}]), "tokens of shop"),
            ("clientPolicies", json!({"policies": [{"name": "fapi"}]}), "clientPolicies: fapi"),
            ("attributes", json!({"acr.loa.map": "{\"a\":1}"}), "set provider.acr_values"),
            ("attributes", json!({"frontendUrl": "https://x"}), "the attribute frontendUrl"),
            ("authenticatorConfig", json!([{"alias": "own"}]), "the settings own"),
            ("authenticationFlows", json!([{"alias": "own"}]), "the authentication flow own"),
            (
                "requiredActions",
                json!([{"alias": "VERIFY_EMAIL", "providerId": "VERIFY_EMAIL", "enabled": true,
                    "defaultAction": true}]),
                "the required action VERIFY_EMAIL",
            ),
            (
                "requiredActions",
                json!([{"alias": "own", "providerId": "own", "enabled": true}]),
                "the required action own",
            ),
            (
                "roles",
                json!({"realm": [{"name": "default-roles-r", "composite": true, "composites":
                    {"realm": ["offline_access", "staff"], "client": {"account": ["x"],
                    "shop": ["buyer"]}}}]}),
                "staff, shop.buyer",
            ),
            ("roles", json!({"client": {"shop": [{"name": "buyer"}]}}), "client shop: buyer"),
            ("defaultRoles", json!(["offline_access", "staff"]), "every user has: staff"),
            ("newMember", json!({}), "newMember, which is not known here"),
        ] {
            let mut realm = new_realm();
            realm[name] = value;
            let left = left(&realm);
            assert_eq!(left.len(), 1, "{name}: {left:?}");
            assert!(left[0].contains(part) && !left[0].contains("hunter2"), "{left:?}");
        }
    }

    #[test]
    fn components_are_told_by_their_kind() {
        let mut realm = new_realm();
        realm["components"] = json!({
            "org.keycloak.storage.UserStorageProvider": [
                {"name": "ad", "providerId": "ldap", "config": {"bindCredential": ["hunter2"]},
                    "subComponents": {"org.keycloak.storage.ldap.mappers.LDAPStorageMapper":
                        [{"name": "email"}, {"name": "groups"}]}},
                {"name": "k", "providerId": "kerberos"}],
            "org.keycloak.keys.KeyProvider": [{"name": "own", "providerId": "java-keystore"}],
            "org.keycloak.userprofile.UserProfileProvider":
                [{"providerId": "declarative-user-profile", "config": {"c": ["{}"]}}],
            "com.example.Thing": [{"name": "t", "providerId": "p"}],
        });
        let left = left(&realm).join("\n");
        assert_eq!(left.lines().count(), 6, "{left}");
        for part in [
            "the user store ad (ldap): configure it under [[directories]]",
            "the mappers of the user store ad: email, groups",
            "no sign-in by Kerberos",
            "the key own (java-keystore)",
            "accounts.editable_claims",
            "the component t (p) of com.example.Thing",
        ] {
            assert!(left.contains(part), "{part}: {left}");
        }
        assert!(!left.contains("hunter2"));
    }
}
