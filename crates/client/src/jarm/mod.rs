//! Signed authorization responses (JARM): the parameters of a response are the claims of a token.
//!
//! A response is verified before anything comes of it. Only to find out whose response an address
//! has, before that and in this page, the claims are read as the parameters of an unsigned one are:
//! as what anybody can write.

use doorward_protocol::{
    json,
    jws::{JwsError, UnverifiedJws},
    params::Params,
};
use serde_json::Value;

use crate::{
    Error, Fault, IdTokenError,
    client::Client,
    flow::{
        pending::PendingSignin,
        response::{AuthorizationResponse, no_response, url_params},
    },
    id_token,
    settings::ResponseMode,
};

/// The one parameter of a signed response (section 2.3).
pub(crate) const PARAM: &str = "response";

/// The token in an address, if it has one.
pub(crate) fn token_in(url: &str) -> Option<String> {
    url_params(url).ok()?.get(PARAM).map(str::to_owned)
}

/// The parameters of a response: those in the token if there is one, and then no others. Nothing is
/// verified.
pub(crate) fn claimed_params(params: Params) -> Result<Params, Fault> {
    let Some(token) = params.get(PARAM) else { return Ok(params) };
    let unreadable = |_| no_response("the signed response is not a JSON Web Token");
    let jws = UnverifiedJws::parse(token).map_err(unreadable)?;
    let claims = json::object(jws.unverified_payload());
    let claims = claims.ok_or(JwsError::InvalidPayload).map_err(unreadable)?;
    let texts = claims.into_iter().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    });
    let unreadable = |_| no_response("the signed response cannot be read");
    Params::from_pairs(texts).map_err(unreadable)
}

/// Refuses a response in another form than the request asked for: who could take the signature off
/// would have to forge none.
pub(crate) fn check_form(
    pending: &PendingSignin,
    response: &AuthorizationResponse,
) -> Result<(), Fault> {
    let mode = pending.response_mode;
    let wants_signed = matches!(mode, ResponseMode::QueryJwt | ResponseMode::FragmentJwt);
    match (wants_signed, response.is_signed) {
        (true, false) => {
            Err(no_response("the response is not signed, although that was asked for"))
        }
        (false, true) => Err(no_response("the response is signed, although nobody asked for that")),
        _ => Ok(()),
    }
}

impl Client {
    /// Reads a response; a signed one after it was verified (section 2.4).
    pub(crate) async fn read_response(
        &self,
        url: &str,
    ) -> Result<Box<AuthorizationResponse>, Fault> {
        if let Some(token) = token_in(url) {
            let metadata = self.ports.retrying(|| self.metadata.metadata()).await?;
            let verify = || {
                let wanted = id_token::ExpectedAnswer {
                    client_id: &self.settings.client_id,
                    algorithm: None,
                    lives_at: Some(self.ports.clock.now()),
                    clock_skew: self.settings.clock_skew,
                };
                let verifier = &*self.ports.verifier;
                let (token, known, keys) = (token.as_str(), &*metadata, &self.metadata);
                async move { id_token::verify_answer(token, &wanted, known, keys, verifier).await }
            };
            self.ports.retrying(verify).await.map_err(refused)?;
        }
        AuthorizationResponse::parse(url)
    }
}

/// A token that was not accepted. Other errors, as those of the network, stay what they are.
fn refused(error: Fault) -> Fault {
    match &*error {
        Error::IdToken(problem) => {
            let problem: &IdTokenError = problem;
            no_response(&["the signed response was not accepted: ", &problem.to_string()].concat())
        }
        _ => error,
    }
}
