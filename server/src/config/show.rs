//! The effective configuration for `doorward config show`, without secrets.

use std::fmt::Write as _;

use figment::{
    Figment,
    providers::{Format as _, Toml},
    value::{Dict, Value},
};

use super::{Config, MasterKeySource, file::SECTIONS, sources};

/// Every key with its default. A test holds it to the code.
const EXAMPLE: &str = include_str!("../../../doorward.example.toml");

/// The effective settings as TOML: those that are set, and the defaults of the others. Secrets are
/// replaced by words. `None` if the settings can't be read again, which does not happen to a
/// checked configuration.
pub fn show(config: &Config) -> Option<String> {
    let set = config.sources.figment();
    let all = Figment::from(Toml::string(EXAMPLE)).merge(set);
    let all = derived(config).into_iter().fold(all, |all, default| all.join(default));
    let Value::Dict(_, settings) = all.extract::<Value>().ok()? else { return None };
    let mut text = format!("# {}\ndemo = {}\n", config.sources.file(), config.demo);
    for section in SECTIONS {
        let Some(Value::Dict(_, keys)) = settings.get(section) else { continue };
        write_table(&mut text, &format!("[{section}]"), &[section], keys, config);
    }
    for (list, tables) in settings.iter().filter(|(key, _)| !SECTIONS.contains(&key.as_str())) {
        let Value::Array(_, tables) = tables else { continue };
        for table in tables.iter().filter_map(Value::as_dict) {
            write_table(&mut text, &format!("[[{list}]]"), &[list, "0"], table, config);
        }
    }
    Some(text)
}

/// One table with a line for each key.
fn write_table(text: &mut String, header: &str, path: &[&str], keys: &Dict, config: &Config) {
    let _ = write!(text, "\n{header}\n");
    for (key, value) in keys {
        let path: Vec<String> =
            path.iter().chain([&key.as_str()]).map(|&part| part.to_owned()).collect();
        let value = sources::shown(&path, value);
        let origin = config.sources.variable(&path.join("."));
        let comment = origin.map_or_else(String::new, |variable| format!("  # {variable}"));
        let _ = writeln!(text, "{key} = {value}{comment}");
    }
}

/// Defaults that are made from other settings.
fn derived(config: &Config) -> Vec<(&'static str, String)> {
    let page = &config.app.page;
    let mut derived = vec![
        ("app.authority", page.authority.clone()),
        ("app.redirect_uri", page.redirect_uri.clone()),
        ("app.post_logout_redirect_uri", page.post_logout_redirect_uri.clone()),
        ("app.api_url", page.api_url.clone()),
        ("api.listen", config.api.listen.to_string()),
    ];
    if let Some(issuer) = config.api.settings.issuers.first() {
        derived.push(("api.issuer", issuer.issuer.clone()));
    }
    if let MasterKeySource::File(file) = &config.store.master_key {
        derived.push(("store.master_key_file", file.display().to_string()));
    }
    derived
}
