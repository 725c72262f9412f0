//! `/connect/endsession` and `/account/logout` (OIDC RP-Initiated Logout 1.0).

mod back_channel;
mod front_channel;
mod grants;
mod hint;
mod question;
mod return_address;

use axum::http::StatusCode;
use doorward_protocol::params;

use crate::support::{Answer, Browser, Page, authorize_url};

pub fn url(pairs: &[(&str, &str)]) -> String {
    format!("/connect/endsession?{}", params::encode(pairs.iter().copied()))
}

pub async fn id_token(browser: &mut Browser<'_>) -> String {
    browser.tokens(&[]).await["id_token"].as_str().unwrap().to_owned()
}

pub async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get(&authorize_url(&[("prompt", "none")])).await.redirect_param("code").is_some()
}

/// The question whether to sign out; nothing has happened yet.
pub async fn question(browser: &mut Browser<'_>, answer: &Answer) -> Page {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let page = answer.page();
    assert_eq!(page.form_action(), "/account/logout");
    assert!(is_signed_in(browser).await);
    page
}

/// A page that says which parameter of the request is not valid, with the error code.
#[track_caller]
pub fn assert_problem(answer: &Answer, parameter: &str) {
    let page = answer.page();
    assert!(page.all("code").next().is_some(), "{answer:?}");
    assert!(page.text.contains("invalid_request"), "{answer:?}");
    assert!(page.text.contains(&format!("({parameter})")), "{answer:?}");
}

/// The page that says that the user is signed out, from which nothing leads to a client.
#[track_caller]
pub fn assert_signed_out_page(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.location(), "");
    assert!(answer.page().text.contains("You are signed out"), "{answer:?}");
    assert!(!answer.body.contains("localhost:5001"), "{answer:?}");
}
