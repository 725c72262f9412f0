//! Passkeys (Web Authentication Level 3): registration (section 7.1) and sign-in (section 7.2). The
//! library `webauthn-rs` checks what an authenticator says; here is what is kept for it between
//! question and answer, and what follows.
//!
//! Every passkey is discoverable, so that it signs in without a user name, and verifies its user.
//! No attestation is asked for.
//!
//! The login page asks for a passkey each time that it is shown, so strangers can ask as often as
//! they like. What belongs to such a question therefore travels with it, sealed, and nothing is
//! stored before an answer comes. The answer then counts once.

use doorward_protocol::{base64url, ids::Sub, secret::Secret};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use url::Url;
use webauthn_rs::prelude::{
    Credential, DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};

use crate::{
    audit,
    keys::KeyRing,
    model::{
        account_notice::FactorAddition,
        factor::{MOST_PASSKEYS, StoredPasskey},
        session::{SignInProof, method},
        settings_error::SettingsError,
        throttle,
        ticket::{Ticket, TicketBound, TicketPurpose},
        time::{Clock, Entropy, Seconds},
        token_handle::TokenHandle,
        user::User,
    },
    store::{
        self, AddedPasskey, FailedSignIns, PasskeyUse, SingleUses, StoreError, Tickets, Users,
    },
    use_case::{sealed_state::SealedStates, sign_in::SignIn},
};

/// How long an authenticator may take: longer than the five minutes that the specification
/// recommends as the browser's own limit.
const LIFETIME: Seconds = Seconds::new(600);
/// Challenges of one user that may wait for an answer.
const MOST_WAITING: u32 = 100;
/// Bytes of an identifier (section 7.1 step 25).
const LONGEST_ID: usize = 1023;
/// Characters of a passkey's name.
const LONGEST_NAME: usize = 60;

/// Checks what authenticators say.
#[derive(Debug)]
pub(crate) struct PasskeyVerifier(Option<Webauthn>);

impl PasskeyVerifier {
    /// For this issuer: its host is the RP ID, its origin the one that may use the passkeys, beside
    /// the related origins (section 5.11). A host that is an address can't have passkeys.
    pub(crate) fn new(issuer: &str, related_origins: &[String]) -> Result<Self, SettingsError> {
        let url = Url::parse(issuer).ok();
        let Some((url, domain)) = url.as_ref().and_then(|url| Some((url, url.domain()?))) else {
            return Ok(Self(None));
        };
        let mut origin = url.clone();
        origin.set_path("");
        let broken = |value: &str| {
            SettingsError::new("passkey_related_origins", value, "write it as an origin")
        };
        let mut builder =
            WebauthnBuilder::new(domain, &origin).map_err(|_| broken(issuer))?.rp_name(domain);
        for related in related_origins {
            let related = Url::parse(related).map_err(|_| broken(related))?;
            builder = builder.append_allowed_origin(&related);
        }
        builder.build().map(|verifier| Self(Some(verifier))).map_err(|_| broken(issuer))
    }

    /// Whether there can be passkeys.
    pub(crate) fn is_possible(&self) -> bool {
        self.0.is_some()
    }
}

/// A question to an authenticator, for the page's script.
#[derive(Debug)]
pub struct PasskeyQuestion {
    /// What the answer comes back with. It counts once. The handle of a ticket, or what belongs to
    /// the question, sealed: some 300 characters of base64url.
    pub ticket: Secret,
    /// `publicKey` of `navigator.credentials.create` or `get`, as JSON (section 5.4 or 5.5).
    pub public_key: Value,
}

