//! Error codes and error responses of OAuth 2.0 and OpenID Connect.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)+) => {
        /// An error code on the wire. The provider sends only the named ones; the client keeps
        /// unknown ones.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
            /// A code that is not known here, as received.
            Other(String),
        }

        impl ErrorCode {
            /// The code on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }

            /// The code as a label of a metric, of which there must be few: a code that is not
            /// known here is `other`.
            pub fn label(&self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(_) => "other",
                }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

error_codes! {
    /// RFC 6749 section 4.1.2.1, 5.2; RFC 6750 section 3.1.
    InvalidRequest = "invalid_request",
    /// RFC 6749 section 5.2.
    InvalidClient = "invalid_client",
    /// RFC 6749 section 5.2.
    InvalidGrant = "invalid_grant",
    /// RFC 6749 section 4.1.2.1, 5.2.
    UnauthorizedClient = "unauthorized_client",
    /// RFC 6749 section 5.2.
    UnsupportedGrantType = "unsupported_grant_type",
    /// RFC 6749 section 4.1.2.1.
    UnsupportedResponseType = "unsupported_response_type",
    /// RFC 6749 section 4.1.2.1, 5.2.
    InvalidScope = "invalid_scope",
    /// RFC 6749 section 4.1.2.1.
    AccessDenied = "access_denied",
    /// RFC 6749 section 4.1.2.1.
    ServerError = "server_error",
    /// RFC 6749 section 4.1.2.1.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// RFC 6750 section 3.1.
    InvalidToken = "invalid_token",
    /// RFC 6750 section 3.1.
    InsufficientScope = "insufficient_scope",
    /// RFC 9470 section 3.
    InsufficientUserAuthentication = "insufficient_user_authentication",
    /// RFC 7009 section 2.2.1.
    UnsupportedTokenType = "unsupported_token_type",
    /// OIDC Core section 3.1.2.6.
    LoginRequired = "login_required",
    /// OIDC Core section 3.1.2.6.
    ConsentRequired = "consent_required",
    /// OIDC Core section 3.1.2.6.
    InteractionRequired = "interaction_required",
    /// OIDC Core section 3.1.2.6.
    AccountSelectionRequired = "account_selection_required",
    /// OIDC Core section 3.1.2.6, RFC 9101 section 7.
    InvalidRequestUri = "invalid_request_uri",
    /// OIDC Core section 3.1.2.6, RFC 9101 section 7.
    InvalidRequestObject = "invalid_request_object",
    /// OIDC Core section 3.1.2.6.
    RequestNotSupported = "request_not_supported",
    /// OIDC Core section 3.1.2.6.
    RequestUriNotSupported = "request_uri_not_supported",
    /// OIDC Core Error Code `unmet_authentication_requirements` 1.0.
    UnmetAuthenticationRequirements = "unmet_authentication_requirements",
    /// OIDC Core section 3.1.2.6.
    RegistrationNotSupported = "registration_not_supported",
    /// RFC 7591 section 3.2.2.
    InvalidRedirectUri = "invalid_redirect_uri",
    /// RFC 7591 section 3.2.2.
    InvalidClientMetadata = "invalid_client_metadata",
    /// RFC 7591 section 3.2.2.
    UnapprovedSoftwareStatement = "unapproved_software_statement",
    /// RFC 8707 section 2.
    InvalidTarget = "invalid_target",
    /// RFC 8628 section 3.5.
    AuthorizationPending = "authorization_pending",
    /// RFC 8628 section 3.5.
    SlowDown = "slow_down",
    /// RFC 8628 section 3.5.
    ExpiredToken = "expired_token",
    /// RFC 9449 section 5.
    InvalidDpopProof = "invalid_dpop_proof",
    /// RFC 9449 section 8.
    UseDpopNonce = "use_dpop_nonce",
}

impl FromStr for ErrorCode {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.into())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(String::deserialize(deserializer)?.as_str().into())
    }
}

/// The JSON body of an error at the token, revocation, userinfo or API endpoint (RFC 6749 section
/// 5.2).
///
/// ```
/// use doorward_protocol::error::{ErrorCode, ErrorResponse};
///
/// let written = ErrorResponse::new(ErrorCode::InvalidGrant, "The code was used before.");
/// assert_eq!(
///     serde_json::to_string(&written)?,
///     r#"{"error":"invalid_grant","error_description":"The code was used before."}"#
/// );
/// // A code that is not known is kept as it was received.
/// let read: ErrorResponse = serde_json::from_str(r#"{"error":"mfa_required"}"#)?;
/// assert_eq!(read.error, ErrorCode::from("mfa_required"));
/// assert_eq!(read.error.as_str(), "mfa_required");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorResponse {
    /// The code.
    pub error: ErrorCode,
    /// A sentence for developers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// A page about the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_uri: Option<String>,
}

impl ErrorResponse {
    /// An error with a description.
    pub fn new(error: ErrorCode, description: impl Into<String>) -> Self {
        Self { error, error_description: Some(description.into()), error_uri: None }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 6749 section 5.2, the example body.
    #[test]
    fn reads_the_rfc_example() {
        let response: ErrorResponse =
            serde_json::from_str(r#"{"error":"invalid_request"}"#).unwrap();
        assert_eq!(response.error, ErrorCode::InvalidRequest);
        assert_eq!(response.error_description, None);
    }

    #[test]
    fn keeps_unknown_codes() {
        let response: ErrorResponse =
            serde_json::from_str(r#"{"error":"teapot","error_description":"short"}"#).unwrap();
        assert_eq!(response.error, ErrorCode::Other("teapot".into()));
        assert_eq!(
            serde_json::to_string(&response).unwrap(),
            r#"{"error":"teapot","error_description":"short"}"#
        );
    }
}
