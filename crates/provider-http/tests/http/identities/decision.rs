//! `/account/external`: somebody who signed in by another provider, and is new here, decides.

use axum::http::StatusCode;
use doorward_provider::{
    model::{
        account_settings::{AccountSettings, Registration},
        identity_provider::{FirstSignIn, IdentityProvider},
        second_factor::{RequireSecondFactor, SecondFactorSettings},
        token_handle::TokenHandle,
    },
    use_case::external_sign_in::{ExternalRefusal, ExternalSignIn, ExternalVisit},
};
use serde_json::{Value, json};

use super::{
    ASKER, VISIT, believed, invitation_of, links, refusal, says, signed_in, up, visit, world,
};
use crate::support::{
    Browser, REDIRECT, Setup, World, authorize_url, elsewhere, state_of, user_of,
};

const PAGE: &str = "/account/external";

fn asking() -> IdentityProvider {
    IdentityProvider { first_sign_in: FirstSignIn::Ask, ..up() }
}

/// A browser in which somebody came from the other provider, and is asked.
async fn asked<'w>(world: &'w World, claims: Value, return_url: Option<&str>) -> Browser<'w> {
    let mut browser = Browser::new(world);
    ask(&mut browser, world, claims, return_url).await;
    browser
}

async fn ask(browser: &mut Browser<'_>, world: &World, claims: Value, return_url: Option<&str>) {
    let visit = ExternalVisit { return_url, ..VISIT };
    let (provider, user) = (asking(), says("1", claims));
    let outcome =
        world.provider.external_sign_ins().sign_in(&provider, &user, visit).await.unwrap();
    let ExternalSignIn::Ask(handle) = outcome else { panic!("{outcome:?}") };
    browser.set_cookie("doorward.external", handle.expose());
}

#[tokio::test]
async fn an_account_is_made_and_the_request_goes_on() {
    let world = world(&asking()).await;
    let url = authorize_url(&[]);
    let mut browser = asked(&world, json!({"email": "eve@up.example"}), Some(url.as_str())).await;
    let page = browser.get(PAGE).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("You signed in at Upstairs as eve@up.example."));
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let forged = browser.post(PAGE, &[("action", "create")]).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST, "without the form token");
    assert!(browser.session().is_none());
    let fields = [("form_token", token.as_str()), ("action", "create")];
    let made = browser.post(PAGE, &fields).await;
    assert!(made.location().starts_with("/connect/authorize?"), "{}", made.location());
    assert!(browser.session().is_some());
    let user = world.store().user_by_username("eve").await.unwrap().unwrap();
    assert_eq!(links(&world, &user.sub).await.len(), 1);
    let again = browser.post(PAGE, &fields).await;
    assert_eq!(again.location(), "/account/login", "it counts once");
}

#[tokio::test]
async fn an_account_is_linked_by_who_signs_in_to_it() {
    let world = world(&asking()).await;
    let url = authorize_url(&[]);
    let mut browser = asked(&world, json!({}), Some(url.as_str())).await;
    let page = browser.get(PAGE).await.page();
    let hrefs: Vec<_> = page.all("a").filter_map(|link| link.attribute("href")).collect();
    assert!(hrefs.contains(&"/account/login?return_url=%2Faccount%2Fexternal"), "{hrefs:?}");
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("action", "link")];
    let early = browser.post(PAGE, &fields).await;
    assert!(early.location().starts_with("/account/login"), "nobody is signed in");
    let back = browser.sign_in("alice", "alice", Some(PAGE)).await;
    assert_eq!(back.location(), PAGE);
    assert!(browser.get(PAGE).await.body.contains("Link Upstairs with the account alice"));
    let linked = browser.post(PAGE, &fields).await;
    assert!(linked.location().starts_with("/connect/authorize?"), "{}", linked.location());
    assert_eq!(links(&world, "alice").await.len(), 1);
    let (user, _) = signed_in(visit(&world, &asking(), &says("1", json!({}))).await);
    assert_eq!(user.sub.as_str(), "alice");
}

#[tokio::test]
async fn a_link_needs_a_sign_in_of_the_last_minutes() {
    let world = world(&asking()).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    world.clock.advance(301);
    ask(&mut browser, &world, json!({}), None).await;
    assert!(!browser.get(PAGE).await.body.contains("with the account alice"));
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("action", "link")];
    assert!(browser.post(PAGE, &fields).await.location().starts_with("/account/login"));
    assert!(links(&world, "alice").await.is_empty());
}

#[tokio::test]
async fn no_account_is_made_beside_one_with_the_address() {
    let world = world(&asking()).await;
    let claims = json!({"email": "alice@example.com", "email_verified": true});
    let mut browser = asked(&world, claims, None).await;
    let page = browser.get(PAGE).await;
    assert!(page.body.contains("There is an account with your e-mail address here."));
    assert!(!page.body.contains("Create an account"));
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("action", "create")];
    let refused = browser.post(PAGE, &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("Linked accounts"), "it says how to link");
    assert!(browser.session().is_none());
    assert!(links(&world, "alice").await.is_empty());
}

