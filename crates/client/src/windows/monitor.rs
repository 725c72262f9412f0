//! Watches the session at the provider through its frame (OIDC Session Management section 3).
//!
//! The provider's frame compares the session state that it is sent with its own cookie. It says
//! "changed" also where the browser keeps that cookie from it, as most do by now for frames of
//! another site. So nobody is signed out on the word of a frame that never said "unchanged" of the
//! same session: then the watch ends in silence.

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
    Event, User,
    bell::Bell,
    client::Client,
    metadata::Endpoint,
    ports::{ChildWindow, Guard, Timer},
    url,
    user_store::StoredUser,
};

/// Pause before the provider is asked again who is signed in there, when it did not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(30);

/// What the provider's frame answers (section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Unchanged,
    Changed,
    Error,
}

impl Answer {
    fn read(text: &str) -> Option<Self> {
        match text {
            "unchanged" => Some(Self::Unchanged),
            "changed" => Some(Self::Changed),
            "error" => Some(Self::Error),
            _ => None,
        }
    }
}

/// The provider's frame.
struct Frame {
    window: Box<dyn ChildWindow>,
    origin: String,
    answers: UnboundedReceiver<Answer>,
    _messages: Guard,
}

/// What came of watching one session.
enum Outcome {
    /// The user is another or none: look for the next.
    Next,
    /// This session can't be watched, or is over.
    Over,
}

impl Client {
    /// Starts the monitor, which ends with the client, if the settings ask for it.
    pub(crate) fn start_monitor(self: &Rc<Self>) {
        if self.settings.monitor_session && self.ports.windows.is_some() {
            let monitor = monitor(Rc::downgrade(self), Rc::clone(&self.monitor_bell));
            self.ports.timer.spawn(Box::pin(monitor));
        }
    }

    async fn open_check_session(&self) -> Option<Frame> {
        let address = self.metadata.endpoint(Endpoint::CheckSession).await.ok()?;
        let origin = url::origin(&address)?.to_owned();
        let window = self.ports.windows.as_deref()?.open_frame()?;
        let (sender, answers) = mpsc::unbounded();
        let expected = origin.clone();
        let messages = window.hear(Box::new(move |origin, text| {
            if let Some(answer) = Answer::read(text).filter(|_| origin == expected) {
                // Nobody listens any more once the watch is over.
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

    /// Asks who is signed in at the provider now, and tells what is new. Without an answer that may
    /// still come, `None`.
    async fn session_changed(&self, user: &User) -> Option<Outcome> {
        let status = match self.query_session_status().await {
            Ok(status) => status,
            Err(error) => return (!error.is_transient()).then_some(Outcome::Over),
        };
        // Whoever signed in here meanwhile is not who was asked about.
        let stored = self.users.get().ok().flatten();
        let Some(session) = stored.filter(|session| session.stored.user.sub() == user.sub()) else {
            return Some(Outcome::Next);
        };
        let Some(status) = status.filter(|status| status.sub == user.sub()) else {
            // Storage that fails now fails again, and is reported, when somebody asks for the user.
            let _ = self.signed_out(user.sub());
            return Some(Outcome::Next);
        };
        let mut changed = StoredUser::clone(&session.stored);
        changed.user.session_state = status.session_state;
        if self.user_loaded(&Rc::new(changed)).is_err() {
            return Some(Outcome::Over);
        }
        self.events.emit(&Event::UserSessionChanged);
        Some(Outcome::Next)
    }
}

/// Waits for a user with a session to watch, watches it, and waits for the next.
async fn monitor(client: Weak<Client>, bell: Rc<Bell>) {
    loop {
        let watched = client.upgrade().and_then(|client| client.watched_user());
        let over = match watched {
            Some((user, session_state)) => {
                let outcome = watch(&client, &bell, &user, &session_state).await;
                matches!(outcome, Outcome::Over).then_some(session_state)
            }
            None => Some(String::new()),
        };
        let Some(over) = over else {
            continue;
        };
        // A session that is over is not watched again.
        loop {
            bell.heard().await;
            let Some(client) = client.upgrade() else {
                return;
            };
            if client.watched_user().is_some_and(|(_, session_state)| session_state != over) {
                break;
            }
        }
    }
}

/// Watches one session until it changes, cannot be watched, or the user is another.
async fn watch(weak: &Weak<Client>, bell: &Bell, user: &User, session_state: &str) -> Outcome {
    let Some(client) = weak.upgrade() else {
        return Outcome::Over;
    };
    let Some(mut frame) = client.open_check_session().await else {
        return Outcome::Over;
    };
    let question = [&client.settings.client_id, " ", session_state].concat();
    let pause = Duration::from_secs(client.settings.check_session_interval.max(1));
    let timer = Rc::clone(&client.ports.timer);
    // Between questions the monitor must not keep the client alive.
    drop(client);
    let mut seen_unchanged = false;
    loop {
        frame.window.post(&question, &frame.origin);
        let answer = answer_within(&mut frame, &*timer, bell, pause).await;
        let Some(client) = weak.upgrade() else {
            return Outcome::Over;
        };
        if client
            .watched_user()
            .is_none_or(|(now, state)| now.sub() != user.sub() || state != session_state)
        {
            return Outcome::Next;
        }
        match answer {
            Some(Answer::Unchanged) => seen_unchanged = true,
            Some(Answer::Changed) if seen_unchanged => match client.session_changed(user).await {
                Some(outcome) => return outcome,
                None => timer.sleep(RETRY_PAUSE).await,
            },
            // "changed" from the start: the frame is kept from its cookie.
            Some(Answer::Changed | Answer::Error) => return Outcome::Over,
            None => {}
        }
    }
}

/// Waits for the pause before the next question. An answer that is not "unchanged", and the bell,
/// end it at once.
async fn answer_within(
    frame: &mut Frame,
    timer: &dyn Timer,
    bell: &Bell,
    pause: Duration,
) -> Option<Answer> {
    let mut seen = None;
    let mut over = pin!(timer.sleep(pause));
    let mut heard = pin!(bell.heard());
    loop {
        match select(select(&mut over, &mut heard), frame.answers.next()).await {
            Either::Right((Some(Answer::Unchanged), _)) => seen = Some(Answer::Unchanged),
            Either::Right((answer, _)) => return answer,
            Either::Left(_) => return seen,
        }
    }
}
