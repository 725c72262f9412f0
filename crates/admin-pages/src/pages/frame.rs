//! What is around the pages: the header, the navigation, and what stands in place of a page for
//! those who are not signed in or have no role.

use doorward_leptos::{AuthStatus, boxed_effect};
use leptos::prelude::*;

use super::{navigation, page};
use crate::{
    api::told,
    browser,
    route::Route,
    session::{Notice, Rights, Session},
    ui::{alert, badge, button, dialog::Dialog, fill, follow, nothing},
};

/// The pages, the content of `<body>`.
#[component]
pub fn App() -> impl IntoView {
    let session = Session::start();
    let t = session.texts;
    browser::mark("lang", t.language);
    browser::mark("data-hydrated", "true");
    boxed_effect(move || browser::mark("data-auth", session.auth.status().as_str()));
    let asked = RwSignal::new(false);
    boxed_effect(move || asked.set(session.wanted.with(Option::is_some)));
    boxed_effect(move || {
        if !asked.get() && session.wanted.with_untracked(Option::is_some) {
            session.wanted.set(None);
        }
    });
    let main = move || content(session);
    view! {
        <a class="skip-link" href="#main">{t.skip}</a>
        <div class="admin">
            {header(session)}
            <main id="main" class="stack" tabindex="-1">
                {main}
            </main>
        </div>
        <Dialog open=asked title=t.confirm_sign_in id="step-up">
            <p>
                {move || {
                    let wanted = session.wanted.get();
                    let refused = wanted.is_some_and(|wanted| wanted.was_refused);
                    if refused { t.step_up_refused } else { t.step_up_text }
                }}
            </p>
            <div class="row">
                {button(t.sign_in_again, "btn btn-primary", move || session.sign_in_as_wanted())}
                {button(t.cancel, "btn btn-quiet", move || asked.set(false))}
            </div>
        </Dialog>
    }
}

fn header(session: Session) -> impl IntoView {
    let t = session.texts;
    let user = move || {
        let name = session.auth.user_name()?;
        let role = session.role().map(|role| badge("", t.role_name(role.name())));
        let leave = button(t.sign_out, "btn btn-quiet btn-small", move || session.auth.sign_out());
        Some(view! { <span class="who">{name}</span> {role} {leave} })
    };
    let other = if t.language == "de" { ("en", "English") } else { ("de", "Deutsch") };
    let home = Route::Overview;
    view! {
        <header class="admin-header">
            <a class="brand" href=home.path() on:click=move |event| follow(session, &event, &home)>
                {mark()}
                <span>"Doorward"</span>
                <span class="muted brand-part">{t.administration}</span>
            </a>
            <div class="row">
                {user}
                <button
                    type="button"
                    class="btn btn-quiet btn-small"
                    lang=other.0
                    on:click=move |_| browser::choose_language(other.0)
                >
                    {other.1}
                </button>
            </div>
        </header>
    }
}

/// The mark of Doorward.
fn mark() -> impl IntoView {
    view! {
        <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
            <path
                fill="currentColor"
                d="M7 29V13a9 9 0 0 1 18 0v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1Z"
            ></path>
            <circle class="brand-knob" cx="20.5" cy="19" r="1.75"></circle>
        </svg>
    }
}

/// What is under the header: the page, or what stands in its place.
fn content(session: Session) -> AnyView {
    let t = session.texts;
    match session.config.get() {
        Some(Err(problem)) => return message(t.no_config, problem, nothing()),
        Some(Ok(config)) if !config.origins.contains(&browser::origin()) => {
            let usual = config.origins.first().cloned().unwrap_or_default();
            return message(t.other_origin, fill(t.other_origin_text, &[&usual]), nothing());
        }
        _ => {}
    }
    let status = Memo::new(move |_| session.auth.status().as_str());
    let rights = Memo::new(move |_| session.rights());
    let is_leaving = Memo::new(move |_| session.auth.is_leaving());
    let shown = move || {
        if is_leaving.get() {
            return view! { <p class="muted" role="status">{t.one_moment}</p> }.into_any();
        }
        match (status.get(), rights.get()) {
            ("signed-in", Rights::Role(_)) => whole(session),
            ("signed-in", Rights::None) => no_role(session),
            ("signed-in", Rights::Failed(failure)) => {
                let again = button(t.try_again, "btn btn-primary", move || session.ask_rights());
                message(t.no_answer, failure.message(), again)
            }
            ("loading", _) | ("signed-in", Rights::Unknown) => {
                view! { <p class="muted" role="status">{t.one_moment}</p> }.into_any()
            }
            _ => signed_out(session),
        }
    };
    shown.into_any()
}

