//! Resource indicators (RFC 8707): for which APIs an access token is meant.
//!
//! An API's name is its identifier here, so that an API that clients are to name by a URL has that
//! URL as its name. Restricted to some APIs, a token has these as its audience, and of the scopes
//! of APIs only theirs. Scopes about the user stay: they are for this provider's userinfo endpoint.

use std::collections::BTreeSet;

use doorward_protocol::{
    jose::SigningAlgorithm,
    scope::{OFFLINE_ACCESS, Scope},
};
use serde::{Deserialize, Serialize};

use crate::model::resource::{ApiResource, Resources};

/// The APIs that tokens are restricted to, by their names; none: all that the scope leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Targets(BTreeSet<String>);

/// Why there is no token for these APIs (RFC 8707 section 2: `invalid_target`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// A `resource` that is not an API here, that the scope does not lead to, or that was not
    /// granted.
    #[error("resource is not an API of this provider, or not one that the scope leads to")]
    NoApi,
    /// No one algorithm is taken by them all (`access_token_signing_algs`).
    #[error("these APIs take tokens of different algorithms: name one of them as resource")]
    NoCommonAlgorithm,
}

impl Targets {
    /// Whether tokens may be for this API.
    fn allow(&self, api: &ApiResource) -> bool {
        self.0.is_empty() || self.0.contains(&api.name)
    }
}

impl Resources {
    /// Reads the `resource` parameters of a request for this scope.
    pub(crate) fn targets<'a>(
        &self,
        requested: impl IntoIterator<Item = &'a str>,
        scope: &Scope,
    ) -> Result<Targets, InvalidTarget> {
        let named = |name: &'a str| {
            let known = self.apis(scope).find(|api| names(&api.name, name));
            known.map(|api| api.name.clone()).ok_or(InvalidTarget::NoApi)
        };
        requested.into_iter().map(named).collect::<Result<_, _>>().map(Targets)
    }

    /// The granted APIs that this token request asks for: the same ones or fewer (section 2.2).
    pub(crate) fn narrowed_targets(
        &self,
        granted: &Targets,
        requested: &[String],
        scope: &Scope,
    ) -> Result<Targets, InvalidTarget> {
        if requested.is_empty() {
            return Ok(granted.clone());
        }
        let targets = self.targets(requested.iter().map(String::as_str), scope)?;
        if granted.0.is_empty() || targets.0.is_subset(&granted.0) {
            Ok(targets)
        } else {
            Err(InvalidTarget::NoApi)
        }
    }

    /// What a client means that names no scope, but perhaps APIs: all that it may have, or as much
    /// of it as leads to these APIs, and then nothing about the user. A client gets offline access
    /// only if it asks for it by name.
    pub(crate) fn default_scope<'a>(
        &self,
        allowed: &Scope,
        requested: impl IntoIterator<Item = &'a str>,
    ) -> Result<Scope, InvalidTarget> {
        let all = allowed.filtered(|token| token != OFFLINE_ACCESS);
        let targets = self.targets(requested, &all)?;
        if targets.0.is_empty() {
            return Ok(all);
        }
        Ok(self.scope_within(&all, &targets).filtered(|token| !self.is_identity(token)))
    }

    /// The APIs that a token of this scope and these targets is for.
    pub(crate) fn apis_within<'a>(
        &'a self,
        scope: &'a Scope,
        targets: &'a Targets,
    ) -> impl Iterator<Item = &'a ApiResource> {
        self.apis(scope).filter(|api| targets.allow(api))
    }

    /// The first of the algorithms that every API takes which a token of this scope and these
    /// targets is for.
    pub(crate) fn algorithm_within(
        &self,
        scope: &Scope,
        targets: &Targets,
        algorithms: impl IntoIterator<Item = SigningAlgorithm>,
    ) -> Option<SigningAlgorithm> {
        let is_taken = |algorithm: &SigningAlgorithm| {
            self.apis_within(scope, targets).map(|api| &api.access_token_signing_algs).all(
                |taken| {
                    // An API that names none takes any.
                    taken.is_empty() || taken.contains(algorithm)
                },
            )
        };
        algorithms.into_iter().find(is_taken)
    }

    /// What is left of the scope for these targets.
    pub(crate) fn scope_within(&self, scope: &Scope, targets: &Targets) -> Scope {
        let leads_there = |token: &str| {
            self.apis_within(scope, targets).any(|api| api.scopes.iter().any(|own| own == token))
        };
        let about_the_user = |token: &str| token == OFFLINE_ACCESS || self.is_identity(token);
        scope.filtered(|token| targets.0.is_empty() || about_the_user(token) || leads_there(token))
    }
}

