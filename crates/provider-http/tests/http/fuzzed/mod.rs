//! What the fuzzer's targets in `fuzz/` do with an input, and what must hold for every answer: no
//! server error, no panic, no way to an address that is not registered, errors as the
//! specifications want them. [`replays`] runs the inputs that are kept.
//!
//! An input is what a client or a stranger writes. In it `@code`, `@refresh_token`, `@verifier`,
//! `@challenge`, `@jwk`, `@proof`, `@reset` and `@register` stand for values that hold at that
//! moment, so that the fuzzer gets past the first check, too.

#[cfg(test)]
mod replays;

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU32, Ordering},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, Request, StatusCode, header::CONTENT_TYPE},
};
use doorward_protocol::{error::ErrorCode, params};
use doorward_provider::model::{
    account_settings::{AccountSettings, Registration},
    time::SystemEntropy,
    token_handle::{TokenHandle, random_id},
};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    Answer, BACKEND_REDIRECT, Browser, ISSUER, ProofKey, REDIRECT, START, Setup, World,
    authorize_url, claims, client_settings, code_request, verifier,
};

/// A provider, a user who is signed in, and a key of a client.
pub struct Fuzzed {
    runtime: Runtime,
    world: World,
    session: String,
    key: ProofKey,
    /// How many answers of passkeys were tried.
    passkeys: AtomicU32,
}

