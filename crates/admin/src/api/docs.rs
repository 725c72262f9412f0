//! `/api/admin/docs`: the API for people, made from the same table that the API enforces. The page
//! has no script. Each operation has a line for `curl` to try it with.

use axum::{
    Router,
    http::header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
    response::Html,
    routing::get,
};
use leptos::prelude::*;

use super::{AdminParts, BASE_PATH, DOCS_PATH, OPENAPI_PATH, http_method, openapi};
use crate::{FreshSignIn, Operation};

const STYLE_PATH: &str = "/api/admin/docs.css";
const STYLE: &str = include_str!("../../../../style/main.css");
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// What the document and the page say beside the operations.
pub struct Description {
    issuer: String,
    fresh: FreshSignIn,
}

impl Description {
    pub fn of(parts: &AdminParts) -> Self {
        let fresh = parts.settings.fresh_sign_in.clone();
        Self { issuer: parts.provider.issuer().to_owned(), fresh }
    }
}

/// The document, the page and its style sheet. Anyone may read them: they say nothing of what is
/// stored.
pub fn router(description: &Description) -> Router {
    let document = openapi::document(&description.issuer, &description.fresh);
    let document = document.to_json().unwrap_or_default();
    let page = page(description);
    let json = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    let style = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Router::new()
        .route(OPENAPI_PATH, get(move || async move { (json, document) }))
        .route(DOCS_PATH, get(move || async move { (headers, Html(page)) }))
        .route(STYLE_PATH, get(move || async move { (style, STYLE) }))
}

/// The page. It is the same for everyone.
fn page(description: &Description) -> String {
    // Leptos creates views within an owner only, even those without signals.
    Owner::new().with(|| {
        let operations: Vec<_> = Operation::ALL
            .iter()
            .map(|&operation| described(operation, &description.fresh))
            .collect();
        view! {
            <!DOCTYPE html>
            <html lang="en">
                <head>
                    <meta charset="utf-8"/>
                    <title>"Administration API · Doorward"</title>
                    <meta
                        name="viewport"
                        content="width=device-width, initial-scale=1, viewport-fit=cover"
                    />
                    <meta name="color-scheme" content="light dark"/>
                    <link rel="icon" href="data:,"/>
                    <link rel="stylesheet" href=STYLE_PATH/>
                </head>
                <body>
                    <div class="shell">
                        <header class="shell-header">
                            <a class="btn btn-small" href=OPENAPI_PATH>"OpenAPI document"</a>
                        </header>
                        <main class="stack">
                            <section class="hero stack stack-tight">
                                <h1>"Administration API"</h1>
                                <p class="lead muted">
                                    "Each operation names the scope that the access token must \
                                     have, and who may call. To try one, put an access token with \
                                     the audience admin into TOKEN and run its line in a shell."
                                </p>
                            </section>
                            <section class="card stack">
                                <ul class="operations">{operations}</ul>
                            </section>
                        </main>
                    </div>
                </body>
            </html>
        }
        .to_html()
    })
}

fn described(operation: Operation, fresh: &FreshSignIn) -> impl IntoView {
    let method = http_method(operation.method()).to_string();
    let path = format!("{BASE_PATH}{}", operation.path());
    let needs = format!("Needs {}", operation.policy(fresh).needs());
    let twin = operation.command().map(|command| {
        view! { <p class="muted">{format!("The command: doorward {command}")}</p> }
    });
    view! {
        <li class="operation">
            <div class="stack stack-tight">
                <h3>{operation.name()}</h3>
                <p class="mono">
                    <span class="badge badge-ok">{method.clone()}</span>
                    " "
                    {path.clone()}
                </p>
                <p>{operation.summary()}</p>
                <p class="muted">{needs}</p>
                {twin}
                <p class="mono">{tried(operation, &method, &path)}</p>
            </div>
        </li>
    }
}

/// A line for a shell.
fn tried(operation: Operation, method: &str, path: &str) -> String {
    let mut line = format!("curl -X {method} -H \"Authorization: Bearer $TOKEN\"");
    if operation.is_guarded() {
        line.push_str(" -H \"If-Match: $ETAG\"");
    }
    if operation.creates() {
        line.push_str(" -H \"Idempotency-Key: $KEY\"");
    }
    if openapi::takes_body(operation) {
        line.push_str(" -H \"Content-Type: application/json\" -d @body.json");
    }
    format!("{line} $ISSUER{path}")
}
