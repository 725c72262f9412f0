//! Time, tabs and everything else around the client.

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
        Redirect, Storage as _, Timer,
    },
};

/// A Saturday in November 2025.
const START: u64 = 1_763_800_000;
pub const REDIRECT_URI: &str = "https://app.example/cb";

/// Time that stands still until the test moves it.
#[derive(Default)]
pub struct FakeClock {
    elapsed: Cell<Duration>,
    /// Time that the clock which only runs forward did not see: the device slept.
    slept: Cell<Duration>,
    /// How far the device's wall clock is ahead of the truth, in seconds.
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

    /// Moves to the next timer that somebody still waits for, if it is not after the limit.
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
    /// No timer comes earlier, as in a page that was hidden for minutes.
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

/// Counts instead of drawing: values differ and tests repeat.
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

/// Where the tabs of the origin hear each other; messages arrive at once.
#[derive(Default)]
struct Hub {
    listeners: RefCell<Vec<(usize, Rc<Handler>)>>,
}

struct FakeBroadcast {
    hub: Rc<Hub>,
    tab: usize,
}

impl Broadcast for FakeBroadcast {
    fn post(&self, message: &str) {
        let listeners: Vec<_> = self.hub.listeners.borrow().clone();
        for (tab, listener) in listeners {
            if tab != self.tab {
                listener(message);
            }
        }
    }

    fn subscribe(&self, handler: Handler) -> Guard {
        self.hub.listeners.borrow_mut().push((self.tab, Rc::new(handler)));
        Guard::new(|| ())
    }
}

/// Web Locks: locks and marks that the tabs share.
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
}

/// A window that goes nowhere.
#[derive(Default)]
pub struct FakeNavigator {
    pub url: RefCell<String>,
    pub gone_to: RefCell<Vec<String>>,
    /// How the page was left last.
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

/// Writes what one store has into another.
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
    events: Rc<RefCell<Vec<String>>>,
    _subscription: Subscription,
}

impl Tab {
    /// The names of the events since this was called last.
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
    /// Whether tabs made from now on are without Web Locks.
    pub without_web_locks: Cell<bool>,
    hub: Rc<Hub>,
    tabs: Cell<usize>,
    /// The shortest timer of tabs made from now on.
    pub shortest_timer: Cell<Duration>,
    pub verifier: Rc<FakeVerifier>,
    /// What tabs made from now on open popups and frames with.
    pub popups: RefCell<Option<Rc<FakePopups>>>,
    /// The key of proofs in the tabs to come.
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

    /// A tab whose users are in the given store.
    pub fn tab_with(&self, settings: Settings, user_store: MemoryStorage) -> Tab {
        self.try_tab_with(settings, user_store).unwrap()
    }

    /// The same with settings that may be refused.
    pub fn try_tab_with(
        &self,
        settings: Settings,
        user_store: MemoryStorage,
    ) -> Result<Tab, crate::Error> {
        let navigator = Rc::new(FakeNavigator::default());
        let manager = UserManager::new(settings, self.ports(&navigator, &user_store))?;
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
            session_storage: user_store,
            events,
            _subscription: subscription,
        };
        self.settle();
        Ok(tab)
    }

    /// The ports of one more tab.
    pub fn ports(&self, navigator: &Rc<FakeNavigator>, user_store: &MemoryStorage) -> Ports {
        self.tabs.set(self.tabs.get() + 1);
        Ports {
            http: Rc::clone(&self.provider) as _,
            state_store: Rc::new(self.local_storage.clone()),
            user_store: Rc::new(user_store.clone()),
            clock: Rc::clone(&self.clock) as _,
            entropy: Rc::new(self.entropy()),
            verifier: Rc::clone(&self.verifier) as _,
            locks: self.locks_of_tab(),
            broadcast: Rc::new(FakeBroadcast { hub: Rc::clone(&self.hub), tab: self.tabs.get() }),
            navigator: Rc::clone(navigator) as _,
            signer: self.signer.borrow().clone().map(|signer| signer as _),
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

    /// What a tab without Web Locks has in their place.
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

    /// Runs everything that can run without time passing.
    pub fn settle(&self) {
        self.pool.borrow_mut().run_until_stalled();
    }

    /// Starts something that nobody waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.pool.borrow().spawner().spawn_local(task).unwrap();
    }

    /// Lets time pass, with all timers in it.
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

    /// The device sleeps: the wall clock goes on, timers and the clock that only runs forward
    /// don't.
    pub fn device_sleeps(&self, seconds: u64) {
        self.clock.slept.set(self.clock.slept.get() + Duration::from_secs(seconds));
    }

    /// Runs a future to its end, letting as little time pass as it needs.
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

    /// Waits until an endpoint has got so many requests, of which the last is not answered yet.
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

    /// The address that the provider sends the user back to.
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

    pub fn access_token(&self, tab: &Tab) -> Result<String, crate::Error> {
        let manager = tab.manager.clone();
        self.run(async move { manager.get_access_token().await })
    }

    pub fn user(&self, tab: &Tab) -> Option<crate::User> {
        let manager = tab.manager.clone();
        self.run(async move { manager.get_user().await }).unwrap()
    }

    /// A message from some page of the origin.
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

/// What steps of a sign-in are called; they have tests of their own.
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
