//! Requests in request objects (RFC 9101, OIDC Core section 6): read, verified, and from then on
//! like any other request.
//!
//! An object that the client signed may expire while its user signs in, so it is not what the user
//! comes back with: it is then kept as a pushed request is, and the browser gets a reference. An
//! object without a signature is replaced by its parameters, which are worth as much.

use std::sync::Arc;

use doorward_protocol::{error::ErrorCode, params::Params};

use super::{
    Authorization, AuthorizeRequest, Outcome,
    pushed::HELD_FOR,
    reply::UnsafeRequest,
    request::{Form, Origin, Problem, Refusal},
};
use crate::{
    model::client::{
        Client,
        request_object::{
            self, Expected, RequestObjectAlgorithm, RequestObjectError, UnverifiedObject,
            VerifiedObject,
        },
    },
    store::StoreError,
    use_case::authenticate::waiting_bound_of_anybody,
};

/// The parameters that count beside an object.
const COUNTED: [&str; 3] = ["client_id", "request", "request_uri"];

/// What is told of a posted request that can't be gone on with for its size.
const TOO_LARGE: &str = "A posted request has at most 64 KB, and 16 KB from another site. \
                         Send a smaller request object, or push it (RFC 9126).";

/// A request object that may be used.
pub(super) struct ReadObject {
    pub(super) verified: VerifiedObject,
    /// Whether the client signed it.
    pub(super) signed: bool,
}

