//! Request parameters in `application/x-www-form-urlencoded`, in a query or a body (RFC 6749
//! section 3.1, 3.2, appendix B).

use crate::secret::Secret;

/// More parameters than any request of OAuth 2.0 or OpenID Connect has.
const MAX_PARAMETERS: usize = 50;

/// Every parameter that is read, in requests, in responses and in the forms of pages. Only these
/// are refused when they are repeated: "unrecognized request parameters" MUST be ignored (RFC 6749
/// section 3.1). A repeated parameter that is not in this list is never read, since all its values
/// are left out.
const KNOWN: &[&str] = &[
    "access_token",
    "acr_values",
    "action",
    "claims",
    "claims_locales",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "device_code",
    "display",
    "dpop_jkt",
    "error",
    "error_description",
    "error_uri",
    "expires_in",
    "form_token",
    "grant_type",
    "id_token",
    "id_token_hint",
    "iss",
    "login_hint",
    "logout_hint",
    "max_age",
    "nonce",
    "password",
    "post_logout_redirect_uri",
    "prompt",
    "redirect_uri",
    "refresh_token",
    "registration",
    "remember_consent",
    "remember_login",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "return_url",
    "scope",
    "session_state",
    "sid",
    "state",
    "token",
    "token_type",
    "token_type_hint",
    "ui_locales",
    "user_code",
    "username",
];

/// The parameters of one request. Parameters "sent without a value MUST be treated as if they were
/// omitted from the request" (RFC 6749 section 3.1), so they are left out.
///
/// ```
/// use doorward_protocol::params::{Params, ParamsError};
///
/// let params = Params::parse("grant_type=refresh_token&scope=openid+profile&client_id=")?;
/// assert_eq!(params.get("scope"), Some("openid profile"));
/// assert!(!params.is_sent("client_id"), "it has no value");
///
/// let refused = Params::parse("state=1&state=2");
/// assert_eq!(refused, Err(ParamsError::Repeated("state".to_owned())));
/// # Ok::<(), ParamsError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// Why parameters were refused; all are `invalid_request`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// "Request and response parameters MUST NOT be included more than once" (RFC 6749 section
    /// 3.1).
    #[error("the parameter {0} is there more than once")]
    Repeated(String),
    /// More than 50 parameters.
    #[error("there are more than {MAX_PARAMETERS} parameters")]
    TooMany,
    /// The percent-encoding does not give UTF-8, a name has control characters, or a value has some
    /// beside line breaks and tabs.
    #[error("the parameters are not readable text in application/x-www-form-urlencoded")]
    Malformed,
}

impl Params {
    /// Whether any request, response or form of ours has a parameter of this name.
    pub fn knows(name: &str) -> bool {
        KNOWN.contains(&name)
    }

    /// Reads a query (without `?`) or a form body.
    ///
    /// # Errors
    /// The parameters can't be read, are too many, or one is there twice.
    pub fn parse(encoded: impl AsRef<[u8]>) -> Result<Self, ParamsError> {
        Self::parse_with_repeatable(encoded, &[])
    }

    /// As [`Params::parse`], but the named parameters may be repeated (`resource`, RFC 8707 section
    /// 2).
    ///
    /// # Errors
    /// As [`Params::parse`].
    pub fn parse_with_repeatable(
        encoded: impl AsRef<[u8]>,
        repeatable: &[&str],
    ) -> Result<Self, ParamsError> {
        let (params, repeated) = Self::parse_noting_repeats(encoded, repeatable)?;
        repeated.into_iter().next().map_or(Ok(params), |name| Err(ParamsError::Repeated(name)))
    }

    /// Reads the parameters and the names of those that are wrongly repeated, for the endpoint that
    /// can still answer by a redirect (RFC 6749 section 4.1.2.1). Of a repeated parameter the first
    /// value is kept. An unknown parameter that is repeated is left out.
    ///
    /// # Errors
    /// The parameters can't be read, or are too many.
    pub fn parse_noting_repeats(
        encoded: impl AsRef<[u8]>,
        repeatable: &[&str],
    ) -> Result<(Self, Vec<String>), ParamsError> {
        Ok(Self::noting_repeats(&readable_pairs(encoded.as_ref())?, repeatable))
    }

