//! The accent: the colour of buttons, links and focus rings, on light and on dark pages.

use std::{fmt, fmt::Write as _};

use serde::{Deserialize, Serialize};

use super::colour::{Colour, NoColour};

/// What text needs against what it stands on (WCAG 2.2, success criterion 1.4.3, level AA).
const LEAST_CONTRAST: f64 = 4.5;
/// How much of the accent is in the soft surface behind a note, in hundredths.
const IN_SOFT: u8 = 8;
/// How much of it is in the glow at the top of the page.
const IN_GLOW: u8 = 5;
/// How far a button moves towards black or white under the pointer.
const IN_HOVER: u8 = 18;

/// The surfaces of one colour scheme, as `style/main.css` has them. Accents that were accepted
/// against them are stored: change a surface only so that they stay readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// Behind everything.
    pub page: Colour,
    /// Of a card.
    pub surface: Colour,
    /// Of what lies deeper than a card.
    pub sunken: Colour,
    /// Towards what an accent moves that is not readable.
    towards: Colour,
    /// The word for that.
    more: &'static str,
}

impl Scheme {
    /// Light pages.
    pub const LIGHT: Self = Self {
        page: Colour::new(0xf5, 0xf4, 0xef),
        surface: Colour::new(0xff, 0xfe, 0xfb),
        sunken: Colour::new(0xf2, 0xf1, 0xea),
        towards: Colour::BLACK,
        more: "darker",
    };
    /// Dark pages.
    pub const DARK: Self = Self {
        page: Colour::new(0x10, 0x14, 0x12),
        surface: Colour::new(0x19, 0x1e, 0x1b),
        sunken: Colour::new(0x12, 0x16, 0x14),
        towards: Colour::WHITE,
        more: "lighter",
    };

    /// The surface on which the accent can be read worst, with what it is.
    fn worst(self, accent: Colour) -> (&'static str, Colour) {
        let shades = Shades::of(accent, self);
        [
            ("the page's background", self.page),
            ("the background of cards", self.surface),
            ("the background of code", self.sunken),
            ("the background of notes, which is mixed from it", shades.soft),
            ("the glow at the top of the page, which is mixed from it", shades.glow),
        ]
        .into_iter()
        .min_by(|(_, one), (_, other)| accent.contrast(*one).total_cmp(&accent.contrast(*other)))
        .unwrap_or(("the page's background", self.page))
    }

    fn check(self, accent: Colour) -> Result<(), AccentError> {
        let (what, behind) = self.worst(accent);
        if accent.contrast(behind) >= LEAST_CONTRAST {
            return Ok(());
        }
        let (better, more) = (self.readable(accent), self.more);
        Err(AccentError::Contrast { accent, what, behind, more, better })
    }

    /// The colour nearest to this one that can be read everywhere.
    fn readable(self, accent: Colour) -> Colour {
        let is_readable = |own: &Colour| own.contrast(self.worst(*own).1) >= LEAST_CONTRAST;
        (0..=100)
            .map(|part| accent.mixed(self.towards, part))
            .find(is_readable)
            .unwrap_or(self.towards)
    }
}

/// A colour can't be an accent.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum AccentError {
    /// It is not a colour.
    #[error(transparent)]
    NoColour(#[from] NoColour),
    /// Words in it could not be read.
    #[error(
        "its contrast with {what} ({behind}) is {:.2}:1, and text needs 4.5:1 (WCAG AA): take a \
         {more} colour, for example {better}",
        accent.contrast(*behind)
    )]
    Contrast {
        /// The colour.
        accent: Colour,
        /// What it was compared with, in words.
        what: &'static str,
        /// The colour of that.
        behind: Colour,
        /// Where a better one is.
        more: &'static str,
        /// The nearest one that can be read.
        better: Colour,
    },
}

/// An accent that can be read in one colour scheme.
pub trait Accent: Copy {
    /// The colour.
    fn colour(self) -> Colour;
}

