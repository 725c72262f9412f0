//! The views of `/demo/mail`.

use doorward_mail::KeptMessage;
use doorward_provider::model::time::Timestamp;
use leptos::prelude::*;

use crate::page::{
    layout::{Layout, document},
    utc_time::utc_time,
};

/// What the list shows.
pub(crate) struct MessageList {
    pub(crate) path: String,
    pub(crate) home: String,
    /// The latest first.
    pub(crate) messages: Vec<KeptMessage>,
}

pub(crate) fn list(layout: &Layout, shown: MessageList) -> String {
    let t = &layout.texts.demo_mail;
    document(layout, t.title, move || {
        let none = shown.messages.is_empty().then(|| view! { <p class="muted">{t.none}</p> });
        let rows = shown.messages.into_iter().map(|kept| {
            let href = format!("{}/{}", shown.path, kept.number);
            view! {
                <li class="row row-spread">
                    <div>
                        <a class="row-link" href=href><strong>{kept.message.subject}</strong></a>
                        <p class="muted">
                            {t.to}" "{kept.to}", "{utc_time(Timestamp::from_seconds(kept.at))}
                        </p>
                    </div>
                </li>
            }
        });
        view! {
            <div class="stack-tight">
                <h1>{t.title}</h1>
                <p class="muted">{t.explanation}</p>
            </div>
            {none}
            <ul class="scope-list">{rows.collect_view()}</ul>
            <a class="btn btn-quiet btn-block" href=shown.home>{layout.texts.back}</a>
        }
    })
}

/// One message as text. A line that is nothing but an address of this provider is a link.
pub(crate) fn message(layout: &Layout, path: String, issuer: &str, kept: KeptMessage) -> String {
    let t = &layout.texts.demo_mail;
    let title = kept.message.subject.clone();
    document(layout, &title, move || {
        let paragraphs = kept.message.text.split("\n\n").map(|paragraph| {
            let lines = paragraph.lines().enumerate().map(|(index, line)| {
                let line = line.to_owned();
                let broken = (index > 0).then(|| view! { <br/> });
                let shown = if line.starts_with(issuer) && !line.contains(' ') {
                    let href = line.clone();
                    view! { <a class="mono" href=href>{line}</a> }.into_any()
                } else {
                    line.into_any()
                };
                view! { {broken}{shown} }
            });
            view! { <p>{lines.collect_view()}</p> }
        });
        let as_html = format!("{path}/{}/html", kept.number);
        view! {
            <div class="stack-tight">
                <h1>{kept.message.subject.clone()}</h1>
                <p class="muted">
                    {t.to}" "{kept.to.clone()}", "{utc_time(Timestamp::from_seconds(kept.at))}
                </p>
            </div>
            <div class="stack message">{paragraphs.collect_view()}</div>
            <div class="stack-tight">
                <a class="btn btn-block" href=as_html>{t.as_html}</a>
                <a class="btn btn-quiet btn-block" href=path.clone()>{t.all}</a>
            </div>
        }
    })
}
