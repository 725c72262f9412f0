//! Request objects: an authorization request as a JSON Web Token of the client (RFC 9101, OIDC Core
//! section 6). Pure rules; the signature is checked by [`super::keys`].

use doorward_protocol::{
    error::ErrorCode,
    ids::ClientId,
    jose::SigningAlgorithm,
    json,
    jws::UnverifiedJws,
    params::{Params, ParamsError},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use super::{
    Client, ClientSettings, fapi2,
    keys::{ALGORITHMS, MessageClaims, SignatureError},
};
use crate::model::{
    message_identity::MessageIdentity, request_parameters::is_known_parameter,
    settings_error::SettingsError, time::Timestamp,
};

/// What `typ` an object may have, if it has one (RFC 9101 sections 4 and 10.8).
pub(crate) const TYPES: [&str; 2] = ["oauth-authz-req+jwt", "JWT"];

/// How far the client's clock may be ahead, in seconds (FAPI 2.0 Message Signing section 5.3.1).
const CLOCK_TOLERANCE: i64 = 10;
/// The longest time between `nbf` and `exp` of a client with `fapi2`, in seconds (the same
/// section).
const LONGEST_LIFE: i64 = 3600;

/// `request_object_signing_alg`: the only way by which a client signs its request objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestObjectAlgorithm {
    /// Not at all. Such an object is worth as much as a plain query.
    Unsigned,
    /// By this algorithm.
    Signed(SigningAlgorithm),
}

impl RequestObjectAlgorithm {
    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "none",
            Self::Signed(algorithm) => algorithm.as_str(),
        }
    }
}

impl Serialize for RequestObjectAlgorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RequestObjectAlgorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "none" => Ok(Self::Unsigned),
            signed => signed.parse().map(Self::Signed).map_err(de::Error::custom),
        }
    }
}

/// Which request objects a client may send, and whether it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestObjectRules {
    /// The registered algorithm; `None`: any that is served, but never unsigned.
    pub algorithm: Option<RequestObjectAlgorithm>,
    /// Whether each request must be in a signed object.
    pub required: bool,
}

impl RequestObjectRules {
    /// What the client's request objects are signed by, and whether they must be.
    pub(crate) fn from_settings(settings: &ClientSettings) -> Result<Self, SettingsError> {
        let algorithm = settings.request_object_signing_alg;
        let required = settings.require_signed_request_object;
        let refuse_alg = |value: RequestObjectAlgorithm, problem| {
            Err(SettingsError::new("request_object_signing_alg", value.as_str(), problem))
        };
        match algorithm {
            Some(value @ RequestObjectAlgorithm::Signed(signed)) => {
                if !ALGORITHMS.contains(&signed.as_str()) {
                    return refuse_alg(value, "give PS256, ES256, EdDSA, RS256 or none");
                }
                if settings.fapi2 && !fapi2::ALGORITHMS.contains(&signed) {
                    return refuse_alg(value, "with fapi2 give PS256, ES256 or EdDSA");
                }
                if settings.jwks.is_none() && settings.jwks_uri.is_none() {
                    return refuse_alg(value, "a client that signs needs jwks or jwks_uri");
                }
            }
            Some(value @ RequestObjectAlgorithm::Unsigned) if required || settings.fapi2 => {
                let problem = "with require_signed_request_object or fapi2 objects are signed";
                return refuse_alg(value, problem);
            }
            Some(RequestObjectAlgorithm::Unsigned) | None => {}
        }
        if required && settings.jwks.is_none() && settings.jwks_uri.is_none() {
            let problem = "a client that signs its requests needs jwks or jwks_uri";
            return Err(SettingsError::new("require_signed_request_object", true, problem));
        }
        Ok(Self { algorithm, required })
    }
}

/// Why a request object is not taken. The descriptions are whole sentences for the client's
/// developer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.description())]
pub enum RequestObjectError {
    /// The client has neither keys nor registered `none`.
    NotSupported,
    /// A JSON Web Encryption with its five parts.
    Encrypted,
    /// Not a compact JWS with a JSON object in which each member is there once.
    Malformed,
    /// A claim about the message itself is of another type than RFC 7519 section 4.1 says.
    MalformedClaims,
    /// Its `typ` is that of another kind of message.
    WrongType,
    /// It is not signed as this client may.
    WrongAlgorithm,
    /// It is not signed, and must be.
    Unsigned,
    /// No key of the client made the signature.
    BadSignature,
    /// The client publishes its keys, and they can't be fetched.
    KeysUnavailable,
    /// A parameter is neither a text nor what it may be instead.
    MalformedParameter,
    /// It holds another object or a reference.
    Nested,
    /// `client_id`, or `iss`, is another client, or is missing and must be there.
    WrongClient,
    /// `sub` is the client: so it is an assertion (RFC 9101 section 10.8).
    IsAssertion,
    /// `aud` does not name this provider.
    WrongAudience,
    /// `exp` has come.
    Expired,
    /// `nbf` or `iat` lies in the future.
    NotYetValid,
    /// `exp` or `nbf` is missing or they are far apart.
    TooLong,
    /// Its `jti` was used before.
    Replayed,
}

