//! The fields of a form for a provider. What its kind does not take is not there, and not sent.

use doorward_admin::types::identity_provider_settings::{
    Preset, PresetIssuer, SETTINGS, Section, Setting, default_of,
};
use doorward_leptos::boxed_effect;
use doorward_protocol::secret::Secret;
use leptos::prelude::*;
use serde_json::{Map, Value};

use super::credential::{Credential, KEY, SECRET};
use crate::{
    session::Session,
    setting_texts::{
        Described,
        provider::{PROVIDER, section_name},
    },
    texts::Texts,
    ui::{
        form::{Form, Part},
        json,
        settings::{Group, control, field, said, sections},
    },
};

/// The sections that are open at first.
const FIRST: [Section; 3] = [Section::General, Section::Client, Section::Accounts];

/// What the fields say: the settings that are different, and a secret or a key.
pub struct SaidFields {
    /// The settings.
    pub settings: Map<String, Value>,
    /// The secret.
    pub client_secret: Option<Secret>,
    /// The key.
    pub client_key: Option<Secret>,
}

/// The fields.
pub struct Fields {
    /// What is seen of them.
    pub view: AnyView,
    /// What they say. `None`: they have told what is wrong.
    pub said: Box<dyn Fn() -> Option<SaidFields> + Send + Sync>,
}

/// The settings by what belongs together. `credential`: what is shown of the secret or the key.
pub fn groups(t: &Texts, credential: AnyView) -> Vec<Group> {
    let mut credential = Some(credential);
    let groups = Section::ALL.map(|section| {
        let settings = section.settings().map(|setting| PROVIDER.describe(setting));
        let group = Group::new(section_name(t, section), FIRST.contains(&section), settings);
        match credential.take_if(|_| section == Section::Client) {
            Some(credential) => group.with(credential, &[SECRET, KEY]),
            None => group,
        }
    });
    groups.into()
}

/// The fields for settings that are `before` so far. `has`: what the provider has to authenticate
/// us by, if it is there already.
pub fn fields(
    session: Session,
    state: Form,
    before: &Map<String, Value>,
    has: Option<&str>,
) -> Fields {
    let credential = Credential::new(session, state, has.is_some());
    let preset = RwSignal::new(Preset::of(before).name().to_owned());
    let (had_key, first) = (has == Some(KEY), credential.chosen.get_untracked());
    let is_taken = move |name: &str| {
        let preset = preset.with(|name| Preset::parse(name).unwrap_or_default());
        let by_key =
            credential.chosen.with(|own| if own.is_empty() { had_key } else { own == KEY });
        takes(preset, by_key, name)
    };
    // Apple gives keys alone.
    boxed_effect(move || {
        let is_apple = preset.with(|name| name == Preset::Apple.name());
        if !had_key {
            credential.chosen.set(if is_apple { KEY.to_owned() } else { first.clone() });
        }
    });
    let groups = groups(session.texts, credential.view("credential"));
    let (view, controls) = sections(state, groups, |setting| {
        let value = before.get(setting.name).unwrap_or(&Value::Null);
        let part = if setting.name == "preset" {
            preset_choice(session, state, setting, preset)
        } else {
            control(session, state, setting, value)
        };
        only_where(part, setting.name, is_taken)
    });
    let before = before.clone();
    let said = move || {
        let settings = said(&controls);
        for name in settings.as_ref().map(missing).unwrap_or_default() {
            state.refuse(&format!("settings.{name}"), session.texts.required);
        }
        let (client_secret, client_key) = credential.said()?;
        let settings = settings.filter(|_| state.is_valid())?;
        let settings = json::changes(&before, &settings);
        Some(SaidFields { settings, client_secret, client_key })
    };
    Fields { view, said: Box::new(said) }
}

/// The choice on which it depends what else there is.
fn preset_choice(
    session: Session,
    state: Form,
    setting: Described,
    preset: RwSignal<String>,
) -> Part {
    let t = session.texts;
    let options = Preset::ALL.map(|own| {
        let label = setting.choice_name(t, own.name()).unwrap_or(own.name());
        (own.name().to_owned(), label.to_owned())
    });
    let view = field(session, setting).select(state, options.into(), preset);
    Part::new(view, move || Some(preset.get_untracked().into()))
}

/// A part that is there only where its setting is taken. Elsewhere it says the default.
fn only_where(
    part: Part,
    name: &'static str,
    is_taken: impl Fn(&str) -> bool + Copy + Send + Sync + 'static,
) -> Part {
    let Part { view, said } = part;
    let view = view! { <div hidden=move || !is_taken(name)>{view}</div> };
    Part::new(
        view.into_any(),
        move || {
            if untrack(|| is_taken(name)) { said() } else { default(name) }
        },
    )
}

fn default(name: &str) -> Option<Value> {
    let is_it = |setting: &&Setting| setting.name == name;
    SETTINGS.iter().find(is_it).map(default_of)
}

/// What must be given and is not. The rest the server says.
fn missing(settings: &Map<String, Value>) -> Vec<&'static str> {
    let is_empty = |name: &&'static str| match settings.get(*name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(values)) => values.is_empty(),
        Some(_) => false,
    };
    let needed = match Preset::of(settings).issuer() {
        PresetIssuer::Known(_) => None,
        PresetIssuer::Given => Some("issuer"),
        PresetIssuer::OfTenants => Some("tenants"),
    };
    needed.into_iter().chain(["client_id"]).filter(is_empty).collect()
}

/// Whether a provider of this kind takes a setting. `by_key`: it knows us by a key.
pub fn takes(preset: Preset, by_key: bool, name: &str) -> bool {
    let is_apple = preset == Preset::Apple;
    match name {
        "issuer" => preset.issuer() != PresetIssuer::OfTenants,
        "tenants" => preset.issuer() == PresetIssuer::OfTenants,
        "team_id" => is_apple,
        "client_key_id" => by_key,
        "client_key_alg" => by_key && !is_apple,
        "client_authentication" => !by_key && !is_apple,
        // It sends no ID token.
        "subject_claim" | "id_token_signing_alg" | "link_scim_client" | "link_scim_by" => {
            preset != Preset::GitHub
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use doorward_admin::types::identity_provider_settings::with_defaults;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_kind_needs_is_asked_for() {
        let missing = |settings: &Value| {
            missing(&with_defaults(settings.as_object().cloned().unwrap_or_default()))
        };
        assert_eq!(missing(&json!({})), ["issuer", "client_id"]);
        assert_eq!(missing(&json!({"preset": "google"})), ["client_id"]);
        assert_eq!(missing(&json!({"preset": "entra", "client_id": "x"})), ["tenants"]);
        let whole = json!({"issuer": "https://a.example", "client_id": "x"});
        assert!(missing(&whole).is_empty());
    }

    #[test]
    fn each_kind_has_the_fields_that_it_takes() {
        let has = |preset, by_key, names: &[&str]| {
            names.iter().map(|name| takes(preset, by_key, name)).collect::<Vec<_>>()
        };
        let names = ["issuer", "tenants", "team_id", "client_key_id", "client_authentication"];
        assert_eq!(has(Preset::Google, false, &names), [true, false, false, false, true]);
        assert_eq!(has(Preset::Entra, false, &names), [false, true, false, false, true]);
        assert_eq!(has(Preset::Apple, true, &names), [true, false, true, true, false]);
        assert_eq!(has(Preset::Generic, true, &names), [true, false, false, true, false]);
        assert!(!takes(Preset::GitHub, false, "subject_claim"));
        assert!(takes(Preset::GitHub, false, "client_id"));
    }
}
