//! Where sessions are kept, in a store or in cookies, behind one face: between the cookies of a
//! request and [`SessionRecord`]s.

mod end;
mod keys;
mod requests;

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderValue};
use quick_cache::sync::Cache;

use super::{
    CookieKeys, Key, SessionRecord, SessionRow, SessionStore, StoreError,
    seal::{SealError, Sealing, random_text},
    sealed_cookies::SealedCookies,
};
use crate::cookies::{Cookie, Cookies, LONGEST_VALUE};

/// How many sessions are kept opened, a few kilobytes each: opening one costs more than the rest of
/// a request.
const MOST_OPENED: usize = 4000;
/// How often a change is tried again because other requests change the session, too. Each time, one
/// of them is done.
const MOST_TRIES: u32 = 100;
/// How many sign-in requests may wait in a store. Whoever opens a page begins one.
const MOST_REQUESTS: u32 = 100_000;
/// What a session is sealed as.
const SESSION: &str = "session";

/// Where sessions are kept: a [`SessionStore`], or [`CookieKeys`] for sessions in cookies.
///
/// ```
/// use doorward_axum::{CookieKeys, CookieKeysError, MemorySessions, SessionsIn};
///
/// // By a setting, for example.
/// fn sessions(cookie_key: Option<&str>) -> Result<SessionsIn, CookieKeysError> {
///     Ok(match cookie_key {
///         Some(key) => CookieKeys::parse([key])?.into(),
///         None => MemorySessions::default().into(),
///     })
/// }
/// # assert!(sessions(Some("too short")).is_err() && sessions(None).is_ok());
/// ```
pub struct SessionsIn(Kind);

enum Kind {
    Store(Arc<dyn SessionStore>),
    Cookies(Box<SealedCookies>),
}

impl<S: SessionStore> From<S> for SessionsIn {
    fn from(store: S) -> Self {
        Self(Kind::Store(Arc::new(store)))
    }
}

impl From<CookieKeys> for SessionsIn {
    fn from(keys: CookieKeys) -> Self {
        Self(Kind::Cookies(Box::new(SealedCookies::new(keys))))
    }
}

impl fmt::Debug for SessionsIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Kind::Store(_) => "SessionsIn(store)",
            Kind::Cookies(_) => "SessionsIn(cookies)",
        })
    }
}

impl From<SealError> for StoreError {
    fn from(_: SealError) -> Self {
        Self("a session can't be encrypted".to_owned())
    }
}

/// The sessions of one client.
pub(crate) struct Sessions {
    kind: Kind,
    cookies: Cookies,
    /// The issuer and the client, who may share a store with others.
    owner: [String; 2],
    /// What sessions are sealed for. Another client with the same keys opens none of them.
    context: Key,
    /// Sessions that were opened, with their version. Whether they still count is asked each time.
    opened: Cache<Key, (u64, Arc<SessionRecord>)>,
}

/// A session, and the cookie that it was found by.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) record: Arc<SessionRecord>,
    /// The cookie's value: a handle, or the sealed session.
    value: String,
    version: u64,
}

impl Loaded {
    /// What the session is called, whichever of its cookies it was found by.
    pub(crate) fn id(&self) -> &str {
        &self.record.id
    }
}

/// Why a session is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeOf {
    /// Its tokens were renewed, or can't be. The claim of the renewal ends.
    Tokens,
    /// Its refresh token was redeemed. The renewal goes on.
    RefreshToken,
    /// The application changes its own values.
    Values,
}

impl Sessions {
    pub(crate) fn new(kept: SessionsIn, cookies: Cookies, issuer: &str, client_id: &str) -> Self {
        let owner = [issuer.trim_end_matches('/').to_owned(), client_id.to_owned()];
        let context = Key::of(&[SESSION, &owner[0], &owner[1]]);
        Self { kind: kept.0, cookies, owner, context, opened: Cache::new(MOST_OPENED) }
    }

    /// Whether a request has a session cookie, whatever is in it.
    pub(crate) fn is_cookie_sent(&self, headers: &HeaderMap) -> bool {
        self.cookies.is_sent(headers, Cookie::Session)
    }

