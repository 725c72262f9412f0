//! The document around the application, as the server sends it.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::App;

/// The whole document. Its one inline script carries the nonce of this response, so that the server may send a
/// `Content-Security-Policy` with `script-src 'self' 'nonce-…' 'wasm-unsafe-eval'; style-src 'self'`.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#f5f4ef" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#101412" media="(prefers-color-scheme: dark)"/>
                <meta
                    name="description"
                    content="Sign in with OpenID Connect and PKCE, look at the tokens and call a protected API."
                />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet options=options.clone()/>
                <script src="/fallback.js" defer nonce=use_nonce()></script>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
                // Shown by fallback.js when the WebAssembly part can't load or has stopped.
                <div id="fatal" class="alert alert-error fatal" role="alert" hidden>
                    <p class="alert-title">"This page has stopped working"</p>
                    <p>
                        "Its program could not be loaded or came to an unexpected end. Your session is not lost."
                    </p>
                    <p>
                        <a class="btn" href="">"Load the page again"</a>
                    </p>
                </div>
            </body>
        </html>
    }
}
