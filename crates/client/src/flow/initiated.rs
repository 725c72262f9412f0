//! A sign-in that somebody else begins: the provider's page of applications, for example (OIDC Core
//! section 4).

use doorward_protocol::params::Params;

use crate::{Error, SigninRequestArgs, lean::url, settings::Settings};

impl SigninRequestArgs {
    /// The parameters by which somebody else begins a sign-in (OIDC Core section 4).
    pub const INITIATION: [&str; 3] = ["iss", "login_hint", "target_link_uri"];

    /// The sign-in that the address asks for by which the page was opened (`initiate_login_uri`).
    /// Anybody can write such an address. So `iss` must be an issuer of the settings
    /// ([`Settings::accepts_issuer`]), and `target_link_uri` a place of the page's own origin: it
    /// becomes [`SigninRequestArgs::return_to`].
    ///
    /// ```
    /// use doorward_client::{Settings, SigninRequestArgs};
    ///
    /// let settings = Settings::new(
    ///     "https://id.example.com", "app", "https://app.example.com/callback",
    /// );
    /// let opened = "https://app.example.com/login?iss=https%3A%2F%2Fid.example.com\
    ///     &target_link_uri=https%3A%2F%2Fapp.example.com%2Forders";
    /// let args = SigninRequestArgs::initiated(opened, &settings)?;
    /// assert_eq!(args.return_to.as_deref(), Some("/orders"));
    /// # Ok::<(), doorward_client::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::IssuerMismatch`], or [`Error::InvalidResponse`] if `iss` is missing or
    /// `target_link_uri` leads to another origin.
    pub fn initiated(opened: &str, settings: &Settings) -> Result<Self, Error> {
        let refuse = |problem: &str| Error::InvalidResponse(problem.to_owned());
        let query = url::split(opened).1.unwrap_or_default();
        let params = Params::parse(query)
            .map_err(|_| refuse("the address that begins the sign-in cannot be read"))?;
        let found = params.get("iss");
        let found =
            found.ok_or_else(|| refuse("the address that begins the sign-in names no iss"))?;
        if !settings.accepts_issuer(found) {
            return Err(Error::IssuerMismatch {
                expected: settings.authority.clone(),
                found: found.chars().take(200).collect(),
            });
        }
        let return_to = match params.get("target_link_uri") {
            None => None,
            Some(target) => Some(
                own_place(target, &settings.redirect_uri)
                    .ok_or_else(|| refuse("target_link_uri leads to another origin"))?,
            ),
        };
        let login_hint = params.get("login_hint").map(str::to_owned);
        Ok(Self { return_to, login_hint, ..Self::default() })
    }
}

/// The path, query and fragment of a URL at the origin of the page, as a path of it.
fn own_place(target: &str, redirect_uri: &str) -> Option<String> {
    let origin = url::origin(redirect_uri)?;
    let rest = target.strip_prefix(origin)?;
    // `https://app.example.com.evil.example` has the origin as its beginning, too.
    let is_own = url::origin(target) == Some(origin) && !rest.contains('\\');
    // `//host` would be another one, wherever it is gone to as a path.
    let path = if rest.starts_with('/') { rest.to_owned() } else { ["/", rest].concat() };
    (is_own && !path.starts_with("//")).then_some(path)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const AUTHORITY: &str = "https://id.example";

    fn initiated(pairs: &[(&str, &str)]) -> Result<SigninRequestArgs, Error> {
        let settings = Settings::new(AUTHORITY, "app", "https://app.example/callback");
        let query = url::encoded(pairs);
        SigninRequestArgs::initiated(&format!("https://app.example/login?{query}"), &settings)
    }

    fn target(target: &str) -> Option<String> {
        initiated(&[("iss", AUTHORITY), ("target_link_uri", target)]).ok()?.return_to
    }

    #[test]
    fn the_hint_and_the_target_are_taken() {
        let args = initiated(&[
            ("iss", "https://id.example/"),
            ("login_hint", "alice"),
            ("target_link_uri", "https://app.example/orders?open=1#last"),
        ])
        .unwrap();
        assert_eq!(args.login_hint.as_deref(), Some("alice"));
        assert_eq!(args.return_to.as_deref(), Some("/orders?open=1#last"));
        let bare = initiated(&[("iss", AUTHORITY)]).unwrap();
        assert_eq!((bare.login_hint, bare.return_to), (None, None));
        assert_eq!(target("https://app.example").as_deref(), Some("/"));
        assert_eq!(target("https://app.example?x").as_deref(), Some("/?x"));
    }

    #[test]
    fn only_the_issuer_of_the_settings_may_be_asked() {
        for iss in ["https://evil.example", "https://id.example.evil.example", "id.example"] {
            let refused = initiated(&[("iss", iss)]).unwrap_err();
            assert!(matches!(refused, Error::IssuerMismatch { .. }), "{iss}");
        }
        assert!(matches!(initiated(&[]).unwrap_err(), Error::InvalidResponse(_)));
        assert!(initiated(&[("iss", AUTHORITY), ("iss", AUTHORITY)]).is_err());
    }

    /// Entra ID: the link names the tenant, and the settings a group of them.
    #[test]
    fn a_tenant_of_the_group_may_ask() {
        let tenant = |tenant: &str| format!("https://login.example/{tenant}/v2.0");
        let accepts = |authority: &str, iss: &str| {
            let settings = Settings::new(authority, "app", "https://app.example/callback");
            let opened = format!("https://app.example/login?{}", url::encoded(&[("iss", iss)]));
            SigninRequestArgs::initiated(&opened, &settings).is_ok()
        };
        let one = tenant("11111111-2222-3333-4444-555555555555");
        let personal = tenant("9188040d-6c67-4c5b-b112-36a304b66dad");
        for group in ["common", "organizations"] {
            assert!(accepts(&tenant(group), &one) && accepts(&tenant(group), &tenant(group)));
        }
        assert!(accepts(&tenant("consumers"), &personal) && !accepts(&tenant("consumers"), &one));
        for other in [
            tenant("evil.example"),
            tenant("11111111-2222-3333-4444-55555555555/"),
            one.replace("login.example", "evil.example"),
            one.clone() + "/",
        ] {
            assert!(!accepts(&tenant("common"), &other), "{other}");
        }
        assert!(!accepts(&one, &personal), "the settings name one tenant");
        let mut given = Settings::new(tenant("example.com"), "app", "https://app.example/callback");
        assert!(!given.accepts_issuer(&one));
        given.metadata = serde_json::from_value(serde_json::json!({ "issuer": one })).ok();
        assert!(given.accepts_issuer(&one) && !given.accepts_issuer(&personal));
    }

    #[test]
    fn no_target_leads_to_another_origin() {
        for foreign in [
            "https://evil.example/",
            "https://app.example.evil.example/",
            "https://app.example@evil.example/",
            "https://app.example:8443/",
            "http://app.example/",
            "//evil.example",
            "https://app.example//evil.example",
            "https://app.example/\\evil.example",
            "https://app.example\\evil.example",
            "javascript:alert(1)",
            "/orders",
        ] {
            assert_eq!(target(foreign), None, "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn what_is_returned_to_is_a_path(text in "(https://app.example)?.{0,40}") {
            if let Some(path) = target(&text) {
                prop_assert!(path.starts_with('/') && !path.starts_with("//"));
                prop_assert!(!path.contains('\\'));
            }
        }
    }
}