impl Fuzzed {
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let key = ProofKey::es256();
        let clients = vec![
            client_settings(
                "Signing",
                json!({"jwks": {"keys": [key.jwk]}, "request_object_signing_alg": "ES256"}),
            ),
            client_settings("Nonce", json!({"require_dpop_nonce": true})),
            client_settings("Pushing", json!({"require_par": true})),
            client_settings("Pairwise", json!({"pair_wise_subject_salt": "salt of at least 16"})),
        ];
        let accounts = AccountSettings {
            mail: true,
            registration: Registration::Open,
            most_links_per_account: u32::MAX,
            most_links_per_address: u32::MAX,
            most_links_per_mailbox: u32::MAX,
            most_links_per_hour: u32::MAX,
            ..AccountSettings::default()
        };
        let setup = Setup { clients, accounts, ..Setup::default() };
        let world = runtime.block_on(World::with(setup));
        let session = runtime.block_on(Browser::signed_in(&world, "alice")).session().unwrap();
        Self { runtime, world, session, key, passkeys: AtomicU32::new(0) }
    }

    /// The input as the parameters of an authorization request, by address and by form. Tells
    /// whether the client got an answer that is no error.
    pub fn authorize(&self, input: &[u8]) -> bool {
        self.runtime.block_on(async {
            let input = self.filled(input).await;
            let form = Request::post("/connect/authorize")
                .header(CONTENT_TYPE, FORM)
                .body(Body::from(input.clone()));
            let granted = assert_authorization(&self.browser().send(form.unwrap()).await);
            // What is not an address does not come through an HTTP library.
            let address = [b"/connect/authorize?", input.as_slice()].concat();
            match Request::get(address.as_slice()).body(Body::empty()) {
                Ok(request) => assert_authorization(&self.browser().send(request).await) || granted,
                Err(_) => granted,
            }
        })
    }

    /// The input as a token request: lines of headers and an empty line, if any, then the form.
    /// Tells whether tokens were issued.
    pub fn token(&self, input: &[u8]) -> bool {
        self.runtime.block_on(async {
            let request = message("/connect/token", &self.filled(input).await);
            let is_bound = request.headers().contains_key("dpop");
            let answer = self.world.send(request).await;
            if !assert_direct(&answer, StatusCode::OK) {
                return false;
            }
            let tokens = answer.json();
            assert_eq!(tokens["token_type"], if is_bound { "DPoP" } else { "Bearer" });
            assert_eq!(claims(&tokens["access_token"])["iss"], ISSUER);
            true
        })
    }

    /// The input as a pushed authorization request, written as for [`Self::token`], whose reference
    /// the user then opens. Tells whether it was taken.
    pub fn par(&self, input: &[u8]) -> bool {
        self.runtime.block_on(async {
            let request = message("/connect/par", &self.filled(input).await);
            let answer = self.world.send(request).await;
            if !assert_direct(&answer, StatusCode::CREATED) {
                return false;
            }
            let reference = answer.json()["request_uri"].as_str().unwrap().to_owned();
            for client_id in ["PkceJS", "PkceCodeBackend", "Pushing"] {
                let query = params::encode([("client_id", client_id), ("request_uri", &reference)]);
                assert_authorization(
                    &self.browser().get(&format!("/connect/authorize?{query}")).await,
                );
            }
            true
        })
    }

    /// The input as a request object, through the browser and pushed: a line with the header and
    /// the claims after it, which are then signed; or, without a second line, the object as it
    /// stands. Tells whether the client got an answer that is no error, or a reference.
    pub fn request_object(&self, input: &[u8]) -> bool {
        self.runtime.block_on(async {
            let input = self.filled(input).await;
            let object = match split(&input, b"\n") {
                Some((header, claims)) => self.key.sign_bytes(header, claims),
                None => String::from_utf8_lossy(&input).into_owned(),
            };
            let pairs = [("client_id", "Signing"), ("request", object.as_str())];
            let address = format!("/connect/authorize?{}", params::encode(pairs));
            let opened = match Request::get(address).body(Body::empty()) {
                Ok(request) => assert_authorization(&self.browser().send(request).await),
                Err(_) => false,
            };
            let pushed = self.world.post("/connect/par", &pairs).await;
            assert_direct(&pushed, StatusCode::CREATED) || opened
        })
    }

    /// The input as a proof of possession with a token request: a line with the header and the
    /// claims after it, which are then signed; or, without a second line, the `DPoP` header as it
    /// stands. Tells whether the proof was accepted.
    pub fn dpop(&self, input: &[u8]) -> bool {
        self.runtime.block_on(async {
            let input = self.filled(input).await;
            let parts = split(&input, b"\n");
            let proof = match parts {
                Some((header, claims)) => self.key.sign_bytes(header, claims).into_bytes(),
                None => input.clone(),
            };
            let Ok(proof) = HeaderValue::from_bytes(&proof) else { return false };
            let form = "grant_type=client_credentials&client_id=Resources&client_secret=secret";
            let mut request = message("/connect/token", form.as_bytes());
            request.headers_mut().append("dpop", proof);
            let answer = self.world.send(request).await;
            if !assert_direct(&answer, StatusCode::OK) {
                assert_eq!(answer.error(), "invalid_dpop_proof");
                return false;
            }
            let tokens = answer.json();
            assert_eq!(tokens["token_type"], "DPoP");
            if let Some((header, proven)) = parts {
                let [header, proven] =
                    [header, proven].map(|part| serde_json::from_slice::<Value>(part).unwrap());
                assert_eq!(header["typ"], "dpop+jwt");
                assert_eq!(proven["htm"], "POST");
                assert!(proven["jti"].is_string());
                assert!(
                    (START - 120..=START + 60).contains(&proven["iat"].as_f64().map_or(0, whole))
                );
                assert_eq!(claims(&tokens["access_token"])["cnf"]["jkt"], self.key.thumbprint());
            }
            true
        })
    }

    /// The input as what a stranger sends to a page of accounts: a line with the page, and the
    /// fields of its form or the query. Tells whether the form was taken.
    pub fn account(&self, input: &[u8]) -> bool {
        self.runtime.block_on(async {
            let input = self.filled(input).await;
            let (page, fields) = split(&input, b"\n").unwrap_or((&input, b""));
            let Some(page) = ACCOUNT_PAGES.iter().find(|own| own.as_bytes() == page) else {
                return false;
            };
            let page = format!("/account/{page}");
            let query = [page.as_bytes(), b"?", fields].concat();
            if let Ok(request) = Request::get(query.as_slice()).body(Body::empty()) {
                assert_account_page(&self.world.send(request).await);
            }
            let mut browser = Browser::new(&self.world);
            let form_token = "A".repeat(43);
            browser.set_cookie("doorward.form", &form_token);
            let form = [b"form_token=", form_token.as_bytes(), b"&", fields].concat();
            let request = Request::post(page.as_str())
                .header(CONTENT_TYPE, FORM)
                .header("origin", ISSUER)
                .body(Body::from(form));
            let answer = browser.send(request.unwrap()).await;
            assert_account_page(&answer);
            answer.status.is_success() || answer.status.is_redirection()
        })
    }

    /// The input as what a browser's passkey answers, to a question of the login page and to one of
    /// the page on which passkeys are added. Nobody signs in by it, and nothing is added. Tells
    /// whether the answer could be read, so that the passkey was looked for.
    pub fn passkey(&self, input: &[u8]) -> bool {
        let Ok(answer) = std::str::from_utf8(input) else { return false };
        self.runtime.block_on(async {
            // Each from another address: wrong answers throttle.
            let number = self.passkeys.fetch_add(1, Ordering::Relaxed);
            let address = Ipv4Addr::from(0x0a00_0000 | (number & 0x00ff_ffff));
            let mut browser = Browser::at(&self.world, address.into());
            let ticket = self.world.provider.passkeys().ask_to_sign_in().unwrap().ticket;
            let said = answered(&mut browser, "/account/login", ticket.expose(), answer).await;
            assert_eq!(browser.session(), None, "{said:?}");
            let cookie = TokenHandle::parse(&self.session);
            let session = self.world.provider.sessions().find(Some(&cookie)).await;
            let own = session.unwrap().unwrap().authentication;
            let ticket =
                self.world.provider.factors().ask_to_register_passkey(&own).await.unwrap().ticket;
            let mut owner = self.browser();
            let added = answered(&mut owner, "/account/passkeys", ticket.expose(), answer).await;
            assert_eq!(added.status, StatusCode::BAD_REQUEST, "{added:?}");
            assert!(self.world.store().passkeys(&own.sub).await.unwrap().is_empty());
            said.page().text.contains("not known here")
        })
    }

    /// The handle of the link in the mail that comes when this form is sent to this page.
    async fn mailed(&self, page: &str, field: &str, value: &str) -> String {
        for waiting in self.world.mails().await {
            self.world.store().mail_sent(&waiting.id).await.unwrap();
        }
        let mut browser = Browser::new(&self.world);
        let shown = browser.get(page).await.page();
        browser.submit(&shown, &[(field, value)]).await;
        let mails = self.world.mails().await;
        let link = mails[0].data["link"].as_str().unwrap();
        link.split_once("token=").unwrap().1.to_owned()
    }

    /// A browser of Alice's: what an earlier input did to its cookies is forgotten.
    fn browser(&self) -> Browser<'_> {
        let mut browser = Browser::new(&self.world);
        browser.set_cookie("doorward.session", &self.session);
        browser
    }

    /// The input with values for its placeholders, each the first time that it occurs.
    async fn filled(&self, input: &[u8]) -> Vec<u8> {
        let mut filled = input.to_vec();
        for name in PLACEHOLDERS {
            let Some(at) = filled.windows(name.len()).position(|window| window == name.as_bytes())
            else {
                continue;
            };
            let value = self.value(name).await;
            filled.splice(at..at + name.len(), value.into_bytes());
        }
        filled
    }

    async fn value(&self, placeholder: &str) -> String {
        match placeholder {
            "@code" => self.code().await,
            "@refresh_token" => {
                let tokens = self.world.token(&code_request(&self.code().await)).await.json();
                tokens["refresh_token"].as_str().unwrap().to_owned()
            }
            "@verifier" => verifier().expose().to_owned(),
            "@challenge" => verifier().challenge().as_str().to_owned(),
            "@jwk" => self.key.jwk.to_string(),
            "@reset" => self.mailed("/account/forgot-password", "account", "carol").await,
            "@register" => {
                // One that no input before has registered.
                let address = format!("{}@example.com", random_id(&SystemEntropy));
                self.mailed("/account/register", "email", &address).await
            }
            _ => self.key.proof(&self.world),
        }
    }

    async fn code(&self) -> String {
        self.browser().get(&authorize_url(&[])).await.expect_code(REDIRECT)
    }
}

