//! Sign-in and sign-out in popups and hidden frames, and the state of the session at the provider.
//!
//! The provider sends the popup or frame to a page of this origin. That page returns its URL to the
//! page that opened it, which then continues like a callback. Returning the URL takes one line of
//! script. The client's callback functions can do it too.

mod child;
mod frame;
mod monitor;
mod popup;
mod status;

use std::rc::Rc;

pub(crate) use monitor::Monitor;
pub use popup::PopupArgs;
pub use status::SessionStatus;

use crate::{
    CallbackKind, Error, SigninOutcome, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs,
    StepUp, User, UserManager,
    manager::boxed,
    ports::{LocalFuture, Ports},
};

/// Whether a hidden frame can be opened.
pub(crate) fn has_frames(ports: &Ports) -> bool {
    ports.popups.is_some()
}

impl UserManager {
    /// Signs in at the provider in a popup, while this page stays open. Call it while a click is
    /// handled: the popup opens before this function returns.
    ///
    /// # Errors
    ///
    /// [`Error::PopupBlocked`] if the browser did not open the popup, [`Error::PopupClosed`] if the
    /// user closed it, and the errors of [`UserManager::signin_redirect_callback`].
    pub fn signin_popup(
        &self,
        args: SigninRequestArgs,
        popup: PopupArgs,
    ) -> LocalFuture<Result<SigninOutcome, Error>> {
        let client = Rc::clone(&self.0);
        let popup = client.open_popup(popup);
        boxed(async move { client.signin_popup(popup?, args).await })
    }

    /// Asks the provider in a hidden frame for a sign-in that an API needs (RFC 9470). The session
    /// there may be good enough already: perhaps the user has signed in again in another
    /// application. The same user must be signed in there. If it succeeds, repeat the call. Else
    /// the user has to sign in: [`StepUp::signin_args`] serves redirects and popups.
    ///
    /// # Errors
    ///
    /// [`Error::Authorization`] with `login_required` if the session there is not good enough, and
    /// the errors of [`UserManager::signin_silent`].
    pub fn step_up_silent(&self, step_up: &StepUp) -> LocalFuture<Result<User, Error>> {
        let client = Rc::clone(&self.0);
        let step_up = step_up.clone();
        boxed(async move {
            client.step_up_in_frame(&step_up).await?;
            client.users.present()
        })
    }

    /// Signs out here and in the other tabs, and at the provider in a popup, while this page stays
    /// open. Call it while a click is handled. Without `popup_post_logout_redirect_uri` or
    /// `post_logout_redirect_uri`, the provider's page is shown until the user closes it.
    ///
    /// # Errors
    ///
    /// [`Error::PopupBlocked`], [`Error::PopupClosed`], or why the request could not be made. The
    /// user is signed out here unless the popup was blocked.
    pub fn signout_popup(
        &self,
        args: SignoutRequestArgs,
        popup: PopupArgs,
    ) -> LocalFuture<Result<SignoutOutcome, Error>> {
        let client = Rc::clone(&self.0);
        let popup = client.open_popup(popup);
        boxed(async move { client.signout_popup(popup?, args).await })
    }

    /// Signs out here and in the other tabs, and at the provider in a hidden frame.
    ///
    /// # Errors
    ///
    /// [`Error::FrameTimeout`] if the provider asks the user or does not allow frames, or why the
    /// request could not be made.
    pub fn signout_silent(
        &self,
        args: SignoutRequestArgs,
    ) -> LocalFuture<Result<SignoutOutcome, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.signout_silent(args).await })
    }

    /// Asks the provider in a hidden frame who is signed in there. `None` means nobody, or that the
    /// browser hides the session from the frame. The user here does not change.
    ///
    /// # Errors
    ///
    /// [`Error::FrameTimeout`], [`Error::NoWindow`], or why the response was not accepted.
    pub fn query_session_status(&self) -> LocalFuture<Result<Option<SessionStatus>, Error>> {
        let client = Rc::clone(&self.0);
        boxed(async move { client.query_session_status().await })
    }

    /// Finishes the sign-in whose response is in the URL. After a redirect it does the same as
    /// [`UserManager::signin_redirect_callback`]. In a popup or hidden frame it returns the
    /// response to the page that waits for it, and the result is `None`.
    ///
    /// # Errors
    ///
    /// Those of [`UserManager::signin_redirect_callback`].
    pub fn signin_callback(&self, url: &str) -> LocalFuture<Result<Option<SigninOutcome>, Error>> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        boxed(async move {
            if client.callback_kind(&url) == CallbackKind::ChildWindow {
                return client.hand_back(&url).map(|()| None);
            }
            client.signin_callback(&url).await.map(Some)
        })
    }

    /// Finishes the sign-out whose response is in the URL, like [`UserManager::signin_callback`]
    /// for sign-in.
    ///
    /// # Errors
    ///
    /// Those of [`UserManager::signout_redirect_callback`].
    pub fn signout_callback(
        &self,
        url: &str,
    ) -> LocalFuture<Result<Option<SignoutOutcome>, Error>> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        boxed(async move {
            if client.callback_kind(&url) == CallbackKind::ChildWindow {
                return client.hand_back(&url).map(|()| None);
            }
            client.signout_callback(&url).map(Some)
        })
    }

    /// In a popup: returns the response in its URL to the page that opened it, and closes the
    /// popup.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidResponse`] if the URL has no `state`, [`Error::NoWindow`] outside a browser.
    pub fn signin_popup_callback(&self, url: &str) -> Result<(), Error> {
        self.0.hand_back(url).map_err(|fault| *fault)
    }

    /// In a hidden frame: returns the response in its URL to the page around it.
    ///
    /// # Errors
    ///
    /// Those of [`UserManager::signin_popup_callback`].
    pub fn signin_silent_callback(&self, url: &str) -> Result<(), Error> {
        self.0.hand_back(url).map_err(|fault| *fault)
    }

    /// In a popup: returns the response in its URL to the page that opened it, and closes the
    /// popup.
    ///
    /// # Errors
    ///
    /// Those of [`UserManager::signin_popup_callback`].
    pub fn signout_popup_callback(&self, url: &str) -> Result<(), Error> {
        self.0.hand_back(url).map_err(|fault| *fault)
    }

    /// In a hidden frame: returns the response in its URL to the page around it.
    ///
    /// # Errors
    ///
    /// Those of [`UserManager::signin_popup_callback`].
    pub fn signout_silent_callback(&self, url: &str) -> Result<(), Error> {
        self.0.hand_back(url).map_err(|fault| *fault)
    }
}
