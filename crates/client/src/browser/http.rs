//! HTTP by `fetch`.

use std::{cell::Cell, rc::Rc};

use async_trait::async_trait;
use gloo_timers::callback::Timeout;
use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestCache, RequestCredentials, RequestInit, RequestRedirect, Response};

use super::{navigator::is_offline, timer::milliseconds};
use crate::ports::{CacheMode, HttpClient, HttpRequest, HttpResponse, NetworkFailure};

/// The window's `fetch`, without cookies.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fetch;

#[async_trait(?Send)]
impl HttpClient for Fetch {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NetworkFailure> {
        let timed_out = Rc::new(Cell::new(false));
        let result = send(&request, &timed_out).await;
        result.map_err(|error| {
            if timed_out.get() {
                NetworkFailure::Timeout
            } else if is_offline() {
                NetworkFailure::Offline
            } else {
                NetworkFailure::Failed(message(&error))
            }
        })
    }
}

async fn send(request: &HttpRequest, timed_out: &Rc<Cell<bool>>) -> Result<HttpResponse, JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    let controller = AbortController::new()?;
    let init = init(request)?;
    init.set_signal(Some(&controller.signal()));
    let flag = Rc::clone(timed_out);
    // Dropped, and with it called off, when the whole answer is there.
    let _timeout = Timeout::new(milliseconds(request.timeout), move || {
        flag.set(true);
        controller.abort();
    });
    let response = settled(window.fetch_with_str_and_init(&request.url, &init)).await?;
    let response: Response = response.dyn_into()?;
    let body = settled(response.text()?).await?;
    let headers = response.headers();
    Ok(HttpResponse {
        status: response.status(),
        date: headers.get("date")?.as_deref().and_then(seconds),
        headers: pairs(&headers)?,
        body: body.as_string().unwrap_or_default(),
    })
}

fn init(request: &HttpRequest) -> Result<RequestInit, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &request.headers {
        headers.append(name, value)?;
    }
    let init = RequestInit::new();
    init.set_method(&request.method);
    init.set_headers(&headers);
    init.set_credentials(RequestCredentials::Omit);
    init.set_cache(match request.cache {
        CacheMode::Use => RequestCache::Default,
        CacheMode::Refresh => RequestCache::Reload,
        CacheMode::Never => RequestCache::NoStore,
    });
    init.set_redirect(if request.follow_redirects { RequestRedirect::Follow } else { RequestRedirect::Error });
    if let Some(body) = &request.body {
        init.set_body(&JsValue::from_str(body));
    }
    Ok(init)
}

async fn settled(promise: Promise) -> Result<JsValue, JsValue> {
    JsFuture::from(promise).await
}

/// The headers that the page may read; the browser gives their names in lower case.
fn pairs(headers: &Headers) -> Result<Vec<(String, String)>, JsValue> {
    let mut pairs = Vec::new();
    for pair in js_sys::try_iter(headers)?.into_iter().flatten() {
        let pair: Array = pair?.dyn_into()?;
        if let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string()) {
            pairs.push((name, value));
        }
    }
    Ok(pairs)
}

/// An HTTP date as seconds since 1970.
fn seconds(date: &str) -> Option<u64> {
    let milliseconds = js_sys::Date::parse(date);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (0.0..1e18).contains(&milliseconds).then_some((milliseconds / 1000.0) as u64)
}

/// What the browser says about a failure: little, and nothing secret.
fn message(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "no reason given".to_owned())
}
