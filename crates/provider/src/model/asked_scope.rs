//! What is left of the scope that a client asks for: one rule for every endpoint that takes one.
//!
//! It only takes away. So what is left never goes beyond what the client asked for, nor beyond what
//! it may have, and everything that comes later (consent, targets, tokens) is about that alone.

use doorward_protocol::scope::{OFFLINE_ACCESS, OPENID, Scope};

use crate::model::{
    client::Client,
    resource::{GROUPS, Resources},
};

/// The longest list of ignored scopes, in characters, that is written to the log.
const LONGEST_LOGGED: usize = 200;

/// What is left of the scope that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AskedScope {
    /// What it gets, if the user consents. It is never empty.
    pub(crate) scope: Scope,
    /// What was left out.
    pub(crate) ignored: Scope,
}

/// The client asks for a scope that it may not have, or for none that it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScopeNotAllowed;

impl Resources {
    /// What is left of the requested scope for a client that may have `allowed`. Left out is:
    ///
    /// - offline access that can't be had (OIDC Core section 11);
    /// - what nobody here knows (OIDC Core section 3.1.2.1), except `openid`: a client that asks
    ///   for it relies on an ID token;
    /// - `groups`: many programs, such as Argo CD, ask for it at every provider;
    /// - for a client that registered itself, whatever it may not have (RFC 6749 section 3.3). It
    ///   reads `scopes_supported` and asks for all of them; an operator's client that asks for what
    ///   it may not have is set up wrongly, and is told so.
    pub(crate) fn asked_scope(
        &self,
        client: &Client,
        allowed: &Scope,
        requested: &Scope,
    ) -> Result<AskedScope, ScopeNotAllowed> {
        let can_do_without = |token: &str| {
            [OFFLINE_ACCESS, GROUPS].contains(&token)
                || client.is_stranger()
                || (token != OPENID && !self.knows(token))
        };
        let ignored = requested.filtered(|token| !allowed.contains(token) && can_do_without(token));
        let scope = requested.filtered(|token| !ignored.contains(token));
        if scope.is_empty() || !scope.is_subset_of(allowed) {
            return Err(ScopeNotAllowed);
        }
        Ok(AskedScope { scope, ignored })
    }
}

impl AskedScope {
    /// The scope that is left. The log says what is not, so that an operator sees a misspelt one.
    pub(crate) fn logged(self, client: &Client) -> Scope {
        log_ignored(client, &self.ignored);
        self.scope
    }
}

/// What the log says of these. Offline access is not worth a line: some clients ask for it each
/// time.
fn told(ignored: &Scope) -> Option<String> {
    let told = ignored.filtered(|token| token != OFFLINE_ACCESS);
    (!told.is_empty()).then(|| told.to_string().chars().take(LONGEST_LOGGED).collect())
}

/// Says in the log which scopes were left out.
pub(crate) fn log_ignored(client: &Client, ignored: &Scope) {
    if let Some(scope) = told(ignored) {
        tracing::info!(
            client_id = %client.client_id,
            scope,
            "scopes are ignored that are unknown, or that this client may not have"
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::model::{client::ClientOrigin, resource::IdentityResource};

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    fn client() -> Client {
        let settings = json!({
            "client_id": "app", "require_client_secret": false,
            "allowed_grant_types": ["authorization_code"],
            "redirect_uris": ["https://app.example/"], "allowed_scopes": ["openid", "notes"],
        });
        Client::from_settings(serde_json::from_value(settings).unwrap(), false).unwrap()
    }

    fn resources(identity: Vec<IdentityResource>) -> Resources {
        let notes = json!({"name": "notes", "display_name": "Notes"});
        let scopes = vec![serde_json::from_value(notes).unwrap()];
        Resources::new(identity, scopes, vec![], false).unwrap()
    }

    /// What is left of a scope, and what is not.
    fn asked(client: &Client, requested: &str) -> Option<(String, String)> {
        let resources = resources(IdentityResource::standard());
        let asked = resources.asked_scope(client, &client.allowed_scope, &scope(requested));
        asked.ok().map(|asked| (asked.scope.to_string(), asked.ignored.to_string()))
    }

    fn left(scope: &str, ignored: &str) -> (String, String) {
        (scope.to_owned(), ignored.to_owned())
    }

    #[test]
    fn what_nobody_knows_is_left_out_and_what_is_forbidden_is_refused() {
        let client = client();
        assert_eq!(asked(&client, "notes openid"), Some(left("notes openid", "")));
        assert_eq!(
            asked(&client, "openid teams offline_access"),
            Some(left("openid", "teams offline_access"))
        );
        for refused in ["openid email", "teams", "offline_access", ""] {
            assert_eq!(asked(&client, refused), None, "{refused}");
        }
    }

    #[test]
    fn a_stranger_gets_what_it_may_have() {
        let client = client().of_origin(ClientOrigin::Document { host: "app.example".into() });
        assert_eq!(
            asked(&client, "openid email notes teams"),
            Some(left("openid notes", "email teams"))
        );
        assert_eq!(asked(&client, "email teams"), None);
    }

    #[test]
    fn the_log_says_briefly_what_was_left_out() {
        assert_eq!(told(&scope("a offline_access b")).as_deref(), Some("a b"));
        for silent in ["", "offline_access"] {
            assert_eq!(told(&scope(silent)), None, "{silent}");
        }
        let long = told(&scope(&"x".repeat(10_000))).map(|text| text.len());
        assert_eq!(long, Some(LONGEST_LOGGED));
    }

    /// Without an ID token there is no sign-in.
    #[test]
    fn openid_is_not_left_out_even_where_nobody_knows_it() {
        let settings = json!({
            "client_id": "app", "require_client_secret": false,
            "allowed_grant_types": ["authorization_code"],
            "redirect_uris": ["https://app.example/"], "allowed_scopes": ["notes"],
        });
        let client =
            Client::from_settings(serde_json::from_value(settings).unwrap(), false).unwrap();
        let asked =
            resources(vec![]).asked_scope(&client, &client.allowed_scope, &scope("openid notes"));
        assert_eq!(asked, Err(ScopeNotAllowed));
    }
}
