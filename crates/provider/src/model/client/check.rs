//! The check of a client's settings: by themselves, and against everything else that the provider
//! has.

use doorward_protocol::{
    ids::ClientId,
    jose::SigningAlgorithm,
    scope::{OFFLINE_ACCESS, Scope, is_scope_token},
    time::Seconds,
};
use serde_json::{Map, Value};
use url::Url;

use super::{
    AccessTokenType, AnswerSigning, Client, ClientOrigin, ClientSettings, GrantType, RedirectUri,
    RedirectUriRules, RefreshTokenExpiration, fapi2,
    keys::ClientKeys,
    logout_uri::logout_uris,
    request_object::{RequestObjectAlgorithm, RequestObjectRules},
    request_uri::RequestUri,
    subject::Pairwise,
};
use crate::model::{
    acr::AcrLevel, provider_settings::AccessTokenTyp, resource::Resources,
    settings_error::SettingsError, shared_secret::SharedSecrets, signing_key::RETAINED_FOR,
};

/// Collects the mistakes, so that all of them are told.
#[derive(Default)]
struct Mistakes(Vec<SettingsError>);

impl Mistakes {
    /// The value, or `None` and the mistake is noted.
    fn note<T>(&mut self, checked: Result<T, SettingsError>) -> Option<T> {
        checked.map_err(|mistake| self.0.push(mistake)).ok()
    }

    /// Fails if anything was noted. `value` is there if nothing was.
    fn or<T>(self, value: Option<T>) -> Result<T, Vec<SettingsError>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

impl Client {
    /// Checks the settings. `plain_secrets` says whether secrets may be plain text and
    /// trivial (demo mode).
    pub fn from_settings(
        settings: ClientSettings,
        plain_secrets: bool,
    ) -> Result<Self, SettingsError> {
        Self::from_all_settings(settings, plain_secrets).map_err(SettingsError::first)
    }

