//! Colours, and the contrast between two of them (WCAG 2.2, "relative luminance" and "contrast
//! ratio").

use std::fmt;

/// A colour of sRGB: red, green and blue. Written as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// The text is not a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give a colour as # and six hexadecimal digits, like #175c4a")]
pub struct NoColour;

impl Colour {
    /// White.
    pub const WHITE: Self = Self([255; 3]);
    /// Black.
    pub const BLACK: Self = Self([0; 3]);

    /// From its red, green and blue.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Result<Self, NoColour> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(NoColour)?;
        if !digits.bytes().all(|own| own.is_ascii_hexdigit()) {
            return Err(NoColour);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| NoColour)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }

    /// The contrast ratio with another colour: 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (own, other) = (self.luminance(), other.luminance());
        (own.max(other) + 0.05) / (own.min(other) + 0.05)
    }

    /// This colour with this many hundredths of another one in it.
    #[must_use]
    pub fn mixed(self, other: Self, hundredths: u8) -> Self {
        let part = u16::from(hundredths.min(100));
        let mix = |(own, other): (u8, u8)| {
            let sum = u16::from(own) * (100 - part) + u16::from(other) * part;
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        let [red, green, blue] = [0, 1, 2].map(|at| mix((self.0[at], other.0[at])));
        Self([red, green, blue])
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        let contrast = |one, other| {
            let (one, other) = (Colour::parse(one).unwrap(), Colour::parse(other).unwrap());
            format!("{:.2}", one.contrast(other))
        };
        assert_eq!(contrast("#000000", "#ffffff"), "21.00");
        assert_eq!(contrast("#ffffff", "#ffffff"), "1.00");
        assert_eq!(contrast("#767676", "#ffffff"), "4.54");
        assert_eq!(contrast("#ffffff", "#777777"), "4.48");
    }

    #[test]
    fn a_colour_is_written_as_it_was_read() {
        assert_eq!(Colour::parse("#0A7a5F").unwrap().to_string(), "#0a7a5f");
        for text in ["", "#fff", "175c4a", "#175c4", "#175c4aff", "#+75c4a", "red", "#17é4a"] {
            assert_eq!(Colour::parse(text), Err(NoColour), "{text}");
        }
    }

    #[test]
    fn a_mixture_lies_between() {
        assert_eq!(Colour::BLACK.mixed(Colour::WHITE, 0), Colour::BLACK);
        assert_eq!(Colour::BLACK.mixed(Colour::WHITE, 100), Colour::WHITE);
        assert_eq!(
            Colour::new(0, 100, 200).mixed(Colour::new(100, 100, 0), 10).to_string(),
            "#0a64b4"
        );
    }
}
