//! Client authentication at the token endpoint and its like (RFC 6749 section 2.3, OIDC Core
//! section 9).

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_protocol::{params::Params, secret::Secret};

use crate::{
    keys::remote::PublishedKeys,
    model::{
        client::{
            Client,
            assertion::{self, ASSERTION_TYPE, AssertionError, Expected, unverified_issuer},
            fapi2,
        },
        paths,
        provider_settings::ProviderSettings,
        resource::Resources,
        throttle::{OriginBound, WaitingBound},
        time::Clock,
    },
    store::SingleUses,
    use_case::{
        client_directory::ClientDirectory,
        error::{ClientAuthenticationError, TokenError},
        single_use::is_first_use,
    },
};

/// What a request presents to say which client it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCredentials {
    /// `client_secret_basic`.
    Basic {
        /// `client_id`.
        client_id: String,
        /// The secret, form-decoded (RFC 6749 section 2.3.1).
        secret: Secret,
        /// The secret without decoding, because many clients do not encode it.
        as_sent: Secret,
    },
    /// `client_secret_post`.
    Post {
        /// `client_id`.
        client_id: String,
        /// The secret.
        secret: Secret,
    },
    /// `private_key_jwt`.
    Assertion {
        /// `iss` of the assertion, not verified.
        client_id: String,
        /// The assertion.
        assertion: Secret,
    },
    /// `none`: a public client only names itself.
    Public {
        /// `client_id`.
        client_id: String,
    },
}

/// An endpoint at which clients authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientEndpoint {
    /// For tokens.
    Token,
    /// For pushed authorization requests.
    PushedAuthorization,
    /// For devices.
    DeviceAuthorization,
    /// For questions about tokens.
    Introspection,
    /// For tokens that are to end.
    Revocation,
}

impl ClientEndpoint {
    fn path(self) -> &'static str {
        match self {
            Self::Token => paths::TOKEN,
            Self::PushedAuthorization => paths::PUSHED_AUTHORIZATION,
            Self::DeviceAuthorization => paths::DEVICE_AUTHORIZATION,
            Self::Introspection => paths::INTROSPECTION,
            Self::Revocation => paths::REVOCATION,
        }
    }
}

/// A client that has proven who it is, or that is public and needs not. Nothing else can make one.
#[derive(Debug, Clone)]
pub struct AuthenticatedClient(Arc<Client>);

impl ClientCredentials {
    /// Reads the credentials out of the `Authorization` header and the parameters. `is_known` says
    /// whether something with this name can authenticate here.
    pub fn parse(
        authorization: Option<&str>,
        params: &Params,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Self, ClientAuthenticationError> {
        use ClientAuthenticationError::{MalformedHeader, Missing, TwoMethods};
        let client_id = params.get("client_id").map(str::to_owned);
        let secret = params.get_secret("client_secret");
        // A parameter without a value counts as absent (RFC 6749 section 3.1).
        if params.get("client_assertion").or(params.get("client_assertion_type")).is_some() {
            let alone = authorization.is_none() && secret.is_none();
            return if alone { Ok(parse_assertion(params)?) } else { Err(TwoMethods) };
        }
        let Some(header) = authorization else {
            let client_id = client_id.ok_or(Missing)?;
            return Ok(match secret {
                Some(secret) => Self::Post { client_id, secret },
                None => Self::Public { client_id },
            });
        };
        let basic = parse_basic(header, is_known).ok_or(MalformedHeader)?;
        if secret.is_some() || client_id.is_some_and(|id| id != basic.client_id()) {
            return Err(TwoMethods);
        }
        Ok(basic)
    }

    /// The client that the credentials name.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::Assertion { client_id, .. }
            | Self::Public { client_id } => client_id,
        }
    }
}

/// The most colons of a header at which it is split: an identifier such as
/// `http://localhost:4000/mcp` has two.
const MAX_SPLITS: usize = 5;

