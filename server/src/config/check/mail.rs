//! `[mail]`: the mail server, and an operator's templates, which are tried out.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use doorward_mail::Templates;
use doorward_protocol::{host, secret::Secret};
use lettre::message::Mailbox;
use url::Url;

use super::super::{
    ConfigError, MailConfig, MailPassword, MailServer, MailTls, SettingSources, file::MailSection,
};

/// Checks how letters are sent. Without a mail server there are none, except in demo mode.
/// `is_used`: by this process.
pub fn check(
    section: MailSection,
    demo: bool,
    is_used: bool,
    sources: &SettingSources,
) -> Result<Option<MailConfig>, ConfigError> {
    let server = server(&section, is_used, sources)?;
    if server.is_none() && !demo {
        return Ok(None);
    }
    let folder = section.templates.filter(|_| is_used);
    let templates = Arc::new(templates(folder.as_deref(), sources)?);
    Ok(Some(MailConfig { templates, server }))
}

fn server(
    section: &MailSection,
    is_used: bool,
    sources: &SettingSources,
) -> Result<Option<MailServer>, ConfigError> {
    let Some(host) = section.host.clone().filter(|host| !host.is_empty()) else {
        let without = "it has no effect without a mail server: give mail.host, too";
        return match (&section.from, &section.username) {
            (Some(from), _) => Err(sources.refuse("mail.from", from, without)),
            (None, Some(username)) => Err(sources.refuse("mail.username", username, without)),
            (None, None) => Ok(None),
        };
    };
    if host.contains(['/', '@']) || host.contains(char::is_whitespace) {
        let problem = "give a host name alone, like smtp.example.com";
        return Err(sources.refuse("mail.host", host, problem));
    }
    if section.tls == MailTls::None && !is_this_machine(&host) {
        let problem = "letters have links that open accounts, so only a server on this machine is \
                       reached without TLS: set implicit or starttls";
        return Err(sources.refuse("mail.tls", "none", problem));
    }
    let usual_port = match section.tls {
        MailTls::Implicit => 465,
        MailTls::StartTls => 587,
        MailTls::None => 25,
    };
    Ok(Some(MailServer {
        host,
        port: section.port.unwrap_or(usual_port),
        tls: section.tls,
        login: login(section, is_used, sources)?,
        from: sender(section.from.as_deref(), sources)?,
        timeout: timeout(section, sources)?,
    }))
}

fn is_this_machine(name: &str) -> bool {
    let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    Url::parse(&format!("http://{host}")).is_ok_and(|url| host::is_loopback(&url))
}

fn login(
    section: &MailSection,
    is_used: bool,
    sources: &SettingSources,
) -> Result<Option<(String, MailPassword)>, ConfigError> {
    let MailSection { username, password, password_file, .. } = section;
    let password = match (password.clone().filter(is_given), password_file) {
        (Some(_), Some(file)) => {
            let problem = "the password is also given by mail.password: give one of the two";
            return Err(sources.refuse("mail.password_file", file.display(), problem));
        }
        (Some(password), None) => Some(MailPassword::Setting(password)),
        (None, Some(file)) if is_used && !file.is_file() => {
            let problem = "there is no such file: give one with the password alone";
            return Err(sources.refuse("mail.password_file", file.display(), problem));
        }
        (None, Some(file)) => Some(MailPassword::File(file.clone())),
        (None, None) => None,
    };
    match (username.clone(), password) {
        (Some(username), Some(password)) => Ok(Some((username, password))),
        (None, None) => Ok(None),
        (Some(username), None) => {
            let problem = "the name needs its password: give mail.password or mail.password_file";
            Err(sources.refuse("mail.username", username, problem))
        }
        (None, Some(_)) => {
            let problem = "the password needs its name: give mail.username";
            Err(sources.refuse("mail.password", "", problem))
        }
    }
}

fn is_given(password: &Secret) -> bool {
    !password.expose().is_empty()
}

fn sender(from: Option<&str>, sources: &SettingSources) -> Result<Mailbox, ConfigError> {
    let problem = "give the sender, like \"Example <accounts@example.com>\"";
    let written = from.unwrap_or_default();
    written.parse().map_err(|_| sources.refuse("mail.from", written, problem))
}

/// A step that takes longer than a letter is leased would let another process send it, too.
fn timeout(section: &MailSection, sources: &SettingSources) -> Result<Duration, ConfigError> {
    let seconds = section.timeout.get();
    if seconds > 60 {
        return Err(sources.refuse("mail.timeout", seconds, "give at most 60 seconds"));
    }
    Ok(Duration::from_secs(seconds.into()))
}

/// Our templates, and in place of them those in this folder.
fn templates(folder: Option<&Path>, sources: &SettingSources) -> Result<Templates, ConfigError> {
    let mut replacements = Vec::new();
    if let Some(folder) = folder {
        let refuse = |problem: String| sources.refuse("mail.templates", folder.display(), problem);
        for (name, path) in files(folder).map_err(|error| refuse(error.to_string()))? {
            let file = path.display().to_string();
            let text = fs::read_to_string(&path)
                .map_err(|error| refuse(format!("{file} can't be read: {error}")))?;
            replacements.push((name, file, text));
        }
    }
    Templates::new(replacements).map_err(|error| {
        let folder = folder.unwrap_or(Path::new(""));
        sources.refuse("mail.templates", folder.display(), error.to_string())
    })
}

/// The files of a folder and of the folders in it, with their names from there. Hidden ones are
/// left out: editors make them.
fn files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for (name, path) in entries(folder)? {
        if path.is_dir() {
            let inner = entries(&path)?.into_iter().filter(|(_, path)| path.is_file());
            found.extend(inner.map(|(file, path)| (format!("{name}/{file}"), path)));
        } else {
            found.push((name, path));
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}
