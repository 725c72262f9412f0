//! Proofs of possession for tokens that are bound to this client's key (RFC 9449), with the setting
//! `dpop`.

use std::{
    cell::{OnceCell, RefCell},
    mem,
    rc::Rc,
};

use doorward_protocol::{
    base64url,
    challenge::{Challenge, Scheme},
    dpop::{HEADER, NONCE_HEADER, ProofClaims, access_token_hash, es256_header},
    error::ErrorCode,
    jwk::Jwk,
    thumbprint::Thumbprint,
};

use crate::{
    Error, Fault, Settings,
    flow::pending,
    lean::{json::Members, url},
    ports::{HttpClient, HttpRequest, HttpResponse, Ports, ProofKeyError, ProofSigner},
};

/// Seconds. If the server's clock differs by more, proofs are dated by the server's clock.
const CLOCK_TOLERANCE: u64 = 30;

/// Makes the proofs of one client, and remembers what each server requires.
pub(crate) struct Proofs {
    ports: Rc<Ports>,
    signer: Rc<dyn ProofSigner>,
    /// The key, once it is known.
    key: OnceCell<KnownKey>,
    servers: RefCell<Vec<Server>>,
}

struct KnownKey {
    /// The header of every proof, base64url-encoded.
    header: String,
    thumbprint: Thumbprint,
}

/// What is known about the servers of one origin.
#[derive(Clone, Default, PartialEq)]
struct Server {
    origin: String,
    /// The nonce for the next proof (section 8.2).
    nonce: Option<String>,
    /// How far the server's clock is ahead of the device's, in seconds. Zero if the difference is
    /// small.
    ahead: i64,
}

impl Proofs {
    /// Returns `None` unless the settings ask for DPoP.
    pub(crate) fn of(settings: &Settings, ports: &Rc<Ports>) -> Option<Rc<Self>> {
        let signer = ports.signer.clone().filter(|_| settings.dpop)?;
        Some(Rc::new(Self {
            ports: Rc::clone(ports),
            signer,
            key: OnceCell::new(),
            servers: RefCell::default(),
        }))
    }

    /// The thumbprint of the key, `dpop_jkt` (section 10).
    pub(crate) async fn thumbprint(&self) -> Result<String, Fault> {
        Ok(self.key().await?.thumbprint.to_string())
    }

    /// Sends a request with a proof. It is sent once more if the server requires a nonce, and once
    /// more if the server shows that the device's clock is wrong: three times at most. A request
    /// that was refused because of its proof had no effect but one: what may be sent once only, as
    /// an assertion, was sent. So `make` makes the same request anew.
    pub(crate) async fn send(
        &self,
        http: &dyn HttpClient,
        mut request: HttpRequest,
        make: &dyn Fn() -> Result<HttpRequest, Fault>,
        access_token: Option<&str>,
    ) -> Result<HttpResponse, Fault> {
        let origin = origin_of(&request.url).to_owned();
        let (mut may_take_nonce, mut may_set_clock) = (true, true);
        loop {
            let before = self.server(&origin);
            let answer = self.send_once(http, request, access_token, &before).await?;
            let after = self.server(&origin);
            let asks_again = match error_of(&answer) {
                Some(ErrorCode::UseDpopNonce) => {
                    let is_new = after.nonce.is_some() && after.nonce != before.nonce;
                    mem::take(&mut may_take_nonce) && is_new
                }
                Some(ErrorCode::InvalidDpopProof) => {
                    let difference = after.ahead.abs_diff(before.ahead);
                    mem::take(&mut may_set_clock) && difference > CLOCK_TOLERANCE
                }
                _ => false,
            };
            if !asks_again {
                return Ok(answer);
            }
            request = make()?;
        }
    }

