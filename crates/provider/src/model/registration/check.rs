//! What a client that no operator wrote down may be: its metadata are brought within the policy
//! (RFC 7591 section 2: the server may replace what was asked for), or refused.

use std::collections::BTreeSet;

use doorward_protocol::{
    host,
    ids::ClientId,
    jose::SigningAlgorithm,
    scope::{OFFLINE_ACCESS, Scope},
    secret::Secret,
};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    document::DocumentUrl,
    members::MetadataError,
    metadata::{ApplicationType, AuthMethod, ClientMetadata, SubjectType},
    settings::RegistrationSettings,
};
use crate::model::{
    client::{
        Client, ClientSettings, GrantType, RedirectUri, RedirectUriRules, keys,
        request_object::RequestObjectAlgorithm,
    },
    device_code::DEVICE_CODE,
    resource::Resources,
    settings_error::SettingsError,
    shared_secret::SecretSettings,
    token_handle::TokenHash,
};

/// The grant types under their names on the wire. Passwords are never typed into such a client.
const GRANT_TYPES: [(&str, GrantType); 3] = [
    ("authorization_code", GrantType::AuthorizationCode),
    ("client_credentials", GrantType::ClientCredentials),
    (DEVICE_CODE, GrantType::DeviceCode),
];
const REFRESH_TOKEN: &str = "refresh_token";

/// What such clients are held to.
#[derive(Debug, Clone, Copy)]
pub struct RegistrationPolicy<'a> {
    /// The settings of the provider for them.
    pub settings: &'a RegistrationSettings,
    /// The scopes that there are.
    pub resources: &'a Resources,
    /// The algorithms that sign ID tokens.
    pub algorithms: &'a [SigningAlgorithm],
    /// What pairwise subjects of such clients are made with.
    pub salt: &'a Secret,
}

/// Where the metadata come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source<'a> {
    /// The client registered, and got a secret or not.
    Registration(Option<TokenHash>),
    /// The client is a document, which names no secret. Its host is what users can recognise.
    Document {
        /// The host of its URL.
        host: &'a str,
    },
}

