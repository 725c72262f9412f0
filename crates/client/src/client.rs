//! The state that the operations of one client share, and what happens when the user changes: the
//! store is written, subscribers and the other tabs are informed.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use crate::{
    AuthEvent, Error, Events, Fault, Settings, User,
    flow::{
        callback::Callbacks, pending, renewal::UnverifiedRenewal, resource::ResourceTokens,
        tokens::TokenClient,
    },
    lean::{notify::Notify, single_flight::SingleFlight},
    metadata::MetadataService,
    popups::Monitor,
    ports::{Guard, Ports},
    tabs::{SharedToken, message::TabMessage},
    trace::Tracer,
    transport::Transport,
    user_store::{SessionBegin, StoredSession, StoredUser, UserStore},
};

/// One client at one provider.
pub(crate) struct Client {
    pub settings: Rc<Settings>,
    pub ports: Rc<Ports>,
    pub events: Events,
    pub metadata: MetadataService,
    pub tokens: TokenClient,
    pub users: UserStore,
    pub callbacks: Callbacks,
    /// What the token endpoint answered to the last refresh token, until it is verified and stored.
    pub unverified: RefCell<Vec<UnverifiedRenewal>>,
    /// Tokens for further APIs.
    pub resources: ResourceTokens,
    /// A refresh token that another tab has as well.
    pub shared_token: RefCell<SharedToken>,
    /// The renewal that is running, if there is one.
    pub renewal: SingleFlight,
    /// Whether the watch renews tokens without being asked.
    pub renews: Cell<bool>,
    /// Whether the page woke up since the watch last ran.
    pub woke: Cell<bool>,
    /// The user that subscribers were last informed about.
    pub announced: RefCell<Option<Rc<StoredUser>>>,
    /// Wakes the watch when the user changed or the page woke up.
    pub wake: Rc<Notify>,
    /// Watches the session at the provider.
    pub monitor: Monitor,
    /// Subscriptions to events around the page.
    pub guards: RefCell<Vec<Guard>>,
}

impl Client {
    /// Creates a client that does nothing until it is asked. Refuses invalid settings.
    pub(crate) fn new(settings: Settings, ports: Ports) -> Result<Rc<Self>, Fault> {
        settings.validate()?;
        if settings.dpop && ports.signer.is_none() {
            return Err(
                Error::Settings("dpop needs a key, and these ports have none".to_owned()).into()
            );
        }
        let (settings, ports) = (Rc::new(settings), Rc::new(ports));
        let events = Events::default();
        let trace = Tracer::new(&events, &ports);
        let http = Transport::new(Rc::clone(&settings), Rc::clone(&ports), trace);
        let metadata = MetadataService::new(http.clone());
        Ok(Rc::new(Self {
            events,
            tokens: TokenClient { http, metadata: metadata.clone() },
            metadata,
            users: UserStore::new(&ports, &settings),
            callbacks: Callbacks::default(),
            unverified: RefCell::default(),
            resources: ResourceTokens::default(),
            shared_token: RefCell::default(),
            renewal: SingleFlight::default(),
            renews: Cell::new(settings.automatic_silent_renew),
            woke: Cell::default(),
            announced: RefCell::default(),
            wake: Rc::default(),
            monitor: Monitor::default(),
            guards: RefCell::default(),
            settings,
            ports,
        }))
    }

    /// Starts to watch the stored user and to listen to the other tabs.
    pub(crate) fn start(self: &Rc<Self>) {
        self.metadata.keep();
        // A storage failure is reported when somebody asks for the user.
        let session = self.users.get().ok().flatten();
        self.announced.replace(session.map(|session| session.stored));
        self.listen_to_tabs();
        // A tab that does not receive this finds the mark of the replaced token instead.
        let _ = self.ask_for_holders();
        self.start_watch();
        self.start_monitor();
    }

    /// Stores a user who signed in or was renewed, and informs subscribers and the other tabs.
    pub(crate) fn user_loaded(&self, stored: &Rc<StoredUser>) -> Result<(), Fault> {
        let mut stored = Rc::clone(stored);
        if stored.began.id.is_empty() {
            let id = pending::random_text(&*self.ports.entropy)?;
            let began = SessionBegin { id, at: self.ports.clock.now() };
            stored = Rc::new(StoredUser { began, ..StoredUser::clone(&stored) });
        }
        self.users.put(Rc::clone(&stored))?;
        self.announced.replace(Some(Rc::clone(&stored)));
        self.events.emit(&AuthEvent::UserLoaded(stored.user.clone()));
        self.ports.broadcast.post(&self.user_changed().write());
        self.wake_watchers();
        Ok(())
    }

    /// Stores the user that the caller provides.
    pub(crate) fn store_user(&self, user: Option<User>) -> Result<(), Fault> {
        let Some(user) = user else {
            return self.remove_user();
        };
        self.user_loaded(&Rc::new(StoredUser::new(user)))
    }

    /// Removes the user and informs subscribers and the other tabs.
    pub(crate) fn remove_user(&self) -> Result<(), Fault> {
        self.users.remove()?;
        self.announce_unloaded();
        self.ports.broadcast.post(&self.user_changed().write());
        Ok(())
    }

    /// Removes the user because the session is over, here and in every tab.
    pub(crate) fn signed_out(&self, stored: &StoredUser) -> Result<(), Fault> {
        self.users.remove()?;
        self.announce_unloaded();
        let message = TabMessage::SignedOut {
            sub: stored.user.sub().to_owned(),
            session: stored.session_id(),
            at: Some(self.ports.clock.now()),
        };
        self.ports.broadcast.post(&message.write());
        self.events.emit(&AuthEvent::UserSignedOut);
        Ok(())
    }

    /// Compares the store with the user that subscribers know, and informs them of changes. Another
    /// tab may have changed the store, even while this page was frozen.
    pub(crate) fn notice_changes(&self) -> Result<(), Fault> {
        let Some(StoredSession { stored: now, .. }) = self.users.get()? else {
            if self.announced.borrow().is_some() {
                self.announce_unloaded();
            }
            return Ok(());
        };
        let before = self.announced.replace(Some(Rc::clone(&now)));
        if before.as_ref().is_some_and(|before| before.user == now.user) {
            return Ok(());
        }
        self.events.emit(&AuthEvent::UserLoaded(now.user.clone()));
        if before.is_none_or(|before| before.user.sub() != now.user.sub()) {
            self.events.emit(&AuthEvent::UserSignedIn);
        }
        self.wake_watchers();
        Ok(())
    }

    /// Wakes the tasks that watch the user, who may have changed.
    pub(crate) fn wake_watchers(&self) {
        self.wake.notify();
        self.monitor.wake();
    }

    fn announce_unloaded(&self) {
        self.callbacks.forget();
        if let Some(gone) = self.announced.take() {
            // A failure leaves an entry that expires.
            let _ = pending::forget_answered(&self.ports, &gone.session_id());
            self.events.emit(&AuthEvent::UserUnloaded);
        }
        self.wake_watchers();
    }
}

/// The watch ends when the client is dropped.
impl Drop for Client {
    fn drop(&mut self) {
        self.wake_watchers();
    }
}