/// Why an authenticator was not asked, or its answer not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// The host of the issuer is an address, which can't have passkeys.
    #[error("there are no passkeys here: the issuer has no host name")]
    Impossible,
    /// The question was answered, has expired, or was never put.
    #[error("the question to the authenticator has expired")]
    Expired,
    /// The answer can't be read.
    #[error("the answer of the authenticator can't be read")]
    Unreadable,
    /// The library refuses the answer.
    #[error("the answer of the authenticator is not valid: {0}")]
    Invalid(WebauthnError),
    /// No user has this passkey, or not any more.
    #[error("the passkey is unknown")]
    Unknown,
    /// The counter of the passkey went back: there may be a copy of it.
    #[error("the counter of the passkey went back")]
    CounterWentBack,
    /// It is somebody's already.
    #[error("the passkey is registered already")]
    Taken,
    /// The page that asked was in a frame of another site's page.
    #[error("the authenticator was asked by a page within another site's page")]
    Embedded,
    /// The identifier is longer than the specification allows.
    #[error("the identifier of the passkey has more than {LONGEST_ID} bytes")]
    LongId,
    /// The user has as many as may be.
    #[error("the user has {MOST_PASSKEYS} passkeys, and may have no more")]
    TooMany,
    /// Too many attempts. The next one is taken after this many seconds.
    #[error("too many attempts: try again in {0} seconds")]
    Throttled(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Registers passkeys and signs in by them: what it reads and changes.
#[derive(Clone, Copy)]
pub struct Passkeys<'a> {
    pub(crate) table: &'a dyn store::Passkeys,
    pub(crate) users: &'a dyn Users,
    pub(crate) tickets: &'a dyn Tickets,
    pub(crate) failures: &'a dyn FailedSignIns,
    pub(crate) single_uses: &'a dyn SingleUses,
    pub(crate) verifier: &'a PasskeyVerifier,
    pub(crate) keys: &'a KeyRing,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

impl Passkeys<'_> {
    /// Asks for a new passkey of this user.
    pub(crate) async fn ask_to_register(
        &self,
        user: &User,
    ) -> Result<PasskeyQuestion, PasskeyError> {
        let verifier = self.verifier()?;
        let own = self.table.passkeys(&user.sub).await?;
        let handle = own.first().and_then(|key| Uuid::from_slice(&key.user_handle).ok());
        let handle = handle.unwrap_or_else(|| {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&self.entropy.bytes()[..16]);
            Uuid::from_bytes(bytes)
        });
        let display = user.claims.0.get("name").and_then(Value::as_str).unwrap_or(&user.username);
        let others = own.iter().map(|key| key.credential_id.clone()).collect();
        let (question, state) = verifier
            .start_passkey_registration(handle, &user.username, display, Some(others))
            .map_err(PasskeyError::Invalid)?;
        let mut public_key = to_value(&question.public_key)?;
        // The library leaves it to the browser; without a user name there must be one.
        if let Some(selection) = public_key.pointer_mut("/authenticatorSelection") {
            selection["residentKey"] = json!("required");
            selection["requireResidentKey"] = json!(true);
        }
        let data = [
            ("state".to_owned(), to_value(&state)?),
            ("handle".to_owned(), Value::from(base64url::encode(handle.as_bytes()))),
        ];
        let (purpose, sub) = (TicketPurpose::PasskeyRegistration, Some(user.sub.clone()));
        let about = user.sub.to_string();
        let ticket = self.put(purpose, sub, about, Map::from_iter(data)).await?;
        Ok(PasskeyQuestion { ticket: Secret::new(ticket.expose()), public_key })
    }

    /// Takes a new passkey of this user, and gives it this name.
    pub(crate) async fn register(
        &self,
        user: &User,
        ticket: &TokenHandle,
        answer: &str,
        name: &str,
        addition: impl FnOnce(&StoredPasskey) -> Result<FactorAddition, StoreError> + Send,
    ) -> Result<StoredPasskey, PasskeyError> {
        let verifier = self.verifier()?;
        let ticket = self.take(TicketPurpose::PasskeyRegistration, ticket).await?;
        if ticket.sub.as_ref() != Some(&user.sub) {
            return Err(PasskeyError::Expired);
        }
        let state: PasskeyRegistration = kept(&ticket, "state")?;
        let answer: RegisterPublicKeyCredential =
            serde_json::from_str(answer).map_err(|_| PasskeyError::Unreadable)?;
        refuse_embedded(&answer.response.client_data_json)?;
        let passkey =
            verifier.finish_passkey_registration(&answer, &state).map_err(PasskeyError::Invalid)?;
        let handle = ticket.text("handle").and_then(|text| base64url::decode(text).ok());
        let encoded = to_text(&passkey)?;
        let credential = Credential::from(passkey);
        if credential.cred_id.len() > LONGEST_ID {
            return Err(PasskeyError::LongId);
        }
        let stored = StoredPasskey {
            credential_id: credential.cred_id,
            sub: user.sub.clone(),
            user_handle: handle.ok_or(PasskeyError::Expired)?,
            name: passkey_name(name),
            credential: encoded,
            counter: credential.counter,
            backup_eligible: credential.backup_eligible,
            backed_up: credential.backup_state,
            created_at: self.clock.now(),
            used_at: None,
        };
        let addition = addition(&stored)?;
        match self.table.add_passkey(stored.clone(), MOST_PASSKEYS, addition).await? {
            AddedPasskey::Added => Ok(stored),
            AddedPasskey::Taken => Err(PasskeyError::Taken),
            AddedPasskey::TooMany => Err(PasskeyError::TooMany),
            // What was asked for in it is asked for again in the next one.
            AddedPasskey::Ended => Err(PasskeyError::Expired),
        }
    }

    /// Asks for any passkey of this provider.
    pub fn ask_to_sign_in(&self) -> Result<PasskeyQuestion, PasskeyError> {
        let (question, state) =
            self.verifier()?.start_discoverable_authentication().map_err(PasskeyError::Invalid)?;
        let ticket = self.questions().seal(&state, LIFETIME)?;
        Ok(PasskeyQuestion { ticket, public_key: to_value(&question.public_key)? })
    }

    /// Opens what came back with an answer, which uses it up.
    async fn use_question(
        &self,
        ticket: &Secret,
    ) -> Result<DiscoverableAuthentication, PasskeyError> {
        let questions = self.questions();
        let opened = questions.open(ticket.expose()).ok_or(PasskeyError::Expired)?;
        let is_first = questions.use_up(&opened).await?;
        if is_first { Ok(opened.state) } else { Err(PasskeyError::Expired) }
    }

    fn questions(&self) -> SealedStates<'_> {
        SealedStates {
            purpose: "passkey question",
            keys: self.keys,
            single_uses: self.single_uses,
            clock: self.clock,
        }
    }

    /// Signs the user in whose passkey answers.
    pub async fn sign_in(
        &self,
        ticket: &Secret,
        answer: &str,
        address: &str,
    ) -> Result<(User, SignIn), PasskeyError> {
        let limits = throttle::of_passkeys_from(address);
        let wait = self.failures.admit_sign_in(&limits, self.clock.now()).await?;
        if wait > 0 {
            return Err(PasskeyError::Throttled(wait));
        }
        let outcome = self.verify(ticket, answer, address).await;
        // A question that expired is not a guess.
        if matches!(outcome, Ok(_) | Err(PasskeyError::Expired | PasskeyError::Store(_))) {
            self.failures.withdraw_attempt(&throttle::keys(&limits)).await?;
        }
        outcome
    }

    async fn verify(
        &self,
        ticket: &Secret,
        answer: &str,
        address: &str,
    ) -> Result<(User, SignIn), PasskeyError> {
        let verifier = self.verifier()?;
        let state = self.use_question(ticket).await?;
        let answer: PublicKeyCredential =
            serde_json::from_str(answer).map_err(|_| PasskeyError::Unreadable)?;
        refuse_embedded(&answer.response.client_data_json)?;
        let (handle, id) = verifier
            .identify_discoverable_authentication(&answer)
            .map_err(PasskeyError::Invalid)?;
        let stored = self.table.passkey(id).await?.ok_or(PasskeyError::Unknown)?;
        // Section 7.2 step 6: the passkey is that of the user whom the authenticator names.
        if stored.user_handle != handle.as_bytes() {
            return Err(PasskeyError::Unknown);
        }
        let user = self.users.user(&stored.sub).await?.filter(|user| user.enabled);
        let user = user.ok_or(PasskeyError::Unknown)?;
        let mut passkey: Passkey = serde_json::from_str(&stored.credential)
            .map_err(|_| StoreError::Corrupt("passkeys.credential can't be read".to_owned()))?;
        let result = verifier.finish_discoverable_authentication_v2(&answer, state, &passkey);
        let result = result.map_err(|error| match error {
            WebauthnError::CredentialPossibleCompromise => {
                counter_went_back(&stored, address);
                PasskeyError::CounterWentBack
            }
            error => PasskeyError::Invalid(error),
        })?;
        passkey.update_credential(&result);
        let noted = PasskeyUse {
            credential_id: stored.credential_id.clone(),
            counter_before: stored.counter,
            counter: result.counter(),
            backup_eligible: result.backup_eligible(),
            backed_up: result.backup_state(),
            credential: to_text(&passkey)?,
        };
        if !self.table.passkey_used(noted, self.clock.now()).await? {
            if self.table.passkey(&stored.credential_id).await?.is_none() {
                return Err(PasskeyError::Unknown);
            }
            counter_went_back(&stored, address);
            return Err(PasskeyError::CounterWentBack);
        }
        Ok((user, signed_in_by(stored.credential_id, result.backup_eligible())))
    }

    fn verifier(&self) -> Result<&Webauthn, PasskeyError> {
        self.verifier.0.as_ref().ok_or(PasskeyError::Impossible)
    }

    async fn put(
        &self,
        purpose: TicketPurpose,
        sub: Option<Sub>,
        about: String,
        data: Map<String, Value>,
    ) -> Result<TokenHandle, PasskeyError> {
        let (handle, now) = (TokenHandle::generate(self.entropy), self.clock.now());
        let ticket = Ticket {
            hash: handle.hash(),
            purpose,
            sub,
            about: Some(about),
            data,
            expires_at: now.plus(LIFETIME),
        };
        let bound = TicketBound::at_once(MOST_WAITING);
        let added = self.tickets.add_ticket(ticket, &bound, Vec::new(), now).await?;
        if added { Ok(handle) } else { Err(PasskeyError::Throttled(LIFETIME.get())) }
    }

    async fn take(
        &self,
        purpose: TicketPurpose,
        handle: &TokenHandle,
    ) -> Result<Ticket, PasskeyError> {
        let taken = self.tickets.take_ticket(handle.hash(), purpose, self.clock.now()).await?;
        taken.ok_or(PasskeyError::Expired)
    }
}