impl RequestObjectError {
    /// The code on the wire (OIDC Core section 3.1.2.6, RFC 9101 section 7).
    pub fn code(self) -> ErrorCode {
        match self {
            Self::NotSupported => ErrorCode::RequestNotSupported,
            _ => ErrorCode::InvalidRequestObject,
        }
    }

    /// A sentence for the client's developer.
    pub fn description(self) -> &'static str {
        match self {
            Self::NotSupported => {
                "This client has no keys (jwks or jwks_uri) to sign request objects by."
            }
            Self::Encrypted => "Encrypted request objects are not supported. Send it signed.",
            Self::Malformed => {
                "The request object is not a JSON Web Token with an object as its claims, \
                 each of them once, of 64 KB at most."
            }
            Self::MalformedClaims => {
                "exp, nbf and iat of the request object must be numbers; iss, aud and jti texts."
            }
            Self::WrongType => "typ of the request object must be oauth-authz-req+jwt or JWT.",
            Self::WrongAlgorithm => {
                "alg of the request object is none of request_object_signing_alg_values_supported, \
                 or not the one that this client registered."
            }
            Self::Unsigned => "The request object must be signed.",
            Self::BadSignature => {
                "The signature of the request object was made by no key of the client."
            }
            Self::KeysUnavailable => "The keys of the client can't be fetched from its jwks_uri.",
            Self::MalformedParameter => {
                "A parameter in the request object has the wrong type. Write it as text; \
                 claims may be an object, max_age a number, and resource a list."
            }
            Self::Nested => "A request object can't hold request or request_uri.",
            Self::WrongClient => {
                "client_id and iss of the request object must be the client_id that is sent \
                 beside it. A signed object has one of them, and with FAPI 2.0 both."
            }
            Self::IsAssertion => "sub of the request object must not be the client_id.",
            Self::WrongAudience => {
                "aud of the request object must be this provider's issuer identifier."
            }
            Self::Expired => "The request object has expired (exp).",
            Self::NotYetValid => "The request object is not valid yet (nbf, iat).",
            Self::TooLong => "The request object must have nbf and exp, at most 60 minutes apart.",
            Self::Replayed => {
                "The request object was used before (jti). Make one for each request."
            }
        }
    }
}

impl From<SignatureError> for RequestObjectError {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Malformed => Self::Malformed,
            SignatureError::WrongType => Self::WrongType,
            SignatureError::UnsupportedAlgorithm => Self::WrongAlgorithm,
            SignatureError::BadSignature => Self::BadSignature,
            SignatureError::KeysUnavailable => Self::KeysUnavailable,
        }
    }
}

/// An object that could be read, and whose signature nobody has checked. Until that is done it says
/// nothing but where an error may go, if that address is registered.
#[derive(Debug)]
pub(crate) struct UnverifiedObject {
    /// Whether it says of itself that it is not signed.
    pub(crate) is_unsigned: bool,
    is_typed_otherwise: bool,
    members: Map<String, Value>,
}

impl UnverifiedObject {
    pub(crate) fn read(compact: &str) -> Result<Self, RequestObjectError> {
        // RFC 7516 section 7.1: five parts.
        if compact.bytes().filter(|byte| *byte == b'.').count() == 4 {
            return Err(RequestObjectError::Encrypted);
        }
        let jws = UnverifiedJws::parse(compact).map_err(|_| RequestObjectError::Malformed)?;
        let members = json::unambiguous_object(jws.unverified_payload());
        let header = jws.header();
        let is_unsigned = header.alg == "none";
        // RFC 7518 section 3.6: the signature of an unsigned one is empty.
        if is_unsigned && !jws.signature().is_empty() {
            return Err(RequestObjectError::Malformed);
        }
        Ok(Self {
            is_unsigned,
            is_typed_otherwise: header.typ.is_some()
                && !TYPES.iter().any(|typ| header.is_type(typ)),
            members: members.ok_or(RequestObjectError::Malformed)?,
        })
    }

    /// As much of the request as says where an error goes, and how; what the object leaves out is
    /// taken from the parameters beside it.
    pub(crate) fn reply_params(&self, outer: &Params) -> Params {
        const NAMES: [&str; 5] =
            ["redirect_uri", "response_mode", "response_type", "scope", "state"];
        let text =
            |name: &str| self.members.get(name).map_or_else(|| outer.get(name), Value::as_str);
        let pairs = NAMES.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?.into())));
        let params = Params::from_pairs(pairs).unwrap_or_default();
        params.with("client_id", outer.get("client_id").unwrap_or_default())
    }

    /// The claims of an object that need not be signed.
    pub(crate) fn into_unsigned(self) -> Result<Map<String, Value>, RequestObjectError> {
        if self.is_typed_otherwise { Err(RequestObjectError::WrongType) } else { Ok(self.members) }
    }
}

