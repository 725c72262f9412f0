//! The device authorization grant (RFC 8628): a device without a browser shows a code, the user
//! confirms it elsewhere.
//!
//! Here is the device's request (section 3.1), and what the user does with its code (section 3.3).
//! The device then fetches its tokens by a grant of its own (`token/device_code.rs`).

use std::sync::Arc;

use doorward_protocol::{ids::Sub, params::Params, scope::Scope, time::Seconds};
use serde::Serialize;

use crate::{
    audit,
    model::{
        client::{Client, GrantType},
        device_code::{DeviceAnswer, DeviceCode, DeviceRequest},
        grant::{Grant, RequestedClaims},
        paths,
        provider_settings::ProviderSettings,
        resource::Resources,
        session::{Authentication, Session},
        target::Targets,
        throttle::{self, ThrottleKey, WaitingBound},
        time::{Clock, Entropy},
        token_handle::{TokenHandle, draw_id},
        user::UserClaims,
        user_code::UserCode,
        vouching::Vouching,
    },
    store::{AddedDeviceCode, DeviceCodes, FailedSignIns, StoreError, Users},
    use_case::{
        authenticate::{AuthenticatedClient, waiting_bound},
        client_directory::ClientDirectory,
        error::TokenError,
        token::request::parse_scope,
    },
};

/// How long a device waits between two polls, to begin with (section 3.2).
pub const INTERVAL: Seconds = Seconds::new(5);

/// Number of draws of a user code. With a million live ones even a second draw is rare.
const DRAWS: usize = 5;

/// The answer to the device (section 3.2).
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct DeviceAuthorization {
    pub device_code: doorward_protocol::secret::Secret,
    pub user_code: String,
    pub verification_uri: String,
    /// None for the command line: whoever types the code has the command before them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    pub expires_in: Seconds,
    pub interval: Seconds,
}