const PLACEHOLDERS: [&str; 8] =
    ["@code", "@refresh_token", "@verifier", "@challenge", "@jwk", "@proof", "@reset", "@register"];

/// The pages of accounts that strangers may open, under `/account/`.
const ACCOUNT_PAGES: [&str; 5] =
    ["forgot-password", "reset-password", "register", "verify-email", "invitation"];

const FORM: &str = "application/x-www-form-urlencoded";

/// The parts before and after the first mark.
fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}

/// A form posted to a path, with the headers that stand before it. Lines that no HTTP library would
/// let through are left out.
fn message(path: &str, input: &[u8]) -> Request<Body> {
    let (head, body) = split(input, b"\n\n").unwrap_or((b"", input));
    let mut request = Request::post(path).body(Body::from(Bytes::copy_from_slice(body))).unwrap();
    for line in head.split(|byte| *byte == b'\n') {
        let Some((name, value)) = split(line, b": ") else { continue };
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            request.headers_mut().append(name, value);
        }
    }
    request.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(FORM));
    request
}

#[allow(clippy::cast_possible_truncation)]
fn whole(number: f64) -> i64 {
    number as i64
}

/// What a page says to the answer of a passkey, which the script puts into its form.
async fn answered(browser: &mut Browser<'_>, page: &str, ticket: &str, answer: &str) -> Answer {
    let form_token = "A".repeat(43);
    browser.set_cookie("doorward.form", &form_token);
    let fields = [
        ("form_token", form_token.as_str()),
        ("ticket", ticket),
        // An empty one would be no answer but a form without script.
        ("credential", if answer.is_empty() { " " } else { answer }),
        ("name", "Fuzzed"),
    ];
    let answer = browser.post(page, &fields).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
    answer
}

