//! Providers of the store: their settings are checked by the rules of the configuration, and their
//! clients are made as those of the configuration are.

use std::sync::Arc;

use doorward_admin::api::named_error;
use doorward_provider::{
    model::{
        identity_provider::{IdentityProvider, IdentityProviderName},
        stored_identity_provider::{Credential, CredentialKind},
    },
    use_case::{
        upstream::UpstreamClient,
        upstream_factory::{CheckedUpstream, UpstreamFactory, UpstreamRefusal},
    },
};
use serde_json::{Map, Value, json};

use super::{client, requests::Requests};
use crate::config::{
    CREDENTIAL_SETTINGS, CredentialSource, IdentityProviderSettings, UpstreamConfig,
    checked_identity_provider,
};

/// Makes sense of stored providers.
#[derive(Debug, Clone)]
pub struct StoredUpstreams {
    issuer: String,
    requests: Requests,
}

impl StoredUpstreams {
    /// For our `issuer`. `trusted` are certification authorities (DER) beside the machine's.
    pub fn new(issuer: &str, trusted: &[Vec<u8>], allow_private: bool) -> Self {
        Self { issuer: issuer.to_owned(), requests: Requests::of_store(trusted, allow_private) }
    }

    /// How these providers are asked.
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// The provider and how it is asked, by settings that hold.
    pub fn read(
        &self,
        name: &IdentityProviderName,
        settings: &Map<String, Value>,
        credentials: CredentialSource<'_>,
    ) -> Result<(IdentityProvider, UpstreamConfig), UpstreamRefusal> {
        for key in CREDENTIAL_SETTINGS.into_iter().chain(["name"]) {
            if settings.contains_key(key) {
                return Err(UpstreamRefusal::new(format!("settings.{key}"), NO_SETTING));
            }
        }
        let mut settings = settings.clone();
        settings.insert("name".to_owned(), json!(name));
        let settings: Result<IdentityProviderSettings, _> =
            serde_path_to_error::deserialize(Value::Object(settings));
        let settings = settings.map_err(|error| {
            let (field, problem) = named_error(&error.path().to_string(), error.inner());
            UpstreamRefusal::new(field, problem)
        })?;
        let checked = checked_identity_provider(&settings, &self.issuer, credentials);
        let (provider, upstream) =
            checked.map_err(|wrong| UpstreamRefusal::new(wrong.key, wrong.problem))?;
        let urls = [
            ("issuer", Some(&upstream.settings.authority)),
            ("metadata_url", upstream.settings.metadata_url.as_ref()),
        ];
        for (key, url) in urls.into_iter().filter_map(|(key, url)| Some((key, url?))) {
            self.requests.check(url).map_err(|problem| {
                let help = "or have the operator set admin.allow_private_addresses";
                UpstreamRefusal::new(key, format!("{problem}: give another one, {help}"))
            })?;
        }
        Ok((provider, upstream))
    }
}

/// Of what a stored provider can't have among its settings.
const NO_SETTING: &str = "this is not one of the settings here: a secret or a key is given beside \
                          them, is never read from a file, and the name never changes";

impl UpstreamFactory for StoredUpstreams {
    fn check(
        &self,
        name: &IdentityProviderName,
        settings: &Map<String, Value>,
        kind: CredentialKind,
    ) -> Result<CheckedUpstream, UpstreamRefusal> {
        let (provider, upstream) = self.read(name, settings, CredentialSource::Unread(kind))?;
        let authority = upstream.settings.authority;
        let asked_at = [Some(authority), upstream.settings.metadata_url].into_iter().flatten();
        Ok(CheckedUpstream { provider, asked_at: asked_at.collect() })
    }

