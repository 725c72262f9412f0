//! The provider's response in the page's URL.

use doorward_client::{CallbackKind, Error, ErrorKind, UserManager};
use leptos::prelude::*;

use crate::{Arrival, Auth, AuthStep, page};

/// Processes the provider's response in the page's URL, or one whose processing failed before.
pub(crate) async fn accept_response(
    auth: Auth,
    manager: &UserManager,
) -> Result<(), (AuthStep, Error)> {
    let skips = auth.live.plan().and_then(|plan| plan.skip_callback.clone());
    let left_behind = auth.live.update(|live| live.response.take()).flatten();
    let before = auth.live.update(|live| live.before.take()).flatten();
    let begun = match (&left_behind, before) {
        // It is through before this one begins, so that one code is redeemed once.
        (Some(url), Some(before)) => Some(before.manager().signin_redirect_callback(url).await),
        _ => None,
    };
    let url = match left_behind {
        Some(url) => url,
        None if skips.is_some_and(|skips| skips(&page::url())) => return Ok(()),
        None => {
            // A code or an error in the URL must not be reloaded, bookmarked or sent as a referrer.
            let before = page::url();
            let url = manager.take_response();
            if page::url() != before {
                page::inform_router();
            }
            url
        }
    };
    let (result, arrival, step) = match manager.callback_kind(&url) {
        CallbackKind::Signin => {
            let result = match (manager.signin_redirect_callback(&url).await, begun) {
                // The other client has used the response up, and knows why it failed.
                (Err(Error::NoMatchingState { .. }), Some(Err(cause))) => Err(cause),
                (result, _) => result,
            };
            let result = result.map(|outcome| {
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
            if matches!(error.kind(), ErrorKind::Retry | ErrorKind::Device) {
                auth.live.update(|live| live.response = Some(url));
            }
            Err((step, error))
        }
    }
}

/// Whether a path stays at this origin.
pub(crate) fn is_local(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains('\\')
}
