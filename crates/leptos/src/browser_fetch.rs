//! The browser's `fetch`, for calls whose body and answer are no texts.

use std::cell::RefCell;

use async_trait::async_trait;
use doorward_client::{
    ApiRequest,
    ports::{HttpClient, HttpRequest, HttpResponse, NetworkFailure},
};
use leptos::{wasm_bindgen::JsValue, web_sys};

use crate::page;

/// Sends a request with the options of the caller.
pub(crate) struct BrowserFetch {
    init: web_sys::RequestInit,
    /// The last answer, and what the client knows of it.
    answer: RefCell<Option<(web_sys::Response, HttpResponse)>>,
}

impl BrowserFetch {
    pub(crate) fn new(init: web_sys::RequestInit) -> Self {
        Self { init, answer: RefCell::default() }
    }

    /// Sends a request of texts.
    pub(crate) fn of(request: &ApiRequest) -> Self {
        let init = web_sys::RequestInit::new();
        init.set_method(&request.method);
        if let Some(body) = &request.body {
            init.set_body(&JsValue::from_str(body));
        }
        init.set_cache(web_sys::RequestCache::NoStore);
        let signal = request.timeout.and_then(|seconds| {
            let milliseconds = u32::try_from(seconds.saturating_mul(1000)).ok()?;
            Some(web_sys::AbortSignal::timeout_with_u32(milliseconds))
        });
        init.set_signal(signal.as_ref());
        Self::new(init)
    }

    /// `GET`, `POST` …
    pub(crate) fn method(&self) -> String {
        let method = js_sys::Reflect::get(&self.init, &JsValue::from_str("method"));
        let method = method.ok().and_then(|method| method.as_string());
        method.unwrap_or_else(|| "GET".to_owned())
    }

    pub(crate) fn take_answer(&self) -> Option<web_sys::Response> {
        self.answer.take().map(|(response, _)| response)
    }

    async fn send_by_window(&self, request: &HttpRequest) -> Result<web_sys::Response, JsValue> {
        let own = web_sys::Request::new_with_str_and_init(&request.url, &self.init)?;
        for (name, value) in &request.headers {
            own.headers().set(name, value)?;
        }
        let window = web_sys::window().ok_or("there is no window")?;
        let response = wasm_bindgen_futures::JsFuture::from(window.fetch_with_request(&own));
        Ok(response.await?.into())
    }
}

#[async_trait(?Send)]
impl HttpClient for BrowserFetch {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NetworkFailure> {
        match self.send_by_window(&request).await {
            Ok(response) => {
                let known = known(&response);
                *self.answer.borrow_mut() = Some((response, known.clone()));
                Ok(known)
            }
            // A stream can't be sent again, so the first answer is the last one.
            Err(error) => {
                let first = self.answer.borrow().as_ref().map(|(_, known)| known.clone());
                first.ok_or_else(|| failure(&error))
            }
        }
    }
}

fn known(response: &web_sys::Response) -> HttpResponse {
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let url = response.redirected().then(|| response.url());
    known_of(response.status(), url, header, page::seconds)
}

/// What the client has to know of an answer: whether the API refused the token, and what proofs
/// need: its nonce, its time and who it is. And what the body is. Any other answer than a refusal
/// may come from a cache, with the time of long ago.
pub(crate) fn known_of(
    status: u16,
    url: Option<String>,
    header: impl Fn(&str) -> Option<String>,
    seconds: fn(&str) -> Option<u64>,
) -> HttpResponse {
    let headers = ["www-authenticate", "dpop-nonce", "content-type"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), header(name)?)));
    let headers = headers.collect();
    let date = header("date").filter(|_| matches!(status, 400 | 401));
    let date = date.and_then(|date| seconds(&date));
    let url = url.filter(|url| !url.is_empty());
    HttpResponse { status, headers, body: String::new(), date, url }
}

/// The answer with its body as text.
pub(crate) async fn with_body(
    response: Option<web_sys::Response>,
    known: HttpResponse,
) -> Result<HttpResponse, NetworkFailure> {
    let Some(text) = response.and_then(|response| response.text().ok()) else {
        return Ok(known);
    };
    let text = wasm_bindgen_futures::JsFuture::from(text).await;
    let body = text.map_err(|error| failure(&error))?.as_string().unwrap_or_default();
    Ok(HttpResponse { body, ..known })
}

fn failure(error: &JsValue) -> NetworkFailure {
    let text = |name: &str| {
        let value = js_sys::Reflect::get(error, &JsValue::from_str(name));
        value.ok().and_then(|value| value.as_string())
    };
    // The reason of a signal of `AbortSignal.timeout`.
    if text("name").as_deref() == Some("TimeoutError") {
        return NetworkFailure::Timeout;
    }
    NetworkFailure::Failed(text("message").unwrap_or_else(|| "no reason given".to_owned()))
}
