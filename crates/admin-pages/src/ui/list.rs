//! Lists that are read in pages.

use doorward_admin::types::page::Page;
use doorward_leptos::boxed_effect;
use leptos::{prelude::*, task::spawn_local};
use serde::de::DeserializeOwned;

use super::{alert, button, nothing, table};
use crate::{
    api::{Call, Failure},
    route::query,
    session::Session,
};

/// How many empty pages are passed over. A search of the history looks at this many records and no
/// more, so a page may have none although there are some further on.
const MOST_EMPTY: u32 = 10;

/// What makes the call for the first page. What it reads is tracked.
type Source = Box<dyn Fn() -> Call + Send + Sync>;

/// A list. It is `Copy`, so closures can capture it.
pub struct List<T: 'static> {
    session: Session,
    source: StoredValue<Source>,
    rows: RwSignal<Vec<T>>,
    next: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<Failure>>,
    /// The beginning that is looked for, if the list is searched by one.
    prefix: Option<RwSignal<String>>,
    /// The answers of older requests come too late.
    turn: RwSignal<u32>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T: DeserializeOwned + Clone + Send + Sync + 'static> List<T> {
    /// Reads the first page now, and again when what the source reads has changed.
    pub fn new(session: Session, source: impl Fn() -> Call + Send + Sync + 'static) -> Self {
        let list = Self {
            session,
            source: StoredValue::new(Box::new(source)),
            rows: RwSignal::new(Vec::new()),
            next: RwSignal::new(None),
            busy: RwSignal::new(true),
            failure: RwSignal::new(None),
            prefix: None,
            turn: RwSignal::new(0),
        };
        boxed_effect(move || list.load(list.source.with_value(|source| source()), false, 0));
        list
    }

    /// The same list, which shows only what begins so. Where nothing does, it says that.
    pub fn searched(self, prefix: RwSignal<String>) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    /// Reads it again.
    pub fn reload(self) {
        let call = untrack(|| self.source.try_with_value(|source| source()));
        if let Some(call) = call {
            self.load(call, false, 0);
        }
    }

    /// Reads the next page, after this many empty ones.
    fn more(self, empty: u32) {
        let next = self.next.get_untracked().unwrap_or_default();
        let call = untrack(|| self.source.with_value(|source| source()));
        self.load(call.query(&query(&[("cursor", &next)])), true, empty);
    }

    fn load(self, call: Call, more: bool, empty: u32) {
        let turn = untrack(|| {
            self.turn.try_update(|turn| {
                *turn += 1;
                *turn
            })
        });
        self.busy.set(true);
        spawn_local(async move {
            let answer = self.session.call(call).await;
            // The list may be gone, or be another one by now.
            if self.turn.try_get_untracked() != turn {
                return;
            }
            self.busy.set(false);
            match answer.and_then(|answer| answer.read::<Page<T>>()) {
                Ok(page) => {
                    let goes_on = page.items.is_empty() && page.next.is_some();
                    self.failure.set(None);
                    self.next.set(page.next);
                    self.rows.update(|rows| {
                        if !more {
                            rows.clear();
                        }
                        rows.extend(page.items);
                    });
                    if goes_on && empty < MOST_EMPTY {
                        self.more(empty + 1);
                    }
                }
                Err(failure) => self.failure.set(Some(failure)),
            }
        });
    }

    /// The rows. Tracked.
    pub fn rows(self) -> Vec<T> {
        self.rows.get()
    }

    /// The list as a table. `row` gives the cells of a row, and `empty` says that there are none.
    pub fn table(
        self,
        caption: &'static str,
        headings: &'static [&'static str],
        empty: &'static str,
        row: impl Fn(T) -> Vec<AnyView> + Send + Sync + 'static,
    ) -> AnyView {
        let rows = move || {
            let rows = self.rows.get();
            if rows.is_empty() {
                return self.or_empty(empty);
            }
            table(caption, headings, rows.into_iter().map(&row).collect())
        };
        self.framed(rows.into_any())
    }

    /// Says that there are no rows, once that is known.
    pub fn or_empty(self, empty: &'static str) -> AnyView {
        let is_known = !self.busy.get()
            && self.next.with(Option::is_none)
            && self.failure.with(Option::is_none);
        if !is_known {
            return nothing();
        }
        let is_searched = self.prefix.is_some_and(|prefix| prefix.with(|text| !text.is_empty()));
        let said = if is_searched { self.session.texts.nothing_begins_so } else { empty };
        view! { <p class="muted">{said}</p> }.into_any()
    }

    /// The rows as they are shown elsewhere, with what becomes of the list.
    pub fn framed(self, rows: AnyView) -> AnyView {
        let t = self.session.texts;
        let failure = move || {
            let failure =
                self.failure.get().filter(|failure| !matches!(failure, Failure::StepUp(_)));
            failure.map(|failure| {
                view! {
                    {alert("alert-error", failure.message())}
                    {button(t.try_again, "btn btn-small", move || self.reload())}
                }
            })
        };
        let more = move || {
            let has_more = self.next.with(Option::is_some) && self.failure.with(Option::is_none);
            has_more.then(|| button(t.more, "btn btn-small", move || self.more(0)))
        };
        view! {
            <div class="list stack" aria-busy=move || self.busy.get().to_string()>
                {rows} {failure} {more}
            </div>
        }
        .into_any()
    }
}
