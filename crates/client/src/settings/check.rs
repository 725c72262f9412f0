//! Whether requests can be made with settings.

use doorward_protocol::scope::Scope;

use super::{ClientAuthentication, Settings};
use crate::{Error, lean::url};

impl Settings {
    /// Checks that requests can be made with these settings.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`], which names the setting and what is wrong.
    pub fn validate(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::Settings(text));
        if url::origin(&self.authority).is_none() || self.authority.contains(['?', '#']) {
            return refuse(format!(
                "authority must be an http or https URL without query and fragment, not {:?}",
                self.authority
            ));
        }
        if self.dpop && !cfg!(feature = "dpop")
            || self.push_authorization_requests && !cfg!(feature = "par")
            || self.load_user_info && !cfg!(feature = "userinfo")
            || self.userinfo_signed_response_alg.is_some() && !cfg!(feature = "signed-userinfo")
        {
            return refuse(
                "dpop, push_authorization_requests, load_user_info, userinfo_signed_response_alg: \
                    each needs its cargo feature of this crate, dpop, par, userinfo or \
                    signed-userinfo"
                    .to_owned(),
            );
        }
        if self.client_id.is_empty() {
            return refuse("client_id must not be empty".to_owned());
        }
        let has_secret = self.client_secret.is_some();
        let (wants_secret, wants_feature) = match self.client_authentication {
            ClientAuthentication::None => (false, false),
            ClientAuthentication::PrivateKeyJwt => (false, true),
            ClientAuthentication::ClientSecretBasic | ClientAuthentication::ClientSecretPost => {
                (true, false)
            }
        };
        if wants_feature && !cfg!(feature = "private-key-jwt") {
            return refuse(
                "client_authentication private_key_jwt needs the cargo feature private-key-jwt"
                    .to_owned(),
            );
        }
        if wants_secret != has_secret {
            return refuse(
                "client_secret must be there if client_authentication asks for one, and only then"
                    .to_owned(),
            );
        }
        for (name, address) in [
            ("redirect_uri", Some(&self.redirect_uri)),
            ("post_logout_redirect_uri", self.post_logout_redirect_uri.as_ref()),
            ("popup_redirect_uri", self.popup_redirect_uri.as_ref()),
            ("popup_post_logout_redirect_uri", self.popup_post_logout_redirect_uri.as_ref()),
            ("silent_redirect_uri", self.silent_redirect_uri.as_ref()),
        ] {
            if let Some(address) = address.filter(|address| url::origin(address).is_none()) {
                return refuse(
                    [name, " must be an absolute http or https URL, not ", address].concat(),
                );
            }
        }
        match self.scope.parse::<Scope>() {
            Ok(scope) if !scope.is_empty() => Ok(()),
            _ => refuse(format!("scope must be a list of scope tokens, not {:?}", self.scope)),
        }
    }
}
