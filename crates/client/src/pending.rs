//! Requests that were sent and not yet answered, under `oidc.{id}` in the state store (RFC 6749
//! section 10.12, RFC 7636 section 4.1, OIDC Core section 15.5.2).

use doorward_protocol::{base64url, pkce::CodeVerifier};
use serde_json::{Map, Value};

use crate::{
    Error, Fault,
    json::{Members, into_text},
    ports::{Entropy, Ports},
    settings::ResponseMode,
};

/// Keys of the state store that belong to pending requests begin so.
const PREFIX: &str = "oidc.";
/// These begin so as well where both stores are one, but hold users.
const USER_PREFIX: &str = "oidc.user:";

/// What the state store knows about a `state`.
pub(crate) enum Pending {
    /// A sign-in.
    Signin(Box<PendingSignin>),
    /// A sign-in that was answered, so that the same answer seen again is known.
    Answered(AnsweredSignin),
    /// A sign-out.
    Signout(PendingSignout),
}

/// In which window a request went to the provider, and so where its answer is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// In this one, which was left.
    Redirect,
    /// In a popup, while this page stays.
    Popup,
    /// In a hidden frame of this page.
    Frame,
}

impl Way {
    const ALL: [Self; 3] = [Self::Redirect, Self::Popup, Self::Frame];

    /// Values of `request_type`, of sign-in and sign-out.
    fn request_types(self) -> [&'static str; 2] {
        match self {
            Self::Redirect => ["si:r", "so:r"],
            Self::Popup => ["si:p", "so:p"],
            Self::Frame => ["si:s", "so:s"],
        }
    }
}

/// A sign-in request on its way.
pub(crate) struct PendingSignin {
    /// The unguessable part of `state`.
    pub id: String,
    pub way: Way,
    /// When the request was made, by this device's clock.
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

/// A sign-in that was answered. The verifier is gone, so nothing can be redeemed with it.
pub(crate) struct AnsweredSignin {
    pub created: u64,
    /// Hash of the code that was redeemed.
    pub code_hash: String,
    /// Who signed in.
    pub sub: String,
    pub data: Option<Value>,
    pub url_state: Option<String>,
}

/// A sign-out request on its way.
pub(crate) struct PendingSignout {
    pub way: Way,
    pub created: u64,
    pub data: Option<Value>,
    pub url_state: Option<String>,
}

/// The `request_type` of a sign-in that was answered.
const ANSWERED: &str = "si:done";

impl Pending {
    fn write(&self) -> String {
        let mut members = Members(Map::new());
        let (request_type, created, data, url_state) = match self {
            Self::Signin(signin) => {
                signin.write(&mut members);
                (signin.way.request_types()[0], signin.created, &signin.data, &signin.url_state)
            }
            Self::Answered(answered) => {
                members.set_text("code_hash", Some(&answered.code_hash));
                members.set_text("sub", Some(&answered.sub));
                (ANSWERED, answered.created, &answered.data, &answered.url_state)
            }
            Self::Signout(signout) => {
                (signout.way.request_types()[1], signout.created, &signout.data, &signout.url_state)
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
        let way = Way::ALL
            .into_iter()
            .find(|way| way.request_types().contains(&request_type.as_str()))?;
        if request_type == way.request_types()[0] {
            PendingSignin::read(members, way, created, data, url_state)
                .map(|signin| Self::Signin(Box::new(signin)))
        } else {
            Some(Self::Signout(PendingSignout { way, created, data, url_state }))
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
        way: Way,
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
        // One way out for all that is missing: each of its own would carry what was read before it.
        let mut text = |name: &str| members.text(name).unwrap_or_default();
        let signin = Self {
            id: text("id"),
            way,
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
        // A request may be for no scope at all.
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

/// 256 random bits as 43 base64url characters: ids and nonces.
pub(crate) fn random_text(entropy: &dyn Entropy) -> Result<String, Fault> {
    Ok(base64url::encode(random_bytes(entropy)?))
}

pub(crate) fn random_bytes(entropy: &dyn Entropy) -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// The `state` parameter: the id, and behind a semicolon the caller's text.
pub(crate) fn state_param(id: &str, url_state: Option<&str>) -> String {
    match url_state {
        Some(text) => format!("{id};{text}"),
        None => id.to_owned(),
    }
}

/// Keeps a request, and sweeps those that nobody will answer any more.
pub(crate) fn put(ports: &Ports, id: &str, pending: &Pending, stale_age: u64) -> Result<(), Fault> {
    sweep(ports, stale_age)?;
    replace(ports, id, pending)
}

/// Writes what is known about an id.
pub(crate) fn replace(ports: &Ports, id: &str, pending: &Pending) -> Result<(), Fault> {
    Ok(ports.state_store.set(&key(id), &pending.write())?)
}

/// What is known about an id, which came in a URL and may be anything.
pub(crate) fn get(ports: &Ports, id: &str) -> Result<Option<Pending>, Fault> {
    let text = ports.state_store.get(&key(id))?;
    Ok(text.and_then(|text| Pending::read(&text)))
}

/// Forgets an id.
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
        // One from far in the future was made while the device's clock was wrong, and would never
        // go.
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
