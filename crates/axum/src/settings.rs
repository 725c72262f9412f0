//! What an application says about itself and its provider.

use std::{fmt, sync::Arc, time::SystemTime};

use axum::{extract::Request, response::Response};
use doorward_client::{
    Secret, Settings,
    settings::{ClaimsFilter, ClientAuthentication, ResponseMode},
};
use doorward_protocol::{
    host::is_loopback,
    params::Params,
    scope::{self, Scope},
};
use doorward_relying_party::Now;
use http::Method;
use url::Url;

use crate::{ClientKey, Problem, ProofKey, ReturnTo};

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

    /// What follows from the settings, if all of them can be used.
    pub(crate) fn checked(&self) -> Result<Checked, SettingsError> {
        self.protocol.validate().map_err(|error| SettingsError(error.to_string()))?;
        let scope = &self.protocol.scope;
        if !scope.split(' ').any(|token| token == scope::OPENID) {
            return Err(SettingsError(format!(
                "scope must contain openid, not {scope:?} alone: without it the provider does not \
                    say who signs in"
            )));
        }
        let redirect_uri = self.own_address("redirect_uri", &self.protocol.redirect_uri)?;
        let post_logout = match &self.protocol.post_logout_redirect_uri {
            Some(uri) => Some(self.own_address("post_logout_redirect_uri", uri)?),
            None => None,
        };
        let response_mode = self.protocol.response_mode;
        if response_mode.as_str().starts_with("fragment") {
            return Err(SettingsError(format!(
                "response_mode must be query or form_post, not {}: a fragment reaches no server",
                response_mode.as_str()
            )));
        }
        if ReturnTo::parse(&self.after_sign_out).is_none() {
            return Err(SettingsError(format!(
                "after_sign_out must be a path of this application, such as /, not {:?}",
                self.after_sign_out
            )));
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if self.cookie_name.is_empty() || !self.cookie_name.bytes().all(is_token) {
            return Err(SettingsError(format!(
                "cookie_name must be letters, digits and -_. only, not {:?}",
                self.cookie_name
            )));
        }
        for path in &self.roles_at {
            if path.is_empty()
                || path.starts_with('/') && path.split('/').skip(1).any(str::is_empty)
            {
                return Err(SettingsError(format!(
                    "roles_at must be the name of a claim, or a JSON Pointer such as \
                        /realm_access/roles, not {path:?}"
                )));
            }
        }
        self.further_scope.parse::<Scope>().map_err(|error| {
            SettingsError(format!("further_scope {:?} is no scope: {error}", self.further_scope))
        })?;
        if let Some(name) = self.link_parameters.iter().find(|name| !is_free_parameter(name)) {
            return Err(SettingsError(format!(
                "link_parameters must name parameters of the provider alone, and not {name:?}, \
                    which the protocol or this library has a use for"
            )));
        }
        let checked = Checked {
            origin: redirect_uri.origin().ascii_serialization(),
            secure: redirect_uri.scheme() == "https",
            callback_path: redirect_uri.path().to_owned(),
            takes_posts: response_mode == ResponseMode::FormPost,
            post_logout_path: post_logout.map(|uri| uri.path().to_owned()),
        };
        check_routes(&self.routes(&checked))?;
        Ok(checked)
    }

    /// The routes, each with the setting that says its path.
    fn routes<'a>(&'a self, checked: &'a Checked) -> Vec<Route<'a>> {
        let callback_path = &checked.callback_path;
        let mut routes = vec![
            ("sign_in_path", Method::GET, &self.sign_in_path),
            ("sign_out_path", Method::POST, &self.sign_out_path),
            ("back_channel_path", Method::POST, &self.back_channel_path),
            ("front_channel_path", Method::GET, &self.front_channel_path),
            ("redirect_uri", Method::GET, callback_path),
        ];
        if checked.takes_posts {
            routes.push(("redirect_uri", Method::POST, callback_path));
        }
        if self.takes_posted_starts(checked) {
            routes.push(("sign_in_path", Method::POST, &self.sign_in_path));
        }
        let post_logout = checked.post_logout_path.iter();
        routes.extend(post_logout.map(|path| ("post_logout_redirect_uri", Method::GET, path)));
        routes
    }

    /// Whether somebody else may begin a sign-in by a form, too (OIDC Core section 4): if no other
    /// form is posted to this path.
    pub(crate) fn takes_posted_starts(&self, checked: &Checked) -> bool {
        let callback = checked.takes_posts.then_some(&checked.callback_path);
        let mut others = [&self.sign_out_path, &self.back_channel_path].into_iter().chain(callback);
        others.all(|other| *other != self.sign_in_path)
    }

    /// Whether a request brings what pages of other sites may post: a response of the provider, or
    /// the beginning of a sign-in. It changes nothing, and comes once more by GET.
    pub(crate) fn is_posted_from_elsewhere(&self, checked: &Checked, request: &Request) -> bool {
        let begins = self.takes_posted_starts(checked)
            && request.method() == Method::POST
            && request.uri().path() == self.sign_in_path;
        begins || checked.is_posted_response(request)
    }

    /// Cookies over plain http would be readable on the way, except on this machine.
    fn own_address(&self, name: &str, uri: &str) -> Result<Url, SettingsError> {
        let refuse = |what: &str| Err(SettingsError(format!("{name} {what}, not {uri:?}")));
        let Ok(url) = Url::parse(uri) else { return refuse("must be an absolute URL") };
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("must have neither query nor fragment");
        }
        if url.scheme() != "https" && !is_loopback(&url) {
            return refuse("must be https, or http on this machine (localhost)");
        }
        if Url::parse(&self.protocol.redirect_uri).is_ok_and(|own| own.origin() != url.origin()) {
            return refuse("must have the same origin as redirect_uri");
        }
        Ok(url)
    }
}