impl Authorization<'_> {
    /// The request in the object that the browser brought. Of the other parameters only `client_id`
    /// counts (RFC 9101 section 6.3).
    pub(super) async fn open_object(
        &self,
        outer: Params,
        repeated: &[String],
    ) -> Result<AuthorizeRequest, Refusal> {
        if let Some(name) = repeated.iter().find(|name| COUNTED.contains(&name.as_str())) {
            return Err(Refusal::Page(UnsafeRequest::Repeated(name.clone())));
        }
        if outer.is_sent("request_uri") {
            let description = "Send request or request_uri, not both (RFC 9101 section 5).";
            let problem = Problem(ErrorCode::InvalidRequest, description);
            return Err(self.refused_early(&outer, problem).await);
        }
        let client = self.client_of(&outer).await.map_err(Refusal::Page)?;
        let compact = outer.get("request").unwrap_or_default().to_owned();
        self.open_read_object(&client, outer, &compact).await
    }

    /// Whether a request names an address and nothing else, and such are fetched here.
    pub(super) fn fetches(&self, params: &Params) -> bool {
        self.settings.fetch_request_uris
            && params.is_sent("request_uri")
            && !params.is_sent("request")
    }

    /// The request in the object at the address that the browser brought (OIDC Core section 6.2).
    /// Only an address that the client registered is fetched.
    pub(super) async fn fetch_object(
        &self,
        outer: Params,
        repeated: &[String],
    ) -> Result<AuthorizeRequest, Refusal> {
        if let Some(name) = repeated.iter().find(|name| COUNTED.contains(&name.as_str())) {
            return Err(Refusal::Page(UnsafeRequest::Repeated(name.clone())));
        }
        let client = self.client_of(&outer).await.map_err(Refusal::Page)?;
        let uri = outer.get("request_uri").unwrap_or_default();
        match self.fetched_object(&client, uri).await {
            Ok(compact) => self.open_read_object(&client, outer, compact.trim()).await,
            Err(problem) => Err(self.refused_early(&outer, problem).await),
        }
    }

    /// What is at a `request_uri` of this client.
    async fn fetched_object(&self, client: &Client, uri: &str) -> Result<String, Problem> {
        let problem = |description| Problem(ErrorCode::InvalidRequestUri, description);
        let wanted = client.registered_request_uri(uri);
        let wanted =
            wanted.ok_or_else(|| problem("request_uri is not registered for this client."))?;
        let now = self.clock.now();
        let fetched = self.published_keys.request_object(client, &wanted.address, now).await;
        let compact = fetched.map_err(|error| {
            let client_id = &client.client_id;
            tracing::info!(%client_id, uri = wanted.address, %error, "a request_uri can't be read");
            problem("The request object can't be fetched from its request_uri.")
        })?;
        if wanted.is(&compact) {
            Ok(compact)
        } else {
            Err(problem("What is at request_uri has another hash than its fragment says."))
        }
    }

    /// The request in an object of this client, wherever it came from.
    async fn open_read_object(
        &self,
        client: &Arc<Client>,
        outer: Params,
        compact: &str,
    ) -> Result<AuthorizeRequest, Refusal> {
        let ReadObject { verified, signed } = match self.read_object(client, compact).await {
            Ok(read) => read,
            Err(error) => {
                let problem = Problem(error.code(), error.description());
                return Err(self.refused_object(&outer, compact, problem).await);
            }
        };
        let form = if signed {
            Form::Signed(outer.filtered(|name| COUNTED.contains(&name)))
        } else {
            Form::Plain
        };
        self.check_request(verified.params, &[], Origin::Browser(form)).await
    }

    /// Refuses the request in an object that nobody has verified. `response_mode` and `state` of an
    /// object that can be read hold for its error, too. What it leaves out is taken from beside it:
    /// the address must be registered. If it names another address than the one beside it, nobody
    /// is redirected.
    async fn refused_object(&self, outer: &Params, compact: &str, problem: Problem) -> Refusal {
        let object = UnverifiedObject::read(compact);
        let params = object.map_or_else(|_| outer.clone(), |own| own.reply_params(outer));
        let beside = outer.get("redirect_uri");
        if beside.is_some() && beside != params.get("redirect_uri") {
            return Refusal::Page(UnsafeRequest::RequestObject(problem.0, problem.1));
        }
        self.refused_early(&params, problem).await
    }

    /// Refuses a posted request that can't be gone on with for its size: with an error for the
    /// client if it has a request object and it is proven where it goes, and on a page otherwise.
    pub(super) async fn too_large(&self, encoded: &[u8]) -> Refusal {
        let page = Refusal::Page(UnsafeRequest::TooLarge);
        let Ok((outer, repeated)) = Params::parse_noting_repeats(encoded, &["resource"]) else {
            return page;
        };
        let is_repeated = repeated.iter().any(|name| COUNTED.contains(&name.as_str()));
        let Some(compact) = outer.get("request").filter(|_| !is_repeated) else { return page };
        let problem = Problem(ErrorCode::InvalidRequestObject, TOO_LARGE);
        match self.refused_object(&outer, compact, problem).await {
            Refusal::Page(_) => page,
            answer @ Refusal::Answer { .. } => answer,
        }
    }

    /// Reads and verifies a request object of this client. Nothing is recorded.
    pub(super) async fn read_object(
        &self,
        client: &Client,
        compact: &str,
    ) -> Result<ReadObject, RequestObjectError> {
        if !client.can_send_request_objects() {
            return Err(RequestObjectError::NotSupported);
        }
        let object = UnverifiedObject::read(compact)?;
        let now = self.clock.now();
        let signed = !object.is_unsigned;
        let claims = if signed {
            let opened = self.published_keys.verify_by(client, now, |keys| {
                keys.open(compact, &request_object::TYPES, |own| client.may_sign_objects_by(own))
            });
            opened.await?
        } else {
            self.unsigned(client, object)?
        };
        let expected = Expected {
            client_id: &client.client_id,
            issuer: &self.settings.issuer,
            signed,
            fapi2: client.fapi2,
        };
        let verified = request_object::check(&claims, &expected, now)?;
        Ok(ReadObject { verified, signed })
    }

    /// The claims of an object without a signature, from a client that registered just that.
    fn unsigned(
        &self,
        client: &Client,
        object: UnverifiedObject,
    ) -> Result<serde_json::Map<String, serde_json::Value>, RequestObjectError> {
        let rules = client.request_objects;
        let required = rules.required || self.settings.require_signed_request_object;
        if required || rules.algorithm != Some(RequestObjectAlgorithm::Unsigned) {
            return Err(RequestObjectError::Unsigned);
        }
        object.into_unsigned()
    }

    /// Keeps a signed request whose user must do something first, and lets the browser come back
    /// with a reference to it. `address` is the peer's: anybody can bring an object that they have
    /// seen, so as many may wait for an address as of a public client.
    pub(super) async fn kept_for_later(
        &self,
        mut outcome: Outcome,
        address: &str,
    ) -> Result<Outcome, StoreError> {
        let (Outcome::SignIn(request) | Outcome::AskConsent(request, _)) = &mut outcome else {
            return Ok(outcome);
        };
        let Some(signed) = request.signed.take() else { return Ok(outcome) };
        let bound = waiting_bound_of_anybody(&request.client, address, self.settings);
        let kept = self.keep(&request.client, &signed, HELD_FOR, &bound).await?;
        let Some(reference) = kept else {
            let reply_to = request.reply_to.clone();
            let description = "Too many requests wait for their users. Try again in a minute.";
            return Ok(Outcome::Respond(
                reply_to.error(&ErrorCode::TemporarilyUnavailable, description),
            ));
        };
        request.params = Params::default()
            .with("client_id", &request.client.client_id)
            .with("request_uri", &reference.request_uri());
        request.pushed = Some(reference.hash());
        Ok(outcome)
    }
}