    /// Reads the query of a response, leniently: a value that is not readable text is left out, as
    /// if it were empty. The code of an error then says what happened, even if its description is
    /// in another encoding.
    ///
    /// # Errors
    /// The parameters are too many, or one is there twice.
    pub fn parse_readable(encoded: impl AsRef<[u8]>) -> Result<Self, ParamsError> {
        let mut sent = pairs(encoded.as_ref())?;
        for (name, value) in &mut sent {
            if !is_readable_pair(name, value) {
                value.clear();
            }
        }
        let (params, repeated) = Self::noting_repeats(&sent, &[]);
        repeated.into_iter().next().map_or(Ok(params), |name| Err(ParamsError::Repeated(name)))
    }

    fn noting_repeats(sent: &[(String, String)], repeatable: &[&str]) -> (Self, Vec<String>) {
        let count = |name: &str| sent.iter().filter(|(own, _)| own == name).count();
        let mut kept: Vec<(String, String)> = Vec::new();
        let mut repeats: Vec<String> = Vec::new();
        for (name, value) in sent {
            let is_repeatable = repeatable.contains(&name.as_str());
            if is_repeatable || count(name) == 1 {
                kept.push((name.clone(), value.clone()));
            } else if Self::knows(name) {
                if kept.iter().any(|(own, _)| own == name) {
                    repeats.push(name.clone());
                } else {
                    kept.push((name.clone(), value.clone()));
                }
            }
        }
        kept.retain(|(_, value)| !value.is_empty());
        (Self(kept), repeats)
    }

    /// Takes pairs that came in another form than a query. A value that is empty is left out, and
    /// the texts are held to the same rules.
    ///
    /// # Errors
    /// The parameters are not readable text, or are too many.
    pub fn from_pairs(
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ParamsError> {
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            if kept.len() == MAX_PARAMETERS {
                return Err(ParamsError::TooMany);
            }
            if !is_readable_pair(&name, &value) {
                return Err(ParamsError::Malformed);
            }
            kept.push((name, value));
        }
        kept.retain(|(_, value)| !value.is_empty());
        Ok(Self(kept))
    }

    /// The value of a parameter, if it was sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// All values of a repeatable parameter.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(own, _)| *own == name).map(|(_, value)| value)
    }

    /// The value of a secret parameter.
    pub fn get_secret(&self, name: &str) -> Option<Secret> {
        self.get(name).map(Secret::new)
    }

    /// Whether the parameter was sent, with a value.
    pub fn is_sent(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The same parameters but the named one.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        self.filtered(|own| own != name)
    }

    /// The parameters whose names the rule keeps.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(own, _)| keep(own)).cloned().collect())
    }

    /// The same parameters and one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Name and value of each, in the order of the request.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Writes the parameters as a query or form body.
    pub fn encode(&self) -> String {
        encode(self.iter())
    }
}

