//! Whether the settings can be used, and what follows from them.

use axum::extract::Request;
use doorward_client::settings::ResponseMode;
use doorward_protocol::{
    host::is_loopback,
    params::Params,
    scope::{self, Scope},
};
use http::Method;
use url::Url;

use super::{SettingsError, SignInSettings};
use crate::ReturnTo;

impl SignInSettings {
    /// What follows from the settings, if all of them can be used.
    pub(crate) fn checked(&self) -> Result<Checked, SettingsError> {
        self.protocol.validate().map_err(|error| SettingsError(error.to_string()))?;
        self.check_scope()?;
        let redirect_uri = self.own_address("redirect_uri", &self.protocol.redirect_uri)?;
        let post_logout = match &self.protocol.post_logout_redirect_uri {
            Some(uri) => Some(self.own_address("post_logout_redirect_uri", uri)?),
            None => None,
        };
        self.check_response_mode()?;
        self.check_names()?;
        self.check_roles_at()?;
        self.check_links()?;
        let checked = Checked {
            origin: redirect_uri.origin().ascii_serialization(),
            secure: redirect_uri.scheme() == "https",
            callback_path: redirect_uri.path().to_owned(),
            takes_posts: self.protocol.response_mode == ResponseMode::FormPost,
            post_logout_path: post_logout.map(|uri| uri.path().to_owned()),
        };
        check_routes(&self.routes(&checked))?;
        Ok(checked)
    }

    fn check_scope(&self) -> Result<(), SettingsError> {
        let scope = &self.protocol.scope;
        if scope.split(' ').any(|token| token == scope::OPENID) {
            return Ok(());
        }
        Err(SettingsError(format!(
            "scope must contain openid, not {scope:?} alone: without it the provider does not \
                say who signs in"
        )))
    }

    fn check_response_mode(&self) -> Result<(), SettingsError> {
        let mode = self.protocol.response_mode.as_str();
        if !mode.starts_with("fragment") {
            return Ok(());
        }
        Err(SettingsError(format!(
            "response_mode must be query or form_post, not {mode}: a fragment reaches no server"
        )))
    }

    /// The page after sign-out, and the name of the cookie.
    fn check_names(&self) -> Result<(), SettingsError> {
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
        Ok(())
    }

    fn check_roles_at(&self) -> Result<(), SettingsError> {
        let is_wrong = |path: &&String| {
            path.is_empty() || path.starts_with('/') && path.split('/').skip(1).any(str::is_empty)
        };
        match self.roles_at.iter().find(is_wrong) {
            Some(path) => Err(SettingsError(format!(
                "roles_at must be the name of a claim, or a JSON Pointer such as \
                    /realm_access/roles, not {path:?}"
            ))),
            None => Ok(()),
        }
    }

    /// What links may ask for.
    fn check_links(&self) -> Result<(), SettingsError> {
        self.further_scope.parse::<Scope>().map_err(|error| {
            SettingsError(format!("further_scope {:?} is no scope: {error}", self.further_scope))
        })?;
        match self.link_parameters.iter().find(|name| !is_free_parameter(name)) {
            Some(name) => Err(SettingsError(format!(
                "link_parameters must name parameters of the provider alone, and not {name:?}, \
                    which the protocol or this library has a use for"
            ))),
            None => Ok(()),
        }
    }

    /// The routes, each with the setting that says its path.
    fn routes<'a>(&'a self, checked: &'a Checked) -> Vec<NamedRoute<'a>> {
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

type NamedRoute<'a> = (&'a str, Method, &'a String);

/// The router takes each of these routes exactly as it is written, and each once.
fn check_routes(routes: &[NamedRoute<'_>]) -> Result<(), SettingsError> {
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