/// `Basic base64(form(client_id) ":" form(secret))` (RFC 6749 section 2.3.1). Many clients encode
/// neither, and an identifier may be a URL: so the first split at a colon counts whose identifier
/// is known, and otherwise the first one.
fn parse_basic(header: &str, is_known: impl Fn(&str) -> bool) -> Option<ClientCredentials> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let splits = text.match_indices(':').take(MAX_SPLITS).map(|(at, _)| text.split_at(at));
    let mut splits = splits.filter_map(|(id, secret)| Some((form_decode(id)?, &secret[1..])));
    let first = splits.next()?;
    let known = (!is_known(&first.0)).then(|| splits.find(|(id, _)| is_known(id))).flatten();
    let (client_id, secret) = known.unwrap_or(first);
    // An empty secret may be left out, so it is none (RFC 6749 section 2.3.1).
    if secret.is_empty() {
        return Some(ClientCredentials::Public { client_id });
    }
    Some(ClientCredentials::Basic {
        client_id,
        secret: Secret::new(form_decode(secret)?),
        as_sent: Secret::new(secret),
    })
}

/// `client_assertion` with its type, and `client_id`, which is optional (RFC 7521 section 4.2).
fn parse_assertion(params: &Params) -> Result<ClientCredentials, AssertionError> {
    let assertion = params.get_secret("client_assertion").ok_or(AssertionError::WrongKind)?;
    if params.get("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(AssertionError::WrongKind);
    }
    let client_id = unverified_issuer(assertion.expose())?;
    if params.get("client_id").is_some_and(|named| named != client_id) {
        return Err(AssertionError::WrongClient);
    }
    Ok(ClientCredentials::Assertion { client_id, assertion })
}

/// One form-encoded text, decoded by the reader of parameters.
fn form_decode(text: &str) -> Option<String> {
    // A client that encodes has encoded `&`. The text of one that does not is taken as it is.
    let encoded = format!("value={}", text.replace('&', "%26"));
    Some(Params::parse(encoded).ok()?.get("value").unwrap_or_default().to_owned())
}

/// Authenticates clients: what it reads, and the store that remembers used assertions.
#[derive(Clone, Copy)]
pub struct ClientAuthenticator<'a> {
    pub(crate) single_uses: &'a dyn SingleUses,
    pub(crate) clients: ClientDirectory<'a>,
    pub(crate) resources: &'a Resources,
    pub(crate) published_keys: PublishedKeys<'a>,
    pub(crate) issuer: &'a str,
    pub(crate) clock: &'a dyn Clock,
}

impl ClientAuthenticator<'_> {
    /// Whether a client or an API with this name can authenticate here.
    pub fn can_authenticate(&self, name: &str) -> bool {
        self.clients.registry.get(name).is_some()
            || self.resources.authenticating_api(name).is_some()
    }

    /// Authenticates a client at this endpoint. An assertion is used up by it.
    pub async fn authenticate(
        &self,
        credentials: &ClientCredentials,
        endpoint: ClientEndpoint,
    ) -> Result<AuthenticatedClient, TokenError> {
        use ClientAuthenticationError::{
            SecretMissing, SecretUnexpected, UnknownClient, WrongSecret,
        };
        let client = self.clients.find(credentials.client_id()).await?.ok_or(UnknownClient)?;
        let now = self.clock.now();
        let verified = match credentials {
            ClientCredentials::Public { .. } if client.confidential => {
                return Err(SecretMissing.into());
            }
            ClientCredentials::Public { .. } => true,
            _ if !client.confidential => return Err(SecretUnexpected.into()),
            // Keys beside secrets are for request objects.
            ClientCredentials::Assertion { .. } if !client.authenticates_by_keys() => false,
            ClientCredentials::Assertion { assertion, .. } => {
                self.consume_assertion(&client, assertion, endpoint).await?;
                true
            }
            ClientCredentials::Post { secret, .. } => client.verifies_secret(secret, now),
            ClientCredentials::Basic { secret, as_sent, .. } => {
                client.verifies_secret(secret, now) | client.verifies_secret(as_sent, now)
            }
        };
        if verified { Ok(AuthenticatedClient(client)) } else { Err(WrongSecret.into()) }
    }

    /// Verifies an assertion, which must not have been presented before.
    async fn consume_assertion(
        &self,
        client: &Client,
        assertion: &Secret,
        endpoint: ClientEndpoint,
    ) -> Result<(), TokenError> {
        let address = |endpoint: ClientEndpoint| format!("{}{}", self.issuer, endpoint.path());
        // RFC 7523 section 3 names the token endpoint, RFC 9126 section 2 that for pushed requests,
        // and many clients the endpoint that they ask. FAPI 2.0 section 5.3.2.1 wants the issuer
        // alone.
        let token_endpoint = address(ClientEndpoint::Token);
        let pushed_endpoint = address(ClientEndpoint::PushedAuthorization);
        let asked_endpoint = address(endpoint);
        let audiences = [self.issuer, &token_endpoint, &pushed_endpoint, &asked_endpoint];
        let audiences = if client.fapi2 { &audiences[..1] } else { &audiences[..] };
        let longest_life = if client.is_stranger() {
            assertion::LONGEST_LIFE_OF_STRANGER
        } else {
            assertion::LONGEST_LIFE
        };
        let (client_id, fapi2) = (&client.client_id, client.fapi2);
        let expected = Expected { client_id, audiences, fapi2, longest_life };
        let now = self.clock.now();
        let opened = self.published_keys.verify_by(client, now, |keys| {
            keys.open(assertion.expose(), &assertion::TYPES, |algorithm| {
                !client.fapi2 || fapi2::ALGORITHMS.contains(&algorithm)
            })
        });
        let opened = opened.await.map_err(AssertionError::from);
        let verified = opened.and_then(|claims| assertion::check(&claims, &expected, now));
        let verified = verified.map_err(ClientAuthenticationError::from)?;
        if is_first_use(self.single_uses, verified.identity, verified.too_old_at).await? {
            Ok(())
        } else {
            Err(ClientAuthenticationError::from(AssertionError::Replayed).into())
        }
    }
}

