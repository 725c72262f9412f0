//! The environment of the client: time, tabs and everything else.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
    time::Duration,
};

use async_trait::async_trait;
use futures::{
    channel::oneshot,
    executor::{LocalPool, LocalSpawner},
    task::LocalSpawnExt as _,
};

use super::{
    dpop::FakeSigner,
    popups::FakePopups,
    provider::{FakeVerifier, ISSUER, Provider},
};
use crate::{
    AuthEvent, Settings, SigninOutcome, SigninRequestArgs, StorageLease, Subscription, UserManager,
    in_page::{MemoryStorage, PageLocks},
    ports::{
        Broadcast, Clock, Entropy, EntropyError, Guard, LocalFuture, Locks, Navigator, Ports,
        Redirect, Storage, StorageError, Timer,
    },
};

/// A Saturday in November 2025.
const START: u64 = 1_763_800_000;
pub const REDIRECT_URI: &str = "https://app.example/cb";

/// A clock that only the test moves.
#[derive(Default)]
pub struct FakeClock {
    elapsed: Cell<Duration>,
    /// The time while the device slept, which the monotonic clock does not count.
    slept: Cell<Duration>,
    /// How far the device's wall clock is ahead, in seconds.
    pub wall_ahead: Cell<i64>,
    waiting: RefCell<Vec<(Duration, oneshot::Sender<()>)>>,
}

impl FakeClock {
    pub fn true_time(&self) -> u64 {
        START + (self.elapsed.get() + self.slept.get()).as_secs()
    }

    pub async fn sleep_for(&self, duration: Duration) {
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push((self.elapsed.get() + duration, sender));
        let _ = receiver.await;
    }

    /// Moves to the next active timer, unless it is after the limit.
    fn next(&self, limit: Duration) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        waiting.retain(|(_, sender)| !sender.is_canceled());
        let first = (0..waiting.len()).min_by_key(|index| waiting[*index].0);
        match first {
            Some(first) if waiting[first].0 <= limit => {
                let (at, sender) = waiting.remove(first);
                self.elapsed.set(self.elapsed.get().max(at));
                let _ = sender.send(());
                true
            }
            _ => false,
        }
    }
}

impl Clock for FakeClock {
    fn now(&self) -> u64 {
        self.true_time().saturating_add_signed(self.wall_ahead.get())
    }

    fn monotonic(&self) -> Duration {
        self.elapsed.get()
    }
}

struct FakeTimer {
    clock: Rc<FakeClock>,
    spawner: LocalSpawner,
    /// The minimum duration of a timer, as in a page that was hidden for minutes.
    shortest: Duration,
}

#[async_trait(?Send)]
impl Timer for FakeTimer {
    async fn sleep(&self, duration: Duration) {
        self.clock.sleep_for(duration.max(self.shortest)).await;
    }

    fn spawn(&self, task: LocalFuture<()>) {
        self.spawner.spawn_local(task).unwrap();
    }
}

/// Counts instead of generating random numbers: values differ, and tests are repeatable.
#[derive(Default)]
struct FakeEntropy(Cell<u8>);

impl Entropy for FakeEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.0.set(self.0.get().wrapping_add(1));
        buffer.fill(self.0.get());
        Ok(())
    }
}

type Handler = Box<dyn Fn(&str)>;

/// The channel of the origin's tabs. Messages arrive at once, or when a suspended tab resumes.
#[derive(Default)]
struct Hub {
    listeners: RefCell<Vec<(usize, Rc<Handler>)>>,
    /// The tab that is suspended, and the messages that wait for it. `None`: they are lost.
    suspended: Cell<Option<usize>>,
    waiting: RefCell<Option<Vec<String>>>,
}

struct FakeBroadcast {
    hub: Rc<Hub>,
    tab: usize,
}

impl Broadcast for FakeBroadcast {
    fn post(&self, message: &str) {
        let listeners: Vec<_> = self.hub.listeners.borrow().clone();
        for (tab, listener) in listeners {
            if self.hub.suspended.get() == Some(tab) {
                if let Some(waiting) = &mut *self.hub.waiting.borrow_mut() {
                    waiting.push(message.to_owned());
                }
            } else if tab != self.tab {
                listener(message);
            }
        }
    }