    /// The same with every mistake.
    #[allow(clippy::too_many_lines)] // It is a list of the settings.
    pub fn from_all_settings(
        mut settings: ClientSettings,
        plain_secrets: bool,
    ) -> Result<Self, Vec<SettingsError>> {
        let mut mistakes = Mistakes::default();
        let client_id = mistakes.note(settings.checked_id());
        mistakes.note(refuse_what_is_not_served(&settings));
        mistakes.note(fapi2::apply(&mut settings));
        mistakes.note(check_grant_types(&settings));
        let keys = mistakes.note(keys(&settings));
        let access_token_lifetime = mistakes.note(access_token_lifetime(&settings));
        let sliding = settings.refresh_token_expiration == RefreshTokenExpiration::Sliding;
        let absolute = if sliding && settings.absolute_refresh_token_lifetime == 0 {
            Some(Seconds::ZERO)
        } else {
            let value = settings.absolute_refresh_token_lifetime;
            mistakes.note(lifetime("absolute_refresh_token_lifetime", value))
        };
        let rules = RedirectUriRules {
            any_localhost_port: settings.allow_any_localhost_port,
            schemes_without_dot: settings.allow_private_use_schemes,
            plain_http: settings.allow_http_redirect_uris,
        };
        let request_objects = mistakes.note(RequestObjectRules::from_settings(&settings));
        let answers = AnswerSigning::from_settings(&settings);
        let logout = mistakes.note(logout_uris(&settings));
        let pairwise = mistakes.note(Pairwise::from_settings(&settings));
        let claims = client_claims(&settings.client_claims_prefix, settings.claims);
        let claims = mistakes.note(claims);
        let mut page =
            |key, uri: Option<String>| mistakes.note(uri.map(|uri| web_uri(key, uri)).transpose());
        let client_uri = page("client_uri", settings.client_uri);
        let logo_uri = page("logo_uri", settings.logo_uri);
        let policy_uri = page("policy_uri", settings.policy_uri);
        let tos_uri = page("tos_uri", settings.tos_uri);
        let initiate = settings.initiate_login_uri.map(initiate_login_uri).transpose();
        let initiate_login_uri = mistakes.note(initiate);
        let secrets = settings.client_secrets;
        let secrets = SharedSecrets::from_settings("client_secrets", secrets, plain_secrets);
        let secrets = mistakes.note(secrets);
        let request_uris = mistakes.note(all(&settings.request_uris, RequestUri::from_settings));
        let sign_in = redirect_uris("redirect_uris", settings.redirect_uris, rules);
        let sign_in = mistakes.note(sign_in);
        let uris = settings.post_logout_redirect_uris;
        let sign_out = mistakes.note(redirect_uris("post_logout_redirect_uris", uris, rules));
        let scope = allowed_scope(&settings.allowed_scopes, settings.allow_offline_access);
        let scope = mistakes.note(scope);
        let identity_token_lifetime = settings.identity_token_lifetime;
        let identity_token_lifetime =
            mistakes.note(jwt_lifetime("identity_token_lifetime", identity_token_lifetime));
        let mut lives = |key, value| mistakes.note(lifetime(key, value));
        let code = lives("authorization_code_lifetime", settings.authorization_code_lifetime);
        let device_code = lives("device_code_lifetime", settings.device_code_lifetime);
        let value = settings.sliding_refresh_token_lifetime;
        let sliding = lives("sliding_refresh_token_lifetime", value);
        let consent = optional_lifetime("consent_lifetime", settings.consent_lifetime);
        let consent = mistakes.note(consent);
        let sso = optional_lifetime("user_sso_lifetime", settings.user_sso_lifetime);
        let sso = mistakes.note(sso);
        let max_age = mistakes.note(default_max_age(settings.default_max_age));
        let cors_origins = mistakes.note(all(&settings.allowed_cors_origins, origin));
        let client = (|| {
            let (front_channel_logout, back_channel_logout) = logout?;
            Some(Self {
                enabled: settings.enabled,
                name: settings.client_name.unwrap_or(settings.client_id),
                description: settings.description,
                client_uri: client_uri?,
                initiate_login_uri: initiate_login_uri?,
                logo_uri: logo_uri?,
                policy_uri: policy_uri?,
                tos_uri: tos_uri?,
                branding: settings.branding,
                origin: ClientOrigin::Operator,
                secrets: secrets?,
                keys: keys?,
                jwks_uri: settings.jwks_uri,
                confidential: settings.require_client_secret,
                grant_types: settings.allowed_grant_types,
                require_pkce: settings.require_pkce,
                require_dpop: settings.require_dpop,
                require_dpop_nonce: settings.require_dpop_nonce,
                require_par: settings.require_par,
                request_objects: request_objects?,
                request_uris: request_uris?,
                answers,
                fapi2: settings.fapi2,
                redirect_uris: sign_in?,
                post_logout_redirect_uris: sign_out?,
                front_channel_logout,
                back_channel_logout,
                allow_offline_access: settings.allow_offline_access,
                allowed_scope: scope?,
                user_claims_in_id_token: settings.always_include_user_claims_in_id_token,
                identity_token_lifetime: identity_token_lifetime?,
                access_token_lifetime: access_token_lifetime?,
                access_token_type: settings.access_token_type,
                authorization_code_lifetime: code?,
                device_code_lifetime: device_code?,
                id_token_signing_alg: settings.id_token_signing_alg,
                absolute_refresh_token_lifetime: absolute?,
                sliding_refresh_token_lifetime: sliding?,
                refresh_token_usage: settings.refresh_token_usage,
                refresh_token_expiration: settings.refresh_token_expiration,
                update_claims_on_refresh: settings.update_access_token_claims_on_refresh,
                require_consent: settings.require_consent,
                allow_remember_consent: settings.allow_remember_consent,
                consent_lifetime: consent?,
                user_sso_lifetime: sso?,
                require_acr: settings.require_acr,
                default_max_age: max_age?,
                default_acr_values: settings.default_acr_values,
                enable_local_login: settings.enable_local_login,
                identity_providers: settings.identity_providers,
                pairwise: pairwise?,
                claims: claims?,
                always_send_client_claims: settings.always_send_client_claims,
                cors_origins: cors_origins?,
                client_id: client_id?,
            })
        })();
        mistakes.or(client)
    }

