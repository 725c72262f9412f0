//! Where the pages return to. It is always a path of this provider, never an address from a
//! request.

use std::sync::Arc;

use doorward_protocol::params::Params;
use doorward_provider::{
    model::{paths, user_code::UserCode},
    use_case::authorize::SIGNED_IN_FOR_IT,
};
use url::Url;

/// The path of the issuer, under which all routes are. It is empty, or it begins with a slash and
/// does not end with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BasePath(Arc<str>);

/// Where to continue after an interaction: at an authorization request, by its query, or at the
/// page for devices, by a user code. The type can't express another host, scheme or path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReturnUrl {
    /// `/connect/authorize?QUERY`.
    Authorize {
        /// Form-encoded.
        query: String,
    },
    /// `/device`, or `/device?user_code=CODE`.
    Device(Option<UserCode>),
    /// A page of the user's own account.
    Account(AccountPage),
}

/// The pages of the user's own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountPage {
    Index,
    Profile,
    Email,
    /// The account's own address.
    ConfirmEmail,
    Password,
    Passkeys,
    Authenticator,
    RecoveryCodes,
    Identities,
    /// What becomes of an identity that is new here.
    External,
    Sessions,
    Activity,
    Data,
    Delete,
}

impl AccountPage {
    const ALL: [Self; 14] = [
        Self::Index,
        Self::Profile,
        Self::Email,
        Self::ConfirmEmail,
        Self::Password,
        Self::Passkeys,
        Self::Authenticator,
        Self::RecoveryCodes,
        Self::Identities,
        Self::External,
        Self::Sessions,
        Self::Activity,
        Self::Data,
        Self::Delete,
    ];

    /// Its path under the base path.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Authenticator => "/account/authenticator",
            Self::RecoveryCodes => "/account/recovery-codes",
            Self::Passkeys => "/account/passkeys",
            Self::Identities => "/account/identities",
            Self::External => paths::EXTERNAL,
            Self::Index => "/account",
            Self::Profile => "/account/profile",
            Self::Email => "/account/email",
            Self::ConfirmEmail => "/account/confirm-email",
            Self::Password => "/account/password",
            Self::Sessions => "/account/sessions",
            Self::Activity => "/account/activity",
            Self::Data => "/account/data",
            Self::Delete => "/account/delete",
        }
    }

    /// Whether it needs a sign-in of the last minutes.
    pub(crate) fn needs_fresh_sign_in(self) -> bool {
        match self {
            Self::Index | Self::ConfirmEmail | Self::Sessions | Self::Activity => false,
            Self::Profile
            | Self::Email
            | Self::Password
            | Self::Passkeys
            | Self::Authenticator
            | Self::RecoveryCodes
            | Self::Identities
            | Self::External
            | Self::Data
            | Self::Delete => true,
        }
    }

    /// The page with this path.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.path() == path)
    }
}

/// The text is not a return URL of this provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the return URL is not one of this provider")]
pub(crate) struct ForeignReturnUrl;

impl BasePath {
    pub(crate) fn of_issuer(issuer: &str) -> Self {
        let path = Url::parse(issuer).map(|url| url.path().trim_end_matches('/').into());
        Self(path.unwrap_or_default())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A path of this provider as a link.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl ReturnUrl {
    /// Returns to this authorization request.
    pub(crate) fn to_request(params: &Params) -> Self {
        Self::Authorize { query: params.encode() }
    }

    /// Parses a return URL. Any text of another form is refused.
    pub(crate) fn parse(text: &str) -> Result<Self, ForeignReturnUrl> {
        if text.contains('#') {
            return Err(ForeignReturnUrl);
        }
        if text == paths::DEVICE {
            return Ok(Self::Device(None));
        }
        if let Some(page) = AccountPage::of_path(text) {
            return Ok(Self::Account(page));
        }
        let (path, query) = text.split_once('?').ok_or(ForeignReturnUrl)?;
        // The query is encoded again from the parsed parameters, so that no control character and
        // no other encoding remains.
        let (params, _) =
            Params::parse_noting_repeats(query, &["resource"]).map_err(|_| ForeignReturnUrl)?;
        match path {
            paths::AUTHORIZE => Ok(Self::to_request(&params)),
            paths::DEVICE => Ok(Self::Device(params.get("user_code").and_then(UserCode::typed))),
            _ => Err(ForeignReturnUrl),
        }
    }

    /// The parameters of the authorization request, encoded, if it is one.
    pub(crate) fn request_query(&self) -> Option<&str> {
        match self {
            Self::Authorize { query } => Some(query),
            Self::Device(_) | Self::Account(_) => None,
        }
    }

    /// `ui_locales` of the request (OIDC Core section 3.1.2.1).
    pub(crate) fn ui_locales(&self) -> Option<String> {
        let params = Params::parse_with_repeatable(self.request_query()?, &["resource"]).ok()?;
        params.get("ui_locales").map(str::to_owned)
    }

    /// Whether it returns to a pushed request (RFC 9126). The browser does not have its parameters.
    pub(crate) fn is_pushed(&self) -> bool {
        let params = self
            .request_query()
            .and_then(|query| Params::parse_with_repeatable(query, &["resource"]).ok());
        params.is_some_and(|params| params.is_sent("request_uri"))
    }

    /// The text form, without the base path.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Authorize { query } => format!("{}?{query}", paths::AUTHORIZE),
            Self::Device(None) => paths::DEVICE.to_owned(),
            Self::Account(page) => page.path().to_owned(),
            Self::Device(Some(code)) => format!("{}?user_code={}", paths::DEVICE, code.shown()),
        }
    }