    /// Keeps a new session, with a new cookie.
    pub(crate) async fn create(&self, record: SessionRecord) -> Result<Loaded, StoreError> {
        let value = match &self.kind {
            Kind::Store(store) => {
                let value = random_text()?;
                let row = SessionRow {
                    key: self.session_key(&value),
                    user: self.user_key(record.user.sub()),
                    provider_session: record.sid().map(|sid| self.provider_session_key(sid)),
                    expires_at: record.expires_at,
                    sealed: self.sealed_by(&value, &record)?,
                };
                store.insert(row).await?;
                value
            }
            Kind::Cookies(cookies) => cookies.seal(self.context, &json(&record)?)?,
        };
        Ok(Loaded { record: Arc::new(record), value, version: 0 })
    }

    /// The cookies that give the session to the browser.
    pub(crate) fn cookies_of(
        &self,
        headers: &HeaderMap,
        loaded: &Loaded,
    ) -> Result<Vec<HeaderValue>, StoreError> {
        let set = self.cookies.set(headers, Cookie::Session, &loaded.value, None);
        set.ok_or_else(too_long)
    }

    /// The cookies that take the session from the browser.
    pub(crate) fn no_cookies(&self, headers: &HeaderMap) -> Vec<HeaderValue> {
        self.cookies.remove(headers, Cookie::Session)
    }

    /// Whether the browser has the session's present cookie.
    pub(crate) fn is_known_to(&self, headers: &HeaderMap, loaded: &Loaded) -> bool {
        self.cookies.read(headers, Cookie::Session).as_ref() == Some(&loaded.value)
    }

    /// The session of a request, if its cookie is genuine and the session has not ended.
    pub(crate) async fn load(
        &self,
        headers: &HeaderMap,
        now: u64,
    ) -> Result<Option<Loaded>, StoreError> {
        match self.cookies.read(headers, Cookie::Session) {
            Some(value) => self.find(value, now).await,
            None => Ok(None),
        }
    }

    /// The session as it is now.
    pub(crate) async fn reload(
        &self,
        loaded: &Loaded,
        now: u64,
    ) -> Result<Option<Loaded>, StoreError> {
        self.find(loaded.value.clone(), now).await
    }

    async fn find(&self, value: String, now: u64) -> Result<Option<Loaded>, StoreError> {
        match &self.kind {
            Kind::Store(store) => {
                // Only what can be a handle costs a look at the store.
                if !is_random(&value) {
                    return Ok(None);
                }
                let key = self.session_key(&value);
                let Some(found) = store.find(key, now).await? else {
                    return Ok(None);
                };
                let version = found.version;
                let record = self.opened(key, version, || {
                    let sealing = Sealing::derived(&value, SESSION).ok()?;
                    sealing.open(self.context, &found.sealed).ok()
                });
                Ok(record.map(|record| Loaded { record, value, version }))
            }
            Kind::Cookies(cookies) => {
                let key = self.session_key(&value);
                let Some(record) = self.opened(key, 0, || cookies.open(self.context, &value))
                else {
                    return Ok(None);
                };
                let newer = cookies.newer(self.own_key(&record), &record, now);
                let (record, value) = newer.unwrap_or((record, value));
                let is_ended = cookies.is_ended(&self.keys_of(&record), record.began);
                let counts = now < record.expires_at && !is_ended;
                Ok(counts.then_some(Loaded { record, value, version: 0 }))
            }
        }
    }