#[tokio::test]
async fn nothing_is_decided_under_a_provider_that_has_another_issuer_by_now() {
    let world = world(&asking()).await;
    let moved = IdentityProvider::new(asking().name, "https://moved.example");
    let other = world.with_identity_providers(vec![moved]).await;
    let handle =
        asked(&world, json!({}), None).await.cookie("doorward.external").map(str::to_owned);
    let handle = handle.unwrap();
    for action in ["create", "link"] {
        let mut browser = Browser::signed_in(&other, "alice").await;
        let page = browser.get("/account/logout").await.page();
        browser.set_cookie("doorward.external", &handle);
        assert_eq!(browser.get(PAGE).await.location(), "/account/login");
        browser.set_cookie("doorward.external", &handle);
        let fields = [("form_token", page.value("form_token").unwrap()), ("action", action)];
        assert_eq!(browser.post(PAGE, &fields).await.location(), "/account/login", "{action}");
    }
    let mut browser = Browser::new(&world);
    browser.set_cookie("doorward.external", &handle);
    assert_eq!(browser.get(PAGE).await.status, StatusCode::OK, "the provider is what it was");
    // It may also move between the question and the answer.
    let sign_ins = other.provider.external_sign_ins();
    let made = sign_ins.create_pending(&TokenHandle::parse(&handle), ASKER).await.unwrap();
    assert_eq!(refusal(&made), ExternalRefusal::Expired);
    assert!(links(&world, "alice").await.is_empty());
}

#[tokio::test]
async fn a_browser_without_a_decision_is_led_to_the_login_page() {
    let world = world(&believed()).await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.get(PAGE).await.location(), "/account/login");
    browser.set_cookie("doorward.external", &"A".repeat(43));
    assert_eq!(browser.get(PAGE).await.location(), "/account/login");
    assert!(browser.cookie("doorward.external").is_none_or(str::is_empty));
}

#[tokio::test]
async fn who_must_have_a_second_factor_sets_it_up_before_the_session() {
    let second_factor =
        SecondFactorSettings { require: RequireSecondFactor::Always, ..Default::default() };
    let identity_providers = vec![asking()];
    let setup = Setup { second_factor, identity_providers, ..Setup::default() };
    let world = World::with(setup).await;
    let mut browser = asked(&world, json!({"email": "eve@up.example"}), None).await;
    browser.get(PAGE).await;
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("action", "create")];
    let made = browser.post(PAGE, &fields).await;
    assert!(made.location().starts_with("/account/second-step"), "{}", made.location());
    assert!(browser.session().is_none());
}

#[tokio::test]
async fn who_comes_back_from_there_is_asked_and_gets_to_the_application() {
    let (provider, one) = elsewhere("one");
    let provider = IdentityProvider { first_sign_in: FirstSignIn::Ask, ..provider };
    let world = World::with(Setup::with_elsewhere(vec![(provider, one.clone())])).await;
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&authorize_url(&[])).await;
    let login = browser.get(to_login.location()).await.page();
    let away = browser.press(&login, "one", &[]).await;
    one.answers(Ok(user_of("one", "ada")));
    let back = browser.come_back("one", &state_of(&away)).await;
    assert_eq!(back.location(), PAGE);
    browser.get(PAGE).await;
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("action", "create")];
    let made = browser.post(PAGE, &fields).await;
    browser.get(made.location()).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn who_is_invited_can_come_from_another_provider() {
    let (provider, one) = elsewhere("one");
    let provider = IdentityProvider { first_sign_in: FirstSignIn::Invitation, ..provider };
    let accounts =
        AccountSettings { registration: Registration::Invitation, ..AccountSettings::default() };
    let setup = Setup::with_elsewhere(vec![(provider, one.clone())]);
    let world = World::with(Setup { accounts, ..setup }).await;
    let link = invitation_of(&world).await;
    let mut browser = Browser::new(&world);
    let login = browser.login_page(None).await;
    let away = browser.press(&login, "one", &[]).await;
    one.answers(Ok(user_of("one", "ada")));
    let refused = browser.come_back("one", &state_of(&away)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "without the invitation");
    assert!(refused.body.contains("needs an invitation"));
    let page = browser.get(&link).await.page();
    let (token, handle) = (page.value("form_token").unwrap(), page.value("token").unwrap());
    let fields = [("form_token", token), ("token", handle), ("purpose", "invitation")];
    let away = browser.post("/account/external/one", &fields).await;
    one.answers(Ok(user_of("one", "ada")));
    browser.come_back("one", &state_of(&away)).await;
    assert!(browser.session().is_some());
    let user = world.store().user_by_username("ada").await.unwrap().unwrap();
    assert_eq!(user.verified_email().as_deref(), Some("eve@example.com"));
    assert!(user.has_role("editor"));
}
