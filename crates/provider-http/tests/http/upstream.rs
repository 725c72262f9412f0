//! Sign-in at other providers: the way there, the way back, and what can go wrong.

use std::{net::IpAddr, sync::Arc};

use axum::http::StatusCode;
use doorward_protocol::params::encode;
use doorward_provider::{
    model::{
        external_identity::UpstreamUser,
        identity_provider::IdentityProvider,
        second_factor::{RequireSecondFactor, SecondFactorSettings},
        time::Timestamp,
    },
    use_case::upstream::{LONGEST_ID_TOKEN, UpstreamError, UpstreamLogout},
};
use serde_json::{Value, json};

use crate::{
    factors::{SECOND_STEP, app_of, confirm, passkeys},
    login::throttle::use_up_site,
    registration,
    support::{
        Answer, Authenticator, Browser, Elsewhere, Page, REDIRECT, START, Setup, World,
        authorize_url, changed, claims, client_settings, code_request, elsewhere, signed_in_at,
        state_of, user_of,
    },
};

async fn world_with(
    providers: Vec<(IdentityProvider, Arc<Elsewhere>)>,
    clients: Vec<Value>,
) -> World {
    World::with(Setup { clients, ..Setup::with_elsewhere(providers) }).await
}

async fn world() -> (World, Arc<Elsewhere>) {
    let one = elsewhere("one");
    let client = Arc::clone(&one.1);
    (world_with(vec![one], vec![]).await, client)
}

/// Signs in by a provider, from an authorization request to its code.
async fn sign_in(browser: &mut Browser<'_>, name: &str, changes: &[(&str, &str)]) -> Answer {
    let to_login = browser.get(&authorize_url(changes)).await;
    to_login.expect_login();
    let login = browser.get(to_login.location()).await;
    let away = if login.status == StatusCode::OK {
        browser.press(&login.page(), name, &[]).await
    } else {
        login
    };
    browser.come_back(name, &state_of(&away)).await
}

fn buttons(page: &Page) -> Vec<String> {
    let actions = page.all("button").filter_map(|button| button.attribute("formaction"));
    actions.map(|action| action.trim_start_matches("/account/external/").to_owned()).collect()
}

/// The page that says what went wrong, and leads back to all ways to sign in.
#[track_caller]
fn expect_way_back(answer: &Answer, status: StatusCode) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let page = answer.page();
    let link = page.all("a").find_map(|link| link.attribute("href")).expect("a way back");
    assert!(link.starts_with("/account/login?") && link.contains("choose=true"), "{link}");
    link.to_owned()
}

#[tokio::test]
async fn without_other_providers_nothing_of_them_is_there() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    assert!(buttons(&page).is_empty());
    let policy = browser.get("/account/login").await;
    assert!(policy.header("content-security-policy").contains("form-action 'self'"));
    let token = page.value("form_token").unwrap();
    let posted = browser.post("/account/external/one", &[("form_token", token)]).await;
    assert_eq!(posted.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.come_back("one", "x").await.status, StatusCode::NOT_FOUND);
    browser.get(&authorize_url(&[("idp", "one")])).await.expect_login();
}

#[tokio::test]
async fn the_first_sign_in_makes_the_account_that_the_second_one_finds() {
    let (world, one) = world().await;
    let mut subs = Vec::new();
    for _ in 0..2 {
        one.answers(Ok(user_of("one", "ada")));
        let mut browser = Browser::new(&world);
        let back = sign_in(&mut browser, "one", &[]).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{back:?}");
        let code = browser.get(back.location()).await.expect_code(REDIRECT);
        let tokens = world.token(&code_request(&code)).await.json();
        let claims = claims(&tokens["id_token"]);
        assert_eq!(claims["amr"], json!(["external"]), "{claims}");
        assert_eq!(claims["acr"], "urn:doorward:acr:1");
        subs.push(claims["sub"].clone());
        let last = browser.cookie("doorward.last-provider").map(str::to_owned);
        assert_eq!(last.as_deref(), Some("one"));
        assert!(browser.cookie("doorward.device").is_some());
    }
    assert_eq!(subs[0], subs[1]);
    let responses = one.finished();
    let prefix = "http://localhost:6001/account/external/one/callback?code=c&state=";
    assert!(responses.iter().all(|url| url.starts_with(prefix)), "{responses:?}");
}

#[tokio::test]
async fn a_sign_in_begins_by_a_form_of_our_own_pages_only() {
    let (world, one) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let forged = browser.post("/account/external/one", &[("form_token", "x")]).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST, "{forged:?}");
    assert!(forged.page().text.contains("open for too long"), "{forged:?}");
    assert!(one.asked().is_empty());
    // A link of somebody else does nothing.
    let linked = browser.get("/account/external/one").await;
    assert_eq!(linked.status, StatusCode::METHOD_NOT_ALLOWED);
    let away = browser.press(&page, "one", &[]).await;
    assert_eq!(away.status, StatusCode::SEE_OTHER, "{away:?}");
    assert_eq!(one.asked().len(), 1);
}

#[tokio::test]
async fn a_response_counts_once_and_in_the_browser_that_asked_for_it() {
    let (world, one) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let state = state_of(&browser.press(&page, "one", &[]).await);
    let cookie = format!("doorward.upstream-{}", &state[..12]);
    let sealed = browser.cookie(&cookie).expect("the cookie of the request").to_owned();
    // The victim of somebody who sends them the end of a sign-in.
    let mut victim = Browser::new(&world);
    expect_way_back(&victim.come_back("one", &state).await, StatusCode::BAD_REQUEST);
    assert!(one.finished().is_empty());
    // Another state with this cookie.
    let other = format!("{}{}", &state[..12], "A".repeat(31));
    expect_way_back(&browser.come_back("one", &other).await, StatusCode::BAD_REQUEST);
    one.answers(Ok(user_of("one", "ada")));
    assert_eq!(browser.come_back("one", &state).await.location(), "/");
    assert_eq!(browser.cookie(&cookie), None);
    // Reload: whoever is signed in goes on.
    assert_eq!(browser.come_back("one", &state).await.location(), "/");
    // The same cookie once more, in a browser without a session.
    let mut again = Browser::new(&world);
    again.set_cookie(&cookie, &sealed);
    expect_way_back(&again.come_back("one", &state).await, StatusCode::BAD_REQUEST);
    assert_eq!(one.finished().len(), 1);
}

