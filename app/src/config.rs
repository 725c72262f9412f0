//! `/config.json`: where the application signs in, and which API it calls. It is read at start, so
//! that one build serves every deployment and any OpenID provider.

use doorward_client::Settings;
pub use doorward_client::settings::StoreKind;
use doorward_protocol::json;
use serde::Serialize;
use serde_json::Value;

/// The path of the document at the application's origin.
pub const CONFIG_PATH: &str = "/config.json";

/// The document. Additional members are ignored, because a newer server may send more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppConfig {
    /// The provider's issuer URL, `http://localhost:6001`.
    pub authority: String,
    /// The client's identifier at the provider (RFC 6749 section 2.2).
    pub client_id: String,
    /// Where the provider sends the browser after sign-in: this page. A URL, or a path at the
    /// origin of the page.
    pub redirect_uri: String,
    /// Where the provider sends the browser after sign-out: this page. A URL or a path as above.
    pub post_logout_redirect_uri: String,
    /// The requested scope, separated by spaces.
    pub scope: String,
    /// The base URL of the API, `http://localhost:5001`, or a path as above.
    pub api_url: String,
    /// Where the signed-in user is stored. Default: the tab's session storage.
    pub user_store: StoreKind,
    /// Whether the page asks userinfo for further claims of the user. Default: yes.
    pub load_user_info: bool,
    /// Whether the page renews tokens before they expire. Default: yes.
    pub automatic_silent_renew: bool,
}

/// Why the document can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It was not received.
    #[error("{CONFIG_PATH} did not arrive: {0}")]
    Unreachable(String),
    /// It is not such a document, or a member is missing.
    #[error("{CONFIG_PATH} can't be read: {0}")]
    Malformed(String),
}

impl AppConfig {
    /// Parses the document for a page of this origin, `http://localhost:5001`.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        // Member by member: a derived reader would be larger than the rest of this file.
        let document = json::object(text.as_bytes())
            .ok_or_else(|| ConfigError::Malformed("it is not a JSON object".to_owned()))?;
        let member = |name: &str| match document.get(name) {
            Some(Value::String(value)) => Ok(value.clone()),
            _ => Err(ConfigError::Malformed(format!("`{name}` is not there, or is not a text"))),
        };
        let is_on = |name: &str| document.get(name) != Some(&Value::Bool(false));
        let mut config = Self {
            authority: member("authority")?,
            client_id: member("client_id")?,
            redirect_uri: member("redirect_uri")?,
            post_logout_redirect_uri: member("post_logout_redirect_uri")?,
            scope: member("scope")?,
            api_url: member("api_url")?,
            user_store: match document.get("user_store") {
                None => StoreKind::Session,
                Some(Value::String(name)) if name == "session" => StoreKind::Session,
                Some(Value::String(name)) if name == "local" => StoreKind::Local,
                Some(Value::String(name)) if name == "memory" => StoreKind::Memory,
                Some(_) => {
                    return Err(ConfigError::Malformed(
                        "`user_store` is none of session, local, memory".into(),
                    ));
                }
            },
            load_user_info: is_on("load_user_info"),
            automatic_silent_renew: is_on("automatic_silent_renew"),
        };
        for address in
            [&mut config.redirect_uri, &mut config.post_logout_redirect_uri, &mut config.api_url]
        {
            if address.starts_with('/') {
                address.insert_str(0, origin);
            }
        }
        for (name, value) in [
            ("authority", &config.authority),
            ("client_id", &config.client_id),
            ("redirect_uri", &config.redirect_uri),
        ] {
            if value.trim().is_empty() {
                return Err(ConfigError::Malformed(format!("`{name}` is empty")));
            }
        }
        Ok(config)
    }

    /// The absolute URL of an API path. The path begins with a slash.
    pub fn api(&self, path: &str) -> String {
        format!("{}{path}", self.api_url.trim_end_matches('/'))
    }

    /// Whether a sign-in that begins at this origin returns to it. The browser's storage belongs to
    /// one origin.
    pub fn returns_to(&self, origin: &str) -> bool {
        self.redirect_uri
            .strip_prefix(origin)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }

    /// The settings of the client.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::new(&self.authority, &self.client_id, &self.redirect_uri);
        settings.scope.clone_from(&self.scope);
        settings.user_store = self.user_store;
        settings.load_user_info = self.load_user_info;
        settings.automatic_silent_renew = self.automatic_silent_renew;
        settings.post_logout_redirect_uri =
            Some(self.post_logout_redirect_uri.clone()).filter(|address| !address.is_empty());
        settings
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ORIGIN: &str = "http://localhost:5001";
    const DEMO: &str = r#"{
        "authority": "http://localhost:6001", "client_id": "PkceJS",
        "redirect_uri": "http://localhost:5001/OpenId/Login/JS",
        "post_logout_redirect_uri": "http://localhost:5001/OpenId/Login/JS",
        "scope": "openid profile offline_access MyBackendApi2",
        "api_url": "http://localhost:5001/", "of_a_newer_server": true
    }"#;

    #[test]
    fn the_demo_document_is_read() {
        let config = AppConfig::parse(DEMO, ORIGIN).unwrap();
        assert_eq!(config.client_id, "PkceJS");
        assert_eq!(config.user_store, StoreKind::Session);
        assert!(config.load_user_info && config.settings().load_user_info);
        let without = DEMO.replace("\"of_a_newer", "\"load_user_info\": false, \"of_a_newer");
        assert!(!AppConfig::parse(&without, ORIGIN).unwrap().load_user_info);
        assert!(config.settings().automatic_silent_renew);
        let off = DEMO.replace("\"of_a_newer", "\"automatic_silent_renew\": false, \"of_a_newer");
        assert!(!AppConfig::parse(&off, ORIGIN).unwrap().settings().automatic_silent_renew);
        assert_eq!(
            config.api("/api/DemoPolicyBased/Admin/Get"),
            "http://localhost:5001/api/DemoPolicyBased/Admin/Get"
        );
    }

    #[test]
    fn paths_belong_to_the_page_s_own_origin() {
        let paths = DEMO.replace("http://localhost:5001", "");
        let config = AppConfig::parse(&paths, "https://app.example").unwrap();
        assert_eq!(config.redirect_uri, "https://app.example/OpenId/Login/JS");
        assert_eq!(config.api("/x"), "https://app.example/x");
        assert!(config.returns_to("https://app.example"));
    }

    #[test]
    fn a_sign_in_must_end_at_the_origin_where_it_began() {
        let config = AppConfig::parse(DEMO, ORIGIN).unwrap();
        assert!(config.returns_to(ORIGIN));
        for other in ["http://127.0.0.1:5001", "http://localhost:500", "https://localhost:5001"] {
            assert!(!config.returns_to(other), "{other}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let page = AppConfig::parse("<!doctype html>", ORIGIN).unwrap_err();
        assert!(matches!(page, ConfigError::Malformed(_)));
        let missing = AppConfig::parse(&DEMO.replace("client_id", "other"), ORIGIN).unwrap_err();
        assert!(missing.to_string().contains("`client_id` is not there"), "{missing}");
        let empty = AppConfig::parse(&DEMO.replace("\"PkceJS\"", "\" \""), ORIGIN).unwrap_err();
        assert!(empty.to_string().contains("`client_id` is empty"), "{empty}");
    }
}
