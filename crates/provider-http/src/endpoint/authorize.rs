//! `GET` and `POST /connect/authorize` (OIDC Core section 3.1.2.1).

use axum::{http::HeaderMap, response::Response};

use crate::{
    http::{cookies::Cookie, get_or_post::GetOrPost, peer::Peer},
    page::error::PageError,
    texts::Localized,
};

pub(crate) async fn get_or_post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    request: GetOrPost,
) -> Result<Response, PageError> {
    let state = state.in_look_of_request(Some(request.encoded()));
    let outcome = match request {
        GetOrPost::Whole(encoded) => {
            let cookie = state.cookies.read(&headers, Cookie::Session);
            state.provider.authorization().authorize(&encoded, cookie.as_ref(), &peer.0).await
        }
        GetOrPost::TooLarge(encoded) => {
            state.provider.authorization().refuse_too_large(&encoded, &peer.0).await
        }
    };
    state.respond_to_arrival(outcome, &headers).await
}
