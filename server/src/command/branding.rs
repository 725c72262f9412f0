//! `doorward branding …`: how the pages and messages will look, before anybody sees them.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Subcommand;
use doorward_mail::{Brand, LANGUAGES, Templates};
use doorward_provider::model::client::ClientSettings;
use doorward_provider_http::{PREVIEWED_PAGES, PageTexts, PreviewFile, PreviewedClient, preview};
use serde_json::{Map, Value};

use super::{CommandError, config::stored_clients};
use crate::{
    config::{Config, ConfigArgument},
    output::print,
    provider::mail::{brand, site},
};

/// The messages that the preview has.
const PREVIEWED_MAILS: [&str; 2] = ["verify_email", "new_device"];
const SCHEMES: [&str; 2] = ["light", "dark"];

/// What to do with the look of the pages.
#[derive(Debug, Subcommand)]
pub enum BrandingCommand {
    /// Write pages and messages as they will look, also those of clients with a look of their own,
    /// with an index.html to open in a browser. The database stays as it is.
    Preview {
        /// The folder to write to. It is created if it is missing.
        folder: PathBuf,
        /// The configuration.
        #[command(flatten)]
        config: ConfigArgument,
    },
    /// Write our texts of the pages, to replace some of them. Files that are there stay.
    Texts {
        /// The folder to write to. It is created if it is missing.
        folder: PathBuf,
    },
}

impl BrandingCommand {
    /// Runs the command.
    pub fn run(&self) -> Result<(), CommandError> {
        match self {
            Self::Preview { folder, config } => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let config = config.load()?;
                let stored = runtime.block_on(stored_clients(&config));
                write_preview(&config, &stored, folder)
            }
            Self::Texts { folder } => write_texts(folder),
        }
    }
}

/// The look of the provider, or of a client, with how its files are called.
struct Shown {
    title: String,
    prefix: String,
    client: Option<PreviewedClient>,
}

fn write_preview(
    config: &Config,
    stored: &[ClientSettings],
    folder: &Path,
) -> Result<(), CommandError> {
    let own =
        Shown { title: "All pages and messages".to_owned(), prefix: String::new(), client: None };
    let is_configured = |own: &ClientSettings| {
        config.provider.clients.iter().any(|it| it.client_id == own.client_id)
    };
    let stored = stored.iter().filter(|own| !is_configured(own));
    let clients = config.provider.clients.iter().chain(stored).filter_map(|settings| {
        let branding = settings.branding.clone()?;
        let name = settings.client_name.clone().unwrap_or_else(|| settings.client_id.clone());
        Some((name.clone(), PreviewedClient { name, branding }))
    });
    let clients = clients.enumerate().map(|(number, (title, client))| Shown {
        title: format!("Sign-ins for {title}"),
        prefix: format!("client-{}-", number + 1),
        client: Some(client),
    });
    let all: Vec<Shown> = [own].into_iter().chain(clients).collect();
    let mut files: Vec<PreviewFile> = all
        .iter()
        .flat_map(|own| preview(&config.branding, own.client.as_ref(), &own.prefix))
        .collect();
    for own in &all {
        files.extend(mails(config, own)?);
    }
    files.push(PreviewFile { name: "index.html".to_owned(), content: index(&all).into() });
    create(folder)?;
    for file in &files {
        write(&folder.join(&file.name), &file.content)?;
    }
    let index = folder.join("index.html");
    print(&format!("Open {} in a browser.\n", index.display()));
    Ok(())
}