/// Whether a parameter means nothing to the protocol and to the routes here.
fn is_free_parameter(name: &str) -> bool {
    // Those of an authorization request that `Params` does not read.
    const OTHERS: [&str; 4] = ["authorization_details", "return_to", "target_link_uri", "here"];
    !name.is_empty() && !Params::knows(name) && !OTHERS.contains(&name)
}

type Route<'a> = (&'a str, Method, &'a String);

/// The router takes each of these routes exactly as it is written, and each once.
fn check_routes(routes: &[Route<'_>]) -> Result<(), SettingsError> {
    for (index, (name, method, path)) in routes.iter().enumerate() {
        if !is_literal(path) {
            return Err(SettingsError(format!(
                "{name} must have a plain path, such as /signin, without query, fragment and \
                    patterns, not {path:?}"
            )));
        }
        let same = routes[..index].iter().find(|(_, own, other)| own == method && other == path);
        if let Some((other, ..)) = same {
            return Err(SettingsError(format!(
                "{name} must have another path than {other}, not {path:?}"
            )));
        }
    }
    Ok(())
}

/// Whether a browser asks for a path by these letters, and the router takes them as they are.
pub(crate) fn is_literal(path: &str) -> bool {
    let asked = Url::parse("http://base.invalid").ok().and_then(|base| base.join(path).ok());
    let is_pattern =
        |segment: &str| segment.starts_with([':', '*']) || segment.contains(['{', '}']);
    ReturnTo::parse(path).is_some()
        && asked.is_some_and(|asked| asked.path() == path)
        && !path.split('/').any(is_pattern)
}

/// What follows from valid settings.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    /// Scheme, host and port of the application.
    pub(crate) origin: String,
    /// Whether the application is served by https.
    pub(crate) secure: bool,
    pub(crate) callback_path: String,
    /// Whether responses come as forms.
    pub(crate) takes_posts: bool,
    pub(crate) post_logout_path: Option<String>,
}