/// Whether a client means this API: by its name, or by the same origin with or without the slash
/// that libraries put behind it (RFC 3986 section 6.2.3).
fn names(api: &str, asked: &str) -> bool {
    let without_slash = |text: &str| {
        let origin = text.strip_suffix('/').unwrap_or(text);
        let rest = origin.strip_prefix("https://").or(origin.strip_prefix("http://"));
        rest.is_some_and(|host| !host.contains('/')).then(|| origin.to_owned())
    };
    api == asked || without_slash(api).is_some_and(|api| without_slash(asked) == Some(api))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::model::resource::IdentityResource;

    fn resources() -> Resources {
        let scopes = ["read", "write", "shared", "free"]
            .map(|name| json!({"name": name, "display_name": name}));
        let api = |name: &str, scopes: &[&str]| {
            json!({
                "name": name, "display_name": name, "scopes": scopes,
            })
        };
        let apis = json!([
            api("https://one.example/", &["read", "shared"]),
            api("two", &["write", "shared"])
        ]);
        let scopes = scopes.map(|scope| serde_json::from_value(scope).unwrap()).to_vec();
        Resources::new(
            IdentityResource::standard(),
            scopes,
            serde_json::from_value(apis).unwrap(),
            false,
        )
        .unwrap()
    }

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[test]
    fn an_origin_is_named_with_or_without_its_slash() {
        for (api, asked, same) in [
            ("https://one.example", "https://one.example/", true),
            ("https://one.example/", "https://one.example", true),
            ("https://one.example/mcp", "https://one.example/mcp/", false),
            ("https://one.example", "https://one.example//", false),
            ("https://one.example", "http://one.example/", false),
            ("one", "one/", false),
        ] {
            assert_eq!(names(api, asked), same, "{api} {asked}");
        }
    }

    #[test]
    fn only_apis_that_the_scope_leads_to_can_be_named() {
        let resources = resources();
        let all = scope("openid read write");
        assert!(resources.targets(["https://one.example/", "two"], &all).is_ok());
        for (name, scope) in [
            ("three", &all),
            ("https://one.example/other", &all),
            ("", &all),
            ("two", &scope("openid read")),
        ] {
            assert_eq!(resources.targets([name], scope), Err(InvalidTarget::NoApi), "{name}");
        }
    }

    #[test]
    fn a_scope_that_is_not_named_leads_to_the_apis_that_are() {
        let (resources, all) = (resources(), scope("openid offline_access read write shared free"));
        let meant = |apis: &[&str]| {
            resources.default_scope(&all, apis.iter().copied()).map(|scope| scope.to_string())
        };
        assert_eq!(meant(&[]).unwrap(), "openid read write shared free");
        assert_eq!(meant(&["two"]).unwrap(), "write shared");
        assert_eq!(meant(&["two", "https://one.example"]).unwrap(), "read write shared");
        assert_eq!(meant(&["three"]), Err(InvalidTarget::NoApi));
    }

    #[test]
    fn one_algorithm_is_taken_by_all_of_the_apis() {
        use SigningAlgorithm::{EdDsa, Es256, Rs256};
        let scopes = ["a", "b", "c"].map(|name| json!({"name": name, "display_name": name}));
        let api = |name: &str, algs: &[&str]| {
            json!({
                "name": name, "display_name": name, "scopes": [name],
                "access_token_signing_algs": algs,
            })
        };
        let apis =
            json!([api("a", &[]), api("b", &["ES256", "EdDSA"]), api("c", &["RS256", "EdDSA"])]);
        let scopes = scopes.map(|scope| serde_json::from_value(scope).unwrap()).to_vec();
        let resources = Resources::new(
            IdentityResource::standard(),
            scopes,
            serde_json::from_value(apis).unwrap(),
            false,
        )
        .unwrap();
        let all = Targets::default();
        let of = |text: &str, algorithms: &[SigningAlgorithm]| {
            resources.algorithm_within(&scope(text), &all, algorithms.iter().copied())
        };
        assert_eq!(of("openid a", &[Rs256, Es256]), Some(Rs256));
        assert_eq!(of("a b", &[Rs256, Es256, EdDsa]), Some(Es256));
        assert_eq!(of("b c", &[Rs256, Es256, EdDsa]), Some(EdDsa));
        assert_eq!(of("b c", &[Rs256, Es256]), None);
        let only_b = resources.targets(["b"], &scope("b c")).unwrap();
        assert_eq!(resources.algorithm_within(&scope("b c"), &only_b, [Rs256, Es256]), Some(Es256));
        assert!(resources.check_algorithms(&[Rs256, Es256, EdDsa]).is_ok());
        let error = resources.check_algorithms(&[Rs256, Es256]).unwrap_err();
        assert_eq!((error.key, error.value.as_str()), ("access_token_signing_algs", "EdDSA"));
    }

    #[test]
    fn a_token_request_narrows_and_never_widens() {
        let (resources, all) = (resources(), scope("read write"));
        let granted = resources.targets(["two"], &all).unwrap();
        let narrowed = |requested: &[&str]| {
            let requested: Vec<String> = requested.iter().map(|&name| name.to_owned()).collect();
            resources.narrowed_targets(&granted, &requested, &all)
        };
        assert_eq!(narrowed(&[]).unwrap(), granted);
        assert_eq!(narrowed(&["two"]).unwrap(), granted);
        assert_eq!(narrowed(&["https://one.example/"]), Err(InvalidTarget::NoApi));
        assert_eq!(narrowed(&["two", "https://one.example/"]), Err(InvalidTarget::NoApi));
    }

    #[test]
    fn of_the_scopes_of_apis_only_those_of_the_targets_are_left() {
        let (resources, all) = (resources(), scope("openid offline_access read write shared free"));
        let two = resources.targets(["two"], &all).unwrap();
        assert_eq!(
            resources.scope_within(&all, &two).to_string(),
            "openid offline_access write shared"
        );
        assert_eq!(resources.scope_within(&all, &Targets::default()), all);
        let names: Vec<_> =
            resources.apis_within(&all, &two).map(|api| api.name.as_str()).collect();
        assert_eq!(names, ["two"], "a shared scope leads to the named API alone");
    }
}
