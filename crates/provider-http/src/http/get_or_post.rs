//! The extractor of the endpoints that take the same parameters by GET and by a posted form:
//! authorize (OIDC Core section 3.1.2.1) and endsession (RP-Initiated Logout section 2).

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::Method,
    response::{IntoResponse as _, Response},
};
use doorward_protocol::params::ParamsError;

use crate::{
    AppState, MAX_BODY,
    http::{
        csrf,
        form::{FormError, RawForm},
    },
    page::{error::PageError, response::see_other},
    texts::Localized,
};

/// The longest query that a posted request is turned into.
const LONGEST_QUERY: usize = 16 * 1024;

/// The encoded parameters of a request.
#[derive(Debug)]
pub(crate) enum GetOrPost {
    /// As they are to be read.
    Whole(Bytes),
    /// A form that is larger than such requests are, or than the query that it would have to
    /// become.
    TooLarge(Bytes),
}

impl GetOrPost {
    pub(crate) fn encoded(&self) -> &Bytes {
        match self {
            Self::Whole(encoded) | Self::TooLarge(encoded) => encoded,
        }
    }
}

impl FromRequest<AppState> for GetOrPost {
    /// The error page, or a redirect to the same request by GET.
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        if request.method() != Method::POST {
            let query = request.uri().query().unwrap_or_default();
            return Ok(Self::Whole(Bytes::copy_from_slice(query.as_bytes())));
        }
        let (parts, body) = request.into_parts();
        let Localized(state) = Localized::of(&parts, state);
        let path = parts.uri.path().to_owned();
        let comes_from_here = csrf::comes_from_here(&parts.headers, state.provider.issuer());
        let RawForm(body) = RawForm::read(Request::from_parts(parts, body))
            .await
            .map_err(|error| state.error(error).into_response())?;
        let longest = if comes_from_here { MAX_BODY } else { LONGEST_QUERY };
        if body.len() > longest {
            return Ok(Self::TooLarge(body));
        }
        if comes_from_here {
            return Ok(Self::Whole(body));
        }
        match same_request_by_get(&state, &path, &body) {
            Ok(redirect) => Err(redirect),
            Err(error) => Err(error.into_response()),
        }
    }
}

/// A form posted from another site comes without our `SameSite=Lax` cookie. The same request by
/// GET is a top-level navigation, and so comes with it.
fn same_request_by_get(state: &AppState, path: &str, body: &[u8]) -> Result<Response, PageError> {
    let query = std::str::from_utf8(body)
        .ok()
        .filter(|query| query.bytes().all(|byte| byte.is_ascii_graphic()));
    let query = query.ok_or_else(|| state.error(FormError::from(ParamsError::Malformed)))?;
    Ok(see_other(&state.base.join(&format!("{path}?{query}"))))
}