    /// The return URL after the user has signed in: without the parameters that asked for it. A
    /// request for a certain user is told that the user has signed in for it.
    pub(crate) fn after_sign_in(&self) -> Self {
        let Some(Ok(params)) =
            self.request_query().map(|query| Params::parse_with_repeatable(query, &["resource"]))
        else {
            return self.clone();
        };
        let prompt: Vec<&str> = params
            .get("prompt")
            .unwrap_or_default()
            .split(' ')
            .filter(|value| !matches!(*value, "login" | "select_account" | "create" | ""))
            .collect();
        let prompt = prompt.join(" ");
        let rest = params.without("prompt").without("max_age");
        let is_for_user = ["id_token_hint", "claims"].iter().any(|name| params.is_sent(name));
        let rest = rest.without(SIGNED_IN_FOR_IT);
        let kept = rest
            .iter()
            .chain((!prompt.is_empty()).then_some(("prompt", prompt.as_str())))
            .chain(is_for_user.then_some((SIGNED_IN_FOR_IT, "true")));
        Self::Authorize { query: doorward_protocol::params::encode(kept) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_authorization_requests_are_returned_to() {
        for foreign in [
            "",
            "/",
            "//evil.example/connect/authorize?a=b",
            "/\\evil.example",
            "https://evil.example/connect/authorize?x=1",
            "/connect/authorize",
            "/connect/authorize/../../x?y",
            "/connect/authorize@evil.example?x",
            "/connect/authorize?a=%00",
            "/connect/authorize?a=1#//evil.example",
            " /connect/authorize?a=b",
            "/%2Fevil.example",
            "javascript:alert(1)",
        ] {
            assert_eq!(ReturnUrl::parse(foreign), Err(ForeignReturnUrl), "{foreign:?}");
        }
        assert_eq!(
            ReturnUrl::parse("/connect/authorize?client_id=a&x=b%20c").unwrap().request_query(),
            Some("client_id=a&x=b+c")
        );
    }

    #[test]
    fn the_page_for_devices_is_returned_to_with_its_code() {
        let written = |text: &str| ReturnUrl::parse(text).map(|url| url.to_text());
        assert_eq!(written("/device").as_deref(), Ok("/device"));
        assert_eq!(
            written("/device?user_code=wdjbmjht").as_deref(),
            Ok("/device?user_code=WDJB-MJHT")
        );
        assert_eq!(written("/device?user_code=x%0d%0ay&other=1").as_deref(), Ok("/device"));
        for foreign in [
            "/device/",
            "/device/x?user_code=WDJB-MJHT",
            "//device?user_code=WDJB-MJHT",
            "/device#x",
            "/devices?a=b",
            "/account/",
            "/account/login",
            "//account",
            "/account?x=//evil.example",
        ] {
            assert_eq!(written(foreign), Err(ForeignReturnUrl), "{foreign}");
        }
    }

    #[test]
    fn the_pages_of_the_account_are_returned_to() {
        for page in AccountPage::ALL {
            let parsed = ReturnUrl::parse(page.path()).unwrap();
            assert_eq!(parsed, ReturnUrl::Account(page));
            assert_eq!(parsed.after_sign_in().to_text(), page.path());
        }
    }

    #[test]
    fn after_sign_in_the_prompt_for_it_is_gone() {
        let after = |query: &str| {
            ReturnUrl::parse(&format!("/connect/authorize?{query}"))
                .unwrap()
                .after_sign_in()
                .to_text()
        };
        assert_eq!(after("a=1&prompt=login&max_age=0"), "/connect/authorize?a=1");
        assert_eq!(after("prompt=login+consent&a=1"), "/connect/authorize?a=1&prompt=consent");
        assert_eq!(after("a=1"), "/connect/authorize?a=1");
        assert_eq!(after("a=1&prompt=create"), "/connect/authorize?a=1");
        let told = "/connect/authorize?id_token_hint=x&doorward_signed_in=true";
        assert_eq!(after("id_token_hint=x"), told);
        assert_eq!(after("id_token_hint=x&doorward_signed_in=true"), told);
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_on_this_provider(
            text in "(/connect/authorize\\?|/device\\?user_code=|/account)?.{0,60}"
        ) {
            if let Ok(accepted) = ReturnUrl::parse(&text) {
                let written = accepted.to_text();
                prop_assert!(written.bytes().all(|byte| byte.is_ascii_graphic()));
                let url = Url::parse("https://op.example").unwrap().join(&written).unwrap();
                prop_assert_eq!(url.host_str(), Some("op.example"));
                let is_ours = matches!(url.path(), "/connect/authorize" | "/device");
                prop_assert!(is_ours || AccountPage::of_path(url.path()).is_some());
            }
        }
    }
}
