//! Requests to the provider, with the client's settings applied and typed errors.

use std::{rc::Rc, time::Duration};

use doorward_protocol::{
    base64url,
    error::ErrorCode,
    form,
    secret::Secret,
    token::{BEARER, DPOP},
};

#[cfg(feature = "private-key-jwt")]
use crate::id_token::TENANT;
use crate::{
    Error, Fault, Settings,
    dpop::Proofs,
    error::may_pass,
    lean::json::Members,
    ports::{CacheMode, HttpClient, HttpRequest, HttpResponse, Ports},
    settings::ClientAuthentication,
    trace::Tracer,
};

/// `client_assertion_type` (RFC 7523 section 2.2).
#[cfg(feature = "private-key-jwt")]
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The HTTP port with the client's settings. Clones share both.
#[derive(Clone)]
pub(crate) struct Transport {
    pub(crate) settings: Rc<Settings>,
    pub(crate) ports: Rc<Ports>,
    /// Present if tokens are bound to a key.
    pub(crate) proofs: Option<Rc<Proofs>>,
    /// Records what is sent and received.
    pub(crate) trace: Tracer,
}

/// What the DPoP proof of a request proves (RFC 9449 section 4).
#[derive(Clone, Copy)]
pub(crate) enum ProofOf<'a> {
    /// The request needs no proof.
    Nothing,
    /// Possession of the key.
    Key,
    /// Possession of the key that this access token is bound to.
    Token(&'a str),
}

impl Transport {
    pub(crate) fn new(settings: Rc<Settings>, ports: Rc<Ports>, trace: Tracer) -> Self {
        let proofs = Proofs::of(&settings, &ports);
        Self { settings, ports, proofs, trace }
    }

    /// The type of this client's tokens: `Bearer`, or `DPoP` if they are bound to a key.
    pub(crate) fn token_type(&self) -> &'static str {
        if self.proofs.is_some() { DPOP } else { BEARER }
    }

    /// The header with an access token (RFC 6750 section 2.1, RFC 9449 section 7.1).
    pub(crate) fn authorization(&self, access_token: &str) -> (String, String) {
        ("authorization".to_owned(), [self.token_type(), " ", access_token].concat())
    }

    /// Sends a request, with a proof if tokens are bound to a key.
    pub(crate) fn transmit(
        &self,
        request: HttpRequest,
        proven: ProofOf<'_>,
    ) -> impl Future<Output = Result<HttpResponse, Fault>> {
        self.transmit_by(&*self.ports.http, request, proven)
    }

    /// The same by another HTTP client.
    pub(crate) async fn transmit_by(
        &self,
        http: &dyn HttpClient,
        request: HttpRequest,
        proven: ProofOf<'_>,
    ) -> Result<HttpResponse, Fault> {
        self.transmit_made(http, &|| Ok(request.clone()), proven).await
    }

    /// The same for a request that `make` makes, anew each time that it is sent.
    async fn transmit_made(
        &self,
        http: &dyn HttpClient,
        make: &dyn Fn() -> Result<HttpRequest, Fault>,
        proven: ProofOf<'_>,
    ) -> Result<HttpResponse, Fault> {
        let request = make()?;
        let under_way = self.trace.sending(&request);
        let answer = match (&self.proofs, proven) {
            (Some(proofs), ProofOf::Key) => proofs.send(http, request, make, None).await,
            (Some(proofs), ProofOf::Token(access_token)) => {
                proofs.send(http, request, make, Some(access_token)).await
            }
            _ => {
                let url = request.url.clone();
                let sent = http.send(request).await;
                sent.map_err(|failure| Error::Network { url, failure }.into())
            }
        };
        self.trace.sent(under_way, &answer);
        answer
    }

    /// Fetches a public document.
    pub(crate) fn get(
        &self,
        url: &str,
        cache: CacheMode,
    ) -> impl Future<Output = Result<HttpResponse, Fault>> {
        self.transmit(self.request("GET", url, Vec::new(), None, cache), ProofOf::Nothing)
    }

    /// Fetches with an access token.
    #[cfg_attr(not(feature = "userinfo"), allow(dead_code))]
    pub(crate) fn get_with_token(
        &self,
        url: &str,
        access_token: &str,
    ) -> impl Future<Output = Result<HttpResponse, Fault>> {
        let header = self.authorization(access_token);
        self.transmit(
            self.request("GET", url, vec![header], None, CacheMode::Never),
            ProofOf::Token(access_token),
        )
    }

    /// Posts an encoded form (RFC 6749 section 4.1.3), with the client's authentication to this
    /// issuer.
    pub(crate) async fn post_authenticated(
        &self,
        url: &str,
        mut form: String,
        proven: ProofOf<'_>,
        issuer: &str,
    ) -> Result<HttpResponse, Fault> {
        let mut headers =
            vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        let settings = &self.settings;
        let secret = settings.client_secret.as_ref().map_or("", Secret::expose);
        if settings.client_authentication == ClientAuthentication::ClientSecretBasic {
            headers.push(("authorization".to_owned(), basic(&settings.client_id, secret)));
        } else {
            form::append(&mut form, "client_id", &settings.client_id);
        }
        if settings.client_authentication == ClientAuthentication::ClientSecretPost {
            form::append(&mut form, "client_secret", secret);
        }
        let request = self.request("POST", url, headers, None, CacheMode::Never);
        let make = || {
            let mut body = form.clone();
            self.add_assertion(&mut body, issuer)?;
            Ok(HttpRequest { body: Some(body), ..request.clone() })
        };
        self.transmit_made(&*self.ports.http, &make, proven).await
    }

    /// Adds an assertion that the client's key signs, if it authenticates so (RFC 7523 section
    /// 2.2). Each is sent once: the provider takes none twice (section 3).
    #[cfg(feature = "private-key-jwt")]
    fn add_assertion(&self, form: &mut String, issuer: &str) -> Result<(), Fault> {
        if self.settings.client_authentication != ClientAuthentication::PrivateKeyJwt {
            return Ok(());
        }
        let signed = match &self.ports.assertions {
            Some(assertions) => assertions.assertion(self.audience(issuer)),
            None => Err("there is no key".to_owned()),
        };
        let assertion =
            signed.map_err(|reason| Error::Settings(format!("private_key_jwt: {reason}")))?;
        form::append(form, "client_assertion_type", ASSERTION_TYPE);
        form::append(form, "client_assertion", &assertion);
        Ok(())
    }

    /// What an assertion is for: the issuer, or the authority if that stands for many tenants.
    #[cfg(feature = "private-key-jwt")]
    fn audience<'a>(&'a self, issuer: &'a str) -> &'a str {
        let names_one = !issuer.is_empty() && !issuer.contains(TENANT);
        if names_one { issuer } else { &self.settings.authority }
    }

    #[cfg(not(feature = "private-key-jwt"))]
    #[allow(clippy::unnecessary_wraps, clippy::unused_self)] // Like the function it replaces.
    fn add_assertion(&self, _: &mut String, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    fn request(
        &self,
        method: &str,
        url: &str,
        mut headers: Vec<(String, String)>,
        body: Option<String>,
        cache: CacheMode,
    ) -> HttpRequest {
        headers.push(("accept".to_owned(), "application/json".to_owned()));
        headers.extend(self.settings.extra_headers.iter().cloned());
        HttpRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            headers,
            body,
            timeout: Duration::from_secs(self.settings.request_timeout),
            // A request that contains a code or a token must not be redirected to another address.
            follow_redirects: cache != CacheMode::Never,
            cache,
        }
    }
}