/// The navigation beside the page.
fn whole(session: Session) -> AnyView {
    let t = session.texts;
    let links = move || {
        let section = session.route.get().section();
        let offered = navigation(t).into_iter().filter(|(.., it)| session.offers(*it));
        let links = offered.map(|(route, name, _)| {
            let current = (route == section).then_some("page");
            let path = route.path();
            let go = move |event| follow(session, &event, &route);
            view! { <li><a href=path aria-current=current on:click=go>{name}</a></li> }
        });
        links.collect_view()
    };
    let is_first = StoredValue::new(true);
    boxed_effect(move || {
        let route = session.route.get();
        if route == Route::SignedIn {
            // Whoever came without a page to return to.
            browser::show_path(&Route::Overview.path(), true);
            return session.route.set(Route::Overview);
        }
        let section = route.section();
        let name = navigation(t).into_iter().find(|(own, ..)| *own == section);
        let name = name.map_or(t.administration, |(_, name, _)| name);
        browser::set_title(&format!("{name} · {} · Doorward", t.administration));
        // A screen reader goes on where the new page begins.
        if !is_first.get_value() {
            request_animation_frame(|| browser::focus("page-title"));
        }
        is_first.set_value(false);
        // On a phone the navigation is a line that scrolls.
        request_animation_frame(browser::show_current_link);
    });
    view! {
        <div class="admin-body">
            <nav class="admin-nav" aria-label=t.administration>
                <ul>{links}</ul>
            </nav>
            <div class="admin-page stack">
                <div aria-live="polite">
                    {move || session.notice.get().map(|it| notice(session, it))}
                </div>
                {move || page(session, session.route.get())}
            </div>
        </div>
    }
    .into_any()
}

fn notice(session: Session, notice: Notice) -> AnyView {
    let (class, text) = match notice {
        Notice::Done(text) => ("alert alert-ok notice", text),
        Notice::Failed(text) => ("alert alert-error notice", text),
    };
    let close = button(session.texts.close, "btn btn-quiet btn-small", move || {
        session.notice.set(None);
    });
    view! { <div class=class id="notice"><p>{text}</p> {close}</div> }.into_any()
}

fn signed_out(session: Session) -> AnyView {
    let t = session.texts;
    let auth = session.auth;
    let has_expired = matches!(untrack(|| auth.status()), AuthStatus::Expired(_));
    let failure =
        move || auth.failure().map(|failure| alert("alert-error", told(&failure.error, t)));
    // Whoever comes back from the provider goes to where they wanted to go.
    let sign_in = button(t.sign_in, "btn btn-primary", move || {
        if session.route.get_untracked() == Route::SignedIn {
            browser::show_path(&Route::Overview.path(), true);
        }
        auth.sign_in_and_return();
    });
    let text = if has_expired { t.signed_out_expired } else { t.signed_out_text };
    view! {
        <section class="card stack admin-gate">
            <h1 id="page-title" tabindex="-1">{t.administration}</h1>
            <p>{text}</p>
            {failure}
            <div class="row">{sign_in}</div>
        </section>
    }
    .into_any()
}

fn no_role(session: Session) -> AnyView {
    let t = session.texts;
    let actions = view! {
        {button(t.try_again, "btn btn-primary", move || session.ask_rights())}
        {button(t.sign_out, "btn btn-quiet", move || session.auth.sign_out())}
    };
    message(t.no_role, t.no_role_text, actions.into_any())
}

fn message(title: impl Into<String>, text: impl Into<String>, actions: AnyView) -> AnyView {
    let (title, text) = (title.into(), text.into());
    view! {
        <section class="card stack admin-gate">
            <h1 id="page-title" tabindex="-1">{title}</h1>
            <p>{text}</p>
            <div class="row">{actions}</div>
        </section>
    }
    .into_any()
}
