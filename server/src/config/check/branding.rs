//! `[branding]`: how the pages look, with its logos and texts, which are read here.

use std::{collections::BTreeMap, fs, path::Path};

use doorward_provider::{
    model::{
        branding::{Accents, FooterLink, FooterLinks, LogoName, TextsName},
        client::ClientSettings,
    },
    use_case::administration::clients::{NO_SUCH_LOGO, NO_SUCH_TEXTS},
};
use doorward_provider_http::{Branding, GivenTexts, LONGEST_LOGO, Logo, PageTexts, TextProblem};
use figment::{
    Figment,
    providers::{Format as _, Toml},
    value::{Dict, Value},
};

use super::super::{
    ConfigError, ConfigErrors, SettingSources, error::Mistakes, file::BrandingSection,
};

/// More are no folder of logos: each is kept in memory.
const MOST_LOGOS: usize = 200;

/// More are no folder of texts: each is kept in memory.
const MOST_TEXTS: usize = 200;

/// Reads what the pages show. `clients` are those of the configuration, whose logos must be there.
/// `is_used`: by this process; otherwise no file is read.
pub fn check(
    section: BrandingSection,
    clients: &[ClientSettings],
    is_used: bool,
    sources: &SettingSources,
) -> Result<Branding, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let links = links(&section, sources, &mut mistakes);
    let accents = Accents { light: section.accent, dark: section.accent_dark };
    let mut branding =
        Branding { name: section.name, logo: section.logo, links, accents, ..Branding::default() };
    if is_used {
        let logos = section.logos.as_deref().map(|folder| logos(folder, sources)).transpose();
        branding.logos = mistakes.note_all(logos).flatten().unwrap_or_default();
        let texts = section.texts.as_deref().map(|folder| texts(folder, sources)).transpose();
        if let Some((own, of_clients)) = mistakes.note_all(texts).flatten() {
            branding.texts = own;
            branding.client_texts = of_clients;
        }
        if mistakes.is_empty() {
            refuse_missing_logos(&branding, clients, sources, &mut mistakes);
            refuse_missing_texts(&branding, clients, sources, &mut mistakes);
        }
    }
    mistakes.or(Some(branding))
}

fn links(
    section: &BrandingSection,
    sources: &SettingSources,
    mistakes: &mut Mistakes,
) -> FooterLinks {
    let mut link = |key: &str, text: &Option<String>| {
        let parsed = text.as_deref().map(FooterLink::parse).transpose().map_err(|error| {
            let written = text.as_deref().unwrap_or_default();
            sources.refuse(&format!("branding.{key}"), written, error.to_string())
        });
        mistakes.note(parsed).flatten()
    };
    FooterLinks {
        imprint: link("imprint", &section.imprint),
        privacy: link("privacy", &section.privacy),
        help: link("help", &section.help),
    }
}

/// Every picture of a folder. Files whose names no setting can name are left alone.
fn logos(
    folder: &Path,
    sources: &SettingSources,
) -> Result<BTreeMap<LogoName, Logo>, ConfigErrors> {
    let refuse = |problem: String| sources.refuse("branding.logos", folder.display(), problem);
    let unreadable =
        |error: std::io::Error| ConfigErrors::from(refuse(format!("it can't be read: {error}")));
    let mut found = BTreeMap::new();
    let mut mistakes = Mistakes::default();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let Ok(name) = entry.file_name().into_string().map(LogoName::try_from) else { continue };
        let (Ok(name), true) = (name, entry.path().is_file()) else { continue };
        if found.len() == MOST_LOGOS {
            mistakes.note::<()>(Err(refuse(format!("it has more than {MOST_LOGOS} pictures"))));
            break;
        }
        let logo = read(&entry.path(), &name)
            .map_err(|problem| refuse(format!("{}: {problem}", entry.path().display())));
        if let Some(logo) = mistakes.note(logo) {
            found.insert(name, logo);
        }
    }
    mistakes.or(Some(found))
}

fn read(path: &Path, name: &LogoName) -> Result<Logo, String> {
    let unreadable = |error: std::io::Error| format!("it can't be read: {error}");
    // A file that is too large is not read.
    let length = fs::metadata(path).map_err(unreadable)?.len();
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > LONGEST_LOGO {
        return Err(doorward_provider_http::NoLogo::TooLarge(length).to_string());
    }
    let content = fs::read(path).map_err(unreadable)?;
    Logo::check(name.as_str(), content).map_err(|error| error.to_string())
}

