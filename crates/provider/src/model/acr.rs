//! How strongly a user signed in: two levels, a pure rule over the methods (`amr`, RFC 8176), and
//! their names on the wire (`acr`, OIDC Core section 2). A level is never stored, so a rule that
//! changes holds for every session.

use serde::{Deserialize, Serialize};

use crate::model::{session::method, settings_error::SettingsError};

/// How strongly a user signed in. A higher level meets whatever asks for a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum AcrLevel {
    /// By one factor: a password.
    One,
    /// By two factors, or by a passkey that verified its user.
    Two,
}

impl AcrLevel {
    const ALL: [Self; 2] = [Self::One, Self::Two];

    /// The level of a sign-in by these methods.
    pub fn of(amr: &[String]) -> Self {
        if amr.iter().any(|name| name == method::MULTI_FACTOR) { Self::Two } else { Self::One }
    }
}

/// There are the levels 1 and 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are two levels: 1 is a password, 2 is two factors or a passkey")]
pub struct UnknownLevel;

impl TryFrom<u8> for AcrLevel {
    type Error = UnknownLevel;

    fn try_from(number: u8) -> Result<Self, UnknownLevel> {
        Self::ALL.into_iter().find(|level| u8::from(*level) == number).ok_or(UnknownLevel)
    }
}

impl From<AcrLevel> for u8 {
    fn from(level: AcrLevel) -> Self {
        match level {
            AcrLevel::One => 1,
            AcrLevel::Two => 2,
        }
    }
}

/// The levels by their names, and the highest that users can reach here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcrLevels {
    /// From the lowest level up.
    names: [String; 2],
    highest: AcrLevel,
}

impl Default for AcrLevels {
    fn default() -> Self {
        let names = ["urn:doorward:acr:1", "urn:doorward:acr:2"].map(str::to_owned);
        Self { names, highest: AcrLevel::Two }
    }
}

impl AcrLevels {
    /// Levels with these names, from the lowest up. Refuses names that are equal, empty, or not
    /// printable ASCII without spaces: `acr_values` is separated by spaces.
    pub fn named(names: &[String]) -> Result<Self, SettingsError> {
        let is_name = |name: &String| {
            !name.is_empty()
                && name.len() <= 100
                && name.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match names {
            [one, two] if is_name(one) && is_name(two) && one != two => {
                Ok(Self { names: [one.clone(), two.clone()], ..Self::default() })
            }
            _ => {
                let problem = "name two different levels, each by 1 to 100 printable ASCII \
                               characters without spaces";
                Err(SettingsError::new("acr_values", format!("{names:?}"), problem))
            }
        }
    }

    /// The same levels, of which users can reach this one at most.
    #[must_use]
    pub fn up_to(self, highest: AcrLevel) -> Self {
        Self { highest, ..self }
    }

    /// Whether users can reach this level here.
    pub fn can_reach(&self, level: AcrLevel) -> bool {
        level <= self.highest
    }

    /// The value of `acr` for a sign-in by these methods.
    pub fn acr(&self, amr: &[String]) -> &str {
        self.name(AcrLevel::of(amr))
    }

    /// The name of a level.
    pub fn name(&self, level: AcrLevel) -> &str {
        let [one, two] = &self.names;
        match level {
            AcrLevel::One => one,
            AcrLevel::Two => two,
        }
    }

    /// The names of the levels that can be reached (`acr_values_supported`).
    pub fn supported(&self) -> Vec<String> {
        let reached = AcrLevel::ALL.into_iter().filter(|level| self.can_reach(*level));
        reached.map(|level| self.name(level).to_owned()).collect()
    }

    /// The level that meets a request in which each of these values will do: the lowest that is
    /// named. `None` if no level has any of these names.
    pub fn wanted<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> Option<AcrLevel> {
        let level = |value: &str| AcrLevel::ALL.into_iter().find(|own| self.name(*own) == value);
        values.into_iter().filter_map(level).min()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn amr(methods: &[&str]) -> Vec<String> {
        methods.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_methods_make_the_level() {
        for (methods, level) in [
            (&["pwd"][..], AcrLevel::One),
            (&["pwd", "otp", "mfa"], AcrLevel::Two),
            (&["hwk", "user", "mfa"], AcrLevel::Two),
            (&["swk", "user", "mfa"], AcrLevel::Two),
            // One factor, whichever it is.
            (&["otp"], AcrLevel::One),
            (&["MFA"], AcrLevel::One),
            (&[], AcrLevel::One),
        ] {
            assert_eq!(AcrLevel::of(&amr(methods)), level, "{methods:?}");
        }
    }

    #[test]
    fn any_of_the_values_will_do_and_unknown_ones_mean_nothing() {
        let levels = AcrLevels::default();
        let wanted = |values: &str| levels.wanted(values.split(' '));
        assert_eq!(wanted("urn:doorward:acr:2"), Some(AcrLevel::Two));
        assert_eq!(wanted("phr urn:doorward:acr:2"), Some(AcrLevel::Two));
        assert_eq!(wanted("urn:doorward:acr:2 urn:doorward:acr:1"), Some(AcrLevel::One));
        assert_eq!((wanted("phr gold"), wanted("")), (None, None));
    }

    #[test]
    fn only_what_can_be_reached_is_announced() {
        let levels = AcrLevels::named(&["silver".into(), "gold".into()]).unwrap();
        assert_eq!(levels.supported(), ["silver", "gold"]);
        let low = levels.clone().up_to(AcrLevel::One);
        assert_eq!(low.supported(), ["silver"]);
        assert!(low.can_reach(AcrLevel::One) && !low.can_reach(AcrLevel::Two));
        assert_eq!(levels.acr(&amr(&["pwd"])), "silver");
        assert_eq!(levels.acr(&amr(&["pwd", "mfa"])), "gold");
    }

    #[test]
    fn names_are_two_and_fit_in_a_list() {
        for names in [["", "b"], ["a", ""], ["a", "a"], ["a b", "c"], ["a", "\u{e4}"], ["a", "b\n"]]
        {
            assert!(AcrLevels::named(&names.map(str::to_owned)).is_err(), "{names:?}");
        }
    }

    #[test]
    fn a_level_is_written_as_its_number() {
        assert_eq!(serde_json::to_string(&AcrLevel::Two).unwrap(), "2");
        assert_eq!(serde_json::from_str::<AcrLevel>("1").unwrap(), AcrLevel::One);
        for other in ["0", "3", "\"2\"", "-1", "1.5"] {
            assert!(serde_json::from_str::<AcrLevel>(other).is_err(), "{other}");
        }
    }
}
