//! `[accounts]`.

use std::path::PathBuf;

use doorward_provider::model::{
    account_settings::{AccountSettings, Registration},
    editable_claim::EditableClaim,
    second_factor::RequireSecondFactor,
};
use serde::Deserialize;

use crate::config::values::{Origin, Seconds};

/// `[accounts]`: what users may do with their accounts by themselves.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AccountsSection {
    pub registration: Registration,
    pub allowed_domains: Vec<String>,
    pub sign_in_with: Vec<SignInName>,
    pub reset_link_lifetime: Seconds,
    pub registration_link_lifetime: Seconds,
    pub most_links_per_account: u32,
    pub most_links_per_address: u32,
    pub most_links_per_mailbox: u32,
    pub most_links_per_hour: u32,
    pub most_wrong_attempts: u32,
    pub breached_passwords_file: Option<PathBuf>,
    pub breached_passwords_url: Option<String>,
    pub require_second_factor: RequireSecondFactor,
    pub remember_second_factor_days: u32,
    pub passkey_related_origins: Vec<Origin>,
    pub editable_claims: Vec<EditableClaim>,
    pub allow_deletion: bool,
    pub fresh_sign_in: Seconds,
}

impl Default for AccountsSection {
    fn default() -> Self {
        let settings = AccountSettings::default();
        Self {
            registration: settings.registration,
            allowed_domains: settings.allowed_domains,
            sign_in_with: vec![SignInName::Username],
            reset_link_lifetime: Seconds::new(settings.reset_link_lifetime),
            registration_link_lifetime: Seconds::new(settings.registration_link_lifetime),
            most_links_per_account: settings.most_links_per_account,
            most_links_per_address: settings.most_links_per_address,
            most_links_per_mailbox: settings.most_links_per_mailbox,
            most_links_per_hour: settings.most_links_per_hour,
            most_wrong_attempts: settings.most_wrong_attempts,
            breached_passwords_file: None,
            breached_passwords_url: None,
            require_second_factor: RequireSecondFactor::default(),
            remember_second_factor_days: 0,
            passkey_related_origins: Vec::new(),
            editable_claims: settings.editable_claims,
            allow_deletion: settings.allow_deletion,
            fresh_sign_in: Seconds::new(settings.fresh_sign_in),
        }
    }
}

/// A name that users sign in with, of `sign_in_with`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignInName {
    /// The user name.
    Username,
    /// The verified e-mail address.
    Email,
}