    fn subscribe(&self, handler: Handler) -> Guard {
        self.hub.listeners.borrow_mut().push((self.tab, Rc::new(handler)));
        Guard::new(|| ())
    }
}

/// Web Locks: locks and marks that all tabs share.
#[derive(Clone, Default)]
struct FakeLocks {
    locks: PageLocks,
    marked: Rc<RefCell<Vec<String>>>,
}

#[async_trait(?Send)]
impl Locks for FakeLocks {
    async fn acquire(&self, name: &str) -> Guard {
        self.locks.acquire(name).await
    }

    async fn mark(&self, name: &str) -> Option<Guard> {
        if self.marked.borrow().iter().any(|own| own == name) {
            return None;
        }
        self.marked.borrow_mut().push(name.to_owned());
        let (marked, name) = (Rc::clone(&self.marked), name.to_owned());
        Some(Guard::new(move || marked.borrow_mut().retain(|own| *own != name)))
    }

    fn has_marks(&self) -> bool {
        true
    }
}

/// A window that does not navigate.
#[derive(Default)]
pub struct FakeNavigator {
    pub url: RefCell<String>,
    pub gone_to: RefCell<Vec<String>>,
    /// How the page was last left.
    pub left_by: Cell<Redirect>,
    on_wake: RefCell<Vec<Box<dyn Fn()>>>,
}

impl FakeNavigator {
    pub fn wake(&self) {
        for handler in &*self.on_wake.borrow() {
            handler();
        }
    }
}

impl Navigator for FakeNavigator {
    fn current_url(&self) -> String {
        self.url.borrow().clone()
    }

    fn go(&self, url: &str, redirect: Redirect) {
        self.left_by.set(redirect);
        self.gone_to.borrow_mut().push(url.to_owned());
    }

    fn show_url(&self, url: &str) {
        url.clone_into(&mut self.url.borrow_mut());
    }

    fn on_wake(&self, handler: Box<dyn Fn()>) -> Guard {
        self.on_wake.borrow_mut().push(handler);
        Guard::new(|| ())
    }
}

/// A view of storage that several tabs share, as one browser process has it: its own writes are
/// visible at once, those of others only when they arrive.
#[derive(Default)]
pub struct LateStorage {
    shared: MemoryStorage,
    view: MemoryStorage,
    handlers: RefCell<Vec<Rc<Handler>>>,
    /// Whether writes fail.
    pub is_full: Cell<bool>,
}

impl LateStorage {
    pub fn of(shared: &MemoryStorage) -> Rc<Self> {
        Rc::new(Self { shared: shared.clone(), ..Self::default() })
    }

    /// The writes of others arrive. Each changed key gives a `storage` event, unless that is lost.
    pub fn arrive(&self, with_events: bool) {
        let mut keys = self.shared.keys().unwrap();
        keys.extend(self.view.keys().unwrap());
        for key in keys {
            let new = self.shared.get(&key).unwrap();
            if self.view.get(&key).unwrap() == new {
                continue;
            }
            match new {
                Some(text) => self.view.set(&key, &text).unwrap(),
                None => self.view.remove(&key).unwrap(),
            }
            if with_events {
                let handlers = self.handlers.borrow().clone();
                for handler in &handlers {
                    handler(&key);
                }
            }
        }
    }
}

impl Storage for LateStorage {
    fn get(&self, key: &str) -> Result<Option<String>, StorageError> {
        self.view.get(key)
    }

    fn set(&self, key: &str, value: &str) -> Result<(), StorageError> {
        if self.is_full.get() {
            return Err(StorageError("full".to_owned()));
        }
        self.shared.set(key, value)?;
        self.view.set(key, value)
    }

    fn remove(&self, key: &str) -> Result<(), StorageError> {
        self.shared.remove(key)?;
        self.view.remove(key)
    }

    fn keys(&self) -> Result<Vec<String>, StorageError> {
        self.view.keys()
    }

    fn on_change(&self, handler: Handler) -> Guard {
        self.handlers.borrow_mut().push(Rc::new(handler));
        Guard::new(|| ())
    }
}

/// Copies all entries of one store to another.
pub fn copy(from: &MemoryStorage, to: &MemoryStorage) {
    for key in from.keys().unwrap() {
        to.set(&key, &from.get(&key).unwrap().unwrap()).unwrap();
    }
}