impl RegistrationPolicy<'_> {
    /// The metadata as the client gets them: defaults are filled in, and what the policy does not
    /// give is taken out. A client that is left with nothing to do is refused.
    pub(crate) fn accept(&self, asked: ClientMetadata) -> Result<ClientMetadata, MetadataError> {
        let method = asked.token_endpoint_auth_method.unwrap_or(AuthMethod::ClientSecretBasic);
        let grant_types = self.grant_types(&asked.grant_types, method)?;
        let by_code = grant_types.iter().any(|name| name == GRANT_TYPES[0].0);
        let types = &asked.response_types;
        if by_code && !types.is_empty() && types.iter().all(|own| own != "code") {
            let problem = "only code is served: other response types put tokens into the browser's \
                           history (RFC 9700 section 2.1.2)";
            return Err(MetadataError::new("response_types", problem));
        }
        for (member, uris) in [
            ("redirect_uris", &asked.redirect_uris),
            ("post_logout_redirect_uris", &asked.post_logout_redirect_uris),
        ] {
            for uri in uris {
                self.check_redirect_uri(uri, asked.application_type)
                    .map_err(|problem| MetadataError::new(member, format!("{uri}: {problem}")))?;
            }
        }
        for (member, uri) in
            [("jwks_uri", &asked.jwks_uri), ("sector_identifier_uri", &asked.sector_identifier_uri)]
        {
            if uri.as_ref().is_some_and(|uri| !self.is_page(uri)) {
                return Err(MetadataError::new(member, "give an https URL"));
            }
        }
        // Users are sent there, and nothing is fetched from there: no setting for documents inside
        // the network allows another scheme (OIDC Registration section 2).
        if asked.initiate_login_uri.as_ref().is_some_and(|uri| !is_https(uri)) {
            return Err(MetadataError::new("initiate_login_uri", "give an https URL"));
        }
        if !asked.request_uris.iter().all(|uri| self.is_page(uri)) {
            return Err(MetadataError::new("request_uris", "give https URLs"));
        }
        let jwks = kept_keys(&asked, method)?;
        check_subjects(&asked, &grant_types)?;
        self.check_answers(&asked)?;
        let algorithm = self.algorithm(asked.id_token_signed_response_alg)?;
        // What users are only shown is left out if it can't be (RFC 7591 section 3.2.1). The client
        // sees it in the answer.
        let shown = |uri: Option<String>| uri.filter(|uri| self.is_page(uri));
        Ok(ClientMetadata {
            client_uri: shown(asked.client_uri),
            logo_uri: shown(asked.logo_uri),
            policy_uri: shown(asked.policy_uri),
            tos_uri: shown(asked.tos_uri),
            jwks,
            token_endpoint_auth_method: Some(method),
            response_types: if by_code { vec!["code".to_owned()] } else { Vec::new() },
            scope: Some(self.scope(asked.scope.as_deref(), &grant_types)?),
            id_token_signed_response_alg: Some(algorithm),
            grant_types,
            ..asked
        })
    }

    /// The same for a document, whose publisher gets no answer: an address to return to that is
    /// not taken here is left out, as long as there is another.
    pub(crate) fn accept_document(
        &self,
        mut asked: ClientMetadata,
    ) -> Result<ClientMetadata, MetadataError> {
        let kind = asked.application_type;
        let taken = self.taken(&asked.redirect_uris, kind);
        // Where none is left, the refusal says what is wrong with the first.
        if !taken.is_empty() {
            asked.redirect_uris = taken;
        }
        asked.post_logout_redirect_uris = self.taken(&asked.post_logout_redirect_uris, kind);
        self.accept(asked)
    }

    /// The registered client that these accepted metadata describe.
    pub(crate) fn registered_client(
        &self,
        client_id: &ClientId,
        metadata: &ClientMetadata,
        secret: Option<TokenHash>,
    ) -> Result<Client, MetadataError> {
        self.client(client_id, metadata, Source::Registration(secret))
    }

    /// The client that this document describes, whose metadata are accepted.
    pub(crate) fn document_client(
        &self,
        url: &DocumentUrl,
        metadata: &ClientMetadata,
    ) -> Result<Client, MetadataError> {
        self.client(url.client_id(), metadata, Source::Document { host: url.host() })
    }

    /// The client, by the same rules as that of an operator.
    fn client(
        &self,
        client_id: &ClientId,
        metadata: &ClientMetadata,
        source: Source<'_>,
    ) -> Result<Client, MetadataError> {
        let settings = self.client_settings(client_id, metadata, source);
        let checked = settings
            .and_then(|settings| Client::checked(settings, false, self.resources, self.algorithms));
        checked.map_err(|error| MetadataError::new(member_of(error.key), error.problem))
    }

    fn client_settings(
        &self,
        client_id: &ClientId,
        metadata: &ClientMetadata,
        source: Source<'_>,
    ) -> Result<ClientSettings, SettingsError> {
        let defaults = serde_json::from_value(json!({"client_id": client_id}));
        let mut own: ClientSettings = defaults
            .map_err(|_| SettingsError::new("client_id", client_id, "has no default settings"))?;
        let method = metadata.token_endpoint_auth_method.unwrap_or(AuthMethod::None);
        let by_key = method == AuthMethod::PrivateKeyJwt;
        match source {
            Source::Registration(secret) => {
                let hashed = |hash: TokenHash| SecretSettings::of_hash(hash.as_bytes());
                own.client_secrets = secret.map(hashed).into_iter().collect();
                own.client_name.clone_from(&metadata.client_name);
            }
            Source::Document { host } => {
                let name = metadata.client_name.clone().unwrap_or_else(|| host.to_owned());
                own.client_name = Some(name);
                // Whoever controls the document can change what it says.
                own.allow_remember_consent = false;
            }
        }
        own.require_consent = true;
        // Any program of the user's machine can take the place of one that has no secret (RFC 8252
        // section 8.6).
        if method == AuthMethod::None && !metadata.redirect_uris.iter().all(|uri| is_https(uri)) {
            own.allow_remember_consent = false;
        }
        own.require_client_secret = method != AuthMethod::None;
        own.require_pkce = method == AuthMethod::None || self.settings.require_pkce;
        let has_use = by_key || signs_objects(metadata);
        // One that registered before may have other keys than a new client.
        let jwks = metadata.jwks.clone().filter(|_| has_use);
        own.jwks = jwks.and_then(keys::kept_of_a_stranger);
        own.jwks_uri = metadata.jwks_uri.clone().filter(|_| has_use);
        own.request_object_signing_alg = metadata.request_object_signing_alg;
        own.require_signed_request_object =
            metadata.require_signed_request_object.unwrap_or_default();
        own.request_uris.clone_from(&metadata.request_uris);
        own.userinfo_signed_response_alg = metadata.userinfo_signed_response_alg;
        own.authorization_signed_response_alg = metadata.authorization_signed_response_alg;
        own.introspection_signed_response_alg = metadata.introspection_signed_response_alg;
        own.initiate_login_uri.clone_from(&metadata.initiate_login_uri);
        let is_allowed = |name: &str| metadata.grant_types.iter().any(|own| own == name);
        own.allowed_grant_types = GRANT_TYPES
            .into_iter()
            .filter(|(name, grant_type)| is_allowed(name) && self.allows(*grant_type))
            .map(|(_, grant_type)| grant_type)
            .collect::<BTreeSet<_>>();
        own.allow_offline_access = is_allowed(REFRESH_TOKEN) && self.settings.allow_offline_access;
        // The policy may have become narrower since.
        let scope = metadata.scope.as_deref().unwrap_or_default();
        let scopes = scope.split(' ').filter(|scope| self.offers(scope));
        own.allowed_scopes = scopes.map(str::to_owned).collect();
        let kind = metadata.application_type;
        own.redirect_uris = self.taken(&metadata.redirect_uris, kind);
        own.post_logout_redirect_uris = self.taken(&metadata.post_logout_redirect_uris, kind);
        // Programs on the user's machine listen where there is room.
        own.allow_any_localhost_port = true;
        own.allow_private_use_schemes = self.settings.allow_private_use_schemes;
        own.client_uri.clone_from(&metadata.client_uri);
        own.logo_uri.clone_from(&metadata.logo_uri);
        own.policy_uri.clone_from(&metadata.policy_uri);
        own.tos_uri.clone_from(&metadata.tos_uri);
        own.default_max_age = metadata.default_max_age;
        own.default_acr_values.clone_from(&metadata.default_acr_values);
        own.require_dpop = metadata.dpop_bound_access_tokens.unwrap_or_default();
        own.require_par = metadata.require_pushed_authorization_requests.unwrap_or_default();
        if let Some(algorithm) = metadata.id_token_signed_response_alg {
            own.id_token_signing_alg = algorithm;
        }
        if metadata.subject_type == Some(SubjectType::Pairwise) {
            own.pair_wise_subject_salt = Some(self.salt.clone());
            own.sector_identifier_uri.clone_from(&metadata.sector_identifier_uri);
        }
        Ok(own)
    }

    fn allows(&self, grant_type: GrantType) -> bool {
        self.settings.grant_types.contains(&grant_type)
    }

    fn offers(&self, scope: &str) -> bool {
        scope != OFFLINE_ACCESS
            && self.resources.knows(scope)
            && self.settings.scopes.iter().any(|own| own == scope)
    }

    /// The grant types that are asked for and given. Without any, it is the code (RFC 7591 section
    /// 2).
    fn grant_types(
        &self,
        asked: &[String],
        method: AuthMethod,
    ) -> Result<Vec<String>, MetadataError> {
        let is_asked = |name: &str| {
            asked.iter().any(|own| own == name) || asked.is_empty() && name == GRANT_TYPES[0].0
        };
        let needs_secret = |grant_type| grant_type == GrantType::ClientCredentials;
        let mut given: Vec<String> = GRANT_TYPES
            .into_iter()
            .filter(|(name, grant_type)| is_asked(name) && self.allows(*grant_type))
            .filter(|(_, own)| method != AuthMethod::None || !needs_secret(*own))
            .map(|(name, _)| name.to_owned())
            .collect();
        if given.is_empty() {
            let problem = "this provider gives such a client none of these";
            return Err(MetadataError::new("grant_types", problem));
        }
        if is_asked(REFRESH_TOKEN) && self.settings.allow_offline_access {
            given.push(REFRESH_TOKEN.to_owned());
        }
        Ok(given)
    }

    /// The scopes that are asked for and given; all, if none are asked for. What is told is what
    /// the client can use (RFC 7591 section 2): offline access, too, if it asked for that and has
    /// the grant type.
    fn scope(&self, asked: Option<&str>, grant_types: &[String]) -> Result<String, MetadataError> {
        let refuse = |problem| MetadataError::new("scope", problem);
        let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
            let all = self.settings.scopes.iter().map(String::as_str);
            return Ok(all.filter(|scope| self.offers(scope)).collect::<Vec<_>>().join(" "));
        };
        let asked: Scope = asked.parse().map_err(|_| refuse("the scope is malformed"))?;
        let given = asked.filtered(|scope| self.offers(scope));
        if given.is_empty() {
            return Err(refuse("this provider gives such a client none of these"));
        }
        let has_refresh = grant_types.iter().any(|name| name == REFRESH_TOKEN);
        let offline = asked.filtered(|scope| scope == OFFLINE_ACCESS && has_refresh);
        Ok(given.union(&offline).to_string())
    }

    fn algorithm(
        &self,
        asked: Option<SigningAlgorithm>,
    ) -> Result<SigningAlgorithm, MetadataError> {
        let problem = "give one of id_token_signing_alg_values_supported";
        let given = match asked {
            Some(asked) => self.algorithms.iter().find(|own| **own == asked),
            // RS256 is the default, where it is served (OIDC Registration section 2).
            None => self
                .algorithms
                .iter()
                .find(|own| **own == SigningAlgorithm::Rs256)
                .or(self.algorithms.first()),
        };
        given.copied().ok_or_else(|| MetadataError::new("id_token_signed_response_alg", problem))
    }

    /// Whether each answer can be signed as the client wants it.
    fn check_answers(&self, asked: &ClientMetadata) -> Result<(), MetadataError> {
        let answers = [
            ("userinfo_signed_response_alg", asked.userinfo_signed_response_alg),
            ("authorization_signed_response_alg", asked.authorization_signed_response_alg),
            ("introspection_signed_response_alg", asked.introspection_signed_response_alg),
        ];
        let is_missing = |own: &SigningAlgorithm| !self.algorithms.contains(own);
        match answers.into_iter().find(|(_, own)| own.as_ref().is_some_and(is_missing)) {
            None => Ok(()),
            Some((member, _)) => {
                let problem = "no key of this provider signs so: its metadata list what does";
                Err(MetadataError::new(member, problem))
            }
        }
    }

    /// Whether it is an https address, or one on this machine where such addresses are allowed.
    pub(crate) fn is_page(&self, uri: &str) -> bool {
        Url::parse(uri).is_ok_and(|url| {
            url.scheme() == "https"
                || url.scheme() == "http"
                    && self.settings.allow_private_addresses
                    && host::is_loopback(&url)
        })
    }

    /// Those of the addresses that are taken here.
    fn taken(&self, uris: &[String], kind: Option<ApplicationType>) -> Vec<String> {
        let taken = uris.iter().filter(|uri| self.check_redirect_uri(uri, kind).is_ok());
        taken.cloned().collect()
    }

    fn check_redirect_uri(
        &self,
        uri: &str,
        application_type: Option<ApplicationType>,
    ) -> Result<(), &'static str> {
        let rules = RedirectUriRules {
            schemes_without_dot: self.settings.allow_private_use_schemes,
            ..RedirectUriRules::default()
        };
        RedirectUri::parse_by(uri.to_owned(), rules)?;
        let url = Url::parse(uri).map_err(|_| "not an absolute URL")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("leave the user name out: it would hide the host");
        }
        if !matches!(url.scheme(), "https" | "http") {
            return match application_type {
                Some(ApplicationType::Web) => Err("application_type web has https pages only"),
                _ => Ok(()),
            };
        }
        if host::is_loopback(&url) {
            let allowed = self.settings.allow_loopback_redirect_uris;
            return allowed.then_some(()).ok_or("programs on a user's machine are not taken here");
        }
        let hosts = &self.settings.redirect_hosts;
        let is_below = |host: &str| {
            url.host_str().is_some_and(|own| {
                own.strip_suffix(host).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        };
        if hosts.is_empty() || hosts.iter().any(|host| is_below(host)) {
            Ok(())
        } else {
            Err("this host is not taken here: ask the operator of the provider")
        }
    }
}

