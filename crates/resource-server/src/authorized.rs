//! The extractor that gives a handler its verified caller, by the policy that the handler names.

use std::{fmt, marker::PhantomData, sync::Arc};

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use doorward_policy::{Decision, Policy, Principal, RequiredPolicy};
use http::request::Parts;

use crate::{AccessToken, Refusal, RefusalCause, ResourceServer, TokenClaims};

/// A caller who met the policies of `P`.
///
/// There is no other way to get one, so a handler that knows its caller has named its policy. The
/// router's state must be a [`ResourceServer`], or give one by `FromRef`. A caller who does not
/// meet the policies gets a [`Refusal`].
///
/// ```
/// use doorward_resource_server::{Anyone, Authorized, Policy, RequiredPolicy};
///
/// struct Admin;
///
/// impl RequiredPolicy for Admin {
///     fn policies() -> &'static [Policy] {
///         static POLICIES: std::sync::LazyLock<[Policy; 1]> =
///             std::sync::LazyLock::new(|| [Policy::require_role("admin")]);
///         &*POLICIES
///     }
/// }
///
/// async fn only_admins(caller: Authorized<Admin>) -> String {
///     format!("Hello {}", caller.principal().sub())
/// }
///
/// // Without credentials it is `None`. Credentials that are not accepted are still refused.
/// async fn everyone(caller: Option<Authorized<Anyone>>) -> String {
///     caller.map_or("Hello".to_owned(), |caller| format!("Hello {}", caller.principal().sub()))
/// }
/// ```
///
/// A handler may have any number of them: the token and its proof are verified once.
///
/// A type that is not a policy does not compile:
///
/// ```compile_fail
/// # use doorward_resource_server::Authorized;
/// async fn open_to_everyone(auth: Authorized<String>) {}
/// ```
pub struct Authorized<P: RequiredPolicy> {
    server: ResourceServer,
    token: Arc<AccessToken>,
    policy: PhantomData<fn() -> P>,
}

/// Any caller with a valid token.
///
/// ```
/// use doorward_resource_server::Authenticated;
///
/// async fn hello(caller: Authenticated) -> String {
///     format!("Hello {}", caller.principal().sub())
/// }
/// # let router: axum::Router<doorward_resource_server::ResourceServer> =
/// #     axum::Router::new().route("/", axum::routing::get(hello));
/// ```
pub type Authenticated = Authorized<Anyone>;

/// The policy that any authenticated caller meets.
///
/// ```
/// use doorward_resource_server::{Anyone, RequiredPolicy};
///
/// assert!(Anyone::policies().is_empty());
/// ```
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "it stands for itself")]
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

    /// The claims of the access token that the API uses itself.
    pub fn claims(&self) -> &TokenClaims {
        self.token.claims()
    }

    /// The access token.
    pub fn token(&self) -> &Arc<AccessToken> {
        &self.token
    }

    /// Goes on only if the decision allows it, and else gives the refusal to return. The decision
    /// may come from anywhere: from a [`ResourcePolicy`](doorward_policy::ResourcePolicy) for what
    /// the handler has loaded, or from a database.
    ///
    /// ```
    /// use axum::extract::Path;
    /// use doorward_resource_server::{Anyone, Authorized, Decision, Refusal};
    ///
    /// async fn owner_of(order: u64) -> String {
    ///     "alice".to_owned() // From the database.
    /// }
    ///
    /// async fn order(caller: Authorized<Anyone>, Path(id): Path<u64>) -> Result<String, Refusal> {
    ///     let is_own = owner_of(id).await == caller.principal().sub();
    ///     caller.require(Decision::allow_if(is_own, "to own the order"))?;
    ///     Ok(format!("order {id}"))
    /// }
    /// ```
    ///
    /// # Errors
    /// The decision denies.
    pub fn require(&self, decision: Decision) -> Result<(), Refusal> {
        match decision {
            Decision::Allowed => Ok(()),
            Decision::Denied(denial) => {
                Err(self.server.refuse_verified(RefusalCause::Denied(denial), &self.token))
            }
        }
    }
}

impl<P: RequiredPolicy> Authorized<P> {
    /// Goes on only if the caller also meets this policy now, and else gives the refusal to return.
    /// It is for what the handler alone knows, such as an order that is large enough to need a
    /// recent sign-in.
    ///
    /// ```
    /// use doorward_resource_server::{Anyone, Authorized, Policy, Refusal};
    ///
    /// async fn pay(caller: Authorized<Anyone>, amount: u32) -> Result<&'static str, Refusal> {
    ///     if amount > 1000 {
    ///         caller.require_policy(&Policy::require_recent_sign_in(300))?;
    ///     }
    ///     Ok("paid")
    /// }
    /// ```
    ///
    /// # Errors
    /// The policy denies.
    pub fn require_policy(&self, policy: &Policy) -> Result<(), Refusal> {
        self.require(self.server.apply(std::slice::from_ref(policy), &self.token))
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
        let token = server.authorize_once(parts, P::policies()).await?;
        Ok(Self { server, token, policy: PhantomData })
    }
}

impl<S, P> OptionalFromRequestParts<S> for Authorized<P>
where
    S: Send + Sync,
    ResourceServer: FromRef<S>,
    P: RequiredPolicy,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refusal> {
        let server = ResourceServer::from_ref(state);
        if !server.has_credentials(parts) {
            return Ok(None);
        }
        let token = server.authorize_once(parts, P::policies()).await?;
        Ok(Some(Self { server, token, policy: PhantomData }))
    }
}