/// One page with a client on it.
pub struct Tab {
    pub manager: UserManager,
    pub navigator: Rc<FakeNavigator>,
    pub session_storage: MemoryStorage,
    number: usize,
    events: Rc<RefCell<Vec<String>>>,
    _subscription: Subscription,
}

impl Tab {
    /// The names of the events since the last call.
    pub fn events(&self) -> Vec<String> {
        self.events.take()
    }
}

pub struct World {
    pool: RefCell<LocalPool>,
    pub clock: Rc<FakeClock>,
    pub provider: Rc<Provider>,
    pub local_storage: MemoryStorage,
    locks: FakeLocks,
    /// Whether new tabs are without Web Locks.
    pub without_web_locks: Cell<bool>,
    hub: Rc<Hub>,
    tabs: Cell<usize>,
    /// The shortest timer of new tabs.
    pub shortest_timer: Cell<Duration>,
    pub verifier: Rc<FakeVerifier>,
    /// The popups and frames of new tabs.
    pub popups: RefCell<Option<Rc<FakePopups>>>,
    /// The key of proofs of new tabs.
    pub signer: RefCell<Option<Rc<FakeSigner>>>,
}

impl World {
    pub fn new() -> Self {
        let clock = Rc::new(FakeClock::default());
        Self {
            pool: RefCell::default(),
            provider: Rc::new(Provider::new(Rc::clone(&clock))),
            clock,
            local_storage: MemoryStorage::default(),
            locks: FakeLocks::default(),
            without_web_locks: Cell::default(),
            hub: Rc::default(),
            tabs: Cell::default(),
            shortest_timer: Cell::default(),
            verifier: Rc::default(),
            signer: RefCell::default(),
            popups: RefCell::default(),
        }
    }

    pub fn settings() -> Settings {
        Settings {
            scope: "openid profile".to_owned(),
            ..Settings::new(ISSUER, "app", REDIRECT_URI)
        }
    }

    pub fn tab(&self) -> Tab {
        self.tab_with(Self::settings(), MemoryStorage::default())
    }

    /// A tab with this user store.
    pub fn tab_with(&self, settings: Settings, user_store: MemoryStorage) -> Tab {
        self.try_tab_with(settings, user_store).unwrap()
    }

    /// The same, with settings that may be refused.
    pub fn try_tab_with(
        &self,
        settings: Settings,
        user_store: MemoryStorage,
    ) -> Result<Tab, crate::Error> {
        let store = Rc::new(user_store.clone());
        self.try_tab_on(settings, store, user_store)
    }

    /// A tab whose users are in a store of another kind.
    pub fn tab_on(&self, settings: Settings, store: Rc<dyn Storage>) -> Tab {
        self.try_tab_on(settings, store, MemoryStorage::default()).unwrap()
    }

    /// The same, with what the tab has kept over a reload.
    pub fn reloaded_on(
        &self,
        settings: Settings,
        store: Rc<dyn Storage>,
        session_storage: MemoryStorage,
    ) -> Tab {
        self.try_tab_on(settings, store, session_storage).unwrap()
    }