/// The keys of the client as they are kept. A client by `private_key_jwt` needs keys, and nobody
/// needs them twice (RFC 7591 section 2).
fn kept_keys(
    asked: &ClientMetadata,
    method: AuthMethod,
) -> Result<Option<Map<String, Value>>, MetadataError> {
    let by_key = method == AuthMethod::PrivateKeyJwt;
    let refuse = |problem: &str| Err(MetadataError::new("jwks", problem));
    let Some(jwks) = &asked.jwks else {
        if by_key && asked.jwks_uri.is_none() {
            return Err(MetadataError::new("jwks_uri", "private_key_jwt needs jwks or jwks_uri"));
        }
        return Ok(None);
    };
    if asked.jwks_uri.is_some() {
        return refuse("give jwks or jwks_uri, not both");
    }
    let Some(Value::Array(listed)) = jwks.get("keys") else {
        return refuse("give a JSON Web Key Set, with a list of keys");
    };
    // Whoever sends one has given it away, whether or not keys have a use, and is to know.
    if keys::has_private_keys(listed) {
        return refuse(keys::PRIVATE_KEY);
    }
    let kept = keys::kept_of_a_stranger(jwks.clone());
    if kept.is_none() && (by_key || signs_objects(asked)) {
        return refuse("no key can be used here: give one for PS256, ES256, EdDSA or RS256");
    }
    Ok(kept)
}

