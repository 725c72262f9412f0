//! `GET /`: the page of a signed-in user. Anyone else is sent to the login page.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_provider::model::paths;
use leptos::prelude::*;

use crate::{
    http::return_url::AccountPage,
    page::{
        error::PageError,
        grants,
        layout::{Layout, document},
        logout,
        response::{html, see_other},
    },
    texts::Localized,
};

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Some(session) = state.session(&headers).await? else {
        return Ok(see_other(&state.base.join(paths::LOGIN)));
    };
    let home = Home {
        username: state.username(&session).await?,
        account: state.base.join("/account"),
        grants: state.base.join(grants::PATH),
        passkeys: state
            .provider
            .factors()
            .offers_passkeys()
            .then(|| state.base.join(AccountPage::Passkeys.path())),
        authenticator: state.base.join(AccountPage::Authenticator.path()),
        logout: state.base.join(logout::PATH),
    };
    Ok(html(StatusCode::OK, view(&state.layout(), home)))
}

/// What the page shows.
struct Home {
    username: String,
    account: String,
    grants: String,
    /// The page of the passkeys, if there can be any.
    passkeys: Option<String>,
    authenticator: String,
    logout: String,
}

fn view(layout: &Layout, home: Home) -> String {
    let t = layout.texts;
    document(layout, t.signed_in, move || {
        view! {
            <div class="stack-tight">
                <h1>{t.you_are_signed_in}</h1>
                <p>
                    {t.browser_signed_in_as}" "<strong>{home.username}</strong>". "
                    {t.no_password_again}
                </p>
            </div>
            <div class="stack-tight">
                <a class="btn btn-primary btn-block" href=home.account>{t.own_page.title}</a>
                <a class="btn btn-block" href=home.grants>{t.access_and_sessions}</a>
                {home.passkeys.map(|href| view! {
                    <a class="btn btn-block" href=href>{t.factors.passkeys}</a>
                })}
                <a class="btn btn-block" href=home.authenticator>
                    {t.factors.authenticator_app}
                </a>
                <a class="btn btn-quiet btn-block" href=home.logout>{t.sign_out}</a>
            </div>
        }
    })
}
