//! The selection of the API route, and what the page expects of a call.

use std::time::Duration;

use doorward_demo::{self as demo, DemoGroup, DemoRoute};
use doorward_leptos::use_auth;
use doorward_policy::Principal;
use leptos::{prelude::*, tachys::view::iterators::StaticVec};

use super::{Button, icons::SEND};
use crate::{
    browser,
    derived::{boxed_effect, derived},
    pages::ApiCalls,
    routes::{self, Verdict},
};

/// How often it is looked whether a sign-in is still recent.
const TICK: Duration = Duration::from_secs(5);

/// The caller as the API will see it, and when.
#[derive(Clone, Copy)]
struct Caller {
    principal: Memo<Option<Principal>>,
    now: RwSignal<u64>,
}

impl Caller {
    fn new() -> Self {
        let auth = use_auth();
        let principal = derived(move || auth.with_user(routes::principal).flatten());
        let now = RwSignal::new(0);
        boxed_effect(move || {
            let look = move || now.set(browser::now());
            let is_there = principal.with(Option::is_some);
            look();
            if is_there && let Ok(ticking) = set_interval_with_handle(look, TICK) {
                on_cleanup(move || ticking.clear());
            }
        });
        Self { principal, now }
    }

    /// What the API will say. Tracked.
    fn verdict(self, route: &DemoRoute) -> Verdict {
        let now = self.now.get();
        self.principal.with(|principal| routes::verdict(route, principal.as_ref(), now))
    }
}

/// All routes, each with the verdict of the policies that the API enforces.
#[component]
pub fn ApiChooser(
    /// The selected route, and the calls that the button starts.
    calls: ApiCalls,
) -> impl IntoView {
    let caller = Caller::new();
    let nobody = derived(move || caller.principal.with(Option::is_none));
    let waiting = derived(move || calls.is_waiting());
    view! {
        <section class="card stack" aria-labelledby="api-title">
            <div class="stack stack-tight">
                <h2 id="api-title">"Protected API"</h2>
                <p class="muted">"The verdicts come from the policies that the API itself \
                    enforces."</p>
            </div>
            <div class="field">
                <label for="api_route">"Route"</label>
                // Otherwise a browser that restores the selection after a reload would show another
                // route than the one that is called.
                <select
                    id="api_route"
                    autocomplete="off"
                    aria-describedby="api_verdict"
                    prop:value=move || calls.route()
                    on:change=move |event| calls.choose(event_target_value(&event))
                >
                    {DemoGroup::ALL.map(|group| view! { <Options group caller/> })}
                </select>
            </div>
            <ChosenRoute calls caller/>
            <div>
                <Button
                    id="api_call"
                    label="Call this route"
                    icon=SEND
                    disabled=nobody
                    busy=waiting
                    press=move |()| calls.call_chosen()
                />
            </div>
            <details class="all-routes">
                <summary>"Every route at a glance"</summary>
                {DemoGroup::ALL.map(|group| view! { <Overview group caller/> })}
            </details>
        </section>
    }
}

/// The verdict of a route's policies: its style, its label and its reasons.
fn verdict(
    caller: Caller,
    route: impl Fn() -> Option<&'static DemoRoute> + Copy + Send + Sync + 'static,
) -> (Memo<&'static str>, Memo<&'static str>, Memo<String>) {
    let verdict =
        derived(move || route().map_or(Verdict::SignInFirst, |route| caller.verdict(route)));
    let class = derived(move || {
        verdict.with(|verdict| match verdict {
            Verdict::SignInFirst | Verdict::SignInAgain(_) => "badge",
            Verdict::Allowed => "badge badge-ok",
            Verdict::Denied(_) => "badge badge-no",
        })
    });
    let label = derived(move || verdict.with(Verdict::label));
    let reasons = derived(move || verdict.with(Verdict::reasons));
    (class, label, reasons)
}

/// The options of one group.
#[component]
fn Options(group: DemoGroup, caller: Caller) -> impl IntoView {
    let option = |route: &'static DemoRoute| {
        let text = derived(move || match caller.verdict(route) {
            Verdict::SignInFirst => route.title.to_owned(),
            Verdict::Allowed => format!("{} · allowed", route.title),
            Verdict::SignInAgain(_) => format!("{} · sign in again", route.title),
            Verdict::Denied(_) => format!("{} · denied", route.title),
        });
        view! { <option value=route.path.as_str()>{text}</option> }
    };
    let options: Vec<_> = routes::of_group(group).map(option).collect();
    view! {
        <optgroup label=group.title()>{StaticVec::from(options)}</optgroup>
    }
}

/// The description of the selected route.
#[component]
fn ChosenRoute(calls: ApiCalls, caller: Caller) -> impl IntoView {
    let route = move || demo::route(&calls.route());
    let (class, label, reasons) = verdict(caller, route);
    let request = derived(move || format!("GET {}", calls.route()));
    let summary = derived(move || route().map_or("", |route| route.summary));
    let policies = derived(move || route().map(routes::policies).unwrap_or_default());
    view! {
        <div class="stack stack-tight">
            <p class="mono">{request}</p>
            <p class="muted">{summary}</p>
            <p class="muted">{policies}</p>
            <p id="api_verdict" class="row verdict" aria-live="polite">
                <span class=class>{label}</span>
                <span>{reasons}</span>
            </p>
        </div>
    }
}

/// The verdicts of one group.
#[component]
fn Overview(group: DemoGroup, caller: Caller) -> impl IntoView {
    let item = |route: &'static DemoRoute| {
        let (class, label, reasons) = verdict(caller, move || Some(route));
        view! {
            <li>
                <span class="route-title">{route.title}</span>
                <span class=class>{label}</span>
                <span class="muted route-reason">{reasons}</span>
            </li>
        }
    };
    let items: Vec<_> = routes::of_group(group).map(item).collect();
    view! {
        <h3>{group.title()}</h3>
        <ul class="route-list">{StaticVec::from(items)}</ul>
    }
}
