//! Why an access token is not accepted.

/// The cause. `Display` is the sentence for the caller, and `Debug` the name for the log. Neither
/// holds any part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than [`crate::MAX_TOKEN_LENGTH`]; it was not read.
    #[error("The access token is too long.")]
    TooLong,
    /// Not a compact JWS with a JSON header (RFC 7515 section 7.1).
    #[error("The access token is not a signed JSON Web Token.")]
    Malformed,
    /// `crit` demands an extension, and none is supported (RFC 7515 section 4.1.11).
    #[error("The access token demands an extension that this API does not support.")]
    CriticalExtension,
    /// Not of a type that the issuer's profile accepts: an ID token, for example (RFC 9068 section
    /// 4).
    #[error("The token is not an access token of a type that this API accepts.")]
    WrongType,
    /// `alg` is `none`, symmetric, unknown, or not allowed for the issuer.
    #[error("The access token is not signed with an algorithm that this API accepts.")]
    UnsupportedAlgorithm,
    /// The issuer publishes no key of that name.
    #[error("The access token is signed with a key that its issuer does not publish.")]
    UnknownKey,
    /// The issuer publishes the key, and this API can't use it: RSA of less than 2,048 bits, the
    /// curve P-521, or a key for another purpose.
    #[error("The access token is signed with a key of a kind that this API does not accept.")]
    UnusableKey,
    /// The key named is for another algorithm.
    #[error("The access token's algorithm is not that of the key that it names.")]
    WrongAlgorithm,
    /// No key of the issuer made the signature.
    #[error("The access token's signature is not valid.")]
    BadSignature,
    /// The payload is not a JSON object.
    #[error("The access token's claims are not a JSON object.")]
    MalformedClaims,
    /// A required claim is absent, empty or of another type (RFC 9068 section 2.2).
    #[error("The access token lacks a claim that it must have, or it has another type: {0}.")]
    InvalidClaim(&'static str),
    /// The issuer says that the token is not active, and not why (RFC 7662 section 2.2).
    #[error("The access token is not known to its issuer, expired or was revoked.")]
    Inactive,
    /// `iss` is none of the configured issuers.
    #[error("The access token comes from another issuer.")]
    WrongIssuer,
    /// `aud` does not name this API.
    #[error("The access token is for another API.")]
    WrongAudience,
    /// The token is bound to a key, and was sent as a bearer token (RFC 9449 section 7.2, RFC 8705
    /// section 3).
    #[error("The access token is bound to its client's key and can't be sent as a bearer token.")]
    KeyBound,
    /// `cnf` binds the token to something that this API can't check, such as a client certificate.
    #[error("The access token is bound to something that this API can't check.")]
    UnsupportedConfirmation,
    /// The token was sent by the scheme `DPoP`, but it is bound to no key (RFC 9449 section 7.1).
    #[error("The access token is not bound to a key and must be sent as a bearer token.")]
    NotKeyBound,
    /// The proof was made by another key than `cnf` names.
    #[error("The access token is bound to another key than the one in the proof.")]
    AnotherKey,
    /// `exp` has passed.
    #[error("The access token expired.")]
    Expired,
    /// `nbf` lies in the future.
    #[error("The access token is not valid yet.")]
    NotYetValid,
    /// `iat` lies in the future by more than clocks usually differ.
    #[error("The access token says that it was issued in the future.")]
    IssuedInFuture,
}

impl TokenError {
    /// A short name, one of a few: for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::CriticalExtension => "critical_extension",
            Self::WrongType => "wrong_type",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::UnknownKey => "unknown_key",
            Self::UnusableKey => "unusable_key",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::BadSignature => "bad_signature",
            Self::MalformedClaims | Self::InvalidClaim(_) => "invalid_claims",
            Self::Inactive => "inactive",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::KeyBound => "key_bound",
            Self::UnsupportedConfirmation => "unsupported_confirmation",
            Self::NotKeyBound => "not_key_bound",
            Self::AnotherKey => "another_key",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
        }
    }

    /// Whether the issuer signed the token, so that something is configured wrongly. Anyone can
    /// cause the other errors by writing a token.
    pub(crate) fn is_a_matter_of_settings(self) -> bool {
        match self {
            // It is read before the signature, to find the issuer.
            Self::InvalidClaim(claim) => claim != "iss",
            Self::WrongType
            | Self::WrongAudience
            | Self::UnsupportedConfirmation
            | Self::IssuedInFuture => true,
            _ => false,
        }
    }
}
