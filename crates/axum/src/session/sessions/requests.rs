//! Sign-in requests that wait for their response, and responses that were posted.

use http::{HeaderMap, HeaderValue};

use super::{Kind, Sessions, is_base64url, is_random, too_long};
use crate::{
    cookies::{Cookie, LONGEST_PART},
    session::{
        Key, SessionStore as _, StoreError,
        seal::{Sealing, random_text},
    },
};

/// How long a sign-in may take, in seconds.
const REQUEST_LIFETIME: u64 = 900;
/// How long the browser has for the step from the posted response to the callback, in seconds.
const RESPONSE_LIFETIME: u64 = 60;
/// Of how many sign-ins that it began a browser may have the secret: fewer than 100 bytes each.
const MOST_SECRETS: usize = 20;
/// How many sign-ins a browser may have begun where its cookies keep them whole.
const MOST_SEALED: usize = 6;
/// What a request is sealed as.
const REQUEST: &str = "request";

impl Sessions {
    /// Keeps a sign-in request until its response arrives. Returns the cookies that bind it to the
    /// browser.
    pub(crate) async fn put_request(
        &self,
        headers: &HeaderMap,
        state: &str,
        text: &str,
        now: u64,
    ) -> Result<Vec<HeaderValue>, StoreError> {
        let until = now.saturating_add(REQUEST_LIFETIME);
        let (value, most) = match &self.kind {
            Kind::Store(store) => {
                let secret = random_text()?;
                let sealing = Sealing::derived(&secret, REQUEST)?;
                let sealed = sealing.seal(self.owned_key(REQUEST, state), text.as_bytes())?;
                store.put_request(self.request_key(state, &secret), sealed, until).await?;
                (secret, MOST_SECRETS)
            }
            Kind::Cookies(cookies) => {
                let text = format!("{until} {text}");
                let value = cookies.seal(self.owned_key(REQUEST, state), text.as_bytes())?;
                (value, MOST_SEALED)
            }
        };
        let mut set = self.cookies.remove_old_requests(headers, most - 1);
        let cookie = Cookie::Request(tag(state));
        let own = self.cookies.set(headers, cookie, &value, Some(REQUEST_LIFETIME));
        set.extend(own.ok_or_else(too_long)?);
        Ok(set)
    }

    /// Takes the sign-in request with this `state`, which may be anything, if this browser began
    /// it. Returns also the cookies to remove.
    pub(crate) async fn take_request(
        &self,
        headers: &HeaderMap,
        state: &str,
        now: u64,
    ) -> Result<Option<(String, Vec<HeaderValue>)>, StoreError> {
        let cookie = Cookie::Request(tag(state));
        let Some(value) = self.cookies.read(headers, cookie) else { return Ok(None) };
        let key = self.owned_key(REQUEST, state);
        let text = match &self.kind {
            Kind::Store(store) => {
                if !is_random(&value) {
                    return Ok(None);
                }
                let sealed = store.take_request(self.request_key(state, &value), now).await?;
                let sealing = Sealing::derived(&value, REQUEST)?;
                sealed.and_then(|sealed| sealing.open(key, &sealed).ok())
            }
            Kind::Cookies(cookies) => {
                let text = cookies.open(key, &value).and_then(|text| unexpired(&text, now));
                // Cookies can be sent again. The code counts once at the provider, and here.
                let until = now.saturating_add(REQUEST_LIFETIME);
                let is_first = text.is_some() && cookies.used.use_once(key, now, until).await?;
                text.filter(|_| is_first)
            }
        };
        let text = text.and_then(|text| String::from_utf8(text).ok());
        Ok(text.map(|text| (text, self.cookies.remove(headers, cookie))))
    }

    /// The cookie that brings a response, an encoded form, to the callback, and its tag. `None` if
    /// it is too long: anybody can make a browser post one, and many long cookies make servers
    /// refuse it.
    pub(crate) fn response_cookie(
        &self,
        headers: &HeaderMap,
        response: &str,
    ) -> Result<Option<(String, Vec<HeaderValue>)>, StoreError> {
        if response.len() > LONGEST_PART {
            return Ok(None);
        }
        let tag = random_text()?;
        let cookie = Cookie::Response(&tag);
        let set = self.cookies.set(&HeaderMap::new(), cookie, response, Some(RESPONSE_LIFETIME));
        let Some(mut set) = set else { return Ok(None) };
        set.extend(self.cookies.remove_surplus_responses(headers, &tag));
        Ok(Some((tag, set)))
    }

    /// The response that was posted a moment ago, and the cookies to remove.
    pub(crate) fn posted_response(
        &self,
        headers: &HeaderMap,
        tag: &str,
    ) -> (String, Vec<HeaderValue>) {
        if !is_random(tag) {
            return (String::new(), Vec::new());
        }
        let cookie = Cookie::Response(tag);
        let response = self.cookies.read(headers, cookie).unwrap_or_default();
        let mut removed = self.cookies.remove(headers, cookie);
        removed.extend(self.cookies.remove_surplus_responses(headers, tag));
        (response, removed)
    }

    /// What the store finds a sign-in request by.
    fn request_key(&self, state: &str, secret: &str) -> Key {
        let [issuer, client_id] = &self.owner;
        Key::of(&[REQUEST, issuer, client_id, state, secret])
    }
}

/// What distinguishes the cookies of the sign-ins that a browser has begun.
fn tag(state: &str) -> &str {
    let end = state.bytes().take(8).take_while(|byte| is_base64url(*byte)).count();
    &state[..end]
}

/// The text after its time, if that has not come.
fn unexpired(text: &[u8], now: u64) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let (until, text) = text.split_once(' ')?;
    (now < until.parse().ok()?).then(|| text.as_bytes().to_vec())
}
