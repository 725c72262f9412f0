//! The clients of other providers by which users sign in, on `doorward-relying-party`.

mod examination;
pub mod github;
mod requests;
mod stored;

use std::sync::Arc;

use async_trait::async_trait;
use doorward_protocol::{jws::UnverifiedJws, secret::Secret, time::Timestamp};
use doorward_provider::{
    model::external_identity::UpstreamUser,
    use_case::upstream::{
        BegunRequest, Examined, UpstreamAnswer, UpstreamClient, UpstreamClients, UpstreamError,
        UpstreamLogout, UpstreamRequest,
    },
};
use doorward_relying_party::{
    Error, LogoutToken, RelyingParty, RelyingPartyError, SigninRequestArgs, SignoutRequestArgs,
    User,
    client::{ErrorKind, IdTokenError},
};
use serde_json::{Map, Value};

use self::{examination::Examination, github::GitHub};
pub use self::{requests::Requests, stored::StoredUpstreams};
use crate::{config::UpstreamConfig, error::StartError};

/// Whether a provider has asked its user again, it proves by `auth_time`, which it must send where
/// `max_age` is asked for (OIDC Core section 2). This many seconds ago it may be.
const AGAIN_WITHIN: u64 = 300;
/// The claim that names the user (OIDC Core section 2).
pub const SUB: &str = "sub";
/// The values of `prompt` for users who choose an account, and who consent again (OIDC Core section
/// 3.1.2.1).
pub const SELECT_ACCOUNT: &str = "select_account";
/// The same.
pub const CONSENT: &str = "consent";
/// So much of a cause is logged, in characters.
const LONGEST_CAUSE: usize = 500;

/// Makes the clients of the configuration's providers. Nothing is asked of the providers yet, so
/// they need not run.
pub fn clients(
    configs: Vec<UpstreamConfig>,
    requests: &Requests,
) -> Result<UpstreamClients, StartError> {
    let named = |config: UpstreamConfig| {
        let name = config.name.clone();
        Ok((name, client(config, requests)?))
    };
    configs.into_iter().map(named).collect()
}

/// Makes the client of one provider.
pub fn client(
    config: UpstreamConfig,
    requests: &Requests,
) -> Result<Arc<dyn UpstreamClient>, StartError> {
    let reading = Reading::of(&config);
    let examination = Examination::of(&config, requests);
    let UpstreamConfig { settings, client_key, signed_secret, apple, .. } = config;
    let mut options = requests.options()?;
    if let Some(key) = client_key {
        options = options.client_key(key);
    }
    if let Some(secret) = signed_secret {
        options = options.signed_secret(secret);
    }
    let issuer = settings.authority.clone();
    let failed = |error: String| StartError::Refused(format!("sign-in with {issuer}: {error}"));
    let relying_party = RelyingParty::start(settings, options);
    let relying_party = relying_party.map_err(|error| failed(error.to_string()))?;
    if config.github {
        return Ok(Arc::new(GitHub::new(relying_party, issuer.clone(), requests)?));
    }
    let UpstreamConfig { asks_again, prompts, .. } = config;
    let form_post = apple;
    let upstream = Upstream { relying_party, reading, examination, form_post, asks_again, prompts };
    Ok(Arc::new(upstream))
}

/// The client of one OpenID provider.
#[derive(Debug)]
struct Upstream {
    relying_party: RelyingParty,
    reading: Reading,
    examination: Examination,
    form_post: bool,
    /// Whether it is known to ask the user for `prompt=login`, although it sends no `auth_time`.
    asks_again: bool,
    /// The other values of `prompt` that it takes, if it lists none.
    prompts: &'static [&'static str],
}

/// How the claims of a provider are read.
#[derive(Debug)]
struct Reading {
    /// The tenants whose users may come; empty: each.
    tenants: Vec<String>,
    /// Whether `email_verified` may be the text `true`.
    verified_as_text: bool,
    /// The claim that names its users.
    subject_claim: String,
    /// The claim that is what a SCIM client calls the user.
    scim_claim: Option<String>,
}