#[tokio::test]
async fn a_provider_can_not_answer_for_another() {
    let (one, two) = (elsewhere("one"), elsewhere("two"));
    let (first, second) = (Arc::clone(&one.1), Arc::clone(&two.1));
    let world = world_with(vec![one, two], vec![]).await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let state = state_of(&browser.press(&page, "one", &[]).await);
    expect_way_back(&browser.come_back("two", &state).await, StatusCode::BAD_REQUEST);
    assert!(first.finished().is_empty() && second.finished().is_empty());
}

#[tokio::test]
async fn a_response_that_takes_too_long_is_not_awaited_any_more() {
    let (world, one) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let state = state_of(&browser.press(&page, "one", &[]).await);
    world.clock.advance(900);
    expect_way_back(&browser.come_back("one", &state).await, StatusCode::BAD_REQUEST);
    assert!(one.finished().is_empty());
}

#[tokio::test]
async fn several_tabs_sign_in_at_the_same_time() {
    let (world, one) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let first = state_of(&browser.press(&page, "one", &[]).await);
    let second = state_of(&browser.press(&page, "one", &[]).await);
    for state in [first, second] {
        one.answers(Ok(user_of("one", "ada")));
        assert_eq!(browser.come_back("one", &state).await.location(), "/");
    }
}

#[tokio::test]
async fn the_session_is_a_new_one() {
    let (world, one) = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let before = browser.session().unwrap();
    let page = browser.login_page(None).await;
    let state = state_of(&browser.press(&page, "one", &[]).await);
    one.answers(Ok(user_of("one", "ada")));
    browser.come_back("one", &state).await;
    assert_ne!(browser.session().unwrap(), before);
    let mut thief = Browser::new(&world);
    thief.set_cookie("doorward.session", &before);
    assert_eq!(thief.get("/").await.location(), "/account/login");
}

#[tokio::test]
async fn what_goes_wrong_there_is_a_page_with_a_way_back() {
    let text = || "the reason is for the log".to_owned();
    for (error, status) in [
        (UpstreamError::Denied(text()), StatusCode::FORBIDDEN),
        (UpstreamError::NotAccepted(text()), StatusCode::BAD_GATEWAY),
        (UpstreamError::TooOld(text()), StatusCode::FORBIDDEN),
        (UpstreamError::NotAwaited, StatusCode::BAD_REQUEST),
    ] {
        let (world, one) = world().await;
        one.answers(Err(error));
        let mut browser = Browser::new(&world);
        let back = sign_in(&mut browser, "one", &[]).await;
        let link = expect_way_back(&back, status);
        assert!(!back.body.contains("for the log"), "{back:?}");
        assert_eq!(browser.session(), None);
        // The application's request still waits.
        let login = browser.get(&link).await.page();
        let fields = [("username", "alice"), ("password", "alice"), ("action", "login")];
        let signed_in = browser.submit(&login, &fields).await;
        browser.get(signed_in.location()).await.expect_code(REDIRECT);
    }
}

