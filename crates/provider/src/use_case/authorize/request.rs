//! The authorization request (OIDC Core section 3.1.2.1): parsed once, and valid from then on.

use std::sync::Arc;

use doorward_protocol::{
    error::ErrorCode,
    ids::Sub,
    params::{Params, ParamsError},
    pkce::CodeChallenge,
    scope::{OPENID, Scope},
    thumbprint::Thumbprint,
    time::Seconds,
};

use super::{
    Authorization,
    parameters::{
        MOST_ACR_VALUES, Prompt, TOO_MANY_ACR_VALUES, claims, code_challenge, delivery, dpop_jkt,
        max_age, prompt, refuse_over_long, refuse_unsupported, unreachable_acr,
    },
    pushed::{self, Waiting},
    reply::{ReplyTo, UnsafeRequest},
};
use crate::model::{
    acr::AcrLevel,
    asked_scope::{AskedScope, ScopeNotAllowed},
    client::{Client, GrantType},
    grant::RequestedClaims,
    provider_choice,
    request_parameters::is_known_parameter,
    target::{InvalidTarget, Targets},
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
    /// What counts of the requested scope, all of it allowed.
    pub scope: Scope,
    /// What was left out of it.
    pub(super) ignored_scope: Scope,
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
    /// How old the sign-in may be.
    pub max_age: Option<Seconds>,
    /// How strongly the user must have signed in.
    required_acr: Option<AcrLevel>,
    /// To fill in the form.
    pub login_hint: Option<String>,
    /// The other provider by which the client wants the user to sign in (`idp`, or `idp:NAME` in
    /// `acr_values`). It may be none of ours.
    pub identity_provider: Option<String>,
    /// The languages that the client wants the pages in.
    pub ui_locales: Option<String>,
    /// The user whom the client expects: the subjects of `id_token_hint` and of `claims`, all of
    /// which must hold.
    pub expected_subjects: Vec<ExpectedSubject>,
    /// Claims asked for one by one.
    pub claims: RequestedClaims,
    /// The parameters as the browser brought them, to come back to after an interaction.
    pub params: Params,
    /// What a signed request object said. It is kept in the store if the user must do something
    /// first: the object itself could expire meanwhile.
    pub(super) signed: Option<Params>,
    /// The hash of the reference, for a pushed request (RFC 9126).
    pub(super) pushed: Option<TokenHash>,
    /// Whether the pushed request has waited for the user, and since when.
    pub(super) waiting: Option<Waiting>,
    /// Whether the login page has led back to this request ([`SIGNED_IN_FOR_IT`]).
    pub(super) signed_in_for_it: bool,
}

/// The parameter by which the login page says that the user has signed in for this request. Only a
/// request for a certain user needs it: without it, the user would be asked again and again.
pub const SIGNED_IN_FOR_IT: &str = "doorward_signed_in";

impl AuthorizeRequest {
    /// Whether the client expects another user than the one with this `sub`.
    pub fn expects_another(&self, sub: &Sub) -> bool {
        self.expected_subjects.iter().any(|expected| !expected.is(sub))
    }

    /// Whether no user can be the expected one: `id_token_hint` and `claims` name two.
    pub(super) fn expects_nobody(&self) -> bool {
        self.expected_subjects.windows(2).any(|pair| {
            pair[0].client.shares_subjects_with(&pair[1].client)
                && pair[0].subject != pair[1].subject
        })
    }
}

impl AuthorizeRequest {
    /// How strongly the user must have signed in: the highest level of what the request asks for by
    /// `acr_values` and `claims`, and of the client's `require_acr`. `None`: any sign-in will do.
    pub fn required_acr(&self) -> Option<AcrLevel> {
        self.required_acr
    }
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
    pub fn is(&self, sub: &Sub) -> bool {
        self.client.subject(sub) == self.subject
    }
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
    Browser(Form),
    /// From the client itself, just now (RFC 9126).
    PushedNow(Form),
    /// From the client itself, some time ago. The browser brings a reference, in these parameters.
    Reference { hash: TokenHash, waiting: Option<Waiting>, params: Params },
}

/// How the parameters were written.
#[derive(Debug)]
pub(super) enum Form {
    /// One by one, or in a request object without a signature, which is worth no more.
    Plain,
    /// In a request object that the client signed. The browser brought it in these parameters.
    Signed(Params),
}

