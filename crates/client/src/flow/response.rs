//! Responses in the page's URL: from the authorization endpoint (RFC 6749 section 4.1.2, RFC 9207)
//! and from the end-session endpoint (OIDC RP-Initiated Logout section 3).

use doorward_protocol::{error::ErrorCode, params::Params, secret::Secret};
use serde_json::Value;

use crate::{AuthorizationError, Error, Fault, jarm, lean::url};

/// Parameters of a response. They are removed from the address bar.
const RESPONSE_PARAMS: &[&str] = &[
    "code",
    "state",
    "iss",
    "session_state",
    "error",
    "error_description",
    "error_uri",
    #[cfg(feature = "jarm")]
    jarm::PARAM,
];

/// Google adds these, and always the first one. Alone, the others are the page's own.
const GOOGLE_PARAMS: &[&str] = &["authuser", "scope", "hd", "prompt"];

/// An authorization response as it is in the URL. Anyone can write such a link, so it must not be
/// used until a pending request accepts it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AuthorizationResponse {
    /// The identifier of the request that it claims to answer.
    pub state_id: String,
    /// The caller's URL state.
    pub url_state: Option<String>,
    /// The issuer that it names (RFC 9207).
    pub iss: Option<String>,
    /// The session at the provider (OIDC Session Management section 2).
    pub session_state: Option<String>,
    /// Whether the parameters came in a signed token.
    #[cfg(feature = "jarm")]
    pub is_signed: bool,
    /// A code or an error.
    pub result: Result<Secret, ResponseError>,
}

/// The error parameters of a response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResponseError {
    pub code: ErrorCode,
    pub description: Option<String>,
    pub uri: Option<String>,
}

impl ResponseError {
    /// The error for the caller, with the values they passed to the request.
    pub(crate) fn into_error(
        self,
        session_state: Option<String>,
        state: Option<Value>,
        url_state: Option<String>,
    ) -> Fault {
        let Self { code, description, uri } = self;
        let error = AuthorizationError { code, description, uri, session_state, state, url_state };
        Error::Authorization(Box::new(error)).into()
    }
}

impl AuthorizationResponse {
    /// Parses the response in a URL.
    pub(crate) fn parse(url: &str) -> Result<Box<Self>, Fault> {
        let params = response_params(url)?;
        let text = |name: &str| params.get(name).map(str::to_owned);
        let (state_id, url_state) =
            split_state(&params).ok_or_else(|| no_response("the response has no state"))?;
        let result = match (params.get("error"), params.get_secret("code")) {
            (Some(error), _) => Err(ResponseError {
                code: error.into(),
                description: text("error_description"),
                uri: text("error_uri"),
            }),
            (None, Some(code)) => Ok(code),
            (None, None) => {
                return Err(no_response("the response has neither a code nor an error"));
            }
        };
        Ok(Box::new(Self {
            state_id,
            url_state,
            iss: text("iss"),
            session_state: text("session_state"),
            #[cfg(feature = "jarm")]
            is_signed: jarm::token_in(url).is_some(),
            result,
        }))
    }
}

/// A response of the end-session endpoint.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogoutResponse {
    /// The identifier of the request, and the caller's URL state.
    pub state: Option<(String, Option<String>)>,
    /// An error. No specification defines it, but some providers send one.
    pub error: Option<ResponseError>,
}

impl LogoutResponse {
    /// Parses the response in a URL.
    pub(crate) fn parse(url: &str) -> Result<Self, Fault> {
        let params = response_params(url)?;
        Ok(Self {
            state: split_state(&params),
            error: params.get("error").map(|error| ResponseError {
                code: error.into(),
                description: params.get("error_description").map(str::to_owned),
                uri: params.get("error_uri").map(str::to_owned),
            }),
        })
    }
}

/// The parameters that tell the kind of a response.
pub(crate) struct ResponseSummary {
    pub state_id: Option<String>,
    /// Whether it has a code or an error.
    pub has_result: bool,
}

/// Reads the parameters that tell the kind of a response. All are absent if they cannot be parsed.
pub(crate) fn summary(url: &str) -> ResponseSummary {
    let params = response_params(url).unwrap_or_default();
    ResponseSummary {
        state_id: split_state(&params).map(|(id, _)| id),
        has_result: params.get("code").is_some() || params.get("error").is_some(),
    }
}