impl Upstream {
    /// The values of `prompt` for a request. A provider may refuse a value that it does not know,
    /// so such a value is left out. For `select_account` the user signs in there again, which is
    /// a choice as well.
    async fn prompt(&self, request: &UpstreamRequest) -> Result<Option<String>, UpstreamError> {
        let mut values = Vec::new();
        let mut again = request.again;
        if request.select_account || request.consent {
            let listed = self.relying_party.prompt_values().await.map_err(failure)?;
            let takes = |value: &str| {
                if listed.is_empty() {
                    self.prompts.contains(&value)
                } else {
                    listed.iter().any(|own| own == value)
                }
            };
            let (chooses, consents) = (takes(SELECT_ACCOUNT), takes(CONSENT));
            again |= request.select_account && !chooses;
            values.extend((request.select_account && chooses).then_some(SELECT_ACCOUNT));
            values.extend((request.consent && consents).then_some(CONSENT));
        }
        // Entra ID takes one value. A sign-in there lets the user choose an account, too.
        if again && self.asks_again {
            values.clear();
        }
        values.extend(again.then_some("login"));
        Ok((!values.is_empty()).then(|| values.join(" ")))
    }

    /// What the provider says, as far as the accounts want to know it.
    fn user(&self, user: &User) -> Result<UpstreamUser, UpstreamError> {
        let id_token = user.id_token.as_deref().ok_or_else(|| missing("ID token"))?;
        let signed: Map<String, Value> = UnverifiedJws::parse(id_token)
            .and_then(|jws| jws.unverified_claims())
            .map_err(|error| UpstreamError::NotAccepted(error.to_string()))?;
        self.reading.user(user.profile.clone(), &signed)
    }
}

/// Who somebody is by these claims, as if they were those of a verified ID token.
pub fn user_of_claims(
    config: &UpstreamConfig,
    claims: &Map<String, Value>,
) -> Result<UpstreamUser, UpstreamError> {
    let mut claims = claims.clone();
    if config.github {
        // It has no tokens with an issuer.
        claims.entry("iss").or_insert_with(|| config.settings.authority.as_str().into());
    }
    Reading::of(config).user(claims.clone(), &claims)
}

impl Reading {
    fn of(config: &UpstreamConfig) -> Self {
        Self {
            tenants: config.tenants.clone(),
            // Apple's documentation says of `email_verified`: "string or Boolean".
            verified_as_text: config.apple,
            subject_claim: config.subject_claim.clone(),
            scim_claim: config.scim_claim.clone(),
        }
    }

    /// Userinfo may repeat a claim of the ID token. Who it is, and how they signed in, is taken
    /// from the ID token alone (`signed`), which was verified.
    fn user(
        &self,
        profile: Map<String, Value>,
        signed: &Map<String, Value>,
    ) -> Result<UpstreamUser, UpstreamError> {
        let text = |name: &str| signed.get(name).and_then(Value::as_str).map(str::to_owned);
        if !self.tenants.is_empty() {
            let tenant = text("tid").ok_or_else(|| missing("tid"))?;
            if !self.tenants.contains(&tenant) {
                let problem = format!("the user is of the tenant {tenant}, which is not listed");
                return Err(UpstreamError::NotAccepted(problem));
            }
        }
        let amr = signed.get("amr").and_then(Value::as_array).into_iter().flatten();
        let mut claims = claims(profile, signed);
        if self.verified_as_text
            && let Some(verified) = claims.get_mut("email_verified")
            && *verified == "true"
        {
            *verified = true.into();
        }
        Ok(UpstreamUser {
            issuer: text("iss").ok_or_else(|| missing("iss"))?,
            sub: text(&self.subject_claim).ok_or_else(|| missing(&self.subject_claim))?,
            auth_time: signed.get("auth_time").and_then(Value::as_i64).map(Timestamp::from_seconds),
            amr: amr.filter_map(Value::as_str).map(str::to_owned).collect(),
            acr: text("acr"),
            sid: text("sid"),
            provisioned_as: self.scim_claim.as_deref().and_then(text),
            claims,
        })
    }

    /// The subject of a logout token. Users who are named by another claim are not known by it.
    fn subject_of_logout(
        &self,
        sub: Option<String>,
        sid: Option<&String>,
    ) -> Result<Option<String>, UpstreamError> {
        let sub = sub.filter(|_| self.subject_claim == SUB);
        if sub.is_none() && sid.is_none() {
            let problem = "it names no session, and users are known by another claim than sub";
            return Err(UpstreamError::NotAccepted(problem.to_owned()));
        }
        Ok(sub)
    }
}

