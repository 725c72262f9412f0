//! `/api/docs`: the demo API for people, made from the same table that the API enforces. The page
//! has no script. To try an operation, a link opens the application with the route chosen.

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
use url::form_urlencoded::byte_serialize;

use super::OPENAPI_PATH;
use crate::{DemoGroup, DemoRoute, of_group};

const PATH: &str = "/api/docs";
const STYLE_PATH: &str = "/api/docs.css";
const STYLE: &str = include_str!("../../../../style/main.css");
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The statuses that the API answers beside 200, and when.
const REFUSALS: [(&str, &str); 3] = [
    (
        "401",
        "There is no access token, or it is not accepted, or the call needs a stronger or a more \
         recent sign-in. The header WWW-Authenticate says which.",
    ),
    ("403", "The caller does not meet a policy. The body has the reasons, as words and as data."),
    (
        "503",
        "The issuer can't be reached, so the token can't be verified. Retry-After says when to \
         try again.",
    ),
];

/// The page and its style sheet, which the API serves itself: it may run without the application.
///
/// `app_url` is where the application tries a route, and `brand_mark` the application's logo as
/// HTML.
pub fn router(app_url: &str, brand_mark: &str) -> Router {
    let page = page(app_url, brand_mark);
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ];
    let style = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Router::new()
        .route(PATH, get(move || async move { (headers, Html(page)) }))
        .route(STYLE_PATH, get(move || async move { (style, STYLE) }))
}

/// The document. It is the same for everyone.
fn page(app_url: &str, brand_mark: &str) -> String {
    let (app_url, brand) = (app_url.to_owned(), format!("{brand_mark}Doorward"));
    // Leptos creates views within an owner only, even those without signals.
    Owner::new().with(|| {
        view! {
            <!DOCTYPE html>
            <html lang="en">
                <head>
                    <meta charset="utf-8"/>
                    <title>"Demo API · Doorward"</title>
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
                            <a class="brand" href=format!("{app_url}/") inner_html=brand></a>
                            <a class="btn btn-small" href=OPENAPI_PATH>"OpenAPI document"</a>
                        </header>
                        <main class="stack">
                            <section class="hero stack stack-tight">
                                <h1>"Demo API"</h1>
                                <p class="lead muted">
                                    "Every route names the policies that a caller must meet. \
                                     This page is made from the same table that the API \
                                     enforces. Try a route as the signed-in user: the \
                                     application opens with the route chosen, and says \
                                     beforehand what the answer will be."
                                </p>
                            </section>
                            {DemoGroup::ALL
                                .map(|own| group(&app_url, own))
                                .into_iter()
                                .collect_view()}
                            {refusals()}
                        </main>
                        <footer class="shell-footer">
                            <p>
                                "Each call needs an access token in the header \
                                 Authorization: Bearer …, or DPoP … with its proof."
                            </p>
                        </footer>
                    </div>
                </body>
            </html>
        }
        .to_html()
    })
}

fn group(app_url: &str, group: DemoGroup) -> impl IntoView {
    let operations: Vec<_> = of_group(group).map(|route| operation(app_url, route)).collect();
    view! {
        <section class="card stack">
            <h2>{group.title()}</h2>
            <ul class="operations">{operations}</ul>
        </section>
    }
}

fn operation(app_url: &str, route: &'static DemoRoute) -> impl IntoView {
    let address: String = byte_serialize(route.path.as_bytes()).collect();
    let badges: Vec<_> =
        route.policy_names().map(|name| view! { <span class="badge">{name}</span> }).collect();
    let needs: Vec<String> =
        route.policies.iter().map(|policy| policy.needs().to_string()).collect();
    let needs = if needs.is_empty() { "to be signed in".to_owned() } else { needs.join(", and ") };
    view! {
        <li class="operation">
            <div class="stack stack-tight">
                <h3>{route.title}</h3>
                <p class="mono">
                    <span class="badge badge-ok">"GET"</span>
                    " "
                    {route.path.as_str()}
                </p>
                <p>{route.summary}</p>
                <p class="muted">{format!("Needs {needs}")}</p>
                <p class="row operation-policies">{badges}</p>
            </div>
            <a class="btn" href=format!("{app_url}/?route={address}")>
                "Try it"
                <span class="visually-hidden">{format!("with {}", route.path)}</span>
            </a>
        </li>
    }
}

fn refusals() -> impl IntoView {
    let rows = REFUSALS.map(|(status, when)| {
        view! {
            <li>
                <span>{when}</span>
                <span class="badge badge-no">{status}</span>
            </li>
        }
    });
    view! {
        <section class="card stack">
            <h2>"Refusals"</h2>
            <ul class="route-list">{rows.into_iter().collect::<Vec<_>>()}</ul>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_can_be_tried_in_the_application() {
        let page = page("https://app.example", "<svg></svg>");
        assert_eq!(page.matches("class=\"operation\"").count(), 19);
        assert!(page.contains("Needs a sign-in within the last minute"));
        assert!(
            page.contains(
                "https://app.example/?route=%2Fapi%2FDemoPolicyBased%2FSales%2FAdmin%2FGet"
            )
        );
        assert!(page.contains("Needs department Sales and role admin"));
        assert!(page.contains("SalesDepartmentAndAdminPolicy"));
    }

    #[test]
    fn it_keeps_its_own_content_security_policy() {
        let page = page("https://app.example", "<svg></svg>");
        assert!(
            !page.contains("<script") && !page.contains("style=") && !page.contains(" onclick")
        );
    }
}
