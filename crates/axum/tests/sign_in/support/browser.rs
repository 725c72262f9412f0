//! A browser: it keeps cookies and says where its requests come from.

use std::{collections::BTreeMap, sync::Mutex};

use axum::{
    Router,
    body::{Body, to_bytes},
};
use doorward_axum::http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt as _;

use super::ORIGIN;

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// A header, which must be there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {}", self.body))
            .to_str()
            .unwrap()
    }

    /// Where a redirect leads.
    pub fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.header("location")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub struct Browser {
    app: Router,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    pub fn new(app: &Router) -> Self {
        Self { app: app.clone(), cookies: Mutex::default() }
    }

    /// Opens a page by a link or by typing its address.
    pub async fn open(&self, path: &str) -> Answer {
        self.send(
            Request::get(path)
                .header("accept", "text/html")
                .header("sec-fetch-mode", "navigate")
                .header("sec-fetch-site", "cross-site"),
            "",
        )
        .await
    }

    /// Posts a form from a page of the application.
    pub async fn post(&self, path: &str, form: &str) -> Answer {
        self.send(
            Request::post(path)
                .header("accept", "text/html")
                .header("origin", ORIGIN)
                .header("sec-fetch-mode", "navigate")
                .header("content-type", "application/x-www-form-urlencoded"),
            form,
        )
        .await
    }

    /// Posts a form from a page of another site: cookies with `SameSite=Lax` stay at home.
    pub async fn post_from_elsewhere(&self, path: &str, origin: &str, form: &str) -> Answer {
        let cookies = std::mem::take(&mut *self.cookies.lock().unwrap());
        let request = Request::post(path)
            .header("accept", "text/html")
            .header("origin", origin)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-site", "cross-site")
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = self.send(request, form).await;
        let mut kept = self.cookies.lock().unwrap();
        for (name, value) in cookies {
            kept.entry(name).or_insert(value);
        }
        drop(kept);
        answer
    }

    /// Sends a request with the cookies, and keeps those of the answer.
    pub async fn send(&self, request: doorward_axum::http::request::Builder, body: &str) -> Answer {
        let cookies = self.cookie_header();
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies) };
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        for cookie in parts.headers.get_all("set-cookie") {
            self.keep(cookie.to_str().unwrap());
        }
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    fn keep(&self, set: &str) {
        assert!(set.contains("; HttpOnly; SameSite=Lax"), "{set}");
        assert!(set.contains("; Path=/;"), "{set}");
        let (pair, rest) = set.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let mut cookies = self.cookies.lock().unwrap();
        if rest.contains("Max-Age=0") {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    pub fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// Keeps the cookies that another tab got.
    pub fn take_cookies_of(&self, tab: &Self) {
        self.cookies.lock().unwrap().extend(tab.cookies.lock().unwrap().clone());
    }

    /// Another browser with the same cookies.
    pub fn copy(&self) -> Self {
        let cookies = self.cookies.lock().unwrap().clone();
        Self { app: self.app.clone(), cookies: Mutex::new(cookies) }
    }
}
