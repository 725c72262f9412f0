//! Popups and hidden frames.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use doorward_protocol::params::Params;
use serde_json::json;

use super::{
    provider::ISSUER,
    step_up::{asked_by, call},
    world::{REDIRECT_URI, Tab, World},
};
use crate::{
    CallbackKind, Error, ErrorKind, PopupArgs, Settings, SigninOutcome, SigninRequestArgs,
    SignoutRequestArgs,
    in_page::MemoryStorage,
    ports::{Area, ChildWindow, Guard, MessageHandler, Popups},
};

const ORIGIN: &str = "https://app.example";

/// What the provider's page does when it is loaded from a URL: the messages and how they are sent.
type Answer = Box<dyn Fn(&str) -> Vec<(Sender, String)>>;

/// Who sends a message.
#[derive(Clone)]
pub enum Sender {
    /// The window itself, showing a page of this origin.
    Child(&'static str),
    /// A page of the app's origin, on the channel with this name.
    Channel(String),
}

type ChannelHandler = Rc<dyn Fn(&str)>;
type SharedHandler = Rc<dyn Fn(&str, &str)>;

/// Windows of one tab.
#[derive(Default)]
pub struct FakePopups {
    pub blocked: Cell<bool>,
    pub unfocused: Cell<bool>,
    pub children: RefCell<Vec<Rc<FakeWindow>>>,
    pub handed_back: RefCell<Vec<(String, String)>>,
    answer: RefCell<Option<Answer>>,
    channels: Rc<RefCell<Vec<(String, ChannelHandler)>>>,
    weak: Weak<Self>,
}

/// The test's view of a popup or frame.
#[derive(Default)]
pub struct FakeWindow {
    pub area: Option<Area>,
    pub loaded: RefCell<Vec<String>>,
    pub posted: RefCell<Vec<(String, String)>>,
    pub looks_closed: Cell<bool>,
    pub is_gone: Cell<bool>,
    handler: RefCell<Option<SharedHandler>>,
}

impl FakeWindow {
    /// The page in the window, which has this origin, sends a text.
    pub fn send(&self, origin: &str, text: &str) {
        let handler = self.handler.borrow().clone();
        if let Some(handler) = handler {
            handler(origin, text);
        }
    }
}

struct Handle {
    popups: Weak<FakePopups>,
    window: Rc<FakeWindow>,
}

impl FakePopups {
    pub fn new() -> Rc<Self> {
        Rc::new_cyclic(|weak| Self { weak: weak.clone(), ..Self::default() })
    }

    /// Sets what happens when a window loads a URL.
    pub fn answers(&self, answer: impl Fn(&str) -> Vec<(Sender, String)> + 'static) {
        *self.answer.borrow_mut() = Some(Box::new(answer));
    }

    pub fn last(&self) -> Rc<FakeWindow> {
        Rc::clone(self.children.borrow().last().unwrap())
    }

    fn open(&self, area: Option<Area>) -> Option<Box<dyn ChildWindow>> {
        let window = Rc::new(FakeWindow { area, ..FakeWindow::default() });
        self.children.borrow_mut().push(Rc::clone(&window));
        (!self.blocked.get()).then(|| Box::new(Handle { popups: self.weak.clone(), window }) as _)
    }

    fn send(&self, window: &FakeWindow, sender: &Sender, text: &str) {
        match sender {
            Sender::Child(origin) => window.send(origin, text),
            Sender::Channel(name) => {
                let channels = self.channels.borrow().clone();
                for (_, handler) in channels.iter().filter(|(own, _)| own == name) {
                    handler(text);
                }
            }
        }
    }
}

impl Popups for FakePopups {
    fn area(&self) -> Area {
        Area { left: 0, top: 0, width: 1920, height: 1080 }
    }

    fn has_focus(&self) -> bool {
        !self.unfocused.get()
    }

    fn open_popup(&self, area: Area) -> Option<Box<dyn ChildWindow>> {
        self.open(Some(area))
    }