/// Values may hold secrets, so only the names are shown.
impl std::fmt::Debug for Params {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Writes pairs as a query or form body.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The pairs of a query or a form body, as they were sent.
fn pairs(encoded: &[u8]) -> Result<Vec<(String, String)>, ParamsError> {
    let mut pairs = Vec::new();
    for (name, value) in form_urlencoded::parse(encoded) {
        if pairs.len() == MAX_PARAMETERS {
            return Err(ParamsError::TooMany);
        }
        pairs.push((name.into_owned(), value.into_owned()));
    }
    Ok(pairs)
}

/// The same, if all of them are readable text.
fn readable_pairs(encoded: &[u8]) -> Result<Vec<(String, String)>, ParamsError> {
    let pairs = pairs(encoded)?;
    let is_text = pairs.iter().all(|(name, value)| is_readable_pair(name, value));
    if is_text { Ok(pairs) } else { Err(ParamsError::Malformed) }
}

/// A name can come into a message, and so into a line of a log.
fn is_readable_pair(name: &str, value: &str) -> bool {
    !name.contains(char::is_control) && is_readable(name) && is_readable(value)
}

/// Neither control characters nor the replacement character, which stands for bytes that were not
/// UTF-8.
fn is_readable(text: &str) -> bool {
    !text.chars().any(|character| {
        character.is_control() && !matches!(character, '\t' | '\n' | '\r')
            || character == '\u{FFFD}'
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_values_and_treats_empty_as_omitted() {
        let params = Params::parse("a=1&b=&c=x%20y+z").unwrap();
        assert_eq!(params.get("a"), Some("1"));
        assert_eq!(params.get("b"), None);
        assert!(!params.is_sent("b"));
        assert_eq!(params.encode(), "a=1&c=x+y+z");
        assert_eq!(params.get("c"), Some("x y z"));
        assert_eq!(params.get("d"), None);
    }

    #[test]
    fn refuses_repeats_also_empty_ones() {
        for repeated in ["state=1&state=1", "state=&state=1", "state=1&state="] {
            assert_eq!(Params::parse(repeated), Err(ParamsError::Repeated("state".into())));
        }
        let twice = Params::parse_with_repeatable("resource=x&resource=y", &["resource"]).unwrap();
        assert_eq!(twice.get_all("resource").collect::<Vec<_>>(), ["x", "y"]);
    }

    /// RFC 6749 section 3.1. Neither value is kept: a name that someone forgets to add to the list
    /// of known ones can't be read with a value that was chosen by an attacker.
    #[test]
    fn unknown_parameters_may_be_repeated_and_are_left_out() {
        let (params, repeats) =
            Params::parse_noting_repeats("utm=1&state=x&utm=2&utm=3&one=4", &[]).unwrap();
        assert_eq!(params.encode(), "state=x&one=4");
        assert_eq!(repeats, Vec::<String>::new());
    }

    #[test]
    fn the_known_parameters_are_sorted_and_each_is_there_once() {
        assert!(KNOWN.is_sorted_by(|before, after| before < after));
    }

    #[test]
    fn refuses_what_is_not_text() {
        assert_eq!(Params::parse("a=%FF"), Err(ParamsError::Malformed));
        assert_eq!(Params::parse("a=%00"), Err(ParamsError::Malformed));
        assert_eq!(Params::parse(b"a=\xff\xfe"), Err(ParamsError::Malformed));
        // A name can come into a message, and so into a line of a log.
        assert_eq!(Params::parse("a%0Ab=1"), Err(ParamsError::Malformed));
        assert_eq!(Params::parse("a=1%0D%0A2").unwrap().get("a"), Some("1\r\n2"));
    }

    #[test]
    fn a_response_may_have_values_that_are_not_text() {
        let params = Params::parse_readable("error=a&error_description=%FC%00&x%00=1&y=2").unwrap();
        assert_eq!(params.encode(), "error=a&y=2");
        // The value that is left out was sent all the same.
        for repeated in ["code=%FF&code=1", "code=1&code=%FF"] {
            let refused = Params::parse_readable(repeated);
            assert_eq!(refused, Err(ParamsError::Repeated("code".into())));
        }
        let many = "a=1&".repeat(51);
        assert_eq!(Params::parse_readable(many), Err(ParamsError::TooMany));
    }

    #[test]
    fn refuses_too_many() {
        let many = (0..51).map(|index| format!("p{index}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(Params::parse(many), Err(ParamsError::TooMany));
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", Params::parse("code=abc").unwrap()), "{\"code\"}");
    }

    proptest! {
        #[test]
        fn any_bytes_read_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Params::parse(bytes);
        }

        #[test]
        fn writing_then_reading_gives_the_same(value in "[^\\p{C}\u{FFFD}]{1,40}") {
            let written = encode([("name", value.as_str())]);
            let read = Params::parse(written).unwrap();
            prop_assert_eq!(read.get("name"), Some(value.as_str()));
        }
    }
}