    /// Checks the settings, also against what else the provider has: every scope is defined, ID
    /// tokens are signed by an algorithm with keys, and no API that authenticates has the same
    /// name.
    pub fn checked(
        settings: ClientSettings,
        plain_secrets: bool,
        resources: &Resources,
        algorithms: &[SigningAlgorithm],
    ) -> Result<Self, SettingsError> {
        Self::all_checked(settings, plain_secrets, resources, algorithms)
            .map_err(SettingsError::first)
    }

    /// The same with every mistake.
    pub fn all_checked(
        settings: ClientSettings,
        plain_secrets: bool,
        resources: &Resources,
        algorithms: &[SigningAlgorithm],
    ) -> Result<Self, Vec<SettingsError>> {
        let client = Self::from_all_settings(settings, plain_secrets)?;
        let mut mistakes = Vec::new();
        let id_token = ("id_token_signing_alg", client.id_token_signing_alg);
        let signing = [id_token].into_iter().chain(client.answers.algorithms());
        let mut told = Vec::new();
        for (key, missing) in signing.filter(|(_, own)| !algorithms.contains(own)) {
            // Answers are signed as ID tokens are unless their own keys say otherwise.
            if !told.contains(&missing) {
                let problem = "list this algorithm under provider.signing_algorithms, too";
                mistakes.push(SettingsError::new(key, missing, problem));
                told.push(missing);
            }
        }
        for unknown in client.allowed_scope.iter().filter(|scope| !resources.knows(scope)) {
            let problem = "no resource defines this scope";
            mistakes.push(SettingsError::new("allowed_scopes", unknown, problem));
        }
        let api = resources.api(&client.client_id);
        if api.is_some_and(|api| resources.access_token_typ(Some(api)) == AccessTokenTyp::Jwt) {
            let problem = "an API whose access tokens have the type JWT has this name; ID tokens \
                           of this client would pass there";
            mistakes.push(SettingsError::new("client_id", &client.client_id, problem));
        }
        if resources.authenticating_api(&client.client_id).is_some() {
            let problem = "an API with secrets has this name; \
                            at the introspection endpoint one could not be told from the other";
            mistakes.push(SettingsError::new("client_id", &client.client_id, problem));
        }
        if mistakes.is_empty() { Ok(client) } else { Err(mistakes) }
    }
}

impl ClientSettings {
    /// The identifier, if it is printable ASCII, as RFC 6749 appendix A.1 has it.
    pub(crate) fn checked_id(&self) -> Result<ClientId, SettingsError> {
        let problem = "use 1 to 255 printable ASCII characters";
        ClientId::parse(&*self.client_id)
            .map_err(|_| SettingsError::new("client_id", &self.client_id, problem))
    }
}

/// Each grant type has what it needs: redirect URIs, a secret, PKCE.
fn check_grant_types(settings: &ClientSettings) -> Result<(), SettingsError> {
    let grant_types = &settings.allowed_grant_types;
    if grant_types.is_empty() {
        let problem = "allow at least one of authorization_code, client_credentials, password, \
                       device_code";
        return Err(SettingsError::new("allowed_grant_types", "[]", problem));
    }
    let code = grant_types.contains(&GrantType::AuthorizationCode);
    if code && settings.redirect_uris.is_empty() {
        let problem = "authorization_code needs at least one redirect URI";
        return Err(SettingsError::new("redirect_uris", "[]", problem));
    }
    let needs_secret = grant_types.contains(&GrantType::ClientCredentials);
    if needs_secret && !settings.require_client_secret {
        let problem = "client_credentials is for clients that authenticate (RFC 6749 section 4.4)";
        return Err(SettingsError::new("require_client_secret", false, problem));
    }
    if code && !settings.require_client_secret && !settings.require_pkce {
        let problem = "a client without a secret needs PKCE (RFC 9700 section 2.1.1)";
        return Err(SettingsError::new("require_pkce", false, problem));
    }
    Ok(())
}

/// Settings that other providers have and for which only one value is right here.
fn refuse_what_is_not_served(settings: &ClientSettings) -> Result<(), SettingsError> {
    let refuse = |key, value, problem| Err(SettingsError::new(key, value, problem));
    if settings.allow_plain_text_pkce {
        return refuse(
            "allow_plain_text_pkce",
            true,
            "only S256 is served (RFC 9700 section 2.1.1)",
        );
    }
    if !settings.include_jwt_id {
        return refuse(
            "include_jwt_id",
            false,
            "access tokens always have a jti (RFC 9068 section 2.2)",
        );
    }
    let by_password = settings.allowed_grant_types.contains(&GrantType::Password);
    if settings.require_acr.is_some_and(|level| level > AcrLevel::One) {
        let refuse = |problem| Err(SettingsError::new("require_acr", 2, problem));
        if by_password {
            return refuse("the grant type password is a sign-in by password, which is level 1");
        }
        if settings.allowed_grant_types.contains(&GrantType::DeviceCode) {
            return refuse("the page for the grant type device_code can't ask for level 2");
        }
    }
    if !settings.enable_local_login && by_password {
        return refuse(
            "enable_local_login",
            false,
            "the grant type password is a sign-in by password",
        );
    }
    if !settings.enable_local_login && settings.allowed_grant_types.contains(&GrantType::DeviceCode)
    {
        return refuse(
            "enable_local_login",
            false,
            "the page for the grant type device_code learns of the client after the sign-in only, \
             and so it can't ask for one without a password",
        );
    }
    Ok(())
}

/// A client's own claims under their names in tokens.
fn client_claims(
    prefix: &str,
    claims: Map<String, Value>,
) -> Result<Map<String, Value>, SettingsError> {
    let claims: Map<String, Value> =
        claims.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)).collect();
    match claims.keys().find(|name| is_reserved_claim(name)) {
        None => Ok(claims),
        Some(reserved) => {
            let problem = "the protocol sets this claim itself; use another name or prefix";
            Err(SettingsError::new("claims", reserved, problem))
        }
    }
}

