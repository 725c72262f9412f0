//! The second step of a sign-in: after the right password, or after a sign-in at another provider,
//! a code of the authenticator app or a recovery code, or a passkey. A half-finished sign-in
//! travels in a cookie of the browser, encrypted, so that nobody can use up the places of others.
//! It counts once.

mod steps;

use doorward_protocol::base64url;
use doorward_protocol::ids::Sub;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::steps::{AfterRecoveryCode, PasskeyStepError};
use crate::{
    model::{
        account_notice::{AccountNotices, FactorAddition},
        device_cookie::DeviceCookies,
        factor::{FactorSummary, RecoveryCode},
        second_factor::{RememberedBrowsers, Required, SecondFactorSettings, SecondStep},
        session::{SignInProof, UpstreamSession, method},
        throttle::{self, ThrottleKey, ThrottlePolicy},
        time::{Clock, Entropy, Seconds, Timestamp},
        token_handle::TokenHandle,
        user::User,
    },
    store::{Factors, FailedSignIns, SingleUses, StoreError, Users},
    use_case::{
        directory::Standing,
        factors::UserFactors,
        sealed_state::{OpenedState, SealedStates},
        sign_in::{PasswordCheck, SignIn, SignInError},
    },
};

/// How long a sign-in waits for its second step.
pub const LIFETIME: Seconds = Seconds::new(600);
/// Wrong codes of one sign-in. Then it begins again with the password.
const MOST_GUESSES: u32 = 5;
/// How many events of an account are read at a time.
const EVENTS_AT_A_TIME: u32 = 20;

/// What comes after the right password.
#[derive(Debug)]
pub enum AfterPassword {
    /// The session begins.
    SignedIn,
    /// The second step, with this handle for the browser's cookie.
    SecondStep(TokenHandle),
}

/// The first step of a sign-in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
enum FirstStep {
    /// The right password.
    #[default]
    Password,
    /// A sign-in at another provider, and when it was, if it was not just now.
    Elsewhere(UpstreamSession, Option<Timestamp>),
    /// A recovery code in place of the password that the user does not have.
    RecoveryCode,
    /// The right password of a directory.
    Directory(UpstreamSession),
}

impl FirstStep {
    /// The whole sign-in, of which the second step was a code; `None` if the user has no password
    /// any more.
    fn and_code(self, user: &User) -> Option<SignIn> {
        let and_code = [method::ONE_TIME, method::MULTI_FACTOR];
        let with = |first| method::names(&[&[first], &and_code[..]].concat());
        match self {
            Self::Password => SignIn::by_password_and(user, with(method::PASSWORD)),
            Self::Elsewhere(session, auth_time) => {
                let proof = SignInProof::External(session);
                Some(SignIn { proof, amr: with(method::EXTERNAL), auth_time })
            }
            // Both are things that the user has.
            Self::RecoveryCode => Some(SignIn::by_recovery_code()),
            Self::Directory(session) => {
                let proof = SignInProof::External(session);
                Some(SignIn { proof, amr: with(method::PASSWORD), auth_time: None })
            }
        }
    }

    /// The whole sign-in, of which the second step was this passkey. It would do in place of the
    /// password. One that began elsewhere stays one: its session ends when that there ends.
    fn and_passkey(self, passkey: SignIn) -> SignIn {
        match self {
            Self::Password | Self::RecoveryCode => passkey,
            Self::Elsewhere(session, auth_time) => {
                let mut amr = method::names(&[method::EXTERNAL]);
                amr.extend(passkey.amr);
                SignIn { proof: SignInProof::External(session), amr, auth_time }
            }
            Self::Directory(session) => {
                let mut amr = method::names(&[method::PASSWORD]);
                amr.extend(passkey.amr);
                SignIn { proof: SignInProof::External(session), amr, auth_time: None }
            }
        }
    }
}

/// What belongs to a sign-in that waits, as the browser carries it.
#[derive(Serialize, Deserialize)]
struct Waiting {
    sub: Sub,
    #[serde(default)]
    first: FirstStep,
    /// What was verified, and which app the user had: [`fingerprint`].
    verified: String,
    /// The number of the last event of the account, if it is a directory that has the password.
    #[serde(default)]
    last_event: Option<i64>,
    remember: bool,
    set_up: bool,
}

