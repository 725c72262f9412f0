//! The client that `doorward --server URL` is.

pub use doorward_provider::model::client::COMMAND_CLIENT;
use doorward_provider::model::client::ClientSettings;
use serde_json::json;

use crate::AdminScope;

/// How long an access token of it is valid, in seconds: rights are read for each request anyway.
const ACCESS_TOKEN_LIFETIME: u32 = 900;
/// How long one sign-in lasts at most, in seconds: a day of work.
const LONGEST: u32 = 28_800;

/// Its settings: a public client that people sign in to by the device flow, each time anew.
/// `fresh_sign_in` is how old a sign-in may be for what matters, in seconds; one for this client is
/// younger, so that there is time for the command.
pub fn command_client(fresh_sign_in: u32) -> Option<ClientSettings> {
    let scopes: Vec<&str> = AdminScope::ALL.iter().map(|scope| scope.name()).collect();
    let allowed: Vec<&str> = ["openid"].into_iter().chain(scopes).collect();
    let settings = json!({
        "client_id": COMMAND_CLIENT,
        "client_name": "Doorward on the command line",
        "require_client_secret": false,
        "allowed_grant_types": ["device_code"],
        "allowed_scopes": allowed,
        "allow_offline_access": true,
        "user_sso_lifetime": (fresh_sign_in / 3).max(1),
        "access_token_lifetime": ACCESS_TOKEN_LIFETIME,
        "sliding_refresh_token_lifetime": LONGEST,
        "absolute_refresh_token_lifetime": LONGEST,
    });
    // The test below reads it.
    serde_json::from_value(settings).ok()
}

#[cfg(test)]
mod tests {
    use doorward_provider::model::client::Client;

    use super::*;

    #[test]
    fn its_settings_are_those_of_a_client() {
        let Some(settings) = command_client(900) else { panic!("they are readable") };
        let Ok(client) = Client::from_settings(settings, false) else { panic!("they are valid") };
        assert!(!client.confidential && client.allow_offline_access);
        assert_eq!(client.user_sso_lifetime.map(doorward_protocol::time::Seconds::get), Some(300));
    }
}
