//! A provider that does what the test says, on a port of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm,
    },
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use doorward_axum::http::{HeaderMap, StatusCode};
use doorward_protocol::{
    base64url,
    pkce::{CodeChallenge, CodeVerifier},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use url::{Url, form_urlencoded};

use super::CLIENT;

/// What the provider does next.
#[derive(Clone)]
pub struct Rules {
    /// What the metadata call the provider, if that is not its address.
    pub called: Option<String>,
    /// Whether it answers at all.
    pub is_up: bool,
    /// The lifetime of access tokens in seconds.
    pub lifetime: u64,
    /// The error by which refresh tokens are refused.
    pub refuses_renewals: Option<&'static str>,
    /// Whether renewed tokens have an ID token.
    pub renews_id_tokens: bool,
    /// Changes of the claims of ID tokens; null removes one.
    pub claims: Value,
    /// The claims of access tokens that are JWTs.
    pub access_claims: Option<Value>,
    /// What signs ID tokens.
    pub algorithm: Algorithm,
    /// Who signs in.
    pub sub: String,
    /// What userinfo says beside `sub`.
    pub user_info: Value,
    /// Whether userinfo is a token.
    pub signs_user_info: bool,
    /// The type of access tokens.
    pub token_type: &'static str,
    /// The nonce that a proof must have at the token endpoint (RFC 9449 section 8).
    pub nonce: Option<String>,
}

/// In place of the endpoint, for a token request that was refused for the nonce of its proof.
pub const WITHOUT_ITS_NONCE: &str = "token without its nonce";

/// An endpoint, the form that it got, and the headers.
type Received = (String, HashMap<String, String>, HeaderMap);

pub struct Provider {
    pub issuer: String,
    /// The keys by their algorithms.
    keys: [(Algorithm, EncodingKey); 2],
    rules: Mutex<Rules>,
    codes: Mutex<HashMap<String, HashMap<String, String>>>,
    /// What the endpoints got.
    received: Mutex<Vec<Received>>,
    counter: Mutex<u64>,
    /// A permit for each answer of the token endpoint to a refresh token.
    pub renewals: Semaphore,
}

type Shared = State<Arc<Provider>>;

impl Provider {
    /// Starts the provider.
    pub async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let rules = Rules {
            called: None,
            is_up: true,
            lifetime: 3600,
            refuses_renewals: None,
            renews_id_tokens: false,
            claims: json!({}),
            access_claims: None,
            algorithm: Algorithm::ES256,
            sub: "alice".to_owned(),
            user_info: json!({ "name": "Alice Archer" }),
            signs_user_info: false,
            token_type: "Bearer",
            nonce: None,
        };
        let provider = Arc::new(Self {
            issuer,
            keys: [
                (Algorithm::ES256, new_key(&ECDSA_P256_SHA256_FIXED_SIGNING)),
                (Algorithm::ES384, new_key(&ECDSA_P384_SHA384_FIXED_SIGNING)),
            ],
            rules: Mutex::new(rules),
            codes: Mutex::default(),
            received: Mutex::default(),
            counter: Mutex::default(),
            renewals: Semaphore::new(Semaphore::MAX_PERMITS),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/par", post(par))
            .route("/userinfo", get(user_info))
            .route("/revocation", post(revocation))
            .with_state(Arc::clone(&provider));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    pub fn change(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.rules.lock().unwrap());
    }

    fn rules(&self) -> Rules {
        self.rules.lock().unwrap().clone()
    }

    /// The user signs in at the URL that the browser was sent to. Returns where the browser goes.
    pub fn authorize(&self, url: &str) -> String {
        let mut params = params_of(url);
        if let Some(reference) = params.get("request_uri") {
            params = self.codes.lock().unwrap().remove(reference).unwrap();
        }
        assert_eq!(params["code_challenge_method"], "S256");
        let code = format!("code-{}", self.count());
        let response = [("code", &*code), ("state", &params["state"]), ("iss", &self.issuer)];
        let to = Url::parse_with_params(&params["redirect_uri"], response).unwrap();
        self.codes.lock().unwrap().insert(code, params);
        to.into()
    }

    /// The forms that an endpoint got.
    pub fn forms(&self, endpoint: &str) -> Vec<HashMap<String, String>> {
        let received = self.received.lock().unwrap();
        received
            .iter()
            .filter(|(own, ..)| own == endpoint)
            .map(|(_, form, _)| form.clone())
            .collect()
    }

    /// The `Authorization` header of the last request to an endpoint.
    pub fn authorization(&self, endpoint: &str) -> String {
        let received = self.received.lock().unwrap();
        let (_, _, headers) = received.iter().rfind(|(own, ..)| own == endpoint).unwrap();
        headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned()
    }

    /// The headers of the requests to an endpoint that had a proof.
    pub fn proofs(&self, endpoint: &str) -> Vec<HeaderMap> {
        let received = self.received.lock().unwrap();
        let headers = received.iter().filter(|(own, ..)| own == endpoint).map(|(.., own)| own);
        headers.filter(|headers| headers.contains_key("dpop")).cloned().collect()
    }

    /// How many renewals were asked for.
    pub fn renewals(&self) -> usize {
        self.forms("token").iter().filter(|form| form["grant_type"] == "refresh_token").count()
    }

    /// A token, signed by ES256.
    pub fn sign(&self, typ: &str, claims: &Value) -> String {
        self.sign_by(Algorithm::ES256, typ, claims)
    }

    /// A token, signed by this algorithm of the provider.
    pub fn sign_by(&self, algorithm: Algorithm, typ: &str, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        header.typ = Some(typ.to_owned());
        let (_, key) = self.keys.iter().find(|(own, _)| *own == algorithm).unwrap();
        jsonwebtoken::encode(&header, claims, key).unwrap()
    }

    fn count(&self) -> u64 {
        let mut counter = self.counter.lock().unwrap();
        *counter += 1;
        *counter
    }

    fn receive(
        &self,
        endpoint: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> HashMap<String, String> {
        let form: HashMap<_, _> = form_urlencoded::parse(body).into_owned().collect();
        let entry = (endpoint.to_owned(), form.clone(), headers.clone());
        self.received.lock().unwrap().push(entry);
        form
    }

    fn tokens(&self, request: Option<&HashMap<String, String>>) -> Value {
        let rules = self.rules();
        let count = self.count();
        let mut answer = json!({
            "access_token": match &rules.access_claims {
                Some(claims) => self.sign("at+jwt", claims),
                None => format!("access-{count}"),
            },
            "refresh_token": format!("refresh-{count}"),
            "token_type": rules.token_type,
            "expires_in": rules.lifetime,
        });
        let now = now();
        if request.is_none() && !rules.renews_id_tokens {
            return answer;
        }
        let nonce = request.map(|request| &request["nonce"]);
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT, "sub": rules.sub, "sid": "sid-1",
            "iat": now, "exp": now + 300, "auth_time": now, "nonce": nonce,
            "role": ["admin"], "acr": "1",
        });
        if nonce.is_none() {
            claims.as_object_mut().unwrap().remove("nonce");
        }
        for (name, value) in rules.claims.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        answer["id_token"] = self.sign_by(rules.algorithm, "JWT", &claims).into();
        answer
    }
}

fn new_key(algorithm: &'static EcdsaSigningAlgorithm) -> EncodingKey {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    EncodingKey::from_ec_der(pkcs8.as_ref())
}

/// Seconds since 1970 (UTC).
pub fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// The parameters of a URL.
pub fn params_of(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

fn unavailable() -> Response {
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

async fn metadata(State(provider): Shared) -> Response {
    let rules = provider.rules();
    if !rules.is_up {
        return unavailable();
    }
    let at = |path: &str| format!("{}/{path}", provider.issuer);
    Json(json!({
        "issuer": rules.called.as_ref().unwrap_or(&provider.issuer),
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "jwks_uri": at("jwks"),
        "userinfo_endpoint": at("userinfo"),
        "revocation_endpoint": at("revocation"),
        "end_session_endpoint": at("endsession"),
        "pushed_authorization_request_endpoint": at("par"),
        "authorization_response_iss_parameter_supported": true,
        "id_token_signing_alg_values_supported": ["ES256", "ES384"],
    }))
    .into_response()
}

/// The claims of a request's proof, which is not verified.
pub fn proof_claims(headers: &HeaderMap) -> Option<Value> {
    let payload = headers.get("dpop")?.to_str().ok()?.split('.').nth(1)?;
    serde_json::from_slice(&base64url::decode(payload).ok()?).ok()
}

/// The nonce of a request's proof.
pub fn nonce_of(headers: &HeaderMap) -> Option<String> {
    proof_claims(headers)?["nonce"].as_str().map(str::to_owned)
}

async fn jwks(State(provider): Shared) -> Json<Value> {
    let public = |(algorithm, key): &(Algorithm, EncodingKey)| {
        jsonwebtoken::jwk::Jwk::from_encoding_key(key, *algorithm).unwrap()
    };
    Json(json!({ "keys": provider.keys.each_ref().map(public) }))
}

async fn token(State(provider): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let rules = provider.rules();
    if !rules.is_up {
        return unavailable();
    }
    if let Some(nonce) = rules.nonce
        && nonce_of(&headers).as_ref() != Some(&nonce)
    {
        provider.receive(WITHOUT_ITS_NONCE, &headers, &body);
        let answer = Json(json!({ "error": "use_dpop_nonce" }));
        return (StatusCode::BAD_REQUEST, [("dpop-nonce", nonce)], answer).into_response();
    }
    let form = provider.receive("token", &headers, &body);
    let refused =
        |error| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if form["grant_type"] == "refresh_token" {
        provider.renewals.acquire().await.unwrap().forget();
        return match rules.refuses_renewals {
            Some(error) => refused(error),
            None => Json(provider.tokens(None)).into_response(),
        };
    }
    let Some(request) = provider.codes.lock().unwrap().remove(&form["code"]) else {
        return refused("invalid_grant");
    };
    let verifier = CodeVerifier::parse(&*form["code_verifier"]).unwrap();
    let challenge = CodeChallenge::parse(&*request["code_challenge"]).unwrap();
    if !challenge.matches(&verifier) || form["redirect_uri"] != request["redirect_uri"] {
        return refused("invalid_grant");
    }
    Json(provider.tokens(Some(&request))).into_response()
}

async fn par(State(provider): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let form = provider.receive("par", &headers, &body);
    let reference = format!("urn:request:{}", provider.count());
    provider.codes.lock().unwrap().insert(reference.clone(), form);
    let answer = json!({ "request_uri": reference, "expires_in": 60 });
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn user_info(State(provider): Shared, headers: HeaderMap) -> Response {
    provider.receive("userinfo", &headers, &Bytes::new());
    let rules = provider.rules();
    let mut claims = Map::from_iter([("sub".to_owned(), json!(rules.sub))]);
    if rules.signs_user_info {
        claims.insert("iss".to_owned(), json!(provider.issuer));
        claims.insert("aud".to_owned(), json!(CLIENT));
    }
    claims.extend(rules.user_info.as_object().unwrap().clone());
    if !rules.signs_user_info {
        return Json(Value::Object(claims)).into_response();
    }
    let token = provider.sign("JWT", &Value::Object(claims));
    ([("content-type", "application/jwt")], token).into_response()
}

async fn revocation(State(provider): Shared, headers: HeaderMap, body: Bytes) -> StatusCode {
    provider.receive("revocation", &headers, &body);
    StatusCode::OK
}