/// A sign-in by this passkey, which has just verified its user.
pub(crate) fn signed_in_by(credential_id: Vec<u8>, backup_eligible: bool) -> SignIn {
    let key = if backup_eligible { method::SOFTWARE_KEY } else { method::HARDWARE_KEY };
    SignIn {
        proof: SignInProof::Passkey(credential_id),
        amr: method::names(&[key, method::USER, method::MULTI_FACTOR]),
        auth_time: None,
    }
}

/// What the client data says about pages around the one that asked (section 5.8.1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Embedding {
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

/// Section 7.1 steps 10 and 11, section 7.2 steps 13 and 14: our pages are in no frame of another
/// site. The library looks at this for new passkeys only.
fn refuse_embedded(client_data: &[u8]) -> Result<(), PasskeyError> {
    let Embedding { cross_origin, top_origin } =
        serde_json::from_slice(client_data).map_err(|_| PasskeyError::Unreadable)?;
    if cross_origin || top_origin.is_some() { Err(PasskeyError::Embedded) } else { Ok(()) }
}

/// The name of a passkey as a user typed it: one line of some length.
pub(crate) fn passkey_name(typed: &str) -> String {
    let name = typed.trim().chars().filter(|letter| !letter.is_control());
    let name: String = name.take(LONGEST_NAME).collect();
    if name.is_empty() { "Passkey".to_owned() } else { name }
}

/// Somebody should look into it: two authenticators may have the key.
fn counter_went_back(passkey: &StoredPasskey, address: &str) {
    audit::Event::PasskeyCounterWentBack { sub: &passkey.sub, peer: address }.log();
}

fn kept<T: DeserializeOwned>(ticket: &Ticket, name: &str) -> Result<T, PasskeyError> {
    let value = ticket.data.get(name).cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|_| PasskeyError::Expired)
}

fn to_value(value: &impl Serialize) -> Result<Value, PasskeyError> {
    serde_json::to_value(value).map_err(|error| unwritable(&error))
}

fn to_text(value: &impl Serialize) -> Result<String, PasskeyError> {
    serde_json::to_string(value).map_err(|error| unwritable(&error))
}

fn unwritable(error: &serde_json::Error) -> PasskeyError {
    StoreError::Unavailable(format!("a passkey can't be written: {error}")).into()
}