    fn open_frame(&self) -> Option<Box<dyn ChildWindow>> {
        self.open(None)
    }

    fn subscribe_channel(&self, name: &str, handler: Box<dyn Fn(&str)>) -> Guard {
        self.channels.borrow_mut().push((name.to_owned(), handler.into()));
        let (channels, name) = (Rc::clone(&self.channels), name.to_owned());
        Guard::new(move || channels.borrow_mut().retain(|(own, _)| *own != name))
    }

    fn hand_back(&self, text: &str, channel: &str) {
        self.handed_back.borrow_mut().push((text.to_owned(), channel.to_owned()));
    }
}

impl ChildWindow for Handle {
    fn go(&self, url: &str) {
        self.window.loaded.borrow_mut().push(url.to_owned());
        let popups = self.popups.upgrade().unwrap();
        let answers = popups.answer.borrow().as_ref().map(|answer| answer(url)).unwrap_or_default();
        for (sender, text) in answers {
            popups.send(&self.window, &sender, &text);
        }
    }

    fn is_closed(&self) -> bool {
        self.window.looks_closed.get()
    }

    fn post(&self, text: &str, origin: &str) {
        self.window.posted.borrow_mut().push((text.to_owned(), origin.to_owned()));
    }

    fn on_message(&self, handler: MessageHandler) -> Guard {
        *self.window.handler.borrow_mut() = Some(handler.into());
        let window = Rc::clone(&self.window);
        Guard::new(move || *window.handler.borrow_mut() = None)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.window.is_gone.set(true);
    }
}

/// A tab that can open popups. The provider answers in them at once as `alice`.
pub fn tab_with_windows(world: &World, settings: Settings) -> (Tab, Rc<FakePopups>) {
    let popups = FakePopups::new();
    *world.popups.borrow_mut() = Some(Rc::clone(&popups));
    answer_as(world, &popups, "alice");
    let tab = world.tab_with(settings, MemoryStorage::default());
    format!("{ORIGIN}/").clone_into(&mut tab.navigator.url.borrow_mut());
    (tab, popups)
}

pub fn answer_as(world: &World, popups: &FakePopups, sub: &'static str) {
    let provider = Rc::clone(&world.provider);
    popups.answers(move |url| vec![(Sender::Child(ORIGIN), handed(&provider.sign_in(url, sub)))]);
}

/// Requests in frames are answered with this user and session, or with `login_required` for nobody.
/// The test controls the provider's own frame.
pub fn answer_in_frames(
    world: &World,
    popups: &FakePopups,
    sub: &'static str,
    session_state: &'static str,
) {
    let provider = Rc::clone(&world.provider);
    popups.answers(move |url| {
        if !url.contains("/authorize?") {
            return Vec::new();
        }
        let query = provider.sign_in(url, sub);
        let query = query.replace("session_state=ss", &format!("session_state={session_state}"));
        let query =
            if sub.is_empty() { query.replace("code=", "error=login_required&x=") } else { query };
        vec![(Sender::Child(ORIGIN), handed(&query))]
    });
}

fn handed(query: &str) -> String {
    format!("oidc.url:{REDIRECT_URI}?{query}")
}

fn params(url: &str) -> Params {
    Params::parse(url.split_once('?').unwrap().1).unwrap()
}

fn popup(world: &World, tab: &Tab, args: SigninRequestArgs) -> Result<SigninOutcome, Error> {
    let result = tab.manager.signin_popup(args, PopupArgs::default());
    world.run(result)
}

#[test]
fn a_popup_signs_in_and_is_closed() {
    let world = World::new();
    let popup_redirect_uri = Some(format!("{ORIGIN}/popup"));
    let settings =
        Settings { popup_redirect_uri, automatic_silent_renew: false, ..World::settings() };
    let (tab, popups) = tab_with_windows(&world, settings);
    let args = SigninRequestArgs { state: Some(json!(7)), ..SigninRequestArgs::default() };
    let outcome = popup(&world, &tab, args).unwrap();
    assert_eq!((outcome.user.sub(), outcome.state), ("alice", Some(json!(7))));
    assert_eq!(tab.events(), ["loaded", "signed_in"]);
    let window = popups.last();
    assert_eq!(window.area.unwrap().width, 800);
    assert!(window.is_gone.get());
    let request = params(&window.loaded.borrow()[0]);
    assert_eq!(request.get("redirect_uri"), Some("https://app.example/popup"));
    assert!(!request.is_sent("prompt"));
    assert_eq!(*tab.navigator.url.borrow(), format!("{ORIGIN}/"), "this page stays");
    assert!(popups.channels.borrow().is_empty());
}

#[test]
fn a_popup_opens_before_anything_is_awaited() {
    let world = World::new();
    let (tab, popups) = tab_with_windows(&world, World::settings());
    let call = tab.manager.signin_popup(SigninRequestArgs::default(), PopupArgs::default());
    assert_eq!(popups.children.borrow().len(), 1);
    drop(call);
    assert!(popups.last().is_gone.get());
}

#[test]
fn a_blocked_popup_is_told() {
    let world = World::new();
    let (tab, popups) = tab_with_windows(&world, World::settings());
    popups.blocked.set(true);
    assert_eq!(popup(&world, &tab, SigninRequestArgs::default()).unwrap_err(), Error::PopupBlocked);
    assert_eq!(world.state_keys(), Vec::<String>::new());
    *world.popups.borrow_mut() = None;
    let without = world.tab();
    assert_eq!(popup(&world, &without, SigninRequestArgs::default()).unwrap_err(), Error::NoWindow);
}

#[test]
fn a_popup_that_the_user_closes_is_told_after_a_moment() {
    let world = World::new();
    let (tab, popups) = tab_with_windows(&world, World::settings());
    popups.answers(|_| Vec::new());
    let call = tab.manager.signin_popup(SigninRequestArgs::default(), PopupArgs::default());
    popups.last().looks_closed.set(true);
    let error = world.run(call).unwrap_err();
    assert_eq!((error.clone(), error.kind()), (Error::PopupClosed, ErrorKind::Refused));
    assert_eq!(world.state_keys(), Vec::<String>::new());
    assert!(popup_after_failure(&world, &tab, &popups));
}

/// A failed attempt leaves nothing that blocks the next one.
fn popup_after_failure(world: &World, tab: &Tab, popups: &FakePopups) -> bool {
    answer_as(world, popups, "alice");
    popup(world, tab, SigninRequestArgs::default()).is_ok()
}

#[test]
fn a_popup_that_was_cut_off_looks_closed_and_still_answers_on_the_channel() {
    let world = World::new();
    let (tab, popups) = tab_with_windows(&world, World::settings());
    popups.answers(|_| Vec::new());
    let call = tab.manager.signin_popup(SigninRequestArgs::default(), PopupArgs::default());
    let result = Rc::new(RefCell::new(None));
    let slot = Rc::clone(&result);
    let window = popups.last();
    window.looks_closed.set(true);
    popups.unfocused.set(true);
    world.spawn(async move {
        *slot.borrow_mut() = Some(call.await);
    });
    world.pass_seconds(60);
    assert!(result.borrow().is_none(), "the user is still in the popup");
    let query = world.provider.sign_in(&window.loaded.borrow()[0], "alice");
    let channel = format!("oidc.{}", params(&format!("?{query}")).get("state").unwrap());
    popups.send(&window, &Sender::Channel("oidc.other".to_owned()), &handed(&query));
    world.pass_seconds(1);
    assert!(result.borrow().is_none());
    popups.send(&window, &Sender::Channel(channel), &handed(&query));
    world.pass_seconds(1);
    assert!(result.take().unwrap().is_ok());
}

#[test]
fn messages_from_elsewhere_are_ignored() {
    let world = World::new();
    let (tab, popups) = tab_with_windows(&world, World::settings());
    let provider = Rc::clone(&world.provider);
    popups.answers(move |url| {
        let query = provider.sign_in(url, "alice");
        let other = query.replace("state=", "state=x");
        vec![
            (Sender::Child("https://evil.example"), handed(&query)),
            (Sender::Child("https://app.example.evil.example"), handed(&query)),
            (Sender::Child(ISSUER), handed(&query)),
            (Sender::Child("null"), handed(&query)),
            (Sender::Child(ORIGIN), query.clone()),
            (Sender::Child(ORIGIN), String::new()),
            (Sender::Child(ORIGIN), "oidc.url:".to_owned()),
            (Sender::Child(ORIGIN), handed("state=%FF")),
            (Sender::Child(ORIGIN), handed(&other)),
        ]
    });
    let call = tab.manager.signin_popup(SigninRequestArgs::default(), PopupArgs::default());
    popups.last().looks_closed.set(true);
    assert_eq!(world.run(call).unwrap_err(), Error::PopupClosed);
    assert_eq!(world.provider.count("token"), 0);
}

#[test]
fn an_error_in_a_popup_is_the_providers_and_the_state_is_the_callers() {
    let world = World::new();
    let (tab, popups) = tab_with_windows(&world, World::settings());
    let provider = Rc::clone(&world.provider);
    popups.answers(move |url| {
        let query = provider.sign_in(url, "alice").replace("code=", "error=access_denied&x=");
        vec![(Sender::Child(ORIGIN), handed(&query))]
    });
    let args = SigninRequestArgs { state: Some(json!("s")), ..SigninRequestArgs::default() };
    let Err(Error::Authorization(error)) = popup(&world, &tab, args) else { panic!("no refusal") };
    assert_eq!(error.state, Some(json!("s")));
    assert_eq!(world.state_keys(), Vec::<String>::new());
}

/// An API needs another sign-in.
const STEP_UP: &str = r#"Bearer error="insufficient_user_authentication", acr_values="2 3", max_age="5", scope="pay""#;

#[test]
fn a_popup_brings_the_sign_in_that_an_api_needs() {
    let world = World::new();
    let (tab, popups) = tab_with_windows(&world, World::settings());
    world.sign_in(&tab);
    let step_up = asked_by(&world, &tab, STEP_UP);
    popup(&world, &tab, step_up.signin_args()).unwrap();
    let request = params(&popups.last().loaded.borrow()[0]);
    assert_eq!((request.get("acr_values"), request.get("max_age")), (Some("2 3"), Some("5")));
    assert_eq!(request.get("prompt"), None);
    assert_eq!(call(&world, &tab).unwrap().status, 404, "the call is repeated");
    assert_eq!(world.provider.authorizations().last().unwrap(), "Bearer access-2");
}

#[test]
fn sign_out_in_a_popup_comes_back_or_ends_when_it_is_closed() {
    let world = World::new();
    let home = Some(format!("{ORIGIN}/bye"));
    let settings = Settings { popup_post_logout_redirect_uri: home, ..World::settings() };
    let (tab, popups) = tab_with_windows(&world, settings);
    world.sign_in(&tab);
    popups.answers(|url| {
        let state = params(url).get("state").unwrap().to_owned();
        vec![(Sender::Child(ORIGIN), format!("oidc.url:{ORIGIN}/bye?state={state}"))]
    });
    let args = SignoutRequestArgs { state: Some(json!(1)), ..SignoutRequestArgs::default() };
    let outcome = world.run(tab.manager.signout_popup(args, PopupArgs::default())).unwrap();
    assert_eq!(outcome.state, Some(json!(1)));
    assert_eq!(tab.events(), ["unloaded", "signed_out"]);
    assert!(popups.last().is_gone.get());

    let (tab, popups) = tab_with_windows(&world, World::settings());
    world.sign_in(&tab);
    popups.answers(|_| Vec::new());
    let call = tab.manager.signout_popup(SignoutRequestArgs::default(), PopupArgs::default());
    popups.last().looks_closed.set(true);
    assert!(world.run(call).is_ok(), "the provider was given nowhere to come back to");
    assert_eq!(world.user(&tab), None);
}

#[test]
fn sign_out_in_a_frame_comes_back_or_is_given_up() {
    let world = World::new();
    let settings =
        Settings { post_logout_redirect_uri: Some(format!("{ORIGIN}/bye")), ..World::settings() };
    let (tab, popups) = tab_with_windows(&world, settings);
    popups.answers(|url| {
        let state = params(url).get("state").unwrap().to_owned();
        vec![(Sender::Child(ORIGIN), format!("oidc.url:{ORIGIN}/bye?state={state}"))]
    });
    assert!(world.run(tab.manager.signout_silent(SignoutRequestArgs::default())).is_ok());
    popups.answers(|_| Vec::new());
    let error = world.run(tab.manager.signout_silent(SignoutRequestArgs::default())).unwrap_err();
    assert_eq!(error, Error::FrameTimeout);
    assert!(popups.last().is_gone.get());
    let (tab, _) = tab_with_windows(&world, World::settings());
    let error = world.run(tab.manager.signout_silent(SignoutRequestArgs::default())).unwrap_err();
    assert!(matches!(error, Error::Settings(_)), "{error}");
}

#[test]
fn the_page_in_a_window_hands_its_address_back() {
    let world = World::new();
    let (tab, popups) = tab_with_windows(&world, World::settings());
    let sent = Rc::new(RefCell::new(String::new()));
    let provider = Rc::clone(&world.provider);
    let slot = Rc::clone(&sent);
    popups.answers(move |url| {
        *slot.borrow_mut() = format!("{REDIRECT_URI}?{}", provider.sign_in(url, "alice"));
        Vec::new()
    });
    // The window's own page: it has the same origin, and so the same state store.
    let call = tab.manager.signin_popup(SigninRequestArgs::default(), PopupArgs::default());
    world.spawn(async move { drop(call.await) });
    world.pass(std::time::Duration::from_millis(100));
    let url = sent.borrow().clone();
    let (inner, inner_windows) = tab_with_windows(&world, World::settings());
    assert_eq!(inner.manager.callback_kind(&url), CallbackKind::ChildWindow);
    assert_eq!(world.run(inner.manager.signin_callback(&url)).unwrap(), None);
    inner.manager.signin_popup_callback(&url).unwrap();
    inner.manager.signin_silent_callback(&url).unwrap();
    let (text, channel) = inner_windows.handed_back.borrow()[0].clone();
    assert_eq!(text, format!("oidc.url:{url}"));
    assert_eq!(channel, format!("oidc.{}", params(&url).get("state").unwrap()));
    assert_eq!(inner_windows.handed_back.borrow().len(), 3);
    assert!(inner.manager.signin_popup_callback(REDIRECT_URI).is_err(), "no response there");
    popups.last().send(ORIGIN, &text);
    world.pass_seconds(1);
    assert_eq!(world.user(&tab).unwrap().sub(), "alice");
    assert_eq!(world.provider.count("token"), 1);
}

#[test]
fn callbacks_finish_what_went_out_by_redirect() {
    let world = World::new();
    let settings =
        Settings { post_logout_redirect_uri: Some(format!("{ORIGIN}/bye")), ..World::settings() };
    let (tab, _) = tab_with_windows(&world, settings);
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    let outcome = world.run(tab.manager.signin_callback(&url)).unwrap();
    assert_eq!(outcome.unwrap().user.sub(), "alice");
    world.run(tab.manager.signout_redirect(SignoutRequestArgs::default())).unwrap();
    let state = params(&tab.navigator.gone_to.borrow().last().unwrap().clone())
        .get("state")
        .unwrap()
        .to_owned();
    let outcome =
        world.run(tab.manager.signout_callback(&format!("{ORIGIN}/bye?state={state}"))).unwrap();
    assert!(outcome.is_some());
}

mod frames {
    use super::*;
    use crate::IdTokenError;

