//! What an application says about itself and its provider.

mod check;

use std::{fmt, sync::Arc, time::SystemTime};

use axum::response::Response;
use doorward_client::{
    Secret, Settings,
    settings::{ClaimsFilter, ClientAuthentication, ResponseMode},
};
use doorward_relying_party::Now;

pub(crate) use self::check::{Checked, is_literal};
use crate::{ClientKey, Problem, ProofKey};

/// How long a session lasts unless something else is set: ten hours, in seconds.
const SESSION_LIFETIME: u64 = 36_000;

/// A setting can't be used. The text names it and says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub(crate) String);

/// Answers a failed sign-in in the application's own way.
pub(crate) type ProblemPage = dyn Fn(&Problem) -> Response + Send + Sync;

/// Settings of [`Auth`](crate::Auth).
///
/// ```
/// use doorward_axum::{Secret, SignInSettings};
///
/// let settings = SignInSettings::new(
///     "https://id.example.com",
///     "shop",
///     "https://shop.example.com/signin-oidc",
/// )
/// .client_secret(Secret::new("a long random text"))
/// .scope("openid profile offline_access")
/// .post_logout_redirect_uri("https://shop.example.com/signout-callback-oidc");
/// ```
#[derive(Clone)]
pub struct SignInSettings {
    pub(crate) protocol: Settings,
    pub(crate) client_key: Option<ClientKey>,
    pub(crate) proof_key: Option<ProofKey>,
    pub(crate) sign_in_path: String,
    pub(crate) sign_out_path: String,
    pub(crate) back_channel_path: String,
    pub(crate) front_channel_path: String,
    pub(crate) after_sign_out: String,
    pub(crate) session_lifetime: u64,
    pub(crate) cookie_name: String,
    pub(crate) reads_access_token: bool,
    pub(crate) roles_at: Vec<String>,
    pub(crate) further_scope: String,
    pub(crate) link_parameters: Vec<String>,
    pub(crate) problem_page: Option<Arc<ProblemPage>>,
    pub(crate) now: Arc<Now>,
}

impl SignInSettings {
    /// Settings with every default: for the provider with this issuer, the client of this
    /// identifier, and the address to which the provider sends the browser back. That address
    /// also tells the origin of the application.
    pub fn new(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        redirect_uri: impl Into<String>,
    ) -> Self {
        let protocol = Settings::new(issuer, client_id, redirect_uri)
            .filter_protocol_claims(ClaimsFilter::Protocol(false));
        Self {
            protocol,
            client_key: None,
            proof_key: None,
            sign_in_path: "/signin".to_owned(),
            sign_out_path: "/signout".to_owned(),
            back_channel_path: "/backchannel-logout".to_owned(),
            front_channel_path: "/frontchannel-logout".to_owned(),
            after_sign_out: "/".to_owned(),
            session_lifetime: SESSION_LIFETIME,
            cookie_name: "session".to_owned(),
            reads_access_token: false,
            roles_at: Vec::new(),
            further_scope: String::new(),
            link_parameters: Vec::new(),
            problem_page: None,
            now: Arc::new(system_time),
        }
    }

    /// The client authenticates by this secret in the `Authorization` header (RFC 6749 section
    /// 2.3.1).
    #[must_use]
    pub fn client_secret(mut self, secret: Secret) -> Self {
        self.protocol = self
            .protocol
            .client_secret(secret)
            .client_authentication(ClientAuthentication::ClientSecretBasic);
        self
    }

    /// The client authenticates by assertions that this key signs (`private_key_jwt`, RFC 7523
    /// section 2.2).
    #[must_use]
    pub fn client_key(mut self, key: ClientKey) -> Self {
        self.protocol = self.protocol.client_authentication(ClientAuthentication::PrivateKeyJwt);
        self.client_key = Some(key);
        self
    }

    /// Binds the tokens to this key (DPoP, RFC 9449): whoever steals one can't use it. The
    /// provider, and each API that is called, must know DPoP. [`ApiProxy`](crate::ApiProxy) makes
    /// the proofs of its calls, and [`SignedIn::credentials`](crate::SignedIn::credentials) those
    /// of yours.
    ///
    /// Tokens in sessions stay bound to the key, so keep it, and give the same one to all
    /// processes.
    #[must_use]
    pub fn proof_key(mut self, key: ProofKey) -> Self {
        self.protocol = self.protocol.dpop(true);
        self.proof_key = Some(key);
        self
    }

