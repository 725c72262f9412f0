//! What users may do with their accounts by themselves.

use serde::Deserialize;

use crate::model::{editable_claim::EditableClaim, email::EmailAddress};

/// The settings of accounts. Lifetimes are in seconds.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// Whether the provider can send mail. Without it, nothing that needs a mail is offered.
    pub mail: bool,
    /// Who may make an account.
    pub registration: Registration,
    /// The domains that an address must have to register; empty: any.
    pub allowed_domains: Vec<String>,
    /// What users type to sign in.
    pub sign_in_with: SignInWith,
    /// The shortest password in characters.
    pub min_password_length: u32,
    /// How long a link to set another password works.
    pub reset_link_lifetime: u32,
    /// How long a link to register or to confirm an address works.
    pub registration_link_lifetime: u32,
    /// How many links of one kind may be on their way to one address.
    pub most_links_per_account: u32,
    /// How many links one network address may ask for before it must wait.
    pub most_links_per_address: u32,
    /// How many links go to one mailbox before it must wait for an hour.
    pub most_links_per_mailbox: u32,
    /// How many links may be asked for within one hour, by everybody together.
    pub most_links_per_hour: u32,
    /// The claims that users may change themselves.
    pub editable_claims: Vec<EditableClaim>,
    /// Whether users may delete their accounts.
    pub allow_deletion: bool,
    /// How many wrong passwords in a row, and wrong codes of an app, are checked from where the
    /// owner has not signed in before (NIST SP 800-63B-4 section 3.2.2); 0: any number.
    pub most_wrong_attempts: u32,
    /// How old a sign-in may be that lets a user change the account.
    pub fresh_sign_in: u32,
}

/// `registration`: who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Nobody: operators add users.
    #[default]
    Off,
    /// Whoever has an invitation.
    Invitation,
    /// Everybody, and whoever has an invitation.
    Open,
}

/// What users type to sign in, beside their password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInWith {
    /// The user name.
    pub username: bool,
    /// The verified e-mail address.
    pub email: bool,
}

impl Default for SignInWith {
    fn default() -> Self {
        Self { username: true, email: false }
    }
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            mail: false,
            registration: Registration::default(),
            allowed_domains: Vec::new(),
            sign_in_with: SignInWith::default(),
            min_password_length: 12,
            reset_link_lifetime: 900,
            registration_link_lifetime: 3600,
            most_links_per_account: 3,
            most_links_per_address: 20,
            most_links_per_mailbox: 10,
            most_links_per_hour: 1000,
            editable_claims: EditableClaim::USUAL.into(),
            allow_deletion: false,
            most_wrong_attempts: 100,
            fresh_sign_in: 300,
        }
    }
}

impl AccountSettings {
    /// Whether anybody may register.
    pub fn offers_registration(&self) -> bool {
        self.mail && self.registration == Registration::Open
    }

    /// Whether an invitation can be followed.
    pub fn takes_invitations(&self) -> bool {
        self.registration != Registration::Off
    }

    /// Whether a forgotten password can be replaced.
    pub fn offers_password_reset(&self) -> bool {
        self.mail
    }

    /// Whether this address may register.
    pub fn allows(&self, address: &EmailAddress) -> bool {
        let domain = address.domain();
        self.allowed_domains.is_empty()
            || self.allowed_domains.iter().any(|allowed| allowed.to_lowercase() == domain)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_listed_domains_may_register() {
        let domains = vec!["Example.com".to_owned(), "example.org".to_owned()];
        let settings = AccountSettings { allowed_domains: domains, ..AccountSettings::default() };
        let allows = |address: &str| settings.allows(&EmailAddress::parse(address).unwrap());
        assert!(allows("ada@example.com") && allows("ada@EXAMPLE.ORG"));
        assert!(!allows("ada@sub.example.com") && !allows("ada@evilexample.com"));
        assert!(AccountSettings::default().allows(&EmailAddress::parse("a@b.example").unwrap()));
    }
}
