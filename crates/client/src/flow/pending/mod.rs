//! Requests that wait for their response, under `oidc.{id}` in the state store (RFC 6749 section
//! 10.12, RFC 7636 section 4.1, OIDC Core section 15.5.2).

mod entry;

use doorward_protocol::base64url;

pub(crate) use self::entry::{AnsweredSignin, Owner, Pending, PendingSignin, PendingSignout, Via};
use crate::{
    Error, Fault,
    ports::{Entropy, Ports},
    settings::Settings,
};

/// The prefix of all keys in the state store.
const PREFIX: &str = "oidc.";

/// 256 random bits as 43 base64url characters, for identifiers and nonces.
pub(crate) fn random_text(entropy: &dyn Entropy) -> Result<String, Fault> {
    Ok(base64url::encode(random_bytes(entropy)?))
}

pub(crate) fn random_bytes(entropy: &dyn Entropy) -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// The length of [`random_text`].
const ID_LENGTH: usize = 43;

/// The identifier of a request that is sent in this kind of window.
pub(crate) fn new_id(via: Via, entropy: &dyn Entropy) -> Result<String, Fault> {
    Ok([via.id_prefix(), &random_text(entropy)?].concat())
}

/// The kind of window in which a request with this identifier was sent. `None`: it is not an
/// identifier of this client, and so the page's own parameter, or another program's.
pub(crate) fn via_of(id: &str) -> Option<Via> {
    let [redirect, popup, frame] = Via::ALL;
    let via = [popup, frame].into_iter().find(|via| id.starts_with(via.id_prefix()));
    let via = via.unwrap_or(redirect);
    let random = &id[via.id_prefix().len()..];
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (random.len() == ID_LENGTH && random.bytes().all(is_base64url)).then_some(via)
}

/// The `state` parameter: the identifier, and the caller's text after a semicolon.
pub(crate) fn state_param(id: &str, url_state: Option<&str>) -> String {
    match url_state {
        Some(text) => format!("{id};{text}"),
        None => id.to_owned(),
    }
}

/// Stores a request, and removes expired ones.
pub(crate) fn put(
    ports: &Ports,
    id: &str,
    pending: &Pending,
    settings: &Settings,
) -> Result<(), Fault> {
    sweep(ports, settings)?;
    replace(ports, id, pending)
}

/// Writes the entry of an identifier.
pub(crate) fn replace(ports: &Ports, id: &str, pending: &Pending) -> Result<(), Fault> {
    Ok(ports.state_store.set(&key(id), &pending.write())?)
}

/// Reads the entry of an identifier, which came from a URL and may be anything.
pub(crate) fn get(ports: &Ports, id: &str) -> Result<Option<Pending>, Fault> {
    let text = ports.state_store.get(&key(id))?;
    Ok(text.and_then(|text| Pending::read(&text)))
}

/// Removes the entry of an identifier.
pub(crate) fn remove(ports: &Ports, id: &str) -> Result<(), Fault> {
    Ok(ports.state_store.remove(&key(id))?)
}

/// Removes the client's entries that are older than the setting `stale_state_age`, and unreadable
/// ones. Keys of other programs stay, and so do the requests of another client, which has a setting
/// of its own.
pub(crate) fn sweep(ports: &Ports, settings: &Settings) -> Result<(), Fault> {
    let (now, limit) = (ports.clock.now(), settings.stale_state_age);
    // An entry from the far future was written while the device's clock was wrong, and would never
    // expire.
    let is_fresh =
        |created: u64| created.saturating_add(limit) > now && created <= now.saturating_add(limit);
    each_entry(ports, &|text| match Pending::read(text) {
        Some(pending) => !pending.belongs_to(settings) || is_fresh(pending.created()),
        None => false,
    })
}

/// Removes what is known about the sign-in that began this session. It names the user, and must
/// not stay after sign-out.
pub(crate) fn forget_answered(ports: &Ports, session: &str) -> Result<(), Fault> {
    each_entry(ports, &|text| match Pending::read(text) {
        Some(Pending::Answered(answered)) => answered.session != session,
        _ => true,
    })
}

/// Looks at each entry under an identifier of this client, and removes those that are not kept.
fn each_entry(ports: &Ports, keeps: &dyn Fn(&str) -> bool) -> Result<(), Fault> {
    let store = &ports.state_store;
    for key in store.keys()? {
        let is_entry = key.strip_prefix(PREFIX).is_some_and(|id| via_of(id).is_some());
        if is_entry && store.get(&key)?.is_some_and(|text| !keeps(&text)) {
            store.remove(&key)?;
        }
    }
    Ok(())
}

/// The key of an identifier in the state store.
pub(crate) fn key(id: &str) -> String {
    format!("{PREFIX}{id}")
}
