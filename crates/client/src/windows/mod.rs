//! Sign-in and sign-out in popups and hidden frames, and what is known of the session at the
//! provider through them.
//!
//! The page that the provider sends such a window to hands its address back to the page that opened
//! it, which then does what a callback does. Handing back needs no more than a line of script; the
//! client's own callbacks do it too.

mod child;
mod frame;
mod monitor;
mod popup;
mod status;

use std::rc::Rc;

pub use popup::PopupArgs;
pub use status::SessionStatus;

use crate::{
    CallbackKind, Error, SigninOutcome, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs,
    UserManager, manager::handed_out, ports::LocalFuture,
};

impl UserManager {
    /// Signs in at the provider in a popup, while this page stays. Call it while the user's click
    /// is handled: the popup opens before this returns, or [`Error::PopupBlocked`] comes. A popup
    /// that the user closes gives [`Error::PopupClosed`].
    pub fn signin_popup(
        &self,
        args: SigninRequestArgs,
        popup: PopupArgs,
    ) -> LocalFuture<Result<SigninOutcome, Error>> {
        let client = Rc::clone(&self.0);
        let popup = client.open_popup(popup);
        handed_out(async move { client.signin_popup(popup?, args).await })
    }

    /// Forgets the user here and in the other tabs, and signs out at the provider in a popup, while
    /// this page stays. Call it while the user's click is handled. Without a
    /// `popup_post_logout_redirect_uri` or `post_logout_redirect_uri` the provider's page is shown
    /// until the user closes it.
    pub fn signout_popup(
        &self,
        args: SignoutRequestArgs,
        popup: PopupArgs,
    ) -> LocalFuture<Result<SignoutOutcome, Error>> {
        let client = Rc::clone(&self.0);
        let popup = client.open_popup(popup);
        handed_out(async move { client.signout_popup(popup?, args).await })
    }

    /// Forgets the user here and in the other tabs, and signs out at the provider in a hidden
    /// frame. Providers that ask the user, or may not be framed, don't answer:
    /// [`Error::FrameTimeout`].
    pub fn signout_silent(
        &self,
        args: SignoutRequestArgs,
    ) -> LocalFuture<Result<SignoutOutcome, Error>> {
        let client = Rc::clone(&self.0);
        handed_out(async move { client.signout_silent(args).await })
    }

    /// Who is signed in at the provider, asked in a hidden frame; `None`: nobody, as far as the
    /// browser lets the frame see. The user here is left as they are.
    pub fn query_session_status(&self) -> LocalFuture<Result<Option<SessionStatus>, Error>> {
        let client = Rc::clone(&self.0);
        handed_out(async move { client.query_session_status().await })
    }

    /// Finishes the sign-in whose response is in the page's address, whichever way the request
    /// went: after a redirect here, as [`UserManager::signin_redirect_callback`] does; in a popup
    /// or hidden frame by handing the response to the page that waits for it, which gives `None`.
    pub fn signin_callback(&self, url: &str) -> LocalFuture<Result<Option<SigninOutcome>, Error>> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        handed_out(async move {
            if client.callback_kind(&url) == CallbackKind::OfChild {
                return client.hand_back(&url).map(|()| None);
            }
            client.signin_callback(&url).await.map(Some)
        })
    }

    /// Finishes the sign-out whose response is in the page's address, as
    /// [`UserManager::signin_callback`] does for sign-in.
    pub fn signout_callback(
        &self,
        url: &str,
    ) -> LocalFuture<Result<Option<SignoutOutcome>, Error>> {
        let client = Rc::clone(&self.0);
        let url = url.to_owned();
        handed_out(async move {
            if client.callback_kind(&url) == CallbackKind::OfChild {
                return client.hand_back(&url).map(|()| None);
            }
            client.signout_callback(&url).map(Some)
        })
    }

    /// In a popup: hands the response in its address to the page that opened it, and closes the
    /// popup.
    pub fn signin_popup_callback(&self, url: &str) -> Result<(), Error> {
        self.0.hand_back(url).map_err(|fault| *fault)
    }

    /// In a hidden frame: hands the response in its address to the page around it.
    pub fn signin_silent_callback(&self, url: &str) -> Result<(), Error> {
        self.0.hand_back(url).map_err(|fault| *fault)
    }

    /// In a popup: hands the response in its address to the page that opened it, and closes the
    /// popup.
    pub fn signout_popup_callback(&self, url: &str) -> Result<(), Error> {
        self.0.hand_back(url).map_err(|fault| *fault)
    }

    /// In a hidden frame: hands the response in its address to the page around it.
    pub fn signout_silent_callback(&self, url: &str) -> Result<(), Error> {
        self.0.hand_back(url).map_err(|fault| *fault)
    }
}
