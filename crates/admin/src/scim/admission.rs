//! Who may provision: a client that asks for itself, and still has the scope. Nobody signs in to
//! do it.

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use doorward_protocol::ids::ClientId;
use doorward_provider::model::{
    client::GrantType, group::Group, provisioning::UserMarks, user::User,
};
use doorward_resource_server::Authenticated;
use http::Method;

use super::{SCOPE, error::ScimError, state::ScimApi};
use crate::{
    ChangeEvent,
    api::{
        caller::{Caller, CallerKind},
        history::{self, Change, History},
    },
    is_machine,
};

/// The client that calls, as its own extension of the request.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// What it may act on.
    pub caller: Caller,
    /// Whether it may act on what others made, too.
    may_take_over: bool,
}

impl Client {
    /// Refuses to act on administrators, and on users whom the client neither added nor may take
    /// over.
    pub fn may_act_on(&self, user: &User) -> Result<(), ScimError> {
        self.caller.may_act_on(user)?;
        if self.may_take_over || UserMarks::of(user).client.as_ref() == Some(&self.id) {
            return Ok(());
        }
        Err(ScimError::forbidden(
            "This client did not add this user, and may take over nobody (scim.may_take_over).",
        ))
    }

    /// Refuses to act on groups that the client did not add, unless it may take over and they carry
    /// no rights.
    pub fn may_act_on_group(&self, group: &Group) -> Result<(), ScimError> {
        if group.provisioned_by.as_ref() == Some(&self.id) {
            return Ok(());
        }
        if !group.roles.is_empty() || !group.claims.0.is_empty() {
            return Err(ScimError::forbidden(
                "This group has roles or claims, and this client did not add it.",
            ));
        }
        if self.may_take_over {
            return Ok(());
        }
        Err(ScimError::forbidden(
            "This client did not add this group, and may take over none (scim.may_take_over).",
        ))
    }

    /// The marks of a user who becomes `user` and was enabled before, or not. Refuses to enable
    /// whom somebody else disabled.
    pub fn marks(&self, user: &User, was_enabled: bool) -> Result<UserMarks, ScimError> {
        let mut marks = UserMarks::of(user);
        if user.enabled && !was_enabled && marks.disabled_by.as_ref() != Some(&self.id) {
            return Err(ScimError::forbidden_mutability(
                "active: another disabled this user, and this client can't enable them.",
            ));
        }
        match (was_enabled, user.enabled) {
            (true, false) => marks.disabled_by = Some(self.id.clone()),
            (_, true) => marks.disabled_by = None,
            (false, false) => {}
        }
        marks.client.get_or_insert_with(|| self.id.clone());
        Ok(marks)
    }
}

/// Lets a request through if its client may provision now.
pub async fn admit(
    State(api): State<ScimApi>,
    authenticated: Authenticated,
    mut request: Request,
    next: Next,
) -> Response {
    match admitted(&api, &authenticated) {
        Ok(client) => {
            if let Some(history) = request.extensions().get::<History>() {
                history.admitted();
            }
            request.extensions_mut().insert(client);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}

fn admitted(api: &ScimApi, authenticated: &Authenticated) -> Result<Client, ScimError> {
    let principal = authenticated.principal();
    let kind = if is_machine(principal) { "client" } else { "user" };
    let name = format!("{kind} {}", principal.sub());
    if let Err(seconds) = api.admin.rate_limit().admit(&name, api.admin.now()) {
        return Err(ScimError::rate(api.settings().requests_per_minute, seconds));
    }
    let id = ClientId::parse(principal.sub()).ok().filter(|_| is_machine(principal));
    let id = id.ok_or_else(|| {
        ScimError::forbidden("Only a client that asks for itself (client_credentials) provisions.")
    })?;
    // The token is older than this request: the client may have lost the scope.
    let client = api.admin.provider().clients().get(&id);
    let may_provision = client.is_some_and(|client| {
        client.enabled
            && client.grant_types.contains(&GrantType::ClientCredentials)
            && client.allowed_scope.contains(SCOPE)
    });
    if !may_provision {
        return Err(ScimError::forbidden(format!(
            "The client is gone or disabled, or is not allowed the scope {SCOPE} or the grant \
             client_credentials any more."
        )));
    }
    let caller = Caller { principal: principal.clone(), kind: CallerKind::Machine };
    Ok(Client { id, caller, may_take_over: api.settings().may_take_over })
}

/// Answers a request, and records it if it asks for a change.
pub async fn record(State(api): State<ScimApi>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let is_user = path.as_deref().is_some_and(|path| path.contains("/Users"));
    let is_search = path.as_deref().is_some_and(|path| path.ends_with("/.search"));
    let (operation, event) = match (request.method(), is_user) {
        (_, _) if is_search => return next.run(request).await,
        (&Method::POST, true) => ("scim_create_user", ChangeEvent::UserAdded),
        (&Method::PUT, true) => ("scim_replace_user", ChangeEvent::UserChanged),
        (&Method::PATCH, true) => ("scim_change_user", ChangeEvent::UserChanged),
        (&Method::DELETE, true) => ("scim_remove_user", ChangeEvent::UserRemoved),
        (&Method::POST, false) => ("scim_create_group", ChangeEvent::GroupAdded),
        (&Method::PUT, false) => ("scim_replace_group", ChangeEvent::GroupChanged),
        (&Method::PATCH, false) => ("scim_change_group", ChangeEvent::GroupChanged),
        (&Method::DELETE, false) => ("scim_remove_group", ChangeEvent::GroupRemoved),
        _ => return next.run(request).await,
    };
    // Other endpoints take none of these methods.
    if !path.is_some_and(|path| path.contains("/Users") || path.contains("/Groups")) {
        return next.run(request).await;
    }
    let change = Change { operation, event, id: "id" };
    let answered = history::record_change(api.admin, change, request, next).await;
    answered.unwrap_or_else(|| ScimError::internal().into_response())
}