/// Claims that the protocol sets itself, and that neither users' nor clients' claims may replace.
pub(crate) fn is_reserved_claim(name: &str) -> bool {
    const RESERVED: [&str; 20] = [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "azp",
        "at_hash",
        "c_hash",
        "sid",
        "client_id",
        "scope",
        "grant_id",
        "cnf",
        "act",
    ];
    RESERVED.contains(&name)
}

/// The keys: in place of secrets, where the client authenticates by them, or beside them, where it
/// signs request objects.
fn keys(settings: &ClientSettings) -> Result<ClientKeys, SettingsError> {
    if let Some(uri) = &settings.jwks_uri {
        return check_jwks_uri(settings, uri).map(|()| ClientKeys::default());
    }
    let Some(jwks) = settings.jwks.clone() else {
        if settings.require_client_secret && settings.client_secrets.is_empty() {
            let problem = "require_client_secret needs at least one secret, jwks or jwks_uri";
            return Err(SettingsError::new("client_secrets", "[]", problem));
        }
        return Ok(ClientKeys::default());
    };
    if !may_have_keys(settings) {
        let problem = "jwks is for clients with require_client_secret, in place of client_secrets: \
                        one method a client. Beside them it is for request objects: \
                        set request_object_signing_alg, too";
        return Err(SettingsError::new("jwks", "(not shown)", problem));
    }
    ClientKeys::from_settings(jwks)
}

/// Whether keys have a use: the client authenticates by them and by nothing else, or it says that
/// it signs request objects.
fn may_have_keys(settings: &ClientSettings) -> bool {
    let authenticates = settings.require_client_secret && settings.client_secrets.is_empty();
    let signs_objects = settings.require_signed_request_object
        || matches!(settings.request_object_signing_alg, Some(RequestObjectAlgorithm::Signed(_)));
    authenticates || signs_objects
}

/// The address is fetched by this server: it is the operator's to choose, and so nothing but its
/// form is checked.
fn check_jwks_uri(settings: &ClientSettings, uri: &str) -> Result<(), SettingsError> {
    let refuse = |problem| Err(SettingsError::new("jwks_uri", uri, problem));
    if !may_have_keys(settings) || settings.jwks.is_some() {
        return refuse(
            "jwks_uri is for clients with require_client_secret, \
             in place of client_secrets and jwks. Beside client_secrets it is for request objects: \
             set request_object_signing_alg, too",
        );
    }
    match RedirectUri::parse(uri.to_owned()) {
        Ok(parsed) if parsed.origin().is_some() => Ok(()),
        Ok(_) => refuse("use https, or http on localhost"),
        Err(problem) => refuse(problem),
    }
}

