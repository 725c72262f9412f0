//! The HTML document around every page.

use leptos::prelude::*;

use crate::{AppState, page::demo_mail, texts::Texts};

/// What every page needs around its content.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Path of the style sheet.
    pub(crate) style: String,
    /// Path of the icon.
    pub(crate) icon: String,
    /// Path of the letters that demo mode keeps.
    pub(crate) letters: Option<String>,
    /// The texts in the language of the page.
    pub(crate) texts: &'static Texts,
}

impl AppState {
    /// The layout of this provider's pages.
    pub(crate) fn layout(&self) -> Layout {
        Layout {
            style: self.base.join(&self.assets.style_path()),
            icon: self.base.join("/favicon.ico"),
            letters: self.settings.demo_mailbox.as_ref().map(|_| self.base.join(demo_mail::PATH)),
            texts: self.texts,
        }
    }
}

/// A whole document with `title` in the tab and `content` in one card in the middle.
pub(crate) fn document<V: IntoView + 'static>(
    layout: &Layout,
    title: &str,
    content: impl FnOnce() -> V,
) -> String {
    let title = format!("{title} · Doorward");
    let (style, icon, texts) = (layout.style.clone(), layout.icon.clone(), layout.texts);
    let letters = layout.letters.clone();
    // A view must be made within an owner, even if it reacts to nothing.
    Owner::new().with(|| {
        let letters = letters.map(|href| view! { <p><a href=href>{texts.demo_mail.title}</a></p> });
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
                            {letters}
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
                <path
                    d="M2.5 25h23"
                    stroke="currentColor"
                    stroke-width="2.25"
                    stroke-linecap="round"
                />
            </svg>
            "Doorward"
        </span>
    }
}

/// A hidden field of a form.
pub(crate) fn hidden(name: &'static str, value: String) -> impl IntoView {
    view! { <input type="hidden" name=name value=value/> }
}
