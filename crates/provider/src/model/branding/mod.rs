//! How pages look where an operator chose it: a name, a logo and colours that can be read.

mod accent;
mod colour;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;

pub use self::{
    accent::{Accent, AccentError, Accents, DarkAccent, LightAccent, Scheme},
    colour::{Colour, NoColour},
};

/// The longest name of a logo, in bytes.
const LONGEST_LOGO_NAME: usize = 64;
/// The longest address of a link, in bytes.
const LONGEST_LINK: usize = 500;
/// The longest name that a page shows, in characters.
const LONGEST_NAME: usize = 60;

/// The name of a logo: a file in the operator's folder of logos, without the folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogoName(String);

/// The text is not the name of a logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLogoName {
    /// It is a path, or has other characters.
    #[error(
        "give the name of a file in the folder branding.logos, without a folder: letters, digits, \
         dots, hyphens and underscores, at most 64"
    )]
    NotAName,
    /// A document, not a picture.
    #[error(
        "an SVG is a document that can run scripts and load other files, so it is not served as a \
         logo: export it as PNG or WebP"
    )]
    Svg,
    /// The file has another ending.
    #[error("give a file that ends in .png, .jpg, .jpeg or .webp")]
    Ending,
}

impl LogoName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LogoName {
    type Error = NoLogoName;

    fn try_from(name: String) -> Result<Self, NoLogoName> {
        let is_usual = |own: u8| own.is_ascii_alphanumeric() || b"._-".contains(&own);
        let is_name = !name.starts_with('.') && name.bytes().all(is_usual);
        if name.is_empty() || name.len() > LONGEST_LOGO_NAME || !is_name {
            return Err(NoLogoName::NotAName);
        }
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("png" | "jpg" | "jpeg" | "webp") => Ok(Self(name)),
            Some("svg" | "svgz") => Err(NoLogoName::Svg),
            _ => Err(NoLogoName::Ending),
        }
    }
}

impl From<LogoName> for String {
    fn from(name: LogoName) -> Self {
        name.0
    }
}

/// The name of a set of texts: a folder in the operator's folder of texts, without that folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct TextsName(String);

/// The text is not the name of a set of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "give the name of a folder in the folder branding.texts: letters, digits, hyphens and \
     underscores, at most 64"
)]
pub struct NoTextsName;

impl TextsName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TextsName {
    type Error = NoTextsName;

    fn try_from(name: String) -> Result<Self, NoTextsName> {
        let is_usual = |own: u8| own.is_ascii_alphanumeric() || b"_-".contains(&own);
        let is_name = (1..=LONGEST_LOGO_NAME).contains(&name.len()) && name.bytes().all(is_usual);
        if is_name { Ok(Self(name)) } else { Err(NoTextsName) }
    }
}

impl From<TextsName> for String {
    fn from(name: TextsName) -> Self {
        name.0
    }
}

/// What an operator has in files, which clients may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrandingFiles {
    /// The pictures in the folder `branding.logos`.
    pub logos: BTreeSet<LogoName>,
    /// The sets in the folder `branding.texts`.
    pub texts: BTreeSet<TextsName>,
}

/// Where a link under the pages leads: an `https` URL, or a path on the provider's own origin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
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
        if is_plain && text.len() <= LONGEST_LINK && (is_path || is_https().is_some()) {
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

impl TryFrom<String> for FooterLink {
    type Error = NoFooterLink;

    fn try_from(text: String) -> Result<Self, NoFooterLink> {
        Self::parse(&text)
    }
}

impl From<FooterLink> for String {
    fn from(link: FooterLink) -> Self {
        link.0
    }
}

/// The links under the pages. Each may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FooterLinks {
    /// Who runs this.
    pub imprint: Option<FooterLink>,
    /// What is done with users' data.
    pub privacy: Option<FooterLink>,
    /// Where users find help.
    pub help: Option<FooterLink>,
}

/// The name that pages show in place of ours: one line of 1 to 60 characters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShownName(String);

/// The text is no name that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give a name of 1 to 60 characters on one line, without control characters")]
pub struct NoShownName;

impl ShownName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ShownName {
    type Error = NoShownName;