/// The URL without the response. Other parameters are kept.
pub(crate) fn scrubbed(url: &str) -> String {
    let (path, query, fragment) = url::split(url);
    let mut clean = path.to_owned();
    if let Some(query) = query.map(without_response).filter(|query| !query.is_empty()) {
        clean.push('?');
        clean.push_str(&query);
    }
    let Some(fragment) = fragment else {
        return clean;
    };
    let fragment = match fragment.split_once('?') {
        Some((route, inner)) => match without_response(inner) {
            inner if inner.is_empty() => route.to_owned(),
            inner => [route, "?", &inner].concat(),
        },
        None if fragment.contains('=') => without_response(fragment),
        None => fragment.to_owned(),
    };
    if !fragment.is_empty() {
        clean.push('#');
        clean.push_str(&fragment);
    }
    clean
}

/// The parameters as written, without those of a response.
fn without_response(encoded: &str) -> String {
    let (mut kept, mut separator) = (String::new(), "");
    let is_google = encoded.split('&').any(|pair| pair.starts_with("authuser="));
    for pair in encoded.split('&') {
        let is_response = |name: &str| {
            RESPONSE_PARAMS.contains(&name) || is_google && GOOGLE_PARAMS.contains(&name)
        };
        if !form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| is_response(&name)) {
            kept.push_str(separator);
            kept.push_str(pair);
            separator = "&";
        }
    }
    kept
}

/// One of them shows where the response is.
const RESPONSE_MARKS: &[&str] = &[
    "state",
    "code",
    "error",
    #[cfg(feature = "jarm")]
    jarm::PARAM,
];

/// The parameters of the response: in the query, in the fragment, or in a query inside the
/// fragment, as hash routers use it (`#/callback?code=…`).
fn response_params(url: &str) -> Result<Params, Fault> {
    jarm::claimed_params(url_params(url)?)
}

/// The same as they are in the URL. What is not readable text is left out: some providers send a
/// description in another encoding.
pub(crate) fn url_params(url: &str) -> Result<Params, Fault> {
    let (_, query, fragment) = url::split(url);
    let in_fragment =
        fragment.map(|fragment| fragment.split_once('?').map_or(fragment, |(_, inner)| inner));
    let mut params = Params::default();
    for encoded in [query, in_fragment].into_iter().flatten() {
        params = Params::parse_readable(encoded).map_err(|error| {
            no_response(&["the response cannot be read: ", &error.to_string()].concat())
        })?;
        let is_response = |name: &&str| params.is_sent(name);
        if RESPONSE_MARKS.iter().any(is_response) {
            break;
        }
    }
    Ok(params)
}

pub(crate) fn no_response(problem: &str) -> Fault {
    Error::InvalidResponse(problem.to_owned()).into()
}