/// The texts of the files `en.toml` and `de.toml` in a folder, and those of each folder in it,
/// which clients name.
fn texts(
    folder: &Path,
    sources: &SettingSources,
) -> Result<(PageTexts, BTreeMap<TextsName, PageTexts>), ConfigErrors> {
    let own = given_texts(folder, sources)?;
    let refused = |folder: &Path, problems: Vec<TextProblem>| {
        let file = |language: &str| folder.join(format!("{language}.toml"));
        let errors = problems.iter().map(|own| {
            refuse_texts(sources, folder, &format!("{}: {own}", file(&own.language).display()))
        });
        ConfigErrors(errors.collect())
    };
    let ours = PageTexts::replaced(&own).map_err(|problems| refused(folder, problems))?;
    let (mut of_clients, mut mistakes) = (BTreeMap::new(), Mistakes::default());
    for entry in fs::read_dir(folder).map_err(|error| unreadable(sources, folder, &error))? {
        let entry = entry.map_err(|error| unreadable(sources, folder, &error))?;
        let Ok(name) = entry.file_name().into_string().map(TextsName::try_from) else { continue };
        let (Ok(name), true) = (name, entry.path().is_dir()) else { continue };
        if of_clients.len() == MOST_TEXTS {
            let problem = format!("it has more than {MOST_TEXTS} folders");
            mistakes.note::<()>(Err(refuse_texts(sources, folder, &problem)));
            break;
        }
        let path = entry.path();
        let texts = given_texts(&path, sources).and_then(|given| {
            PageTexts::replaced_for_client(&own, &given)
                .map_err(|problems| refused(&path, problems))
        });
        if let Some(texts) = mistakes.note_all(texts) {
            of_clients.insert(name, texts);
        }
    }
    mistakes.or(Some((ours, of_clients)))
}

fn refuse_texts(sources: &SettingSources, folder: &Path, problem: &str) -> ConfigError {
    sources.refuse("branding.texts", folder.display(), problem)
}

fn unreadable(sources: &SettingSources, folder: &Path, error: &std::io::Error) -> ConfigErrors {
    refuse_texts(sources, folder, &format!("it can't be read: {error}")).into()
}

/// The texts of the files of a folder, by language.
fn given_texts(
    folder: &Path,
    sources: &SettingSources,
) -> Result<BTreeMap<String, GivenTexts>, ConfigErrors> {
    let mut given: BTreeMap<String, GivenTexts> = BTreeMap::new();
    let mut mistakes = Mistakes::default();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(sources, folder, &error))? {
        let path = entry.map_err(|error| unreadable(sources, folder, &error))?.path();
        let language = path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
        let is_toml = path.extension().is_some_and(|ending| ending == "toml");
        let Some(language) = language.filter(|_| is_toml) else { continue };
        let texts = file_of_texts(&path).map_err(|problem| {
            refuse_texts(sources, folder, &format!("{}: {problem}", path.display()))
        });
        given.insert(language, mistakes.note(texts).unwrap_or_default());
    }
    mistakes.or(Some(given))
}

/// The texts of a file, each by its key with the tables that it is in.
fn file_of_texts(path: &Path) -> Result<GivenTexts, String> {
    fn collect(table: Dict, key: &str, into: &mut GivenTexts) -> Result<(), String> {
        for (name, value) in table {
            let key = if key.is_empty() { name } else { format!("{key}.{name}") };
            match value {
                Value::String(_, text) => drop(into.insert(key, text)),
                Value::Dict(_, inner) => collect(inner, &key, into)?,
                _ => return Err(format!("{key}: give a text in quotes")),
            }
        }
        Ok(())
    }
    let text = fs::read_to_string(path).map_err(|error| format!("it can't be read: {error}"))?;
    let table: Dict = Figment::from(Toml::string(&text))
        .extract()
        .map_err(|error| error.to_string().replace('\n', " "))?;
    let mut texts = GivenTexts::new();
    collect(table, "", &mut texts)?;
    Ok(texts)
}

fn refuse_missing_logos(
    branding: &Branding,
    clients: &[ClientSettings],
    sources: &SettingSources,
    mistakes: &mut Mistakes,
) {
    let problem = NO_SUCH_LOGO;
    let is_missing = |logo: &&LogoName| !branding.logos.contains_key(*logo);
    if let Some(logo) = branding.logo.as_ref().filter(is_missing) {
        let error = sources.refuse("branding.logo", logo.as_str(), problem);
        mistakes.note::<()>(Err(error));
    }
    for client in clients {
        let logo = client.branding.as_ref().and_then(|own| own.logo.as_ref());
        if let Some(logo) = logo.filter(is_missing) {
            let problem = format!("{problem} (in the client {:?})", client.client_id);
            let key = ("clients", "branding.logo");
            let error: ConfigError = sources.refuse_key_in(key, logo.as_str(), &problem);
            mistakes.note::<()>(Err(error));
        }
    }
}

fn refuse_missing_texts(
    branding: &Branding,
    clients: &[ClientSettings],
    sources: &SettingSources,
    mistakes: &mut Mistakes,
) {
    for client in clients {
        let texts = client.branding.as_ref().and_then(|own| own.texts.as_ref());
        let is_missing = |texts: &&TextsName| !branding.client_texts.contains_key(*texts);
        if let Some(texts) = texts.filter(is_missing) {
            let problem = format!("{NO_SUCH_TEXTS} (in the client {:?})", client.client_id);
            let key = ("clients", "branding.texts");
            let error: ConfigError = sources.refuse_key_in(key, texts.as_str(), &problem);
            mistakes.note::<()>(Err(error));
        }
    }
}
