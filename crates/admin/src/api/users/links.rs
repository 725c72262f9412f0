//! The accounts at other providers by which a user signs in.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_protocol::base64url;
use doorward_provider::{
    model::{
        external_identity::{ExternalId, StoredIdentity},
        time::{SystemClock, Timestamp},
    },
    store::{IdentityRemoval, RemovedIdentity},
    use_case::administration::links::{LinkError, NamedAccount, OperatorLinks},
};
use http::StatusCode;
use serde_json::json;

use super::super::{
    Answer,
    body::{Body, Named},
    caller::Caller,
    history::History,
    problem::Problem,
    state::AdminApi,
};
pub use crate::types::users::{LinkRow, NewLink};

impl LinkRow {
    fn of(link: &StoredIdentity) -> Self {
        Self {
            id: id_of(&link.id),
            provider: link.provider.to_string(),
            subject: link.id.subject.to_string(),
            name: link.shown.clone(),
            since: link.created_at.seconds(),
            last_used: link.used_at.map(Timestamp::seconds),
            issuer: link.id.issuer.to_string(),
            claims: link.mapped.0.clone(),
        }
    }
}

/// An identity as a segment of a path. No issuer has a line end.
fn id_of(id: &ExternalId) -> String {
    base64url::encode(format!("{}\n{}", id.issuer, id.subject))
}

/// Reads what [`id_of`] wrote.
fn parsed(id: &str) -> Option<ExternalId> {
    let text = String::from_utf8(base64url::decode(id).ok()?).ok()?;
    let (issuer, subject) = text.split_once('\n')?;
    ExternalId::parse(issuer, subject).ok()
}

/// `GET /users/{sub}/links`. There are a few, so they are one page.
pub async fn list_links(State(api): State<AdminApi>, Named(sub): Named<String>) -> Answer {
    let user = api.user(&sub).await?;
    let links = api.store().external_identities(&user.sub).await?;
    let rows: Vec<LinkRow> = links.iter().map(LinkRow::of).collect();
    Ok(Json(json!({"items": rows})).into_response())
}

/// `POST /users/{sub}/links`.
pub async fn add_link(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(sub): Named<String>,
    Body(new): Body<NewLink>,
) -> Answer {
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    let vouching = api.provider().vouching();
    let links = OperatorLinks {
        identities: api.store(),
        accounts: &api.provider().settings().accounts,
        vouching: &vouching,
        master: Some(api.provider().keys().master()),
        clock: &SystemClock,
        entropy: api.entropy(),
    };
    let NewLink { provider, subject, issuer } = &new;
    let account = NamedAccount { provider, issuer: issuer.as_deref(), subject };
    let link = links.link(&user, account).await.map_err(|error| match error {
        LinkError::NoProvider => Problem::invalid("provider", error),
        LinkError::NoIssuer | LinkError::OtherIssuer => Problem::invalid("issuer", error),
        LinkError::NoSubject(_) => Problem::invalid("subject", error),
        LinkError::Store(error) => error.into(),
        LinkError::WasLinked | LinkError::Taken | LinkError::TooMany | LinkError::NoUser => {
            Problem::conflict(format!("It is not linked: {error}."))
        }
    })?;
    history.on("identity", &link.id.to_string());
    api.provider().deliveries().notice_changes();
    Ok((StatusCode::CREATED, Json(LinkRow::of(&link))).into_response())
}

/// `DELETE /users/{sub}/links/{link}`.
pub async fn remove_link(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named((sub, link)): Named<(String, String)>,
) -> Answer {
    let missing = || Problem::missing("The user has no such link.");
    let user = api.user(&sub).await?;
    caller.may_act_on(&user)?;
    let id = parsed(&link).ok_or_else(missing)?;
    let identity = api.store().external_identity(&id).await?.ok_or_else(missing)?;
    let title = api.provider().vouching().called(&identity);
    let notices = api.provider().operator_notices().of_unlink(&user, title)?;
    let name = id.to_string();
    let providers = api.provider().vouching().ways_in();
    // An operator may unlink so that the address finds the account again.
    let removal = IdentityRemoval { sub: user.sub, id, providers, by_user: false };
    match api.store().remove_external_identity(removal, notices, api.now()).await? {
        RemovedIdentity::Removed => {}
        RemovedIdentity::Unknown => return Err(missing()),
        RemovedIdentity::LastWayIn => {
            return Err(Problem::conflict(
                "Without this link the user could not sign in any more: let them set a password \
                 first.",
            ));
        }
    }
    history.on("identity", &name);
    api.provider().deliveries().notice_changes();
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_identity_is_read_as_it_is_written() {
        let id = ExternalId::parse("https://id.example/a", "a b/c?").unwrap();
        assert_eq!(parsed(&id_of(&id)), Some(id));
        for wrong in ["", "none", "%", "YQ", "YQo"] {
            assert_eq!(parsed(wrong), None, "{wrong:?}");
        }
    }
}
