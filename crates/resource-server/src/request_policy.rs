//! Policies that need more than the caller's claims: the request, a database, another service.

use std::pin::Pin;

use doorward_policy::Decision;
use http::request::Parts;

use crate::AccessToken;

/// A rule about a caller and a request, which may be asynchronous.
///
/// [`ResourceServer::with_request_policy`](crate::ResourceServer::with_request_policy) adds it to
/// every request that the server authorizes, after the token and before other policies. Use it for
/// "this token was not revoked", "this user is still enabled", or "this tenant is the caller's".
///
/// ```
/// use std::{future::ready, pin::Pin};
///
/// use doorward_resource_server::{AccessToken, Decision, RequestPolicy};
/// use http::request::Parts;
///
/// /// A caller with the claim `read_only` may only send GET.
/// struct ReadOnly;
///
/// impl RequestPolicy for ReadOnly {
///     fn decide<'a>(
///         &'a self,
///         token: &'a AccessToken,
///         request: &'a Parts,
///     ) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
///         let read_only = token.principal().has_claim("access", "read_only");
///         let allowed = !read_only || request.method == http::Method::GET;
///         Box::pin(ready(Decision::allow_if(allowed, "write access")))
///     }
/// }
/// ```
pub trait RequestPolicy: Send + Sync + 'static {
    /// Decides about the request. `request` has the extensions of earlier layers and of routing.
    fn decide<'a>(
        &'a self,
        token: &'a AccessToken,
        request: &'a Parts,
    ) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>>;
}
