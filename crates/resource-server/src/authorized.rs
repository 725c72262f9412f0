//! The extractor that hands a verified caller to a handler, by the policy that the handler names.

use std::{fmt, marker::PhantomData, sync::Arc};

use axum::extract::{FromRef, FromRequestParts};
use doorward_policy::{Policy, Principal, RequiredPolicy};
use doorward_protocol::claims::AccessTokenClaims;
use http::request::Parts;

use crate::{AccessToken, Refusal, ResourceServer};

/// A caller who met the policies of `P`. There is no other way to one, so a handler that knows its
/// caller has named its policy; a type that is no policy does not compile:
///
/// ```compile_fail
/// # use doorward_resource_server::Authorized;
/// async fn open_to_whom(auth: Authorized<String>) {}
/// ```
///
/// The state must be, or hold by `FromRef`, a [`ResourceServer`]. Refused callers get a
/// [`Refusal`].
pub struct Authorized<P: RequiredPolicy> {
    token: Arc<AccessToken>,
    policy: PhantomData<fn() -> P>,
}

/// Any caller with a valid token.
pub type Authenticated = Authorized<Anyone>;

/// The policy that any authenticated caller meets.
#[derive(Debug, Clone, Copy)]
pub struct Anyone;

impl RequiredPolicy for Anyone {
    fn policies() -> &'static [Policy] {
        &[]
    }
}

impl<P: RequiredPolicy> Authorized<P> {
    /// The caller.
    pub fn principal(&self) -> &Principal {
        self.token.principal()
    }

    /// The claims of the caller's access token.
    pub fn claims(&self) -> &AccessTokenClaims {
        self.token.claims()
    }
}

impl<P: RequiredPolicy> fmt::Debug for Authorized<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Authorized")
            .field("sub", &self.principal().sub())
            .finish_non_exhaustive()
    }
}

impl<S, P> FromRequestParts<S> for Authorized<P>
where
    S: Send + Sync,
    ResourceServer: FromRef<S>,
    P: RequiredPolicy,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let server = ResourceServer::from_ref(state);
        let token = server.authorize(parts, P::policies()).await?;
        Ok(Self { token, policy: PhantomData })
    }
}
