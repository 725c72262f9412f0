//! The signed-in user: tokens and claims.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use crate::lean::json::Members;

/// A signed-in user. It serializes to the members of oidc-client's user object. Times are seconds
/// since 1970 (UTC) by this device's clock.
///
/// ```
/// use doorward_client::User;
///
/// // A user of a test. A client makes one of a verified answer.
/// let user: User = serde_json::from_str(
///     r#"{ "access_token": "secret", "scope": "openid profile", "expires_at": 1700000300,
///          "profile": { "sub": "248289761001", "name": "Alice", "role": ["admin", "user"] } }"#,
/// )?;
/// assert_eq!(user.sub(), "248289761001");
/// assert_eq!(user.claim("name"), Some("Alice"));
/// assert_eq!(user.claim_texts("role"), ["admin", "user"]);
/// assert_eq!(user.expires_in(1700000000), Some(300));
/// assert!(!format!("{user:?}").contains("secret"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct User {
    /// The ID token as received. It is absent if the scope has no `openid`.
    pub id_token: Option<String>,
    /// The state of the session at the provider (OIDC Session Management section 3).
    pub session_state: Option<String>,
    /// The access token as received. It is secret: anyone who has it may call the API.
    pub access_token: String,
    /// The refresh token, if the provider issued one. It is secret.
    pub refresh_token: Option<String>,
    /// The token type as received: `Bearer`, or `DPoP` if tokens are bound to a key.
    pub token_type: String,
    /// The granted scope. The requested scope, if the provider did not name one (RFC 6749 section
    /// 5.1).
    pub scope: Option<String>,
    /// The claims of the ID token without protocol claims, and those of userinfo if it is loaded.
    pub profile: Map<String, Value>,
    /// When the access token expires. `None` if the provider did not say.
    pub expires_at: Option<u64>,
    /// The caller's state from the sign-in request.
    pub state: Option<Value>,
    /// The caller's URL state from the sign-in request.
    pub url_state: Option<String>,
    /// Additional members of the token response.
    pub extra: Map<String, Value>,
}

impl User {
    /// A user of whom only these claims are known: the tokens are elsewhere, such as on a server.
    pub fn without_tokens(profile: Map<String, Value>) -> Self {
        Self {
            id_token: None,
            session_state: None,
            access_token: String::new(),
            refresh_token: None,
            token_type: String::new(),
            scope: None,
            profile,
            expires_at: None,
            state: None,
            url_state: None,
            extra: Map::new(),
        }
    }

    /// The user's identifier, unique at the issuer: the claim `sub`.
    pub fn sub(&self) -> &str {
        self.claim("sub").unwrap_or_default()
    }

    /// A claim of the profile, if it is a string.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.profile.get(name).and_then(Value::as_str)
    }

    /// The texts of a claim: those of an array, or the one of a single text. Many providers send
    /// one role as a text, and several as an array.
    pub fn claim_texts(&self, name: &str) -> Vec<&str> {
        match self.profile.get(name) {
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    /// Whether a claim is `true`, as a boolean or as a text: some providers send `email_verified`
    /// as a text.
    pub fn claim_is_true(&self, name: &str) -> bool {
        match self.profile.get(name) {
            Some(Value::Bool(value)) => *value,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }

    /// The profile as a type of the caller's.
    ///
    /// ```
    /// # use doorward_client::User;
    /// #[derive(serde::Deserialize)]
    /// struct Claims {
    ///     sub: String,
    ///     #[serde(default)]
    ///     groups: Vec<String>,
    /// }
    ///
    /// fn groups(user: &User) -> Vec<String> {
    ///     user.claims::<Claims>().map(|claims| claims.groups).unwrap_or_default()
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If a claim is missing or of another type.
    pub fn claims<T: de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.profile)
    }

    /// Seconds until the access token expires, negative afterwards. `now` is this device's clock.
    /// [`UserManager::expires_in`](crate::UserManager::expires_in) is more accurate: it does not
    /// depend on changes of the device's clock.
    pub fn expires_in(&self, now: u64) -> Option<i64> {
        self.expires_at.map(|at| signed(at) - signed(now))
    }

    /// Whether the access token has expired. `now` is this device's clock. It never expires if the
    /// provider gave no lifetime.
    pub fn expired(&self, now: u64) -> bool {
        self.expires_in(now).is_some_and(|left| left <= 0)
    }

    /// The tokens of the granted scope.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.as_deref().unwrap_or_default().split_ascii_whitespace()
    }
}

impl User {
    /// The members of the user object.
    pub(crate) fn to_members(&self) -> Members {
        let mut members = Members(self.extra.clone());
        for (name, text) in [
            ("id_token", &self.id_token),
            ("session_state", &self.session_state),
            ("refresh_token", &self.refresh_token),
            ("scope", &self.scope),
            ("url_state", &self.url_state),
        ] {
            members.set_text(name, text.as_deref());
        }
        members.set_text("access_token", Some(&self.access_token));
        members.set_text("token_type", Some(&self.token_type));
        members.set("profile", Some(Value::Object(self.profile.clone())));
        members.set("expires_at", self.expires_at.map(Value::from));
        members.set("state", self.state.clone());
        members
    }

    /// Reads a user object; `None` if it has no access token.
    pub(crate) fn from_members(mut members: Members) -> Option<Self> {
        Some(Self {
            id_token: members.text("id_token"),
            session_state: members.text("session_state"),
            access_token: members.text("access_token")?,
            refresh_token: members.text("refresh_token"),
            token_type: members.text("token_type").unwrap_or_else(|| "Bearer".to_owned()),
            scope: members.text("scope"),
            profile: match members.value("profile") {
                Some(Value::Object(profile)) => profile,
                _ => Map::new(),
            },
            expires_at: members.number("expires_at"),
            state: members.value("state"),
            url_state: members.text("url_state"),
            extra: members.rest(&[]),
        })
    }
}

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::Object(self.to_members().0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for User {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Members(Map::deserialize(deserializer)?);
        Self::from_members(members).ok_or_else(|| de::Error::missing_field("access_token"))
    }
}

/// Values beyond `i64` are so far away that the largest value serves.
fn signed(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// Does not show tokens.
impl fmt::Debug for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("User")
            .field("sub", &self.sub())
            .field("scope", &self.scope)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