    fn try_tab_on(
        &self,
        settings: Settings,
        store: Rc<dyn Storage>,
        session_storage: MemoryStorage,
    ) -> Result<Tab, crate::Error> {
        let navigator = Rc::new(FakeNavigator::default());
        let ports = Ports { user_store: store, ..self.ports(&navigator, &session_storage) };
        let number = self.tabs.get();
        let manager = UserManager::new(settings, ports)?;
        let events = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&events);
        let subscription = manager.events().subscribe(move |event| {
            let name = name(event);
            if name != TRACE {
                log.borrow_mut().push(name.to_owned());
            }
        });
        let tab = Tab {
            manager,
            navigator,
            session_storage,
            number,
            events,
            _subscription: subscription,
        };
        self.settle();
        Ok(tab)
    }

    /// The ports of another tab.
    pub fn ports(&self, navigator: &Rc<FakeNavigator>, user_store: &MemoryStorage) -> Ports {
        self.tabs.set(self.tabs.get() + 1);
        Ports {
            http: Rc::clone(&self.provider) as _,
            state_store: Rc::new(self.local_storage.clone()),
            user_store: Rc::new(user_store.clone()),
            tab_store: Rc::new(user_store.clone()),
            clock: Rc::clone(&self.clock) as _,
            entropy: Rc::new(self.entropy()),
            verifier: Rc::clone(&self.verifier) as _,
            locks: self.locks_of_tab(),
            broadcast: Rc::new(FakeBroadcast { hub: Rc::clone(&self.hub), tab: self.tabs.get() }),
            navigator: Rc::clone(navigator) as _,
            signer: self.signer.borrow().clone().map(|signer| signer as _),
            assertions: None,
            popups: self.popups.borrow().clone().map(|popups| popups as _),
            timer: Rc::new(self.timer()),
        }
    }

    fn locks_of_tab(&self) -> Rc<dyn Locks> {
        if self.without_web_locks.get() {
            Rc::new(self.lease())
        } else {
            Rc::new(self.locks.clone())
        }
    }

    /// The lock of a tab without Web Locks.
    pub fn lease(&self) -> StorageLease {
        self.tabs.set(self.tabs.get() + 1);
        StorageLease {
            store: Rc::new(self.local_storage.clone()),
            clock: Rc::clone(&self.clock) as _,
            timer: Rc::new(self.timer()),
            entropy: Rc::new(self.entropy()),
            page: PageLocks::default(),
        }
    }

    fn timer(&self) -> FakeTimer {
        FakeTimer {
            clock: Rc::clone(&self.clock),
            spawner: self.pool.borrow().spawner(),
            shortest: self.shortest_timer.get(),
        }
    }

    fn entropy(&self) -> FakeEntropy {
        FakeEntropy(Cell::new(u8::try_from(self.tabs.get() * 50 % 256).unwrap()))
    }

    /// Runs all tasks until they wait for time to pass.
    pub fn settle(&self) {
        self.pool.borrow_mut().run_until_stalled();
    }

    /// Starts a task that nobody waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.pool.borrow().spawner().spawn_local(task).unwrap();
    }

    /// Lets time pass, and fires all timers in between.
    pub fn pass(&self, duration: Duration) {
        let end = self.clock.elapsed.get() + duration;
        self.settle();
        while self.clock.next(end) {
            self.settle();
        }
        self.clock.elapsed.set(end);
        self.settle();
    }

    pub fn pass_seconds(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// The device sleeps: the wall clock continues, but timers and the monotonic clock stop.
    pub fn device_sleeps(&self, seconds: u64) {
        self.clock.slept.set(self.clock.slept.get() + Duration::from_secs(seconds));
    }

    /// Runs a future to its end, with as little time as it needs.
    pub fn run<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> T {
        let result = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&result);
        self.pool
            .borrow()
            .spawner()
            .spawn_local(async move {
                *slot.borrow_mut() = Some(future.await);
            })
            .unwrap();
        for _ in 0..10_000 {
            self.settle();
            if let Some(result) = result.borrow_mut().take() {
                return result;
            }
            assert!(self.clock.next(Duration::MAX), "nothing will ever happen");
        }
        panic!("no end in sight");
    }

    /// Waits until an endpoint has received this number of requests. The last one is not answered
    /// yet.
    pub fn asked(
        &self,
        endpoint: &'static str,
        count: usize,
    ) -> impl Future<Output = ()> + 'static {
        let (provider, clock) = (Rc::clone(&self.provider), Rc::clone(&self.clock));
        async move {
            while provider.count(endpoint) < count {
                clock.sleep_for(Duration::from_millis(1)).await;
            }
        }
    }

    /// The URL that the provider sends the user back to.
    pub fn callback_url(&self, tab: &Tab, args: SigninRequestArgs) -> String {
        let manager = tab.manager.clone();
        self.run(async move { manager.signin_redirect(args).await }).unwrap();
        let address = tab.navigator.gone_to.borrow_mut().pop().unwrap();
        format!("{REDIRECT_URI}?{}", self.provider.sign_in(&address, "alice"))
    }

    pub fn callback(&self, tab: &Tab, url: &str) -> Result<SigninOutcome, crate::Error> {
        url.clone_into(&mut tab.navigator.url.borrow_mut());
        let (manager, url) = (tab.manager.clone(), url.to_owned());
        self.run(async move { manager.signin_redirect_callback(&url).await })
    }

    /// The whole sign-in.
    pub fn sign_in(&self, tab: &Tab) -> SigninOutcome {
        let url = self.callback_url(tab, SigninRequestArgs::default());
        let outcome = self.callback(tab, &url).unwrap();
        tab.events();
        outcome
    }

    /// The browser comes back with the response to a request, and the tab takes it out of the
    /// address.
    pub fn take_callback(&self, tab: &Tab) -> String {
        let url = self.callback_url(tab, SigninRequestArgs::default());
        url.clone_into(&mut tab.navigator.url.borrow_mut());
        assert_eq!(tab.manager.take_response(), url);
        assert_eq!(*tab.navigator.url.borrow(), REDIRECT_URI);
        url
    }

    /// These tabs ask for an access token at the same time. One renewal answers all of them.
    pub fn renew_once_for<'a>(&self, tabs: impl IntoIterator<Item = &'a Tab>) {
        let calls: Vec<_> = tabs
            .into_iter()
            .map(|tab| {
                let manager = tab.manager.clone();
                async move { manager.get_access_token().await }
            })
            .collect();
        let tokens = self.run(futures::future::join_all(calls));
        assert!(tokens.iter().all(|token| token.as_deref() == Ok("access-2")));
        assert_eq!(self.provider.count("token"), 2, "sign-in and one renewal");
    }

    pub fn access_token(&self, tab: &Tab) -> Result<String, crate::Error> {
        let manager = tab.manager.clone();
        self.run(async move { manager.get_access_token().await })
    }

    pub fn user(&self, tab: &Tab) -> Option<crate::User> {
        let manager = tab.manager.clone();
        self.run(async move { manager.get_user().await }).unwrap()
    }

    /// Suspends the tab. Messages for it wait, or are lost.
    pub fn suspend(&self, tab: &Tab, messages_wait: bool) {
        self.hub.suspended.set(Some(tab.number));
        *self.hub.waiting.borrow_mut() = messages_wait.then(Vec::new);
    }

    /// Resumes the suspended tab, which receives the waiting messages.
    pub fn resume(&self) {
        let Some(tab) = self.hub.suspended.take() else {
            return;
        };
        let waiting = self.hub.waiting.take().unwrap_or_default();
        let listeners: Vec<_> = self.hub.listeners.borrow().clone();
        for message in &waiting {
            for (_, listener) in listeners.iter().filter(|(own, _)| *own == tab) {
                listener(message);
            }
        }
        self.settle();
    }

    /// Holds a lock, like a tab that is suspended.
    pub fn hold(&self, name: &str) -> Guard {
        let (locks, name) = (self.locks.clone(), name.to_owned());
        self.run(async move { locks.acquire(&name).await })
    }

    /// Marks a name, like a tab that is suspended.
    pub fn hold_mark(&self, name: &str) -> Guard {
        let (locks, name) = (self.locks.clone(), name.to_owned());
        self.run(async move { locks.mark(&name).await }).unwrap()
    }

    /// Sends a message from another page of the origin.
    pub fn post(&self, message: &str) {
        FakeBroadcast { hub: Rc::clone(&self.hub), tab: 0 }.post(message);
        self.settle();
    }

    /// Keys of the state store.
    pub fn state_keys(&self) -> Vec<String> {
        self.local_storage
            .keys()
            .unwrap()
            .into_iter()
            .filter(|key| !key.starts_with("oidc.user:"))
            .collect()
    }
}

/// The name of trace steps, which have tests of their own.
const TRACE: &str = "trace";

fn name(event: &AuthEvent) -> &'static str {
    match event {
        AuthEvent::UserLoaded(_) => "loaded",
        AuthEvent::UserUnloaded => "unloaded",
        AuthEvent::AccessTokenExpiring => "expiring",
        AuthEvent::AccessTokenExpired => "expired",
        AuthEvent::SilentRenewError(_) => "renew_error",
        AuthEvent::UserSignedIn => "signed_in",
        AuthEvent::UserSignedOut => "signed_out",
        AuthEvent::UserSessionChanged => "session_changed",
        #[cfg(feature = "trace")]
        AuthEvent::Trace(_) => TRACE,
    }
}
