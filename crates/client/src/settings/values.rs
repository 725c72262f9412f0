//! The values of settings.

use serde::{Deserialize, Serialize};

/// How the client authenticates at the token endpoint (OIDC Core section 9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// The client sends only its identifier.
    #[default]
    None,
    /// By HTTP Basic (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// In the form.
    ClientSecretPost,
    /// By an assertion that the client's key signs (RFC 7523 section 2.2). For servers, with the
    /// feature `private-key-jwt` and the port `assertions`.
    PrivateKeyJwt,
}

/// `response_type` (RFC 6749 section 3.1.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResponseType {
    /// The authorization code flow.
    #[default]
    Code,
}

/// `response_mode` (OAuth 2.0 Multiple Response Types section 2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query.
    #[default]
    Query,
    /// In the fragment, which reaches no server.
    Fragment,
    /// In a form that the provider's page posts (OAuth 2.0 Form Post Response Mode). For servers: a
    /// page in a browser can't read it. The server hands the form on as the query of the callback.
    #[cfg(not(target_arch = "wasm32"))]
    FormPost,
    /// In the query, as a token that the provider signed (JARM).
    #[cfg(feature = "jarm")]
    #[serde(rename = "query.jwt")]
    QueryJwt,
    /// In the fragment, as a token that the provider signed (JARM).
    #[cfg(feature = "jarm")]
    #[serde(rename = "fragment.jwt")]
    FragmentJwt,
}

impl ResponseMode {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            #[cfg(not(target_arch = "wasm32"))]
            Self::FormPost => "form_post",
            #[cfg(feature = "jarm")]
            Self::QueryJwt => "query.jwt",
            #[cfg(feature = "jarm")]
            Self::FragmentJwt => "fragment.jwt",
        }
    }

    /// The mode with this value on the wire; the default for any other.
    pub(crate) fn of(text: Option<&str>) -> Self {
        match text {
            Some("fragment") => Self::Fragment,
            #[cfg(not(target_arch = "wasm32"))]
            Some("form_post") => Self::FormPost,
            #[cfg(feature = "jarm")]
            Some("query.jwt") => Self::QueryJwt,
            #[cfg(feature = "jarm")]
            Some("fragment.jwt") => Self::FragmentJwt,
            _ => Self::Query,
        }
    }
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreKind {
    /// The tab's session storage. It survives a reload, but not the tab.
    Session,
    /// The origin's local storage. All tabs share it, and it survives a restart of the browser.
    Local,
    /// The page's memory. It is lost with the page.
    Memory,
}

/// Which claims of the ID token are left out of the profile. `sub`, `iss`, `aud`, `exp` and `iat`
/// are always kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ClaimsFilter {
    /// `true`: `nbf`, `jti`, `auth_time`, `nonce`, `acr`, `amr`, `azp` and `at_hash`; `false`:
    /// none.
    Protocol(bool),
    /// The claims with these names.
    Named(Vec<String>),
}

impl Default for ClaimsFilter {
    fn default() -> Self {
        Self::Protocol(true)
    }
}

/// How arrays in userinfo are merged with those of the ID token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MergeClaims {
    /// The later array replaces the earlier one.
    #[default]
    Replace,
    /// The union of both.
    Merge,
}

/// A token that can be revoked; the values of `token_type_hint` (RFC 7009 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenType {
    /// The access token.
    AccessToken,
    /// The refresh token.
    RefreshToken,
}

impl TokenType {
    /// The value of `token_type_hint`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }
}