/// A sign-in that waits for its second step.
#[derive(Debug)]
pub struct UnfinishedSignIn {
    /// Its identity, for what is counted for it.
    identity: [u8; 32],
    first: FirstStep,
    /// Who signs in.
    pub user: User,
    /// What the user has.
    pub factors: FactorSummary,
    /// Whether the user must set a factor up.
    pub set_up: bool,
    /// Whether to remember the sign-in beyond the closing of the browser.
    pub remember: bool,
}

impl UnfinishedSignIn {
    /// Whether a recovery code is a second step of it. Two codes of one list are one factor.
    pub fn takes_recovery_codes(&self) -> bool {
        !matches!(self.first, FirstStep::RecoveryCode)
    }
}

/// A sign-in that has passed its second step.
#[derive(Debug)]
pub struct FinishedSignIn {
    /// Who signed in.
    pub user: User,
    /// How.
    pub sign_in: SignIn,
    /// Whether to remember the sign-in beyond the closing of the browser.
    pub remember: bool,
    /// If a recovery code was used: how many are left.
    pub recovery_codes_left: Option<u32>,
}

/// Why a second step did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum SecondStepError {
    /// There is no such sign-in any more: it took too long, had too many wrong codes, or the user
    /// has changed meanwhile.
    #[error("the sign-in has expired")]
    Expired,
    /// The code is wrong, or was used before.
    #[error("the code of the second step is wrong")]
    WrongCode,
    /// Too many failures. The next code is checked after this many seconds.
    #[error("too many wrong codes: try again in {0} seconds")]
    Throttled(u32),
    /// So many codes in a row were wrong that this browser may enter none any more.
    #[error("too many wrong codes in a row")]
    Locked,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is known of a sign-in when its first step is done.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignInRequest<'a> {
    /// Whether the client asks for two factors in this very sign-in.
    pub two_factors: bool,
    /// Whether the session is to outlive the closing of the browser.
    pub remember: bool,
    /// The cookie of a browser that is remembered for the second factor.
    pub browser: Option<&'a TokenHandle>,
}

/// Where a second step comes from.
#[derive(Debug, Clone, Copy)]
pub struct StepOrigin<'a> {
    /// The network address.
    pub address: &'a str,
    /// The device cookie.
    pub device: Option<&'a TokenHandle>,
}

/// Begins and finishes second steps: what they read and change.
#[derive(Clone, Copy)]
pub struct SecondSteps<'a> {
    pub(crate) users: &'a dyn Users,
    pub(crate) factors: &'a dyn Factors,
    pub(crate) failures: &'a dyn FailedSignIns,
    pub(crate) single_uses: &'a dyn SingleUses,
    /// Finds who signs in by a recovery code.
    pub(crate) passwords: PasswordCheck<'a>,
    /// Takes what a sign-in adds, and tells the user.
    pub(crate) own: UserFactors<'a>,
    pub(crate) devices: &'a DeviceCookies,
    pub(crate) browsers: &'a RememberedBrowsers,
    pub(crate) settings: &'a SecondFactorSettings,
    /// How many wrong codes in a row are checked from places that are not known; 0: any number.
    pub(crate) most_wrong: u32,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