    /// The provider issues no refresh tokens.
    fn world() -> World {
        let world = World::new();
        world.provider.alter_answer(|answer| {
            answer.remove("refresh_token");
        });
        world
    }

    fn settings() -> Settings {
        Settings { silent_redirect_uri: Some(format!("{ORIGIN}/silent")), ..World::settings() }
    }

    #[test]
    fn without_a_refresh_token_a_frame_renews() {
        let world = world();
        // The granted scope is smaller than the requested one.
        world.provider.alter_answer(|answer| {
            answer.remove("refresh_token");
            answer.insert("scope".to_owned(), json!("openid"));
        });
        let (tab, popups) = tab_with_windows(&world, settings());
        let args = SigninRequestArgs::default().state(json!("kept"));
        let args = args.resource(vec!["urn:api:orders".to_owned()]);
        let url = world.callback_url(&tab, args);
        world.callback(&tab, &url).unwrap();
        tab.events();
        world.pass_seconds(3541);
        assert_eq!(tab.events(), ["expiring", "loaded"]);
        let user = world.user(&tab).unwrap();
        assert_eq!((user.access_token.as_str(), user.state), ("access-2", Some(json!("kept"))));
        assert_eq!(user.scope.as_deref(), Some("openid"));
        let window = popups.last();
        assert!(window.area.is_none() && window.is_gone.get());
        let request = params(&window.loaded.borrow()[0]);
        assert_eq!(request.get("prompt"), Some("none"));
        assert_eq!(request.get("redirect_uri"), Some("https://app.example/silent"));
        assert_eq!(request.get("scope"), Some("openid profile"));
        assert_eq!(request.get("resource"), Some("urn:api:orders"));
        assert!(!request.is_sent("id_token_hint"));
        assert_eq!(world.state_keys(), Vec::<String>::new());
    }