/// Messages in each language. A mail program chooses the colour scheme; here the page does.
fn mails(config: &Config, shown: &Shown) -> Result<Vec<PreviewFile>, CommandError> {
    let templates = match &config.mail {
        Some(mail) => Arc::clone(&mail.templates),
        None => Arc::new(Templates::new([]).map_err(CommandError::refused)?),
    };
    let issuer = &config.provider.settings.issuer;
    // The page finds the logo beside it.
    let look = config.branding.chosen_for(shown.client.as_ref().map(|client| &client.branding));
    let logo = look.logo_url("");
    let logo = logo.and_then(|url| url.strip_prefix("/assets/").map(str::to_owned));
    let brand = Brand { logo, ..brand(&look, issuer) };
    let values = Map::from_iter(
        [
            ("site", site(issuer)),
            ("link", format!("{issuer}/account/verify-email?ticket=example")),
            ("valid_for", "60 min".to_owned()),
            ("name", "Alice Example".to_owned()),
            ("device", "Firefox, Linux".to_owned()),
            ("address", "192.0.2.7".to_owned()),
            ("at", "2027-01-15 08:00 UTC".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), Value::from(value))),
    );
    let mut files = Vec::new();
    for kind in PREVIEWED_MAILS {
        for language in LANGUAGES {
            let message = templates.render(kind, language, &values, &brand);
            let html = message.map_err(CommandError::refused)?.html;
            for scheme in SCHEMES {
                let usual = "name=\"color-scheme\" content=\"light dark\"";
                let chosen = format!("name=\"color-scheme\" content=\"{scheme}\"");
                let name = format!("{}mail-{kind}-{language}-{scheme}.html", shown.prefix);
                files.push(PreviewFile { name, content: html.replace(usual, &chosen).into() });
            }
        }
    }
    Ok(files)
}

/// The page that shows all others.
fn index(all: &[Shown]) -> String {
    let mut html = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
        <title>Preview</title>\n<style>\n\
        body { font-family: system-ui, sans-serif; margin: 1.5rem; background: #fff; }\n\
        .row { display: flex; flex-wrap: wrap; gap: 1rem; }\n\
        figure { margin: 0; } iframe { width: 27rem; height: 42rem; border: 1px solid #767676; }\n\
        </style>\n</head>\n<body>\n<h1>Preview</h1>\n"
        .to_owned();
    let mut section = |title: &str, files: Vec<String>| {
        let _ = write!(html, "<h2>{}</h2>\n<div class=\"row\">\n", escaped(title));
        for name in files {
            let _ = writeln!(
                html,
                "<figure><figcaption><a href=\"{name}.html\">{name}</a></figcaption>\
                 <iframe src=\"{name}.html\" title=\"{name}\"></iframe></figure>"
            );
        }
        html.push_str("</div>\n");
    };
    for own in all {
        let pages = PREVIEWED_PAGES.iter().flat_map(|page| named(&own.prefix, page));
        let mails = PREVIEWED_MAILS.map(|kind| named(&format!("{}mail-", own.prefix), kind));
        section(&own.title, pages.chain(mails.into_iter().flatten()).collect());
    }
    html.push_str("</body>\n</html>\n");
    html
}

/// The names of the files of one page, without their ending.
fn named(prefix: &str, page: &str) -> Vec<String> {
    LANGUAGES
        .iter()
        .flat_map(|language| SCHEMES.map(|scheme| format!("{prefix}{page}-{language}-{scheme}")))
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn write_texts(folder: &Path) -> Result<(), CommandError> {
    create(folder)?;
    for language in LANGUAGES {
        let path = folder.join(format!("{language}.toml"));
        if path.exists() {
            print(&format!("{} is there already and stays as it is.\n", path.display()));
            continue;
        }
        let texts = PageTexts::originals(language).unwrap_or_default();
        let mut lines = String::from(
            "# The texts of the pages. Keep those that you change, in every language, and remove \
             the others:\n# ours then stay up to date. Words in {braces} are filled in and must \
             stay.\n",
        );
        for (key, text) in texts {
            // JSON's escapes are those of TOML.
            let _ = writeln!(lines, "{key} = {}", Value::from(text));
        }
        write(&path, lines.as_bytes())?;
        print(&format!("Wrote {}.\n", path.display()));
    }
    Ok(())
}

fn create(folder: &Path) -> Result<(), CommandError> {
    fs::create_dir_all(folder).map_err(|error| {
        CommandError::refused(format!("{} can't be created: {error}", folder.display()))
    })
}

fn write(path: &Path, content: &[u8]) -> Result<(), CommandError> {
    fs::write(path, content).map_err(|error| {
        CommandError::refused(format!("{} can't be written: {error}", path.display()))
    })
}
