//! The `WWW-Authenticate` header: challenges built and read (RFC 9110 section 11.6.1, RFC 6750
//! section 3, RFC 9470 section 3).
//!
//! ```text
//! challenge     = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
//! auth-param    = token BWS "=" BWS ( token / quoted-string )
//! quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
//! ```
//!
//! ```
//! use doorward_protocol::{challenge::Challenge, error::ErrorCode};
//!
//! let header = Challenge::bearer("MyBackendApi2")
//!     .with_error(&ErrorCode::InvalidToken, "The access token expired.")
//!     .to_string();
//! assert_eq!(
//!     header,
//!     r#"Bearer realm="MyBackendApi2", error="invalid_token", error_description="The access token expired.""#
//! );
//! let challenges = Challenge::parse_all(&header)?;
//! assert_eq!(challenges[0].error(), Some(ErrorCode::InvalidToken));
//! # Ok::<(), doorward_protocol::challenge::InvalidChallenge>(())
//! ```

use std::fmt;

use crate::{dpop, error::ErrorCode, scope::Scope};

/// An authentication scheme, compared without regard to case (RFC 9110 section 11.1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// RFC 7617.
    Basic,
    /// RFC 6750.
    Bearer,
    /// RFC 9449.
    Dpop,
    /// Any other, as received.
    Other(String),
}

impl Scheme {
    /// The scheme as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Basic => "Basic",
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Scheme {
    fn from(name: &str) -> Self {
        [Self::Basic, Self::Bearer, Self::Dpop]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(name))
            .unwrap_or_else(|| Self::Other(name.to_owned()))
    }
}

/// One challenge. Written with `Display`, as a header value of printable ASCII characters whatever
/// the parameters hold.
///
/// ```
/// use doorward_protocol::challenge::{Challenge, InvalidChallenge, Scheme};
///
/// // The step-up of RFC 9470 section 3, in a header with two challenges.
/// let header = r#"DPoP algs="ES256", Bearer error="insufficient_user_authentication", max_age=5"#;
/// let challenges = Challenge::parse_all(header)?;
/// assert_eq!(challenges[0].param("algs"), Some("ES256"));
/// assert_eq!(challenges[1].scheme(), &Scheme::Bearer);
/// assert_eq!(challenges[1].max_age(), Some(5));
/// # Ok::<(), InvalidChallenge>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: Scheme,
    token68: Option<String>,
    params: Vec<(String, String)>,
}

impl Challenge {
    /// Asks for a bearer token (RFC 6750 section 3). Without an error it says only that one is
    /// needed.
    pub fn bearer(realm: &str) -> Self {
        Self::new(Scheme::Bearer).with("realm", realm)
    }

    /// Asks for a token that is bound to a key, and a proof of that key by one of these algorithms
    /// (RFC 9449 section 7.1).
    pub fn dpop(realm: &str) -> Self {
        let algorithms = dpop::ALGORITHMS.join(" ");
        Self::new(Scheme::Dpop).with("realm", realm).with("algs", &algorithms)
    }

    /// Asks for client credentials (RFC 6749 section 5.2, RFC 7617 section 2).
    pub fn basic(realm: &str) -> Self {
        Self::new(Scheme::Basic).with("realm", realm)
    }

    /// Asks for a session of an application, by its cookie. No scheme is registered for that, and
    /// each 401 must have a challenge (RFC 9110 section 11.6.1).
    pub fn session() -> Self {
        Self::new(Scheme::Other("Session".to_owned()))
    }

    /// Adds `error` and `error_description` (RFC 6750 section 3).
    ///
    /// The RFC allows neither quotes nor backslashes in a description: they become `'` and `/`.
    #[must_use]
    pub fn with_error(self, error: &ErrorCode, description: &str) -> Self {
        let description = description.replace('"', "'").replace('\\', "/");
        self.with("error", error.as_str()).with("error_description", &description)
    }

    /// Adds `scope`: what the token needs (RFC 6750 section 3).
    #[must_use]
    pub fn with_scope(self, scope: &Scope) -> Self {
        self.with("scope", &scope.to_string())
    }

    /// Adds `resource_metadata`: where the document about this API is (RFC 9728 section 5.1).
    #[must_use]
    pub fn with_resource_metadata(self, url: &str) -> Self {
        self.with("resource_metadata", url)
    }

