//! Pages to look at before anybody else does: made from the views of the real ones, with made-up
//! data, as files that a browser shows without a server.

use doorward_protocol::base64url;
use doorward_provider::model::{
    account_settings::SignInWith, branding::ClientBranding, resource::ScopeDescription,
};

use super::{
    consent::view::Consent,
    error,
    layout::Layout,
    login::{self, Login},
    second_step::{self, SecondStep},
};
use crate::{
    branding::{Branding, Look, look},
    endpoint::assets::{ICON, STYLE},
    texts::Texts,
};

/// How our style sheet begins the rules for dark pages.
const DARK_RULES: &str = "@media (prefers-color-scheme: dark)";

/// A file of the preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewFile {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// The look of a client that has one of its own.
#[derive(Debug, Clone)]
pub struct PreviewedClient {
    /// What users see in the question.
    pub name: String,
    /// Its look.
    pub branding: ClientBranding,
}

/// A colour scheme, which a browser would choose.
#[derive(Debug, Clone, Copy)]
struct Scheme {
    name: &'static str,
    /// In place of the condition of the dark rules.
    condition: &'static str,
}

const SCHEMES: [Scheme; 2] = [
    Scheme { name: "light", condition: "@media not all" },
    Scheme { name: "dark", condition: "@media all" },
];

/// The pages of a sign-in in each language and colour scheme, with what they need. `client`: in its
/// look. The name of each file begins with `prefix`.
pub fn preview(
    branding: &Branding,
    client: Option<&PreviewedClient>,
    prefix: &str,
) -> Vec<PreviewFile> {
    let mut files = Vec::new();
    let look = Look::of(branding, client.map(|client| &client.branding));
    let logo = look.logo.as_deref().and_then(|path| path.strip_prefix("/assets/"));
    if let Some((name, logo)) = logo.and_then(|name| Some((name, branding.logo_of(name)?))) {
        files.push(PreviewFile { name: name.to_owned(), content: logo.content().to_vec() });
    }
    let icon = logo.unwrap_or("icon.svg").to_owned();
    files.push(PreviewFile { name: "icon.svg".to_owned(), content: ICON.into() });
    for scheme in SCHEMES {
        let accents = look.accents.as_deref().and_then(look::style_sheet).unwrap_or_default();
        let style = format!("{STYLE}\n{accents}").replace(DARK_RULES, scheme.condition);
        let style = format!("{style}\n:root {{ color-scheme: {}; }}\n", scheme.name);
        let style_name = format!("{prefix}{}.css", scheme.name);
        files.push(PreviewFile { name: style_name.clone(), content: style.into() });
        for texts in branding.texts_for(client.map(|client| &client.branding)).0 {
            let look = Look { logo: logo.map(str::to_owned), ..look.clone() };
            let (style, icon) = (style_name.clone(), icon.clone());
            let layout = Layout { style, accents: None, icon, look, letters: None, texts };
            let name = client.map(|client| client.name.clone());
            for (page, html) in pages(&layout, name) {
                let name = format!("{prefix}{page}-{}-{}.html", texts.lang, scheme.name);
                files.push(PreviewFile { name, content: html.into() });
            }
        }
    }
    files
}

/// The pages that [`preview`] makes, by what their files are called.
pub const PREVIEWED_PAGES: [&str; 5] =
    ["login", "login-refused", "second-step", "consent", "error"];

fn pages(layout: &Layout, client_name: Option<String>) -> [(&'static str, String); 5] {
    let t = layout.texts;
    let name = client_name.unwrap_or_else(|| "Example App".to_owned());
    let [login, refused, second_step, consent, error] = PREVIEWED_PAGES;
    [
        (login, login::login_page(layout, sample_login(&name, None))),
        (
            refused,
            login::login_page(layout, sample_login(&name, Some(t.wrong_password.to_owned()))),
        ),
        (second_step, second_step::second_step_page(layout, sample_second_step())),
        (consent, super::consent::view::consent(layout, sample_consent(t, name))),
        (error, error::view(layout, "invalid_request", t.no_such_page)),
    ]
}

/// Made up: nothing is sent anywhere.
fn nowhere() -> String {
    "#".to_owned()
}

fn form_token() -> String {
    base64url::encode(b"preview")
}

fn sample_login(client_name: &str, problem: Option<String>) -> Login {
    Login {
        action: nowhere(),
        forgot_password: Some(nowhere()),
        create_account: Some(nowhere()),
        signs_in_with: SignInWith { username: true, email: true },
        form_token: form_token(),
        return_url: None,
        may_cancel: true,
        takes_passwords: true,
        client_name: Some(client_name.to_owned()),
        username: problem.as_ref().map(|_| "alice".to_owned()).unwrap_or_default(),
        remember: false,
        problem,
        passkeys: None,
        passkeys_offered: false,
        password_can_wait: false,
        others: Vec::new(),
    }
}

fn sample_second_step() -> SecondStep {
    SecondStep {
        action: nowhere(),
        form_token: form_token(),
        return_url: None,
        username: "alice".to_owned(),
        by_recovery_code: false,
        after_recovery_code: false,
        other_way: Some(nowhere()),
        remember_days: 30,
        login: nowhere(),
        passkey: None,
        has_app: true,
        problem: None,
    }
}

fn sample_consent(t: &Texts, client_name: String) -> Consent {
    let scope = |name: &str, display_name: &str, required| {
        t.scope(ScopeDescription {
            name: name.to_owned(),
            display_name: display_name.to_owned(),
            description: None,
            required,
            emphasize: false,
        })
    };
    Consent {
        action: nowhere(),
        form_token: form_token(),
        return_url: nowhere(),
        client_name,
        client_uri: None,
        description: None,
        warning: None,
        policy_uri: Some(nowhere()),
        tos_uri: None,
        logo: None,
        username: "alice".to_owned(),
        sid: String::new(),
        scopes: vec![
            scope("openid", "Your user identifier", true),
            scope("profile", "Your profile: name and the like", false),
            scope("email", "Your email address", false),
        ],
        may_remember: true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_preview_is_complete_and_in_the_look_of_the_client() {
        let branding = serde_json::json!({"name": "Shop <b>", "accent": "#7a1f5c"});
        let branding: ClientBranding = serde_json::from_value(branding).unwrap();
        let client = PreviewedClient { name: "The shop".to_owned(), branding };
        let files = preview(&Branding::default(), Some(&client), "shop-");
        let text = |name: &str| {
            let file = files.iter().find(|file| file.name == name).unwrap();
            String::from_utf8(file.content.clone()).unwrap()
        };
        for page in PREVIEWED_PAGES {
            for (language, scheme) in [("en", "light"), ("en", "dark"), ("de", "light")] {
                let html = text(&format!("shop-{page}-{language}-{scheme}.html"));
                assert!(html.contains("Shop &lt;b&gt;") && !html.contains("<b>"), "{html}");
                assert!(html.contains(&format!("href=\"shop-{scheme}.css\"")), "{html}");
            }
        }
        assert!(text("shop-dark.css").contains("@media all {"));
        assert!(!text("shop-light.css").contains(DARK_RULES));
        assert!(text("shop-light.css").contains("--accent: #7a1f5c;"));
    }
}
