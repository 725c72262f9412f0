//! The authorization request (OIDC Core section 3.1.2.1): parsed once, and valid from then on.

use std::{collections::BTreeSet, sync::Arc};

use doorward_protocol::{
    error::ErrorCode,
    params::{Params, ParamsError},
    pkce::{CodeChallenge, S256},
    scope::{OFFLINE_ACCESS, Scope},
    thumbprint::Thumbprint,
};
use serde_json::{Map, Value};

use super::{
    Authorization,
    pushed::{self, Waiting},
    reply::{ReplyTo, ResponseMode, UnsafeRequest},
};
use crate::model::{
    client::{Client, GrantType, is_reserved_claim},
    grant::RequestedClaims,
    provider_settings::LongestParameters,
    resource::Resources,
    session::PASSWORD_CONTEXT,
    target::Targets,
    token_handle::TokenHash,
};

/// An authorization request whose parameters are all valid.
#[derive(Debug)]
pub struct AuthorizeRequest {
    /// The client that asks.
    pub client: Arc<Client>,
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// Whether `redirect_uri` was sent.
    pub redirect_uri_was_sent: bool,
    /// The requested scope, all of it allowed.
    pub scope: Scope,
    /// The APIs that the client wants to call (RFC 8707).
    pub targets: Targets,
    /// The PKCE challenge; `None` only for clients that need none.
    pub code_challenge: Option<CodeChallenge>,
    /// The key that the token request must prove possession of (RFC 9449 section 10).
    pub dpop_jkt: Option<Thumbprint>,
    /// To the ID token.
    pub nonce: Option<String>,
    /// What the client wants the user to do.
    pub prompt: Prompt,
    /// How old the sign-in may be, in seconds.
    pub max_age: Option<u32>,
    /// To fill in the form.
    pub login_hint: Option<String>,
    /// The languages that the client wants the pages in.
    pub ui_locales: Option<String>,
    /// The user whom the client expects: the subjects of `id_token_hint` and of `claims`, all of
    /// which must hold.
    pub expected_subjects: Vec<ExpectedSubject>,
    /// Claims asked for one by one.
    pub claims: RequestedClaims,
    /// The parameters as the browser brought them, to come back to after an interaction.
    pub params: Params,
    /// The hash of the reference, for a pushed request (RFC 9126).
    pub(super) pushed: Option<TokenHash>,
    /// Whether the pushed request has waited for the user, and since when.
    pub(super) waiting: Option<Waiting>,
}

/// A user as a client knows them. An ID token may have been issued to another client than the one
/// that sends it as a hint.
#[derive(Debug, Clone)]
pub struct ExpectedSubject {
    /// Whose identifier it is.
    pub client: Arc<Client>,
    /// The identifier.
    pub subject: String,
}

impl ExpectedSubject {
    /// Whether it is the user with this `sub`.
    pub fn is(&self, sub: &str) -> bool {
        self.client.subject(sub) == self.subject
    }
}

/// `prompt` (OIDC Core section 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools)]
pub struct Prompt {
    /// Show nothing.
    pub none: bool,
    /// Sign in again (also for `select_account`).
    pub login: bool,
    /// Ask for consent again.
    pub consent: bool,
}

/// Why a request does not go on.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Nobody to answer to: a page of ours.
    Page(UnsafeRequest),
    /// An error for the client.
    Answer { reply_to: Box<ReplyTo>, code: ErrorCode, description: &'static str },
}

/// How the parameters came.
#[derive(Debug)]
pub(super) enum Origin {
    /// Through the browser.
    Browser,
    /// From the client itself, just now (RFC 9126).
    PushedNow,
    /// From the client itself, some time ago. The browser brings a reference, in these parameters.
    Reference { hash: TokenHash, waiting: Option<Waiting>, params: Params },
}

