//! The provider's response in the page's URL.

use std::future::Future;

use doorward_client::{CallbackKind, Error, ErrorKind, User, UserManager};
use leptos::prelude::*;

use crate::{Arrival, Auth, AuthStep, page};

/// Processes the provider's response in the page's URL, or one whose processing failed before.
pub(crate) async fn accept_response(
    auth: Auth,
    manager: &UserManager,
) -> Result<(), (AuthStep, Error)> {
    let url = response_url(auth, manager);
    let before = auth.live.update(|live| live.before.take()).flatten();
    let Some(url) = url else { return Ok(()) };
    let (result, arrival, step) = match manager.callback_kind(&url) {
        CallbackKind::Signin => {
            let before = before.as_ref().map(|before| before.manager());
            let begun = match &before {
                Some(before) => Some(before.signin_redirect_callback(&url).await),
                None => None,
            };
            let begun = begun.map(|begun| begun.map(|outcome| outcome.user));
            let (result, stray) = finish(begun, manager.signin_redirect_callback(&url)).await;
            if let (Some(before), Some(stray)) = (before, stray)
                // It may be another one's by now.
                && before.get_user().await == Ok(Some(stray))
            {
                let _ = before.remove_user().await;
            }
            let result = result.map(|outcome| {
                page::forget_departures();
                auth.brought.set(outcome.state);
                if let Some(path) = outcome.return_to.filter(|path| is_local(path)) {
                    page::show(&path);
                }
            });
            (result, Arrival::SignIn, AuthStep::FinishSignIn)
        }
        CallbackKind::Signout => {
            let result = manager.signout_redirect_callback(&url).await.map(drop);
            (result, Arrival::SignOut, AuthStep::FinishSignOut)
        }
        #[cfg(feature = "popups")]
        CallbackKind::ChildWindow => {
            return manager
                .signin_popup_callback(&url)
                .map_err(|error| (AuthStep::FinishSignIn, error));
        }
        _ => return Ok(()),
    };
    match result {
        Ok(()) => {
            auth.arrival.set(Some(arrival));
            Ok(())
        }
        Err(error) => {
            if may_try_again(&error) {
                auth.live.update(|live| {
                    live.response = Some(url);
                    live.before = before;
                });
            }
            Err((step, error))
        }
    }
}

/// The URL with the response: the one whose processing failed before, or the page's, unless that
/// is another program's.
fn response_url(auth: Auth, manager: &UserManager) -> Option<String> {
    let left_behind = auth.live.update(|live| live.response.take()).flatten();
    if left_behind.is_some() {
        return left_behind;
    }
    if auth.live.plan().is_some_and(|plan| plan.skips(&page::url())) {
        return None;
    }
    // A code or an error in the URL must not be reloaded, bookmarked or sent as a referrer.
    let before = page::url();
    let url = manager.take_response();
    if page::url() != before {
        page::inform_router();
    }
    Some(url)
}

/// Whether the same response may be processed again.
fn may_try_again(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Retry | ErrorKind::Device)
}

/// Finishes a sign-in by the page's own client, after what another client made of the response. So
/// one code is redeemed once. Gives the user as well that the other client has stored where the
/// page's client does not look.
pub(crate) async fn finish<T>(
    begun: Option<Result<User, Error>>,
    own: impl Future<Output = Result<T, Error>>,
) -> (Result<T, Error>, Option<User>) {
    let begun = match begun {
        // It may have the tokens already, so it has to go on itself.
        Some(Err(error)) if may_try_again(&error) => return (Err(error), None),
        begun => begun,
    };
    match (own.await, begun) {
        // The other client has used the response up, and knows why it failed.
        (Err(Error::NoMatchingState { .. }), Some(Err(cause))) => (Err(cause), None),
        (Err(error @ Error::NoMatchingState { .. }), Some(Ok(user))) => (Err(error), Some(user)),
        (result, _) => (result, None),
    }
}

/// Whether a path stays at this origin.
pub(crate) fn is_local(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains('\\')
}