/// Every value, checked.
fn all<T>(
    values: &[String],
    check: impl Fn(&str) -> Result<T, SettingsError>,
) -> Result<Vec<T>, SettingsError> {
    values.iter().map(|value| check(value)).collect()
}

fn redirect_uris(
    key: &'static str,
    uris: Vec<String>,
    rules: RedirectUriRules,
) -> Result<Vec<RedirectUri>, SettingsError> {
    uris.into_iter()
        .map(|uri| {
            RedirectUri::parse_by(uri.clone(), rules)
                .map_err(|problem| SettingsError::new(key, uri, problem))
        })
        .collect()
}

fn allowed_scope(scopes: &[String], offline_access: bool) -> Result<Scope, SettingsError> {
    for (index, scope) in scopes.iter().enumerate() {
        if !is_scope_token(scope) {
            return Err(SettingsError::new(
                "allowed_scopes",
                scope,
                "not a scope (RFC 6749 section 3.3)",
            ));
        }
        if scopes[..index].contains(scope) {
            return Err(SettingsError::new("allowed_scopes", scope, "this scope is listed twice"));
        }
        if scope == OFFLINE_ACCESS {
            let problem = "set allow_offline_access = true instead";
            return Err(SettingsError::new("allowed_scopes", scope, problem));
        }
    }
    let text = scopes.iter().map(String::as_str).chain(offline_access.then_some(OFFLINE_ACCESS));
    text.collect::<Vec<_>>().join(" ").parse().map_err(|_| {
        SettingsError::new("allowed_scopes", scopes.join(" "), "not a scope (RFC 6749 section 3.3)")
    })
}

fn lifetime(key: &'static str, value: i64) -> Result<Seconds, SettingsError> {
    match u32::try_from(value) {
        Ok(seconds) if seconds > 0 => Ok(Seconds::new(seconds)),
        _ => Err(SettingsError::new(
            key,
            value,
            "a lifetime is a whole number of seconds, 1 to 4294967295",
        )),
    }
}

fn access_token_lifetime(settings: &ClientSettings) -> Result<Seconds, SettingsError> {
    let (key, value) = ("access_token_lifetime", settings.access_token_lifetime);
    match settings.access_token_type {
        AccessTokenType::Jwt => jwt_lifetime(key, value),
        AccessTokenType::Reference => lifetime(key, value),
    }
}

impl ClientSettings {
    /// Shortens the lifetimes of JWTs to the longest that there may be, and returns whether one was
    /// longer. Settings that were stored before there was the limit go on with it.
    pub(crate) fn shorten_jwts(&mut self) -> bool {
        let is_jwt = self.access_token_type == AccessTokenType::Jwt;
        let access_token = Some(&mut self.access_token_lifetime).filter(|_| is_jwt);
        let mut was_longer = false;
        for lifetime in
            [access_token, Some(&mut self.identity_token_lifetime)].into_iter().flatten()
        {
            was_longer |= *lifetime > RETAINED_FOR.into();
            *lifetime = (*lifetime).min(RETAINED_FOR.into());
        }
        was_longer
    }
}

/// The lifetime of a JWT. Nobody can verify it any more when the key that signed it is gone.
fn jwt_lifetime(key: &'static str, value: i64) -> Result<Seconds, SettingsError> {
    let lifetime = lifetime(key, value)?;
    if lifetime > RETAINED_FOR {
        let problem = "a JWT ends before the key that signs it is removed: give at most 1209600 \
                       (14 days), or for access tokens set access_token_type to \"reference\"";
        return Err(SettingsError::new(key, value, problem));
    }
    Ok(lifetime)
}

fn optional_lifetime(
    key: &'static str,
    value: Option<i64>,
) -> Result<Option<Seconds>, SettingsError> {
    value.map(|value| lifetime(key, value)).transpose()
}

/// How old a sign-in may be. A request with `max_age=0` asks for a sign-in once; a client with 0
/// would ask again after each.
fn default_max_age(value: Option<u32>) -> Result<Option<Seconds>, SettingsError> {
    let problem = "no sign-in is so recent, so that users would be asked for ever: give at least \
                   1, or let requests ask for a new sign-in by prompt=login";
    match value {
        Some(0) => Err(SettingsError::new("default_max_age", 0, problem)),
        value => Ok(value.map(Seconds::new)),
    }
}