impl Checked {
    /// Whether a request brings a response of the provider, whose page posted it.
    fn is_posted_response(&self, request: &Request) -> bool {
        self.takes_posts
            && request.method() == Method::POST
            && request.uri().path() == self.callback_path
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(redirect_uri: &str) -> SignInSettings {
        SignInSettings::new("https://id.example", "shop", redirect_uri)
    }

    #[test]
    fn the_redirect_uri_tells_the_origin() {
        let checked = settings("https://shop.example:8443/signin-oidc").checked().unwrap();
        assert_eq!(checked.origin, "https://shop.example:8443");
        assert!(checked.secure);
        assert_eq!(checked.callback_path, "/signin-oidc");
        assert!(!settings("http://localhost:5001/cb").checked().unwrap().secure);
    }

    #[cfg(feature = "jarm")]
    #[test]
    fn no_other_setting_takes_signed_responses_back() {
        let mode = |settings: SignInSettings| settings.protocol.response_mode;
        let new = || settings("https://shop.example/signin-oidc");
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

    #[test]
    fn paths_that_the_settings_allow_can_be_routes() {
        for (sign_in, sign_out) in [("/a/", "/a"), ("/session", "/session"), ("/%7Ba%7D", "/a.b")] {
            let settings = settings("http://localhost:5001/signin-oidc/")
                .post_logout_redirect_uri("http://localhost:5001/")
                .after_sign_out("/bye?x=1#y")
                .sign_in_path(sign_in)
                .sign_out_path(sign_out);
            let auth = crate::Auth::new(settings, crate::MemorySessions::default()).unwrap();
            let _: axum::Router = auth.attach(axum::Router::new());
        }
    }

    #[test]
    fn what_would_be_unsafe_is_refused() {
        for uri in ["http://shop.example/cb", "/cb", "https://shop.example/cb?x=1", "ftp://a/b"] {
            assert!(settings(uri).checked().is_err(), "{uri}");
        }
        let shop = settings("https://shop.example/cb");
        let elsewhere = shop.clone().post_logout_redirect_uri("https://other.example/bye");
        assert!(elsewhere.checked().unwrap_err().0.contains("same origin"));
        assert!(shop.clone().after_sign_out("//evil.example").checked().is_err());
        assert!(shop.clone().sign_in_path("signin").checked().is_err());
        for path in ["/signin?x=1", "/a#b", "/{x", "/{x}", "/{*x}", "/:x", "/*x", "/a/../b", "/a b"]
        {
            let refused = shop.clone().sign_in_path(path).checked().unwrap_err().0;
            assert!(refused.contains("sign_in_path must have a plain path"), "{refused}");
        }
        let at = |uri: &str| settings(&format!("https://shop.example{uri}"));
        assert!(at("/:x").checked().is_err());
        for scope in ["profile", "profile openid2", "OpenID"] {
            let refused = shop.clone().scope(scope).checked().unwrap_err().0;
            assert!(refused.contains("must contain openid"), "{refused}");
        }
        let meets = |settings: SignInSettings| {
            let refused = settings.checked().unwrap_err().0;
            assert!(refused.contains("must have another path than"), "{refused}");
        };
        for path in ["", "/", "/a//b", "/a/"] {
            let refused = shop.clone().roles_at([path]).checked().unwrap_err().0;
            assert!(refused.contains("roles_at must be the name of a claim"), "{refused}");
        }
        assert!(shop.clone().further_scope("a\"b").checked().unwrap_err().0.contains("no scope"));
        for name in ["", "scope", "redirect_uri", "return_to", "here", "code_challenge"] {
            let refused = shop.clone().link_parameters([name]).checked().unwrap_err().0;
            assert!(refused.contains("link_parameters must name"), "{refused}");
        }
        let extended =
            shop.clone().roles_at(["roles", "/a/b"]).further_scope("orders orders:write");
        assert!(extended.link_parameters(["kc_idp_hint"]).checked().is_ok());
        meets(shop.clone().sign_in_path("/frontchannel-logout"));
        meets(shop.clone().sign_out_path("/backchannel-logout"));
        meets(shop.clone().post_logout_redirect_uri("https://shop.example/cb"));
        meets(at("/signin"));
        meets(at("/signout").form_post(true));
        for name in ["", "a b", "a=b", "a;b"] {
            assert!(shop.clone().cookie_name(name).checked().is_err(), "{name}");
        }
    }
}
