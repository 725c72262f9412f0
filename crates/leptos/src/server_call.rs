//! Calls of server functions with the user's access token.

use std::{cell::RefCell, future::Future, mem, rc::Rc};

use async_trait::async_trait;
use doorward_client::{
    ApiRequest, Error,
    ports::{HttpClient, HttpRequest, HttpResponse, NetworkFailure},
};
use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr, WithUntracked as _, use_context},
    server_fn::{
        Bytes,
        client::{Client, browser::BrowserClient},
        request::{
            ClientReq,
            browser::{BrowserRequest, Request},
        },
        response::{ClientRes, browser::BrowserResponse},
    },
    web_sys,
};
use send_wrapper::SendWrapper;

use crate::{Auth, AuthStatus, browser_fetch::known_of, options, page};

/// Calls a server function with the user's access token, as [`Auth::call`] calls an API: the token
/// is renewed first if necessary, and the call is repeated once if the server refuses the token. It
/// is for applications whose tokens are in the browser. On the server,
/// [`authorized`](crate::authorized) verifies the token.
///
/// ```
/// use doorward_leptos::WithToken;
/// use leptos::prelude::*;
///
/// #[server(client = WithToken)]
/// async fn close_order(order: u64) -> Result<String, ServerFnError> {
///     Ok(format!("{order} is closed"))
/// }
/// # let _ = close_order;
/// ```
///
/// The sign-in is that of [`use_auth`](crate::use_auth), or the last one that the page provided
/// where there is no component. The call waits until it is known who is signed in. If nobody is,
/// it goes without a token, and the server decides. If somebody is and there is no token, because
/// it has expired and can't be renewed, the call is not made: it fails with the reason. It fails as
/// well if the sign-in's settings are missing or invalid ([`AuthStatus::Unavailable`]), and if all
/// sign-ins of the page have names ([`AuthOptions::provide_as`](crate::AuthOptions::provide_as)):
/// write `provide_context(use_auth_of::<Name>())` for the one that is meant.
#[derive(Debug, Clone, Copy)]
pub struct WithToken;

impl<E, I, O> Client<E, I, O> for WithToken
where
    E: FromServerFnError,
    I: FromServerFnError,
    O: FromServerFnError,
{
    type Request = BrowserRequest;
    type Response = BrowserResponse;

    fn send(request: BrowserRequest) -> impl Future<Output = Result<BrowserResponse, E>> + Send {
        let auth = use_context().or_else(options::auth_of_page);
        let auth = meant(auth, options::has_named_auth());
        // A page has one thread.
        SendWrapper::new(async move {
            match auth {
                Ok(Some(auth)) => send_with_token(auth, request).await,
                Ok(None) => send(request).await,
                Err(reason) => Err(failure(reason)),
            }
        })
    }

    #[allow(clippy::type_complexity)] // As the trait has it.
    fn open_websocket(
        path: &str,
    ) -> impl Future<
        Output = Result<
            (
                impl futures::Stream<Item = Result<Bytes, Bytes>> + Send + 'static,
                impl futures::Sink<Bytes> + Send + 'static,
            ),
            E,
        >,
    > + Send {
        <BrowserClient as Client<E, I, O>>::open_websocket(path)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        <BrowserClient as Client<E, I, O>>::spawn(future);
    }
}

fn send<E: FromServerFnError>(
    request: BrowserRequest,
) -> impl Future<Output = Result<BrowserResponse, E>> {
    <BrowserClient as Client<E>>::send(request)
}

async fn send_with_token<E: FromServerFnError>(
    auth: Auth,
    request: BrowserRequest,
) -> Result<BrowserResponse, E> {
    let call = ApiRequest::new(request.method().as_str(), request.url());
    let http =
        Rc::new(ByBrowser { request: RefCell::new(Some(request)), answer: RefCell::default() });
    let made = with_token(auth, auth.call_through(Some(Rc::clone(&http) as _), call)).await;
    if let Some(answer) = http.answer.take() {
        return answer;
    }
    match (made, http.request.take()) {
        (Err(NoToken::OfNobody), Some(request)) => send(request).await,
        (Err(NoToken::Because(reason)), _) => Err(failure(reason)),
        _ => Err(failure(String::new())),
    }
}

