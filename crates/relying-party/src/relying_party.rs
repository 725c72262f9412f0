//! The protocol: [`OidcClient`], which is written for browsers and stays on one thread, on a thread
//! of its own. Handlers send it jobs and wait for their outcome.

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use doorward_client::{
    Error, LogoutToken, OidcClient, RedeemedRefreshToken, Settings, SigninOutcome,
    SigninRequestArgs, SignoutRequestArgs, User,
    in_page::MemoryStorage,
    ports::{LocalFuture, Ports, Storage as _},
    settings::TokenType,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::LocalSet,
};
use url::Url;

use crate::{ClientKey, Now, ProofKey, ServerOptions, SignedSecret, assertions::Assertions, ports};

/// After this time, the provider's metadata and keys are fetched again. So a key that the provider
/// withdraws is accepted no longer than this.
const REFRESH_AFTER: Duration = Duration::from_secs(10 * 60);

/// The longest ID token that is sent in a URL, in bytes. Many servers take URLs of 8 KB and no
/// more.
const LONGEST_HINT: usize = 6000;

type Job = Box<dyn FnOnce(Rc<Core>) -> LocalFuture<()> + Send>;

/// The client can't be started: a setting is wrong, or there is no thread for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub(crate) String);

/// Why the client did not do what it was asked for.
///
/// ```
/// use doorward_relying_party::{Error, RelyingPartyError};
///
/// fn message(error: &RelyingPartyError) -> String {
///     match error {
///         RelyingPartyError::Protocol(error) => error.user_message(),
///         other => other.to_string(),
///     }
/// }
///
/// let error = RelyingPartyError::Protocol(Box::new(Error::NotSignedIn));
/// assert_eq!(message(&error), "You are not signed in. Please sign in first.");
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RelyingPartyError {
    /// The provider refused, could not be reached, or sent what is not accepted.
    #[error(transparent)]
    Protocol(Box<Error>),
    /// The thread of the protocol has ended.
    #[error("the thread of the sign-in has ended")]
    Stopped,
}

/// The client of one provider. Clones are cheap and share its thread, which ends with the last one.
///
/// ```no_run
/// use doorward_relying_party::{RelyingParty, RelyingPartyError, SigninRequestArgs, User};
///
/// async fn sign_in(provider: &RelyingParty) -> Result<User, RelyingPartyError> {
///     let request = provider.begin(SigninRequestArgs::default()).await?;
///     println!("Open {}", request.url);
///     let mut url = String::new();
///     std::io::stdin().read_line(&mut url).expect("the address that the browser came back to");
///     Ok(provider.finish(request.state, request.pending, url.trim().to_owned()).await?.user)
/// }
///
/// async fn renew(provider: &RelyingParty, mut user: User) -> Result<User, RelyingPartyError> {
///     // The sign-in named no API.
///     let redeemed = provider.redeem(user.clone(), Vec::new()).await?;
///     if let Some(token) = redeemed.refresh_token() {
///         // The old one may be spent: store this one before anything else.
///         user.refresh_token = Some(token.to_owned());
///     }
///     provider.verify_renewal(user, redeemed).await
/// }
/// ```
#[derive(Clone)]
pub struct RelyingParty(mpsc::UnboundedSender<Job>);

impl fmt::Debug for RelyingParty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RelyingParty").finish_non_exhaustive()
    }
}

/// A sign-in request. See [`RelyingParty`] for an example.
#[derive(Clone)]
#[non_exhaustive]
pub struct NewRequest {
    /// Where to send the browser.
    pub url: String,
    /// The unguessable part of `state`.
    pub state: String,
    /// What the response is checked against. It has the verifier of PKCE and the nonce, so only
    /// this server and this browser may know it.
    pub pending: String,
}

/// Shows no secret.
impl fmt::Debug for NewRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NewRequest").finish_non_exhaustive()
    }
}