/// A parameter that is not valid. It becomes an error response.
#[derive(Debug)]
pub(super) struct Problem(pub(super) ErrorCode, pub(super) &'static str);

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
            None if self.fetches(&params) => self.fetch_object(params, &repeated).await,
            None if params.is_sent("request") => self.open_object(params, &repeated).await,
            None => self.check_request(params, &repeated, Origin::Browser(Form::Plain)).await,
        }
    }

    /// Checks every parameter.
    pub(super) async fn check_request(
        &self,
        params: Params,
        repeated: &[String],
        origin: Origin,
    ) -> Result<AuthorizeRequest, Refusal> {
        let (client, reply_to, mode_problem) =
            self.reply_to(&params, repeated).await.map_err(Refusal::Page)?;
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
            Err(problem) => return Err(problem.answered_to(reply_to)),
        };
        let text = |name| params.get(name).map(str::to_owned);
        let (nonce, login_hint, ui_locales) =
            (text("nonce"), text("login_hint"), text("ui_locales"));
        let identity_provider =
            provider_choice::named(params.get("idp"), params.get("acr_values")).map(str::to_owned);
        let redirect_uri_was_sent = params.get("redirect_uri").is_some();
        let signed_in_for_it = params.is_sent(SIGNED_IN_FOR_IT);
        let (params, signed, pushed, waiting) = match origin {
            Origin::Browser(Form::Signed(outer)) => (outer, Some(params), None, None),
            Origin::Browser(Form::Plain) | Origin::PushedNow(_) => (params, None, None, None),
            Origin::Reference { hash, waiting, params } => (params, None, Some(hash), waiting),
        };
        Ok(AuthorizeRequest {
            redirect_uri_was_sent,
            signed_in_for_it,
            nonce,
            login_hint,
            identity_provider,
            ui_locales,
            client,
            reply_to,
            scope: rest.scope,
            ignored_scope: rest.ignored_scope,
            targets: rest.targets,
            code_challenge: rest.code_challenge,
            dpop_jkt: rest.dpop_jkt,
            prompt: rest.prompt,
            max_age: rest.max_age,
            required_acr: rest.required_acr,
            expected_subjects: rest.expected_subjects,
            claims: rest.claims,
            params,
            signed,
            pushed,
            waiting,
        })
    }

    /// Where the answer goes, and how; with the problem of a `response_mode` that is none.
    async fn reply_to(
        &self,
        params: &Params,
        repeated: &[String],
    ) -> Result<(Arc<Client>, ReplyTo, Option<Problem>), UnsafeRequest> {
        let (client, reply_to) = self.verify_reply_to(params, repeated).await?;
        let (mut delivery, mut problem) = delivery(params);
        if client.answers.authorization_required && !delivery.signed {
            // Whatever is wrong with the request, this client gets no other answer.
            delivery.signed = true;
            let description = "This client must ask for signed responses (response_mode jwt).";
            problem = problem.or(Some(Problem(ErrorCode::InvalidRequest, description)));
        }
        let reply_to = reply_to.delivered(delivery);
        let state_repeated = repeated.iter().any(|name| name == "state");
        let reply_to = if state_repeated { reply_to.without_state() } else { reply_to };
        Ok((client, reply_to, problem))
    }

    /// Refuses a request before it is read in full: with an error for the client if these
    /// parameters prove where it goes, and on a page of ours otherwise.
    pub(super) async fn refused_early(&self, params: &Params, problem: Problem) -> Refusal {
        match self.reply_to(params, &[]).await {
            Ok((_, reply_to, _)) => problem.answered_to(reply_to),
            Err(UnsafeRequest::UnknownClient) => Refusal::Page(UnsafeRequest::UnknownClient),
            Err(_) => Refusal::Page(UnsafeRequest::RequestObject(problem.0, problem.1)),
        }
    }

    /// Reads everything but where the answer goes. The first problem is the one that is answered.
    fn parse_rest(
        &self,
        client: &Arc<Client>,
        params: &Params,
        origin: &Origin,
    ) -> Result<Rest, Problem> {
        refuse_over_long(params, &self.settings.longest_parameters)?;
        refuse_unsupported(params)?;
        self.require_pushed(client, origin)?;
        self.require_signed(client, origin)?;
        require_code_flow(client, params)?;
        let AskedScope { scope, ignored } = self.asked_scope(client, params)?;
        let targets = self.resources.targets(params.get_all("resource"), &scope);
        let targets = targets.map_err(invalid_target)?;
        let claims = claims(params, &self.settings.acr)?;
        let required_acr = self.required_acr(client, params, claims.acr)?;
        let expected_subjects = self.expected_subjects(client, params, claims.subject)?;
        let max_age = max_age(params)?.or(client.default_max_age);
        let mut prompt = prompt(params, self.settings.accounts.offers_registration())?;
        // OIDC Core section 3.1.2.1: max_age=0 is the same as prompt=login.
        prompt.login |= max_age == Some(Seconds::ZERO);
        Ok(Rest {
            code_challenge: code_challenge(client, params)?,
            dpop_jkt: dpop_jkt(params)?,
            prompt,
            max_age,
            required_acr,
            expected_subjects,
            scope,
            ignored_scope: ignored,
            targets,
            claims: claims.requested,
        })
    }

    /// Refuses a request that the client had to push, and did not.
    fn require_pushed(&self, client: &Client, origin: &Origin) -> Result<(), Problem> {
        let required = client.require_par || self.settings.require_pushed_authorization_requests;
        if required && matches!(origin, Origin::Browser(_)) {
            return Err(Problem(
                ErrorCode::InvalidRequest,
                "This client must push its authorization requests (RFC 9126).",
            ));
        }
        Ok(())
    }

    /// Refuses a request that the client had to sign, and did not. A reference leads to a request
    /// for which this was checked when it was pushed.
    fn require_signed(&self, client: &Client, origin: &Origin) -> Result<(), Problem> {
        let required =
            client.request_objects.required || self.settings.require_signed_request_object;
        if required
            && matches!(origin, Origin::Browser(Form::Plain) | Origin::PushedNow(Form::Plain))
        {
            return Err(Problem(
                ErrorCode::InvalidRequest,
                "This client must send its requests in signed request objects (RFC 9101).",
            ));
        }
        Ok(())
    }

    /// The scope that counts. A client that registered itself may leave it out (RFC 6749 section
    /// 3.3): then it means the one that it registered (RFC 7591 section 2). For a client of an
    /// operator, who has allowed what it may ask for at all, there is no such default.
    fn asked_scope(&self, client: &Client, params: &Params) -> Result<AskedScope, Problem> {
        use ErrorCode::InvalidScope;
        let requested: Scope = match params.get("scope") {
            Some(text) => {
                text.parse().map_err(|_| Problem(InvalidScope, "The scope is malformed."))?
            }
            None if client.is_stranger() => {
                let resources = params.get_all("resource");
                let meant = self.resources.default_scope(&client.allowed_scope, resources);
                // OIDC Core section 3.1.2.1 requires the address where users are signed in.
                let may_sign_in = params.get("redirect_uri").is_some();
                meant.map_err(invalid_target)?.filtered(|token| may_sign_in || token != OPENID)
            }
            None => return Err(Problem(InvalidScope, "The parameter scope is missing.")),
        };
        let asked = self.resources.asked_scope(client, &client.allowed_scope, &requested);
        asked.map_err(|ScopeNotAllowed| {
            Problem(InvalidScope, "The scope is unknown or not allowed for this client.")
        })
    }

    /// The level that meets everything that is asked for. A level that nobody can reach is refused:
    /// a client whose API needs it would get one token after the other in vain (RFC 9470 section
    /// 5). Values of `acr_values` that mean nothing here are ignored (OIDC Core section 3.1.2.1).
    fn required_acr(
        &self,
        client: &Client,
        params: &Params,
        claimed: Option<AcrLevel>,
    ) -> Result<Option<AcrLevel>, Problem> {
        let levels = &self.settings.acr;
        let values: Vec<&str> = match params.get("acr_values") {
            Some(values) => values.split(' ').collect(),
            None => client.default_acr_values.iter().map(String::as_str).collect(),
        };
        if values.len() > MOST_ACR_VALUES {
            return Err(Problem(ErrorCode::InvalidRequest, TOO_MANY_ACR_VALUES));
        }
        let asked = levels.wanted(values);
        let required = [asked, claimed, client.require_acr].into_iter().flatten().max();
        match required {
            Some(level) if !levels.can_reach(level) => Err(unreachable_acr()),
            required => Ok(required),
        }
    }

    /// The users whom the client expects: by `id_token_hint`, and by `claims`.
    fn expected_subjects(
        &self,
        client: &Arc<Client>,
        params: &Params,
        claimed: Option<String>,
    ) -> Result<Vec<ExpectedSubject>, Problem> {
        let hinted = self.hinted_subject(client, params)?;
        let claimed =
            claimed.map(|subject| ExpectedSubject { client: Arc::clone(client), subject });
        Ok(hinted.into_iter().chain(claimed).collect())
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
                let configured = |audience: &str| self.clients.registry.get(audience);
                let issued_to = claims.aud.iter().find_map(configured);
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

impl Problem {
    /// As an error for the client.
    fn answered_to(self, reply_to: ReplyTo) -> Refusal {
        let Self(code, description) = self;
        Refusal::Answer { reply_to: Box::new(reply_to), code, description }
    }
}

fn invalid_target(_: InvalidTarget) -> Problem {
    Problem(
        ErrorCode::InvalidTarget,
        "resource is not an API of this provider, or not one that the scope leads to.",
    )
}

struct Rest {
    scope: Scope,
    ignored_scope: Scope,
    targets: Targets,
    code_challenge: Option<CodeChallenge>,
    dpop_jkt: Option<Thumbprint>,
    prompt: Prompt,
    max_age: Option<Seconds>,
    required_acr: Option<AcrLevel>,
    expected_subjects: Vec<ExpectedSubject>,
    claims: RequestedClaims,
}

/// Refuses a request for anything but a code, and clients that may not have one.
fn require_code_flow(client: &Client, params: &Params) -> Result<(), Problem> {
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => {
            return Err(Problem(
                ErrorCode::UnsupportedResponseType,
                "Only response_type=code is served.",
            ));
        }
        None => {
            return Err(Problem(
                ErrorCode::InvalidRequest,
                "The parameter response_type is missing.",
            ));
        }
    }
    if !client.grant_types.contains(&GrantType::AuthorizationCode) {
        return Err(Problem(
            ErrorCode::UnauthorizedClient,
            "This client may not use the authorization code flow.",
        ));
    }
    Ok(())
}