/// The sign-in of a call. `None` if the page has none at all. `auth` is the one without a name.
pub(crate) fn meant(auth: Option<Auth>, has_named: bool) -> Result<Option<Auth>, String> {
    if auth.is_none() && has_named {
        // Which one is not for us to say, and nobody's name is not that of the user.
        return Err(
            "all sign-ins of the page have names: provide the one for server functions by \
                    AuthOptions::provide, or by provide_context(use_auth_of::<Name>())"
                .to_owned(),
        );
    }
    Ok(auth)
}

/// Why a call was not made with a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoToken {
    /// Nobody is signed in: the call goes without one. For a user, it would be done in nobody's
    /// name, and the page would not learn why.
    OfNobody,
    Because(String),
}

/// Makes a call with the user's token.
pub(crate) async fn with_token<T>(
    auth: Auth,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<(), NoToken> {
    auth.ready().await;
    // Another tab may sign the user out while the call is made: it is that user's call still.
    let known = auth.status.try_with_untracked(|status| {
        (matches!(status, AuthStatus::SignedOut), matches!(status, AuthStatus::Unavailable))
    });
    let (is_nobody, is_unavailable) = known.unwrap_or_default();
    call.await.map(drop).map_err(|error| match error {
        Error::NotSignedIn if is_nobody => NoToken::OfNobody,
        Error::NotSignedIn if is_unavailable => {
            NoToken::Because("the settings of the sign-in are missing or invalid".to_owned())
        }
        error => NoToken::Because(error.to_string()),
    })
}

fn failure<E: FromServerFnError>(reason: String) -> E {
    E::from_server_fn_error(ServerFnErrorErr::Request(reason))
}

/// Sends the request of one call, again as often as the client asks for that.
struct ByBrowser<E> {
    request: RefCell<Option<BrowserRequest>>,
    answer: RefCell<Option<Result<BrowserResponse, E>>>,
}

#[async_trait(?Send)]
impl<E: FromServerFnError> HttpClient for ByBrowser<E> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NetworkFailure> {
        let failed = |what: &str| NetworkFailure::Failed(what.to_owned());
        let mut own = self.request.take().ok_or_else(|| failed("the request was sent before"))?;
        let again = copy::<E>(&mut own).ok_or_else(|| failed("the request can't be copied"))?;
        *self.request.borrow_mut() = Some(again);
        for (name, value) in &request.headers {
            own.headers().set(name, value);
        }
        let answer = send::<E>(own).await;
        let known =
            answer.as_ref().map(known::<E>).map_err(|_| failed("the server did not answer"));
        *self.answer.borrow_mut() = Some(answer);
        known
    }
}

/// Copies a request that was not sent yet.
fn copy<E: FromServerFnError>(request: &mut BrowserRequest) -> Option<BrowserRequest> {
    // Nothing else makes a request of this type, whose content can be replaced.
    let mut copy = <BrowserRequest as ClientReq<E>>::try_new_get("/", "", "", "").ok()?;
    let empty = Request::get("/").build().ok()?;
    let own: web_sys::Request = mem::replace(&mut **request, empty).into();
    let second = own.clone().ok()?;
    **request = own.into();
    *copy = second.into();
    Some(copy)
}

fn known<E: FromServerFnError>(answer: &BrowserResponse) -> HttpResponse {
    let all = answer.generate_headers();
    // This is the header `Location`, or else the URL that answered.
    let url = ClientRes::<E>::location(answer);
    let url = Some(url).filter(|_| !all.contains_key("location"));
    let header = |name: &str| Some(all.get(name)?.to_str().ok()?.to_owned());
    known_of(ClientRes::<E>::status(answer), url, header, page::seconds)
}
