//! The document around the application, as the server sends it.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::HashedStylesheet;

use crate::{App, components::icons::BrandMark, pages::NotFound};

/// Shows the element `fatal` if the program fails.
const FALLBACK: &str = include_str!("../../style/assets/fallback.js");

/// The whole page. Its inline scripts carry the nonce of this response, so that the server can send
/// a `Content-Security-Policy` with `script-src 'self' 'nonce-…' 'wasm-unsafe-eval'; style-src
/// 'self'`.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let scripts = view! {
        // In the document: the program would wait for a file of its own.
        <script nonce=use_nonce() inner_html=FALLBACK></script>
        <AutoReload options=options.clone()/>
        <HydrationScripts options=options.clone()/>
    };
    let body = view! {
        <App/>
        // Not part of the application, so that the browser's program does not contain it.
        <noscript>
            <p class="alert alert-info fatal">
                "This page needs JavaScript to sign you in. Please allow JavaScript and reload the \
                    page."
            </p>
        </noscript>
        // FALLBACK shows this if the WebAssembly program cannot be loaded or has stopped.
        <div id="fatal" class="alert alert-error fatal" role="alert" hidden>
            <p class="alert-title">"This page has stopped working"</p>
            <p>"Its program could not be loaded, or it stopped unexpectedly. Your session is not \
                lost."</p>
            <p>
                <a class="btn" href="">"Load the page again"</a>
            </p>
        </div>
    };
    document(options, "Doorward · sign in and call a protected API", scripts, body)
}

/// The page for all other paths. It needs no program.
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
                <meta
                    name="viewport"
                    content="width=device-width, initial-scale=1, viewport-fit=cover"
                />
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#f5f4ef" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#101412" media="(prefers-color-scheme: dark)"/>
                <meta
                    name="description"
                    content="Sign in with OpenID Connect and PKCE, look at the tokens and call a \
                        protected API."
                />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet options/>
                {scripts}
            </head>
            <body>{body}</body>
        </html>
    }
}