/// Why a user code leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum UserCodeError {
    /// Mistyped, expired, or answered before.
    #[error("the user code is unknown, expired or answered")]
    Unknown,
    /// The client wants another sign-in: a fresher or stronger one, or one by another provider.
    #[error("the client wants another sign-in")]
    SignInAgain,
    /// The client acts with the rights of an administrator, and the user is none.
    #[error("the client is for administrators, and the user is none")]
    NotAdministrator,
    /// Too many wrong codes. The next one is checked after this many seconds.
    #[error("too many wrong user codes: try again in {0} seconds")]
    Throttled(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A device's request that a user has looked up by its code.
#[derive(Debug)]
pub struct PendingDevice {
    /// The client that runs on the device.
    pub client: Arc<Client>,
    /// What it asks for.
    pub scope: Scope,
    /// The APIs that it wants to call.
    pub(crate) targets: Targets,
}

/// Devices' requests and users' answers to them: what it reads and changes.
pub struct DeviceFlow<'a> {
    pub(crate) device_codes: &'a dyn DeviceCodes,
    pub(crate) failures: &'a dyn FailedSignIns,
    pub(crate) users: &'a dyn Users,
    pub(crate) clients: ClientDirectory<'a>,
    pub(crate) resources: &'a Resources,
    pub(crate) settings: &'a ProviderSettings,
    /// The other providers in use.
    pub(crate) vouching: Arc<Vouching>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

impl DeviceFlow<'_> {
    /// Answers a device's request (sections 3.1 and 3.2).
    pub async fn authorize(
        &self,
        client: &AuthenticatedClient,
        params: &Params,
        address: &str,
    ) -> Result<DeviceAuthorization, TokenError> {
        if !client.grant_types.contains(&GrantType::DeviceCode) {
            return Err(TokenError::GrantTypeNotAllowed);
        }
        let scope = match parse_scope(params)? {
            Some(scope) => scope,
            // As at the authorization endpoint.
            None if client.is_stranger() => {
                let resources = params.get_all("resource");
                self.resources.default_scope(&client.allowed_scope, resources)?
            }
            // The operator wrote down what the device needs.
            None => client.allowed_scope.clone(),
        };
        let asked = self.resources.asked_scope(client, &client.allowed_scope, &scope)?;
        let scope = asked.logged(client);
        let targets = self.resources.targets(params.get_all("resource"), &scope)?;
        let request = DeviceRequest { client_id: client.client_id.clone(), scope, targets };
        let device_code = TokenHandle::generate(self.entropy);
        let expires_in = client.device_code_lifetime;
        let bound = waiting_bound(client, address, self.settings);
        let user_code = self.add_device_code(&device_code, request, expires_in, &bound).await?;
        let verification_uri = format!("{}{}", self.settings.issuer, paths::DEVICE);
        Ok(DeviceAuthorization {
            device_code: device_code.into_secret(),
            verification_uri_complete: (!client.is_command_line())
                .then(|| format!("{verification_uri}?user_code={}", user_code.shown())),
            verification_uri,
            user_code: user_code.shown(),
            expires_in,
            interval: INTERVAL,
        })
    }

    async fn add_device_code(
        &self,
        device_code: &TokenHandle,
        request: DeviceRequest,
        lifetime: Seconds,
        bound: &WaitingBound,
    ) -> Result<UserCode, TokenError> {
        for _ in 0..DRAWS {
            let user_code = UserCode::generate(self.entropy);
            let code = DeviceCode {
                hash: device_code.hash(),
                user_code: user_code.hash(),
                request: request.clone(),
                expires_at: self.clock.now().plus(lifetime),
                interval: INTERVAL,
            };
            match self.device_codes.add_device_code(code, bound, self.clock.now()).await? {
                AddedDeviceCode::Added => return Ok(user_code),
                AddedDeviceCode::UserCodeTaken => {}
                AddedDeviceCode::TooMany => return Err(TokenError::TooManyDevices),
            }
        }
        Err(StoreError::Unavailable("no free user code was found".to_owned()).into())
    }

    /// Finds the device's request behind a user code. From then on only this user can answer it.
    /// Every attempt counts as a wrong one for an hour: a user has few devices, and one who has
    /// many must not be able to guess.
    pub async fn look_up(
        &self,
        typed: &str,
        session: &Session,
        address: &str,
    ) -> Result<(UserCode, PendingDevice), UserCodeError> {
        let sub = &session.authentication.sub;
        let of_address = throttle::of_user_codes_from(address);
        let of_user = (ThrottleKey::user_codes_of(sub), throttle::USER_CODES);
        let limits = [vec![of_user], of_address.clone()].concat();
        let wait = self.failures.admit_sign_in(&limits, self.clock.now()).await?;
        if wait > 0 {
            return Err(UserCodeError::Throttled(wait));
        }
        let code = UserCode::typed(typed).ok_or(UserCodeError::Unknown)?;
        let request =
            self.device_codes.claim_device_code(code.hash(), sub, self.clock.now()).await?;
        let pending = self.pending(request.ok_or(UserCodeError::Unknown)?).await?;
        self.failures.withdraw_attempt(&throttle::keys(&of_address)).await?;
        self.require_administrator(&pending.client, sub).await?;
        self.require_fresh_sign_in(&pending.client, session)?;
        Ok((code, pending))
    }

    /// Nobody else has a use for the command line: the code of another user's command was sent to
    /// them.
    async fn require_administrator(&self, client: &Client, sub: &Sub) -> Result<(), UserCodeError> {
        if !client.is_command_line() {
            return Ok(());
        }
        let user = self.users.user(sub).await?;
        let is_one = user.is_some_and(|user| user.enabled && user.admin_role().is_some());
        if is_one { Ok(()) } else { Err(UserCodeError::NotAdministrator) }
    }

    fn require_fresh_sign_in(
        &self,
        client: &Client,
        session: &Session,
    ) -> Result<(), UserCodeError> {
        let providers = self.vouching.providers();
        if client.accepts_sign_in(session, providers, None, self.clock.now()) {
            Ok(())
        } else {
            Err(UserCodeError::SignInAgain)
        }
    }

    async fn pending(&self, request: DeviceRequest) -> Result<PendingDevice, UserCodeError> {
        let client = self.clients.find(&request.client_id).await?;
        let client = client
            .filter(|client| client.grant_types.contains(&GrantType::DeviceCode))
            .ok_or(UserCodeError::Unknown)?;
        Ok(PendingDevice { client, scope: request.scope, targets: request.targets })
    }

    /// Takes the user's answer to a request that the same user looked up before. `scope` are the
    /// ticked scopes; `None`: denied. Returns whether the device was allowed: a user who ticks
    /// nothing denies.
    pub async fn answer(
        &self,
        typed: &str,
        session: &Session,
        scope: Option<Scope>,
        address: &str,
    ) -> Result<bool, UserCodeError> {
        let code = UserCode::typed(typed).ok_or(UserCodeError::Unknown)?.hash();
        let (Authentication { sub, sid, .. }, now) = (&session.authentication, self.clock.now());
        let claimed = self.device_codes.claimed_device_code(code, sub, now).await?;
        let PendingDevice { client, scope: requested, targets } =
            self.pending(claimed.ok_or(UserCodeError::Unknown)?).await?;
        // The page is not a proof that the session was good enough: anybody can post this answer.
        if scope.is_some() {
            self.require_administrator(&client, sub).await?;
            self.require_fresh_sign_in(&client, session)?;
        }
        let granted = match scope {
            Some(ticked) => self.resources.granted(&requested, &ticked),
            None => Scope::default(),
        };
        let allowed = !granted.is_empty();
        let answer = if allowed {
            DeviceAnswer::Allowed(Box::new(self.device_grant(&client, session, granted, targets)))
        } else {
            DeviceAnswer::Denied
        };
        if !self.device_codes.answer_device_code(code, sub, sid, answer, now).await? {
            return Err(UserCodeError::Unknown);
        }
        let (client_id, peer) = (&client.client_id, address);
        if allowed {
            audit::Event::DeviceAllowed { sub, client_id, peer }.log();
        } else {
            audit::Event::DeviceDenied { sub, client_id, peer }.log();
        }
        Ok(allowed)
    }

    fn device_grant(
        &self,
        client: &Client,
        session: &Session,
        scope: Scope,
        targets: Targets,
    ) -> Grant {
        Grant {
            // Another one, that of its family, when the device fetches its tokens.
            id: draw_id(self.entropy),
            client_id: client.client_id.clone(),
            subject: Some(client.subject(&session.authentication.sub)),
            // The device goes on when the browser in which it was allowed is signed out.
            authentication: Authentication {
                sid: draw_id(self.entropy),
                ..session.authentication.clone()
            },
            scope,
            targets,
            requested_claims: RequestedClaims::default(),
            access_token_claims: UserClaims::default(),
            // Known when the device fetches its tokens.
            dpop_jkt: None,
        }
    }
}