/// Splits `state` into the identifier and the caller's text after the semicolon.
fn split_state(params: &Params) -> Option<(String, Option<String>)> {
    let state = params.get("state")?;
    Some(match state.split_once(';') {
        Some((id, text)) => (id.to_owned(), Some(text.to_owned())),
        None => (state.to_owned(), None),
    })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn parse(url: &str) -> AuthorizationResponse {
        *AuthorizationResponse::parse(url).unwrap()
    }

    #[test]
    fn reads_query_fragment_and_query_inside_the_fragment() {
        let expected = AuthorizationResponse {
            state_id: "xyz".to_owned(),
            url_state: None,
            iss: None,
            session_state: None,
            #[cfg(feature = "jarm")]
            is_signed: false,
            result: Ok(Secret::new("SplxlOBeZQQYbYS6WxSbIA")),
        };
        for url in [
            "https://client.example.com/cb?code=SplxlOBeZQQYbYS6WxSbIA&state=xyz",
            "https://client.example.com/cb#code=SplxlOBeZQQYbYS6WxSbIA&state=xyz",
            "https://client.example.com/#/cb?code=SplxlOBeZQQYbYS6WxSbIA&state=xyz",
            "https://client.example.com/?tab=1#/cb?code=SplxlOBeZQQYbYS6WxSbIA&state=xyz",
        ] {
            assert_eq!(parse(url), expected, "{url}");
        }
    }

    #[test]
    fn reads_errors_issuer_and_url_state() {
        let response = parse(
            "http://localhost:5001/?error=access_denied&error_description=User+said%20no\
             &error_uri=https%3A%2F%2Fop%2Fe\
             &state=xyz%3Bpage%3B2&iss=https%3A%2F%2Fop&session_state=s",
        );
        let error = response.result.unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied);
        assert_eq!(error.description.as_deref(), Some("User said no"));
        assert_eq!(error.uri.as_deref(), Some("https://op/e"));
        assert_eq!(response.url_state.as_deref(), Some("page;2"));
        assert_eq!(response.iss.as_deref(), Some("https://op"));
        assert_eq!(response.session_state.as_deref(), Some("s"));
    }

    #[test]
    fn an_error_stays_one_although_its_description_is_not_readable() {
        for description in ["%FC", "a%00b", "%E4%F6"] {
            let url = format!("https://c/?error=access_denied&error_description={description}");
            let response = parse(&format!("{url}&state=xyz"));
            let error = response.result.unwrap_err();
            assert_eq!((error.code, error.description), (ErrorCode::AccessDenied, None));
            assert_eq!(response.state_id, "xyz");
        }
    }

    #[test]
    fn refuses_what_is_no_response() {
        let with_params = |count: usize| {
            let more: Vec<String> = (0..count).map(|index| format!("&p{index}=1")).collect();
            format!("https://c/?state=a&code=b{}", more.concat())
        };
        let many = with_params(49);
        for url in [
            "https://c/",
            "https://c/?code=a",
            "https://c/?state=a",
            "https://c/?code=a&code=b&state=c",
            "https://c/?code=a&state=%FF",
            "",
            "#",
            "?",
            many.as_str(),
        ] {
            assert!(
                matches!(
                    *AuthorizationResponse::parse(url).unwrap_err(),
                    Error::InvalidResponse(_)
                ),
                "{url}"
            );
        }
        assert!(AuthorizationResponse::parse(&with_params(48)).is_ok());
    }

    #[test]
    fn the_response_leaves_the_address_and_nothing_else_does() {
        for (url, clean) in [
            ("https://c/cb?code=a&state=b&iss=c", "https://c/cb"),
            ("https://c/cb?tab=1&code=a&state=b&x", "https://c/cb?tab=1&x"),
            ("https://c/#/cb?code=a&state=b", "https://c/#/cb"),
            ("https://c/#/cb?code=a&state=b&tab=2", "https://c/#/cb?tab=2"),
            ("https://c/cb#code=a&state=b", "https://c/cb"),
            ("https://c/cb?code=a&state=b#top", "https://c/cb#top"),
            ("https://c/cb", "https://c/cb"),
            (
                "https://c/cb?scope=team-a&code=a&state=b&prompt=x",
                "https://c/cb?scope=team-a&prompt=x",
            ),
            (
                "https://c/cb?state=a&iss=b&code=c&scope=email&authuser=0&hd=x.example&prompt=none",
                "https://c/cb",
            ),
        ] {
            assert_eq!(scrubbed(url), clean);
        }
    }

    #[test]
    fn debug_does_not_show_the_code() {
        assert!(!format!("{:?}", parse("https://c/?code=Splx&state=a")).contains("Splx"));
    }

    proptest! {
        #[test]
        fn any_address_reads_or_is_refused(url in "\\PC{0,200}") {
            let _ = AuthorizationResponse::parse(&url);
            let _ = LogoutResponse::parse(&url);
            let _ = summary(&url);
            let _ = scrubbed(&url);
        }

        #[test]
        fn any_parameters_read_or_are_refused(
            query in "([a-z_]{1,8}=[%;&=#?a-zA-Z0-9]{0,12}&?){0,8}",
            mark in "[?#]",
        ) {
            let url = format!("https://c/{mark}{query}");
            if let Ok(response) = AuthorizationResponse::parse(&url) {
                prop_assert!(!response.state_id.is_empty() || response.url_state.is_some());
                prop_assert!(AuthorizationResponse::parse(&scrubbed(&url)).is_err());
            }
        }
    }
}
