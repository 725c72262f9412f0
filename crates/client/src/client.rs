//! What the operations of one client share, and how the user changes hands: into the store, to the
//! subscribers, to the other tabs.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use doorward_protocol::dpop::access_token_hash;

use crate::{
    Error, Event, Events, Fault, Settings, User,
    bell::Bell,
    callback::Callbacks,
    flight::Flight,
    metadata::MetadataService,
    pending,
    ports::{Guard, Ports},
    provider_http::ProviderHttp,
    settings::StoreKind,
    tabs::TabMessage,
    tokens::TokenClient,
    trace::Tracer,
    user_store::{Session, StoredUser, UserStore},
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
    /// The renewal under way, if there is one.
    pub renewal: Flight,
    /// Whether the watch renews by itself.
    pub renews: Cell<bool>,
    /// Whether the page woke since the watch looked last.
    pub woke: Cell<bool>,
    /// The user that the subscribers know of.
    told: RefCell<Option<Rc<StoredUser>>>,
    /// Rouses the watch: the user changed, or the page woke.
    pub bell: Rc<Bell>,
    /// Rouses the session monitor likewise.
    #[cfg(feature = "windows")]
    pub monitor_bell: Rc<Bell>,
    /// Subscriptions to what happens around the page.
    pub guards: RefCell<Vec<Guard>>,
}

