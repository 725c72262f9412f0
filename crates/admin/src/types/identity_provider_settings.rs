//! The settings of an identity provider as a form shows them: what belongs together, what each one
//! takes, and what is known of a provider beforehand. The server's tests hold this table against
//! the type that the configuration is read into.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::{Kind as K, Section as S};
pub use super::settings::Kind;
use super::settings::setting;

/// The issuer of Google's users.
const GOOGLE: &str = "https://accounts.google.com";
/// The issuer of Apple's users.
pub const APPLE: &str = "https://appleid.apple.com";
/// The issuer of GitHub's users, who have none by themselves.
pub const GITHUB: &str = "https://github.com";
/// The issuer of the users of GitLab's own instance.
const GITLAB: &str = "https://gitlab.com";

/// `preset`: what is known of a provider beforehand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Any OpenID provider.
    #[default]
    Generic,
    /// Google.
    Google,
    /// Microsoft Entra ID.
    Entra,
    /// Apple.
    Apple,
    /// `GitHub`.
    GitHub,
    /// `GitLab`.
    GitLab,
    /// Keycloak.
    Keycloak,
    /// Another Doorward.
    Doorward,
}

/// Where the issuer of a provider comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresetIssuer {
    /// It is this one, unless another one is given.
    Known(&'static str),
    /// It must be given.
    Given,
    /// It is made of the tenants, and never given.
    OfTenants,
}

impl Preset {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 8] = [
        Self::Google,
        Self::Entra,
        Self::Apple,
        Self::GitHub,
        Self::GitLab,
        Self::Keycloak,
        Self::Doorward,
        Self::Generic,
    ];

    /// Their names, in the same order.
    const NAMES: [&'static str; 8] = {
        let mut names = [""; 8];
        let mut index = 0;
        while index < names.len() {
            names[index] = Self::ALL[index].name();
            index += 1;
        }
        names
    };

    /// Its name in the configuration and in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Google => "google",
            Self::Entra => "entra",
            Self::Apple => "apple",
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Keycloak => "keycloak",
            Self::Doorward => "doorward",
        }
    }

    /// The preset of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.name() == name)
    }

    /// The preset that settings name, or else that which they have without a name.
    pub fn of(settings: &Map<String, Value>) -> Self {
        let named = settings.get("preset").and_then(Value::as_str);
        named.and_then(Self::parse).unwrap_or_default()
    }

    /// What people call the provider. Any other is called by its name here.
    pub fn title(self) -> Option<&'static str> {
        match self {
            Self::Generic => None,
            Self::Google => Some("Google"),
            Self::Entra => Some("Microsoft"),
            Self::Apple => Some("Apple"),
            Self::GitHub => Some("GitHub"),
            Self::GitLab => Some("GitLab"),
            Self::Keycloak => Some("Keycloak"),
            Self::Doorward => Some("Doorward"),
        }
    }

    /// Where its issuer comes from.
    pub fn issuer(self) -> PresetIssuer {
        match self {
            Self::Google => PresetIssuer::Known(GOOGLE),
            Self::Apple => PresetIssuer::Known(APPLE),
            Self::GitHub => PresetIssuer::Known(GITHUB),
            Self::GitLab => PresetIssuer::Known(GITLAB),
            Self::Entra => PresetIssuer::OfTenants,
            Self::Generic | Self::Keycloak | Self::Doorward => PresetIssuer::Given,
        }
    }
}

/// Settings that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What the provider is, and what it is called.
    General,
    /// What this server is there.
    Client,
    /// Who gets an account.
    Accounts,
    /// Who is led there, and what a sign-in there counts for.
    SignIn,
    /// What becomes of its claims.
    Claims,
    /// What few providers need.
    Advanced,
}

/// A setting.
pub type Setting = super::settings::Setting<Section>;

impl Section {
    /// All sections, in their order.
    pub const ALL: [Self; 6] =
        [S::General, S::Client, S::Accounts, S::SignIn, S::Claims, S::Advanced];

    /// Its settings, in their order.
    pub fn settings(self) -> impl Iterator<Item = &'static Setting> {
        SETTINGS.iter().filter(move |own| own.section == self)
    }
}

