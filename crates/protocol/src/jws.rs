//! The compact serialisation of a JSON Web Signature, taken apart (RFC 7515 section 3.1, 7.1).
//!
//! Nothing here is verified: the parts are what the sender wrote. A verifier parses an
//! [`UnverifiedJws`], checks the signature over [`UnverifiedJws::signing_input`] with a key that it
//! trusts, and only then reads the payload.
//!
//! ```
//! use doorward_protocol::{base64url, jws::UnverifiedJws};
//!
//! let header = base64url::encode(r#"{"alg":"RS256","typ":"at+jwt","kid":"1"}"#);
//! let payload = base64url::encode(r#"{"sub":"alice"}"#);
//! let token = format!("{header}.{payload}.c2lnbmF0dXJl");
//! let jws = UnverifiedJws::parse(&token)?;
//! assert!(jws.header().is_type("at+jwt"));
//! let claims: serde_json::Value = jws.unverified_claims()?;
//! assert_eq!(claims["sub"], "alice");
//! # Ok::<(), doorward_protocol::jws::JwsError>(())
//! ```

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{base64url, jose::SigningAlgorithm, json};

/// The longest text that is parsed, in bytes. Tokens travel in headers and forms, where 16 KiB
/// is already much; without a limit a sender would choose how much memory decoding takes.
pub const MAX_COMPACT_LENGTH: usize = 64 * 1024;

/// Why a text is not a compact JWS that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "each verifier maps every cause to its own")]
pub enum JwsError {
    /// More than [`MAX_COMPACT_LENGTH`] bytes.
    #[error("the token is longer than {MAX_COMPACT_LENGTH} bytes")]
    TooLong,
    /// Not three parts of base64url between dots.
    #[error("the token is not three base64url parts separated by dots")]
    NotCompact,
    /// The header is not a JSON object with an `alg`.
    #[error("the token's header is not a JSON object with an algorithm")]
    InvalidHeader,
    /// The header demands an extension; none is understood here (RFC 7515 section 4.1.11).
    #[error("the token's header demands an extension that is not supported (crit)")]
    CriticalExtension,
    /// The payload is not the expected JSON.
    #[error("the token's payload is not the expected JSON")]
    InvalidPayload,
}

/// A header that nobody has vouched for (RFC 7515 section 4). `jwk`, `jku`, `x5c` and `x5u` are not
/// read: a key that comes with the token proves nothing. A DPoP proof, which is about such a key,
/// reads it by itself ([`crate::dpop`]).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnverifiedHeader {
    /// The algorithm as written; may be `none`. See [`UnverifiedHeader::algorithm`].
    pub alg: String,
    /// Which key is said to have signed.
    pub kid: Option<String>,
    /// The kind of token (`JWT`, `at+jwt`, `dpop+jwt` …).
    pub typ: Option<String>,
}

impl UnverifiedHeader {
    /// Reads a header. If it has a member twice, the last one counts (RFC 7515 section 4).
    fn read(json: &[u8]) -> Result<Self, JwsError> {
        let mut members = json::object(json).ok_or(JwsError::InvalidHeader)?;
        if members.contains_key("crit") {
            return Err(JwsError::CriticalExtension);
        }
        let mut text = |name: &str| match json::take(&mut members, name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(JwsError::InvalidHeader),
        };
        Ok(Self {
            alg: text("alg")?.ok_or(JwsError::InvalidHeader)?,
            kid: text("kid")?,
            typ: text("typ")?,
        })
    }

    /// The algorithm, if it is an asymmetric one that is supported.
    pub fn algorithm(&self) -> Option<SigningAlgorithm> {
        SigningAlgorithm::named(&self.alg)
    }

    /// Whether `typ` names this media type, with or without `application/` and in any case (RFC
    /// 7515 section 4.1.9).
    pub fn is_type(&self, media_type: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| {
            let typ = match typ.get(..12) {
                Some(prefix) if prefix.eq_ignore_ascii_case("application/") => &typ[12..],
                _ => typ,
            };
            typ.eq_ignore_ascii_case(media_type)
        })
    }
}

/// A compact JWS whose signature was not checked.
#[derive(Clone)]
pub struct UnverifiedJws<'a> {
    header: UnverifiedHeader,
    payload: Vec<u8>,
    signing_input: &'a str,
    signature: Vec<u8>,
}

