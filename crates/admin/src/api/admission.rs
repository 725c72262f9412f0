//! Who may do an operation now. The access token says who calls. What they may do is read from the
//! store for each request, so that rights which go while a page is open are gone. What the audit
//! history says of it is written around it, in [`history`](super::history).

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use doorward_policy::{Principal, decide_all_at};
use doorward_protocol::ids::{GrantId, Sub};
use doorward_resource_server::{Authenticated, Decision, Refusal};

use super::{
    caller::{Caller, CallerKind},
    history::History,
    problem::Problem,
    state::{AdminApi, Guarding},
};
use crate::{AdminRole, AdminScope, Operation, ROLE_CLAIM, is_machine};

/// Lets a request through if its caller may do the operation now, and says who that is.
pub async fn admit(
    State(Guarding { api, operation }): State<Guarding>,
    authenticated: Authenticated,
    mut request: Request,
    next: Next,
) -> Response {
    // Before the store is asked, also for callers who may nothing.
    let principal = authenticated.principal();
    let kind = if is_machine(principal) { "client" } else { "user" };
    let name = format!("{kind} {}", principal.sub());
    if let Err(seconds) = api.rate_limit().admit(&name, api.now()) {
        let most = api.settings().requests_per_minute;
        let detail = format!("A caller may send {most} requests in a minute.");
        return Problem::too_many(detail, seconds).into_response();
    }
    let caller = match present(&api, operation, &authenticated).await {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    if let Some(history) = request.extensions().get::<History>() {
        history.admitted();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// The caller with the rights of now, or the refusal.
async fn present(
    api: &AdminApi,
    operation: Operation,
    authenticated: &Authenticated,
) -> Result<Caller, Response> {
    let principal = authenticated.principal();
    let (role, principal) = if is_machine(principal) {
        (None, principal.clone())
    } else {
        let role = present_role(api, principal).await.map_err(Problem::into_response)?;
        let name = role.as_ref().map_or("none", |(_, role)| role.name());
        (role, principal.clone().with_claim(ROLE_CLAIM, name))
    };
    let policy = operation.policy(&api.settings().fresh_sign_in);
    let decision = decide_all_at(&[policy], &principal, api.now().seconds());
    let decision = decision.and(|| client_still_may(api, operation, authenticated));
    authenticated.require(decision).map_err(Refusal::into_response)?;
    let principal = with_present_scope(api, authenticated, principal);
    let kind = match (role, Sub::parse(principal.sub())) {
        (Some((sub, role)), _) => CallerKind::Person { sub, role },
        (None, _) => CallerKind::Machine,
    };
    Ok(Caller { principal, kind })
}

/// The caller with the scopes of the token that its client may still have.
fn with_present_scope(
    api: &AdminApi,
    authenticated: &Authenticated,
    principal: Principal,
) -> Principal {
    let client_id = authenticated.claims().client_id.as_deref().unwrap_or_default();
    let client = api.provider().clients().get(client_id);
    let may = |scope: &&str| {
        principal.has_scope(scope)
            && client.as_ref().is_some_and(|client| client.allowed_scope.contains(scope))
    };
    let scopes: Vec<&str> = AdminScope::ALL.iter().map(|scope| scope.name()).filter(may).collect();
    principal.with_claim("scope", scopes.join(" "))
}

/// The user whom the token is about, and the role that they have now; `None` if they are gone, may
/// not sign in, or have none, or if the sign-in from which the token is has ended.
async fn present_role(
    api: &AdminApi,
    principal: &Principal,
) -> Result<Option<(Sub, AdminRole)>, Problem> {
    let Ok(sub) = Sub::parse(principal.sub()) else { return Ok(None) };
    let grant = principal.claims().get("grant_id").cloned();
    let user = match grant.map(serde_json::from_value::<GrantId>) {
        None => api.store().user(&sub).await?,
        Some(Ok(grant)) => {
            let live = api.store().live_grant(&grant, api.now()).await?;
            live.map(|(_, user)| user).filter(|user| user.sub == sub)
        }
        Some(Err(_)) => None,
    };
    let user = user.filter(|user| user.enabled);
    let role = user.and_then(|user| AdminRole::parse(user.admin_role()?));
    Ok(role.map(|role| (sub, role)))
}

/// Whether the client that got the token is still there, and may still have the scope.
fn client_still_may(
    api: &AdminApi,
    operation: Operation,
    authenticated: &Authenticated,
) -> Decision {
    let client_id = authenticated.claims().client_id.as_deref().unwrap_or_default();
    let client = api.provider().clients().get(client_id);
    let may = client.is_some_and(|client| client.allowed_scope.contains(operation.scope().name()));
    Decision::allow_if(may, "a client that still is allowed the scope")
}
