//! The start of sign-in on a page, without the client's code if the page can do without it.

use doorward_client::Error;
#[cfg(feature = "split")]
use doorward_client::Settings;
use leptos::prelude::*;

use crate::{Auth, AuthFailure, AuthStatus, AuthStep, engine::Task};

/// Finds out who is signed in.
pub(crate) async fn start(auth: Auth) {
    #[cfg(all(feature = "split", target_arch = "wasm32"))]
    if doorward_client::CallbackKind::may_be_in(&crate::page::url()) {
        // The response in the URL will need the client, whatever the settings are.
        leptos::task::spawn_local(crate::engine::preload());
    }
    #[cfg(feature = "split")]
    if auth.live.client().is_none() && !crate::early::is_begun() {
        let Some(settings) = settings(auth).await else {
            return set_status(auth, AuthStatus::Unavailable);
        };
        if needs_no_client(auth, &settings) {
            #[cfg(target_arch = "wasm32")]
            if crate::page::comes_from_cache() {
                // So does the client, if the visitor has ever signed in.
                request_idle_callback(move || {
                    leptos::task::spawn_local(async move {
                        // A failure is reported by whoever needs the client.
                        drop((auth.engine)(auth, Task::SetUp).await);
                    });
                });
            }
            return set_status(auth, AuthStatus::SignedOut);
        }
    }
    attempt(auth, AuthStep::Start, Task::Start).await;
    if auth.status.try_with_untracked(|status| *status == AuthStatus::Loading) == Some(true) {
        set_status(auth, AuthStatus::SignedOut);
    }
}

/// Runs a task, and reports a failure of this step.
pub(crate) async fn attempt(auth: Auth, step: AuthStep, task: Task) {
    if let Err(error) = (auth.engine)(auth, task).await {
        auth.leaving.set(false);
        fail(auth, step, error);
    }
}

pub(crate) fn fail(auth: Auth, step: AuthStep, error: Error) {
    auth.failure.set(Some(AuthFailure { step, error }));
}

pub(crate) fn set_status(auth: Auth, status: AuthStatus) {
    let had_user = auth.status.try_with_untracked(|before| before.user().is_some());
    if had_user == Some(true) && !matches!(status, AuthStatus::SignedIn(_)) {
        // The session ended while the page lived. Only the user begins the next one.
        auth.waits.set(true);
    }
    auth.status.set(status);
    let wakers = auth.live.update(|live| std::mem::take(&mut live.wakers));
    wakers.unwrap_or_default().into_iter().for_each(std::task::Waker::wake);
}

/// The settings, which are loaded the first time.
pub(crate) async fn settings(auth: Auth) -> Option<std::rc::Rc<doorward_client::Settings>> {
    let known = auth.live.update(|live| live.settings.clone()).flatten();
    if known.is_some() {
        return known;
    }
    let plan = auth.live.plan()?;
    let settings = std::rc::Rc::new((plan.load)().await?);
    auth.live.update(|live| live.settings = Some(std::rc::Rc::clone(&settings)));
    Some(settings)
}

/// Whether the client would find nobody and nothing.
#[cfg(feature = "split")]
fn needs_no_client(auth: Auth, settings: &Settings) -> bool {
    #[cfg(target_arch = "wasm32")]
    let is_idle = doorward_client::browser::is_idle(settings);
    #[cfg(not(target_arch = "wasm32"))]
    let is_idle = settings.authority.is_empty();
    is_idle
        && auth
            .live
            .plan()
            .is_some_and(|plan| plan.make.is_none() && !plan.begins_at(&crate::page::path()))
}
