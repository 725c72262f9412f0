//! Subject identifiers as clients see them (OIDC Core section 8): the user's `sub` itself, or for a
//! client with a `pair_wise_subject_salt` another one for each sector, so that clients of different
//! sectors can't tell that they have one user. The session's identifier must not tell them either,
//! so that it is another one, too.

use aws_lc_rs::hmac;
use doorward_protocol::{
    base64url,
    ids::{SessionId, Sub},
    secret::Secret,
};
use url::Url;

use crate::model::{
    client::{Client, ClientSettings},
    grant::Grant,
    settings_error::SettingsError,
};

/// What pairwise identifiers of a client are made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pairwise {
    salt: Secret,
    /// The host of the client's redirect URIs, or of its `sector_identifier_uri` (section 8.1).
    sector: String,
}

/// A salt that can be guessed lets anybody who knows a `sub` compute the pairwise ones.
const SHORTEST_SALT: usize = 16;

impl Pairwise {
    /// Checks the salt, and that the redirect URIs agree on one sector. A client without redirect
    /// URIs is a sector of its own.
    pub(crate) fn from_settings(settings: &ClientSettings) -> Result<Option<Self>, SettingsError> {
        const KEY: &str = "pair_wise_subject_salt";
        let Some(salt) = settings.pair_wise_subject_salt.clone() else { return Ok(None) };
        if salt.expose().len() < SHORTEST_SALT {
            return Err(SettingsError::new(
                KEY,
                "(not shown)",
                "give a random text of at least 16 characters",
            ));
        }
        if let Some(sector) = sector(settings)? {
            return Ok(Some(Self { salt, sector }));
        }
        // An application's own scheme names no host; the scheme itself is as good.
        let host = |uri: &String| {
            Url::parse(uri).ok().map(|url| url.host_str().unwrap_or(url.scheme()).to_owned())
        };
        let mut hosts: Vec<String> = settings.redirect_uris.iter().filter_map(host).collect();
        hosts.sort();
        hosts.dedup();
        match hosts.len() {
            0 => Ok(Some(Self { salt, sector: settings.client_id.clone() })),
            1 => Ok(Some(Self { salt, sector: hosts.swap_remove(0) })),
            _ => Err(SettingsError::new(
                KEY,
                "(not shown)",
                "all redirect_uris must have one host, or a sector_identifier_uri lists them: \
                 its host is the sector that subjects are made for (OIDC Core section 8.1)",
            )),
        }
    }

    /// What nobody without the salt can compute.
    fn code(&self, text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.salt.expose().as_bytes());
        base64url::encode(hmac::sign(&key, text.as_bytes()))
    }
}

/// The host of `sector_identifier_uri`. Whoever writes it down vouches for its list of redirect
/// URIs: an operator, or the registration, which has fetched it.
fn sector(settings: &ClientSettings) -> Result<Option<String>, SettingsError> {
    let Some(uri) = &settings.sector_identifier_uri else { return Ok(None) };
    match Url::parse(uri) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => {
            Ok(url.host_str().map(str::to_owned))
        }
        _ => Err(SettingsError::new("sector_identifier_uri", uri, "not an https URL")),
    }
}

impl Client {
    /// The identifier by which this client knows the user with this `sub`. Section 8.1 asks for one
    /// that only the provider can reverse; this one is recognised by computing it again. Changing
    /// the salt changes every user of the client.
    pub fn subject(&self, sub: &Sub) -> String {
        // A host has no line break, so that no two pairs are written alike.
        self.pairwise
            .as_ref()
            .map_or_else(|| sub.to_string(), |own| own.code(&format!("{}\n{sub}", own.sector)))
    }

    /// Whether this client knows the user of this grant by the same identifier as when the grant
    /// was made.
    pub(crate) fn keeps_subject_of(&self, grant: &Grant) -> bool {
        let then = grant.subject.as_ref();
        then.is_none_or(|then| *then == self.subject(&grant.authentication.sub))
    }

    /// The identifier by which this client knows the session with this `sid`.
    pub fn session_id(&self, sid: &SessionId) -> String {
        // Nor does a host begin with one: a session is never written like a user.
        self.pairwise
            .as_ref()
            .map_or_else(|| sid.to_string(), |own| own.code(&format!("\n{}\n{sid}", own.sector)))
    }

    /// Whether its subjects are pairwise.
    pub fn has_pairwise_subjects(&self) -> bool {
        self.pairwise.is_some()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn client(changes: &Value) -> Result<Client, SettingsError> {
        let mut settings = json!({
            "client_id": "app", "require_client_secret": false,
            "allowed_grant_types": ["authorization_code"],
            "redirect_uris": ["https://one.example/callback"],
            "pair_wise_subject_salt": "a salt of sixteen",
        });
        settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Client::from_settings(serde_json::from_value(settings).unwrap(), false)
    }

    fn subject(changes: &Value, sub: &str) -> String {
        client(changes).unwrap().subject(&Sub::parse(sub).unwrap())
    }

    #[test]
    fn without_a_salt_the_subject_is_the_users_own() {
        assert_eq!(subject(&json!({"pair_wise_subject_salt": null}), "alice"), "alice");
    }

    #[test]
    fn pairwise_subjects_depend_on_user_sector_and_salt() {
        let alice = subject(&json!({}), "alice");
        assert_eq!(alice.len(), 43);
        assert_eq!(
            alice,
            subject(
                &json!({"client_id": "other", "redirect_uris": ["https://one.example:8443/x"]}),
                "alice"
            )
        );
        for other in [
            subject(&json!({}), "bob"),
            subject(&json!({"redirect_uris": ["https://two.example/callback"]}), "alice"),
            subject(&json!({"pair_wise_subject_salt": "another salt of sixteen"}), "alice"),
        ] {
            assert_ne!(alice, other);
        }
    }

    #[test]
    fn sessions_are_known_by_another_name_in_each_sector() {
        let session = SessionId::parse("session").unwrap();
        let own = |changes: &Value| client(changes).unwrap().session_id(&session);
        assert_eq!(own(&json!({"pair_wise_subject_salt": null})), "session");
        assert_eq!(own(&json!({})), own(&json!({"client_id": "other"})));
        assert_ne!(
            own(&json!({})),
            own(&json!({"redirect_uris": ["https://two.example/callback"]}))
        );
        assert_ne!(own(&json!({})), subject(&json!({}), "session"));
    }

    #[test]
    fn short_salts_and_several_sectors_are_refused() {
        for changes in [
            json!({"pair_wise_subject_salt": "fifteen letters"}),
            json!({"redirect_uris": ["https://one.example/", "https://two.example/"]}),
        ] {
            let error = client(&changes).unwrap_err();
            assert_eq!(
                (error.key, error.value.as_str()),
                ("pair_wise_subject_salt", "(not shown)")
            );
        }
    }
}
