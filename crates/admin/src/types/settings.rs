//! Settings as a form shows them: what each one takes. Clients and identity providers have a table
//! of them each.

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Switch,
    /// A text.
    Text,
    /// A text, or null.
    OptionalText,
    /// A URL, or null.
    OptionalUrl,
    /// A list of URLs.
    Urls,
    /// A list of texts.
    Texts,
    /// A list of texts, or null for all that there are.
    OptionalTexts,
    /// A list of scopes.
    Scopes,
    /// One of these.
    Choice(&'static [&'static str]),
    /// One of these, or null.
    OptionalChoice(&'static [&'static str]),
    /// Some of these.
    Choices(&'static [&'static str]),
    /// One of these numbers, or null.
    OptionalLevel(&'static [u8]),
    /// Seconds.
    Lifetime,
    /// Seconds, or null.
    OptionalLifetime,
    /// A JSON Web Key Set, or null.
    OptionalKeys,
    /// Name, logo and colours of the pages of its sign-ins, or null.
    OptionalBranding,
    /// Claims: an object.
    Claims,
    /// An object that is written as JSON.
    Object,
    /// A list of objects that is written as JSON.
    Objects,
    /// A text that is not shown again, or null.
    OptionalSecret,
    /// Only one value is accepted: it is not shown.
    Fixed,
}

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting<Section> {
    /// Its name in the configuration and in the API.
    pub name: &'static str,
    /// What it belongs to.
    pub section: Section,
    /// What it takes.
    pub kind: Kind,
}

/// A setting of this name.
pub(super) const fn setting<Section>(
    name: &'static str,
    section: Section,
    kind: Kind,
) -> Setting<Section> {
    Setting { name, section, kind }
}