macro_rules! accent {
    ($name:ident, $scheme:expr, $documentation:literal) => {
        #[doc = $documentation]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Colour);

        impl $name {
            /// Reads `#rrggbb`. A colour that can't be read in this scheme is refused.
            pub fn parse(text: &str) -> Result<Self, AccentError> {
                let colour = Colour::parse(text)?;
                $scheme.check(colour).map(|()| Self(colour))
            }
        }

        impl Accent for $name {
            fn colour(self) -> Colour {
                self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = AccentError;

            fn try_from(text: String) -> Result<Self, AccentError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(accent: $name) -> Self {
                accent.0.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

accent!(LightAccent, Scheme::LIGHT, "An accent that can be read on light pages.");
accent!(DarkAccent, Scheme::DARK, "An accent that can be read on dark pages.");

impl LightAccent {
    /// The same colour as light as dark pages need it.
    pub fn on_dark(self) -> DarkAccent {
        DarkAccent(Scheme::DARK.readable(self.0))
    }
}

/// The colours that are made from an accent.
#[derive(Debug, Clone, Copy)]
struct Shades {
    accent: Colour,
    /// Of words on the accent: white or black, whichever can be read better. That is always enough.
    ink: Colour,
    /// Of a button under the pointer. It is farther from the ink than the accent.
    hover: Colour,
    soft: Colour,
    glow: Colour,
}

impl Shades {
    fn of(accent: Colour, scheme: Scheme) -> Self {
        let white_is_better = accent.contrast(Colour::WHITE) >= accent.contrast(Colour::BLACK);
        let (ink, away) = if white_is_better {
            (Colour::WHITE, Colour::BLACK)
        } else {
            (Colour::BLACK, Colour::WHITE)
        };
        Self {
            accent,
            ink,
            hover: accent.mixed(away, IN_HOVER),
            soft: scheme.surface.mixed(accent, IN_SOFT),
            glow: scheme.page.mixed(accent, IN_GLOW),
        }
    }

    /// The variables of the style sheet.
    fn write(self, indent: &str, css: &mut String) {
        for (name, colour) in [
            ("accent", self.accent),
            ("accent-hover", self.hover),
            ("accent-ink", self.ink),
            ("accent-text", self.accent),
            ("accent-soft", self.soft),
            ("focus", self.accent),
            ("page-glow", self.glow),
        ] {
            let _ = writeln!(css, "{indent}--{name}: {colour};");
        }
    }
}

/// The accents of pages, where an operator chose them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accents {
    /// On light pages.
    pub light: Option<LightAccent>,
    /// On dark pages. Default: the other one, made light enough.
    pub dark: Option<DarkAccent>,
}

impl Accents {
    /// The accent on dark pages.
    pub fn on_dark(self) -> Option<DarkAccent> {
        self.dark.or(self.light.map(LightAccent::on_dark))
    }

    /// The colour of a button on a light page and of the words on it.
    pub fn button(self) -> Option<(Colour, Colour)> {
        let shades = Shades::of(self.light?.0, Scheme::LIGHT);
        Some((shades.accent, shades.ink))
    }

    /// The style sheet that sets them, after ours; `None` if there are none.
    pub fn style_sheet(self) -> Option<String> {
        let mut css = String::new();
        if let Some(light) = self.light {
            css.push_str(":root {\n");
            Shades::of(light.0, Scheme::LIGHT).write("  ", &mut css);
            css.push_str("}\n");
        }
        if let Some(dark) = self.on_dark() {
            css.push_str("@media (prefers-color-scheme: dark) {\n  :root {\n");
            Shades::of(dark.0, Scheme::DARK).write("    ", &mut css);
            css.push_str("  }\n}\n");
        }
        (!css.is_empty()).then_some(css)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_colour_that_cannot_be_read_is_refused_with_its_numbers_and_a_better_one() {
        let said = LightAccent::parse("#ffd54f").unwrap_err().to_string();
        assert!(said.contains("1.") && said.contains("4.5:1"), "{said}");
        assert!(said.contains("take a darker colour, for example #"), "{said}");
        let better = said.rsplit(' ').next().unwrap();
        LightAccent::parse(better).unwrap();
        let said = DarkAccent::parse("#175c4a").unwrap_err().to_string();
        assert!(said.contains("take a lighter colour"), "{said}");
        DarkAccent::parse(said.rsplit(' ').next().unwrap()).unwrap();
        assert!(LightAccent::parse("green").unwrap_err().to_string().contains("six hexadecimal"));
    }

    #[test]
    fn our_own_accents_would_be_accepted() {
        LightAccent::parse("#175c4a").unwrap();
        DarkAccent::parse("#84d3b4").unwrap();
    }

    #[test]
    fn nothing_chosen_changes_nothing() {
        assert_eq!(Accents::default().style_sheet(), None);
        let dark = Accents { light: None, dark: Some(DarkAccent::parse("#ffd54f").unwrap()) };
        let css = dark.style_sheet().unwrap();
        assert!(css.starts_with("@media (prefers-color-scheme: dark)"), "{css}");
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_can_be_read(red: u8, green: u8, blue: u8) {
            let wanted = Colour::new(red, green, blue);
            let light = LightAccent(Scheme::LIGHT.readable(wanted));
            let accepted = LightAccent::parse(&light.to_string());
            prop_assert_eq!(accepted, Ok(light));
            for (accent, scheme) in
                [(light.0, Scheme::LIGHT), (light.on_dark().0, Scheme::DARK)]
            {
                let shades = Shades::of(accent, scheme);
                let behind = [scheme.page, scheme.surface, scheme.sunken, shades.soft, shades.glow];
                for behind in behind {
                    prop_assert!(accent.contrast(behind) >= LEAST_CONTRAST);
                }
                for behind in [shades.accent, shades.hover] {
                    prop_assert!(shades.ink.contrast(behind) >= LEAST_CONTRAST);
                }
            }
        }
    }
}
