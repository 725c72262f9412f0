//! Requests that wait for their response, under `oidc.{id}` in the state store (RFC 6749 section
//! 10.12, RFC 7636 section 4.1, OIDC Core section 15.5.2).

use doorward_protocol::{base64url, pkce::CodeVerifier};
use serde_json::{Map, Value};

use crate::{
    Error, Fault,
    lean::json::{Members, into_text},
    ports::{Entropy, Ports},
    settings::ResponseMode,
};

/// The prefix of all keys in the state store.
const PREFIX: &str = "oidc.";
/// Users have this prefix. They are in the same storage if both stores are of one kind.
const USER_PREFIX: &str = "oidc.user:";

/// The entry in the state store for a `state`.
pub(crate) enum Pending {
    /// A sign-in.
    Signin(Box<PendingSignin>),
    /// A sign-in that was processed. It is kept so that the same response is recognized.
    Answered(AnsweredSignin),
    /// A sign-out.
    Signout(PendingSignout),
}

/// The window in which a request was sent, and so where its response is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// In this window, which navigated away.
    Redirect,
    /// In a popup, while this page stays open.
    Popup,
    /// In a hidden frame of this page.
    Frame,
}

impl Via {
    const ALL: [Self; 3] = [Self::Redirect, Self::Popup, Self::Frame];

    /// The values of `request_type` for sign-in and sign-out.
    fn request_types(self) -> [&'static str; 2] {
        match self {
            Self::Redirect => ["si:r", "so:r"],
            Self::Popup => ["si:p", "so:p"],
            Self::Frame => ["si:s", "so:s"],
        }
    }
}

/// A sign-in request that waits for its response.
pub(crate) struct PendingSignin {
    /// The unguessable part of `state`.
    pub id: String,
    pub via: Via,
    /// The time of the request, by this device's clock.
    pub created: u64,
    pub code_verifier: CodeVerifier,
    pub nonce: String,
    pub authority: String,
    pub client_id: String,
    pub redirect_uri: String,
    pub scope: String,
    pub response_mode: ResponseMode,
    pub max_age: Option<u64>,
    pub resource: Vec<String>,
    pub extra_token_params: Vec<(String, String)>,
    pub data: Option<Value>,
    pub url_state: Option<String>,
}

/// A processed sign-in. The verifier is gone, so it cannot redeem anything.
pub(crate) struct AnsweredSignin {
    pub created: u64,
    /// The hash of the redeemed code.
    pub code_hash: String,
    /// Who signed in.
    pub sub: String,
    pub data: Option<Value>,
    pub url_state: Option<String>,
}

/// A sign-out request that waits for its response.
pub(crate) struct PendingSignout {
    pub via: Via,
    pub created: u64,
    pub data: Option<Value>,
    pub url_state: Option<String>,
}

/// The `request_type` of a processed sign-in.
const ANSWERED: &str = "si:done";

impl Pending {
    fn write(&self) -> String {
        let mut members = Members(Map::new());
        let (request_type, created, data, url_state) = match self {
            Self::Signin(signin) => {
                signin.write(&mut members);
                (signin.via.request_types()[0], signin.created, &signin.data, &signin.url_state)
            }
            Self::Answered(answered) => {
                members.set_text("code_hash", Some(&answered.code_hash));
                members.set_text("sub", Some(&answered.sub));
                (ANSWERED, answered.created, &answered.data, &answered.url_state)
            }
            Self::Signout(signout) => {
                (signout.via.request_types()[1], signout.created, &signout.data, &signout.url_state)
            }
        };
        members.set_text("request_type", Some(request_type));
        members.set("created", Some(created.into()));
        members.set("data", data.clone());
        members.set_text("url_state", url_state.as_deref());
        members.write()
    }

    fn read(text: &str) -> Option<Self> {
        let mut members = Members::read(text)?;
        let created = members.number("created")?;
        let data = members.value("data");
        let url_state = members.text("url_state");
        let request_type = members.text("request_type")?;
        if request_type == ANSWERED {
            return Some(Self::Answered(AnsweredSignin {
                created,
                code_hash: members.text("code_hash")?,
                sub: members.text("sub").unwrap_or_default(),
                data,
                url_state,
            }));
        }
        let via = Via::ALL
            .into_iter()
            .find(|via| via.request_types().contains(&request_type.as_str()))?;
        if request_type == via.request_types()[0] {
            PendingSignin::read(members, via, created, data, url_state)
                .map(|signin| Self::Signin(Box::new(signin)))
        } else {
            Some(Self::Signout(PendingSignout { via, created, data, url_state }))
        }
    }
}