const SIGNING: &[&str] =
    &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// All settings but the name, which never changes, and what the client authenticates by.
pub const SETTINGS: [Setting; 26] = [
    setting("enabled", S::General, K::Switch),
    setting("preset", S::General, K::Choice(&Preset::NAMES)),
    setting("title", S::General, K::OptionalText),
    setting(
        "mark",
        S::General,
        K::OptionalChoice(&[
            "google",
            "microsoft",
            "apple",
            "github",
            "gitlab",
            "keycloak",
            "doorward",
            "generic",
        ]),
    ),
    setting("issuer", S::General, K::OptionalUrl),
    setting("tenants", S::General, K::Texts),
    setting("metadata_url", S::Advanced, K::OptionalUrl),
    setting("client_id", S::Client, K::Text),
    setting(
        "client_authentication",
        S::Client,
        K::Choice(&["client_secret_basic", "client_secret_post"]),
    ),
    setting("client_key_id", S::Client, K::OptionalText),
    setting("client_key_alg", S::Client, K::Choice(SIGNING)),
    setting("id_token_signing_alg", S::Advanced, K::OptionalChoice(SIGNING)),
    setting("team_id", S::Client, K::OptionalText),
    setting("scopes", S::Client, K::OptionalText),
    setting("extra_parameters", S::Advanced, K::Object),
    setting("load_user_info", S::Claims, K::Switch),
    setting("subject_claim", S::Advanced, K::OptionalText),
    setting("first_sign_in", S::Accounts, K::Choice(&["create", "ask", "invitation", "refuse"])),
    setting("trusted_email_domains", S::Accounts, K::Texts),
    setting("email_domains", S::SignIn, K::Texts),
    setting("link_scim_client", S::Accounts, K::OptionalText),
    setting("link_scim_by", S::Accounts, K::OptionalText),
    setting("claims", S::Claims, K::Objects),
    setting("trusted_mfa", S::SignIn, K::Switch),
    setting("mfa_acr", S::SignIn, K::Texts),
    setting("sign_out_upstream", S::SignIn, K::Switch),
];

/// What a setting is where nobody has given it.
pub fn default_of(setting: &Setting) -> Value {
    match setting.name {
        "enabled" => true.into(),
        "preset" => Preset::default().name().into(),
        "client_authentication" => "client_secret_basic".into(),
        "client_key_alg" => "ES256".into(),
        "first_sign_in" => "ask".into(),
        _ => match setting.kind {
            K::Switch => false.into(),
            K::Text => "".into(),
            K::Texts | K::Objects => Value::Array(Vec::new()),
            K::Object => Value::Object(Map::new()),
            _ => Value::Null,
        },
    }
}

/// The settings that are given, and the others as they are by default.
pub fn with_defaults(mut settings: Map<String, Value>) -> Map<String, Value> {
    for setting in &SETTINGS {
        settings.entry(setting.name).or_insert_with(|| default_of(setting));
    }
    settings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_preset_is_found_by_its_name() {
        for preset in Preset::ALL {
            assert_eq!(serde_json::to_value(preset).unwrap(), json!(preset.name()));
            assert_eq!(Preset::parse(preset.name()), Some(preset));
        }
        assert_eq!(Preset::parse("okta"), None);
        let settings = |value: Value| value.as_object().cloned().unwrap();
        assert_eq!(Preset::of(&settings(json!({"preset": "entra"}))), Preset::Entra);
        assert_eq!(Preset::of(&settings(json!({}))), Preset::Generic);
    }

    #[test]
    fn every_setting_has_its_place() {
        let shown: usize = Section::ALL.into_iter().map(|own| own.settings().count()).sum();
        assert_eq!(shown, SETTINGS.len());
        let all = with_defaults(Map::new());
        assert_eq!(all.len(), SETTINGS.len());
        assert_eq!((&all["enabled"], &all["title"]), (&json!(true), &Value::Null));
        let own = with_defaults(json!({"enabled": false}).as_object().cloned().unwrap());
        assert_eq!(own["enabled"], json!(false));
    }
}
