//! `GET` and `POST /connect/authorize` (OIDC Core section 3.1.2.1).

use axum::{http::HeaderMap, response::Response};

use crate::{
    http::{cookies::Cookie, get_or_post::GetOrPost},
    page::error::PageError,
    texts::Localized,
};

pub(crate) async fn get_or_post(
    Localized(state): Localized,
    headers: HeaderMap,
    GetOrPost(encoded): GetOrPost,
) -> Result<Response, PageError> {
    let cookie = state.cookies.read(&headers, Cookie::Session);
    state.respond(state.provider.authorize(&encoded, cookie.as_ref()).await, &headers).await
}
