//! Pushed authorization requests (RFC 9126): the client hands in its request beforehand and sends
//! the browser with a reference.
//!
//! A reference is answered once (section 7.3): by the code or error that goes to the client. Until
//! then the same reference leads the user through sign-in and consent, so the browser carries
//! nothing that could be changed on the way. It must be opened within its short life; from then on
//! the user has an hour.

use doorward_protocol::{error::ErrorCode, ids::ClientId, params::Params, time::Seconds};

use super::{
    Authorization, AuthorizeRequest, Outcome,
    object::ReadObject,
    parameters::to_be_kept,
    reply::UnsafeRequest,
    request::{Form, Origin, Refusal},
};
use crate::{
    model::{
        asked_scope::log_ignored,
        client::{Client, fapi2, request_object::RequestObjectError},
        paths,
        pushed_request::{FirstVisit, PushedRequest},
        session::Session,
        throttle::WaitingBound,
        time::Timestamp,
        token_handle::{TokenHandle, TokenHash},
    },
    store::StoreError,
    use_case::{
        authenticate::{AuthenticatedClient, waiting_bound},
        dpop::DpopError,
        single_use::is_first_use,
    },
};

/// The beginning of a reference, before its random part (section 2.2).
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// How long the user may take to sign in and to consent, once the request is opened.
pub(super) const HELD_FOR: Seconds = Seconds::new(3600);

/// The answer to a client that pushed its request (section 2.2).
#[derive(Debug)]
pub struct PushedReference {
    /// The reference for the authorization endpoint.
    pub request_uri: String,
    /// How long it can be opened.
    pub expires_in: Seconds,
}

/// Why a pushed request was refused (section 2.3).
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The request is not valid.
    #[error("{description}")]
    Refused {
        /// The code on the wire.
        code: ErrorCode,
        /// What is wrong.
        description: String,
    },
    /// Too many pushed requests wait: of this client, for its address or in all, or of all clients
    /// of this address that no operator wrote down (section 2.3, 429).
    #[error(
        "Too many pushed requests of this client or from this address wait for their users. \
         Try again in a minute."
    )]
    TooMany,
    /// The proof that it came with was not accepted.
    #[error(transparent)]
    Dpop(#[from] DpopError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the browser brings in place of a request that is kept.
pub(super) struct Reference(TokenHandle);

impl Reference {
    pub(super) fn hash(&self) -> TokenHash {
        self.0.hash()
    }

    /// The value of `request_uri`.
    pub(super) fn request_uri(&self) -> String {
        format!("{URN}{}", self.0.expose())
    }
}

/// A pushed request that waits for its user.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    since: Timestamp,
    held: FirstVisit,
}

/// How a pushed request waits, if it does. It waits for [`HELD_FOR`], so its end shows when it
/// began to wait.
fn waiting(pushed: &PushedRequest) -> Option<Waiting> {
    let since = Timestamp::from_seconds(pushed.expires_at.seconds() - i64::from(HELD_FOR));
    pushed.held.map(|held| Waiting { since, held })
}

impl Waiting {
    /// Whether the user has signed in since: then the session began later, and under another
    /// cookie. The cookie alone would prove nothing, because the one who opened the request first
    /// chose what to send.
    pub(super) fn signed_in_since(self, session: &Session) -> bool {
        Some(session.cookie_hash) != self.held.session
            && session.authentication.auth_time >= self.since
    }
}

