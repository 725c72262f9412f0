//! The outbox: mails that wait to be sent. What they say is not shown: links are credentials.

use axum::{
    extract::{Extension, State},
    response::IntoResponse as _,
};
use doorward_provider::model::{
    email::normalized_email,
    outbox::{AddressCursor, MailCursor, QueuedMail},
    time::Timestamp,
};
use http::StatusCode;

use super::{
    Answer,
    body::{Named, Parameters},
    history::History,
    page::{self, SearchParameters},
    problem::Problem,
    state::AdminApi,
};
pub use crate::types::outbox::MailRow;

impl MailRow {
    fn of(queued: QueuedMail) -> Self {
        let mail = queued.mail;
        Self {
            id: mail.id,
            to: mail.to,
            kind: mail.kind.as_str().to_owned(),
            language: mail.language,
            sub: mail.sub.map(|sub| sub.to_string()),
            created_at: mail.created_at.seconds(),
            expires_at: mail.expires_at.seconds(),
            attempts: queued.attempts,
            due_at: queued.due_at.seconds(),
            error: queued.error,
        }
    }
}

/// `GET /outbox`.
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
    let after =
        after.map(|(seconds, id)| MailCursor { created_at: Timestamp::from_seconds(seconds), id });
    if after.as_ref().is_some_and(|after| after.id.contains('\0')) {
        return Err(page::wrong_cursor());
    }
    let rows = api.store().outbox(after.as_ref(), limit + 1, api.now()).await?;
    let cursor = |queued: &QueuedMail| {
        let MailCursor { created_at, id } = queued.cursor();
        (created_at.seconds(), id)
    };
    Ok(page::page(rows, limit, cursor, MailRow::of))
}

/// The mails to addresses that begin so, in the order of the addresses.
async fn found(api: &AdminApi, prefix: &str, cursor: Option<&str>, limit: u32) -> Answer {
    let after: Option<(String, String)> = page::after(cursor)?;
    let after = after.map(|(address, id)| AddressCursor { address, id });
    let rows = api.store().mails_to(prefix, after.as_ref(), limit + 1, api.now()).await?;
    let cursor = |queued: &QueuedMail| {
        let AddressCursor { address, id } = queued.address_cursor();
        (address, id)
    };
    Ok(page::page(rows, limit, cursor, MailRow::of))
}

/// `POST /outbox/{id}/retry`.
pub async fn retry(
    State(api): State<AdminApi>,
    Extension(history): Extension<History>,
    Named(id): Named<String>,
) -> Answer {
    if !api.store().retry_mail(&id, api.now()).await? {
        return Err(Problem::missing("This mail does not wait any more."));
    }
    history.on("mail", &id);
    api.provider().deliveries().notice_changes();
    Ok(StatusCode::ACCEPTED.into_response())
}