impl Client {
    /// A client that does nothing by itself. Refuses settings that no request can be made with.
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
        let http = ProviderHttp::new(Rc::clone(&settings), Rc::clone(&ports), trace);
        let metadata = MetadataService::new(http.clone());
        Ok(Rc::new(Self {
            events,
            tokens: TokenClient { http, metadata: metadata.clone() },
            metadata,
            users: UserStore::new(&ports, &settings),
            callbacks: Callbacks::default(),
            renewal: Flight::default(),
            renews: Cell::new(settings.automatic_silent_renew),
            woke: Cell::default(),
            told: RefCell::default(),
            bell: Rc::default(),
            #[cfg(feature = "windows")]
            monitor_bell: Rc::default(),
            guards: RefCell::default(),
            settings,
            ports,
        }))
    }

    /// Watches the stored user, and hears of the other tabs, from now on.
    pub(crate) fn start(self: &Rc<Self>) {
        // Storage that fails now fails again, and is reported, when somebody asks for the user.
        let session = self.users.get().ok().flatten();
        self.told.replace(session.map(|session| session.stored));
        self.listen_to_tabs();
        // Whom this does not reach meets the mark of a token that was replaced.
        let _ = self.ask_for_holders();
        self.start_watch();
        #[cfg(feature = "windows")]
        self.start_monitor();
    }

    /// The user in the store.
    pub(crate) fn present_user(&self) -> Result<User, Fault> {
        let session = self.users.get()?.ok_or(Error::NotSignedIn)?;
        Ok(session.stored.user.clone())
    }

    /// Keeps a user who signed in or was renewed, and tells everybody.
    pub(crate) fn user_loaded(&self, stored: &Rc<StoredUser>) -> Result<(), Fault> {
        self.users.put(Rc::clone(stored))?;
        self.told.replace(Some(Rc::clone(stored)));
        self.events.emit(&Event::UserLoaded(stored.user.clone()));
        self.ports.broadcast.post(&TabMessage::UserChanged.write());
        self.rouse();
        Ok(())
    }

    /// Puts a user into the store as the caller gives it.
    pub(crate) fn store_user(&self, user: Option<User>) -> Result<(), Fault> {
        let Some(user) = user else {
            return self.user_unloaded(&TabMessage::UserChanged);
        };
        self.user_loaded(&Rc::new(StoredUser { user, requested_scope: None, lifetime: None }))
    }

    /// Removes the user and tells everybody; the message tells the other tabs why.
    pub(crate) fn user_unloaded(&self, message: &TabMessage) -> Result<(), Fault> {
        self.users.remove()?;
        self.tell_unloaded();
        self.ports.broadcast.post(&message.write());
        Ok(())
    }

    /// Removes the user because their session is over, here and in every tab.
    pub(crate) fn signed_out(&self, sub: &str) -> Result<(), Fault> {
        self.user_unloaded(&TabMessage::SignedOut { sub: sub.to_owned() })?;
        self.events.emit(&Event::UserSignedOut);
        Ok(())
    }

    /// Compares the store with what the subscribers were told last, and tells them what is new.
    /// Another tab may have changed the store, also while this page was frozen.
    pub(crate) fn notice_changes(&self) -> Result<(), Fault> {
        let Some(Session { stored: now, .. }) = self.users.get()? else {
            if self.told.borrow().is_some() {
                self.tell_unloaded();
            }
            return Ok(());
        };
        let before = self.told.replace(Some(Rc::clone(&now)));
        if before.as_ref().is_some_and(|before| before.user == now.user) {
            return Ok(());
        }
        self.events.emit(&Event::UserLoaded(now.user.clone()));
        if before.is_none_or(|before| before.user.sub() != now.user.sub()) {
            self.events.emit(&Event::UserSignedIn);
        }
        self.rouse();
        Ok(())
    }

    /// The user may be another: rouses who watches.
    fn rouse(&self) {
        self.bell.ring();
        #[cfg(feature = "windows")]
        self.monitor_bell.ring();
    }

    fn tell_unloaded(&self) {
        self.callbacks.forget();
        if self.told.take().is_some() {
            self.events.emit(&Event::UserUnloaded);
        }
        self.rouse();
    }

    fn listen_to_tabs(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let guard = self.ports.broadcast.subscribe(Box::new(move |text| {
            if let (Some(client), Some(message)) = (weak.upgrade(), TabMessage::read(text)) {
                // Storage that fails now fails again, and is reported, when somebody asks for the
                // user.
                let _ = client.hear(&message);
            }
        }));
        self.guards.borrow_mut().push(guard);
    }

    fn hear(self: &Rc<Self>, message: &TabMessage) -> Result<(), Fault> {
        match message {
            TabMessage::UserChanged => self.notice_changes(),
            TabMessage::SignedOut { sub } => {
                // Where the tabs share the store it is empty already; where not, this tab's copy
                // goes too. Another user, who signed in since or only in this tab, stays.
                let stored = self.users.get()?;
                if stored.is_some_and(|session| session.stored.user.sub() == sub) {
                    self.users.remove()?;
                }
                let was_told =
                    self.told.borrow().as_ref().is_some_and(|told| told.user.sub() == sub);
                self.notice_changes()?;
                if was_told && self.told.borrow().is_none() {
                    self.events.emit(&Event::UserSignedOut);
                }
                Ok(())
            }
            TabMessage::TokensFound { of, sign } => {
                if self.own_renewable()?.is_some_and(|(own, _)| own == *of)
                    && !self.users.is_signed(sign)?
                {
                    let held = TabMessage::TokensHeld { of: of.clone(), sign: sign.clone() };
                    self.ports.broadcast.post(&held.write());
                }
                Ok(())
            }
            TabMessage::TokensHeld { of, sign } => {
                if self.users.is_signed(sign)? {
                    // A token that this page has sent already is the other's no more, which finds
                    // the mark; unless the request fails.
                    let (client, of) = (Rc::clone(self), of.clone());
                    self.ports.timer.spawn(Box::pin(async move {
                        client.renewal.landed().await;
                        drop(client.leave_to_others(&of));
                    }));
                }
                Ok(())
            }
        }
    }

    /// Asks the other tabs who has this tab's tokens, too.
    fn ask_for_holders(&self) -> Result<(), Fault> {
        if let Some((of, _)) = self.own_renewable()? {
            let sign = pending::random_text(&*self.ports.entropy)?;
            self.users.sign(&sign)?;
            self.ports.broadcast.post(&TabMessage::TokensFound { of, sign }.write());
        }
        Ok(())
    }

    /// Tokens in a store that is this tab's alone and can be renewed: the access token's hash, and
    /// whose they are.
    fn own_renewable(&self) -> Result<Option<(String, Session)>, Fault> {
        let session = self.users.get()?.filter(|_| self.settings.user_store == StoreKind::Session);
        let session = session.filter(|session| session.stored.user.refresh_token.is_some());
        Ok(session.map(|session| (access_token_hash(&session.stored.user.access_token), session)))
    }

    /// Forgets the refresh token beside the access token of this hash, if the store is this tab's
    /// alone: another tab has it as well, and it must be sent once. The access token is good until
    /// it ends, and a hidden frame may bring others.
    pub(crate) fn leave_to_others(&self, of: &str) -> Result<bool, Fault> {
        let Some((_, session)) = self.own_renewable()?.filter(|(own, _)| own == of) else {
            return Ok(false);
        };
        let mut stored = StoredUser::clone(&session.stored);
        stored.user.refresh_token = None;
        self.user_loaded(&Rc::new(stored))?;
        Ok(true)
    }
}

/// The watch ends with the client.
impl Drop for Client {
    fn drop(&mut self) {
        self.rouse();
    }
}
