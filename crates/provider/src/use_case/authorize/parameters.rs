//! The parameters of an authorization request that need neither a store nor a key, each read by
//! itself.

use std::collections::BTreeSet;

use doorward_protocol::{
    error::ErrorCode,
    params::Params,
    pkce::{CodeChallenge, S256},
    thumbprint::Thumbprint,
    time::Seconds,
};
use serde_json::{Map, Value};

use super::{
    reply::{Delivery, ResponseMode},
    request::Problem,
};
use crate::model::{
    acr::{AcrLevel, AcrLevels},
    client::{Client, is_reserved_claim},
    grant::RequestedClaims,
    provider_settings::LongestParameters,
    request_parameters::KNOWN_PARAMETERS,
    resource::Resources,
};

/// The parameters that are as long as [`LongestParameters::text`] at most. A request is kept as it
/// was sent, and some valid values could be of any length: `prompt` repeats its words.
const TEXTS: [&str; 7] =
    ["nonce", "acr_values", "login_hint", "ui_locales", "prompt", "max_age", "idp"];

pub(super) fn refuse_over_long(
    params: &Params,
    longest: &LongestParameters,
) -> Result<(), Problem> {
    let too_long = |name, limit: u32| {
        params.get(name).is_some_and(|value| value.len() > usize::try_from(limit).unwrap_or(0))
    };
    let refuse = |description| Err(Problem(ErrorCode::InvalidRequest, description));
    if too_long("scope", longest.scope) {
        return refuse("scope is too long for this provider.");
    }
    if TEXTS.into_iter().any(|name| too_long(name, longest.text)) {
        return refuse(
            "nonce, acr_values, login_hint, ui_locales, prompt, max_age or idp is too long.",
        );
    }
    if too_long("claims", longest.claims) {
        return refuse("claims is too long.");
    }
    if too_long("state", longest.state) {
        return refuse("state is too long.");
    }
    Ok(())
}

/// Refuses parameters that are not supported. They are never ignored: a client that sends them
/// relies on them (OIDC Core section 6).
pub(super) fn refuse_unsupported(params: &Params) -> Result<(), Problem> {
    if params.get("registration").is_some() {
        return Err(Problem(
            ErrorCode::RegistrationNotSupported,
            "The parameter registration is not supported.",
        ));
    }
    if params.get("request_uri").is_some() {
        return Err(Problem(
            ErrorCode::RequestUriNotSupported,
            "request_uri is supported for pushed requests only.",
        ));
    }
    Ok(())
}

/// `response_mode`, with the modes of JARM section 2.3. An unknown one is a problem, which is
/// answered in the usual mode.
pub(super) fn delivery(params: &Params) -> (Delivery, Option<Problem>) {
    // Multiple Response Types section 5: where tokens are asked for, errors too go into the
    // fragment.
    let usual = if asks_for_tokens(params) { ResponseMode::Fragment } else { ResponseMode::Query };
    let (mode, signed) = match params.get("response_mode") {
        None => (usual, false),
        Some("query") => (ResponseMode::Query, false),
        Some("fragment") => (ResponseMode::Fragment, false),
        Some("form_post") => (ResponseMode::FormPost, false),
        Some("jwt") => (usual, true),
        Some("query.jwt") => (ResponseMode::Query, true),
        Some("fragment.jwt") => (ResponseMode::Fragment, true),
        Some("form_post.jwt") => (ResponseMode::FormPost, true),
        Some(_) => {
            let description = "response_mode can be one of response_modes_supported only.";
            let problem = Problem(ErrorCode::InvalidRequest, description);
            return (Delivery { mode: usual, signed: false }, Some(problem));
        }
    };
    (Delivery { mode, signed }, None)
}

fn asks_for_tokens(params: &Params) -> bool {
    params
        .get("response_type")
        .is_some_and(|types| types.split(' ').any(|own| matches!(own, "token" | "id_token")))
}