impl Authorization<'_> {
    /// Checks a pushed request as the authorization endpoint would, and keeps it. `proof` is the
    /// `DPoP` header: with one the code is bound to its key, as with `dpop_jkt` (RFC 9449 section
    /// 10.1).
    pub async fn push(
        &self,
        client: &AuthenticatedClient,
        params: &Params,
        proof: Option<&str>,
        address: &str,
    ) -> Result<PushedReference, PushError> {
        let refuse = |code, description: &str| PushError::Refused {
            code,
            description: description.to_owned(),
        };
        // Section 2.1: a reference can't lead to another.
        if params.is_sent("request_uri") {
            return Err(refuse(
                ErrorCode::InvalidRequest,
                "Push the parameters themselves, without request_uri.",
            ));
        }
        let (params, form, once) = match params.get("request") {
            None => (without_credentials(params, &client.client_id), Form::Plain, None),
            // Section 3: nothing beside the object counts.
            Some(object) => {
                let ReadObject { verified, signed } = self
                    .read_object(client, object)
                    .await
                    .map_err(|error| refuse(error.code(), error.description()))?;
                let form = if signed { Form::Signed(Params::default()) } else { Form::Plain };
                (verified.params, form, verified.once)
            }
        };
        let checked = self.check_request(params.clone(), &[], Origin::PushedNow(form)).await;
        let checked = checked.map_err(|refusal| match refusal {
            Refusal::Page(unsafe_request) => {
                refuse(ErrorCode::InvalidRequest, &unsafe_request.to_string())
            }
            Refusal::Answer { code, description, .. } => refuse(code, description),
        })?;
        log_ignored(client, &checked.ignored_scope);
        let bound = waiting_bound(client, address, self.settings);
        let uses_up = proof.is_some() || once.is_some();
        // Before anything is used up, so that requests without a place leave no row.
        if uses_up && !self.has_place(client, &bound).await? {
            return Err(PushError::TooMany);
        }
        let params = match proof {
            Some(proof) => self.bound_to_key(client, params, proof).await?,
            None => params,
        };
        // Last: a request that is refused may be sent again when it is mended.
        if let Some((identity, too_old_at)) = once
            && !is_first_use(self.single_uses, identity, too_old_at).await?
        {
            let error = RequestObjectError::Replayed;
            return Err(refuse(error.code(), error.description()));
        }
        let expires_in =
            fapi2::pushed_lifetime(client, self.settings.pushed_authorization_request_lifetime);
        let kept = self.keep(client, &params, expires_in, &bound).await?;
        let reference = kept.ok_or(PushError::TooMany)?;
        Ok(PushedReference { request_uri: reference.request_uri(), expires_in })
    }

    /// Whether a further request of this client would be kept.
    async fn has_place(&self, client: &Client, bound: &WaitingBound) -> Result<bool, StoreError> {
        let (client_id, now) = (&client.client_id, self.clock.now());
        self.pushed_requests.has_place_for_pushed_request(client_id, bound, now).await
    }

    /// Keeps a request for as long. `None` if too many wait.
    pub(super) async fn keep(
        &self,
        client: &Client,
        params: &Params,
        expires_in: Seconds,
        bound: &WaitingBound,
    ) -> Result<Option<Reference>, StoreError> {
        let reference = Reference(TokenHandle::generate(self.entropy));
        let now = self.clock.now();
        let request = PushedRequest {
            hash: reference.0.hash(),
            client_id: client.client_id.clone(),
            params: to_be_kept(params, self.resources).encode(),
            expires_at: now.plus(expires_in),
            held: None,
        };
        let added = self.pushed_requests.add_pushed_request(request, bound, now).await?;
        Ok(added.then_some(reference))
    }

    /// The request as if it named the key of its proof in `dpop_jkt` (RFC 9449 section 10.1).
    async fn bound_to_key(
        &self,
        client: &AuthenticatedClient,
        params: Params,
        proof: &str,
    ) -> Result<Params, PushError> {
        let proof =
            self.proofs.check(client, Some(proof), ("POST", paths::PUSHED_AUTHORIZATION), None)?;
        let Some(key) = proof.as_ref().map(|proof| proof.thumbprint().to_string()) else {
            return Ok(params);
        };
        if params.get("dpop_jkt").is_some_and(|named| named != key) {
            let description =
                "dpop_jkt names another key than the one that made the proof.".to_owned();
            return Err(PushError::Refused { code: ErrorCode::InvalidDpopProof, description });
        }
        self.proofs.consume(proof).await?;
        Ok(params.without("dpop_jkt").with("dpop_jkt", &key))
    }

    /// The request behind a reference (section 4). Beside the client that it must belong to,
    /// nothing that the browser brings counts.
    pub(super) async fn open_pushed_request(
        &self,
        outer: &Params,
        repeated: &[String],
        hash: TokenHash,
    ) -> Result<AuthorizeRequest, Refusal> {
        if let Some(name) =
            repeated.iter().find(|name| matches!(name.as_str(), "client_id" | "request_uri"))
        {
            return Err(Refusal::Page(UnsafeRequest::Repeated(name.clone())));
        }
        let pushed =
            self.pushed_requests.pushed_request(hash, self.clock.now()).await.map_err(|error| {
                tracing::error!(%error, "the store failed at the authorization endpoint");
                Refusal::Page(UnsafeRequest::Unavailable)
            })?;
        let own = pushed.filter(|pushed| outer.get("client_id") == Some(pushed.client_id.as_str()));
        let pushed = own.ok_or(Refusal::Page(UnsafeRequest::UnknownRequestUri))?;
        let unreadable = |error: doorward_protocol::params::ParamsError| {
            UnsafeRequest::Unreadable(error.to_string())
        };
        let params = Params::parse_with_repeatable(&pushed.params, &["resource"])
            .map_err(|error| Refusal::Page(unreadable(error)))?;
        let reference = outer.filtered(|name| matches!(name, "client_id" | "request_uri"));
        let origin = Origin::Reference { hash, waiting: waiting(&pushed), params: reference };
        self.check_request(params, &[], origin).await
    }

    /// Lets a pushed request be answered once, and waits for the user meanwhile. `cookie` is the
    /// session that the browser came with.
    pub(super) async fn finish_pushed_request(
        &self,
        pushed: Option<TokenHash>,
        cookie: Option<&TokenHandle>,
        outcome: Outcome,
    ) -> Result<Outcome, StoreError> {
        let Some(hash) = pushed else { return Ok(outcome) };
        let now = self.clock.now();
        match outcome {
            Outcome::Respond(response) => {
                let first = self.pushed_requests.consume_pushed_request(hash, now).await?;
                Ok(if first {
                    Outcome::Respond(response)
                } else {
                    Outcome::Refuse(UnsafeRequest::UnknownRequestUri)
                })
            }
            Outcome::SignIn(_) | Outcome::AskConsent(..) => {
                let held = FirstVisit { session: cookie.map(TokenHandle::hash) };
                self.pushed_requests.hold_pushed_request(hash, held, now.plus(HELD_FOR)).await?;
                Ok(outcome)
            }
            Outcome::Refuse(_) => Ok(outcome),
        }
    }
}