/// As Entra ID answers about a user in hundreds of groups.
#[tokio::test]
async fn a_user_whose_groups_do_not_fit_is_refused_where_a_rule_reads_them() {
    for (pointer, is_refused) in [("/groups", true), ("/roles", false)] {
        let mut one = elsewhere("one");
        let rules = json!([{"claim": "role", "value": "editor",
            "when": [{"pointer": pointer, "contains": "editors"}]}]);
        one.0.claims = serde_json::from_value(rules).unwrap();
        let client = Arc::clone(&one.1);
        let world = world_with(vec![one], vec![]).await;
        let mut ada = user_of("one", "ada");
        ada.claims.insert("_claim_names".to_owned(), json!({"groups": "src1"}));
        client.answers(Ok(ada));
        let mut browser = Browser::new(&world);
        let back = sign_in(&mut browser, "one", &[]).await;
        if is_refused {
            expect_way_back(&back, StatusCode::BAD_GATEWAY);
        }
        assert_eq!(browser.session().is_none(), is_refused, "{back:?}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_before_the_user_leaves() {
    let (world, one) = world().await;
    one.answers(Err(UpstreamError::Unavailable("no answer".to_owned())));
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let down = browser.press(&page, "one", &[]).await;
    expect_way_back(&down, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn what_a_client_asks_for_is_passed_on() {
    let (world, one) = world().await;
    let ask = async |changes: &[(&str, &str)]| {
        let mut browser = Browser::new(&world);
        let to_login = browser.get(&authorize_url(changes)).await;
        let page = browser.get(to_login.location()).await.page();
        state_of(&browser.press(&page, "one", &[]).await);
        one.asked().pop().unwrap()
    };
    let plain = ask(&[]).await;
    assert!(!plain.again && plain.max_age.is_none() && plain.login_hint.is_none());
    assert_eq!(plain.ui_locales.as_deref(), Some("en"));
    let all =
        [("prompt", "login"), ("max_age", "60"), ("ui_locales", "de fr"), ("login_hint", "ada")];
    let asked = ask(&all).await;
    assert!(asked.again);
    assert_eq!(asked.max_age, Some(60));
    assert_eq!(asked.ui_locales.as_deref(), Some("de fr"));
    assert_eq!(asked.login_hint.as_deref(), Some("ada"));
    let asked = ask(&[("prompt", "select_account consent")]).await;
    assert_eq!((asked.again, asked.select_account, asked.consent), (false, true, true));
}

#[tokio::test]
async fn a_sign_in_of_long_ago_is_no_fresh_one() {
    let (world, one) = world().await;
    let ada = || user_of("one", "ada");
    let auth_time = async |changes: &[(&str, &str)], at: i64| {
        one.answers(Ok(signed_in_at(ada(), at)));
        let mut browser = Browser::new(&world);
        let back = sign_in(&mut browser, "one", changes).await;
        if back.status != StatusCode::SEE_OTHER {
            return Err(back);
        }
        let code = browser.get(back.location()).await.expect_code(REDIRECT);
        let tokens = world.token(&code_request(&code)).await.json();
        Ok(claims(&tokens["id_token"])["auth_time"].as_i64().unwrap())
    };
    // Clients are told when the user really signed in, and never a time that is to come.
    assert_eq!(auth_time(&[], START - 7200).await.unwrap(), START - 7200);
    assert_eq!(auth_time(&[], START + 50).await.unwrap(), START);
    // The other provider ignored that the user must sign in again.
    let ignored = auth_time(&[("prompt", "login")], START - 7200).await.unwrap_err();
    expect_way_back(&ignored, StatusCode::FORBIDDEN);
    let before = auth_time(&[("prompt", "login")], START - 61).await.unwrap_err();
    expect_way_back(&before, StatusCode::FORBIDDEN);
    assert_eq!(auth_time(&[("prompt", "login")], START - 5).await.unwrap(), START);
    assert_eq!(auth_time(&[("max_age", "60")], START - 50).await.unwrap(), START);
    // Whoever asks for a long time makes nothing fresh.
    let long_ago = auth_time(&[("max_age", "86400")], START - 7200).await.unwrap();
    assert_eq!(long_ago, START - 7200);
}

#[tokio::test]
async fn a_session_that_was_left_open_elsewhere_opens_no_page_that_wants_a_fresh_sign_in() {
    let (world, one) = world().await;
    let ada = user_of("one", "ada");
    // The provider asks nobody, and says of long ago when it was, or nothing.
    for answer in [signed_in_at(ada.clone(), START - 7200), ada] {
        one.answers(Ok(answer));
        let mut browser = Browser::new(&world);
        let back = sign_in(&mut browser, "one", &[("max_age", "86400")]).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{back:?}");
        for page in ["/account/password", "/account/identities"] {
            let answer = browser.get(page).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page}");
            assert!(answer.location().starts_with("/account/login"), "{page}");
        }
    }
}

#[tokio::test]
async fn a_sign_in_goes_straight_there_if_the_request_or_the_client_says_so() {
    let mut one = elsewhere("one");
    one.0.email_domains = vec!["one.example".to_owned()];
    let two = elsewhere("two");
    let only = json!({"identity_providers": ["two"], "enable_local_login": false});
    let world = world_with(vec![one, two], vec![client_settings("Only", only)]).await;
    let straight = async |changes: &[(&str, &str)]| {
        let mut browser = Browser::new(&world);
        let to_login = browser.get(&authorize_url(changes)).await;
        to_login.expect_login();
        let answer = browser.get(to_login.location()).await;
        // Whoever comes back finds all ways to sign in.
        let all = browser.get(&format!("{}&choose=true", to_login.location())).await;
        assert_eq!(all.status, StatusCode::OK);
        answer.location().starts_with("https://elsewhere.example/")
    };
    assert!(straight(&[("idp", "one")]).await);
    assert!(straight(&[("acr_values", "idp:two urn:doorward:acr:1")]).await);
    assert!(straight(&[("login_hint", "ada@one.example")]).await);
    assert!(straight(&[("client_id", "Only")]).await);
    assert!(!straight(&[("idp", "gone")]).await);
    assert!(!straight(&[("login_hint", "ada@two.example")]).await);
    assert!(!straight(&[]).await);
}

#[tokio::test]
async fn a_typed_address_of_a_home_domain_leads_there_without_a_password() {
    let mut one = elsewhere("one");
    one.0.email_domains = vec!["one.example".to_owned()];
    let client = Arc::clone(&one.1);
    let world = world_with(vec![one], vec![]).await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    assert_eq!(page.input("password").unwrap().attribute("required"), None);
    let away = browser.submit(&page, &[("username", "ada@one.example"), ("action", "login")]).await;
    state_of(&away);
    assert_eq!(client.asked()[0].login_hint.as_deref(), Some("ada@one.example"));
    let fields = [("username", "alice"), ("password", "alice"), ("action", "login")];
    assert_eq!(browser.submit(&page, &fields).await.location(), "/");
}

#[tokio::test]
async fn a_client_takes_the_providers_that_it_lists() {
    let (one, two) = (elsewhere("one"), elsewhere("two"));
    let first = Arc::clone(&one.1);
    let clients = vec![
        client_settings("Two", json!({"identity_providers": ["two"]})),
        client_settings("None", json!({"identity_providers": []})),
    ];
    let world = world_with(vec![one, two], clients).await;
    let mut browser = Browser::new(&world);
    let shown = async |browser: &mut Browser<'_>, client: &str| {
        let to_login = browser.get(&authorize_url(&[("client_id", client)])).await;
        browser.get(to_login.location()).await.page()
    };
    assert_eq!(buttons(&shown(&mut browser, "PkceJS").await), ["one", "two"]);
    assert!(buttons(&shown(&mut browser, "None").await).is_empty());
    let page = shown(&mut browser, "Two").await;
    assert_eq!(buttons(&page), ["two"]);
    let fields = page.fields();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let other = browser.post("/account/external/one", &fields).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "{other:?}");
    // Nor does a session count that began there.
    first.answers(Ok(user_of("one", "ada")));
    let back = sign_in(&mut browser, "one", &[]).await;
    browser.get(back.location()).await.expect_code(REDIRECT);
    browser.get(&authorize_url(&[("client_id", "Two")])).await.expect_login();
    browser
        .get(&authorize_url(&[("client_id", "Two"), ("prompt", "none")]))
        .await
        .expect_redirect_error(REDIRECT, "login_required");
}

#[tokio::test]
async fn where_there_are_no_passkeys_another_provider_is_a_way_in() {
    let (one, two) = (elsewhere("one"), elsewhere("two"));
    let clients = vec![client_settings("Elsewhere", json!({"enable_local_login": false}))];
    let issuer = "http://127.0.0.1:6001";
    let setup = Setup { issuer, clients, ..Setup::with_elsewhere(vec![one, two]) };
    let world = World::with(setup).await;
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&authorize_url(&[("client_id", "Elsewhere")])).await;
    let page = browser.get(to_login.location()).await.page();
    assert!(page.input("password").is_none() && !page.text.contains("takes no passwords"));
    assert_eq!(buttons(&page), ["one", "two"]);
}

