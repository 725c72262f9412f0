//! How the pages look where an operator chose it: name, logo, colours, links and texts.

mod logo;
pub(crate) mod look;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use doorward_provider::model::branding::{Accents, LogoName, ShownName};
use url::Url;

pub use self::logo::{LONGEST_LOGO, Logo, NoLogo};
pub(crate) use self::look::Look;
use crate::texts::PageTexts;

/// The name of pages that nobody gave another one.
pub const USUAL_NAME: &str = "Doorward";

/// What an operator chose. What is left out stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Branding {
    /// In place of our name.
    pub name: Option<ShownName>,
    /// In place of our logo: one of `logos`.
    pub logo: Option<LogoName>,
    /// Every logo, also those of clients.
    pub logos: BTreeMap<LogoName, Logo>,
    /// The colours of buttons and links.
    pub accents: Accents,
    /// The links under every page.
    pub links: FooterLinks,
    /// The words on the pages.
    pub texts: PageTexts,
}

/// The links under every page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FooterLinks {
    /// Who runs this.
    pub imprint: Option<FooterLink>,
    /// What is done with users' data.
    pub privacy: Option<FooterLink>,
    /// Where users find help.
    pub help: Option<FooterLink>,
}

/// Where a link under the pages leads: an `https` URL, or a path on the provider's own origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FooterLink(String);

/// The text is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give an https URL, or a path on this origin that begins with one slash")]
pub struct NoFooterLink;

impl FooterLink {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, NoFooterLink> {
        let is_plain = text.bytes().all(|own| own.is_ascii_graphic() && own != b'\\');
        let is_path = text.starts_with('/') && !text.starts_with("//");
        let is_https = || {
            let url = Url::parse(text).ok()?;
            (url.scheme() == "https" && url.username().is_empty() && url.password().is_none())
                .then_some(())
        };
        if is_plain && text.len() <= 500 && (is_path || is_https().is_some()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoFooterLink)
        }
    }

    /// The address, as a page of the provider has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole URL, for a mail. `issuer` is the provider's.
    pub fn absolute(&self, issuer: &str) -> String {
        let joined = Url::parse(issuer).and_then(|issuer| issuer.join(&self.0));
        joined.map_or_else(|_| self.0.clone(), |url| url.to_string())
    }
}

impl Branding {
    /// The name at the top of the pages.
    pub fn shown_name(&self) -> &str {
        self.name.as_ref().map_or(USUAL_NAME, ShownName::as_str)
    }

    /// The pictures that a client may name as its logo.
    pub fn logo_names(&self) -> BTreeSet<LogoName> {
        self.logos.keys().cloned().collect()
    }

    /// The logo that is served by this name.
    pub(crate) fn logo_of(&self, asset: &str) -> Option<&Logo> {
        self.logos.values().find(|logo| logo.path().strip_prefix("/assets/") == Some(asset))
    }

    /// The URL of the logo, for a mail. `issuer` is the provider's.
    pub fn logo_url(&self, issuer: &str) -> Option<String> {
        let logo = self.logos.get(self.logo.as_ref()?)?;
        Some(format!("{}{}", issuer.trim_end_matches('/'), logo.path()))
    }
}

/// The branding in use, which can be exchanged while the provider runs.
#[derive(Clone, Default)]
pub struct SharedBranding(Arc<RwLock<Arc<Branding>>>);

impl SharedBranding {
    /// With this one in use.
    pub fn new(branding: Branding) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(branding))))
    }

    /// The one in use.
    pub fn current(&self) -> Arc<Branding> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this one is in use.
    pub fn replace(&self, branding: Branding) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(branding);
    }
}

impl fmt::Debug for SharedBranding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_link_leads_to_https_or_to_this_origin() {
        for good in ["https://example.com/imprint?a=b#c", "/help", "/"] {
            FooterLink::parse(good).unwrap();
        }
        for bad in [
            "",
            "help",
            "//evil.example",
            "/\\evil.example",
            "http://example.com",
            "javascript:alert(1)",
            "https://user@example.com",
            "https://example.com/a b",
            "data:text/html,x",
        ] {
            assert_eq!(FooterLink::parse(bad), Err(NoFooterLink), "{bad}");
        }
        let link = FooterLink::parse("/help").unwrap();
        assert_eq!(link.absolute("https://op.example/id"), "https://op.example/help");
    }
}
