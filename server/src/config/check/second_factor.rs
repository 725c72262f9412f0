//! `[accounts]`: who must sign in with a second factor, and passkeys.

use doorward_provider::model::{second_factor::SecondFactorSettings, time::Seconds};

use super::super::{ConfigError, SettingSources, file::AccountsSection};

/// The longest time for which a browser is remembered, in days.
const MOST_REMEMBERED_DAYS: u32 = 365;
const DAY: u32 = 86_400;

/// Checks the settings of second factors.
pub fn check(
    section: &AccountsSection,
    sources: &SettingSources,
) -> Result<SecondFactorSettings, ConfigError> {
    let days = section.remember_second_factor_days;
    if days > MOST_REMEMBERED_DAYS {
        let problem = "give at most 365 days, or 0 to ask for the second factor each time";
        return Err(sources.refuse("accounts.remember_second_factor_days", days, problem));
    }
    let origins = section.passkey_related_origins.iter().map(|origin| origin.as_str().to_owned());
    Ok(SecondFactorSettings {
        require: section.require_second_factor,
        remember: Seconds::new(days * DAY),
        related_origins: origins.collect(),
    })
}