impl RelyingParty {
    /// Starts the client, if its settings are valid. Nothing is asked of the provider yet, so it
    /// need not run.
    ///
    /// # Errors
    /// A setting can't be used.
    pub fn start(
        settings: Settings,
        options: impl Into<Option<ServerOptions>>,
    ) -> Result<Self, StartError> {
        let options = options.into().unwrap_or_default();
        let now = options.now.unwrap_or_else(|| Arc::new(system_time));
        let settings = match &options.signed_secret {
            Some(secret) => {
                let secret = secret.of(&settings.client_id, now());
                let failed = |error| StartError(format!("the secret can't be signed: {error}"));
                settings.client_secret(secret.map_err(failed)?)
            }
            None => settings,
        };
        settings.validate().map_err(|error| StartError(error.to_string()))?;
        if settings.dpop && options.proof_key.is_none() {
            return Err(StartError("dpop needs a key for proofs: give a ProofKey".to_owned()));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StartError(format!("no thread for the protocol: {error}")))?;
        let (http, admits) = match options.requests {
            Some((client, admits)) => (client, Some(admits)),
            None => (ports::http_client(&settings, &options.trusted)?, None),
        };
        let http = ports::Http::new(http, admits);
        let ServerOptions { key, proof_key, signed_secret, .. } = options;
        let (jobs, mut waiting) = mpsc::unbounded_channel::<Job>();
        let serve = move || {
            let core = Rc::new(Core::new(settings, key, proof_key, signed_secret, http, now));
            LocalSet::new().block_on(&runtime, async move {
                while let Some(job) = waiting.recv().await {
                    tokio::task::spawn_local(job(Rc::clone(&core)));
                }
            });
        };
        std::thread::Builder::new()
            .name("relying-party".to_owned())
            .spawn(serve)
            .map_err(|error| StartError(format!("no thread for the protocol: {error}")))?;
        Ok(Self(jobs))
    }

    /// Makes a sign-in request (RFC 6749 section 4.1.1).
    ///
    /// # Errors
    /// Why the request could not be made.
    pub async fn begin(&self, args: SigninRequestArgs) -> Result<NewRequest, RelyingPartyError> {
        self.run(move |core| async move {
            let request = core.client()?.create_signin_request_with_id(args).await?;
            let key = OidcClient::request_key(&request.id);
            let pending = core.requests.get(&key)?.unwrap_or_default();
            core.requests.remove(&key)?;
            Ok(NewRequest { url: request.url, state: request.id, pending })
        })
        .await
    }

    /// Turns the response to a sign-in request into a user. `url` is that of the callback.
    ///
    /// # Errors
    /// Why that is not possible.
    pub async fn finish(
        &self,
        state: String,
        pending: String,
        url: String,
    ) -> Result<SigninOutcome, RelyingPartyError> {
        self.run(move |core| async move {
            let key = OidcClient::request_key(&state);
            core.requests.set(&key, &pending)?;
            let outcome = core.client()?.process_signin_response(&url).await;
            core.requests.remove(&key)?;
            outcome
        })
        .await
    }

    /// Sends the user's refresh token (RFC 6749 section 6). It may be spent then: keep the new one
    /// before anything else. `resource` has the APIs that the sign-in was for
    /// ([`SigninRequestArgs::resource`]), so that the new access token is for the same ones. If it
    /// named none, it is empty, and those of the settings count.
    ///
    /// # Errors
    /// Why that is not possible.
    pub async fn redeem(
        &self,
        user: User,
        resource: Vec<String>,
    ) -> Result<RedeemedRefreshToken, RelyingPartyError> {
        let redeem = move |core: Rc<Core>| async move {
            core.client()?.redeem_refresh_token(user, &resource).await
        };
        self.run(redeem).await
    }

    /// Verifies the tokens that came for the refresh token, and returns the user with them.
    ///
    /// # Errors
    /// Why they are not accepted.
    pub async fn verify_renewal(
        &self,
        user: User,
        redeemed: RedeemedRefreshToken,
    ) -> Result<User, RelyingPartyError> {
        let verify = move |core: Rc<Core>| async move {
            core.client()?.verify_renewal(user, redeemed).await
        };
        self.run(verify).await
    }

    /// The address at the provider that ends the session there, if it has one (OIDC RP-Initiated
    /// Logout section 2).
    ///
    /// # Errors
    /// Why that is not possible.
    pub async fn end_session_url(
        &self,
        id_token: Option<String>,
    ) -> Result<Option<String>, RelyingPartyError> {
        let mut args = SignoutRequestArgs::default();
        args.id_token_hint = id_token;
        self.end_session_url_with(args).await
    }