/// A parameter that is not valid. It becomes an error response.
struct Problem(ErrorCode, &'static str);

impl Authorization<'_> {
    /// Reads an authorization request out of a query or form body, or fetches the pushed one that
    /// it refers to.
    pub(super) async fn read_request(&self, encoded: &[u8]) -> Result<AuthorizeRequest, Refusal> {
        let unreadable =
            |error: ParamsError| Refusal::Page(UnsafeRequest::Unreadable(error.to_string()));
        let (params, repeated) =
            Params::parse_noting_repeats(encoded, &["resource"]).map_err(unreadable)?;
        // An unknown parameter is ignored, however often it is sent (RFC 6749 section 3.1).
        let repeated: Vec<String> =
            repeated.into_iter().filter(|name| is_known_parameter(name)).collect();
        match pushed::reference(&params) {
            Some(hash) => self.open_pushed_request(&params, &repeated, hash).await,
            None => self.check_request(params, &repeated, Origin::Browser),
        }
    }

    /// Checks every parameter.
    pub(super) fn check_request(
        &self,
        params: Params,
        repeated: &[String],
        origin: Origin,
    ) -> Result<AuthorizeRequest, Refusal> {
        let (client, reply_to) = self.verify_reply_to(&params, repeated).map_err(Refusal::Page)?;
        let (reply_to, mode_problem) = match response_mode(&params) {
            Ok(mode) => (reply_to.with_mode(mode), None),
            Err(problem) => (reply_to, Some(problem)),
        };
        let state_repeated = repeated.iter().any(|name| name == "state");
        let reply_to = if state_repeated { reply_to.without_state() } else { reply_to };
        let early = mode_problem.or_else(|| {
            (!repeated.is_empty()).then_some(Problem(
                ErrorCode::InvalidRequest,
                "A parameter is there more than once.",
            ))
        });
        let parsed = match early {
            Some(problem) => Err(problem),
            None => self.parse_rest(&client, &params, &origin),
        };
        let rest = match parsed {
            Ok(rest) => rest,
            Err(Problem(code, description)) => {
                let reply_to = Box::new(reply_to);
                return Err(Refusal::Answer { reply_to, code, description });
            }
        };
        let text = |name| params.get(name).map(str::to_owned);
        let (nonce, login_hint, ui_locales) =
            (text("nonce"), text("login_hint"), text("ui_locales"));
        let redirect_uri_was_sent = params.get("redirect_uri").is_some();
        let (params, pushed, waiting) = match origin {
            Origin::Browser | Origin::PushedNow => (params, None, None),
            Origin::Reference { hash, waiting, params } => (params, Some(hash), waiting),
        };
        Ok(AuthorizeRequest {
            redirect_uri_was_sent,
            nonce,
            login_hint,
            ui_locales,
            client,
            reply_to,
            scope: rest.scope,
            targets: rest.targets,
            code_challenge: rest.code_challenge,
            dpop_jkt: rest.dpop_jkt,
            prompt: rest.prompt,
            max_age: rest.max_age,
            expected_subjects: rest.expected_subjects,
            claims: rest.claims,
            params,
            pushed,
            waiting,
        })
    }

    fn parse_rest(
        &self,
        client: &Arc<Client>,
        params: &Params,
        origin: &Origin,
    ) -> Result<Rest, Problem> {
        use ErrorCode::{
            InvalidRequest, InvalidScope, RequestNotSupported, RequestUriNotSupported,
            UnauthorizedClient,
        };
        refuse_over_long(params, &self.settings.longest_parameters)?;
        // Never ignored: a client that sends these relies on them (OIDC Core section 6).
        if params.get("request").is_some() {
            return Err(Problem(RequestNotSupported, "Request objects are not supported."));
        }
        if params.get("registration").is_some() {
            return Err(Problem(
                ErrorCode::RegistrationNotSupported,
                "The parameter registration is not supported.",
            ));
        }
        if params.get("request_uri").is_some() {
            return Err(Problem(
                RequestUriNotSupported,
                "request_uri is supported for pushed requests only.",
            ));
        }
        let must_push = client.require_par || self.settings.require_pushed_authorization_requests;
        if must_push && matches!(origin, Origin::Browser) {
            return Err(Problem(
                InvalidRequest,
                "This client must push its authorization requests (RFC 9126).",
            ));
        }
        match params.get("response_type") {
            Some("code") => {}
            Some(_) => {
                return Err(Problem(
                    ErrorCode::UnsupportedResponseType,
                    "Only response_type=code is served.",
                ));
            }
            None => return Err(Problem(InvalidRequest, "The parameter response_type is missing.")),
        }
        if !client.grant_types.contains(&GrantType::AuthorizationCode) {
            return Err(Problem(
                UnauthorizedClient,
                "This client may not use the authorization code flow.",
            ));
        }
        let scope: Scope = match params.get("scope") {
            Some(text) => {
                text.parse().map_err(|_| Problem(InvalidScope, "The scope is malformed."))?
            }
            None => return Err(Problem(InvalidScope, "The parameter scope is missing.")),
        };
        // OIDC Core section 11: offline access that can't be had is ignored, not refused.
        let scope = scope.filtered(|token| token != OFFLINE_ACCESS || client.allow_offline_access);
        if scope.is_empty() || !scope.is_subset_of(&client.allowed_scope) {
            return Err(Problem(
                InvalidScope,
                "The scope is unknown or not allowed for this client.",
            ));
        }
        let targets = self.resources.targets(params.get_all("resource"), &scope);
        let targets = targets.map_err(|_| {
            Problem(
                ErrorCode::InvalidTarget,
                "resource is no API of this provider, or none that the scope leads to.",
            )
        })?;
        let (claims, claimed_subject) = claims(params)?;
        let hinted_subject = self.hinted_subject(client, params)?;
        let claimed_subject =
            claimed_subject.map(|subject| ExpectedSubject { client: Arc::clone(client), subject });
        let max_age = max_age(params)?;
        let mut prompt = prompt(params)?;
        // OIDC Core section 3.1.2.1: max_age=0 is the same as prompt=login.
        prompt.login |= max_age == Some(0);
        Ok(Rest {
            code_challenge: code_challenge(client, params)?,
            dpop_jkt: dpop_jkt(params)?,
            prompt,
            max_age,
            expected_subjects: hinted_subject.into_iter().chain(claimed_subject).collect(),
            scope,
            targets,
            claims,
        })
    }

    /// The subject of `id_token_hint`: an ID token of ours, expired or not (OIDC Core section
    /// 3.1.2.1).
    fn hinted_subject(
        &self,
        client: &Arc<Client>,
        params: &Params,
    ) -> Result<Option<ExpectedSubject>, Problem> {
        let Some(hint) = params.get("id_token_hint") else { return Ok(None) };
        match self.keys.verify_id_token(hint) {
            Some(claims) if claims.iss == self.settings.issuer => {
                let issued_to = claims.aud.iter().find_map(|audience| self.clients.get(audience));
                let issued_to = issued_to.unwrap_or_else(|| Arc::clone(client));
                // Clients of different sectors must not find out that they have one user, so a
                // hint that one of them got from the other means nothing.
                Ok(issued_to
                    .shares_subjects_with(client)
                    .then_some(ExpectedSubject { client: issued_to, subject: claims.sub }))
            }
            _ => Err(Problem(
                ErrorCode::InvalidRequest,
                "id_token_hint is not an ID token of this provider.",
            )),
        }
    }
}