    /// The requested scope, which contains `openid`. Default: `openid`. With `offline_access`, most
    /// providers issue a refresh token, by which the session's access token is renewed.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.protocol = self.protocol.scope(scope);
        self
    }

    /// Where the provider sends the browser after sign-out (OIDC RP-Initiated Logout section 2).
    /// Default: it stays at the provider.
    #[must_use]
    pub fn post_logout_redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.protocol = self.protocol.post_logout_redirect_uri(uri);
        self
    }

    /// Sends each authorization request to the provider beforehand (RFC 9126), even if the
    /// provider does not require it. Default: no.
    #[must_use]
    pub fn push_authorization_requests(mut self, pushes: bool) -> Self {
        self.protocol = self.protocol.push_authorization_requests(pushes);
        self
    }

    /// Asks the provider to post its responses as a form (`response_mode=form_post`), in place of
    /// the query of the redirect URI. The code is then in no address, and so in no log and no
    /// history. Default: no.
    #[must_use]
    pub fn form_post(mut self, posts: bool) -> Self {
        // A signed response comes in the query, and stays wanted.
        match self.protocol.response_mode {
            ResponseMode::Query if posts => self.protocol.response_mode = ResponseMode::FormPost,
            ResponseMode::FormPost if !posts => self.protocol.response_mode = ResponseMode::Query,
            _ => {}
        }
        self
    }

    /// Asks the provider to sign its responses (JARM): nothing comes of one before its signature,
    /// issuer, client and end are checked, and one that is not signed is refused. They come in the
    /// query, and so this counts more than [`SignInSettings::form_post`]. Default: no.
    #[cfg(feature = "jarm")]
    #[must_use]
    pub fn signed_responses(mut self, signed: bool) -> Self {
        if signed {
            self.protocol.response_mode = ResponseMode::QueryJwt;
        } else if self.protocol.response_mode == ResponseMode::QueryJwt {
            self.protocol.response_mode = ResponseMode::Query;
        }
        self
    }

    /// Whether the claims of userinfo are added to those of the ID token. Some providers put names
    /// there only. Others, such as Entra ID, refuse there what is for an API, and the sign-in then
    /// fails. A provider may sign them. Default: no.
    #[must_use]
    pub fn load_user_info(mut self, loads: bool) -> Self {
        self.protocol = self.protocol.load_user_info(loads);
        self
    }

    /// Whether policies also see the claims of an access token that is a JWT, such as roles that
    /// the provider puts nowhere else. The token came from the provider directly, so its signature
    /// is not checked again. A claim of the ID token counts before one of the access token.
    /// Default: no.
    #[must_use]
    pub fn reads_access_token(mut self, reads: bool) -> Self {
        self.reads_access_token = reads;
        self
    }

    /// Finds the user's roles there in the claims, in place of `role`: the names are those of the
    /// provider. Each path is the name of a claim, or a JSON Pointer (RFC 6901) if it begins with a
    /// slash, as in the setting of the same name of an API and of a page. What is only in access
    /// tokens needs [`reads_access_token`](Self::reads_access_token), too.
    ///
    /// ```
    /// use doorward_axum::SignInSettings;
    ///
    /// # fn keycloak(settings: SignInSettings) -> SignInSettings {
    /// // Keycloak. For Entra ID it is `roles`, and for Okta `groups`.
    /// settings.roles_at(["/realm_access/roles"]).reads_access_token(true)
    /// # }
    /// ```
    #[must_use]
    pub fn roles_at(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.roles_at = paths.into_iter().map(Into::into).collect();
        self
    }

    /// What a link to the sign-in route may ask for beside [`scope`](Self::scope), by its parameter
    /// `scope`. Anybody can write such a link, and many users consent to what they are shown: list
    /// nothing here that a stranger must not make a session have. Anything else that a link asks
    /// for is left out. A handler may ask for any scope ([`SignIn`](crate::SignIn)). Default: none.
    #[must_use]
    pub fn further_scope(mut self, scope: impl Into<String>) -> Self {
        self.further_scope = scope.into();
        self
    }

    /// Parameters that the provider has beside those of the protocol, such as `kc_idp_hint`, and
    /// that links to the routes of sign-in and sign-out may bring. They are passed on as they are,
    /// whoever wrote the link. Default: none.
    #[must_use]
    pub fn link_parameters(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.link_parameters = names.into_iter().map(Into::into).collect();
        self
    }

    /// How long a session lasts, in seconds, however often it is used. Default: ten hours.
    #[must_use]
    pub fn session_lifetime(mut self, seconds: u64) -> Self {
        self.session_lifetime = seconds;
        self
    }

    /// The name of the session cookie. By https, `__Host-` goes before it. Applications on one host
    /// need different names, also on different ports. Default: `session`.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// The path that starts a sign-in, by GET, or by POST if somebody else begins it (OIDC Core
    /// section 4). Default: `/signin`.
    #[must_use]
    pub fn sign_in_path(mut self, path: impl Into<String>) -> Self {
        self.sign_in_path = path.into();
        self
    }

    /// The path to which a form posts to sign out. Default: `/signout`.
    #[must_use]
    pub fn sign_out_path(mut self, path: impl Into<String>) -> Self {
        self.sign_out_path = path.into();
        self
    }

    /// The path at which the provider tells that a session ended (OIDC Back-Channel Logout section
    /// 2.2). Default: `/backchannel-logout`.
    #[must_use]
    pub fn back_channel_path(mut self, path: impl Into<String>) -> Self {
        self.back_channel_path = path.into();
        self
    }

    /// The path that the provider loads in a frame when a session ended (OIDC Front-Channel Logout
    /// section 2). Default: `/frontchannel-logout`.
    #[must_use]
    pub fn front_channel_path(mut self, path: impl Into<String>) -> Self {
        self.front_channel_path = path.into();
        self
    }

    /// Where the browser goes after sign-out, a path of this application. Default: `/`.
    #[must_use]
    pub fn after_sign_out(mut self, path: impl Into<String>) -> Self {
        self.after_sign_out = path.into();
        self
    }

    /// Further settings of the protocol: `resource`, `acr_values`, `max_age`, `ui_locales`,
    /// `prompt`, `id_token_signed_response_alg`, `userinfo_signed_response_alg`,
    /// `trusted_audiences` and others of [`Settings`]. Those for browsers (stores, frames, timers)
    /// have no effect.
    #[must_use]
    pub fn protocol(mut self, change: impl FnOnce(Settings) -> Settings) -> Self {
        self.protocol = change(self.protocol);
        self
    }

    /// Answers a failed sign-in with a page of the application. Default: a small page in English.
    #[must_use]
    pub fn problem_page(
        mut self,
        page: impl Fn(&Problem) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.problem_page = Some(Arc::new(page));
        self
    }

    /// Another clock than the system's, for tests: seconds since 1970 (UTC).
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.now = Arc::new(now);
        self
    }
}

fn system_time() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl fmt::Debug for SignInSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignInSettings")
            .field("issuer", &self.protocol.authority)
            .field("client_id", &self.protocol.client_id)
            .field("redirect_uri", &self.protocol.redirect_uri)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "jarm"))]
mod tests {
    use super::*;

    #[test]
    fn no_other_setting_takes_signed_responses_back() {
        let mode = |settings: SignInSettings| settings.protocol.response_mode;
        let new = || SignInSettings::new("https://id.example", "shop", "https://shop.example/cb");
        for signed in [
            new().signed_responses(true),
            new().signed_responses(true).form_post(true),
            new().signed_responses(true).form_post(false),
            new().form_post(true).signed_responses(true),
        ] {
            assert_eq!(mode(signed), ResponseMode::QueryJwt);
        }
        let posted = new().form_post(true).signed_responses(false);
        assert_eq!(mode(posted), ResponseMode::FormPost);
        assert_eq!(mode(new().form_post(true).form_post(false)), ResponseMode::Query);
    }
}
