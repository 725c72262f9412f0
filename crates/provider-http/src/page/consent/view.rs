//! The consent page (OIDC Core section 3.1.2.4).

use doorward_provider::model::resource::ScopeDescription;
use leptos::prelude::*;

use crate::page::account_form::RETURN_URL;
use crate::page::layout::{Layout, document, hidden};
use crate::{http::csrf, texts::Texts};

/// What the consent page shows.
pub(crate) struct Consent {
    pub(crate) action: String,
    pub(crate) form_token: String,
    pub(crate) return_url: String,
    pub(crate) client_name: String,
    pub(crate) client_uri: Option<String>,
    pub(crate) description: Option<String>,
    /// What users must know of an application that no operator wrote down.
    pub(crate) warning: Option<String>,
    pub(crate) policy_uri: Option<String>,
    pub(crate) tos_uri: Option<String>,
    pub(crate) logo: Option<String>,
    pub(crate) username: String,
    pub(crate) sid: String,
    pub(crate) scopes: Vec<ScopeDescription>,
    pub(crate) may_remember: bool,
}

pub(crate) fn consent(layout: &Layout, consent: Consent) -> String {
    let t = layout.texts;
    document(layout, t.allow_access, move || {
        let site = consent.client_uri.map(|uri| {
            let text = uri.clone();
            view! { <p><a href=uri rel="noopener noreferrer">{text}</a></p> }
        });
        // The name is beside the logo, so the logo needs no text of its own.
        let logo = consent.logo.map(|uri| view! { <img class="client-logo" src=uri alt=""/> });
        let description = consent.description.map(|text| view! { <p>{text}</p> });
        let warning = consent.warning.map(|text| view! { <p class="alert alert-info">{text}</p> });
        let link = |uri: Option<String>, text| {
            uri.map(|uri| view! { <p><a href=uri rel="noopener noreferrer">{text}</a></p> })
        };
        let policy = link(consent.policy_uri, t.privacy_policy);
        let terms = link(consent.tos_uri, t.terms_of_service);
        let remember = consent.may_remember.then(|| {
            view! {
                <label class="checkbox">
                    <input type="checkbox" name="remember_consent" value="true" checked=true/>
                    {t.remember_decision}
                </label>
            }
        });
        view! {
            <div class="stack-tight">
                {logo}
                <h1>{t.allow_client.with(&consent.client_name)}</h1>
                <p class="muted">
                    {t.signed_in_as}" "<strong>{consent.username}</strong>"."
                </p>
                {description}
                {site}
                {policy}
                {terms}
                {warning}
            </div>
            <form class="stack" method="post" action=consent.action>
                {hidden(csrf::FIELD, consent.form_token)}
                {hidden(RETURN_URL, consent.return_url)}
                {hidden("sid", consent.sid)}
                <p class="muted">{t.it_asks_for}</p>
                <ul class="scope-list">
                    {consent.scopes.into_iter().map(|own| scope(t, t.scope(own))).collect_view()}
                </ul>
                {remember}
                <div class="stack-tight">
                    <button class="btn btn-primary btn-block" name="action" value="allow">
                        {t.allow}
                    </button>
                    <button class="btn btn-quiet btn-block" name="action" value="deny">
                        {t.do_not_allow}
                    </button>
                </div>
            </form>
        }
    })
}

/// A scope as a checkbox. Browsers do not post a box that is disabled, so a required scope is in a
/// hidden field, too: the answer says what was shown.
pub(crate) fn scope(t: &'static Texts, scope: ScopeDescription) -> impl IntoView {
    let name = if scope.emphasize {
        view! { <strong>{scope.display_name}</strong> }.into_any()
    } else {
        view! { <span>{scope.display_name}</span> }.into_any()
    };
    let second_line =
        if scope.required { Some(t.always_needed.to_owned()) } else { scope.description };
    let second_line = second_line.map(|line| view! { <span class="field-hint">" " {line}</span> });
    let shown = scope.required.then(|| hidden("scope", scope.name.clone()));
    view! {
        <li>
            {shown}
            <label class="checkbox">
                <input
                    type="checkbox"
                    name="scope"
                    value=scope.name
                    checked=true
                    disabled=scope.required
                />
                <span>{name}{second_line}</span>
            </label>
        </li>
    }
}