    /// The same with other parameters. What is in `url_state` comes back in `state`, behind a
    /// semicolon, and nothing else is kept for the response. An ID token that is too long for a URL
    /// is left out, and the client is named instead.
    ///
    /// # Errors
    /// Why that is not possible.
    pub async fn end_session_url_with(
        &self,
        mut args: SignoutRequestArgs,
    ) -> Result<Option<String>, RelyingPartyError> {
        self.run(move |core| async move {
            if args.id_token_hint.as_ref().is_some_and(|hint| hint.len() > LONGEST_HINT) {
                args.id_token_hint = None;
                let settings = &core.settings;
                let returns = args.post_logout_redirect_uri.is_some()
                    || settings.post_logout_redirect_uri.is_some();
                if !returns {
                    // Otherwise the client's core names it.
                    let client_id = settings.client_id.clone();
                    args.extra_query_params.push(("client_id".to_owned(), client_id));
                }
            }
            match core.client()?.create_signout_request(args).await {
                Ok(url) => {
                    // Nothing hangs on the response, so the request is not kept for it.
                    let parsed = Url::parse(&url).ok();
                    let state = parsed
                        .as_ref()
                        .and_then(|url| url.query_pairs().find(|(name, _)| name == "state"));
                    if let Some((_, state)) = state {
                        let id = state.split(';').next().unwrap_or_default();
                        core.requests.remove(&OidcClient::request_key(id))?;
                    }
                    Ok(Some(url))
                }
                Err(Error::NoEndpoint(_)) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// The values of `prompt` that the provider says it knows; empty if it says nothing about them.
    ///
    /// # Errors
    /// Why the metadata can't be fetched.
    pub async fn prompt_values(&self) -> Result<Vec<String>, RelyingPartyError> {
        self.run(|core| async move { core.client()?.prompt_values().await }).await
    }

    /// Revokes the user's refresh token (RFC 7009), if the provider can do that.
    ///
    /// # Errors
    /// Why that is not possible.
    pub async fn revoke(&self, refresh_token: String) -> Result<(), RelyingPartyError> {
        self.run(move |core| async move {
            let client = core.client()?;
            match client.revoke_token(&refresh_token, TokenType::RefreshToken).await {
                Err(Error::NoEndpoint(_)) => Ok(()),
                outcome => outcome,
            }
        })
        .await
    }

    /// Verifies a logout token (OIDC Back-Channel Logout section 2.6).
    ///
    /// # Errors
    /// Why that is not possible.
    pub async fn verify_logout_token(
        &self,
        token: String,
    ) -> Result<LogoutToken, RelyingPartyError> {
        self.run(move |core| async move { core.client()?.verify_logout_token(&token).await }).await
    }

    /// Runs a job on the thread. It runs to its end, even if nobody waits for it any more.
    async fn run<T, F>(
        &self,
        job: impl FnOnce(Rc<Core>) -> F + Send + 'static,
    ) -> Result<T, RelyingPartyError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |core| {
            Box::pin(async move {
                // Whoever asked may have gone.
                let _ = answer.send(job(core).await);
            })
        });
        self.0.send(job).map_err(|_| RelyingPartyError::Stopped)?;
        let outcome = answered.await.map_err(|_| RelyingPartyError::Stopped)?;
        outcome.map_err(|error| RelyingPartyError::Protocol(Box::new(error)))
    }
}

/// The time by the system's clock.
fn system_time() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// What the thread holds.
struct Core {
    settings: Settings,
    signed_secret: Option<Arc<SignedSecret>>,
    now: Arc<Now>,
    ports: Ports,
    /// Sign-in requests while a job works on them. Each is under a key of its own.
    requests: MemoryStorage,
    /// The client, and when it was made: it keeps metadata and keys.
    client: RefCell<Option<(OidcClient, Instant)>>,
}

impl Core {
    fn new(
        settings: Settings,
        key: Option<ClientKey>,
        proof_key: Option<ProofKey>,
        signed_secret: Option<Arc<SignedSecret>>,
        http: ports::Http,
        now: Arc<Now>,
    ) -> Self {
        let requests = MemoryStorage::default();
        let assertions = key.map(|key| Assertions {
            key,
            client_id: settings.client_id.clone(),
            now: Arc::clone(&now),
        });
        let ports = ports::ports(http, Arc::clone(&now), requests.clone(), assertions, proof_key);
        let client = RefCell::default();
        Self { settings, signed_secret, now, ports, requests, client }
    }

    fn client(&self) -> Result<OidcClient, Error> {
        let mut client = self.client.borrow_mut();
        if let Some((known, made)) = &*client
            && made.elapsed() < REFRESH_AFTER
        {
            return Ok(known.clone());
        }
        let mut settings = self.settings.clone();
        if let Some(secret) = &self.signed_secret {
            let secret = secret.of(&settings.client_id, (self.now)());
            let failed = |error| Error::Settings(format!("client_secret can't be signed: {error}"));
            settings.client_secret = Some(secret.map_err(failed)?);
        }
        let new = OidcClient::new(settings, self.ports.clone())?;
        *client = Some((new.clone(), Instant::now()));
        Ok(new)
    }
}