impl Client {
    /// Whether this client can send request objects at all.
    pub(crate) fn can_send_request_objects(&self) -> bool {
        self.has_keys() || self.request_objects.algorithm == Some(RequestObjectAlgorithm::Unsigned)
    }

    /// Whether this client's objects may be signed by this algorithm.
    pub(crate) fn may_sign_objects_by(&self, algorithm: SigningAlgorithm) -> bool {
        let profile = !self.fapi2 || fapi2::ALGORITHMS.contains(&algorithm);
        profile
            && self
                .request_objects
                .algorithm
                .is_none_or(|own| own == RequestObjectAlgorithm::Signed(algorithm))
    }
}

/// What an object must say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// The client that is named beside it.
    pub(crate) client_id: &'a ClientId,
    /// This provider.
    pub(crate) issuer: &'a str,
    /// Whether it was signed. Then it names the client and this provider, so that it can't be taken
    /// from another one (RFC 9101 section 10.8, RFC 8725 section 3.9).
    pub(crate) signed: bool,
    /// Whether FAPI 2.0 holds.
    pub(crate) fapi2: bool,
}

/// A request object that may be used.
#[derive(Debug)]
pub(crate) struct VerifiedObject {
    /// What it says, as parameters of a request. Nothing beside it counts.
    pub(crate) params: Params,
    /// By what it is known, and when it is refused for its age, in seconds since 1970; only where
    /// its profile lets each object count once.
    pub(crate) once: Option<(MessageIdentity, i64)>,
}

/// Checks what an object says of itself (RFC 9101 sections 4 and 6.3), and reads it as parameters.
pub(crate) fn check(
    members: &Map<String, Value>,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<VerifiedObject, RequestObjectError> {
    let Expected { client_id, issuer, signed, fapi2 } = *expected;
    if members.contains_key("request") || members.contains_key("request_uri") {
        return Err(RequestObjectError::Nested);
    }
    let claims = MessageClaims::read(members).ok_or(RequestObjectError::MalformedClaims)?;
    let is_client = |own: &str| own == client_id.as_str();
    let named = members.get("client_id");
    let names_client = match named {
        None => !fapi2,
        Some(named) => named.as_str().is_some_and(is_client),
    };
    // `iss` should be there (OIDC Core section 6.1, RFC 9101 section 4). It need not if `client_id`
    // says who made the object, but with FAPI 2.0 it must.
    let is_issuer = match claims.iss.as_deref() {
        None => !signed || (named.is_some() && !fapi2),
        Some(iss) => is_client(iss),
    };
    if !names_client || !is_issuer {
        return Err(RequestObjectError::WrongClient);
    }
    if claims.sub.as_deref().is_some_and(is_client) {
        return Err(RequestObjectError::IsAssertion);
    }
    // A signed object without `aud` could be one that was made for another server.
    if !claims.aud.as_ref().map_or(!signed, |aud| aud.contains(issuer)) {
        return Err(RequestObjectError::WrongAudience);
    }
    let now = now.seconds();
    if claims.exp.is_some_and(|exp| now >= exp) {
        return Err(RequestObjectError::Expired);
    }
    if !claims.has_begun(now, CLOCK_TOLERANCE) {
        return Err(RequestObjectError::NotYetValid);
    }
    let once = if fapi2 {
        let life = claims.exp.zip(claims.nbf);
        let (exp, _) = life
            .filter(|(exp, nbf)| exp.saturating_sub(*nbf) <= LONGEST_LIFE)
            .ok_or(RequestObjectError::TooLong)?;
        claims.jti.map(|jti| (MessageIdentity::of("request object ", client_id, &jti), exp))
    } else {
        None
    };
    let params = parameters(members).map_err(|_| RequestObjectError::MalformedParameter)?;
    Ok(VerifiedObject { params: params.without("client_id").with("client_id", client_id), once })
}

/// The parameters of the object (RFC 9101 section 4): texts as they are, `claims` and
/// `registration` as JSON text (OIDC Core sections 5.5 and 7.2.1), a number for `max_age`, and each
/// address of `resource`.
fn parameters(members: &Map<String, Value>) -> Result<Params, ParamsError> {
    /// Claims about the message, of which `iss` is not a parameter of a request either.
    const OWN: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
    let mut pairs = Vec::new();
    for (name, value) in members {
        if OWN.contains(&name.as_str()) || !is_known_parameter(name) {
            continue;
        }
        match (name.as_str(), value) {
            (_, Value::String(text)) => pairs.push((name.clone(), text.clone())),
            ("claims" | "registration", Value::Object(_)) | ("max_age", Value::Number(_)) => {
                pairs.push((name.clone(), value.to_string()));
            }
            ("resource", Value::Array(list)) => {
                for own in list {
                    let text = own.as_str().ok_or(ParamsError::Malformed)?;
                    pairs.push((name.clone(), text.to_owned()));
                }
            }
            _ => return Err(ParamsError::Malformed),
        }
    }
    Params::from_pairs(pairs)
}
