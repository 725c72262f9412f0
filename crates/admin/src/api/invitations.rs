//! Invitations: somebody gets a link to make an account as an operator has arranged.

use axum::{
    Json,
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_protocol::base64url;
use doorward_provider::{
    model::{
        account_settings::Registration,
        email::{EmailAddress, normalized_email},
        group::GroupName,
        ticket::{AboutCursor, Ticket, TicketCursor, TicketPurpose},
        time::{SystemClock, Timestamp},
        token_handle::TokenHash,
        user::ADMIN_ROLE_CLAIM,
    },
    use_case::accounts::{Invitation, Invitations, InviteError},
};
use http::StatusCode;
use serde_json::{Map, json};

use super::{
    Answer,
    body::{Body, Named, Parameters},
    caller::Caller,
    history::History,
    page::{self, SearchParameters},
    problem::Problem,
    state::AdminApi,
};
pub use crate::types::invitations::{CreatedInvitation, InvitationRow, Language, NewInvitation};
use crate::{
    AdminRole,
    types::invitations::{A_WEEK, LONGEST_DAYS},
};

const PURPOSE: TicketPurpose = TicketPurpose::Invitation;
/// Roles or groups of an invitation, and the longest name of one in bytes.
const MOST_NAMES: usize = 50;
const LONGEST_NAME: usize = 255;

impl InvitationRow {
    fn of(ticket: &Ticket) -> Self {
        let text = |name: &str| ticket.text(name).map(str::to_owned);
        Self {
            id: base64url::encode(ticket.hash.as_bytes()),
            email: text("email").or_else(|| ticket.about.clone()).unwrap_or_default(),
            name: text("name"),
            expires_at: ticket.expires_at.seconds(),
            claims: ticket.data.get("claims").cloned().unwrap_or_default(),
            groups: ticket.groups().iter().map(ToString::to_string).collect(),
        }
    }
}

/// `GET /invitations`.
pub async fn list(
    State(api): State<AdminApi>,
    Parameters(parameters): Parameters<SearchParameters>,
) -> Answer {
    let (limit, prefix) = (page::limit(parameters.limit)?, parameters.prefix()?);
    let cursor = parameters.cursor.as_deref();
    if !prefix.is_empty() {
        return found(&api, &normalized_email(prefix), cursor, limit).await;
    }
    let after: Option<(i64, String)> = page::after(cursor)?;
    let after = after.map(|(seconds, id)| {
        let hash = hash_of(&id)?;
        Ok::<_, Problem>(TicketCursor { expires_at: Timestamp::from_seconds(seconds), hash })
    });
    let after = after.transpose()?;
    let rows = api.store().tickets(PURPOSE, after.as_ref(), limit + 1, api.now()).await?;
    let cursor = |ticket: &Ticket| {
        let TicketCursor { expires_at, hash } = ticket.cursor();
        (expires_at.seconds(), base64url::encode(hash.as_bytes()))
    };
    Ok(page::page(rows, limit, cursor, |ticket| InvitationRow::of(&ticket)))
}

/// The invitations of addresses that begin so, in the order of the addresses.
async fn found(api: &AdminApi, prefix: &str, cursor: Option<&str>, limit: u32) -> Answer {
    let after: Option<(String, String)> = page::after(cursor)?;
    let after = after.map(|(about, id)| hash_of(&id).map(|hash| AboutCursor { about, hash }));
    let after = after.transpose()?;
    let store = api.store();
    let rows = store.tickets_about(PURPOSE, prefix, after.as_ref(), limit + 1, api.now()).await?;
    let cursor = |ticket: &Ticket| {
        let AboutCursor { about, hash } = ticket.about_cursor();
        (about, base64url::encode(hash.as_bytes()))
    };
    Ok(page::page(rows, limit, cursor, |ticket| InvitationRow::of(&ticket)))
}

/// `POST /invitations`.
pub async fn create(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Body(new): Body<NewInvitation>,
) -> Answer {
    let settings = &api.provider().settings().accounts;
    if settings.registration == Registration::Off {
        return Err(Problem::conflict(
            "Invitations are not taken: set accounts.registration = \"invitation\" first.",
        ));
    }
    if !new.show_link && !settings.mail {
        return Err(Problem::conflict(
            "Mail can't be sent: set [mail] up, or ask for the link by show_link and pass it on.",
        ));
    }
    if let Some(role) = new.admin_role {
        history.detail("admin_role", role.name());
        caller.may_give(role)?;
    }
    if !new.groups.is_empty() {
        caller.may_change_groups()?;
    }
    let show_link = new.show_link;
    let invitation = checked(new)?;
    let email = invitation.email.as_str().to_owned();
    history.on("email", &email);
    history.detail("shows_link", show_link);
    let given = json!({"claims": invitation.claims, "groups": invitation.groups});
    let invitations = Invitations {
        users: api.store(),
        tickets: api.store(),
        groups: api.store(),
        master: api.provider().keys().master(),
        issuer: api.provider().issuer(),
        clock: &SystemClock,
        entropy: api.entropy(),
    };
    let link = invitations.invite(invitation).await;
    let link = link.map_err(|error| match error {
        InviteError::Store(error) => error.into(),
        InviteError::NoGroup(_) | InviteError::TooManyGroups => Problem::invalid("groups", error),
        other => Problem::conflict(format!("{other}.")),
    })?;
    history.changed(None, Some(given));
    api.provider().deliveries().notice_changes();
    let body = CreatedInvitation { email, link: show_link.then_some(link) };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

fn checked(new: NewInvitation) -> Result<Invitation, Problem> {
    let email = EmailAddress::parse(&new.email);
    let email = email.map_err(|error| Problem::invalid("email", error))?;
    if new.days == 0 || new.days > LONGEST_DAYS {
        return Err(Problem::invalid("days", format!("give 1 to {LONGEST_DAYS}")));
    }
    // Whoever gave the role may lose their own meanwhile.
    if new.admin_role.is_some() && new.days > A_WEEK {
        let problem = "an invitation with a role in the administration expires within 7 days";
        return Err(Problem::invalid("days", problem));
    }
    let is_name = |name: &String| {
        !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control)
    };
    let problem = "give 1 to 255 bytes without control characters";
    if new.name.as_ref().is_some_and(|name| !is_name(name)) {
        return Err(Problem::invalid("name", problem));
    }
    let mut claims = Map::new();
    if new.roles.len() > MOST_NAMES || !new.roles.iter().all(is_name) {
        return Err(Problem::invalid("roles", format!("{problem}, and at most {MOST_NAMES}")));
    }
    if !new.roles.is_empty() {
        claims.insert("role".to_owned(), json!(new.roles));
    }
    if new.groups.len() > MOST_NAMES {
        return Err(Problem::invalid("groups", format!("give at most {MOST_NAMES}")));
    }
    let groups = new.groups.iter().map(|name| {
        let no_group = || Problem::invalid("groups", InviteError::NoGroup(name.clone()));
        GroupName::parse(name).map_err(|_| no_group())
    });
    let groups = groups.collect::<Result<_, _>>()?;
    if let Some(role) = new.admin_role {
        claims.insert(ADMIN_ROLE_CLAIM.to_owned(), role.name().into());
    }
    let language = match new.language {
        Language::En => "en",
        Language::De => "de",
    };
    Ok(Invitation {
        email,
        name: new.name,
        claims,
        groups,
        lifetime: new.days * 86_400,
        language: (!new.show_link).then(|| language.to_owned()),
    })
}

/// `DELETE /invitations/{id}`.
pub async fn withdraw(
    State(api): State<AdminApi>,
    Extension(caller): Extension<Caller>,
    Extension(history): Extension<History>,
    Named(id): Named<String>,
) -> Answer {
    let missing = || Problem::missing("There is no such invitation, or it was followed.");
    let hash = hash_of(&id).map_err(|_| missing())?;
    let ticket = api.store().ticket(hash, PURPOSE, api.now()).await?.ok_or_else(missing)?;
    let role = ticket.data.get("claims").and_then(|claims| claims[ADMIN_ROLE_CLAIM].as_str());
    if let Some(role) = role {
        match AdminRole::parse(role) {
            Some(role) => caller.may_give(role)?,
            None => return Err(Problem::forbidden("The role of this invitation is not known.")),
        }
    }
    let taken = api.store().take_ticket(hash, PURPOSE, api.now()).await?.ok_or_else(missing)?;
    history.on("email", taken.about.as_deref().unwrap_or_default());
    let before = json!({"claims": taken.data.get("claims"), "groups": taken.groups()});
    history.changed(Some(before), None);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn hash_of(id: &str) -> Result<TokenHash, Problem> {
    let bytes = base64url::decode(id).map_err(|_| page::wrong_cursor())?;
    Ok(TokenHash::from_bytes(bytes.try_into().map_err(|_| page::wrong_cursor())?))
}