pub(super) fn code_challenge(
    client: &Client,
    params: &Params,
) -> Result<Option<CodeChallenge>, Problem> {
    let refuse = |description| Err(Problem(ErrorCode::InvalidRequest, description));
    match (params.get("code_challenge"), params.get("code_challenge_method")) {
        (None, None) if client.require_pkce => {
            refuse("code_challenge is missing: this client must use PKCE with S256.")
        }
        (None, None) => Ok(None),
        (None, Some(_)) => refuse("code_challenge_method is there, code_challenge is missing."),
        (Some(challenge), Some(S256)) => match CodeChallenge::parse(challenge) {
            Ok(challenge) => Ok(Some(challenge)),
            Err(_) => refuse(
                "code_challenge must be 43 to 128 unreserved characters (RFC 7636 section 4.2).",
            ),
        },
        (Some(_), _) => refuse("code_challenge_method must be S256."),
    }
}

pub(super) fn dpop_jkt(params: &Params) -> Result<Option<Thumbprint>, Problem> {
    let description = "dpop_jkt must be the SHA-256 thumbprint of a key (RFC 9449 section 10).";
    let problem = |_| Problem(ErrorCode::InvalidRequest, description);
    params.get("dpop_jkt").map(Thumbprint::parse).transpose().map_err(problem)
}

/// `prompt` (OIDC Core section 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools)]
pub struct Prompt {
    /// Show nothing.
    pub none: bool,
    /// Sign in again.
    pub login: bool,
    /// Choose who signs in.
    pub select_account: bool,
    /// Ask for consent again.
    pub consent: bool,
    /// Let the user register (Initiating User Registration via OpenID Connect 1.0). It implies
    /// `login`: a session of somebody else does not do.
    pub create: bool,
}

impl Prompt {
    /// Whether a session that is there does not do.
    pub(super) fn wants_sign_in(self) -> bool {
        self.login || self.select_account
    }
}

/// A value that is not in `prompt_values_supported` is refused (OIDC Core section 3.1.2.1).
pub(super) fn prompt(params: &Params, offers_registration: bool) -> Result<Prompt, Problem> {
    let mut prompt = Prompt::default();
    for value in
        params.get("prompt").unwrap_or_default().split(' ').filter(|value| !value.is_empty())
    {
        match value {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "select_account" => prompt.select_account = true,
            "consent" => prompt.consent = true,
            "create" if offers_registration => (prompt.create, prompt.login) = (true, true),
            _ => {
                return Err(Problem(
                    ErrorCode::InvalidRequest,
                    "prompt can be one of prompt_values_supported only.",
                ));
            }
        }
    }
    if prompt.none && (prompt.wants_sign_in() || prompt.consent) {
        return Err(Problem(
            ErrorCode::InvalidRequest,
            "prompt=none can't be combined with another value.",
        ));
    }
    Ok(prompt)
}

pub(super) fn max_age(params: &Params) -> Result<Option<Seconds>, Problem> {
    let problem =
        |_| Problem(ErrorCode::InvalidRequest, "max_age must be a whole number of seconds.");
    let seconds = |text: &str| text.parse().map(Seconds::new).map_err(problem);
    params.get("max_age").map(seconds).transpose()
}

/// What the `claims` parameter asks for.
#[derive(Default)]
pub(super) struct Claims {
    /// Which claims to add where.
    pub(super) requested: RequestedClaims,
    /// The subject that it insists on.
    pub(super) subject: Option<String>,
    /// How strongly the user must have signed in.
    pub(super) acr: Option<AcrLevel>,
}