impl PendingSignin {
    fn write(&self, members: &mut Members) {
        for (name, text) in [
            ("id", &self.id),
            ("nonce", &self.nonce),
            ("authority", &self.authority),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
        ] {
            members.set_text(name, Some(text));
        }
        members.set_text("code_verifier", Some(self.code_verifier.expose()));
        members.set_text("response_mode", Some(self.response_mode.as_str()));
        members.set("max_age", self.max_age.map(Value::from));
        if !self.resource.is_empty() {
            members.set("resource", Some(self.resource.clone().into()));
        }
        if !self.extra_token_params.is_empty() {
            let pairs = self.extra_token_params.iter();
            let pairs = pairs.map(|(name, value)| Value::from(vec![name.as_str(), value.as_str()]));
            members.set("extra_token_params", Some(pairs.collect()));
        }
    }

    fn read(
        mut members: Members,
        via: Via,
        created: u64,
        data: Option<Value>,
        url_state: Option<String>,
    ) -> Option<Self> {
        let response_mode = match members.text("response_mode").as_deref() {
            Some("fragment") => ResponseMode::Fragment,
            _ => ResponseMode::Query,
        };
        let pairs = match members.value("extra_token_params") {
            Some(Value::Array(pairs)) => pairs,
            _ => Vec::new(),
        };
        let extra_token_params = pairs.into_iter().map(pair).collect::<Option<_>>()?;
        let code_verifier = CodeVerifier::parse(members.text("code_verifier")?).ok()?;
        // One exit for all missing members: each early return would have its own code to drop the
        // others.
        let mut text = |name: &str| members.text(name).unwrap_or_default();
        let signin = Self {
            id: text("id"),
            via,
            created,
            code_verifier,
            nonce: text("nonce"),
            authority: text("authority"),
            client_id: text("client_id"),
            redirect_uri: text("redirect_uri"),
            scope: text("scope"),
            response_mode,
            max_age: members.number("max_age"),
            resource: members.texts("resource"),
            extra_token_params,
            data,
            url_state,
        };
        // The scope may be empty.
        let texts =
            [&signin.id, &signin.nonce, &signin.authority, &signin.client_id, &signin.redirect_uri];
        let whole = texts.into_iter().all(|text| !text.is_empty());
        whole.then_some(signin)
    }
}

fn pair(value: Value) -> Option<(String, String)> {
    let Value::Array(pair) = value else {
        return None;
    };
    let [name, value] = <[Value; 2]>::try_from(pair).ok()?;
    Some((into_text(name)?, into_text(value)?))
}

/// 256 random bits as 43 base64url characters, for identifiers and nonces.
pub(crate) fn random_text(entropy: &dyn Entropy) -> Result<String, Fault> {
    Ok(base64url::encode(random_bytes(entropy)?))
}

pub(crate) fn random_bytes(entropy: &dyn Entropy) -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// The `state` parameter: the identifier, and the caller's text after a semicolon.
pub(crate) fn state_param(id: &str, url_state: Option<&str>) -> String {
    match url_state {
        Some(text) => format!("{id};{text}"),
        None => id.to_owned(),
    }
}

/// Stores a request, and removes expired ones.
pub(crate) fn put(ports: &Ports, id: &str, pending: &Pending, stale_age: u64) -> Result<(), Fault> {
    sweep(ports, stale_age)?;
    replace(ports, id, pending)
}

/// Writes the entry of an identifier.
pub(crate) fn replace(ports: &Ports, id: &str, pending: &Pending) -> Result<(), Fault> {
    Ok(ports.state_store.set(&key(id), &pending.write())?)
}

/// Reads the entry of an identifier, which came from a URL and may be anything.
pub(crate) fn get(ports: &Ports, id: &str) -> Result<Option<Pending>, Fault> {
    let text = ports.state_store.get(&key(id))?;
    Ok(text.and_then(|text| Pending::read(&text)))
}

/// Removes the entry of an identifier.
pub(crate) fn remove(ports: &Ports, id: &str) -> Result<(), Fault> {
    Ok(ports.state_store.remove(&key(id))?)
}

/// Removes entries made `stale_age` seconds ago or earlier, and those that can't be read. Keys of
/// others are kept.
pub(crate) fn sweep(ports: &Ports, stale_age: u64) -> Result<(), Fault> {
    let now = ports.clock.now();
    let store = &ports.state_store;
    let ours = |key: &String| key.starts_with(PREFIX) && !key.starts_with(USER_PREFIX);
    for key in store.keys()?.into_iter().filter(ours) {
        let created = store.get(&key)?.and_then(|text| Members::read(&text)?.number("created"));
        // An entry from the far future was written while the device's clock was wrong, and would
        // never expire.
        let fresh = |created: u64| {
            created.saturating_add(stale_age) > now && created <= now.saturating_add(stale_age)
        };
        if !created.is_some_and(fresh) {
            store.remove(&key)?;
        }
    }
    Ok(())
}

fn key(id: &str) -> String {
    format!("{PREFIX}{id}")
}
