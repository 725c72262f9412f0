//! How the pages look where an operator chose it, for the provider and for single clients.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use doorward_protocol::params;
use doorward_provider::model::{
    account_settings::AccountSettings,
    branding::{Accents, FooterLink, FooterLinks, LightAccent, LogoName, ShownName},
    registration::{RegistrationMode, RegistrationSettings},
};
use doorward_provider_http::{Branding, GivenTexts, Logo, PageTexts, SharedBranding};
use serde_json::{Value, json};

use crate::{
    factors::set_up_app,
    registration::{open, registered},
    support::{Answer, Browser, Setup, World, authorize_url, client_settings},
};

/// A picture of one pixel, as far as its form says.
fn png() -> Vec<u8> {
    [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01"[..], b"\0\0\0\0IEND\xae\x42\x60\x82"].concat()
}

fn logo_name(name: &str) -> LogoName {
    name.to_owned().try_into().unwrap()
}

fn accent(colour: &str) -> Accents {
    Accents { light: Some(LightAccent::parse(colour).unwrap()), dark: None }
}

/// A provider that looks like Example.
fn branding() -> Branding {
    let mut other = png();
    other.splice(20..20, *b"other");
    let logos = BTreeMap::from([
        (logo_name("example.png"), Logo::check("example.png", png()).unwrap()),
        (logo_name("shop.png"), Logo::check("shop.png", other).unwrap()),
    ]);
    let link = |text: &str| Some(FooterLink::parse(text).unwrap());
    Branding {
        name: Some(ShownName::try_from("Example & <Co>".to_owned()).unwrap()),
        logo: Some(logo_name("example.png")),
        logos,
        accents: accent("#7a1f5c"),
        links: FooterLinks {
            imprint: link("https://example.com/imprint"),
            privacy: link("/privacy"),
            help: None,
        },
        texts: PageTexts::default(),
        client_texts: BTreeMap::from([("shop".to_owned().try_into().unwrap(), shop_texts())]),
    }
}

/// The words of a client: one text that the provider replaces, too, and one that it does not.
fn shop_texts() -> PageTexts {
    let given = |texts: &[(&str, &str)]| -> GivenTexts {
        texts.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
    };
    let of = |english, german| {
        BTreeMap::from([("en".to_owned(), given(english)), ("de".to_owned(), given(german))])
    };
    let provider = of(
        &[("sign_in", "Provider sign-in"), ("privacy_policy", "Data")],
        &[("sign_in", "Anbieter"), ("privacy_policy", "Daten")],
    );
    let shop = of(&[("sign_in", "Enter the shop")], &[("sign_in", "In den Laden")]);
    PageTexts::replaced_for_client(&provider, &shop).unwrap()
}

fn shop() -> Value {
    let look = json!({"name": "The <Shop>", "logo": "shop.png", "accent": "#123c8c"});
    client_settings("Shop", json!({"require_consent": true, "branding": look}))
}

async fn world_with(branding: Branding, clients: Vec<Value>) -> World {
    let branding = SharedBranding::new(branding);
    World::with(Setup { clients, branding, ..Setup::default() }).await
}

fn asking(client_id: &str) -> String {
    authorize_url(&[("client_id", client_id)])
}

fn login_for(client_id: &str) -> String {
    let query = params::encode([("return_url", asking(client_id).as_str())]);
    format!("/account/login?{query}")
}

/// The addresses of the style sheets of a page, in their order.
fn style_sheets(answer: &Answer) -> Vec<String> {
    let page = answer.page();
    let links = page.all("link").filter(|link| link.attribute("rel") == Some("stylesheet"));
    links.filter_map(|link| link.attribute("href").map(str::to_owned)).collect()
}

/// The address of the picture at the top of a page.
fn logo_of(answer: &Answer) -> Option<String> {
    let page = answer.page();
    let logo = page.all("img").find(|img| img.attribute("class") == Some("brand-logo"))?;
    logo.attribute("src").map(str::to_owned)
}

#[tokio::test]
async fn without_branding_the_pages_are_ours() {
    let world = World::new().await;
    let answer = world.get("/account/login").await;
    assert!(answer.body.contains("<title>Sign in · Doorward</title>"), "{}", answer.body);
    assert!(answer.body.contains("brand-mark") && logo_of(&answer).is_none());
    assert_eq!(style_sheets(&answer).len(), 1);
}

#[tokio::test]
async fn the_pages_show_name_logo_colours_and_links() {
    let plain = World::new().await;
    let world = world_with(branding(), vec![]).await;
    let mut signed_in = Browser::signed_in(&world, "alice").await;
    for (path, answer, ours) in [
        ("login", world.get("/account/login").await, plain.get("/account/login").await),
        ("error", world.get("/connect/authorize").await, plain.get("/connect/authorize").await),
        ("home", signed_in.get("/").await, {
            Browser::signed_in(&plain, "alice").await.get("/").await
        }),
    ] {
        assert!(answer.body.contains("Example &amp; &lt;Co&gt;"), "{path}: {}", answer.body);
        assert!(!answer.body.contains("<Co>") && !answer.body.contains("brand-mark"), "{path}");
        // The policy is as narrow as without it: everything comes from here.
        let policy = "content-security-policy";
        assert_eq!(answer.header(policy), ours.header(policy), "{path}");
        assert!(!answer.body.contains("style="), "{path}");
        let page = answer.page();
        let links: Vec<_> = page.all("a").filter_map(|link| link.attribute("href")).collect();
        for link in ["https://example.com/imprint", "/privacy"] {
            assert!(links.contains(&link), "{path}: {links:?}");
        }
        let styles = style_sheets(&answer);
        assert_eq!(styles.len(), 2, "{path}");
        let style = world.get(&styles[1]).await;
        assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
        assert!(style.header("cache-control").contains("immutable"));
        assert!(style.body.contains("--accent: #7a1f5c;"), "{}", style.body);
    }
}

#[tokio::test]
async fn a_logo_is_served_strictly_and_by_its_content() {
    let world = world_with(branding(), vec![]).await;
    let path = logo_of(&world.get("/account/login").await).unwrap();
    // The picture itself is not text.
    let logo = world.send(Request::head(&path).body(Body::empty()).unwrap()).await;
    assert_eq!(logo.status, StatusCode::OK);
    assert_eq!(logo.header("content-type"), "image/png");
    assert_eq!(logo.header("x-content-type-options"), "nosniff");
    let policy = logo.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    for other in ["/assets/logo-AAAAAAAAAAAA.png", "/assets/example.png", "/assets/accents-x.css"] {
        assert_eq!(world.get(other).await.status, StatusCode::NOT_FOUND, "{other}");
    }
}

#[tokio::test]
async fn a_client_has_its_look_on_the_pages_of_its_sign_in() {
    let world = world_with(branding(), vec![shop()]).await;
    let shop_logo = format!("/assets{}", &branding().logos[&logo_name("shop.png")].path()[7..]);
    let mut owner = Browser::signed_in(&world, "alice").await;
    let consent = owner.get(&asking("Shop")).await;
    let (app, _) = set_up_app(&mut owner, &world, "alice").await;
    let mut browser = Browser::new(&world);
    let login = browser.get(&login_for("Shop")).await;
    let fields = [("username", "alice"), ("password", "alice"), ("action", "login")];
    let refused = [("username", "alice"), ("password", "wrong"), ("action", "login")];
    let refused = browser.submit(&login.page(), &refused).await;
    let to_step = browser.submit(&login.page(), &fields).await;
    let second_step = browser.get(to_step.location()).await;
    let code = app.wrong_code(&world);
    let wrong = [("code", code.as_str()), ("action", "finish")];
    let wrong_code = browser.submit(&second_step.page(), &wrong).await;
    let elsewhere = [("client_id", "Shop"), ("redirect_uri", "https://evil.example/")];
    let error = browser.get(&authorize_url(&elsewhere)).await;
    for (name, answer) in [
        ("consent", consent),
        ("login", login),
        ("refused login", refused),
        ("second step", second_step),
        ("wrong code", wrong_code),
        ("error", error),
    ] {
        assert!(answer.body.contains("· The &lt;Shop&gt;</title>"), "{name}: {}", answer.body);
        assert!(!answer.body.contains("Example &amp;"), "{name}");
        assert_eq!(logo_of(&answer).as_deref(), Some(shop_logo.as_str()), "{name}");
        let style = world.get(&style_sheets(&answer)[1]).await;
        assert!(style.body.contains("--accent: #123c8c;"), "{name}: {}", style.body);
        // Links are the operator's where the client has none.
        assert!(answer.body.contains("https://example.com/imprint"), "{name}");
    }
    // Other clients, and pages without one, look like the provider.
    for path in [login_for("PkceJS"), "/account/login".to_owned(), login_for("Nobody")] {
        let answer = world.get(&path).await;
        assert!(answer.body.contains("Example &amp;"), "{path}: {}", answer.body);
        assert!(!answer.body.contains("Shop"), "{path}");
    }
}

#[tokio::test]
async fn a_client_without_a_known_logo_has_that_of_the_provider() {
    let gone = json!({"branding": {"logo": "gone.png"}});
    let world = world_with(branding(), vec![client_settings("Gone", gone)]).await;
    let answer = world.get(&login_for("Gone")).await;
    assert_eq!(logo_of(&answer), logo_of(&world.get("/account/login").await));
    assert!(answer.body.contains("Example &amp;"));
}

#[tokio::test]
async fn strangers_never_change_the_look_of_the_pages() {
    let registration = RegistrationSettings { mode: RegistrationMode::Open, ..open() };
    let branding = SharedBranding::new(branding());
    let world = World::with(Setup { registration, branding, ..Setup::default() }).await;
    let look = json!({
        "client_name": "Evil", "logo_uri": "https://app.example/logo.png",
        "branding": {"name": "Evil", "logo": "shop.png", "accent": "#123c8c"},
    });
    let client_id = registered(&world, look).await["client_id"].as_str().unwrap().to_owned();
    let page = "https://app.example/callback";
    let asking = authorize_url(&[("client_id", client_id.as_str()), ("redirect_uri", page)]);
    let query = params::encode([("return_url", asking.as_str())]);
    let login = world.get(&format!("/account/login?{query}")).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let consent = browser.get(&asking).await;
    for answer in [login, consent] {
        assert!(answer.body.contains("· Example &amp; &lt;Co&gt;</title>"), "{}", answer.body);
        assert_eq!(logo_of(&answer), logo_of(&world.get("/account/login").await));
        let style = world.get(&style_sheets(&answer)[1]).await;
        assert!(style.body.contains("--accent: #7a1f5c;"), "{}", style.body);
    }
}

#[tokio::test]
async fn texts_are_replaced_in_each_language_and_exchanged_while_it_runs() {
    let given = |text: &str| -> BTreeMap<String, GivenTexts> {
        ["en", "de"]
            .map(|language| {
                let texts = [("sign_in".to_owned(), format!("{text} {language} <b>"))];
                (language.to_owned(), texts.into())
            })
            .into()
    };
    let texts = PageTexts::replaced(&given("Enter")).unwrap();
    let branding = SharedBranding::new(Branding { texts, ..Branding::default() });
    let shared = branding.clone();
    let world = World::with(Setup { branding, ..Setup::default() }).await;
    let german = || world.get("/account/login?ui_locales=de");
    let (english, answer) = (world.get("/account/login").await, german().await);
    assert!(english.body.contains("Enter en &lt;b&gt;"), "{}", english.body);
    assert!(answer.body.contains("Enter de &lt;b&gt;") && answer.body.contains("Passwort"));
    let texts = PageTexts::replaced(&given("Open")).unwrap();
    shared.replace(Branding { texts, ..Branding::default() });
    assert!(german().await.body.contains("Open de &lt;b&gt;"));
}

#[tokio::test]
async fn a_client_has_links_and_words_of_its_own() {
    let look = json!({"imprint": "https://shop.example/imprint", "texts": "shop"});
    let shop = client_settings("Shop", json!({"branding": look}));
    let gone = json!({"name": "Old shop", "texts": "gone"});
    let old = client_settings("Old", json!({"branding": gone}));
    let world = world_with(branding(), vec![shop, old]).await;
    let hrefs = |answer: &Answer| -> Vec<String> {
        let page = answer.page();
        let links = page.all("a").filter_map(|link| link.attribute("href"));
        links.map(str::to_owned).collect()
    };
    let answer = world.get(&login_for("Shop")).await;
    let links = hrefs(&answer);
    assert!(links.contains(&"https://shop.example/imprint".to_owned()), "{links:?}");
    assert!(!links.contains(&"https://example.com/imprint".to_owned()), "{links:?}");
    assert!(links.contains(&"/privacy".to_owned()), "the provider's: {links:?}");
    assert!(answer.body.contains("Enter the shop") && answer.body.contains(">Data<"));
    let request = Request::get(login_for("Shop")).header("accept-language", "de");
    let german = world.send(request.body(Body::empty()).unwrap()).await;
    assert!(german.body.contains("In den Laden") && german.body.contains("lang=\"de\""));
    // Elsewhere, and where the words are gone, nothing of it is seen.
    for path in ["/account/login", &login_for("Old")] {
        let answer = world.get(path).await;
        assert!(!answer.body.contains("Enter the shop"), "{path}");
        assert!(hrefs(&answer).contains(&"https://example.com/imprint".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn mails_that_belong_to_a_sign_in_at_a_client_have_its_look() {
    let (branding, clients) = (SharedBranding::new(branding()), vec![shop()]);
    let accounts = AccountSettings { mail: true, ..AccountSettings::default() };
    let world = World::with(Setup { clients, accounts, branding, ..Setup::default() }).await;
    let mut browser = Browser::new(&world);
    let return_url = asking("Shop");
    let query = params::encode([("return_url", return_url.as_str())]);
    for (path, client) in [
        (format!("/account/forgot-password?{query}"), Some("Shop")),
        ("/account/forgot-password".to_owned(), None),
    ] {
        let form = browser.get(&path).await.page();
        browser.submit(&form, &[("account", "alice")]).await;
        let mail = world.mail_to("alice@example.com").await;
        assert_eq!(mail.client_id.as_deref(), client, "{path}");
    }
}
