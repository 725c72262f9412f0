//! The ports in a real browser: `wasm-bindgen-test-runner` with headless Chromium.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used)]

mod popups;
mod proof_key;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use doorward_client::{
    Error, Settings, SigninRequestArgs,
    browser::{
        self, BrowserClock, BrowserTimer, Fetch, SystemEntropy, TabChannel, WebCrypto, WebLocks,
        WebStorage, WindowNavigator,
    },
    ports::{
        Broadcast, CacheMode, Clock, Entropy, HttpClient, HttpRequest, Locks, Navigator,
        NetworkFailure, SignatureError, SignatureVerifier, Storage, Timer,
    },
};
use doorward_protocol::{jose::SigningAlgorithm, jwk::Jwk, jws::UnverifiedJws, pkce::CodeVerifier};
use futures::{FutureExt as _, StreamExt as _};
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Runs JavaScript that returns a promise of a text.
async fn javascript(body: &str) -> String {
    let function = Function::new_no_args(&format!("return (async () => {{ {body} }})();"));
    let promise: Promise = function.call0(&JsValue::NULL).unwrap().unchecked_into();
    JsFuture::from(promise).await.unwrap().as_string().unwrap_or_default()
}

fn request(url: &str) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: None,
        timeout: Duration::from_secs(10),
        follow_redirects: false,
        cache: CacheMode::Never,
    }
}

#[wasm_bindgen_test]
fn stores_keep_texts_and_leave_foreign_keys_alone() {
    for store in [WebStorage::Session, WebStorage::Local] {
        store.set("foreign", "1").unwrap();
        store.set("oidc.test", "ä\u{1F511}").unwrap();
        assert_eq!(store.get("oidc.test").unwrap().as_deref(), Some("ä\u{1F511}"));
        assert!(store.keys().unwrap().contains(&"foreign".to_owned()));
        store.remove("oidc.test").unwrap();
        assert_eq!(store.get("oidc.test").unwrap(), None);
        store.remove("foreign").unwrap();
    }
}

#[wasm_bindgen_test]
fn a_full_store_is_an_error_and_no_panic() {
    let error = WebStorage::Session.set("oidc.huge", &"x".repeat(12_000_000)).unwrap_err();
    assert!(error.0.contains("full"), "{error}");
}