/// HTTP Basic, with both parts form-encoded (RFC 6749 section 2.3.1).
fn basic(client_id: &str, secret: &str) -> String {
    let mut text = String::new();
    form::append_text(&mut text, client_id);
    text.push(':');
    form::append_text(&mut text, secret);
    // The standard alphabet of base64, with padding (RFC 4648 section 4).
    let other = |letter| match letter {
        '-' => '+',
        '_' => '/',
        same => same,
    };
    let text = base64url::encode(text);
    let padding = match text.len() % 4 {
        2 => "==",
        3 => "=",
        _ => "",
    };
    ["Basic ", &text.chars().map(other).collect::<String>(), padding].concat()
}

/// Reads a JSON object from a body. The error does not repeat the body, which may contain tokens.
pub(crate) fn json(url: &str, body: &str) -> Result<Members, Fault> {
    Members::read(body).ok_or_else(|| unexpected(url, "the answer is not a JSON object"))
}

/// The error for an unexpected body.
pub(crate) fn unexpected(url: &str, problem: &str) -> Fault {
    Error::UnexpectedAnswer { url: url.to_owned(), problem: problem.to_owned() }.into()
}

/// The error for an unsuccessful answer: the OAuth error in its body, if there is one (RFC 6749
/// section 5.2). A status that says that it may pass counts, whatever the body says.
pub(crate) fn refusal(endpoint: &'static str, url: &str, response: &HttpResponse) -> Fault {
    let mut body = Members::read(&response.body).filter(|_| !may_pass(response.status));
    let code = body.as_mut().and_then(|body| body.text("error"));
    let error = match code {
        Some(code) => Error::Refused {
            endpoint,
            code: code.as_str().into(),
            description: body.and_then(|mut body| body.text("error_description")),
        },
        // A resource says so by the status alone (RFC 6750 section 3.1). At other endpoints, a
        // gateway answered.
        None if response.status == 401
            && endpoint == crate::metadata::Endpoint::Userinfo.name() =>
        {
            Error::Refused { endpoint, code: ErrorCode::InvalidToken, description: None }
        }
        None => Error::Http { url: url.to_owned(), status: response.status },
    };
    error.into()
}