/// Pairwise subjects are those of the host that the user is sent back to. A device gets them
/// without that, so that it could name any host, and know its users by the subjects made for
/// somebody else.
fn check_subjects(asked: &ClientMetadata, grant_types: &[String]) -> Result<(), MetadataError> {
    let by_device = grant_types.iter().any(|name| name == DEVICE_CODE);
    if asked.subject_type == Some(SubjectType::Pairwise) && by_device {
        let problem = "pairwise subjects are for clients that users return to: leave out the \
                       grant type device_code";
        return Err(MetadataError::new("subject_type", problem));
    }
    Ok(())
}

/// Whether the client says that it signs its requests: then keys have a use beside a secret, too.
fn signs_objects(metadata: &ClientMetadata) -> bool {
    matches!(metadata.request_object_signing_alg, Some(RequestObjectAlgorithm::Signed(_)))
        || metadata.require_signed_request_object == Some(true)
}

fn is_https(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| url.scheme() == "https")
}

/// The member of the metadata that a setting comes from.
fn member_of(key: &'static str) -> &'static str {
    match key {
        "allowed_grant_types" => "grant_types",
        "allowed_scopes" => "scope",
        "id_token_signing_alg" => "id_token_signed_response_alg",
        "pair_wise_subject_salt" => "sector_identifier_uri",
        "require_client_secret" | "client_secrets" => "token_endpoint_auth_method",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::resource::IdentityResource;

    fn accept(
        settings: &RegistrationSettings,
        asked: Value,
    ) -> Result<ClientMetadata, MetadataError> {
        let Value::Object(members) = asked else { unreachable!() };
        let resources =
            Resources::new(IdentityResource::standard(), vec![], vec![], false).unwrap();
        let policy = RegistrationPolicy {
            settings,
            resources: &resources,
            algorithms: &[SigningAlgorithm::Es256],
            salt: &Secret::new("a salt of sixteen"),
        };
        let accepted = policy.accept(ClientMetadata::parse(members)?)?;
        let client_id = "registered-x".parse().unwrap();
        let by_key = accepted.token_endpoint_auth_method == Some(AuthMethod::PrivateKeyJwt);
        let secret = (!by_key).then(|| TokenHash::from_bytes([7; 32]));
        policy.registered_client(&client_id, &accepted, secret)?;
        Ok(accepted)
    }

    fn refused(settings: &RegistrationSettings, asked: Value) -> &'static str {
        accept(settings, asked).unwrap_err().member
    }

    const PAGE: &str = "https://app.example/callback";

    #[test]
    fn defaults_are_those_of_the_rfc() {
        let accepted =
            accept(&RegistrationSettings::default(), json!({"redirect_uris": [PAGE]})).unwrap();
        assert_eq!(accepted.grant_types, ["authorization_code"]);
        assert_eq!(accepted.response_types, ["code"]);
        assert_eq!(accepted.token_endpoint_auth_method, Some(AuthMethod::ClientSecretBasic));
        assert_eq!(accepted.scope.as_deref(), Some("openid profile email"));
        assert_eq!(accepted.id_token_signed_response_alg, Some(SigningAlgorithm::Es256));
    }

    #[test]
    fn what_the_policy_does_not_give_is_taken_out() {
        let asked = json!({
            "redirect_uris": [PAGE], "scope": "openid admin offline_access",
            "grant_types": ["implicit", "authorization_code", "password", "refresh_token"],
            "response_types": ["code", "token"], "unknown": {"member": 1},
        });
        let accepted = accept(&RegistrationSettings::default(), asked.clone()).unwrap();
        assert_eq!(accepted.grant_types, ["authorization_code", "refresh_token"]);
        assert_eq!(accepted.scope.as_deref(), Some("openid offline_access"));
        let strict =
            RegistrationSettings { allow_offline_access: false, ..RegistrationSettings::default() };
        let accepted = accept(&strict, asked).unwrap();
        assert_eq!(accepted.grant_types, ["authorization_code"]);
        assert_eq!(accepted.scope.as_deref(), Some("openid"));
    }

    #[test]
    fn the_scope_that_is_told_has_offline_access_if_it_was_asked_for_and_can_be_used() {
        let settings = RegistrationSettings::default();
        let scope = |asked: Value| {
            let mut metadata = json!({"redirect_uris": [PAGE]});
            metadata.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
            accept(&settings, metadata).unwrap().scope.unwrap()
        };
        let grants = json!(["authorization_code", "refresh_token"]);
        let asked = json!({"scope": "offline_access openid", "grant_types": grants});
        assert_eq!(scope(asked), "openid offline_access");
        assert_eq!(scope(json!({"scope": "openid offline_access"})), "openid");
        assert_eq!(scope(json!({"scope": "openid", "grant_types": grants})), "openid");
        assert_eq!(scope(json!({"grant_types": grants})), "openid profile email");
        let alone = json!({
            "redirect_uris": [PAGE], "scope": "offline_access", "grant_types": grants,
        });
        assert_eq!(refused(&settings, alone), "scope");
    }

    #[test]
    fn what_can_not_be_is_refused_by_member() {
        let settings = RegistrationSettings::default();
        for (member, changes) in [
            ("software_statement", json!({"software_statement": "e30.e30.x"})),
            (
                "token_endpoint_auth_method",
                json!({"token_endpoint_auth_method": "tls_client_auth"}),
            ),
            ("id_token_signed_response_alg", json!({"id_token_signed_response_alg": "none"})),
            ("id_token_signed_response_alg", json!({"id_token_signed_response_alg": "RS256"})),
            ("grant_types", json!({"grant_types": ["implicit"]})),
            ("response_types", json!({"response_types": ["token"]})),
            ("scope", json!({"scope": "admin"})),
            ("redirect_uris", json!({"redirect_uris": []})),
            ("redirect_uris", json!({"redirect_uris": "https://app.example/callback"})),
            ("redirect_uris", json!({"redirect_uris": ["http://app.example/callback"]})),
            ("redirect_uris", json!({"redirect_uris": ["https://app.example/#x"]})),
            ("redirect_uris", json!({"redirect_uris": ["https://a@app.example/"]})),
            ("redirect_uris", json!({"redirect_uris": ["javascript:alert(1)"]})),
            ("redirect_uris", json!({"redirect_uris": ["cursor://callback"]})),
            (
                "redirect_uris",
                json!({"redirect_uris": ["com.example:/cb"], "application_type": "web"}),
            ),
            ("client_name", json!({"client_name": 5})),
            ("client_name", json!({"client_name": "x".repeat(401)})),
            ("client_name", json!({"client_name": "a\u{202E}b"})),
            ("jwks", json!({"jwks": {"keys": {"kty": "EC"}}})),
            ("jwks", json!({"jwks": {"keys": [{"kty": "oct", "k": "AQAB"}]}})),
            ("jwks_uri", json!({"jwks_uri": "http://localhost/jwks"})),
            ("jwks", json!({"jwks": {"keys": []}, "jwks_uri": "https://app.example/jwks"})),
            ("jwks_uri", json!({"token_endpoint_auth_method": "private_key_jwt"})),
            ("default_max_age", json!({"default_max_age": -1})),
            ("subject_type", json!({"subject_type": "secret"})),
            ("userinfo_signed_response_alg", json!({"userinfo_signed_response_alg": "none"})),
            ("userinfo_signed_response_alg", json!({"userinfo_signed_response_alg": "RS256"})),
            (
                "authorization_signed_response_alg",
                json!({"authorization_signed_response_alg": "PS256"}),
            ),
            ("request_object_signing_alg", json!({"request_object_signing_alg": "HS256"})),
            ("request_object_signing_alg", json!({"request_object_signing_alg": "ES256"})),
            ("require_signed_request_object", json!({"require_signed_request_object": true})),
            ("request_uris", json!({"request_uris": ["http://app.example/r"]})),
            ("request_uris", json!({"request_uris": ["https://app.example/r#no-hash"]})),
            ("initiate_login_uri", json!({"initiate_login_uri": "http://app.example/login"})),
            ("initiate_login_uri", json!({"initiate_login_uri": "javascript:alert(1)"})),
            ("application_type", json!({"application_type": "browser"})),
            (
                "sector_identifier_uri",
                json!({
                    "subject_type": "pairwise",
                    "redirect_uris": ["https://one.example/", "https://two.example/"],
                }),
            ),
        ] {
            let mut asked = json!({"redirect_uris": [PAGE]});
            asked.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            assert_eq!(refused(&settings, asked), member, "{changes}");
        }
    }

    #[test]
    fn pages_that_can_not_be_shown_are_left_out() {
        let settings = RegistrationSettings::default();
        let long = format!("data:image/png;base64,{}", "A".repeat(5000));
        for uri in [
            json!("http://localhost:3001"),
            json!("http://app.example/"),
            json!(""),
            json!(5),
            json!("javascript:alert(1)"),
            json!("https://app.example/\u{202E}"),
            json!(long),
        ] {
            let accepted = accept(
                &settings,
                json!({
                    "redirect_uris": [PAGE], "client_name": "App", "client_uri": uri,
                    "logo_uri": uri, "policy_uri": uri, "tos_uri": "https://app.example/terms",
                }),
            );
            let accepted = accepted.unwrap();
            let shown = [accepted.client_uri, accepted.logo_uri, accepted.policy_uri];
            assert_eq!(shown, [None, None, None], "{uri}");
            assert_eq!(accepted.tos_uri.as_deref(), Some("https://app.example/terms"));
            assert_eq!(accepted.client_name.as_deref(), Some("App"));
        }
        let local = RegistrationSettings { allow_private_addresses: true, ..settings };
        let asked = json!({"redirect_uris": [PAGE], "client_uri": "http://localhost:3001"});
        assert!(accept(&local, asked).unwrap().client_uri.is_some());
    }

    fn public_key() -> Value {
        json!({
            "kty": "EC", "crv": "P-256", "kid": "1",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        })
    }

    /// A public key with these members, too.
    fn key_with(changes: Value) -> Value {
        let (mut key, Value::Object(changes)) = (public_key(), changes) else { unreachable!() };
        key.as_object_mut().unwrap().extend(changes);
        key
    }

    #[test]
    fn of_keys_nothing_is_kept_but_what_is_read() {
        let settings = RegistrationSettings::default();
        let read = |keys: Value, changes: Value| {
            let mut asked = json!({
                "redirect_uris": [PAGE], "jwks": {"keys": keys, "more": [{"": 0}]},
            });
            asked.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            accept(&settings, asked).map(|accepted| accepted.jwks.map(Value::Object))
        };
        let certified = key_with(json!({
            "x5t": "AQAB", "x5c": ["AQAB"], "more": [{"": 0}], "n": "AQAB",
        }));
        let unused = [
            json!([{"": 0}]),
            json!({"kty": "EC", "key_ops": [[{"": 0}]]}),
            json!({"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"}),
            key_with(json!({"use": "enc"})),
            key_with(json!({"crv": "P-521"})),
        ];
        let all = [&unused[..], &[certified]].concat();
        let needing = [
            json!({"token_endpoint_auth_method": "private_key_jwt"}),
            json!({"request_object_signing_alg": "ES256"}),
        ];
        let kept = Some(json!({"keys": [public_key()]}));
        for uses in needing.iter().chain([&json!({})]) {
            assert_eq!(read(json!(all), uses.clone()).unwrap(), kept, "{uses}");
        }
        // A client that can do without keys gets none, and another one is refused.
        assert_eq!(read(json!(unused), json!({})).unwrap(), None);
        for uses in needing {
            for keys in [json!(unused), json!([])] {
                assert_eq!(read(keys, uses.clone()).unwrap_err().member, "jwks", "{uses}");
            }
        }
    }

    #[test]
    fn a_private_key_is_refused_whether_or_not_it_has_a_use() {
        for private in [
            key_with(json!({"d": "AQAB"})),
            key_with(json!({"d": "AQAB", "use": "enc"})),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "p": "AQAB"}),
            json!({"kty": "oct", "k": "AQAB"}),
        ] {
            for method in ["none", "client_secret_basic", "private_key_jwt"] {
                let asked = json!({
                    "redirect_uris": [PAGE], "token_endpoint_auth_method": method,
                    "jwks": {"keys": [public_key(), private]},
                });
                let error = accept(&RegistrationSettings::default(), asked).unwrap_err();
                assert_eq!((error.member, error.problem.as_str()), ("jwks", keys::PRIVATE_KEY));
            }
        }
    }

    #[test]
    fn a_client_that_registered_with_more_keys_has_the_first_ones() {
        let key = |number: u32| key_with(json!({"kid": number.to_string()}));
        let settings = RegistrationSettings::default();
        let resources =
            Resources::new(IdentityResource::standard(), vec![], vec![], false).unwrap();
        let policy = RegistrationPolicy {
            settings: &settings,
            resources: &resources,
            algorithms: &[SigningAlgorithm::Es256],
            salt: &Secret::new("a salt of sixteen"),
        };
        let asked = json!({
            "redirect_uris": [PAGE], "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": (0..16).map(key).collect::<Value>()},
        });
        let Value::Object(asked) = asked else { unreachable!() };
        let mut metadata = policy.accept(ClientMetadata::parse(asked).unwrap()).unwrap();
        let many = (0..745).map(key).collect::<Value>();
        metadata.jwks = Some(Map::from_iter([("keys".to_owned(), many)]));
        let client = policy.registered_client(&"registered-x".parse().unwrap(), &metadata, None);
        let keys = format!("{:?}", client.unwrap().keys);
        assert_eq!(keys.matches("Es256").count(), keys::MOST_KEYS_OF_A_STRANGER, "{keys}");
    }

    #[test]
    fn sign_ins_begin_by_https_also_where_documents_come_from_this_machine() {
        let settings = RegistrationSettings {
            allow_private_addresses: true,
            ..RegistrationSettings::default()
        };
        let begins_at = |uri: &str| json!({"redirect_uris": [PAGE], "initiate_login_uri": uri});
        assert!(accept(&settings, begins_at("https://localhost:5001/login")).is_ok());
        let plain = begins_at("http://localhost:5001/login");
        assert_eq!(refused(&settings, plain), "initiate_login_uri");
    }

    #[test]
    fn a_device_has_no_pairwise_subjects() {
        let settings = RegistrationSettings {
            grant_types: BTreeSet::from([GrantType::AuthorizationCode, GrantType::DeviceCode]),
            ..RegistrationSettings::default()
        };
        let asked = json!({
            "redirect_uris": [PAGE], "subject_type": "pairwise",
            "grant_types": ["authorization_code", DEVICE_CODE],
        });
        assert_eq!(refused(&settings, asked.clone()), "subject_type");
        // Where nobody gets the grant, it is taken out.
        assert!(accept(&RegistrationSettings::default(), asked).is_ok());
    }

    #[test]
    fn redirect_addresses_are_within_the_policy() {
        let settings = RegistrationSettings {
            redirect_hosts: vec!["example.com".to_owned()],
            allow_loopback_redirect_uris: false,
            ..RegistrationSettings::default()
        };
        for uri in ["https://example.com/cb", "https://app.example.com/cb"] {
            assert!(accept(&settings, json!({"redirect_uris": [uri]})).is_ok(), "{uri}");
        }
        for uri in ["https://notexample.com/cb", "http://127.0.0.1/cb", "http://localhost:1/cb"] {
            assert_eq!(refused(&settings, json!({"redirect_uris": [uri]})), "redirect_uris");
        }
        let open = RegistrationSettings::default();
        for uri in ["http://127.0.0.1/cb", "http://localhost:1/cb", "com.example.app:/cb"] {
            assert!(accept(&open, json!({"redirect_uris": [uri]})).is_ok(), "{uri}");
        }
    }
}