struct Rest {
    scope: Scope,
    targets: Targets,
    code_challenge: Option<CodeChallenge>,
    dpop_jkt: Option<Thumbprint>,
    prompt: Prompt,
    max_age: Option<u32>,
    expected_subjects: Vec<ExpectedSubject>,
    claims: RequestedClaims,
}

/// The parameters that are read.
const KNOWN_PARAMETERS: [&str; 18] = [
    "acr_values",
    "claims",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "ui_locales",
];

/// Whether a parameter means something here: it is read, or refused by name.
fn is_known_parameter(name: &str) -> bool {
    KNOWN_PARAMETERS.contains(&name) || ["request", "request_uri", "registration"].contains(&name)
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

fn response_mode(params: &Params) -> Result<ResponseMode, Problem> {
    match params.get("response_mode") {
        // Multiple Response Types section 5: where tokens are asked for, errors too go into the
        // fragment.
        None if asks_for_tokens(params) => Ok(ResponseMode::Fragment),
        None | Some("query") => Ok(ResponseMode::Query),
        Some("fragment") => Ok(ResponseMode::Fragment),
        Some("form_post") => Ok(ResponseMode::FormPost),
        Some(_) => Err(Problem(
            ErrorCode::InvalidRequest,
            "response_mode can be query, fragment or form_post.",
        )),
    }
}

fn asks_for_tokens(params: &Params) -> bool {
    params
        .get("response_type")
        .is_some_and(|types| types.split(' ').any(|own| matches!(own, "token" | "id_token")))
}

fn refuse_over_long(params: &Params, longest: &LongestParameters) -> Result<(), Problem> {
    let too_long = |name, limit: u32| {
        params.get(name).is_some_and(|value| value.len() > usize::try_from(limit).unwrap_or(0))
    };
    let refuse = |description| Err(Problem(ErrorCode::InvalidRequest, description));
    if too_long("scope", longest.scope) {
        return refuse("scope is too long for this provider.");
    }
    if ["nonce", "acr_values", "login_hint", "ui_locales"]
        .into_iter()
        .any(|name| too_long(name, longest.text))
    {
        return refuse("nonce, acr_values, login_hint or ui_locales is too long.");
    }
    if too_long("claims", longest.claims) {
        return refuse("claims is too long.");
    }
    if too_long("state", longest.state) {
        return refuse("state is too long.");
    }
    Ok(())
}

fn code_challenge(client: &Client, params: &Params) -> Result<Option<CodeChallenge>, Problem> {
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

fn dpop_jkt(params: &Params) -> Result<Option<Thumbprint>, Problem> {
    let description = "dpop_jkt must be the SHA-256 thumbprint of a key (RFC 9449 section 10).";
    let problem = |_| Problem(ErrorCode::InvalidRequest, description);
    params.get("dpop_jkt").map(Thumbprint::parse).transpose().map_err(problem)
}

fn prompt(params: &Params) -> Result<Prompt, Problem> {
    let mut prompt = Prompt::default();
    for value in
        params.get("prompt").unwrap_or_default().split(' ').filter(|value| !value.is_empty())
    {
        match value {
            "none" => prompt.none = true,
            "login" | "select_account" => prompt.login = true,
            "consent" => prompt.consent = true,
            _ => {
                return Err(Problem(
                    ErrorCode::InvalidRequest,
                    "prompt can be none, login, consent or select_account.",
                ));
            }
        }
    }
    if prompt.none && (prompt.login || prompt.consent) {
        return Err(Problem(
            ErrorCode::InvalidRequest,
            "prompt=none can't be combined with another value.",
        ));
    }
    Ok(prompt)
}

fn max_age(params: &Params) -> Result<Option<u32>, Problem> {
    let problem =
        |_| Problem(ErrorCode::InvalidRequest, "max_age must be a whole number of seconds.");
    params.get("max_age").map(|text| text.parse().map_err(problem)).transpose()
}

/// The `claims` parameter (OIDC Core section 5.5): which claims to add where, and the subject it
/// insists on.
fn claims(params: &Params) -> Result<(RequestedClaims, Option<String>), Problem> {
    let Some(text) = params.get("claims") else { return Ok((RequestedClaims::default(), None)) };
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
    if id_token("acr").is_some_and(|acr| !is_reached(acr)) {
        let description = "The required authentication context (acr) can't be reached here.";
        return Err(Problem(ErrorCode::UnmetAuthenticationRequirements, description));
    }
    let subject = id_token("sub").and_then(|sub| sub.get("value")?.as_str());
    Ok((requested, subject.map(str::to_owned)))
}

/// Whether a request for `acr` is met: an essential one must allow what a sign-in here reaches
/// (OIDC Core section 5.5.1.1).
fn is_reached(acr: &Value) -> bool {
    let essential = acr.get("essential").and_then(Value::as_bool).unwrap_or_default();
    let allowed: Option<Vec<&Value>> = acr
        .get("value")
        .map(|value| vec![value])
        .or_else(|| Some(acr.get("values")?.as_array()?.iter().collect()));
    !essential
        || allowed.is_none_or(|allowed| allowed.iter().any(|value| **value == PASSWORD_CONTEXT))
}
