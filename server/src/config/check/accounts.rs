//! `[accounts]`: what users may do with their accounts by themselves.

use std::path::Path;

use doorward_provider::model::{
    account_settings::{AccountSettings, Registration, SignInWith},
    email::EmailAddress,
};
use url::Url;

use super::super::{
    BreachedPasswordsConfig, ConfigError, SettingSources,
    file::{AccountsSection, ConfigFile, SignInName},
    values,
};
use crate::provider::breached_passwords::BreachedPasswordsFile;

/// The longest life of a link that sets another password, in seconds.
const LONGEST_RESET_LINK: u32 = 3600;
/// The bounds for a link that confirms an address, in seconds.
const SHORTEST_REGISTRATION_LINK: u32 = 60;
const LONGEST_REGISTRATION_LINK: u32 = 86_400;
/// The smallest number of wrong attempts in a row that may be the limit.
const FEWEST_WRONG_ATTEMPTS: u32 = 10;

/// Checks the settings of accounts. In demo mode everything can be tried: letters are kept, and
/// anybody may register unless the configuration says otherwise.
pub fn check(
    file: &ConfigFile,
    demo: bool,
    sources: &SettingSources,
) -> Result<AccountSettings, ConfigError> {
    let section = &file.accounts;
    let is_set = sources.figment().find_value("accounts.registration").is_ok();
    let registration = if demo && !is_set { Registration::Open } else { section.registration };
    check_domains(section, sources)?;
    check_links(section, sources)?;
    check_attempts(section, sources)?;
    if file.provider.min_password_length == 0 {
        let problem = "give at least 1: an empty password is none";
        return Err(sources.refuse("provider.min_password_length", 0, problem));
    }
    Ok(AccountSettings {
        mail: demo || file.mail.host.is_some(),
        registration,
        allowed_domains: section.allowed_domains.clone(),
        sign_in_with: sign_in_with(section, sources)?,
        min_password_length: file.provider.min_password_length,
        reset_link_lifetime: section.reset_link_lifetime.get(),
        registration_link_lifetime: section.registration_link_lifetime.get(),
        most_links_per_account: section.most_links_per_account,
        most_links_per_address: section.most_links_per_address,
        most_links_per_mailbox: section.most_links_per_mailbox,
        most_links_per_hour: section.most_links_per_hour,
        most_wrong_attempts: section.most_wrong_attempts,
        editable_claims: section.editable_claims.clone(),
        allow_deletion: section.allow_deletion,
        fresh_sign_in: section.fresh_sign_in.get(),
    })
}

fn check_domains(section: &AccountsSection, sources: &SettingSources) -> Result<(), ConfigError> {
    let key = "accounts.allowed_domains";
    for domain in &section.allowed_domains {
        if EmailAddress::parse(&format!("somebody@{domain}")).is_err() {
            let problem = "give domains as they stand behind the @ of an address, like example.com";
            return Err(sources.refuse(key, domain, problem));
        }
    }
    if !section.allowed_domains.is_empty() && section.registration != Registration::Open {
        let value = section.allowed_domains.join(", ");
        let problem = "this limits who may register: set registration = \"open\" as well, or leave \
                       the key out";
        return Err(sources.refuse(key, value, problem));
    }
    Ok(())
}

fn check_links(section: &AccountsSection, sources: &SettingSources) -> Result<(), ConfigError> {
    let lifetime = section.reset_link_lifetime.get();
    if lifetime > LONGEST_RESET_LINK {
        let problem = "give at most 3600 seconds: whoever reads the mail later could take the \
                       account over";
        return Err(sources.refuse("accounts.reset_link_lifetime", lifetime, problem));
    }
    let lifetime = section.registration_link_lifetime.get();
    if !(SHORTEST_REGISTRATION_LINK..=LONGEST_REGISTRATION_LINK).contains(&lifetime) {
        let problem = "give 60 to 86400 seconds: a link must arrive in time, and should not lie in \
                       a mailbox for days. An invitation has a life of its own";
        return Err(sources.refuse("accounts.registration_link_lifetime", lifetime, problem));
    }
    for (key, value) in [
        ("accounts.most_links_per_account", section.most_links_per_account),
        ("accounts.most_links_per_address", section.most_links_per_address),
        ("accounts.most_links_per_mailbox", section.most_links_per_mailbox),
        ("accounts.most_links_per_hour", section.most_links_per_hour),
    ] {
        if value == 0 {
            return Err(sources.refuse(key, value, "give at least 1: with 0 no link is ever sent"));
        }
    }
    Ok(())
}

fn check_attempts(section: &AccountsSection, sources: &SettingSources) -> Result<(), ConfigError> {
    let most = section.most_wrong_attempts;
    if (1..FEWEST_WRONG_ATTEMPTS).contains(&most) {
        let problem = "give at least 10, since owners mistype their passwords, too; or 0 for no \
                       limit";
        return Err(sources.refuse("accounts.most_wrong_attempts", most, problem));
    }
    Ok(())
}

fn sign_in_with(
    section: &AccountsSection,
    sources: &SettingSources,
) -> Result<SignInWith, ConfigError> {
    let names = &section.sign_in_with;
    if names.is_empty() {
        let problem = "list \"username\", \"email\", or both";
        return Err(sources.refuse("accounts.sign_in_with", "[]", problem));
    }
    Ok(SignInWith {
        username: names.contains(&SignInName::Username),
        email: names.contains(&SignInName::Email),
    })
}

/// Where published passwords are looked up.
pub fn breached_passwords(
    section: &AccountsSection,
    is_used: bool,
    sources: &SettingSources,
) -> Result<BreachedPasswordsConfig, ConfigError> {
    match (&section.breached_passwords_file, &section.breached_passwords_url) {
        (Some(_), Some(url)) => {
            let problem = "the list is also given by breached_passwords_file: give one of the two";
            Err(sources.refuse("accounts.breached_passwords_url", url, problem))
        }
        (Some(path), None) => {
            if is_used {
                check_file(path, sources)?;
            }
            Ok(BreachedPasswordsConfig::File(path.clone()))
        }
        (None, Some(url)) => {
            let is_safe = Url::parse(url).is_ok_and(|url| url.scheme() == "https")
                || values::is_loopback(url);
            if !is_safe || !url.ends_with('/') {
                let problem = "give an https URL that ends with a slash, like \
                               https://api.pwnedpasswords.com/range/";
                return Err(sources.refuse("accounts.breached_passwords_url", url, problem));
            }
            Ok(BreachedPasswordsConfig::Url(url.clone()))
        }
        (None, None) => Ok(BreachedPasswordsConfig::None),
    }
}

fn check_file(path: &Path, sources: &SettingSources) -> Result<(), ConfigError> {
    BreachedPasswordsFile::check(path).map_err(|problem| {
        sources.refuse("accounts.breached_passwords_file", path.display(), problem)
    })
}
