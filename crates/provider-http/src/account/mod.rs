//! The user's account pages: `/account/login`, `/account/logout`, and the provider's front door
//! `/`.

pub(crate) mod login;
pub(crate) mod logout;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};

use crate::{
    cookies::Cookie,
    page::{html, see_other},
    pages,
    texts::Localized,
};

/// `GET /`: who is signed in here. Whoever is not goes to the login page.
pub(crate) async fn home(Localized(state): Localized, headers: HeaderMap) -> Response {
    let cookie = state.cookies.read(&headers, Cookie::Session);
    match state.provider.session(cookie.as_ref()).await {
        Ok(Some(session)) => {
            let (grants, logout) = (state.base.join("/grants"), state.base.join("/account/logout"));
            html(
                StatusCode::OK,
                pages::home::page(&state.frame(), &session.authentication.sub, grants, logout),
            )
        }
        Ok(None) => see_other(&state.base.join("/account/login")),
        Err(error) => state.unavailable(&error),
    }
}
