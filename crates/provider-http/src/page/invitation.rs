//! `GET` and `POST /account/invitation`: where an invitation leads. Only the `POST` uses it up.

use axum::{http::HeaderMap, response::Response};
use doorward_provider::use_case::accounts::RegistrationLink;

use super::{
    account_form::{exists_if, token},
    registration,
};
use crate::{
    AppState,
    http::{
        form::{PageForm, PageQuery},
        peer::Peer,
    },
    page::error::PageError,
    texts::Localized,
};

const LINK: RegistrationLink = RegistrationLink::Invitation;

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    PageQuery(query): PageQuery,
) -> Result<Response, PageError> {
    offered(&state)?;
    let page = registration::show(&state, &headers, LINK, &token(&query)).await?;
    Ok(page.unwrap_or_else(|| registration::used(&state, LINK)))
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    offered(&state)?;
    let page = registration::take(&state, &headers, &peer, LINK, &form).await?;
    Ok(page.unwrap_or_else(|| registration::used(&state, LINK)))
}

fn offered(state: &AppState) -> Result<(), PageError> {
    exists_if(state.provider.settings().accounts.takes_invitations(), state)
}