#[wasm_bindgen_test]
fn randomness_differs_and_pkce_works_in_wasm() {
    let mut first = [0; 32];
    let mut second = [0; 32];
    SystemEntropy.fill(&mut first).unwrap();
    SystemEntropy.fill(&mut second).unwrap();
    assert!(first != second && first != [0; 32]);
    // RFC 7636 appendix B.
    let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    assert_eq!(verifier.challenge().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[wasm_bindgen_test]
async fn clocks_run() {
    let clock = BrowserClock::new();
    assert!(clock.now() > 1_700_000_000);
    let before = clock.monotonic();
    BrowserTimer.sleep(Duration::from_millis(2)).await;
    assert!(clock.monotonic() > before);
}

#[wasm_bindgen_test]
async fn spawned_work_runs_without_its_caller() {
    let (done, finished) = futures::channel::oneshot::channel();
    BrowserTimer.spawn(Box::pin(async move { done.send(()).unwrap() }));
    finished.await.unwrap();
}

#[wasm_bindgen_test]
async fn a_lock_is_held_by_one_at_a_time() {
    let locks = WebLocks::default();
    let other_tab = WebLocks::default();
    let held = locks.acquire("test-lock").await;
    // The lock is the browser's, not only the page's.
    let mut waiting = other_tab.acquire("test-lock");
    assert!((&mut waiting).now_or_never().is_none());
    let script = "const { held, pending } = await navigator.locks.query();
                  const count = locks => locks.filter(lock => lock.name == 'test-lock').length;
                  return count(held) + ' held, ' + count(pending) + ' pending';";
    assert_eq!(javascript(script).await, "1 held, 1 pending");
    assert!((&mut waiting).now_or_never().is_none());
    drop(held);
    let held = waiting.await;
    drop(held);
    drop(locks.acquire("test-lock").await);
}

#[wasm_bindgen_test]
async fn a_mark_is_seen_by_all_until_it_is_dropped() {
    let (own, other_tab) = (WebLocks::default(), WebLocks::default());
    let mark = own.mark("test-mark").await.unwrap();
    assert!(other_tab.mark("test-mark").await.is_none());
    assert!(other_tab.mark("test-other-mark").await.is_some());
    drop(mark);
    // A mark is a lock of the same name: a task that waits for the lock gets it.
    drop(other_tab.acquire("test-mark").await);
}

#[wasm_bindgen_test]
async fn who_gives_up_waiting_does_not_keep_the_lock() {
    let locks = WebLocks::default();
    let held = locks.acquire("given-up").await;
    let mut waiting = locks.acquire("given-up");
    assert!((&mut waiting).now_or_never().is_none());
    drop(waiting);
    drop(held);
    drop(locks.acquire("given-up").await);
}

#[wasm_bindgen_test]
async fn messages_reach_other_channels_until_the_guard_is_dropped() {
    let open = || TabChannel::open("test-channel");
    let (first, second, witness) = (open(), open(), open());
    let heard = Rc::new(RefCell::new(Vec::new()));
    let listen = |channel: &TabChannel, name: &'static str| {
        let heard = Rc::clone(&heard);
        channel.subscribe(Box::new(move |text| heard.borrow_mut().push(format!("{name}:{text}"))))
    };
    let own = listen(&first, "own");
    let other = listen(&second, "other");
    // This channel is the youngest and receives last: then all others have received too.
    let (told, mut arrived) = futures::channel::mpsc::unbounded();
    let last =
        witness.subscribe(Box::new(move |text| told.unbounded_send(text.to_owned()).unwrap()));
    first.post("a");
    assert_eq!(arrived.next().await.as_deref(), Some("a"));
    drop(other);
    javascript("new BroadcastChannel('test-channel').postMessage({ not: 'text' })").await;
    first.post("b");
    assert_eq!(arrived.next().await.as_deref(), Some("b"), "what is not text is not heard");
    // The message from the script is the only one that the first channel did not send.
    assert_eq!(*heard.borrow(), ["other:a"]);
    drop((own, last));
}

#[wasm_bindgen_test]
fn the_address_changes_without_loading_and_waking_is_heard() {
    let before = WindowNavigator.current_url();
    let changed = format!("{}?code=a&state=b", before.split(['?', '#']).next().unwrap());
    WindowNavigator.show_url(&changed);
    assert_eq!(browser::current_url(), changed);
    WindowNavigator.show_url(&before);

    let woken = Rc::new(Cell::new(0));
    let count = Rc::clone(&woken);
    let guard = WindowNavigator.on_wake(Box::new(move || count.set(count.get() + 1)));
    let window = web_sys::window().unwrap();
    for name in ["pageshow", "online", "focus"] {
        window.dispatch_event(&web_sys::Event::new(name).unwrap()).unwrap();
    }
    let visible = web_sys::Event::new("visibilitychange").unwrap();
    window.document().unwrap().dispatch_event(&visible).unwrap();
    assert_eq!(woken.get(), 4);
    drop(guard);
    window.dispatch_event(&web_sys::Event::new("focus").unwrap()).unwrap();
    assert_eq!(woken.get(), 4);
}

/// Replaces `fetch` with a function while the test runs.
struct Fetched(JsValue);

impl Fetched {
    fn by(body: &str) -> Self {
        let window = web_sys::window().unwrap();
        let original = Reflect::get(&window, &"fetch".into()).unwrap();
        Reflect::set(&window, &"fetch".into(), &Function::new_with_args("url, init", body))
            .unwrap();
        Self(original)
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        let window = web_sys::window().unwrap();
        Reflect::set(&window, &"fetch".into(), &self.0).unwrap();
    }
}

#[wasm_bindgen_test]
async fn requests_go_out_without_cookies_and_answers_come_in_whole() {
    let _fetch = Fetched::by(
        "const seen = [url, init.method, init.credentials, init.cache, init.redirect, \
         init.headers.get('x-test'), init.body];
         return Promise.resolve(new Response(JSON.stringify(seen), {
             status: 418, \
             headers: { 'X-Answer': 'tea', date: 'Sun, 06 Nov 1994 08:49:37 GMT' } }));",
    );
    let request = HttpRequest {
        method: "POST".to_owned(),
        headers: vec![("x-test".to_owned(), "1".to_owned())],
        body: Some("a=b".to_owned()),
        ..request("https://op.example/token")
    };
    let answer = Fetch.send(request).await.unwrap();
    assert_eq!(answer.status, 418);
    assert_eq!(answer.header("x-answer"), Some("tea"));
    assert_eq!(answer.date, Some(784_111_777), "the example of RFC 9110 section 5.6.7");
    let expected = r#"["https://op.example/token","POST","omit","no-store","error","1","a=b"]"#;
    assert_eq!(answer.body, expected);
}

#[wasm_bindgen_test]
async fn the_real_fetch_works() {
    let answer = Fetch.send(request("data:application/json,%7B%7D")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
}

#[wasm_bindgen_test]
async fn failures_are_typed() {
    let refused = Fetch.send(request("http://127.0.0.1:1/")).await.unwrap_err();
    assert!(matches!(refused, NetworkFailure::Failed(_)), "{refused}");
    let bad_header = HttpRequest {
        headers: vec![("x".to_owned(), "line\nbreak".to_owned())],
        ..request("data:,x")
    };
    assert!(matches!(Fetch.send(bad_header).await, Err(NetworkFailure::Failed(_))));

    let _fetch = Fetched::by(
        "return new Promise((_, reject) =>
             init.signal.addEventListener('abort', () => \
             reject(new DOMException('aborted', 'AbortError'))));",
    );
    let slow = HttpRequest { timeout: Duration::from_millis(20), ..request("https://op.example/") };
    assert_eq!(Fetch.send(slow).await.unwrap_err(), NetworkFailure::Timeout);
}

/// RFC 7515 appendix A.2 (RS256) and A.3 (ES256), RFC 8037 appendix A.4 (Ed25519): token and key.
const RFC_EXAMPLES: [(&str, &str); 3] = [
    (
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        r#"{"kty":"RSA","alg":"RS256","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#,
    ),
    (
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    ),
    (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    ),
];

async fn verify(token: &str, key: &Jwk) -> Result<(), SignatureError> {
    let jws = UnverifiedJws::parse(token).unwrap();
    let algorithm = jws.header().algorithm().unwrap();
    WebCrypto.verify(key, algorithm, jws.signing_input(), jws.signature()).await
}

#[wasm_bindgen_test]
async fn the_examples_of_the_rfcs_verify() {
    for (token, key) in RFC_EXAMPLES {
        let key: Jwk = serde_json::from_str(key).unwrap();
        assert_eq!(verify(token, &key).await, Ok(()), "{}", key.kty);
        let jws = UnverifiedJws::parse(token).unwrap();
        let algorithm = jws.header().algorithm().unwrap();
        let mut input = jws.signing_input().to_vec();
        input[30] ^= 1;
        let changed = WebCrypto.verify(&key, algorithm, &input, jws.signature()).await;
        assert_eq!(changed, Err(SignatureError::Mismatch));
        let cut = &jws.signature()[1..];
        let cut = WebCrypto.verify(&key, algorithm, jws.signing_input(), cut).await;
        assert_eq!(cut, Err(SignatureError::Mismatch));
    }
}

/// Every algorithm: the browser generates a key and signs, and the port verifies.
#[wasm_bindgen_test]
async fn every_algorithm_verifies_what_the_browser_signs() {
    for algorithm in SigningAlgorithm::ALL {
        let parameters = match algorithm.as_str() {
            "EdDSA" => "{ name: 'Ed25519' }".to_owned(),
            name => {
                let hash = format!("hash: 'SHA-{}'", &name[2..]);
                let rsa = "modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1])";
                match &name[..2] {
                    "RS" => format!("{{ name: 'RSASSA-PKCS1-v1_5', {hash}, {rsa} }}"),
                    "PS" => {
                        let salt = name[2..].parse::<u32>().unwrap() / 8;
                        format!("{{ name: 'RSA-PSS', {hash}, {rsa}, saltLength: {salt} }}")
                    }
                    _ => format!(
                        "{{ name: 'ECDSA', {hash}, namedCurve: '{}' }}",
                        algorithm.curve().unwrap()
                    ),
                }
            }
        };
        let script = format!(
            "const p = {parameters};
             const pair = await crypto.subtle.generateKey(p, true, ['sign', 'verify']);
             const url = text => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
             const input = url(btoa(JSON.stringify({{ alg: '{algorithm}' }}))) \
                 + '.' + url(btoa('{{}}'));
             const signature = await crypto.subtle.sign(p, pair.privateKey, \
                 new TextEncoder().encode(input));
             const token = input + '.' \
                 + url(btoa(String.fromCharCode(...new Uint8Array(signature))));
             return token + ' ' \
                 + JSON.stringify(await crypto.subtle.exportKey('jwk', pair.publicKey));"
        );
        let made = javascript(&script).await;
        let (token, key) = made.split_once(' ').unwrap();
        let key: Jwk = serde_json::from_str(key).unwrap();
        assert_eq!(verify(token, &key).await, Ok(()), "{algorithm}");
    }
}

#[wasm_bindgen_test]
async fn keys_that_must_not_be_used_are_refused() {
    let (token, key) = RFC_EXAMPLES[0];
    let key: Jwk = serde_json::from_str(key).unwrap();
    let ps256 = WebCrypto.verify(&key, SigningAlgorithm::Ps256, b"input", b"signature").await;
    assert_eq!(ps256, Err(SignatureError::InvalidKey), "the key is for RS256");
    let mut small = key.clone();
    small.n = key.n.map(|modulus| modulus[..171].to_owned());
    assert_eq!(verify(token, &small).await, Err(SignatureError::InvalidKey));
    let (token, key) = RFC_EXAMPLES[1];
    let mut off_the_curve: Jwk = serde_json::from_str(key).unwrap();
    off_the_curve.y.clone_from(&off_the_curve.x);
    assert_eq!(verify(token, &off_the_curve).await, Err(SignatureError::InvalidKey));
}

/// A provider of the test's own. All tests run in one tab, and a client keeps its provider's
/// metadata in the tab's storage: with another test's metadata, it would leave the page.
fn provider_of(test: &str) -> String {
    format!("https://{test}.example")
}

/// The whole client on the browser's ports, until it would leave the page.
#[wasm_bindgen_test]
async fn the_client_runs_on_the_browsers_ports() {
    let issuer = provider_of("incomplete");
    let _fetch = Fetched::by(&format!(
        "return Promise.resolve(new Response(JSON.stringify({{
             issuer: '{issuer}', token_endpoint: '{issuer}/token' }})));",
    ));
    let settings = Settings::new(issuer, "app", "https://app.example/cb");
    let manager = browser::user_manager(settings).unwrap();
    assert_eq!(manager.get_user().await.unwrap(), None);
    assert_eq!(manager.get_access_token().await, Err(Error::NotSignedIn));
    let error = manager.signin_redirect(SigninRequestArgs::default()).await.unwrap_err();
    assert_eq!(error, Error::NoEndpoint("authorization_endpoint"));
    let url = "https://app.example/cb?code=a&state=unknown";
    let error = manager.signin_redirect_callback(url).await.unwrap_err();
    assert_eq!(error, Error::NoMatchingState { signed_in: false });
    assert!(browser::user_manager(Settings::new("op", "app", "x")).is_err());
}
