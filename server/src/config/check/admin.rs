//! `[admin]`.

use doorward_admin::{AdminScope, PAGES_CLIENT_ID, PAGES_PATH, SIGNED_IN_PATH, api::AUDIENCE};
use doorward_protocol::scope::OPENID;
use doorward_provider::model::client::ClientSettings;
use doorward_resource_server::ResourceServerSettings;
use serde_json::json;

use super::super::{
    AdminConfig, ConfigError, SettingSources, demo,
    file::ConfigFile,
    values::{WebUrl, is_loopback, origin_of},
};
use super::{own_issuer, refuse_nobody_served};

/// Checks what the API for operators is made from; `None` if it is off.
pub fn check(
    file: &ConfigFile,
    issuer: &WebUrl,
    sources: &SettingSources,
) -> Result<Option<AdminConfig>, ConfigError> {
    let section = &file.admin;
    if !section.enabled {
        return Ok(None);
    }
    refuse_nobody_served("admin", section.requests_per_minute, sources)?;
    let address = section.issuer_address.as_deref();
    let trusted = own_issuer("admin", issuer, AUDIENCE, address, sources)?;
    let mut settings = ResourceServerSettings::for_issuer(trusted);
    // Proofs name the URL of the request. On a listener of its own nobody knows it unless told.
    let own = section.listen.is_none().then(|| origin_of(issuer.as_str()));
    settings.url = section.url.as_ref().map(|url| url.as_str().to_owned()).or(own);
    settings.allowed_origins =
        section.allowed_origins.iter().map(|origin| origin.as_str().to_owned()).collect();
    let page_origins = page_origins(file);
    let shares_listener = section.listen.is_none() && !page_origins.is_empty();
    if shares_listener && has_pages_path(issuer.as_str()) {
        let problem = "the pages for administrators are at /admin: give the issuer another path, \
                       or set admin.pages = false";
        return Err(sources.refuse("provider.issuer", issuer.as_str(), problem));
    }
    if page_origins.is_empty() && section.pages && sources.is_set("admin.pages") {
        let problem = "the pages sign in, so their address must be known: set admin.url, or \
                       leave this key out";
        return Err(sources.refuse("admin.pages", section.pages, problem));
    }
    if !page_origins.is_empty() {
        refuse_useless_client(file, sources)?;
    }
    Ok(Some(AdminConfig {
        listen: section.listen.clone(),
        page_origins,
        pages_scope: pages_scope(file),
        settings,
        fresh_sign_in: section.fresh_sign_in.get(),
        requests_per_minute: section.requests_per_minute,
    }))
}

/// How long somebody may work with the pages before they sign in again, in seconds.
const A_WORKING_DAY: i64 = 8 * 3600;

/// The client at which people sign in to the pages, unless the configuration defines it itself;
/// `None` if there are no pages.
pub fn pages_client(file: &ConfigFile) -> Option<ClientSettings> {
    let origins = page_origins(file);
    if origins.is_empty() || own_pages_client(file).is_some() {
        return None;
    }
    let at = |path: &str| origins.iter().map(|origin| format!("{origin}{path}")).collect();
    let (redirect_uris, home): (Vec<String>, Vec<String>) = (at(SIGNED_IN_PATH), at(PAGES_PATH));
    let own = [OPENID, "profile"].into_iter().map(str::to_owned);
    let scopes: Vec<String> =
        own.chain(AdminScope::ALL.map(|scope| scope.name().to_owned())).collect();
    // A public client: code and PKCE. Without refresh tokens, so that its tokens end with the
    // session: the API asks for each request whether the grant still lives.
    let settings = json!({
        "client_id": PAGES_CLIENT_ID,
        "client_name": "Administration",
        "require_client_secret": false,
        "allowed_grant_types": ["authorization_code"],
        "redirect_uris": redirect_uris,
        "post_logout_redirect_uris": home,
        "allowed_cors_origins": origins,
        "allowed_scopes": scopes,
        "always_include_user_claims_in_id_token": true,
        "access_token_lifetime": A_WORKING_DAY,
    });
    serde_json::from_value(settings).ok()
}

/// What the pages ask for when somebody signs in: all that they know what to do with, and that
/// their client may ask for. One that it may not would refuse everybody.
fn pages_scope(file: &ConfigFile) -> String {
    let client = own_pages_client(file);
    let is_allowed = |name: &&str| {
        client.is_none_or(|client| client.allowed_scopes.iter().any(|own| own == name))
    };
    let known = [OPENID, "profile"].into_iter().chain(AdminScope::ALL.map(AdminScope::name));
    known.filter(is_allowed).collect::<Vec<_>>().join(" ")
}

/// The client of the pages, if the configuration defines it itself.
fn own_pages_client(file: &ConfigFile) -> Option<&ClientSettings> {
    file.clients.iter().find(|client| client.client_id == PAGES_CLIENT_ID)
}

/// Refuses a client for the pages by which nobody could sign in, or find out what they may do.
fn refuse_useless_client(file: &ConfigFile, sources: &SettingSources) -> Result<(), ConfigError> {
    let Some(client) = own_pages_client(file) else { return Ok(()) };
    for needed in [OPENID, AdminScope::UsersRead.name()] {
        if !client.allowed_scopes.iter().any(|own| own == needed) {
            let problem = format!(
                "the pages for administrators sign in by the client {PAGES_CLIENT_ID}: allow it \
                 {needed}, or set admin.pages = false"
            );
            let given = client.allowed_scopes.join(" ");
            return Err(sources.refuse_key_in(("clients", "allowed_scopes"), &given, &problem));
        }
    }
    Ok(())
}

/// A warning if the pages are wanted and their address is not known.
pub fn warning(file: &ConfigFile) -> Option<String> {
    let is_lost = file.admin.enabled && file.admin.pages && page_origins(file).is_empty();
    is_lost.then(|| {
        "the pages for administrators are left out: set admin.url, so that people can sign in there"
            .to_owned()
    })
}

/// The origins from which browsers load the pages, the usual one first. The pages need one: the
/// provider sends people back to it, and to no other. Of this machine both names count.
fn page_origins(file: &ConfigFile) -> Vec<String> {
    let section = &file.admin;
    if !section.enabled || !section.pages {
        return Vec::new();
    }
    let origin = match (&section.url, &section.listen) {
        (Some(url), _) => origin_of(url.as_str()),
        (None, None) => origin_of(file.provider.issuer.as_str()),
        (None, Some(listen)) if listen.is_loopback() => {
            let is_tls = file.tls.development || file.tls.certificate.is_some();
            origin_of(&format!("{}://{listen}", if is_tls { "https" } else { "http" }))
        }
        (None, Some(_)) => return Vec::new(),
    };
    let other = Some(demo::alias(&origin)).filter(|other| is_loopback(&origin) && *other != origin);
    // A port that the system chooses is not known.
    if origin.ends_with(":0") {
        Vec::new()
    } else {
        [Some(origin), other].into_iter().flatten().collect()
    }
}

/// Whether the paths of the issuer are among those of the pages.
fn has_pages_path(issuer: &str) -> bool {
    let origin = origin_of(issuer);
    let path = issuer.strip_prefix(&origin).unwrap_or_default();
    path.strip_prefix(PAGES_PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
