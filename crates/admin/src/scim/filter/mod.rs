//! Filters (RFC 7644 section 3.4.2.2): a type, its parser and what it matches.

mod matching;
mod parse;

use std::fmt;

use serde_json::Value;

pub use self::matching::{check, check_values, matches, matches_value};
use super::attribute_path::AttributePath;

/// The longest filter in bytes.
pub const LONGEST: usize = 2048;
/// How many brackets may be open at once.
pub const DEEPEST: usize = 10;
/// How many comparisons a filter may have.
pub const MOST_TERMS: usize = 50;

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them, at least two.
    And(Vec<Filter>),
    /// One of them, at least two.
    Or(Vec<Filter>),
    /// Not this one.
    Not(Box<Filter>),
    /// `pr`: the attribute has a value.
    Present(AttributePath),
    /// The attribute compared with a value.
    Compare(AttributePath, Comparison, Value),
    /// `[]`: one value of the attribute meets all of an inner filter.
    Has(AttributePath, Box<Filter>),
}

/// How an attribute is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

/// Why a text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It is too long.
    #[error("a filter has at most {LONGEST} bytes")]
    TooLong,
    /// It has too many brackets within each other.
    #[error("a filter has at most {DEEPEST} brackets within each other")]
    TooDeep,
    /// It has too many comparisons.
    #[error("a filter has at most {MOST_TERMS} comparisons")]
    TooManyTerms,
    /// Something else was expected.
    #[error("the filter is not well-formed at byte {at}: {expected} is expected there")]
    Syntax {
        /// Where, in bytes from the beginning.
        at: usize,
        /// What.
        expected: &'static str,
    },
}

impl Comparison {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Equal, "eq"),
        (Self::NotEqual, "ne"),
        (Self::Contains, "co"),
        (Self::StartsWith, "sw"),
        (Self::EndsWith, "ew"),
        (Self::Greater, "gt"),
        (Self::GreaterOrEqual, "ge"),
        (Self::Less, "lt"),
        (Self::LessOrEqual, "le"),
    ];

    fn parse(word: &str) -> Option<Self> {
        let named = |(_, name): &&(Self, &str)| name.eq_ignore_ascii_case(word);
        Self::ALL.iter().find(named).map(|(comparison, _)| *comparison)
    }

    fn as_str(self) -> &'static str {
        let own = |(comparison, _): &&(Self, &str)| *comparison == self;
        Self::ALL.iter().find(own).map_or("eq", |(_, name)| name)
    }
}

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::whole(text)
    }

    /// The inner filter of a path with `[]`, and where it ends: at the closing bracket.
    pub fn parse_within_brackets(text: &str) -> Result<(Self, usize), FilterError> {
        parse::within_brackets(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |formatter: &mut fmt::Formatter<'_>, word: &str, parts: &[Self]| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    write!(formatter, " {word} ")?;
                }
                match part {
                    Self::And(_) | Self::Or(_) => write!(formatter, "({part})")?,
                    _ => write!(formatter, "{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::And(parts) => joined(formatter, "and", parts),
            Self::Or(parts) => joined(formatter, "or", parts),
            Self::Not(inner) => write!(formatter, "not ({inner})"),
            Self::Present(path) => write!(formatter, "{path} pr"),
            Self::Compare(path, comparison, value) => {
                write!(formatter, "{path} {} {value}", comparison.as_str())
            }
            Self::Has(path, inner) => write!(formatter, "{path}[{inner}]"),
        }
    }
}