    async fn send_once(
        &self,
        http: &dyn HttpClient,
        mut request: HttpRequest,
        access_token: Option<&str>,
        server: &Server,
    ) -> Result<HttpResponse, Fault> {
        let proof = self.proof(&request, access_token, server).await?;
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(HEADER));
        request.headers.push((HEADER.to_owned(), proof));
        let address = request.url.clone();
        let answer = http.send(request).await;
        let answer = answer.map_err(|failure| Error::Network { url: address, failure })?;
        self.learn(&server.origin, &answer);
        Ok(answer)
    }

    /// Makes the proof for one request (section 4.2).
    async fn proof(
        &self,
        request: &HttpRequest,
        access_token: Option<&str>,
        server: &Server,
    ) -> Result<String, Fault> {
        let (htu, _, _) = url::split(&request.url);
        let now = self.ports.clock.now().saturating_add_signed(server.ahead);
        let claims = ProofClaims {
            jti: pending::random_text(&*self.ports.entropy)?,
            htm: request.method.clone(),
            htu: htu.to_owned(),
            iat: i64::try_from(now).unwrap_or(i64::MAX),
            ath: access_token.map(access_token_hash),
            nonce: server.nonce.clone(),
        };
        let claims = Members(claims.into_members()).write();
        let input = [&self.key().await?.header, ".", &base64url::encode(claims)].concat();
        let signature = self.signer.sign(input.as_bytes()).await?;
        Ok([&input, ".", &base64url::encode(signature)].concat())
    }

    async fn key(&self) -> Result<&KnownKey, Fault> {
        if let Some(known) = self.key.get() {
            return Ok(known);
        }
        let known = KnownKey::of(&self.signer.public_key().await?)?;
        Ok(self.key.get_or_init(|| known))
    }

    fn server(&self, origin: &str) -> Server {
        let servers = self.servers.borrow();
        let known = servers.iter().find(|server| server.origin == origin);
        known.cloned().unwrap_or_else(|| Server { origin: origin.to_owned(), ..Server::default() })
    }

    /// Remembers the nonce and the time of a response for the server that sent it, and for no other
    /// (section 8.2).
    fn learn(&self, asked: &str, answer: &HttpResponse) {
        let sender = answer.url.as_deref().map_or(asked, origin_of);
        // Another request may have learnt something meanwhile.
        let mut server = self.server(sender);
        if let Some(nonce) = answer.header(NONCE_HEADER) {
            server.nonce = Some(nonce.to_owned());
        }
        if let Some(date) = answer.date {
            let now = self.ports.clock.now();
            let difference =
                i64::try_from(date).unwrap_or_default() - i64::try_from(now).unwrap_or_default();
            server.ahead = if date.abs_diff(now) > CLOCK_TOLERANCE { difference } else { 0 };
        }
        let mut servers = self.servers.borrow_mut();
        servers.retain(|known| known.origin != server.origin);
        servers.push(server);
    }
}

impl KnownKey {
    fn of(jwk: &Jwk) -> Result<Self, ProofKeyError> {
        let thumbprint = jwk
            .thumbprint()
            .ok_or_else(|| ProofKeyError::Failed("it is no public key".to_owned()))?;
        Ok(Self { header: es256_header(jwk), thumbprint })
    }
}

/// The server behind a URL. A URL without a readable origin shares its server with no other.
fn origin_of(url: &str) -> &str {
    url::origin(url).unwrap_or_else(|| url::split(url).0)
}

/// The error in a response: in its challenge (section 7.1) or its body (section 5).
fn error_of(answer: &HttpResponse) -> Option<ErrorCode> {
    if !matches!(answer.status, 400 | 401) {
        return None;
    }
    let challenges =
        answer.header("www-authenticate").and_then(|header| Challenge::parse_all(header).ok());
    let by_proof =
        challenges.unwrap_or_default().into_iter().find(|own| *own.scheme() == Scheme::Dpop);
    by_proof
        .and_then(|own| own.error())
        .or_else(|| Members::read(&answer.body)?.text("error").map(|code| code.as_str().into()))
}
