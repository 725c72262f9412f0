//! `[client_registration]`: clients that no operator wrote down.

use std::collections::BTreeSet;

use doorward_protocol::scope::OFFLINE_ACCESS;
use doorward_provider::model::{
    client::GrantType, registration::RegistrationSettings, resource::Resources,
};
use url::Host;

use super::super::{
    ConfigError, SettingSources,
    file::{ClientRegistrationSection, ConfigFile},
};

/// Checks the settings against the scopes that there are.
pub fn check(
    file: &ConfigFile,
    resources: &Resources,
    sources: &SettingSources,
) -> Result<RegistrationSettings, ConfigError> {
    let section = &file.client_registration;
    let is_set = sources.figment().find_value("client_registration.scopes").is_ok();
    for scope in &section.scopes {
        if scope == OFFLINE_ACCESS {
            let problem = "set allow_offline_access instead";
            return Err(sources.refuse("client_registration.scopes", scope, problem));
        }
        // The default is cut to what there is.
        if is_set && !resources.knows(scope) {
            let problem = "no resource defines this scope";
            return Err(sources.refuse("client_registration.scopes", scope, problem));
        }
    }
    check_grant_types(section, sources)?;
    check_hosts(section, sources)?;
    if section.most_per_address == 0 {
        let problem = "give at least 1: with 0 no client can register; set mode = \"off\" for that";
        return Err(sources.refuse("client_registration.most_per_address", 0, problem));
    }
    Ok(RegistrationSettings {
        mode: section.mode,
        metadata_documents: section.metadata_documents,
        scopes: section.scopes.clone(),
        grant_types: section.grant_types.iter().copied().collect::<BTreeSet<_>>(),
        allow_offline_access: section.allow_offline_access,
        require_pkce: section.require_pkce,
        redirect_hosts: section.redirect_hosts.clone(),
        allow_loopback_redirect_uris: section.allow_loopback_redirect_uris,
        allow_private_use_schemes: section.allow_private_use_schemes,
        most_per_address: section.most_per_address,
        unused_lifetime: section.unused_lifetime.get().into(),
        idle_lifetime: section.idle_lifetime.get().into(),
        allow_private_addresses: section.allow_private_addresses,
    })
}

fn check_grant_types(
    section: &ClientRegistrationSection,
    sources: &SettingSources,
) -> Result<(), ConfigError> {
    let key = "client_registration.grant_types";
    if section.grant_types.is_empty() {
        return Err(sources.refuse(key, "[]", "allow at least one, such as authorization_code"));
    }
    if section.grant_types.contains(&GrantType::Password) {
        let problem = "no user should type a password into a client that nobody checked";
        return Err(sources.refuse(key, "password", problem));
    }
    Ok(())
}

fn check_hosts(
    section: &ClientRegistrationSection,
    sources: &SettingSources,
) -> Result<(), ConfigError> {
    for host in &section.redirect_hosts {
        let is_normal = Host::parse(host).is_ok_and(|parsed| parsed.to_string() == *host);
        if !is_normal {
            let problem = "give host names in small letters, like example.com";
            return Err(sources.refuse("client_registration.redirect_hosts", host, problem));
        }
    }
    Ok(())
}
