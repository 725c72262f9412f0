//! What the fuzz target `callback` does with an input: a user returns from the provider with a URL
//! that anyone may have written, and the token endpoint answers anything. The result is a verified
//! user or a typed error.
//!
//! The lines of an input are: the query of the URL, the header of the ID token, its claims, and
//! then the response of the token endpoint. `@state`, `@nonce` and `@id_token` are placeholders.
//! Every signature is accepted.

use std::{cell::RefCell, rc::Rc, time::Duration};

use async_trait::async_trait;
use doorward_client::{
    Settings, SigninOutcome, SigninRequestArgs, SignoutRequestArgs, UserManager,
    in_page::{MemoryStorage, PageLocks},
    ports::{
        Broadcast, Clock, Entropy, EntropyError, Guard, HttpClient, HttpRequest, HttpResponse,
        LocalFuture, Navigator, NetworkFailure, Ports, Redirect, SignatureError, SignatureVerifier,
        Timer,
    },
};
use doorward_protocol::{base64url, jose::SigningAlgorithm, jwk::Jwk, params::Params};
use futures::{
    executor::{LocalPool, LocalSpawner},
    task::LocalSpawnExt as _,
};

const ISSUER: &str = "https://op.example";
const REDIRECT_URI: &str = "https://app.example/cb";
const NOW: u64 = 1_763_800_000;

/// Runs one input. Returns whether a user was signed in.
pub fn run(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.splitn(4, '\n');
    let [query, header, claims, answer] = [(); 4].map(|()| lines.next().unwrap_or_default());
    let mut pool = LocalPool::new();
    let page = Rc::new(Page::new(pool.spawner()));
    let manager = UserManager::new(settings(), page.ports()).unwrap();
    outcome(&mut pool, manager.signin_redirect(SigninRequestArgs::default())).unwrap().unwrap();
    let asked = page.gone_to.borrow().clone();
    let asked = Params::parse(asked.split_once('?').unwrap().1).unwrap();

    let claims = claims.replacen("@nonce", asked.get("nonce").unwrap(), 1);
    let id_token = [header, claims.as_str(), "signature"].map(base64url::encode).join(".");
    *page.answer.borrow_mut() = answer.replacen("@id_token", &id_token, 1);
    let url =
        format!("{REDIRECT_URI}?{}", query.replacen("@state", asked.get("state").unwrap(), 1));
    page.show_url(&url);

    manager.callback_kind(&url);
    let signed_in = outcome(&mut pool, manager.signin_redirect_callback(&url));
    let kept = outcome(&mut pool, manager.get_user()).unwrap().unwrap();
    let succeeded = matches!(signed_in, Some(Ok(_)));
    match signed_in {
        Some(Ok(SigninOutcome { user, .. })) => {
            assert_eq!(user.profile["iss"], ISSUER);
            assert!(!user.sub().is_empty() && !user.access_token.is_empty());
            assert_eq!(kept.map(|kept| kept.access_token), Some(user.access_token));
        }
        Some(Err(error)) => {
            let message = error.user_message();
            assert!(message.ends_with('.') && message.len() < 1000, "{error:?}: {message}");
            assert_eq!(kept, None);
        }
        // It waits before it tries again. Nobody is signed in meanwhile.
        None => assert_eq!(kept, None),
    }
    let _ = outcome(&mut pool, manager.signin_silent());
    let _ = outcome(&mut pool, manager.signout_redirect(SignoutRequestArgs::default()));
    let _ = outcome(&mut pool, manager.signout_redirect_callback(&url));
    succeeded
}

/// The result of a call, unless it waits for something.
fn outcome<T: 'static>(pool: &mut LocalPool, call: LocalFuture<T>) -> Option<T> {
    let came = Rc::new(RefCell::new(None));
    let kept = Rc::clone(&came);
    pool.spawner().spawn_local(async move { *kept.borrow_mut() = Some(call.await) }).unwrap();
    pool.run_until_stalled();
    came.take()
}

fn settings() -> Settings {
    Settings::new(ISSUER, "app", REDIRECT_URI).scope("openid profile")
}

/// A page without events, and a provider whose token endpoint answers what it is told.
struct Page {
    spawner: LocalSpawner,
    answer: RefCell<String>,
    address: RefCell<String>,
    gone_to: RefCell<String>,
}

impl Page {
    fn new(spawner: LocalSpawner) -> Self {
        Self {
            spawner,
            answer: RefCell::default(),
            address: RefCell::default(),
            gone_to: RefCell::default(),
        }
    }

    fn ports(self: &Rc<Self>) -> Ports {
        Ports {
            http: self.clone(),
            state_store: Rc::new(MemoryStorage::default()),
            user_store: Rc::new(MemoryStorage::default()),
            tab_store: Rc::new(MemoryStorage::default()),
            clock: self.clone(),
            entropy: self.clone(),
            verifier: self.clone(),
            locks: Rc::new(PageLocks::default()),
            broadcast: self.clone(),
            navigator: self.clone(),
            timer: self.clone(),
            signer: None,
            assertions: None,
            popups: None,
        }
    }
}

#[async_trait(?Send)]
impl HttpClient for Page {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NetworkFailure> {
        let body = match request.url.strip_prefix(ISSUER) {
            Some("/.well-known/openid-configuration") => METADATA.to_owned(),
            Some("/jwks") => {
                r#"{"keys":[{"kty":"RSA","kid":"k1","use":"sig","alg":"RS256","n":"AQAB","e":"AQAB"}]}"#.to_owned()
            }
            _ => self.answer.borrow().clone(),
        };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Ok(HttpResponse { status: 200, headers, body, date: Some(NOW), url: None })
    }
}

const METADATA: &str = r#"{"issuer":"https://op.example","authorization_endpoint":"https://op.example/authorize",
    "token_endpoint":"https://op.example/token","userinfo_endpoint":"https://op.example/userinfo",
    "end_session_endpoint":"https://op.example/endsession","jwks_uri":"https://op.example/jwks",
    "id_token_signing_alg_values_supported":["RS256"],"authorization_response_iss_parameter_supported":true}"#;

impl Clock for Page {
    fn now(&self) -> u64 {
        NOW
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Entropy for Page {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        buffer.fill(7);
        Ok(())
    }
}

#[async_trait(?Send)]
impl SignatureVerifier for Page {
    async fn verify(
        &self,
        _: &Jwk,
        _: SigningAlgorithm,
        _: &[u8],
        _: &[u8],
    ) -> Result<(), SignatureError> {
        Ok(())
    }
}

impl Broadcast for Page {
    fn post(&self, _: &str) {}

    fn subscribe(&self, _: Box<dyn Fn(&str)>) -> Guard {
        Guard::new(|| ())
    }
}

impl Navigator for Page {
    fn current_url(&self) -> String {
        self.address.borrow().clone()
    }

    fn go(&self, url: &str, _: Redirect) {
        url.clone_into(&mut self.gone_to.borrow_mut());
    }

    fn show_url(&self, url: &str) {
        url.clone_into(&mut self.address.borrow_mut());
    }

    fn on_wake(&self, _: Box<dyn Fn()>) -> Guard {
        Guard::new(|| ())
    }
}

#[async_trait(?Send)]
impl Timer for Page {
    async fn sleep(&self, _: Duration) {
        futures::future::pending::<()>().await;
    }

    fn spawn(&self, task: LocalFuture<()>) {
        self.spawner.spawn_local(task).unwrap();
    }
}
