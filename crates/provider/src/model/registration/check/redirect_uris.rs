//! The addresses to return to.

use doorward_protocol::host;
use url::Url;

use super::RegistrationPolicy;
use crate::model::{
    client::{RedirectUri, RedirectUriRules},
    registration::metadata::ApplicationType,
};

impl RegistrationPolicy<'_> {
    /// Those of the addresses that are taken here.
    pub(super) fn taken(&self, uris: &[String], kind: Option<ApplicationType>) -> Vec<String> {
        let taken = uris.iter().filter(|uri| self.check_redirect_uri(uri, kind).is_ok());
        taken.cloned().collect()
    }

    pub(super) fn check_redirect_uri(
        &self,
        uri: &str,
        application_type: Option<ApplicationType>,
    ) -> Result<(), &'static str> {
        let rules = RedirectUriRules {
            schemes_without_dot: self.settings.allow_private_use_schemes,
            ..RedirectUriRules::default()
        };
        RedirectUri::parse_by(uri.to_owned(), rules)?;
        let url = Url::parse(uri).map_err(|_| "not an absolute URL")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("leave the user name out: it would hide the host");
        }
        if !matches!(url.scheme(), "https" | "http") {
            return match application_type {
                Some(ApplicationType::Web) => Err("application_type web has https pages only"),
                _ => Ok(()),
            };
        }
        if host::is_loopback(&url) {
            let allowed = self.settings.allow_loopback_redirect_uris;
            return allowed.then_some(()).ok_or("programs on a user's machine are not taken here");
        }
        let hosts = &self.settings.redirect_hosts;
        let is_below = |host: &str| {
            url.host_str().is_some_and(|own| {
                own.strip_suffix(host).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        };
        if hosts.is_empty() || hosts.iter().any(|host| is_below(host)) {
            Ok(())
        } else {
            Err("this host is not taken here: ask the operator of the provider")
        }
    }
}
