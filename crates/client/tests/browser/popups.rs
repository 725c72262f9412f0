//! Popups and hidden frames, in a browser.

use std::{rc::Rc, time::Duration};

use doorward_client::{
    Error, Settings, UserManager,
    browser::{self, BrowserTimer, PagePopups},
    ports::{Area, ChildWindow, Guard, MessageHandler, Popups, Ports, Timer},
};
use futures::StreamExt as _;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{Fetched, javascript, provider_of};

/// The URL of a page that runs this script. It has the test page's origin.
async fn page(script: &str) -> String {
    javascript(&format!(
        "return URL.createObjectURL(new Blob(['<script>{script}</script>'], {{ type: 'text/html' \
            }}));"
    ))
    .await
}

/// The messages of a child window: origin and text.
type Said = futures::channel::mpsc::UnboundedReceiver<(String, String)>;

fn hear(child: &dyn ChildWindow) -> (Said, Guard) {
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    let guard = child.on_message(Box::new(move |origin, text| {
        drop(sender.unbounded_send((origin.to_owned(), text.to_owned())));
    }));
    (receiver, guard)
}

fn origin() -> String {
    web_sys::window().unwrap().location().origin().unwrap()
}

/// The number of frames in the page.
fn frames() -> u32 {
    web_sys::window().unwrap().length()
}

