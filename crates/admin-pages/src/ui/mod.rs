//! The parts that pages are made of. Whatever they show is text.

pub mod chart;
pub mod claims;
pub mod dialog;
pub mod form;
pub mod history;
pub mod json;
pub mod lifetime;
pub mod list;
pub mod object;
pub mod overtaken;
pub mod request_keys;
pub mod rows;
pub mod search;
pub mod settings;

use leptos::{ev::MouseEvent, prelude::*, task::spawn_local};

use crate::{browser, route::Route, session::Session};

/// A button that does something.
pub fn button(
    label: impl Into<String>,
    class: &'static str,
    act: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    fn boxed(label: String, class: &'static str, act: Box<dyn Fn() + Send + Sync>) -> AnyView {
        view! { <button type="button" class=class on:click=move |_| act()>{label}</button> }
            .into_any()
    }
    boxed(label.into(), class, Box::new(act))
}

/// A button that is named for screen readers by what it acts on, too.
pub fn named_button(
    label: impl Into<String>,
    name: impl Into<String>,
    class: &'static str,
    act: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    fn boxed(
        label: String,
        whole: String,
        class: &'static str,
        act: Box<dyn Fn() + Send + Sync>,
    ) -> AnyView {
        view! {
            <button type="button" class=class aria-label=whole on:click=move |_| act()>
                {label}
            </button>
        }
        .into_any()
    }
    let label = label.into();
    let whole = format!("{label}: {}", name.into());
    boxed(label, whole, class, Box::new(act))
}

/// A button that takes something out of a list in a form.
pub fn remove_button(
    session: Session,
    name: &str,
    act: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    let whole = format!("{}: {name}", session.texts.remove);
    view! {
        <button
            type="button"
            class="btn btn-quiet btn-icon"
            aria-label=whole
            on:click=move |_| act()
        >
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                <path d="M6 6l12 12M18 6 6 18" />
            </svg>
        </button>
    }
    .into_any()
}

/// A link to a page.
pub fn link(
    session: Session,
    route: Route,
    class: &'static str,
    label: impl Into<String>,
) -> AnyView {
    let (path, label) = (route.path(), label.into());
    let go = move |event: MouseEvent| follow(session, &event, &route);
    view! { <a class=class href=path on:click=go>{label}</a> }.into_any()
}

/// Goes to a page without loading the program again, unless the click asks for another tab.
pub fn follow(session: Session, event: &MouseEvent, route: &Route) {
    let is_plain = event.button() == 0
        && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
    if is_plain {
        event.prevent_default();
        session.go(route.clone());
    }
}

/// A small label: `badge-ok`, `badge-no` or no kind.
pub fn badge(kind: &'static str, text: impl Into<String>) -> AnyView {
    let (class, text) = (format!("badge {kind}"), text.into());
    view! { <span class=class>{text}</span> }.into_any()
}

/// A text in the type of code.
pub fn mono(text: impl Into<String>) -> AnyView {
    let text = text.into();
    view! { <span class="mono">{text}</span> }.into_any()
}

/// A text as it is.
pub fn plain(text: impl Into<String>) -> AnyView {
    text.into().into_any()
}

/// A text, or a dash if there is none.
pub fn or_dash(text: Option<String>) -> AnyView {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => text.into_any(),
        None => view! { <span class="muted">"–"</span> }.into_any(),
    }
}

/// A surface with a heading, and what can be done with it.
pub fn card(title: impl Into<String>, actions: AnyView, body: AnyView) -> AnyView {
    let title = title.into();
    view! {
        <section class="card stack admin-card">
            <div class="row row-spread">
                <h2 class="card-title">{title}</h2>
                <div class="row">{actions}</div>
            </div>
            {body}
        </section>
    }
    .into_any()
}

/// The heading of a page, and what can be done on it.
pub fn heading(title: impl Into<String>, actions: AnyView) -> AnyView {
    let title = title.into();
    view! {
        <div class="row row-spread page-head">
            <h1 id="page-title" tabindex="-1">{title}</h1>
            <div class="row">{actions}</div>
        </div>
    }
    .into_any()
}