    /// Adds `acr_values` and `max_age` (in seconds): the sign-in that is needed, as far as
    /// something is (RFC 9470 section 3).
    #[must_use]
    pub fn with_sign_in(mut self, acr_values: &[String], max_age: Option<u32>) -> Self {
        if !acr_values.is_empty() {
            self = self.with("acr_values", &acr_values.join(" "));
        }
        match max_age {
            Some(seconds) => self.with("max_age", &seconds.to_string()),
            None => self,
        }
    }

    fn new(scheme: Scheme) -> Self {
        Self { scheme, token68: None, params: Vec::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The scheme.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The value of a parameter; its name is compared without regard to case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The token68 value, for schemes that have one in place of parameters.
    pub fn token68(&self) -> Option<&str> {
        self.token68.as_deref()
    }

    /// The protection space.
    pub fn realm(&self) -> Option<&str> {
        self.param("realm")
    }

    /// The error; none when the request carried no credentials.
    pub fn error(&self) -> Option<ErrorCode> {
        self.param("error").map(ErrorCode::from)
    }

    /// A sentence for the developer.
    pub fn error_description(&self) -> Option<&str> {
        self.param("error_description")
    }

    /// The scope that the token needs, if it is well-formed.
    pub fn scope(&self) -> Option<Scope> {
        self.param("scope")?.parse().ok()
    }

    /// The values of `acr` that the sign-in may have, space-separated and in order of preference
    /// (RFC 9470 section 3).
    pub fn acr_values(&self) -> Option<&str> {
        self.param("acr_values").map(str::trim).filter(|values| !values.is_empty())
    }

    /// How old the sign-in may be, in seconds (RFC 9470 section 3: "it has to represent a
    /// non-negative integer"). `None` if it is anything else.
    pub fn max_age(&self) -> Option<u32> {
        let text = self.param("max_age")?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
    }

    /// Reads a header value, which may hold several challenges. Values of repeated headers are read
    /// one by one, or joined by commas.
    ///
    /// # Errors
    /// The value is not a list of challenges.
    pub fn parse_all(header: &str) -> Result<Vec<Self>, InvalidChallenge> {
        let mut cursor = Cursor(header);
        let mut challenges: Vec<Self> = Vec::new();
        loop {
            cursor.skip(|character| matches!(character, ' ' | '\t' | ','));
            if cursor.0.is_empty() {
                return Ok(challenges);
            }
            let name = cursor.token()?;
            if let Some(value) = cursor.param_value()? {
                // A parameter on its own continues the challenge before it.
                let current = challenges.last_mut().ok_or(InvalidChallenge)?;
                current.push_param(name, value)?;
            } else {
                let mut challenge = Self::new(Scheme::from(name));
                cursor.credentials_of(&mut challenge)?;
                challenges.push(challenge);
            }
            cursor.skip(is_white_space);
            if !cursor.0.is_empty() && !cursor.0.starts_with(',') {
                return Err(InvalidChallenge);
            }
        }
    }

    /// Adds a parameter, which a challenge may have only once (RFC 9110 section 11.2).
    fn push_param(&mut self, name: &str, value: String) -> Result<(), InvalidChallenge> {
        if self.token68.is_some() || self.param(name).is_some() {
            return Err(InvalidChallenge);
        }
        self.params.push((name.to_owned(), value));
        Ok(())
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.scheme.as_str())?;
        if let Some(token68) = &self.token68 {
            write!(formatter, " {token68}")?;
        }
        for (index, (name, value)) in self.params.iter().enumerate() {
            let separator = if index == 0 { " " } else { ", " };
            write!(formatter, "{separator}{name}=")?;
            write_quoted(formatter, value)?;
        }
        Ok(())
    }
}

/// Writes a quoted-string. Characters that a header can't carry safely, line breaks first of all,
/// become `?`.
fn write_quoted(formatter: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    use fmt::Write as _;
    formatter.write_char('"')?;
    for character in value.chars() {
        match character {
            '"' | '\\' => write!(formatter, "\\{character}")?,
            ' '..='~' => formatter.write_char(character)?,
            _ => formatter.write_char('?')?,
        }
    }
    formatter.write_char('"')
}

/// The header value is not well-formed (RFC 9110 section 11.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the WWW-Authenticate header is not a list of challenges")]
#[non_exhaustive]
pub struct InvalidChallenge;

/// What is left to read.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn skip(&mut self, accepted: fn(char) -> bool) {
        self.take_while(accepted);
    }

    fn take_while(&mut self, accepted: fn(char) -> bool) -> &'a str {
        let rest = self.0.trim_start_matches(accepted);
        let taken = &self.0[..self.0.len() - rest.len()];
        self.0 = rest;
        taken
    }

    fn token(&mut self) -> Result<&'a str, InvalidChallenge> {
        match self.take_while(is_token_character) {
            "" => Err(InvalidChallenge),
            token => Ok(token),
        }
    }

    /// The `= value` after a parameter's name. Nothing is consumed if there is none.
    fn param_value(&mut self) -> Result<Option<String>, InvalidChallenge> {
        let mut ahead = Cursor(self.0);
        ahead.skip(is_white_space);
        let Some(rest) = ahead.0.strip_prefix('=') else {
            return Ok(None);
        };
        self.0 = rest;
        self.skip(is_white_space);
        match self.0.strip_prefix('"') {
            Some(rest) => {
                self.0 = rest;
                self.quoted().map(Some)
            }
            None => self.token().map(|token| Some(token.to_owned())),
        }
    }

    /// The rest of a quoted-string after its opening quote.
    fn quoted(&mut self) -> Result<String, InvalidChallenge> {
        let mut value = String::new();
        let mut characters = self.0.char_indices();
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => {
                    self.0 = &self.0[index + 1..];
                    return Ok(value);
                }
                '\\' => value.push(characters.next().ok_or(InvalidChallenge)?.1),
                '\t' => value.push(character),
                _ if character.is_control() => return Err(InvalidChallenge),
                _ => value.push(character),
            }
        }
        Err(InvalidChallenge)
    }

    /// What follows a scheme: nothing, a token68, or the first parameter.
    fn credentials_of(&mut self, challenge: &mut Challenge) -> Result<(), InvalidChallenge> {
        if !self.0.starts_with(' ') {
            return Ok(());
        }
        self.skip(|character| character == ' ');
        let mut ahead = Cursor(self.0);
        let length =
            ahead.take_while(is_token68_character).len() + ahead.take_while(|c| c == '=').len();
        ahead.skip(is_white_space);
        if ahead.0.is_empty() || ahead.0.starts_with(',') {
            challenge.token68 = (length > 0).then(|| self.0[..length].to_owned());
            self.0 = ahead.0;
            return Ok(());
        }
        let name = self.token()?;
        let value = self.param_value()?.ok_or(InvalidChallenge)?;
        challenge.push_param(name, value)
    }
}

