//! A client that keeps cookies, as a browser does.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, StatusCode, header},
};
use doorward_protocol::params;
use serde_json::Value;

use super::{
    Answer, ISSUER, Page, REDIRECT, World, authorize_url, code_request, form_request, with_header,
};

/// A browser of one person.
pub struct Browser<'w> {
    world: &'w World,
    cookies: BTreeMap<String, String>,
    address: IpAddr,
}

impl<'w> Browser<'w> {
    pub fn new(world: &'w World) -> Self {
        Self::at(world, Ipv4Addr::LOCALHOST.into())
    }

    /// A browser at this address.
    pub fn at(world: &'w World, address: IpAddr) -> Self {
        Self { world, cookies: BTreeMap::new(), address }
    }

    /// A browser in which this user has signed in; the password is the name.
    pub async fn signed_in(world: &'w World, username: &str) -> Self {
        let mut browser = Self::new(world);
        let answer = browser.sign_in(username, username, None).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        browser
    }

    /// The user of this browser's session signs in by these methods instead.
    pub async fn sign_in_by(&mut self, methods: &[&str]) {
        let cookie = self.session().unwrap();
        let cookie = self.world.signed_in_by(&cookie, methods).await;
        self.set_cookie("doorward.session", &cookie);
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// The session cookie.
    pub fn session(&self) -> Option<String> {
        self.cookie("doorward.session").map(str::to_owned)
    }

    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub fn forget_cookies(&mut self) {
        self.cookies.clear();
    }

    /// Sends a request with the cookies, and keeps those that come back.
    pub async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request
                .headers_mut()
                .insert(header::COOKIE, HeaderValue::from_str(&cookies.join("; ")).unwrap());
        }
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(self.address, 50_000)));
        let answer = self.world.send(request).await;
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub async fn get(&mut self, uri: &str) -> Answer {
        self.send(Request::get(uri).body(Body::empty()).unwrap()).await
    }

    /// Posts a form of the provider's own pages.
    pub async fn post(&mut self, uri: &str, pairs: &[(&str, &str)]) -> Answer {
        self.send(with_header(form_request(uri, pairs), "origin", ISSUER)).await
    }

    /// Presses a button of a page's form, with these fields in place of or beside its own. An empty
    /// value takes one out.
    pub async fn submit(&mut self, page: &Page, changes: &[(&str, &str)]) -> Answer {
        let fields = page.fields();
        let kept =
            fields.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let added = changes.iter().copied().filter(|(_, value)| !value.is_empty());
        self.post(page.form_action(), &kept.chain(added).collect::<Vec<_>>()).await
    }

    /// The login page, opened to return to this address.
    pub async fn login_page(&mut self, return_url: Option<&str>) -> Page {
        let query = return_url
            .map(|url| format!("?{}", params::encode([("return_url", url)])))
            .unwrap_or_default();
        let answer = self.get(&format!("/account/login{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.page()
    }

    pub async fn sign_in(
        &mut self,
        username: &str,
        password: &str,
        return_url: Option<&str>,
    ) -> Answer {
        let page = self.login_page(return_url).await;
        self.submit(&page, &[("username", username), ("password", password), ("action", "login")])
            .await
    }

    /// Opens an authorization request that asks for a sign-in, signs in (the password is the name)
    /// and returns to it.
    pub async fn authorize_signing_in(&mut self, url: &str, username: &str) -> Answer {
        let to_login = self.get(url).await;
        to_login.expect_login();
        let page = self.get(to_login.location()).await.page();
        let fields = [("username", username), ("password", username), ("action", "login")];
        let signed_in = self.submit(&page, &fields).await;
        assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{signed_in:?}");
        self.get(signed_in.location()).await
    }

    /// An authorization code for `PkceJS`.
    pub async fn code(&mut self, changes: &[(&str, &str)]) -> String {
        self.get(&authorize_url(changes)).await.expect_code(REDIRECT)
    }

    /// Tokens for `PkceJS`, from an authorization request with these changes.
    pub async fn tokens(&mut self, changes: &[(&str, &str)]) -> Value {
        let code = self.code(changes).await;
        let answer = self.world.token(&code_request(&code)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }
}
