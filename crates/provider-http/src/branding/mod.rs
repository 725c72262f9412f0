//! How the pages look where an operator chose it: name, logo, colours, links and texts.

mod logo;
pub(crate) mod look;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use doorward_provider::model::branding::{
    Accents, BrandingFiles, ClientBranding, FooterLinks, LogoName, ShownName, TextsName,
};

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
    /// Those of clients that have words of their own.
    pub client_texts: BTreeMap<TextsName, PageTexts>,
}

impl Branding {
    /// What a client may name.
    pub fn files(&self) -> BrandingFiles {
        BrandingFiles {
            logos: self.logos.keys().cloned().collect(),
            texts: self.client_texts.keys().cloned().collect(),
        }
    }

    /// The words on the pages, in the look of a client.
    pub(crate) fn texts_for(&self, client: Option<&ClientBranding>) -> PageTexts {
        // A client of the database may name texts that are not there any more.
        let own = client.and_then(|client| self.client_texts.get(client.texts.as_ref()?));
        own.copied().unwrap_or(self.texts)
    }

    /// The logo that is served by this name.
    pub(crate) fn logo_of(&self, asset: &str) -> Option<&Logo> {
        self.logos.values().find(|logo| logo.path().strip_prefix("/assets/") == Some(asset))
    }

    /// What is shown, and in place of its parts those of a client.
    pub fn chosen_for<'a>(&'a self, client: Option<&'a ClientBranding>) -> ChosenLook<'a> {
        let named = client.and_then(|client| client.logo.as_ref()).and_then(|own| {
            // A client of the database may name a logo that is not there any more.
            self.logos.get(own)
        });
        let usual = self.logo.as_ref().and_then(|own| self.logos.get(own));
        let accents = client.map(ClientBranding::accents).filter(|own| *own != Accents::default());
        ChosenLook {
            name: client.and_then(|client| client.name.as_ref()).or(self.name.as_ref()),
            logo: named.or(usual),
            accents: accents.unwrap_or(self.accents),
            links: client.map_or_else(|| self.links.clone(), |own| own.links_over(&self.links)),
        }
    }
}

/// What the pages or mails of one sign-in show.
#[derive(Debug, Clone)]
pub struct ChosenLook<'a> {
    /// In place of our name.
    pub name: Option<&'a ShownName>,
    /// In place of our logo.
    pub logo: Option<&'a Logo>,
    /// The colours of buttons and links.
    pub accents: Accents,
    /// The links below.
    pub links: FooterLinks,
}

impl ChosenLook<'_> {
    /// The URL of the logo, for a mail. `issuer` is the provider's.
    pub fn logo_url(&self, issuer: &str) -> Option<String> {
        Some(format!("{}{}", issuer.trim_end_matches('/'), self.logo?.path()))
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
