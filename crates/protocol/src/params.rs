//! Request parameters in `application/x-www-form-urlencoded`, in a query or a body (RFC 6749
//! section 3.1, 3.2, appendix B).

use crate::secret::Secret;

/// More parameters than any request of OAuth 2.0 or OpenID Connect has.
const MAX_PARAMETERS: usize = 50;

/// Parameters of one request, each name once. A parameter without a value counts as omitted (RFC
/// 6749 section 3.1).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// Why parameters were refused; all are `invalid_request`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// Reads a query (without `?`) or a form body.
    pub fn parse(encoded: impl AsRef<[u8]>) -> Result<Self, ParamsError> {
        Self::parse_with_repeatable(encoded, &[])
    }

    /// As [`Params::parse`]; the named parameters may stand several times (`resource`, RFC 8707
    /// section 2).
    pub fn parse_with_repeatable(
        encoded: impl AsRef<[u8]>,
        repeatable: &[&str],
    ) -> Result<Self, ParamsError> {
        let (params, repeated) = Self::parse_noting_repeats(encoded, repeatable)?;
        repeated.into_iter().next().map_or(Ok(params), |name| Err(ParamsError::Repeated(name)))
    }

    /// Reads the parameters and the names of those that are wrongly repeated, for the endpoint that
    /// can still answer by a redirect (RFC 6749 section 4.1.2.1). The first value of a repeated
    /// parameter counts.
    pub fn parse_noting_repeats(
        encoded: impl AsRef<[u8]>,
        repeatable: &[&str],
    ) -> Result<(Self, Vec<String>), ParamsError> {
        let mut params: Vec<(String, String)> = Vec::new();
        let mut repeats: Vec<String> = Vec::new();
        for (count, (name, value)) in form_urlencoded::parse(encoded.as_ref()).enumerate() {
            if count == MAX_PARAMETERS {
                return Err(ParamsError::TooMany);
            }
            if name.contains(char::is_control) || !is_readable(&name) || !is_readable(&value) {
                return Err(ParamsError::Malformed);
            }
            let repeated = params.iter().any(|(own, _)| *own == name);
            if repeated && !repeatable.contains(&name.as_ref()) {
                repeats.push(name.chars().take(40).collect());
            } else {
                params.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok((Self(params), repeats))
    }

    /// The value of a parameter, if it is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, value)| *own == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// All values of a repeatable parameter.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(own, value)| own == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The value of a secret parameter.
    pub fn get_secret(&self, name: &str) -> Option<Secret> {
        self.get(name).map(Secret::new)
    }

    /// Whether the parameter was sent at all, even empty.
    pub fn is_sent(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
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
        assert!(params.is_sent("b"));
        assert_eq!(params.get("c"), Some("x y z"));
        assert_eq!(params.get("d"), None);
    }

    #[test]
    fn refuses_repeats_also_empty_ones() {
        assert_eq!(Params::parse("a=1&a=1"), Err(ParamsError::Repeated("a".into())));
        assert_eq!(Params::parse("a=&a=1"), Err(ParamsError::Repeated("a".into())));
        let twice = Params::parse_with_repeatable("resource=x&resource=y", &["resource"]).unwrap();
        assert_eq!(twice.get_all("resource").collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn refuses_what_is_not_text() {
        assert_eq!(Params::parse("a=%FF"), Err(ParamsError::Malformed));
        assert_eq!(Params::parse("a=%00"), Err(ParamsError::Malformed));
        assert_eq!(Params::parse(b"a=\xff\xfe"), Err(ParamsError::Malformed));
        // A name can come into a message, and so into a line of a log.
        assert_eq!(Params::parse("a%0Ab=1&a%0Ab=1"), Err(ParamsError::Malformed));
        assert_eq!(Params::parse("a=1%0D%0A2").unwrap().get("a"), Some("1\r\n2"));
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
