//! Second factors: authenticator apps, recovery codes, and the second step of a sign-in.

mod authenticator;
mod first_factor;
pub mod passkeys;
mod password_grant;
mod passwordless;
mod recovery_codes;
mod remembered;
mod required;
mod second_step;
mod throttle;

use axum::http::StatusCode;
use doorward_protocol::ids::{SessionId, Sub};
use doorward_provider::{
    model::{
        account_notice::{AccountNotices, FactorAddition},
        factor::StoredPasskey,
        session::Authentication,
        totp::TotpSecret,
    },
    store::AddedPasskey,
};

use crate::support::{Answer, Browser, Page, World};

/// The identifier of a user of the fixtures.
pub fn to_id(sub: &str) -> Sub {
    Sub::parse(sub).unwrap()
}

pub const AUTHENTICATOR: &str = "/account/authenticator";
pub const SECOND_STEP: &str = "/account/second-step";

/// A user's app, as it is on a phone.
pub struct App(pub TotpSecret);

impl App {
    /// The code that it shows now.
    pub fn code(&self, world: &World) -> String {
        self.0.code_at(world.provider.now()).unwrap()
    }

    /// A code that is wrong now.
    pub fn wrong_code(&self, world: &World) -> String {
        let right = self.code(world);
        let other = ["000000", "111111", "222222", "333333", "444444"];
        let is_wrong = |code: &&str| self.0.step_of(code, world.provider.now()).is_none();
        let wrong = other.into_iter().find(is_wrong).unwrap();
        assert_ne!(wrong, right);
        wrong.to_owned()
    }
}

/// The recovery codes that a page shows.
pub fn shown_codes(answer: &Answer) -> Vec<String> {
    let items = answer.body.split("<li class=\"mono\">").skip(1);
    items.map(|item| item.split('<').next().unwrap().to_owned()).collect()
}

/// The app that scans the picture of a page.
pub fn app_of(page: &Page, world: &World, sub: &str) -> App {
    let kept = page.value("secret");
    App(world.provider.factors().totp_being_set_up(&to_id(sub), kept).unwrap().0)
}

/// Enters a code in the form of the app at a sign-in. The page has one for a passkey, too.
pub async fn confirm(browser: &mut Browser<'_>, page: &Page, code: &str) -> Answer {
    let names = ["form_token", "return_url", "secret"];
    let kept = names.into_iter().filter_map(|name| Some((name, page.value(name)?)));
    let fields: Vec<_> = kept.chain([("code", code), ("action", "confirm")]).collect();
    browser.post(SECOND_STEP, &fields).await
}

/// Sets an app up for the user of this browser; returns it and the recovery codes.
pub async fn set_up_app(browser: &mut Browser<'_>, world: &World, sub: &str) -> (App, Vec<String>) {
    let page = browser.get(AUTHENTICATOR).await.page();
    let form = browser.submit(&page, &[("action", "set-up")]).await;
    assert_eq!(form.status, StatusCode::OK, "{form:?}");
    let app = app_of(&form.page(), world, sub);
    let code = app.code(world);
    let confirmed = browser.submit(&form.page(), &[("action", "confirm"), ("code", &code)]).await;
    assert_eq!(confirmed.status, StatusCode::OK, "{confirmed:?}");
    let codes = shown_codes(&confirmed);
    assert_eq!(codes.len(), 10, "{confirmed:?}");
    // The next code is one of another step.
    world.clock.advance(30);
    (app, codes)
}

/// Alice with an app, and a browser that has never signed her in. The password is right already.
pub async fn alice_at_second_step<'w>(world: &'w World, app: &mut Option<App>) -> Browser<'w> {
    if app.is_none() {
        let mut owner = Browser::signed_in(world, "alice").await;
        *app = Some(set_up_app(&mut owner, world, "alice").await.0);
    }
    let mut browser = Browser::new(world);
    let to_step = browser.sign_in("alice", "alice", None).await;
    assert_eq!((to_step.status, to_step.location()), (StatusCode::SEE_OTHER, SECOND_STEP));
    assert_eq!(browser.session(), None);
    browser
}

/// Enters a code on the page of the second step.
pub async fn enter(browser: &mut Browser<'_>, code: &str) -> Answer {
    let page = browser.get(SECOND_STEP).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    browser.submit(&page.page(), &[("code", code), ("action", "finish")]).await
}

/// Gives a user a passkey whose authenticator nobody has, as the store keeps it. With a first one,
/// all sessions end.
pub async fn add_passkey(world: &World, sub: &str, number: u8, name: &str) {
    put_passkey(world, sub, None, number, name).await;
}

/// Adds one in a session, which goes on.
pub async fn add_passkey_in(world: &World, session: &Authentication, number: u8, name: &str) {
    put_passkey(world, &session.sub, Some(&session.sid), number, name).await;
}

async fn put_passkey(
    world: &World,
    sub: &str,
    session: Option<&SessionId>,
    number: u8,
    name: &str,
) {
    let passkey = StoredPasskey {
        credential_id: vec![number; 20],
        sub: to_id(sub),
        user_handle: vec![9; 16],
        name: name.to_owned(),
        credential: "{}".to_owned(),
        counter: 0,
        backup_eligible: true,
        backed_up: true,
        created_at: world.provider.now(),
        used_at: None,
    };
    let addition = FactorAddition {
        session: session.cloned(),
        notices: AccountNotices::default(),
        at: world.provider.now(),
    };
    let added = world.store().add_passkey(passkey, 20, addition).await.unwrap();
    assert_eq!(added, AddedPasskey::Added);
}
