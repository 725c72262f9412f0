//! The provider's pages: Leptos views rendered on the server, without hydration and without script.

pub(crate) mod consent;
pub(crate) mod device;
pub(crate) mod error;
pub(crate) mod form_post;
pub(crate) mod grants;
pub(crate) mod home;
pub(crate) mod login;
pub(crate) mod logout;
mod moment;

use leptos::prelude::*;

use crate::texts::Texts;

/// What stands around every page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Path of the style sheet.
    pub(crate) style: String,
    /// Path of the icon.
    pub(crate) icon: String,
    /// What it says.
    pub(crate) texts: &'static Texts,
}

/// A whole document: `title` for the tab, `content` for the one card in the middle.
fn document<V: IntoView + 'static>(
    frame: &Frame,
    title: &str,
    content: impl FnOnce() -> V,
) -> String {
    let title = format!("{title} · Doorward");
    let (style, icon, texts) = (frame.style.clone(), frame.icon.clone(), frame.texts);
    // Views need an owner to be made in, even those that react to nothing.
    Owner::new().with(|| {
        view! {
            <!DOCTYPE html>
            <html lang=texts.lang>
                <head>
                    <meta charset="utf-8"/>
                    <meta name="viewport" content="width=device-width, initial-scale=1"/>
                    <meta name="color-scheme" content="light dark"/>
                    <title>{title}</title>
                    <link rel="icon" href=icon type="image/svg+xml"/>
                    <link rel="stylesheet" href=style/>
                </head>
                <body>
                    <div class="shell shell-narrow">
                        <header class="shell-header">{brand()}</header>
                        <main>
                            <div class="card stack">{content()}</div>
                        </main>
                        <footer class="shell-footer">
                            <p>{texts.footer}</p>
                        </footer>
                    </div>
                </body>
            </html>
        }
        .to_html()
    })
}

fn brand() -> impl IntoView {
    view! {
        <span class="brand">
            <svg class="brand-mark" viewBox="0 0 28 28" fill="none" aria-hidden="true">
                <path
                    d="M5 25V7.5C5 5 7 3 9.5 3h9C21 3 23 5 23 7.5V25"
                    stroke="currentColor"
                    stroke-width="2.25"
                    stroke-linecap="round"
                />
                <path d="M9 25V8.4c0-.7.5-1.2 1.2-1.1l7 1c.6.1 1 .6 1 1.1V25z" fill="currentColor"/>
                <circle class="brand-knob" cx="15.4" cy="16.6" r="1.5"/>
                <path d="M2.5 25h23" stroke="currentColor" stroke-width="2.25" stroke-linecap="round"/>
            </svg>
            "Doorward"
        </span>
    }
}

/// The form token and what else a form carries unseen.
fn hidden(name: &'static str, value: String) -> impl IntoView {
    view! { <input type="hidden" name=name value=value/> }
}
