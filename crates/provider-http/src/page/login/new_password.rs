//! The form for somebody whom a directory lets in only with another password, and what becomes of
//! it.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{params::Params, secret::Secret};
use doorward_provider::{
    audit,
    model::directory::AccountProblem,
    use_case::{
        directory::{FirstChange, PasswordChangeError},
        sign_in::SignInError,
    },
};
use leptos::prelude::*;

use super::{LoginPage, PATH};
use crate::{
    AppState,
    http::{
        cookies::Cookie,
        csrf::{self, FormToken},
        peer::Peer,
        return_url::ReturnUrl,
    },
    page::{
        account::view::{Field, field},
        account_form::{AskingBrowser, RETURN_URL, TypedPassword, alert, password_fields},
        error::PageError,
        layout::{document, hidden},
        response::{html_with_policy, with_cookie},
    },
};

/// The value of `action` that the form sends.
pub(super) const ACTION: &str = "new-password";

impl LoginPage {
    /// Changes the password, and signs in with the new one.
    pub(super) async fn new_password(
        self,
        state: &AppState,
        headers: &HeaderMap,
        peer: &Peer,
        form: &Params,
    ) -> Result<Response, PageError> {
        let t = state.texts;
        let again = |page: &Self, problem: &str| {
            let problem = Some(problem.to_owned());
            Ok(page.show_new_password(state, headers, StatusCode::BAD_REQUEST, problem))
        };
        let username = self.username.clone().unwrap_or_default();
        let TypedPassword::Password(new) = TypedPassword::read(form) else {
            return again(&self, t.accounts.passwords_differ);
        };
        let present = form.get_secret("present").unwrap_or_else(|| Secret::new(""));
        let device = state.cookies.read(headers, Cookie::Device);
        let browser = AskingBrowser::new(state, headers, peer);
        let changed = state
            .provider
            .passwords()
            .change_password_first(&username, &present, &new, device.as_ref(), browser.asker())
            .await;
        // Whoever reads the history sees that a password was tried.
        let refused = |cause: &SignInError| {
            audit::Event::SignInRefused { peer: &peer.0, cause }.log();
        };
        match changed {
            Ok(FirstChange::Changed { .. }) => {}
            Ok(FirstChange::NotNeeded) => {
                // It was no sign-in.
                refused(&SignInError::WrongPassword);
                let page = self.with_problem(t.directory.no_change_needed);
                return Ok(page.show(state, headers, StatusCode::BAD_REQUEST).await);
            }
            Ok(FirstChange::Refused(PasswordChangeError::Unavailable(cause))) => {
                tracing::warn!(cause, "a directory could not change a password");
                refused(&SignInError::DirectoryUnavailable);
                return self.refused(state, headers, SignInError::DirectoryUnavailable).await;
            }
            Ok(FirstChange::Refused(PasswordChangeError::WrongPassword))
            | Err(SignInError::WrongPassword) => {
                refused(&SignInError::WrongPassword);
                return again(&self, t.own_page.present_password_wrong);
            }
            Ok(FirstChange::Refused(error @ PasswordChangeError::Refused(_))) => {
                tracing::info!(cause = %error, "a directory has not taken a new password");
                refused(&SignInError::Account(AccountProblem::MustChangePassword));
                return again(&self, t.directory.password_refused);
            }
            Err(error) => {
                refused(&error);
                // The form has not helped: it is not shown once more.
                return self.told(state, headers, error).await;
            }
        }
        self.by_password(state, headers, peer, &username, new).await
    }

    /// The form.
    pub(super) fn show_new_password(
        &self,
        state: &AppState,
        headers: &HeaderMap,
        status: StatusCode,
        problem: Option<String>,
    ) -> Response {
        let t = state.texts;
        let token = FormToken::for_page(headers, &state.cookies);
        let action = state.base.join(PATH);
        let return_url = self.return_url.as_ref().map(ReturnUrl::to_text);
        let (username, remember) = (self.username.clone().unwrap_or_default(), self.remember);
        let least = state.provider.settings().accounts.min_password_length;
        let markup = document(&state.layout(), t.directory.change_first, move || {
            let failed = problem.is_some();
            view! {
                <div class="stack-tight">
                    <h1>{t.directory.change_first}</h1>
                    <p>{t.directory.change_first_text}</p>
                </div>
                {alert(problem)}
                <form class="stack" method="post" action=action>
                    {hidden(csrf::FIELD, token.value)}
                    {return_url.map(|url| hidden(RETURN_URL, url))}
                    {remember.then(|| hidden("remember_login", "true".to_owned()))}
                    {field(Field {
                        name: "username",
                        label: t.user_name,
                        kind: "text",
                        value: username,
                        autocomplete: "username",
                        hint: None,
                        required: true,
                        refused: false,
                    })}
                    {field(Field {
                        name: "present",
                        label: t.own_page.present_password,
                        kind: "password",
                        value: String::new(),
                        autocomplete: "current-password",
                        hint: None,
                        required: true,
                        refused: failed,
                    })}
                    {password_fields(t, least, failed)}
                    <button class="btn btn-primary btn-block" name="action" value=ACTION>
                        {t.own_page.change_password}
                    </button>
                </form>
            }
        });
        with_cookie(html_with_policy(status, markup, &self.policy(state)), token.set_cookie)
    }
}
