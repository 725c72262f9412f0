//! What the state store has of a request, and how it is written.

use doorward_protocol::pkce::CodeVerifier;
use serde_json::{Map, Value};

use crate::{
    lean::json::{Members, into_text},
    settings::{ResponseMode, Settings},
};

/// The entry in the state store for a `state`.
pub(crate) enum Pending {
    /// A sign-in.
    Signin(Box<PendingSignin>),
    /// A sign-in that was processed. It is kept so that the same response is recognized.
    Answered(AnsweredSignin),
    /// A sign-out.
    Signout(PendingSignout),
}

/// The client that made a request. Several clients of one origin share a state store.
#[derive(Clone, PartialEq)]
pub(crate) struct Owner {
    pub authority: String,
    pub client_id: String,
}

impl Owner {
    /// The client with these settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { authority: settings.authority.clone(), client_id: settings.client_id.clone() }
    }

    fn read(members: &mut Members) -> Self {
        Self {
            authority: members.text("authority").unwrap_or_default(),
            client_id: members.text("client_id").unwrap_or_default(),
        }
    }

    fn write(&self, members: &mut Members) {
        members.set_text("authority", Some(&self.authority));
        members.set_text("client_id", Some(&self.client_id));
    }

    /// Whether an entry of this owner is the client's own. Earlier versions wrote no owner.
    fn is(&self, other: &Self) -> bool {
        self == other || self.authority.is_empty()
    }
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
    pub(super) const ALL: [Self; 3] = [Self::Redirect, Self::Popup, Self::Frame];

    /// The prefix of identifiers. It says which page waits for a response, even to a page that
    /// cannot read the state store of the page that sent the request.
    pub(super) fn id_prefix(self) -> &'static str {
        match self {
            Self::Redirect => "",
            Self::Popup => "p.",
            Self::Frame => "f.",
        }
    }

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
    pub owner: Owner,
    pub redirect_uri: String,
    pub scope: String,
    pub response_mode: ResponseMode,
    pub max_age: Option<u64>,
    /// The values of `acr`, space-separated, of which the ID token must say one.
    pub required_acr: Option<String>,
    pub resource: Vec<String>,
    pub extra_token_params: Vec<(String, String)>,
    pub data: Option<Value>,
    pub url_state: Option<String>,
    pub return_to: Option<String>,
}

/// A processed sign-in. The verifier is gone, so it cannot redeem anything.
pub(crate) struct AnsweredSignin {
    pub created: u64,
    /// The hash of the redeemed code.
    pub code_hash: String,
    /// Who signed in.
    pub sub: String,
    /// Their session.
    pub session: String,
    pub owner: Owner,
    pub data: Option<Value>,
    pub url_state: Option<String>,
    pub return_to: Option<String>,
}

/// A sign-out request that waits for its response.
pub(crate) struct PendingSignout {
    pub via: Via,
    pub created: u64,
    pub owner: Owner,
    pub data: Option<Value>,
    pub url_state: Option<String>,
}

/// The `request_type` of a processed sign-in.
const ANSWERED: &str = "si:done";

impl Pending {
    pub(super) fn write(&self) -> String {
        let mut members = Members(Map::new());
        let (request_type, created, data, url_state) = match self {
            Self::Signin(signin) => {
                signin.write(&mut members);
                (signin.via.request_types()[0], signin.created, &signin.data, &signin.url_state)
            }
            Self::Answered(answered) => {
                members.set_text("code_hash", Some(&answered.code_hash));
                members.set_text("sub", Some(&answered.sub));
                members.set_text("session", Some(&answered.session));
                members.set_text("return_to", answered.return_to.as_deref());
                answered.owner.write(&mut members);
                (ANSWERED, answered.created, &answered.data, &answered.url_state)
            }
            Self::Signout(signout) => {
                signout.owner.write(&mut members);
                (signout.via.request_types()[1], signout.created, &signout.data, &signout.url_state)
            }
        };
        members.set_text("request_type", Some(request_type));
        members.set("created", Some(created.into()));
        members.set("data", data.clone());
        members.set_text("url_state", url_state.as_deref());
        members.write()
    }

    pub(super) fn read(text: &str) -> Option<Self> {
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
                session: members.text("session").unwrap_or_default(),
                owner: Owner::read(&mut members),
                return_to: members.text("return_to"),
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
            let owner = Owner::read(&mut members);
            Some(Self::Signout(PendingSignout { via, created, owner, data, url_state }))
        }
    }

    pub(super) fn created(&self) -> u64 {
        match self {
            Self::Signin(signin) => signin.created,
            Self::Answered(answered) => answered.created,
            Self::Signout(signout) => signout.created,
        }
    }

    /// Whether the client with these settings made the request.
    pub(crate) fn belongs_to(&self, settings: &Settings) -> bool {
        let owner = match self {
            Self::Signin(signin) => &signin.owner,
            Self::Answered(answered) => &answered.owner,
            Self::Signout(signout) => &signout.owner,
        };
        owner.is(&Owner::of(settings))
    }
}

impl PendingSignin {
    fn write(&self, members: &mut Members) {
        for (name, text) in [
            ("id", &self.id),
            ("nonce", &self.nonce),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
        ] {
            members.set_text(name, Some(text));
        }
        self.owner.write(members);
        members.set_text("return_to", self.return_to.as_deref());
        members.set_text("code_verifier", Some(self.code_verifier.expose()));
        members.set_text("response_mode", Some(self.response_mode.as_str()));
        members.set("max_age", self.max_age.map(Value::from));
        members.set_text("required_acr", self.required_acr.as_deref());
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
        let response_mode = ResponseMode::of(members.text("response_mode").as_deref());
        let pairs = match members.value("extra_token_params") {
            Some(Value::Array(pairs)) => pairs,
            _ => Vec::new(),
        };
        let extra_token_params = pairs.into_iter().map(pair).collect::<Option<_>>()?;
        let code_verifier = CodeVerifier::parse(members.text("code_verifier")?).ok()?;
        // One exit for all missing members: each early return would have its own code to drop the
        // others.
        let owner = Owner::read(&mut members);
        let mut text = |name: &str| members.text(name).unwrap_or_default();
        let signin = Self {
            id: text("id"),
            via,
            created,
            code_verifier,
            nonce: text("nonce"),
            owner,
            redirect_uri: text("redirect_uri"),
            scope: text("scope"),
            response_mode,
            max_age: members.number("max_age"),
            required_acr: members.text("required_acr"),
            resource: members.texts("resource"),
            extra_token_params,
            data,
            url_state,
            return_to: members.text("return_to"),
        };
        // The scope may be empty.
        let texts = [
            &signin.id,
            &signin.nonce,
            &signin.owner.authority,
            &signin.owner.client_id,
            &signin.redirect_uri,
        ];
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
