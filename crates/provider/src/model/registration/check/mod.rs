//! What a client that no operator wrote down may be: its metadata are brought within the policy
//! (RFC 7591 section 2: the server may replace what was asked for), or refused.

mod described_client;
mod redirect_uris;
#[cfg(test)]
mod tests;

use doorward_protocol::{
    host,
    jose::SigningAlgorithm,
    scope::{OFFLINE_ACCESS, Scope},
    secret::Secret,
};
use serde_json::{Map, Value};
use url::Url;

use super::{
    members::MetadataError,
    metadata::{AuthMethod, ClientMetadata, SubjectType},
    settings::RegistrationSettings,
};
use crate::model::{
    client::{GrantType, keys, request_object::RequestObjectAlgorithm},
    device_code::DEVICE_CODE,
    resource::Resources,
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
