//! The application: its page, rendered on the server, `/config.json`, and its files.

mod assets;
mod callback_page;
mod content_security_policy;
mod initiation;
mod page_config;
mod preload;
mod site;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::Request,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
        request::Parts,
    },
    response::Response,
    routing::{get, post},
};
use doorward_app::{INITIATE_LOGIN_PATH, PAGE_PATHS, config::CONFIG_PATH, shell};
use leptos::{
    nonce::use_nonce,
    prelude::{LeptosOptions, use_context},
};
use leptos_axum::{ResponseOptions, render_app_async_with_context};
use tower::service_fn;
use tower_http::set_header::SetResponseHeaderLayer;

pub use self::{
    assets::answer,
    site::{EmbeddedFile, EmbeddedSite, Site},
};
use self::{content_security_policy::ContentSecurityPolicy, preload::Preloads};
use crate::config::AppSettings;

/// The routes of the application. Every path that nothing else has gets its "not found" page.
pub fn router(settings: &AppSettings, site: &Site) -> Router {
    // Components spawn their effects there. It may have been set by an earlier router.
    let _ = any_spawner::Executor::init_tokio();
    if !site.is_built() {
        tracing::warn!(
            "the application's files are not there, so its page does nothing: build with \
             script/build, which embeds them, or set LEPTOS_SITE_ROOT to their folder"
        );
    }
    let policy =
        Arc::new(ContentSecurityPolicy::new(&settings.connect_origins, site.watched_at.as_deref()));
    let headers = move || page_headers(&policy);
    let (page, origin) = (settings.page.clone(), settings.url.clone());
    let config = get(move |headers: HeaderMap| async move {
        ([(CACHE_CONTROL, "no-store")], Json(page_config::for_request(&page, &origin, &headers)))
    });
    let options = site.options.clone();
    let preloads = Arc::new(Preloads::of(site, &settings.connect_origins));
    let page_context = {
        let headers = headers.clone();
        move || {
            headers();
            let query =
                use_context::<Parts>().and_then(|parts| parts.uri.query().map(str::to_owned));
            if let Some(response) = use_context::<ResponseOptions>() {
                preloads.add(&response, query.as_deref());
            }
        }
    };
    let page = get(render_app_async_with_context(page_context, move || shell(options.clone())));
    let options = site.options.clone();
    let not_found =
        service_fn(move |request: Request| not_found(request, options.clone(), headers.clone()));
    let router = PAGE_PATHS
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, page.clone()))
        .route(INITIATE_LOGIN_PATH, post(initiation::post))
        .route(CONFIG_PATH, config);
    let router = callback_page::PATHS
        .into_iter()
        .fold(router, |router, path| router.route(path, get(callback_page::get)))
        .fallback_service(assets::service(site, not_found));
    let header =
        |name, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    router
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // The page's address carries the authorization code for a short time: no other site may
        // receive it.
        .layer(header(REFERRER_POLICY, "no-referrer"))
}

/// Headers of a rendered page: a policy with this page's nonce, and `no-store`, since a nonce is
/// for one response.
fn page_headers(policy: &ContentSecurityPolicy) {
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else {
        return;
    };
    if let Ok(policy) = HeaderValue::try_from(policy.with_nonce(&nonce)) {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
    response.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

async fn not_found(
    request: Request,
    options: LeptosOptions,
    headers: impl Fn() + Clone + Send + Sync + 'static,
) -> Result<Response<Body>, Infallible> {
    let render =
        render_app_async_with_context(headers, move || doorward_app::not_found(options.clone()));
    let mut response = render(request).await;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

#[cfg(test)]
mod tests;