fn web_uri(key: &'static str, uri: String) -> Result<String, SettingsError> {
    match Url::parse(&uri) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(uri),
        _ => Err(SettingsError::new(key, uri, "not an https or http URL")),
    }
}

/// Users are sent there with a click, so that it is https (OIDC Registration section 2), or http on
/// this machine.
fn initiate_login_uri(uri: String) -> Result<String, SettingsError> {
    let problem = match RedirectUri::parse(uri.clone()) {
        Ok(parsed) if parsed.origin().is_some() => return Ok(uri),
        Ok(_) => "use https, or http on localhost",
        Err(problem) => problem,
    };
    Err(SettingsError::new("initiate_login_uri", uri, problem))
}

fn origin(text: &str) -> Result<String, SettingsError> {
    let is_origin = Url::parse(text).is_ok_and(|url| match url.scheme() {
        "https" | "http" => url.origin().ascii_serialization() == text,
        "data" | "file" | "ftp" | "javascript" | "ws" | "wss" => false,
        // Packaged applications and browser extensions have a scheme of their own.
        scheme => url.host_str().is_some_and(|host| format!("{scheme}://{host}") == text),
    });
    if is_origin {
        Ok(text.to_owned())
    } else {
        let problem = "an origin is scheme, host and port, like https://app.example.com or \
                       capacitor://localhost: no path, no slash at its end";
        Err(SettingsError::new("allowed_cors_origins", text, problem))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::{super::RefreshTokenUsage, *};
    use crate::model::resource::{ApiResource, IdentityResource};

    fn settings(changes: Value) -> ClientSettings {
        let mut settings = json!({
            "client_id": "app", "require_client_secret": false,
            "allowed_grant_types": ["authorization_code"],
            "redirect_uris": ["https://app.example/callback"], "allowed_scopes": ["openid"],
        });
        let Value::Object(changes) = changes else { unreachable!() };
        settings.as_object_mut().unwrap().extend(changes);
        serde_json::from_value(settings).unwrap()
    }

    fn refusal(changes: Value) -> &'static str {
        Client::from_settings(settings(changes), false).unwrap_err().key
    }

    #[test]
    fn a_jwt_ends_before_its_key_goes() {
        let longest = RETAINED_FOR.get();
        assert_eq!(longest, 1_209_600, "as the messages say");
        for key in ["access_token_lifetime", "identity_token_lifetime"] {
            assert_eq!(refusal(json!({key: longest + 1})), key);
            Client::from_settings(settings(json!({key: longest})), false).unwrap();
        }
        let opaque = json!({"access_token_lifetime": 31_536_000, "access_token_type": "reference"});
        Client::from_settings(settings(opaque), false).unwrap();
    }

    #[test]
    fn what_was_stored_with_longer_jwts_goes_on_with_shorter_ones() {
        let longest = i64::from(RETAINED_FOR);
        let mut stored = settings(json!({"access_token_lifetime": longest + 1}));
        assert!(stored.shorten_jwts());
        assert_eq!(stored.access_token_lifetime, longest);
        assert!(!stored.shorten_jwts(), "they are short enough");
        let opaque =
            json!({"access_token_lifetime": longest + 1, "access_token_type": "reference"});
        let mut opaque = settings(opaque);
        assert!(!opaque.shorten_jwts());
        assert_eq!(opaque.access_token_lifetime, longest + 1);
        opaque.identity_token_lifetime = longest + 1;
        assert!(opaque.shorten_jwts());
        assert_eq!(opaque.identity_token_lifetime, longest);
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let client = Client::from_settings(settings(json!({})), false).unwrap();
        assert_eq!(client.identity_token_lifetime, Seconds::new(300));
        assert_eq!(client.access_token_lifetime, Seconds::new(3600));
        assert_eq!(client.authorization_code_lifetime, Seconds::new(60));
        assert_eq!(client.absolute_refresh_token_lifetime, Seconds::new(2_592_000));
        assert_eq!(client.sliding_refresh_token_lifetime, Seconds::new(1_296_000));
        assert_eq!(client.refresh_token_usage, RefreshTokenUsage::OneTimeOnly);
        assert_eq!(client.refresh_token_expiration, RefreshTokenExpiration::Absolute);
        assert!(
            client.require_pkce
                && client.enabled
                && client.allow_remember_consent
                && !client.require_consent
        );
        assert_eq!(client.name, "app");
    }

    /// An ID token has the type JWT and its client as the audience.
    #[test]
    fn no_client_is_named_as_an_api_whose_tokens_could_be_id_tokens() {
        let checked = |own: Option<AccessTokenTyp>, of_all: AccessTokenTyp| {
            let api = json!({"name": "app", "display_name": "App", "scopes": ["api"]});
            let mut api: ApiResource = serde_json::from_value(api).unwrap();
            api.access_token_typ = own;
            let scope =
                serde_json::from_value(json!({"name": "api", "display_name": "API"})).unwrap();
            let identity = IdentityResource::standard();
            let resources = Resources::new(identity, vec![scope], vec![api], false).unwrap();
            let resources = resources.with_access_token_typ(of_all);
            let algorithms = [SigningAlgorithm::Rs256];
            Client::checked(settings(json!({})), false, &resources, &algorithms)
                .map_err(|error| error.key)
                .map(drop)
        };
        assert_eq!(checked(None, AccessTokenTyp::AtJwt), Ok(()));
        assert_eq!(checked(Some(AccessTokenTyp::AtJwt), AccessTokenTyp::Jwt), Ok(()));
        assert_eq!(checked(Some(AccessTokenTyp::Jwt), AccessTokenTyp::AtJwt), Err("client_id"));
        assert_eq!(checked(None, AccessTokenTyp::Jwt), Err("client_id"));
    }

    #[test]
    fn request_objects_are_signed_by_keys_of_the_client() {
        let without_keys = json!({"require_signed_request_object": true});
        assert_eq!(refusal(without_keys), "require_signed_request_object");
        for alg in ["ES256", "ES384"] {
            let without_keys = json!({"request_object_signing_alg": alg});
            assert_eq!(refusal(without_keys), "request_object_signing_alg", "{alg}");
        }
        let key = json!({
            "kty": "EC", "crv": "P-256",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        });
        let unsigned = json!({
            "request_object_signing_alg": "none", "require_signed_request_object": true,
            "jwks": {"keys": [key]},
        });
        assert_eq!(refusal(unsigned), "request_object_signing_alg");
        let of_public = json!({"request_object_signing_alg": "ES256", "jwks": {"keys": [key]}});
        let client = Client::from_settings(settings(of_public), false).unwrap();
        assert!(client.has_keys() && !client.authenticates_by_keys());
    }

    #[test]
    fn every_mistake_is_told() {
        let wrong = json!({
            "redirect_uris": ["no address"], "access_token_lifetime": 0, "consent_lifetime": 0,
            "allowed_cors_origins": ["https://app.example/"], "logo_uri": "javascript:1",
        });
        let mistakes = Client::from_all_settings(settings(wrong.clone()), false).unwrap_err();
        let keys: Vec<_> = mistakes.iter().map(|mistake| mistake.key).collect();
        assert_eq!(
            keys,
            [
                "access_token_lifetime",
                "logo_uri",
                "redirect_uris",
                "consent_lifetime",
                "allowed_cors_origins"
            ]
        );
        assert_eq!(refusal(wrong), "access_token_lifetime", "the first one");
        let resources =
            Resources::new(IdentityResource::standard(), vec![], vec![], false).unwrap();
        let names = json!({"allowed_scopes": ["openid", "one", "two"]});
        let mistakes = Client::all_checked(settings(names), false, &resources, &[]).unwrap_err();
        let values: Vec<_> = mistakes.iter().map(|mistake| mistake.value.as_str()).collect();
        assert!(values.ends_with(&["one", "two"]), "{values:?}");
    }

    #[test]
    fn settings_that_do_not_hold_are_refused_by_key() {
        assert_eq!(refusal(json!({"client_id": ""})), "client_id");
        assert_eq!(refusal(json!({"client_id": "x".repeat(256)})), "client_id");
        assert_eq!(refusal(json!({"allowed_grant_types": []})), "allowed_grant_types");
        assert_eq!(refusal(json!({"redirect_uris": []})), "redirect_uris");
        assert_eq!(refusal(json!({"require_client_secret": true})), "client_secrets");
        let public_with_keys = json!({"jwks": {"keys": []}});
        assert_eq!(refusal(public_with_keys), "jwks");
        assert_eq!(refusal(json!({"require_client_secret": true, "jwks": {"keys": []}})), "jwks");
        for uri in [
            "/jwks",
            "http://app.example/jwks",
            "com.example.app:/jwks",
            "file:///etc/passwd",
            "https://a.example/#x",
        ] {
            assert_eq!(
                refusal(json!({"require_client_secret": true, "jwks_uri": uri})),
                "jwks_uri",
                "{uri}"
            );
        }
        let uri = "https://app.example/jwks";
        assert_eq!(refusal(json!({"jwks_uri": uri})), "jwks_uri", "a public client");
        let two = json!({
            "require_client_secret": true, "jwks_uri": uri, "client_secrets": [{"sha256": "x"}],
        });
        assert_eq!(refusal(two), "jwks_uri");
        assert_eq!(refusal(json!({"require_pkce": false})), "require_pkce");
        assert_eq!(refusal(json!({"allow_plain_text_pkce": true})), "allow_plain_text_pkce");
        assert_eq!(refusal(json!({"include_jwt_id": false})), "include_jwt_id");
        for grant_type in ["password", "device_code"] {
            let by_password =
                json!({"enable_local_login": false, "allowed_grant_types": [grant_type]});
            assert_eq!(refusal(by_password), "enable_local_login", "{grant_type}");
        }
        assert_eq!(refusal(json!({"claims": {"id": 1}})), "claims");
        assert_eq!(refusal(json!({"claims": {"sub": 1}, "client_claims_prefix": ""})), "claims");
        assert_eq!(
            refusal(json!({"allowed_grant_types": ["client_credentials"]})),
            "require_client_secret"
        );
        assert_eq!(refusal(json!({"access_token_lifetime": 0})), "access_token_lifetime");
        assert_eq!(refusal(json!({"device_code_lifetime": 0})), "device_code_lifetime");
        assert_eq!(refusal(json!({"default_max_age": 0})), "default_max_age");
        assert_eq!(refusal(json!({"identity_token_lifetime": -1})), "identity_token_lifetime");
        assert_eq!(
            refusal(json!({"absolute_refresh_token_lifetime": 0})),
            "absolute_refresh_token_lifetime"
        );
        assert_eq!(refusal(json!({"allowed_scopes": ["a", "a"]})), "allowed_scopes");
        assert_eq!(refusal(json!({"allowed_scopes": ["a b"]})), "allowed_scopes");
        assert_eq!(
            refusal(json!({"allowed_cors_origins": ["https://a.example/"]})),
            "allowed_cors_origins"
        );
        for origin in [
            "*",
            "null",
            "https://a.example/",
            "capacitor://localhost/",
            "capacitor:localhost",
            "file://host",
            "javascript://a",
            "tauri://localhost:8080",
        ] {
            assert_eq!(
                refusal(json!({"allowed_cors_origins": [origin]})),
                "allowed_cors_origins",
                "{origin}"
            );
        }
        for origin in [
            "https://a.example:8443",
            "capacitor://localhost",
            "tauri://localhost",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        ] {
            let client =
                Client::from_settings(settings(json!({"allowed_cors_origins": [origin]})), false);
            assert_eq!(client.unwrap().cors_origins, [origin]);
        }
        for key in ["front_channel_logout_uri", "back_channel_logout_uri", "initiate_login_uri"] {
            for uri in [
                "/logout",
                "http://app.example/logout",
                "https://app.example/#x",
                "com.example.app:/logout",
            ] {
                assert_eq!(refusal(json!({key: uri})), key, "{uri}");
            }
        }
        assert_eq!(refusal(json!({"client_secrets": [{"plain": "secret"}]})), "client_secrets");
        assert_eq!(refusal(json!({"client_secrets": [{"sha256": "short"}]})), "client_secrets");
    }
}
