//! Tokens for tests, without a network (feature `test-util`).
//!
//! ```
//! use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
//! use doorward_resource_server::{Authenticated, test_util::TestIssuer};
//! use tower::ServiceExt as _;
//!
//! async fn hello(caller: Authenticated) -> String {
//!     format!("Hello {}", caller.principal().sub())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = TestIssuer::new("orders-api");
//! let app: Router = Router::new().route("/", get(hello)).with_state(issuer.resource_server());
//!
//! let token = issuer.token("alice").role("admin").sign();
//! let request = Request::get("/").header("authorization", format!("Bearer {token}"));
//! let response = app.oneshot(request.body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! # Ok(())
//! # }
//! ```
//!
//! The functions of this module panic where a test could not go on.
#![allow(clippy::expect_used)] // Keys that were just made can be used.
#![allow(clippy::missing_panics_doc)]

use std::sync::Arc;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use doorward_protocol::{
    dpop::{PROOF_TYPE, access_token_hash},
    jwk::{Jwk, JwkSet},
    thumbprint::Thumbprint,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use crate::{Clock, KeySource, ResourceServer, ResourceServerSettings, SystemClock, TrustedIssuer};

/// An ES256 key.
#[derive(Clone)]
pub struct TestKey {
    private: EncodingKey,
    public: Jwk,
}

/// An issuer that exists in the test only. The API gets its key by settings.
#[derive(Clone)]
pub struct TestIssuer {
    issuer: String,
    audience: String,
    key: TestKey,
    clock: Arc<dyn Clock>,
}

/// A token that is not signed yet. It is good for five minutes unless something else is said.
#[derive(Clone)]
pub struct TestToken {
    key: TestKey,
    header: Header,
    claims: Map<String, Value>,
    now: i64,
}

impl TestKey {
    /// A new key with this name.
    pub fn new(kid: &str) -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .expect("a new key");
        let private = EncodingKey::from_ec_der(pkcs8.as_ref());
        let public = jsonwebtoken::jwk::Jwk::from_encoding_key(&private, Algorithm::ES256)
            .and_then(|jwk| Ok(serde_json::to_value(jwk)?))
            .expect("the public half of a new key");
        let mut public: Jwk = serde_json::from_value(public).expect("a JSON Web Key");
        public.kid = Some(kid.to_owned());
        Self { private, public }
    }

    /// The public half.
    pub fn public(&self) -> &Jwk {
        &self.public
    }

    /// The thumbprint, which `cnf.jkt` of a bound token holds (RFC 9449 section 6.1).
    pub fn thumbprint(&self) -> Thumbprint {
        self.public.thumbprint().expect("a complete key")
    }

    /// A DPoP proof by this key for a request with this access token (RFC 9449 section 4.2). `id`
    /// is its `jti`: a proof counts once.
    pub fn proof(&self, method: &str, uri: &str, access_token: &str, id: &str, now: i64) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(PROOF_TYPE.to_owned());
        let jwk = json!({
            "kty": self.public.kty, "crv": self.public.crv, "x": self.public.x, "y": self.public.y,
        });
        header.jwk = serde_json::from_value(jwk).ok();
        self.sign(
            &header,
            &json!({
                "jti": id, "htm": method, "htu": uri, "iat": now,
                "ath": access_token_hash(access_token),
            }),
        )
    }

    fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private).expect("a signature")
    }
}

impl TestIssuer {
    /// An issuer of tokens for this audience, with a new key and the machine's clock.
    pub fn new(audience: &str) -> Self {
        Self::with_clock(audience, Arc::new(SystemClock::default()))
    }

    /// The same with another clock.
    pub fn with_clock(audience: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuer: "https://issuer.test".to_owned(),
            audience: audience.to_owned(),
            key: TestKey::new("test"),
            clock,
        }
    }

    /// The issuer for an API's settings, with its key: nothing is fetched.
    pub fn trusted(&self) -> TrustedIssuer {
        let keys = JwkSet::new(vec![self.key.public.clone()]);
        TrustedIssuer::new(&self.issuer, &self.audience).with_keys(KeySource::Fixed(keys))
    }

    /// Settings of an API that trusts this issuer only.
    pub fn settings(&self) -> ResourceServerSettings {
        ResourceServerSettings::for_issuer(self.trusted())
    }

    /// An API that trusts this issuer only.
    pub fn resource_server(&self) -> ResourceServer {
        ResourceServer::with_clock(self.settings(), Arc::clone(&self.clock))
            .expect("settings without a mistake")
    }

    /// A token for a user, as RFC 9068 section 2.2 defines it.
    pub fn token(&self, sub: &str) -> TestToken {
        let now = self.clock.now();
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid.clone_from(&self.key.public.kid);
        let claims = json!({
            "iss": self.issuer, "sub": sub, "aud": self.audience, "client_id": "test-client",
            "jti": format!("test-{sub}-{now}"), "iat": now, "exp": now + 300,
        });
        let Value::Object(claims) = claims else { unreachable!("it is written as an object") };
        TestToken { key: self.key.clone(), header, claims, now }
    }
}

impl TestToken {
    /// Adds or replaces a claim; null removes it.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => drop(self.claims.remove(name)),
            value => drop(self.claims.insert(name.to_owned(), value)),
        }
        self
    }

    /// Sets the only role.
    #[must_use]
    pub fn role(self, role: &str) -> Self {
        self.claim("role", role)
    }

    /// Sets the scope, tokens with spaces between them.
    #[must_use]
    pub fn scope(self, scope: &str) -> Self {
        self.claim("scope", scope)
    }

    /// Expires after these seconds; a negative number makes an expired token.
    #[must_use]
    pub fn expires_in(self, seconds: i64) -> Self {
        let exp = self.now.saturating_add(seconds);
        self.claim("exp", exp)
    }

    /// Binds the token to the key, so that it needs a proof by it (RFC 9449).
    #[must_use]
    pub fn bound_to(self, key: &TestKey) -> Self {
        self.claim("cnf", json!({ "jkt": key.thumbprint().as_str() }))
    }

    /// Sets the header's type; `None` leaves it out.
    #[must_use]
    pub fn typ(mut self, typ: Option<&str>) -> Self {
        self.header.typ = typ.map(str::to_owned);
        self
    }

    /// Signs the token.
    pub fn sign(self) -> String {
        self.key.sign(&self.header, &Value::Object(self.claims))
    }
}
