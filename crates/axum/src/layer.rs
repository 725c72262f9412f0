//! What happens around each request: its session is found when somebody asks for it, forged
//! requests are refused, and cookies are set.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{
    HeaderMap, HeaderValue,
    header::{CACHE_CONTROL, COOKIE, SET_COOKIE, VARY},
    request::Parts,
};
use tokio::sync::OnceCell;

use crate::{
    Auth, Problem, StoreError,
    csrf::{self, Source},
    refusal::Asker,
    renewal,
    session::Loaded,
};

/// The session of one request.
pub(crate) struct RequestSession {
    pub(crate) auth: Auth,
    /// The cookies of the request.
    pub(crate) cookies: HeaderMap,
    /// Whether a page is loaded, and not a part of one.
    is_navigation: bool,
    session: OnceCell<Result<Option<Arc<Loaded>>, Problem>>,
    /// What this request made of the session.
    left: Mutex<SessionChange>,
    set_cookies: Mutex<SetCookies>,
}

/// How a request leaves its session.
#[derive(Default)]
enum SessionChange {
    #[default]
    AsFound,
    Changed(Arc<Loaded>),
    Ended,
}

/// The cookies to set.
#[derive(Default)]
struct SetCookies {
    headers: Vec<HeaderValue>,
    /// Whether a sign-in or sign-out has decided on them.
    are_final: bool,
    /// Those of the sign-ins that this request began, beside the others.
    begun: Vec<HeaderValue>,
}

impl RequestSession {
    fn new(auth: Auth, headers: &HeaderMap, is_navigation: bool) -> Self {
        let cookies = headers.get_all(COOKIE).iter().map(|value| (COOKIE, value.clone()));
        Self {
            auth,
            cookies: cookies.collect(),
            is_navigation,
            session: OnceCell::new(),
            left: Mutex::default(),
            set_cookies: Mutex::default(),
        }
    }

    /// The one that the layer put into a request.
    pub(crate) fn of(parts: &Parts) -> Result<Arc<Self>, Problem> {
        parts.extensions.get::<Arc<Self>>().cloned().ok_or(Problem::NotAttached)
    }

    /// The session, with tokens that were renewed if that was due. All who ask share the answer.
    pub(crate) async fn session(&self) -> Result<Option<Arc<Loaded>>, Problem> {
        self.session.get_or_init(|| self.find()).await.clone()
    }

    /// The session as this request has left it, once [`RequestSession::session`] found it.
    pub(crate) fn present(&self) -> Option<Arc<Loaded>> {
        match &*self.left.lock().unwrap_or_else(PoisonError::into_inner) {
            SessionChange::AsFound => self.session.get()?.as_ref().ok()?.clone(),
            SessionChange::Changed(session) => Some(Arc::clone(session)),
            SessionChange::Ended => None,
        }
    }

    /// This request changed the session. The browser gets its cookie, if that is another one.
    pub(crate) fn change(&self, session: Arc<Loaded>) -> Result<(), StoreError> {
        let sessions = &self.auth.sessions;
        if !sessions.is_known_to(&self.cookies, &session) {
            let headers = sessions.cookies_of(&self.cookies, &session)?;
            let mut set = self.cookies_to_set();
            if !set.are_final {
                set.headers = headers;
            }
        }
        self.leave(SessionChange::Changed(session));
        Ok(())
    }

    /// The session ended by this request.
    pub(crate) fn end(&self) {
        self.decide_cookies(self.auth.sessions.no_cookies(&self.cookies));
        self.leave(SessionChange::Ended);
    }

    fn leave(&self, left: SessionChange) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }

    async fn find(&self) -> Result<Option<Arc<Loaded>>, Problem> {
        let sessions = &self.auth.sessions;
        let mut found = sessions.load(&self.cookies, self.auth.now()).await?.map(Arc::new);
        if let Some(session) = &found
            && session.record.is_due(self.auth.now())
        {
            found = renewal::renewed(&self.auth, session).await?;
        }
        match &found {
            Some(session) if !sessions.is_known_to(&self.cookies, session) => {
                self.set_cookies(sessions.cookies_of(&self.cookies, session)?);
            }
            // A cookie that leads nowhere is of no use. But the answer of a script may come after
            // that of a sign-in, whose cookie has the same name.
            None if self.is_navigation => self.set_cookies(sessions.no_cookies(&self.cookies)),
            _ => (),
        }
        Ok(found)
    }

    fn set_cookies(&self, more: Vec<HeaderValue>) {
        let mut set = self.cookies_to_set();
        if !set.are_final {
            set.headers.extend(more);
        }
    }

    /// Sets these cookies and no others: the session began or ended by this request.
    pub(crate) fn decide_cookies(&self, headers: Vec<HeaderValue>) {
        let mut set = self.cookies_to_set();
        set.headers = headers;
        set.are_final = true;
    }

    /// This request began a sign-in, to which these cookies belong.
    pub(crate) fn begin_sign_in(&self, cookies: Vec<HeaderValue>) {
        self.cookies_to_set().begun.extend(cookies);
    }

    fn cookies_to_set(&self) -> MutexGuard<'_, SetCookies> {
        self.set_cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the browser must know after the answer.
    fn complete(&self, response: &mut Response) {
        let headers = response.headers_mut();
        let set = std::mem::take(&mut *self.cookies_to_set());
        for cookie in set.headers.into_iter().chain(set.begun) {
            headers.append(SET_COOKIE, cookie);
            // It belongs to one browser, whatever the handler says of the answer.
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        let Some(session) = self.session.get() else { return };
        headers.append(VARY, HeaderValue::from_static("cookie"));
        // So that Back after a sign-out does not show what only the user may see.
        if matches!(session, Ok(Some(_))) && !headers.contains_key(CACHE_CONTROL) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// The middleware.
pub(crate) async fn around(State(auth): State<Auth>, mut request: Request, next: Next) -> Response {
    auth.sweep_sometimes();
    let asker = Asker::of_request(&request);
    let slot = Arc::new(RequestSession::new(auth.clone(), request.headers(), asker.navigates()));
    request.extensions_mut().insert(Arc::clone(&slot));
    let request = match genuine(&slot, request).await {
        Ok(request) => request,
        Err(problem) => return auth.answer(&problem, &asker),
    };
    let mut response = next.run(request).await;
    slot.complete(&mut response);
    response
}

/// Lets through what no other site can have made the browser send.
async fn genuine(slot: &RequestSession, request: Request) -> Result<Request, Problem> {
    let auth = &slot.auth;
    // Without the cookie, a request has no rights that another site could use.
    let may_change = csrf::may_change(request.method(), request.headers())
        && !auth.settings.is_posted_from_elsewhere(&auth.checked, &request);
    if !may_change || !auth.sessions.is_cookie_sent(&slot.cookies) {
        return Ok(request);
    }
    match csrf::source(request.headers(), &auth.checked.origin) {
        Source::Own => Ok(request),
        Source::Foreign => Err(Problem::Forged),
        Source::Unknown => {
            let Some(session) = slot.session().await? else { return Ok(request) };
            match csrf::has_token(request, &session.record).await {
                (request, true) => Ok(request),
                (_, false) => Err(Problem::Forged),
            }
        }
    }
}
