//! The open panel in the document. In a release build, this part and the writing of cards are a
//! file of their own, which is loaded when the panel is opened.

use std::time::Duration;

use doorward_client::Trace;
use doorward_leptos::Auth;
use leptos::{ev::MouseEvent, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast as _, prelude::Closure};
use web_sys::Element;

use super::{
    PANEL, PanelTask, Record, html,
    lifetimes::Lifetimes,
    story::{self, Card},
};
use crate::browser::{self, Copied};

/// The content of the panel before the first step.
const FRAME: &str = r#"<p id="inspector_empty" class="muted">Nothing has happened yet in this tab. Press “Sign In”: each message between the page, the provider and the API appears here, with its parameters explained, and each check that the page makes. Nothing leaves your browser.</p><p id="inspector_in_memory" class="muted" hidden>This page keeps tokens in memory only, and so it does with the steps, which hold them: those from before the browser left for the provider are gone when it comes back.</p><div id="inspector_lifetimes"></div><div class="lanes" aria-hidden="true"><span>Page</span><span>Provider</span><span>API</span></div><ol id="inspector_steps" class="steps"></ol><p id="inspector_copied" class="visually-hidden" role="status"></p>"#;

/// Runs a task.
pub fn run(task: PanelTask) {
    match task {
        PanelTask::Fill(record, auth) => fill(record, auth),
        PanelTask::TakeApart(id, token) => {
            if let Some(element) = browser::element(&id) {
                element.set_inner_html(&html::token(&token));
            }
        }
    }
}

/// Fills the panel, and updates it while the page lives.
fn fill(record: Record, auth: Auth) {
    let Some(panel) = browser::element(PANEL) else {
        return;
    };
    panel.set_inner_html(FRAME);
    let cards = RwSignal::new_local(Vec::<Card>::new());
    copy_on_click(&panel, cards);
    Effect::new(move |before: Option<Vec<String>>| {
        let steps: Vec<Trace> = record.lines().lines().filter_map(Trace::from_line).collect();
        let told = story::cards(&steps);
        let now: Vec<String> =
            told.iter().zip(1..).map(|(card, number)| html::card(card, number)).collect();
        cards.set(told);
        show("inspector_empty", now.is_empty());
        update(&before.unwrap_or_default(), &now);
        now
    });
    Effect::new(move |_| show("inspector_in_memory", record.is_in_memory()));
    let draw = move || {
        let manager = auth.manager();
        let lead =
            manager.map_or(0, |manager| manager.settings().access_token_expiring_notification_time);
        // After sign-out there are no tokens.
        let drawn = cards.with(|cards| Lifetimes::of(cards, lead)).filter(|_| auth.is_signed_in());
        let html = drawn.map(|drawn| drawn.draw(browser::now())).unwrap_or_default();
        if let Some(place) = browser::element("inspector_lifetimes") {
            place.set_inner_html(&html);
        }
    };
    Effect::new(move |_| draw());
    set_interval(move || untrack(draw), Duration::from_secs(1));
}

fn show(id: &str, shown: bool) {
    if let Some(element) = browser::element(id) {
        let _ = element.toggle_attribute_with_force("hidden", !shown);
    }
}

/// Updates the list. Cards that did not change stay as they are, with the details that the reader
/// opened.
fn update(before: &[String], now: &[String]) {
    let Some(list) = browser::element("inspector_steps") else {
        return;
    };
    let item = |index: usize| list.children().item(u32::try_from(index).unwrap_or(u32::MAX));
    for (index, html) in now.iter().enumerate() {
        match (before.get(index), item(index)) {
            (Some(before), _) if before == html => {}
            (Some(_), Some(old)) => {
                let was_open =
                    old.query_selector("details.step-card[open]").is_ok_and(|open| open.is_some());
                old.set_outer_html(html);
                if was_open
                    && let Some(card) =
                        item(index).and_then(|new| new.query_selector("details").ok().flatten())
                {
                    let _ = card.set_attribute("open", "");
                }
            }
            _ => _ = list.insert_adjacent_html("beforeend", html),
        }
    }
    for index in (now.len()..before.len()).rev() {
        if let Some(old) = item(index) {
            old.remove();
        }
    }
}

/// Copies the card whose button is pressed.
fn copy_on_click(panel: &Element, cards: RwSignal<Vec<Card>, LocalStorage>) {
    let listener = Closure::<dyn FnMut(MouseEvent)>::new(move |event: MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let button = target.and_then(|target| target.closest("[data-copy]").ok().flatten());
        let number =
            button.and_then(|button| button.get_attribute("data-copy")?.parse::<usize>().ok());
        let text = number.and_then(|number| {
            cards.with_untracked(|cards| Some(html::plain_text(cards.get(number - 1)?)))
        });
        if let Some(text) = text {
            spawn_local(copy(text));
        }
    });
    // Adding a listener throws only without a target or a name.
    let _ = panel.add_event_listener_with_callback("click", listener.as_ref().unchecked_ref());
    // The panel lives as long as the page.
    listener.forget();
}

async fn copy(text: String) {
    let said = match browser::copy(text, "inspector_copied").await {
        Copied::Yes => "Copied, without secrets.",
        Copied::Selected => "This browser allows copying only on pages served by https.",
    };
    if let Some(status) = browser::element("inspector_copied") {
        status.set_text_content(Some(said));
    }
}