    #[test]
    fn the_id_token_names_the_user_if_asked_for() {
        let world = world();
        let (tab, popups) = tab_with_windows(
            &world,
            Settings { include_id_token_in_silent_renew: true, ..settings() },
        );
        let user = world.sign_in(&tab).user;
        world.run(tab.manager.signin_silent()).unwrap();
        let request = params(&popups.last().loaded.borrow()[0]);
        assert_eq!(request.get("id_token_hint"), user.id_token.as_deref());
    }

    #[test]
    fn a_session_at_the_provider_may_be_good_enough_for_an_api() {
        let world = World::new();
        let (tab, popups) = tab_with_windows(&world, settings());
        world.sign_in(&tab);
        let step_up = asked_by(&world, &tab, STEP_UP);
        let user = world.run(tab.manager.step_up_silent(&step_up)).unwrap();
        assert_eq!(user.access_token, "access-2");
        let request = params(&popups.last().loaded.borrow()[0]);
        assert_eq!((request.get("acr_values"), request.get("max_age")), (Some("2 3"), Some("5")));
        assert_eq!(request.get("prompt"), Some("none"));
        assert_eq!(request.get("scope"), Some("openid profile pay"));
        answer_as(&world, &popups, "bob");
        let error = world.run(tab.manager.step_up_silent(&step_up)).unwrap_err();
        assert_eq!(error, Error::RenewedTokenDiffers("sub"));
        assert_eq!(world.user(&tab).unwrap().access_token, "access-2");
        let nobody = world.tab().manager;
        world.run(nobody.remove_user()).unwrap();
        assert_eq!(world.run(nobody.step_up_silent(&step_up)).unwrap_err(), Error::NotSignedIn);
    }

