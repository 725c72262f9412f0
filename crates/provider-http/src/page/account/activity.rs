//! `GET /account/activity`: what happened to the account lately, in pages.

use axum::{http::StatusCode, response::Response};
use doorward_provider::model::account_event::KeptEvent;
use leptos::prelude::*;

use super::{PATH, view};
use crate::{
    AppState,
    http::{form::PageQuery, fresh_session::SignedIn},
    page::{error::PageError, response::html, utc_time::utc_time},
    texts::Localized,
};

/// Events on one page.
const EVENTS_A_PAGE: u32 = 30;

/// `?before=NUMBER` shows those that are older.
pub(crate) async fn get(
    Localized(state): Localized,
    SignedIn(session): SignedIn,
    query: Result<PageQuery, PageError>,
) -> Result<Response, PageError> {
    let before = query.ok().and_then(|query| query.0.get("before")?.parse().ok());
    let sub = &session.authentication.sub;
    let events = state.provider.accounts().account_events(sub, before, EVENTS_A_PAGE + 1).await;
    let mut events = events.map_err(|error| state.error(error))?;
    let has_more = events.len() > EVENTS_A_PAGE as usize;
    events.truncate(EVENTS_A_PAGE as usize);
    let older = events
        .last()
        .filter(|_| has_more)
        .map(|last| state.base.join(&format!("{PATH}/activity?before={}", last.number)));
    Ok(html(StatusCode::OK, page(&state, events, older)))
}

fn page(state: &AppState, events: Vec<KeptEvent>, older: Option<String>) -> String {
    let t = state.texts;
    view::section(&state.layout(), t.own_page.activity, None, state.base.join(PATH), move || {
        let none =
            events.is_empty().then(|| view! { <p class="muted">{t.own_page.nothing_happened}</p> });
        let rows = events.into_iter().map(|KeptEvent { event, .. }| {
            let detail = event.detail.map(|detail| format!(": {detail}"));
            let from = [event.device.browser, event.device.address];
            let from: Vec<String> = from.into_iter().flatten().collect();
            let from = (!from.is_empty()).then(|| format!(", {}", from.join(", ")));
            view! {
                <li class="stack-tight">
                    <p><strong>{(t.own_page.event)(event.kind)}</strong>{detail}</p>
                    <p class="muted">{utc_time(event.at)}{from}</p>
                </li>
            }
        });
        let older = older.map(|href| {
            view! { <a class="btn btn-quiet btn-small" href=href>{t.own_page.older}</a> }
        });
        view! {
            {none}
            <ul class="scope-list">{rows.collect_view()}</ul>
            {older}
            <p class="muted">{t.own_page.not_you}</p>
        }
    })
}
