//! How pages look where an operator chose it: a name, a logo and colours that can be read.

mod accent;
mod colour;

use serde::{Deserialize, Serialize};

pub use self::{
    accent::{Accent, AccentError, Accents, DarkAccent, LightAccent, Scheme},
    colour::{Colour, NoColour},
};

/// The longest name of a logo, in bytes.
const LONGEST_LOGO_NAME: usize = 64;
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

/// `branding` of a client: what its sign-in pages show in place of the provider's own. What is
/// left out stays the provider's.
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
}

impl ClientBranding {
    /// Its colours, where it has any.
    pub fn accents(&self) -> Accents {
        Accents { light: self.accent, dark: self.accent_dark }
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
    fn a_name_is_one_line() {
        let parsed = |name: &str| ShownName::try_from(name.to_owned());
        assert_eq!(parsed(" Bäckerei & Söhne ").map(String::from), Ok("Bäckerei & Söhne".into()));
        for name in ["", "  ", "a\nb", "a\u{202e}b", "a\u{2028}b", &"x".repeat(61)] {
            assert_eq!(parsed(name), Err(NoShownName), "{name:?}");
        }
    }
}