/// The `claims` parameter (OIDC Core section 5.5).
pub(super) fn claims(params: &Params, levels: &AcrLevels) -> Result<Claims, Problem> {
    let Some(text) = params.get("claims") else { return Ok(Claims::default()) };
    let malformed = || {
        Problem(ErrorCode::InvalidRequest, "claims must be a JSON object (OIDC Core section 5.5).")
    };
    let Ok(Value::Object(claims)) = serde_json::from_str(text) else { return Err(malformed()) };
    let names = |member: &str| -> Result<BTreeSet<String>, Problem> {
        match claims.get(member) {
            None | Some(Value::Null) => Ok(BTreeSet::new()),
            Some(Value::Object(requested)) => {
                Ok(requested.keys().filter(|name| !is_reserved_claim(name)).cloned().collect())
            }
            Some(_) => Err(malformed()),
        }
    };
    let requested = RequestedClaims { id_token: names("id_token")?, userinfo: names("userinfo")? };
    let id_token = |name: &str| claims.get("id_token").and_then(|id_token| id_token.get(name));
    let acr = id_token("acr").map(|acr| claimed_acr(acr, levels)).transpose()?.flatten();
    let subject = id_token("sub").and_then(|sub| sub.get("value")?.as_str());
    Ok(Claims { requested, subject: subject.map(str::to_owned), acr })
}

/// The level that a request for the claim `acr` asks for. Where an essential one names only values
/// that mean nothing here, it is refused (OIDC Core section 5.5.1.1).
fn claimed_acr(acr: &Value, levels: &AcrLevels) -> Result<Option<AcrLevel>, Problem> {
    // An API relies on it, so a request that can't be understood is not a request without it.
    let malformed = || Problem(ErrorCode::InvalidRequest, MALFORMED_ACR);
    let member = |name: &str| acr.get(name).filter(|value| !value.is_null());
    if !acr.is_null() && !acr.is_object() {
        return Err(malformed());
    }
    let essential = match member("essential") {
        None => false,
        Some(essential) => essential.as_bool().ok_or_else(malformed)?,
    };
    let allowed: Vec<&Value> = match (member("value"), member("values")) {
        (Some(value), None) => vec![value],
        (None, Some(Value::Array(values))) if !values.is_empty() => values.iter().collect(),
        (_, Some(_)) => return Err(malformed()),
        (None, None) => return Ok(None),
    };
    if allowed.len() > MOST_ACR_VALUES {
        return Err(Problem(ErrorCode::InvalidRequest, TOO_MANY_ACR_VALUES));
    }
    let names: Option<Vec<&str>> = allowed.into_iter().map(Value::as_str).collect();
    let level = levels.wanted(names.ok_or_else(malformed)?);
    if essential && level.is_none() { Err(unreachable_acr()) } else { Ok(level) }
}

/// How many values of `acr` a request may name.
pub(super) const MOST_ACR_VALUES: usize = 20;
pub(super) const TOO_MANY_ACR_VALUES: &str =
    "acr_values, or the claim acr, names more than 20 values.";
const MALFORMED_ACR: &str =
    "The claim acr must be requested by value or values, as texts (OIDC Core section 5.5.1.1).";

pub(super) fn unreachable_acr() -> Problem {
    let description = "The required authentication context (acr) can't be reached here.";
    Problem(ErrorCode::UnmetAuthenticationRequirements, description)
}

/// The parameters of a request that are read when it is opened, as short as they can be: of
/// `claims` only the names that a scope gives, and the values that are compared.
pub(super) fn to_be_kept(params: &Params, resources: &Resources) -> Params {
    let kept = params.filtered(|name| KNOWN_PARAMETERS.contains(&name));
    let Some(text) = params.get("claims") else { return kept };
    let names = resources.claim_names();
    let short = |member: &Value| -> Value {
        let Value::Object(requested) = member else { return Value::Null };
        let known = requested.iter().filter(|(name, _)| names.contains(name) || *name == "acr");
        let value = |name: &str, value: &Value| {
            if matches!(name, "sub" | "acr") { value.clone() } else { Value::Null }
        };
        known.map(|(name, own)| (name.clone(), value(name, own))).collect::<Map<_, _>>().into()
    };
    let claims: Value = serde_json::from_str(text).unwrap_or_default();
    let short: Map<String, Value> = ["id_token", "userinfo"]
        .into_iter()
        .filter_map(|member| Some((member.to_owned(), short(claims.get(member)?))))
        .collect();
    kept.without("claims").with("claims", &Value::Object(short).to_string())
}