fn is_white_space(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".chars().any(|own| own == character)
}

fn is_token68_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~+/".chars().any(|own| own == character)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn one(header: &str) -> Challenge {
        let mut challenges = Challenge::parse_all(header).unwrap();
        assert_eq!(challenges.len(), 1, "{header}");
        challenges.remove(0)
    }

    /// RFC 6750 section 3, the two example headers (folded lines joined).
    #[test]
    fn reads_the_examples_of_rfc_6750() {
        let bare = one(r#"Bearer realm="example""#);
        assert_eq!(bare.realm(), Some("example"));
        assert_eq!(bare.error(), None);
        let failed = one(
            r#"Bearer realm="example", error="invalid_token", error_description="The access token expired""#,
        );
        assert_eq!(failed.error(), Some(ErrorCode::InvalidToken));
        assert_eq!(failed.error_description(), Some("The access token expired"));
    }

    /// RFC 9449 section 7.1 and 9, the example headers.
    #[test]
    fn reads_and_writes_challenges_for_proofs() {
        let example = one(
            r#"DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof""#,
        );
        assert_eq!(
            (example.scheme(), example.error()),
            (&Scheme::Dpop, Some(ErrorCode::UseDpopNonce))
        );
        let written = Challenge::dpop("api")
            .with_error(&ErrorCode::InvalidDpopProof, "No proof.")
            .to_string();
        assert!(written.starts_with(r#"DPoP realm="api", algs="ES256 EdDSA "#), "{written}");
        assert_eq!(one(&written).error(), Some(ErrorCode::InvalidDpopProof));
    }

    /// RFC 9470 section 3, figures 2 and 3 (folded lines joined).
    #[test]
    fn reads_and_writes_the_examples_of_rfc_9470() {
        let level = one(
            r#"Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR""#,
        );
        assert_eq!(level.error(), Some(ErrorCode::InsufficientUserAuthentication));
        assert_eq!((level.acr_values(), level.max_age()), (Some("myACR"), None));
        let text = r#"Bearer error="insufficient_user_authentication", error_description="More recent authentication is required", max_age="5""#;
        let age = one(text);
        assert_eq!((age.acr_values(), age.max_age()), (None, Some(5)));
        let written = Challenge::new(Scheme::Bearer)
            .with_error(
                &ErrorCode::InsufficientUserAuthentication,
                "More recent authentication is required",
            )
            .with_sign_in(&[], Some(5));
        assert_eq!(written.to_string(), text);
        let both = Challenge::dpop("api").with_sign_in(&["2".into(), "3".into()], Some(0));
        assert!(both.to_string().ends_with(r#", acr_values="2 3", max_age="0""#));
        assert_eq!(one(&both.to_string()), both);
    }

    #[test]
    fn an_age_is_a_token_or_quoted_and_never_negative() {
        for (text, age) in [
            ("max_age=5", Some(5)),
            ("MAX_AGE=\"0\"", Some(0)),
            ("max_age=\"-5\"", None),
            ("max_age=\"+5\"", None),
            ("max_age=\"5.0\"", None),
            ("max_age=\"\"", None),
            ("max_age=99999999999999999999", None),
        ] {
            assert_eq!(one(&format!("Bearer {text}")).max_age(), age, "{text}");
        }
        assert_eq!(one("Bearer acr_values=\" \"").acr_values(), None);
    }

    /// RFC 9110 section 11.6.1, the example header.
    #[test]
    fn reads_several_challenges_in_one_header() {
        let header =
            r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#;
        let challenges = Challenge::parse_all(header).unwrap();
        assert_eq!(challenges.len(), 2);
        assert_eq!(*challenges[0].scheme(), Scheme::Basic);
        assert_eq!(*challenges[1].scheme(), Scheme::Other("Newauth".into()));
        assert_eq!(challenges[1].param("TYPE"), Some("1"));
        assert_eq!(challenges[1].param("title"), Some("Login to \"apps\""));
    }

    #[test]
    fn reads_bare_schemes_and_token68() {
        let challenges = Challenge::parse_all("Negotiate , Negotiate YWI=, ,bearer a = b").unwrap();
        assert_eq!(challenges[0].token68(), None);
        assert_eq!(challenges[1].token68(), Some("YWI="));
        assert_eq!(*challenges[2].scheme(), Scheme::Bearer);
        assert_eq!(challenges[2].param("a"), Some("b"));
        assert!(Challenge::parse_all(" , ").unwrap().is_empty());
    }

    #[test]
    fn refuses_what_is_no_challenge() {
        for header in [
            "\"x\"",
            "a=b",
            "Bearer realm=\"open",
            "Bearer realm=\"a\\",
            "Bearer a=b c=d",
            "Bearer a=b, A=c",
            "Bearer YWI=, a=b",
            "Bearer a=\"\u{1}\"",
            "B\u{e4}rer",
        ] {
            assert_eq!(Challenge::parse_all(header), Err(InvalidChallenge), "{header:?}");
        }
    }

    #[test]
    fn writes_scope_and_description_by_the_grammar_of_rfc_6750() {
        let scope: Scope = "openid MyBackendApi2".parse().unwrap();
        let challenge = Challenge::bearer("a\\b\"c")
            .with_error(&ErrorCode::InsufficientScope, "\"no\"\\ \u{e4}\r\nSet-Cookie: x")
            .with_scope(&scope);
        assert_eq!(
            challenge.to_string(),
            r#"Bearer realm="a\\b\"c", error="insufficient_scope", error_description="'no'/ ???Set-Cookie: x", scope="openid MyBackendApi2""#
        );
        let read = one(&challenge.to_string());
        assert_eq!(read.realm(), Some("a\\b\"c"));
        assert_eq!(read.scope(), Some(scope));
    }

    proptest! {
        #[test]
        fn any_text_reads_or_is_refused(header in ".{0,120}") {
            let _ = Challenge::parse_all(&header);
        }

        #[test]
        fn writing_then_reading_gives_the_same(
            realm in "[ -~]{0,40}",
            value in "[ !#-\\[\\]-~]{0,40}",
        ) {
            let challenge = Challenge::basic(&realm).with_error(&ErrorCode::InvalidClient, &value);
            prop_assert_eq!(one(&challenge.to_string()), challenge);
        }

        #[test]
        fn a_header_never_breaks_the_line(realm in ".{0,40}", description in ".{0,40}") {
            let header = Challenge::bearer(&realm)
                .with_error(&ErrorCode::InvalidRequest, &description)
                .to_string();
            prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{header:?}");
        }
    }
}