/// Names and values.
pub fn facts(rows: Vec<(String, AnyView)>) -> AnyView {
    let rows = rows
        .into_iter()
        .map(|(name, value)| view! { <div class="fact"><dt>{name}</dt><dd>{value}</dd></div> })
        .collect_view();
    view! { <dl class="facts">{rows}</dl> }.into_any()
}

/// A table. On a phone each row becomes a block, with the heading before each value.
pub fn table(caption: &str, headings: &[&'static str], rows: Vec<Vec<AnyView>>) -> AnyView {
    let heads =
        headings.iter().map(|heading| view! { <th scope="col">{*heading}</th> }).collect_view();
    let rows = rows.into_iter().map(|cells| {
        let cells = cells.into_iter().zip(headings).map(|(cell, heading)| {
            view! { <td data-label=*heading>{cell}</td> }
        });
        view! { <tr>{cells.collect_view()}</tr> }
    });
    let rows = rows.collect_view();
    view! {
        <table class="rows">
            <caption class="visually-hidden">{caption.to_owned()}</caption>
            <thead><tr>{heads}</tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// A message with a coloured edge.
pub fn alert(kind: &'static str, text: impl Into<String>) -> AnyView {
    let (class, text) = (format!("alert {kind}"), text.into());
    let role = if kind == "alert-error" { "alert" } else { "status" };
    view! { <div class=class role=role><p>{text}</p></div> }.into_any()
}

/// A button that copies a text, and what became of that. `name` says to screen readers what it
/// copies, where there are several.
fn copy(session: Session, name: &str, class: &'static str, text: String) -> AnyView {
    let t = session.texts;
    let copied = RwSignal::new(None::<bool>);
    let act = move || {
        let text = text.clone();
        spawn_local(async move { copied.set(Some(browser::copy(&text).await)) });
    };
    let copy = match name {
        "" => button(t.copy, class, act),
        name => named_button(t.copy, name, class, act),
    };
    let said = move || match copied.get() {
        None => "",
        Some(true) => t.copied,
        Some(false) => t.not_copied,
    };
    view! { {copy} <span role="status">{said}</span> }.into_any()
}

/// A secret that is shown once, to be copied.
pub fn once(session: Session, label: &'static str, hint: &'static str, secret: String) -> AnyView {
    let copy = copy(session, "", "btn", secret.clone());
    view! {
        <div class="alert alert-ok once">
            <p class="alert-title">{label}</p>
            <p>{hint}</p>
            <output class="mono once-text" id="once" tabindex="0">{secret}</output>
            <div class="row">{copy}</div>
        </div>
    }
    .into_any()
}

/// A text to enter elsewhere, with a button to copy it.
pub fn copyable(session: Session, name: &str, text: String) -> AnyView {
    let copy = copy(session, name, "btn btn-small", text.clone());
    view! {
        <div class="copyable">
            <code class="mono">{text}</code>
            <div class="row">{copy}</div>
        </div>
    }
    .into_any()
}

/// Nothing.
pub fn nothing() -> AnyView {
    ().into_any()
}

/// Fills the places `{}` of a sentence.
pub fn fill(sentence: &str, values: &[&str]) -> String {
    let mut parts = sentence.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        filled.push_str(values.get(index).unwrap_or(&""));
        filled.push_str(part);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_their_places_and_are_not_read_again() {
        assert_eq!(fill("{} of {}", &["{}", "b"]), "{} of b");
        assert_eq!(fill("none", &["a"]), "none");
    }

    #[test]
    fn what_is_shown_is_text() {
        let hostile = "<img src=x onerror=alert(1)>\"'&";
        let html = Owner::new().with(|| {
            let row = vec![plain(hostile), mono(hostile), badge("", hostile)];
            let table = table(hostile, &["a", "b", "c"], vec![row]);
            view! { {facts(vec![(hostile.to_owned(), table)])} {alert("", hostile)} }.to_html()
        });
        assert!(!html.contains("<img"), "{html}");
    }
}
