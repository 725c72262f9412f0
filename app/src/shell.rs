//! The document around the application, as the server sends it.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::HashedStylesheet;

use crate::{App, components::icons::BrandMark, pages::NotFound};

/// The page, whole. Its one inline script carries the nonce of this response, so that the server
/// may send a `Content-Security-Policy` with
/// `script-src 'self' 'nonce-…' 'wasm-unsafe-eval'; style-src 'self'`.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let scripts = view! {
        <script src="/fallback.js" defer nonce=use_nonce()></script>
        <AutoReload options=options.clone()/>
        <HydrationScripts options=options.clone()/>
    };
    let body = view! {
        <App/>
        // No part of the application, whose program would have to carry it.
        <noscript>
            <p class="alert alert-info fatal">
                "This page signs you in from within the browser. Please allow JavaScript and load it again."
            </p>
        </noscript>
        // Shown by fallback.js when the WebAssembly part can't load or has stopped.
        <div id="fatal" class="alert alert-error fatal" role="alert" hidden>
            <p class="alert-title">"This page has stopped working"</p>
            <p>"Its program could not be loaded or came to an unexpected end. Your session is not lost."</p>
            <p>
                <a class="btn" href="">"Load the page again"</a>
            </p>
        </div>
    };
    document(options, "Doorward · sign in and call a protected API", scripts, body)
}

/// The page at every other address. It needs no program.
pub fn not_found(options: LeptosOptions) -> impl IntoView {
    let body = view! {
        <div class="shell">
            <header class="shell-header">
                <a class="brand" href="/">
                    <BrandMark/>
                    "Doorward"
                </a>
            </header>
            <main class="stack">
                <NotFound/>
            </main>
        </div>
    };
    document(options, "Page not found · Doorward", (), body)
}

fn document(
    options: LeptosOptions,
    title: &'static str,
    scripts: impl IntoView,
    body: impl IntoView,
) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <title>{title}</title>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#f5f4ef" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#101412" media="(prefers-color-scheme: dark)"/>
                <meta
                    name="description"
                    content="Sign in with OpenID Connect and PKCE, look at the tokens and call a protected API."
                />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet options/>
                {scripts}
            </head>
            <body>{body}</body>
        </html>
    }
}
