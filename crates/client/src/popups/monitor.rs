//! Watches the session at the provider through its frame (OIDC Session Management section 3).
//!
//! The provider's frame compares the session state with its own cookie. It also answers "changed"
//! if the browser hides that cookie, as most browsers do for frames of another site. Therefore a
//! "changed" counts only after an "unchanged" for the same session. Otherwise the monitor stops
//! silently.

use std::{
    pin::pin,
    rc::{Rc, Weak},
    time::Duration,
};

use futures::{
    StreamExt as _,
    channel::mpsc::{self, UnboundedReceiver},
    future::{Either, select},
};

use crate::{
    AuthEvent, User,
    client::Client,
    lean::{notify::Notify, url},
    metadata::Endpoint,
    ports::{ChildWindow, Guard, Timer},
    user_store::StoredUser,
};

/// The pause before the provider is asked again if it did not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(30);

/// A reply of the provider's frame (section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrameReply {
    Unchanged,
    Changed,
    Error,
}

impl FrameReply {
    fn read(text: &str) -> Option<Self> {
        match text {
            "unchanged" => Some(Self::Unchanged),
            "changed" => Some(Self::Changed),
            "error" => Some(Self::Error),
            _ => None,
        }
    }
}

/// The session monitor of one client.
#[derive(Default)]
pub(crate) struct Monitor(Rc<Notify>);

impl Monitor {
    /// Makes the monitor read the user again.
    pub(crate) fn wake(&self) {
        self.0.notify();
    }
}

/// The provider's frame.
struct Frame {
    window: Box<dyn ChildWindow>,
    origin: String,
    answers: UnboundedReceiver<FrameReply>,
    _messages: Guard,
}

/// Why the watch of one session ended.
enum WatchEnd {
    /// The user changed: continue with the next session.
    Next,
    /// This session is over or cannot be watched.
    Over,
}

impl Client {
    /// Starts the monitor if the settings ask for it. It ends when the client is dropped.
    pub(crate) fn start_monitor(self: &Rc<Self>) {
        if self.settings.monitor_session && self.ports.popups.is_some() {
            let monitor = monitor(Rc::downgrade(self), Rc::clone(&self.monitor.0));
            self.ports.timer.spawn(Box::pin(monitor));
        }
    }

    async fn open_check_session(&self) -> Option<Frame> {
        let address = self.metadata.endpoint(Endpoint::CheckSession).await.ok()?;
        let origin = url::origin(&address)?.to_owned();
        let window = self.ports.popups.as_deref()?.open_frame()?;
        let (sender, answers) = mpsc::unbounded();
        let expected = origin.clone();
        let messages = window.on_message(Box::new(move |origin, text| {
            if let Some(answer) = FrameReply::read(text).filter(|_| origin == expected) {
                // Nobody receives it once the watch is over.
                let _ = sender.unbounded_send(answer);
            }
        }));
        window.go(&address);
        Some(Frame { window, origin, answers, _messages: messages })
    }

    fn watched_user(&self) -> Option<(User, String)> {
        let user = self.users.get().ok().flatten()?.stored.user.clone();
        let session_state = user.session_state.clone()?;
        Some((user, session_state))
    }

    /// Asks the provider who is signed in now, and emits what changed. Returns `None` if there may
    /// be an answer later.
    async fn session_changed(&self, user: &User) -> Option<WatchEnd> {
        let status = match self.query_session_status().await {
            Ok(status) => status,
            Err(error) => return (!error.is_transient()).then_some(WatchEnd::Over),
        };
        // Another user may have signed in here in the meantime.
        let stored = self.users.get().ok().flatten();
        let Some(session) = stored.filter(|session| session.stored.user.sub() == user.sub()) else {
            return Some(WatchEnd::Next);
        };
        let Some(status) = status.filter(|status| status.sub == user.sub()) else {
            // A storage failure is reported when somebody asks for the user.
            let _ = self.signed_out(&session.stored);
            return Some(WatchEnd::Next);
        };
        let mut changed = StoredUser::clone(&session.stored);
        changed.user.session_state = status.session_state;
        if self.user_loaded(&Rc::new(changed)).is_err() {
            return Some(WatchEnd::Over);
        }
        self.events.emit(&AuthEvent::UserSessionChanged);
        Some(WatchEnd::Next)
    }
}

/// Waits for a user with a session, watches that session, and waits for the next.
async fn monitor(client: Weak<Client>, wake: Rc<Notify>) {
    loop {
        let watched = client.upgrade().and_then(|client| client.watched_user());
        let over = match watched {
            Some((user, session_state)) => {
                let outcome = watch(&client, &wake, &user, &session_state).await;
                matches!(outcome, WatchEnd::Over).then_some(session_state)
            }
            None => Some(String::new()),
        };
        let Some(over) = over else {
            continue;
        };
        // A session that is over is not watched again.
        loop {
            wake.notified().await;
            let Some(client) = client.upgrade() else {
                return;
            };
            if client.watched_user().is_some_and(|(_, session_state)| session_state != over) {
                break;
            }
        }
    }
}

/// Watches one session until it changes, cannot be watched, or belongs to another user.
async fn watch(weak: &Weak<Client>, wake: &Notify, user: &User, session_state: &str) -> WatchEnd {
    let Some(client) = weak.upgrade() else {
        return WatchEnd::Over;
    };
    let Some(mut frame) = client.open_check_session().await else {
        return WatchEnd::Over;
    };
    let question = [&client.settings.client_id, " ", session_state].concat();
    let pause = Duration::from_secs(client.settings.check_session_interval.max(1));
    let timer = Rc::clone(&client.ports.timer);
    // The monitor must not keep the client alive between questions.
    drop(client);
    let mut seen_unchanged = false;
    loop {
        frame.window.post(&question, &frame.origin);
        let answer = answer_within(&mut frame, &*timer, wake, pause).await;
        let Some(client) = weak.upgrade() else {
            return WatchEnd::Over;
        };
        if client
            .watched_user()
            .is_none_or(|(now, state)| now.sub() != user.sub() || state != session_state)
        {
            return WatchEnd::Next;
        }
        match answer {
            Some(FrameReply::Unchanged) => seen_unchanged = true,
            Some(FrameReply::Changed) if seen_unchanged => match client.session_changed(user).await
            {
                Some(outcome) => return outcome,
                None => timer.sleep(RETRY_PAUSE).await,
            },
            // "changed" from the start: the browser hides the cookie from the frame.
            Some(FrameReply::Changed | FrameReply::Error) => return WatchEnd::Over,
            None => {}
        }
    }
}

/// Waits for the pause before the next question. A reply other than "unchanged", or a notification,
/// ends the wait.
async fn answer_within(
    frame: &mut Frame,
    timer: &dyn Timer,
    wake: &Notify,
    pause: Duration,
) -> Option<FrameReply> {
    let mut seen = None;
    let mut over = pin!(timer.sleep(pause));
    let mut notified = pin!(wake.notified());
    loop {
        match select(select(&mut over, &mut notified), frame.answers.next()).await {
            Either::Right((Some(FrameReply::Unchanged), _)) => seen = Some(FrameReply::Unchanged),
            Either::Right((answer, _)) => return answer,
            Either::Left(_) => return seen,
        }
    }
}
