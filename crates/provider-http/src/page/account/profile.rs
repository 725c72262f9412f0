//! `GET` and `POST /account/profile`: the standard claims that users may change themselves.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_provider::{
    model::{
        editable_claim::{EditableClaim, NoClaimValue},
        session::Session,
        user::User,
    },
    use_case::accounts::AccountError,
};
use leptos::prelude::*;

use super::{
    PATH,
    view::{self, Field, Told},
};
use crate::{
    AppState,
    http::{
        csrf::{self, FormToken},
        form::PageForm,
        fresh_session::FreshSession,
        peer::Peer,
        return_url::AccountPage,
    },
    page::{
        account_form::AskingBrowser,
        error::PageError,
        layout::hidden,
        response::{html, with_cookie},
    },
    texts::Localized,
};

const OWN_PATH: &str = AccountPage::Profile.path();

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
) -> Result<Response, PageError> {
    Ok(Form::of(&state, &session).await?.show(&state, &headers, StatusCode::OK, None))
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
    PageForm(posted): PageForm,
) -> Result<Response, PageError> {
    let mut form = Form::of(&state, &session).await?;
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &posted) {
        let told = Told::Problem(state.texts.form_expired.to_owned());
        return Ok(form.show(&state, &headers, StatusCode::BAD_REQUEST, Some(told)));
    }
    let t = &state.texts.own_page;
    let mut changes = Vec::new();
    for (claim, value) in &mut form.values {
        posted.get(claim.name()).unwrap_or_default().clone_into(value);
        match claim.parse(value) {
            Ok(parsed) => changes.push((*claim, parsed)),
            Err(NoClaimValue(claim)) => form.refused = form.refused.or(Some(claim)),
        }
    }
    if let Some(claim) = form.refused {
        let told = Told::Problem(t.claim_refused.with((t.claim)(claim.name())));
        return Ok(form.show(&state, &headers, StatusCode::BAD_REQUEST, Some(told)));
    }
    let browser = AskingBrowser::new(&state, &headers, &peer);
    match state
        .provider
        .accounts()
        .change_profile(&session.authentication, &changes, browser.asker())
        .await
    {
        Ok(()) => {
            let told = Told::Done(t.saved.to_owned());
            Ok(form.show(&state, &headers, StatusCode::OK, Some(told)))
        }
        Err(AccountError::Store(error)) => Err(state.error(error)),
        Err(_) => {
            let told = Told::Problem(t.changed_meanwhile.to_owned());
            Ok(form.show(&state, &headers, StatusCode::CONFLICT, Some(told)))
        }
    }
}

/// The form with its values.
struct Form {
    values: Vec<(EditableClaim, String)>,
    refused: Option<EditableClaim>,
}

impl Form {
    async fn of(state: &AppState, session: &Session) -> Result<Self, PageError> {
        let user = state.own_user(session).await?;
        let claims = &state.provider.settings().accounts.editable_claims;
        let values = claims.iter().map(|claim| (*claim, present(&user, *claim))).collect();
        Ok(Self { values, refused: None })
    }

    fn show(
        self,
        state: &AppState,
        headers: &HeaderMap,
        status: StatusCode,
        told: Option<Told>,
    ) -> Response {
        let t = state.texts;
        let token = FormToken::for_page(headers, &state.cookies);
        let action = state.base.join(OWN_PATH);
        let (layout, own_page) = (state.layout(), state.base.join(PATH));
        let markup = view::section(&layout, t.own_page.profile, told, own_page, move || {
            if self.values.is_empty() {
                return view! { <p>{t.own_page.nothing_to_edit}</p> }.into_any();
            }
            let fields = self.values.into_iter().map(|(claim, value)| {
                view::field(Field {
                    name: claim.name(),
                    label: (t.own_page.claim)(claim.name()),
                    kind: kind(claim),
                    value,
                    autocomplete: autocomplete(claim),
                    hint: (t.own_page.claim_hint)(claim.name()).map(str::to_owned),
                    required: false,
                    refused: self.refused == Some(claim),
                })
            });
            view! {
                <form class="stack" method="post" action=action>
                    {hidden(csrf::FIELD, token.value)}
                    {fields.collect_view()}
                    <button class="btn btn-primary btn-block">{t.own_page.save}</button>
                </form>
            }
            .into_any()
        });
        with_cookie(html(status, markup), token.set_cookie)
    }
}

/// What the claim says now, if it is one text.
fn present(user: &User, claim: EditableClaim) -> String {
    user.claims.0.get(claim.name()).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

fn kind(claim: EditableClaim) -> &'static str {
    match claim {
        EditableClaim::Profile | EditableClaim::Picture | EditableClaim::Website => "url",
        _ => "text",
    }
}

/// What a browser may fill in (WCAG 2.2 success criterion 1.3.5).
fn autocomplete(claim: EditableClaim) -> &'static str {
    match claim {
        EditableClaim::Name => "name",
        EditableClaim::GivenName => "given-name",
        EditableClaim::FamilyName => "family-name",
        EditableClaim::MiddleName => "additional-name",
        EditableClaim::Nickname => "nickname",
        EditableClaim::Picture => "photo",
        EditableClaim::Website => "url",
        EditableClaim::Gender => "sex",
        EditableClaim::Birthdate => "bday",
        EditableClaim::Locale => "language",
        EditableClaim::Profile | EditableClaim::Zoneinfo => "off",
    }
}