/// How many rows a client may leave. The identifier of a public client is not a secret, so anybody
/// can make its requests; they are bounded for each address, too. A confidential client has proven
/// who it is, which says something if an operator wrote it down.
pub(crate) fn waiting_bound(
    client: &Client,
    address: &str,
    settings: &ProviderSettings,
) -> WaitingBound {
    let is_known = client.confidential && !client.is_stranger();
    let bound = waiting_bound_of_anybody(client, address, settings);
    WaitingBound { origin: bound.origin.filter(|_| !is_known), ..bound }
}

/// The same for what anybody can bring in the name of the client.
pub(crate) fn waiting_bound_of_anybody(
    client: &Client,
    address: &str,
    settings: &ProviderSettings,
) -> WaitingBound {
    let most = settings.most_waiting_per_address;
    let origin = if client.is_stranger() {
        OriginBound::of_strangers(address, most)
    } else {
        OriginBound::new(&client.client_id, address, most)
    };
    WaitingBound { most: settings.most_waiting_per_client, origin: Some(origin) }
}

impl std::ops::Deref for AuthenticatedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(
        header: Option<&str>,
        body: &str,
    ) -> Result<ClientCredentials, ClientAuthenticationError> {
        ClientCredentials::parse(header, &Params::parse(body).unwrap(), |_| false)
    }

    /// RFC 6749 section 2.3.1, the example header and body.
    #[test]
    fn reads_the_rfc_examples() {
        let basic = parse(Some("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"), "").unwrap();
        let secret = Secret::new("7Fjfp0ZBr1KtDRbnfVdmIw");
        let expected = ClientCredentials::Basic {
            client_id: "s6BhdRkqt3".into(),
            secret: secret.clone(),
            as_sent: secret.clone(),
        };
        assert_eq!(basic, expected);
        let post =
            parse(None, "client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw").unwrap();
        assert_eq!(post, ClientCredentials::Post { client_id: "s6BhdRkqt3".into(), secret });
    }

    #[test]
    fn basic_is_form_decoded() {
        let header = format!("basic {}", STANDARD.encode("a%3Ab+c:p%25%2B"));
        let expected = ClientCredentials::Basic {
            client_id: "a:b c".into(),
            secret: Secret::new("p%+"),
            as_sent: Secret::new("p%25%2B"),
        };
        assert_eq!(parse(Some(&header), "").unwrap(), expected);
    }

    #[test]
    fn one_method_only() {
        use ClientAuthenticationError::{MalformedHeader, Missing, TwoMethods};
        let header = format!("Basic {}", STANDARD.encode("a:b"));
        assert_eq!(parse(Some(&header), "client_id=a&client_secret=b"), Err(TwoMethods));
        assert_eq!(parse(Some(&header), "client_id=other"), Err(TwoMethods));
        assert!(parse(Some(&header), "client_id=a").is_ok());
        assert_eq!(parse(None, ""), Err(Missing));
        for malformed in ["Basic", "Basic !!!", "Bearer abc", "Basic YWJj"] {
            assert_eq!(parse(Some(malformed), ""), Err(MalformedHeader), "{malformed}");
        }
    }
}
