//! `typ` of each kind of JWT that the provider signs, so that none is taken for another (RFC 8725
//! section 3.11).

/// `typ` of access tokens (RFC 9068 section 2.1).
pub(crate) const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// `typ` of access tokens for APIs that know no other type (`access_token_typ`). ID tokens have it,
/// too; the two are told apart by their claims.
pub(crate) const PLAIN_TYPE: &str = "JWT";

/// `typ` of ID tokens.
pub(crate) const ID_TOKEN_TYPE: &str = "JWT";

/// `typ` of logout tokens: nothing else may be taken for one.
pub(crate) const LOGOUT_TOKEN_TYPE: &str = "logout+jwt";

/// `typ` of signed answers about tokens (RFC 9701 section 5).
pub(crate) const INTROSPECTION_TYPE: &str = "token-introspection+jwt";
