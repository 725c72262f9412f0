//! Calls to APIs.

use std::rc::Rc;

use doorward_client::{ApiRequest, ApiResponse, Error, ports::HttpClient};
use leptos::web_sys;

use crate::{
    Auth,
    browser_fetch::BrowserFetch,
    engine::{Reply, Task},
};

impl Auth {
    /// Calls an API with the user's access token, which is renewed first if necessary. It waits
    /// until it is known who is signed in.
    ///
    /// ```no_run
    /// use doorward_leptos::{ApiRequest, use_auth};
    /// use leptos::prelude::*;
    ///
    /// # fn component() {
    /// let auth = use_auth();
    /// let orders = LocalResource::new(move || async move {
    ///     let response = auth.call(ApiRequest::get("https://api.example/orders")).await;
    ///     response.map(|response| response.body)
    /// });
    /// # let _ = orders;
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotSignedIn`], why the renewal failed, [`Error::StepUp`] if the API needs another
    /// sign-in ([`Auth::step_up`]), or [`Error::Network`] if the API did not answer.
    pub async fn call(self, request: ApiRequest) -> Result<ApiResponse, Error> {
        self.call_through(None, request).await
    }

    /// Like [`Auth::call`], with a request and an answer of any kind: the browser's `fetch` with
    /// the user's access token. So bodies can be bytes, forms with files, and streams; an
    /// `AbortSignal` stops the call, and gives it a time-out of its own. The time-out of the
    /// settings does not apply.
    ///
    /// The call is repeated with a new token, as by [`Auth::call`], unless its body is a stream,
    /// which can be sent once.
    ///
    /// ```no_run
    /// use doorward_leptos::{Error, use_auth};
    /// use leptos::web_sys::{AbortSignal, FormData, RequestInit, Response};
    ///
    /// async fn upload(form: &FormData) -> Result<Response, Error> {
    ///     let init = RequestInit::new();
    ///     init.set_method("POST");
    ///     init.set_body(form);
    ///     init.set_signal(Some(&AbortSignal::timeout_with_u32(60_000)));
    ///     use_auth().fetch("https://api.example/files", &init).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As those of [`Auth::call`]. A call that was aborted is an [`Error::Network`], with
    /// [`NetworkFailure::Timeout`](crate::NetworkFailure) if its signal had a time-out.
    pub async fn fetch(
        self,
        url: impl Into<String>,
        init: &web_sys::RequestInit,
    ) -> Result<web_sys::Response, Error> {
        let http = Rc::new(BrowserFetch::new(init.clone()));
        let request = ApiRequest::new(http.method(), url);
        self.call_through(Some(Rc::clone(&http) as _), request).await?;
        http.take_answer().ok_or(Error::NotSignedIn)
    }

    /// A valid access token of the user, renewed if necessary, for other HTTP clients. It waits
    /// until it is known who is signed in. Tokens that are bound to a key (DPoP) need a proof with
    /// each request: use [`Auth::call`] or [`Auth::fetch`].
    ///
    /// # Errors
    ///
    /// [`Error::NotSignedIn`], or why the renewal failed.
    pub async fn access_token(self) -> Result<String, Error> {
        self.token(None).await
    }

    /// The same for another API (RFC 8707).
    ///
    /// # Errors
    ///
    /// As those of [`UserManager::get_access_token_for`](crate::UserManager).
    pub async fn access_token_for(self, resource: impl Into<String>) -> Result<String, Error> {
        self.token(Some(resource.into())).await
    }

    async fn token(self, resource: Option<String>) -> Result<String, Error> {
        match self.run_for_user(Task::Token(resource)).await? {
            Reply::Token(token) => Ok(token),
            _ => Err(Error::NotSignedIn),
        }
    }

    pub(crate) async fn call_through(
        self,
        http: Option<Rc<dyn HttpClient>>,
        request: ApiRequest,
    ) -> Result<ApiResponse, Error> {
        match self.run_for_user(Task::Call(http, request)).await? {
            Reply::Response(response) => Ok(response),
            _ => Err(Error::NotSignedIn),
        }
    }

    /// Runs a task once it is known who is signed in.
    async fn run_for_user(self, task: Task) -> Result<Reply, Error> {
        self.ready().await;
        (self.engine)(self, task).await
    }
}
