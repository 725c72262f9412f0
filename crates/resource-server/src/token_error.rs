//! Why an access token is not accepted.

/// The cause. `Display` is the sentence for the caller, `Debug` the name for the log; neither holds
/// any of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`crate::MAX_TOKEN_LENGTH`]; it was not looked at.
    #[error("The access token is too long.")]
    TooLong,
    /// Not a compact JWS with a JSON header (RFC 7515 section 7.1).
    #[error("The access token is not a signed JSON Web Token.")]
    Malformed,
    /// `crit` demands an extension, and none is supported (RFC 7515 section 4.1.11).
    #[error("The access token demands an extension that this API does not support.")]
    CriticalExtension,
    /// `typ` is not `at+jwt`: an ID token, for example (RFC 9068 section 4).
    #[error("The token is not an access token: its type is not at+jwt.")]
    WrongType,
    /// `alg` is `none`, symmetric, or unknown.
    #[error("The access token is not signed with an algorithm that this API accepts.")]
    UnsupportedAlgorithm,
    /// No `kid`, while the issuer has several keys.
    #[error("The access token does not say which key signed it.")]
    NoKeyId,
    /// The issuer publishes no key of that name.
    #[error("The access token is signed with a key that its issuer does not publish.")]
    UnknownKey,
    /// The key named is for another algorithm.
    #[error("The access token's algorithm is not that of the key that it names.")]
    WrongAlgorithm,
    /// The signature does not fit.
    #[error("The access token's signature is not valid.")]
    BadSignature,
    /// A required claim is absent, empty or of another type (RFC 9068 section 2.2).
    #[error("The access token lacks a claim that every access token must have.")]
    InvalidClaims,
    /// Its issuer says that it does not hold, and not why (RFC 7662 section 2.2).
    #[error("The access token is not known to its issuer, expired or was revoked.")]
    Inactive,
    /// `iss` is none of the configured issuers.
    #[error("The access token comes from another issuer.")]
    WrongIssuer,
    /// `aud` does not name this API.
    #[error("The access token is for another API.")]
    WrongAudience,
    /// `cnf` binds the token to a key, and a bearer proves none (RFC 9449 section 7.2, RFC 8705
    /// section 3).
    #[error("The access token is bound to its client's key and can't be sent as a bearer token.")]
    KeyBound,
    /// Sent by the scheme `DPoP`, but `cnf` binds it to no key (RFC 9449 section 7.1).
    #[error("The access token is not bound to a key and must be sent as a bearer token.")]
    NotKeyBound,
    /// The proof was made by another key than `cnf` names.
    #[error("The access token is bound to another key than the one in the proof.")]
    AnotherKey,
    /// `exp` has come.
    #[error("The access token expired.")]
    Expired,
    /// `nbf` has not come.
    #[error("The access token is not valid yet.")]
    NotYetValid,
    /// `iat` lies in the future by more than clocks differ.
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
            Self::NoKeyId => "no_key_id",
            Self::UnknownKey => "unknown_key",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::BadSignature => "bad_signature",
            Self::InvalidClaims => "invalid_claims",
            Self::Inactive => "inactive",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::KeyBound => "key_bound",
            Self::NotKeyBound => "not_key_bound",
            Self::AnotherKey => "another_key",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
        }
    }
}