impl SecondSteps<'_> {
    /// What comes after the first step of this user.
    async fn begin(
        &self,
        user: &User,
        first: FirstStep,
        request: SignInRequest<'_>,
    ) -> Result<AfterPassword, SignInError> {
        let SignInRequest { two_factors: by_request, remember, browser } = request;
        let factors = self.factors.factors(&user.sub).await?;
        let by_setting = self.settings.require.applies_to(user);
        let is_remembered = factors.totp_since.zip(browser).is_some_and(|(since, cookie)| {
            let (lifetime, now) = (self.settings.remember, self.clock.now());
            self.browsers.recognises(cookie, user, since, lifetime, now)
        });
        let step = SecondStep::decide(factors, Required { by_setting, by_request }, is_remembered);
        if step == SecondStep::None {
            return Ok(AfterPassword::SignedIn);
        }
        let last_event = match first {
            FirstStep::Directory(_) => Some(self.last_event(&user.sub).await?),
            _ => None,
        };
        let waiting = Waiting {
            sub: user.sub.clone(),
            first,
            verified: fingerprint(user, factors.totp_since),
            last_event,
            remember,
            set_up: step == SecondStep::SetUp,
        };
        let sealed = self.waiting().seal(&waiting, LIFETIME)?;
        Ok(AfterPassword::SecondStep(TokenHandle::parse(sealed.expose())))
    }

    /// The number of the last event of this user's account; 0 if there is none.
    async fn last_event(&self, sub: &Sub) -> Result<i64, StoreError> {
        let last = self.own.accounts.account_events(sub, None, 1).await?;
        Ok(last.first().map_or(0, |event| event.number))
    }

    /// Whether the account has another password since the event with this number. Of a directory's
    /// password nothing else is known here.
    async fn has_another_password_since(&self, sub: &Sub, last: i64) -> Result<bool, StoreError> {
        let mut before = None;
        loop {
            let page = self.own.accounts.account_events(sub, before, EVENTS_AT_A_TIME).await?;
            let mut later = page.iter().take_while(|event| event.number > last);
            if later.any(|event| event.event.kind.is_new_password()) {
                return Ok(true);
            }
            before = page.last().map(|event| event.number).filter(|number| *number > last);
            if before.is_none() {
                return Ok(false);
            }
        }
    }

    fn waiting(&self) -> SealedStates<'_> {
        SealedStates {
            purpose: "waiting sign-in",
            keys: self.own.apps.keys,
            single_uses: self.single_uses,
            clock: self.clock,
        }
    }

    /// The sign-in that this browser has not finished.
    pub async fn unfinished(
        &self,
        handle: &TokenHandle,
    ) -> Result<UnfinishedSignIn, SecondStepError> {
        let opened = self.opened(handle)?;
        let Waiting { sub, first, verified, last_event, remember, set_up } = &opened.state;
        let factors = self.factors.factors(sub).await?;
        let user = self
            .users
            .user(sub)
            .await?
            .filter(|user| user.enabled && *verified == fingerprint(user, factors.totp_since));
        let user = user.ok_or(SecondStepError::Expired)?;
        // The directory has taken the password up to ten minutes ago.
        if let FirstStep::Directory(_) = first
            && let Standing::Ended(_) = self.own.accounts.directories.admit(sub).await?
        {
            return Err(SecondStepError::Expired);
        }
        if let Some(last) = last_event
            && self.has_another_password_since(sub, *last).await?
        {
            return Err(SecondStepError::Expired);
        }
        // Another browser may have added a passkey meanwhile, and then it must be shown.
        let set_up = *set_up && !factors.is_strong();
        let (identity, first, remember) = (opened.identity, first.clone(), *remember);
        Ok(UnfinishedSignIn { identity, first, user, factors, set_up, remember })
    }

    fn opened(&self, handle: &TokenHandle) -> Result<OpenedState<Waiting>, SecondStepError> {
        self.waiting().open(handle.expose()).ok_or(SecondStepError::Expired)
    }

    /// Checks a code of the authenticator app or a recovery code. A right one uses the sign-in up.
    async fn finish(
        &self,
        handle: &TokenHandle,
        typed: &str,
        origin: StepOrigin<'_>,
        code_used: impl FnOnce(&UnfinishedSignIn) -> Result<AccountNotices, StoreError> + Send,
    ) -> Result<FinishedSignIn, SecondStepError> {
        let sign_in = self.unfinished(handle).await?;
        if sign_in.set_up {
            return Err(SecondStepError::WrongCode);
        }
        let counters = self.admit(&sign_in, origin).await?;
        let shown = self.check(&sign_in, typed, counters.is_known, code_used).await;
        let UnfinishedSignIn { user, first, remember, .. } = sign_in;
        let recovery_codes_left = match shown {
            Ok(left) => left,
            Err(SecondStepError::WrongCode) => {
                self.factors.totp_failed(&user.sub).await?;
                return Err(SecondStepError::WrongCode);
            }
            Err(error) => {
                let _ = self.failures.withdraw_attempt(&counters.keys()).await;
                return Err(error);
            }
        };
        self.succeeded(&counters).await?;
        self.use_up(handle).await?;
        let sign_in = first.and_code(&user).ok_or(SecondStepError::Expired)?;
        Ok(FinishedSignIn { user, sign_in, remember, recovery_codes_left })
    }

    /// Takes the code that shows that the app is set up. With it the sign-in is finished, and the
    /// user gets recovery codes.
    async fn finish_by_setting_up(
        &self,
        handle: &TokenHandle,
        kept: &str,
        typed: &str,
        origin: StepOrigin<'_>,
        addition: impl FnOnce(&User) -> Result<FactorAddition, StoreError> + Send,
    ) -> Result<(FinishedSignIn, Vec<RecoveryCode>), SecondStepError> {
        let sign_in = self.unfinished(handle).await?;
        if !sign_in.set_up {
            return Err(SecondStepError::Expired);
        }
        let mut counters = self.admit(&sign_in, origin).await?;
        let UnfinishedSignIn { user, first, remember, .. } = sign_in;
        let addition = addition(&user)?;
        let Some(codes) = self.own.apps.confirm(&user.sub, kept, typed, addition).await? else {
            return Err(SecondStepError::WrongCode);
        };
        // The address is known with the app that there is now.
        let since = self.factors.factors(&user.sub).await?.totp_since;
        counters.mark = ThrottleKey::second_step_known_at(&user, since, origin.address);
        self.succeeded(&counters).await?;
        self.use_up(handle).await?;
        let sign_in = first.and_code(&user).ok_or(SecondStepError::Expired)?;
        Ok((FinishedSignIn { user, sign_in, remember, recovery_codes_left: None }, codes))
    }

    /// The cookie by which the browser is remembered, if the settings allow it and the user has an
    /// authenticator app.
    pub async fn remember_browser(
        &self,
        user: &User,
    ) -> Result<Option<(TokenHandle, Seconds)>, StoreError> {
        let lifetime = self.settings.remember;
        if lifetime.is_zero() {
            return Ok(None);
        }
        let since = self.factors.factors(&user.sub).await?.totp_since;
        let now = self.clock.now();
        let issue = |since| self.browsers.issue(user, since, now, self.entropy);
        Ok(since.map(|since| (issue(since), lifetime)))
    }

    /// Takes a passkey of the same user in place of a code. It was verified, and by itself it would
    /// sign the user in as well: nothing but the sign-in that waits is used up.
    async fn finish_by_passkey(
        &self,
        handle: &TokenHandle,
        (shown_by, passkey): (&Sub, SignIn),
    ) -> Result<FinishedSignIn, SecondStepError> {
        let UnfinishedSignIn { user, first, remember, .. } = self.unfinished(handle).await?;
        if user.sub != *shown_by {
            return Err(SecondStepError::WrongCode);
        }
        self.use_up(handle).await?;
        let sign_in = first.and_passkey(passkey);
        Ok(FinishedSignIn { user, sign_in, remember, recovery_codes_left: None })
    }

    /// How many recovery codes are left, if one was used.
    async fn check(
        &self,
        sign_in: &UnfinishedSignIn,
        typed: &str,
        is_known: bool,
        code_used: impl FnOnce(&UnfinishedSignIn) -> Result<AccountNotices, StoreError> + Send,
    ) -> Result<Option<u32>, SecondStepError> {
        let user = &sign_in.user;
        if let Some(code) = RecoveryCode::typed(typed) {
            if !sign_in.takes_recovery_codes() {
                return Err(SecondStepError::WrongCode);
            }
            let (hash, notices, now) =
                (code.hash(&user.sub), code_used(sign_in)?, self.clock.now());
            let left = self.factors.use_recovery_code(&user.sub, hash, notices, now).await?;
            return left.map(Some).ok_or(SecondStepError::WrongCode);
        }
        let app = self.factors.totp(&user.sub, true).await?.ok_or(SecondStepError::WrongCode)?;
        let is_over = self.most_wrong > 0 && app.failures >= self.most_wrong;
        if is_over && !is_known {
            return Err(SecondStepError::Locked);
        }
        let step = self.own.apps.open(&app)?.step_of(typed, self.clock.now());
        let step = step.ok_or(SecondStepError::WrongCode)?;
        let is_first = self.factors.accept_totp_step(&user.sub, step).await?;
        if is_first { Ok(None) } else { Err(SecondStepError::WrongCode) }
    }

    async fn use_up(&self, handle: &TokenHandle) -> Result<(), SecondStepError> {
        let is_first = self.waiting().use_up(&self.opened(handle)?).await?;
        if is_first { Ok(()) } else { Err(SecondStepError::Expired) }
    }

    /// Counts this attempt beforehand: against the sign-in, which is over after a few, and then for
    /// the account and the address. An address that has finished a second step of the user before
    /// is counted by itself, so that nobody else's guesses hold the owner up.
    async fn admit(
        &self,
        sign_in: &UnfinishedSignIn,
        origin: StepOrigin<'_>,
    ) -> Result<Counters, SecondStepError> {
        let (user, now) = (&sign_in.user, self.clock.now());
        let guesses = [(
            ThrottleKey::waiting_sign_in(&sign_in.identity),
            ThrottlePolicy::wall(MOST_GUESSES, LIFETIME),
        )];
        if self.failures.admit_sign_in(&guesses, now).await? > 0 {
            return Err(SecondStepError::Expired);
        }
        let here = ThrottleKey::second_step_at(&user.sub, origin.address);
        let device = origin.device.and_then(|cookie| self.devices.recognise(cookie, user));
        // A device cookie is got by a password alone, so it spares no limit of the account.
        let totp_since = sign_in.factors.totp_since;
        let mark = ThrottleKey::second_step_known_at(user, totp_since, origin.address);
        let known = self.failures.has_signed_in(std::slice::from_ref(&mark), now).await?;
        let is_known = !known.is_empty();
        let (place, policy) = match device {
            Some(device) => (ThrottleKey::second_step_with(&device.key), throttle::PER_DEVICE),
            None => (here, throttle::PER_ACCOUNT_AND_ADDRESS),
        };
        let (own, wide) = if is_known {
            (place.while_known(), Vec::new())
        } else {
            let of_user = (ThrottleKey::second_step_of(&user.sub), throttle::SECOND_STEP);
            (place, [vec![of_user], throttle::of_address(origin.address)].concat())
        };
        let counters = Counters { own: (own, policy), wide, mark, is_known };
        match self.failures.admit_sign_in(&counters.limits(), now).await? {
            0 => Ok(counters),
            wait => Err(SecondStepError::Throttled(wait)),
        }
    }

    async fn succeeded(&self, counters: &Counters) -> Result<(), StoreError> {
        let Counters { own: (own, _), wide, mark, .. } = counters;
        let wide: Vec<_> = wide.iter().map(|(key, _)| key.clone()).collect();
        let known = std::slice::from_ref(mark);
        self.failures
            .sign_in_succeeded(std::slice::from_ref(own), &wide, known, self.clock.now())
            .await
    }
}

/// What an attempt is counted for.
struct Counters {
    own: (ThrottleKey, ThrottlePolicy),
    wide: Vec<(ThrottleKey, ThrottlePolicy)>,
    /// What a success makes known.
    mark: ThrottleKey,
    /// Whether this address has finished a second step of the user before, with the password and
    /// the app of today.
    is_known: bool,
}

impl Counters {
    fn limits(&self) -> Vec<(ThrottleKey, ThrottlePolicy)> {
        [self.own.clone()].into_iter().chain(self.wide.iter().cloned()).collect()
    }

    fn keys(&self) -> Vec<ThrottleKey> {
        self.limits().into_iter().map(|(key, _)| key).collect()
    }
}

/// What a sign-in that waits knows the verified password and the user's app by.
fn fingerprint(user: &User, totp_since: Option<Timestamp>) -> String {
    let password = user.password_hash.as_ref().map_or("", |hash| hash.as_str());
    let since = totp_since.map_or(i64::MIN, Timestamp::seconds);
    let hash = Sha256::new().chain_update("verified:").chain_update(since.to_be_bytes());
    base64url::encode(hash.chain_update(password).finalize())
}