impl<'a> UnverifiedJws<'a> {
    /// Parses a compact serialisation.
    ///
    /// # Errors
    /// The text is too long, or not three parts of base64url with a JSON header.
    pub fn parse(compact: &'a str) -> Result<Self, JwsError> {
        if compact.len() > MAX_COMPACT_LENGTH {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwsError::NotCompact)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::NotCompact)?;
        let decode = |part: &str| base64url::decode(part).map_err(|_| JwsError::NotCompact);
        let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
        let header = UnverifiedHeader::read(&header)?;
        Ok(Self { header, payload, signing_input, signature })
    }

    /// The header as sent.
    pub fn header(&self) -> &UnverifiedHeader {
        &self.header
    }

    /// Every member of the header as sent.
    pub(crate) fn unverified_header_members(&self) -> Result<Map<String, Value>, JwsError> {
        let (header, _) = self.signing_input.split_once('.').ok_or(JwsError::NotCompact)?;
        let json = base64url::decode(header).map_err(|_| JwsError::NotCompact)?;
        json::object(&json).ok_or(JwsError::InvalidHeader)
    }

    /// What the signature is over (RFC 7515 section 5.2).
    pub fn signing_input(&self) -> &'a [u8] {
        self.signing_input.as_bytes()
    }

    /// The signature's bytes; for ECDSA the concatenation of R and S (RFC 7518 section 3.4).
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The payload's bytes as sent.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload read as JSON, still as sent.
    ///
    /// # Errors
    /// [`JwsError::InvalidPayload`]: the payload is not JSON of this type.
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        serde_json::from_slice(&self.payload).map_err(|_| JwsError::InvalidPayload)
    }
}

/// Shows the header only: with its signature, the text would be a usable token.
impl std::fmt::Debug for UnverifiedJws<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("UnverifiedJws")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// RFC 7515 appendix A.2.
    const RFC_EXAMPLE: &str = concat!(
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGx",
        "lLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5R",
        "Zmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrn",
        "byTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHW",
        "EsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig",
        "cN_IoypGlUPQGe77Rw",
    );

    fn compact(header: &str, payload: &str) -> String {
        format!(
            "{}.{}.{}",
            base64url::encode(header),
            base64url::encode(payload),
            base64url::encode("signature")
        )
    }

    #[test]
    fn takes_the_rfc_example_apart() {
        let jws = UnverifiedJws::parse(RFC_EXAMPLE).unwrap();
        assert_eq!(jws.header().algorithm(), Some(SigningAlgorithm::Rs256));
        assert_eq!(jws.signature().len(), 256);
        assert!(RFC_EXAMPLE.as_bytes().starts_with(jws.signing_input()));
        assert_eq!(jws.unverified_claims::<Value>().unwrap()["iss"], "joe");
    }

    #[test]
    fn refuses_what_is_not_compact() {
        for text in ["", ".", "a.b", "..", "a.b.c.d", "e30.e30", "e30=.e30.", "e30.e30.%%"] {
            assert!(UnverifiedJws::parse(text).is_err(), "{text}");
        }
        let long = "a".repeat(MAX_COMPACT_LENGTH + 1);
        assert_eq!(UnverifiedJws::parse(&long).unwrap_err(), JwsError::TooLong);
    }

    #[test]
    fn refuses_headers_that_mislead() {
        for header in [r#"{"kid":"1"}"#, r#"{"alg":1}"#, "[]"] {
            assert_eq!(
                UnverifiedJws::parse(&compact(header, "{}")).unwrap_err(),
                JwsError::InvalidHeader,
                "{header}"
            );
        }
        assert_eq!(
            UnverifiedJws::parse(&compact(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, "{}"))
                .unwrap_err(),
            JwsError::CriticalExtension
        );
    }

    #[test]
    fn none_is_no_algorithm() {
        let text = compact(r#"{"alg":"none"}"#, "{}");
        assert_eq!(UnverifiedJws::parse(&text).unwrap().header().algorithm(), None);
    }

    #[test]
    fn type_is_compared_as_a_media_type() {
        let text = compact(r#"{"alg":"ES256","typ":"application/AT+JWT"}"#, "{}");
        let jws = UnverifiedJws::parse(&text).unwrap();
        assert!(jws.header().is_type("at+jwt"));
        assert!(!jws.header().is_type("JWT"));
    }

    #[test]
    fn debug_shows_neither_payload_nor_signature() {
        let text = compact(r#"{"alg":"ES256"}"#, r#"{"sub":"alice"}"#);
        let shown = format!("{:?}", UnverifiedJws::parse(&text).unwrap());
        assert!(!shown.contains("payload") && !shown.contains("signature"));
    }

    proptest! {
        #[test]
        fn any_text_reads_or_is_refused(text in ".{0,200}") {
            let _ = UnverifiedJws::parse(&text);
        }

        #[test]
        fn any_header_and_payload_read_or_are_refused(header in ".{0,80}", payload in ".{0,80}") {
            if let Ok(jws) = UnverifiedJws::parse(&compact(&header, &payload)) {
                let _ = jws.unverified_claims::<Value>();
            }
        }
    }
}
