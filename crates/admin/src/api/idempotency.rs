//! A creation that may be repeated: the same key gives the same answer, and creates once.
//!
//! The answer is kept for a day, encrypted by the master key, because it may hold a secret that is
//! shown once. A request that failed may be sent again under its key. A request is known again by a
//! code, which is made by a key that is not in the database: its body may hold a password, which
//! could be guessed by a mere hash.

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use doorward_protocol::base64url;
use doorward_provider::{
    model::idempotency::{IdempotentRequest, KeptAnswer},
    store::Begun,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, ETAG, LOCATION},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    body,
    caller::Caller,
    history::History,
    problem::Problem,
    state::{AdminApi, Guarding},
};
use crate::Operation;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const PURPOSE: &str = "answer of the administration";
const OF_REQUESTS: &str = "requests of the administration";
/// Keys of one caller.
const MOST: u32 = 1000;
/// Seconds for which an answer is kept.
const KEPT: u32 = 86_400;
/// Seconds after which a request that was never answered counts as given up.
const GIVEN_UP: u32 = 60;
/// The largest answer that is kept.
const MOST_BYTES: usize = 1024 * 1024;
/// The headers of an answer that are kept.
const HEADERS: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Answers a request under a key once. Without the header it is passed on.
pub async fn once(
    State(Guarding { api, operation }): State<Guarding>,
    request: Request,
    next: Next,
) -> Response {
    answer(&api, operation, request, next).await.unwrap_or_else(Problem::into_response)
}

async fn answer(
    api: &AdminApi,
    operation: Operation,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(key) = key_of(request.headers())? else { return Ok(next.run(request).await) };
    let caller = request.extensions().get::<Caller>().map(Caller::name).unwrap_or_default();
    let (mut parts, content) = request.into_parts();
    let bytes = body::read(Request::from_parts(parts.clone(), content), api).await?;
    let hash = |texts: &[&[u8]]| -> [u8; 32] {
        let hash = texts.iter().fold(Sha256::new(), |hash, text| {
            hash.chain_update((text.len() as u64).to_be_bytes()).chain_update(text)
        });
        hash.finalize().into()
    };
    let begun = IdempotentRequest {
        key: hash(&[caller.as_bytes(), key.as_bytes()]),
        caller: hash(&[caller.as_bytes()]),
        request: api
            .provider()
            .keys()
            .mac(OF_REQUESTS, &[operation.name().as_bytes(), parts.uri.path().as_bytes(), &bytes]),
        expires_at: api.now().plus(GIVEN_UP),
    };
    let key = begun.key;
    match api.store().begin_request(begun, MOST, api.now()).await? {
        Begun::New => {
            parts.headers.remove(HEADER);
            let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            finish(api, key, response).await
        }
        Begun::Known(KeptAnswer::Sealed(sealed)) => {
            if let Some(history) = parts.extensions.get::<History>() {
                history.detail("repeated", true);
            }
            let owner = base64url::encode(key);
            let kept = api.provider().keys().unseal(PURPOSE, &owner, &sealed).ok();
            let kept = kept.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
            kept.map(Kept::into_response).ok_or_else(|| {
                Problem::conflict(
                    "The request was answered before, but the answer can't be read any more.",
                )
            })
        }
        Begun::Known(KeptAnswer::None) => Err(Problem::still_running()),
        Begun::Other => Err(Problem::reused_key()),
        Begun::TooMany => {
            let detail = format!("A caller may have {MOST} idempotency keys in a day.");
            Err(Problem::too_many(detail, 3600))
        }
    }
}

/// The key: 1 to 255 visible characters.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut keys = headers.get_all(HEADER).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let is_key = |text: &&str| {
        (1..=255).contains(&text.len()) && text.bytes().all(|letter| letter.is_ascii_graphic())
    };
    match key.to_str().ok().filter(is_key).filter(|_| keys.next().is_none()) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Problem::invalid(
            "Idempotency-Key",
            "send one, of 1 to 255 visible ASCII characters",
        )),
    }
}

/// Keeps the answer of a request that did something, and frees the key of any other.
async fn finish(api: &AdminApi, key: [u8; 32], response: Response) -> Result<Response, Problem> {
    if !response.status().is_success() {
        api.store().forget_request(key).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, MOST_BYTES).await.map_err(|_| Problem::internal())?;
    let header = |name: &HeaderName| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    };
    let kept = Kept {
        status: parts.status.as_u16(),
        headers: HEADERS.iter().filter_map(header).collect(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    let kept = serde_json::to_vec(&kept).map_err(|_| Problem::internal())?;
    let owner = base64url::encode(key);
    let sealed = api.provider().keys().seal(PURPOSE, &owner, &kept);
    let sealed = sealed.map_err(|_| Problem::internal())?;
    // It is done all the same: an error would have the caller do it again.
    if let Err(error) = api.store().finish_request(key, sealed, api.now().plus(KEPT)).await {
        tracing::error!(%error, "the answer can't be kept for a repetition of the request");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

impl Kept {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