    #[test]
    fn somebody_else_at_the_provider_does_not_take_the_place_of_the_user() {
        let world = world();
        let (tab, popups) = tab_with_windows(&world, settings());
        world.sign_in(&tab);
        answer_as(&world, &popups, "bob");
        let error = world.run(tab.manager.signin_silent()).unwrap_err();
        assert_eq!(error, Error::RenewedTokenDiffers("sub"));
        assert_eq!(world.user(&tab).unwrap().sub(), "alice");
        assert_eq!(tab.events(), ["renew_error"]);
        let (tab, popups) = tab_with_windows(
            &world,
            Settings { validate_sub_on_silent_renew: false, ..settings() },
        );
        world.sign_in(&tab);
        answer_as(&world, &popups, "bob");
        assert_eq!(world.run(tab.manager.signin_silent()).unwrap().sub(), "bob");
    }

    #[test]
    fn who_has_a_session_at_the_provider_is_signed_in_without_a_word() {
        let world = world();
        let (tab, _) = tab_with_windows(&world, settings());
        assert_eq!(world.run(tab.manager.signin_silent()).unwrap().sub(), "alice");
        assert_eq!(tab.events(), ["loaded", "signed_in"]);
        *world.popups.borrow_mut() = None;
        assert_eq!(world.run(world.tab().manager.signin_silent()).unwrap_err(), Error::NotSignedIn);
    }

