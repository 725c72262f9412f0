//! A correct provider: codes and refresh tokens can be used once, PKCE and redirect URIs are
//! checked.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use async_trait::async_trait;
use doorward_protocol::{
    base64url,
    jose::SigningAlgorithm,
    jwk::Jwk,
    params::Params,
    pkce::{CodeChallenge, CodeVerifier},
};
use serde_json::{Map, Value, json};

use super::world::FakeClock;
use crate::ports::{
    HttpClient, HttpRequest, HttpResponse, NetworkFailure, SignatureError, SignatureVerifier,
};

pub const ISSUER: &str = "https://op.example";

/// A failure of the next request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The request does not arrive.
    NotSent(NetworkFailure),
    /// It arrives and is processed, but the response is lost.
    AnswerLost,
    /// It arrives and is answered with this.
    Answer(u16, Value),
    /// It arrives and is refused with this challenge.
    Challenge(&'static str),
    /// It arrives and is answered with this, and with a nonce for proofs.
    Nonce(u16, Value, &'static str),
    /// It is redirected to this URL, where it is answered with this and with a nonce.
    Elsewhere(&'static str, u16, Value, &'static str),
}

struct Grant {
    request: Params,
    sub: String,
}

/// Changes the claims of each ID token.
type Alter = Box<dyn Fn(&mut Map<String, Value>)>;

#[derive(Default)]
struct State {
    requests: Vec<(String, Params)>,
    /// Names and values of what was sent, and to which endpoint.
    headers: Vec<(String, String, String)>,
    faults: VecDeque<(&'static str, Fault)>,
    codes: Vec<(String, Grant)>,
    /// Requests that were pushed, by reference.
    pushed: Vec<(String, Params)>,
    refresh_tokens: Vec<(String, Value)>,
    issued: usize,
    alter_claims: Option<Alter>,
    alter_answer: Option<Alter>,
}

pub struct Provider {
    clock: Rc<FakeClock>,
    state: RefCell<State>,
    pub metadata: RefCell<Value>,
    pub keys: RefCell<Value>,
    /// The lifetime of access tokens in seconds.
    pub lifetime: RefCell<u64>,
    /// How far the provider's clock is ahead of the device's, in seconds.
    pub clock_ahead: RefCell<i64>,
    /// Whether responses contain the provider's time.
    pub tells_time: RefCell<bool>,
    pub signing_kid: RefCell<String>,
    /// In place of the claims of userinfo in JSON: a body as it is.
    pub userinfo_body: RefCell<Option<String>>,
}

impl Provider {
    pub fn new(clock: Rc<FakeClock>) -> Self {
        let endpoint = |name: &str| format!("{ISSUER}/{name}");
        Self {
            clock,
            state: RefCell::default(),
            metadata: RefCell::new(json!({
                "issuer": ISSUER,
                "authorization_endpoint": endpoint("authorize"),
                "token_endpoint": endpoint("token"),
                "userinfo_endpoint": endpoint("userinfo"),
                "revocation_endpoint": endpoint("revoke"),
                "end_session_endpoint": endpoint("endsession"),
                "jwks_uri": endpoint("jwks"),
                "id_token_signing_alg_values_supported": ["RS256"],
                "authorization_response_iss_parameter_supported": true,
            })),
            keys: RefCell::new(json!({ "keys": [key("k1")] })),
            lifetime: RefCell::new(3600),
            clock_ahead: RefCell::new(0),
            tells_time: RefCell::new(true),
            signing_kid: RefCell::new("k1".to_owned()),
            userinfo_body: RefCell::default(),
        }
    }

    fn now(&self) -> u64 {
        self.clock.true_time().saturating_add_signed(*self.clock_ahead.borrow())
    }

    /// The user signs in at the provider. Returns the query of the response.
    pub fn sign_in(&self, authorization_url: &str, sub: &str) -> String {
        let (endpoint, query) = authorization_url.split_once('?').unwrap();
        assert_eq!(endpoint, format!("{ISSUER}/authorize"));
        let request = self.request_of(&Params::parse(query).unwrap());
        let mut state = self.state.borrow_mut();
        let code = format!("code-{}", state.codes.len());
        let answer = doorward_protocol::params::encode([
            ("code", code.as_str()),
            ("state", request.get("state").unwrap()),
            ("iss", ISSUER),
            ("session_state", "ss"),
        ]);
        state.codes.push((code, Grant { request, sub: sub.to_owned() }));
        answer
    }

    /// The pushed request, if there is a reference to one. It can be used once.
    fn request_of(&self, request: &Params) -> Params {
        let Some(reference) = request.get("request_uri") else {
            return request.clone();
        };
        let mut state = self.state.borrow_mut();
        let position = state.pushed.iter().position(|(own, _)| own == reference).unwrap();
        let (_, pushed) = state.pushed.remove(position);
        assert_eq!(request.get("client_id"), pushed.get("client_id"));
        pushed
    }

    /// Makes the next request to the endpoint fail. Several calls add up.
    pub fn fault(&self, endpoint: &'static str, fault: Fault) {
        self.state.borrow_mut().faults.push_back((endpoint, fault));
    }

    pub fn alter_claims(&self, alter: impl Fn(&mut Map<String, Value>) + 'static) {
        self.state.borrow_mut().alter_claims = Some(Box::new(alter));
    }

    pub fn alter_answer(&self, alter: impl Fn(&mut Map<String, Value>) + 'static) {
        self.state.borrow_mut().alter_answer = Some(Box::new(alter));
    }

    /// Ends every grant.
    pub fn revoke_all(&self) {
        self.state.borrow_mut().refresh_tokens.clear();
    }

    /// The number of requests to an endpoint.
    pub fn count(&self, endpoint: &str) -> usize {
        self.requests(endpoint).len()
    }

    /// The forms that an endpoint received.
    pub fn requests(&self, endpoint: &str) -> Vec<Params> {
        let state = self.state.borrow();
        let requests = state.requests.iter().filter(|(own, _)| own == endpoint);
        requests.map(|(_, form)| form.clone()).collect()
    }

    /// The `Authorization` headers that were sent.
    pub fn authorizations(&self) -> Vec<String> {
        self.headers("authorization").into_iter().map(|(_, value)| value).collect()
    }

    /// The proofs that an endpoint received.
    pub fn proofs(&self, endpoint: &str) -> Vec<String> {
        let all = self.headers("dpop").into_iter();
        all.filter(|(own, _)| own == endpoint).map(|(_, proof)| proof).collect()
    }

    /// The endpoints that received this header, and its values.
    pub fn headers(&self, name: &str) -> Vec<(String, String)> {
        let state = self.state.borrow();
        let named = state.headers.iter().filter(|(_, own, _)| own == name);
        named.map(|(endpoint, _, value)| (endpoint.clone(), value.clone())).collect()
    }

    fn answer(&self, endpoint: &str, form: &Params) -> (u16, Value) {
        match endpoint {
            ".well-known/openid-configuration" => (200, self.metadata.borrow().clone()),
            "jwks" => (200, self.keys.borrow().clone()),
            "token" => self.token(form),
            "userinfo" => (200, json!({ "sub": "alice", "email": "alice@example.com" })),
            "revoke" => (200, Value::Null),
            "par" => {
                let mut state = self.state.borrow_mut();
                let reference = format!("urn:ietf:params:oauth:request_uri:{}", state.pushed.len());
                state.pushed.push((reference.clone(), form.clone()));
                (201, json!({ "request_uri": reference, "expires_in": 60 }))
            }
            _ => (404, Value::Null),
        }
    }

    fn token(&self, form: &Params) -> (u16, Value) {
        let refused = (400, json!({ "error": "invalid_grant", "error_description": "no" }));
        match form.get("grant_type") {
            Some("authorization_code") => {
                let code = form.get("code").unwrap();
                let position = self.state.borrow().codes.iter().position(|(own, _)| own == code);
                let Some(position) = position else {
                    return refused;
                };
                let (_, Grant { request, sub }) = self.state.borrow_mut().codes.remove(position);
                let challenge =
                    CodeChallenge::parse(request.get("code_challenge").unwrap()).unwrap();
                let verifier = CodeVerifier::parse(form.get("code_verifier").unwrap()).unwrap();
                if !challenge.matches(&verifier)
                    || request.get("redirect_uri") != form.get("redirect_uri")
                {
                    return refused;
                }
                let mut about =
                    json!({ "sub": sub, "nonce": request.get("nonce"), "auth_time": self.now() });
                if let Some(values) = request.get("acr_values") {
                    about["acr"] = json!(values.split(' ').next_back());
                }
                (200, self.issue(about))
            }
            Some("refresh_token") => {
                let token = form.get("refresh_token").unwrap();
                let position =
                    self.state.borrow().refresh_tokens.iter().position(|(own, _)| own == token);
                let Some(position) = position else {
                    return refused;
                };
                let (_, mut about) = self.state.borrow_mut().refresh_tokens.remove(position);
                about.as_object_mut().unwrap().remove("nonce");
                (200, self.issue(about))
            }
            Some("password") if form.get("password") == Some("secret") => {
                let about = json!({ "sub": form.get("username"), "auth_time": self.now() });
                (200, self.issue(about))
            }
            Some("password") => refused,
            _ => (400, json!({ "error": "unsupported_grant_type" })),
        }
    }

    fn issue(&self, about: Value) -> Value {
        let mut state = self.state.borrow_mut();
        state.issued += 1;
        let number = state.issued;
        let access_token = format!("access-{number}");
        let mut claims = about.as_object().unwrap().clone();
        claims.extend(
            json!({
                "iss": ISSUER, "aud": "app", "iat": self.now(), "exp": self.now() + 300,
                "name": "Alice", "at_hash": SigningAlgorithm::Rs256.left_half_hash(&access_token),
            })
            .as_object()
            .unwrap()
            .clone(),
        );
        if let Some(alter) = &state.alter_claims {
            alter(&mut claims);
        }
        let mut answer = json!({
            "access_token": access_token, "token_type": "Bearer",
            "expires_in": *self.lifetime.borrow(),
            "refresh_token": format!("refresh-{number}"), "scope": "openid profile",
            "id_token": sign(&self.signing_kid.borrow(), &Value::Object(claims)),
        });
        if let Some(alter) = &state.alter_answer {
            alter(answer.as_object_mut().unwrap());
        }
        state.refresh_tokens.push((format!("refresh-{number}"), about));
        answer
    }
}

#[async_trait(?Send)]
impl HttpClient for Provider {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NetworkFailure> {
        let endpoint = request.url.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
        let body = request.body.as_deref().unwrap_or_default();
        let Ok(form) = Params::parse_with_repeatable(body, &["resource"]) else {
            return Ok(HttpResponse {
                status: 400,
                headers: Vec::new(),
                body: json!({ "error": "invalid_request" }).to_string(),
                date: None,
                url: None,
            });
        };
        let fault = {
            let mut state = self.state.borrow_mut();
            state.requests.push((endpoint.clone(), form.clone()));
            let sent = request.headers.iter();
            state.headers.extend(
                sent.map(|(name, value)| (endpoint.clone(), name.to_lowercase(), value.clone())),
            );
            let position = state.faults.iter().position(|(own, _)| *own == endpoint);
            position.and_then(|position| state.faults.remove(position))
        };
        // Others run while the request is under way.
        self.clock.sleep_for(std::time::Duration::from_millis(10)).await;
        let (mut headers, mut url) = (Vec::new(), None);
        let (status, body) = match fault.map(|(_, fault)| fault) {
            Some(Fault::Challenge(challenge)) => {
                headers.push(("www-authenticate".to_owned(), challenge.to_owned()));
                (401, Value::Null)
            }
            Some(Fault::Nonce(status, body, nonce)) => {
                headers.push(("dpop-nonce".to_owned(), nonce.to_owned()));
                (status, body)
            }
            Some(Fault::Elsewhere(address, status, body, nonce)) => {
                headers.push(("dpop-nonce".to_owned(), nonce.to_owned()));
                url = Some(address.to_owned());
                (status, body)
            }
            Some(Fault::NotSent(failure)) => return Err(failure),
            Some(Fault::AnswerLost) => {
                self.answer(&endpoint, &form);
                return Err(NetworkFailure::Failed("connection reset".to_owned()));
            }
            Some(Fault::Answer(status, body)) => (status, body),
            None => self.answer(&endpoint, &form),
        };
        Ok(HttpResponse {
            status,
            headers,
            body: match &*self.userinfo_body.borrow() {
                Some(own) if endpoint == "userinfo" => own.clone(),
                _ => body.to_string(),
            },
            date: self.tells_time.borrow().then(|| self.now()),
            url,
        })
    }
}

const MODULUS: &str = "AQAB";

/// A fake key: its signatures consist of its name and the input's length.
pub fn key(kid: &str) -> Jwk {
    Jwk::rsa(MODULUS, "AQAB").for_signing(SigningAlgorithm::Rs256, kid)
}

fn signature(kid: &str, input: &[u8]) -> Vec<u8> {
    format!("{kid}:{}", input.len()).into_bytes()
}

/// A token that [`FakeVerifier`] accepts from the key of this name.
pub fn sign(kid: &str, claims: &Value) -> String {
    sign_as(&json!({ "alg": "RS256", "kid": kid, "typ": "JWT" }), kid, claims)
}

pub fn sign_as(header: &Value, kid: &str, claims: &Value) -> String {
    let input = format!(
        "{}.{}",
        base64url::encode(header.to_string()),
        base64url::encode(claims.to_string())
    );
    let signature = base64url::encode(signature(kid, input.as_bytes()));
    format!("{input}.{signature}")
}

/// Accepts the signatures of [`sign`].
#[derive(Default)]
pub struct FakeVerifier {
    /// Whether the context is insecure.
    pub unavailable: bool,
}

#[async_trait(?Send)]
impl SignatureVerifier for FakeVerifier {
    async fn verify(
        &self,
        key: &Jwk,
        _algorithm: SigningAlgorithm,
        input: &[u8],
        given: &[u8],
    ) -> Result<(), SignatureError> {
        if self.unavailable {
            Err(SignatureError::Unavailable)
        } else if key.n.as_deref() == Some(MODULUS)
            && signature(key.kid.as_deref().unwrap_or("k1"), input) == given
        {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}