    fn client(
        &self,
        name: &IdentityProviderName,
        settings: &Map<String, Value>,
        credential: &Credential,
    ) -> Result<Arc<dyn UpstreamClient>, UpstreamRefusal> {
        let (_, upstream) = self.read(name, settings, CredentialSource::Stored(credential))?;
        client(upstream, &self.requests)
            .map_err(|error| UpstreamRefusal::new("settings", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use doorward_protocol::secret::Secret;
    use doorward_provider::use_case::upstream::UpstreamRequest;
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::load_for_tests;

    const OTHER: &str = r#"
preset = "keycloak"
issuer = "https://id.example.com/realms/r"
client_id = "doorward"
title = "Company"
trusted_email_domains = ["example.com"]
claims = [{ claim = "department", from = "/department" }]
"#;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(members) = value else { unreachable!("an object") };
        members
    }

    fn settings() -> Map<String, Value> {
        object(json!({
            "preset": "keycloak", "issuer": "https://id.example.com/realms/r",
            "client_id": "doorward", "title": "Company",
            "trusted_email_domains": ["example.com"],
            "claims": [{"claim": "department", "from": "/department"}],
        }))
    }

    fn with(changes: Value) -> Map<String, Value> {
        settings().into_iter().chain(object(changes)).collect()
    }

    fn secret() -> Credential {
        Credential { kind: CredentialKind::Secret, value: Secret::new("hunter2") }
    }

    fn rules(allow_private: bool) -> StoredUpstreams {
        StoredUpstreams::new("http://localhost:6001", &[], allow_private)
    }

    fn refused(settings: &Map<String, Value>) -> UpstreamRefusal {
        let name = "other".parse().unwrap();
        let by_kind = rules(false).check(&name, settings, CredentialKind::Secret).unwrap_err();
        let by_client = rules(false).client(&name, settings, &secret()).unwrap_err();
        assert_eq!(by_kind, by_client);
        by_kind
    }

    #[test]
    fn a_stored_provider_is_what_it_would_be_in_the_configuration() {
        let file = format!(
            "[[identity_providers]]\nname = \"other\"\nclient_secret = \"hunter2\"\n{OTHER}"
        );
        let mut config = load_for_tests(&file);
        let secret = secret();
        let source = CredentialSource::Stored(&secret);
        let (provider, upstream) =
            rules(false).read(&"other".parse().unwrap(), &settings(), source).unwrap();
        let configured = config.provider.settings.identity_providers.remove(0);
        assert_eq!(format!("{provider:?}"), format!("{configured:?}"));
        assert_eq!(format!("{upstream:?}"), format!("{:?}", config.provider.upstream[0]));
        assert!(!format!("{upstream:?}").contains("hunter2"));
        assert!(rules(false).client(&provider.name, &settings(), &secret).is_ok());
    }

    #[test]
    fn what_does_not_hold_is_named() {
        for (changes, field) in [
            (json!({"preset": "okta"}), "preset"),
            (json!({"colour": "red"}), "colour"),
            (json!({"issuer": "http://id.example.com"}), "issuer"),
            (json!({"title": " "}), "title"),
            (json!({"scopes": "profile"}), "scopes"),
            (json!({"claims": [{"claim": "admin_role", "value": "owner"}]}), "claims"),
            (json!({"claims": [{"claim": "x", "value": 1, "more": 1}]}), "claims[0].more"),
            (json!({"extra_parameters": {"state": "x"}}), "extra_parameters"),
            (json!({"client_key_id": "k"}), "client_key_id"),
            (json!({"subject_claim": "email"}), "subject_claim"),
        ] {
            let refused = refused(&with(changes));
            assert_eq!(refused.field, field, "{refused}");
        }
    }

    #[test]
    fn no_file_is_read_and_no_secret_is_a_setting() {
        for key in ["client_secret", "client_secret_file", "client_key_file", "name"] {
            let refused = refused(&with(json!({key: "/etc/passwd"})));
            assert_eq!(refused.field, format!("settings.{key}"));
            assert!(!refused.problem.contains("passwd"), "{refused}");
        }
    }

    #[test]
    fn nothing_inside_the_network_is_asked_unless_the_operator_allows_it() {
        for (key, url) in [
            ("issuer", "https://10.0.0.1/realms/r"),
            ("issuer", "https://169.254.169.254"),
            ("issuer", "https://[::1]:8443"),
            ("issuer", "http://localhost:8080"),
            ("metadata_url", "https://192.168.1.1/.well-known/openid-configuration"),
            ("metadata_url", "http://127.0.0.1/x"),
        ] {
            let settings = with(json!({key: url}));
            let problem = refused(&settings);
            assert_eq!(problem.field, key, "{url}: {problem}");
            assert!(problem.problem.contains("admin.allow_private_addresses"), "{problem}");
            let name = "other".parse().unwrap();
            assert!(rules(true).check(&name, &settings, CredentialKind::Secret).is_ok(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_the_network_is_not_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let came = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&came);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let settings = with(json!({"issuer": issuer}));
        for (allow_private, is_asked) in [(false, false), (true, true)] {
            let name = "other".parse().unwrap();
            let client = rules(allow_private).client(&name, &settings, &secret()).unwrap();
            // Nobody speaks TLS there.
            let looked = client.examine().await;
            assert!(looked[0].1.is_err(), "{looked:?}");
            assert!(client.begin(UpstreamRequest::default()).await.is_err());
            assert_eq!(came.load(Ordering::SeqCst) > 0, is_asked, "{allow_private}");
        }
    }

    #[test]
    fn a_key_signs_in_place_of_a_secret() {
        let key = |value: &str| Credential { kind: CredentialKind::Key, value: Secret::new(value) };
        let name = "other".parse().unwrap();
        let refused = rules(false).client(&name, &settings(), &key("no key")).unwrap_err();
        assert_eq!(refused.field, "client_key");
        assert!(!refused.problem.contains("no key"), "{refused}");
        assert!(rules(false).check(&name, &settings(), CredentialKind::Key).is_ok());
    }
}