    #[test]
    fn the_session_is_gone_or_the_browser_hides_it() {
        let world = world();
        let (tab, popups) = tab_with_windows(&world, settings());
        world.sign_in(&tab);
        let provider = Rc::clone(&world.provider);
        popups.answers(move |url| {
            let query = provider.sign_in(url, "alice").replace("code=", "error=login_required&x=");
            vec![(Sender::Child(ORIGIN), handed(&query))]
        });
        world.pass_seconds(3541);
        assert_eq!(tab.events(), ["expiring", "renew_error"]);
        assert_eq!(world.access_token(&tab).as_deref(), Ok("access-1"), "it still lives");
        world.pass_seconds(59);
        assert!(matches!(world.access_token(&tab), Err(Error::Authorization(_))));
        assert!(world.user(&tab).is_some());
    }

    #[test]
    fn a_frame_that_does_not_answer_is_given_up_and_tried_again_as_often_as_set() {
        for (retries, frames) in [(None, 6..=12), (Some(0), 1..=1), (Some(2), 3..=3)] {
            let world = world();
            let (tab, popups) = tab_with_windows(
                &world,
                Settings {
                    silent_request_timeout: Some(3),
                    max_silent_renew_timeout_retries: retries,
                    ..settings()
                },
            );
            world.sign_in(&tab);
            popups.answers(|_| Vec::new());
            world.pass_seconds(3541 + 600);
            let tried = popups.children.borrow().len();
            assert!(frames.contains(&tried), "{retries:?}: {tried}");
            assert!(
                popups.children.borrow().iter().filter(|window| !window.is_gone.get()).count() <= 1
            );
            let told = tab.events().iter().filter(|event| *event == "renew_error").count();
            assert_eq!(told, usize::from(retries.is_some()), "{retries:?}");
        }
    }

    #[test]
    fn callers_share_one_frame() {
        let world = world();
        let (tab, popups) =
            tab_with_windows(&world, Settings { automatic_silent_renew: false, ..settings() });
        world.sign_in(&tab);
        let calls = (0..5).map(|_| tab.manager.signin_silent());
        let users = world.run(futures::future::join_all(calls.collect::<Vec<_>>()));
        assert!(users.iter().all(Result::is_ok));
        assert_eq!(popups.children.borrow().len(), 1);
    }

    #[test]
    fn a_bad_id_token_from_a_frame_changes_nothing() {
        let world = world();
        let (tab, _) = tab_with_windows(&world, settings());
        world.sign_in(&tab);
        world.provider.alter_claims(|claims| {
            claims.insert("nonce".to_owned(), json!("replayed"));
        });
        let error = world.run(tab.manager.signin_silent()).unwrap_err();
        assert_eq!(error, Error::IdToken(IdTokenError::Nonce));
        assert_eq!(world.user(&tab).unwrap().access_token, "access-1");
    }
}
