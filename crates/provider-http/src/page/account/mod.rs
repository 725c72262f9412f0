//! `GET /account`: the user's own page, and its sections in a file each.

pub(crate) mod activity;
pub(crate) mod confirm_email;
pub(crate) mod data;
pub(crate) mod deletion;
pub(crate) mod email;
pub(crate) mod identities;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod sessions;
pub(super) mod view;

use axum::{http::StatusCode, response::Response};
use doorward_provider::model::user::User;

use crate::{
    AppState,
    http::fresh_session::SignedIn,
    page::{error::PageError, grants, logout, response::html},
    texts::Localized,
};

/// The path of the index. Those of the sections begin with it.
pub(crate) const PATH: &str = "/account";

pub(crate) async fn get(
    Localized(state): Localized,
    SignedIn(session): SignedIn,
) -> Result<Response, PageError> {
    let user = state.own_user(&session).await?;
    // Who has a link sees it, also when its provider is gone.
    let has_identities = !state.provider.vouching().providers().is_empty() || {
        let linked = state.provider.external_sign_ins().external_identities(&user.sub).await;
        !linked.map_err(|error| state.error(error))?.is_empty()
    };
    let index = view::Index {
        entries: entries(&state, &user, has_identities),
        username: user.username,
        logout: state.base.join(logout::PATH),
    };
    Ok(html(StatusCode::OK, view::index(&state.layout(), index)))
}

/// The sections in their order. A section is a line here, and its routes.
fn entries(state: &AppState, user: &User, has_identities: bool) -> Vec<view::Entry> {
    let t = &state.texts.own_page;
    let settings = &state.provider.settings().accounts;
    let sections = [
        ("/account/profile", t.profile, !settings.editable_claims.is_empty()),
        ("/account/email", t.email, settings.mail),
        ("/account/confirm-email", t.confirm_email, settings.mail && confirm_email::waits(user)),
        ("/account/password", t.password, true),
        ("/account/passkeys", t.passkeys, true),
        ("/account/authenticator", t.authenticator, true),
        ("/account/recovery-codes", t.recovery_codes, true),
        ("/account/identities", state.texts.external.section, has_identities),
        ("/account/sessions", t.sessions, true),
        (grants::PATH, t.applications, true),
        ("/account/activity", t.activity, true),
        ("/account/data", t.data, true),
        ("/account/delete", t.delete, settings.allow_deletion),
    ];
    let offered = sections.into_iter().filter(|(.., is_offered)| *is_offered);
    offered
        .map(|(path, (title, text), _)| view::Entry { href: state.base.join(path), title, text })
        .collect()
}
