//! What the fuzzer's targets in `fuzz/` do with an input, and what must hold for every answer: no
//! server error, no panic, no way to an address that is not registered, errors as the
//! specifications want them. [`replays`] runs the inputs that are kept.
//!
//! An input is what a client writes. In it `@code`, `@refresh_token`, `@verifier`, `@challenge`,
//! `@jwk` and `@proof` stand for values that hold at that moment, so that the fuzzer gets past the
//! first check, too.

#[cfg(test)]
mod replays;

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, Request, StatusCode, header::CONTENT_TYPE},
};
use doorward_protocol::{error::ErrorCode, params};
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
}

impl Fuzzed {
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let clients = vec![
            client_settings("Nonce", json!({"require_dpop_nonce": true})),
            client_settings("Pushing", json!({"require_par": true})),
            client_settings("Pairwise", json!({"pair_wise_subject_salt": "salt of at least 16"})),
        ];
        let world = runtime.block_on(World::with(Setup { clients, ..Setup::default() }));
        let session = runtime.block_on(Browser::signed_in(&world, "alice")).session().unwrap();
        Self { runtime, world, session, key: ProofKey::es256() }
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
            // What is no address does not come through an HTTP library.
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

    /// A browser of Alice's: what an earlier input did to its cookies is forgotten.
    fn browser(&self) -> Browser<'_> {
        let mut browser = Browser::new(&self.world);
        browser.set_cookie("doorward.session", &self.session);
        browser
    }

    /// The input with values for its placeholders, each the first time that it occurs.
    async fn filled(&self, input: &[u8]) -> Vec<u8> {
        let mut filled = input.to_vec();
        for name in ["@code", "@refresh_token", "@verifier", "@challenge", "@jwk", "@proof"] {
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
            _ => self.key.proof(&self.world),
        }
    }

    async fn code(&self) -> String {
        self.browser().get(&authorize_url(&[])).await.expect_code(REDIRECT)
    }
}

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
        assert_eq!(answer.redirect_param("iss").as_deref(), Some(ISSUER), "{answer:?}");
        let (code, error) = (answer.redirect_param("code"), answer.redirect_param("error"));
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
    page.input("code").is_some()
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
