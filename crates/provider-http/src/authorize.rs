//! `GET` and `POST /connect/authorize` (OIDC Core section 3.1.2.1).

use axum::{extract::Request, response::Response};
use doorward_provider::model::paths;

use crate::{cookies::Cookie, front_channel, texts::Localized};

pub(crate) async fn get_or_post(Localized(state): Localized, request: Request) -> Response {
    let (headers, encoded) = match front_channel::read(&state, paths::AUTHORIZE, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let cookie = state.cookies.read(&headers, Cookie::Session);
    state.respond(state.provider.authorize(&encoded, cookie.as_ref()).await, &headers)
}
