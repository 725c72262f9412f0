//! Why a registration was refused, and what is answered (RFC 7591 section 3.2.2).

use doorward_protocol::error::ErrorCode;

use crate::{model::registration::MetadataError, store::StoreError};

/// Why a request about a registration was refused.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// Registration is off.
    #[error("clients can't register here")]
    NotOffered,
    /// There is no initial access token, and one is needed.
    #[error("an initial access token is needed: ask the operator of the provider for one")]
    TokenMissing,
    /// The token is not known, has expired, is used up, or belongs to another client.
    #[error("the token is unknown, has expired, or is used up")]
    TokenInvalid,
    /// A member of the metadata does not hold.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The request itself does not hold.
    #[error("{0}")]
    Request(&'static str),
    /// Too many clients come from this address.
    #[error("too many clients that nobody uses were registered from this address")]
    TooMany,
    /// Too many were registered, changed or removed from this address lately. The next one is after
    /// this many seconds.
    #[error("too many registrations from this address: try again in {0} seconds")]
    Throttled(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegistrationError {
    /// The sentence on the wire. It may repeat what the client sent, in the characters that a
    /// description may have (RFC 6749 section 5.2).
    pub fn description(&self) -> String {
        let allowed = |character| matches!(character, ' '..='!' | '#'..='[' | ']'..='~');
        let text = self.to_string();
        let text: String = text.chars().map(|own| if allowed(own) { own } else { '?' }).collect();
        format!("{text}.")
    }

    /// The error code on the wire.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotOffered => ErrorCode::AccessDenied,
            Self::TokenMissing | Self::TokenInvalid => ErrorCode::InvalidToken,
            Self::Metadata(error) => match error.member {
                "redirect_uris" => ErrorCode::InvalidRedirectUri,
                "software_statement" => ErrorCode::UnapprovedSoftwareStatement,
                _ => ErrorCode::InvalidClientMetadata,
            },
            Self::Request(_) => ErrorCode::InvalidRequest,
            Self::TooMany | Self::Throttled(_) => ErrorCode::TemporarilyUnavailable,
            Self::Store(error) => error.code(),
        }
    }
}