#[wasm_bindgen_test]
async fn a_frame_is_hidden_speaks_and_is_removed() {
    let frame = PagePopups.open_frame().unwrap();
    assert_eq!(frames(), 1);
    let (mut said, _guard) = hear(&*frame);
    // Another window of the page, and the page itself, send the same text.
    let other = PagePopups.open_frame().unwrap();
    other.go(&page("parent.postMessage(\"other\", \"*\"); parent.told = true").await);
    while javascript("return String(window.told)").await != "true" {
        BrowserTimer.sleep(Duration::from_millis(10)).await;
    }
    javascript("postMessage('self', '*')").await;
    let script = "onmessage = event => parent.postMessage(\"heard \" + event.data \
                   + \" from \" + event.origin, \"*\");
                  parent.postMessage(7, \"*\"); parent.postMessage(\"ready\", \"*\");"
        .replace('\n', " ");
    frame.go(&page(&script).await);
    assert_eq!(
        said.next().await.unwrap(),
        (origin(), "ready".to_owned()),
        "others and what is not text are not heard"
    );
    frame.post("lost", "https://op.example");
    frame.post("ping", &origin());
    assert_eq!(said.next().await.unwrap().1, format!("heard ping from {}", origin()));
    assert!(!frame.is_closed());
    drop((frame, other));
    assert_eq!(frames(), 0);
}

#[wasm_bindgen_test]
async fn a_popup_opens_where_it_is_told_and_closes() {
    let area = Area { left: 10, top: 20, width: 400, height: 300 };
    let popup = PagePopups.open_popup(area).unwrap();
    let (mut said, guard) = hear(&*popup);
    popup.go(&page("opener.postMessage(\"ready\", \"*\")").await);
    assert_eq!(said.next().await.unwrap().1, "ready");
    assert!(!popup.is_closed());
    popup.go(&page("opener.postMessage(\"bye\", \"*\"); close()").await);
    assert_eq!(said.next().await.unwrap().1, "bye");
    while !popup.is_closed() {
        BrowserTimer.sleep(Duration::from_millis(10)).await;
    }
    drop((popup, guard));
    let area = PagePopups.area();
    assert!(area.width > 0 && area.height > 0, "{area:?}");
    let _ = PagePopups.has_focus();
}

#[wasm_bindgen_test]
async fn an_address_is_handed_back_on_the_channel() {
    let (told, mut arrived) = futures::channel::mpsc::unbounded();
    let guard = PagePopups.subscribe_channel(
        "oidc.id",
        Box::new(move |text| told.unbounded_send(text.to_owned()).unwrap()),
    );
    PagePopups.hand_back("other", "oidc.other");
    PagePopups.hand_back("oidc.url:x", "oidc.id");
    assert_eq!(arrived.next().await.as_deref(), Some("oidc.url:x"));
    drop(guard);
}

/// The script of the demo's `/popup` and `/silent-renew` sends what the client understands, in both
/// ways.
#[wasm_bindgen_test]
async fn the_demo_pages_script_hands_its_address_back() {
    let script = include_str!("../../../../style/assets/callback.js");
    let script = js_sys::JSON::stringify(&script.into()).unwrap();
    let page = javascript(&format!(
        "return URL.createObjectURL(new Blob(['<script>', {script}, '</script>'], {{ type: \
            'text/html' }}));"
    ))
    .await;
    for framed in [true, false] {
        let window =
            if framed { PagePopups.open_frame() } else { PagePopups.open_popup(Area::default()) }
                .unwrap();
        let (told, mut arrived) = futures::channel::mpsc::unbounded();
        let channel = PagePopups.subscribe_channel(
            "oidc.the-id",
            Box::new(move |text| told.unbounded_send(text.to_owned()).unwrap()),
        );
        let (mut said, _guard) = hear(&*window);
        let url = format!("{page}#code=a&state=the-id%3Burl_state&iss=x");
        window.go(&url);
        let expected = format!("oidc.url:{url}");
        assert_eq!(said.next().await.unwrap(), (origin(), expected.clone()), "framed: {framed}");
        assert_eq!(arrived.next().await.unwrap(), expected, "framed: {framed}");
        while !framed && !window.is_closed() {
            BrowserTimer.sleep(Duration::from_millis(10)).await;
        }
        drop(channel);
    }
}

/// Popups with this page in place of the provider's.
struct Provider(String);

impl Popups for Provider {
    fn area(&self) -> Area {
        PagePopups.area()
    }

    fn has_focus(&self) -> bool {
        true
    }

    fn open_popup(&self, area: Area) -> Option<Box<dyn ChildWindow>> {
        PagePopups.open_popup(area)
    }

    fn open_frame(&self) -> Option<Box<dyn ChildWindow>> {
        Some(Box::new(Window(PagePopups.open_frame()?, self.0.clone())))
    }

    fn subscribe_channel(&self, name: &str, handler: Box<dyn Fn(&str)>) -> Guard {
        PagePopups.subscribe_channel(name, handler)
    }

    fn hand_back(&self, text: &str, channel: &str) {
        PagePopups.hand_back(text, channel);
    }
}

/// One of them.
struct Window(Box<dyn ChildWindow>, String);

impl ChildWindow for Window {
    fn go(&self, url: &str) {
        self.0.go(&format!("{}#{}", self.1, url.split_once('?').unwrap().1));
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn post(&self, text: &str, origin: &str) {
        self.0.post(text, origin);
    }

    fn on_message(&self, handler: MessageHandler) -> Guard {
        self.0.on_message(handler)
    }
}

/// The whole flow: request, hidden frame, a page that returns its URL, and an error of the
/// provider.
#[wasm_bindgen_test]
async fn a_silent_sign_in_goes_through_a_frame() {
    // The provider's page: it navigates to the response, a page of this origin.
    let issuer = provider_of("silent");
    let script = format!(
        "const state = new URL(location.href).hash.match(/state=([^&]*)/)[1];
         parent.postMessage(\"oidc.url:https://app.example/cb\
           ?error=login_required&iss={issuer}&state=\" + state, location.origin);"
    )
    .replace('\n', " ");
    let endpoint = page(&script).await;
    // Only http and https URLs are accepted as endpoints, so one represents the page.
    let _fetch = Fetched::by(&format!(
        "return Promise.resolve(new Response(JSON.stringify({{
             issuer: '{issuer}', authorization_endpoint: '{issuer}/authorize' }})));"
    ));
    let settings = Settings::new(issuer, "app", "https://app.example/cb");
    let ports = Ports { popups: Some(Rc::new(Provider(endpoint))), ..browser::ports(&settings) };
    let manager = UserManager::new(settings, ports).unwrap();
    let Err(Error::Authorization(error)) = manager.signin_silent().await else {
        panic!("no refusal")
    };
    assert_eq!(error.code.as_str(), "login_required");
    assert_eq!(frames(), 0);
}