#[tokio::test]
async fn the_provider_of_the_last_sign_in_comes_first() {
    let (one, two) = (elsewhere("one"), elsewhere("two"));
    let second = Arc::clone(&two.1);
    let world = world_with(vec![one, two], vec![]).await;
    let mut browser = Browser::new(&world);
    second.answers(Ok(user_of("two", "ada")));
    sign_in(&mut browser, "two", &[]).await;
    let page = browser.login_page(None).await;
    assert_eq!(buttons(&page), ["two", "one"]);
    assert_eq!(page.text.matches("Last used").count(), 1);
}

#[tokio::test]
async fn a_second_step_that_users_must_take_comes_after_it_as_after_a_password() {
    let require = RequireSecondFactor::Always;
    let second_factor = SecondFactorSettings { require, ..SecondFactorSettings::default() };
    let (mut one, mut two) = (elsewhere("one"), elsewhere("two"));
    two.0.trusted_mfa = true;
    one.0.trusted_mfa = false;
    let (first, second) = (Arc::clone(&one.1), Arc::clone(&two.1));
    let setup = Setup { second_factor, ..Setup::with_elsewhere(vec![one, two]) };
    let world = World::with(setup).await;
    let by_several = |name: &str| {
        let amr = vec!["pwd".to_owned(), "mfa".to_owned()];
        UpstreamUser { amr, ..user_of(name, "ada") }
    };
    // The operator does not trust this one with it.
    first.answers(Ok(by_several("one")));
    let mut browser = Browser::new(&world);
    let to_step = sign_in(&mut browser, "one", &[]).await;
    assert!(to_step.location().starts_with(SECOND_STEP), "{to_step:?}");
    assert_eq!(browser.session(), None);
    let form = browser.get(to_step.location()).await;
    let sub = world.store().user_by_username("ada").await.unwrap().expect("Ada").sub;
    let app = app_of(&form.page(), &world, &sub);
    let done = confirm(&mut browser, &form.page(), &app.code(&world)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    let code = browser.get(&authorize_url(&[])).await.expect_code(REDIRECT);
    let tokens = world.token(&code_request(&code)).await.json();
    assert_eq!(claims(&tokens["id_token"])["amr"], json!(["external", "otp", "mfa"]));
    // This one it does.
    second.answers(Ok(by_several("two")));
    let mut browser = Browser::new(&world);
    let back = sign_in(&mut browser, "two", &[]).await;
    let code = browser.get(back.location()).await.expect_code(REDIRECT);
    let tokens = world.token(&code_request(&code)).await.json();
    let claims = claims(&tokens["id_token"]);
    assert_eq!(claims["amr"], json!(["external", "mfa"]));
    assert_eq!(claims["acr"], "urn:doorward:acr:2");
}

#[tokio::test]
async fn a_sign_in_there_with_a_passkey_as_the_second_step_stays_one_that_began_there() {
    let (one, two) = (elsewhere("one"), elsewhere("two"));
    let client = Arc::clone(&one.1);
    let strict = client_settings("Two", json!({"identity_providers": ["two"]}));
    let world = world_with(vec![one, two], vec![strict]).await;
    let ada = || {
        let user = signed_in_at(user_of("one", "ada"), world.clock.seconds());
        Ok(UpstreamUser { sid: Some("s1".to_owned()), ..user })
    };
    client.answers(ada());
    let mut browser = Browser::new(&world);
    sign_in(&mut browser, "one", &[]).await;
    let mut authenticator = Authenticator::new(1);
    let added = passkeys::register(&mut browser, &mut authenticator).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{added:?}");
    world.clock.advance(1);
    client.answers(ada());
    let mut browser = Browser::new(&world);
    let changes = [("acr_values", "urn:doorward:acr:2")];
    let to_step = sign_in(&mut browser, "one", &changes).await;
    assert!(to_step.location().starts_with(SECOND_STEP), "{to_step:?}");
    let page = browser.get(to_step.location()).await.page();
    let question = passkeys::ask(&mut browser, "sign-in").await.json();
    let credential = authenticator.sign_in(&question);
    let ticket = question["ticket"].as_str().unwrap();
    let done = browser.submit(&page, &[("ticket", ticket), ("credential", &credential)]).await;
    let code = browser.get(done.location()).await.expect_code(REDIRECT);
    let tokens = world.token(&code_request(&code)).await.json();
    let amr = &claims(&tokens["id_token"])["amr"];
    assert_eq!(amr, &json!(["external", "hwk", "user", "mfa"]));
    // A client that does not take the provider does not take the session.
    browser.get(&authorize_url(&[("client_id", "Two")])).await.expect_login();
    client.signs("of s1", logout(Some("ada"), Some("s1"), "1"));
    let path = "/account/external/one/backchannel-logout";
    assert_eq!(world.post(path, &[("logout_token", "of s1")]).await.status, StatusCode::OK);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_first_password_leaves_a_session_one_that_began_there() {
    let (one, two) = (elsewhere("one"), elsewhere("two"));
    let client = Arc::clone(&one.1);
    let strict = client_settings("Two", json!({"identity_providers": ["two"]}));
    let world = world_with(vec![one, two], vec![strict]).await;
    let user = signed_in_at(user_of("one", "ada"), world.clock.seconds());
    client.answers(Ok(UpstreamUser { sid: Some("s1".to_owned()), ..user }));
    let mut browser = Browser::new(&world);
    sign_in(&mut browser, "one", &[]).await;
    let page = browser.get("/account/password").await.page();
    let new = "violet kettle marches north";
    let set = browser.submit(&page, &[("password", new), ("repeated", new)]).await;
    assert!(set.status.is_success() || set.status.is_redirection(), "{set:?}");
    assert!(is_signed_in(&mut browser).await, "the session goes on");
    browser.get(&authorize_url(&[("client_id", "Two")])).await.expect_login();
    client.signs("of s1", logout(None, Some("s1"), "1"));
    let path = "/account/external/one/backchannel-logout";
    assert_eq!(world.post(path, &[("logout_token", "of s1")]).await.status, StatusCode::OK);
    assert!(!is_signed_in(&mut browser).await);
}

/// The session elsewhere may be a thief's, who was signed out when the passkey was added.
#[tokio::test]
async fn a_sign_in_there_from_before_the_first_passkey_is_followed_by_the_passkey() {
    let (world, one) = world().await;
    let ada = || Ok(signed_in_at(user_of("one", "ada"), START));
    one.answers(ada());
    let mut owner = Browser::new(&world);
    sign_in(&mut owner, "one", &[]).await;
    world.clock.advance(60);
    let added = passkeys::register(&mut owner, &mut Authenticator::new(1)).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{added:?}");
    world.clock.advance(60);
    one.answers(ada());
    let mut thief = Browser::new(&world);
    let to_step = sign_in(&mut thief, "one", &[]).await;
    assert!(to_step.location().starts_with(SECOND_STEP), "{to_step:?}");
    // Signed in there since, nobody is asked for more than before.
    one.answers(Ok(signed_in_at(user_of("one", "ada"), START + 100)));
    let back = sign_in(&mut Browser::new(&world), "one", &[]).await;
    assert!(!back.location().starts_with(SECOND_STEP), "{back:?}");
}

#[tokio::test]
async fn a_device_takes_sessions_of_the_providers_that_its_client_lists() {
    let (one, two) = (elsewhere("one"), elsewhere("two"));
    let (first, second) = (Arc::clone(&one.1), Arc::clone(&two.1));
    let device = json!({
        "client_id": "Two", "allowed_grant_types": ["device_code"],
        "require_client_secret": false, "allowed_scopes": ["openid"],
        "identity_providers": ["two"],
    });
    let world = world_with(vec![one, two], vec![device]).await;
    let begun = world.post("/connect/deviceauthorization", &[("client_id", "Two")]).await.json();
    let code = begun["user_code"].as_str().unwrap();
    let mut browser = Browser::new(&world);
    first.answers(Ok(signed_in_at(user_of("one", "ada"), START)));
    sign_in(&mut browser, "one", &[]).await;
    let page = browser.get("/device").await.page();
    let fields = [("user_code", code), ("action", "continue")];
    browser.submit(&page, &fields).await.expect_login();
    // The answer can be posted without the question.
    let posted = browser.submit(&page, &[("user_code", code), ("action", "allow")]).await;
    posted.expect_login();
    // The same user, by the other provider.
    let state = state_of(&begin_link(&mut browser, "two").await);
    second.answers(Ok(user_of("two", "ada")));
    browser.come_back("two", &state).await;
    second.answers(Ok(user_of("two", "ada")));
    let mut browser = Browser::new(&world);
    sign_in(&mut browser, "two", &[]).await;
    let page = browser.get("/device").await.page();
    let question = browser.submit(&page, &fields).await;
    assert_eq!(question.status, StatusCode::OK, "{question:?}");
    let done = browser.submit(&question.page(), &[("action", "allow")]).await;
    assert!(done.page().text.contains("The device is connected"), "{done:?}");
}

#[tokio::test]
async fn two_factors_that_a_client_wants_are_asked_for_there_and_taken_here_if_need_be() {
    let mut one = elsewhere("one");
    one.0.mfa_acr = vec!["gold".to_owned(), "platinum".to_owned()];
    let client = Arc::clone(&one.1);
    let world = world_with(vec![one], vec![]).await;
    let changes = [("acr_values", "urn:doorward:acr:2")];
    client.answers(Ok(user_of("one", "ada")));
    let weak = sign_in(&mut Browser::new(&world), "one", &changes).await;
    assert!(weak.location().starts_with(SECOND_STEP), "{weak:?}");
    assert_eq!(client.asked()[0].acr_values, ["gold", "platinum"]);
    let acr = Some("gold".to_owned());
    let strong = UpstreamUser { acr, ..user_of("one", "ada") };
    client.answers(Ok(strong));
    let mut browser = Browser::new(&world);
    let back = sign_in(&mut browser, "one", &changes).await;
    browser.get(back.location()).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn a_response_that_is_posted_comes_once_more_with_the_cookies() {
    let (world, one) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let state = state_of(&browser.press(&page, "one", &[]).await);
    // A browser sends no cookies with a form of another site.
    let path = "/account/external/one/callback";
    let fields = [("state", state.as_str()), ("code", "c"), ("user", "{\"name\":\"Ada\"}")];
    let posted = world.post(path, &fields).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER, "{posted:?}");
    assert_eq!(posted.location(), format!("{path}?{}", encode(fields[..2].iter().copied())));
    one.answers(Ok(user_of("one", "ada")));
    assert_eq!(browser.get(posted.location()).await.location(), "/");
}

#[tokio::test]
async fn a_request_that_no_cookie_holds_is_refused_before_the_user_leaves() {
    let (world, _) = world().await;
    let mut browser = Browser::new(&world);
    let state = "x".repeat(4000);
    let to_login = browser.get(&authorize_url(&[("state", &state)])).await;
    let page = browser.get(to_login.location()).await.page();
    let refused = browser.press(&page, "one", &[]).await;
    expect_way_back(&refused, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn hostile_names_and_responses_are_refused() {
    let (world, one) = world().await;
    let mut browser = Browser::new(&world);
    for name in ["two", "One", "..", "%2e%2e", "one%00", "one%2fcallback"] {
        let answer = browser.get(&format!("/account/external/{name}/callback?state=x")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}: {answer:?}");
    }
    for query in ["", "?state=", "?state=short", "?error=access_denied", "?code=a;b&state=%ff"] {
        let answer = browser.get(&format!("/account/external/one/callback{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {answer:?}");
    }
    let twice = browser.get("/account/external/one/callback?state=a&state=b").await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST, "{twice:?}");
    let page = browser.login_page(None).await;
    let fields = [("return_url", "https://evil.example/")];
    let open = browser.press(&page, "one", &fields).await;
    assert_eq!(open.status, StatusCode::BAD_REQUEST, "{open:?}");
    assert!(one.asked().is_empty() && one.finished().is_empty());
}

#[tokio::test]
async fn remember_me_is_kept_over_the_way_there() {
    let (world, one) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let state = state_of(&browser.press(&page, "one", &[("remember_login", "true")]).await);
    one.answers(Ok(user_of("one", "ada")));
    let back = browser.come_back("one", &state).await;
    let cookies: Vec<_> =
        back.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).collect();
    let session = cookies.iter().find(|set| set.starts_with("doorward.session=")).unwrap();
    assert!(session.contains("Max-Age=86400"), "{session}");
}

#[tokio::test]
async fn a_client_that_wants_recent_sign_ins_is_not_asked_again_and_again() {
    let one = elsewhere("one");
    let client = Arc::clone(&one.1);
    let strict = client_settings("Strict", json!({"user_sso_lifetime": 60}));
    let world = world_with(vec![one], vec![strict]).await;
    client.answers(Ok(signed_in_at(user_of("one", "ada"), START - 30)));
    let mut browser = Browser::new(&world);
    let request = [("client_id", "Strict")];
    let back = sign_in(&mut browser, "one", &request).await;
    assert_eq!(client.asked()[0].max_age, Some(60));
    let code = browser.get(back.location()).await.expect_code(REDIRECT);
    let tokens = world.token(&changed(code_request(&code), &request)).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
}

/// A browser in which Ada has signed in by the provider with this session there.
async fn signed_in_by<'w>(world: &'w World, one: &Elsewhere, sid: &str) -> Browser<'w> {
    let sid = Some(sid.to_owned());
    one.answers(Ok(UpstreamUser { sid, ..user_of("one", "ada") }));
    let mut browser = Browser::new(world);
    let back = sign_in(&mut browser, "one", &[]).await;
    browser.get(back.location()).await.expect_code(REDIRECT);
    browser
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/").await.status == StatusCode::OK
}

fn logout(sub: Option<&str>, sid: Option<&str>, jti: &str) -> UpstreamLogout {
    UpstreamLogout {
        issuer: "https://one.example".to_owned(),
        sub: sub.map(str::to_owned),
        sid: sid.map(str::to_owned),
        jti: jti.to_owned(),
        expires_at: Timestamp::from_seconds(START + 120),
    }
}

#[tokio::test]
async fn a_logout_there_ends_the_sessions_that_began_there() {
    const PATH: &str = "/account/external/one/backchannel-logout";
    let (world, one) = world().await;
    let tell = async |token: &str| world.post(PATH, &[("logout_token", token)]).await;
    let mut first = signed_in_by(&world, &one, "s1").await;
    let mut second = signed_in_by(&world, &one, "s2").await;
    let mut alice = Browser::signed_in(&world, "alice").await;
    one.signs("of s1", logout(Some("ada"), Some("s1"), "1"));
    let ended = tell("of s1").await;
    assert_eq!((ended.status, ended.header("cache-control")), (StatusCode::OK, "no-store"));
    assert!(!is_signed_in(&mut first).await && is_signed_in(&mut second).await);
    one.signs("of s2 and somebody else", logout(Some("eve"), Some("s2"), "2"));
    assert_eq!(tell("of s2 and somebody else").await.status, StatusCode::OK);
    assert!(is_signed_in(&mut second).await);
    one.signs("of ada", logout(Some("ada"), None, "3"));
    assert_eq!(tell("of ada").await.status, StatusCode::OK);
    assert!(!is_signed_in(&mut second).await && is_signed_in(&mut alice).await);
    // Sent again, the token ends no later session.
    let mut later = signed_in_by(&world, &one, "s3").await;
    assert_eq!(tell("of ada").await.status, StatusCode::OK);
    assert!(is_signed_in(&mut later).await);
    // Nor does a provider end the sessions of another.
    let issuer = "https://two.example".to_owned();
    one.signs("of two", UpstreamLogout { issuer, ..logout(Some("ada"), Some("s3"), "4") });
    tell("of two").await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    // A session whose ID token named no session there ends with any of the user.
    one.answers(Ok(user_of("one", "ada")));
    let mut unnamed = Browser::new(&world);
    sign_in(&mut unnamed, "one", &[]).await;
    one.signs("of s9", logout(Some("ada"), Some("s9"), "5"));
    assert_eq!(tell("of s9").await.status, StatusCode::OK);
    assert!(!is_signed_in(&mut unnamed).await && is_signed_in(&mut later).await);
    tell("forged").await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    world
        .post(PATH, &[("x", "y")])
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    let unknown =
        world.post("/account/external/two/backchannel-logout", &[("logout_token", "of ada")]);
    unknown.await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn after_signing_out_there_nobody_is_led_to_a_strangers_page() {
    let mut one = elsewhere("one");
    one.0.sign_out_upstream = true;
    let client = Arc::clone(&one.1);
    let setup = Setup { registration: registration::open(), ..Setup::with_elsewhere(vec![one]) };
    let world = World::with(setup).await;
    let bye = "https://app.example/bye";
    let metadata = json!({"post_logout_redirect_uris": [bye]});
    let stranger = registration::registered(&world, metadata).await;
    let id = stranger["client_id"].as_str().unwrap();
    let mut browser = signed_in_by(&world, &client, "s1").await;
    let query = encode([("client_id", id), ("post_logout_redirect_uri", bye)]);
    let question = browser.get(&format!("/connect/endsession?{query}")).await.page();
    let away = browser.submit(&question, &[("action", "logout")]).await;
    let (there, state) = away.location().split_once("?state=").unwrap();
    assert_eq!(there, "https://elsewhere.example/logout");
    let back = browser.get(&format!("/account/external/one/signed-out?state={state}")).await;
    assert_eq!(back.status, StatusCode::OK, "{back:?}");
    assert!(back.page().text.contains("signed out") && !back.body.contains(bye), "{back:?}");
}

#[tokio::test]
async fn signing_out_here_signs_out_there_if_that_is_set() {
    let mut one = elsewhere("one");
    one.0.sign_out_upstream = true;
    let (two, client) = (elsewhere("two"), Arc::clone(&one.1));
    let second = Arc::clone(&two.1);
    let world = world_with(vec![one, two], vec![]).await;
    let mut browser = signed_in_by(&world, &client, "s1").await;
    let query =
        encode([("client_id", "PkceJS"), ("post_logout_redirect_uri", REDIRECT), ("state", "x")]);
    let question = browser.get(&format!("/connect/endsession?{query}")).await.page();
    let away = browser.submit(&question, &[("action", "logout")]).await;
    let address = away.location().to_owned();
    assert!(address.starts_with("https://elsewhere.example/logout?state=id%3B"), "{away:?}");
    assert!(!is_signed_in(&mut browser).await, "before the other provider answers");
    let state = address.split_once("state=").unwrap().1;
    let back = browser.get(&format!("/account/external/one/signed-out?state={state}")).await;
    assert_eq!(back.location(), format!("{REDIRECT}?state=x"));
    // Nobody else can say where to go.
    for state in ["", "id", "id;https://evil.example/", "id;AAAA"] {
        let query = encode([("state", state)]);
        let answer = browser.get(&format!("/account/external/one/signed-out?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(answer.page().text.contains("signed out"), "{answer:?}");
    }
    // Where it is not set, and for sign-ins by password, nothing of it happens.
    second.answers(Ok(user_of("two", "bea")));
    let mut other = Browser::new(&world);
    sign_in(&mut other, "two", &[]).await;
    for mut browser in [other, Browser::signed_in(&world, "alice").await] {
        let question = browser.get("/account/logout").await.page();
        let done = browser.submit(&question, &[("action", "logout")]).await;
        assert_eq!(done.status, StatusCode::OK, "{done:?}");
    }
}

/// Signs out, and returns the hint that goes to the other provider.
async fn hint_of_sign_out(browser: &mut Browser<'_>) -> Option<String> {
    let question = browser.get("/account/logout").await.page();
    let away = browser.submit(&question, &[("action", "logout")]).await;
    assert!(away.location().starts_with("https://elsewhere.example/logout?"), "{away:?}");
    away.redirect_param("id_token_hint")
}

#[tokio::test]
async fn the_provider_where_somebody_signs_out_learns_by_the_id_token_whose_session_ends() {
    let mut one = elsewhere("one");
    one.0.sign_out_upstream = true;
    let client = Arc::clone(&one.1);
    let world = world_with(vec![one], vec![]).await;
    client.gives("first");
    let mut first = signed_in_by(&world, &client, "s1").await;
    client.gives("second");
    let mut second = signed_in_by(&world, &client, "s2").await;
    // Long after the sign-in, each session has its own.
    world.clock.advance(3599);
    assert_eq!(hint_of_sign_out(&mut first).await.as_deref(), Some("first"));
    assert_eq!(hint_of_sign_out(&mut second).await.as_deref(), Some("second"));
    // Nothing is kept of a session that has ended, and no token that is too long for a URL.
    client.gives(&"x".repeat(LONGEST_ID_TOKEN + 1));
    for sid in ["s2", "s3"] {
        let mut browser = signed_in_by(&world, &client, sid).await;
        assert_eq!(hint_of_sign_out(&mut browser).await, None, "{sid}");
    }
    let longest = "x".repeat(LONGEST_ID_TOKEN);
    client.gives(&longest);
    let mut browser = signed_in_by(&world, &client, "s4").await;
    assert_eq!(hint_of_sign_out(&mut browser).await, Some(longest));
}

#[tokio::test]
async fn an_id_token_is_kept_encrypted_and_only_where_it_is_wanted() {
    let (mut one, two) = (elsewhere("one"), elsewhere("two"));
    one.0.sign_out_upstream = true;
    let (first, second) = (Arc::clone(&one.1), Arc::clone(&two.1));
    let world = world_with(vec![one, two], vec![]).await;
    let kept = async |name: &str, sub: &str, sid: &str| {
        let user = UpstreamUser { sid: Some(sid.to_owned()), ..user_of(name, sub) };
        let now = Timestamp::from_seconds(world.clock.seconds());
        world.store().upstream_id_token(&user.session().unwrap(), now).await.unwrap()
    };
    first.gives("an ID token");
    signed_in_by(&world, &first, "s1").await;
    let sealed = kept("one", "ada", "s1").await.unwrap();
    assert!(!sealed.as_bytes().windows(8).any(|part| part == b"ID token"));
    second.gives("an ID token");
    let sid = Some("s1".to_owned());
    second.answers(Ok(UpstreamUser { sid, ..user_of("two", "bea") }));
    sign_in(&mut Browser::new(&world), "two", &[]).await;
    assert!(kept("two", "bea", "s1").await.is_none(), "nobody is signed out there");
    // No session begins by a link.
    let mut alice = Browser::signed_in(&world, "alice").await;
    let state = state_of(&begin_link(&mut alice, "one").await);
    let sid = Some("s2".to_owned());
    first.answers(Ok(UpstreamUser { sid, ..user_of("one", "eve") }));
    assert_eq!(alice.come_back("one", &state).await.location(), "/account/identities");
    assert!(kept("one", "eve", "s2").await.is_none());
}

/// Presses the button on the page of the account that links a provider.
async fn begin_link(browser: &mut Browser<'_>, name: &str) -> Answer {
    let page = browser.get("/account/identities").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let page = page.page();
    let token = page.value("form_token").unwrap();
    let fields = [("form_token", token), ("purpose", "link")];
    browser.post(&format!("/account/external/{name}"), &fields).await
}

#[tokio::test]
async fn a_signed_in_user_links_a_provider_and_signs_in_by_it() {
    let (world, one) = world().await;
    let mut alice = Browser::signed_in(&world, "alice").await;
    let state = state_of(&begin_link(&mut alice, "one").await);
    one.answers(Ok(user_of("one", "ada")));
    assert_eq!(alice.come_back("one", &state).await.location(), "/account/identities");
    one.answers(Ok(user_of("one", "ada")));
    let mut browser = Browser::new(&world);
    let back = sign_in(&mut browser, "one", &[]).await;
    let code = browser.get(back.location()).await.expect_code(REDIRECT);
    let tokens = world.token(&code_request(&code)).await.json();
    assert_eq!(claims(&tokens["id_token"])["sub"], "alice");
    // It is hers, so nobody else gets it.
    let mut carol = Browser::signed_in(&world, "carol").await;
    let state = state_of(&begin_link(&mut carol, "one").await);
    one.answers(Ok(user_of("one", "ada")));
    let refused = carol.come_back("one", &state).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
}

#[tokio::test]
async fn a_link_that_began_in_another_session_is_none() {
    let (world, one) = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let state = state_of(&begin_link(&mut browser, "one").await);
    browser.sign_in("carol", "carol", None).await;
    one.answers(Ok(user_of("one", "ada")));
    let refused = browser.come_back("one", &state).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    // An old sign-in is not enough to begin one.
    world.clock.advance(600);
    let page = browser.login_page(None).await;
    let token = page.value("form_token").unwrap();
    let fields = [("form_token", token), ("purpose", "link")];
    browser.post("/account/external/one", &fields).await.expect_login();
}

#[tokio::test]
async fn a_user_of_another_issuer_is_not_the_providers() {
    let (world, one) = world().await;
    for issuer in ["https://two.example", "https://one.example/", "https://ONE.example"] {
        one.answers(Ok(UpstreamUser { issuer: issuer.to_owned(), ..user_of("one", "ada") }));
        let mut browser = Browser::new(&world);
        expect_way_back(&sign_in(&mut browser, "one", &[]).await, StatusCode::BAD_GATEWAY);
        assert_eq!(browser.session(), None, "{issuer}");
    }
}

#[tokio::test]
async fn who_guesses_passwords_at_a_site_keeps_nobody_from_signing_in_elsewhere() {
    let (world, one) = world().await;
    use_up_site(&world, "2001:db8:0").await;
    for address in ["2001:db8:0:ffff::1", "2001:db8:0:1::1"] {
        let mut browser = Browser::at(&world, address.parse::<IpAddr>().unwrap());
        let page = browser.login_page(None).await;
        let state = state_of(&browser.press(&page, "one", &[]).await);
        one.answers(Ok(user_of("one", "ada")));
        assert_eq!(browser.come_back("one", &state).await.location(), "/", "{address}");
    }
}

#[tokio::test]
async fn an_address_whose_responses_are_of_no_use_waits() {
    let (world, one) = world().await;
    // Those that are of use are not counted.
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    for _ in 0..60 {
        let state = state_of(&browser.press(&page, "one", &[]).await);
        one.answers(Ok(user_of("one", "ada")));
        assert_eq!(browser.come_back("one", &state).await.location(), "/");
    }
    let mut throttled = None;
    for _ in 0..60 {
        let state = state_of(&browser.press(&page, "one", &[]).await);
        one.answers(Err(UpstreamError::NotAccepted("a forged code".to_owned())));
        let answer = browser.come_back("one", &state).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            throttled = Some(answer);
            break;
        }
        expect_way_back(&answer, StatusCode::BAD_GATEWAY);
    }
    let throttled = throttled.expect("a limit");
    assert!(throttled.header("retry-after").parse::<u32>().is_ok(), "{throttled:?}");
    assert_eq!(one.finished().len(), 60 + 50);
}
