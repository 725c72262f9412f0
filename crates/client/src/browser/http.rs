//! HTTP by `fetch`.

use std::{cell::Cell, rc::Rc};

use async_trait::async_trait;
use gloo_timers::callback::Timeout;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, Headers, RequestInit, Response};

use super::{
    crypto::{object, set},
    navigator::is_offline,
    timer::milliseconds,
};
use crate::ports::{CacheMode, HttpClient, HttpRequest, HttpResponse, NetworkFailure};

/// The window's `fetch`, without cookies.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it stands for itself")]
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
    let init = init(request, &controller.signal())?;
    let flag = Rc::clone(timed_out);
    // Dropping it cancels the timer once the whole response has arrived.
    let _timeout = Timeout::new(milliseconds(request.timeout), move || {
        flag.set(true);
        controller.abort();
    });
    let response = JsFuture::from(window.fetch_with_str_and_init(&request.url, &init)).await?;
    let response: Response = response.unchecked_into();
    let body = JsFuture::from(response.text()?).await?;
    let headers = pairs(&response.headers());
    let date = headers.iter().find(|(name, _)| name == "date");
    Ok(HttpResponse {
        status: response.status(),
        date: date.and_then(|(_, date)| http_date_seconds(date)),
        headers,
        body: body.as_string().unwrap_or_default(),
        url: response.redirected().then(|| response.url()),
    })
}

/// Sets member by member: each setter of the binding would be an additional import.
fn init(request: &HttpRequest, signal: &AbortSignal) -> Result<RequestInit, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &request.headers {
        headers.append(name, value)?;
    }
    let cache = match request.cache {
        CacheMode::Use => "default",
        CacheMode::Refresh => "reload",
        CacheMode::Never => "no-store",
    };
    let init = object(&[
        ("method", Some(&request.method)),
        ("credentials", Some("omit")),
        ("cache", Some(cache)),
        ("redirect", Some(if request.follow_redirects { "follow" } else { "error" })),
        ("body", request.body.as_deref()),
    ]);
    set(&init, "headers", &headers);
    set(&init, "signal", signal);
    Ok(init.unchecked_into())
}

/// The headers that the page may read. The browser returns their names in lower case.
fn pairs(headers: &Headers) -> Vec<(String, String)> {
    let text = |pair: &Array, place| pair.get(place).as_string().unwrap_or_default();
    let mut pairs = Vec::new();
    for pair in Array::from(headers) {
        let pair: Array = pair.unchecked_into();
        pairs.push((text(&pair, 0), text(&pair, 1)));
    }
    pairs
}

/// An HTTP date (RFC 9110 section 5.6.7) as seconds since 1970 (UTC).
#[doc(hidden)] // For doorward-leptos.
pub fn http_date_seconds(date: &str) -> Option<u64> {
    let milliseconds = js_sys::Date::parse(date);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (0.0..1e18).contains(&milliseconds).then_some((milliseconds / 1000.0) as u64)
}

/// The browser's message for a failure. It is short and contains no secrets.
fn message(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "no reason given".to_owned())
}