    fn try_from(name: String) -> Result<Self, NoShownName> {
        // The controls of the bidirectional algorithm (UAX 9 section 2) would turn the words that
        // follow.
        let turns = |own| matches!(own, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let is_bad =
            |own: char| own.is_control() || turns(own) || matches!(own, '\u{2028}' | '\u{2029}');
        let name = name.trim();
        let length = name.chars().count();
        if length == 0 || length > LONGEST_NAME || name.chars().any(is_bad) {
            return Err(NoShownName);
        }
        Ok(Self(name.to_owned()))
    }
}

impl From<ShownName> for String {
    fn from(name: ShownName) -> Self {
        name.0
    }
}

/// `branding` of a client: what its sign-in pages and the mails of its sign-ins show in place of
/// the provider's own. What is left out stays the provider's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClientBranding {
    /// The name at the top of the page and in its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ShownName>,
    /// The logo beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<LogoName>,
    /// The colour of buttons and links on light pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent: Option<LightAccent>,
    /// The same on dark pages. Default: `accent`, made as light as it must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent_dark: Option<DarkAccent>,
    /// The link to the imprint under the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imprint: Option<FooterLink>,
    /// The link to the privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<FooterLink>,
    /// The link to help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<FooterLink>,
    /// The words of the pages: a set in the operator's folder of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<TextsName>,
}

impl ClientBranding {
    /// Its colours, where it has any.
    pub fn accents(&self) -> Accents {
        Accents { light: self.accent, dark: self.accent_dark }
    }

    /// The links, with the provider's where it has none of its own.
    pub fn links_over(&self, usual: &FooterLinks) -> FooterLinks {
        FooterLinks {
            imprint: self.imprint.clone().or_else(|| usual.imprint.clone()),
            privacy: self.privacy.clone().or_else(|| usual.privacy.clone()),
            help: self.help.clone().or_else(|| usual.help.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_is_named_without_a_folder_and_is_a_picture() {
        let parsed = |name: &str| LogoName::try_from(name.to_owned());
        for name in ["logo.png", "My_Logo-2.JPEG", "a.b.webp"] {
            assert_eq!(parsed(name).map(String::from), Ok(name.to_owned()));
        }
        for name in ["", "../logo.png", "a/b.png", "a\\b.png", ".png", "lögo.png", "a b.png"] {
            assert_eq!(parsed(name), Err(NoLogoName::NotAName), "{name}");
        }
        assert_eq!(parsed(&format!("{}.png", "x".repeat(61))), Err(NoLogoName::NotAName));
        assert_eq!(parsed("logo.svg"), Err(NoLogoName::Svg));
        assert_eq!(parsed("logo.gif"), Err(NoLogoName::Ending));
        assert_eq!(parsed("logo"), Err(NoLogoName::Ending));
    }

    #[test]
    fn texts_are_named_without_a_path() {
        let parsed = |name: &str| TextsName::try_from(name.to_owned());
        assert_eq!(parsed("shop_2-B").map(String::from), Ok("shop_2-B".to_owned()));
        for name in ["", ".", "..", "a/b", "a\\b", "a.b", "l\u{f6}", &"x".repeat(65)] {
            assert_eq!(parsed(name), Err(NoTextsName), "{name}");
        }
    }

    #[test]
    fn a_link_leads_to_https_or_to_this_origin() {
        for good in ["https://example.com/imprint?a=b#c", "/help", "/"] {
            assert_eq!(FooterLink::parse(good).map(String::from), Ok(good.to_owned()));
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
        let link = FooterLink::parse("/help");
        let link = link.map(|link| link.absolute("https://op.example/id"));
        assert_eq!(link.as_deref(), Ok("https://op.example/help"));
    }

    #[test]
    fn a_client_has_the_links_of_the_provider_but_for_its_own() {
        let link = |text: &str| FooterLink::parse(text).ok();
        let usual =
            FooterLinks { imprint: link("/imprint"), privacy: link("/privacy"), help: None };
        let own = ClientBranding {
            privacy: link("https://shop.example/privacy"),
            ..ClientBranding::default()
        };
        let links = own.links_over(&usual);
        assert_eq!(links, FooterLinks { privacy: own.privacy, ..usual });
    }

    #[test]
    fn a_name_is_one_line() {
        let parsed = |name: &str| ShownName::try_from(name.to_owned());
        assert_eq!(parsed(" Bäckerei & Söhne ").map(String::from), Ok("Bäckerei & Söhne".into()));
        for name in ["", "  ", "a\nb", "a\u{202e}b", "a\u{2028}b", &"x".repeat(61)] {
            assert_eq!(parsed(name), Err(NoShownName), "{name:?}");
        }
    }
}