/// An answer of an endpoint that clients call: good, or an error of RFC 6749 section 5.2. Tells
/// which.
#[track_caller]
fn assert_direct(answer: &Answer, good: StatusCode) -> bool {
    assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
    if answer.status == good {
        assert_eq!(answer.header("content-type"), "application/json");
        return true;
    }
    assert!(answer.status.is_client_error(), "{answer:?}");
    assert_known(&answer.error());
    answer.expect_json_error(answer.status, &answer.error());
    false
}

/// An answer to an authorization request: a page of ours from which the way leads here or to a
/// registered address, or a redirect there. Tells whether the client got something that is no
/// error.
#[track_caller]
fn assert_authorization(answer: &Answer) -> bool {
    assert!(answer.status == StatusCode::OK || !answer.status.is_success(), "{answer:?}");
    assert!(!answer.status.is_server_error(), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
    if answer.status.is_redirection() {
        let address = answer.location().split(['?', '#']).next().unwrap();
        if address.starts_with('/') && !address.starts_with("//") {
            return false;
        }
        assert!(is_registered(address), "{answer:?}");
        // A signed response has its parameters in a token.
        let signed = answer.redirect_param("response").map(|token| claims(&json!(token)));
        let param = |name: &str| match &signed {
            Some(claims) => claims[name].as_str().map(str::to_owned),
            None => answer.redirect_param(name),
        };
        assert_eq!(param("iss").as_deref(), Some(ISSUER), "{answer:?}");
        let (code, error) = (param("code"), param("error"));
        assert!(code.is_some() != error.is_some(), "{answer:?}");
        if let Some(error) = error {
            assert_known(&error);
        }
        return code.is_some();
    }
    assert!(!answer.headers.contains_key("location"), "{answer:?}");
    let page = answer.page();
    for form in page.all("form") {
        let action = form.attribute("action").unwrap();
        assert!(
            action.starts_with('/') && !action.starts_with("//") || is_registered(action),
            "{answer:?}"
        );
    }
    let signed = page.value("response").map(|token| claims(&json!(token)));
    page.input("code").is_some() || signed.is_some_and(|claims| claims["code"].is_string())
}

/// An answer of a page of accounts, from which the way leads to pages of ours only.
#[track_caller]
fn assert_account_page(answer: &Answer) {
    assert!(!answer.status.is_server_error(), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
    let is_ours = |address: &str| address.starts_with('/') && !address.starts_with("//");
    if answer.status.is_redirection() {
        assert!(is_ours(answer.location()), "{answer:?}");
        return;
    }
    let page = answer.page();
    let addresses = page.all("form").filter_map(|form| form.attribute("action"));
    let links = page.all("a").filter_map(|link| link.attribute("href"));
    for address in addresses.chain(links) {
        assert!(is_ours(address), "{answer:?}");
    }
    assert!(page.all("script").next().is_none(), "{answer:?}");
}

/// The addresses of the fixture's clients; a native application's may have any port (RFC 8252
/// section 7.3).
fn is_registered(address: &str) -> bool {
    let port_of_native =
        address.strip_prefix("http://127.0.0.1").and_then(|rest| rest.strip_suffix("/callback"));
    let is_port = |port: &str| {
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
    };
    [REDIRECT, BACKEND_REDIRECT].contains(&address) || port_of_native.is_some_and(is_port)
}

#[track_caller]
fn assert_known(error: &str) {
    assert!(!matches!(ErrorCode::from(error), ErrorCode::Other(_)), "{error:?}");
}
