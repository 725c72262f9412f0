//! The language of the pages: `ui_locales` (OIDC Core section 3.1.2.1, RP-Initiated Logout section
//! 2), then `Accept-Language`.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use doorward_protocol::params;

use serde_json::json;

use crate::support::{
    Answer, BACKEND_REDIRECT, Browser, ISSUER, World, authorize_url, client_settings, form_request,
    with_header,
};

#[track_caller]
fn assert_language(answer: &Answer, lang: &str, text: &str) {
    let page = answer.page();
    assert_eq!(page.all("html").next().unwrap().attribute("lang"), Some(lang), "{answer:?}");
    assert!(page.text.contains(text), "{text}: {answer:?}");
}

async fn accepting(browser: &mut Browser<'_>, url: &str, languages: &str) -> Answer {
    let request = Request::get(url).body(Body::empty()).unwrap();
    browser.send(with_header(request, "accept-language", languages)).await
}

fn login(ui_locales: &str) -> String {
    let request = authorize_url(&[("ui_locales", ui_locales)]);
    format!("/account/login?{}", params::encode([("return_url", request.as_str())]))
}

#[tokio::test]
async fn the_client_is_asked_before_the_browser_and_english_is_left() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    for (ui_locales, languages, lang, text) in [
        ("de", "en", "de", "um mit JavaScript Client fortzufahren"),
        ("fr-CA de-AT", "en", "de", "um mit JavaScript Client fortzufahren"),
        ("en de", "de", "en", "to continue to JavaScript Client"),
        ("fr", "de-CH, fr;q=0.5", "de", "um mit JavaScript Client fortzufahren"),
        ("", "de", "de", "um mit JavaScript Client fortzufahren"),
        ("fr", "fr", "en", "to continue to JavaScript Client"),
        ("<script>", "\"><b>", "en", "to continue to JavaScript Client"),
    ] {
        assert_language(&accepting(&mut browser, &login(ui_locales), languages).await, lang, text);
    }
}

#[tokio::test]
async fn every_page_speaks_the_browsers_language() {
    let world = World::new().await;
    let mut visitor = Browser::new(&world);
    let mut browser = Browser::signed_in(&world, "alice").await;
    browser.tokens(&[]).await;
    let consent =
        authorize_url(&[("client_id", "PkceCodeBackend"), ("redirect_uri", BACKEND_REDIRECT)]);
    let form_post = authorize_url(&[("response_mode", "form_post")]);
    for (url, text) in [
        ("/", "Dieser Browser ist angemeldet als alice."),
        ("/grants", "Zugriff, während Sie nicht da sind"),
        ("/account/logout", "Abmelden?"),
        (&consent, "Backend erlauben?"),
        (&consent, "Ihr Profil: Name und Ähnliches"),
        (&form_post, "Sie werden zur Anwendung zurückgeleitet."),
    ] {
        assert_language(&accepting(&mut browser, url, "de").await, "de", text);
    }
    for (url, text) in [
        ("/connect/endsession", "Sie sind abgemeldet"),
        ("/connect/authorize", "Die Anwendung, die Sie geschickt hat, ist hier nicht bekannt."),
        ("/account/login?return_url=//evil.example", "Rücksprungadresse"),
        ("/nowhere", "Diese Seite gibt es hier nicht."),
    ] {
        assert_language(&accepting(&mut visitor, url, "de").await, "de", text);
    }
}

#[tokio::test]
async fn the_language_of_the_client_stays_through_a_forms_answer() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&login("de")).await.page();
    let fields = [("username", "alice"), ("password", "wrong"), ("action", "login")];
    let answer = browser.submit(&page, &fields).await;
    assert_language(&answer, "de", "Benutzername oder Passwort ist falsch.");

    let mut browser = Browser::signed_in(&world, "alice").await;
    let question = browser.get("/connect/endsession?ui_locales=de").await;
    assert_language(&question, "de", "Angemeldet bleiben");
    let answer = browser.submit(&question.page(), &[("action", "logout")]).await;
    assert_language(&answer, "de", "Sie sind abgemeldet");
}

/// The browser has nothing but a reference then (RFC 9126).
#[tokio::test]
async fn a_pushed_request_brings_its_language_along() {
    let client = client_settings("Asking", json!({"require_consent": true}));
    let world = World::with_clients(vec![client]).await;
    let url = authorize_url(&[("client_id", "Asking"), ("ui_locales", "de")]);
    let pushed = form_request::<&str>("/connect/par", &[])
        .map(|_| Body::from(url.split_once('?').unwrap().1.to_owned()));
    let pushed = world.send(pushed).await.json();
    let reference =
        [("client_id", "Asking"), ("request_uri", pushed["request_uri"].as_str().unwrap())];
    let url = format!("/connect/authorize?{}", params::encode(reference));
    let mut browser = Browser::new(&world);
    let login = browser.get(&url).await;
    let login = browser.get(login.location()).await;
    assert_language(&login, "de", "Benutzername");
    let fields = [("username", "alice"), ("password", "wrong"), ("action", "login")];
    assert_language(
        &browser.submit(&login.page(), &fields).await,
        "de",
        "Benutzername oder Passwort ist falsch.",
    );
    let fields = [("username", "alice"), ("password", "alice"), ("action", "login")];
    let signed_in = browser.submit(&login.page(), &fields).await;
    assert_language(&browser.get(signed_in.location()).await, "de", "Asking erlauben?");
}

#[tokio::test]
async fn the_pages_for_devices_speak_german_too() {
    let world = World::new().await;
    let code = world
        .post("/connect/deviceauthorization", &[("client_id", "Television"), ("scope", "openid")])
        .await
        .json();
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get("/device?ui_locales=de").await;
    assert_language(&page, "de", "Geben Sie den Code ein");
    let german = |path: &str, pairs: &[(&str, &str)]| {
        with_header(
            with_header(form_request(path, pairs), "accept-language", "de"),
            "origin",
            ISSUER,
        )
    };
    let token = page.page().value("form_token").unwrap().to_owned();
    let user_code = code["user_code"].as_str().unwrap();
    let wrong =
        [("form_token", token.as_str()), ("user_code", "BBBB-BBBB"), ("action", "continue")];
    assert_language(&browser.send(german("/device", &wrong)).await, "de", "Dieser Code ist falsch");
    let right = [("form_token", token.as_str()), ("user_code", user_code), ("action", "continue")];
    assert_language(
        &browser.send(german("/device", &right)).await,
        "de",
        "Television App erlauben?",
    );
    let deny = [("form_token", token.as_str()), ("user_code", user_code), ("action", "deny")];
    assert_language(
        &browser.send(german("/device", &deny)).await,
        "de",
        "Das Gerät ist nicht verbunden",
    );
}

#[tokio::test]
async fn a_forged_form_is_answered_in_the_clients_language_too() {
    let world = World::new().await;
    let request = authorize_url(&[("ui_locales", "de")]);
    let answer =
        world.send(form_request("/account/login", &[("return_url", request.as_str())])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_language(&answer, "de", "Diese Seite war zu lange geöffnet");
}