/// The hash of the reference that a request comes with, if it is one of ours.
pub(super) fn reference(params: &Params) -> Option<TokenHash> {
    let reference = params.get("request_uri")?.strip_prefix(URN)?;
    Some(TokenHandle::parse(reference).hash())
}

/// Takes out what authenticated the client, which is not part of its request (section 2.1), and a
/// second `client_id`.
fn without_credentials(params: &Params, client_id: &ClientId) -> Params {
    let credentials = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];
    params.filtered(|name| !credentials.contains(&name)).with("client_id", client_id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::resource::{IdentityResource, Resources};

    /// RFC 9126 sections 2.1 and 2.2, the example messages.
    #[test]
    fn reads_the_rfc_examples() {
        let body = "response_type=code&state=af0ifjsldkj&client_id=s6BhdRkqt3\
            &redirect_uri=https%3A%2F%2Fclient.example.org%2Fcb\
            &code_challenge=K2-ltc83acc4h0c9w6ESC_rEMTJ3bww-uCHaoeK1t8U\
            &code_challenge_method=S256&scope=account-information\
            &client_secret=x&client_assertion=y&client_assertion_type=z";
        let id = ClientId::parse("s6BhdRkqt3").unwrap();
        let kept = without_credentials(&Params::parse(body).unwrap(), &id);
        assert_eq!(kept.iter().count(), 7);
        assert_eq!((kept.get("client_id"), kept.get("client_secret")), (Some("s6BhdRkqt3"), None));
        let resources =
            Resources::new(IdentityResource::standard(), vec![], vec![], false).unwrap();
        assert_eq!(
            to_be_kept(&kept.clone().with("unknown", &"x".repeat(9000)), &resources).encode(),
            kept.encode()
        );
        // Of `claims` only what is read: it is the longest parameter.
        let claims = format!(
            r#"{{"id_token":{{"email":{{"essential":true}},"{}":null,"sub":{{"value":"alice"}}}},"more":1}}"#,
            "ä".repeat(1000)
        );
        let short = to_be_kept(&kept.with("claims", &claims), &resources);
        let expected = r#"{"id_token":{"email":null,"sub":{"value":"alice"}}}"#;
        assert_eq!(short.get("claims"), Some(expected));

        let query = "client_id=s6BhdRkqt3\
            &request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A6esc_11ACC5bwc014ltc14eY22c";
        let expected = TokenHandle::parse("6esc_11ACC5bwc014ltc14eY22c").hash();
        assert_eq!(reference(&Params::parse(query).unwrap()), Some(expected));
        assert_eq!(
            reference(&Params::parse("request_uri=https%3A%2F%2Fa.example%2Fr").unwrap()),
            None
        );
    }
}