    /// A session of this version, opened now or before.
    fn opened(
        &self,
        key: Key,
        version: u64,
        open: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Option<Arc<SessionRecord>> {
        let known = self.opened.get(&key).filter(|(own, _)| *own == version);
        if let Some((_, record)) = known {
            return Some(record);
        }
        let record = Arc::new(read(&open()?)?);
        self.opened.insert(key, (version, Arc::clone(&record)));
        Some(record)
    }

    /// Says that this process renews the session's tokens until `until`. Of all processes only one
    /// may.
    pub(crate) async fn claim_renewal(
        &self,
        loaded: &Loaded,
        now: u64,
        until: u64,
    ) -> Result<bool, StoreError> {
        match &self.kind {
            Kind::Store(store) => {
                let key = self.session_key(&loaded.value);
                store.claim_renewal(key, loaded.version, now, until).await
            }
            // Each process decides for itself.
            Kind::Cookies(_) => Ok(true),
        }
    }

    /// Changes a session, of which `change` gets what it is now. `None` if it ended meanwhile.
    pub(crate) async fn change<E: From<StoreError>>(
        &self,
        loaded: &Loaded,
        now: u64,
        of: ChangeOf,
        change: impl Fn(&SessionRecord) -> Result<SessionRecord, E>,
    ) -> Result<Option<Loaded>, E> {
        let changed = |present: &SessionRecord| {
            Ok::<_, E>(SessionRecord { changes: present.changes + 1, ..change(present)? })
        };
        match &self.kind {
            Kind::Store(store) => {
                let mut present = loaded.clone();
                let key = self.session_key(&present.value);
                for _ in 0..MOST_TRIES {
                    let record = changed(&present.record)?;
                    let version = present.version;
                    let sealed = self.sealed_by(&present.value, &record)?;
                    let kept = match of {
                        ChangeOf::Tokens => store.replace(key, version, sealed).await?,
                        ChangeOf::RefreshToken | ChangeOf::Values => {
                            store.update(key, version, sealed).await?
                        }
                    };
                    if kept {
                        let (record, value) = (Arc::new(record), present.value);
                        return Ok(Some(Loaded { record, value, version: version + 1 }));
                    }
                    // Another request changed it, or it is over.
                    match self.find(present.value, now).await? {
                        Some(newer) => present = newer,
                        None => return Ok(None),
                    }
                }
                Err(StoreError("a session is changed too often at once".to_owned()).into())
            }
            Kind::Cookies(cookies) => {
                let (record, value) = cookies.change::<E>(
                    self.own_key(&loaded.record),
                    &loaded.record,
                    now,
                    |present| {
                        let record = changed(present)?;
                        let value = cookies
                            .seal(self.context, &json(&record)?)
                            .map_err(StoreError::from)?;
                        // The browser must be able to take it.
                        if of == ChangeOf::Values && value.len() > LONGEST_VALUE {
                            return Err(too_long().into());
                        }
                        Ok((record, value))
                    },
                )?;
                let is_ended = cookies.is_ended(&self.keys_of(&record), record.began);
                Ok((!is_ended).then_some(Loaded { record, value, version: 0 }))
            }
        }
    }

    /// Whether other processes may change sessions without this one's knowledge.
    pub(crate) fn are_apart(&self) -> bool {
        matches!(self.kind, Kind::Cookies(_))
    }

    /// Whether a token of the provider was seen before.
    pub(crate) async fn was_seen(&self, jti: &str, now: u64) -> Result<bool, StoreError> {
        self.memory().was_used(self.owned_key("token", jti), now).await
    }

    /// Notes that a token of the provider was seen.
    pub(crate) async fn note_seen(
        &self,
        jti: &str,
        now: u64,
        until: u64,
    ) -> Result<(), StoreError> {
        self.memory().use_once(self.owned_key("token", jti), now, until).await.map(drop)
    }

    /// Where it is noted what counts once.
    fn memory(&self) -> &dyn SessionStore {
        match &self.kind {
            Kind::Store(store) => &**store,
            Kind::Cookies(cookies) => &cookies.used,
        }
    }

    /// Removes what has expired, and what strangers left too much of.
    pub(crate) async fn sweep(&self, now: u64) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Store(store) => store.sweep(now, MOST_REQUESTS).await,
            Kind::Cookies(cookies) => {
                cookies.sweep(now);
                cookies.used.sweep(now, MOST_REQUESTS).await
            }
        }
    }

    fn sealed_by(&self, handle: &str, record: &SessionRecord) -> Result<Vec<u8>, StoreError> {
        Ok(Sealing::derived(handle, SESSION)?.seal(self.context, &json(record)?)?)
    }
}

/// Whether a value may be one of ours: 43 base64url characters.
fn is_random(value: &str) -> bool {
    value.len() == 43 && value.bytes().all(is_base64url)
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn json(record: &SessionRecord) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(|error| StoreError(error.to_string()))
}

fn read(text: &[u8]) -> Option<SessionRecord> {
    serde_json::from_slice(text).ok()
}

fn too_long() -> StoreError {
    StoreError(
        "the session is too large for cookies: keep sessions in a database, or ask for less scope"
            .to_owned(),
    )
}