fn missing(what: &str) -> UpstreamError {
    UpstreamError::NotAccepted(format!("it has no {what}"))
}

/// The claims of the ID token, and beside them those that only userinfo has. An address and whether
/// it is verified are taken from one of the two: together they would say what neither has said.
fn claims(mut both: Map<String, Value>, signed: &Map<String, Value>) -> Map<String, Value> {
    const PAIRS: [(&str, &str); 2] =
        [("email", "email_verified"), ("phone_number", "phone_number_verified")];
    both.extend(signed.clone());
    for (address, verified) in PAIRS {
        if signed.contains_key(address) != signed.contains_key(verified) {
            both.remove(verified);
        }
    }
    both
}

#[async_trait]
impl UpstreamClient for Upstream {
    async fn begin(&self, request: UpstreamRequest) -> Result<BegunRequest, UpstreamError> {
        let mut args = SigninRequestArgs::default();
        args.prompt = self.prompt(&request).await?;
        let again = (request.again && !self.asks_again).then_some(AGAIN_WITHIN);
        args.max_age = request.max_age.map(u64::from).into_iter().chain(again).min();
        args.ui_locales = request.ui_locales;
        args.login_hint = request.login_hint;
        args.acr_values = (!request.acr_values.is_empty()).then(|| request.acr_values.join(" "));
        let mut begun = self.relying_party.begin(args).await.map_err(failure)?;
        if self.form_post {
            begun.url.push_str("&response_mode=form_post");
        }
        let pending = Secret::new(begun.pending);
        Ok(BegunRequest { url: begun.url, state: begun.state, pending })
    }

    async fn finish(
        &self,
        state: String,
        pending: Secret,
        url: String,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        let finished = self.relying_party.finish(state, pending.into_exposed(), url).await;
        let found = finished.map_err(failure)?.user;
        let user = self.user(&found)?;
        Ok(UpstreamAnswer { user, id_token: found.id_token.map(Secret::new) })
    }

    async fn end_session_url(
        &self,
        kept: Secret,
        id_token_hint: Option<Secret>,
    ) -> Result<Option<String>, UpstreamError> {
        let mut args = SignoutRequestArgs::default().url_state(kept.into_exposed());
        args.id_token_hint = id_token_hint.map(Secret::into_exposed);
        self.relying_party.end_session_url_with(args).await.map_err(failure)
    }

    async fn verify_logout_token(&self, token: String) -> Result<UpstreamLogout, UpstreamError> {
        let token = self.relying_party.verify_logout_token(token).await.map_err(failure)?;
        let LogoutToken { issuer, sub, sid, jti, expires_at, .. } = token;
        let sub = self.reading.subject_of_logout(sub, sid.as_ref())?;
        let expires_at = i64::try_from(expires_at).unwrap_or(i64::MAX);
        let expires_at = Timestamp::from_seconds(expires_at);
        Ok(UpstreamLogout { issuer, sub, sid, jti, expires_at })
    }

    async fn examine(&self) -> Vec<Examined> {
        self.examination.run(self).await
    }
}

/// The cause, by what can be done about it. The text is for the log.
fn failure(error: RelyingPartyError) -> UpstreamError {
    let RelyingPartyError::Protocol(error) = error else {
        return UpstreamError::Unavailable(error.to_string());
    };
    // A part of it may be what the other provider, or the browser, has written: no line of its own.
    let text = error.to_string();
    let text = text.chars().filter(|own| !own.is_control()).take(LONGEST_CAUSE).collect();
    match &*error {
        Error::Authorization(_) if error.is_transient() => UpstreamError::Unavailable(text),
        // The claim is needed only where `max_age` was sent: the provider has passed over it.
        Error::IdToken(IdTokenError::TooOld(_) | IdTokenError::Claim("auth_time")) => {
            UpstreamError::TooOld(text)
        }
        // The cookie was there, so the request was: it took too long.
        Error::NoMatchingState { .. } => UpstreamError::NotAwaited,
        error => match error.kind() {
            ErrorKind::Retry => UpstreamError::Unavailable(text),
            ErrorKind::Refused => UpstreamError::Denied(text),
            _ => UpstreamError::NotAccepted(text),
        },
    }
}

#[cfg(test)]
mod tests;
