//! `GET /demo/mail`: the shown that demo mode keeps instead of sending them. Without demo mode,
//! and from other machines, there is no such page.

mod view;

use std::net::IpAddr;

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header::CONTENT_SECURITY_POLICY},
    response::Response,
};
use doorward_mail::{DemoMailbox, KeptMessage};

use crate::{
    AppState,
    http::peer::Peer,
    page::{
        error::{PageError, PageErrorCause},
        response,
    },
    texts::Localized,
};

pub(crate) const PATH: &str = "/demo/mail";

/// A message's HTML is a document that others wrote: it runs nothing, loads nothing, posts nothing,
/// and has an origin of its own. Its links can be followed.
const LETTER_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; \
                             base-uri 'none'; frame-ancestors 'none'; sandbox";

/// `/demo/mail`: the list.
pub(crate) async fn list(Localized(state): Localized, peer: Peer) -> Result<Response, PageError> {
    let shown = view::MessageList {
        path: state.base.join(PATH),
        home: state.base.join("/"),
        messages: mailbox(&state, &peer)?.messages(),
    };
    Ok(response::html(StatusCode::OK, view::list(&state.layout(), shown)))
}

/// `/demo/mail/NUMBER`: a message as text.
pub(crate) async fn text(
    Localized(state): Localized,
    peer: Peer,
    Path(number): Path<String>,
) -> Result<Response, PageError> {
    let kept = message(&state, &peer, &number)?;
    let issuer = state.provider.issuer();
    let page = view::message(&state.layout(), state.base.join(PATH), issuer, kept);
    Ok(response::html(StatusCode::OK, page))
}

/// `/demo/mail/NUMBER/html`: a message as HTML.
pub(crate) async fn html(
    Localized(state): Localized,
    peer: Peer,
    Path(number): Path<String>,
) -> Result<Response, PageError> {
    let kept = message(&state, &peer, &number)?;
    let mut response = response::html(StatusCode::OK, kept.message.html);
    let policy = HeaderValue::from_static(LETTER_POLICY);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

fn mailbox<'a>(state: &'a AppState, peer: &Peer) -> Result<&'a DemoMailbox, PageError> {
    // A peer without an address is a test that uses no network.
    let is_near = peer.0.parse().map_or(true, |address: IpAddr| address.is_loopback());
    let mailbox = state.settings.demo_mailbox.as_deref().filter(|_| is_near);
    mailbox.ok_or_else(|| state.error(PageErrorCause::NotFound))
}

fn message(state: &AppState, peer: &Peer, number: &str) -> Result<KeptMessage, PageError> {
    let mailbox = mailbox(state, peer)?;
    let found = number.parse().ok().and_then(|number| mailbox.message(number));
    found.ok_or_else(|| state.error(PageErrorCause::NotFound))
}
