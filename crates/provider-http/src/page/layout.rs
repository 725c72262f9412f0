//! The HTML document around every page.

use doorward_provider::model::branding::FooterLinks;
use leptos::prelude::*;

use crate::{
    AppState,
    branding::{Look, USUAL_NAME},
    page::demo_mail,
    texts::Texts,
};

/// What every page needs around its content.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Path of the style sheet.
    pub(crate) style: String,
    /// Path of the style sheet with an operator's colours, which comes after it.
    pub(crate) accents: Option<String>,
    /// Path of the icon: the logo, or else ours.
    pub(crate) icon: String,
    /// Name, logo and links.
    pub(crate) look: Look,
    /// Path of the letters that demo mode keeps.
    pub(crate) letters: Option<String>,
    /// The texts in the language of the page.
    pub(crate) texts: &'static Texts,
}

impl AppState {
    /// The layout of this provider's pages.
    pub(crate) fn layout(&self) -> Layout {
        let branding = self.settings.branding.current();
        let look = Look::of(&branding, self.client_branding());
        Layout {
            style: self.base.join(&self.assets.style_path()),
            accents: look.accents.as_ref().map(|name| self.base.join(&format!("/assets/{name}"))),
            icon: self.base.join(look.logo.as_deref().unwrap_or("/favicon.ico")),
            look: Look { logo: look.logo.map(|path| self.base.join(&path)), ..look },
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
    let Layout { style, accents, icon, look, letters, texts } = layout.clone();
    let title = format!("{title} · {}", look.name);
    let footer = texts.footer.with(&look.name);
    // A view must be made within an owner, even if it reacts to nothing.
    Owner::new().with(|| {
        let links = footer_links(texts, look.links);
        let letters = letters.map(|href| view! { <p><a href=href>{texts.demo_mail.title}</a></p> });
        view! {
            <!DOCTYPE html>
            <html lang=texts.lang>
                <head>
                    <meta charset="utf-8"/>
                    <meta name="viewport" content="width=device-width, initial-scale=1"/>
                    <meta name="color-scheme" content="light dark"/>
                    <title>{title}</title>
                    <link rel="icon" href=icon/>
                    <link rel="stylesheet" href=style/>
                    {accents.map(|href| view! { <link rel="stylesheet" href=href/> })}
                </head>
                <body>
                    <div class="shell shell-narrow">
                        <header class="shell-header">{brand(look.name, look.logo)}</header>
                        <main>
                            <div class="card stack">{content()}</div>
                        </main>
                        <footer class="shell-footer">
                            <p>{footer}</p>
                            {links}
                            {letters}
                        </footer>
                    </div>
                </body>
            </html>
        }
        .to_html()
    })
}

/// The links of an operator under every page.
fn footer_links(texts: &'static Texts, links: FooterLinks) -> impl IntoView {
    let FooterLinks { imprint, privacy, help } = links;
    let links: Vec<_> =
        [(texts.imprint, imprint), (texts.privacy_policy, privacy), (texts.help, help)]
            .into_iter()
            .filter_map(|(text, link)| {
                let href = link?.as_str().to_owned();
                Some(view! { <a href=href rel="noopener noreferrer">{text}</a> })
            })
            .collect();
    (!links.is_empty()).then(|| view! { <p class="row">{links}</p> })
}

/// The name with its logo. The name is beside the logo, so the logo needs no text of its own.
fn brand(name: String, logo: Option<String>) -> impl IntoView {
    let mark = match logo {
        Some(src) => view! { <img class="brand-logo" src=src alt=""/> }.into_any(),
        None if name == USUAL_NAME => our_mark().into_any(),
        None => ().into_any(),
    };
    view! { <span class="brand">{mark} {name}</span> }
}

fn our_mark() -> impl IntoView {
    view! {
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
    }
}

/// A hidden field of a form.
pub(crate) fn hidden(name: &'static str, value: String) -> impl IntoView {
    view! { <input type="hidden" name=name value=value/> }
}
